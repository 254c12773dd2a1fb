//! Records of any length in blocks, one behind the other with nothing between them, each known by a handle. What is freed
//! leaves a hole; when holes are many, somebody who knows what the records are moves those of a block elsewhere, and the
//! block goes. It does not know where a record ends.

use super::chunk::{CHUNK_BYTES_MAX, good_size};
use crate::base::prefetch::prefetch;

/// A block, and a place in it. Below 2^47.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(u64);

const PLACE_BITS: u32 = 14;
const _: () = assert!(CHUNK_BYTES_MAX <= 1 << PLACE_BITS);

impl Handle {
    fn new(block: usize, at: usize) -> Handle {
        assert!(at < 1 << PLACE_BITS, "what stands further on is first in a block of its own");
        // Never 0.
        Handle((block as u64 + 1) << PLACE_BITS | at as u64)
    }

    #[inline]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// What `bits` gave.
    #[inline]
    pub fn from_bits(bits: u64) -> Handle {
        Handle(bits)
    }

    #[inline]
    fn block(self) -> usize {
        (self.0 >> PLACE_BITS) as usize - 1
    }

    #[inline]
    fn at(self) -> usize {
        (self.0 & ((1 << PLACE_BITS) - 1)) as usize
    }
}

/// Blocks get a sixteenth of what is there already, within these limits.
const BLOCK_BYTES_MIN: usize = 256;
const SHARE: usize = 16;
/// Of used bytes, a quarter may be holes.
const HOLES: usize = 4;
/// So many blocks are passed over at once, in search of one with holes.
const PASSED: usize = 32;

#[derive(Debug, Default)]
pub struct Heap {
    blocks: Vec<Block>,
    /// Numbers of blocks that are gone.
    spare: Vec<u32>,
    /// Where new records go. Invariant: a block of the usual size, never that of one large record.
    current: Option<usize>,
    /// Invariant: the memory of all blocks.
    held: usize,
    /// Invariants: bytes of records, holes with them; and without.
    used: usize,
    live: usize,
    /// The block whose records are being moved, and how far that is.
    moved: Option<(usize, usize)>,
    /// Where the search for such a block goes on.
    next: usize,
}

#[derive(Debug, Default)]
struct Block {
    /// Invariant: never longer than the memory that it was made with.
    bytes: Vec<u8>,
    live: usize,
}

impl Block {
    #[inline]
    fn room(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }
}

impl Clone for Heap {
    fn clone(&self) -> Heap {
        let copy = |block: &Block| Block { bytes: block.bytes.clone(), live: block.live };
        let blocks: Vec<Block> = self.blocks.iter().map(copy).collect();
        let held = blocks.iter().map(|block| block.bytes.capacity()).sum();
        Heap { blocks, spare: self.spare.clone(), held, ..*self }
    }
}

impl Heap {
    /// What is there from the first byte of a record on.
    #[inline]
    pub fn from(&self, handle: Handle) -> &[u8] {
        &self.blocks[handle.block()].bytes[handle.at()..]
    }

    /// It will be read soon: some bytes of it, which may lie across two lines.
    #[inline]
    pub fn prefetch(&self, handle: Handle) {
        let start = self.blocks[handle.block()].bytes.as_ptr().wrapping_add(handle.at());
        prefetch(start);
        prefetch(start.wrapping_add(31));
    }

    #[inline]
    pub fn from_mut(&mut self, handle: Handle) -> &mut [u8] {
        &mut self.blocks[handle.block()].bytes[handle.at()..]
    }

    pub fn heap_bytes(&self) -> usize {
        self.held + self.blocks.capacity() * size_of::<Block>() + self.spare.capacity() * 4
    }

    /// Bytes of all records.
    pub fn live(&self) -> usize {
        self.live
    }

    pub fn pieces(&self) -> usize {
        self.blocks.len()
    }

