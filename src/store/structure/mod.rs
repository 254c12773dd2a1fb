//! Pure data structures. They know no command and no client.
pub mod arena;
pub mod chunk;
pub mod either;
pub mod listpack_size;
pub mod pile;
pub mod ranking;
pub mod table;
pub mod wheel;
