//! The engine driven by hand: no socket, a clock that moves only when it is told to, a counter for ticks.
//! What a client sends is put in and stepped at once; what it is sent is taken when the test asks for it.
#![allow(dead_code, reason = "each test binary uses its part")]

use spindle::base::time::Now;
use spindle::command::Commands;
use spindle::engine::{
    Address, Budget, Bystanders, COMMANDS, ClientId, Close, Config, Engine, Host, Machine, Step, Wish,
};
use std::collections::{HashSet, VecDeque};

/// A microsecond has so many ticks.
pub const TICKS_PER_US: u64 = 10;

/// The machine: what a command may ask of it, and what it was asked.
pub struct Hand {
    pub now: Now,
    pub ticks: u64,
    /// So many ticks pass with each reading.
    pub drift: u64,
    /// What bystanders send while a command breathes: one entry for each breath.
    pub breaths: VecDeque<Vec<(ClientId, Vec<u8>)>>,
    pub breathed: usize,
}

impl Hand {
    pub fn at(now: Now) -> Hand {
        Hand { now, ticks: 0, drift: 0, breaths: VecDeque::new(), breathed: 0 }
    }

    pub fn pass(&mut self, span_us: u64) {
        self.now = self.now.later(span_us);
        self.ticks += span_us * TICKS_PER_US;
    }
}

impl Host for Hand {
    fn ticks(&mut self) -> u64 {
        self.ticks += self.drift;
        self.ticks
    }

    fn ticks_per_ms(&mut self) -> u64 {
        1000 * TICKS_PER_US
    }

    fn now(&mut self) -> Now {
        self.now
    }

    fn sleep(&mut self, span_us: u64) {
        self.pass(span_us);
    }

    fn machine(&mut self) -> Machine {
        Machine { allocated: 4096, process_id: 7, ..Machine::default() }
    }

    fn breathe(&mut self, bystanders: &mut dyn Bystanders) {
        self.breathed += 1;
        for (id, bytes) in self.breaths.pop_front().unwrap_or_default() {
            let mut left = bytes.as_slice();
            while !left.is_empty() {
                let room = bystanders.space(id);
                let count = room.len().min(left.len());
                if count == 0 {
                    break;
                }
                room[..count].copy_from_slice(&left[..count]);
                bystanders.filled(id, count);
                left = &left[count..];
            }
            bystanders.answer(id, self);
        }
    }
}

pub struct Bench {
    pub engine: Engine,
    pub host: Hand,
    pub budget: Budget,
    pub closed: HashSet<ClientId>,
    pub wishes: Vec<Wish>,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with_table(Config::default(), &COMMANDS)
    }

    pub fn with_table(config: Config, table: &'static Commands) -> Bench {
        // Some day in 2027.
        let now = Now { wall_us: 1_800_000_000_000_000, mono_us: 1_000_000 };
        Bench {
            engine: Engine::with_table(config, [9; 32], now, table),
            host: Hand::at(now),
            budget: Budget::default(),
            closed: HashSet::new(),
            wishes: vec![],
        }
    }

    pub fn open(&mut self) -> ClientId {
        self.engine.open(Address::Embedded, self.host.now).expect("room for one more client")
    }

    pub fn close(&mut self, id: ClientId) {
        self.engine.close(id);
        self.closed.insert(id);
    }

    /// Puts bytes in without stepping. How many there was room for.
    pub fn fill(&mut self, id: ClientId, bytes: &[u8]) -> usize {
        let mut sent = 0;
        while sent < bytes.len() {
            let room = self.engine.space(id);
            let count = room.len().min(bytes.len() - sent);
            if count == 0 {
                break;
            }
            room[..count].copy_from_slice(&bytes[sent..sent + count]);
            self.engine.filled(id, count);
            sent += count;
        }
        sent
    }

    pub fn step(&mut self, id: ClientId) -> Step {
        let mut now = self.host.now;
        self.engine.step(id, &mut now, self.budget, &mut self.host)
    }

    /// Steps a session, and then whoever is ready, until nobody is.
    pub fn run(&mut self, id: ClientId) {
        while !self.closed.contains(&id) && self.step(id) == Step::More {}
        self.settle();
    }

    pub fn settle(&mut self) {
        while let Some(id) = self.engine.next_ready() {
            while self.step(id) == Step::More {}
        }
        self.wishes.extend(std::iter::from_fn(|| self.engine.next_wish()));
        self.engine.check();
    }

    /// Sends a line of words, or of raw bytes if it has a line end.
    pub fn send(&mut self, id: ClientId, line: &str) {
        let bytes = if line.contains('\n') { line.as_bytes().to_vec() } else { request(line) };
        assert_eq!(self.fill(id, &bytes), bytes.len(), "no room for {line}");
        self.run(id);
    }

    /// What may be sent now.
    pub fn receive(&mut self, id: ClientId) -> Vec<u8> {
        let bytes: Vec<u8> = self.engine.pending(id).flatten().copied().collect();
        self.engine.wrote(id, bytes.len());
        self.settle();
        bytes
    }

    pub fn text(&mut self, id: ClientId) -> String {
        String::from_utf8_lossy(&self.receive(id)).replace("\r\n", " ").trim_end().to_string()
    }

    /// Sends, and says what came back.
    pub fn ask(&mut self, id: ClientId, line: &str) -> String {
        self.send(id, line);
        self.text(id)
    }

    /// Lets time pass, and the timers run.
    pub fn later(&mut self, span_us: u64) {
        self.host.pass(span_us);
        self.tick();
    }

    pub fn tick(&mut self) {
        self.engine.tick(self.host.now, &mut self.host);
        self.settle();
    }

    /// Closes whoever is to be closed and has nothing left to be sent.
    pub fn sweep(&mut self) {
        while let Some(id) = self.engine.next_touched() {
            match self.engine.closing(id) {
                Some(Close::Now) => self.close(id),
                Some(Close::AfterReply) if self.engine.unsent(id) == 0 => self.close(id),
                _ => {}
            }
        }
        self.engine.check();
    }
}

/// Words, apart by blanks, as an array of bulk strings.
pub fn request(line: &str) -> Vec<u8> {
    let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    request_of(&words)
}

pub fn request_of(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
