//! What happens because time passes: keys expire, waits end, idle clients are closed, rates are sampled. Each in a
//! bounded slice; what is left over says when it wants to go on.
use super::Engine;
use super::session::Close;
use crate::base::time::{Now, earliest};
use crate::command::Host;
use crate::server::Server;
use log::debug;

/// Keys that are due, and what is to be freed, have each at most so much of a turn, as a part of a millisecond; while
/// commands come, no more than they. Where more is removed than that frees, it has up to `ARREARS_MAX` times as much as they.
const PART: u64 = 2;
/// And at least so much of that.
const PART_MIN: u64 = 16;
/// To free what a COPY of integers has made takes twice as long as the command.
const ARREARS_MAX: u64 = 4;
/// So many pieces of memory are freed, or some times as many entries moved, before the time is looked at. To free a node
/// of a list and give its page back takes up to 12 microseconds.
const TIDY_SLICE: usize = 4;
const OUTPUT_CHECK_EVERY_US: u64 = 250_000;
/// So many keys that nobody watches any more, or waits for, are forgotten in one slice: some hundred microseconds.
const FORGOTTEN_SLICE: usize = 1024;
const IDLE_CHECK_EVERY_US: u64 = 1_000_000;

impl Engine {
    /// Runs what is due.
    pub fn tick(&mut self, now: Now, host: &mut dyn Host) {
        self.limit_weights();
        if self.world.server.pause.is_some_and(|pause| pause.until_us <= now.mono_us) {
            self.world.server.pause = None;
            self.resume(now, host);
        }
        if self.world.data.next_deadline_ms().is_some_and(|at_ms| at_ms <= now.wall_ms()) {
            self.expire(now, host);
        }
        self.tidy(host);
        self.world.server.pubsub.forget_some();
        if self.waiting.is_forgetting() {
            self.waiting.forget(FORGOTTEN_SLICE);
            self.refresh_observed();
        }
        while let Some(id) = self.waiting.pop_late(now.mono_us) {
            self.time_out(id, now, host);
        }
        let stats = &mut self.world.server.stats;
        if self.sampled_commands != stats.commands_processed && now.mono_us >= stats.sample_at_us() {
            self.sampled_commands = stats.commands_processed;
            stats.sample(now.mono_us);
            stats.memory_peak = stats.memory_peak.max(crate::base::memory::allocated());
            let Server { recent, clients, .. } = &mut self.world.server;
            if recent.is_due(now.mono_us) {
                recent.note(now.mono_us, clients.totals().most);
            }
        }
        if self.world.server.config.timeout > 0 && now.mono_us >= self.idle_check_at_us {
            self.idle_check_at_us = now.mono_us + IDLE_CHECK_EVERY_US;
            self.close_idle(now);
        }
        if !self.over_soft.is_empty() && now.mono_us >= self.output_check_at_us {
            self.output_check_at_us = now.mono_us + OUTPUT_CHECK_EVERY_US;
            self.limit_soft(now);
        }
        if self.world.data.ledger.observed || self.world.server.watch.is_stale() {
            self.world.server.watch.forget(FORGOTTEN_SLICE);
            // Perhaps nobody watches any more. (Asked in every turn, it took 700 instructions.)
            self.refresh_observed();
        }
        let changed = !self.world.data.ledger.journal.is_empty();
        if changed {
            self.notify(now, host);
            self.wake(now, host);
        }
    }

    /// Tells LATENCY how long something took that began at this tick.
    fn note(&mut self, name: &'static str, begun: u64, now: Now, host: &mut dyn Host) {
        let ms = (host.ticks() - begun) / host.ticks_per_ms().max(1);
        let Server { config, latency, .. } = &mut self.world.server;
        if ms >= config.latency_monitor_threshold as u64 {
            latency.note(name, now.wall_ms().div_euclid(1000), ms);
        }
    }

