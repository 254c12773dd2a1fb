//! What is known of the data's file: when it was written, how far it is read, and how the settings want it. Who writes and
//! reads it is not known here (command/disk.rs, engine/load.rs).
use super::config::{Config, EvictionPolicy};
use crate::persist::format::{Limits, Options};
use crate::persist::load::Progress;
use crate::persist::save::Policy;
use crate::store::database::KeyHasher;
use crate::store::value::list::Fill;
use crate::store::{HashLimits, SetLimits, SortedSetLimits};

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
    pub fn limits(&self, hasher: &KeyHasher) -> Limits {
        Limits {
            list: Fill(self.list_max_listpack_size),
            set: SetLimits {
                intset_entries: self.set_max_intset_entries as usize,
                listpack_entries: self.set_max_listpack_entries as usize,
                listpack_value: self.set_max_listpack_value as usize,
                hasher: hasher.clone(),
            },
            hash: HashLimits {
                listpack_entries: self.hash_max_listpack_entries as usize,
                listpack_value: self.hash_max_listpack_value as usize,
                hasher: hasher.clone(),
            },
            sorted_set: SortedSetLimits {
                entries: self.zset_max_listpack_entries as usize,
                value: self.zset_max_listpack_value as usize,
                hasher: hasher.clone(),
            },
        }
    }

    pub fn file_options(&self) -> Options {
        Options { compress: self.rdbcompression, fill: Fill(self.list_max_listpack_size) }
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
