//! Sockets that listen: TCP on several addresses, and a Unix socket.
use super::StartError;
use super::connection::Stream;
use crate::engine::{Address, config::Config};
use log::warn;
use mio::net::{TcpListener, TcpStream, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::sync::Arc;
use std::time::Duration;

pub struct Listener {
    socket: ListenSocket,
    /// Somebody may be waiting. Cleared by an accept that would block.
    pub ready: bool,
}

enum ListenSocket {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, Arc<str>),
}

pub struct Accepted {
    pub stream: Stream,
    pub address: Address,
}

impl Listener {
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.socket {
            ListenSocket::Tcp(listener, _) => registry.register(listener, token, Interest::READABLE),
            ListenSocket::Unix(listener, _) => registry.register(listener, token, Interest::READABLE),
        }
    }

    pub fn accept(&mut self) -> io::Result<Accepted> {
        match &mut self.socket {
            ListenSocket::Tcp(listener, _) => {
                let (stream, peer) = listener.accept()?;
                let local = stream.local_addr()?;
                Ok(Accepted { stream: Stream::Tcp(stream), address: Address::Tcp { peer, local } })
            }
            ListenSocket::Unix(listener, path) => {
                let (stream, _) = listener.accept()?;
                Ok(Accepted { stream: Stream::Unix(stream), address: Address::Unix(path.clone()) })
            }
        }
    }

    pub fn name(&self) -> String {
        match &self.socket {
            ListenSocket::Tcp(_, address) => address.to_string(),
            ListenSocket::Unix(_, path) => path.to_string(),
        }
    }

    /// As INFO has it.
    pub fn info(&self) -> String {
        match &self.socket {
            ListenSocket::Tcp(_, address) => format!("name=tcp,bind={},port={}", address.ip(), address.port()),
            ListenSocket::Unix(_, path) => format!("name=unix,bind={path}"),
        }
    }

    pub fn remove_file(&self) {
        if let ListenSocket::Unix(_, path) = &self.socket {
            let _ = fs::remove_file(&**path);
        }
    }
}

pub fn listen(config: &Config) -> Result<Vec<Listener>, StartError> {
    let mut sockets = vec![];
    for bind in config.bind.iter().filter(|_| config.port != 0) {
        let (optional, address) = bind.strip_prefix('-').map_or((false, bind.as_str()), |address| (true, address));
        match listen_tcp(address, config.port, config.tcp_backlog) {
            Ok(mut listening) => sockets.append(&mut listening),
            Err(error) if optional && is_missing(&error) => {}
            Err(error) => {
                let port = config.port;
                let hint = if error.kind() == ErrorKind::AddrInUse { ": another server has this port" } else { "" };
                return Err(StartError(format!(
                    "Failed listening on port {port} (tcp), aborting. {address}:{port}: {error}{hint}"
                )));
            }
        }
    }
    if let Some(path) = &config.unixsocket {
        let failed = |error: io::Error| StartError(format!("Failed opening Unix socket {path}: {error}"));
        sockets.push(listen_unix(path, config.unixsocketperm.0, config.tcp_backlog).map_err(failed)?);
    }
    if sockets.is_empty() {
        return Err(StartError("Configured to not listen anywhere, exiting.".into()));
    }
    Ok(sockets.into_iter().map(|socket| Listener { socket, ready: false }).collect())
}

/// This machine has no such address, or no such family of addresses.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported | ErrorKind::InvalidInput)
        || error.raw_os_error().is_some_and(|code| code == nix::errno::Errno::EAFNOSUPPORT as i32)
}

fn listen_tcp(address: &str, port: u16, backlog: u32) -> io::Result<Vec<ListenSocket>> {
    let addresses: Vec<SocketAddr> = match address {
        "*" => vec![(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port).into()],
        "::*" => vec![(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port).into()],
        name => (name, port).to_socket_addrs()?.collect(),
    };
    addresses.into_iter().map(|address| listen_at(address, backlog)).collect()
}

fn listen_at(address: SocketAddr, backlog: u32) -> io::Result<ListenSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // So that 0.0.0.0 and :: can both be listened on.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog.min(i32::MAX as u32) as i32)?;
    let listener = std::net::TcpListener::from(socket);
    let address = listener.local_addr()?;
    Ok(ListenSocket::Tcp(TcpListener::from_std(listener), address))
}

/// A socket file that nobody listens on any more is replaced; one that somebody does is refused.
fn listen_unix(path: &str, permissions: u32, backlog: u32) -> io::Result<ListenSocket> {
    if let Ok(metadata) = fs::symlink_metadata(path) {
        if !metadata.file_type().is_socket() {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file of this name that is no socket"));
        }
        match std::os::unix::net::UnixStream::connect(path) {
            Ok(_) => return Err(io::Error::new(ErrorKind::AddrInUse, "another server listens on it")),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            Err(error) => return Err(error),
        }
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&socket2::SockAddr::unix(path)?)?;
    if permissions != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(permissions))?;
    }
    socket.listen(backlog.min(i32::MAX as u32) as i32)?;
    let listener = UnixListener::from_std(std::os::unix::net::UnixListener::from(socket));
    Ok(ListenSocket::Unix(listener, path.into()))
}

/// Small replies go out at once; a peer that has vanished is noticed.
pub fn tune(stream: &TcpStream, keepalive_s: u32) {
    let socket = SockRef::from(stream);
    let mut tuned = socket.set_tcp_nodelay(true);
    if keepalive_s > 0 {
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(keepalive_s as u64))
            .with_interval(Duration::from_secs((keepalive_s as u64 / 3).max(1)))
            .with_retries(3);
        tuned = tuned.and_then(|()| socket.set_tcp_keepalive(&keepalive));
    }
    if let Err(error) = tuned {
        warn!("A connection could not be tuned: {error}");
    }
}
