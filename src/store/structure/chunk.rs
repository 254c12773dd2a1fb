//! A row of short strings in one piece of memory, which takes and gives at both ends without moving what is between. The
//! bytes of the elements stand together, and apart from them one code for each, which says how long it is: so an element
//! costs one byte where a listpack takes two, and one can walk from either end. Integers are kept as such.
//! Unsafe, for it is one thin pointer. It knows nothing of lists.
#![allow(unsafe_code)]
mod header;
mod packed;

use super::either::{Aligned, Thin};
pub use header::good_size;
use header::{HEADER_MAX, Header, capacity_for, header_bytes};
pub use packed::{Element, Packed};
use packed::{MEDIUM, element, width};
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
            new = self.moved(capacity_for(self.header().content()), false);
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
            return Iter { codes: &[], data: &[] };
        }
        Iter { codes: &memory[header.codes()], data: &memory[header.start..header.end] }
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
        let whole = iter.data;
        let mut tail = self.iter();
        (at..self.len()).for_each(|_| tail.skip_back());
        Iter { codes: &iter.codes[..self.len() - at], data: &whole[tail.data.len()..] }
    }

    /// The first element, of those at every `step`th place, that is this one: its place, and the elements from it on.
    #[inline]
    pub fn search(&self, wanted: &Packed, step: usize) -> Option<(usize, Iter<'_>)> {
        let (mut iter, mut at) = (self.iter(), 0);
        while let [.., code] = iter.codes {
            if *code == wanted.code && wanted.is(&iter.data[..iter.front_width(*code)]) {
                return Some((at, iter));
            }
            (0..step).for_each(|_| iter.skip_front());
            at += step;
        }
        None
    }

    /// Where the bytes of some elements are, counted from the first byte of the first element.
    fn extent(&self, elements: &Range<usize>) -> Range<usize> {
        let start = self.data() - self.from(elements.start).data.len();
        start..self.data() - self.from(elements.end).data.len()
    }
}

/// Bytes of the first of these elements, which has this code.
#[inline]
fn front_width(data: &[u8], code: u8) -> usize {
    if code == MEDIUM { u16::from_le_bytes([data[0], data[1]]) as usize + 4 } else { width(code) }
}

/// The same of the last.
#[inline]
fn back_width(data: &[u8], code: u8) -> usize {
    let end = data.len();
    if code == MEDIUM { u16::from_le_bytes([data[end - 2], data[end - 1]]) as usize + 4 } else { width(code) }
}

/// Elements, in order; the codes are in reverse.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    codes: &'a [u8],
    data: &'a [u8],
}

impl<'a> Iter<'a> {
    #[inline]
    fn front_width(&self, code: u8) -> usize {
        front_width(self.data, code)
    }

    #[inline]
    fn back_width(&self, code: u8) -> usize {
        back_width(self.data, code)
    }

    fn skip_front(&mut self) {
        if let [codes @ .., code] = self.codes {
            self.data = &self.data[self.front_width(*code)..];
            self.codes = codes;
        }
    }

    fn skip_back(&mut self) {
        if let [code, codes @ ..] = self.codes {
            self.data = &self.data[..self.data.len() - self.back_width(*code)];
            self.codes = codes;
        }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;
    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        let [codes @ .., code] = self.codes else { return None };
        let (bytes, rest) = self.data.split_at(self.front_width(*code));
        (self.codes, self.data) = (codes, rest);
        Some(element(*code, bytes))
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.codes.len(), Some(self.codes.len()))
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<Element<'a>> {
        let [code, codes @ ..] = self.codes else { return None };
        let (rest, bytes) = self.data.split_at(self.data.len() - self.back_width(*code));
        (self.codes, self.data) = (codes, rest);
        Some(element(*code, bytes))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

// --- What is changed

impl Chunk {
    /// The same in other memory, with its gap where a side wants it.
    fn moved(&self, capacity: usize, front: bool) -> Chunk {
        let mut new = Chunk::with_capacity(capacity);
        let (Header { count, extra, .. }, Iter { codes: old_codes, data }) = (self.header(), self.iter());
        let base = header_bytes(capacity);
        let (start, codes) = if front { (capacity - data.len(), base) } else { (base, capacity - count) };
        let memory = new.parts_mut().1;
        let end = start + data.len();
        memory[start..end].copy_from_slice(data);
        memory[codes..codes + count].copy_from_slice(old_codes);
        // With no element: one before the first to come.
        Header { capacity, count, start, end, first: codes + count - 1, extra }.write(memory);
        new
    }

