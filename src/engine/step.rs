//! The step of one session: parse ahead, run in order, keep what is left. Bounded by a budget, so that one client with a
//! long pipeline takes no more of a turn than the others.
use super::Engine;
use super::ahead::Ahead;
use super::bystanders::Rest;
use super::input::{Input, limit_input, violate};
use super::run::{Pace, Ran};
use super::session::{Close, Session};
use crate::base::time::Now;
use crate::command::Host;
use crate::command::modes::mute;
use crate::command::words::{OwnedWords, Request};
use crate::server::clients::ClientId;
use crate::wire::parser::Progress;

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
    /// The budget was used up, or there was no room for its input: read and step it again, in the next turn.
    More,
    /// It is to be closed (see `Engine::closing`).
    Closing,
}

impl Engine {
    pub fn step(&mut self, id: ClientId, now: &mut Now, budget: Budget, host: &mut dyn Host) -> Step {
        let Some(mut session) = self.sessions.take(id) else { return Step::Idle };
        if session.is_held() || session.unused() == 0 {
            return self.stand_by(session, *now, host);
        }
        let mut input = self.sessions.take_input(&mut session);
        let mut ahead = session.foreseen.take().or_else(|| self.sessions.aheads.pop()).unwrap_or_default();
        let started = host.ticks();
        let mut pace = Pace { now, started, since: started, slow: host.ticks_per_ms() };
        let output_end = session.output.len() + budget.output_bytes;
        let mut commands = 0;
        let step = loop {
            let limits = self.world.limits(id);
            let progress = self.world.parse(&mut session, &mut input, &mut ahead, &limits, budget.commands - commands);
            if let Some(parsing) = &mut self.world.server.stats.parse_ticks {
                let parsed = host.ticks();
                *parsing += parsed - pace.since;
                pace.since = parsed;
            }
            let (ran, count);
            (session, ran, count) = self.run_batch(session, &ahead, &input, limits, &mut pace, host);
            commands += count;
            let batch = &mut ahead.batch;
            // What was parsed and did not run, a violation too, is read again.
            let rest = count < batch.requests.len() || !matches!(ran, Ran::All) && batch.broken.is_some();
            if rest {
                session.parser.forget();
                input.use_up(Progress { used: batch.requests[count - 1].end, kept: input.len() });
            } else {
                input.use_up(progress);
            }
            let violation = batch.broken.take().filter(|_| !rest);
            let nothing_came = batch.requests.is_empty();
            ahead.clear();
            if let Some(violation) = violation {
                violate(&mut self.world.server, &mut session, violation);
                break Step::Closing;
            }
            match ran {
                Ran::Stopped if session.task.is_some() => break Step::More,
                Ran::Stopped => break Step::Idle,
                Ran::Late => break Step::More,
                Ran::All | Ran::OtherLimits if nothing_came || input.len() == 0 => break Step::Idle,
                Ran::All | Ran::OtherLimits => {}
            }
            if commands >= budget.commands || session.output.len() > output_end {
                break Step::More;
            }
        };
        let now = *pace.now;
        self.finish(session, input, ahead, commands, now, step)
    }

    /// Gives the session back, and says how it stands with it.
    #[inline]
    fn finish(
        &mut self,
        mut session: Box<Session>,
        input: Input,
        ahead: Box<Ahead>,
        commands: usize,
        now: Now,
        step: Step,
    ) -> Step {
        let (id, unread) = (session.id, input.len());
        self.sessions.aheads.push(ahead);
        self.sessions.put_input(&mut session, input);
        self.world.server.stats.partial_reads += (unread > 0 && step == Step::Idle) as u64;
        let kept = session.unread();
        let queued = self.world.server.served(id, commands, now, kept, session.output.len());
        limit_input(&mut self.world.server, &mut session, kept.bytes + kept.room + queued);
        let (unsent, ended) = (session.output.len(), session.ended);
        let put_off = std::mem::take(&mut session.put_off);
        let mut closes = session.close.is_some();
        if unsent > 0 || closes {
            self.sessions.touch_taken(&mut session);
        }
        let limited = unsent > 0 && (session.over_since_us.is_some() || self.passes_limit(session.unsent()));
        self.sessions.put(session);
        if limited {
            self.limit_output(id, now);
            closes = self.sessions.at(id).close.is_some();
        }
        self.weigh(id);
        match step {
            _ if closes => Step::Closing,
            _ if ended => self.starve(id, step),
            _ if put_off => Step::More,
            step => step,
        }
    }

    /// A session that is held, or has sent nothing.
    #[cold]
    fn stand_by(&mut self, mut session: Box<Session>, now: Now, host: &mut dyn Host) -> Step {
        session.foreseen = None;
        let (id, closes) = (session.id, session.close.is_some());
        let step = if std::mem::take(&mut session.put_off) { Step::More } else { Step::Idle };
        if session.blocked
            && !closes
            && let Some(words) = self.waiting.take_released(id)
        {
            return self.go_on_postponed(session, words, now, host);
        }
        if session.task.is_some() && !closes && session.output.len() <= session.unsent_max {
            return self.go_on(session, now, host);
        }
        let unread = session.unread();
        let client = self.world.server.clients.at_mut(id.key);
        (client.unread, client.unread_room) = (unread.bytes, unread.room);
        self.sessions.put(session);
        if closes { Step::Closing } else { self.starve(id, step) }
    }

    /// If the client will send no more, and nothing more can be done with what it has sent, it is closed.
    #[cold]
    fn starve(&mut self, id: ClientId, step: Step) -> Step {
        let session = self.sessions.at(id);
        if !session.ended {
            return step;
        }
        // Nobody would take what it waits for.
        if session.blocked || step == Step::Idle && !session.is_held() {
            self.begin_close(id, Close::AfterReply);
            return Step::Closing;
        }
        step
    }

    /// What came before its pause, and then the rest.
    fn go_on_postponed(&mut self, session: Box<Session>, words: OwnedWords, now: Now, host: &mut dyn Host) -> Step {
        let id = session.id;
        let mut session = self.begin_postponed(session, words, now, host);
        self.sessions.touch_taken(&mut session);
        let closes = session.close.is_some();
        self.sessions.put(session);
        self.limit_output(id, now);
        self.weigh(id);
        if closes { Step::Closing } else { self.starve(id, Step::More) }
    }

    /// A slice of a command that goes on.
    fn go_on(&mut self, mut session: Box<Session>, now: Now, host: &mut dyn Host) -> Step {
        let id = session.id;
        let mut task = session.task.take().expect("a task");
        let mut since = host.ticks();
        let from = self.world.record.wanted.then(|| session.output.end());
        let empty = Request::new(&[], &[], &[]);
        let done = {
            let mut others = Rest { sessions: &mut self.sessions, room: None };
            let mut cx = self.world.context(id, empty, &mut session.output, now, &mut since, host, &mut others, false);
            mute(&mut cx, |cx| task.go_on(cx), |done| *done)
        };
        self.world.record.lapsed(&mut self.world.data.ledger);
        match done {
            true => session.end_task(),
            false => session.task = Some(task),
        }
        if self.world.is_unsettled() {
            session = self.settle(session, from, now, host);
        }
        self.sessions.touch_taken(&mut session);
        self.sessions.put(session);
        self.limit_output(id, now);
        self.weigh(id);
        Step::More
    }
}
