//! One key and all that is known of it: its value, when it expires, when it was last used.
use super::door::NewExpiry;
use super::text::{Small, Text, spilled};

/// A value of any type. (Strings are the only type so far.)
#[derive(Clone, Debug)]
pub enum Value {
    String(Text),
}

impl Value {
    /// As TYPE says it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::String(_) => "string",
        }
    }

    /// As OBJECT ENCODING says it.
    pub fn encoding(&self) -> &'static str {
        match self {
            Value::String(text) => text.encoding(),
        }
    }

    pub fn heap_bytes(&self) -> usize {
        match self {
            Value::String(text) => text.heap_bytes(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: Small,
    pub value: Value,
    /// The hash of the key: kept, since tables split and grow by it.
    pub(super) hash: u64,
    /// Milliseconds since 1970; `NEVER` if it does not expire. Invariant: no other negative number.
    pub(super) expires_ms: i64,
    /// Seconds of the clock when it was last used.
    pub(super) used_s: u32,
    /// The table's.
    pub(super) tag: u16,
}

/// Not the last moment there is: that is one that a client may ask for. As an unsigned number it is later than all.
pub(super) const NEVER: i64 = -1;

impl Entry {
    #[inline]
    pub fn expires_ms(&self) -> Option<i64> {
        (self.expires_ms != NEVER).then_some(self.expires_ms)
    }

    #[inline]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_ms as u64 <= now_ms.max(0) as u64
    }

    /// The same, for another entry that is to expire when this one does.
    pub fn expiry(&self) -> NewExpiry {
        self.expires_ms().map_or(NewExpiry::Never, NewExpiry::At)
    }

    pub fn idle_s(&self, now_ms: i64) -> u64 {
        (now_ms / 1000 - self.used_s as i64).max(0) as u64
    }

    /// Reads a byte of each thing that the entry points to, so that it is in the cache.
    #[inline]
    pub fn touch_heap(&self) -> u8 {
        let Value::String(text) = &self.value;
        self.key.first().copied().unwrap_or(0) ^ text.touch_heap()
    }

    #[inline]
    pub(super) fn touch(&mut self, now_ms: i64) {
        self.used_s = (now_ms / 1000) as u32;
    }

    /// What MEMORY USAGE counts: the entry and what it owns.
    pub fn bytes(&self) -> usize {
        size_of::<Entry>() + spilled(&self.key) + self.value.heap_bytes()
    }
}

/// ARCHITECTURE.md says so; each byte here is a byte per key.
const _: () = assert!(size_of::<Entry>() == 80);
