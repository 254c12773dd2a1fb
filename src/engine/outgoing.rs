//! What sessions are sent: the memory that an output borrows while it has something, and the post, from which a message to
//! many is sent without a copy for each.
//!
//! ```text
//!   post       [ message 1 | message 2 | message 3 ]      once for each protocol
//!   session A  |----------- mail ------------------|      has nothing else to send: it sends a piece of the post
//!   session B                          |-- mail ---|
//! ```
//!
//! Who has something else to send, or misses a message between two that it hears, has them copied into its output.
use super::session::{OUTPUT_BYTES_MAX, Session, Sessions};
use crate::server::clients::ClientId;
use crate::wire::message::{Message, SHARED_MESSAGE_BYTES_MIN};
use crate::wire::output::Output;

/// Output memory that is kept for the next session: so many buffers, none larger than this.
const ROOMS_MAX: usize = 64;
const ROOM_KEPT_BYTES_MAX: usize = 64 * 1024;
/// A new one: small, since a thousand clients may be answered in one turn. (16 KB each left 2 KB of memory behind for each
/// of 4,000 idle connections.) Those of busy clients grow, and are kept as they are.
const OUTPUT_ROOM_BYTES: usize = 512;

/// More is not in the post at once: whoever has not taken his mail by then gets it copied.
const POST_BYTES_MAX: usize = 256 * 1024;
/// What all sessions together may have unsent beyond `OUTPUT_BYTES_MAX` each.
const LENT_BYTES_MAX: usize = 1 << 30;

/// A piece of the post.
#[derive(Debug, Default, Clone, Copy)]
pub struct Mail {
    from: u32,
    to: u32,
    resp3: bool,
}

impl Mail {
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.from == self.to
    }

    #[inline]
    pub fn len(&self) -> usize {
        (self.to - self.from) as usize
    }
}

#[derive(Debug, Default)]
pub struct Post {
    /// In RESP2, in RESP3.
    bytes: [Vec<u8>; 2],
    /// Sessions that have mail. When there is none the next message begins anew.
    pub holders: usize,
}

impl Post {
    #[inline]
    fn piece(&self, mail: Mail) -> &[u8] {
        &self.bytes[mail.resp3 as usize][mail.from as usize..mail.to as usize]
    }

    /// A session has no mail any more.
    #[inline]
    fn give_back(&mut self) {
        self.holders -= 1;
    }
}

/// A message on its way, and where it stands in the post.
pub struct Letter {
    message: Message,
    places: [Option<Mail>; 2],
}

impl From<Message> for Letter {
    fn from(message: Message) -> Letter {
        Letter { message, places: [None; 2] }
    }
}

/// How much a session was sent, and how much is left. `is_all`: nothing else is to be done with it.
pub struct Sent {
    pub id: ClientId,
    pub count: usize,
    pub left: usize,
    pub is_all: bool,
}

impl Sessions {
    // --- Messages

    /// Sends a message that answers no request. How many bytes are unsent then; `None`: nothing is sent to it any more.
    #[inline]
    pub fn push(&mut self, id: ClientId, letter: &mut Letter, resp3: bool) -> Option<usize> {
        let place = match letter.places[resp3 as usize] {
            Some(place) => place,
            None => self.post(letter, resp3),
        };
        let session = self.slots.get_mut(id.key)?.as_deref_mut()?;
        if session.id != id || session.close.is_some() {
            return None;
        }
        let mail = &mut session.mail;
        let follows = mail.is_empty() || mail.to == place.from && mail.resp3 == resp3;
        if place.is_empty() || !follows || !session.output.is_empty() || session.task.is_some() {
            return self.append(id, letter, resp3);
        }
        if mail.is_empty() {
            *mail = place;
            self.post.holders += 1;
        } else {
            mail.to = place.to;
        }
        let unsent = mail.len();
        if !std::mem::replace(&mut session.touched, true) {
            self.touched.push(id);
        }
        Some(unsent)
    }

