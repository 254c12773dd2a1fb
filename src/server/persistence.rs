//! What is known of the data's file: when it was written, how far it is read, and how the settings want it. Who writes and
//! reads it is not known here (command/disk.rs, engine/load.rs).
use super::config::{Config, EvictionPolicy};
use crate::persist::format::Options;
use crate::persist::load::Progress;
use crate::persist::save::Policy;

#[derive(Debug, Default)]
pub struct Persistence {
    /// Seconds since 1970 at which the data was saved last; before that, when the server began.
    pub saved_s: i64,
    /// `Ledger::dirty` at that time.
    pub saved_dirty: u64,
    /// How often it was to be saved, since the statistics began.
    pub saves: u64,
    /// It is being loaded: since when, in seconds since 1970.
    pub loading_since_s: Option<i64>,
    /// Of the file that is loaded, or was loaded last.
    pub loaded: Progress,
}

impl Config {
    pub fn file_options(&self) -> Options {
        Options { compress: self.rdbcompression, fill: self.list_fill() }
    }

    /// What a file keeps of uses.
    pub fn kept_of_uses(&self) -> Policy {
        match (self.use_rates(), self.maxmemory_policy) {
            (Some(rates), _) => Policy::Frequent(rates),
            (None, EvictionPolicy::VolatileLru | EvictionPolicy::AllKeysLru) => Policy::Recent,
            (None, _) => Policy::Any,
        }
    }
}