    /// Keys go that are due. What is left over goes on at the next turn, since its deadline has passed.
    fn expire(&mut self, now: Now, host: &mut dyn Host) {
        let (begun, commands) = (host.ticks(), self.world.server.stats.commands_processed);
        let share = share(self.expired_at, begun, commands, 0, host);
        let more = self.world.data.expire_due(now.wall_ms(), || host.ticks().wrapping_sub(begun) >= share);
        self.expired_at = (host.ticks(), commands);
        let stats = &mut self.world.server.stats;
        stats.expiry_ticks += self.expired_at.0.saturating_sub(begun);
        stats.expiry_cut_short += more as u64;
        self.world.record.lapsed(&mut self.world.data.ledger);
        if self.world.server.config.latency_monitor_threshold > 0 {
            self.note("expire-cycle", begun, now, host);
        }
    }

    /// Frees some of what was removed; or else moves some entries together.
    fn tidy(&mut self, host: &mut dyn Host) {
        self.world.server.stats.freeing_ticks = 0;
        if self.world.data.is_untidy() {
            self.tidy_some(host);
        }
    }

    #[cold]
    fn tidy_some(&mut self, host: &mut dyn Host) {
        let (begun, commands) = (host.ticks(), self.world.server.stats.commands_processed);
        let share = share(self.tidied_at, begun, commands, self.arrears, host);
        loop {
            self.world.data.tidy(TIDY_SLICE);
            let took = host.ticks().wrapping_sub(begun);
            if took >= share || !self.world.data.is_freeing() {
                self.tidied_at = (begun + took, commands);
                self.arrears = (self.world.data.arrears() as u64).min(ARREARS_MAX);
                self.world.server.stats.freeing_ticks = took;
                return;
            }
        }
    }

    /// When the next timer is due, by the monotonic clock. `None`: nothing will happen by itself.
    pub fn next_deadline(&self, now: Now) -> Option<u64> {
        let expiry = self.world.data.next_deadline_ms().map(|at_ms| {
            let left_ms = at_ms.saturating_sub(now.wall_ms()).max(0) as u64;
            now.mono_us.saturating_add(left_ms.saturating_mul(1000))
        });
        let tidy = self.world.data.is_untidy().then_some(now.mono_us);
        let sampled = self.sampled_commands == self.world.server.stats.commands_processed;
        let sample = (!sampled).then_some(self.world.server.stats.sample_at_us());
        let idle = (self.world.server.config.timeout > 0 && self.client_count() > 0).then_some(self.idle_check_at_us);
        let forgetting = self.world.server.pubsub.is_forgetting().then_some(now.mono_us);
        let output = (!self.over_soft.is_empty()).then_some(self.output_check_at_us);
        let unwatch = (self.world.server.watch.is_stale() || self.waiting.is_forgetting()).then_some(now.mono_us);
        let waiting = self.waiting.first_deadline_us();
        let pause = self.world.server.pause.map(|pause| pause.until_us);
        let loading = self.loads_at_us();
        earliest([expiry, tidy, output, waiting, sample, idle, forgetting, unwatch, pause, loading])
    }

    fn close_idle(&mut self, now: Now) {
        let limit_us = self.world.server.config.timeout as u64 * 1_000_000;
        let mut idle = vec![];
        for (client, traffic) in self.world.server.clients.iter_mut() {
            // A download is no idleness, though no command runs, as long as the client takes what is sent.
            let sent = std::mem::replace(&mut client.bytes_seen, traffic.sent) != traffic.sent;
            if sent && traffic.unsent > 0 {
                client.active_us = now.mono_us;
            }
            let listens = client.subscribed || client.monitors;
            if !client.blocked && !listens && now.mono_us - client.active_us > limit_us {
                idle.push(client.id);
            }
        }
        for id in idle {
            debug!("client {} is closed: it was idle", id.serial);
            self.begin_close(id, Close::Now);
        }
    }
}

/// What may take so many ticks of this turn that has taken none since the tick and the command of `last`: as many as the
/// commands have, so both are served when there is too much of both. What was in arrears at the last turn has
/// so many times as long as they, and no other bound: where each command replaces a large value, half a millisecond for each
/// let gigabytes wait.
fn share(last: (u64, u64), begun: u64, commands: u64, arrears: u64, host: &mut dyn Host) -> u64 {
    let whole = host.ticks_per_ms() / PART;
    let (since, before) = last;
    let spent = begun.wrapping_sub(since).max(whole / PART_MIN);
    match arrears {
        _ if commands == before => whole,
        0 => spent.min(whole),
        times => spent.saturating_mul(times),
    }
}
