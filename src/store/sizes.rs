//! How large values are, by type and in powers of two: what INFO tells as key sizes. A database counts each entry that comes
//! and goes, so that nobody has to walk all of them.

/// From 2^32 on sizes are not told apart.
const BINS: usize = 34;
/// Strings, and as many types of collections as an entry can tell apart.
const KINDS: usize = 8;

/// Of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes([[u64; BINS]; KINDS]);

/// What an entry counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    kind: u8,
    bin: u8,
}

impl Size {
    #[inline]
    pub fn of_string(bytes: usize) -> Size {
        Size { kind: 0, bin: bin(bytes) }
    }

    /// Of an integer as it is written.
    #[inline]
    pub fn of_integer(integer: i64) -> Size {
        // The least with 2, 4, 8 and 16 characters. A negative number is a large one here.
        let bin = match integer as u64 {
            0..10 => 1,
            10..1000 => 2,
            1000..10_000_000 => 3,
            10_000_000..1_000_000_000_000_000 => 4,
            _ => Size::of_long_integer(integer),
        };
        Size { kind: 0, bin }
    }

    #[cold]
    fn of_long_integer(integer: i64) -> u8 {
        match integer.unsigned_abs() {
            _ if integer >= 0 => 5,
            0..100 => 2,
            100..1_000_000 => 3,
            1_000_000..100_000_000_000_000 => 4,
            _ => 5,
        }
    }

    /// `kind`: the number of its type, from 1 on.
    #[inline]
    pub fn of_collection(kind: u8, elements: usize) -> Size {
        Size { kind, bin: bin(elements) }
    }
}

/// 0 has a bin of its own, then each power of two.
#[inline]
fn bin(size: usize) -> u8 {
    (usize::BITS - size.leading_zeros()).min(BINS as u32 - 1) as u8
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes([[0; BINS]; KINDS])
    }
}

impl Sizes {
    #[inline]
    pub(super) fn add(&mut self, size: Size) {
        self.0[size.kind as usize][size.bin as usize] += 1;
    }

    #[inline]
    pub(super) fn take(&mut self, size: Size) {
        self.0[size.kind as usize][size.bin as usize] -= 1;
    }

    /// Of the values of one type: the least size of each bin, and how many there are; without the empty bins.
    pub fn of(&self, kind: usize) -> impl Iterator<Item = (u64, u64)> {
        let least = |bin: usize| if bin == 0 { 0 } else { 1 << (bin - 1) };
        self.0[kind].iter().enumerate().filter(|(_, count)| **count > 0).map(move |(bin, count)| (least(bin), *count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_is_as_large_as_it_is_written() {
        let mut numbers = vec![0, i64::MIN, i64::MAX];
        let mut power = 1i64;
        for _ in 0..18 {
            numbers.extend([power - 1, power, power + 1].iter().flat_map(|n| [*n, -*n]));
            power *= 10;
        }
        for number in numbers {
            assert_eq!(Size::of_integer(number), Size::of_string(number.to_string().len()), "{number}");
        }
    }

    #[test]
    fn bins_are_powers_of_two() {
        let mut sizes = Sizes::default();
        for size in [0, 1, 2, 3, 4, 1023, 1024, usize::MAX] {
            sizes.add(Size::of_string(size));
        }
        sizes.add(Size::of_collection(1, 5));
        let all: Vec<_> = sizes.of(0).collect();
        assert_eq!(all, [(0, 1), (1, 1), (2, 2), (4, 1), (512, 1), (1024, 1), (1 << 32, 1)]);
        sizes.take(Size::of_string(0));
        assert_eq!((sizes.of(0).count(), sizes.of(1).next()), (6, Some((4, 1))));
    }
}
