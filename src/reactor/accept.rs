//! Accept (2 in the turn): until there is nobody left, or so many that the others would wait. Who comes when there are no
//! descriptors left gets that of a client that was already told goodbye, or is told so himself with one that is kept for it.
//! If even that cannot be had we stop trying until one is free, instead of being woken for nothing again and again.
use super::Reactor;
use super::close::say;
use super::connection::{Connection, Stream};
use super::host::Outside;
use super::listen::Accepted;
use crate::engine::{ClientId, Now};
use log::{debug, warn};
use mio::Token;
use nix::errno::Errno;
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind};

pub const ACCEPTS_PER_TURN: usize = 128;
/// Descriptors may also become free outside this process.
const ACCEPT_PAUSE_US: u64 = 100_000;
/// Of what somebody has sent for whom there is no descriptor.
const READS_MAX: usize = 16;

impl Reactor {
    pub(super) fn accept(&mut self, now: Now) {
        if self.accept_after_us.is_some_and(|after_us| after_us > now.mono_us) {
            return;
        }
        self.accept_after_us = None;
        let mut left = ACCEPTS_PER_TURN;
        while left > 0
            && let Some(listener) = self.outside.listeners.next_ready()
        {
            left -= 1;
            match listener.accept() {
                Ok(accepted) => {
                    self.accept_fails = false;
                    self.welcome(accepted, now);
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => listener.ready = false,
                    // It went away while it waited.
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => {}
                    _ if is_exhausted(&error) && (self.close_leaving() || self.end_oldest_linger()) => {}
                    _ => {
                        // Each try ends here until a descriptor is free: once is enough.
                        if !std::mem::replace(&mut self.accept_fails, true) {
                            warn!("Accepting a client connection: {error}");
                        }
                        if is_exhausted(&error) && self.turn_one_away() {
                            continue;
                        }
                        self.accept_after_us = Some(now.mono_us + ACCEPT_PAUSE_US);
                        return;
                    }
                },
            }
        }
    }

    /// With the descriptor that is kept for this. True: somebody was told, or nobody is there any more.
    fn turn_one_away(&mut self) -> bool {
        if self.reserve.take().is_none() {
            self.reserve = Reserve::open();
            return false;
        }
        let Some(listener) = self.outside.listeners.next_ready() else { return true };
        let accepted = listener.accept();
        let met = match accepted {
            Ok(Accepted { mut stream, address }) => {
                let text = self.engine.turn_away();
                debug!("{} is sent away, for there is no descriptor: {}", address.peer(), text.trim_end());
                say(&mut stream, text);
                // What it has sent is read, as far as it is here: left unread, it would have the goodbye destroyed.
                let (mut room, mut reads) = ([0; 16 * 1024], 0);
                let _ = stream.shutdown_write();
                while reads < READS_MAX && matches!(stream.read(&mut room), Ok(1..)) {
                    reads += 1;
                }
                true
            }
            Err(error) => {
                // That nobody waits is only said to who has a descriptor.
                listener.ready = error.kind() != ErrorKind::WouldBlock;
                !listener.ready
            }
        };
        self.reserve = Reserve::open();
        met
    }

    fn welcome(&mut self, accepted: Accepted, now: Now) {
        let Accepted { mut stream, address } = accepted;
        if let Stream::Tcp(tcp) = &stream {
            super::listen::tune(tcp, self.engine.config().tcp_keepalive);
        }
        let id = match self.engine.open(address.clone(), now) {
            Ok(id) => id,
            Err(text) => {
                debug!("{} is sent away: {}", address.peer(), text.trim_end());
                say(&mut stream, text);
                return self.linger(stream, now);
            }
        };
        debug!("client {} is {}", id.serial, address.peer());
        self.engine.has_descriptor(id, stream.descriptor());
        self.outside.seat(id, stream);
    }
}

/// A descriptor that is free as soon as it is wanted.
pub struct Reserve(#[allow(dead_code, reason = "it is only there to be closed")] Socket);

impl Reserve {
    pub fn open() -> Option<Reserve> {
        Socket::new(Domain::UNIX, Type::STREAM, None).ok().map(Reserve)
    }
}

/// There is no descriptor left, for this process or for all.
fn is_exhausted(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(code, Some(Errno::EMFILE | Errno::ENFILE))
}

impl Outside {
    /// Gives a new client's socket its place.
    pub(super) fn seat(&mut self, id: ClientId, mut stream: Stream) {
        let registered = stream.register(self.poll.registry(), Token(id.key));
        let mut connection = Connection::new(id, stream);
        // What it sent before it was registered makes an event too; reading now would only cost a call.
        connection.readable = false;
        if let Err(error) = registered {
            warn!("A connection cannot be polled: {error}");
            connection.dead = true;
            self.doomed.push(id);
        }
        if self.connections.len() <= id.key {
            self.connections.resize_with(id.key + 1, || None);
        }
        assert!(self.connections[id.key].is_none(), "a slot is given away only when it is empty");
        self.connections[id.key] = Some(connection);
    }
}
