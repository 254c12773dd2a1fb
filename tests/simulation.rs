//! Many clients on one engine, from a seed: random commands in pieces cut anywhere, clients that do not read, that reset
//! or close one side in the middle, kills, broken protocol, tiny budgets, and a clock on the wall that jumps a year either
//! way. Each reply is checked against a naive model at the moment in which it was written; at the end of a seed all
//! come to rest, and nothing may be left unanswered. Counters assert that each kind of fault has occurred.
//!
//! `SPINDLE_SEED` runs one seed, `SPINDLE_STEPS` so many steps of each, `SPINDLE_SEEDS` so many. The long run, 10^7 steps:
//! `SPINDLE_SEEDS=1000 SPINDLE_STEPS=10000 cargo test --release --test simulation`

#[path = "support/fakes.rs"]
mod fakes;
#[path = "support/hand.rs"]
mod hand;
#[path = "support/model.rs"]
mod model;

use fakes::FAKES;
use model::{Model, PASSWORD, PAUSE_MS_MAX, Say, VALUE_BYTES_MAX, reply_length};
use spindle::base::random::Chance;
use spindle::base::time::Now;
use spindle::engine::config::Source;
use spindle::engine::{Address, Budget, ByHand, COMMANDS, ClientId, Close, Config, Engine, OUTPUT_BYTES_MAX, Step};
use std::collections::{BTreeMap, VecDeque};

const YEAR_US: i64 = 365 * 24 * 3600 * 1_000_000;
const CLIENTS_MAX: u32 = 12;
const TIMEOUT_US: u64 = 20_000_000;

#[test]
fn all_is_answered_whatever_happens() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let steps = number("SPINDLE_STEPS").unwrap_or(1500);
    let (first, count) = match number("SPINDLE_SEED") {
        Some(seed) => (seed, 1),
        None => (1, number("SPINDLE_SEEDS").unwrap_or(30)),
    };
    let mut faults = BTreeMap::new();
    for seed in first..first + count {
        let told = std::panic::catch_unwind(|| Simulation::new(seed).run(steps));
        let told = told.unwrap_or_else(|cause| {
            eprintln!("seed {seed}: SPINDLE_SEED={seed} SPINDLE_STEPS={steps} repeats it");
            std::panic::resume_unwind(cause)
        });
        told.into_iter().for_each(|(name, times)| *faults.entry(name).or_insert(0) += times);
    }
    println!("{count} seeds from {first}, {steps} steps each: {faults:?}");
    if count > 1 && count * steps >= 45_000 {
        for name in FAULTS {
            assert!(faults.contains_key(name), "no {name} in {count} seeds from {first}");
        }
    }
}

/// What must have happened.
const FAULTS: &[&str] = &[
    "back a year",
    "budget used up",
    "clients killed by type",
    "cut in a request",
    "evicted",
    "forward a year",
    "half-close with requests pending",
    "held up by a pause",
    "kill",
    "killed while held up",
    "late",
    "output buffer limit",
    "output limit",
    "pause of all",
    "pause of writes",
    "query buffer limit",
    "reply left out",
    "protocol error",
    "refused at maxclients",
    "reset in a request",
    "reset with unsent output",
    "short write",
    "stranger displaced",
    "timeout",
    "unpaused",
];

/// How a client is told that too much of its output was unsent.
const DISCONNECT: &[u8] = b">2\r\n$10\r\ndisconnect\r\n";

/// A client, and the socket between it and the engine as the kernel would have it.
struct Peer {
    id: ClientId,
    model: Model,
    /// Said, and not yet in the socket.
    unsent: Vec<u8>,
    /// In the socket, and not yet read by the engine's owner.
    wire: VecDeque<u8>,
    /// In the order in which they were said.
    unanswered: VecDeque<Say>,
    /// Written by the engine and not yet sent: what `pending` must give.
    written: VecDeque<u8>,
    /// Room in the socket for what the engine sends. A client that reads makes room.
    room: usize,
    stalled: bool,
    ended: bool,
    half_closed: bool,
    /// Half a request was put into the socket.
    inside: bool,
    heard_us: u64,
    /// Closed with what it had asked for unanswered, since a pause held it up when it went away.
    given_up: Option<bool>,
    // The reactor's side.
    /// Said once, when bytes come; `readable` stays until the socket was emptied.
    event: bool,
    readable: bool,
    queued: bool,
}

