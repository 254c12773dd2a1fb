//! Floats with a significand of 64 bits, in which Redis counts INCRBYFLOAT and HINCRBYFLOAT.
//!
//! Redis uses C's `long double`, which on x86 is the x87 extended format: text is rounded to it once, a sum once, and
//! what is printed has at most 17 decimals. Here the same is done in integers, bit for bit, on every machine.
//! Only what the commands need: reading, adding, printing. There is no NaN; what would be one counts as infinite.
mod natural;
#[cfg(test)]
mod tests;

use natural::Natural;

/// Redis copies the text into a buffer of this size, with a zero behind it: longer text is no number.
const LONGEST_TEXT: usize = 5 * 1024 - 1;
/// The value of the lowest bit of the smallest number, and the largest that the lowest bit of a number can have.
const LOWEST: i32 = -16445;
const HIGHEST: i32 = 16320;
const BITS: u32 = 64;

/// The number `significand` * 2^`exponent`.
///
/// Invariant: the topmost bit of the significand is set unless the exponent is `LOWEST`; zero has exponent `LOWEST`.
/// Infinite numbers, and only these, have an exponent above `HIGHEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extended {
    negative: bool,
    significand: u64,
    exponent: i32,
}

impl Extended {
    /// Takes what [`super::number::float`] takes, in the wider range: up to 1.18e4932, down to 3.6e-4951.
    pub fn parse(text: &[u8]) -> Option<Extended> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        if let Some(number) = Hexadecimal::parse(text) {
            return Extended::round_within_range(number.negative, number.significand, number.exponent);
        }
        let (negative, rest) = split_sign(text);
        if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
            return Some(Extended { negative, significand: 0, exponent: HIGHEST + 1 });
        }
        let (wide, exponent) = Decimal::parse(rest)?.to_binary();
        Extended::round_within_range(negative, wide, exponent)
    }

    pub fn is_finite(self) -> bool {
        self.exponent <= HIGHEST
    }

    /// The number nearest to the sum.
    #[allow(clippy::should_implement_trait, reason = "one sum in two commands does not need an operator")]
    pub fn add(self, other: Extended) -> Extended {
        let (large, small) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        if !large.is_finite() {
            return large;
        }
        // 62 bits of room below: what falls out of them at the right only matters by being there or not.
        const ROOM: i32 = 62;
        let wide = u128::from(large.significand) << ROOM;
        let shifted = shift_right_sticky(u128::from(small.significand) << ROOM, large.exponent - small.exponent);
        let exponent = large.exponent - ROOM;
        if large.negative == small.negative {
            Extended::round(large.negative, wide + shifted, exponent)
        } else if wide == shifted {
            Extended::round(false, 0, exponent)
        } else {
            Extended::round(large.negative == (wide > shifted), wide.abs_diff(shifted), exponent)
        }
    }

    /// Plain decimal with at most 17 decimals and no zeros at their end. Only finite numbers have such a text.
    pub fn print(self, out: &mut Vec<u8>) {
        assert!(self.is_finite());
        let mut buffer = itoa::Buffer::new();
        let start = out.len();
        if self.negative {
            out.push(b'-');
        }
        if self.exponent > 0 {
            let mut whole = Natural::from(self.significand);
            whole.shift_left(self.exponent as u32);
            return whole.print(out);
        }
        // Below 2^64 the number times 10^17 fits in 128 bits.
        const UNIT: u128 = 10u128.pow(17);
        let scaled = shift_right_rounded(u128::from(self.significand) * UNIT, self.exponent.unsigned_abs());
        if scaled == 0 {
            out.truncate(start);
        }
        out.extend_from_slice(buffer.format((scaled / UNIT) as u64).as_bytes());
        let mut fraction = (scaled % UNIT) as u64;
        if fraction != 0 {
            let mut decimals = 17;
            while fraction.is_multiple_of(10) {
                fraction /= 10;
                decimals -= 1;
            }
            let digits = buffer.format(fraction).as_bytes();
            out.push(b'.');
            out.resize(out.len() + decimals - digits.len(), b'0');
            out.extend_from_slice(digits);
        }
    }

    /// The number nearest to `wide` * 2^`exponent`, of two equally near ones that with an even significand.
    fn round(negative: bool, wide: u128, exponent: i32) -> Extended {
        let (significand, exponent) = round_to(BITS, LOWEST, wide, exponent);
        if exponent > HIGHEST {
            return Extended { negative, significand: 0, exponent: HIGHEST + 1 };
        }
        Extended { negative, significand, exponent }
    }

    /// `None` for what rounds to an infinite number, or to zero without being zero.
    fn round_within_range(negative: bool, wide: u128, exponent: i32) -> Option<Extended> {
        let number = Extended::round(negative, wide, exponent);
        (number.is_finite() && (number.significand == 0) == (wide == 0)).then_some(number)
    }
}

/// Rounds `wide` * 2^`exponent` to a significand of `bits` bits whose lowest bit is worth 2^`lowest` or more, to the
/// nearest even one. The topmost of the bits is set unless the exponent comes out as `lowest`; it has no upper end.
pub(super) fn round_to(bits: u32, lowest: i32, wide: u128, exponent: i32) -> (u64, i32) {
    if wide == 0 {
        return (0, lowest);
    }
    let width = (u128::BITS - wide.leading_zeros()) as i32;
    let excess = (width - bits as i32).max(lowest - exponent);
    let exponent = exponent + excess;
    if excess <= 0 {
        return ((wide << -excess) as u64, exponent);
    }
    let rounded = shift_right_rounded(wide, excess as u32);
    // Rounding up may have carried into one bit more; that number is a power of two.
    if rounded >> bits == 0 { (rounded as u64, exponent) } else { ((rounded >> 1) as u64, exponent + 1) }
}

