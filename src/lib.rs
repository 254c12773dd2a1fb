//! Spindle: a Redis-compatible server, one thread, one poll loop, no locks. One line per room, in the order in which a
//! request's bytes travel; below them, what they stand on. Each imports only rooms that stand below it in this list.
pub mod cli;
pub mod logging;
pub mod service;
pub mod reactor;
pub mod explain;
pub mod engine;
pub mod commands;
pub mod command;
pub mod wire;
pub mod server;
pub mod persist;
pub mod store;
pub mod base;
