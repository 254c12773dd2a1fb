//! A running server as a `Peer`: Redis, Valkey or Spindle itself on 127.0.0.1.
//! One control connection empties it before each case and puts changed settings back.

use super::play::{Patience, Peer, Received};
use super::text;
use super::value::{self, Kind, Value};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long an answer that is due may take: far beyond what a loaded machine needs.
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(15);

pub struct Server {
    port: u16,
    control: TcpStream,
    connections: BTreeMap<usize, TcpStream>,
    /// Settings that the last case changed, with their values before.
    changed: Vec<(String, String)>,
    pub about: About,
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Redis { major: u32 },
    Valkey,
    Spindle,
}

impl Server {
    pub fn connect(port: u16) -> Self {
        let control = dial(port);
        let about = About::Redis { major: 0 };
        let mut server = Self { port, control, connections: BTreeMap::new(), changed: Vec::new(), about };
        let Value::Bulk(info) = server.ask(&["INFO", "server"]).unwrap() else { panic!("INFO answers no text") };
        let info = String::from_utf8_lossy(&info).into_owned();
        let field = |name: &str| info.lines().find_map(|l| l.strip_prefix(name)).map(|v| v.to_string());
        let major = field("redis_version:").and_then(|v| v.split('.').next()?.parse().ok()).unwrap_or(0);
        server.about = match (field("spindle_version:"), field("valkey_version:")) {
            (Some(_), _) => About::Spindle,
            (_, Some(_)) => About::Valkey,
            _ => About::Redis { major },
        };
        server
    }

    fn ask(&mut self, words: &[&str]) -> Result<Value, String> {
        let words: Vec<Vec<u8>> = words.iter().map(|w| w.as_bytes().to_vec()).collect();
        self.control.write_all(&text::request(&words)).map_err(|why| why.to_string())?;
        let mut received = Vec::new();
        loop {
            if let Some((value, _)) = value::decode(&received)? {
                return Ok(value);
            }
            let mut room = [0; 4096];
            match self.control.read(&mut room) {
                Ok(0) | Err(_) => return Err("the server closed the control connection".into()),
                Ok(n) => received.extend_from_slice(&room[..n]),
            }
        }
    }

    /// The settings that the last case changed are again what they were.
    fn put_back(&mut self) -> Result<(), String> {
        for (name, value) in std::mem::take(&mut self.changed) {
            self.set(&name, &value)?;
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match self.ask(&["CONFIG", "SET", name, value])? {
            Value::Simple(_) => Ok(()),
            other => Err(format!("CONFIG SET {name} {value}: {other:?}")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.put_back();
    }
}

fn dial(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).unwrap_or_else(|why| panic!("no server answers on port {port}: {why}"))
}

impl Peer for Server {
    fn begin(&mut self, settings: &[(String, String)]) -> Result<(), String> {
        self.connections.clear();
        if self.ask(&["PING"]).is_err() {
            // A case has killed every client, this one too.
            self.control = dial(self.port);
        }
        self.put_back()?;
        for (name, value) in settings {
            let Value::List(Kind::Array, before) = self.ask(&["CONFIG", "GET", name])? else {
                return Err(format!("CONFIG GET {name}"));
            };
            let Some(Value::Bulk(before)) = before.get(1) else { return Err(format!("no setting {name}")) };
            if before != value.as_bytes() {
                self.changed.push((name.clone(), String::from_utf8_lossy(before).into_owned()));
                self.set(name, value)?;
            }
        }
        self.ask(&["FLUSHALL"])?;
        // Connections of the case before must be gone, or CLIENT LIST would show them.
        for _ in 0..1000 {
            let Value::Bulk(list) = self.ask(&["CLIENT", "LIST"])? else { return Err("CLIENT LIST".into()) };
            if list.iter().filter(|b| **b == b'\n').count() <= 1 {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Err("other clients use this server".into())
    }

    fn now_ms(&mut self) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
    }

    fn pass(&mut self, ms: u64) {
        std::thread::sleep(Duration::from_millis(ms.max(5)));
    }

    fn open(&mut self, n: usize) -> (String, String) {
        let port = self.port;
        let stream = self.connections.entry(n).or_insert_with(|| {
            let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
            stream.set_nodelay(true).unwrap();
            stream
        });
        (stream.local_addr().unwrap().to_string(), stream.peer_addr().unwrap().to_string())
    }

    fn close(&mut self, n: usize) {
        self.connections.remove(&n);
    }

    fn send(&mut self, n: usize, bytes: &[u8]) {
        // A server that has already hung up is found out when the reply is read.
        let _ = self.connections[&n].try_clone().unwrap().write_all(bytes);
    }

    fn receive(&mut self, n: usize, patience: Patience) -> Received {
        let stream = self.connections.get_mut(&n).expect("an open connection");
        stream.set_read_timeout(Some(if patience == Patience::Long { LONG } else { SHORT })).unwrap();
        let mut room = vec![0; 65_536];
        match stream.read(&mut room) {
            Ok(0) => Received::Closed,
            Ok(n) => Received::Bytes(room[..n].to_vec()),
            Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Received::Nothing,
            Err(_) => Received::Closed,
        }
    }
}
