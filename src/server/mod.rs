//! The world that commands see beside the data. Never sees `wire`.
pub mod config;
