//! One connection: its socket and what is known of its readiness.
use crate::engine::ClientId;
use mio::net::{TcpStream, UnixStream};
use mio::{
    Interest, Registry, Token,
    event::{Event, Source},
};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io::{self, IoSlice, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

#[derive(Debug)]
pub struct Connection {
    pub id: ClientId,
    pub stream: Stream,
    /// The socket may have bytes, or its end, that we have not read. Cleared by a read that would block or falls short.
    pub readable: bool,
    /// An event has said that the client closed its side.
    pub read_closed: bool,
    /// An event has said that the socket failed.
    pub failed: bool,
    /// That end was read.
    pub ended: bool,
    /// A write fell short; the socket tells when it takes more.
    pub write_blocked: bool,
    pub flush_wanted: bool,
    /// It stands on `again`.
    pub queued: bool,
    /// This turn has read something.
    pub came: bool,
    /// The socket failed.
    pub dead: bool,
}

impl Connection {
    pub fn new(id: ClientId, stream: Stream) -> Connection {
        Connection {
            id,
            stream,
            readable: true,
            read_closed: false,
            failed: false,
            ended: false,
            write_blocked: false,
            flush_wanted: false,
            queued: false,
            came: false,
            dead: false,
        }
    }
}

impl Connection {
    /// Notes what an event says.
    #[inline]
    pub fn hear(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.read_closed |= event.is_read_closed() || event.is_error();
        self.failed |= event.is_error();
        if event.is_writable() && self.write_blocked {
            self.write_blocked = false;
            self.flush_wanted = true;
        }
    }
}

impl Stream {
    #[inline]
    pub fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.as_fd(), room, RecvFlags::empty())?.0)
    }

    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.as_fd(), bytes, SendFlags::NOSIGNAL)?)
    }

    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Tcp(stream) => stream.as_fd(),
            Stream::Unix(stream) => stream.as_fd(),
        }
    }

    /// One call to the kernel for all slices.
    pub fn write_vectored(&mut self, slices: &[IoSlice]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write_vectored(slices),
            Stream::Unix(stream) => stream.write_vectored(slices),
        }
    }

    pub fn shutdown_write(&self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    pub fn descriptor(&self) -> i32 {
        match self {
            Stream::Tcp(stream) => stream.as_raw_fd(),
            Stream::Unix(stream) => stream.as_raw_fd(),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Stream::Tcp(stream) => stream,
            Stream::Unix(stream) => stream,
        }
    }

    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source().register(registry, token, Interest::READABLE)
    }

    pub fn reregister(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.source().reregister(registry, token, interest)
    }

    pub fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.source().deregister(registry)
    }
}
