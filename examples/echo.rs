//! An echo server, second rung of the ladder (null.rs before it, embedded.rs after it): whatever a client
//! sends comes back. It shows what any server on non-blocking sockets must get right: partial writes, back-pressure,
//! edge-triggered reading, fairness and half-close. It has no protocol and no time-outs; those are Spindle's.
//!
//!     cargo run --example echo -- 7007        then: nc 127.0.0.1 7007

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX - 1);

/// How much one client may have under way. What it sends beyond that stays in the kernel's buffers, then in its own.
const ROOM: usize = 64 * 1024;

/// How much one client may move per turn while others wait.
const BUDGET: usize = 256 * 1024;

fn main() -> io::Result<()> {
    let port = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(7007);
    let listener = TcpListener::bind(([127, 0, 0, 1], port).into())?;
    println!("echo on {}", listener.local_addr()?);
    serve(listener)
}

struct Client {
    stream: TcpStream,
    /// Invariant: start <= end <= ROOM. Bytes in start..end were read and are not yet written.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// What we know of the socket. mio is edge-triggered: it tells that a socket *became* ready, once, and is then silent
    /// until it has run dry and become ready again. So readiness must be remembered. An event sets these two flags, and
    /// only WouldBlock clears them: not a full buffer, not a spent budget.
    readable: bool,
    writable: bool,
    /// The client has shut down its sending side. It may still want to read all that we owe it.
    ended: bool,
    /// Stands on the list of those whom the budget stopped. For them no event will come: the kernel has told already.
    waiting: bool,
}

/// How a client's turn ended.
enum Turn {
    /// Nothing can move before the next event.
    Idle,
    /// More could move, but others are waiting.
    Unfinished,
    /// All is echoed, and the client will send no more.
    Done,
}

pub fn serve(mut listener: TcpListener) -> io::Result<()> {
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut clients: Slab<Client> = Slab::new();
    let mut events = Events::with_capacity(256);
    let mut unfinished: Vec<usize> = Vec::new();
    loop {
        // While someone is unfinished, only look whether others have become ready; sleep when there is nothing to do.
        let wait = if unfinished.is_empty() { None } else { Some(std::time::Duration::ZERO) };
        match poll.poll(&mut events, wait) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        // Those whom the budget stopped come first, then those of whom the kernel tells.
        let mut ready = std::mem::take(&mut unfinished);
        for event in &events {
            let key = event.token().0;
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut clients)?;
            } else if let Some(client) = clients.get_mut(key) {
                // Errors and hang-ups too: a read or a write will say what happened.
                client.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
                client.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
                if !client.waiting {
                    client.waiting = true;
                    ready.push(key);
                }
            }
        }
        for key in ready {
            let client = &mut clients[key];
            client.waiting = false;
            match client.turn() {
                Ok(Turn::Idle) => {}
                Ok(Turn::Unfinished) => {
                    client.waiting = true;
                    unfinished.push(key);
                }
                // Dropping the stream closes the socket, and a closed socket leaves the poll by itself.
                Ok(Turn::Done) => drop(clients.remove(key)),
                Err(_) => drop(clients.remove(key)), // a reset: this client's trouble, and nobody else's
            }
        }
    }
}

fn accept(listener: &TcpListener, poll: &Poll, clients: &mut Slab<Client>) -> io::Result<()> {
    // One event may stand for many connections: take all of them.
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            // Mostly WouldBlock. Or a client that has gone again, or no descriptor left: the others are served on. (With
            // no descriptor left, the waiting client hears from us when the next one comes. Spindle does better.)
            Err(_) => return Ok(()),
        };
        let slot = clients.vacant_entry();
        // One registration for both directions, for good. With level-triggered polling the writable side would fire all
        // the time; here it costs one event at the beginning and one after each time that the socket was full.
        poll.registry().register(&mut stream, Token(slot.key()), Interest::READABLE | Interest::WRITABLE)?;
        slot.insert(Client {
            stream,
            buffer: vec![0; ROOM].into(),
            start: 0,
            end: 0,
            readable: false,
            writable: false,
            ended: false,
            waiting: false,
        });
    }
}

impl Client {
    /// Reads and writes in turns until nothing moves any more or the budget is spent.
    fn turn(&mut self) -> io::Result<Turn> {
        let mut moved = 0;
        loop {
            let before = moved;
            moved += self.fill()?;
            moved += self.drain()?;
            if self.ended && self.start == self.end {
                // Half-close, the other half: our last byte is on its way, now say that no more will come.
                let _ = self.stream.shutdown(Shutdown::Write);
                return Ok(Turn::Done);
            }
            if moved == before {
                return Ok(Turn::Idle);
            }
            if moved >= BUDGET {
                return Ok(Turn::Unfinished);
            }
        }
    }

    /// Reads until the buffer is full or the socket is empty. A full buffer is the back-pressure: we stop reading, the
    /// kernel's buffer fills, TCP's window closes, and the client's own write blocks.
    fn fill(&mut self) -> io::Result<usize> {
        let before = self.end;
        while self.readable && !self.ended && self.end < ROOM {
            match self.stream.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(self.end - before)
    }

    /// Writes until all is written or the socket is full. A write may take any part of what it is offered: `start` keeps
    /// the place.
    fn drain(&mut self) -> io::Result<usize> {
        let before = self.start;
        while self.writable && self.start < self.end {
            match self.stream.write(&self.buffer[self.start..self.end]) {
                Ok(n) => self.start += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.writable = false,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        let written = self.start - before;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == ROOM {
            // The buffer's end is reached, its front is free: move the rest there, or a slow reader would stop us for good.
            self.buffer.copy_within(self.start.., 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        Ok(written)
    }
}
