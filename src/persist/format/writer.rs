//! A file, written from its beginning to its end: header, facts about who wrote it, databases with their entries, checksum.
//! Bytes go to the sink as they are made.
use super::crc64::Crc64;
use super::encode::{Encoder, Options, Sink, is_empty, put_length, type_of};
use super::types;
use crate::store::{Entry, Keyspace};

pub struct Writer<S> {
    out: Summed<S>,
    encoder: Encoder,
}

/// What is told of how an entry was used: what the eviction policy goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Seconds since the last use.
    Idle(u64),
    /// How often, on the scale of LFU.
    Frequency(u8),
}

/// A sink, and the sum of what went there.
struct Summed<S> {
    sink: S,
    /// None: nobody wants it.
    crc: Option<Crc64>,
    written: u64,
}

impl<S: Sink> Sink for Summed<S> {
    fn put(&mut self, bytes: &[u8]) {
        if let Some(crc) = &mut self.crc {
            crc.add(bytes);
        }
        self.written += bytes.len() as u64;
        self.sink.put(bytes);
    }
}

/// The version that a file of these data needs: such as Redis 7.0 loads, unless fields of hashes expire.
pub fn version_for(data: &Keyspace) -> u32 {
    let has_volatile_fields = data.databases().iter().any(|database| database.partly_volatile() > 0);
    if has_volatile_fields { types::VERSION_WITH_FIELD_EXPIRY } else { types::VERSION }
}

impl<S: Sink> Writer<S> {
    /// `version`: as `version_for` says. `checksum`: `rdbchecksum`; without it the file ends with a zero.
    pub fn new(sink: S, version: u32, checksum: bool, options: Options) -> Writer<S> {
        let mut out = Summed { sink, crc: checksum.then(Crc64::default), written: 0 };
        out.put(format!("REDIS{version:04}").as_bytes());
        Writer { out, encoder: Encoder::new(options) }
    }

    /// A fact about who wrote it.
    pub fn aux(&mut self, name: &str, value: &str) {
        self.out.put(&[types::AUX]);
        self.encoder.string(name.as_bytes(), &mut self.out);
        self.encoder.string(value.as_bytes(), &mut self.out);
    }

    /// What follows is in this database: so many keys, and so many of them expire.
    pub fn database(&mut self, number: usize, keys: usize, volatile: usize) {
        self.out.put(&[types::DATABASE]);
        put_length(number as u64, &mut self.out);
        self.out.put(&[types::RESIZE]);
        put_length(keys as u64, &mut self.out);
        put_length(volatile as u64, &mut self.out);
    }

    /// One entry; fields that have expired are left out, and a hash that has no others.
    pub fn entry(&mut self, entry: &Entry, usage: Option<Usage>, now_ms: i64) {
        let value = entry.value();
        if is_empty(&value, now_ms) {
            return;
        }
        let out = &mut self.out;
        if let Some(at_ms) = entry.expires_ms() {
            out.put(&[types::EXPIRES_MS]);
            out.put(&at_ms.to_le_bytes());
        }
        match usage {
            None => {}
            Some(Usage::Idle(seconds)) => {
                out.put(&[types::IDLE]);
                put_length(seconds, out);
            }
            Some(Usage::Frequency(count)) => out.put(&[types::FREQUENCY, count]),
        }
        let form = type_of(&value, now_ms);
        out.put(&[form]);
        self.encoder.string(entry.key(), out);
        self.encoder.value(form, &value, now_ms, out);
    }

    /// Bytes so far.
    pub fn written(&self) -> u64 {
        self.out.written
    }

    pub fn sink(&mut self) -> &mut S {
        &mut self.out.sink
    }

    /// The end of the file, and the sink.
    pub fn finish(mut self) -> S {
        self.out.put(&[types::END]);
        let sum = self.out.crc.map_or(0, Crc64::sum);
        self.out.put(&sum.to_le_bytes());
        self.out.sink
    }
}
