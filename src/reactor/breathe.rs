//! A breath in the middle of a long command (`Host::breathe`): who comes is accepted, who sends is read and answered, and
//! what he is told leaves at once. Nobody is closed: whoever was heard is due in the turn that follows, and so is every
//! event that is not a connection's.
use super::accept::ACCEPTS_PER_TURN;
use super::connection::{Connection, Stream};
use super::host::Outside;
use super::listen::{Accepted, tune};
use super::{LINGERING, LISTENERS, ignore_interrupt};
use crate::engine::{Bystanders, ClientId, Host};
use mio::{Events, Token};
use std::io::ErrorKind;
use std::time::Duration;

/// What one breath hears; the next one is not far.
const EVENTS_MAX: usize = 1024;

impl Outside {
    pub(super) fn hear_bystanders(&mut self, bystanders: &mut dyn Bystanders) {
        let mut events = Events::with_capacity(EVENTS_MAX);
        if ignore_interrupt(self.poll.poll(&mut events, Some(Duration::ZERO))).is_err() {
            // The turn's own poll will meet it again.
            return;
        }
        for event in &events {
            match event.token() {
                Token(key) if key < LISTENERS => {
                    if let Some(Some(connection)) = self.connections.get_mut(key) {
                        connection.hear(event);
                        if !std::mem::replace(&mut connection.queued, true) {
                            self.again.push(connection.id);
                        }
                    }
                }
                Token(token) if token < LINGERING => self.listeners.hear(Token(token)),
                other => self.put_off.push(other),
            }
        }
        self.accept_bystanders(bystanders);
        // Those that are due had their events before the command began.
        for at in 0..self.due.len() {
            self.listen_to(self.due[at], bystanders);
        }
        for at in 0..self.again.len() {
            self.listen_to(self.again[at], bystanders);
        }
    }

    /// Who comes may be the one that stops the command.
    fn accept_bystanders(&mut self, bystanders: &mut dyn Bystanders) {
        let mut left = ACCEPTS_PER_TURN;
        while left > 0
            && self.turned_away.len() < ACCEPTS_PER_TURN
            && let Some(listener) = self.listeners.next_ready()
        {
            left -= 1;
            match listener.accept() {
                Ok(Accepted { stream, address }) => {
                    if let Stream::Tcp(tcp) = &stream {
                        tune(tcp, bystanders.config().tcp_keepalive);
                    }
                    let now = self.now();
                    match bystanders.open(address, now) {
                        Ok(id) => {
                            bystanders.has_descriptor(id, stream.descriptor());
                            self.seat(id, stream);
                        }
                        Err(text) => self.turned_away.push((stream, text)),
                    }
                }
                Err(error) => {
                    // Any other error is met again by the turn.
                    listener.ready = error.kind() != ErrorKind::WouldBlock;
                    return;
                }
            }
        }
    }

    /// Reads what one client has sent, has it answered, and sends that.
    fn listen_to(&mut self, id: ClientId, bystanders: &mut dyn Bystanders) {
        let Some(Some(connection)) = self.connections.get_mut(id.key) else { return };
        if connection.id != id || connection.dead {
            return;
        }
        connection.read_once(bystanders);
        bystanders.answer(id, self);
        let Some(Some(connection)) = self.connections.get_mut(id.key) else { return };
        while !connection.write_blocked
            && let Some(piece) = bystanders.pending(id)
            && let Ok(sent) = connection.stream.write(piece)
        {
            bystanders.wrote(id, sent);
        }
    }
}

impl Connection {
    /// What is left over, the end of the stream and errors are met again by the turn.
    fn read_once(&mut self, bystanders: &mut dyn Bystanders) {
        let room = bystanders.space(self.id);
        if !self.readable || room.is_empty() {
            return;
        }
        match self.stream.read(room) {
            Ok(count) if count > 0 => {
                self.readable = count == room.len() || self.read_closed;
                bystanders.filled(self.id, count);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
            Ok(_) | Err(_) => {}
        }
    }
}
