//! A histogram of numbers of any size: 64 slots to each doubling, so that what it gives back is at most a 64th too much.
//! To add a number takes a handful of instructions. Knows no unit.

/// Numbers from here on are counted in the last slot: as ticks of some nanoseconds, it is minutes.
const DOUBLINGS: usize = 40;
/// As the number of bits of a number that tell its slot. With 6 a histogram takes 20 KB, a little less than Redis's, and
/// memory that nobody has counted in is not touched.
const BITS: u32 = 6;
const PARTS: usize = 1 << BITS;
const SLOTS: usize = PARTS * DOUBLINGS;

#[derive(Debug, Clone)]
pub struct Histogram {
    /// By the slot of the number after the one counted, so that 0 has its own. Boxed: most are never used.
    counts: Box<[u64; SLOTS]>,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { counts: vec![0; SLOTS].into_boxed_slice().try_into().expect("as many as there are slots") }
    }
}

/// The exponent and the first bits below it are just the upper bits of a floating point number.
#[inline]
fn slot(number: u64) -> usize {
    let bits = (number.saturating_add(1) as i64 as f64).to_bits();
    ((bits >> (52 - BITS)) as usize).wrapping_sub(1023 << BITS).min(SLOTS - 1)
}

/// The least number of a slot. (Below 64 not every slot has one.)
fn least(slot: usize) -> u64 {
    (((PARTS + slot % PARTS) as u64) << (slot / PARTS)).div_ceil(PARTS as u64) - 1
}

impl Histogram {
    #[inline]
    pub fn add(&mut self, number: u64) {
        self.counts[slot(number)] += 1;
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The slots that are not empty: the largest number that each counts, and how many it has counted.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        let full = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        full.map(|(slot, count)| (least(slot).max(least(slot + 1) - 1), *count))
    }

    /// The number below which, or at which, so many percent lie. `None`: nothing was counted.
    pub fn percentile(&self, percent: f64) -> Option<u64> {
        let wanted = ((percent / 100.0 * self.count() as f64).ceil() as u64).max(1);
        let mut seen = 0;
        self.iter().find_map(|(number, count)| {
            seen += count;
            (seen >= wanted).then_some(number)
        })
    }

    /// The largest number, as far as its slot tells.
    pub fn most(&self) -> Option<u64> {
        self.iter().last().map(|(number, _)| number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_back_or_a_64th_more() {
        for number in (0..5000)
            .chain((13..39).flat_map(|power| [(1 << power) - 2, (1 << power) - 1, 1 << power, 3 << (power - 1)]))
        {
            let mut one = Histogram::default();
            one.add(number);
            let back = one.most().unwrap();
            assert!(back >= number && back - number <= number / 64, "{number} is told as {back}");
            assert!(number > 126 || back == number, "small numbers are exact");
            assert_eq!((one.count(), one.percentile(0.0), one.percentile(100.0)), (1, Some(back), Some(back)));
        }
    }

    #[test]
    fn what_is_too_large_is_counted_last() {
        let mut one = Histogram::default();
        one.add(u64::MAX);
        one.add(1 << 50);
        assert_eq!(one.iter().count(), 1);
        assert_eq!(one.count(), 2);
    }

    #[test]
    fn percentiles() {
        let mut numbers = Histogram::default();
        assert_eq!(numbers.percentile(50.0), None);
        (1..=20).for_each(|number| numbers.add(number));
        for (percent, number) in [(0.0, 1), (5.0, 1), (5.1, 2), (50.0, 10), (95.0, 19), (99.0, 20), (100.0, 20)] {
            assert_eq!(numbers.percentile(percent), Some(number), "{percent}");
        }
    }
}
