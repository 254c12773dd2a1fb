//! Floats with a significand of 64 bits, in which Redis counts INCRBYFLOAT and HINCRBYFLOAT.
//!
//! Redis uses C's `long double`, which on x86 is the x87 extended format: text is rounded to it once, a sum once, and
//! what is printed has at most 17 decimals. Here the same is done in integers, bit for bit, on every machine.
//! Only what the commands need: reading, adding, printing. There is no NaN; what would be one counts as infinite.

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

/// A natural number of any size: digits of base 2^64, the least first.
///
/// Invariant: the last digit is not zero.
struct Natural(Vec<u64>);

impl Natural {
    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn bits(&self) -> i32 {
        self.0.last().map_or(0, |last| 64 * self.0.len() as i32 - last.leading_zeros() as i32)
    }

    fn multiply_add(&mut self, factor: u64, summand: u64) {
        let mut carry = u128::from(summand);
        for limb in &mut self.0 {
            carry += u128::from(*limb) * u128::from(factor);
            *limb = carry as u64;
            carry >>= 64;
        }
        if carry != 0 {
            self.0.push(carry as u64);
        }
    }

    fn shift_left(&mut self, places: u32) {
        self.multiply_add(1 << (places % 64), 0);
        self.0.splice(0..0, std::iter::repeat_n(0, places as usize / 64));
    }

