//! The world that commands see beside the data: configuration, statistics, what is known of each client. Never sees
//! `wire`: it holds no bytes of requests or replies.
pub mod busy;
pub mod clients;
pub mod config;
pub mod encodings;
pub mod notify;
pub mod persistence;
pub mod pubsub;
pub mod latency;
pub mod recent;
pub mod slowlog;
pub mod stats;
pub mod strangers;
pub mod turns;
pub mod unsent;
pub mod users;
pub mod watch;
pub mod weights;

use crate::base::random::{Chance, Secrets};
use crate::base::time::Now;
use busy::Busy;
use clients::{Address, ClientId, Clients};
use config::Config;
use latency::Latency;
use persistence::Persistence;
use pubsub::PubSub;
use recent::Recent;
use slowlog::SlowLog;
use stats::Stats;
use strangers::Strangers;
use watch::Watch;
use weights::Weights;

/// What clients are told of the server: they look at its name and version to know which commands and replies to expect.
pub const NAME_FOR_CLIENTS: &str = "redis";
/// The version of Redis that it behaves as.
pub const REDIS_VERSION: &str = "8.0.6";
pub const SPINDLE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Told to a client that is sent away.
pub type Refused = &'static str;

/// Who waits for what (the engine keeps it).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// Keys that somebody waits for.
    pub keys: usize,
    /// Clients whose wait ends at some moment.
    pub timed: usize,
}

/// CLIENT PAUSE: until then clients wait with what changes data, or with everything. Nothing expires meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Of the monotonic clock.
    pub until_us: u64,
    pub all: bool,
}

/// Input that is not used yet, and what its memory would still take.
#[derive(Clone, Copy)]
pub struct Unread {
    pub bytes: usize,
    pub room: usize,
}

pub struct Server {
    pub config: Config,
    pub clients: Clients,
    pub stats: Stats,
    pub recent: Recent,
    pub pubsub: PubSub,
    pub slowlog: SlowLog,
    pub latency: Latency,
    /// Who is shown every command.
    pub monitors: Vec<ClientId>,
    /// A command that took so many ticks is looked at by `command::notice`. 0 until the thresholds were first counted in
    /// ticks, which a change of settings asks for too.
    pub notice_from: u64,
    pub watch: Watch,
    pub weights: Weights,
    pub strangers: Strangers,
    pub busy: Busy,
    pub persistence: Persistence,
    pub pause: Option<Pause>,
    /// For choices that are no secrets.
    pub chance: Chance,
    pub secrets: Secrets,
    /// 40 hexadecimal digits that name this run of the server.
    pub run_id: String,
    /// As many, that name its row of changes to replicas.
    pub replication_id: String,
    /// What was allocated when the engine was there, before anybody came.
    pub startup_bytes: usize,
    pub waits: Waits,
    pub started: Now,
}

impl Server {
    /// `entropy`: seeds the generator and the run's name.
    pub fn new(config: Config, entropy: [u8; 32], started: Now, commands: usize) -> Server {
        let mut secrets = Secrets::from_entropy(entropy);
        let [run_id, replication_id] = std::array::from_fn(|_| String::from_utf8_lossy(&secrets.id()).into_owned());
        let chance = Chance::from_seed(secrets.number());
        let (clients, stats) = (Clients::default(), Stats::new(commands));
        let pubsub = PubSub::new(std::array::from_fn(|_| secrets.number()));
        let seed = std::array::from_fn(|_| secrets.number());
        Server {
            config,
            clients,
            recent: Recent::default(),
            stats,
            pubsub,
            watch: Watch::new(seed),
            weights: Weights::default(),
            strangers: Strangers::default(),
            busy: Busy::default(),
            persistence: Persistence { saved_s: started.wall_us.div_euclid(1_000_000), ..Persistence::default() },
            pause: None,
            slowlog: SlowLog::default(),
            latency: Latency::default(),
            monitors: vec![],
            notice_from: 0,
            chance,
            secrets,
            run_id,
            replication_id,
            startup_bytes: 0,
            waits: Waits::default(),
            started,
        }
    }

    /// Somebody comes for whom there is no place: what to tell him.
    pub fn turn_away(&mut self) -> Refused {
        self.stats.rejected_connections += 1;
        "-ERR max number of clients reached\r\n"
    }

    pub fn open(&mut self, address: Address, now: Now) -> Result<ClientId, Refused> {
        let Server { config, clients, stats, .. } = self;
        if clients.len() >= config.maxclients as usize {
            return Err(self.turn_away());
        }
        if config.protected_mode && config.requirepass.is_empty() && !address.is_local() {
            stats.rejected_connections += 1;
            return Err(
                "-DENIED Spindle runs in protected mode: no password is set, so it answers only this machine. \
                To reach it from others, set a password (requirepass), or, where the network itself is trusted, \
                start it with --protected-mode no.\r\n",
            );
        }
        stats.connections += 1;
        let authenticated = config.requirepass.is_empty();
        let id = clients.open(address, now, authenticated);
        if !authenticated {
            self.set_authenticated(id, false);
        }
        Ok(id)
    }

    // --- Bytes are counted

    #[inline]
    pub fn received(&mut self, id: ClientId, count: usize) {
        self.stats.bytes_in += count as u64;
        self.stats.reads += 1;
        self.clients.at_mut(id.key).bytes_in += count as u64;
    }

    /// `left`: so much is still unsent.
    #[inline]
    pub fn sent(&mut self, id: ClientId, count: usize, left: usize) {
        self.stats.bytes_out += count as u64;
        self.stats.writes += 1;
        let traffic = self.clients.traffic_mut(id.key);
        traffic.sent += count as u64;
        traffic.unsent = left;
    }

    /// So many requests of it were served; so much input is left, and so much output. What its transaction has queued.
    #[inline]
    pub fn served(&mut self, id: ClientId, commands: usize, now: Now, unread: Unread, unsent: usize) -> usize {
        self.stats.commands_processed += commands as u64;
        let client = self.clients.at_mut(id.key);
        client.active_us = now.mono_us;
        client.commands += commands as u64;
        (client.unread, client.unread_room) = (unread.bytes, unread.room);
        let queued = client.transaction.map_or(0, |transaction| transaction.bytes);
        self.clients.traffic_mut(id.key).unsent = unsent;
        queued
    }

    /// Not everything may be run now that clients ask for.
    #[inline]
    pub fn holds_back(&self) -> bool {
        self.busy.answering || self.pause.is_some() || self.persistence.loading_since_s.is_some()
    }

    /// This client is shown nothing more.
    pub fn end_monitor(&mut self, id: ClientId) {
        self.monitors.retain(|other| *other != id);
        self.notice_from = 0;
    }

    /// Counts in ticks from when on a command is noticed.
    pub fn attend(&mut self, ticks_per_ms: u64) {
        let slow_us = u64::try_from(self.config.slowlog_log_slower_than).ok();
        let late_us = match self.config.latency_monitor_threshold as u64 {
            0 => None,
            ms => Some(ms.saturating_mul(1000)),
        };
        let ticks = |us: u64| u64::try_from(us as u128 * ticks_per_ms as u128 / 1000).unwrap_or(u64::MAX);
        let stall_us = u64::try_from(self.config.stall_log_slower_than).ok();
        let every = (!self.monitors.is_empty()).then_some(0);
        self.notice_from =
            every.into_iter().chain(slow_us).chain(late_us).chain(stall_us).min().map_or(u64::MAX, ticks);
    }
}
