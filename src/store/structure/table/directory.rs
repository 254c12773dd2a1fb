//! The table: which segment has which hashes. Segments split and merge here.
use super::segment::{Segment, slots_for};
use super::{Hasher, Item, TAG_BITS, tag};

/// Bits of the hash that choose the segment, at most.
pub(super) const DEPTH_MAX: u32 = 25;

/// A segment splits when it has so many items, or up to twice as many: it differs, so that not all split at a time.
pub(super) const SPLIT_MIN: u32 = 1600;
/// Two segments merge when together they have so few.
const MERGE_AT: u32 = SPLIT_MIN / 2;

/// So far ahead of its hash an item is fetched into the cache, where a segment is split.
const AHEAD: usize = 16;

/// Segments lie in blocks of so many, so that their number grows without moving them.
const BLOCK: usize = 512;

/// Where an item stands: the number of its segment, above that of its slot; true until the table changes.
/// One number, so that a register has it, also as a part of something else: two went through memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u64);

impl Place {
    #[inline]
    pub(super) fn new(segment: u32, slot: usize) -> Place {
        Place((segment as u64) << 32 | slot as u64)
    }

    #[inline]
    fn segment(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    fn slot(self) -> usize {
        self.0 as u32 as usize
    }
}

/// Where a look-up begins; true until the table changes.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    home: Place,
    tag: u16,
}

#[derive(Clone, Debug)]
pub struct Table<T, H> {
    hasher: H,
    /// Numbers of segments, by the top `depth` bits of the hash; at least one.
    /// Invariant: a segment of depth d stands in 2^(depth - d) places in a row, all with the same top d bits.
    pub(super) directory: Vec<u32>,
    pub(super) depth: u32,
    pub(super) segments: Segments<T>,
    /// How many segments are so deep. Invariant: none is deeper than the directory, and some are as deep unless that is 1.
    depths: [u32; DEPTH_MAX as usize + 1],
    /// No segment ever had more slots.
    pub(super) slots_max: usize,
    /// Invariant: slots of all segments.
    slots: usize,
    len: usize,
}

impl<T: Item, H: Hasher<T> + Default> Default for Table<T, H> {
    fn default() -> Self {
        Table::new(H::default())
    }
}

impl<T: Item, H: Hasher<T>> Table<T, H> {
    pub fn new(hasher: H) -> Self {
        let mut table = Table {
            hasher,
            directory: vec![0; 2],
            depth: 1,
            segments: Segments::default(),
            depths: [0; DEPTH_MAX as usize + 1],
            slots_max: 0,
            len: 0,
            slots: 0,
        };
        table.segments.push(Segment::new(0, 0));
        table.depths[0] = 1;
        table
    }

    /// An empty one that will get so many items. Those of another table come in the order of their hashes: a table that had
    /// to grow would take all of them at one end, and splits no segment of few items, so that this one becomes long and slow.
    pub fn with_room(hasher: H, count: usize) -> Self {
        let mut table = Table::new(hasher);
        let depth = (count / MERGE_AT as usize).max(1).ilog2().min(DEPTH_MAX);
        if depth > 0 {
            (table.segments, table.depths[0]) = (Segments::default(), 0);
            (0..1 << depth).for_each(|prefix| _ = table.segments.push(Segment::new(depth, prefix)));
            (table.directory, table.depth) = ((0..1 << depth).collect(), depth);
            table.depths[depth as usize] = 1 << depth;
        }
        let slots = slots_for((count >> depth) as u32);
        table.segments.iter_mut().for_each(|segment| segment.fill(slots, std::iter::empty()));
        (table.slots, table.slots_max) = (slots << depth, slots);
        table
    }

    #[inline]
    pub fn hasher(&self) -> &H {
        &self.hasher
    }

