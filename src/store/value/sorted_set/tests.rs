//! Sorted sets against a map, from a seed, across all forms: whatever is done to both, they hold the same in the same order.
use super::*;
use crate::base::random::Chance;
use std::collections::BTreeMap;

struct Both {
    set: SortedSet,
    model: BTreeMap<Vec<u8>, f64>,
    limits: SortedSetLimits,
    chance: Chance,
}

impl Both {
    fn ranked(&self) -> Vec<(u64, Vec<u8>)> {
        let mut ranked: Vec<_> = self.model.iter().map(|(member, score)| (order(*score), member.clone())).collect();
        ranked.sort();
        ranked
    }

    fn score(&mut self) -> f64 {
        match self.chance.below(6) {
            0 => self.chance.below(4) as f64,
            1 => -(self.chance.below(1 << 40) as f64),
            2 => self.chance.below(1000) as f64 / 8.0,
            3 => self.chance.below(1000) as f64 / 10.0,
            4 => [f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MAX, 1e300][self.chance.below(5) as usize],
            _ => (self.chance.next() >> 1) as f64,
        }
    }

    fn member(&mut self, longest: u64) -> Vec<u8> {
        match self.chance.below(3) {
            0 => self.chance.below(60).to_string().into_bytes(),
            1 => vec![b'a' + self.chance.below(26) as u8],
            _ => {
                let byte = b'a' + self.chance.below(3) as u8;
                vec![byte; self.chance.below(longest) as usize]
            }
        }
    }

    fn step(&mut self, longest: u64, grows: bool) {
        let (member, score) = (self.member(longest), self.score());
        let len = self.model.len();
        match self.chance.below(if grows { 12 } else { 24 }) {
            0..9 => {
                let (old, new) = self.set.change(&member, &self.limits, |_| Some(score));
                assert_eq!((old, new), (self.model.insert(member, score), Some(score)));
            }
            9 => assert_eq!(self.set.change(&member, &self.limits, |_| None), (self.model.get(&member).copied(), None)),
            10..20 => assert_eq!(self.set.remove(&member), self.model.remove(&member)),
            _ => {
                let from = self.chance.below(len as u64 + 1) as usize;
                let most = if self.chance.below(10) == 0 { len as u64 + 1 } else { 3 };
                let to = (from + self.chance.below(most) as usize).min(len);
                let reverse = self.chance.below(2) == 0;
                let (mut gone, mut digits) = (vec![], Digits::new());
                self.set.remove_range(from..to, reverse, |member, score| {
                    gone.push((order(score), member.bytes(&mut digits).to_vec()));
                });
                if reverse {
                    gone.reverse();
                }
                assert_eq!(gone, self.ranked()[from..to]);
                gone.iter().for_each(|(_, member)| _ = self.model.remove(member));
            }
        }
    }

    fn check(&mut self) {
        self.set.check();
        let (ranked, mut digits) = (self.ranked(), Digits::new());
        assert_eq!(self.set.len(), ranked.len());
        for reverse in [false, true] {
            let from = self.chance.below(ranked.len() as u64 + 1) as usize;
            let mut seen = vec![];
            self.set.visit(from..usize::MAX, reverse, |member, score| {
                seen.push((order(score), member.bytes(&mut digits).to_vec()));
                true
            });
            if reverse {
                seen.reverse();
            }
            assert_eq!(seen, ranked[from..]);
        }
        for (rank, (key, member)) in ranked.iter().enumerate() {
            let (found, score) = self.set.rank(member).expect("it is there");
            assert_eq!((found, order(score)), (rank, *key));
            assert_eq!(self.set.score(member), Some(score));
            let before = ranked.iter().filter(|(other, _)| other < key).count();
            let upto = ranked.iter().filter(|(other, _)| other <= key).count();
            assert_eq!(self.set.rank_of_cut(Cut::Before(score)), before);
            assert_eq!(self.set.rank_of_cut(Cut::Behind(score)), upto);
        }
        let (mut seen, mut cursor) = (vec![], Some(0));
        while let Some(from) = cursor {
            let walk = Walk { cursor: from, hasher: self.limits.hasher.clone() };
            cursor =
                self.set.scan(&walk, 7, |member, score| seen.push((order(score), member.bytes(&mut digits).to_vec())));
        }
        seen.sort();
        assert_eq!(seen, ranked);
    }
}

#[test]
fn does_what_a_map_does_in_every_form() {
    let rounds = if cfg!(miri) { 40 } else { 600 };
    // Entries, bytes of a member, how long members may be: small ones, those that no row has room for, and those that
    // become large in every possible way.
    for (seed, (entries, value, longest)) in
        [(128, 64, 30), (1000, 5000, 2500), (20, 64, 30), (128, 8, 30), (0, 64, 30)].into_iter().enumerate()
    {
        let hasher = KeyHasher::new([seed as u64, 2, 3, 4]);
        let mut both = Both {
            set: SortedSet::default(),
            model: BTreeMap::new(),
            limits: SortedSetLimits { entries, value, hasher },
            chance: Chance::from_seed(seed as u64),
        };
        let mut expected = "listpack";
        for round in 0..rounds {
            both.step(longest, round % 300 < 200);
            if both.model.len() > entries || both.model.keys().any(|member| member.len() > value) {
                expected = "skiplist";
            }
            if round % 20 == 0 {
                both.check();
                assert_eq!(both.set.encoding(), expected);
            }
        }
        assert!(both.set.clone().heap_bytes() <= both.set.heap_bytes() + 64);
        assert_eq!(format!("{:?}", both.set.clone()), format!("{:?}", both.set));
    }
}