    /// Makes room for an element at one of its sides. False: it has no room for it.
    fn make_room(&mut self, width: usize, front: bool, whole: bool) -> bool {
        let Header { capacity, count, .. } = self.header();
        let content = self.data() + count + width + 1;
        if content + HEADER_MAX > CHUNK_BYTES_MAX {
            return false;
        }
        // What others took away here leaves room that moving gives back: worth it if there is some.
        let stays = header_bytes(capacity) + content + capacity / 8 <= capacity;
        if capacity == CHUNK_BYTES_MAX && !stays {
            return false;
        }
        let grown = if whole { CHUNK_BYTES_MAX } else { capacity_for(content.max(capacity)) };
        *self = self.moved(if stays { capacity } else { grown.min(CHUNK_BYTES_MAX) }, front);
        true
    }

    /// Makes room at once for elements that are to be put at one of its sides, if it is one chunk that they will be in.
    pub fn reserve(&mut self, elements: impl Iterator<Item = usize>, front: bool) {
        let header = self.header();
        let content = header.content() + elements.map(|width| width + 1).sum::<usize>();
        let fits = header_bytes(header.capacity) + content <= header.capacity;
        if !fits && content + HEADER_MAX <= CHUNK_BYTES_MAX {
            *self = self.moved(capacity_for(content), front);
        }
    }

    /// Puts an element at its end. `whole`: it is known that it will be full. False: it has no room for it.
    #[inline(always)]
    pub fn push_back(&mut self, packed: &Packed, whole: bool) -> bool {
        let width = packed.width();
        let (mut header, memory) = self.parts_mut();
        let Some(place) = header.place_behind(width) else { return self.push_slowly(packed, false, whole) };
        packed.write(&mut memory[header.end..header.end + width]);
        memory[place] = packed.code;
        header.end += width;
        header.count += 1;
        header.extra += packed.extra as usize;
        header.write(memory);
        true
    }

    /// The same at its front.
    #[inline(always)]
    pub fn push_front(&mut self, packed: &Packed, whole: bool) -> bool {
        let width = packed.width();
        let (mut header, memory) = self.parts_mut();
        let Some(place) = header.place_before(width) else { return self.push_slowly(packed, true, whole) };
        header.start -= width;
        packed.write(&mut memory[header.start..header.start + width]);
        memory[place] = packed.code;
        header.first = place;
        header.count += 1;
        header.extra += packed.extra as usize;
        header.write(memory);
        true
    }

    #[cold]
    fn push_slowly(&mut self, packed: &Packed, front: bool, whole: bool) -> bool {
        let width = packed.width();
        if !self.make_room(width, front, whole) {
            return false;
        }
        if front {
            self.header().place_before(width).is_some() && self.push_front(packed, whole)
        } else {
            self.header().place_behind(width).is_some() && self.push_back(packed, whole)
        }
    }

    pub fn drop_first(&mut self) {
        let (mut header, memory) = self.parts_mut();
        if header.count == 0 {
            return;
        }
        let (code, data) = (memory[header.first], &memory[header.start..header.end]);
        let width = front_width(data, code);
        header.extra -= element(code, &data[..width]).listpack_size() - width;
        header.start += width;
        header.first -= 1;
        header.count -= 1;
        header.write(memory);
        self.shrink(header);
    }

    pub fn drop_last(&mut self) {
        let (mut header, memory) = self.parts_mut();
        if header.count == 0 {
            return;
        }
        let (code, data) = (memory[header.codes().start], &memory[header.start..header.end]);
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
            *self = if header.count == 0 { Chunk::default() } else { self.moved(good_size(used * 2), false) };
        }
    }

    /// Gives back what is no longer wanted, when nothing more is to be added.
    pub fn fit(&mut self) {
        let size = capacity_for(self.header().content());
        if size + size / 16 < self.heap_bytes() {
            *self = self.moved(size, false);
        }
    }