    /// For who keeps the items' memory in it. What items hash to must stay.
    #[inline]
    pub fn hasher_mut(&mut self) -> &mut H {
        &mut self.hasher
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(super) fn number_of(&self, hash: u64) -> u32 {
        self.directory[(hash >> (64 - self.depth)) as usize]
    }

    #[inline(always)]
    pub fn find(&self, hash: u64, same: impl FnMut(&T) -> bool) -> Option<Place> {
        let number = self.number_of(hash);
        let segment = self.segments.get(number);
        let slot = segment.find(tag(hash, segment.depth), same)?;
        Some(Place::new(number, slot))
    }

    /// It will be looked for soon: the slots are fetched into the cache.
    #[inline(always)]
    pub fn prefetch(&self, hash: u64) -> Start {
        let number = self.number_of(hash);
        let segment = self.segments.get(number);
        let tag = tag(hash, segment.depth);
        let home = segment.home(tag);
        segment.prefetch(home);
        Start { home: Place::new(number, home), tag }
    }

    /// The first item whose tag is that of the hash: what `find` would compare first.
    #[inline(always)]
    pub fn candidate(&self, Start { home, tag }: Start) -> Option<(Place, &T)> {
        let number = home.segment();
        let segment = self.segments.get(number);
        let slot = segment.find_from(home.slot(), tag, |_| true)?;
        Some((Place::new(number, slot), segment.slots.get(slot)?.as_ref()?))
    }

    /// What stands at a place that was an item's once: that, another, or nothing.
    #[inline]
    pub fn peek(&self, place: Place) -> Option<&T> {
        let block = self.segments.blocks.get(place.segment() as usize / BLOCK)?;
        block.get(place.segment() as usize % BLOCK)?.slots.get(place.slot())?.as_ref()
    }

    #[inline]
    pub fn get(&self, place: Place) -> &T {
        self.segments.get(place.segment()).slots[place.slot()].as_ref().expect("a place of this table")
    }

    #[inline]
    pub fn get_mut(&mut self, place: Place) -> &mut T {
        self.segments.get_mut(place.segment()).slots[place.slot()].as_mut().expect("a place of this table")
    }

    /// Adds an item that is not there yet.
    pub fn insert(&mut self, hash: u64, mut item: T) -> Place {
        loop {
            let number = self.number_of(hash);
            let segment = self.segments.get_mut(number);
            item.set_tag(tag(hash, segment.depth));
            match segment.insert(item) {
                Ok(slot) => {
                    self.len += 1;
                    return Place::new(number, slot);
                }
                Err(back) => {
                    item = back;
                    self.make_room(number);
                }
            }
        }
    }

    pub fn remove(&mut self, place: Place) -> T {
        let segment = self.segments.get_mut(place.segment());
        let item = segment.remove(place.slot());
        self.len -= 1;
        if segment.is_sparse() {
            self.give_back(place.segment());
        }
        item
    }

    #[cold]
    fn make_room(&mut self, number: u32) {
        let segment = self.segments.get_mut(number);
        let split_at = SPLIT_MIN + number.wrapping_mul(0x9E37_79B9) % SPLIT_MIN;
        // Hashes that are alike in their top bits cannot make it split for nothing again and again.
        let few = (SPLIT_MIN as usize / 16) << segment.depth > self.len;
        if segment.len < split_at || segment.depth == DEPTH_MAX || few {
            self.slots -= segment.slots.len();
            segment.grow();
            self.slots += segment.slots.len();
            self.slots_max = self.slots_max.max(segment.slots.len());
        } else {
            self.split(number);
        }
    }

    fn split(&mut self, number: u32) {
        let lower = self.segments.get_mut(number);
        if lower.depth == self.depth {
            self.directory = self.directory.iter().flat_map(|number| [*number; 2]).collect();
            self.depth += 1;
        }
        let (depth, prefix) = (lower.depth + 1, lower.prefix << 1);
        self.slots -= lower.slots.len();
        let mut items: Vec<T> = std::mem::take(&mut lower.slots).into_iter().flatten().collect();
        let middle = items.partition_point(|item| item.tag() < 1 << (TAG_BITS - 1));
        items.iter().take(AHEAD).for_each(|item| self.hasher.prefetch(item));
        for at in 0..items.len() {
            items.get(at + AHEAD).into_iter().for_each(|item| self.hasher.prefetch(item));
            let renewed = tag(self.hasher.hash(&items[at]), depth);
            items[at].set_tag(renewed);
            // The new bit is the last one: only items that had the same tag can be the wrong way round.
            let mut at = at;
            while at > 0 && at != middle && items[at - 1].tag() > items[at].tag() {
                items.swap(at - 1, at);
                at -= 1;
            }
        }
        let mut upper = Segment::new(depth, prefix | 1);
        upper.fill(slots_for((items.len() - middle) as u32), items.drain(middle..));
        *lower = Segment::new(depth, prefix);
        lower.fill(slots_for(middle as u32), items.into_iter());
        self.slots += lower.slots.len() + upper.slots.len();
        self.depths[depth as usize - 1] -= 1;
        self.depths[depth as usize] += 2;
        let new = self.segments.push(upper);
        self.list(new);
    }

    /// Writes a segment into the places that are its own.
    fn list(&mut self, number: u32) {
        let Segment { depth, prefix, .. } = *self.segments.get(number);
        let first = (prefix as usize) << (self.depth - depth);
        self.directory[first..first + (1 << (self.depth - depth))].fill(number);
    }

    /// A segment with few items merges with its other half, if that has few as well; else it gives back slots.
    #[cold]
    fn give_back(&mut self, number: u32) {
        let mut number = number;
        loop {
            let Segment { depth, prefix, len, .. } = *self.segments.get(number);
            if depth == 0 {
                break;
            }
            let other = self.directory[((prefix ^ 1) as usize) << (self.depth - depth)];
            let half = self.segments.get(other);
            if half.depth != depth || half.len + len > MERGE_AT {
                break;
            }
            number = if prefix & 1 == 0 { self.merge(number, other) } else { self.merge(other, number) };
        }
        let segment = self.segments.get_mut(number);
        if segment.is_sparse() {
            self.slots -= segment.slots.len();
            segment.shrink();
            self.slots += segment.slots.len();
        }
    }

    /// Makes one of two halves; its number.
    fn merge(&mut self, lower: u32, upper: u32) -> u32 {
        let [below, above] = [lower, upper].map(|number| std::mem::take(&mut self.segments.get_mut(number).slots));
        self.slots -= below.len() + above.len();
        let Segment { depth, prefix, len, .. } = *self.segments.get(lower);
        let retag = |half: u16| {
            move |mut item: T| {
                item.set_tag(half << (TAG_BITS - 1) | item.tag() >> 1);
                item
            }
        };
        let mut whole = Segment::new(depth - 1, prefix >> 1);
        let slots = slots_for(len + self.segments.get(upper).len);
        whole.fill(slots, below.into_iter().flatten().map(retag(0)).chain(above.into_iter().flatten().map(retag(1))));
        self.slots += whole.slots.len();
        *self.segments.get_mut(lower) = whole;
        self.depths[depth as usize] -= 2;
        self.depths[depth as usize - 1] += 1;
        self.list(lower);
        // The last segment takes the number that is free now.
        let last = self.segments.pop().expect("two at least");
        let moved = self.segments.len as u32;
        if upper != moved {
            *self.segments.get_mut(upper) = last;
            self.list(upper);
        }
        while self.depth > 1 && self.depths[self.depth as usize] == 0 {
            self.depth -= 1;
            self.directory = self.directory.iter().step_by(2).copied().collect();
        }
        if lower == moved { upper } else { lower }
    }

    /// All items; what they own is fetched ahead.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.segments.iter().flat_map(|segment| {
            segment.slots.iter().enumerate().filter_map(|(at, slot)| {
                segment.slots.get(at + AHEAD).into_iter().flatten().for_each(|item| self.hasher.prefetch(item));
                slot.as_ref()
            })
        })
    }

    /// Takes up to `most` items out, a bounded piece of work, and gives back memory as it goes. False: it is empty.
    /// For a table that nobody uses any more: after the first call nothing else works.
    pub fn pop_some(&mut self, most: usize, sink: &mut dyn FnMut(T)) -> bool {
        self.directory = Vec::new();
        let mut left = most;
        while left > 0 && self.segments.len > 0 {
            let segment = self.segments.get_mut(self.segments.len as u32 - 1);
            let taken = left.min(segment.len as usize);
            segment.slots.iter_mut().filter_map(Option::take).take(taken).for_each(&mut *sink);
            segment.len -= taken as u32;
            self.len -= taken;
            // An empty segment is work too.
            left -= taken.max(1);
            if segment.len == 0 {
                self.slots -= segment.slots.len();
                self.segments.pop();
            }
        }
        !self.is_empty()
    }

    /// Bytes on the heap, without what the items own. Quickly known.
    pub fn heap_bytes(&self) -> usize {
        self.slots * size_of::<Option<T>>() + self.segments.heap_bytes() + self.directory.capacity() * 4
    }

    pub fn check(&self) {
        assert_eq!(self.directory.len(), 1 << self.depth);
        assert_eq!(self.len, self.segments.iter().map(|segment| segment.len as usize).sum::<usize>());
        assert_eq!(self.slots, self.segments.iter().map(|segment| segment.slots.len()).sum::<usize>());
        for (number, segment) in self.segments.iter().enumerate() {
            let first = (segment.prefix as usize) << (self.depth - segment.depth);
            let places = &self.directory[first..first + (1 << (self.depth - segment.depth))];
            assert!(places.iter().all(|place| *place == number as u32), "its places are its own");
            segment.check();
            for item in segment.slots.iter().flatten() {
                let hash = self.hasher.hash(item);
                assert_eq!(hash >> 1 >> (63 - segment.depth), segment.prefix as u64, "in its segment");
                assert_eq!(item.tag(), tag(hash, segment.depth));
            }
        }
        assert_eq!(self.segments.capacity, self.segments.blocks.iter().map(Vec::capacity).sum::<usize>());
        let mut depths = [0; DEPTH_MAX as usize + 1];
        self.segments.iter().for_each(|segment| depths[segment.depth as usize] += 1);
        assert_eq!(depths, self.depths);
        assert!(self.depth == 1 || depths[self.depth as usize] > 0);
        let spans: usize = self.segments.iter().map(|segment| 1 << (self.depth - segment.depth)).sum();
        assert_eq!(spans, self.directory.len(), "segments do not overlap");
    }
}

