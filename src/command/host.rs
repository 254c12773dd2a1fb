//! What the machine lends to the engine for the length of a call: clocks, a tick source, a chance to breathe. The
//! reactor is the host of a running server; a test has its own.
use super::effect::Effect;
use super::entry::Commands;
use super::queue::Queues;
use super::record::Record;
use crate::base::time::Now;
use crate::persist::files::Files;
use crate::server::clients::{Address, ClientId};
use crate::server::config::Config;
use crate::server::{Refused, Server};
use crate::store::Keyspace;

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
    /// Gives back what memory the process holds for later.
    fn purge(&mut self) {}
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
    /// Where the data is saved to, and loaded from.
    fn files(&mut self) -> &mut dyn Files;
    /// A command takes long, and this is its breath: polls without waiting, reads for the bystanders, has them answered,
    /// sends what they are told. Nothing of what the running command uses may be touched but by them.
    fn breathe(&mut self, _bystanders: &mut dyn Bystanders) {}
}

/// The other clients while a command holds the data: the engine's grammar of calls, as far as it goes then. They are told
/// that the server is busy, and whoever asks for the command to stop is heard. The host keeps to it for the length of a
/// breath.
pub trait Bystanders {
    fn config(&self) -> &Config;
    /// A client has come: its identity, or what to tell it before it is sent away.
    fn open(&mut self, address: Address, now: Now) -> Result<ClientId, Refused>;
    fn has_descriptor(&mut self, id: ClientId, descriptor: i32);
    /// Room for what it sends; empty: it is not to be read now.
    fn space(&mut self, id: ClientId) -> &mut [u8];
    fn filled(&mut self, id: ClientId, count: usize);
    /// Serves what it has sent: all of it, since the time is another's.
    fn answer(&mut self, id: ClientId, host: &mut dyn Host);
    /// What may be sent, a piece of it; and that so much was sent.
    fn pending(&self, id: ClientId) -> Option<&[u8]>;
    fn wrote(&mut self, id: ClientId, count: usize);
}

/// The other sessions, as a command sees them: it can only let them be heard.
pub trait Others {
    fn hear(&mut self, world: Around, host: &mut dyn Host);
}

/// What the requests of others work on, lent by the command that runs.
pub struct Around<'a> {
    pub data: &'a mut Keyspace,
    pub server: &'a mut Server,
    pub effects: &'a mut Vec<Effect>,
    pub record: &'a mut Record,
    pub queues: &'a mut Queues,
    pub table: &'static Commands,
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
    /// Of the thread that serves.
    pub main_user_cpu_us: u64,
    pub main_system_cpu_us: u64,
    /// What it listens on, as INFO's lines `listener0` (TCP) and `listener1` (the Unix socket) have it.
    pub listeners: [Option<String>; 2],
}
