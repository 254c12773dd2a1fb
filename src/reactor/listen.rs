//! Sockets that listen: TCP on several addresses, which may change while the server runs, and a Unix socket.
use super::connection::Stream;
use super::{LISTENERS, StartError};
use crate::engine::{Address, config::Config};
use log::{info, warn};
use mio::net::{TcpListener, TcpStream, UnixListener};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::sync::Arc;
use std::time::Duration;

/// All that listen, each registered under a token that no other one ever had.
pub struct Listeners {
    registry: Registry,
    open: Vec<Listener>,
    /// What the settings want on TCP, and at which port. Some of it may be missing on this machine.
    wanted: Vec<Wanted>,
    port: u16,
    next_token: usize,
    backlog: u32,
}

pub struct Listener {
    socket: ListenSocket,
    token: Token,
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

impl Listeners {
    /// Listens where `config` says.
    pub fn start(config: &Config, registry: Registry) -> Result<Listeners, StartError> {
        let (port, backlog) = (config.port, config.tcp_backlog);
        let mut all = Listeners { registry, open: vec![], wanted: vec![], port, next_token: LISTENERS, backlog };
        let listening = addresses(config).and_then(|wanted| Ok((all.listen(&wanted)?, wanted)));
        (all.open, all.wanted) = listening.map_err(|(address, error)| {
            let hint = if error.kind() == ErrorKind::AddrInUse { ": another server has this port" } else { "" };
            StartError(format!("Failed listening on port {port} (tcp), aborting. {address}:{port}: {error}{hint}"))
        })?;
        if let Some(path) = &config.unixsocket {
            let listening = listen_unix(path, config.unixsocketperm.0, config.tcp_backlog);
            let listener = listening.and_then(|socket| all.register(socket));
            all.open.push(listener.map_err(|error| StartError(format!("Failed opening Unix socket {path}: {error}")))?);
        }
        if all.open.is_empty() {
            return Err(StartError("Configured to not listen anywhere, exiting.".into()));
        }
        Ok(all)
    }

    /// Listens on TCP where `config` now says; what is wanted as before goes on without a gap. On an error, all is as
    /// it was.
    pub fn follow(&mut self, config: &Config) -> io::Result<()> {
        let told = |(address, error): (String, io::Error)| {
            warn!("Cannot listen on {address}, port {}: {error}", config.port);
            error
        };
        let all_wanted = addresses(config).map_err(told)?;
        let mut wanted: Vec<&Wanted> = all_wanted.iter().collect();
        let stays = |listener: &Listener| match &listener.socket {
            ListenSocket::Tcp(_, address) => wanted.iter().any(|it| it.address == *address),
            ListenSocket::Unix(..) => true,
        };
        let (stay, mut go): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open).into_iter().partition(stays);
        self.open = stay;
        wanted.retain(|it| !self.open.iter().any(|listener| listener.address() == Some(it.address)));
        // An address may be in the way of another at the same port, as 0.0.0.0 is of any: then it has to go first.
        let before: Vec<Wanted> = go.iter().filter_map(|it| it.address().map(Wanted::exactly)).collect();
        let in_the_way = before.iter().any(|it| it.address.port() == config.port);
        if in_the_way {
            go.clear();
        }
        match self.listen(wanted) {
            Ok(listening) => {
                listening.iter().for_each(|it| info!("Listening on {}", it.name()));
                self.open.extend(listening);
                (self.wanted, self.port) = (all_wanted, config.port);
                Ok(())
            }
            Err(failed) => {
                if in_the_way {
                    go = self.listen(&before).unwrap_or_else(|(address, error)| {
                        warn!("And it cannot listen on {address} again: {error}");
                        vec![]
                    });
                }
                self.open.extend(go);
                Err(told(failed))
            }
        }
    }

    /// The next of them that may have somebody waiting.
    pub fn next_ready(&mut self) -> Option<&mut Listener> {
        self.open.iter_mut().find(|listener| listener.ready)
    }

    pub fn is_any_ready(&self) -> bool {
        self.open.iter().any(|listener| listener.ready)
    }

