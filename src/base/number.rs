//! Numbers as text, read and written the way Redis reads and writes them.
//!
//! Integers are strict: a number is taken only if printing it again would give the same bytes, which is also what
//! lets a stored string become an integer and come back unchanged. Knows no error text: what is no number is `None`.
//! The floats here are scores and durations, of 64 bits; INCRBYFLOAT counts in [`super::extended`].

#[cfg(test)]
mod tests;

use super::extended::{Hexadecimal, round_to};
use super::grisu;

/// A signed integer of 64 bits in its one canonical form: no `+`, no leading zero, no space, no `-0`.
#[inline]
pub fn integer(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => {
            let size = digits_from_one(digits)?;
            // The most negative number has no positive twin: its size, 2^63, wraps onto it.
            (size <= 1 << 63).then(|| (size as i64).wrapping_neg())
        }
        [b'0'] => Some(0),
        digits => i64::try_from(digits_from_one(digits)?).ok(),
    }
}

/// An unsigned integer of 64 bits, as strict as [`integer`].
#[inline]
pub fn unsigned(text: &[u8]) -> Option<u64> {
    match text {
        [b'0'] => Some(0),
        // Twenty digits may or may not fit; up to nineteen always do.
        [head @ .., last] if head.len() == 19 && last.is_ascii_digit() => {
            digits_from_one(head)?.checked_mul(10)?.checked_add(u64::from(last - b'0'))
        }
        digits => digits_from_one(digits),
    }
}

/// One to nineteen digits, the first of them not zero. Nineteen digits are below 2^64, so nothing here can overflow.
#[inline]
fn digits_from_one(digits: &[u8]) -> Option<u64> {
    if digits.len() > 19 || *digits.first()? == b'0' {
        return None;
    }
    let (head, tail) = digits.split_at(digits.len() % 8);
    let mut number = of_up_to_eight_digits(head)?;
    for eight in tail.chunks_exact(8) {
        number = number * 100_000_000 + of_up_to_eight_digits(eight)?;
    }
    Some(number)
}

/// Takes the bytes as one word, the first digit lowest, and works on all of them at once. For eight digits that took
/// 2.9 ns where a loop of multiplications, each waiting for the one before, took 6.5; below four the loop is as good.
#[inline]
fn of_up_to_eight_digits(digits: &[u8]) -> Option<u64> {
    let count = digits.len();
    let (Some(first), Some(last)) = (digits.first_chunk::<4>(), digits.last_chunk::<4>()) else {
        let add = |number: u64, byte: &u8| byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'));
        return digits.iter().try_fold(0, add);
    };
    // Where the two halves overlap they are the same bytes.
    let word = u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (count - 4));
    // To the high end, so that what is missing are leading zeros; then each byte is a digit or something above 9.
    let digits = (word << (8 * (8 - count))) ^ (ZEROS << (8 * (8 - count)));
    if (digits | digits.wrapping_add(6 * ONES)) & (0xf0 * ONES) != 0 {
        return None;
    }
    // Neighbours join: eight digits to four numbers below 100, to two below 10,000, to one.
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const ZEROS: u64 = b'0' as u64 * ONES;

/// The digits of a number from 1 to 99,999,999, the first of them lowest, and how many they are: all are found at once, as
/// they are read, so that a reply of some digits waits for no division by ten after the other.
#[inline]
pub fn up_to_eight_digits(number: i64) -> Option<(u64, usize)> {
    if !(1..100_000_000).contains(&number) {
        return None;
    }
    let number = number as u64;
    // Two numbers below 10,000, four below 100, eight digits: in each word the higher part stands lowest.
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    let digits = tens | ((pairs - 10 * tens) << 8);
    let missing = digits.trailing_zeros() as usize / 8;
    Some(((digits | ZEROS) >> (8 * missing), 8 - missing))
}

