//! A row of short strings in one piece of memory, which takes and gives at both ends without moving what is between. The
//! bytes of the elements stand together, and apart from them one code for each, which says how long it is: so an element
//! costs one byte where a listpack takes two, and one can walk from either end. Integers are kept as such.
//! Unsafe, for it is one thin pointer. It knows nothing of lists.
#![allow(unsafe_code)]
mod packed;

use super::either::{Aligned, Thin};
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

/// In its memory stand:
///
/// ```text
///   0..2    bytes of the memory
///   2..4    elements
///   4..8    where the elements' bytes begin and end
///   8..10   where the code of the first element is; those of the others stand before it, the last first
///   10..12  what a listpack of these elements would take beyond their bytes here
/// ```
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

const HEADER: usize = 12;
const CAPACITY: usize = 0;
const COUNT: usize = 1;
const START: usize = 2;
const END: usize = 3;
const FIRST: usize = 4;
const EXTRA: usize = 5;

/// What the allocator would round this to anyway.
pub fn good_size(bytes: usize) -> usize {
    let step = match bytes {
        0..=64 => 16,
        _ => 1 << ((bytes - 1).ilog2() - 2),
    };
    bytes.next_multiple_of(step)
}

// --- Memory

impl Chunk {
    fn with_capacity(capacity: usize) -> Chunk {
        debug_assert!((HEADER..=CHUNK_BYTES_MAX).contains(&capacity));
        let layout = Layout::from_size_align(capacity, 8).expect("a small size");
        // SAFETY: the size is not 0.
        let memory = NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        let mut chunk = Chunk(Some(memory));
        chunk.set(CAPACITY, capacity);
        chunk
    }

    #[inline]
    fn field(&self, field: usize) -> usize {
        // SAFETY: whatever has memory has a header, which is aligned.
        self.0.map_or(0, |memory| unsafe { memory.cast::<u16>().add(field).read() as usize })
    }

    #[inline]
    fn set(&mut self, field: usize, value: usize) {
        let memory = self.0.expect("it has memory");
        // SAFETY: whatever has memory has a header, which is aligned.
        unsafe { memory.cast::<u16>().add(field).write(value as u16) }
    }

    #[inline]
    fn memory(&self) -> &[u8] {
        match self.0 {
            // SAFETY: so many bytes were allocated, as zeros.
            Some(memory) => unsafe { std::slice::from_raw_parts(memory.as_ptr(), self.field(CAPACITY)) },
            None => &[],
        }
    }

    #[inline]
    fn memory_mut(&mut self) -> &mut [u8] {
        let capacity = self.field(CAPACITY);
        match self.0 {
            // SAFETY: so many bytes were allocated, as zeros; whoever changes them borrows the chunk alone.
            Some(memory) => unsafe { std::slice::from_raw_parts_mut(memory.as_ptr(), capacity) },
            None => &mut [],
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Some(memory) = self.0 {
            let layout = Layout::from_size_align(self.field(CAPACITY), 8).expect("it was allocated so");
            // SAFETY: it was allocated with this layout.
            unsafe { dealloc(memory.as_ptr(), layout) }
        }
    }
}

impl Clone for Chunk {
    fn clone(&self) -> Chunk {
        let mut new = Chunk::default();
        if !self.is_empty() {
            new = self.moved(good_size(self.used()), false);
        }
        new
    }
}

// --- What is seen

impl Chunk {
    #[inline]
    pub fn len(&self) -> usize {
        self.field(COUNT)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of its memory.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        self.field(CAPACITY)
    }

    /// Bytes of that which are in use.
    fn used(&self) -> usize {
        HEADER + self.data() + self.len()
    }

    #[inline]
    fn data(&self) -> usize {
        self.field(END) - self.field(START)
    }

