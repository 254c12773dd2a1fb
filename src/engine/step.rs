//! The step of one session: parse ahead, run in order, keep what is left. Bounded by a budget, so that one client with a
//! long pipeline takes no more of a turn than the others.
use super::session::{Close, OUTPUT_BYTES_MAX, Session, Sessions};
use super::{Engine, World};
use crate::base::time::Now;
use crate::command::words::Request;
use crate::command::{Context, Host, Outcome, serve};
use crate::server::clients::ClientId;
use crate::wire::lexer::Limits;
use crate::wire::output::Output;
use crate::wire::parser::{Batch, Progress};
use crate::wire::reply::{Protocol, Reply};
use crate::wire::token::Violation;
use log::{debug, log_enabled, trace};

/// So many requests are parsed before the first of them runs.
pub(super) const BATCH_MAX: usize = 32;

/// What one session may use of a turn.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub commands: usize,
    pub output_bytes: usize,
}

impl Default for Budget {
    /// At some 100 ns a command and a gigabyte a second, a fraction of a millisecond.
    fn default() -> Self {
        Budget { commands: 2048, output_bytes: 256 * 1024 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It wants input, or waits for something else; it will be touched or made ready.
    Idle,
    /// The budget was used up: step it again, in the next turn.
    More,
    /// It is to be closed (see `Engine::closing`).
    Closing,
}

/// How a run of requests ended.
enum Ran {
    All,
    /// The rest must wait: it is read again later.
    Stopped,
    /// The same, but only for the next turn: time is up.
    Late,
    /// The rest was parsed under limits that no longer hold (RESET, CONFIG SET): it is read again at once.
    OtherLimits,
}

impl Engine {
    pub fn step(&mut self, id: ClientId, now: &mut Now, budget: Budget, host: &mut dyn Host) -> Step {
        let Some(session) = self.sessions.get_mut(id) else { return Step::Idle };
        if session.task.is_some() && session.close.is_none() && session.output.len() <= OUTPUT_BYTES_MAX {
            return self.go_on(id, *now, host);
        }
        if session.is_held() {
            return if session.close.is_some() { Step::Closing } else { Step::Idle };
        }
        if session.unused() == 0 {
            return self.starve(id);
        }
        let mut work = Work::take(&mut self.sessions, id);
        let before = work.output.len();
        let mut commands = 0;
        let (mut since, slow) = (host.ticks(), host.ticks_per_ms());
        work.started = since;
        let step = loop {
            if commands >= budget.commands || work.output.len() - before.min(work.output.len()) > budget.output_bytes {
                break Step::More;
            }
            let limits = self.limits(id);
            // Who has not signed in is read one request at a time.
            let most = if limits.authenticated { BATCH_MAX.min(budget.commands - commands) } else { 1 };
            let progress = work.parse(&mut self.sessions, id, &limits, most);
            let ready = work.batch.requests.len();
            let (ran, count) = self.run_batch(id, &mut work, limits, now, &mut since, slow, host);
            commands += count;
            if !matches!(ran, Ran::All) {
                // What was parsed and did not run, a violation too, is read again.
                if count < ready || work.batch.broken.is_some() {
                    self.sessions.at_mut(id).parser.forget();
                    work.use_up(Progress { used: work.batch.requests[count - 1].end, kept: work.len() });
                } else {
                    work.use_up(progress);
                }
                match ran {
                    Ran::Late => break Step::More,
                    Ran::OtherLimits if work.len() > 0 => continue,
                    _ => break Step::Idle,
                }
            }
            work.use_up(progress);
            if let Some(violation) = work.batch.broken.take() {
                self.violate(id, &mut work, violation);
                break Step::Closing;
            }
            if ready == 0 || work.len() == 0 {
                break Step::Idle;
            }
        };
        self.finish(id, work, commands, *now, step)
    }

    #[inline]
    fn limits(&self, id: ClientId) -> Limits {
        let authenticated = self.world.server.clients.at(id.key).authenticated;
        Limits { bulk_bytes_max: self.world.server.config.proto_max_bulk_len as i64, authenticated }
    }

    /// Runs the requests of a batch in order. How many were run.
    #[allow(clippy::too_many_arguments, reason = "what one step knows")]
    fn run_batch(
        &mut self,
        id: ClientId,
        work: &mut Work,
        limits: Limits,
        now: &mut Now,
        since: &mut u64,
        slow: u64,
        host: &mut dyn Host,
    ) -> (Ran, usize) {
        let Work { batch, buffer, start, output, started, .. } = work;
        let started = *started;
        if batch.requests.len() > 1 {
            self.world.warm(self.world.server.clients.at(id.key).database, batch, &buffer[*start..]);
        }
        for at in 0..batch.requests.len() {
            let request = batch.request(at, &buffer[*start..]);
            if log_enabled!(log::Level::Trace) {
                trace!("client {}: words at {}", id.serial, request.places());
            }
            let unsent = output.len();
            let begun = *since;
            let from = self.world.record.wanted.then(|| output.end());
            let outcome = self.world.serve(id, request, output, *now, since, host, &mut self.sessions, false);
            trace!("client {}: reply of {} bytes", id.serial, output.len().saturating_sub(unsent));
            if since.wrapping_sub(begun) > slow {
                *now = host.now();
                *since = host.ticks();
            }
            let stopped = match outcome {
                Outcome::Done => false,
                Outcome::Block(block) => {
                    let words = block.words.unwrap_or_else(|| request.into());
                    self.block(id, words, block.keys, block.deadline_us, block.late);
                    true
                }
                Outcome::Continue(task) => {
                    self.sessions.at_mut(id).task = Some(task);
                    self.sessions.make_ready(id);
                    true
                }
            };
            if self.world.is_unsettled() {
                self.settle(id, output, from, *now, host);
            }
            if stopped || output.len() > OUTPUT_BYTES_MAX || self.sessions.at(id).close.is_some() {
                return (Ran::Stopped, at + 1);
            }
            if since.wrapping_sub(started) > slow {
                return (Ran::Late, at + 1);
            }
            if self.limits(id) != limits {
                return (Ran::OtherLimits, at + 1);
            }
        }
        (Ran::All, batch.requests.len())
    }

    /// Gives the session back what the step had taken from it.
    fn finish(&mut self, id: ClientId, work: Work, commands: usize, now: Now, step: Step) -> Step {
        let output_len = work.output.len();
        let client = self.world.server.clients.at_mut(id.key);
        client.active_us = now.mono_us;
        client.commands += commands as u64;
        self.world.server.stats.commands_processed += commands as u64;
        let unread = work.give_back(&mut self.sessions, id);
        let client = self.world.server.clients.at_mut(id.key);
        client.unread = unread;
        client.unsent = output_len;
        let session = self.sessions.at(id);
        let queued = self.world.server.clients.at(id.key).transaction.map_or(0, |transaction| transaction.bytes);
        let held = session.parser.held() + queued;
        let limit = self.world.server.config.client_query_buffer_limit.min(i32::MAX as u64) as usize;
        if unread + held > limit && session.close.is_none() {
            debug!(
                "client {} is closed: more than client-query-buffer-limit ({limit} bytes) unread or queued",
                id.serial
            );
            self.world.server.stats.query_buffer_limit_disconnections += 1;
            self.sessions.at_mut(id).close = Some(Close::Now);
        }
        let session = self.sessions.at(id);
        if session.ended && session.blocked {
            self.begin_close(id, Close::AfterReply);
        }
        if output_len > 0 {
            self.limit_output(id, now);
        }
        if output_len > 0 || self.sessions.at(id).close.is_some() {
            self.sessions.touch(id);
        }
        let session = self.sessions.at(id);
        match step {
            _ if session.close.is_some() => Step::Closing,
            Step::Idle if session.ended && !session.is_held() => self.starve(id),
            step => step,
        }
    }

    /// Nothing more can be done with what the client has sent.
    fn starve(&mut self, id: ClientId) -> Step {
        let session = self.sessions.at_mut(id);
        if !session.ended {
            return Step::Idle;
        }
        session.close.get_or_insert(Close::AfterReply);
        self.sessions.touch(id);
        Step::Closing
    }

    /// The client broke the protocol: it is told, and closed.
    fn violate(&mut self, id: ClientId, work: &mut Work, violation: Violation) {
        debug!("client {} broke the protocol: {violation}", id.serial);
        let text = [b"ERR Protocol error: ", &violation.text()[..]].concat();
        self.world.server.stats.error("ERR");
        self.sessions.equip(&mut work.output);
        Reply::new(&mut work.output, Protocol::Resp2).error(&text);
        self.sessions.at_mut(id).close = Some(Close::AfterReply);
    }

    /// A slice of a command that goes on.
    fn go_on(&mut self, id: ClientId, now: Now, host: &mut dyn Host) -> Step {
        let mut task = self.sessions.at_mut(id).task.take().expect("a task");
        let mut output = std::mem::take(&mut self.sessions.at_mut(id).output);
        self.sessions.equip(&mut output);
        let mut since = host.ticks();
        let from = self.world.record.wanted.then(|| output.end());
        let empty = Request::new(&[], &[], &[]);
        let done = {
            let mut cx = self.world.context(id, empty, &mut output, now, &mut since, host, &mut self.sessions, false);
            task.go_on(&mut cx)
        };
        if let Some(row) = self.world.server.clients.at(id.key).last_command {
            self.world.server.stats.commands[row as usize].ticks += host.ticks().saturating_sub(since);
        }
        match done {
            true => self.sessions.end_task(id, &mut output),
            false => self.sessions.at_mut(id).task = Some(task),
        }
        if self.world.is_unsettled() {
            self.settle(id, &mut output, from, now, host);
        }
        self.sessions.put_back(id, output);
        self.limit_output(id, now);
        self.sessions.touch(id);
        Step::More
    }
}

impl World {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn context<'a>(
        &'a mut self,
        id: ClientId,
        request: Request<'a>,
        output: &'a mut Output,
        now: Now,
        since: &'a mut u64,
        host: &'a mut dyn Host,
        sessions: &'a mut Sessions,
        at_once: bool,
    ) -> Context<'a> {
        sessions.running = Some(id);
        let resp3 = self.server.clients.at(id.key).resp == 3;
        Context {
            data: &mut self.data,
            server: &mut self.server,
            reply: Reply::new(output, if resp3 { Protocol::Resp3 } else { Protocol::Resp2 }),
            request,
            client: id.key,
            now,
            since,
            table: self.table,
            effects: &mut self.effects,
            record: &mut self.record,
            queues: &mut self.queues,
            host,
            bystanders: sessions,
            at_once,
        }
    }

