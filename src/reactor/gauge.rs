//! What the turns of the loop cost. Every turn: a few readings of the tick counter, so that the longest is known, and a
//! stall is told with its cause. One turn of `SAMPLED` is measured phase by phase, into histograms.
//!
//! The kernel is not asked each turn: it is when a turn was long, and otherwise `LOOK_EVERY_US` after it was asked last. So
//! what it says of a long turn is true of that turn and of at most so much before it.
use super::host::Outside;
use crate::engine::turns::{Cause, Kernel, Stall};
use crate::engine::{Engine, Host, Now};
use log::warn;
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};

/// With all, the histograms would cost what they are to find.
pub const SAMPLED: u64 = 16;
pub const LOOK_EVERY_US: u64 = 100_000;

/// The phases of a turn that every turn is told apart into.
#[derive(Debug, Default, Clone, Copy)]
struct Marks {
    /// The turn before ended: the poll begins.
    began: u64,
    polled: u64,
    served: u64,
    flushed: u64,
}

/// What the kernel said of this thread at some moment, and when that was.
#[derive(Debug, Default, Clone, Copy)]
struct Look {
    tick: u64,
    minor_faults: u64,
    major_faults: u64,
    taken_away: u64,
    cpu_us: u64,
    /// What commands have slept until then.
    slept_us: u64,
    /// Ticks in the poll until then.
    poll_ticks: u64,
}

#[derive(Debug, Default)]
pub struct Gauge {
    marks: Marks,
    turn: u64,
    /// This turn is measured phase by phase.
    pub sampling: bool,
    /// Of a sampled turn: ticks spent in reads.
    pub read_ticks: u64,
    pub events: u64,
    /// Ticks spent in closing what was to be closed.
    pub closing_ticks: u64,
    /// Counters as they were when the turn began.
    commands: u64,
    bytes_in: u64,
    bytes_out: u64,
    expired: u64,
    look: Look,
    poll_ticks: u64,
    /// `stall-log-slower-than`, as it was when it was seen last.
    slower_than: i64,
}

impl Gauge {
    /// The first turn begins.
    pub fn start(&mut self, tick: u64) {
        self.marks.began = tick;
        self.look = look(tick, 0);
    }

    /// A turn ends and the next begins, with its poll.
    #[inline]
    pub fn turn(&mut self, engine: &mut Engine, host: &mut Outside, now: Now) {
        let tick = host.ticks();
        let Marks { began, polled, .. } = self.marks;
        let (poll, work) = (polled - began, tick - polled);
        self.poll_ticks += poll;
        let stats = engine.stats_mut();
        stats.turns_of_loop.poll_ticks += poll;
        stats.turns_of_loop.work_ticks += work;
        let slower_than = engine.config().stall_log_slower_than;
        if slower_than != std::mem::replace(&mut self.slower_than, slower_than) {
            // What is notable depends on it.
            engine.stats_mut().turns_of_loop.notable = 0;
        }
        let notable = engine.stats_mut().turns_of_loop.notable;
        if self.sampling {
            self.sample(engine, tick);
        }
        if work >= notable || tick - self.look.tick > LOOK_EVERY_US * (host.ticks_per_ms() / 1000) {
            self.look_closer(engine, host, now, tick);
        }
        self.turn += 1;
        self.sampling = self.turn.is_multiple_of(SAMPLED);
        if self.sampling {
            self.begin_sample(engine);
        }
        (self.events, self.closing_ticks) = (0, 0);
        self.commands = engine.stats_mut().commands_processed;
        self.marks.began = tick;
    }

    #[inline]
    pub fn polled(&mut self, tick: u64) {
        self.marks.polled = tick;
    }

    #[inline]
    pub fn served(&mut self, tick: u64) {
        self.marks.served = tick;
    }

    #[inline]
    pub fn flushed(&mut self, tick: u64) {
        self.marks.flushed = tick;
    }

    // --- One of many

    #[cold]
    fn begin_sample(&mut self, engine: &mut Engine) {
        let stats = engine.stats_mut();
        (self.bytes_in, self.bytes_out, self.read_ticks) = (stats.bytes_in, stats.bytes_out, 0);
        stats.parse_ticks = Some(0);
    }