    /// Bytes that the elements would take in a listpack, its header and end not counted.
    #[inline]
    pub fn listpack_bytes(&self) -> usize {
        (self.data() + self.field(EXTRA)) & 0xFFFF
    }

    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        let (count, first) = (self.len(), self.field(FIRST));
        let codes = if count == 0 { &[] } else { &self.memory()[first + 1 - count..=first] };
        Iter { codes, data: &self.memory()[self.field(START)..self.field(END)] }
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

/// Elements, in order; the codes are in reverse.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    codes: &'a [u8],
    data: &'a [u8],
}

impl<'a> Iter<'a> {
    #[inline]
    fn front_width(&self, code: u8) -> usize {
        if code == MEDIUM { u16::from_le_bytes([self.data[0], self.data[1]]) as usize + 4 } else { width(code) }
    }

    #[inline]
    fn back_width(&self, code: u8) -> usize {
        let end = self.data.len();
        if code == MEDIUM {
            u16::from_le_bytes([self.data[end - 2], self.data[end - 1]]) as usize + 4
        } else {
            width(code)
        }
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
        let (count, data) = (self.len(), self.data());
        let (start, codes) = if front { (capacity - data, HEADER) } else { (HEADER, capacity - count) };
        if count > 0 {
            let Iter { codes: old_codes, data: old_data } = self.iter();
            let memory = new.memory_mut();
            memory[start..start + data].copy_from_slice(old_data);
            memory[codes..codes + count].copy_from_slice(old_codes);
        }
        new.set(COUNT, count);
        new.set(START, start);
        new.set(END, start + data);
        // With no element: one before the first to come.
        new.set(FIRST, codes + count - 1);
        new.set(EXTRA, self.field(EXTRA));
        new
    }

    /// Makes room for an element at one of its sides. False: it has no room for it.
    #[cold]
    fn make_room(&mut self, width: usize, front: bool, whole: bool) -> bool {
        let (capacity, need) = (self.heap_bytes(), self.used() + width + 1);
        if need > CHUNK_BYTES_MAX {
            return false;
        }
        // What others took away here leaves room that moving gives back: worth it if there is some.
        let stays = need + capacity / 8 <= capacity;
        if capacity == CHUNK_BYTES_MAX && !stays {
            return false;
        }
        let grown = if whole { CHUNK_BYTES_MAX } else { good_size(need.max(capacity + 1)) };
        *self = self.moved(if stays { capacity } else { grown }, front);
        true
    }

    /// Makes room at once for elements that are to be put at one of its sides, if it is one chunk that they will be in.
    pub fn reserve(&mut self, elements: impl Iterator<Item = usize>, front: bool) {
        let need = self.used() + elements.map(|width| width + 1).sum::<usize>();
        if need > self.heap_bytes() && need <= CHUNK_BYTES_MAX {
            *self = self.moved(good_size(need), front);
        }
    }

    /// Puts an element at its end. `whole`: it is known that it will be full. False: it has no room for it.
    #[inline]
    pub fn push_back(&mut self, packed: &Packed, whole: bool) -> bool {
        let width = packed.width();
        let fits = |chunk: &Chunk| {
            let (end, first, count) = (chunk.field(END), chunk.field(FIRST), chunk.len());
            // The code's place, and what the bytes may reach up to.
            let (place, limit) = if first >= end {
                (first - count, first - count)
            } else {
                (first.wrapping_sub(count), chunk.heap_bytes())
            };
            ((HEADER..usize::MAX / 2).contains(&place) && end + width <= limit).then_some((end, place))
        };
        let Some((end, place)) = self
            .0
            .and_then(|_| fits(self))
            .or_else(|| if self.make_room(width, false, whole) { fits(self) } else { None })
        else {
            return false;
        };
        let memory = self.memory_mut();
        packed.write(&mut memory[end..end + width]);
        memory[place] = packed.code;
        self.set(END, end + width);
        self.set(COUNT, self.len() + 1);
        self.set(EXTRA, self.field(EXTRA).wrapping_add(packed.extra as usize));
        true
    }

