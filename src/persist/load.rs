//! A file's data into the databases, a slice at a time, so that others can be told meanwhile that they are loaded. Keys that
//! have expired are left out. What changes is no event and no change: the data is what it was.
use super::files::OldFile;
use super::format::{Item, Limits, Loaded, LoadedEntry, Reader, Skipped, Source, Trouble, Unreadable, Usage, What};
use crate::base::number;
use crate::store::access::Used;
use crate::store::entry::Held;
use crate::store::{Keyspace, NewExpiry};
use log::{debug, info};
use std::cell::Cell;
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

/// A key with its value takes hardly less of a file: it cannot have more keys than its bytes allow, whatever it says.
const KEY_BYTES: u64 = 8;
/// To make room for more would take some milliseconds.
const ROOM_KEYS_MAX: u64 = 1 << 21;

pub struct Loading {
    reader: Reader<Stream>,
    replaces: bool,
    trouble: Rc<Cell<Option<io::Error>>>,
    /// What the file says of its keys is believed for so many more of them.
    room_keys: u64,
    pub progress: Progress,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub total_bytes: u64,
    pub bytes: u64,
    /// Of the server that wrote it, as the file says.
    pub used_memory: u64,
    pub keys: u64,
    pub expired: u64,
    pub empty: u64,
    pub functions: u64,
    pub module_data: u64,
}

/// Why a file cannot be loaded.
#[derive(Debug)]
pub enum Failed {
    Trouble(Trouble),
    Unreadable(io::Error),
    /// A key that is there already.
    Duplicate {
        database: usize,
        key: Vec<u8>,
        offset: u64,
    },
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            // As Redis's log has it.
            Failed::Trouble(trouble) if trouble.what == What::Checksum => write!(f, "RDB CRC error: {trouble}"),
            Failed::Trouble(trouble) => trouble.fmt(f),
            Failed::Unreadable(error) => error.fmt(f),
            Failed::Duplicate { database, key, offset } => {
                write!(f, "key '{}' is in database {database} already, at byte {offset}", key.escape_ascii())
            }
        }
    }
}

/// The file as a source; what the system said stays with its owner.
struct Stream {
    file: Box<dyn Read>,
    trouble: Rc<Cell<Option<io::Error>>>,
}

impl Source for Stream {
    fn fill(&mut self, room: &mut [u8]) -> Result<usize, Unreadable> {
        loop {
            match self.file.read(room) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.trouble.set(Some(error));
                    return Err(Unreadable);
                }
            }
        }
    }
}

impl Loading {
    /// `checksum`: `rdbchecksum`. `replaces`: what is there already under a key goes.
    pub fn begin(
        file: OldFile,
        databases: usize,
        limits: Limits,
        checksum: bool,
        replaces: bool,
    ) -> Result<Loading, Failed> {
        let trouble = Rc::default();
        let stream = Stream { file: file.bytes, trouble: Rc::clone(&trouble) };
        let mut reader = Reader::open(stream, databases, limits).map_err(|what| failed(what, &trouble))?;
        if !checksum {
            reader.ignore_checksum();
        }
        let progress = Progress { total_bytes: file.length, ..Progress::default() };
        Ok(Loading { reader, trouble, replaces, room_keys: ROOM_KEYS_MAX, progress })
    }

    /// Puts some more of it into the databases: about so many bytes, in the middle of a collection too; a string and a row
    /// are read whole. True: that was all.
    pub fn go_on(&mut self, data: &mut Keyspace, now_ms: i64, most: u64) -> Result<bool, Failed> {
        let from = self.reader.offset();
        self.reader.pause_bytes = most;
        while self.reader.offset() - from < most {
            let item = self.reader.read().map_err(|what| failed(what, &self.trouble))?;
            self.progress.bytes = self.reader.offset();
            match item {
                None => return Ok(true),
                Some(Item::Entry(entry)) => self.put(entry, data, now_ms)?,
                Some(Item::Unfinished) => {}
                Some(Item::Aux { name, value }) => self.hear(&name, &value, now_ms),
                Some(Item::Sizes { database, keys, volatile }) => {
                    let left = self.progress.total_bytes.saturating_sub(self.progress.bytes);
                    // Those that expire may have done so, and room that nobody needs is walked through by SCAN.
                    let keys = keys.saturating_sub(volatile).min(left / KEY_BYTES).min(self.room_keys);
                    self.room_keys -= keys;
                    data.make_room(database, keys as usize);
                }
                Some(Item::Skipped(Skipped::EmptyKey(_))) => self.progress.empty += 1,
                Some(Item::Skipped(Skipped::Functions)) => self.progress.functions += 1,
                Some(Item::Skipped(Skipped::ModuleData)) => self.progress.module_data += 1,
            }
        }
        Ok(false)
    }

    fn put(&mut self, mut entry: LoadedEntry, data: &mut Keyspace, now_ms: i64) -> Result<(), Failed> {
        let is_expired = entry.expires_ms.is_some_and(|at_ms| at_ms <= now_ms);
        if is_expired || matches!(&entry.value, Loaded::Collection(Held::Hash(hash)) if hash.len_at(now_ms) == 0) {
            self.progress.expired += 1;
            if let Loaded::Collection(held) = entry.value {
                data.ledger.trash.held(Some(held));
            }
            return Ok(());
        }
        // What is counted now is taken from what was counted then.
        let used = match (entry.usage, data.ledger.access.rates) {
            (Some(Usage::Idle(idle_s)), None) => Some(Used::idle_for(idle_s, now_ms)),
            (Some(Usage::Frequency(count)), Some(_)) => Some(Used::counted_so_far(count, now_ms)),
            _ => None,
        };
        let expiry = entry.expires_ms.map_or(NewExpiry::Never, NewExpiry::At);
        let (database, key, content) = (entry.database, &entry.key[..], entry.value.content());
        if !data.load(database, key, content, expiry, used, self.replaces, now_ms) {
            return Err(Failed::Duplicate { database, key: entry.key, offset: self.progress.bytes });
        }
        self.progress.keys += 1;
        Ok(())
    }

    /// What the file says of who wrote it. It may say anything, as long as one likes.
    fn hear(&mut self, name: &[u8], value: &[u8], now_ms: i64) {
        const SHOWN: usize = 64;
        let text = |bytes: &[u8]| bytes[..bytes.len().min(SHOWN)].escape_ascii().to_string();
        let number = number::unsigned(value);
        match (name, number) {
            (b"redis-ver", _) => info!("Loading RDB produced by version {}", text(value)),
            (b"valkey-ver", _) => info!("Loading RDB produced by Valkey version {}", text(value)),
            (b"ctime", Some(at_s)) => info!("RDB age {} seconds", (now_ms.max(0) as u64 / 1000).saturating_sub(at_s)),
            (b"used-mem", Some(bytes)) => {
                self.progress.used_memory = bytes;
                info!("RDB memory usage when created {:.2} Mb", bytes as f64 / (1 << 20) as f64);
            }
            _ => debug!("RDB '{}': '{}'", text(name), text(value)),
        }
    }
}

fn failed(trouble: Trouble, of_file: &Cell<Option<io::Error>>) -> Failed {
    of_file.take().map_or(Failed::Trouble(trouble), Failed::Unreadable)
}