    fn at_least(&self, other: &Natural) -> bool {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev())).is_ge()
    }

    /// Takes away a number that is not larger.
    fn subtract(&mut self, other: &Natural) {
        let mut borrow = false;
        for (at, limb) in self.0.iter_mut().enumerate() {
            let (part, under) = limb.overflowing_sub(other.0.get(at).copied().unwrap_or(0));
            let (part, under_again) = part.overflowing_sub(u64::from(borrow));
            (*limb, borrow) = (part, under || under_again);
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// The quotient's 67 or 68 leading bits, with the lowest set if any bit beyond them is, and its exponent. Long
    /// division in base two: the worst text takes a quarter of a millisecond. Divisions by 10^9 in a row, which were here
    /// first, took eleven.
    fn divide(mut self, mut divisor: Natural) -> (u128, i32) {
        const STEPS: i32 = 67;
        let shift = self.bits() - divisor.bits();
        let smaller = if shift < 0 { &mut self } else { &mut divisor };
        smaller.shift_left(shift.unsigned_abs());
        let mut quotient = 0;
        for _ in 0..=STEPS {
            quotient <<= 1;
            if self.at_least(&divisor) {
                self.subtract(&divisor);
                quotient |= 1;
            }
            self.shift_left(1);
        }
        (quotient | u128::from(!self.is_zero()), shift - STEPS)
    }

    fn print(mut self, out: &mut Vec<u8>) {
        // Nine digits at a time, the least first; dividing by a constant is much faster than by any other number.
        const GROUP: u64 = 1_000_000_000;
        let mut groups = Vec::new();
        while !self.is_zero() {
            let mut remainder = 0;
            for limb in self.0.iter_mut().rev() {
                let high = (remainder << 32) | (*limb >> 32);
                let low = ((high % GROUP) << 32) | (*limb & 0xffff_ffff);
                *limb = ((high / GROUP) << 32) | (low / GROUP);
                remainder = low % GROUP;
            }
            if self.0.last() == Some(&0) {
                self.0.pop();
            }
            groups.push(remainder);
        }
        for (at, group) in groups.iter().rev().enumerate() {
            let mut buffer = itoa::Buffer::new();
            let digits = buffer.format(*group).as_bytes();
            out.resize(out.len() + if at == 0 { 0 } else { 9 - digits.len() }, b'0');
            out.extend_from_slice(digits);
        }
    }
}

impl From<u64> for Natural {
    fn from(number: u64) -> Natural {
        Natural(if number == 0 { Vec::new() } else { vec![number] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Trouble {
        NoNumber,
        Infinite,
    }
    use Trouble::*;

    fn sum(a: &str, b: &str) -> Result<String, Trouble> {
        let (a, b) = (Extended::parse(a.as_bytes()).ok_or(NoNumber)?, Extended::parse(b.as_bytes()).ok_or(NoNumber)?);
        let sum = a.add(b);
        if !sum.is_finite() {
            return Err(Infinite);
        }
        let mut out = Vec::new();
        sum.print(&mut out);
        Ok(String::from_utf8(out).unwrap())
    }

    /// What redis-server 7.0.15 on x86-64 answered to SET and INCRBYFLOAT. 400,000 random pairs agreed too, with it and
    /// with 8.0.6.
    #[test]
    fn sums_are_those_of_redis() {
        for (a, b, expected) in [
            ("0", "0", Ok("0")),
            ("-0", "-0", Ok("0")),
            ("0", "-5e-18", Ok("0")),
            ("5e-18", "0", Ok("0")),
            ("0", "5.1e-18", Ok("0.00000000000000001")),
            ("15e-18", "0", Ok("0.00000000000000002")),
            ("1.5e-17", "1e-17", Ok("0.00000000000000003")),
            ("10.5", "0.1", Ok("10.6")),
            ("0.1", "0.2", Ok("0.3")),
            ("3.0e3", "200", Ok("3200")),
            ("5.0e3", "2.0e2", Ok("5200")),
            ("1", "+1", Ok("2")),
            ("1", "0x10", Ok("17")),
            ("0x.8", "0X1P-2", Ok("0.75")),
            ("0x1.fp", "1", Err(NoNumber)),
            ("0x", "1", Err(NoNumber)),
            ("1.", ".5", Ok("1.5")),
            (".", "1", Err(NoNumber)),
            ("1e", "1", Err(NoNumber)),
            ("1e+", "1", Err(NoNumber)),
            ("", "1", Err(NoNumber)),
            (" 1", "1", Err(NoNumber)),
            ("1 ", "1", Err(NoNumber)),
            ("1", "1x", Err(NoNumber)),
            ("nan", "1", Err(NoNumber)),
            ("1", "nan", Err(NoNumber)),
            ("inf", "1", Err(Infinite)),
            ("1", "-Infinity", Err(Infinite)),
            ("inf", "-inf", Err(Infinite)),
            ("+inf", "x", Err(NoNumber)),
            ("infinit", "1", Err(NoNumber)),
            ("9223372036854775807", "1", Ok("9223372036854775808")),
            ("-9223372036854775808", "-1", Ok("-9223372036854775809")),
            ("18446744073709551615", "1", Ok("18446744073709551616")),
            ("18446744073709551616", "1", Ok("18446744073709551616")),
            ("18446744073709551616", "2", Ok("18446744073709551618")),
            ("18446744073709551616", "3", Ok("18446744073709551620")),
            ("18446744073709551617", "0", Ok("18446744073709551616")),
            ("18446744073709551618", "0", Ok("18446744073709551618")),
            ("18446744073709551619", "0", Ok("18446744073709551620")),
            ("36893488147419103234", "0", Ok("36893488147419103232")),
            ("36893488147419103238", "0", Ok("36893488147419103240")),
            ("9223372036854775808", "0.5", Ok("9223372036854775808")),
            ("9223372036854775808", "0.25", Ok("9223372036854775808")),
            ("9223372036854775809", "0.5", Ok("9223372036854775810")),
            ("4611686018427387904", "0.125", Ok("4611686018427387904")),
            ("4611686018427387904.125", "0", Ok("4611686018427387904")),
            ("4611686018427387904.375", "0", Ok("4611686018427387904.5")),
            ("1e20", "1", Ok("100000000000000000000")),
            ("100000000000000000000", "-99999999999999999999", Ok("0")),
            ("1e17", "1e-17", Ok("100000000000000000")),
            ("1", "-1e-19", Ok("1")),
            ("1", "-1e-20", Ok("1")),
            ("1", "-2.7105054312137610850e-20", Ok("1")),
            ("1", "2.71e-20", Ok("1")),
            ("1", "5.43e-20", Ok("1")),
            ("1e4931", "-1e4931", Ok("0")),
            ("1.2e4932", "0", Err(NoNumber)),
            ("1e4933", "0", Err(NoNumber)),
            ("1.1e4932", "1.1e4932", Err(Infinite)),
            ("-1.1e4932", "-1.1e4932", Err(Infinite)),
            ("1e-4951", "0", Err(NoNumber)),
            ("1e-4952", "0", Err(NoNumber)),
            ("3.6e-4951", "0", Ok("0")),
            ("0e99999", "1", Ok("1")),
            ("1e99999999999999999999", "1", Err(NoNumber)),
            ("1e-99999999999999999999", "1", Err(NoNumber)),
            ("0x1p16384", "0", Err(NoNumber)),
            ("0x1p-16445", "0", Ok("0")),
            ("0x1p-16447", "0", Err(NoNumber)),
            ("00012", "-0003", Ok("9")),
            ("1e00005", "1", Ok("100001")),
            ("0.30000000000000000001", "0", Ok("0.3")),
            ("0.99999999999999999499", "0", Ok("1")),
            ("0.999999999999999995", "0", Ok("1")),
            ("0.999999999999999995001", "0", Ok("1")),
            ("-0.999999999999999999", "0", Ok("-1")),
            ("99999999999.99999999999999999", "0", Ok("100000000000")),
            ("0.00000000000000001", "0.00000000000000002", Ok("0.00000000000000003")),
            ("123456789.123456789", "-123456789", Ok("0.12345678899873747")),
            ("1e-10", "1e10", Ok("10000000000")),
            ("79228162514264337593543950336", "1", Ok("79228162514264337593543950336")),
            ("1208925819614629174706175", "0.5", Ok("1208925819614629174706176")),
            ("1e40", "1e21", Ok("10000000000000000000964277712987667562496")),
            ("340282366920938463463374607431768211456", "-1", Ok("340282366920938463463374607431768211456")),
            ("609346.625916636", "82.77985", Ok("609429.40576663600000984")),
            ("147573952589676412942", "-834680.7922855841733242", Ok("147573952589675578264")),
            ("43.65549", "36893488147419103241", Ok("36893488147419103284")),
            (
                "0x736fa97fefc1a5a.f89c5aca8c4p-8",
                "0x9b5554bef5ebf4.1ded0828494c344p-79",
                Ok("2030774756768794.3553466796875"),
            ),
            ("-147573952589676412940", "7.27230", Ok("-147573952589676412944")),
            ("10986e-7", "18446744073709551630", Ok("18446744073709551630")),
            ("-2584848e1", "-689817.769416673", Ok("-26538297.76941667299979599")),
            ("36893488147419103246", "57.66212", Ok("36893488147419103304")),
            ("942024.4328", "699311.5605293608", Ok("1641335.9933293607999758")),
            ("86637.6981770", "73786976294838206482", Ok("73786976294838293120")),
            ("821548.64136306681060757", "-73786976294838206484", Ok("-73786976294837384932")),
            ("-254760.22151874224", "-11366833968e-23", Ok("-254760.22151874224010726")),
            ("-0x1e8b8197538.1f69e176dp-73", "-36893488147419103237", Ok("-36893488147419103236")),
            ("-0x3a4b.12adcp-43", "-11410e-11", Ok("-0.00000011579655697")),
            ("-28.59555", "-0.0000000000347912", Ok("-28.5955500000347912")),
            ("0x269e768a592aa43.1b65p-14", "-9223372036854775817", Ok("-9223361421345909182.5")),
            ("49.33056", "9223372036854775816", Ok("9223372036854775865")),
            ("0x192347.304dea1f5p-75", "-1029e-30", Ok("0.00000000000000004")),
            ("88635.247136", "787139.9200488", Ok("875775.16718480000002955")),
            ("-49.98851", "73786976294838206480", Ok("73786976294838206432")),
            ("73786976294838206464", "62958.169161596", Ok("73786976294838269424")),
            ("-36893488147419103251", "-0.00000000000000660290", Ok("-36893488147419103252")),
            ("96621269528e-13", "-41571511272e-34", Ok("0.0096621269528")),
            ("78765.18106966621370", "-0x1744ab.14308c912ef961p-31", Ok("78765.18035957602032937")),
            ("-59.30167", "0.000000034888", Ok("-59.301669965112")),
            ("36893488147419103237", "0x1082d8.15p-79", Ok("36893488147419103236")),
            ("0x512ecd.14cd23282p-19", "0.000000000375171", Ok("10.1478520993267916")),
            ("0x4d9453bd801.2f49fcp-30", "666e-8", Ok("4965.08178423373519506")),
            ("18446744073709551622", "855371.508", Ok("18446744073710406994")),
            ("-24515e-29", "-917161.9955482481763", Ok("-917161.99554824817630561")),
            ("576891.17115346197", "-44.83465", Ok("576846.33650346196998271")),
            ("0x5787407ca7df8d.53d550917338e87p-2", "-9.51277", Ok("6159258503215065.8193359375")),
            ("18446744073709551643", "-37.09183", Ok("18446744073709551607")),
            ("228992.2848331351655222189", "0x167cd19e0266.1391db6bd657f71p-77", Ok("228992.28483313532915133")),
            ("0.000000000000080364", "0x5beca2c39.1632bp-76", Ok("0.00000000000040694")),
            ("47.75434", "-0.00000804310", Ok("47.7543319569")),
            ("-36893488147419103263", "0xbe.94b7c8ea8b747742p-18", Ok("-36893488147419103264")),
            ("9223372036854775808", "215094284790090522e14", Ok("21509428479018275572287084167168")),
            ("-73786976294838206494", "0.000000357968", Ok("-73786976294838206496")),
            ("0xacd89f0c4e4a7d.d890211ap-36", "-113245e0", Ok("594732.9405043515994862")),
            ("915609.1625329381", "-9223372036854775821", Ok("-9223372036853860212")),
            ("-507973.14113696662343555895", "0x7.5c6e4344bed4p-11", Ok("-507973.13754270027757798")),
            ("0x1233096e76749b8c.5c4dp-12", "-0xdde.e7aee5d7661c18p-48", Ok("320166573860681.721771240234375")),
            ("42.59590", "-592516e12", Ok("-592515999999999957.375")),
            ("597836.10389867684", "0.00000000000157593", Ok("597836.10389867684159526")),
            ("13342e7", "733467.23684198701385528", Ok("133420733467.23684198409318924")),
            ("-859831238171426835e-22", "514642.27263389959", Ok("514642.2725479164661806")),
            ("78.83955", "-20e-13", Ok("78.839549999998")),
            ("0.0000000000248639", "0.0000000000177668", Ok("0.0000000000426307")),
            ("0x393dca36b79be51.e0834652p3", "3559808997421e9", Ok("3561871335006049367296")),
            ("-0.000000506564", "0.00000000000000627381", Ok("-0.00000050656399373")),
            ("91424959508e-22", "-0xab2ead191.6919b2437ap-58", Ok("-0.00000015941682466")),
            ("-0.0000000000000741476", "295147905179352825862", Ok("295147905179352825856")),
            ("530704.7767355842", "0x57740037.bacdf9c3d93p5", Ok("46951571464.12730963155627251")),
            ("-9223372036854775817", "51.98546", Ok("-9223372036854775765")),
            ("175101570588767116e-11", "0x69ca5d0.7037a286784acfp5", Ok("3551490549.73305313219316304")),
            ("-0x2880a5c6c31d82d8.1a2fd666b6cp6", "1588897e3", Ok("-186784949222838636832")),
            ("26561184028223e-11", "70.47681", Ok("336.08865028222999999")),
            ("0x3c5e3763.38p-79", "96.19967", Ok("96.19967000000000167")),
            ("0.000000668221", "-932e-23", Ok("0.000000668221")),
            ("0x228eb2e140a7663.244fb4p-65", "-69.92609", Ok("-69.92187156530877056")),
            ("0xfbe4.289425ccp-34", "0.000383918", Ok("0.00038767147203287")),
            ("461066.120823984", "86e-8", Ok("461066.12082484399999771")),
            ("-24.02258", "755276.846400", Ok("755252.82382000000001199")),
            ("0.00000048632", "41096.2045662988798270712", Ok("41096.20456678519982674")),
            ("-0x380a695a44b.b2fa8cec258ae34bp-4", "-10.66877", Ok("-240692845135.39996597170829773")),
            ("147573952589676412948", "0.00000000325730", Ok("147573952589676412944")),
            ("-0.0000775375", "412031.357631748212722", Ok("412031.35755421071272053")),
            ("-476e-23", "295147905179352825873", Ok("295147905179352825888")),
            ("18446744073709551646", "0x194e277d8de666f.4b093cp-26", Ok("18446744075407760916")),
            ("0x16.5ba05c1e8331abp-64", "9223372036854775808", Ok("9223372036854775808")),
            ("-147573952589676412939", "0xff45dd0ff.1eac13acp-72", Ok("-147573952589676412944")),
            ("0.000000000000966676", "36893488147419103258", Ok("36893488147419103256")),
            ("18446744073709551634", "9223372036854775834", Ok("27670116110564327468")),
            ("-15.42484", "0xa6b0f6.f0p9", Ok("5593230800.57516000000759959")),
            ("6.26309", "-0xa5cde5c70.41f49e130d09p-20", Ok("-42439.63447799472696076")),
            ("0.000000000000621576", "-295147905179352825876", Ok("-295147905179352825888")),
            ("18446744073709551638", "73786976294838206491", Ok("92233720368547758128")),
            ("87.57684", "80734.91", Ok("80822.48683999999999372")),
            ("3137050597494e7", "0.000000000000958783", Ok("31370505974940000000")),
            ("9223372036854775811", "2471870104570816e12", Ok("2471870113794188036796317696")),
            ("78.10991", "0.0000000699583", Ok("78.1099100699583")),
            ("231362.49776997766", "0xab61aef.1cac380a21b1p-50", Ok("231362.49777013727153019")),
            ("-474563709170176290e8", "-97.93436", Ok("-47456370917017628998369280")),
            ("-0x388a8ad6f.24p-39", "1716e-19", Ok("-0.02760799854721068")),
            ("42.25746", "-295147905179352825859", Ok("-295147905179352825808")),
            ("-115671.7501467425930", "0x11.e38fb9p6", Ok("-114526.85979258609886244")),
            ("0x1fad6301d270e68.20p-34", "0.0000000508139", Ok("8304012.02846935118441252")),
            ("13.68308", "147573952589676412941", Ok("147573952589676412960")),
            ("90.21507", "-0.0000793292", Ok("90.2149906708")),
            ("140878811692145247e-27", "-36893488147419103263", Ok("-36893488147419103264")),
            ("-0.00000000000000582676", "-9223372036854775820", Ok("-9223372036854775820")),
            ("-0.00000000000000623264", "-87.14414", Ok("-87.14414000000000623")),
            ("0.00000000000000753680", "248104.1091364163011331", Ok("248104.10913641630114057")),
            ("-73786976294838206464", "-0x301149.99105ddp-4", Ok("-73786976294838403352")),
            ("79.55614", "-3038574082e-33", Ok("79.55614")),
            ("12220e-4", "0.00000000072620", Ok("1.2220000007262")),
            ("0x10fd5e0ac.350332424c6a8ap-44", "-144314.15948158", Ok("-144314.15922233750400494")),
            ("-0x1f91053bd2cf.de46407f2b7a3p-55", "0xe4f6e373363382cc.11e6c3p-78", Ok("-0.00090874333713763")),
            ("-46152.3510225322993458", "0.0000000000089367", Ok("-46152.35102253229041125")),
            ("0x5c40d928916.744d4a2c5978f22p-46", "14254644e-30", Ok("0.09009112653834641")),
            ("942200.3123", "-834266.8604275397351", Ok("107933.45187246026489447")),
            ("0.0000000000000653543", "-2.45874", Ok("-2.45873999999993465")),
            ("0x182a8850c.2e0p-67", "14722838221e-33", Ok("0.00000000004395796")),
            ("47.90569", "249429.183721451780822738", Ok("249477.08941145178083332")),
            ("17.44417", "842167.56384", Ok("842185.00801000000001295")),
            ("124660237373e13", "0.000000000982380", Ok("1246602373729999999991808")),
            ("295147905179352825866", "-0x641f1c7.5237p-60", Ok("295147905179352825856")),
            ("-51.16822", "-0.00000000743781", Ok("-51.16822000743781")),
            ("900336.483968", "73786976294838206478", Ok("73786976294839106816")),
            ("0.00000000932277", "9223372036854775808", Ok("9223372036854775808")),
            ("147573952589676412938", "109844948e8", Ok("147584937084476412944")),
            ("0.000000009376", "-634801.11987", Ok("-634801.11986999062401082")),
            ("47.70010", "-0.000287784", Ok("47.699812216")),
            ("32493e-2", "0.00000000229111", Ok("324.93000000229110999")),
        ] {
            assert_eq!(sum(a, b).as_deref(), expected.as_ref().map(|text: &&str| *text), "{a} {b}");
        }
    }

    #[test]
    fn huge_numbers_have_all_their_digits() {
        let text = sum("1e4932", "0").unwrap();
        assert_eq!(text.len(), 4933);
        assert!(text.starts_with("100000000000000000000601894938796389132383777425453311477378"), "{text}");
        // A power of two has an exact text, which reads back as the same power.
        for exponent in [64, 65, 100, 1000, 16_383] {
            let printed = sum(&format!("0x1p{exponent}"), "0").unwrap();
            assert_eq!(Extended::parse(printed.as_bytes()), Extended::parse(format!("0x1p{exponent}").as_bytes()));
        }
    }

    #[test]
    fn text_is_bounded_as_in_redis() {
        let longest = format!("1.{}", "0".repeat(5117));
        assert_eq!(sum(&longest, "1"), Ok("2".into()));
        assert_eq!(sum(&format!("{longest}0"), "1"), Err(NoNumber));
        // The last of all digits decides: 2^64 + 1 is a tie and stays even, a trace more goes up.
        let tie = format!("18446744073709551617.{}", "0".repeat(5000));
        assert_eq!(sum(&tie, "0"), Ok("18446744073709551616".into()));
        assert_eq!(sum(&format!("{tie}1"), "0"), Ok("18446744073709551618".into()));
        assert_eq!(sum(&format!("{}1e-5118", "0".repeat(5000)), "1"), Err(NoNumber));
    }

    /// Sums of integers and of eighths that fit in 64 bits are exact; adding is symmetric for any numbers.
    #[test]
    fn small_sums_are_exact() {
        let mut bits = 7u64;
        let mut chance = || {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bits ^ bits >> 31
        };
        for _ in 0..5_000 {
            let (a, b) = ((chance() as i64) >> (2 + chance() % 50), (chance() as i64) >> (2 + chance() % 50));
            assert_eq!(sum(&a.to_string(), &b.to_string()), Ok((a + b).to_string()));
            let eighths = |n: i64| format!("{}{}.{:03}", if n < 0 { "-" } else { "" }, n.abs() / 8, n.abs() % 8 * 125);
            let exact = eighths(a + b);
            assert_eq!(sum(&eighths(a), &eighths(b)).unwrap(), exact.trim_end_matches('0').trim_end_matches('.'));
            let (x, y) = (format!("{a}e{}", chance() % 40), format!("{b}e-{}", chance() % 40));
            assert_eq!(sum(&x, &y), sum(&y, &x));
        }
    }
}
