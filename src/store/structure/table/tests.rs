//! The table against a map, and what only it promises: no change is large, no memory is kept, SCAN and RANDOMKEY are
//! fair. With the feature `plain-map` what is true of any table is asked of that one.
use super::*;
use crate::base::random::Chance;
use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};

/// A number, not 0, below 2^48, and the tag above it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Key(std::num::NonZeroU64);

impl Key {
    fn number(self) -> u64 {
        self.0.get() & ((1 << 48) - 1)
    }
}

fn key(number: u64) -> Key {
    Key(std::num::NonZeroU64::new(number).expect("not 0"))
}

impl Item for Key {
    fn tag(&self) -> u16 {
        (self.0.get() >> 48) as u16
    }
    fn set_tag(&mut self, tag: u16) {
        *self = key((tag as u64) << 48 | self.number());
    }
}

/// Hashes by a function, and counts how often.
#[derive(Debug, Clone)]
struct By {
    hash: fn(u64) -> u64,
    count: Cell<usize>,
}

impl Hasher<Key> for By {
    fn hash(&self, item: &Key) -> u64 {
        self.count.set(self.count.get() + 1);
        (self.hash)(item.number())
    }
}

fn mix(n: u64) -> u64 {
    let n = (n ^ 0x5DEE_CE66).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ n >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    n ^ n >> 32
}

/// A table of numbers, and what it should hold.
struct Both {
    table: Table<Key, By>,
    model: BTreeSet<u64>,
}

impl Both {
    fn new(hash: fn(u64) -> u64) -> Both {
        Both { table: Table::new(By { hash, count: Cell::new(0) }), model: BTreeSet::new() }
    }

    fn with(numbers: std::ops::Range<u64>) -> Both {
        let mut both = Both::new(mix);
        numbers.for_each(|number| both.add(number));
        both
    }

    fn find(&self, number: u64) -> Option<Place> {
        self.table.find((self.table.hasher().hash)(number), |item| item.number() == number)
    }

    fn add(&mut self, number: u64) {
        let place = self.find(number);
        assert_eq!(place.is_some(), self.model.contains(&number));
        if place.is_none() {
            let place = self.table.insert((self.table.hasher().hash)(number), key(number));
            assert_eq!(self.table.get(place).number(), number);
            assert_eq!(self.find(number), Some(place));
            self.model.insert(number);
        }
    }

    fn remove(&mut self, number: u64) {
        let place = self.find(number);
        assert_eq!(place.is_some(), self.model.remove(&number));
        if let Some(place) = place {
            assert_eq!(self.table.get_mut(place).number(), number);
            assert_eq!(self.table.remove(place).number(), number);
            assert_eq!(self.find(number), None);
        }
    }

    fn check(&self) {
        self.table.check();
        assert_eq!(self.table.len(), self.model.len());
        let held: BTreeSet<u64> = self.table.iter().map(|item| item.number()).collect();
        assert!(held == self.model);
        let seen = self.model.iter().take(100).all(|number| {
            let hash = (self.table.hasher().hash)(*number);
            self.find(*number).is_some() && self.table.candidate(self.table.prefetch(hash)).is_some()
        });
        assert!(seen);
    }
}

#[test]
fn does_what_a_set_does_as_it_grows_shrinks_and_churns() {
    // Hashes that are good, that leave out bits which segments go by, and that are often equal.
    let hashes: [fn(u64) -> u64; 4] = [mix, |n| mix(n) >> 5, |n| mix(n) & !0 << 20, |n| mix(n / 5)];
    for (seed, hash) in hashes.into_iter().enumerate() {
        let (mut both, mut chance) = (Both::new(hash), Chance::from_seed(seed as u64));
        // How many steps, of which so many in ten add, among how many numbers.
        for (steps, adds, numbers) in [(30_000, 8, 20_000), (20_000, 5, 20_000), (60_000, 1, 20_000), (9_000, 9, 9_000)]
        {
            for step in 0..steps {
                let number = 1 + chance.below(numbers);
                if chance.below(10) < adds {
                    both.add(number)
                } else {
                    both.remove(number)
                }
                if step % 5_000 == 0 {
                    both.check();
                }
            }
            both.check();
        }
        for number in both.model.clone() {
            both.remove(number);
        }
        both.check();
        assert!(both.table.is_empty());
    }
}

