//! A ranking against a sorted set of std's, and what only it promises: no change is large, memory goes with the elements.
use super::*;
use crate::base::random::Chance;
use std::collections::{BTreeMap, BTreeSet};

struct Both {
    ranking: Ranking,
    scores: BTreeMap<Vec<u8>, f64>,
    ranks: BTreeSet<(u64, Vec<u8>)>,
}

fn empty() -> Ranking {
    Ranking::new(KeyHasher::new([1, 2, 3, 4]))
}

impl Both {
    fn new() -> Both {
        Both { ranking: empty(), scores: BTreeMap::new(), ranks: BTreeSet::new() }
    }

    fn add(&mut self, score: f64, member: &[u8]) {
        let found = self.ranking.find(member);
        let old = self.scores.insert(member.to_vec(), score);
        assert_eq!(self.ranking.score(found), old);
        match old {
            None => self.ranking.insert(found, score, member),
            Some(old) => {
                self.ranks.remove(&(order(old), member.to_vec()));
                self.ranking.set_score(found, score);
            }
        }
        self.ranks.insert((order(score), member.to_vec()));
        let score = self.ranking.score(self.ranking.find(member)).unwrap();
        assert_eq!(order(score), order(*self.scores.get(member).unwrap()));
    }

    fn remove(&mut self, member: &[u8]) {
        let found = self.ranking.find(member);
        let old = self.scores.remove(member);
        assert_eq!(self.ranking.score(found), old);
        if let Some(old) = old {
            self.ranks.remove(&(order(old), member.to_vec()));
            self.ranking.remove(found);
        }
    }

    fn remove_range(&mut self, range: Range<usize>, reverse: bool) {
        let expected: Vec<_> = self.ranks.iter().skip(range.start).take(range.len()).cloned().collect();
        let mut seen = vec![];
        self.ranking.remove_range(range, reverse, |member, score| seen.push((order(score), member.to_vec())));
        if reverse {
            seen.reverse();
        }
        assert_eq!(seen, expected);
        for element in seen {
            self.ranks.remove(&element);
            self.scores.remove(&element.1);
        }
    }

    fn check(&self, chance: &mut Chance) {
        self.ranking.check();
        assert_eq!(self.ranking.len(), self.ranks.len());
        let all: Vec<_> = self.ranks.iter().cloned().collect();
        for _ in 0..20 {
            let len = all.len() as u64;
            let (from, to) = (chance.below(len + 1) as usize, chance.below(len + 2) as usize);
            for reverse in [false, true] {
                let mut seen = vec![];
                self.ranking.visit(from..to.max(from), reverse, |member, score| {
                    seen.push((order(score), member.to_vec()));
                    true
                });
                if reverse {
                    seen.reverse();
                }
                let end = to.max(from).min(all.len());
                assert_eq!(seen, all[from.min(end)..end]);
            }
            let Some((key, member)) = all.get(from) else { continue };
            let (found, score) = self.ranking.get(from).unwrap();
            assert_eq!((order(score), found), (*key, &member[..]));
            assert_eq!(self.ranking.rank(score, member), from);
            let before = all.iter().filter(|(other, _)| other < key).count();
            let upto = all.iter().filter(|(other, _)| other <= key).count();
            assert_eq!(self.ranking.rank_of_cut(Cut::Before(score)), before);
            assert_eq!(self.ranking.rank_of_cut(Cut::Behind(score)), upto);
            let other = if score == 0.0 { -score } else { score };
            assert_eq!(self.ranking.rank_of_cut(Cut::Before(other)), before);
        }
        assert_eq!(self.ranking.get(all.len()), None);
    }
}

const STEPS: usize = if cfg!(miri) { 150 } else { 6_000 };

fn score(kind: u64, chance: &mut Chance, step: usize) -> f64 {
    match kind {
        // A few, all the same, a wide range, neighbours, in order, in reverse order.
        0 => chance.below(8) as f64,
        1 => 0.0,
        2 => f64::from_bits(chance.next() & !(1 << 62)),
        3 => 1e9 + chance.below(1 << 30) as f64 / 1024.0,
        4 => 1.7e12 + step as f64,
        5 => -(step as f64),
        _ => [f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MIN_POSITIVE, f64::MAX, 1.0][chance.below(7) as usize],
    }
}

fn member(chance: &mut Chance, numbers: u64) -> Vec<u8> {
    let number = chance.below(numbers);
    match number % 50 {
        0 => [b"long".repeat(70), number.to_string().into_bytes()].concat(),
        1 if number == 1 => vec![],
        _ => number.to_string().into_bytes(),
    }
}