    /// A new record, which `write` appends to what it is given: exactly so many bytes.
    #[inline]
    pub fn add(&mut self, bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> Handle {
        let number = self.block_for(bytes);
        let block = &mut self.blocks[number];
        let at = block.bytes.len();
        write(&mut block.bytes);
        self.added(number, at, bytes)
    }

    /// The same bytes elsewhere: where they were is nothing now.
    pub fn relocate(&mut self, handle: Handle, bytes: usize) -> Handle {
        let (old, number) = (handle.block(), self.block_for(bytes));
        // One that stands where new records go may stay.
        let Ok([from, to]) = self.blocks.get_disjoint_mut([old, number]) else { return handle };
        let at = to.bytes.len();
        to.bytes.extend_from_slice(&from.bytes[handle.at()..handle.at() + bytes]);
        let new = self.added(number, at, bytes);
        self.remove(handle, bytes);
        new
    }

    /// The block that has room for so many bytes.
    #[inline]
    fn block_for(&mut self, bytes: usize) -> usize {
        match self.current {
            Some(number) if bytes <= self.blocks[number].room() => number,
            _ => self.add_block(bytes),
        }
    }

    #[inline]
    fn added(&mut self, number: usize, at: usize, bytes: usize) -> Handle {
        let block = &mut self.blocks[number];
        assert_eq!(block.bytes.len(), at + bytes, "as many bytes as were told");
        block.live += bytes;
        self.used += bytes;
        self.live += bytes;
        Handle::new(number, at)
    }

    /// Its number. One that is larger than others has a block of its own, which gets no more.
    #[cold]
    fn add_block(&mut self, bytes: usize) -> usize {
        let usual = good_size((self.live / SHARE).clamp(BLOCK_BYTES_MIN, CHUNK_BYTES_MAX));
        let is_large = bytes > usual / 4;
        let capacity = if is_large { bytes } else { usual };
        let block = Block { bytes: Vec::with_capacity(capacity), live: 0 };
        self.held += block.bytes.capacity();
        let number = match self.spare.pop() {
            Some(number) => number as usize,
            None => {
                self.blocks.push(Block::default());
                self.blocks.len() - 1
            }
        };
        self.blocks[number] = block;
        if !is_large {
            self.current = Some(number);
        }
        number
    }

    /// A record of so many bytes is gone.
    pub fn remove(&mut self, handle: Handle, bytes: usize) {
        let number = handle.block();
        let block = &mut self.blocks[number];
        block.live -= bytes;
        self.live -= bytes;
        if block.live == 0 {
            self.used -= block.bytes.len();
            if self.moved.is_some_and(|(moved, _)| moved == number) {
                self.moved = None;
            }
            if self.current == Some(number) {
                block.bytes.clear();
            } else {
                self.held -= block.bytes.capacity();
                *block = Block::default();
                self.spare.push(number as u32);
            }
        }
    }

    /// Records should be moved.
    #[inline]
    pub fn is_sparse(&self) -> bool {
        (self.used - self.live) * HOLES > self.used + BLOCK_BYTES_MIN
    }

    /// The next record that stands where there are many holes, or a hole that was one, to be moved if it is one.
    /// `length`: how long it is, by its bytes.
    pub fn next_to_move(&mut self, length: impl Fn(&[u8]) -> usize) -> Option<Handle> {
        let (number, at) = self.moved.or_else(|| self.find_holes())?;
        let bytes = &self.blocks[number].bytes;
        let end = at + length(&bytes[at..]);
        // What is behind the last one has gone, all of it.
        self.moved = (end < bytes.len()).then_some((number, end));
        Some(Handle::new(number, at))
    }

    fn find_holes(&mut self) -> Option<(usize, usize)> {
        for _ in 0..PASSED {
            self.next = if self.next + 1 < self.blocks.len() { self.next + 1 } else { 0 };
            let block = &self.blocks[self.next];
            if self.current != Some(self.next) && block.live * 8 < block.bytes.len() * 7 {
                return Some((self.next, 0));
            }
        }
        None
    }

    /// Frees up to so many blocks. Nobody looks at any again. True: there are more.
    pub fn shed(&mut self, most: usize) -> bool {
        self.blocks.truncate(self.blocks.len().saturating_sub(most));
        !self.blocks.is_empty()
    }

    pub fn check(&self) {
        let sum = |of: fn(&Block) -> usize| self.blocks.iter().map(of).sum::<usize>();
        assert_eq!(self.held, sum(|block| block.bytes.capacity()));
        assert_eq!(self.used, sum(|block| block.bytes.len()));
        assert_eq!(self.live, sum(|block| block.live));
        assert!(self.blocks.iter().all(|block| block.live <= block.bytes.len()));
        assert!(self.current.is_none_or(|number| self.blocks[number].bytes.capacity() <= CHUNK_BYTES_MAX));
        assert!(self.spare.iter().all(|number| self.blocks[*number as usize].bytes.capacity() == 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Chance;

    /// Records of all sizes come and go, also the first one, and a large one where another large one was.
    #[test]
    fn records_stay_what_they_were() {
        for seed in 0..if cfg!(miri) { 2 } else { 200 } {
            let (mut heap, mut chance) = (Heap::default(), Chance::from_seed(seed));
            let mut records: Vec<(Handle, Vec<u8>)> = vec![];
            for step in 0..300_u64 {
                if chance.below(3) == 0 && !records.is_empty() {
                    let (handle, bytes) = records.swap_remove(chance.below(records.len() as u64) as usize);
                    heap.remove(handle, bytes.len());
                } else {
                    let size = [1, 100, 1000, 3000, 20_000, 60_000][chance.below(6) as usize];
                    let bytes = vec![step as u8; 1 + chance.below(size) as usize];
                    let handle = heap.add(bytes.len(), |to| to.extend_from_slice(&bytes));
                    records.push((handle, bytes));
                }
                heap.check();
                assert!(records.iter().all(|(handle, bytes)| heap.from(*handle).starts_with(bytes)), "seed {seed}");
            }
        }
    }

    #[test]
    fn the_room_of_a_large_record_is_given_back_with_it() {
        let mut heap = Heap::default();
        let large = heap.add(1 << 20, |to| to.resize(1 << 20, 1));
        heap.add(3000, |to| to.resize(3000, 2));
        heap.remove(large, 1 << 20);
        heap.check();
        assert!(heap.heap_bytes() < 8192, "{}", heap.heap_bytes());
    }
}
