//! A large collection of short records found by their keys: members of a set, or fields with values. The table is the
//! keyspace's own, so it never grows all at once, and is walked in the order of hashes; the records stand in a heap, with no
//! memory of their own each. An integer that is no field's name stands in the table itself.
//!
//! ```text
//!   slot     tag (16 bits) | 0 | a handle of the heap     (47 bits)
//!            tag (16 bits) | 1 | an integer               (47 bits)
//! ```
mod record;
#[cfg(test)]
mod tests;

use super::heap::Handle;
use super::index::Index;
use super::table::{Item, Place, Start, Table};
use crate::base::number;
use crate::store::database::KeyHasher;
pub use record::{EXPIRY_MS_MAX, Record};
use record::{Parts, Records};
use std::num::NonZeroU64;

/// With `FIELDS` each key has a value and may expire. Without, it is a set of keys.
#[derive(Clone, Debug)]
pub struct Dict<const FIELDS: bool> {
    table: Table<Slot, Records<FIELDS>>,
    /// Invariant: counts the records that expire.
    volatile: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot(NonZeroU64);

const TAG_SHIFT: u32 = 48;
const PAYLOAD: u64 = (1 << TAG_SHIFT) - 1;
const INLINE: u64 = 1 << 47;

impl Slot {
    fn new(payload: u64) -> Slot {
        Slot(NonZeroU64::new(payload).expect("no payload is 0"))
    }

    #[inline]
    fn payload(self) -> u64 {
        self.0.get() & PAYLOAD
    }

    #[inline]
    fn handle(self) -> Option<Handle> {
        let payload = self.payload();
        (payload & INLINE == 0).then(|| Handle::from_bits(payload))
    }

    fn point(&mut self, handle: Handle) {
        *self = Slot::new(self.0.get() & !PAYLOAD | handle.bits());
    }
}

impl Item for Slot {
    #[inline]
    fn tag(&self) -> u16 {
        (self.0.get() >> TAG_SHIFT) as u16
    }

    #[inline]
    fn set_tag(&mut self, tag: u16) {
        *self = Slot::new((tag as u64) << TAG_SHIFT | self.payload());
    }
}

/// As a payload, if it is one that stands in its slot.
#[inline]
fn inline(key: &[u8]) -> Option<u64> {
    const HALF: i64 = 1 << 46;
    number::integer(key)
        .filter(|integer| (-HALF..HALF).contains(integer))
        .map(|integer| INLINE | integer as u64 & (INLINE - 1))
}

/// The hash of a member of a set; of a field it is that of its name.
#[inline]
pub fn hash_of_member(hasher: &KeyHasher, member: &[u8]) -> u64 {
    inline(member).map_or_else(|| hasher.key(member), |payload| hasher.number(payload))
}

/// What that payload was.
#[inline]
fn integer(payload: u64) -> i64 {
    (payload << 17) as i64 >> 17
}

impl<const FIELDS: bool> Index for Dict<FIELDS> {
    #[inline]
    fn foresee(&self, key: &[u8]) -> Start {
        let hasher = &self.table.hasher().hasher;
        self.table.prefetch(if FIELDS { hasher.key(key) } else { hash_of_member(hasher, key) })
    }

    #[inline]
    fn fetch(&self, start: Start) -> bool {
        if let Some(handle) = self.table.candidate(start).and_then(|(_, slot)| slot.handle()) {
            self.table.hasher().heap.prefetch(handle);
        }
        false
    }
}

/// Records that are moved, at most, when one goes.
const MOVED: usize = 8;
/// As much work to free as a block of the heap.
const FREED: usize = 1024;

impl<const FIELDS: bool> Dict<FIELDS> {
    pub fn new(hasher: KeyHasher) -> Self {
        Dict { table: Table::new(Records::new(hasher)), volatile: 0 }
    }

