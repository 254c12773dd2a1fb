//! The world that commands see beside the data: configuration, statistics, what is known of each client. Never sees
//! `wire`: it holds no bytes of requests or replies.
pub mod clients;
pub mod config;
pub mod notify;
pub mod pubsub;
pub mod stats;
pub mod users;

use crate::base::random::{Chance, Secrets};
use crate::base::time::Now;
use clients::Clients;
use config::Config;
use pubsub::PubSub;
use stats::Stats;

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
        Server { config, clients, stats, pubsub, chance, secrets, run_id, started }
    }
}
