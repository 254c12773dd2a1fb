//! The wheel beside a map of deadlines, from a seed: whatever is filed, moved and removed, however the clock jumps, each
//! key comes up when it is due, and the bounds hold.
use super::*;
use crate::base::random::Chance;
use std::collections::BTreeMap;

const RESOLUTION_MS: i64 = 1 << RESOLUTION_BITS;
const YEAR_MS: i64 = 365 * 24 * 3600 * 1000;
const START_MS: i64 = 1_800_000_000_000;

/// Keys that expire, and a wheel that is used as a database uses it.
#[derive(Default)]
struct Keys {
    wheel: Wheel,
    /// Deadline and mark.
    keys: BTreeMap<u64, (i64, bool)>,
    now_ms: i64,
    batch: Vec<Item>,
    expired: u64,
    /// Look-ups, other than of a key that is due.
    visits: u64,
}

/// As a good hash is: without the spare bits.
fn hash(key: u64) -> u64 {
    let n = (key + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (n ^ n >> 31) & !SPARE
}

impl Keys {
    fn at(now_ms: i64) -> Keys {
        Keys { now_ms, ..Keys::default() }
    }

    fn add(&mut self, hash: u64, deadline_ms: i64) {
        let mark = self.wheel.add(deadline_ms, hash, self.now_ms);
        self.keys.insert(hash, (deadline_ms, mark));
    }

    fn set(&mut self, key: u64, deadline_ms: i64) {
        let hash = hash(key);
        match self.keys.get_mut(&hash) {
            Some((old_ms, _)) if *old_ms <= deadline_ms => *old_ms = deadline_ms,
            _ => self.add(hash, deadline_ms),
        }
        self.sift(8);
    }

    fn remove(&mut self, key: u64) {
        self.keys.remove(&hash(key));
        self.sift(8);
    }

    fn sift(&mut self, most: usize) {
        if self.wheel.is_stale(self.keys.len()) {
            let mut batch = std::mem::take(&mut self.batch);
            self.wheel.sift(most, &mut batch);
            assert!(batch.len() <= most);
            batch.iter().for_each(|item| self.visit(*item, true));
            self.batch = batch;
        }
        assert!(self.wheel.len() <= 2 * self.keys.len() + STALE_MIN + 8, "{}", self.wheel.len());
    }

    fn visit(&mut self, item: Item, sifts: bool) {
        self.visits += 1;
        let Some(&(deadline_ms, mark)) = self.keys.get(&item.hash) else { return };
        if deadline_ms <= self.now_ms && !sifts {
            self.visits -= 1;
            self.keys.remove(&item.hash);
            self.expired += 1;
            self.sift(8);
        } else if item.unless != Some(mark) {
            self.add(item.hash, deadline_ms);
        }
    }

    /// One call of `take_due`.
    fn slice(&mut self) -> bool {
        let mut batch = std::mem::take(&mut self.batch);
        let more = self.wheel.take_due(self.now_ms, &mut batch);
        assert!(batch.len() <= BATCH);
        batch.iter().for_each(|item| self.visit(*item, false));
        self.batch = batch;
        more
    }

    /// All that is due goes. How many calls it took.
    fn expire(&mut self) -> usize {
        let mut calls = 1;
        while self.slice() {
            calls += 1;
        }
        let next = self.wheel.next_ms();
        assert!(next.is_none_or(|next| next > self.now_ms), "{next:?}: all was done");
        let over_ms = self.now_ms & -RESOLUTION_MS;
        for (deadline_ms, _) in self.keys.values() {
            assert!(*deadline_ms >= over_ms, "{deadline_ms} is over at {}", self.now_ms);
            assert!(next.is_some_and(|next| next <= (deadline_ms & -RESOLUTION_MS).saturating_add(RESOLUTION_MS)));
        }
        calls
    }

    fn check(&self) {
        self.wheel.check(self.keys.iter().map(|(hash, (deadline_ms, _))| (*hash, *deadline_ms)));
    }
}

/// Deadlines as they are asked for: near ones, far ones, the end of time, and what is over.
fn span_ms(chance: &mut Chance) -> i64 {
    let log = chance.below(45);
    chance.below(1 << log) as i64 - 10
}

#[test]
fn does_what_a_map_of_deadlines_does() {
    let (mut expired, mut rounds) = (0, 0);
    for seed in 1..=15 {
        let mut chance = Chance::from_seed(seed);
        let mut keys = Keys::at(START_MS);
        let many = [10, 300, 5000][seed as usize % 3];
        let mut mark = false;
        for step in 0..20_000 {
            let key = chance.below(many);
            match chance.below(100) {
                0..45 => {
                    let at_ms = keys.now_ms + span_ms(&mut chance);
                    keys.set(key, at_ms);
                }
                45..55 => keys.set(key, keys.now_ms + chance.below(5000) as i64),
                55 => keys.set(key, [0, i64::MAX, 7][chance.below(3) as usize]),
                56..75 => keys.remove(key),
                75..90 => keys.now_ms += chance.below(200) as i64,
                // Behind, and not to its end.
                90..93 => _ = keys.slice(),
                93..98 => _ = keys.expire(),
                98 => keys.now_ms += span_ms(&mut chance) >> 5,
                _ if chance.below(10) == 0 => keys.now_ms -= chance.below(3000) as i64,
                _ if chance.below(20) == 0 => keys.now_ms += [YEAR_MS, -YEAR_MS][chance.below(2) as usize],
                _ => {}
            }
            rounds += (std::mem::replace(&mut mark, keys.wheel.mark) != mark) as u64;
            if step % 200 == 0 {
                keys.check();
            }
        }
        expired += keys.expired;
        keys.now_ms = i64::MAX - 1;
        keys.expire();
        keys.keys.retain(|_, (deadline_ms, _)| *deadline_ms < i64::MAX - RESOLUTION_MS);
        assert!(keys.keys.is_empty());
    }
    assert!(expired > 40_000 && rounds > 40, "{expired} expired, {rounds} rounds");
}

/// One key's items, from SET to the end.
#[test]
fn a_far_deadline_wakes_nobody_and_is_met_to_the_resolution() {
    for (span_ms, wakes_max) in [(0, 1), (7, 1), (1000, 1), (60_000, 2), (3_600_000, 3), (20 * YEAR_MS, 5)] {
        for offset in 0..20 {
            let mut keys = Keys::at(START_MS + offset * 101);
            let deadline_ms = keys.now_ms + span_ms;
            keys.set(1, deadline_ms);
            let mut wakes = 0;
            while let Some(next_ms) = keys.wheel.next_ms() {
                assert!(next_ms > keys.now_ms, "time goes on");
                keys.now_ms = next_ms;
                keys.expire();
                keys.check();
                wakes += 1;
            }
            assert!(keys.now_ms > deadline_ms && keys.now_ms <= deadline_ms + RESOLUTION_MS, "{}", keys.now_ms);
            assert!(wakes <= wakes_max, "{wakes} for {span_ms} ms");
        }
    }
}

#[test]
fn up_to_some_minutes_an_item_is_looked_up_when_it_is_due_and_not_before() {
    let mut keys = Keys::at(START_MS);
    for key in 0..10_000 {
        keys.set(key, keys.now_ms + 3000 + key as i64 * 50);
    }
    while !keys.wheel.is_empty() {
        keys.now_ms += 5;
        while keys.slice() {}
    }
    assert_eq!((keys.expired, keys.visits), (10_000, 0));
}

#[test]
fn a_jump_forward_visits_no_empty_bucket_one_by_one() {
    let mut chance = Chance::from_seed(1);
    let mut keys = Keys::at(START_MS);
    for key in 0..10_000 {
        keys.set(key, keys.now_ms + 1 + chance.below(YEAR_MS as u64 - 2) as i64);
    }
    keys.now_ms += YEAR_MS;
    assert_eq!(keys.expire(), 10_000 / BATCH + 1);
    assert_eq!((keys.expired, keys.visits, keys.wheel.len()), (10_000, 0, 0));
    assert!(keys.wheel.next_ms().is_none());
}

#[test]
fn a_clock_gone_back_keeps_what_is_due_and_files_what_is_new_where_it_belongs() {
    let mut keys = Keys::at(START_MS);
    (0..10_000).for_each(|key| keys.set(key, START_MS + 1 + key as i64));
    keys.now_ms -= YEAR_MS;
    keys.expire();
    // The first is filed; each that follows sifts a few of the old ones.
    for key in 10_000..20_000 {
        keys.set(key, keys.now_ms + key as i64 - 9_000);
    }
    keys.check();
    assert!(keys.wheel.old.is_empty() && keys.wheel.len() == 20_000, "{}", keys.wheel.len());
    let begun_ms = keys.now_ms;
    for passed_ms in [999, 5_000, 10_999] {
        keys.now_ms = begun_ms + passed_ms;
        keys.expire();
        assert!((keys.expired as i64 - (passed_ms - 1000)).abs() <= RESOLUTION_MS);
    }
    keys.now_ms = START_MS - 1;
    keys.expire();
    assert_eq!(keys.keys.len(), 10_000);
    keys.now_ms = START_MS + 5_000;
    keys.expire();
    assert!(keys.keys.len().abs_diff(5_000) <= RESOLUTION_MS as usize);
}

#[test]
fn items_stay_in_proportion_to_keys_whatever_is_done_to_them() {
    let churn = |count: u64, rounds: u64, change: fn(&mut Keys, u64, u64)| {
        let mut keys = Keys::at(START_MS);
        (0..count).for_each(|key| keys.set(key, keys.now_ms + 1_000_000));
        for round in 0..rounds {
            for key in 0..count {
                // `set` and `remove` assert the bound.
                change(&mut keys, key, round);
            }
            if round % 100 == 0 || count > 1 {
                keys.check();
            }
        }
        assert!(keys.visits <= 3 * count * rounds, "{} for {}", keys.visits, count * rounds);
    };
    for (count, rounds) in [(1, 10_000), (4_000, 10)] {
        // SET and DEL, as locks do.
        churn(count, rounds, |keys, key, _| {
            keys.remove(key);
            keys.set(key, keys.now_ms + 1_000_000);
        });
        // Long and short, by turns.
        churn(count, rounds, |keys, key, round| {
            keys.set(key, keys.now_ms + if round % 2 == 0 { 5_000 } else { 10_000_000 });
        });
        // Ever shorter.
        churn(count, rounds, |keys, key, round| keys.set(key, keys.now_ms + 1_000_000 - 30 * round as i64));
        // Ever longer: none is filed, none is looked at.
        churn(count, rounds, |keys, key, round| {
            keys.set(key, keys.now_ms + 2_000_000 + round as i64);
            assert_eq!(keys.visits, 0);
        });
        // Over when it is filed, and nobody takes it out.
        churn(count, rounds, |keys, key, round| keys.set(key, keys.now_ms - 1000 - round as i64));
    }
    // All go.
    let mut keys = Keys::at(START_MS);
    (0..100_000).for_each(|key| keys.set(key, keys.now_ms + 1_000_000));
    (0..100_000).for_each(|key| keys.remove(key));
    assert!(keys.wheel.len() <= STALE_MIN + 8);
}

#[test]
fn a_bucket_of_a_million_is_spread_in_slices() {
    let mut keys = Wheel::default();
    (0..1_000_000).for_each(|key| _ = keys.add(START_MS + 100_000, hash(key), START_MS));
    let (mut batch, mut calls, mut count) = (vec![], 0, 0);
    // Its time has begun, and none is due yet.
    while keys.take_due(START_MS + 99_990, &mut batch) {
        assert!(batch.is_empty());
        calls += 1;
    }
    assert_eq!((calls, keys.len()), (1_000_000 / MOVES, 1_000_000));
    while keys.take_due(START_MS + 100_008, &mut batch) || !batch.is_empty() {
        count += batch.len();
    }
    assert_eq!((count, keys.len()), (1_000_000, 0));
}

#[test]
fn an_item_takes_little_more_than_its_eight_bytes() {
    for (count, span_ms) in [(1_000_000, 1), (1_000_000, 20_000), (3_000_000, 3_600_000)] {
        let (mut keys, mut chance) = (Wheel::default(), Chance::from_seed(3));
        for key in 0..count {
            let _ = keys.add(START_MS + 60_000 + chance.below(span_ms) as i64, hash(key), START_MS + key as i64 / 100);
        }
        let bytes = keys.levels.heap_bytes() + keys.levels.chunks() * 256;
        assert!(bytes as u64 * 100 <= count * 835, "{bytes} bytes of {count} items");
    }
}

#[test]
fn goes_in_slices() {
    let mut keys = Keys::at(START_MS);
    (0..10_000).for_each(|key| keys.set(key, keys.now_ms + key as i64 * 1000 - 50));
    keys.wheel.begin_round();
    (0..10_000).for_each(|key| _ = keys.wheel.add(keys.now_ms + key * 1000, hash(key as u64), keys.now_ms));
    let mut calls = 0;
    while keys.wheel.shed(10) {
        calls += 1;
    }
    assert!(calls > 30 && keys.wheel.is_empty() && keys.wheel.next_ms().is_none());
    keys.wheel.check([].into_iter());
}