    /// An empty one that will get so many records.
    pub fn with_room(hasher: KeyHasher, count: usize) -> Self {
        Dict { table: Table::with_room(Records::new(hasher), count), volatile: 0 }
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Records that expire.
    pub fn volatile(&self) -> usize {
        self.volatile
    }

    pub fn heap_bytes(&self) -> usize {
        self.table.heap_bytes() + self.table.hasher().heap.heap_bytes()
    }

    pub fn pieces(&self) -> usize {
        self.table.hasher().heap.pieces() + self.len() / FREED
    }

    /// Frees up to so many pieces of what nobody will look at again. True: there are more.
    pub fn shed(&mut self, most: usize) -> bool {
        self.table.hasher_mut().heap.shed(most) || self.table.pop_some(most.saturating_mul(FREED), &mut |_| {})
    }

    // --- What is seen

    /// The hash of a key, and where it is.
    #[inline]
    pub fn search(&self, key: &[u8]) -> (u64, Option<Place>) {
        let records = self.table.hasher();
        if !FIELDS && let Some(payload) = inline(key) {
            let hash = records.hasher.number(payload);
            return (hash, self.table.find(hash, |slot| slot.payload() == payload));
        }
        let hash = records.hasher.key(key);
        let same = |slot: &Slot| slot.handle().is_some_and(|handle| records.parts(handle).key == key);
        (hash, self.table.find(hash, same))
    }

    #[inline]
    pub fn find(&self, key: &[u8]) -> Option<Place> {
        self.search(key).1
    }

    /// Of a field.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        debug_assert!(FIELDS);
        self.table.hasher().hasher.key(key)
    }

    /// The field of this hash that expires at this moment.
    pub fn find_due(&self, hash: u64, at_ms: i64) -> Option<Place> {
        let records = self.table.hasher();
        let is_it = |handle| {
            let Parts { key, expires_ms, .. } = records.parts(handle);
            expires_ms == Some(at_ms) && records.hasher.key(key) == hash
        };
        self.table.find(hash, |slot| slot.handle().is_some_and(is_it))
    }

