//! Sessions: what a client has sent and we have not used, what we have written and it has not read. An idle one holds no
//! buffer: it reads into a room that all share, and an unfinished request moves into its own.
use super::ahead::Ahead;
use super::input::Input;
use super::outgoing::{Mail, Post, reclaim};
use crate::base::prefetch::prefetch;
use crate::command::Task;
use crate::server::{Unread, clients::ClientId};
use crate::wire::output::Output;
use crate::wire::parser::Parser;
use std::collections::{BTreeSet, VecDeque};

/// A session with more unsent output is neither read nor stepped until it drains, unless it may have more (`let_more`).
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;
/// A session with more unused input is not read. (A request that is longer grows beyond it, once its beginning was parsed.)
pub const INPUT_BYTES_MAX: usize = 1 << 20;
/// What one read can bring.
const ROOM_BYTES: usize = 64 * 1024;
/// With less left of it those who have a piece of the room are to be stepped first.
const ROOM_BYTES_MIN: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// When its output is sent.
    AfterReply,
    /// With what it has.
    Now,
}

/// In this order: what a message to many touches of each comes first, in as few cache lines as can be.
#[repr(C)]
pub struct Session {
    pub id: ClientId,
    /// Messages that it is to be sent, which stand in the post. Invariant: empty, or the output is.
    pub(super) mail: Mail,
    pub close: Option<Close>,
    pub blocked: bool,
    /// The client will send no more.
    pub ended: bool,
    /// Some of what it is sent is still to be sent: nothing can be put before the rest.
    pub(super) partly_sent: bool,
    pub(super) touched: bool,
    ready: bool,
    /// It was not read because it can go on with what it has: after its step there may be room.
    pub(super) put_off: bool,
    /// A command that goes on in slices.
    pub task: Option<Box<dyn Task>>,
    pub output: Output,
    /// With more unsent output it is held. Invariant: at least `OUTPUT_BYTES_MAX`.
    pub unsent_max: usize,
    /// So many bytes of the shared room, from there on, are this session's. Invariant: 0 unless `tail` is empty.
    fresh: usize,
    fresh_at: usize,
    pub parser: Parser,
    /// What was parsed before its step. It holds while nothing else uses its input.
    pub(super) foreseen: Option<Box<Ahead>>,
    /// The unused input that is not in the shared room. Invariant: head <= tail.len().
    pub tail: Vec<u8>,
    pub head: usize,
    /// Messages that came while the task was writing its reply: they are sent after it.
    pub(super) later: Option<Box<Output>>,
    /// Since when its output is over the soft limit.
    pub over_since_us: Option<u64>,
}

impl Session {
    fn new(id: ClientId) -> Session {
        Session {
            id,
            parser: Parser::default(),
            foreseen: None,
            tail: vec![],
            head: 0,
            fresh: 0,
            fresh_at: 0,
            output: Output::default(),
            unsent_max: OUTPUT_BYTES_MAX,
            task: None,
            later: None,
            blocked: false,
            ended: false,
            close: None,
            over_since_us: None,
            mail: Mail::default(),
            partly_sent: false,
            touched: false,
            ready: false,
            put_off: false,
        }
    }

    /// What it has in the room becomes its own.
    fn keep(&mut self, room: &[u8]) {
        self.tail.extend_from_slice(&room[self.fresh_at..self.fresh_at + self.fresh]);
        self.fresh = 0;
    }

    pub fn unused(&self) -> usize {
        self.fresh + self.tail.len() - self.head
    }

    /// Bytes that it is still to be sent.
    pub fn unsent(&self) -> usize {
        self.mail.len() + self.output.len() + self.later.as_ref().map_or(0, |later| later.len())
    }

    /// What came and was not used.
    #[inline]
    pub fn unread(&self) -> Unread {
        if !self.parser.has_begun() {
            return Unread { bytes: self.unused(), room: 0 };
        }
        let (unused, held) = (self.unused(), self.parser.held());
        match self.parser.large_bytes() {
            // What stands before a large string was read: the words are known.
            Some(bytes) => Unread { bytes, room: held + unused - bytes },
            None => Unread { bytes: unused, room: held },
        }
    }