    /// The same at its front.
    #[inline]
    pub fn push_front(&mut self, packed: &Packed, whole: bool) -> bool {
        let width = packed.width();
        let fits = |chunk: &Chunk| {
            let (start, place) = (chunk.field(START), chunk.field(FIRST) + 1);
            // What the bytes may reach down to, and the code up to.
            let (limit, top) = if place <= start { (place + 1, start) } else { (HEADER, chunk.heap_bytes()) };
            (start >= limit + width && place < top).then(|| (start - width, place))
        };
        let Some((start, place)) = self
            .0
            .and_then(|_| fits(self))
            .or_else(|| if self.make_room(width, true, whole) { fits(self) } else { None })
        else {
            return false;
        };
        let memory = self.memory_mut();
        packed.write(&mut memory[start..start + width]);
        memory[place] = packed.code;
        self.set(START, start);
        self.set(FIRST, place);
        self.set(COUNT, self.len() + 1);
        self.set(EXTRA, self.field(EXTRA).wrapping_add(packed.extra as usize));
        true
    }

    /// What goes takes its part of the listpack's account with it.
    #[inline]
    fn discount(&mut self, element_listpack: usize, width: usize) {
        self.set(EXTRA, self.field(EXTRA).wrapping_add(width).wrapping_sub(element_listpack));
        self.set(COUNT, self.len() - 1);
    }

    pub fn drop_first(&mut self) {
        let mut iter = self.iter();
        let before = iter.data.len();
        let Some(element) = iter.next() else { return };
        let (size, width) = (element.listpack_size(), before - iter.data.len());
        self.set(START, self.field(START) + width);
        self.discount(size, width);
        self.set(FIRST, self.field(FIRST).wrapping_sub(1));
        self.shrink();
    }

    pub fn drop_last(&mut self) {
        let mut iter = self.iter();
        let before = iter.data.len();
        let Some(element) = iter.next_back() else { return };
        let (size, width) = (element.listpack_size(), before - iter.data.len());
        self.set(END, self.field(END) - width);
        self.discount(size, width);
        self.shrink();
    }

    /// Gives memory back that is not in use.
    #[inline]
    fn shrink(&mut self) {
        let (used, capacity) = (self.used(), self.heap_bytes());
        if used * 4 < capacity && capacity > 128 {
            *self = if self.is_empty() { Chunk::default() } else { self.moved(good_size(used * 2), false) };
        }
    }

    /// Gives back what is no longer wanted, when nothing more is to be added.
    pub fn fit(&mut self) {
        let size = good_size(self.used());
        if size + size / 16 < self.heap_bytes() {
            *self = self.moved(size, false);
        }
    }

    /// Takes some elements away, in place.
    pub fn remove(&mut self, elements: Range<usize>) {
        let (extent, count) = (self.extent(&elements), self.len());
        let gone: usize = self.from(elements.start).take(elements.len()).map(|element| element.listpack_size()).sum();
        let (start, end, first) = (self.field(START), self.field(END), self.field(FIRST));
        let memory = self.memory_mut();
        memory.copy_within(start + extent.end..end, start + extent.start);
        // Codes stand in reverse, so those of later elements move up.
        let later = first + 1 - count..first + 1 - elements.end;
        memory.copy_within(later.clone(), later.start + elements.len());
        self.set(END, end - extent.len());
        self.set(EXTRA, self.field(EXTRA).wrapping_add(extent.len()).wrapping_sub(gone));
        self.set(COUNT, count - elements.len());
        self.shrink();
    }

    /// Puts an element in the place of one. False, with nothing done: it has no room for it.
    pub fn replace(&mut self, at: usize, with: &Packed) -> bool {
        let extent = self.extent(&(at..at + 1));
        if extent.len() != with.width() {
            return self.splice(at..at + 1, Some(with));
        }
        let gone = self.from(at).next().expect("it is there").listpack_size();
        let (start, first) = (self.field(START), self.field(FIRST));
        let memory = self.memory_mut();
        with.write(&mut memory[start + extent.start..start + extent.end]);
        memory[first - at] = with.code;
        let extra = self.field(EXTRA).wrapping_add(extent.len()).wrapping_sub(gone);
        self.set(EXTRA, extra.wrapping_add(with.extra as usize));
        true
    }

