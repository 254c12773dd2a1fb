//! The bytes of RDB files and of DUMP's payloads: written such that Redis 7.0 and all later ones load them, and Valkey, and
//! read as every Redis since 2.4 has written them, as far as the types are known here. No file is opened and no clock read:
//! bytes go to a `Sink` and come from a `Source`.
//! (<https://github.com/redis/redis/blob/7.2/src/rdb.h>, <https://rdb.fnordig.de/file_format.html>)
mod cells;
mod crc64;
mod decode;
mod dump;
mod encode;
mod growing;
mod input;
mod listpack;
mod loaded;
mod lzf;
mod reader;
#[cfg(test)]
mod tests;
mod trouble;
mod types;
mod writer;
mod ziplist;

pub use crc64::Crc64;
pub use dump::{dump, restore};
pub use encode::{Options, Sink};
pub use input::{Source, Unreadable};
pub use loaded::{Limits, Loaded, LoadedEntry};
pub use reader::{Item, Reader, Skipped};
pub use trouble::{Trouble, What};
pub use writer::{Usage, Writer, version_for};
