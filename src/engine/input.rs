//! The input of a session in hand, and how what it sends may end it: a request that is none, or too much that is unused.
//! Where the bytes come from and go to is the sessions' business (session.rs).
use super::session::{Close, Session};
use crate::server::{Server, clients::Replies};
use crate::wire::parser::Progress;
use crate::wire::reply::{Protocol, Reply};
use crate::wire::token::Violation;
use log::debug;

/// The unused bytes of a session, apart from it while its commands run, since they hold the words.
pub struct Input {
    pub(super) buffer: Vec<u8>,
    pub(super) is_room: bool,
    /// Invariant: start <= end <= buffer.len().
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Input {
    /// The shared room, if it is there that the words are.
    #[inline]
    pub fn room(&self) -> Option<&[u8]> {
        self.is_room.then_some(&self.buffer)
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    #[inline]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..self.end]
    }

    #[inline]
    pub fn use_up(&mut self, Progress { used, kept }: Progress) {
        self.end = self.start + kept;
        self.start += used;
    }
}

/// The client broke the protocol: it is told, and closed.
#[cold]
pub fn violate(server: &mut Server, session: &mut Session, violation: Violation) {
    debug!("client {} broke the protocol: {violation}", session.id.serial);
    if server.clients.at(session.id.key).replies != Replies::ON {
        session.close = Some(Close::AfterReply);
        return;
    }
    let text = [b"ERR Protocol error: ", &violation.text()[..]].concat();
    server.stats.error("ERR");
    Reply::new(&mut session.output, Protocol::Resp2).error(&text);
    session.close = Some(Close::AfterReply);
}

/// Closes a client of which too much is kept: unread, or queued.
#[inline]
pub fn limit_input(server: &mut Server, session: &mut Session, kept: usize) {
    let limit = server.config.client_query_buffer_limit.min(i32::MAX as u64) as usize;
    if kept > limit && session.close.is_none() {
        debug!(
            "client {} is closed: more than client-query-buffer-limit ({limit} bytes) unread or queued",
            session.id.serial
        );
        server.stats.query_buffer_limit_disconnections += 1;
        session.close = Some(Close::Now);
    }
}
