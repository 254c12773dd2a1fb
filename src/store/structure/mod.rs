//! Pure data structures. They know no command and no client.
pub mod table;
pub mod arena;
