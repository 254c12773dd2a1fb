//! A row of short strings in one piece of memory, which takes and gives at both ends without moving what is between. The
//! bytes of the elements stand together, and apart from them one code for each, which says how long it is: so an element
//! costs one byte where a listpack takes two, and one can walk from either end. A code that is that of all stands there only
//! once. Integers are kept as such.
//! Unsafe, for it is one thin pointer. It knows nothing of lists.
#![allow(unsafe_code)]
mod built;
mod header;
mod iter;
mod middle;
mod packed;
#[cfg(test)]
mod tests;

use super::either::{Aligned, Thin};
pub use built::differ;
pub use header::good_size;
use header::{HEADER_MAX, Header, capacity_for, header_bytes, swapped};
pub use iter::Iter;
use iter::{back_width, front_width};
pub use packed::{Element, Packed};
use packed::{OWN, element};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::ops::Range;
use std::ptr::NonNull;

/// No chunk takes more.
pub const CHUNK_BYTES_MAX: usize = 10_240;
/// No element of a chunk is longer.
pub const ELEMENT_BYTES_MAX: usize = 2000;

/// In its memory stand a header (header.rs), the elements' bytes, and their codes.
///
/// The codes are either behind the bytes, so that both grow into the gap between them when something is added at the end;
/// or before them, so that they do when it is added at the front.
#[repr(transparent)]
#[derive(Default)]
pub struct Chunk(Option<NonNull<u8>>);

// SAFETY: one word, aligned to 8 bytes by its layout.
unsafe impl Thin for Chunk {}
// SAFETY: the same, and one without memory is null.
unsafe impl Aligned for Chunk {}

// --- Memory

impl Chunk {
    fn with_capacity(capacity: usize) -> Chunk {
        debug_assert!((HEADER_MAX..=CHUNK_BYTES_MAX).contains(&capacity) && capacity.is_multiple_of(2));
        let layout = Layout::from_size_align(capacity, 8).expect("a small size");
        // SAFETY: the size is not 0.
        let memory = NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        // SAFETY: so many bytes were allocated, as zeros, and nobody else has them.
        let bytes = unsafe { std::slice::from_raw_parts_mut(memory.as_ptr(), capacity) };
        Header { capacity, ..Header::default() }.write(bytes);
        Chunk(Some(memory))
    }

    #[inline]
    fn header(&self) -> Header {
        // SAFETY: whatever has memory has that many bytes.
        self.0.map_or(Header::default(), |memory| Header::read(unsafe { memory.cast().as_ref() }))
    }

    /// The header, and the memory that it begins.
    #[inline]
    fn parts(&self) -> (Header, &[u8]) {
        let header = self.header();
        match self.0 {
            // SAFETY: so many bytes were allocated, as zeros.
            Some(memory) => (header, unsafe { std::slice::from_raw_parts(memory.as_ptr(), header.capacity) }),
            None => (header, &[]),
        }
    }

    /// The same, to be changed.
    #[inline]
    fn parts_mut(&mut self) -> (Header, &mut [u8]) {
        let header = self.header();
        match self.0 {
            // SAFETY: so many bytes were allocated, as zeros; whoever changes them borrows the chunk alone.
            Some(memory) => (header, unsafe { std::slice::from_raw_parts_mut(memory.as_ptr(), header.capacity) }),
            None => (header, &mut []),
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Some(memory) = self.0 {
            let layout = Layout::from_size_align(self.header().capacity, 8).expect("it was allocated so");
            // SAFETY: it was allocated with this layout.
            unsafe { dealloc(memory.as_ptr(), layout) }
        }
    }
}

impl Clone for Chunk {
    fn clone(&self) -> Chunk {
        let mut new = Chunk::default();
        if !self.is_empty() {
            let header = self.header();
            new = self.moved(capacity_for(header.content()), false, header.codes);
        }
        new
    }
}

// --- What is seen

impl Chunk {
    #[inline]
    pub fn len(&self) -> usize {
        self.header().count
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of its memory.
    #[inline(always)]
    pub fn heap_bytes(&self) -> usize {
        self.header().capacity
    }

    #[inline]
    fn data(&self) -> usize {
        self.header().data()
    }

    /// Bytes that the elements would take in a listpack, its header and end not counted.
    #[inline]
    pub fn listpack_bytes(&self) -> usize {
        let header = self.header();
        header.data() + header.extra
    }

    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        let (header, memory) = self.parts();
        if header.count == 0 {
            return Iter::EMPTY;
        }
        let Header { count, start, end, codes, .. } = header;
        Iter { len: count, shared: codes, codes: &memory[header.codes()], data: &memory[start..end] }
    }

