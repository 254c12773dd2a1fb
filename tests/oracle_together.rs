//! The same for clients that have to do with each other: what a real Redis, the engine in memory and the naive server of
//! support/together.rs send to each of them, one command at a time, in RESP2 and RESP3, must be the same bytes. Redis 7.0
//! sends a client its own messages before the reply, 8.0 behind it: there the lines may come in another order.
//! `SPINDLE_SEED=n` begins elsewhere, `COUNT=n` sets the number of commands, `REDIS_SERVER=path` names another Redis.

#[path = "support/hand.rs"]
mod hand;
#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "support/together.rs"]
mod together;

use hand::Bench;
use redis_server::RedisServer;
use spindle::base::random::Chance;
use spindle::engine::config::Source;
use spindle::engine::{COMMANDS, ClientId, Config};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use together::{Say, Together};

const CLIENTS: usize = 5;
/// A round begins with new clients and an empty server.
const ROUND: u64 = 400;
/// What nobody expects is looked for so long. It takes time only where a test is about to fail or a round ends.
const SURPRISE: Duration = Duration::from_millis(20);

#[test]
fn clients_of_a_real_redis_are_sent_the_same() {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |n| n.parse().expect(name));
    let (seed, count) = (number("SPINDLE_SEED", 1), number("COUNT", 6_000));
    let redis = RedisServer::start(&["--notify-keyspace-events", "KEA"]);
    let mut kinds = std::collections::BTreeMap::new();
    for seed in seed..seed + count.div_ceil(ROUND) {
        let told = Round::new(seed, redis.port).run();
        told.into_iter().for_each(|(kind, times)| *kinds.entry(kind).or_insert(0) += times);
    }
    println!("{count} commands from seed {seed}: {kinds:?}");
    if count >= 6_000 {
        for kind in KINDS {
            assert!(kinds.contains_key(kind), "no {kind} in {count} commands");
        }
    }
}

/// What must have happened.
const KINDS: &[&str] = &[
    "discard",
    "event by key",
    "event by name",
    "late",
    "message by pattern in RESP2",
    "message by pattern in RESP3",
    "message in RESP2",
    "message in RESP3",
    "message of a shard in RESP2",
    "message of a shard in RESP3",
    "no wait in a transaction",
    "refused to a subscriber",
    "reset in a transaction",
    "reset of a subscriber",
    "reset while it waits",
    "served",
    "subscribed in a transaction",
    "transaction",
    "transaction aborted",
    "transaction under a watch",
    "wait",
    "watch broken",
];

struct Peer {
    serial: u64,
    stream: TcpStream,
    id: ClientId,
}

struct Round {
    seed: u64,
    port: u16,
    chance: Chance,
    naive: Together,
    bench: Bench,
    peers: Vec<Peer>,
    serials: u64,
    /// The last commands, for who has to understand a difference.
    told: Vec<String>,
    exact: bool,
}

impl Round {
    fn new(seed: u64, port: u16) -> Round {
        let mut config = Config::default();
        config.set_one("notify-keyspace-events", &[b"KEA".to_vec()], Source::CommandLine).expect("a setting");
        let mut round = Round {
            seed,
            port,
            chance: Chance::from_seed(seed),
            naive: Together::new(true),
            bench: Bench::with_table(config, &COMMANDS),
            peers: vec![],
            serials: 0,
            told: vec![],
            exact: false,
        };
        let mut stream = round.connect();
        stream.write_all(b"FLUSHALL\r\nINFO server\r\n").expect("redis-server reads");
        let mut said = String::new();
        while !said.contains("executable") {
            let mut room = [0; 4096];
            let count = stream.read(&mut room).expect("INFO");
            said += &String::from_utf8_lossy(&room[..count]);
        }
        round.exact = !said.contains("redis_version:7.");
        round
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("redis-server listens");
        stream.set_nodelay(true).unwrap();
        stream
    }

