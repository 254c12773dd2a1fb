//! What has happened since the start, or since CONFIG RESETSTAT, as INFO tells it.
use super::turns::Turns;
use crate::base::histogram::Histogram;
use std::collections::BTreeMap;

#[derive(Debug, Default, Clone)]
pub struct CommandStats {
    pub calls: u64,
    /// Of the tick source; what a tick is worth, the host knows.
    pub ticks: u64,
    /// Refused before it ran.
    pub rejected: u64,
    /// Refused while it ran.
    pub failed: u64,
    /// Ticks of each call, if `latency-tracking` is on. There once it was called.
    pub took: Option<Histogram>,
}

impl CommandStats {
    /// A call has ended, after so many ticks.
    #[inline]
    pub fn ended(&mut self, ticks: u64, tracked: bool) {
        self.ticks += ticks;
        self.finished(ticks, tracked);
    }

    /// The same for one whose ticks were counted as they went.
    #[inline]
    pub fn finished(&mut self, ticks: u64, tracked: bool) {
        self.calls += 1;
        if tracked {
            match &mut self.took {
                Some(took) => took.add(ticks),
                None => self.first(ticks),
            }
        }
    }

    #[cold]
    fn first(&mut self, ticks: u64) {
        self.took.insert(Histogram::default()).add(ticks);
    }
}

/// Errors of more kinds are not told apart: a script could make up any number of them.
const ERROR_KINDS_MAX: usize = 128;
/// Stands in place of all kinds when there were more.
const TOO_MANY_KINDS: &str = "ERRORSTATS_DISABLED";

const SAMPLE_EVERY_US: u64 = 100_000;

#[derive(Debug, Default)]
pub struct Stats {
    /// By the command's row in the table.
    pub commands: Vec<CommandStats>,
    /// Error replies by their first word.
    pub errors: BTreeMap<String, u64>,
    pub error_replies: u64,
    pub connections: u64,
    pub rejected_connections: u64,
    /// Requests that were served, as they are counted at the end of each step; those too that were refused.
    pub commands_processed: u64,
    refused: Refused,
    /// Requests that were queued and then run by an EXEC.
    pub queued_run: u64,
    pub hits: u64,
    pub misses: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub reads: u64,
    pub writes: u64,
    /// Instantaneous figures: see `sample`.
    pub commands_per_second: u64,
    pub bytes_in_per_second: u64,
    pub bytes_out_per_second: u64,
    pub turns_per_second: u64,
    /// What a turn took on average, without its poll.
    pub ticks_per_turn: u64,
    sampled: Sampled,
    pub memory_peak: usize,
    /// What `expired_keys` was when the statistics were reset.
    pub expired_before: u64,
    /// The same for what was freed in slices.
    pub freed_before: u64,
    /// Ticks that went into keys that were due, and how often there were more of them than time.
    pub expiry_ticks: u64,
    pub expiry_cut_short: u64,
    pub query_buffer_limit_disconnections: u64,
    pub output_buffer_limit_disconnections: u64,
    /// Closed since too many clients had not signed in.
    pub displaced_clients: u64,
    /// Closed by `maxmemory-clients`.
    pub evicted_clients: u64,
    /// AUTH and HELLO with a wrong name or password.
    pub refused_logins: u64,
    /// The reactor's: microseconds spent in busy-polling, and how often it found work.
    pub busy_poll_us: u64,
    pub busy_poll_hits: u64,
    pub busy_poll_misses: u64,
    pub turns: u64,
    pub turns_of_loop: Turns,
    /// Ticks spent in parsing, while the reactor wants to know.
    pub parse_ticks: Option<u64>,
    /// Ticks that this turn has spent in freeing what was removed.
    pub freeing_ticks: u64,
    /// Of the commands of this turn that took `stall-log-slower-than`, the slowest, with its ticks.
    pub slowest: Option<(&'static str, u64)>,
    /// Reads that ended within a request, and writes that the socket took in part or not at all.
    pub partial_reads: u64,
    pub partial_writes: u64,
}

/// Counters as they were when rates were worked out last.
#[derive(Debug, Default, Clone, Copy)]
struct Sampled {
    at_us: u64,
    commands: u64,
    bytes_in: u64,
    bytes_out: u64,
    turns: u64,
    work_ticks: u64,
}

/// Requests that were refused: no such command, wrong words, not now. And those that were queued, of which some are run
/// later. They are counted at once, requests at the end of their step, so the `fresh` ones are among the requests when these have moved on from `at`.
#[derive(Debug, Default, Clone, Copy)]
struct Refused {
    counted: u64,
    fresh: u64,
    at: u64,
}

impl Stats {
    pub fn new(commands: usize) -> Stats {
        Stats { commands: vec![CommandStats::default(); commands], ..Stats::default() }
    }