    /// Bytes of memory of its own that it holds for what came and what is to be sent.
    pub fn buffered(&self) -> usize {
        self.tail.len() - self.head + self.parser.held() + self.unsent()
    }

    /// The command that went on in slices has ended: what came meanwhile follows its reply.
    pub fn end_task(&mut self) {
        if let Some(later) = self.later.take() {
            self.output.append(*later);
        }
    }

    /// Something stands in the way of its next request.
    #[inline]
    pub fn is_held(&self) -> bool {
        self.blocked || self.task.is_some() || self.close.is_some() || self.output.len() > self.unsent_max
    }

    pub fn check(&self) {
        assert!(self.mail.is_empty() || self.output.is_empty());
        assert!(!self.output.is_empty() || !self.output.has_room(), "an idle session holds no memory for its output");
        assert!(self.head <= self.tail.len());
        assert!(self.fresh == 0 || self.tail.is_empty());
        assert!(self.unsent_max >= OUTPUT_BYTES_MAX);
        self.output.check();
    }
}

pub struct Sessions {
    /// By the clients' slab keys. A session that runs is not here: who serves it has it in hand (`take`, `put`), so that a
    /// command may meet every other session. Boxed: it changes hands as one pointer.
    pub(super) slots: Vec<Option<Box<Session>>>,
    /// Where reads go, one behind the other. A piece is some session's until that is stepped, or others want the room.
    /// Empty while a step uses it.
    room: Vec<u8>,
    /// Where the next one goes. Invariant: 0 if no piece is anybody's.
    room_used: usize,
    /// Whose the pieces are, and some that had one; so many still have.
    owners: Vec<ClientId>,
    unstepped: usize,
    /// Such as no session has, to be used again. Boxed: they change hands as one pointer.
    #[allow(clippy::vec_box)]
    pub(super) aheads: Vec<Box<Ahead>>,
    pub(super) rooms: Vec<Vec<u8>>,
    /// What sessions may have unsent beyond `OUTPUT_BYTES_MAX` each. Invariant: the sum of that.
    pub(super) lent_bytes: usize,
    /// Who asked for more when all of that was lent.
    pub(super) refused: BTreeSet<ClientId>,
    pub(super) post: Post,
    pub(super) touched: Vec<ClientId>,
    ready: VecDeque<ClientId>,
    /// Counts the writes that replies wait for.
    pub ticket: u64,
    /// Sessions with held output, by the order of their tickets.
    pub(super) held: VecDeque<(u64, ClientId)>,
}

impl Sessions {
    pub fn new() -> Sessions {
        Sessions {
            slots: vec![],
            room: vec![0; ROOM_BYTES],
            room_used: 0,
            owners: vec![],
            unstepped: 0,
            aheads: vec![],
            rooms: vec![],
            lent_bytes: 0,
            refused: BTreeSet::new(),
            post: Post::default(),
            touched: vec![],
            ready: VecDeque::new(),
            ticket: 0,
            held: VecDeque::new(),
        }
    }

    pub fn open(&mut self, id: ClientId) {
        if self.slots.len() <= id.key {
            self.slots.resize_with(id.key + 1, || None);
        }
        let before = self.slots[id.key].replace(Box::new(Session::new(id)));
        assert!(before.is_none(), "sessions and clients are opened and closed together");
    }

    pub fn close(&mut self, id: ClientId) {
        let mut session = self.slots[id.key].take().filter(|session| session.id == id).expect("it was opened");
        if std::mem::take(&mut session.fresh) > 0 {
            self.free_piece();
        }
        self.drop_mail(&mut session);
        self.refused.remove(&id);
        self.take_back(session.unsent_max - OUTPUT_BYTES_MAX);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.slots.iter().filter_map(Option::as_deref)
    }

