//! Sessions: what a client has sent and we have not used, what we have written and it has not read. An idle one holds no
//! buffer: it reads into a room that all share, and an unfinished request moves into its own.
use crate::command::Task;
use crate::command::entry::Commands;
use crate::command::host::Bystanders;
use crate::server::clients::ClientId;
use crate::wire::lexer::Limits;
use crate::wire::message::Message;
use crate::wire::output::Output;
use crate::wire::parser::{Batch, Parser};
use crate::wire::reply::{Protocol, Reply};
use slab::Slab;
use std::collections::VecDeque;

/// A session with more unsent output is neither read nor stepped until it drains.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;
/// A session with more unused input is not read. (A request that is longer grows beyond it.)
pub const INPUT_BYTES_MAX: usize = 1 << 20;
/// What one read can bring.
const ROOM_BYTES: usize = 64 * 1024;
/// Output memory that is kept for the next session: so many buffers, none larger than this.
const ROOMS_MAX: usize = 64;
const ROOM_KEPT_BYTES_MAX: usize = 64 * 1024;
/// A new one: small, since a thousand clients may be answered in one turn. (16 KB each left 2 KB of memory behind for each
/// of 4,000 idle connections.) Those of busy clients grow, and are kept as they are.
const OUTPUT_ROOM_BYTES: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// When its output is sent.
    AfterReply,
    /// With what it has.
    Now,
}

pub struct Session {
    pub id: ClientId,
    pub parser: Parser,
    /// The unused input that is not in the shared room. Invariant: head <= tail.len().
    pub tail: Vec<u8>,
    pub head: usize,
    /// Bytes of the shared room that are this session's. Invariant: 0 unless `tail` is empty.
    pub fresh: usize,
    pub output: Output,
    /// A command that goes on in slices.
    pub task: Option<Box<dyn Task>>,
    /// Messages that came while that was writing its reply: they are sent after it.
    later: Option<Box<Output>>,
    pub blocked: bool,
    /// The client will send no more.
    pub ended: bool,
    pub close: Option<Close>,
    /// Since when its output is over the soft limit.
    pub over_since_us: Option<u64>,
    /// Some of what it is sent is still to be sent: nothing can be put before the rest.
    partly_sent: bool,
    touched: bool,
    ready: bool,
}

impl Session {
    pub fn unused(&self) -> usize {
        self.fresh + self.tail.len() - self.head
    }

    pub fn closing(&self) -> Option<Close> {
        self.close
    }

    /// Bytes that it is still to be sent.
    pub fn unsent(&self) -> usize {
        self.output.len() + self.later.as_ref().map_or(0, |later| later.len())
    }

    /// Something stands in the way of its next request.
    pub fn is_held(&self) -> bool {
        self.blocked || self.task.is_some() || self.close.is_some() || self.output.len() > OUTPUT_BYTES_MAX
    }

    pub fn check(&self) {
        assert!(!self.output.is_empty() || !self.output.has_room(), "an idle session holds no memory for its output");
        assert!(self.head <= self.tail.len());
        assert!(self.fresh == 0 || self.tail.is_empty());
        self.output.check();
    }
}

pub struct Sessions {
    slab: Slab<Session>,
    /// Where reads go. It is some session's until that is stepped, or another wants it.
    pub room: Vec<u8>,
    owner: Option<ClientId>,
    /// Whose command ran last. While it runs, its input and output are not here.
    pub running: Option<ClientId>,
    /// `None` while a step uses it. Boxed: it changes hands twice a step.
    pub batch: Option<Box<Batch>>,
    rooms: Vec<Vec<u8>>,
    touched: Vec<ClientId>,
    ready: VecDeque<ClientId>,
    /// Counts the writes that replies wait for.
    pub ticket: u64,
    /// Sessions with held output, by the order of their tickets.
    held: VecDeque<(u64, ClientId)>,
    table: &'static Commands,
}

impl Sessions {
    pub fn new(table: &'static Commands) -> Sessions {
        Sessions {
            slab: Slab::new(),
            room: vec![0; ROOM_BYTES],
            owner: None,
            running: None,
            batch: Some(Box::default()),
            rooms: vec![],
            touched: vec![],
            ready: VecDeque::new(),
            ticket: 0,
            held: VecDeque::new(),
            table,
        }
    }

    pub fn open(&mut self, id: ClientId) {
        let session = Session {
            id,
            parser: Parser::default(),
            tail: vec![],
            head: 0,
            fresh: 0,
            output: Output::default(),
            task: None,
            later: None,
            blocked: false,
            ended: false,
            close: None,
            over_since_us: None,
            partly_sent: false,
            touched: false,
            ready: false,
        };
        let key = self.slab.insert(session);
        assert_eq!(key, id.key, "sessions and clients are opened and closed together");
    }

