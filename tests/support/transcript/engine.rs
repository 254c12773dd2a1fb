//! `spindle::engine::Engine` in memory as a `Peer`: no socket, a clock that stands still unless a test moves it.
//! What a client sends in one write reaches the engine whole, byte by byte, or in pieces that a seed decides.

use super::play::{Patience, Peer, Received};
use spindle::base::random::Chance;
use spindle::engine::config::Source;
use spindle::engine::{Address, Budget, ByHand, ClientId, Close, Config, Engine, Now, Step};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub enum Pieces {
    Whole,
    Bytes,
    Seeded(u64),
}

pub struct InMemory {
    pub engine: Engine,
    pub host: ByHand,
    pieces: Pieces,
    chance: Chance,
    connections: BTreeMap<usize, Connection>,
    last_port: u16,
}

struct Connection {
    /// None: the server has closed it.
    id: Option<ClientId>,
    peer: String,
    received: Vec<u8>,
}

impl InMemory {
    pub fn new(pieces: Pieces) -> Self {
        // Some day in 2025.
        let host = ByHand::at(Now { wall_us: 1_750_000_000_123_456, mono_us: 5_000_000 });
        let seed = if let Pieces::Seeded(seed) = pieces { seed } else { 0 };
        let engine = Engine::new(Config::default(), [7; 32], host.now);
        let chance = Chance::from_seed(seed);
        Self { engine, host, pieces, chance, connections: BTreeMap::new(), last_port: 40_000 }
    }

    /// How much of `left` bytes comes next. Long runs of bytes are shortened: what counts is their ends.
    fn piece(&mut self, sent: usize, left: usize) -> usize {
        match self.pieces {
            Pieces::Whole => left,
            Pieces::Bytes if sent > 4096 && left > 4096 => left - 4096,
            Pieces::Bytes => 1,
            Pieces::Seeded(_) => {
                let most = if self.chance.below(4) == 0 { left } else { left.min(24) };
                1 + self.chance.below(most as u64) as usize
            }
        }
    }

    /// Runs everything that can run, and takes what was written.
    fn settle(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(id) = self.engine.next_ready() {
                quiet = false;
                self.step(id);
            }
            while let Some(id) = self.engine.next_touched() {
                quiet = false;
                self.flush(id);
                self.step(id);
            }
            while self.engine.next_wish().is_some() {}
            if quiet {
                return;
            }
        }
    }

    fn step(&mut self, id: ClientId) {
        if !self.connections.values().any(|c| c.id == Some(id)) {
            return;
        }
        let mut now = self.host.now;
        while self.engine.step(id, &mut now, Budget::default(), &mut self.host) == Step::More {
            self.flush(id);
        }
        self.flush(id);
    }

    fn flush(&mut self, id: ClientId) {
        let Some(connection) = self.connections.values_mut().find(|c| c.id == Some(id)) else { return };
        let closing = self.engine.closing(id);
        if closing != Some(Close::Now) {
            let output: Vec<u8> = self.engine.pending(id).flatten().copied().collect();
            self.engine.wrote(id, output.len());
            connection.received.extend(output);
        }
        if closing.is_some() {
            connection.id = None;
            self.engine.close(id);
        }
    }
}

impl Peer for InMemory {
    fn begin(&mut self, settings: &[(String, String)]) -> Result<(), String> {
        self.connections.clear();
        let mut config = Config::default();
        for (name, value) in settings {
            let words = [value.clone().into_bytes()];
            config.set_one(name, &words, Source::CommandLine).map_err(|why| format!("{name}: {}", why.reply()))?;
        }
        self.engine = Engine::new(config, [7; 32], self.host.now);
        Ok(())
    }

    fn now_ms(&mut self) -> i64 {
        self.host.now.wall_ms()
    }

    fn pass(&mut self, ms: u64) {
        self.host.pass(ms * 1000);
        // Each call does a slice; a deadline that has passed asks for another.
        for _ in 0..1000 {
            self.engine.tick(self.host.now, &mut self.host);
            self.settle();
            if self.engine.next_deadline(self.host.now).is_none_or(|at| at > self.host.now.mono_us) {
                return;
            }
        }
        panic!("the timers never come to rest");
    }

    fn set_clock(&mut self, wall: Duration) {
        let passed = (wall.as_micros() as i64 - self.host.now.wall_us).max(0) as u64;
        self.host.pass(passed);
    }

    fn open(&mut self, n: usize) -> (String, String) {
        let (peer, local) = match self.connections.get(&n) {
            Some(connection) => (connection.peer.clone(), "127.0.0.1:6379"),
            None => {
                self.last_port = self.last_port.checked_add(1).unwrap_or(40_000);
                (format!("127.0.0.1:{}", self.last_port), "127.0.0.1:6379")
            }
        };
        if !self.connections.contains_key(&n) {
            let address = Address::Tcp { peer: peer.parse().unwrap(), local: local.parse().unwrap() };
            let id = self.engine.open(address, self.host.now).expect("room for one more client");
            let connection = Connection { id: Some(id), peer: peer.clone(), received: Vec::new() };
            self.connections.insert(n, connection);
        }
        (peer, local.into())
    }

    fn close(&mut self, n: usize) {
        if let Some(Connection { id: Some(id), .. }) = self.connections.remove(&n) {
            self.engine.close(id);
        }
    }

    fn send(&mut self, n: usize, bytes: &[u8]) {
        let mut sent = 0;
        while sent < bytes.len() {
            let piece = self.piece(sent, bytes.len() - sent);
            let Some(id) = self.connections[&n].id else { return };
            let space = self.engine.space(id);
            let count = piece.min(space.len());
            space[..count].copy_from_slice(&bytes[sent..sent + count]);
            self.engine.filled(id, count);
            sent += count;
            self.step(id);
            self.settle();
            assert!(count > 0 || self.connections[&n].id.is_none(), "the engine takes no more input");
        }
        self.engine.check();
    }

    fn receive(&mut self, n: usize, _: Patience) -> Received {
        let connection = self.connections.get_mut(&n).expect("an open connection");
        match std::mem::take(&mut connection.received) {
            bytes if !bytes.is_empty() => Received::Bytes(bytes),
            _ if connection.id.is_none() => Received::Closed,
            _ => Received::Nothing,
        }
    }
}
