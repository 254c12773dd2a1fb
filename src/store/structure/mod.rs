//! Pure data structures. They know no command and no client.
pub mod arena;
pub mod chunk;
pub mod dict;
pub mod either;
pub mod heap;
pub mod index;
pub mod intset;
pub mod listpack_size;
pub mod pile;
pub mod ranking;
pub mod table;
pub mod wheel;
