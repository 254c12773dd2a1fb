//! What is done before requests run. They are parsed, their commands looked up, and the entries of their first keys fetched
//! into the cache: with many keys a look-up is a row of cache misses, and requests parsed ahead, of one session or of
//! several, have theirs at the same time. Where each was found is a hint for the run (`Keyspace::expect`), and no more.
//! Measured over 100,000 keys: at depth 64 GET spent half of its time waiting for memory without it; at depth 1, with 50
//! clients, a third of its time outside the kernel.
use super::input::Input;
use super::session::Session;
use super::{ClientId, Engine, Host, World};
use crate::command::entry::{Entry, Named};
use crate::store::{Hint, Start};
use crate::wire::lexer::Limits;
use crate::wire::parser::{Batch, Progress};

/// So many requests are parsed before the first of them runs.
pub(super) const BATCH_MAX: usize = 32;

/// Requests parsed ahead, and what is known of them. Its memory is used again.
#[derive(Default)]
pub(super) struct Ahead {
    pub batch: Batch,
    pub known: Vec<Known>,
    /// The elements that they look for in large collections: where these are, and where each look-up begins.
    elements: Vec<Sought>,
    /// They were parsed before the step.
    foreseen: Option<Foreseen>,
}

#[derive(Clone, Copy)]
struct Sought {
    collection: Hint,
    start: Start,
    /// Where it stands in the order is wanted too.
    place: bool,
}

/// What must still be so if requests that were parsed before their step are to run: under these limits they are the first
/// `used` of `of` bytes.
struct Foreseen {
    limits: Limits,
    used: usize,
    of: usize,
}

/// The command that a request names, if there is such a command, and what is known of its first key.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub command: Option<&'static Entry>,
    first: First,
}

#[derive(Clone, Copy)]
enum First {
    Unknown,
    /// It hashes to that.
    Hashed(u64),
    /// There the look-up begins.
    Near(Start),
    /// There it may be.
    At(Hint),
}

impl Known {
    #[inline(always)]
    pub fn hint(&self) -> Option<Hint> {
        if let First::At(hint) = self.first { Some(hint) } else { None }
    }
}

impl Ahead {
    pub fn clear(&mut self) {
        self.batch.clear();
        self.known.clear();
        self.elements.clear();
        self.foreseen = None;
    }
}

impl Engine {
    /// Parses what the first of these sessions have sent, of as many as have a batch of requests together, and fetches
    /// what that will touch. How many: they are best stepped next. Nothing else comes of it.
    pub fn look_ahead(&mut self, ids: &[ClientId], host: &mut dyn Host) -> usize {
        if ids.len() < 2 {
            return ids.len();
        }
        let begun = self.world.server.stats.parse_ticks.map(|_| host.ticks());
        let (mut sessions, mut requests) = (0, 0);
        while sessions < ids.len() && requests < BATCH_MAX {
            requests += self.foresee(ids[sessions]);
            sessions += 1;
        }
        let mut seek = false;
        for id in &ids[..sessions] {
            if let Some(ahead) = self.sessions.get_mut(*id).and_then(|session| session.foreseen.as_deref_mut()) {
                seek |= self.world.fetch(*id, &mut ahead.known);
            }
        }
        if seek {
            self.seek_ahead(&ids[..sessions]);
        }
        if let (Some(parsing), Some(begun)) = (&mut self.world.server.stats.parse_ticks, begun) {
            *parsing += host.ticks() - begun;
        }
        sessions
    }

    /// The same for what they look for in collections.
    #[inline(never)]
    fn seek_ahead(&mut self, ids: &[ClientId]) {
        for id in ids {
            if let Some((session, input)) = self.sessions.fresh(*id)
                && let Some(ahead) = &mut session.foreseen
            {
                self.world.seek(*id, input, ahead);
            }
        }
        for id in ids {
            if let Some(ahead) = self.sessions.get_mut(*id).and_then(|session| session.foreseen.as_deref_mut()) {
                self.world.fetch_elements(*id, ahead);
            }
        }
        for id in ids {
            if let Some(ahead) = self.sessions.get_mut(*id).and_then(|session| session.foreseen.as_deref_mut()) {
                self.world.fetch_places(*id, ahead);
            }
        }
    }

    /// Parses the usual requests that a session has in the shared room. How many these are.
    fn foresee(&mut self, id: ClientId) -> usize {
        let mut ahead = self.sessions.aheads.pop().unwrap_or_default();
        if let Some((session, input)) = self.sessions.fresh(id) {
            let limits = self.world.limits(id);
            let used = session.parser.foresee(input, &mut ahead.batch, &limits, most_ahead(&limits));
            let count = ahead.batch.requests.len();
            if count > 0 {
                self.world.look_up(id, &ahead.batch, input, &mut ahead.known);
                ahead.foreseen = Some(Foreseen { limits, used, of: input.len() });
                session.foreseen = Some(ahead);
                return count;
            }
        }
        self.sessions.aheads.push(ahead);
        0
    }
}

