//! A large collection of short records found by their keys: members of a set, or fields with values. The table is the
//! keyspace's own, so it never grows all at once, and is walked in the order of hashes; the records stand in a heap, with no
//! memory of their own each. An integer that is no field's name stands in the table itself.
//!
//! ```text
//!   slot     tag (16 bits) | 0 | a handle of the heap     (47 bits)
//!            tag (16 bits) | 1 | an integer               (47 bits)
//!
//!   record   length of the key, or 127; above it, whether it expires
//!            [when it expires: 6 bytes]
//!            [length of a longer key: 4 bytes]
//!            key
//!            of a field also: length of its value, or 255; [of a longer one: 4 bytes]; value
//! ```
use super::chunk::Element;
use super::heap::{Handle, Heap};
use super::index::Index;
use super::table::{self, Item, Place, Start, Table};
use crate::base::number;
use crate::store::database::KeyHasher;
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
struct Records<const FIELDS: bool> {
    hasher: KeyHasher,
    heap: Heap,
}

impl<const FIELDS: bool> table::Hasher<Slot> for Records<FIELDS> {
    #[inline]
    fn hash(&self, slot: &Slot) -> u64 {
        match slot.handle() {
            Some(handle) => self.hasher.key(Parts::<FIELDS>::of(self.heap.from(handle)).key),
            None => self.hasher.number(slot.payload()),
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
struct Parts<'a, const FIELDS: bool> {
    key: &'a [u8],
    value: &'a [u8],
    expires_ms: Option<i64>,
    length: usize,
}

impl<'a, const FIELDS: bool> Parts<'a, FIELDS> {
    /// Of what begins with a record.
    #[inline]
    fn of(bytes: &'a [u8]) -> Self {
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
    fn add(&mut self, key: &[u8], value: &[u8], expires_ms: Option<i64>) -> Handle {
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
    fn parts(&self, handle: Handle) -> Parts<'_, FIELDS> {
        Parts::of(self.heap.from(handle))
    }

    #[inline]
    fn get(&self, slot: Slot) -> Record<'_> {
        match slot.handle() {
            Some(handle) => {
                let Parts { key, value, expires_ms, .. } = self.parts(handle);
                Record { key: Element::Bytes(key), value, expires_ms }
            }
            None => Record { key: Element::Integer(integer(slot.payload())), value: &[], expires_ms: None },
        }
    }
}

impl<const FIELDS: bool> Index for Dict<FIELDS> {
    fn foresee(&self, key: &[u8]) -> Start {
        let hasher = &self.table.hasher().hasher;
        self.table.prefetch(if FIELDS { hasher.key(key) } else { hash_of_member(hasher, key) })
    }

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
        Dict { table: Table::new(Records { hasher, heap: Heap::default() }), volatile: 0 }
    }

    /// An empty one that will get so many records.
    pub fn with_room(hasher: KeyHasher, count: usize) -> Self {
        Dict { table: Table::with_room(Records { hasher, heap: Heap::default() }, count), volatile: 0 }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Chance;
    use std::collections::BTreeMap;

    fn word(chance: &mut Chance) -> Vec<u8> {
        match chance.below(12) {
            0..4 => chance.below(3_000).to_string().into_bytes(),
            4 => (chance.next() as i64).to_string().into_bytes(),
            5 => format!("-{}", chance.below(3_000)).into_bytes(),
            6 => vec![b'x'; 120 + chance.below(14) as usize],
            7 => vec![b'y'; chance.below(400) as usize],
            8 if chance.below(20) == 0 => vec![b'z'; 3_000 * chance.below(5) as usize],
            _ => format!("member:{}", chance.below(3_000)).into_bytes(),
        }
    }

    fn text(key: Element) -> Vec<u8> {
        key.bytes(&mut itoa::Buffer::new()).to_vec()
    }

    fn hasher() -> KeyHasher {
        KeyHasher::new([1, 2, 3, 4])
    }

    /// It grows, is rewritten and shrinks in turns. Under Miri a little.
    fn steps() -> u64 {
        if cfg!(miri) { 300 } else { 60_000 }
    }

    #[test]
    fn holds_the_members_that_a_map_does() {
        let (mut dict, mut model, mut chance) = (Dict::<false>::new(hasher()), BTreeMap::new(), Chance::from_seed(1));
        for step in 0..steps() {
            let key = word(&mut chance);
            let grows = step / 15_000 % 2 == 0;
            if chance.below(10) < if grows { 8 } else { 2 } {
                assert_eq!(dict.add(&key), model.insert(key, ()).is_none());
            } else {
                assert_eq!(dict.remove(&key), model.remove(&key).is_some());
            }
            if step % 5_000 == 0 {
                dict.check();
                assert!(model.keys().all(|key| dict.find(key).is_some()));
            }
        }
        dict.check();
        let mut keys: Vec<Vec<u8>> = dict.iter().map(|record| text(record.key)).collect();
        keys.sort();
        assert!(keys.iter().eq(model.keys()));
        assert!(dict.clone().iter().map(|record| text(record.key)).eq(dict.iter().map(|record| text(record.key))));
        dict.clone().check();
    }

    #[test]
    fn holds_the_fields_that_a_map_does() {
        type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;
        let (mut dict, mut model, mut chance) = (Dict::<true>::new(hasher()), Model::new(), Chance::from_seed(2));
        for step in 0..steps() {
            let key = word(&mut chance);
            let grows = step / 15_000 % 2 == 0;
            match chance.below(10) {
                0 if model.contains_key(&key) => {
                    let at_ms = Some(chance.below(1 << 46) as i64).filter(|_| chance.below(2) == 0);
                    dict.expire_at(dict.find(&key).unwrap(), at_ms);
                    model.get_mut(&key).unwrap().1 = at_ms;
                }
                n if n < if grows { 8 } else { 3 } => {
                    let value = (word(&mut chance), Some(step as i64).filter(|_| chance.below(3) == 0));
                    assert_eq!(dict.put(&key, &value.0, value.1), model.insert(key, value).is_none());
                }
                _ => assert_eq!(dict.remove(&key), model.remove(&key).is_some()),
            }
            if step % 5_000 == 0 {
                dict.check();
            }
        }
        dict.check();
        assert_eq!(dict.len(), model.len());
        for (key, (value, expires_ms)) in &model {
            let record = dict.at(dict.find(key).expect("it is there"));
            assert_eq!((text(record.key), record.value, record.expires_ms), (key.clone(), &value[..], *expires_ms));
        }
        let mut left = 0;
        while dict.shed(2) {
            left += 1;
        }
        assert!(left > 0 && dict.pieces() == 0);
    }

    /// Whatever comes and goes, a quarter of the memory is holes at most, and a little.
    #[test]
    #[cfg(not(feature = "plain-map"))]
    fn what_goes_gives_its_memory_back() {
        let mut dict = Dict::<false>::new(hasher());
        let count = if cfg!(miri) { 200 } else { 100_000 };
        let key = |n: u64| format!("a member that is not short: {n}").into_bytes();
        (0..count).for_each(|n| assert!(dict.add(&key(n))));
        let full = dict.heap_bytes();
        // Nine of ten go, spread over all blocks.
        (0..count).filter(|n| n % 10 != 0).for_each(|n| assert!(dict.remove(&key(n))));
        dict.check();
        assert!(cfg!(miri) || dict.heap_bytes() < full / 5, "{} of {full}", dict.heap_bytes());
        (0..count).filter(|n| n % 10 == 0).for_each(|n| assert!(dict.remove(&key(n))));
        dict.check();
        assert!(dict.is_empty() && (cfg!(miri) || dict.heap_bytes() < full / 50), "{}", dict.heap_bytes());
    }

    #[test]
    #[cfg(not(feature = "plain-map"))]
    #[cfg_attr(miri, ignore = "it is about many")]
    fn takes_little_more_than_its_bytes() {
        for count in [1_000, 10_000, 100_000] {
            let mut dict = Dict::<false>::new(hasher());
            (0..count).for_each(|n| assert!(dict.add(format!("member:{n:09}").as_bytes())));
            let each = dict.heap_bytes() as f64 / count as f64;
            // 16 bytes, their length, a slot.
            assert!(each < 32.0, "{each} bytes a member of {count}");
            let mut dict = Dict::<false>::new(hasher());
            (0..count).for_each(|n| assert!(dict.add(n.to_string().as_bytes())));
            let each = dict.heap_bytes() as f64 / count as f64;
            assert!(each < 13.5, "{each} bytes an integer of {count}");
        }
    }
}