    #[cold]
    fn sample(&mut self, engine: &mut Engine, tick: u64) {
        let Marks { began, polled, served, flushed } = self.marks;
        let stats = engine.stats_mut();
        let parse = stats.parse_ticks.take().unwrap_or(0);
        let (commands, bytes_in) = (stats.commands_processed, stats.bytes_in);
        let bytes_out = stats.bytes_out;
        let turns = &mut stats.turns_of_loop;
        turns.sampled += 1;
        turns.poll.add(polled - began);
        turns.read.add(self.read_ticks);
        turns.parse.add(parse);
        turns.run.add((served - polled).saturating_sub(self.read_ticks + parse));
        turns.write.add(flushed - served);
        turns.timers.add(tick - flushed);
        turns.work.add(tick - polled);
        turns.events.add(self.events);
        // CONFIG RESETSTAT may have set the counters back.
        turns.commands.add(commands.saturating_sub(self.commands));
        turns.bytes_in.add(bytes_in.saturating_sub(self.bytes_in));
        turns.bytes_out.add(bytes_out.saturating_sub(self.bytes_out));
    }

    // --- A long turn

    #[cold]
    fn look_closer(&mut self, engine: &mut Engine, host: &mut Outside, now: Now, tick: u64) {
        let per_ms = host.ticks_per_ms().max(1);
        let us = |ticks: u64| (ticks as u128 * 1000 / per_ms as u128) as u64;
        let before = std::mem::replace(&mut self.look, Look { slept_us: host.slept_us, ..look(tick, self.poll_ticks) });
        let after = self.look;
        let work = tick - self.marks.polled;
        let slower_than = u64::try_from(self.slower_than).unwrap_or(u64::MAX);
        let (commands, expired) = (engine.stats_mut().commands_processed, engine.expired() - self.expired);
        self.expired = engine.expired();
        let slowest = engine.stats_mut().slowest.take();
        if work >= engine.stats_mut().turns_of_loop.notable {
            let window_us = us(tick - before.tick - (after.poll_ticks - before.poll_ticks));
            let kernel = Kernel {
                minor_faults: after.minor_faults - before.minor_faults,
                major_faults: after.major_faults - before.major_faults,
                taken_away: after.taken_away - before.taken_away,
                off_core_us: window_us.saturating_sub(after.cpu_us - before.cpu_us + after.slept_us - before.slept_us),
            };
            let command = slowest.map(|(name, ticks)| (name, us(ticks)));
            let freeing_us = us(engine.stats_mut().freeing_ticks);
            let phases = Phases { turn_us: us(work), freeing_us, ..self.phases(us, tick) };
            let stall = Stall {
                at_s: now.wall_us.div_euclid(1_000_000),
                ticks: work,
                took_us: us(work),
                cause: cause(&phases, &kernel, command.map(|(_, us)| us), expired),
                command,
                commands: commands.saturating_sub(self.commands),
                events: self.events,
                expired,
                kernel,
            };
            let turns = &mut engine.stats_mut().turns_of_loop;
            if turns.longest.as_ref().is_none_or(|longest| longest.ticks < work) {
                turns.longest = Some(stall.clone());
            }
            if stall.took_us >= slower_than {
                tell(&stall);
                turns.stalled(stall);
            }
        }
        let turns = &mut engine.stats_mut().turns_of_loop;
        let longest = turns.longest.as_ref().map_or(0, |longest| longest.ticks);
        let slow = u64::try_from(slower_than as u128 * per_ms as u128 / 1000).unwrap_or(u64::MAX);
        turns.notable = slow.min(longest + 1);
    }

    fn phases(&self, us: impl Fn(u64) -> u64, tick: u64) -> Phases {
        let Marks { polled, served, flushed, .. } = self.marks;
        Phases {
            turn_us: us(tick - polled),
            // Of any other turn it says what the last sampled one read.
            read_us: if self.sampling { us(self.read_ticks) } else { 0 },
            serve_us: us(served - polled),
            write_us: us(flushed - served),
            timers_us: us(tick - flushed),
            freeing_us: 0,
            closing_us: us(self.closing_ticks),
        }
    }
}

/// Microseconds of a turn and its parts. Reads are told apart in sampled turns only.
#[derive(Debug, Default, Clone, Copy)]
struct Phases {
    turn_us: u64,
    read_us: u64,
    serve_us: u64,
    write_us: u64,
    timers_us: u64,
    /// A part of the timers.
    freeing_us: u64,
    /// As well.
    closing_us: u64,
}