    #[inline]
    pub fn first(&self) -> Option<Element<'_>> {
        self.iter().next()
    }

    #[inline]
    pub fn last(&self) -> Option<Element<'_>> {
        self.iter().next_back()
    }

    /// The elements from this one on.
    pub fn from(&self, at: usize) -> Iter<'_> {
        let mut iter = self.iter();
        if at <= self.len() / 2 {
            (0..at).for_each(|_| iter.skip_front());
            return iter;
        }
        let mut head = self.iter();
        (at..self.len()).for_each(|_| head.skip_back());
        let Iter { len, shared, codes, data } = iter;
        let shared = if at.is_multiple_of(2) { shared } else { swapped(shared) };
        let codes = &codes[..codes.len() - head.codes.len()];
        Iter { len: len - at, shared, codes, data: &data[head.data.len()..] }
    }

    /// The first element, of those at every `step`th place, that is this one: its place, and the elements from it on.
    #[inline]
    pub fn search(&self, wanted: &Packed, step: usize) -> Option<(usize, Iter<'_>)> {
        let found = self.iter().search(wanted, step)?;
        Some((self.len() - found.len, found))
    }

    /// Where the bytes of some elements are, and their own codes; both counted from the first element's.
    fn extent(&self, elements: &Range<usize>) -> (Range<usize>, Range<usize>) {
        let header = self.header();
        let [start, end] = [elements.start, elements.end].map(|at| {
            let rest = self.from(at);
            (header.data() - rest.data.len(), header.own_codes() - rest.codes.len())
        });
        (start.0..end.0, start.1..end.1)
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

// --- What is changed

impl Chunk {
    /// The same in other memory, with its gap where a side wants it, and with these codes shared.
    fn moved(&self, capacity: usize, front: bool, codes: [u8; 2]) -> Chunk {
        let mut new = Chunk::with_capacity(capacity);
        let (Header { count, extra, codes: old_codes, .. }, mut old) = (self.header(), self.iter());
        let (base, own) = (header_bytes(capacity), Header::own(codes, count));
        let (start, low) = if front { (capacity - old.data.len(), base) } else { (base, capacity - own) };
        let memory = new.parts_mut().1;
        let end = start + old.data.len();
        memory[start..end].copy_from_slice(old.data);
        if codes == old_codes {
            memory[low..low + own].copy_from_slice(old.codes);
        } else {
            let mut place = low + own;
            for at in 0..count {
                let code = old.front_code().expect("there are so many");
                if codes[at & 1] == OWN {
                    place -= 1;
                    memory[place] = code;
                }
                old.skip_front();
            }
        }
        // With no code: one before the first to come.
        Header { capacity, count, start, end, first: low + own - 1, extra, codes }.write(memory);
        new
    }

    /// Makes room for an element at one of its sides, and has these codes shared. False: it has no room for it.
    fn make_room(&mut self, width: usize, codes: [u8; 2], front: bool, whole: bool) -> bool {
        let Header { capacity, count, codes: old_codes, .. } = self.header();
        let content = self.data() + width + Header::own(codes, count + 1);
        if content + HEADER_MAX > CHUNK_BYTES_MAX {
            return false;
        }
        // What others took away here leaves room that moving gives back: worth it if there is some, or if it must be moved.
        let spare = if codes == old_codes { capacity / 8 } else { 0 };
        let stays = header_bytes(capacity) + content + spare <= capacity;
        if capacity == CHUNK_BYTES_MAX && !stays {
            return false;
        }
        let grown = if whole { CHUNK_BYTES_MAX } else { capacity_for(content.max(capacity)) };
        *self = self.moved(if stays { capacity } else { grown.min(CHUNK_BYTES_MAX) }, front, codes);
        true
    }

    /// Makes room at once for elements that are to be put at one of its sides, if it is one chunk that they will be in.
    /// `None`: one that is too long for that.
    pub fn reserve<'e>(&mut self, elements: impl Iterator<Item = Option<Packed<'e>>>, front: bool) {
        let mut header = self.header();
        let (mut bytes, old) = (header.data(), header);
        for packed in elements {
            let Some(packed) = packed else { return };
            header.codes = header.sharing(header.count, packed.code, false);
            header.count += 1;
            bytes += packed.width();
        }
        let content = bytes + header.own_codes();
        let fits = header_bytes(old.capacity) + content <= old.capacity;
        if !fits && content + HEADER_MAX <= CHUNK_BYTES_MAX {
            *self = self.moved(capacity_for(content), front, header.codes);
        }
    }

    /// Puts an element at its end. `whole`: it is known that it will be full. False: it has no room for it.
    #[inline(always)]
    pub fn push_back(&mut self, packed: &Packed, whole: bool) -> bool {
        self.header().takes(packed.code) && self.put_behind(packed) || self.push_slowly(packed, false, whole)
    }

    /// The same at its front.
    #[inline(always)]
    pub fn push_front(&mut self, packed: &Packed, whole: bool) -> bool {
        self.header().takes(packed.code) && self.put_before(packed) || self.push_slowly(packed, true, whole)
    }

    /// False: there is no room for it here.
    #[inline(always)]
    fn put_behind(&mut self, packed: &Packed) -> bool {
        let width = packed.width();
        let (mut header, memory) = self.parts_mut();
        let Some(place) = header.place_behind(width) else { return false };
        packed.write(&mut memory[header.end..header.end + width]);
        if header.codes[header.count & 1] == OWN {
            memory[place] = packed.code;
        }
        header.end += width;
        header.count += 1;
        header.extra += packed.extra as usize;
        header.write(memory);
        true
    }

    #[inline(always)]
    fn put_before(&mut self, packed: &Packed) -> bool {
        let width = packed.width();
        let (mut header, memory) = self.parts_mut();
        debug_assert_eq!(header.codes[0], header.codes[1], "pairs come from behind");
        let Some(place) = header.place_before(width) else { return false };
        header.start -= width;
        packed.write(&mut memory[header.start..header.start + width]);
        if header.codes[0] == OWN {
            memory[place] = packed.code;
            header.first = place;
        }
        header.count += 1;
        header.extra += packed.extra as usize;
        header.write(memory);
        true
    }

    #[cold]
    fn push_slowly(&mut self, packed: &Packed, front: bool, whole: bool) -> bool {
        let header = self.header();
        let codes = header.sharing(header.count, packed.code, false);
        if codes != header.codes || !self.put(packed, front) {
            return self.make_room(packed.width(), codes, front, whole) && self.put(packed, front);
        }
        true
    }

    fn put(&mut self, packed: &Packed, front: bool) -> bool {
        self.0.is_some() && if front { self.put_before(packed) } else { self.put_behind(packed) }
    }

    pub fn drop_first(&mut self) {
        let (mut header, memory) = self.parts_mut();
        if header.count == 0 {
            return;
        }
        let (shared, data) = (header.codes[0], &memory[header.start..header.end]);
        let code = if shared == OWN { memory[header.first] } else { shared };
        let width = front_width(data, code);
        header.extra -= element(code, &data[..width]).listpack_size() - width;
        header.start += width;
        header.first -= (shared == OWN) as usize;
        header.codes = swapped(header.codes);
        header.count -= 1;
        header.write(memory);
        self.shrink(header);
    }

    pub fn drop_last(&mut self) {
        let (mut header, memory) = self.parts_mut();
        if header.count == 0 {
            return;
        }
        let (shared, data) = (header.codes[(header.count - 1) & 1], &memory[header.start..header.end]);
        let code = if shared == OWN { memory[header.codes().start] } else { shared };
        let width = back_width(data, code);
        header.extra -= element(code, &data[data.len() - width..]).listpack_size() - width;
        header.end -= width;
        header.count -= 1;
        header.write(memory);
        self.shrink(header);
    }

    /// Gives memory back that is not in use.
    #[inline]
    fn shrink(&mut self, header: Header) {
        let used = header_bytes(header.capacity) + header.content();
        if used * 4 < header.capacity && header.capacity > 128 {
            let Header { count, codes, .. } = header;
            *self = if count == 0 { Chunk::default() } else { self.moved(good_size(used * 2), false, codes) };
        }
    }

    /// Gives back what is no longer wanted, when nothing more is to be added.
    pub fn fit(&mut self) {
        let header = self.header();
        let size = capacity_for(header.content());
        if size + size / 16 < header.capacity {
            *self = self.moved(size, false, header.codes);
        }
    }
}