    /// Puts a message into the post. Empty: there is no place for it.
    #[cold]
    fn post(&mut self, letter: &mut Letter, resp3: bool) -> Mail {
        let size = letter.message.size();
        if self.post.bytes[resp3 as usize].len() + size > POST_BYTES_MAX {
            self.keep_all_mail();
        }
        if self.post.holders == 0 {
            self.post.bytes[resp3 as usize].clear();
        }
        let bytes = &mut self.post.bytes[resp3 as usize];
        let from = bytes.len() as u32;
        if size < SHARED_MESSAGE_BYTES_MIN {
            letter.message.encode(bytes, resp3);
        }
        let place = Mail { from, to: bytes.len() as u32, resp3 };
        letter.places[resp3 as usize] = Some(place);
        place
    }

    /// Appends it to the session's own output.
    #[cold]
    fn append(&mut self, id: ClientId, letter: &mut Letter, resp3: bool) -> Option<usize> {
        let mut session = self.slots[id.key].take().expect("it is there");
        if session.task.is_some() {
            letter.message.write(session.later.get_or_insert_default(), resp3);
        } else {
            self.lend_room(&mut session.output);
            self.keep_mail(&mut session);
            letter.message.write(&mut session.output, resp3);
            self.touch_taken(&mut session);
        }
        let unsent = session.unsent();
        self.slots[id.key] = Some(session);
        Some(unsent)
    }

    /// What a session has in the post becomes its own. Its output has room.
    #[cold]
    pub fn keep_mail(&mut self, session: &mut Session) {
        let mail = std::mem::take(&mut session.mail);
        if !mail.is_empty() {
            session.output.tail().extend_from_slice(self.post.piece(mail));
            self.post.give_back();
        }
    }

    #[cold]
    fn keep_all_mail(&mut self) {
        for key in 0..self.slots.len() {
            if let Some(mut session) = self.slots[key].take_if(|session| !session.mail.is_empty()) {
                self.lend_room(&mut session.output);
                self.keep_mail(&mut session);
                self.slots[key] = Some(session);
            }
        }
    }

    pub fn drop_mail(&mut self, session: &mut Session) {
        if !std::mem::take(&mut session.mail).is_empty() {
            self.post.give_back();
        }
    }

    // --- Memory to write to

    #[inline]
    pub fn lend_room(&mut self, output: &mut Output) {
        if !output.has_room() {
            output.lend_room(self.rooms.pop().unwrap_or_else(|| Vec::with_capacity(OUTPUT_ROOM_BYTES)));
        }
    }

    // --- Sending

    /// Lets `write` send what the next session that was touched has, if that is in one piece. After a visit to the kernel
    /// each line of code and data comes from afar: so one look-up does for all, and who follows is fetched before.
    #[inline]
    pub fn send_next(&mut self, write: impl FnOnce(ClientId, &[u8], Option<ClientId>) -> usize) -> Option<Sent> {
        let id = self.touched.pop()?;
        self.fetch_next_touched();
        let next = self.touched.last().copied();
        let Some(session) =
            self.slots.get_mut(id.key).and_then(Option::as_deref_mut).filter(|session| session.id == id)
        else {
            return Some(Sent { id, count: 0, left: 0, is_all: true });
        };
        session.touched = false;
        let has_mail = !session.mail.is_empty();
        let piece =
            if has_mail { self.post.piece(session.mail) } else { session.output.pending_piece().unwrap_or(&[]) };
        let size = piece.len();
        if size == 0 || size > OUTPUT_BYTES_MAX || session.close.is_some() {
            return Some(Sent { id, count: 0, left: size, is_all: false });
        }
        let count = write(id, piece, next);
        if count < size {
            let left = if count > 0 { self.wrote(id, count) } else { size };
            return Some(Sent { id, count, left, is_all: false });
        }
        if has_mail {
            session.mail = Mail::default();
            self.post.give_back();
        } else {
            session.output.wrote(count);
            session.partly_sent = false;
            reclaim(&mut self.rooms, &mut session.output);
        }
        Some(Sent { id, count, left: 0, is_all: true })
    }

    /// What may be sent now, in order.
    pub fn pending(&self, id: ClientId) -> impl Iterator<Item = &[u8]> {
        let session = self.at(id);
        let mail = (!session.mail.is_empty()).then(|| self.post.piece(session.mail));
        mail.into_iter().chain(session.output.pending())
    }