    pub fn close(&mut self, id: ClientId) {
        assert_eq!(self.slab[id.key].id, id);
        self.slab.remove(id.key);
        if self.owner == Some(id) {
            self.owner = None;
        }
    }

    pub fn len(&self) -> usize {
        self.slab.len()
    }

    pub fn get_mut(&mut self, id: ClientId) -> Option<&mut Session> {
        self.slab.get_mut(id.key).filter(|session| session.id == id)
    }

    #[inline]
    pub fn at(&self, id: ClientId) -> &Session {
        let session = &self.slab[id.key];
        debug_assert_eq!(session.id, id);
        session
    }

    #[inline]
    pub fn at_mut(&mut self, id: ClientId) -> &mut Session {
        let session = &mut self.slab[id.key];
        debug_assert_eq!(session.id, id);
        session
    }

    // --- Input

    #[inline]
    pub fn space(&mut self, id: ClientId) -> &mut [u8] {
        let session = &self.slab[id.key];
        debug_assert_eq!(session.id, id);
        if session.close.is_some()
            || session.ended
            || session.output.len() > OUTPUT_BYTES_MAX
            || session.is_held() && session.unused() > INPUT_BYTES_MAX
        {
            return &mut [];
        }
        self.give_back();
        if self.slab[id.key].parser.is_reading_large() {
            return self.slab[id.key].parser.space().expect("it was there");
        }
        &mut self.room
    }

    #[inline]
    pub fn filled(&mut self, id: ClientId, count: usize) {
        let session = &mut self.slab[id.key];
        if session.parser.is_reading_large() {
            session.parser.filled(count);
        } else if session.tail.is_empty() {
            session.fresh = count;
            self.owner = Some(id);
        } else {
            session.tail.extend_from_slice(&self.room[..count]);
        }
    }

    /// What the room holds of a session that was not stepped since moves to that session.
    fn give_back(&mut self) {
        if let Some(owner) = self.owner.take() {
            let session = &mut self.slab[owner.key];
            if session.fresh > 0 {
                session.tail.extend_from_slice(&self.room[..session.fresh]);
                session.fresh = 0;
            }
        }
    }

    // --- Output

    /// Memory to write into, for an output that has none.
    #[inline]
    pub fn equip(&mut self, output: &mut Output) {
        if !output.has_room() {
            output.lend_room(self.rooms.pop().unwrap_or_else(|| Vec::with_capacity(OUTPUT_ROOM_BYTES)));
        }
    }

    /// Gives a session its output back. One with nothing to send holds no memory.
    #[inline]
    pub fn put_back(&mut self, id: ClientId, mut output: Output) {
        if output.is_empty() {
            let room = output.take_room();
            self.keep_room(room);
        }
        self.at_mut(id).output = output;
    }

    #[inline]
    fn keep_room(&mut self, room: Vec<u8>) {
        if room.capacity() > 0 && room.capacity() <= ROOM_KEPT_BYTES_MAX && self.rooms.len() < ROOMS_MAX {
            self.rooms.push(room);
        }
    }

    #[inline]
    pub fn wrote(&mut self, id: ClientId, count: usize) {
        let session = &mut self.slab[id.key];
        debug_assert_eq!(session.id, id);
        let stalled = session.output.len() > OUTPUT_BYTES_MAX;
        session.output.wrote(count);
        session.partly_sent = !session.output.is_empty();
        if session.output.is_empty() {
            let room = session.output.take_room();
            self.keep_room(room);
        }
        if stalled && self.slab[id.key].output.len() <= OUTPUT_BYTES_MAX {
            self.make_ready(id);
        }
    }

    /// Appends a message that answers no request. How many bytes are unsent then; `None`: nothing is sent to it any more.
    #[inline]
    pub fn push(&mut self, id: ClientId, message: &mut Message, resp3: bool) -> Option<usize> {
        let session = self.slab.get_mut(id.key).filter(|session| session.id == id && session.close.is_none())?;
        if session.task.is_some() {
            message.write(session.later.get_or_insert_default(), resp3);
            return Some(session.unsent());
        }
        if !session.output.has_room() {
            session.output.lend_room(self.rooms.pop().unwrap_or_else(|| Vec::with_capacity(OUTPUT_ROOM_BYTES)));
        }
        message.write(&mut session.output, resp3);
        let unsent = session.output.len();
        if !std::mem::replace(&mut session.touched, true) {
            self.touched.push(id);
        }
        Some(unsent)
    }

