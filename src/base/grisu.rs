//! The digits of a float as Redis since 7.2 finds them: Grisu2, of Florian Loitsch's "Printing Floating-Point Numbers Quickly
//! and Accurately with Integers" (2010). They read back as the same float, but about two in a thousand have a digit more
//! than need be, or a last one that is not the nearest. Clients and DEBUG DIGEST compare digits, so they are these.

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

static CACHE: [Float; POWERS] = powers_of_ten();

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
        let product = self.fraction as u128 * other.fraction as u128;
        let fraction = ((product + (1 << 63)) >> 64) as u64;
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

const UNITS: [u32; 10] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// Digits of `high`, until what is left is less than `delta`; then the last is brought nearer to `middle`.
fn generate(high: Float, middle: u64, mut delta: u64, mut scale: i32, room: &mut [u8; 20]) -> (usize, i32) {
    let point = -high.exponent as u32;
    let one = 1u64 << point;
    let mut distance = high.fraction - middle;
    // It is normal, so that before the point there are 4 bits to 32.
    let (mut whole, mut part) = ((high.fraction >> point) as u32, high.fraction & (one - 1));
    let mut count = 0;
    let mut put = |digit: u32| {
        room[count] = b'0' + digit as u8;
        count += 1;
        count
    };
    for left in (0..=whole.ilog10()).rev() {
        let unit = UNITS[left as usize];
        let count = put(whole / unit);
        whole %= unit;
        let rest = ((whole as u64) << point) + part;
        if rest <= delta {
            round(&mut room[count - 1], delta, rest, (unit as u64) << point, distance);
            return (count, scale + left as i32);
        }
    }
    loop {
        (part, delta, distance) = (part * 10, delta * 10, distance.wrapping_mul(10));
        scale -= 1;
        let count = put((part >> point) as u32);
        part &= one - 1;
        if part < delta {
            round(&mut room[count - 1], delta, part, one, distance);
            return (count, scale);
        }
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

/// Of 32 bits each, the lowest first: room for the largest power, and behind the point for the smallest.
const LIMBS: usize = 40;

const fn powers_of_ten() -> [Float; POWERS] {
    const STEP: u64 = 10u64.pow(POWER_STEP as u32);
    // It is a half of a step from there to 1, and from 1 to the next.
    const LAST_BELOW_ONE: usize = (-POWER_MIN / POWER_STEP) as usize;
    const HALF: u64 = 10u64.pow(POWER_STEP as u32 / 2);
    let mut powers = [Float { fraction: 0, exponent: 0 }; POWERS];
    let (mut large, mut small) = ([0; LIMBS], [0; LIMBS]);
    (large[0], small[LIMBS - 1]) = (HALF, 1);
    divide(&mut small, HALF);
    let mut step = 0;
    while step <= LAST_BELOW_ONE {
        powers[LAST_BELOW_ONE - step] = first_bits(&small, 32 * (LIMBS as i32 - 1));
        divide(&mut small, STEP);
        step += 1;
        if LAST_BELOW_ONE + step < POWERS {
            powers[LAST_BELOW_ONE + step] = first_bits(&large, 0);
            multiply(&mut large, STEP);
        }
    }
    powers
}

const fn multiply(limbs: &mut [u64; LIMBS], by: u64) {
    let (mut at, mut carry) = (0, 0);
    while at < LIMBS {
        let value = limbs[at] * by + carry;
        (limbs[at], carry) = (value & u32::MAX as u64, value >> 32);
        at += 1;
    }
}

const fn divide(limbs: &mut [u64; LIMBS], by: u64) {
    let (mut at, mut carry) = (LIMBS, 0);
    while at > 0 {
        at -= 1;
        let value = carry << 32 | limbs[at];
        (limbs[at], carry) = (value / by, value % by);
    }
}

/// The first 64 bits, rounded, of a number with so many behind the point.
const fn first_bits(limbs: &[u64; LIMBS], behind_point: i32) -> Float {
    let mut top = LIMBS - 1;
    while limbs[top] == 0 {
        top -= 1;
    }
    let (mut bits, mut back) = (0u128, 0);
    while back < 4 {
        bits = bits << 32 | if back <= top { limbs[top - back] as u128 } else { 0 };
        back += 1;
    }
    let shift = bits.leading_zeros();
    let bits = bits << shift;
    let rounded = (bits >> 64) as u64 + (bits as u64 >> 63);
    Float { fraction: rounded, exponent: 32 * (top as i32 - 3) - shift as i32 + 64 - behind_point }
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
