//! The same table on std's HashMap, which grows all at once: what segments are measured against (the feature `plain-map`).
//! It keeps every promise but those of cost: `scan` looks at all items in each call, and so does `random` at half of them.
use super::{Hasher, Item, ORDER_BITS};
use std::collections::HashMap;
use std::collections::hash_map::IntoIter;
use std::hash::BuildHasherDefault;

/// The hash of an item, and how many with the same hash came before it. Where it stands; true until the table changes.
pub type Place = (u64, u32);

/// Where a look-up begins.
pub type Start = u64;

#[derive(Debug)]
pub struct Table<T, H> {
    hasher: H,
    /// Invariant: items of the same hash are numbered from 0 on without a gap.
    items: HashMap<Place, T, BuildHasherDefault<Ready>>,
    /// What is left of a table that is taken apart.
    rest: Option<IntoIter<Place, T>>,
}

/// Hashes what has a hash already.
#[derive(Debug, Default)]
pub struct Ready(u64);

impl std::hash::Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }
    /// std's map places by the low bits, which are not many.
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash.rotate_left(32);
    }
    fn write_u32(&mut self, number: u32) {
        self.0 = self.0.wrapping_add((number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("a place has two numbers");
    }
}

/// Of one that is in use.
impl<T: Clone, H: Clone> Clone for Table<T, H> {
    fn clone(&self) -> Self {
        Table { hasher: self.hasher.clone(), items: self.items.clone(), rest: None }
    }
}

impl<T: Item, H: Hasher<T> + Default> Default for Table<T, H> {
    fn default() -> Self {
        Table::new(H::default())
    }
}

impl<T: Item, H: Hasher<T>> Table<T, H> {
    pub fn new(hasher: H) -> Self {
        Table { hasher, items: HashMap::default(), rest: None }
    }

    pub fn with_room(hasher: H, count: usize) -> Self {
        Table { hasher, items: HashMap::with_capacity_and_hasher(count, Default::default()), rest: None }
    }

    pub fn hasher(&self) -> &H {
        &self.hasher
    }

    /// std's map says nothing of where an item would be.
    #[inline]
    pub fn prefetch(&self, hash: u64) -> Start {
        hash
    }

    /// For who keeps the items' memory in it. What items hash to must stay.
    pub fn hasher_mut(&mut self) -> &mut H {
        &mut self.hasher
    }

    pub fn len(&self) -> usize {
        self.rest.as_ref().map_or(self.items.len(), |rest| rest.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn find(&self, hash: u64, mut same: impl FnMut(&T) -> bool) -> Option<Place> {
        let alike = (0..).map_while(|n| Some(((hash, n), self.items.get(&(hash, n))?)));
        alike.into_iter().find(|(_, item)| same(item)).map(|(place, _)| place)
    }

    /// What `find` would compare first.
    pub fn candidate(&self, hash: Start) -> Option<(Place, &T)> {
        self.items.get(&(hash, 0)).map(|item| ((hash, 0), item))
    }

    /// What stands at a place that was an item's once: that, another, or nothing.
    pub fn peek(&self, place: Place) -> Option<&T> {
        self.items.get(&place)
    }

    pub fn get(&self, place: Place) -> &T {
        &self.items[&place]
    }

    pub fn get_mut(&mut self, place: Place) -> &mut T {
        self.items.get_mut(&place).expect("a place of this table")
    }

    /// Adds an item that is not there yet.
    pub fn insert(&mut self, hash: u64, item: T) -> Place {
        let place = (hash, self.count(hash));
        self.items.insert(place, item);
        place
    }

    pub fn remove(&mut self, place: Place) -> T {
        let last = self.items.remove(&(place.0, self.count(place.0) - 1)).expect("a place of this table");
        match self.items.get_mut(&place) {
            Some(item) => std::mem::replace(item, last),
            None => last,
        }
    }

    fn count(&self, hash: u64) -> u32 {
        (0..).find(|n| !self.items.contains_key(&(hash, *n))).expect("a number that is free")
    }

    /// Visits items in the order of their hashes from `cursor` on, `count` of them if there are so many, and returns the
    /// cursor that goes on from there, or `None` at the end. Items of the same order come together.
    pub fn scan(&self, cursor: u64, count: usize, visit: &mut dyn FnMut(&T)) -> Option<u64> {
        let order = |place: &Place| super::order(place.0);
        let mut ahead: Vec<u64> = self.items.keys().map(order).filter(|at| *at >= cursor).collect();
        let count = count.max(1);
        let last = (ahead.len() > count).then(|| *ahead.select_nth_unstable(count - 1).1);
        let here = |place: &Place| order(place) >= cursor && last.is_none_or(|last| order(place) <= last);
        self.items.iter().filter(|(place, _)| here(place)).for_each(|(_, item)| visit(item));
        last.map(|last| last + 1).filter(|next| *next < 1 << ORDER_BITS)
    }

    /// Some item, all equally likely. `chance` gives random numbers.
    pub fn random(&self, chance: &mut dyn FnMut() -> u64) -> Option<&T> {
        self.random_place(chance).map(|place| self.get(place))
    }

    /// Where that is.
    pub fn random_place(&self, chance: &mut dyn FnMut() -> u64) -> Option<Place> {
        let number = chance().checked_rem(self.len() as u64)?;
        self.items.keys().nth(number as usize).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.values()
    }

    /// Takes up to `most` items out, a bounded piece of work. False: it is empty.
    /// For a table that nobody uses any more: after the first call nothing else works.
    pub fn pop_some(&mut self, most: usize, sink: &mut dyn FnMut(T)) -> bool {
        let rest = self.rest.get_or_insert_with(|| std::mem::take(&mut self.items).into_iter());
        rest.take(most).for_each(|(_, item)| sink(item));
        !self.is_empty()
    }

    /// Bytes on the heap, without what the items own. (An estimate: std does not tell.)
    pub fn heap_bytes(&self) -> usize {
        match self.items.capacity() {
            0 => 0,
            room => (room * 8 / 7).next_power_of_two() * (size_of::<(Place, T)>() + 1),
        }
    }

    pub fn check(&self) {
        for ((hash, n), item) in &self.items {
            assert_eq!(self.hasher.hash(item), *hash);
            assert!(*n == 0 || self.items.contains_key(&(*hash, n - 1)), "numbered without a gap");
        }
    }
}
