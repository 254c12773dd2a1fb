//! The table against a map, and what only it promises.
use super::*;
use std::collections::{BTreeMap, HashSet};

/// A key below 2^48, and the tag above it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Key(u64);

impl Key {
    fn number(self) -> u64 {
        self.0 & ((1 << 48) - 1)
    }
}

impl Item for Key {
    fn tag(&self) -> u16 {
        (self.0 >> 48) as u16
    }
    fn set_tag(&mut self, tag: u16) {
        self.0 = (tag as u64) << 48 | self.number();
    }
}

#[derive(Debug, Default)]
struct Mix;

impl Hasher<Key> for Mix {
    fn hash(&self, item: &Key) -> u64 {
        mix(item.number())
    }
}

fn add(table: &mut Table<Key, Mix>, key: u64) -> Place {
    table.insert(mix(key), Key(key))
}

fn mix(n: u64) -> u64 {
    let n = (n ^ 0x5DEE_CE66).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ n >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    n ^ n >> 32
}

#[test]
fn does_what_a_map_does() {
    let (mut table, mut model) = (Table::new(Mix), BTreeMap::new());
    for step in 0..60_000u64 {
        let key = mix(step) % 20_000;
        let place = table.find(mix(key), |item: &Key| item.number() == key);
        assert_eq!(place.is_some(), model.contains_key(&key));
        match place {
            Some(place) if step % 3 == 0 => {
                assert_eq!(table.remove(place).number(), key);
                model.remove(&key);
            }
            Some(_) => {}
            None => {
                let place = add(&mut table, key);
                assert_eq!(table.get(place).number(), key);
                model.insert(key, ());
            }
        }
        if step % 10_000 == 0 {
            table.check();
        }
    }
    table.check();
    assert!(table.depth > 2, "it has split");
    assert_eq!(table.len(), model.len());
    assert!(table.iter().all(|item| model.contains_key(&item.number())));
}

/// Whatever is added, removed and split meanwhile: what stays is returned exactly once.
#[test]
fn scan_returns_what_stays_exactly_once() {
    let mut table = Table::new(Mix);
    (0..5_000).for_each(|key| _ = add(&mut table, key));
    let (mut seen, mut cursor, mut next) = (HashSet::new(), Some(0), 10_000);
    while let Some(from) = cursor {
        let mut here = 0;
        cursor = table.scan(from, 10, &mut |item| {
            assert!(seen.insert(item.number()), "{} came twice", item.number());
            here += 1;
        });
        assert!(here <= 13 && (here >= 10 || cursor.is_none()), "asked for 10, got {here}");
        for _ in 0..30 {
            add(&mut table, next);
            next += 1;
        }
    }
    table.check();
    assert!((0..5_000).all(|key| seen.contains(&key)));
}

fn numbers() -> impl FnMut() -> u64 {
    let mut state = 0;
    move || {
        state += 1;
        mix(state)
    }
}

#[test]
fn random_is_fair() {
    // Few segments, and many that are unevenly full.
    for (keys, gone) in [(8_000, 0), (80_000, 75_000)] {
        let mut table = Table::new(Mix);
        (0..keys).for_each(|key| _ = add(&mut table, key));
        for key in 0..gone {
            let place = table.find(mix(key), |item| item.number() == key).unwrap();
            table.remove(place);
        }
        let (mut counts, mut chance) = (vec![0u32; keys as usize], numbers());
        let left = keys - gone;
        for _ in 0..left * 50 {
            counts[table.random(&mut chance).unwrap().number() as usize] += 1;
        }
        let chi: f64 = counts[gone as usize..].iter().map(|count| (*count as f64 - 50.0).powi(2) / 50.0).sum::<f64>();
        assert!(chi < left as f64 * 1.1, "chi-square {chi} over {} degrees", left - 1);
    }
}

/// The last one of many is found without drawing for it again and again.
#[test]
fn random_finds_the_last_item() {
    let mut table = Table::new(Mix);
    (0..100_000).for_each(|key| _ = add(&mut table, key));
    for key in 1..100_000 {
        let place = table.find(mix(key), |item| item.number() == key).unwrap();
        table.remove(place);
    }
    let (mut chance, mut drawn) = (numbers(), 0);
    let mut count = || {
        drawn += 1;
        chance()
    };
    assert_eq!(table.random(&mut count).unwrap().number(), 0);
    assert!(drawn < 1000, "{drawn} numbers");
}

#[test]
fn items_are_taken_out_a_few_at_a_time() {
    let mut table = Table::new(Mix);
    (0..20_000).for_each(|key| _ = add(&mut table, key));
    let (mut seen, mut more) = (HashSet::new(), true);
    while more {
        let before = seen.len();
        more = table.pop_some(100, &mut |item| assert!(seen.insert(item.number())));
        assert!(seen.len() - before <= 100 && table.len() == 20_000 - seen.len());
    }
    assert_eq!(seen.len(), 20_000);
    assert_eq!(table.segments.len, 0);
}
