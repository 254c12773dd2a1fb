//! Flush (5 in the turn): what was written for each session is sent, one vectored write at a time, in the turn in which it was
//! written. Writable readiness is asked for only after a write that fell short.
use super::Reactor;
use super::connection::Stream;
use crate::base::prefetch::prefetch;
use crate::engine::ClientId;
use log::trace;
use mio::{Interest, Token};
use std::io::{self, ErrorKind, IoSlice};

/// Slices of one write.
const SLICES_MAX: usize = 64;
/// So much is sent to one client before the others have their turn.
const FLUSH_BUDGET: usize = 1 << 20;

impl Reactor {
    pub(super) fn flush_all(&mut self) {
        while let Some(id) = self.send_touched() {
            self.flush(id);
        }
    }

    /// Sends to those who take all they have at once. The next one with whom there is more to do.
    fn send_touched(&mut self) -> Option<ClientId> {
        let Reactor { engine, outside, .. } = self;
        engine.send_touched(|id, piece, next| {
            if let Some(next) = next.and_then(|next| outside.connections.get(next.key)) {
                prefetch(next);
            }
            let connection = outside.connections[id.key].as_mut().expect("a connection as long as its client");
            if connection.write_blocked || connection.dead {
                return 0;
            }
            // An error comes again when all is sent that can be.
            let Ok(sent) = connection.stream.write(piece) else { return 0 };
            trace!("client {}: wrote {sent} bytes", id.serial);
            sent
        })
    }

    pub(super) fn flush(&mut self, id: ClientId) {
        let connection = self.outside.connections[id.key].as_mut().expect("a connection as long as its client");
        let (mut left, mut held_up) = (FLUSH_BUDGET, false);
        while !connection.write_blocked && !connection.dead {
            let Some(sent) = gather(&mut connection.stream, self.engine.pending(id)) else { break };
            match sent {
                Ok(sent) => {
                    trace!("client {}: wrote {sent} bytes", id.serial);
                    if !self.engine.wrote(id, sent) {
                        break;
                    }
                    left = left.saturating_sub(sent);
                    if left == 0 {
                        connection.flush_wanted = true;
                        return self.queue(id);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    connection.write_blocked = true;
                    // What it sends may be what it waits with: `read` sees to that.
                    held_up = connection.readable;
                    self.engine.stats_mut().partial_writes += 1;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    let asked = connection.stream.reregister(self.outside.poll.registry(), Token(id.key), both);
                    connection.dead = asked.is_err();
                }
                Err(error) => {
                    trace!("client {}: {error}", id.serial);
                    connection.dead = true;
                }
            }
        }
        if connection.dead || self.engine.closing(id).is_some() {
            self.outside.doomed.push(id);
        }
        if held_up {
            self.queue(id);
        }
    }
}

/// Sends several pieces with one call. `None`: there is nothing.
fn gather<'a>(stream: &mut Stream, pending: impl Iterator<Item = &'a [u8]>) -> Option<io::Result<usize>> {
    let mut slices = [IoSlice::new(&[]); SLICES_MAX];
    let mut count = 0;
    for (slice, bytes) in slices.iter_mut().zip(pending) {
        *slice = IoSlice::new(bytes);
        count += 1;
    }
    (count > 0).then(|| stream.write_vectored(&slices[..count]))
}
