//! What has been read: a value that stands in no database yet, and what is told with it.
use super::writer::Usage;
use crate::store::entry::{Formed, Held};
use crate::store::text::INLINE_BYTES_MAX;
use crate::store::text::Long;
use crate::store::value::list::Fill;
use crate::store::{Content, HashLimits, SetLimits, SortedSetLimits};

/// What the settings say of how values are kept.
#[derive(Clone)]
pub struct Limits {
    pub list: Fill,
    pub set: SetLimits,
    pub hash: HashLimits,
    pub sorted_set: SortedSetLimits,
}

#[derive(Clone, Debug)]
pub enum Loaded {
    String(Vec<u8>),
    Integer(i64),
    Collection(Held),
}

impl Loaded {
    pub(super) fn of(collection: impl Formed) -> Loaded {
        Loaded::Collection(collection.hold())
    }

    /// As what an entry is to hold.
    pub fn content(&mut self) -> Content<'_> {
        match self {
            Loaded::Integer(integer) => Content::Integer(*integer),
            Loaded::String(bytes) if bytes.len() > INLINE_BYTES_MAX => Content::Long(Long::Own(std::mem::take(bytes))),
            Loaded::String(bytes) => Content::new(bytes),
            Loaded::Collection(_) => {
                let Loaded::Collection(held) = std::mem::replace(self, Loaded::Integer(0)) else {
                    unreachable!("it was just seen")
                };
                Content::Held(held)
            }
        }
    }
}

#[derive(Clone, Debug)]
pub struct LoadedEntry {
    pub database: usize,
    pub key: Vec<u8>,
    pub value: Loaded,
    pub expires_ms: Option<i64>,
    pub usage: Option<Usage>,
}
