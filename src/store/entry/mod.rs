//! One key and all that is known of it, in one piece of memory, so that to find a key is one cache miss and to keep it costs
//! few bytes. The table holds a pointer to it, with 16 bits of its own in the pointer's unused ones.
//! Unsafe, since the layout is by hand: the only place where it is written and read. It decides nothing.
#![allow(unsafe_code)]
mod change;
mod held;
#[cfg(test)]
mod tests;

use super::access::{Access, Used};
use super::door::NewExpiry;
use super::sizes::Size;
use super::structure::arena;
use super::structure::table::Item;
use super::text::{Long, Text};
use super::value::{Collection, WrongType};
use crate::base::prefetch::prefetch;
pub use held::{Formed, Held, Value};
use std::fmt;
use std::ptr::NonNull;

/// Not the last moment there is: that is one that a client may ask for. As an unsigned number it is later than all.
pub(super) const NEVER: i64 = -1;

/// Owns its cell and what that points to. It does not know its arena, so it does not free itself: `free` does.
/// Invariant: the address of a cell that `new` made, with a tag in its top 16 bits.
pub struct Entry(NonNull<u8>);

// The header's parts. Form and flags share a byte.
const INTEGER: u8 = 0;
const EMBEDDED: u8 = 1;
const RAW: u8 = 2;
/// From here on the value is a pointer: this bit says so. Collections have the numbers above (held.rs).
const LONG: u8 = 0b1000;
const FORM: u8 = 0b1111;
const EXPIRES: u8 = 0b1_0000;
/// The mark of the wheel's round in which an item was filed for it last.
const MARK: u8 = 0b10_0000;
const LONG_KEY: u8 = 255;
const HEADER: usize = 8;
/// What an integer or a pointer takes.
const WORD: usize = 8;
const TAG_SHIFT: u32 = 48;
const ADDRESS: usize = (1 << TAG_SHIFT) - 1;

/// What the sizes of an entry follow from. In its cell stand, one behind the other:
///
/// ```text
///   0        form of the value, and which of the parts in brackets there are
///   1        length of the key, or 255
///   2..4     length of a value that stands here
///   4..8     when and how often it was used
///   [8..16]  when it expires
///   [8]      a long string or a collection: a pointer, aligned
///   [..4]    length of a longer key
///   key
///   [value]  its bytes, or an integer: 8 bytes
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    form: u8,
    /// There is room for a moment of expiry.
    expires: bool,
    key: usize,
    /// Bytes of the value that stand here.
    value: usize,
}

impl Shape {
    #[inline]
    fn key_at(&self) -> usize {
        self.held_at() + (self.form & LONG) as usize + 4 * (self.key >= LONG_KEY as usize) as usize
    }

    /// What the entry points to, where it does.
    #[inline]
    fn held_at(&self) -> usize {
        HEADER + 8 * self.expires as usize
    }

    #[inline]
    fn value_at(&self) -> usize {
        if self.form >= LONG { self.held_at() } else { self.key_at() + self.key }
    }

    #[inline]
    fn bytes(&self) -> usize {
        self.key_at() + self.key + if self.form >= LONG { 0 } else { self.value }
    }
}

impl Item for Entry {
    #[inline]
    fn tag(&self) -> u16 {
        (self.0.as_ptr().addr() >> TAG_SHIFT) as u16
    }

    #[inline]
    fn set_tag(&mut self, tag: u16) {
        self.0 = with_tag(self.start(), tag);
    }
}

#[inline]
fn with_tag(start: *mut u8, tag: u16) -> NonNull<u8> {
    debug_assert_eq!(start.addr() & !ADDRESS, 0, "an address of user space");
    let tagged = start.map_addr(|address| address | (tag as usize) << TAG_SHIFT);
    NonNull::new(tagged).expect("a cell is somewhere")
}

// --- What is seen

impl Entry {
    #[inline]
    fn start(&self) -> *mut u8 {
        self.0.as_ptr().map_addr(|address| address & ADDRESS)
    }

