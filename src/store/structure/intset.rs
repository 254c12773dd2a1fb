//! A sorted row of integers, in the bytes that Redis gives it (<https://github.com/redis/redis/blob/7.2/src/intset.c>: two
//! words of 32 bits, the width of each integer and their number, and then the integers, all with the lowest byte first).
//! Unsafe, for it is one thin pointer.
#![allow(unsafe_code)]
use super::chunk::good_size;
use super::either::{Marked, Thin};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::fmt;
use std::ptr::NonNull;

/// Invariant: the address, with `MARK` set, of memory of `memory_bytes(used)`, of which the first `used` bytes are written: the header and as many integers
/// as it tells. None: there are none.
#[repr(transparent)]
#[derive(Default)]
pub struct Intset(Option<NonNull<u8>>);

// SAFETY: one word, aligned to 8 bytes by its layout.
unsafe impl Thin for Intset {}
// SAFETY: as the invariant says.
unsafe impl Marked for Intset {}

const MARK: usize = 0b10;

const HEADER: usize = 8;
/// It holds no more bytes.
pub const INTSET_BYTES_MAX: usize = 32 * 1024;

fn memory_bytes(used: usize) -> usize {
    good_size(used)
}

/// The least width that holds an integer.
fn width_of(integer: i64) -> usize {
    if i16::try_from(integer).is_ok() {
        2
    } else if i32::try_from(integer).is_ok() {
        4
    } else {
        8
    }
}

#[inline]
fn read(bytes: &[u8]) -> i64 {
    match *bytes {
        [a, b] => i16::from_le_bytes([a, b]) as i64,
        [a, b, c, d] => i32::from_le_bytes([a, b, c, d]) as i64,
        _ => i64::from_le_bytes(bytes.try_into().expect("eight bytes")),
    }
}

impl Intset {
    /// Of integers of so many bytes each, which ascend. `None`: there are none, or too many.
    pub fn of(width: usize, integers: &[u8]) -> Option<Intset> {
        let mut set = Intset::default();
        if !integers.is_empty() && HEADER + integers.len() <= INTSET_BYTES_MAX {
            set.resize(width, integers.len() / width);
            set.bytes_mut()[HEADER..].copy_from_slice(integers);
        }
        debug_assert!(set.iter().is_sorted_by(|one, other| one < other));
        (!set.is_empty()).then_some(set)
    }

    #[inline]
    fn start(&self) -> Option<NonNull<u8>> {
        let memory = self.0?.as_ptr().map_addr(|address| address & !MARK);
        Some(NonNull::new(memory).expect("it is somewhere"))
    }

    /// As Redis has it; empty where there are no integers.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self.start() {
            // SAFETY: as the invariant says.
            Some(memory) => unsafe {
                let [width, count] = memory.cast::<[u32; 2]>().read().map(u32::from_le);
                std::slice::from_raw_parts(memory.as_ptr(), HEADER + (width * count) as usize)
            },
            None => &[],
        }
    }

    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        let used = self.bytes().len();
        match self.start() {
            // SAFETY: as the invariant says; it is borrowed alone.
            Some(memory) => unsafe { std::slice::from_raw_parts_mut(memory.as_ptr(), used) },
            None => &mut [],
        }
    }

    fn word(&self, at: usize) -> usize {
        self.bytes()
            .get(at * 4..at * 4 + 4)
            .map_or(0, |word| u32::from_le_bytes(word.try_into().expect("four")) as usize)
    }

    fn width(&self) -> usize {
        self.word(0)
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.word(1)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn heap_bytes(&self) -> usize {
        self.start().map_or(0, |_| memory_bytes(self.bytes().len()))
    }

    #[inline]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + ExactSizeIterator {
        self.bytes().get(HEADER..).unwrap_or_default().chunks_exact(self.width().max(1)).map(read)
    }

    #[inline]
    pub fn get(&self, at: usize) -> Option<i64> {
        let (width, start) = (self.width(), HEADER + at * self.width());
        self.bytes().get(start..start + width).filter(|bytes| !bytes.is_empty()).map(read)
    }

    /// Where an integer is, or would be.
    #[inline]
    pub fn search(&self, integer: i64) -> Result<usize, usize> {
        // A search without branches (the one of slices) takes half as long again where integers come in order.
        self.search_in(0, self.len(), integer)
    }

    /// The same for who looks for one after the other in ascending order: `near` is where the one before is, or would be,
    /// and becomes where this one is.
    #[inline]
    pub fn search_on(&self, near: &mut usize, integer: i64) -> bool {
        let at = |at: usize| self.get(at).is_some_and(|there| there < integer);
        let mut low = if *near == 0 || at(*near - 1) { *near } else { 0 };
        let mut step = 1;
        while at(low + step - 1) {
            low += step;
            step *= 2;
        }
        let found = self.search_in(low, self.len().min(low + step), integer);
        *near = found.unwrap_or_else(|at| at);
        found.is_ok()
    }

    #[inline]
    fn search_in(&self, mut low: usize, mut high: usize, integer: i64) -> Result<usize, usize> {
        let (width, bytes) = (self.width(), self.bytes());
        while low < high {
            let middle = (low + high) / 2;
            match read(&bytes[HEADER + middle * width..][..width]).cmp(&integer) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(middle),
            }
        }
        Err(low)
    }

    /// Whether one more fits, whatever it is.
    pub fn has_room(&self) -> bool {
        HEADER + (self.len() + 1) * 8 <= INTSET_BYTES_MAX
    }

    /// False: it is there already. The caller knows that there is room.
    pub fn insert(&mut self, integer: i64) -> bool {
        debug_assert!(self.has_room());
        if width_of(integer) > self.width() {
            self.widen(integer);
            return true;
        }
        let Err(at) = self.search(integer) else { return false };
        let (width, count) = (self.width(), self.len());
        let end = HEADER + count * width;
        self.resize(width, count + 1);
        let (bytes, start) = (self.bytes_mut(), HEADER + at * width);
        bytes.copy_within(start..end, start + width);
        bytes[start..start + width].copy_from_slice(&integer.to_le_bytes()[..width]);
        true
    }

    /// Adds one that is wider than all others, so it is the least or the greatest.
    fn widen(&mut self, integer: i64) {
        let old = std::mem::take(self);
        let (width, count) = (width_of(integer), old.len() + 1);
        self.resize(width, count);
        let before = (integer < 0).then_some(integer);
        let all = before.into_iter().chain(old.iter()).chain((integer >= 0).then_some(integer));
        for (to, integer) in self.bytes_mut()[HEADER..].chunks_exact_mut(width).zip(all) {
            to.copy_from_slice(&integer.to_le_bytes()[..width]);
        }
    }

    /// False: it was not there.
    pub fn remove(&mut self, integer: i64) -> bool {
        let Ok(at) = self.search(integer) else { return false };
        self.remove_at(at);
        true
    }

    pub fn remove_at(&mut self, at: usize) {
        let (width, count) = (self.width(), self.len());
        assert!(at < count);
        if count == 1 {
            *self = Intset::default();
            return;
        }
        let start = HEADER + at * width;
        self.bytes_mut().copy_within(start + width.., start);
        self.resize(width, count - 1);
    }

    /// Makes room for so many integers, or gives it back. What comes new is 0.
    fn resize(&mut self, width: usize, count: usize) {
        let layout = |bytes| Layout::from_size_align(bytes, 8).expect("a small size");
        let (before, used) = (self.bytes().len(), HEADER + width * count);
        let size = memory_bytes(used);
        // SAFETY: what is there was allocated with the size that follows from its bytes, and none is 0; it is written up
        // to `used` before its header says so.
        let memory = unsafe {
            let memory = match self.start() {
                None => alloc(layout(size)),
                Some(old) if memory_bytes(before) == size => old.as_ptr(),
                Some(old) => realloc(old.as_ptr(), layout(memory_bytes(before)), size),
            };
            let memory = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout(size)));
            if used > before {
                memory.add(before).write_bytes(0, used - before);
            }
            memory.cast::<[u32; 2]>().write([width as u32, count as u32].map(u32::to_le));
            memory
        };
        self.0 = NonNull::new(memory.as_ptr().map_addr(|address| address | MARK));
    }
}