    pub fn get(&self, id: ClientId) -> Option<&Session> {
        self.slots.get(id.key)?.as_deref().filter(|session| session.id == id)
    }

    #[inline]
    pub fn get_mut(&mut self, id: ClientId) -> Option<&mut Session> {
        self.slots.get_mut(id.key)?.as_deref_mut().filter(|session| session.id == id)
    }

    #[inline]
    pub fn at(&self, id: ClientId) -> &Session {
        let session = self.slots[id.key].as_deref().expect("a session as long as its client");
        debug_assert_eq!(session.id, id);
        session
    }

    #[inline]
    pub fn at_mut(&mut self, id: ClientId) -> &mut Session {
        let session = self.slots[id.key].as_deref_mut().expect("a session as long as its client");
        debug_assert_eq!(session.id, id);
        session
    }

    /// A session to be worked with, with memory to write to.
    #[inline]
    pub fn take(&mut self, id: ClientId) -> Option<Box<Session>> {
        let mut session = self.slots.get_mut(id.key)?.take_if(|session| session.id == id)?;
        self.lend_room(&mut session.output);
        if !session.mail.is_empty() {
            self.keep_mail(&mut session);
        }
        Some(session)
    }

    /// Gives it its place back. One with nothing to send holds no memory for that.
    #[inline]
    pub fn put(&mut self, mut session: Box<Session>) {
        if session.output.is_empty() {
            reclaim(&mut self.rooms, &mut session.output);
        }
        let key = session.id.key;
        let empty = self.slots[key].replace(session);
        debug_assert!(empty.is_none());
        // It needs no code that would drop a session.
        std::mem::forget(empty);
    }

    // --- Input

    /// Room for what the client sends. Empty: it is not to be read now.
    #[inline]
    pub fn space(&mut self, id: ClientId) -> &mut [u8] {
        if !self.has_room() {
            self.give_back(None);
        }
        let session = self.slots[id.key].as_deref_mut().expect("a session as long as its client");
        debug_assert_eq!(session.id, id);
        let much = session.unused() > INPUT_BYTES_MAX;
        let full = session.output.len() > session.unsent_max || much && session.is_held();
        if session.ended || session.close.is_some() || full {
            return &mut [];
        }
        if much && !session.parser.has_begun() {
            session.put_off = true;
            return &mut [];
        }
        match session.parser.space() {
            Some(large) => large,
            None => &mut self.room[self.room_used..],
        }
    }

