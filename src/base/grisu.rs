//! The digits of a float as Redis since 7.2 finds them: Grisu2, of Florian Loitsch's "Printing Floating-Point Numbers Quickly
//! and Accurately with Integers" (2010). They read back as the same float, but about two in a thousand have a digit more
//! than need be, or a last one that is not the nearest. Where others compare digits, they must be these; who only tells a
//! number takes better ones (number.rs).
use std::sync::LazyLock;

/// A number `fraction * 2^exponent`.
#[derive(Clone, Copy)]
struct Float {
    fraction: u64,
    exponent: i32,
}

const FRACTION_BITS: u32 = 52;
const HIDDEN: u64 = 1 << FRACTION_BITS;
const BIAS: i32 = 1023 + FRACTION_BITS as i32;

/// Powers of ten that are kept: every eighth, from this one on.
const POWER_MIN: i32 = -348;
const POWER_STEP: i32 = 8;
const POWERS: usize = 87;
/// A product with such a power has its point so far within 64 bits.
const POINT_MIN: i32 = -60;
const POINT_MAX: i32 = -32;

static CACHE: LazyLock<[Float; POWERS]> =
    LazyLock::new(|| std::array::from_fn(|at| power_of_ten(POWER_MIN + POWER_STEP * at as i32)));

/// The digits of a positive, finite float, and the power of ten of the last one.
pub fn digits(number: f64, room: &mut [u8; 20]) -> (&[u8], i32) {
    let bits = number.to_bits();
    let value = match (bits >> FRACTION_BITS) as i32 {
        0 => Float { fraction: bits, exponent: 1 - BIAS },
        exponent => Float { fraction: bits & (HIDDEN - 1) | HIDDEN, exponent: exponent - BIAS },
    };
    // What lies between these reads back as the same.
    let upper = Float { fraction: value.fraction * 2 + 1, exponent: value.exponent - 1 }.normal();
    let shift = if value.fraction == HIDDEN { 2 } else { 1 };
    let lower_exponent = value.exponent - shift;
    let lower = ((value.fraction << shift) - 1) << (lower_exponent - upper.exponent);

    let (power, scale) = cached(upper.exponent);
    let middle = value.normal().times(power).fraction;
    let lower = Float { fraction: lower, exponent: upper.exponent }.times(power).fraction + 1;
    let upper = upper.times(power);
    let high = Float { fraction: upper.fraction - 1, exponent: upper.exponent };
    let (count, scale) = generate(high, middle, high.fraction - lower, -scale, room);
    (&room[..count], scale)
}

impl Float {
    fn normal(self) -> Float {
        let shift = self.fraction.leading_zeros();
        Float { fraction: self.fraction << shift, exponent: self.exponent - shift as i32 }
    }

    /// The upper half of the product, rounded.
    fn times(self, other: Float) -> Float {
        const HALF: u64 = u32::MAX as u64;
        let (a, b) = ((self.fraction >> 32, self.fraction & HALF), (other.fraction >> 32, other.fraction & HALF));
        let (high_low, low_high) = (a.0 * b.1, a.1 * b.0);
        let middle = (high_low & HALF) + (low_high & HALF) + ((a.1 * b.1) >> 32) + (1 << 31);
        let fraction = a.0 * b.0 + (high_low >> 32) + (low_high >> 32) + (middle >> 32);
        Float { fraction, exponent: self.exponent + other.exponent + 64 }
    }
}

/// A power of ten that brings the point of a number with this exponent to where it is wanted, and which it is.
fn cached(exponent: i32) -> (Float, i32) {
    const LOG10_OF_2: f64 = std::f64::consts::LOG10_2;
    let guess = -((exponent + POWERS as i32) as f64) * LOG10_OF_2;
    let mut at = ((guess as i32 - POWER_MIN) / POWER_STEP) as usize;
    loop {
        let point = exponent + CACHE[at].exponent + 64;
        match point {
            ..POINT_MIN => at += 1,
            POINT_MIN..=POINT_MAX => return (CACHE[at], POWER_MIN + at as i32 * POWER_STEP),
            _ => at -= 1,
        }
    }
}