    /// Takes some elements away, in place.
    pub fn remove(&mut self, elements: Range<usize>) {
        let extent = self.extent(&elements);
        let gone: usize = self.from(elements.start).take(elements.len()).map(|element| element.listpack_size()).sum();
        let (mut header, memory) = self.parts_mut();
        let Header { start, end, first, count, .. } = header;
        memory.copy_within(start + extent.end..end, start + extent.start);
        // Codes stand in reverse, so those of later elements move up.
        let later = first + 1 - count..first + 1 - elements.end;
        memory.copy_within(later.clone(), later.start + elements.len());
        header.end -= extent.len();
        header.extra -= gone - extent.len();
        header.count -= elements.len();
        header.write(memory);
        self.shrink(header);
    }

    /// Puts an element in the place of one. False, with nothing done: it has no room for it.
    pub fn replace(&mut self, at: usize, with: &Packed) -> bool {
        let extent = self.extent(&(at..at + 1));
        if extent.len() != with.width() {
            return self.splice(at..at + 1, Some(with));
        }
        let gone = self.from(at).next().expect("it is there").listpack_size();
        let (mut header, memory) = self.parts_mut();
        with.write(&mut memory[header.start + extent.start..header.start + extent.end]);
        memory[header.first - at] = with.code;
        header.extra = header.extra + with.extra as usize - (gone - extent.len());
        header.write(memory);
        true
    }

    /// Puts elements before the one at this place, in its memory if they fit. False, with nothing done: it has no room.
    pub fn insert(&mut self, at: usize, with: &[Packed]) -> bool {
        let width = with.iter().map(Packed::width).sum::<usize>();
        let room = |chunk: &Chunk| {
            let Header { capacity, count, first, end, .. } = chunk.header();
            let behind = first >= end;
            let limit = if behind { (first + 1).saturating_sub(count + with.len()) } else { 0 };
            capacity > 0 && behind && end + width <= limit
        };
        if !room(self) {
            let content = self.header().content() + width + with.len();
            if content + HEADER_MAX > CHUNK_BYTES_MAX {
                return false;
            }
            *self = self.moved(capacity_for(content), false);
        }
        let place = self.extent(&(at..at)).start;
        let (mut header, memory) = self.parts_mut();
        let Header { start, end, first, count, .. } = header;
        let place = place + start;
        memory.copy_within(place..end, place + width);
        // Codes stand in reverse, so those of later elements move down.
        let later = first + 1 - count..first + 1 - at;
        memory.copy_within(later.clone(), later.start - with.len());
        let mut to = place;
        for (number, packed) in with.iter().enumerate() {
            packed.write(&mut memory[to..to + packed.width()]);
            memory[first - at - number] = packed.code;
            to += packed.width();
            header.extra += packed.extra as usize;
        }
        header.end += width;
        header.count += with.len();
        header.write(memory);
        true
    }

    /// Takes some elements away, and puts another in their place. False, with nothing done: it has no room for it.
    pub fn splice(&mut self, elements: Range<usize>, with: Option<&Packed>) -> bool {
        let (extent, old) = (self.extent(&elements), self.header());
        let gone: usize = self.from(elements.start).take(elements.len()).map(|element| element.listpack_size()).sum();
        let added = with.map_or(0, |packed| packed.width() + 1);
        let content = old.content() - extent.len() - elements.len() + added;
        if content + HEADER_MAX > CHUNK_BYTES_MAX {
            return false;
        }
        let mut new = Chunk::with_capacity(capacity_for(content));
        let (capacity, Iter { codes, data }) = (new.heap_bytes(), self.iter());
        let count = old.count - elements.len() + with.is_some() as usize;
        let start = header_bytes(capacity);
        let end = start + content - count;
        let memory = new.parts_mut().1;
        let (head, tail) = (&data[..extent.start], &data[extent.end..]);
        memory[start..start + head.len()].copy_from_slice(head);
        memory[end - tail.len()..end].copy_from_slice(tail);
        // Codes stand in reverse.
        let (before, after) = (&codes[old.count - elements.start..], &codes[..old.count - elements.end]);
        memory[capacity - before.len()..].copy_from_slice(before);
        memory[capacity - count..capacity - count + after.len()].copy_from_slice(after);
        let mut extra = old.extra + extent.len() - gone;
        if let Some(packed) = with {
            packed.write(&mut memory[start + head.len()..end - tail.len()]);
            memory[capacity - before.len() - 1] = packed.code;
            extra += packed.extra as usize;
        }
        Header { capacity, count, start, end, first: capacity - 1, extra }.write(memory);
        *self = new;
        true
    }
}
