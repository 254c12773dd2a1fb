//! Sets against a BTreeSet, from a seed, and what Redis would call them.
use super::*;
use crate::base::random::Chance;
use std::collections::BTreeSet;

fn limits() -> SetLimits {
    let hasher = KeyHasher::new([1, 2, 3, 4]);
    SetLimits { intset_entries: 512, listpack_entries: 128, listpack_value: 64, hasher }
}

fn member(chance: &mut Chance, kinds: u64) -> Vec<u8> {
    match chance.below(kinds) {
        0 => chance.below(700).to_string().into_bytes(),
        1 => (chance.next() as i64).to_string().into_bytes(),
        2 => format!("m{}", chance.below(300)).into_bytes(),
        3 => vec![b'a'; 60 + chance.below(6) as usize],
        _ => vec![b'b'; chance.below(5_000) as usize],
    }
}

#[test]
fn holds_what_a_set_does() {
    let small = limits();
    let wide =
        SetLimits { intset_entries: 100_000, listpack_entries: 100_000, listpack_value: 100_000, ..small.clone() };
    let seeds = if cfg!(miri) { 2 } else { 20 };
    for seed in 0..seeds {
        let limits = if seed % 3 == 0 { &wide } else { &small };
        let (mut set, mut model, mut chance) = (Set::default(), BTreeSet::new(), Chance::from_seed(seed));
        let kinds = 1 + seed % 5;
        for step in 0..if cfg!(miri) { 150 } else { 3_000 } {
            let word = member(&mut chance, kinds);
            let adds = [9, 4][step / 800 % 2];
            assert_eq!(set.contains(&word), model.contains(&word));
            if chance.below(10) < adds {
                assert_eq!(set.add(&word, limits), model.insert(word));
            } else if chance.below(4) == 0 {
                let was_empty = model.is_empty();
                let popped = set.pop(&mut || chance.next(), |element| element.bytes(&mut Digits::new()).to_vec());
                assert!(popped.as_ref().is_none_or(|popped| model.remove(popped)));
                assert_eq!(popped.is_none(), was_empty);
            } else {
                assert_eq!(set.remove(&word), model.remove(&word));
            }
            assert_eq!(set.len(), model.len());
            if step % 500 == 0 {
                set.check();
                let copy = set.clone();
                copy.check();
                assert_eq!((copy.len(), copy.encoding()), (set.len(), set.encoding()));
            }
        }
        set.check();
    }
}

/// It is the same whether it is made of many at once or of one after the other.
#[test]
fn made_of_others() {
    let (limits, mut chance) = (limits(), Chance::from_seed(1));
    let sizes: &[usize] = if cfg!(miri) { &[3, 140] } else { &[0, 3, 128, 129, 512, 513, 4_000] };
    for (size, kinds) in sizes.iter().flat_map(|size| (1..5).map(move |kinds| (*size, kinds))) {
        let (mut one_by_one, mut members) = (Set::default(), BTreeSet::new());
        while members.len() < size {
            members.insert(if kinds == 1 {
                members.len().to_string().into_bytes()
            } else {
                member(&mut chance, kinds)
            });
            if members.len() == size / 2 {
                members.insert(members.len().to_string().into_bytes());
            }
            if kinds == 4 || kinds == 3 {
                members.insert(format!("another {}", members.len()).into_bytes());
            }
        }
        members.iter().for_each(|member| assert!(one_by_one.add(member, &limits)));
        let elements: Vec<Element> = one_by_one.iter().collect();
        for made in [Set::of(&elements, &limits), one_by_one.anew(&limits)] {
            made.check();
            assert_eq!((made.len(), made.encoding()), (one_by_one.len(), one_by_one.encoding()));
            assert!(members.iter().all(|member| made.contains(member)));
        }
        let mut rest = one_by_one.clone();
        let (mut popped, mut chance) = (vec![], Chance::from_seed(2));
        for count in [size / 2, rest.len() - size / 2] {
            let mut show = |element: Element| popped.push(element.bytes(&mut Digits::new()).to_vec());
            rest.pop_many(count, &mut || chance.next(), &limits, &mut show);
            rest.check();
        }
        popped.sort();
        assert!(rest.is_empty() && popped.iter().eq(&members));
    }
}

/// Four standard deviations.
fn is_fair(counts: &[usize], draws: usize) -> bool {
    let expected = draws as f64 / counts.len() as f64;
    let chi: f64 = counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum();
    let free = counts.len() as f64 - 1.0;
    chi < free + 4.0 * (2.0 * free).sqrt()
}

/// Rows, integers, tables, and tables of which most is gone.
#[test]
#[cfg_attr(miri, ignore = "it draws for long")]
fn picks_are_fair() {
    let limits = limits();
    for (count, left, word) in
        [(50, 50, "m"), (400, 400, ""), (5_000, 5_000, "m"), (100_000, 700, "m"), (60_000, 90, "")]
    {
        let mut set = Set::default();
        let name = |n: usize| format!("{word}{n}").into_bytes();
        (0..count).for_each(|n| assert!(set.add(&name(n), &limits)));
        (left..count).for_each(|n| assert!(set.remove(&name(n))));
        let mut chance = Chance::from_seed(5);
        let (mut counts, draws) = (vec![0; left], left * 60);
        for _ in 0..draws {
            let drawn = set.random(&mut || chance.next()).unwrap().bytes(&mut Digits::new()).to_vec();
            let number: usize = std::str::from_utf8(&drawn[word.len()..]).unwrap().parse().unwrap();
            counts[number] += 1;
        }
        assert!(is_fair(&counts, draws), "{count} members, {left} left");
    }
    // What SPOP takes first.
    let (mut chance, mut counts) = (Chance::from_seed(6), vec![0; 20]);
    for _ in 0..4_000 {
        let mut set = Set::default();
        (0..20).for_each(|n| assert!(set.add(format!("{n}").as_bytes(), &limits)));
        let Some(Element::Integer(n)) = set.pop(&mut || chance.next(), |element| match element {
            Element::Integer(n) => Element::Integer(n),
            Element::Bytes(_) => unreachable!(),
        }) else {
            unreachable!()
        };
        counts[n as usize] += 1;
    }
    assert!(is_fair(&counts, 4_000));
}
