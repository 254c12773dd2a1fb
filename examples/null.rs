//! The null server, first rung of the ladder (echo.rs and embedded.rs after it). It reads, counts requests and
//! answers `+OK` to each: no parser, no store. So it is the floor under every server's cost, the kernel's share, and
//! bench.sh takes it off before it compares. It also shows the smallest whole poll loop: accept, read, write, close.
//!
//!     cargo run --release --example null -- PORT [UNIX-SOCKET]

use std::io::{self, ErrorKind, Read, Write};

use mio::event::{Event, Source};
use mio::net::{TcpListener, UnixListener};
use mio::{Events, Interest, Poll, Registry, Token};
use slab::Slab;

// A token is the number under which the kernel hands an event back. Sessions use their index in the slab, so the
// listeners take numbers that no slab will ever reach.
const TCP: Token = Token(usize::MAX - 1);
const UNIX: Token = Token(usize::MAX - 2);

const OK: &[u8] = b"+OK\r\n";
const READ: usize = 64 * 1024;

/// TCP or Unix: the loop does not care.
trait Stream: Read + Write + Source {}
impl<T: Read + Write + Source> Stream for T {}

struct Session {
    stream: Box<dyn Stream>,
    /// The byte that begins a request, or ends it where the client talks inline: known with the first byte.
    mark: u8,
    /// Bytes of replies not yet written.
    owed: usize,
}

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().and_then(|a| a.parse().ok()).unwrap_or(6399);

    let mut poll = Poll::new()?;
    let mut tcp = TcpListener::bind(([127, 0, 0, 1], port).into())?;
    poll.registry().register(&mut tcp, TCP, Interest::READABLE)?;
    let mut unix = args.next().map(UnixListener::bind).transpose()?;
    if let Some(unix) = &mut unix {
        poll.registry().register(unix, UNIX, Interest::READABLE)?;
    }

    let mut sessions: Slab<Session> = Slab::new();
    let mut events = Events::with_capacity(1024);
    let mut input = vec![0; READ];
    let replies = OK.repeat(READ); // one read holds at most READ requests, so their replies are always a slice of this
    loop {
        // Sleep until something is ready. A signal may end the sleep early: that is no error.
        if let Err(e) = poll.poll(&mut events, None)
            && e.kind() != ErrorKind::Interrupted
        {
            return Err(e);
        }
        for event in &events {
            match event.token() {
                // mio is edge-triggered: an event says that something has changed, once. So accept until WouldBlock,
                // else a second client that came in the same moment would wait for a third one.
                TCP => {
                    while let Ok((stream, _)) = tcp.accept() {
                        stream.set_nodelay(true)?;
                        add(&mut sessions, poll.registry(), Box::new(stream))?;
                    }
                }
                UNIX => {
                    while let Some(Ok((stream, _))) = unix.as_ref().map(UnixListener::accept) {
                        add(&mut sessions, poll.registry(), Box::new(stream))?;
                    }
                }
                Token(key) => {
                    // Readiness is a hint: the session may be gone by now.
                    let Some(session) = sessions.get_mut(key) else { continue };
                    if serve(session, event, poll.registry(), &mut input, &replies).is_err() {
                        // Dropping the stream closes the socket, and a closed socket leaves the poll by itself.
                        sessions.remove(key);
                    }
                }
            }
        }
    }
}

fn add(sessions: &mut Slab<Session>, registry: &Registry, mut stream: Box<dyn Stream>) -> io::Result<()> {
    let entry = sessions.vacant_entry();
    registry.register(&mut *stream, Token(entry.key()), Interest::READABLE)?;
    entry.insert(Session { stream, mark: 0, owed: 0 });
    Ok(())
}

/// Everything one event asks for. An error means: the session is over.
fn serve(
    session: &mut Session,
    event: &Event,
    registry: &Registry,
    input: &mut [u8],
    replies: &[u8],
) -> io::Result<()> {
    // Old replies first. While some are owed we read no more, so a client that does not read cannot make us grow.
    let was_blocked = session.owed > 0;
    while flush(session, replies)? {
        let n = match session.stream.read(input) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => n,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
            Err(e) => return Err(e),
        };
        session.owed = count(session, &input[..n]) * OK.len();
        // A short read has emptied the socket, and the next byte to come will be a new event: one read saved. But where
        // the event already speaks of the end of input, that end will not be told again: read on to meet it. The same
        // where we come back from blocked replies, and the event was none about input at all.
        if n < input.len() && !event.is_read_closed() && !was_blocked {
            flush(session, replies)?;
            break;
        }
    }
    // Ask to be told of room for output only while we lack it: a socket has room nearly always, and would say so
    // again and again.
    let wanted = if session.owed > 0 { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
    if was_blocked || session.owed > 0 {
        registry.reregister(&mut *session.stream, event.token(), wanted)?;
    }
    Ok(())
}

/// Writes what is owed; true where nothing is left. A write may take any part of it, even the half of an `+OK`.
fn flush(session: &mut Session, replies: &[u8]) -> io::Result<bool> {
    while session.owed > 0 {
        // The last `owed` bytes of a row of replies: this begins in the middle of one where the last write ended there.
        match session.stream.write(&replies[replies.len() - session.owed..]) {
            Ok(n) => session.owed -= n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// The requests in `bytes`: a `*` begins each one, as long as no key or value of the load holds a `*`; inline requests
/// end with a line feed.
fn count(session: &mut Session, bytes: &[u8]) -> usize {
    if session.mark == 0 {
        session.mark = if bytes[0] == b'*' { b'*' } else { b'\n' };
    }
    let mark = session.mark;
    bytes.iter().filter(|&&b| b == mark).count()
}
