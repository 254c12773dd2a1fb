//! The whole server without I/O: sessions, requests, replies, waiting clients, timers. It owns no socket, reads no clock
//! and has no chance of its own; those are arguments. So every behaviour runs in a test from a seed, and a program can
//! embed the server (examples/embedded.rs).
//!
//! Who speaks, and in what order:
//!
//! ```text
//! open(address)                  a client has come: its identity, or what to tell it before it is sent away
//!   space(id) -> &mut [u8]       room for what it sends; empty: do not read now (ask again after a step or a flush)
//!   filled(id, n)                so many bytes were put there; others may be read before it is stepped, best while
//!                                there `has_room()`
//!   look_ahead(ids) -> usize     before those with input are stepped: so many of them are best stepped next
//!   ended(id)                    it will send no more; what it has sent whole is still served
//!   step(id, ...) -> Step        serves requests, as far as the budget goes; repeat while it says `More`
//!   pending(id), wrote(id, n)    what may be sent now; so much of it was sent
//!   closing(id)                  when to close it
//! close(id)                      it is gone
//!
//! tick(now, host)                the timers: call it at `next_deadline(now)`, or whenever it suits
//! next_touched(), next_ready()   who has new output or is to be closed; who can be stepped though nothing came
//! send_touched(write)            the same as `next_touched()` without those who could be sent all at once by `write`
//! next_wish()                    what the engine wants of its owner: an end
//!
//! begin_loading(now, host)       before anybody comes, if there is data to be loaded; then
//!   load_some(now, host)         again and again while it `is_loading()`, where it `is_loading_due(now)`
//! may_end(words, host)           before the owner ends: saves what is to be saved
//! ```
//!
//! Invariant: no session holds a piece of the shared read room for longer than until a `space` that lacks it.
mod ahead;
mod bystanders;
mod deliver;
mod input;
mod load;
mod outgoing;
mod run;
mod session;
mod settle;
mod step;
mod timers;
mod waiting;
mod weigh;

pub use crate::command::by_hand::{ByHand, TICKS_PER_US};
pub use crate::command::entry::Commands;
pub use crate::command::host::{Bystanders, Host, Machine};
use crate::command::queue::Queues;
use crate::command::record::Record;
use crate::command::{Effect, publish, words::OwnedWords};
pub use crate::server::clients::{Address, Client, ClientId, Replies};
pub use crate::server::config::{self, Config};
pub use crate::server::stats::Stats;
pub use crate::server::turns;
pub use crate::server::{Refused, Server};
use crate::store::Keyspace;
pub use crate::{base::time::Now, commands::COMMANDS};
use log::debug;
use outgoing::Sent;
use session::Sessions;
pub use session::{Close, OUTPUT_BYTES_MAX};
pub use step::{Budget, Step};
use waiting::Waiting;

/// What the engine wants of its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    Shutdown,
}

pub struct Engine {
    world: World,
    sessions: Sessions,
    waiting: Waiting,
    wishes: Vec<Wish>,
    /// The data is being loaded.
    load: Option<Box<load::Load>>,
    sampled_commands: u64,
    idle_check_at_us: u64,
    /// Clients whose output is over the soft limit.
    over_soft: Vec<ClientId>,
    output_check_at_us: u64,
    /// The tick at which keys expired last, and how many commands had run.
    expired_at: (u64, u64),
    /// The same of freeing.
    tidied_at: (u64, u64),
    /// More is removed than such slices free: then it has so many times as long as all the rest of a turn.
    arrears: u64,
}

/// What commands work on.
struct World {
    data: Keyspace,
    server: Server,
    effects: Vec<Effect>,
    record: Record,
    queues: Queues,
    table: &'static Commands,
}

impl Engine {
    /// `entropy`: 32 bytes that nobody can guess.
    pub fn new(config: Config, entropy: [u8; 32], now: Now) -> Engine {
        Engine::with_table(config, entropy, now, &COMMANDS)
    }

