//! The turns of the loop as INFO's section Reactor tells them: what they took, phase by phase, and which were long and why.
//! The reactor measures and fills this in (reactor/gauge.rs); here is no clock. Times are ticks.
use crate::base::histogram::Histogram;
use std::collections::VecDeque;

/// So many long turns are kept.
pub const STALLS_MAX: usize = 16;

#[derive(Debug, Default)]
pub struct Turns {
    /// Of all turns: ticks spent in the poll, and in everything else.
    pub poll_ticks: u64,
    pub work_ticks: u64,
    /// So many turns were measured phase by phase: one of `SAMPLED`.
    pub sampled: u64,
    pub poll: Histogram,
    pub read: Histogram,
    pub parse: Histogram,
    pub run: Histogram,
    pub write: Histogram,
    pub timers: Histogram,
    /// All but the poll.
    pub work: Histogram,
    pub events: Histogram,
    pub commands: Histogram,
    pub bytes_in: Histogram,
    pub bytes_out: Histogram,
    pub longest: Option<Stall>,
    /// From so many ticks on a turn is a stall, or the longest of all.
    pub notable: u64,
    /// Turns that took `stall-log-slower-than` microseconds or more.
    pub stalls: u64,
    /// The newest first.
    pub log: VecDeque<Stall>,
}

/// A long turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Stall {
    /// Seconds of the wall clock.
    pub at_s: i64,
    pub ticks: u64,
    pub took_us: u64,
    pub cause: Cause,
    /// The command that took longest in it, if one took `stall-log-slower-than`, and its microseconds.
    pub command: Option<(&'static str, u64)>,
    pub commands: u64,
    pub events: u64,
    /// Keys that expired.
    pub expired: u64,
    /// The kernel's figures for this thread, since the reactor last looked: at most `LOOK_EVERY_US` before the turn began.
    pub kernel: Kernel,
}

/// Page faults, how often the core was taken away, and for how long the thread had none though it did not wait for events.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Kernel {
    pub minor_faults: u64,
    pub major_faults: u64,
    pub taken_away: u64,
    pub off_core_us: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The kernel gave the core to others.
    Descheduled,
    /// One command.
    Command,
    /// Many commands, none of them long.
    Commands,
    PageFaults,
    Read,
    Write,
    Expiry,
    /// What was removed is freed.
    Freeing,
    /// Many clients were closed.
    Closing,
    Timers,
}

impl Cause {
    pub fn name(self) -> &'static str {
        match self {
            Cause::Descheduled => "descheduled",
            Cause::Command => "command",
            Cause::Commands => "commands",
            Cause::PageFaults => "page-faults",
            Cause::Read => "read",
            Cause::Write => "write",
            Cause::Expiry => "expiry",
            Cause::Freeing => "freeing",
            Cause::Closing => "closing",
            Cause::Timers => "timers",
        }
    }
}

impl Turns {
    /// One more long turn.
    pub fn stalled(&mut self, stall: Stall) {
        self.stalls += 1;
        self.log.truncate(STALLS_MAX - 1);
        self.log.push_front(stall);
    }
}
