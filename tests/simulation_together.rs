//! Clients that have to do with each other, from a seed: transactions under watches that others break, messages of all
//! three kinds and events of keys in RESP2 and RESP3, lists and sorted sets that are waited for, waits that others end, the data
//! saved and loaded; their requests cut anywhere, their replies taken in pieces, connections reset in the middle of all that. A naive server runs the same commands in the same order
//! (support/together.rs): each client must be sent exactly what it says, byte by byte, after each step.
//! Counters assert that each kind has occurred.
//!
//! `SPINDLE_SEED` runs one seed, `SPINDLE_STEPS` so many steps of each, `SPINDLE_SEEDS` so many.

#[path = "support/hand.rs"]
mod hand;
#[path = "support/together.rs"]
mod together;

use hand::Bench;
use spindle::base::random::Chance;
use spindle::engine::config::Source;
use spindle::engine::{Budget, COMMANDS, ClientId, Config};
use std::collections::{BTreeMap, VecDeque};
use together::{Say, Together};

const CLIENTS_MAX: usize = 8;

#[test]
fn each_is_sent_what_a_naive_server_sends() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let steps = number("SPINDLE_STEPS").unwrap_or(4000);
    let (first, count) = match number("SPINDLE_SEED") {
        Some(seed) => (seed, 1),
        None => (1, number("SPINDLE_SEEDS").unwrap_or(20)),
    };
    let mut kinds = BTreeMap::new();
    for seed in first..first + count {
        let told = std::panic::catch_unwind(|| Simulation::new(seed).run(steps)).unwrap_or_else(|cause| {
            eprintln!("seed {seed}: SPINDLE_SEED={seed} SPINDLE_STEPS={steps} repeats it");
            std::panic::resume_unwind(cause)
        });
        told.into_iter().for_each(|(name, times)| *kinds.entry(name).or_insert(0) += times);
    }
    println!("{count} seeds from {first}, {steps} steps each: {kinds:?}");
    if count * steps >= 40_000 {
        for kind in KINDS {
            assert!(kinds.contains_key(kind), "no {kind} in {count} seeds from {first}");
        }
    }
}

/// What must have happened.
const KINDS: &[&str] = &[
    "cut in a request",
    "discard",
    "event by key",
    "event by name",
    "expired",
    "late",
    "message by pattern in RESP2",
    "message by pattern in RESP3",
    "message in RESP2",
    "message in RESP3",
    "message of a shard in RESP2",
    "message of a shard in RESP3",
    "no wait in a transaction",
    "refused to a subscriber",
    "reload",
    "reset in a request",
    "reset in a transaction",
    "reset of a subscriber",
    "reset while it waits",
    "served",
    "served from a sorted set",
    "short write",
    "subscribed in a transaction",
    "transaction",
    "transaction aborted",
    "transaction under a watch",
    "unblocked",
    "unblocked by an error",
    "wait",
    "watch broken",
];

struct Peer {
    id: ClientId,
    /// Said, and not yet run.
    said: VecDeque<Say>,
    /// Bytes of it that the engine has not got.
    unsent: VecDeque<u8>,
    /// Half a request was sent.
    inside: bool,
    /// Written by the engine and not taken.
    written: VecDeque<u8>,
}

struct Simulation {
    seed: u64,
    chance: Chance,
    bench: Bench,
    naive: Together,
    peers: Vec<Peer>,
    marks: u64,
}

impl Simulation {
    fn new(seed: u64) -> Simulation {
        let mut chance = Chance::from_seed(seed);
        let mut config = Config::default();
        let notifies = chance.below(2) == 0;
        config.set_one("enable-debug-command", &[b"yes".to_vec()], Source::CommandLine).expect("a setting");
        if notifies {
            config.set_one("notify-keyspace-events", &[b"KEA".to_vec()], Source::CommandLine).expect("a setting");
        }
        let mut bench = Bench::with_table(config, &COMMANDS);
        if chance.below(3) == 0 {
            bench.budget = Budget { commands: 1, output_bytes: 1 };
        }
        let naive = Together::new(notifies);
        Simulation { seed, chance, bench, naive, peers: vec![], marks: 0 }
    }