    /// Whether somebody can be read without others being moved out of the room.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.room.len() - self.room_used >= ROOM_BYTES_MIN
    }

    #[inline]
    pub fn filled(&mut self, id: ClientId, count: usize) {
        let session = self.slots[id.key].as_deref_mut().expect("a session as long as its client");
        debug_assert_eq!(session.id, id);
        let came = self.room_used..self.room_used + count;
        if session.parser.is_reading_large() {
            session.parser.filled(count);
        } else if session.tail.is_empty() && session.fresh == 0 {
            (session.fresh, session.fresh_at) = (count, came.start);
            self.room_used = came.end;
            self.owners.push(id);
            self.unstepped += 1;
        } else {
            // What came before it, and was not stepped since, first.
            let had_piece = session.fresh > 0;
            session.keep(&self.room);
            session.tail.extend_from_slice(&self.room[came]);
            if had_piece {
                self.free_piece();
            }
        }
    }

    /// What the room holds of sessions that were not stepped since moves to them. `room`: where it is, if a step has it.
    #[cold]
    pub fn give_back(&mut self, room: Option<&[u8]>) {
        for id in self.owners.drain(..) {
            let owner = self.slots[id.key].as_deref_mut().filter(|session| session.id == id && session.fresh > 0);
            if let Some(session) = owner {
                session.keep(room.unwrap_or(&self.room));
            }
        }
        (self.room_used, self.unstepped) = (0, 0);
    }

    /// While a step has the room there is another for who is read meanwhile.
    pub fn lend_other_room(&mut self) {
        if self.room.is_empty() {
            self.room = vec![0; ROOM_BYTES];
        }
    }

    /// The bytes that a session has not used, to work with: its own, or the shared room. `put_input` ends that.
    #[inline]
    pub fn take_input(&mut self, session: &mut Session) -> Input {
        if session.fresh == 0 {
            let (start, buffer) = (std::mem::take(&mut session.head), std::mem::take(&mut session.tail));
            return Input { end: buffer.len(), buffer, is_room: false, start };
        }
        let (start, end) = (session.fresh_at, session.fresh_at + std::mem::take(&mut session.fresh));
        self.free_piece();
        Input { buffer: std::mem::take(&mut self.room), is_room: true, start, end }
    }

    /// A session that has a piece of the room and waits for nothing but its step; and that piece.
    #[inline]
    pub fn fresh(&mut self, id: ClientId) -> Option<(&mut Session, &[u8])> {
        let session = self.slots.get_mut(id.key)?.as_deref_mut()?;
        if session.id != id || session.fresh == 0 || session.is_held() {
            return None;
        }
        let piece = &self.room[session.fresh_at..session.fresh_at + session.fresh];
        Some((session, piece))
    }

    #[inline]
    fn free_piece(&mut self) {
        self.unstepped -= 1;
        if self.unstepped == 0 {
            self.owners.clear();
            self.room_used = 0;
        }
    }

    #[inline]
    pub fn put_input(&mut self, session: &mut Session, mut input: Input) {
        if input.is_room {
            session.tail.extend_from_slice(input.bytes());
            self.room = input.buffer;
        } else if input.len() > 0 {
            input.buffer.truncate(input.end);
            if input.start > input.end / 2 {
                input.buffer.drain(..input.start);
                input.start = 0;
            }
            (session.tail, session.head) = (input.buffer, input.start);
        }
    }

    // --- Who is to be looked at

    /// It has new output, or is to be closed.
    #[inline]
    pub fn touch(&mut self, id: ClientId) {
        if !std::mem::replace(&mut self.at_mut(id).touched, true) {
            self.touched.push(id);
        }
    }

    /// The same for one that is in hand.
    #[inline]
    pub fn touch_taken(&mut self, session: &mut Session) {
        if !std::mem::replace(&mut session.touched, true) {
            self.touched.push(session.id);
        }
    }

    #[inline]
    pub fn next_touched(&mut self) -> Option<ClientId> {
        while let Some(id) = self.touched.pop() {
            if let Some(session) = self.get_mut(id) {
                session.touched = false;
                self.fetch_next_touched();
                return Some(id);
            }
        }
        None
    }

    /// While bytes are sent to one, the next one comes into the cache.
    #[inline]
    pub(super) fn fetch_next_touched(&self) {
        if let Some(id) = self.touched.last()
            && let Some(session) = self.slots.get(id.key).and_then(Option::as_deref)
        {
            prefetch(&raw const session.mail);
            prefetch(&raw const session.output);
        }
    }

    /// It can be stepped though nothing came from its client.
    pub fn make_ready(&mut self, id: ClientId) {
        if !std::mem::replace(&mut self.at_mut(id).ready, true) {
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
        for session in self.iter() {
            session.check();
            assert!(session.fresh == 0 || self.owners.contains(&session.id));
            assert!(session.fresh_at + session.fresh <= self.room_used || session.fresh == 0);
        }
        assert_eq!(self.iter().filter(|session| session.fresh > 0).count(), self.unstepped);
        assert_eq!(self.room.len(), ROOM_BYTES);
        assert_eq!(self.iter().filter(|session| !session.mail.is_empty()).count(), self.post.holders);
        assert_eq!(self.iter().map(|session| session.unsent_max - OUTPUT_BYTES_MAX).sum::<usize>(), self.lent_bytes);
    }
}
