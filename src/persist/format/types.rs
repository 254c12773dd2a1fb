//! The numbers of the format: types of values, and what else can stand between two of them.

pub const STRING: u8 = 0;
pub const LIST: u8 = 1;
pub const SET: u8 = 2;
/// Scores as text.
pub const ZSET: u8 = 3;
pub const HASH: u8 = 4;
/// Scores in eight bytes.
pub const ZSET_2: u8 = 5;
pub const MODULE: u8 = 6;
pub const MODULE_2: u8 = 7;
pub const HASH_ZIPMAP: u8 = 9;
pub const LIST_ZIPLIST: u8 = 10;
pub const SET_INTSET: u8 = 11;
pub const ZSET_ZIPLIST: u8 = 12;
pub const HASH_ZIPLIST: u8 = 13;
pub const LIST_QUICKLIST: u8 = 14;
pub const STREAM_LISTPACKS: u8 = 15;
pub const HASH_LISTPACK: u8 = 16;
pub const ZSET_LISTPACK: u8 = 17;
pub const LIST_QUICKLIST_2: u8 = 18;
pub const STREAM_LISTPACKS_2: u8 = 19;
/// From version 11 on.
pub const SET_LISTPACK: u8 = 20;
pub const STREAM_LISTPACKS_3: u8 = 21;
/// Fields that expire: of Redis's 7.4 before it was released. Valkey has given the number to a form of its own.
pub const HASH_METADATA_BEFORE: u8 = 22;
pub const VALKEY_HASH_2: u8 = 22;
pub const HASH_LISTPACK_EX_BEFORE: u8 = 23;
/// From version 12 on.
pub const HASH_METADATA: u8 = 24;
pub const HASH_LISTPACK_EX: u8 = 25;

/// Nodes of a list.
pub const NODE_PLAIN: u64 = 1;
pub const NODE_PACKED: u64 = 2;

pub const SLOT_INFO: u8 = 244;
pub const FUNCTION_2: u8 = 245;
pub const MODULE_AUX: u8 = 247;
pub const IDLE: u8 = 248;
pub const FREQUENCY: u8 = 249;
pub const AUX: u8 = 250;
pub const RESIZE: u8 = 251;
pub const EXPIRES_MS: u8 = 252;
/// The moment of a key that does not expire, as Redis and Valkey have it in memory: in a file it stands for the same.
pub const NEVER_MS: i64 = -1;
pub const EXPIRES_S: u8 = 253;
pub const DATABASE: u8 = 254;
pub const END: u8 = 255;

/// What Redis 7.0 writes, and every later one reads.
pub const VERSION: u32 = 10;
/// What Redis 8.0 writes: only where fields expire.
pub const VERSION_WITH_FIELD_EXPIRY: u32 = 12;
/// From here on the versions are Valkey's.
pub const VERSION_OF_VALKEY: u32 = 80;

/// The least version in which a type is known.
pub fn version_of(form: u8) -> u32 {
    if form >= HASH_METADATA { VERSION_WITH_FIELD_EXPIRY } else { VERSION }
}

/// Versions that can be read.
pub fn is_known(version: u32) -> bool {
    (1..=VERSION_WITH_FIELD_EXPIRY).contains(&version) || version == VERSION_OF_VALKEY
}