    /// So many bytes were sent. How many are left.
    #[inline]
    pub fn wrote(&mut self, id: ClientId, count: usize) -> usize {
        let session = self.slots[id.key].as_deref_mut().expect("a session as long as its client");
        debug_assert_eq!(session.id, id);
        if !session.mail.is_empty() {
            return self.wrote_mail(id, count);
        }
        session.output.wrote(count);
        let left = session.output.len();
        session.partly_sent = left > 0;
        if left == 0 {
            reclaim(&mut self.rooms, &mut session.output);
        }
        if left + count > OUTPUT_BYTES_MAX {
            self.drained(id, left, left + count);
        }
        left
    }

    /// Less than before is unsent.
    #[cold]
    fn drained(&mut self, id: ClientId, left: usize, before: usize) {
        let session = self.slots[id.key].as_deref_mut().expect("a session as long as its client");
        let most = session.unsent_max;
        if left <= OUTPUT_BYTES_MAX {
            session.unsent_max = OUTPUT_BYTES_MAX;
            self.take_back(most - OUTPUT_BYTES_MAX);
        }
        if left <= most && before > most {
            self.make_ready(id);
        }
    }

    /// So much is on loan no longer. Who was refused may ask again: no event of theirs would have them asked.
    pub fn take_back(&mut self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        self.lent_bytes -= bytes;
        for id in std::mem::take(&mut self.refused) {
            if self.get(id).is_some() {
                self.make_ready(id);
            }
        }
    }

    /// The client takes nothing now, and sends more. Many read nothing before they have sent all (redis-py's pipelines),
    /// and would wait for ever for a server that waits for them; Redis lets any output grow. So may this session's, as far
    /// as what all of them have on loan allows. False: it was not that for which it is held, or there is nothing to lend.
    #[cold]
    pub fn let_more(&mut self, id: ClientId) -> bool {
        let session = self.slots[id.key].as_deref_mut().expect("a session as long as its client");
        if session.output.len() <= session.unsent_max || session.close.is_some() {
            return false;
        }
        // It never has more than is left for the others: one that takes nothing for ever stands in nobody's way.
        let (loan, left) = (session.unsent_max - OUTPUT_BYTES_MAX, LENT_BYTES_MAX - self.lent_bytes);
        let more = session.unsent_max.min(left.saturating_sub(loan) / 2);
        if more < OUTPUT_BYTES_MAX {
            self.refused.insert(id);
            return false;
        }
        session.unsent_max += more;
        self.lent_bytes += more;
        self.make_ready(id);
        true
    }

    #[inline(never)]
    fn wrote_mail(&mut self, id: ClientId, count: usize) -> usize {
        let session = self.at_mut(id);
        if session.mail.len() == count {
            session.mail = Mail::default();
            self.post.give_back();
            return 0;
        }
        let mut session = self.take(id).expect("it is there");
        session.output.wrote(count);
        session.partly_sent = true;
        let left = session.output.len();
        self.put(session);
        left
    }

    /// Drops all that is unsent. In its place `reason` may be said, where that would not stand amidst something else:
    /// true if it was.
    pub fn discard(&mut self, id: ClientId, reason: Option<&mut Message>) -> bool {
        let session = self.at_mut(id);
        (session.task, session.later) = (None, None);
        let had_mail = !std::mem::take(&mut session.mail).is_empty();
        session.output.discard();
        let reason = reason.filter(|_| !session.partly_sent);
        let said = reason.is_some();
        if let Some(reason) = reason {
            reason.write(&mut session.output, true);
        }
        if had_mail {
            self.post.give_back();
        }
        said
    }

    /// What was written for this session since `from` waits until the writes so far are durable.
    pub fn hold(&mut self, session: &mut Session, from: u64) {
        self.ticket += 1;
        session.output.hold(from, self.ticket);
        self.held.push_back((self.ticket, session.id));
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
}

/// Takes the memory of an output with nothing to send, for the next one.
#[inline(always)]
pub fn reclaim(rooms: &mut Vec<Vec<u8>>, output: &mut Output) {
    let room = output.take_room();
    if room.capacity() > 0 && room.capacity() <= ROOM_KEPT_BYTES_MAX && rooms.len() < ROOMS_MAX {
        rooms.push(room);
    }
}
