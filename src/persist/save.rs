//! All data into a file. Memory for the bytes stays bounded: they leave in chunks as they are made. The old file stays if
//! anything goes wrong. Nothing else is done meanwhile; who may wait for it is its caller's business.
use super::files::NewFile;
use super::format::{Options, Sink, Usage, Writer, version_for};
use crate::store::Keyspace;
use crate::store::access::{Rates, Used};
use std::io;

/// What the file tells of who wrote it, and how it is written.
pub struct Saving<'a> {
    /// Of Redis, by which a reader may know what to expect.
    pub version: &'a str,
    /// Bytes of memory in use.
    pub memory: usize,
    /// `rdbchecksum`.
    pub checksum: bool,
    pub options: Options,
    pub policy: Policy,
}

/// What of an entry's uses the file keeps: what the eviction policy goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Any,
    Recent,
    Frequent(Rates),
}

impl Policy {
    fn usage(self, used: Used, now_ms: i64) -> Option<Usage> {
        match self {
            Policy::Any => None,
            Policy::Recent => Some(Usage::Idle(used.idle_s(now_ms))),
            Policy::Frequent(rates) => Some(Usage::Frequency(used.frequency(rates, now_ms))),
        }
    }
}

/// So much is collected before it is written.
const CHUNK_BYTES: usize = 64 * 1024;

/// Writes all entries, those of the lowest database first. How many bytes they became.
pub fn save(data: &Keyspace, file: &mut dyn NewFile, saving: &Saving, now_ms: i64) -> io::Result<u64> {
    let chunks = Chunks { file, bytes: Vec::with_capacity(CHUNK_BYTES), trouble: None };
    let mut writer = Writer::new(chunks, version_for(data), saving.checksum, saving.options);
    writer.aux("redis-ver", saving.version);
    writer.aux("redis-bits", &usize::BITS.to_string());
    writer.aux("ctime", &now_ms.div_euclid(1000).to_string());
    writer.aux("used-mem", &saving.memory.to_string());
    writer.aux("aof-base", "0");
    for (number, database) in data.databases().iter().enumerate().filter(|(_, database)| !database.is_empty()) {
        writer.database(number, database.len(), database.volatile());
        for entry in database.iter() {
            writer.entry(entry, saving.policy.usage(entry.used(), now_ms), now_ms);
            if writer.sink().trouble.is_some() {
                break;
            }
        }
    }
    let bytes = writer.written();
    let mut chunks = writer.finish();
    chunks.flush();
    match chunks.trouble.take() {
        Some(trouble) => Err(trouble),
        None => chunks.file.finish().map(|()| bytes),
    }
}

/// Collects bytes; after a write that failed it takes what comes and forgets it.
struct Chunks<'f> {
    file: &'f mut dyn NewFile,
    bytes: Vec<u8>,
    trouble: Option<io::Error>,
}

impl Chunks<'_> {
    fn write(&mut self, bytes: &[u8]) {
        if self.trouble.is_none() {
            self.trouble = self.file.write(bytes).err();
        }
    }

    fn flush(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        self.write(&bytes);
        bytes.clear();
        self.bytes = bytes;
    }
}

impl Sink for Chunks<'_> {
    fn put(&mut self, bytes: &[u8]) {
        if self.bytes.len() + bytes.len() > CHUNK_BYTES {
            self.flush();
        }
        if bytes.len() >= CHUNK_BYTES { self.write(bytes) } else { self.bytes.extend_from_slice(bytes) }
    }
}
