//! Beside maps of the standard library, and what it takes of memory.
use super::*;
use crate::base::random::Chance;
use crate::store::structure::chunk::Element;
use std::collections::BTreeMap;

fn word(chance: &mut Chance) -> Vec<u8> {
    match chance.below(12) {
        0..4 => chance.below(3_000).to_string().into_bytes(),
        4 => (chance.next() as i64).to_string().into_bytes(),
        5 => format!("-{}", chance.below(3_000)).into_bytes(),
        6 => vec![b'x'; 120 + chance.below(14) as usize],
        7 => vec![b'y'; chance.below(400) as usize],
        8 if chance.below(20) == 0 => vec![b'z'; 3_000 * chance.below(5) as usize],
        _ => format!("member:{}", chance.below(3_000)).into_bytes(),
    }
}

fn text(key: Element) -> Vec<u8> {
    key.bytes(&mut itoa::Buffer::new()).to_vec()
}

fn hasher() -> KeyHasher {
    KeyHasher::new([1, 2, 3, 4])
}

/// It grows, is rewritten and shrinks in turns. Under Miri a little.
fn steps() -> u64 {
    if cfg!(miri) { 300 } else { 60_000 }
}

#[test]
fn holds_the_members_that_a_map_does() {
    let (mut dict, mut model, mut chance) = (Dict::<false>::new(hasher()), BTreeMap::new(), Chance::from_seed(1));
    for step in 0..steps() {
        let key = word(&mut chance);
        let grows = step / 15_000 % 2 == 0;
        if chance.below(10) < if grows { 8 } else { 2 } {
            assert_eq!(dict.add(&key), model.insert(key, ()).is_none());
        } else {
            assert_eq!(dict.remove(&key), model.remove(&key).is_some());
        }
        if step % 5_000 == 0 {
            dict.check();
            assert!(model.keys().all(|key| dict.find(key).is_some()));
        }
    }
    dict.check();
    let mut keys: Vec<Vec<u8>> = dict.iter().map(|record| text(record.key)).collect();
    keys.sort();
    assert!(keys.iter().eq(model.keys()));
    assert!(dict.clone().iter().map(|record| text(record.key)).eq(dict.iter().map(|record| text(record.key))));
    dict.clone().check();
}

#[test]
fn holds_the_fields_that_a_map_does() {
    type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;
    let (mut dict, mut model, mut chance) = (Dict::<true>::new(hasher()), Model::new(), Chance::from_seed(2));
    for step in 0..steps() {
        let key = word(&mut chance);
        let grows = step / 15_000 % 2 == 0;
        match chance.below(10) {
            0 if model.contains_key(&key) => {
                let at_ms = Some(chance.below(1 << 46) as i64).filter(|_| chance.below(2) == 0);
                dict.expire_at(dict.find(&key).unwrap(), at_ms);
                model.get_mut(&key).unwrap().1 = at_ms;
            }
            n if n < if grows { 8 } else { 3 } => {
                let value = (word(&mut chance), Some(step as i64).filter(|_| chance.below(3) == 0));
                assert_eq!(dict.put(&key, &value.0, value.1), model.insert(key, value).is_none());
            }
            _ => assert_eq!(dict.remove(&key), model.remove(&key).is_some()),
        }
        if step % 5_000 == 0 {
            dict.check();
        }
    }
    dict.check();
    assert_eq!(dict.len(), model.len());
    for (key, (value, expires_ms)) in &model {
        let record = dict.at(dict.find(key).expect("it is there"));
        assert_eq!((text(record.key), record.value, record.expires_ms), (key.clone(), &value[..], *expires_ms));
    }
    let mut left = 0;
    while dict.shed(2) {
        left += 1;
    }
    assert!(left > 0 && dict.pieces() == 0);
}

/// Whatever comes and goes, a quarter of the memory is holes at most, and a little.
#[test]
#[cfg(not(feature = "plain-map"))]
fn what_goes_gives_its_memory_back() {
    let mut dict = Dict::<false>::new(hasher());
    let count = if cfg!(miri) { 200 } else { 100_000 };
    let key = |n: u64| format!("a member that is not short: {n}").into_bytes();
    (0..count).for_each(|n| assert!(dict.add(&key(n))));
    let full = dict.heap_bytes();
    // Nine of ten go, spread over all blocks.
    (0..count).filter(|n| n % 10 != 0).for_each(|n| assert!(dict.remove(&key(n))));
    dict.check();
    assert!(cfg!(miri) || dict.heap_bytes() < full / 5, "{} of {full}", dict.heap_bytes());
    (0..count).filter(|n| n % 10 == 0).for_each(|n| assert!(dict.remove(&key(n))));
    dict.check();
    assert!(dict.is_empty() && (cfg!(miri) || dict.heap_bytes() < full / 50), "{}", dict.heap_bytes());
}

#[test]
#[cfg(not(feature = "plain-map"))]
#[cfg_attr(miri, ignore = "it is about many")]
fn takes_little_more_than_its_bytes() {
    for count in [1_000, 10_000, 100_000] {
        let mut dict = Dict::<false>::new(hasher());
        (0..count).for_each(|n| assert!(dict.add(format!("member:{n:09}").as_bytes())));
        let each = dict.heap_bytes() as f64 / count as f64;
        // 16 bytes, their length, a slot.
        assert!(each < 32.0, "{each} bytes a member of {count}");
        let mut dict = Dict::<false>::new(hasher());
        (0..count).for_each(|n| assert!(dict.add(n.to_string().as_bytes())));
        let each = dict.heap_bytes() as f64 / count as f64;
        assert!(each < 13.5, "{each} bytes an integer of {count}");
    }
}
