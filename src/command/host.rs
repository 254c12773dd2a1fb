//! What the machine lends to the engine for the length of a call: clocks, a tick source, a chance to breathe. The
//! reactor is the host of a running server; a test has its own.
use crate::base::time::Now;
use crate::server::clients::ClientId;
use crate::server::config::Config;

pub trait Host {
    /// A counter that only rises, read once per command. `machine` tells what it counts.
    fn ticks(&mut self) -> u64;
    /// How many ticks a millisecond has, about.
    fn ticks_per_ms(&mut self) -> u64;
    /// The clocks, read now.
    fn now(&mut self) -> Now;
    /// A command wants nothing to happen for so long (DEBUG SLEEP).
    fn sleep(&mut self, span_us: u64);
    /// What INFO tells of the process.
    fn machine(&mut self) -> Machine;
    /// These settings are now as `config` has them: does what they ask of the world outside, such as to listen elsewhere,
    /// and may put a value into its full form. An error names the one that cannot be had, and why; then nothing outside
    /// has changed.
    fn follow(&mut self, _config: &mut Config, _changed: &[&'static str]) -> Result<(), (&'static str, String)> {
        Ok(())
    }
    /// Puts into a file's place what `make` makes of its bytes: whole and on the disk, or not at all. An error is a
    /// sentence of the system.
    fn replace_file(&mut self, _path: &str, _make: &mut dyn FnMut(&[u8]) -> Vec<u8>) -> Result<(), String> {
        Err("there are no files here".into())
    }
    /// A command takes long: polls without waiting and reads for `bystanders`. Called some hundred times a second.
    /// True: one of them asks for the command to stop.
    fn breathe(&mut self, bystanders: &mut dyn Bystanders) -> bool;
}

/// The other clients, as far as they can be served while a command holds the data: they are told that the server is
/// busy, and what only asks for the command to stop is heard. Borrows no store.
pub trait Bystanders {
    fn space(&mut self, id: ClientId) -> &mut [u8];
    fn filled(&mut self, id: ClientId, count: usize);
    /// Answers what was read. True: somebody asks for the running command to stop.
    fn answer(&mut self, id: ClientId) -> bool;
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Machine {
    /// Bytes that the allocator has given out, and that the process has in memory.
    pub allocated: usize,
    pub resident: usize,
    /// Of the whole machine.
    pub memory: usize,
    pub process_id: u32,
    pub executable: String,
    pub operating_system: String,
    pub user_cpu_us: u64,
    pub system_cpu_us: u64,
    /// What it listens on, as INFO's `listener0` lines have it.
    pub listeners: Vec<String>,
}
