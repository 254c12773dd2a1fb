//! When an entry was used last, and how often: four bytes of its header (`Used`), and what a use does to them (`Access`).
//! How often is counted as Redis does it, in one byte that grows ever more rarely and sinks with time; only while an LFU
//! policy is chosen. Which entries memory is taken from, this does not decide.
//! (<https://redis.io/docs/latest/develop/reference/eviction/>)
use crate::base::random::Chance;

/// The second of the last use, its low 24 bits, above a byte that tells how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used(u32);

/// A new entry has been used so often: else the next one would take its place at once.
const INITIAL: u8 = 5;
const SECOND_BITS: u32 = 24;
const SECONDS: i64 = 1 << SECOND_BITS;
/// A use that seems to lie further back than this (182 days) lies in the future: the clock was moved back.
const IDLE_MAX_S: i64 = SECONDS - (1 << 20);

impl Used {
    #[inline]
    pub fn new(now_ms: i64) -> Used {
        Used::at(now_ms, INITIAL)
    }

    /// That of an entry which was used last so long ago, however often.
    pub fn idle_for(idle_s: u64, now_ms: i64) -> Used {
        let idle_ms = i64::try_from(idle_s).unwrap_or(i64::MAX).min(IDLE_MAX_S) * 1000;
        Used::new(now_ms - idle_ms)
    }

    /// That of an entry which was used so often, and now.
    pub fn counted_so_far(count: u8, now_ms: i64) -> Used {
        Used::at(now_ms, count)
    }

    #[inline]
    fn at(now_ms: i64, count: u8) -> Used {
        Used(((now_ms / 1000) as u32) << (32 - SECOND_BITS) | count as u32)
    }

    #[inline]
    fn count(self) -> u8 {
        self.0 as u8
    }

    /// For how many seconds it was not used: up to 182 days.
    pub fn idle_s(self, now_ms: i64) -> u64 {
        let second = (self.0 >> (32 - SECOND_BITS)) as i64;
        let idle_s = (now_ms / 1000 - second).rem_euclid(SECONDS);
        if idle_s > IDLE_MAX_S { 0 } else { idle_s as u64 }
    }

    /// How often it was used lately.
    pub fn frequency(self, rates: Rates, now_ms: i64) -> u8 {
        let now_s = now_ms / 1000;
        let minutes = now_s / 60 - (now_s - self.idle_s(now_ms) as i64) / 60;
        let periods = minutes.checked_div(rates.decay_minutes as i64).unwrap_or(0);
        (self.count() as i64 - periods).max(0) as u8
    }
}

/// How quickly the counter grows and sinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// `lfu-log-factor`: it counts every use if 0, and one of ever more the greater this is.
    pub log_factor: u32,
    /// `lfu-decay-time`: it sinks by one in so many minutes; never if 0.
    pub decay_minutes: u32,
}

#[derive(Debug)]
pub struct Access {
    /// How often entries are used is counted.
    pub rates: Option<Rates>,
    chance: Chance,
}

impl Default for Access {
    fn default() -> Access {
        Access::new(0)
    }
}

impl Access {
    pub fn new(seed: u64) -> Access {
        Access { rates: None, chance: Chance::from_seed(seed) }
    }

    /// What a use makes of it.
    #[inline]
    pub fn again(&mut self, used: Used, now_ms: i64) -> Used {
        match self.rates {
            None => Used::at(now_ms, used.count()),
            Some(rates) => self.counted(used, rates, now_ms),
        }
    }

    #[inline(never)]
    fn counted(&mut self, used: Used, rates: Rates, now_ms: i64) -> Used {
        let count = used.frequency(rates, now_ms);
        let one_of = count.saturating_sub(INITIAL) as u64 * rates.log_factor as u64 + 1;
        Used::at(now_ms, count.saturating_add((self.chance.below(one_of) == 0) as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;
    const MINUTE_MS: i64 = 60_000;

    #[test]
    fn idle_time_wraps_late_and_survives_a_clock_that_is_moved_back() {
        let day_ms = 24 * 60 * MINUTE_MS;
        for begun_ms in [0, 999, NOW_MS, (SECONDS - 1) * 1000, SECONDS * 1000] {
            let used = Used::new(begun_ms);
            for later_ms in [0, 10_000, day_ms, 100 * day_ms, 180 * day_ms] {
                let expected = (begun_ms + later_ms) / 1000 - begun_ms / 1000;
                assert_eq!(used.idle_s(begun_ms + later_ms), expected as u64, "{later_ms} ms after {begun_ms}");
            }
            assert_eq!(used.idle_s(begun_ms - day_ms), 0);
        }
    }

    #[test]
    fn every_use_counts_without_a_factor_and_none_is_counted_without_rates() {
        let mut access = Access::new(1);
        let mut used = Used::new(NOW_MS);
        used = access.again(used, NOW_MS);
        let rates = Rates { log_factor: 0, decay_minutes: 0 };
        assert_eq!(used.frequency(rates, NOW_MS), INITIAL);
        access.rates = Some(rates);
        for n in 1..400 {
            used = access.again(used, NOW_MS);
            assert_eq!(used.frequency(rates, NOW_MS), (INITIAL as i32 + n).min(255) as u8);
        }
    }

    #[test]
    fn the_counter_sinks_by_one_in_each_period() {
        let rates = Rates { log_factor: 10, decay_minutes: 2 };
        let used = Used::at(NOW_MS, 100);
        // NOW_MS is 13 minutes and 20 seconds past the hour.
        for (seconds, count) in
            [(0, 100), (39, 100), (99, 100), (100, 99), (219, 99), (220, 98), (7200, 40), (90_000, 0)]
        {
            assert_eq!(used.frequency(rates, NOW_MS + seconds * 1000), count, "after {seconds} s");
        }
        assert_eq!(used.frequency(Rates { decay_minutes: 0, ..rates }, NOW_MS + 365 * 24 * 60 * MINUTE_MS), 100);
    }

    /// The table of Redis's documentation: hits, and what the counter shows for them.
    #[test]
    fn it_grows_ever_more_rarely() {
        for (log_factor, hits, low, high) in
            [(1, 1000, 40, 60), (10, 1000, 14, 26), (10, 100_000, 125, 160), (100, 100_000, 40, 60)]
        {
            let rates = Rates { log_factor, decay_minutes: 0 };
            let mut access = Access { rates: Some(rates), ..Access::new(7) };
            let mut used = Used::new(NOW_MS);
            (0..hits).for_each(|_| used = access.again(used, NOW_MS));
            let count = used.frequency(rates, NOW_MS);
            assert!((low..=high).contains(&count), "{count} after {hits} hits at {log_factor}");
        }
    }
}
