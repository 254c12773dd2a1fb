//! The data: databases of entries, their values, when they expire, what changes. It knows no client, no command and no
//! reply, and reads no clock: the time is an argument.
pub mod access;
pub mod database;
pub mod door;
pub mod entry;
pub mod event;
pub mod expiry;
pub mod keyspace;
pub mod sizes;
pub mod structure;
#[cfg(test)]
mod tests;
pub mod text;
pub mod trash;
pub mod value;

pub use door::{Door, NewExpiry};
pub use entry::{Entry, Value};
pub use event::{Barrier, Change, Event};
pub use keyspace::{Hint, Keyspace, WARMED_MAX};
pub use structure::table::Start;
pub use text::{Content, Text};
pub use value::{Collection, Hash, HashLimits, List, Set, SetLimits, SortedSet, SortedSetLimits, Walk, WrongType};