#[test]
fn does_what_a_sorted_set_does_as_it_grows_shrinks_and_churns() {
    for kind in if cfg!(miri) { 2..3 } else { 0..7 } {
        let (mut both, mut chance) = (Both::new(), Chance::from_seed(kind));
        let numbers = STEPS as u64 * 2 / 3;
        for (phase, adds) in [9, 5, 2, 9, 0].into_iter().enumerate() {
            for step in 0..STEPS {
                let member = member(&mut chance, numbers);
                if chance.below(10) < adds {
                    both.add(score(kind, &mut chance, phase * STEPS + step), &member);
                } else if chance.below(400) == 0 {
                    let from = chance.below(both.ranks.len() as u64 + 1) as usize;
                    let to = (from + chance.below(100) as usize).min(both.ranks.len());
                    both.remove_range(from..to, step % 2 == 0);
                } else {
                    both.remove(&member);
                }
                if step % (STEPS / 3) == 0 {
                    both.check(&mut chance);
                }
            }
            both.check(&mut chance);
        }
        both.remove_range(0..both.ranks.len(), kind % 2 == 0);
        both.check(&mut chance);
        assert!(both.ranking.is_empty());
    }
}

#[test]
fn ranks_of_members_where_all_scores_are_equal() {
    let (mut both, mut chance) = (Both::new(), Chance::from_seed(1));
    (0..STEPS as u64 / 4).for_each(|_| both.add(2.0, &member(&mut chance, 1 << 40)));
    for _ in 0..100 {
        let bound = member(&mut chance, 1 << 40);
        let before = both.ranks.iter().filter(|(_, member)| *member < bound).count();
        assert_eq!(both.ranking.rank_of_member(|member| member < &bound[..]), before);
    }
}

/// Beside the elements, which take 32 bytes here.
fn bytes_per_element(count: u64, score: impl Fn(u64) -> f64) -> f64 {
    let mut ranking = empty();
    for number in 0..count {
        let member = format!("member:{number:09}");
        let found = ranking.find(member.as_bytes());
        ranking.insert(found, score(number), member.as_bytes());
    }
    ranking.tree.check();
    ranking.tree.heap_bytes() as f64 / count as f64
}

#[test]
#[cfg_attr(miri, ignore = "a figure of many")]
fn leaves_are_well_filled() {
    let count = 100_000;
    let mix = |number: u64| (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64;
    let [random, up, down] = [
        bytes_per_element(count, mix),
        bytes_per_element(count, |n| n as f64),
        bytes_per_element(count, |n| -(n as f64)),
    ];
    assert!(random < 11.5 && up < 9.5 && down < 9.5, "{random}, {up}, {down} bytes an element");
}

#[test]
fn it_is_the_same_when_made_at_one_go() {
    // Miri takes minutes for all of them.
    let counts = if cfg!(miri) { vec![1, 70] } else { vec![0, 1, 60, 61, 62, 61 * 31, 61 * 31 + 1, 5_000] };
    for (seed, count) in counts.into_iter().enumerate() {
        let (mut both, mut chance) = (Both::new(), Chance::from_seed(seed as u64));
        (0..count.min(STEPS))
            .for_each(|step| both.add(score(seed as u64 % 4, &mut chance, step), &member(&mut chance, 1 << 40)));
        let len = both.ranking.len();
        both.ranking = both.ranking.clone();
        both.check(&mut chance);
        let gone = len / 3..len / 2;
        both.ranking = both.ranking.without(&gone);
        let elements: Vec<_> = both.ranks.iter().skip(gone.start).take(gone.len()).cloned().collect();
        for element in elements {
            both.ranks.remove(&element);
            both.scores.remove(&element.1);
        }
        both.check(&mut chance);
        // Full nodes take more, and give some back.
        (0..count.min(STEPS) / 2).for_each(|step| both.add(score(0, &mut chance, step), &member(&mut chance, 1 << 40)));
        both.check(&mut chance);
        both.remove_range(0..both.ranks.len() / 2, false);
        both.check(&mut chance);
    }
}

#[test]
fn memory_goes_with_the_elements_and_a_copy_shares_none() {
    let (mut both, mut chance) = (Both::new(), Chance::from_seed(3));
    (0..STEPS).for_each(|step| both.add(score(3, &mut chance, step), &member(&mut chance, 1 << 40)));
    let (full, copy) = (both.ranking.heap_bytes(), both.ranking.clone());
    while both.ranks.len() > STEPS / 100 {
        let at = chance.below(both.ranks.len() as u64) as usize;
        both.remove_range(at..at + 1, false);
    }
    both.check(&mut chance);
    let left = both.ranking.heap_bytes();
    assert!(left < full / 25 || cfg!(any(miri, feature = "plain-map")), "{left} bytes of {full}");
    copy.check();
    assert!(copy.heap_bytes() <= full);
}

#[test]
fn it_is_freed_in_slices() {
    let (mut both, mut chance) = (Both::new(), Chance::from_seed(4));
    (0..STEPS).for_each(|step| both.add(score(0, &mut chance, step), &member(&mut chance, 1 << 40)));
    let mut slices = 0;
    while both.ranking.shed(2) {
        slices += 1;
    }
    assert!(slices + 1 >= STEPS / (2 * ELEMENTS_FREED));
}