/// Whatever is added, removed, split and merged meanwhile: what stays is returned exactly once, and no more at a time
/// than was asked for, but for a few.
#[test]
fn scan_returns_what_stays_exactly_once() {
    for seed in 1..=8 {
        let (mut both, mut chance) = (Both::new(mix), Chance::from_seed(seed));
        let (stay, others) = (1..3_000, 3_000..40_000);
        stay.clone().chain(others.clone().step_by(2)).for_each(|number| both.add(number));
        let (mut seen, mut cursor) = (HashSet::new(), Some(0));
        // It grows and shrinks in turns.
        let mut adds = 9;
        while let Some(from) = cursor {
            let count = 1 + chance.below(200) as usize;
            let mut here = 0;
            cursor = both.table.scan(from, count, &mut |item| {
                let number = item.number();
                assert!(!stay.contains(&number) || seen.insert(number), "{number} came twice");
                here += 1;
            });
            assert!(cursor.is_none_or(|next| next > from && next < 1 << ORDER_BITS));
            assert!(here <= count + 8 && (here >= count || cursor.is_none()), "asked for {count}, got {here}");
            for _ in 0..chance.below(600) {
                let number = others.start + chance.below(others.end - others.start);
                if chance.below(10) < adds { both.add(number) } else { both.remove(number) }
            }
            if chance.below(20) == 0 {
                adds = 10 - adds;
            }
        }
        both.check();
        assert_eq!(seen.len(), stay.count(), "seed {seed}");
    }
}

/// A cursor may have been given when segments were half as long.
/// As those of another table come: in the order of their hashes.
#[test]
fn a_table_with_room_takes_what_comes_in_order() {
    for count in [0, 1, 799, 800, 5_000, 40_000].into_iter().filter(|count| !cfg!(miri) || *count < 900) {
        let mut both = Both::new(mix);
        both.table = Table::with_room(By { hash: mix, count: Cell::new(0) }, count as usize);
        both.check();
        let mut numbers: Vec<u64> = (1..=count).collect();
        numbers.sort_unstable_by_key(|number| mix(*number));
        numbers.iter().for_each(|number| both.add(*number));
        // It was right, and hardly anything was hashed again, or it was not and still does no harm.
        assert!(both.table.hasher().count.get() <= count as usize / 4 || cfg!(feature = "plain-map"));
        both.check();
        (1..=count / 2).for_each(|number| both.remove(number));
        (count..3 * count).for_each(|number| both.add(number + 1));
        both.check();
    }
}

#[test]
fn scan_goes_on_amid_what_has_merged() {
    let mut both = Both::with(1..20_000);
    for number in 1..19_000 {
        let mut seen = HashSet::new();
        let cursor = both.table.scan(0, 500, &mut |item| _ = seen.insert(item.number()));
        // All at once, so that few merges escape.
        if number == 1 {
            (1..19_000).for_each(|number| both.remove(number));
            let mut cursor = cursor;
            while let Some(from) = cursor {
                cursor = both.table.scan(from, 3, &mut |item| assert!(seen.insert(item.number())));
            }
            assert!((19_000..20_000).all(|number| seen.contains(&number)));
            break;
        }
    }
    both.check();
}

#[test]
fn items_of_the_same_order_come_together() {
    // Seven of each order, and some that differ only below it.
    let mut both = Both::new(|n| mix(n / 7) & !0x7FF | n & 0x3FF);
    (7..7_007).for_each(|number| both.add(number));
    let (mut cursor, mut seen) = (Some(0), 0);
    while let Some(from) = cursor {
        let mut here = HashSet::new();
        cursor = both.table.scan(from, 10, &mut |item| assert!(here.insert(item.number())));
        assert!(here.iter().all(|number| (number / 7 * 7..number / 7 * 7 + 7).all(|other| here.contains(&other))));
        assert!(here.len() <= 10 + 6 + 14);
        seen += here.len();
    }
    assert_eq!(seen, 7_000);
}

/// Nobody can bring that about who does not know the seed. It is slow then, but no more.
#[test]
fn hashes_that_are_all_the_same_do_no_harm() {
    let mut both = Both::new(|_| 0x1234_5678_9ABC_DEF0);
    (1..4_000).for_each(|number| both.add(number));
    both.check();
    let mut here = 0;
    both.table.scan(0, 1, &mut |_| here += 1);
    assert_eq!(here, 3_999);
    assert!(both.table.heap_bytes() < 500_000);
    (1..4_000).for_each(|number| both.remove(number));
    both.check();
}

fn counts(both: &Both, draws: usize) -> f64 {
    let mut chance = Chance::from_seed(7);
    let mut counts: std::collections::BTreeMap<u64, u32> = both.model.iter().map(|number| (*number, 0)).collect();
    for _ in 0..draws {
        *counts.get_mut(&both.table.random(&mut || chance.next()).unwrap().number()).unwrap() += 1;
    }
    let expected = draws as f64 / counts.len() as f64;
    counts.values().map(|count| (*count as f64 - expected).powi(2) / expected).sum()
}

