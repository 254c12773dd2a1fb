//! The server itself: what it can do (COMMAND), how it is set up (CONFIG), how it fares (INFO), tools for tests (DEBUG),
//! its clock and its end.
mod command;
mod config;
mod costs;
mod debug;
mod describe;
mod digest;
mod info;
mod latency;
mod memory;
mod process;
mod reactor;
mod save;
mod sections;
mod slowlog;

pub use {
    command::*,
    config::*,
    debug::*,
    info::*,
    latency::*,
    memory::*,
    process::*,
    save::{LastSave, Save},
    slowlog::*,
};
