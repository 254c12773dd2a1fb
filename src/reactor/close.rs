//! Close (7 in the turn): at the end of the turn only, so that no slot is given away while events of the same turn name it.
//! A client that is told something last (an error, the answer to QUIT) may still be sending. To close with its bytes
//! unread would reset the connection and destroy what we said; so our side is shut, what comes is thrown away for a
//! bounded time, and then the socket is closed.
use super::accept::ACCEPTS_PER_TURN;
use super::connection::Stream;
use super::{LINGERING, Reactor};
use crate::engine::{Close, Host, Now};
use mio::{Interest, Token};
use std::io::ErrorKind;

/// So many sockets are closed in a turn, and the rest in later ones, the oldest first: each takes the kernel some 20
/// microseconds. No fewer than may come, or they would pile up.
const CLOSES_PER_TURN: usize = ACCEPTS_PER_TURN;
const LINGER_US: u64 = 1_000_000;
const LINGER_BYTES_MAX: usize = 1 << 20;
const LINGERING_MAX: usize = 1024;

pub struct Lingering {
    stream: Stream,
    until_us: u64,
    left: usize,
}

impl Reactor {
    pub(super) fn close_doomed(&mut self, now: Now) {
        for (mut stream, text) in std::mem::take(&mut self.outside.turned_away) {
            say(&mut stream, text);
            self.linger(stream, now);
        }
        self.closed = 0;
        if self.outside.doomed.is_empty() && self.leaving.is_empty() {
            return;
        }
        let begun = self.outside.ticks();
        self.close_leaving();
        self.close_all(now);
        self.gauge.closing_ticks = self.outside.ticks() - begun;
    }

    /// Sockets whose clients are gone. True: there were some.
    pub(super) fn close_leaving(&mut self) -> bool {
        let count = self.leaving.len().min(CLOSES_PER_TURN);
        let closed = self.leaving.drain(..count).count();
        if closed > 0 {
            self.accept_after_us = None;
        }
        self.closed += closed;
        closed > 0
    }

    fn close_all(&mut self, now: Now) {
        for id in std::mem::take(&mut self.outside.doomed) {
            let Some(Some(connection)) = self.outside.connections.get_mut(id.key) else { continue };
            if connection.id != id {
                continue;
            }
            let closing = self.engine.closing(id);
            let unsent = self.engine.unsent(id) > 0;
            match closing {
                _ if connection.dead => {}
                Some(Close::Now) => {}
                Some(Close::AfterReply) if !unsent => {}
                // The rest is sent first; the flush that ends it will name this client again.
                _ => continue,
            }
            let connection = self.outside.connections[id.key].take().expect("it was there");
            self.engine.close(id);
            if connection.dead || connection.ended || closing == Some(Close::Now) {
                self.drop_stream(connection.stream);
            } else {
                self.linger(connection.stream, now);
            }
        }
    }

    /// Shuts our side and waits for the other's.
    pub(super) fn linger(&mut self, mut stream: Stream, now: Now) {
        if self.lingering.len() >= LINGERING_MAX || stream.shutdown_write().is_err() {
            return self.drop_stream(stream);
        }
        let slot = self.lingering.vacant_entry();
        let token = Token(LINGERING + slot.key());
        let registry = self.outside.poll.registry();
        let registered =
            stream.reregister(registry, token, Interest::READABLE).or_else(|_| stream.register(registry, token));
        let key = slot.key();
        slot.insert(Lingering { stream, until_us: now.mono_us + LINGER_US, left: LINGER_BYTES_MAX });
        match registered {
            Ok(()) => self.drain_lingering(key),
            Err(_) => self.end_linger(key),
        }
    }

    pub(super) fn drain_lingering(&mut self, key: usize) {
        let mut room = [0; 16 * 1024];
        while let Some(lingering) = self.lingering.get_mut(key) {
            match lingering.stream.read(&mut room) {
                Ok(count) if count > 0 && count <= lingering.left => lingering.left -= count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => self.end_linger(key),
            }
        }
    }

    pub(super) fn next_linger_us(&self) -> Option<u64> {
        let until_us = |(_, lingering): (usize, &Lingering)| lingering.until_us;
        if self.lingering.is_empty() { None } else { self.lingering.iter().map(until_us).min() }
    }

    pub(super) fn end_lingering(&mut self, now: Now) {
        if self.lingering.is_empty() {
            return;
        }
        let over = |(key, lingering): (usize, &Lingering)| (lingering.until_us <= now.mono_us).then_some(key);
        let over: Vec<usize> = self.lingering.iter().filter_map(over).collect();
        over.into_iter().for_each(|key| self.end_linger(key));
    }

    /// Its descriptor is wanted. True: there was one.
    pub(super) fn end_oldest_linger(&mut self) -> bool {
        let oldest = self.lingering.iter().min_by_key(|(_, lingering)| lingering.until_us).map(|(key, _)| key);
        oldest.map(|key| self.end_linger(key)).is_some()
    }

    fn end_linger(&mut self, key: usize) {
        let Lingering { stream, .. } = self.lingering.remove(key);
        self.drop_stream(stream);
    }

    pub(super) fn drop_stream(&mut self, mut stream: Stream) {
        // What the kernel says to this changes nothing: the descriptor is closed next.
        let _ = stream.deregister(self.outside.poll.registry());
        if self.closed >= CLOSES_PER_TURN {
            return self.leaving.push(stream);
        }
        self.closed += 1;
        drop(stream);
        // A descriptor is free: listeners that ran out of them may try again.
        self.accept_after_us = None;
    }
}

/// What a client that is sent away is told.
pub fn say(stream: &mut Stream, text: &str) {
    let _ = stream.write(text.as_bytes());
}