#[test]
fn random_is_fair() {
    // Few, many of which most are gone, and some of which only one corner is left.
    let mut few = Both::with(1..50);
    (1..10).for_each(|number| few.remove(number));
    let mut most = Both::with(1..100_000);
    (1..99_000).for_each(|number| most.remove(number));
    let mut corner = Both::with(1..30_000);
    (1..30_000).filter(|n| mix(*n) >> 60 != 3 && n % 50 != 0).for_each(|number| corner.remove(number));
    for both in [few, most, corner] {
        let left = both.model.len() as f64;
        let chi = counts(&both, both.model.len() * 40);
        // Four standard deviations.
        assert!(chi < left + 4.0 * (2.0 * left).sqrt(), "chi-square {chi} of {left}");
    }
}

/// The last one of many is found without drawing for it again and again.
#[test]
fn random_finds_the_last_item() {
    let mut both = Both::with(1..50_000);
    (2..50_000).for_each(|number| both.remove(number));
    let (mut chance, mut drawn) = (Chance::from_seed(1), 0);
    let found = both.table.random(&mut || {
        drawn += 1;
        chance.next()
    });
    assert_eq!(found.unwrap().number(), 1);
    assert!(drawn < 600, "{drawn} numbers");
    both.remove(1);
    assert_eq!(both.table.random(&mut || 0), None);
}

#[test]
fn items_are_taken_out_a_few_at_a_time() {
    let mut both = Both::with(1..20_000);
    let (mut seen, mut more) = (HashSet::new(), true);
    while more {
        let before = seen.len();
        more = both.table.pop_some(100, &mut |item| assert!(seen.insert(item.number())));
        assert!(seen.len() - before <= 100 && both.table.len() == 19_999 - seen.len());
    }
    assert_eq!(seen.len(), 19_999);
}

#[cfg(not(feature = "plain-map"))]
mod segments {
    use super::directory::SPLIT_MIN;
    use super::*;

    /// An item that is added or removed never moves more than a segment, and a segment that grows, shrinks or merges looks
    /// at no item. In the long run less than two are looked at for each that is added.
    #[test]
    fn no_change_is_a_large_one() {
        let mut both = Both::new(mix);
        let mut all = 0;
        let numbers = 1..200_000;
        for number in numbers.clone() {
            both.add(number);
            let looked = both.table.hasher().count.take();
            assert!(looked <= 2 * SPLIT_MIN as usize, "{looked} items looked at");
            all += looked;
        }
        assert!(all < 2 * numbers.end as usize, "{all} in all");
        for number in numbers {
            both.remove(number);
            assert_eq!(both.table.hasher().count.take(), 0);
        }
    }

    /// Keys come and go for long: there are no tombstones that would have to be cleared, and no memory that stays.
    #[test]
    fn churn_costs_no_memory_and_no_pause() {
        let mut both = Both::with(1..60_000);
        let before = both.table.heap_bytes();
        let mut looked_most = 0;
        for number in 60_000..400_000 {
            both.table.hasher().count.set(0);
            both.remove(number - 59_999);
            both.add(number);
            looked_most = looked_most.max(both.table.hasher().count.get());
            assert!(number % 100 != 0 || both.table.heap_bytes() < before * 5 / 4);
        }
        assert!(looked_most <= 2 * SPLIT_MIN as usize);
        both.check();
    }

    #[test]
    fn memory_goes_with_the_items() {
        let mut both = Both::with(1..200_000);
        let full = both.table.heap_bytes();
        for number in 1..198_000 {
            both.remove(number);
        }
        both.check();
        let left = both.table.heap_bytes();
        assert!(left < 2_000 * 40, "{left} bytes of {full} for 2,000 items");
        assert!(both.table.directory.len() <= 8, "{} places", both.table.directory.len());
    }

    #[test]
    fn a_key_takes_eleven_bytes_on_average() {
        let counts = [100_000, 150_000, 200_000, 300_000];
        let (mut both, mut sum) = (Both::new(mix), 0.0);
        for (from, to) in [1].iter().chain(&counts).zip(counts) {
            for number in *from..to {
                both.table.insert(mix(number), key(number));
            }
            let each = both.table.heap_bytes() as f64 / to as f64;
            assert!(each < 12.0, "{each} bytes a key of {to}");
            sum += each;
        }
        assert!(sum / 4.0 < 11.0, "{} on average", sum / 4.0);
        both.table.check();
    }
}