    /// Its socket has an event. It may have been closed since: readiness is only a hint.
    pub fn hear(&mut self, token: Token) {
        if let Some(listener) = self.open.iter_mut().find(|listener| listener.token == token) {
            listener.ready = true;
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Listener> {
        self.open.iter()
    }

    /// As INFO has them: what TCP listens on, and the Unix socket.
    pub fn info(&self) -> [Option<String>; 2] {
        let is_open = |wanted: &&Wanted| self.open.iter().any(|listener| listener.address() == Some(wanted.address));
        let mut binds: Vec<&str> = self.wanted.iter().filter(is_open).map(|wanted| &*wanted.bind).collect();
        // A name may have several addresses.
        binds.dedup();
        let binds: String = binds.iter().map(|bind| format!("bind={bind},")).collect();
        let unix = self.open.iter().find(|listener| listener.address().is_none());
        [
            (self.port != 0).then(|| format!("name=tcp,{binds}port={}", self.port)),
            unix.map(|listener| format!("name=unix,bind={}", listener.name())),
        ]
    }

    /// All or none of these. The error says which one cannot be had.
    fn listen<'a>(
        &mut self,
        wanted: impl IntoIterator<Item = &'a Wanted>,
    ) -> Result<Vec<Listener>, (String, io::Error)> {
        let mut listening = vec![];
        for Wanted { text, address, optional, .. } in wanted {
            match listen_at(*address, self.backlog).and_then(|socket| self.register(socket)) {
                Ok(listener) => listening.push(listener),
                Err(error) if *optional && is_missing(&error) => {}
                Err(error) => return Err((text.clone(), error)),
            }
        }
        Ok(listening)
    }

    fn register(&mut self, mut socket: ListenSocket) -> io::Result<Listener> {
        let token = Token(self.next_token);
        self.next_token += 1;
        match &mut socket {
            ListenSocket::Tcp(listener, _) => self.registry.register(listener, token, Interest::READABLE)?,
            ListenSocket::Unix(listener, _) => self.registry.register(listener, token, Interest::READABLE)?,
        }
        Ok(Listener { socket, token, ready: false })
    }
}

impl Listener {
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

    fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            ListenSocket::Tcp(_, address) => Some(*address),
            ListenSocket::Unix(..) => None,
        }
    }

    pub fn name(&self) -> String {
        match &self.socket {
            ListenSocket::Tcp(_, address) => address.to_string(),
            ListenSocket::Unix(_, path) => path.to_string(),
        }
    }

    pub fn remove_file(&self) {
        if let ListenSocket::Unix(_, path) = &self.socket {
            let _ = fs::remove_file(&**path);
        }
    }
}

/// An address to listen on.
struct Wanted {
    /// As it stands in the configuration, and without the `-` that makes it optional.
    bind: String,
    text: String,
    address: SocketAddr,
    /// It may be missing on this machine.
    optional: bool,
}

impl Wanted {
    fn exactly(address: SocketAddr) -> Wanted {
        Wanted { bind: address.to_string(), text: address.to_string(), address, optional: false }
    }
}

/// The TCP addresses of a configuration. A name is looked up, as Redis does it, and that may take its time: use numbers.
fn addresses(config: &Config) -> Result<Vec<Wanted>, (String, io::Error)> {
    let mut wanted = vec![];
    for bind in config.bind.iter().filter(|_| config.port != 0) {
        let (optional, text) = bind.strip_prefix('-').map_or((false, bind.as_str()), |address| (true, address));
        let found: Vec<SocketAddr> = match text {
            "*" => vec![(IpAddr::V4(Ipv4Addr::UNSPECIFIED), config.port).into()],
            "::*" => vec![(IpAddr::V6(Ipv6Addr::UNSPECIFIED), config.port).into()],
            name => match (name, config.port).to_socket_addrs() {
                Ok(found) => found.collect(),
                Err(error) if optional && is_missing(&error) => vec![],
                Err(error) => return Err((text.into(), error)),
            },
        };
        let wants = |address| Wanted { bind: bind.clone(), text: text.into(), address, optional };
        wanted.extend(found.into_iter().map(wants));
    }
    Ok(wanted)
}

/// This machine has no such address, or no such family of addresses.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported | ErrorKind::InvalidInput)
        || error.raw_os_error().is_some_and(|code| code == nix::errno::Errno::EAFNOSUPPORT as i32)
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
