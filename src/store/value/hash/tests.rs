//! Hashes against a BTreeMap, from a seed, with a clock that goes on.
use super::*;
use crate::base::random::Chance;
use std::collections::BTreeMap;

fn limits() -> HashLimits {
    HashLimits { listpack_entries: 512, listpack_value: 64, hasher: KeyHasher::new([1, 2, 3, 4]) }
}

fn word(chance: &mut Chance, kinds: u64) -> Vec<u8> {
    match chance.below(kinds) {
        0 => chance.below(500).to_string().into_bytes(),
        1 => format!("field:{}", chance.below(500)).into_bytes(),
        2 => (chance.next() as i64).to_string().into_bytes(),
        3 => vec![b'a'; 60 + chance.below(6) as usize],
        _ => vec![b'b'; chance.below(4_000) as usize],
    }
}

fn bytes(element: Element) -> Vec<u8> {
    element.bytes(&mut Digits::new()).to_vec()
}

#[test]
fn holds_what_a_map_does() {
    type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;
    let small = limits();
    let wide = HashLimits { listpack_entries: 100_000, listpack_value: 100_000, ..small.clone() };
    for seed in 0..if cfg!(miri) { 3 } else { 30 } {
        let limits = if seed % 3 == 0 { &wide } else { &small };
        let (mut hash, mut model, mut chance) = (Hash::default(), Model::new(), Chance::from_seed(seed));
        let (kinds, expires) = (1 + seed % 5, seed % 2 == 0);
        let live = |entry: &(Vec<u8>, Option<i64>), now_ms: i64| entry.1.is_none_or(|at_ms| at_ms > now_ms);
        for step in 0..if cfg!(miri) { 150 } else { 2_500 } {
            let (now_ms, name) = (step as i64, word(&mut chance, kinds));
            let found = model.get(&name).filter(|entry| live(entry, now_ms)).cloned();
            let seen = hash.get(&name, now_ms).map(|field| (bytes(field.value), field.expires_ms));
            assert_eq!(seen, found);
            let later = now_ms + 1 + chance.below(300) as i64;
            match chance.below(if step / 700 % 2 == 0 { 9 } else { 14 }) {
                0 if expires && found.is_some() => {
                    let at_ms = Some(later).filter(|_| chance.below(4) > 0);
                    hash.expire(&name, at_ms, limits);
                    model.get_mut(&name).unwrap().1 = at_ms;
                }
                n @ 0..7 => {
                    let value = word(&mut chance, kinds);
                    let (expiry, at_ms) = match n {
                        1 => (FieldExpiry::Keep, found.as_ref().and_then(|entry| entry.1)),
                        2 if expires => (FieldExpiry::At(later), Some(later)),
                        _ => (FieldExpiry::Never, None),
                    };
                    assert_eq!(hash.set(&name, &value, expiry, now_ms, limits), found.is_none());
                    model.insert(name, (value, at_ms));
                }
                7 => {
                    let gone = hash.lapse(now_ms, 5, &mut |name| assert!(!live(&model.remove(name).unwrap(), now_ms)));
                    assert!(gone == 5 || model.values().all(|entry| live(entry, now_ms)));
                }
                _ => {
                    assert_eq!(hash.remove(&name, now_ms), found.is_some());
                    model.remove(&name);
                }
            }
            assert_eq!(hash.len_at(now_ms), model.values().filter(|entry| live(entry, now_ms)).count());
            assert_eq!(hash.due_ms(), model.values().filter_map(|entry| entry.1).min());
            if step % 250 == 0 {
                hash.check();
                hash.clone().check();
                let mut all: Vec<_> = hash.iter(now_ms).map(|field| (bytes(field.name), bytes(field.value))).collect();
                all.sort();
                let expected = model.iter().filter(|(_, entry)| live(entry, now_ms));
                assert!(all.into_iter().eq(expected.map(|(name, entry)| (name.clone(), entry.0.clone()))));
            }
        }
        hash.check();
    }
}
