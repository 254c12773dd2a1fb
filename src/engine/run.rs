//! The run: the requests of a batch, one after the other, in one context for as long as they leave nothing to be settled.
//! It parses nothing, and what a command leaves behind it hands to settle.rs.
use super::ahead::{Ahead, Known};
use super::bystanders::Rest;
use super::input::Input;
use super::session::Session;
use super::{Engine, World};
use crate::base::time::Now;
use crate::command::words::Request;
use crate::command::{Context, Effect, Host, Outcome, record::Record, serve};
use crate::server::{Server, clients::ClientId};
use crate::store::Keyspace;
use crate::wire::lexer::Limits;
use crate::wire::output::Output;
use crate::wire::parser::Batch;
use crate::wire::reply::{Protocol, Reply};
use log::{log_enabled, trace};

/// How a run of requests ended.
pub(super) enum Ran {
    All,
    /// The rest must wait: it is read again later.
    Stopped,
    /// The same, but only for the next turn: time is up.
    Late,
    /// The rest was parsed under limits that no longer hold (RESET, CONFIG SET): it is read again at once.
    OtherLimits,
}

/// What a step knows of time.
pub(super) struct Pace<'a> {
    pub now: &'a mut Now,
    /// The tick at which the step began, and the one at which the last command ended.
    pub started: u64,
    pub since: u64,
    /// So many ticks are long: the clocks are read again, and the others have their turn.
    pub slow: u64,
}

/// Where a run stands: at this request of these, under these limits.
struct Course<'a> {
    at: usize,
    batch: &'a Batch,
    input: &'a [u8],
    known: &'a [Known],
    limits: Limits,
    unsent_max: usize,
    /// Where the reply to the last one began, if writes are recorded.
    from: Option<u64>,
}

impl Engine {
    /// Runs the requests of a batch in order. How many were run.
    #[inline]
    pub(super) fn run_batch(
        &mut self,
        mut session: Box<Session>,
        Ahead { batch, known, .. }: &Ahead,
        input: &Input,
        limits: Limits,
        pace: &mut Pace,
        host: &mut dyn Host,
    ) -> (Box<Session>, Ran, usize) {
        let (id, count) = (session.id, batch.requests.len());
        let mut course =
            Course { at: 0, batch, input: input.bytes(), known, limits, unsent_max: session.unsent_max, from: None };
        while course.at < count {
            let mut others = Rest { sessions: &mut self.sessions, room: input.room() };
            let outcome = self.world.run(id, &mut session.output, &mut course, pace, host, &mut others);
            self.keep(&mut session, outcome, || batch.request(course.at - 1, course.input));
            if self.world.is_unsettled() {
                session = self.settle(session, course.from, *pace.now, host);
            }
            if session.is_held() {
                return (session, Ran::Stopped, course.at);
            }
            if pace.since.wrapping_sub(pace.started) > pace.slow {
                return (session, Ran::Late, course.at);
            }
            let rest = course.at < count || batch.broken.is_some();
            if rest && self.world.limits(id) != limits {
                return (session, Ran::OtherLimits, course.at);
            }
        }
        (session, Ran::All, count)
    }
}

impl World {
    /// Runs requests until one of them leaves more behind than a reply, or time is up. What that one comes to.
    /// (With a context for each, a GET took 120 instructions more.)
    #[inline]
    fn run(
        &mut self,
        id: ClientId,
        output: &mut Output,
        course: &mut Course,
        pace: &mut Pace,
        host: &mut dyn Host,
        others: &mut Rest,
    ) -> Outcome {
        let Pace { now, started, since, slow } = pace;
        let mut cx = self.context(id, Request::new(&[], &[], &[]), output, **now, since, host, others, false);
        let traced = log_enabled!(log::Level::Trace);
        loop {
            let request = course.batch.request(course.at, course.input);
            cx.request = request;
            let known = &course.known[course.at];
            cx.found = known.command;
            cx.data.expect(known.hint());
            course.at += 1;
            let begun = *cx.since;
            let wanted = cx.record.wanted;
            let from = if wanted || traced { cx.reply.output().end() } else { 0 };
            if traced {
                trace!("client {}: words at {}", id.serial, cx.request.places());
            }
            let outcome = serve::serve_here(request, &mut cx);
            if traced {
                trace!("client {}: reply of {} bytes", id.serial, cx.reply.output().end() - from);
            }
            if cx.since.wrapping_sub(begun) > *slow {
                **now = cx.host.now();
                (cx.now, cx.now_ms) = (**now, now.wall_ms());
                *cx.since = cx.host.ticks();
            }
            let goes_on = matches!(outcome, Outcome::Done)
                && course.at < course.batch.requests.len()
                && is_settled(cx.effects, cx.data, cx.record)
                && cx.reply.output().len() <= course.unsent_max
                && cx.since.wrapping_sub(*started) <= *slow
                && limits(cx.server, id) == course.limits;
            if !goes_on {
                debug_assert_eq!(cx.reply.protocol(), protocol(cx.server, id), "who changes it speaks it at once");
                course.from = wanted.then_some(from);
                return outcome;
            }
            // To drop nothing took 19 instructions.
            std::mem::forget(outcome);
        }
    }

    /// A command has left something to be done.
    #[inline]
    pub(super) fn is_unsettled(&self) -> bool {
        !is_settled(&self.effects, &self.data, &self.record)
    }

    #[inline]
    pub(super) fn limits(&self, id: ClientId) -> Limits {
        limits(&self.server, id)
    }

    #[allow(clippy::too_many_arguments)]
    #[inline]
    pub(super) fn context<'a>(
        &'a mut self,
        id: ClientId,
        request: Request<'a>,
        output: &'a mut Output,
        now: Now,
        since: &'a mut u64,
        host: &'a mut dyn Host,
        others: &'a mut Rest<'_>,
        at_once: bool,
    ) -> Context<'a> {
        let protocol = protocol(&self.server, id);
        Context {
            data: &mut self.data,
            server: &mut self.server,
            reply: Reply::new(output, protocol),
            request,
            found: None,
            client: id.key,
            now,
            now_ms: now.wall_ms(),
            since,
            table: self.table,
            effects: &mut self.effects,
            record: &mut self.record,
            queues: &mut self.queues,
            host,
            others,
            at_once,
        }
    }
}

#[inline]
fn is_settled(effects: &[Effect], data: &Keyspace, record: &Record) -> bool {
    effects.is_empty() && data.ledger.journal.is_empty() && record.entries.is_empty()
}

#[inline]
pub(super) fn limits(server: &Server, id: ClientId) -> Limits {
    let authenticated = server.lets_in(server.clients.at(id.key));
    Limits { bulk_bytes_max: server.config.proto_max_bulk_len as i64, authenticated }
}

#[inline]
pub(super) fn protocol(server: &Server, id: ClientId) -> Protocol {
    if server.clients.at(id.key).resp == 3 { Protocol::Resp3 } else { Protocol::Resp2 }
}