    /// # Safety
    /// The bytes lie within the entry and hold a `T`.
    #[inline]
    unsafe fn get<T: Copy>(&self, at: usize) -> T {
        // SAFETY: as the caller says; alignment is not asked for.
        unsafe { self.start().add(at).cast::<T>().read_unaligned() }
    }

    /// # Safety
    /// The bytes lie within the entry.
    #[inline]
    unsafe fn set<T: Copy>(&mut self, at: usize, value: T) {
        // SAFETY: as the caller says; alignment is not asked for.
        unsafe { self.start().add(at).cast::<T>().write_unaligned(value) }
    }

    /// # Safety
    /// The bytes lie within the entry and have been written.
    #[inline]
    unsafe fn slice(&self, at: usize, length: usize) -> &[u8] {
        // SAFETY: as the caller says. What is written takes `&mut self`.
        unsafe { std::slice::from_raw_parts(self.start().add(at), length) }
    }

    #[inline]
    fn shape(&self) -> Shape {
        // SAFETY: every entry has a header; a long key has its length in the four bytes before it.
        unsafe {
            let [flags, key] = self.get::<[u8; 2]>(0);
            let expires = flags & EXPIRES != 0;
            let at = HEADER + 8 * expires as usize + (flags & LONG) as usize;
            let key = if key == LONG_KEY { self.get::<u32>(at) as usize } else { key as usize };
            Shape { form: flags & FORM, expires, key, value: self.get::<u16>(2) as usize }
        }
    }

    #[inline]
    pub fn key(&self) -> &[u8] {
        let shape = self.shape();
        // SAFETY: there the key is.
        unsafe { self.slice(shape.key_at(), shape.key) }
    }

    #[inline]
    pub(super) fn has_key(&self, key: &[u8]) -> bool {
        same(self.key(), key)
    }