    fn run(mut self) -> std::collections::BTreeMap<&'static str, u64> {
        for at in 0..ROUND {
            if self.peers.len() < CLIENTS {
                self.open();
            }
            let which = self.chance.below(self.peers.len() as u64) as usize;
            if self.chance.below(60) == 0 {
                self.reset(which);
                continue;
            }
            if self.naive.waits(self.peers[which].serial) {
                continue;
            }
            let say = Say::draw(&mut self.chance, &format!("m{}-{at}", self.seed), false);
            self.say(which, &say);
        }
        // Nobody was sent more than that.
        for at in 0..self.peers.len() {
            self.peers[at].stream.set_read_timeout(Some(SURPRISE)).unwrap();
            let mut room = [0; 512];
            match self.peers[at].stream.read(&mut room) {
                Ok(count) => self.differ(at, b"", &room[..count], "redis-server"),
                Err(error) => assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}"),
            }
        }
        self.naive.kinds
    }

    fn open(&mut self) {
        let resp3 = self.chance.below(2) == 0;
        self.serials += 1;
        let mut stream = self.connect();
        let id = self.bench.open();
        if resp3 {
            self.bench.ask(id, "HELLO 3");
            stream.write_all(b"HELLO 3\r\nECHO done-with-hello\r\n").expect("redis-server reads");
            let mut said = vec![];
            while !said.ends_with(b"done-with-hello\r\n") {
                let mut room = [0; 4096];
                let count = stream.read(&mut room).expect("HELLO");
                said.extend_from_slice(&room[..count]);
            }
        }
        self.naive.open(self.serials, resp3);
        self.told.push(format!("{} comes, RESP{}", self.serials, 2 + resp3 as u8));
        self.peers.push(Peer { serial: self.serials, stream, id });
    }

    /// Redis has noticed that a client is gone when it counts one client less.
    fn reset(&mut self, at: usize) {
        let peer = self.peers.swap_remove(at);
        self.told.push(format!("{} is gone", peer.serial));
        self.naive.close(peer.serial);
        self.bench.engine.close(peer.id);
        drop(peer.stream);
        let mut asks = self.connect();
        let left = format!("connected_clients:{}\r\n", self.peers.len() + 1);
        loop {
            asks.write_all(b"INFO clients\r\n").expect("redis-server reads");
            let mut said = String::new();
            while !said.contains("blocked_clients") {
                let mut room = [0; 4096];
                let count = asks.read(&mut room).expect("INFO");
                said += &String::from_utf8_lossy(&room[..count]);
            }
            if said.contains(&left) {
                break;
            }
        }
    }

    fn say(&mut self, at: usize, say: &Say) {
        let Peer { serial, stream, id } = &mut self.peers[at];
        let (serial, id, bytes) = (*serial, *id, say.bytes());
        self.told.push(format!("{serial}: {say:?}"));
        stream.write_all(&bytes).expect("redis-server reads");
        self.naive.run(serial, say, self.bench.host.now);
        self.bench.fill(id, &bytes);
        self.bench.run(id);
        self.compare();
        // While time passes nothing else happens, so that it does not matter how much.
        if self.naive.waits(serial)
            && let Say::WaitPop(_, 1..) | Say::WaitMove(_, _, 1..) | Say::WaitPopMin(_, 1..) = say
        {
            self.bench.later(1_000_000);
            self.naive.tick(self.bench.host.now, false);
            self.compare();
        }
    }

    fn compare(&mut self) {
        for at in 0..self.peers.len() {
            let expected = self.naive.take(self.peers[at].serial);
            let ours = self.bench.receive(self.peers[at].id);
            if ours != expected {
                self.differ(at, &expected, &ours, "the engine");
            }
            let mut theirs = vec![0; expected.len()];
            let stream = &mut self.peers[at].stream;
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            if let Err(error) = stream.read_exact(&mut theirs) {
                self.differ(at, &expected, &theirs, &format!("redis-server ({error})"));
            }
            let sorted = |bytes: &[u8]| {
                let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(Vec::from).collect();
                lines.sort();
                lines
            };
            if theirs != expected && (self.exact || sorted(&theirs) != sorted(&expected)) {
                self.differ(at, &expected, &theirs, "redis-server");
            }
        }
    }

    fn differ(&self, at: usize, expected: &[u8], sent: &[u8], who: &str) -> ! {
        panic!(
            "SPINDLE_SEED={} COUNT={ROUND} shows a difference. {who} sent to {}\n{}\nand the naive server\n{}\nafter\n{}",
            self.seed,
            self.peers[at].serial,
            sent.escape_ascii(),
            expected.escape_ascii(),
            self.told[self.told.len().saturating_sub(40)..].join("\n"),
        )
    }
}