    #[inline]
    pub fn at(&self, place: Place) -> Record<'_> {
        self.table.hasher().get(*self.table.get(place))
    }

    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        self.table.iter().map(|slot| self.table.hasher().get(*slot))
    }

    /// Records in hash order from `cursor` on: about `count`, and the cursor of the next call.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(Record)) -> Option<u64> {
        self.table.scan(cursor, count, &mut |slot| visit(self.table.hasher().get(*slot)))
    }

    /// Some record, all equally likely.
    pub fn random(&self, chance: &mut dyn FnMut() -> u64) -> Option<Place> {
        self.table.random_place(chance)
    }

    // --- What is changed

    /// Adds a key. False: it is there already.
    #[inline]
    pub fn add(&mut self, key: &[u8]) -> bool {
        let (hash, place) = self.search(key);
        if place.is_none() {
            self.insert(hash, key, &[], None);
        }
        place.is_none()
    }

    /// Sets the value of a key, and when it expires. False: it was there already.
    #[inline]
    pub fn put(&mut self, key: &[u8], value: &[u8], expires_ms: Option<i64>) -> bool {
        let (hash, place) = self.search(key);
        match place {
            Some(place) => self.put_at(place, value, expires_ms),
            None => self.insert(hash, key, value, expires_ms),
        }
        place.is_none()
    }

    /// Adds a key that is not there, of this hash.
    pub fn insert(&mut self, hash: u64, key: &[u8], value: &[u8], expires_ms: Option<i64>) {
        let payload = if FIELDS { None } else { inline(key) };
        let payload = payload.unwrap_or_else(|| self.table.hasher_mut().add(key, value, expires_ms).bits());
        self.volatile += expires_ms.is_some() as usize;
        self.table.insert(hash, Slot::new(payload));
    }

    /// The same for one that is there.
    pub fn put_at(&mut self, place: Place, value: &[u8], expires_ms: Option<i64>) {
        self.update(place, value, |_| expires_ms);
    }

    /// The same; `expiry` makes a new moment of expiry of the old one. Both.
    #[inline]
    pub fn update(
        &mut self,
        place: Place,
        value: &[u8],
        expiry: impl FnOnce(Option<i64>) -> Option<i64>,
    ) -> (Option<i64>, Option<i64>) {
        assert!(FIELDS, "members have no values");
        let old = self.table.get(place).handle().expect("a field stands in the heap");
        let records = self.table.hasher_mut();
        let parts = records.parts(old);
        let (length, old_ms) = (parts.length, parts.expires_ms);
        let expires_ms = expiry(old_ms);
        if old_ms == expires_ms && parts.value.len() == value.len() {
            records.heap.from_mut(old)[length - value.len()..length].copy_from_slice(value);
        } else {
            self.rewrite(place, value, expires_ms);
        }
        (old_ms, expires_ms)
    }

    fn rewrite(&mut self, place: Place, value: &[u8], expires_ms: Option<i64>) {
        let old = self.table.get(place).handle().expect("a field stands in the heap");
        let records = self.table.hasher_mut();
        let parts = records.parts(old);
        let (length, was_volatile) = (parts.length, parts.expires_ms.is_some());
        let key = parts.key.to_vec();
        let new = records.add(&key, value, expires_ms);
        records.heap.remove(old, length);
        self.table.get_mut(place).point(new);
        self.volatile = self.volatile + expires_ms.is_some() as usize - was_volatile as usize;
        self.sweep();
    }

    /// Changes when a record expires.
    pub fn expire_at(&mut self, place: Place, expires_ms: Option<i64>) {
        let record = self.at(place);
        if record.expires_ms != expires_ms {
            let value = record.value.to_vec();
            self.put_at(place, &value, expires_ms);
        }
    }

    /// False: it was not there.
    #[inline]
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let place = self.find(key);
        place.map(|place| self.remove_at(place)).is_some()
    }

    pub fn remove_at(&mut self, place: Place) {
        let slot = self.table.remove(place);
        if let Some(handle) = slot.handle() {
            let records = self.table.hasher_mut();
            let Parts { length, expires_ms, .. } = records.parts(handle);
            records.heap.remove(handle, length);
            self.volatile -= expires_ms.is_some() as usize;
            self.sweep();
        }
    }

    /// Moves a few records together where many have gone.
    #[inline]
    fn sweep(&mut self) {
        if self.table.hasher().heap.is_sparse() {
            self.move_some();
        }
    }

    #[cold]
    fn move_some(&mut self) {
        let mut found = [None; MOVED];
        let records = self.table.hasher_mut();
        for one in &mut found {
            let Some(old) = records.heap.next_to_move(|bytes| Parts::<FIELDS>::of(bytes).length) else { break };
            *one = Some((old, records.hasher.key(records.parts(old).key)));
        }
        let found = found.iter().map_while(|one| *one);
        found.clone().for_each(|(_, hash)| _ = self.table.prefetch(hash));
        for (old, hash) in found {
            // Nobody points to a hole, or to what was found twice and has moved the first time.
            let Some(place) = self.table.find(hash, |slot| slot.handle() == Some(old)) else { continue };
            let records = self.table.hasher_mut();
            let length = records.parts(old).length;
            let new = records.heap.relocate(old, length);
            self.table.get_mut(place).point(new);
        }
    }

    pub fn check(&self) {
        self.table.check();
        let records = self.table.hasher();
        records.heap.check();
        let handles = || self.table.iter().filter_map(|slot| slot.handle());
        assert_eq!(records.heap.live(), handles().map(|handle| records.parts(handle).length).sum::<usize>());
        assert_eq!(self.volatile, self.iter().filter(|record| record.expires_ms.is_some()).count());
    }
}