/// All segments, by their numbers.
#[derive(Debug)]
pub(super) struct Segments<T> {
    /// Invariant: all but the last have `BLOCK` segments.
    blocks: Vec<Vec<Segment<T>>>,
    /// Invariant: so many segments there is memory for.
    capacity: usize,
    pub len: usize,
}

impl<T> Default for Segments<T> {
    fn default() -> Self {
        Segments { blocks: vec![], capacity: 0, len: 0 }
    }
}

impl<T: Clone> Clone for Segments<T> {
    fn clone(&self) -> Self {
        let blocks = self.blocks.clone();
        Segments { capacity: blocks.iter().map(Vec::capacity).sum(), blocks, len: self.len }
    }
}

impl<T> Segments<T> {
    #[inline]
    pub fn get(&self, number: u32) -> &Segment<T> {
        &self.blocks[number as usize / BLOCK][number as usize % BLOCK]
    }

    #[inline]
    fn get_mut(&mut self, number: u32) -> &mut Segment<T> {
        &mut self.blocks[number as usize / BLOCK][number as usize % BLOCK]
    }

    fn push(&mut self, segment: Segment<T>) -> u32 {
        if self.len.is_multiple_of(BLOCK) {
            self.blocks.push(Vec::new());
        }
        let block = &mut self.blocks[self.len / BLOCK];
        let before = block.capacity();
        if before == 0 {
            block.reserve_exact(1);
        }
        block.push(segment);
        self.capacity += block.capacity() - before;
        self.len += 1;
        self.len as u32 - 1
    }

    fn pop(&mut self) -> Option<Segment<T>> {
        let segment = self.blocks.last_mut()?.pop();
        if let Some(empty) = self.blocks.pop_if(|block| block.is_empty()) {
            self.capacity -= empty.capacity();
        }
        self.len -= 1;
        segment
    }

    pub fn iter(&self) -> impl Iterator<Item = &Segment<T>> {
        self.blocks.iter().flatten()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Segment<T>> {
        self.blocks.iter_mut().flatten()
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        self.capacity * size_of::<Segment<T>>() + self.blocks.capacity() * size_of::<Vec<Segment<T>>>()
    }
}
