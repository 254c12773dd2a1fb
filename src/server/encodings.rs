//! When a collection leaves its compact encoding, as the settings have it: for the commands, and for values that are loaded.
//! What the encodings are is the store's business.
use super::config::Config;
use crate::persist::format::Limits;
use crate::store::database::KeyHasher;
use crate::store::value::list::Fill;
use crate::store::{HashLimits, SetLimits, SortedSetLimits};

impl Config {
    pub fn list_fill(&self) -> Fill {
        Fill(self.list_max_listpack_size)
    }

    pub fn set_limits(&self, hasher: &KeyHasher) -> SetLimits {
        SetLimits {
            intset_entries: self.set_max_intset_entries as usize,
            listpack_entries: self.set_max_listpack_entries as usize,
            listpack_value: self.set_max_listpack_value as usize,
            hasher: hasher.clone(),
        }
    }

    pub fn hash_limits(&self, hasher: &KeyHasher) -> HashLimits {
        HashLimits {
            listpack_entries: self.hash_max_listpack_entries as usize,
            listpack_value: self.hash_max_listpack_value as usize,
            hasher: hasher.clone(),
        }
    }

    pub fn sorted_set_limits(&self, hasher: &KeyHasher) -> SortedSetLimits {
        SortedSetLimits {
            entries: self.zset_max_listpack_entries as usize,
            value: self.zset_max_listpack_value as usize,
            hasher: hasher.clone(),
        }
    }

    /// Those of all types, for values that come as bytes.
    pub fn limits(&self, hasher: &KeyHasher) -> Limits {
        Limits {
            list: self.list_fill(),
            set: self.set_limits(hasher),
            hash: self.hash_limits(hasher),
            sorted_set: self.sorted_set_limits(hasher),
        }
    }
}