struct Simulation {
    seed: u64,
    engine: Engine,
    host: ByHand,
    chance: Chance,
    peers: Vec<Peer>,
    again: VecDeque<ClientId>,
    needs_password: bool,
    fake: bool,
    budget_of_one: bool,
    /// Large values, and clients that hardly read.
    heavy: bool,
    /// CLIENT PAUSE, UNPAUSE and REPLY are said too.
    modes: bool,
    /// Until when clients are held up, and whether with everything.
    pause: Option<(u64, bool)>,
    /// Until when the judge may be wrong about that: replies to a pause, or to its end, were dropped.
    unsure_us: u64,
    /// When the timers ran last: whom a pause holds up it holds up until they run.
    ticked_us: u64,
    faults: BTreeMap<&'static str, u64>,
}

impl Simulation {
    fn new(seed: u64) -> Simulation {
        let mut chance = Chance::from_seed(seed);
        let (needs_password, fake) = (chance.below(4) == 0, chance.below(3) == 0);
        let mut config = Config::default();
        let mut set = |name: &str, value: &str| {
            config
                .set_one(name, &[value.as_bytes().to_vec()], Source::CommandLine)
                .unwrap_or_else(|_| panic!("{name}"));
        };
        set("maxclients", &CLIENTS_MAX.to_string());
        if needs_password && !fake {
            set("requirepass", PASSWORD);
        }
        if chance.below(3) == 0 {
            set("timeout", "20");
        }
        let heavy = chance.below(5) == 0;
        match chance.below(8) {
            0 => set("maxmemory-clients", "300kb"),
            1 => set("client-query-buffer-limit", "1mb"),
            2 => set("client-output-buffer-limit", "normal 200000 50000 1"),
            _ => {}
        }
        let now = Now { wall_us: 1_800_000_000_000_000, mono_us: 1_000_000 };
        let table = if fake { &FAKES } else { &COMMANDS };
        Simulation {
            seed,
            engine: Engine::with_table(config, [seed as u8; 32], now, table),
            host: ByHand::at(now),
            budget_of_one: chance.below(4) == 0,
            heavy,
            modes: !fake && !needs_password && chance.below(3) == 0,
            pause: None,
            unsure_us: 0,
            ticked_us: 0,
            chance,
            peers: vec![],
            again: VecDeque::new(),
            needs_password: needs_password && !fake,
            fake,
            faults: BTreeMap::new(),
        }
    }