    /// Puts elements before the one at this place, in its memory if they fit. False, with nothing done: it has no room.
    pub fn insert(&mut self, at: usize, with: &[Packed]) -> bool {
        let (width, count) = (with.iter().map(Packed::width).sum::<usize>(), self.len());
        let room = |chunk: &Chunk| {
            let behind = chunk.field(FIRST) >= chunk.field(END);
            let limit = if behind { (chunk.field(FIRST) + 1).saturating_sub(count + with.len()) } else { 0 };
            behind && chunk.field(END) + width <= limit
        };
        if self.0.is_none() || !room(self) {
            let need = self.used() + width + with.len();
            if need > CHUNK_BYTES_MAX {
                return false;
            }
            *self = self.moved(good_size(need), false);
        }
        let place = self.extent(&(at..at)).start + self.field(START);
        let (end, first) = (self.field(END), self.field(FIRST));
        let memory = self.memory_mut();
        memory.copy_within(place..end, place + width);
        // Codes stand in reverse, so those of later elements move down.
        let later = first + 1 - count..first + 1 - at;
        memory.copy_within(later.clone(), later.start - with.len());
        let (mut to, mut extra) = (place, 0);
        for (number, packed) in with.iter().enumerate() {
            packed.write(&mut memory[to..to + packed.width()]);
            memory[first - at - number] = packed.code;
            to += packed.width();
            extra += packed.extra as usize;
        }
        self.set(END, end + width);
        self.set(COUNT, count + with.len());
        self.set(EXTRA, self.field(EXTRA).wrapping_add(extra));
        true
    }

    /// Takes some elements away, and puts another in their place. False, with nothing done: it has no room for it.
    pub fn splice(&mut self, elements: Range<usize>, with: Option<&Packed>) -> bool {
        let (extent, count) = (self.extent(&elements), self.len());
        let gone: usize = self.from(elements.start).take(elements.len()).map(|element| element.listpack_size()).sum();
        let added = with.map_or(0, |packed| packed.width() + 1);
        let need = self.used() - extent.len() - elements.len() + added;
        if need > CHUNK_BYTES_MAX {
            return false;
        }
        let mut new = Chunk::with_capacity(good_size(need));
        let (capacity, Iter { codes, data }) = (new.heap_bytes(), self.iter());
        let left = count - elements.len() + with.is_some() as usize;
        let size = data.len() - extent.len() + with.map_or(0, Packed::width);
        let memory = new.memory_mut();
        let (head, tail) = (&data[..extent.start], &data[extent.end..]);
        memory[HEADER..HEADER + head.len()].copy_from_slice(head);
        memory[HEADER + size - tail.len()..HEADER + size].copy_from_slice(tail);
        // Codes stand in reverse.
        let (before, after) = (&codes[count - elements.start..], &codes[..count - elements.end]);
        memory[capacity - before.len()..].copy_from_slice(before);
        memory[capacity - left..capacity - left + after.len()].copy_from_slice(after);
        let mut extra = self.field(EXTRA).wrapping_add(extent.len()).wrapping_sub(gone);
        if let Some(packed) = with {
            packed.write(&mut memory[HEADER + head.len()..HEADER + size - tail.len()]);
            memory[capacity - before.len() - 1] = packed.code;
            extra = extra.wrapping_add(packed.extra as usize);
        }
        new.set(COUNT, left);
        new.set(START, HEADER);
        new.set(END, HEADER + size);
        new.set(FIRST, capacity - 1);
        new.set(EXTRA, extra);
        *self = new;
        true
    }
}