    /// With other commands than Spindle's.
    pub fn with_table(config: Config, entropy: [u8; 32], now: Now, table: &'static Commands) -> Engine {
        let table = match config.renames.as_slice() {
            [] => table,
            // Once, at the start.
            renames => Box::leak(Box::new(table.renamed(renames).expect("who read the configuration has tried it"))),
        };
        let databases = config.databases as usize;
        let mut server = Server::new(config, entropy, now, table.entries.len());
        server.weights.session_bytes = size_of::<session::Session>();
        server.limit_weights();
        let seed = std::array::from_fn(|_| server.secrets.number());
        let mut data = Keyspace::new(databases, seed);
        publish::observe(&mut data.ledger, &server);
        data.ledger.access.rates = server.config.use_rates();
        server.startup_bytes = crate::base::memory::allocated();
        let waiting = Waiting::new(data.hasher().clone());
        Engine {
            world: World { data, server, effects: vec![], record: Record::default(), queues: Queues::default(), table },
            sessions: Sessions::new(),
            waiting,
            wishes: vec![],
            load: None,
            sampled_commands: 0,
            idle_check_at_us: 0,
            over_soft: vec![],
            output_check_at_us: 0,
            expired_at: (0, 0),
            tidied_at: (0, 0),
            arrears: 0,
        }
    }

    pub fn open(&mut self, address: Address, now: Now) -> Result<ClientId, Refused> {
        let id = self.world.server.open(address, now)?;
        self.sessions.open(id);
        self.weigh(id);
        while let Some(stranger) = self.world.server.surplus_stranger() {
            debug!("client {} is closed: it has not signed in, and too many others have not", stranger.serial);
            self.begin_close(stranger, Close::Now);
        }
        Ok(id)
    }

    /// A client has come for whom its owner has no place: what to tell it.
    pub fn turn_away(&mut self) -> Refused {
        self.world.server.turn_away()
    }

    /// CLIENT LIST tells the descriptor of the client's socket.
    pub fn has_descriptor(&mut self, id: ClientId, descriptor: i32) {
        self.world.server.clients.at_mut(id.key).descriptor = descriptor;
    }

    /// Forgets the client. Its key may be given to another.
    pub fn close(&mut self, id: ClientId) {
        self.waiting.remove(id);
        self.world.server.watch.clear(id);
        self.world.queues.take(id.key);
        self.refresh_observed();
        self.sessions.close(id);
        self.world.server.unweigh(id);
        self.world.server.forget_stranger(id);
        let client = self.world.server.clients.close(id);
        if client.subscribed {
            self.world.server.pubsub.leave(id);
        }
        if client.monitors {
            self.world.server.end_monitor(id);
        }
    }

    // --- Bytes

    pub fn space(&mut self, id: ClientId) -> &mut [u8] {
        self.sessions.space(id)
    }

    /// The client sends more while its socket takes nothing. True: it may be read, though much is unsent.
    pub fn let_more(&mut self, id: ClientId) -> bool {
        self.sessions.let_more(id)
    }

    /// Whether there is room for one more read before somebody is stepped.
    pub fn has_room(&self) -> bool {
        self.sessions.has_room()
    }

    pub fn filled(&mut self, id: ClientId, count: usize) {
        self.world.server.received(id, count);
        self.sessions.filled(id, count);
        if self.world.server.weights.are_wanted() {
            // A request may be whole with this: it is not run first.
            self.weigh(id);
            self.limit_weights();
        }
    }

    pub fn ended(&mut self, id: ClientId) {
        self.sessions.at_mut(id).ended = true;
        self.gives_up(id);
    }

    /// It has gone. If it waits it is closed, since nobody would take what it waits for. What waited for the end of a pause,
    /// and may begin now, is still run.
    pub fn gives_up(&mut self, id: ClientId) {
        if self.is_waiting(id) {
            self.begin_close(id, Close::AfterReply);
        }
    }

    #[inline]
    pub fn is_waiting(&self, id: ClientId) -> bool {
        self.sessions.at(id).blocked && !self.waiting.is_released(id)
    }

    pub fn pending(&self, id: ClientId) -> impl Iterator<Item = &[u8]> {
        self.sessions.pending(id)
    }