/// Digits of `high`, until what is left is less than `delta`; then the last is brought nearer to `middle`.
fn generate(high: Float, middle: u64, mut delta: u64, mut scale: i32, room: &mut [u8; 20]) -> (usize, i32) {
    let point = -high.exponent as u32;
    let one = 1u64 << point;
    let mut distance = high.fraction - middle;
    let (mut whole, mut part) = (high.fraction >> point, high.fraction & (one - 1));
    let (mut count, mut unit) = (0, 1_000_000_000);
    for left in (0..10).rev() {
        put(room, &mut count, whole / unit);
        whole %= unit;
        let rest = (whole << point) + part;
        if rest <= delta {
            round(&mut room[count - 1], delta, rest, unit << point, distance);
            return (count, scale + left);
        }
        unit /= 10;
    }
    loop {
        (part, delta, distance) = (part * 10, delta * 10, distance.wrapping_mul(10));
        scale -= 1;
        put(room, &mut count, part >> point);
        part &= one - 1;
        if part < delta {
            round(&mut room[count - 1], delta, part, one, distance);
            return (count, scale);
        }
    }
}

/// No zero comes first.
fn put(room: &mut [u8; 20], count: &mut usize, digit: u64) {
    if digit > 0 || *count > 0 {
        room[*count] = b'0' + digit as u8;
        *count += 1;
    }
}

fn round(last: &mut u8, delta: u64, mut rest: u64, unit: u64, distance: u64) {
    while rest < distance
        && delta - rest >= unit
        && (rest + unit < distance || distance - rest > rest + unit - distance)
    {
        *last -= 1;
        rest += unit;
    }
}

/// Its first 64 bits, rounded. Slow: for the table.
fn power_of_ten(power: i32) -> Float {
    /// Of 32 bits each: room for the largest, and behind the point for the smallest.
    const LIMBS: usize = 40;
    let mut limbs = [0u64; LIMBS];
    limbs[if power < 0 { LIMBS - 1 } else { 0 }] = 1;
    for _ in 0..power.abs() {
        let mut carry = 0;
        if power < 0 {
            for limb in limbs.iter_mut().rev() {
                let value = carry << 32 | *limb;
                (*limb, carry) = (value / 10, value % 10);
            }
        } else {
            for limb in &mut limbs {
                let value = *limb * 10 + carry;
                (*limb, carry) = (value & u32::MAX as u64, value >> 32);
            }
        }
    }
    let top = limbs.iter().rposition(|limb| *limb != 0).expect("no power is zero");
    let below = |back: usize| top.checked_sub(back).map_or(0, |at| limbs[at]) as u128;
    let bits = below(0) << 96 | below(1) << 64 | below(2) << 32 | below(3);
    let shift = bits.leading_zeros();
    let bits = bits << shift;
    let rounded = (bits >> 64) as u64 + (bits as u64 >> 63);
    let ones = if power < 0 { 32 * (LIMBS as i32 - 1) } else { 0 };
    Float { fraction: rounded, exponent: 32 * (top as i32 - 3) - shift as i32 + 64 - ones }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Chance;

    fn print(number: f64) -> String {
        let mut room = [0; 20];
        let (digits, scale) = digits(number, &mut room);
        format!("{}e{scale}", std::str::from_utf8(digits).unwrap())
    }

    #[test]
    fn digits_are_those_of_redis() {
        // The first could end in 8, which is nearer; Redis 8.0 says 7.
        for (number, text) in [
            (1016162803204929.8, "10161628032049297e-1"),
            (0.1, "1e-1"),
            (1.0, "1e0"),
            (123.0, "123e0"),
            (1e15, "1e15"),
            (5e-324, "5e-324"),
            (f64::MAX, "17976931348623157e292"),
            (0.30000000000000004, "30000000000000004e-17"),
            (2.2250738585072014e-308, "22250738585072014e-324"),
        ] {
            assert_eq!(print(number), text, "{number:e}");
        }
    }

    #[test]
    fn digits_read_back() {
        let mut chance = Chance::from_seed(1);
        for _ in 0..if cfg!(miri) { 50 } else { 20_000 } {
            let number = f64::from_bits(chance.next() & !(1 << 63));
            if number.is_finite() && number > 0.0 {
                assert_eq!(print(number).parse::<f64>(), Ok(number), "{number:e}");
            }
        }
    }
}
