//! The world that commands see beside the data: configuration, statistics, what is known of each client. Never sees
//! `wire`: it holds no bytes of requests or replies.
pub mod clients;
pub mod config;
pub mod notify;
pub mod pubsub;
pub mod latency;
pub mod slowlog;
pub mod stats;
pub mod turns;
pub mod users;
pub mod watch;

use crate::base::random::{Chance, Secrets};
use crate::base::time::Now;
use clients::{ClientId, Clients};
use config::Config;
use latency::Latency;
use pubsub::PubSub;
use slowlog::SlowLog;
use stats::Stats;
use watch::Watch;

/// What clients are told of the server: they look at its name and version to know which commands and replies to expect.
pub const NAME_FOR_CLIENTS: &str = "redis";
/// The version of Redis that it behaves as.
pub const REDIS_VERSION: &str = "8.0.6";
pub const SPINDLE_VERSION: &str = env!("CARGO_PKG_VERSION");

pub struct Server {
    pub config: Config,
    pub clients: Clients,
    pub stats: Stats,
    pub pubsub: PubSub,
    pub slowlog: SlowLog,
    pub latency: Latency,
    /// Who is shown every command.
    pub monitors: Vec<ClientId>,
    /// A command that took so many ticks is looked at by `command::notice`. 0 until the thresholds were first counted in
    /// ticks, which a change of settings asks for too.
    pub notice_from: u64,
    pub watch: Watch,
    /// For choices that are no secrets.
    pub chance: Chance,
    pub secrets: Secrets,
    /// 40 hexadecimal digits that name this run of the server.
    pub run_id: String,
    pub started: Now,
}

impl Server {
    /// `entropy`: seeds the generator and the run's name.
    pub fn new(config: Config, entropy: [u8; 32], started: Now, commands: usize) -> Server {
        let mut secrets = Secrets::from_entropy(entropy);
        let run_id = String::from_utf8_lossy(&secrets.id()).into_owned();
        let chance = Chance::from_seed(secrets.number());
        let (clients, stats) = (Clients::default(), Stats::new(commands));
        let pubsub = PubSub::new(std::array::from_fn(|_| secrets.number()));
        let seed = std::array::from_fn(|_| secrets.number());
        Server {
            config,
            clients,
            stats,
            pubsub,
            watch: Watch::new(seed),
            slowlog: SlowLog::default(),
            latency: Latency::default(),
            monitors: vec![],
            notice_from: 0,
            chance,
            secrets,
            run_id,
            started,
        }
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
