//! After a command: what it asked for is done, who waited for what it changed is served, what it recorded is kept.
use super::bystanders::Rest;
use super::session::{Close, Session};
use super::waiting::{Place, Wait};
use super::{Engine, Wish, World};
use crate::base::time::Now;
use crate::command::modes::mute;
use crate::command::notice::after_wait;
use crate::command::words::{OwnedWords, Request};
use crate::command::{Block, Context, Effect, Host, Outcome, publish, serve};
use crate::server::clients::{ClientId, Kept};
use crate::store::{Change, Entry, Event};

/// So many events are published before they are delivered.
const PUBLISHED_AT_ONCE: usize = 1024;
/// So many effects, and receivers of messages, keep their memory.
const KEPT_MAX: usize = 64 * 1024;

impl World {
    fn tell_watchers(&mut self, change: &Change, now: Now) {
        let (watch, data, database) = (&mut self.server.watch, &self.data, change.database);
        match change.event {
            Event::FLUSHED => watch.flushed(database),
            Event::SWAPPED => {
                let (there, now_ms) = (data.database(database), now.wall_ms());
                let keys = there.iter().filter(|entry| !entry.is_expired(now_ms)).map(Entry::key);
                watch.swapped(database, there.len(), keys, |key| data.peek(database, key, now_ms).is_some());
            }
            event => watch.touch(database, &change.key, event == Event::EXPIRED),
        }
    }
}

impl Engine {
    /// `session` is the one that runs. `from`: where its reply began, if writes are recorded.
    #[cold]
    pub(super) fn settle(
        &mut self,
        mut session: Box<Session>,
        from: Option<u64>,
        now: Now,
        host: &mut dyn Host,
    ) -> Box<Session> {
        let id = session.id;
        self.hold(&mut session, from);
        // What follows may write to it too.
        self.sessions.put(session);
        self.apply_all(now, host);
        self.notify(now, host);
        self.wake(now, host);
        self.sessions.take(id).expect("only its owner closes the engine's session")
    }

    fn hold(&mut self, session: &mut Session, from: Option<u64>) {
        if let Some(from) = from.filter(|_| !self.world.record.entries.is_empty()) {
            self.sessions.hold(session, from);
        }
    }

    /// What an effect leads to may ask for others.
    pub(super) fn apply_all(&mut self, now: Now, host: &mut dyn Host) {
        while !self.world.effects.is_empty() {
            self.apply_those_there(now, host);
        }
    }

    fn apply_those_there(&mut self, now: Now, host: &mut dyn Host) {
        let mut effects = std::mem::take(&mut self.world.effects);
        let mut receivers = std::mem::take(&mut self.world.server.pubsub.receivers);
        let mut to = receivers.as_slice();
        for effect in effects.drain(..) {
            match effect {
                Effect::Deliver { message, count } => {
                    let (now_to, later) = to.split_at(count);
                    self.deliver(*message, now_to, now);
                    to = later;
                }
                effect => self.apply(effect, now, host),
            }
        }
        assert!(to.is_empty(), "who is to receive something was asked to be delivered to");
        // Their memory is used again, unless there was much.
        if self.world.effects.is_empty() && effects.capacity() <= KEPT_MAX && receivers.capacity() <= KEPT_MAX {
            receivers.clear();
            (self.world.effects, self.world.server.pubsub.receivers) = (effects, receivers);
        }
    }

    fn apply(&mut self, effect: Effect, now: Now, host: &mut dyn Host) {
        match effect {
            Effect::Deliver { .. } => unreachable!("it needs its receivers"),
            Effect::CloseAfterReply(id) => self.begin_close(id, Close::AfterReply),
            Effect::Kill(id) => self.begin_close(id, Close::Now),
            Effect::Unblock { client, error: true } => {
                const TEXT: &str = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
                self.end_wait(client, now, host, |cx| _ = cx.error(TEXT));
            }
            Effect::Unblock { client, error: false } => self.time_out(client, now, host),
            Effect::Resume => self.resume(now, host),
            Effect::Shutdown => self.wishes.push(Wish::Shutdown),
        }
    }