pub fn print_integer(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

pub fn print_unsigned(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A float as C's `strtod` takes it: decimal or hexadecimal, `inf` and `infinity` in any case. Redis refuses beside what
/// is no number: `nan`, spaces, and finite text too large for a float or so small that nothing but zero is left.
pub fn float(text: &[u8]) -> Option<f64> {
    if let Some(number) = integer(text) {
        return Some(number as f64);
    }
    if let Some(number) = Hexadecimal::parse(text) {
        return float_from_hexadecimal(number);
    }
    // From here on std takes exactly what strtod takes, and rounds it to the nearest float as well.
    let number: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    let digits = text.split(|byte| byte.eq_ignore_ascii_case(&b'e')).next()?;
    let lost = match number.abs() {
        f64::INFINITY => digits.iter().any(u8::is_ascii_digit),
        0.0 => digits.iter().any(|byte| (b'1'..=b'9').contains(byte)),
        size => size.is_nan(),
    };
    (!lost).then_some(number)
}

/// A float as Redis takes the end of a range: decimal, ended by a zero if there is one, nothing at all for 0, and whatever
/// is too large or too small.
pub fn bound(text: &[u8]) -> Option<f64> {
    let text = &text[..memchr::memchr(0, text).unwrap_or(text.len())];
    if text.is_empty() {
        return Some(0.0);
    }
    str::from_utf8(text).ok()?.parse().ok().filter(|number: &f64| !number.is_nan())
}

fn float_from_hexadecimal(number: Hexadecimal) -> Option<f64> {
    const BITS: u32 = f64::MANTISSA_DIGITS;
    const LOWEST: i32 = f64::MIN_EXP - BITS as i32;
    let (significand, exponent) = round_to(BITS, LOWEST, number.significand, number.exponent);
    if significand == 0 && number.significand != 0 || exponent + BITS as i32 > f64::MAX_EXP {
        return None;
    }
    // A normal number's topmost bit is not stored, but adds one to the exponent's field.
    let field = (exponent - LOWEST) as u64;
    let size = f64::from_bits((field << (BITS - 1)) + significand);
    Some(if number.negative { -size } else { size })
}

/// A float as Redis 8.0 prints scores and the doubles of RESP3. Its choice of plain or exponent form is kept, odd as it is.
pub fn print_float(number: f64, out: &mut Vec<u8>) {
    // Integers up to 2^62 come out in full.
    if number.trunc() == number && number.abs() <= (1u64 << 62) as f64 {
        out.extend_from_slice(if number == 0.0 && number.is_sign_negative() { b"-" } else { b"" });
        print_integer(number as i64, out);
    } else if number.is_nan() {
        out.extend_from_slice(b"nan");
    } else {
        print_digits(number, out);
    }
}

/// The same, but that an integer has no more digits than it needs, so that 1e15 comes out as `1e+15`: what DEBUG DIGEST
/// takes for a score.
pub fn print_float_in_few_digits(number: f64, out: &mut Vec<u8>) {
    if number == 0.0 || number.is_nan() { print_float(number, out) } else { print_digits(number, out) }
}

/// A float as C's `printf("%.17g")`, which is what ZSCAN tells.
pub fn print_float_in_17_digits(number: f64, out: &mut Vec<u8>) {
    if !number.is_finite() || number == 0.0 {
        return print_float(number, out);
    }
    let text = format!("{number:.16e}");
    let (digits, exponent) = text.split_once('e').expect("an exponent");
    let exponent: i32 = exponent.parse().expect("a number");
    let (sign, digits) = digits.split_at((number < 0.0) as usize);
    let digits: Vec<u8> = digits.bytes().filter(|byte| *byte != b'.').collect();
    let count = digits.iter().rposition(|digit| *digit != b'0').map_or(1, |last| last + 1);
    let digits = &digits[..count];
    out.extend_from_slice(sign.as_bytes());
    match exponent {
        -4..0 => {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + (-exponent - 1) as usize, b'0');
            out.extend_from_slice(digits);
        }
        0..17 => {
            let whole = exponent as usize + 1;
            out.extend_from_slice(&digits[..whole.min(count)]);
            out.resize(out.len() + whole.saturating_sub(count), b'0');
            if count > whole {
                out.push(b'.');
                out.extend_from_slice(&digits[whole..]);
            }
        }
        _ => {
            out.push(digits[0]);
            if count > 1 {
                out.push(b'.');
                out.extend_from_slice(&digits[1..]);
            }
            out.extend_from_slice(format!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()).as_bytes());
        }
    }
}

/// Plain where few zeros are to be added on either side of the digits, `d.dde-x` otherwise.
fn print_digits(number: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(if number < 0.0 { b"-" } else { b"" });
    if number.is_infinite() {
        return out.extend_from_slice(b"inf");
    }
    let mut room = [0; 20];
    let (digits, scale) = grisu::digits(number.abs(), &mut room);
    let count = digits.len() as i32;
    let exponent = scale + count - 1;
    if scale >= 0 && exponent < count + 7 {
        out.extend_from_slice(digits);
        out.resize(out.len() + scale as usize, b'0');
    } else if scale < 0 && (scale > -7 || exponent.abs() < 4) {
        let whole = (scale + count).max(0) as usize;
        out.extend_from_slice(if whole == 0 { b"0" } else { &digits[..whole] });
        out.push(b'.');
        out.resize(out.len() + (-scale - count).max(0) as usize, b'0');
        out.extend_from_slice(&digits[whole..]);
    } else {
        out.push(digits[0]);
        if let more @ [_, ..] = &digits[1..] {
            out.push(b'.');
            out.extend_from_slice(more);
        }
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        print_integer(i64::from(exponent.abs()), out);
    }
}
