//! Whole numbers of any size: as many digits as the text of a float has, until they are rounded.

/// A natural number of any size: digits of base 2^64, the least first.
///
/// Invariant: the last digit is not zero.
pub struct Natural(Vec<u64>);

impl Natural {
    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub fn bits(&self) -> i32 {
        self.0.last().map_or(0, |last| 64 * self.0.len() as i32 - last.leading_zeros() as i32)
    }

    pub fn multiply_add(&mut self, factor: u64, summand: u64) {
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

    pub fn shift_left(&mut self, places: u32) {
        self.multiply_add(1 << (places % 64), 0);
        self.0.splice(0..0, std::iter::repeat_n(0, places as usize / 64));
    }

    pub fn at_least(&self, other: &Natural) -> bool {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev())).is_ge()
    }

    /// Takes away a number that is not larger.
    pub fn subtract(&mut self, other: &Natural) {
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
    pub fn divide(mut self, mut divisor: Natural) -> (u128, i32) {
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

    pub fn print(mut self, out: &mut Vec<u8>) {
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