    /// Whether there is more.
    pub fn wrote(&mut self, id: ClientId, count: usize) -> bool {
        let left = self.sessions.wrote(id, count);
        self.world.server.sent(id, count, left);
        self.weigh(id);
        left > 0
    }

    /// How many bytes are not yet sent; some may have to wait for a `release`.
    pub fn unsent(&self, id: ClientId) -> usize {
        self.sessions.at(id).mail.len() + self.sessions.at(id).output.len()
    }

    /// When to close the client, if at all.
    pub fn closing(&self, id: ClientId) -> Option<Close> {
        self.sessions.at(id).close
    }

    // --- What the owner asks between steps

    pub fn next_touched(&mut self) -> Option<ClientId> {
        self.sessions.next_touched()
    }

    /// The same, after the simple cases, which are nearly all: what is in one piece is handed to `write`, which says how
    /// much of it was sent. With whom this was all is not named. `write` is told, too, who is most likely next: what it
    /// knows of that one it may fetch.
    #[inline]
    pub fn send_touched(
        &mut self,
        mut write: impl FnMut(ClientId, &[u8], Option<ClientId>) -> usize,
    ) -> Option<ClientId> {
        loop {
            let clients = &self.world.server.clients;
            let Sent { id, count, left, is_all } = self.sessions.send_next(|id, piece, next| {
                next.inspect(|next| clients.fetch_traffic(next.key));
                write(id, piece, next)
            })?;
            if count > 0 {
                self.world.server.sent(id, count, left);
                self.weigh(id);
            }
            if !is_all {
                return Some(id);
            }
        }
    }

    pub fn next_ready(&mut self) -> Option<ClientId> {
        self.sessions.next_ready()
    }

    pub fn next_wish(&mut self) -> Option<Wish> {
        self.wishes.pop()
    }

    pub fn config(&self) -> &Config {
        &self.world.server.config
    }

    pub fn config_mut(&mut self) -> &mut Config {
        self.world.server.notice_from = 0;
        &mut self.world.server.config
    }

    pub fn stats_mut(&mut self) -> &mut Stats {
        &mut self.world.server.stats
    }

    /// Keys that have expired since the start.
    pub fn expired(&self) -> u64 {
        self.world.data.ledger.expired
    }

    /// What is known of an open client.
    pub fn client(&self, id: ClientId) -> &Client {
        self.world.server.clients.at(id.key)
    }

    pub fn client_count(&self) -> usize {
        self.world.server.clients.len()
    }

    // --- Who watches changes

    /// From now on writes are recorded in absolute form. The reply to a write waits for `release`, and so does every
    /// later one until the record is taken, since it may tell of that write.
    pub fn start_recording(&mut self) {
        self.world.record.wanted = true;
        self.world.data.ledger.lapsed.get_or_insert_default();
    }

    /// What was recorded since the last call, each with its database; and the ticket that releases the replies.
    pub fn take_record(&mut self) -> (Vec<(usize, OwnedWords)>, u64) {
        (std::mem::take(&mut self.world.record.entries), self.sessions.ticket)
    }

    /// What was recorded up to this ticket is durable: replies that waited for it may be sent.
    pub fn release(&mut self, ticket: u64) {
        self.sessions.release(ticket);
    }

    /// Sees each entry before it changes (a snapshot).
    pub fn set_barrier(&mut self, barrier: Option<Box<dyn crate::store::Barrier>>) {
        self.world.data.ledger.barrier = barrier;
    }

    fn refresh_observed(&mut self) {
        let World { data, server, .. } = &mut self.world;
        server.waits = self.waiting.count();
        data.ledger.observed = !self.waiting.is_empty() || !server.watch.is_idle();
        publish::observe(&mut data.ledger, server);
    }

    /// Every invariant, for tests.
    pub fn check(&self) {
        self.world.data.check();
        self.sessions.check();
        self.world.server.pubsub.check();
        self.world.server.watch.check();
        self.waiting.check();
        self.world.server.check_strangers();
        self.world.server.weights.check(self.world.server.clients.iter());
        assert_eq!(self.sessions.iter().count(), self.world.server.clients.len());
        assert!(self.world.effects.is_empty() && self.world.data.ledger.journal.is_empty());
    }
}
