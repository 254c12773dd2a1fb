//! The records of a dict: what their bytes say, and where they stand.
//!
//! ```text
//!   record   length of the key, or 127; above it, whether it expires
//!            [when it expires: 6 bytes]
//!            [length of a longer key: 4 bytes]
//!            key
//!            of a field also: length of its value, or 255; [of a longer one: 4 bytes]; value
//! ```
use super::{Slot, integer};
use crate::store::database::KeyHasher;
use crate::store::structure::chunk::Element;
use crate::store::structure::heap::{Handle, Heap};
use crate::store::structure::table;

/// One that is seen.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub key: Element<'a>,
    /// Of a member of a set it is empty.
    pub value: &'a [u8],
    pub expires_ms: Option<i64>,
}

/// How records hash, with what that takes: where they stand.
#[derive(Clone, Debug)]
pub struct Records<const FIELDS: bool> {
    pub hasher: KeyHasher,
    pub heap: Heap,
}

impl<const FIELDS: bool> table::Hasher<Slot> for Records<FIELDS> {
    #[inline]
    fn hash(&self, slot: &Slot) -> u64 {
        match slot.handle() {
            Some(handle) => self.hasher.key(Parts::<FIELDS>::of(self.heap.from(handle)).key),
            None => self.hasher.number(slot.payload()),
        }
    }

    #[inline]
    fn prefetch(&self, slot: &Slot) {
        if let Some(handle) = slot.handle() {
            self.heap.prefetch(handle);
        }
    }
}

/// The last moment, as in Redis, where it has 46 bits.
pub const EXPIRY_MS_MAX: i64 = (1 << 46) - 1;
const EXPIRES: u8 = 0x80;
const EXPIRY: usize = 6;
const LONG_KEY: u8 = 0x7F;
const LONG_VALUE: u8 = 0xFF;

/// A record as its bytes are read.
pub struct Parts<'a, const FIELDS: bool> {
    pub key: &'a [u8],
    pub value: &'a [u8],
    pub expires_ms: Option<i64>,
    pub length: usize,
}

impl<'a, const FIELDS: bool> Parts<'a, FIELDS> {
    /// Of what begins with a record.
    #[inline]
    pub fn of(bytes: &'a [u8]) -> Self {
        let whole = bytes.len();
        let (head, mut rest) = bytes.split_first().expect("no record is empty");
        let mut expires_ms = None;
        if head & EXPIRES != 0 {
            let mut word = [0; 8];
            word[..EXPIRY].copy_from_slice(&rest[..EXPIRY]);
            (expires_ms, rest) = (Some(i64::from_le_bytes(word)), &rest[EXPIRY..]);
        }
        let (key, mut rest) = split(head & !EXPIRES, LONG_KEY, rest);
        let mut value: &[u8] = &[];
        if FIELDS {
            (value, rest) = split(rest[0], LONG_VALUE, &rest[1..]);
        }
        Parts { key, value, expires_ms, length: whole - rest.len() }
    }
}

/// A string whose length is this, or stands before it.
#[inline]
fn split(length: u8, long: u8, bytes: &[u8]) -> (&[u8], &[u8]) {
    if length < long {
        return bytes.split_at(length as usize);
    }
    let (length, rest) = bytes.split_first_chunk().expect("a long one has its length before it");
    rest.split_at(u32::from_le_bytes(*length) as usize)
}

/// Bytes that a length takes.
fn length_width(length: usize, long: u8) -> usize {
    if length < long as usize { 1 } else { 5 }
}

impl<const FIELDS: bool> Records<FIELDS> {
    pub fn new(hasher: KeyHasher) -> Self {
        Records { hasher, heap: Heap::default() }
    }

    pub fn add(&mut self, key: &[u8], value: &[u8], expires_ms: Option<i64>) -> Handle {
        let of_value = if FIELDS { length_width(value.len(), LONG_VALUE) + value.len() } else { 0 };
        let expiry = expires_ms.map_or(0, |_| EXPIRY);
        let length = length_width(key.len(), LONG_KEY) + expiry + key.len() + of_value;
        self.heap.add(length, |to| {
            let is_long = key.len() >= LONG_KEY as usize;
            to.push(if is_long { LONG_KEY } else { key.len() as u8 } | if expires_ms.is_some() { EXPIRES } else { 0 });
            if let Some(at_ms) = expires_ms {
                debug_assert!((0..=EXPIRY_MS_MAX).contains(&at_ms));
                to.extend_from_slice(&at_ms.to_le_bytes()[..EXPIRY]);
            }
            if is_long {
                to.extend_from_slice(&(key.len() as u32).to_le_bytes());
            }
            to.extend_from_slice(key);
            if FIELDS && value.len() < LONG_VALUE as usize {
                to.push(value.len() as u8);
            } else if FIELDS {
                to.push(LONG_VALUE);
                to.extend_from_slice(&(value.len() as u32).to_le_bytes());
            }
            to.extend_from_slice(value);
        })
    }

    #[inline]
    pub fn parts(&self, handle: Handle) -> Parts<'_, FIELDS> {
        Parts::of(self.heap.from(handle))
    }

    #[inline]
    pub fn get(&self, slot: Slot) -> Record<'_> {
        match slot.handle() {
            Some(handle) => {
                let Parts { key, value, expires_ms, .. } = self.parts(handle);
                Record { key: Element::Bytes(key), value, expires_ms }
            }
            None => Record { key: Element::Integer(integer(slot.payload())), value: &[], expires_ms: None },
        }
    }
}