    fn run(mut self, steps: u64) -> BTreeMap<&'static str, u64> {
        for step in 0..steps {
            self.act();
            self.bring_about();
            if step % 64 == 0 {
                self.bench.engine.check();
            }
        }
        // Everybody sends what is left, and waits come to their ends; who waits for ever is reset.
        for at in 0..self.peers.len() {
            self.send(at, usize::MAX);
        }
        for _ in 0..1000 {
            self.pass(5_000);
            self.bring_about();
        }
        self.naive.kinds
    }

    fn count(&mut self, kind: &'static str) {
        *self.naive.kinds.entry(kind).or_insert(0) += 1;
    }

    fn act(&mut self) {
        if self.peers.is_empty() || self.peers.len() < CLIENTS_MAX && self.chance.below(30) == 0 {
            return self.open();
        }
        let at = self.chance.below(self.peers.len() as u64) as usize;
        match self.chance.below(100) {
            0..45 => self.say(at),
            45..80 => {
                let most = [1, 7, 40, usize::MAX][self.chance.below(4) as usize];
                self.send(at, most);
            }
            80..92 => self.read(at),
            92..99 => {
                let span_us = self.chance.below(50_000);
                self.pass(span_us);
            }
            _ => self.reset(at),
        }
    }

    fn open(&mut self) {
        let id = self.bench.open();
        let resp3 = self.chance.below(2) == 0;
        if resp3 {
            self.bench.fill(id, b"HELLO 3\r\n");
            self.bench.step(id);
            let told = self.bench.engine.unsent(id);
            self.bench.engine.wrote(id, told);
        }
        self.naive.open(id.serial, resp3);
        let (said, unsent, written) = Default::default();
        self.peers.push(Peer { id, said, unsent, inside: false, written });
    }

    fn say(&mut self, at: usize) {
        for _ in 0..1 + self.chance.below(3) {
            self.marks += 1;
            let say = match self.chance.below(25) {
                0 => {
                    let other = self.peers[self.chance.below(self.peers.len() as u64) as usize].id.serial;
                    Say::Unblock(other, self.chance.below(2) == 0)
                }
                _ => Say::draw(&mut self.chance, &format!("m{}", self.marks), true),
            };
            self.peers[at].unsent.extend(say.bytes());
            self.peers[at].said.push_back(say);
        }
    }

    fn send(&mut self, at: usize, most: usize) {
        let most = most.min(self.peers[at].unsent.len());
        let count = if most == 0 { return } else { 1 + self.chance.below(most as u64) as usize };
        let peer = &mut self.peers[at];
        let bytes: Vec<u8> = peer.unsent.drain(..if most == usize::MAX { most } else { count }).collect();
        peer.inside = !peer.unsent.is_empty();
        let id = peer.id;
        assert_eq!(self.bench.fill(id, &bytes), bytes.len(), "there is room for a little");
        if self.peers[at].inside {
            self.count("cut in a request");
        }
        // Others may be read before it is stepped.
        if self.chance.below(4) > 0 {
            self.step(id);
        }
    }

    /// Takes some of what was written.
    fn read(&mut self, at: usize) {
        let Peer { id, written, .. } = &mut self.peers[at];
        if written.is_empty() {
            return;
        }
        let count = 1 + self.chance.below(written.len() as u64) as usize;
        let pending: Vec<u8> = self.bench.engine.pending(*id).flatten().copied().collect();
        assert_eq!(pending, written.iter().copied().collect::<Vec<_>>(), "what may be sent is what was written");
        written.drain(..count);
        self.bench.engine.wrote(*id, count);
        if !self.peers[at].written.is_empty() {
            self.count("short write");
        }
    }

    fn reset(&mut self, at: usize) {
        let peer = self.peers.swap_remove(at);
        self.bench.engine.close(peer.id);
        self.naive.close(peer.id.serial);
        if peer.inside {
            self.count("reset in a request");
        }
    }

    fn pass(&mut self, span_us: u64) {
        self.bench.host.pass(span_us);
        let now = self.bench.host.now;
        let expired = self.bench.engine.expired();
        self.bench.engine.tick(now, &mut self.bench.host);
        self.naive.tick(now, self.bench.engine.expired() > expired);
        self.compare();
    }

    /// Steps whoever can be stepped though nothing came.
    fn bring_about(&mut self) {
        while let Some(id) = self.bench.engine.next_ready() {
            self.step(id);
        }
        for at in 0..self.peers.len() {
            let id = self.peers[at].id;
            self.step(id);
        }
    }

    /// A step of the engine, and as many commands of the naive server.
    fn step(&mut self, id: ClientId) {
        let before = self.bench.engine.stats_mut().commands_processed;
        self.bench.step(id);
        let ran = self.bench.engine.stats_mut().commands_processed - before;
        let Some(at) = self.peers.iter().position(|peer| peer.id == id) else { return };
        let now = self.bench.host.now;
        for _ in 0..ran {
            let say = self.peers[at].said.pop_front().expect("what runs was said");
            self.naive.run(id.serial, &say, now);
        }
        self.compare();
    }

    fn compare(&mut self) {
        for peer in &mut self.peers {
            let id = peer.id;
            let expected = self.naive.take(id.serial);
            if expected.is_empty() && self.bench.engine.unsent(id) == peer.written.len() {
                continue;
            }
            let new: Vec<u8> = self.bench.engine.pending(id).flatten().skip(peer.written.len()).copied().collect();
            assert!(
                new == expected,
                "seed {}: client {} was sent\n{}\nand should have been\n{}",
                self.seed,
                id.serial,
                new.escape_ascii(),
                expected.escape_ascii()
            );
            peer.written.extend(new);
        }
    }
}