    /// Drops all that is unsent. In its place `reason` may be said, where that would not stand amidst something else:
    /// true if it was.
    pub fn discard(&mut self, id: ClientId, reason: Option<&mut Message>) -> bool {
        let session = self.at_mut(id);
        (session.task, session.later) = (None, None);
        session.output.discard();
        let reason = reason.filter(|_| !session.partly_sent);
        let said = reason.is_some();
        if let Some(reason) = reason {
            reason.write(&mut session.output, true);
        }
        said
    }

    /// The command that went on in slices has ended: what came meanwhile follows its reply.
    pub fn end_task(&mut self, id: ClientId, output: &mut Output) {
        if let Some(later) = self.at_mut(id).later.take() {
            output.append(*later);
        }
    }

    /// What was written for this session since `from` waits until the writes so far are durable.
    pub fn hold(&mut self, id: ClientId, output: &mut Output, from: u64) {
        self.ticket += 1;
        output.hold(from, self.ticket);
        self.held.push_back((self.ticket, id));
    }

    pub fn release(&mut self, ticket: u64) {
        while let Some((held, id)) = self.held.front().copied().filter(|(held, _)| *held <= ticket) {
            self.held.pop_front();
            if let Some(session) = self.get_mut(id) {
                session.output.release(held);
                self.touch(id);
            }
        }
    }

    // --- Who is to be looked at

    /// It has new output, or is to be closed.
    #[inline]
    pub fn touch(&mut self, id: ClientId) {
        let session = &mut self.slab[id.key];
        if !std::mem::replace(&mut session.touched, true) {
            self.touched.push(id);
        }
    }

    #[inline]
    pub fn next_touched(&mut self) -> Option<ClientId> {
        while let Some(id) = self.touched.pop() {
            if let Some(session) = self.get_mut(id) {
                session.touched = false;
                return Some(id);
            }
        }
        None
    }

    /// It can be stepped though nothing came from its client.
    pub fn make_ready(&mut self, id: ClientId) {
        let session = &mut self.slab[id.key];
        if !std::mem::replace(&mut session.ready, true) {
            self.ready.push_back(id);
        }
    }

    pub fn next_ready(&mut self) -> Option<ClientId> {
        while let Some(id) = self.ready.pop_front() {
            if let Some(session) = self.get_mut(id) {
                session.ready = false;
                return Some(id);
            }
        }
        None
    }

    pub fn check(&self) {
        for (_, session) in &self.slab {
            session.check();
            assert!(session.fresh == 0 || self.owner == Some(session.id));
        }
        assert_eq!(self.room.len(), ROOM_BYTES);
    }
}

/// A command holds the data: the others are told so.
impl Bystanders for Sessions {
    fn space(&mut self, id: ClientId) -> &mut [u8] {
        if self.running == Some(id) {
            return &mut [];
        }
        // The running command's words may stand in the room: then there is another for as long as it runs.
        if self.room.is_empty() {
            self.room = vec![0; ROOM_BYTES];
        }
        Sessions::space(self, id)
    }

    fn filled(&mut self, id: ClientId, count: usize) {
        Sessions::filled(self, id, count);
        self.give_back();
    }

    fn answer(&mut self, id: ClientId) -> bool {
        let limits = Limits { bulk_bytes_max: 1 << 20, authenticated: false };
        let table = self.table;
        if self.running == Some(id) {
            return false;
        }
        let Some(session) = self.get_mut(id).filter(|session| !session.is_held()) else { return false };
        let mut batch = Batch::default();
        let from = session.head;
        let progress = session.parser.parse(&mut session.tail[from..], &mut batch, &limits, 1);
        if batch.requests.is_empty() {
            // Unfinished, or broken: it will be read again when the command has ended.
            if batch.broken.is_some() {
                session.parser.forget();
            }
            return false;
        }
        let request = batch.request(0, &session.tail[from..]);
        let mut words = crate::command::words::Words::new(request);
        let found = table.find(&mut words);
        let stop = match &found {
            Ok(entry) => {
                let name = entry.facts.name;
                name == "SCRIPT|KILL" || name == "FUNCTION|KILL" || name == "SHUTDOWN" && words.take("NOSAVE")
            }
            Err(_) => false,
        };
        let mut reply = Reply::new(&mut session.output, Protocol::Resp2);
        match stop {
            true => reply.ok(),
            false => {
                reply.error("BUSY Spindle is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.")
            }
        }
        session.head += progress.used;
        session.tail.truncate(from + progress.kept);
        self.touch(id);
        stop
    }
}
