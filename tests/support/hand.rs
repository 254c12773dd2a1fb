//! The engine driven by hand: no socket, a clock that moves only when it is told to, a counter for ticks.
//! What a client sends is put in and stepped at once; what it is sent is taken when the test asks for it.
#![allow(dead_code, reason = "each test binary uses its part")]

use spindle::base::time::Now;
use spindle::command::Commands;
use spindle::engine::{Address, Budget, ByHand, COMMANDS, ClientId, Close, Config, Engine, Machine, Step, Wish};
use std::collections::HashSet;

pub struct Bench {
    pub engine: Engine,
    pub host: ByHand,
    pub budget: Budget,
    pub closed: HashSet<ClientId>,
    pub wishes: Vec<Wish>,
    settled: usize,
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
            host: ByHand {
                machine: Machine { allocated: 4096, process_id: 7, ..Machine::default() },
                ..ByHand::at(now)
            },
            budget: Budget::default(),
            closed: HashSet::new(),
            wishes: vec![],
            settled: 0,
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
        // It looks at every session: with many of them it is done less often.
        self.settled += 1;
        if self.settled.is_multiple_of(1 + self.engine.client_count() / 64) {
            self.engine.check();
        }
    }

    /// Sends a line of words, or of raw bytes if it has a line end.
    pub fn send(&mut self, id: ClientId, line: &str) {
        let bytes = if line.contains('\n') { line.as_bytes().to_vec() } else { request(line) };
        let mut sent = 0;
        while sent < bytes.len() {
            let count = self.fill(id, &bytes[sent..]);
            assert!(count > 0, "there is room after each step");
            sent += count;
            self.run(id);
        }
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

    /// Steps a session that has asked for something long, until what it is sent ends so: all of that, and in how many
    /// slices it came. Others have their turn `between` them, before the second and each later one.
    pub fn in_slices(
        &mut self,
        id: ClientId,
        end: &str,
        mut between: impl FnMut(&mut Bench, usize),
    ) -> (String, usize) {
        assert_eq!(self.step(id), Step::More);
        // What is written is sent at once: nothing in it changes any more.
        let (mut reply, mut slices) = (self.text(id), 1);
        while !reply.ends_with(end) {
            between(self, slices);
            self.step(id);
            let part = self.text(id);
            reply += if reply.is_empty() || part.is_empty() { "" } else { " " };
            reply += &part;
            slices += 1;
            assert!(slices < 100, "it ends");
        }
        (reply, slices)
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