    #[allow(clippy::too_many_arguments)]
    #[inline]
    pub(super) fn serve(
        &mut self,
        id: ClientId,
        request: Request,
        output: &mut Output,
        now: Now,
        since: &mut u64,
        host: &mut dyn Host,
        sessions: &mut Sessions,
        at_once: bool,
    ) -> Outcome {
        serve::serve(&mut self.context(id, request, output, now, since, host, sessions, at_once))
    }
}

/// What a step takes out of the session while commands run, so that they may meet every other session.
struct Work {
    /// The shared room or the session's own tail.
    buffer: Vec<u8>,
    is_room: bool,
    /// Invariant: start <= end <= buffer.len(). What is not yet used.
    start: usize,
    end: usize,
    output: Output,
    batch: Box<Batch>,
    /// The tick at which the step began: after a millisecond the others have their turn.
    started: u64,
}

impl Work {
    fn take(sessions: &mut Sessions, id: ClientId) -> Work {
        let session: &mut Session = sessions.at_mut(id);
        let fresh = std::mem::take(&mut session.fresh);
        let mut output = std::mem::take(&mut session.output);
        let (start, tail) = (std::mem::take(&mut session.head), std::mem::take(&mut session.tail));
        let is_room = fresh > 0;
        let buffer = if is_room { std::mem::take(&mut sessions.room) } else { tail };
        let end = if is_room { fresh } else { buffer.len() };
        sessions.equip(&mut output);
        Work { buffer, is_room, start, end, output, batch: sessions.batch.take().unwrap_or_default(), started: 0 }
    }

    fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    fn parse(&mut self, sessions: &mut Sessions, id: ClientId, limits: &Limits, most: usize) -> Progress {
        self.batch.clear();
        let parser = &mut sessions.at_mut(id).parser;
        parser.parse(&mut self.buffer[self.start..self.end], &mut self.batch, limits, most)
    }

    fn use_up(&mut self, progress: Progress) {
        self.end = self.start + progress.kept;
        self.start += progress.used;
    }

    /// How many bytes the session keeps.
    fn give_back(mut self, sessions: &mut Sessions, id: ClientId) -> usize {
        let left = self.len();
        self.batch.clear();
        sessions.batch = Some(self.batch);
        sessions.put_back(id, self.output);
        let session = sessions.at_mut(id);
        if self.is_room {
            session.tail.extend_from_slice(&self.buffer[self.start..self.end]);
            sessions.room = self.buffer;
        } else if left > 0 {
            self.buffer.truncate(self.end);
            if self.start > self.buffer.len() / 2 {
                self.buffer.drain(..self.start);
                self.start = 0;
            }
            (session.tail, session.head) = (self.buffer, self.start);
        }
        left
    }
}