    /// A key was looked up for its value.
    #[inline]
    pub fn looked_up(&mut self, found: bool) {
        self.hits += found as u64;
        self.misses += !found as u64;
    }

    #[cold]
    pub fn error(&mut self, text: &str) {
        let code = text.split(' ').next().unwrap_or("ERR");
        self.error_replies += 1;
        if let Some(count) = self.errors.get_mut(code) {
            *count += 1;
        } else if self.errors.len() >= ERROR_KINDS_MAX {
            self.errors = BTreeMap::from([(TOO_MANY_KINDS.to_string(), 1)]);
        } else if !self.errors.contains_key(TOO_MANY_KINDS) {
            self.errors.insert(code.to_string(), 1);
        }
    }

    /// A client's request was refused, or queued.
    #[cold]
    pub fn refused(&mut self) {
        let Refused { counted, fresh, at } = &mut self.refused;
        if *at != self.commands_processed {
            *counted += std::mem::take(fresh);
            *at = self.commands_processed;
        }
        *fresh += 1;
    }

    /// Commands that ran. (To count them one by one would cost each.)
    pub fn commands_run(&self) -> u64 {
        let Refused { counted, fresh, at } = self.refused;
        let refused = counted + if at == self.commands_processed { 0 } else { fresh };
        (self.commands_processed + self.queued_run).saturating_sub(refused)
    }

    /// When the rates may be worked out again, whoever asks: over a moment, one command would be a million a second.
    pub fn sample_at_us(&self) -> u64 {
        self.sampled.at_us + SAMPLE_EVERY_US
    }

    /// Called a few times a second by the timers, and before the rates are told: while nobody sends commands, no timer
    /// samples, and they must fall.
    pub fn sample(&mut self, now_us: u64) {
        if now_us < self.sample_at_us() {
            return;
        }
        let old = self.sampled;
        self.sampled = Sampled {
            at_us: now_us,
            commands: self.commands_run(),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            turns: self.turns,
            work_ticks: self.turns_of_loop.work_ticks,
        };
        let passed = now_us - old.at_us;
        let rate = |new: u64, old: u64| new.saturating_sub(old) * 1_000_000 / passed;
        self.commands_per_second = rate(self.commands_run(), old.commands);
        self.bytes_in_per_second = rate(self.bytes_in, old.bytes_in);
        self.bytes_out_per_second = rate(self.bytes_out, old.bytes_out);
        self.turns_per_second = rate(self.turns, old.turns);
        let work = self.sampled.work_ticks.saturating_sub(old.work_ticks);
        self.ticks_per_turn = work / self.turns.saturating_sub(old.turns).max(1);
    }

    /// `expired`, `freed`: what is counted elsewhere, as it is now.
    pub fn reset(&mut self, expired: u64, freed: u64) {
        *self = Stats {
            expired_before: expired,
            freed_before: freed,
            memory_peak: self.memory_peak,
            sampled: Sampled { at_us: self.sampled.at_us, ..Sampled::default() },
            ..Stats::new(self.commands.len())
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_too_many_kinds_are_not_told_apart() {
        let mut stats = Stats::new(0);
        for _ in 0..2 {
            (0..ERROR_KINDS_MAX).for_each(|kind| stats.error(&format!("E{kind} text")));
        }
        assert_eq!((stats.errors.len(), stats.errors["E1"]), (ERROR_KINDS_MAX, 2));
        (0..3).for_each(|kind| stats.error(&format!("F{kind}")));
        assert_eq!(stats.errors, BTreeMap::from([(TOO_MANY_KINDS.to_string(), 1)]));
        assert_eq!(stats.error_replies, 2 * ERROR_KINDS_MAX as u64 + 3);
    }
}