/// What took most of it. A thread that had no core though nobody took it away has waited by itself, in a command.
fn cause(phases: &Phases, kernel: &Kernel, command_us: Option<u64>, expired: u64) -> Cause {
    let Phases { turn_us, read_us, serve_us, write_us, timers_us, freeing_us, closing_us } = *phases;
    let most = |us: u64| us >= turn_us / 2;
    match () {
        _ if kernel.taken_away > 0 && most(kernel.off_core_us) => Cause::Descheduled,
        _ if command_us.is_some_and(most) => Cause::Command,
        _ if kernel.major_faults > 0 && most(kernel.off_core_us) => Cause::PageFaults,
        _ if most(freeing_us) => Cause::Freeing,
        _ if most(closing_us) => Cause::Closing,
        _ if most(timers_us) && expired > 0 => Cause::Expiry,
        _ if most(timers_us) => Cause::Timers,
        _ if most(write_us) => Cause::Write,
        _ if most(read_us) => Cause::Read,
        _ if serve_us >= write_us.max(timers_us) => Cause::Commands,
        _ => Cause::Timers,
    }
}

fn tell(stall: &Stall) {
    let Stall { took_us, cause, command, commands, events, expired, kernel, .. } = stall;
    let command = command.map_or(String::new(), |(name, us)| format!(" ({name}, {us} us)"));
    warn!(
        "A turn took {took_us} us: {cause}{command}. {commands} commands, {events} events, {expired} keys expired; up to \
         its end {} minor and {} major page faults, {} times the core was taken away, {} us without one",
        kernel.minor_faults,
        kernel.major_faults,
        kernel.taken_away,
        kernel.off_core_us,
        cause = cause.name(),
    );
}

/// Three calls, a microsecond.
fn look(tick: u64, poll_ticks: u64) -> Look {
    let cpu_us = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .map_or(0, |time| time.tv_sec() as u64 * 1_000_000 + time.tv_nsec() as u64 / 1000);
    let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) else {
        return Look { tick, cpu_us, poll_ticks, ..Look::default() };
    };
    Look {
        tick,
        minor_faults: usage.minor_page_faults() as u64,
        major_faults: usage.major_page_faults() as u64,
        taken_away: usage.involuntary_context_switches() as u64,
        cpu_us,
        slept_us: 0,
        poll_ticks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_is_not_sampled_has_no_reads_of_another() {
        let marks = Marks { began: 0, polled: 0, served: 100, flushed: 100 };
        let mut gauge = Gauge { marks, sampling: true, read_ticks: 90, ..Gauge::default() };
        assert_eq!(gauge.phases(|ticks| ticks, 100).read_us, 90);
        gauge.sampling = false;
        assert_eq!(gauge.phases(|ticks| ticks, 100).read_us, 0);
    }

    #[test]
    fn the_cause_is_what_took_most() {
        let phases = |serve_us, write_us, timers_us| {
            let turn_us = serve_us + write_us + timers_us;
            Phases { turn_us, read_us: 0, serve_us, write_us, timers_us, freeing_us: 0, closing_us: 0 }
        };
        let calm = Kernel::default();
        let away = Kernel { taken_away: 3, off_core_us: 9000, ..calm };
        let asleep = Kernel { off_core_us: 9000, ..calm };
        let disk = Kernel { major_faults: 40, off_core_us: 9000, ..calm };
        let table = [
            (phases(10_000, 10, 10), calm, Some(9000), 0, Cause::Command),
            (phases(10_000, 10, 10), calm, None, 0, Cause::Commands),
            (phases(10_000, 10, 10), calm, Some(3000), 0, Cause::Commands),
            (phases(10_000, 10, 10), away, None, 0, Cause::Descheduled),
            (phases(10_000, 10, 10), away, Some(9900), 0, Cause::Descheduled),
            (phases(10_000, 10, 10), asleep, Some(9900), 0, Cause::Command),
            (phases(10_000, 10, 10), disk, None, 0, Cause::PageFaults),
            (phases(10, 10, 10_000), calm, None, 7, Cause::Expiry),
            (phases(10, 10, 10_000), calm, None, 0, Cause::Timers),
            (Phases { freeing_us: 9000, ..phases(10, 10, 10_000) }, calm, None, 7, Cause::Freeing),
            (Phases { closing_us: 9000, ..phases(10, 10, 10_000) }, calm, None, 7, Cause::Closing),
            (Phases { freeing_us: 90, ..phases(10, 10, 10_000) }, calm, None, 7, Cause::Expiry),
            (phases(10, 10_000, 10), calm, None, 0, Cause::Write),
            (Phases { read_us: 6000, ..phases(10_000, 10, 10) }, calm, None, 0, Cause::Read),
            (phases(4000, 3000, 3000), calm, None, 0, Cause::Commands),
        ];
        for (phases, kernel, command, expired, expected) in table {
            assert_eq!(cause(&phases, &kernel, command, expired), expected, "{phases:?} {kernel:?} {command:?}");
        }
    }
}
