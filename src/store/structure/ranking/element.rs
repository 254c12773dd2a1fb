//! A member with its score in one piece of memory, and the links by which the tree names it. Unsafe, for it is a thin pointer
//! whose unused 16 bits others have: the table its tag, a leaf what of the score tells its elements apart.
#![allow(unsafe_code)]
use crate::base::prefetch::prefetch;
use crate::store::structure::table::Item;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;
use std::ptr::{self, NonNull};

/// Owns its memory, in which stand
///
/// ```text
///   0..8     the score
///   8        the member's length, or 255
///   [9..13]  the length of a longer one
///   ..       the member
/// ```
///
/// Invariant: the address of that, below 2^48, with a tag in its top 16 bits.
pub struct Element(NonNull<u8>);

const TAG_SHIFT: u32 = 48;
const ADDRESS: usize = (1 << TAG_SHIFT) - 1;
const LENGTH: usize = 8;
const LONG: u8 = 255;

/// As a number that is in the same order. Both zeros are the same.
#[inline]
pub fn order(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    bits ^ ((bits as i64 >> 63) as u64 | 1 << 63)
}

fn layout(length: usize) -> Layout {
    let bytes = LENGTH + 1 + if length < LONG as usize { 0 } else { 4 } + length;
    Layout::from_size_align(bytes, 8).expect("less than half of all addresses")
}

/// # Safety
/// An element's memory, whose tag is taken off.
#[inline]
unsafe fn member<'a>(start: *const u8) -> &'a [u8] {
    // SAFETY: as `Element::new` wrote it; the bytes are not written again.
    unsafe {
        match start.add(LENGTH).read() {
            LONG => {
                let length = start.add(LENGTH + 1).cast::<u32>().read_unaligned();
                std::slice::from_raw_parts(start.add(LENGTH + 5), length as usize)
            }
            length => std::slice::from_raw_parts(start.add(LENGTH + 1), length as usize),
        }
    }
}

impl Element {
    pub fn new(score: f64, member: &[u8]) -> Element {
        let layout = layout(member.len());
        // SAFETY: the size is not 0.
        let start = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        debug_assert_eq!(start.addr().get() & !ADDRESS, 0, "an address of user space");
        // SAFETY: the layout has room for all this.
        unsafe {
            start.cast::<f64>().write(score);
            let (length, at) = if member.len() < LONG as usize {
                (member.len() as u8, LENGTH + 1)
            } else {
                let length = u32::try_from(member.len()).expect("words are shorter");
                start.add(LENGTH + 1).cast::<u32>().write_unaligned(length);
                (LONG, LENGTH + 5)
            };
            start.add(LENGTH).write(length);
            ptr::copy_nonoverlapping(member.as_ptr(), start.as_ptr().add(at), member.len());
        }
        Element(start)
    }

    #[inline]
    fn start(&self) -> *mut u8 {
        self.0.as_ptr().map_addr(|address| address & ADDRESS)
    }

    #[inline]
    pub fn score(&self) -> f64 {
        // SAFETY: a score is there.
        unsafe { self.start().cast::<f64>().read() }
    }

    #[inline]
    pub fn set_score(&mut self, score: f64) {
        // SAFETY: a score is there, and nobody has a reference to it.
        unsafe { self.start().cast::<f64>().write(score) }
    }

    #[inline]
    pub fn member(&self) -> &[u8] {
        // SAFETY: this is the memory of an element, and is borrowed.
        unsafe { member(self.start()) }
    }

    pub fn heap_bytes(&self) -> usize {
        layout(self.member().len()).size()
    }

    /// # Safety
    /// The element must outlive the link's use, and its score must not change while the link stands in a tree.
    pub unsafe fn link(&self) -> Link {
        Link(self.start())
    }

    /// Is it the element of this link?
    #[inline]
    pub fn is(&self, link: Link) -> bool {
        self.start().addr() == link.0.addr() & ADDRESS
    }

    #[inline]
    pub fn prefetch(&self) {
        prefetch(self.start());
    }
}

/// Asks for some bytes of a value, all at once: a search in them would wait for one line after the other.
#[inline]
pub fn fetch<T>(value: &T, bytes: Range<usize>) {
    const LINE: usize = 64;
    let start = ptr::from_ref(value).cast::<u8>();
    bytes.step_by(LINE).for_each(|at| prefetch(start.wrapping_add(at)));
}

impl Drop for Element {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout, and its owner goes.
        unsafe { dealloc(self.start(), layout(self.member().len())) }
    }
}

impl Item for Element {
    #[inline]
    fn tag(&self) -> u16 {
        (self.0.as_ptr().addr() >> TAG_SHIFT) as u16
    }

    #[inline]
    fn set_tag(&mut self, tag: u16) {
        let tagged = self.start().map_addr(|address| address | (tag as usize) << TAG_SHIFT);
        self.0 = NonNull::new(tagged).expect("it is somewhere");
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.member().escape_ascii(), self.score())
    }
}

/// An element, and 16 bits of the leaf's that it stands in. Who made it answers for what it points to.
#[derive(Clone, Copy)]
pub struct Link(*const u8);

impl Link {
    pub const NONE: Link = Link(ptr::null());

    #[inline]
    fn start(self) -> *const u8 {
        self.0.map_addr(|address| address & ADDRESS)
    }

    #[inline]
    pub fn code(self) -> u16 {
        (self.0.addr() >> TAG_SHIFT) as u16
    }

    /// Do both name the same element?
    #[inline]
    pub fn is(self, other: Link) -> bool {
        self.start() == other.start()
    }

    #[inline]
    pub fn with_code(self, code: u16) -> Link {
        Link(self.start().map_addr(|address| address | (code as usize) << TAG_SHIFT))
    }

    /// As a number: links stand in the order of their codes.
    #[inline]
    pub fn word(self) -> u64 {
        self.0.addr() as u64
    }

    #[inline]
    pub fn score(self) -> f64 {
        // SAFETY: whoever made the link says that its element is there.
        unsafe { self.start().cast::<f64>().read() }
    }

    #[inline]
    pub fn member<'a>(self) -> &'a [u8] {
        // SAFETY: whoever made the link says that its element is there.
        unsafe { member(self.start()) }
    }

    #[inline]
    pub fn compare(self, key: u64, bytes: &[u8]) -> Ordering {
        order(self.score()).cmp(&key).then_with(|| self.member().cmp(bytes))
    }

    #[inline]
    pub fn prefetch(self) {
        prefetch(self.start());
    }
}
