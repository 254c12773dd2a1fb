//! Spindle: a Redis-compatible server, one thread, one poll loop, no locks.
pub mod base;
pub mod cli;
pub mod logging;
pub mod server;
