//! Busy-poll: whether to poll without waiting for some microseconds before the loop goes to sleep. Sleeping costs a
//! wake-up on both sides of each request; spinning costs a core that another may want. It decides from what it sees:
//! whether spins find something, whether sleeps were so short that a spin would have, and whether the kernel takes the
//! core away while it spins.
use nix::sys::resource::{UsageWho, getrusage};

/// Spins between two looks at the context switches.
const WINDOW_SPINS: u32 = 64;
const WINDOW_US_MAX: u64 = 100_000;
const OFF_US_MIN: u64 = 500_000;
const OFF_US_MAX: u64 = 16_000_000;
/// What a sleep takes longer than what it waited for: the kernel's wake-up, with a little for chance.
const WAKE_UP_US: u64 = 50;
/// After many misses in a row it hardly tries any more: each 4,096 short sleeps, which is 25 times a second beside a load on
/// the same core, and half a millisecond of it.
const SKIPS_MAX: u32 = 1 << 15;
/// A short sleep speaks for a spin, but does not prove it: a client that shares our core sends at once when we sleep, and
/// never while we spin. So it counts as so many sleeps, and only a hit counts for more. (When it counted for all, the
/// server with its load on one core spun for nothing once in each turn and had 0.95 of the throughput.)
const SHORT_SLEEP: u32 = 8;

#[derive(Debug)]
pub struct BusyPoll {
    /// `busy-poll-usec`; 0: never.
    pub limit_us: u32,
    /// Sleeps to come before it spins again, and how many there were to be the last time.
    skip: u32,
    penalty: u32,
    /// Of the window that began at that moment, with so many context switches before it.
    spins: u32,
    began_us: u64,
    switches: i64,
    off_until_us: u64,
    off_us: u64,
}

impl BusyPoll {
    pub fn new(limit_us: u32) -> BusyPoll {
        BusyPoll {
            limit_us,
            skip: 0,
            penalty: 0,
            spins: 0,
            began_us: 0,
            switches: 0,
            off_until_us: 0,
            off_us: OFF_US_MIN,
        }
    }

    #[inline]
    pub fn wants(&mut self, now_us: u64) -> bool {
        if self.limit_us == 0 || now_us < self.off_until_us {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        true
    }

    /// A spin has ended.
    pub fn spun(&mut self, found: bool, now_us: u64) {
        if found {
            self.penalty /= 2;
        } else {
            self.penalty = (2 * self.penalty + 1).min(SKIPS_MAX);
            self.skip = self.penalty;
        }
        if self.spins == 0 {
            (self.began_us, self.switches) = (now_us, involuntary_switches());
        }
        self.spins += 1;
        if self.spins > WINDOW_SPINS {
            self.judge(now_us);
        }
    }

    /// A sleep has ended, by an event or by a timer. One that was as short as a spin might have been one.
    pub fn slept(&mut self, slept_us: u64, by_event: bool) {
        if by_event && slept_us <= self.limit_us as u64 + WAKE_UP_US {
            self.skip = self.skip.saturating_sub(SHORT_SLEEP);
        }
    }

    /// Others want the core: then the client that we wait for may be among them. A window that took long says nothing, for
    /// most of what happened in it did not happen while we were spinning.
    fn judge(&mut self, now_us: u64) {
        let taken = involuntary_switches() - self.switches;
        let dense = now_us - self.began_us < WINDOW_US_MAX;
        self.spins = 0;
        if dense && taken > WINDOW_SPINS as i64 / 16 {
            self.off_until_us = now_us + self.off_us;
            self.off_us = (2 * self.off_us).min(OFF_US_MAX);
        } else if dense {
            self.off_us = OFF_US_MIN;
        }
    }
}

fn involuntary_switches() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.involuntary_context_switches())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backs_off_when_spins_find_nothing_and_comes_back() {
        let mut busy = BusyPoll::new(20);
        let mut spins = 0;
        for turn in 0..10_000 {
            if busy.wants(turn) {
                spins += 1;
                busy.spun(false, turn);
            }
            busy.slept(1000, true);
        }
        assert!(spins < 20, "{spins} spins for nothing");
        let mut short = 0;
        while !busy.wants(20_000) {
            short += 1;
            busy.slept(10, true);
        }
        assert!(short < 5000, "after {short} short sleeps it tries again");
        for turn in 0..100 {
            busy.spun(true, 30_000 + turn);
            assert!(busy.wants(30_000 + turn), "it finds something each time");
        }
    }

    /// The client runs on our core: it sends as soon as we sleep, and never while we spin.
    #[test]
    fn short_sleeps_alone_do_not_make_it_spin() {
        let mut busy = BusyPoll::new(20);
        let mut spins = 0;
        for turn in 0..10_000 {
            if busy.wants(500 * turn) {
                spins += 1;
                busy.spun(false, 500 * turn + 20);
            }
            busy.slept(30, true);
        }
        assert!(spins < 20, "{spins} spins for nothing");
    }

    #[test]
    fn zero_is_never() {
        assert!(!BusyPoll::new(0).wants(0));
    }
}