impl World {
    /// Parses the next requests of a session in hand, up to `most`, unless that was done before its step.
    #[inline]
    pub(super) fn parse(
        &self,
        session: &mut Session,
        input: &mut Input,
        ahead: &mut Ahead,
        limits: &Limits,
        most: usize,
    ) -> Progress {
        if let Some(Foreseen { limits: then, used, of }) = ahead.foreseen.take() {
            if then == *limits && of == input.len() && ahead.batch.requests.len() <= most {
                return Progress { used, kept: of };
            }
            ahead.clear();
        }
        let progress = session.parser.parse(input.bytes_mut(), &mut ahead.batch, limits, most_ahead(limits).min(most));
        if let [_] = ahead.batch.requests.as_slice() {
            let command = self.table.named_by(ahead.batch.request(0, input.bytes()));
            ahead.known.push(Known { command, first: First::Unknown });
        } else {
            self.look_up(session.id, &ahead.batch, input.bytes(), &mut ahead.known);
            if self.fetch(session.id, &mut ahead.known) {
                self.seek(session.id, input.bytes(), ahead);
                self.fetch_elements(session.id, ahead);
                self.fetch_places(session.id, ahead);
            }
        }
        progress
    }

    /// Looks up the commands of these requests, and fetches the slots that their first keys may be in.
    ///
    /// Here and below each step has a loop of its own, that does little else: a hint to the cache whose page the processor
    /// must look up first holds up what follows it, unless the next hint follows closely and is looked up beside it. Over 4
    /// million keys a GET at depth 64 took 273 ns that way, and 317 when keys were hashed and compared between the hints;
    /// over 100,000 the same.
    #[inline]
    fn look_up(&self, id: ClientId, batch: &Batch, input: &[u8], known: &mut Vec<Known>) {
        let database = self.server.clients.at(id.key).database;
        let mut last = Named::default();
        for at in 0..batch.requests.len() {
            let request = batch.request(at, input);
            let command = self.table.named_again(request, &mut last);
            let first = command.map_or(0, |command| command.positions.first);
            let key = if first > 0 { request.get(first as usize) } else { None };
            let first = key.map_or(First::Unknown, |key| First::Hashed(self.data.hash(key)));
            known.push(Known { command, first });
        }
        for known in known {
            if let First::Hashed(hash) = known.first {
                known.first = First::Near(self.data.foresee(database, hash));
            }
        }
    }

    /// Fetches what these slots point to: only now, since the slots had to come first. Do any look for elements?
    #[inline]
    fn fetch(&self, id: ClientId, known: &mut [Known]) -> bool {
        let database = self.server.clients.at(id.key).database;
        let mut seek = 0;
        let mut entries = [None; BATCH_MAX];
        for (known, entry) in known.iter_mut().zip(&mut entries) {
            if let First::Near(start) = known.first {
                let found = self.data.candidate(database, start);
                known.first = found.map_or(First::Unknown, |(hint, _)| First::At(hint));
                *entry = found.map(|(_, entry)| entry);
                seek |= known.command.map_or(0, |command| command.element);
            }
        }
        for entry in &entries[..known.len().min(BATCH_MAX)] {
            entry.inspect(|entry| entry.prefetch());
        }
        seek != 0
    }

    /// Fetches the slots that the elements may be in which these requests look for.
    #[inline(never)]
    fn seek(&self, id: ClientId, input: &[u8], Ahead { batch, known, elements, .. }: &mut Ahead) {
        let database = self.server.clients.at(id.key).database;
        for (at, Known { command, first }) in known.iter().enumerate() {
            let Some(command) = command else { continue };
            let element = command.element;
            if element > 0
                && let First::At(hint) = *first
                && let Some(word) = batch.request(at, input).get(element as usize)
                && let Some(index) = self.data.index(database, hint)
            {
                let start = index.foresee(word);
                elements.push(Sought { collection: hint, start, place: command.place });
            }
        }
    }

    /// And what these slots point to.
    fn fetch_elements(&self, id: ClientId, ahead: &mut Ahead) {
        let database = self.server.clients.at(id.key).database;
        ahead.elements.retain(|&Sought { collection, start, place }| {
            self.data.index(database, collection).is_some_and(|index| index.fetch(start)) && place
        });
    }

    /// And where those stand whose place is wanted.
    fn fetch_places(&self, id: ClientId, ahead: &mut Ahead) {
        let database = self.server.clients.at(id.key).database;
        for alike in ahead.elements.chunk_by(|one, next| one.collection == next.collection) {
            let index = self.data.index(database, alike[0].collection);
            index.inspect(|index| index.fetch_places(&mut alike.iter().map(|sought| sought.start)));
        }
        ahead.elements.clear();
    }
}

/// Who has not signed in is read one request at a time.
#[inline]
fn most_ahead(limits: &Limits) -> usize {
    if limits.authenticated { BATCH_MAX } else { 1 }
}
