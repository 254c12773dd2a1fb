//! Numbers as text, read and written the way Redis reads and writes them.
//!
//! Integers are strict: a number is taken only if printing it again would give the same bytes, which is also what
//! lets a stored string become an integer and come back unchanged. Knows no error text: what is no number is `None`.

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

/// One to nineteen digits, the first of them not zero. Nineteen digits are below 2^64, so nothing here can overflow
/// and the loop has no check but that for a digit.
#[inline]
fn digits_from_one(digits: &[u8]) -> Option<u64> {
    if digits.len() > 19 || *digits.first()? == b'0' {
        return None;
    }
    let mut number = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

pub fn print_integer(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

pub fn print_unsigned(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_one_form() {
        for (text, number) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("-1", Some(-1)),
            ("1234567890", Some(1_234_567_890)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("9999999999999999999", None),
            ("18446744073709551616", None),
            ("10000000000000000000000", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("+1", None),
            ("00", None),
            ("01", None),
            ("-01", None),
            ("--1", None),
            (" 1", None),
            ("1 ", None),
            ("1\0", None),
            ("1.0", None),
            ("1e3", None),
            ("0x10", None),
            ("12a4", None),
            ("1/", None),
            ("1:", None),
        ] {
            assert_eq!(integer(text.as_bytes()), number, "{text:?}");
        }
    }

    #[test]
    fn unsigned_integers_have_one_form() {
        for (text, number) in [
            ("0", Some(0)),
            ("9223372036854775808", Some(1 << 63)),
            ("9999999999999999999", Some(9_999_999_999_999_999_999)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("99999999999999999999", None),
            ("1844674407370955161x", None),
            ("01844674407370955161", None),
            ("118446744073709551615", None),
            ("", None),
            ("-1", None),
            ("00", None),
            ("+1", None),
        ] {
            assert_eq!(unsigned(text.as_bytes()), number, "{text:?}");
        }
    }

    /// Around every power of two and of ten, what is printed is read back, and reading agrees with std.
    #[test]
    fn printed_integers_are_read_back() {
        let powers = (0..64).map(|n| 1i64 << n).chain((0..19).map(|n| 10i64.pow(n)));
        for number in
            powers.flat_map(|p| (-3..=3).flat_map(move |d| [p.wrapping_add(d), p.wrapping_neg().wrapping_add(d)]))
        {
            let mut text = Vec::new();
            print_integer(number, &mut text);
            assert_eq!(integer(&text), Some(number));
            assert_eq!(text, number.to_string().as_bytes());
            text.clear();
            print_unsigned(number as u64, &mut text);
            assert_eq!(unsigned(&text), Some(number as u64));
        }
    }
}