    pub(super) fn begin_close(&mut self, id: ClientId, close: Close) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.close != Some(Close::Now) {
            session.close = Some(close);
        }
        // It waits no longer: what it waited for is for others.
        if self.waiting.remove(id) {
            self.refresh_observed();
        }
        self.world.server.unweigh(id);
        self.world.server.forget_stranger(id);
        let client = self.world.server.clients.at_mut(id.key);
        (client.closing, client.kept) = (true, Kept::default());
        self.sessions.touch(id);
    }

    /// Publishes what has happened to keys, some of it at a time: a command may change a million of them.
    pub(super) fn notify(&mut self, now: Now, host: &mut dyn Host) {
        while self.world.data.ledger.has_unpublished() {
            let World { data, server, effects, .. } = &mut self.world;
            if !server.config.notify_keyspace_events.any() {
                return;
            }
            publish::notify(&mut data.ledger, server, effects, PUBLISHED_AT_ONCE);
            self.apply_all(now, host);
        }
    }

    // --- Waiting

    fn block(&mut self, id: ClientId, words: OwnedWords, block: Block) {
        let Block { keys, wants, deadline_us, late, .. } = block;
        let client = self.world.server.clients.at_mut(id.key);
        client.blocked = true;
        let wait = Wait { words, wants, deadline_us, late, turn: 0, hashes: vec![] };
        client.kept = self.waiting.add(id, client.database, keys, wait);
        self.refresh_observed();
    }

    /// A command may not begin before the pause has ended.
    pub(super) fn postpone(&mut self, session: &mut Session, words: OwnedWords) {
        let client = self.world.server.clients.at_mut(session.id.key);
        (client.blocked, client.postponed) = (true, true);
        session.blocked = true;
        client.kept = self.waiting.postpone(session.id, words);
    }

    /// The pause is over: who was postponed is stepped, the first first; who waits for a key may find it changed. (The
    /// next one may have begun.)
    pub(super) fn resume(&mut self, now: Now, host: &mut dyn Host) {
        self.world.data.paused = self.world.server.pause.is_some();
        for id in self.waiting.release_postponed() {
            self.sessions.make_ready(id);
        }
        for place in self.waiting.take_missed() {
            self.serve_waiters(place, now, host);
        }
        self.wake(now, host);
    }

    /// Runs what was postponed, or postpones it again.
    pub(super) fn begin_postponed(
        &mut self,
        mut session: Box<Session>,
        words: OwnedWords,
        now: Now,
        host: &mut dyn Host,
    ) -> Box<Session> {
        let id = session.id;
        session.blocked = false;
        let client = self.world.server.clients.at_mut(id.key);
        (client.blocked, client.postponed, client.kept) = (false, false, Kept::default());
        let (outcome, from) = self.serve_kept(&mut session, words.request(), now, host);
        self.keep(&mut session, outcome, || words.request());
        if self.world.is_unsettled() { self.settle(session, from, now, host) } else { session }
    }

    /// Runs a request that was kept. What comes of it, and where its reply begins if writes are recorded.
    fn serve_kept(
        &mut self,
        session: &mut Session,
        request: Request,
        now: Now,
        host: &mut dyn Host,
    ) -> (Outcome, Option<u64>) {
        let mut since = host.ticks();
        let from = self.world.record.wanted.then(|| session.output.end());
        let mut others = Rest { sessions: &mut self.sessions, room: None };
        let (id, output) = (session.id, &mut session.output);
        let mut cx = self.world.context(id, request, output, now, &mut since, host, &mut others, false);
        (serve::serve(&mut cx), from)
    }

    /// What a command leaves that has not ended.
    #[inline]
    pub(super) fn keep<'r>(&mut self, session: &mut Session, outcome: Outcome, request: impl FnOnce() -> Request<'r>) {
        match outcome {
            Outcome::Done => {}
            Outcome::Block(block) => {
                let mut block = *block;
                let words = block.words.take().unwrap_or_else(|| request().into());
                session.blocked = true;
                self.block(session.id, words, block);
            }
            Outcome::Continue(task) => session.task = Some(task),
            Outcome::Postpone => self.postpone(session, request().into()),
        }
    }

    /// Serves who waits for a key that has changed, and again for what they change.
    pub(super) fn wake(&mut self, now: Now, host: &mut dyn Host) {
        while !self.world.data.ledger.journal.is_empty() {
            let mut changes = self.world.data.ledger.take_journal();
            // Who waits is served by a key that comes to be as something that somebody waits for. One that was something else,
            // and is written over, has been there before: as in Redis, nobody is told. And as there, those count who wait
            // before the first of them is served.
            changes.iter_mut().for_each(|change| change.made = change.made.filter(|made| self.waiting.is_wanted(made)));
            // Whoever was woken by a look would look again, and wake himself.
            for change in changes.into_iter().filter(Change::is_change) {
                self.world.tell_watchers(&change, now);
                if self.waiting.is_empty() {
                    continue;
                }
                match change.event {
                    Event::FLUSHED | Event::SWAPPED => {
                        let now_ms = now.wall_ms();
                        for place in self.waiting.served_by(change.database, &self.world.data, now_ms) {
                            self.serve_waiters(place, now, host);
                        }
                    }
                    Event::NEW if change.made.is_some() => self.serve_waiters((change.database, change.key), now, host),
                    _ => {}
                }
            }
        }
    }

    /// Tries those who wait for a key, one after the other, as long as there is what they want.
    fn serve_waiters(&mut self, place: Place, now: Now, host: &mut dyn Host) {
        let mut turn = 0;
        loop {
            let entry = self.world.data.look(place.0, &place.1, now.wall_ms());
            let Some(there) = entry.map(|entry| entry.value().type_name()) else { return };
            let Some(waiter) = self.waiting.next_for(&place, turn, there) else { return };
            turn = waiter.turn;
            if !self.try_again(waiter.id, now, host) {
                return self.waiting.miss(place);
            }
        }
    }

    /// Runs a waiting client's command once more; it may wait on. False: it is paused.
    fn try_again(&mut self, id: ClientId, now: Now, host: &mut dyn Host) -> bool {
        let Some(words) = self.waiting.take_words(id) else { return true };
        let mut session = self.sessions.take(id).expect("who waits is there");
        let (outcome, from) = self.serve_kept(&mut session, words.request(), now, host);
        let paused = matches!(outcome, Outcome::Postpone);
        let waits_on = paused || matches!(outcome, Outcome::Block(_));
        if !waits_on {
            self.hold(&mut session, from);
        }
        self.waiting.put_words(id, words);
        if let Outcome::Continue(task) = outcome {
            session.task = Some(task);
        }
        self.sessions.put(session);
        self.limit_output(id, now);
        self.weigh(id);
        if !waits_on {
            self.release_waiter(id);
        }
        self.apply_all(now, host);
        self.notify(now, host);
        !paused
    }

    /// The deadline of a wait has come.
    pub(super) fn time_out(&mut self, id: ClientId, now: Now, host: &mut dyn Host) {
        if let Some(late) = self.waiting.get(id).map(|wait| wait.late) {
            self.end_wait(id, now, host, late);
        }
    }

    fn end_wait(&mut self, id: ClientId, now: Now, host: &mut dyn Host, say: impl FnOnce(&mut Context)) {
        let Some(words) = self.waiting.take_words(id) else { return };
        let mut session = self.sessions.take(id).expect("who waits is there");
        let mut others = Rest { sessions: &mut self.sessions, room: None };
        let (mut since, output) = (0, &mut session.output);
        let mut cx = self.world.context(id, words.request(), output, now, &mut since, host, &mut others, false);
        if let Some(row) = cx.me().last_command {
            let ticks = cx.me().waited_ticks;
            after_wait(&cx.table.entries[row as usize], ticks, &mut cx);
        }
        mute(&mut cx, say, |()| true);
        self.sessions.put(session);
        self.release_waiter(id);
    }

    fn release_waiter(&mut self, id: ClientId) {
        self.waiting.remove(id);
        self.sessions.at_mut(id).blocked = false;
        let client = self.world.server.clients.at_mut(id.key);
        (client.blocked, client.kept) = (false, Kept::default());
        self.sessions.touch(id);
        self.sessions.make_ready(id);
        self.refresh_observed();
    }
}