    #[inline]
    pub fn value(&self) -> Value<'_> {
        let shape = self.shape();
        let at = shape.value_at();
        // SAFETY: as `write` has written them: an integer, bytes, or a pointer that this entry owns.
        Value::String(unsafe {
            match shape.form {
                INTEGER => Text::Integer(self.get(at)),
                EMBEDDED => Text::Embedded(self.slice(at, shape.value)),
                RAW => Text::Raw(self.slice(at, shape.value)),
                LONG => Text::Long(&*self.get::<*const Long>(at)),
                form => return Value::collection(form, self.start().add(at)),
            }
        })
    }

    /// The collection that the value is, if it is one of this type.
    #[inline]
    pub fn view<T: Collection>(&self) -> Result<&T, WrongType> {
        let shape = self.shape();
        if shape.form != T::FORM {
            return Err(WrongType);
        }
        // SAFETY: with this form the value stands there, aligned.
        Ok(unsafe { &*self.start().add(shape.value_at()).cast() })
    }

    /// The same, to be changed by the database, which keeps the accounts.
    #[inline]
    pub(super) fn view_mut<T: Collection>(&mut self) -> Result<&mut T, WrongType> {
        let shape = self.shape();
        if shape.form != T::FORM {
            return Err(WrongType);
        }
        // SAFETY: with this form the value stands there, aligned; the entry is borrowed for as long as the result.
        Ok(unsafe { &mut *self.start().add(shape.value_at()).cast() })
    }

    /// Whether it is a string with memory of its own.
    #[inline]
    pub(super) fn is_long(&self) -> bool {
        self.shape().form == LONG
    }

    /// That string, to be shared or changed.
    pub fn long_mut(&mut self) -> Option<&mut Long> {
        let at = self.shape().value_at();
        // SAFETY: this form has a pointer that this entry owns, and it is borrowed for as long as the result.
        self.is_long().then(|| unsafe { &mut *self.get::<*mut Long>(at) })
    }

    #[inline]
    pub(super) fn deadline_ms(&self) -> i64 {
        // SAFETY: with this flag the moment follows the header.
        unsafe { if self.get::<u8>(0) & EXPIRES != 0 { self.get(HEADER) } else { NEVER } }
    }

    /// When it expires, or the first of its elements.
    #[inline]
    pub(super) fn due_ms(&self) -> i64 {
        let own_ms = self.deadline_ms();
        let of_elements = if self.shape().form > LONG { self.value().due_ms() } else { None };
        of_elements.map_or(own_ms, |at_ms| (at_ms as u64).min(own_ms as u64) as i64)
    }

    #[inline]
    pub(super) fn mark(&self) -> bool {
        // SAFETY: every entry has a header.
        unsafe { self.get::<u8>(0) & MARK != 0 }
    }

    #[inline]
    pub(super) fn set_mark(&mut self, mark: bool) {
        // SAFETY: every entry has a header.
        unsafe { self.set(0, self.get::<u8>(0) & !MARK | if mark { MARK } else { 0 }) }
    }

    #[inline]
    pub fn expires_ms(&self) -> Option<i64> {
        Some(self.deadline_ms()).filter(|at_ms| *at_ms != NEVER)
    }

    #[inline]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.deadline_ms() as u64 <= now_ms.max(0) as u64
    }

    /// The same, for another entry that is to expire when this one does.
    pub fn expiry(&self) -> NewExpiry {
        self.expires_ms().map_or(NewExpiry::Never, NewExpiry::At)
    }

    /// When and how often it was used.
    #[inline]
    pub fn used(&self) -> Used {
        // SAFETY: every entry has a header.
        unsafe { self.get(4) }
    }

    pub(super) fn set_used(&mut self, used: Used) {
        // SAFETY: every entry has a header.
        unsafe { self.set(4, used) }
    }

    /// Writes only what is new: a line that is only read stays clean.
    #[inline]
    pub(super) fn touch(&mut self, access: &mut Access, now_ms: i64) {
        let (old, new) = (self.used(), access.again(self.used(), now_ms));
        if old != new {
            // SAFETY: every entry has a header.
            unsafe { self.set(4, new) }
        }
    }

    /// Asks for its first bytes, so that they are in the cache when they are wanted.
    #[inline]
    pub fn prefetch(&self) {
        prefetch(self.start());
        prefetch(self.start().wrapping_add(39));
    }

    /// What MEMORY USAGE counts beside the table's slot: the cell, and what it points to.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.account().bytes
    }

    #[inline]
    pub(super) fn account(&self) -> Account {
        let shape = self.shape();
        let cell = arena::rounded(shape.bytes());
        let apart = shape.form >= LONG;
        let value = self.value();
        let held = if apart { value.heap_bytes() } else { 0 };
        Account {
            bytes: cell + held,
            deadline_ms: self.deadline_ms(),
            partly: shape.form > LONG && self.value().due_ms().is_some(),
            apart: apart || cell > arena::CELL_MAX,
            size: value.size(),
        }
    }
}

/// What an entry adds to its database's accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub bytes: usize,
    /// `NEVER` if it does not expire.
    pub deadline_ms: i64,
    /// It has memory beside its cell, or a cell that is no part of a page: it must be freed by itself.
    pub apart: bool,
    /// It has elements that expire.
    pub partly: bool,
    pub size: Size,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:?} = {:?} until {:?}", self.key().escape_ascii(), self.value(), self.expires_ms())
    }
}

/// Whether two keys are the same. Those of 8 to 32 bytes are compared by their ends, which overlap: a call of `memcmp` took
/// 30 instructions.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    #[inline]
    fn ends<const N: usize>(key: &[u8]) -> Option<[&[u8; N]; 2]> {
        if key.len() <= 2 * N { Some([key.first_chunk()?, key.last_chunk()?]) } else { None }
    }
    one.len() == other.len()
        && match (ends::<8>(one), ends::<8>(other), ends::<16>(one), ends::<16>(other)) {
            (Some(one), Some(other), ..) => one == other,
            (.., Some(one), Some(other)) => one == other,
            _ => one == other,
        }
}