impl Drop for Intset {
    fn drop(&mut self) {
        let size = self.heap_bytes();
        if let Some(memory) = self.start() {
            let layout = Layout::from_size_align(size, 8).expect("it was allocated so");
            // SAFETY: it was allocated with this layout.
            unsafe { dealloc(memory.as_ptr(), layout) }
        }
    }
}

impl Clone for Intset {
    fn clone(&self) -> Intset {
        let mut new = Intset::default();
        if !self.is_empty() {
            new.resize(self.width(), self.len());
            new.bytes_mut().copy_from_slice(self.bytes());
        }
        new
    }
}

impl fmt::Debug for Intset {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Chance;
    use std::collections::BTreeSet;

    #[test]
    fn is_a_sorted_set() {
        let (mut set, mut model, mut chance) = (Intset::default(), BTreeSet::new(), Chance::from_seed(1));
        for step in 0..if cfg!(miri) { 400 } else { 4_000 } {
            let bits = [8, 15, 16, 17, 31, 32, 33, 64][chance.below(1 + (step / 100 % 8)) as usize];
            let integer = chance.next() as i64 >> (64 - bits);
            if chance.below(3) > 0 {
                assert_eq!(set.insert(integer), model.insert(integer));
            } else if chance.below(2) == 0 {
                assert_eq!(set.remove(integer), model.remove(&integer));
            } else if let Some(first) = model.pop_first() {
                assert_eq!(set.get(0), Some(first));
                set.remove_at(0);
            }
            if !set.has_room() || set.len() > 600 {
                (set, model) = Default::default();
            }
            // Miri takes a second to compare some hundred.
            if !cfg!(miri) || step % 20 == 0 {
                assert!(set.iter().eq(model.iter().copied()));
            }
            assert_eq!((set.len(), set.get(set.len())), (model.len(), None));
            let place = model.range(..integer).count();
            assert_eq!(set.search(integer), if model.contains(&integer) { Ok(place) } else { Err(place) });
            // From wherever the one before was, even if it was larger.
            let mut near = chance.below(set.len() as u64 + 1) as usize;
            assert_eq!((set.search_on(&mut near, integer), near), (model.contains(&integer), place));
            if step % 50 == 0 {
                assert_eq!(set.clone().bytes(), set.bytes());
            }
        }
    }

    /// As a real Redis has them.
    #[test]
    fn its_bytes_are_those_of_redis() {
        let of = |integers: &[i64]| {
            let mut set = Intset::default();
            integers.iter().for_each(|integer| _ = set.insert(*integer));
            set.bytes().to_vec()
        };
        assert_eq!(of(&[3, 1, 2]), b"\x02\0\0\0\x03\0\0\0\x01\0\x02\0\x03\0");
        assert_eq!(of(&[70_000, -1]), b"\x04\0\0\0\x02\0\0\0\xff\xff\xff\xff\x70\x11\x01\0");
        assert_eq!(of(&[i64::MIN]), b"\x08\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\x80");
    }
}