fn shift_right_rounded(wide: u128, places: u32) -> u128 {
    match places {
        0 => wide,
        1..=127 => {
            let (kept, lost, half) = (wide >> places, wide & ((1 << places) - 1), 1 << (places - 1));
            kept + u128::from(lost > half || lost == half && kept & 1 == 1)
        }
        128 => u128::from(wide > 1 << 127),
        _ => 0,
    }
}

/// Shifts right; if bits are lost, the lowest bit that stays is set in their place, so that the result is on the same
/// side of every point of rounding (all of which are even here) as the exact value.
fn shift_right_sticky(wide: u128, places: i32) -> u128 {
    if places > 127 {
        return u128::from(wide != 0);
    }
    let kept = wide >> places;
    kept | u128::from(kept << places != wide)
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// An exponent behind `e` or `p`: a sign and digits, held within a bound that is beyond every number.
fn parse_exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0, |size, digit| (size * 10 + i32::from(digit - b'0')).min(BEYOND));
    Some(if negative { -size } else { size })
}

const BEYOND: i32 = 100_000;

/// Splits `digits[.digits]` at the point. `None` if there is no digit or a byte that `is_digit` does not know.
fn split_point(text: &[u8], is_digit: fn(&u8) -> bool) -> Option<(&[u8], &[u8])> {
    let point = text.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = point.map_or((text, &b""[..]), |at| (&text[..at], &text[at + 1..]));
    let digits = || whole.iter().chain(fraction);
    (digits().next().is_some() && digits().all(is_digit)).then_some((whole, fraction))
}

/// A hexadecimal float: `significand` * 2^`exponent`. Digits beyond the thirtieth set the lowest bit, so rounding to
/// any width of up to 100 bits or so comes out right.
pub(super) struct Hexadecimal {
    pub negative: bool,
    pub significand: u128,
    pub exponent: i32,
}

impl Hexadecimal {
    /// `[sign] 0x digits [. digits] [p [sign] decimal digits]`.
    pub fn parse(text: &[u8]) -> Option<Hexadecimal> {
        let (negative, rest) = split_sign(text);
        let [b'0', b'x' | b'X', rest @ ..] = rest else { return None };
        let p = rest.iter().position(|byte| byte.eq_ignore_ascii_case(&b'p'));
        let mut exponent = p.map_or(Some(0), |at| parse_exponent(&rest[at + 1..]))?;
        let (whole, fraction) = split_point(&rest[..p.unwrap_or(rest.len())], u8::is_ascii_hexdigit)?;
        let mut significand = 0;
        let mut places = -4 * fraction.len() as i64;
        for &byte in whole.iter().chain(fraction) {
            let digit = u128::from((byte as char).to_digit(16)?);
            if significand >> 120 == 0 {
                significand = significand << 4 | digit;
            } else {
                significand |= u128::from(digit != 0);
                places += 4;
            }
        }
        exponent += places.clamp(-i64::from(BEYOND), i64::from(BEYOND)) as i32;
        Some(Hexadecimal { negative, significand, exponent })
    }
}

/// A decimal float without its sign: all digits read as one integer, times 10^`scale`.
struct Decimal<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    scale: i32,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a [u8]) -> Option<Decimal<'a>> {
        let e = text.iter().position(|byte| byte.eq_ignore_ascii_case(&b'e'));
        let exponent = e.map_or(Some(0), |at| parse_exponent(&text[at + 1..]))?;
        let (whole, fraction) = split_point(&text[..e.unwrap_or(text.len())], u8::is_ascii_digit)?;
        Some(Decimal { whole, fraction, scale: exponent - fraction.len() as i32 })
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.iter().chain(self.fraction).map(|digit| digit - b'0')
    }

    /// As a binary number with at least 66 bits or exact, its lowest bit set if bits beyond it were lost.
    fn to_binary(&self) -> (u128, i32) {
        if self.whole.len() + self.fraction.len() <= 19 && (-18..=0).contains(&self.scale) {
            // The usual case: one division. The quotient has at least 67 bits, since 10^18 has 60.
            let number = self.digits().fold(0, |number, digit| number * 10 + u64::from(digit));
            let shift = 64 + number.leading_zeros().min(63);
            let (numerator, divisor) = (u128::from(number) << shift, 10u128.pow(self.scale.unsigned_abs()));
            let sticky = u128::from(!numerator.is_multiple_of(divisor));
            return ((numerator / divisor) | sticky, -(shift as i32));
        }
        let mut number = Natural::from(0);
        let digits: Vec<u8> = self.digits().collect();
        for group in digits.chunks(19) {
            let summand = group.iter().fold(0, |sum, digit| sum * 10 + u64::from(*digit));
            number.multiply_add(10u64.pow(group.len() as u32), summand);
        }
        match self.scale {
            _ if number.is_zero() => (0, 0),
            // Far outside the range for any text of this length: not worth computing.
            ..-16_000 => (1, -BEYOND),
            5_001.. => (1, BEYOND),
            scale => {
                let (mut divisor, places) = (Natural::from(1), scale.unsigned_abs());
                let scaled = if scale < 0 { &mut divisor } else { &mut number };
                for done in (0..places).step_by(19) {
                    scaled.multiply_add(10u64.pow(19.min(places - done)), 0);
                }
                number.divide(divisor)
            }
        }
    }
}