    fn run(mut self, steps: u64) -> BTreeMap<&'static str, u64> {
        for step in 0..steps {
            self.act();
            if self.chance.below(3) > 0 {
                self.turn();
            }
            if step % 256 == 0 {
                self.engine.check();
            }
        }
        self.rest();
        self.faults
    }

    fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_insert(0) += 1;
    }

    fn odds(&mut self, of: u64) -> bool {
        self.chance.below(of) == 0
    }

    // --- What happens

    fn act(&mut self) {
        if self.peers.is_empty() || self.odds(60) {
            return self.open();
        }
        let at = self.chance.below(self.peers.len() as u64) as usize;
        match self.chance.below(200) {
            0..70 => self.say(at),
            70..130 => self.send(at),
            130..160 => self.read(at),
            160..164 => self.peers[at].stalled ^= true,
            164..190 => {
                let span_us = self.chance.below(20_000);
                self.host.pass(span_us);
            }
            190..194 => {
                let span_us = self.chance.below(2_000_000);
                self.host.pass(span_us);
            }
            194 => self.reset(at),
            195 => self.half_close(at),
            196 if self.odds(4) => {
                self.fault("forward a year");
                self.host.now.wall_us += YEAR_US;
            }
            197 if self.odds(4) => {
                self.fault("back a year");
                let now_ms = self.host.now.wall_ms();
                self.peers.iter_mut().for_each(|peer| peer.model.doubt(now_ms));
                self.host.now.wall_us -= YEAR_US;
            }
            198 if self.odds(8) => self.host.pass(YEAR_US as u64),
            _ => {}
        }
    }

    fn open(&mut self) {
        let Ok(id) = self.engine.open(Address::Embedded, self.host.now) else {
            assert_eq!(self.engine.client_count(), CLIENTS_MAX as usize);
            return self.fault("refused at maxclients");
        };
        self.peers.push(Peer {
            id,
            model: Model::new(self.needs_password),
            unsent: vec![],
            wire: VecDeque::new(),
            unanswered: VecDeque::new(),
            written: VecDeque::new(),
            room: 100_000,
            stalled: false,
            ended: false,
            half_closed: false,
            inside: false,
            heard_us: self.host.now.mono_us,
            given_up: None,
            event: false,
            readable: false,
            queued: false,
        });
    }

    /// A pipeline of some commands.
    fn say(&mut self, at: usize) {
        let other = self.peers[self.chance.below(self.peers.len() as u64) as usize].id.serial;
        // A client that lags far behind says no more until it has caught up.
        if self.peers[at].half_closed || self.peers[at].unsent.len() > 4 << 20 {
            return;
        }
        for _ in 0..1 + self.chance.below(if self.chance.clone().below(5) == 0 { 60 } else { 4 }) {
            let mode = self.modes && self.odds(12);
            let say = match self.fake {
                true => Say::draw_fake(&mut self.chance, self.heavy),
                false if mode => Say::draw_mode(&mut self.chance),
                false => Say::draw(&mut self.chance, self.heavy, other),
            };
            let inline = self.odds(4);
            let peer = &mut self.peers[at];
            let bytes = say.bytes(peer.id.serial, inline);
            peer.unsent.extend_from_slice(&bytes);
            let last = matches!(say, Say::Quit | Say::Leave | Say::Violation(..));
            peer.unanswered.push_back(say);
            if last {
                // It says no more, and closes its side or not.
                peer.half_closed = true;
                return;
            }
        }
    }

    /// Some bytes get into the socket.
    fn send(&mut self, at: usize) {
        let most = match self.chance.below(4) {
            _ if self.heavy => usize::MAX,
            0 => 3,
            1 => 100,
            2 => 70_000,
            _ => usize::MAX,
        };
        let left = self.peers[at].unsent.len().min(most);
        if left == 0 {
            return;
        }
        let count = 1 + self.chance.below(left as u64) as usize;
        let peer = &mut self.peers[at];
        peer.wire.extend(peer.unsent.drain(..count));
        peer.inside = !peer.unsent.is_empty();
        peer.event = true;
        if peer.inside {
            self.fault("cut in a request");
        }
    }

    /// The client reads: there is room in the socket again.
    fn read(&mut self, at: usize) {
        let reads = !self.heavy || self.odds(50);
        if reads && !self.peers[at].stalled {
            self.peers[at].room = 1 + self.chance.below(300_000) as usize;
            let id = self.peers[at].id;
            self.flush(id);
            self.queue(id);
        }
    }

    fn reset(&mut self, at: usize) {
        let peer = self.peers.swap_remove(at);
        if peer.inside {
            self.fault("reset in a request");
        }
        if !peer.written.is_empty() {
            self.fault("reset with unsent output");
        }
        self.forget(peer.id);
    }

    fn half_close(&mut self, at: usize) {
        let peer = &mut self.peers[at];
        peer.half_closed = true;
        peer.ended = true;
        peer.event = true;
        if !peer.unanswered.is_empty() {
            self.fault("half-close with requests pending");
        }
    }

    fn forget(&mut self, id: ClientId) {
        self.engine.close(id);
        self.again.retain(|other| *other != id);
    }

    // --- The reactor's part, as small as it can be

    fn place(&self, id: ClientId) -> Option<usize> {
        self.peers.iter().position(|peer| peer.id == id)
    }

    fn queue(&mut self, id: ClientId) {
        let Some(at) = self.place(id) else { return };
        if !std::mem::replace(&mut self.peers[at].queued, true) {
            self.again.push_back(id);
        }
    }

    fn turn(&mut self) {
        let mut heard = vec![];
        for peer in self.peers.iter_mut().filter(|peer| peer.event) {
            (peer.event, peer.readable) = (false, true);
            heard.push(peer.id);
        }
        let again = std::mem::take(&mut self.again);
        for id in &again {
            let at = self.place(*id).expect("who is gone is not queued");
            self.peers[at].queued = false;
        }
        heard.into_iter().for_each(|id| self.converse(id));
        again.into_iter().for_each(|id| self.converse(id));
        let doomed = self.flush_all();
        let (wall_ms, waiting) = (self.host.now.wall_ms(), self.engine.client_count());
        self.engine.tick(self.host.now, &mut self.host);
        self.ticked_us = self.host.now.mono_us;
        assert_eq!((wall_ms, waiting), (self.host.now.wall_ms(), self.engine.client_count()));
        self.look_at_all();
        let late = self.flush_all();
        while let Some(id) = self.engine.next_ready() {
            self.queue(id);
        }
        doomed.into_iter().chain(late).for_each(|id| self.close_if_due(id));
        while self.engine.next_wish().is_some() {}
    }

    /// Reads what is in the socket and steps the session, as far as its budget goes.
    fn converse(&mut self, id: ClientId) {
        for _ in 0..4 {
            let Some(at) = self.place(id) else { return };
            let mut came = 0;
            if self.peers[at].readable {
                let room = self.engine.space(id);
                let peer = &mut self.peers[at];
                if !room.is_empty() && peer.wire.is_empty() {
                    peer.readable = false;
                    if peer.ended && peer.unsent.is_empty() {
                        self.engine.ended(id);
                    }
                } else {
                    came = room.len().min(peer.wire.len());
                    if came > 0 && self.chance.below(3) == 0 {
                        came = 1 + self.chance.below(came as u64) as usize;
                    }
                    room.iter_mut().zip(peer.wire.drain(..came)).for_each(|(to, byte)| *to = byte);
                    if came > 0 {
                        self.engine.filled(id, came);
                    }
                }
            }
            // Sometimes another is read first: then the shared room is wanted while it holds something.
            if came > 0 && self.odds(8) {
                return self.queue(id);
            }
            self.look_ahead(id);
            let one = self.budget_of_one || self.odds(20);
            let budget = if one { Budget { commands: 1, output_bytes: 1 } } else { Budget::default() };
            let mut now = self.host.now;
            self.peers[at].heard_us = now.mono_us;
            let step = self.engine.step(id, &mut now, budget, &mut self.host);
            self.look(id);
            // A command may have killed others, and served those who waited.
            self.look_at_all();
            match step {
                Step::Closing => return,
                Step::More => {
                    self.fault("budget used up");
                    return self.queue(id);
                }
                Step::Idle if came == 0 => return,
                Step::Idle => {}
            }
        }
        self.queue(id);
    }

    /// Sometimes others' requests are parsed before this one's run, which may change what becomes of them.
    fn look_ahead(&mut self, id: ClientId) {
        if self.odds(3) {
            let mut ids: Vec<ClientId> = self.peers.iter().map(|peer| peer.id).filter(|other| *other != id).collect();
            ids.insert(self.chance.below(ids.len() as u64 + 1) as usize, id);
            let count = self.engine.look_ahead(&ids, &mut self.host);
            assert!((1..=ids.len()).contains(&count));
        }
    }

    /// Sends what the socket takes, in writes that may fall short.
    fn flush(&mut self, id: ClientId) {
        let Some(at) = self.place(id) else { return };
        loop {
            if self.engine.closing(id) == Some(Close::Now) {
                return;
            }
            let peer = &mut self.peers[at];
            let pending: Vec<&[u8]> = self.engine.pending(id).collect();
            let total: usize = pending.iter().map(|slice| slice.len()).sum();
            assert_eq!(total, peer.written.len(), "all that was written is pending, and nothing else");
            let mut count = total.min(peer.room);
            if count == 0 {
                return;
            }
            if count > 1 && self.chance.below(4) == 0 {
                count = 1 + self.chance.below(count as u64) as usize;
            }
            let sent = pending.into_iter().flatten().take(count);
            assert!(sent.eq(peer.written.iter().take(count)), "what is sent is what was written");
            peer.written.drain(..count);
            peer.room -= count;
            self.engine.wrote(id, count);
            if count < total {
                self.fault("short write");
            }
        }
    }

    /// As the reactor does: one write to each that has all it is sent in one piece, as far as its socket takes it.
    fn send_touched(&mut self) -> Option<ClientId> {
        let Simulation { engine, peers, .. } = self;
        engine.send_touched(|id, piece, _| {
            let peer = peers.iter_mut().find(|peer| peer.id == id).expect("a peer as long as its session");
            assert!(piece.iter().eq(&peer.written), "all that was written is pending, and nothing else");
            let count = piece.len().min(peer.room);
            peer.written.drain(..count);
            peer.room -= count;
            count
        })
    }

    fn flush_all(&mut self) -> Vec<ClientId> {
        let mut touched = vec![];
        let at_once = self.odds(2);
        while let Some(id) = if at_once { self.send_touched() } else { self.engine.next_touched() } {
            self.flush(id);
            touched.push(id);
        }
        let closing = |peer: &Peer| self.engine.closing(peer.id).is_some();
        touched.extend(self.peers.iter().filter(|peer| closing(peer)).map(|peer| peer.id));
        touched
    }

    fn close_if_due(&mut self, id: ClientId) {
        let Some(at) = self.place(id) else { return };
        let due = match self.engine.closing(id) {
            Some(Close::Now) => true,
            Some(Close::AfterReply) => self.engine.unsent(id) == 0,
            None => false,
        };
        if !due {
            return;
        }
        if self.is_held_up(at, self.host.now.mono_us) {
            self.fault("killed while held up");
        }
        let peer = self.peers.swap_remove(at);
        if self.engine.closing(id) == Some(Close::Now) {
            let idle = self.host.now.mono_us - peer.heard_us > TIMEOUT_US;
            self.fault(if idle { "timeout" } else { "kill" });
        } else if peer.ended && !peer.model.over {
            // What it had said whole was answered. A wait is given up, and what stands behind it.
            let gives_up =
                peer.given_up == Some(true) || peer.unanswered.iter().any(|say| matches!(say, Say::Wait { .. }));
            let done = peer.unanswered.iter().all(|say| *say == Say::Unheard);
            assert!(done || gives_up, "{}: unanswered {:?}", self.seed, peer.unanswered.front());
        } else {
            assert!(peer.model.over, "seed {}: closed for no reason", self.seed);
        }
        self.forget(id);
    }

    // --- What came of it

    fn look_at_all(&mut self) {
        let ids: Vec<ClientId> = self.peers.iter().map(|peer| peer.id).collect();
        ids.into_iter().for_each(|id| self.look(id));
    }

    /// Judges what was written since the last look, by the clock of this moment, and what became of the client.
    fn look(&mut self, id: ClientId) {
        let Some(at) = self.place(id) else { return };
        if self.is_held_up(at, self.host.now.mono_us) {
            self.fault("held up by a pause");
        }
        self.judge(id);
        if self.engine.closing(id).is_some() && self.peers[at].given_up.is_none() {
            let unanswered = &self.peers[at].unanswered;
            if unanswered.iter().any(|say| matches!(say, Say::Pause(..) | Say::Unpause)) {
                let known_us = self.pause.map_or(0, |(until_us, _)| until_us);
                self.unsure_us = known_us.max(self.host.now.mono_us + PAUSE_MS_MAX * 1000);
            }
            let unsure = self.ticked_us < self.unsure_us && unanswered.front().is_some_and(|say| say.is_held_up(true));
            self.peers[at].given_up = Some(unsure || self.is_held_up(at, self.ticked_us));
        }
    }

    fn judge(&mut self, id: ClientId) {
        let Some(at) = self.place(id) else { return };
        let peer = &mut self.peers[at];
        let unsent = self.engine.unsent(id);
        let told_why = || self.engine.pending(id).next().is_some_and(|piece| piece.starts_with(DISCONNECT));
        if self.engine.closing(id).is_some() && (unsent < peer.written.len() || !peer.model.over && told_why()) {
            // A limit was passed, and what was not sent is dropped. It may be told why, and nothing more.
            assert!(unsent == 0 || told_why());
            peer.written = self.engine.pending(id).flatten().copied().collect();
            peer.model.over = true;
            return;
        }
        if unsent == peer.written.len() || self.engine.closing(id) == Some(Close::Now) {
            return;
        }
        let new: Vec<u8> = self.engine.pending(id).flatten().skip(peer.written.len()).copied().collect();
        peer.written.extend(&new);
        // One more command may run as long as the limit is not passed; the largest reply is that of TWICE.
        assert!(unsent <= OUTPUT_BYTES_MAX + 2 * VALUE_BYTES_MAX + 100, "{unsent} bytes unsent");
        let mut rest = new.as_slice();
        let mut told = vec![];
        while !rest.is_empty() {
            let length = reply_length(rest).expect("replies are written whole");
            let (reply, after) = rest.split_at(length);
            rest = after;
            assert!(!peer.model.over, "seed {}: a reply after the last: {}", self.seed, reply.escape_ascii());
            while let Some(Say::Unheard) = peer.unanswered.front() {
                peer.model.change_unheard();
                peer.unanswered.pop_front();
                told.push("reply left out");
            }
            let say = peer.unanswered.pop_front().expect("a reply that nobody asked for");
            let now_us = self.host.now.mono_us;
            let unsure = now_us < self.unsure_us;
            if let Some((_, all)) = self.pause.filter(|(until_us, _)| now_us < *until_us && !unsure) {
                assert!(!say.is_held_up(all), "seed {}: {say:?} was not held up", self.seed);
            }
            match say {
                Say::Pause(ms, writes) => {
                    let (until_us, all) = self.pause.filter(|(until_us, _)| now_us < *until_us).unwrap_or((0, false));
                    let until_us = until_us.max(now_us + ms * 1000);
                    self.pause = Some((until_us, all || !writes));
                    self.unsure_us = if unsure { self.unsure_us.max(until_us) } else { 0 };
                    told.push(if writes { "pause of writes" } else { "pause of all" });
                }
                Say::Unpause => {
                    self.unsure_us = 0;
                    told.extend(self.pause.take().map(|_| "unpaused"));
                }
                Say::KillAll if reply != b":0\r\n" => told.push("clients killed by type"),
                _ => {}
            }
            let paused = self.pause.is_some_and(|(until_us, _)| self.ticked_us < until_us);
            let paused = paused || self.ticked_us < self.unsure_us;
            if let Err(why) = peer.model.judge(&say, reply, self.host.now.wall_ms(), paused) {
                panic!("seed {}, client {}: {why}", self.seed, id.serial);
            }
            told.extend(reply.starts_with(b"-ERR Protocol error").then_some("protocol error"));
            told.extend((reply == b"+LATE\r\n").then_some("late"));
        }
        if unsent > OUTPUT_BYTES_MAX {
            told.push("output limit");
        }
        told.into_iter().for_each(|name| self.fault(name));
    }

    /// It has said something that may not run now.
    fn is_held_up(&self, at: usize, now_us: u64) -> bool {
        let peer = &self.peers[at];
        let Some((_, all)) = self.pause.filter(|(until_us, _)| now_us < *until_us) else { return false };
        let said = peer.unsent.is_empty() && peer.wire.is_empty();
        said && peer.unanswered.front().is_some_and(|say| say.is_held_up(all))
    }

    // --- The end

    /// Everybody reads and sends what is left; nothing may stay unanswered.
    fn rest(&mut self) {
        for round in 0.. {
            for at in 0..self.peers.len() {
                let peer = &mut self.peers[at];
                peer.room = usize::MAX;
                // Only what the kernel would tell: bytes that came, room to write.
                peer.event |= !peer.unsent.is_empty() || peer.ended && round == 0;
                peer.wire.extend(std::mem::take(&mut peer.unsent));
                let id = peer.id;
                if !peer.written.is_empty() {
                    self.flush(id);
                    self.queue(id);
                }
            }
            self.turn();
            // Waits come to their deadlines, and nobody is idle meanwhile.
            self.host.pass(5_000);
            let waits = |say: &Say| *say != Say::Unheard;
            let busy =
                |peer: &Peer| peer.unanswered.iter().any(waits) || !peer.written.is_empty() || !peer.wire.is_empty();
            if round > 200 && !self.peers.iter().any(busy) && self.again.is_empty() {
                break;
            }
            if round == 20_000 {
                let stuck = self.peers.iter().find(|peer| busy(peer)).map(|peer| (peer.id, peer.unanswered.front()));
                panic!("seed {}: it never comes to rest: {stuck:?}", self.seed);
            }
        }
        self.engine.check();
        let stats = self.engine.stats_mut();
        let limits = [
            ("evicted", stats.evicted_clients),
            ("output buffer limit", stats.output_buffer_limit_disconnections),
            ("query buffer limit", stats.query_buffer_limit_disconnections),
            ("stranger displaced", stats.displaced_clients),
        ];
        let reached = limits.into_iter().filter(|(_, times)| *times > 0);
        reached.for_each(|(name, times)| *self.faults.entry(name).or_insert(0) += times);
    }
}
