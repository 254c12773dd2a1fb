//! The memory of one database's entries. A cell is a piece of memory of any size; pieces of about the same size stand in
//! pages of their own (arena/page.rs), without a header each and rounded up to 8 bytes only; while they are few, they are
//! guests among larger ones. Pages come in chunks. What deletes leave behind can be given back: sparse chunks are emptied
//! by moving their cells (arena/moving.rs).
//! It does not know what is in a cell, and does not find who points to it: both are the caller's.
//!
//! ```text
//!   Arena ── classes[size / 8] ── 64 cells at hand ── current page ── list of pages with free cells
//!         ── chunks of up to 16 pages of 16 KB, each page of one class
//!         ── idle pages, which any class may take
//! ```
#![allow(unsafe_code)]

mod moving;
mod page;
#[cfg(test)]
mod tests;

pub use page::CELL_MAX;
use page::{CLASS_MAX, CLASS_MIN, List, PAGE, Page, SHAPES, State, UNIT};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Pages that are allocated together: as many as there are, up to these. What is aligned to more than 64 KB stands by
/// itself in mimalloc, 4 KB beside it, and goes back to the system when it is freed; what is less does not (measured with
/// mimalloc 3). Four times as many saved 1 % of memory, but fewer of them could be emptied after deletes.
const CHUNK_PAGES: usize = 16;

/// One piece of memory of an arena, aligned to 8 bytes, below 2^48.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell(NonNull<u8>);

const _: () = assert!(size_of::<Option<Cell>>() == 8);

impl Cell {
    #[inline]
    pub fn as_ptr(self) -> *mut u8 {
        self.0.as_ptr()
    }

    /// # Safety
    /// The pointer is one that `as_ptr` returned, of a cell that is still in use, with the same provenance: not made
    /// from a reference to what is in the cell.
    #[inline]
    pub unsafe fn from_ptr(pointer: *mut u8) -> Cell {
        debug_assert!(!pointer.is_null() && pointer.addr().is_multiple_of(UNIT));
        // SAFETY: `as_ptr` returns no null.
        Cell(unsafe { NonNull::new_unchecked(pointer) })
    }
}

#[inline]
const fn class_of(bytes: usize) -> usize {
    debug_assert!(bytes > 0 && bytes <= isize::MAX as usize);
    // `div_ceil` cares for an overflow and costs four instructions more.
    (bytes + UNIT - 1) >> UNIT.trailing_zeros()
}

/// The class in whose pages the cells of this one are guests while they are few. A host is no guest.
#[inline]
const fn host_of(class: usize) -> usize {
    class.next_power_of_two()
}

/// The bytes that a cell for so many takes, where it is no guest.
#[inline]
pub const fn rounded(bytes: usize) -> usize {
    class_of(bytes) * UNIT
}

fn large_layout(bytes: usize) -> Layout {
    Layout::from_size_align(rounded(bytes), UNIT).expect("less than half of all addresses")
}

/// Cells of one size.
#[derive(Debug)]
struct Class {
    /// Free cells that were taken from the current page: which, of the 64 from `base` on.
    at_hand: u64,
    /// Dangling while there was none.
    base: NonNull<u8>,
    current: Option<Page>,
    /// Which word of the current page they come from.
    word: u32,
    /// Pages of this class.
    pages: u32,
    /// Cells of this size that stand in pages of the host's class.
    guests: u32,
    /// Those that have free cells, without the current one.
    listed: List,
}

impl Default for Class {
    fn default() -> Class {
        Class {
            at_hand: 0,
            base: NonNull::dangling(),
            current: None,
            word: 0,
            pages: 0,
            guests: 0,
            listed: List::default(),
        }
    }
}

/// Pages that were allocated together.
#[derive(Debug)]
struct Chunk {
    memory: NonNull<u8>,
    pages: u8,
    /// The first ones, which have headers.
    begun: u8,
    /// Those that have a class.
    busy: u8,
}

impl Chunk {
    fn page(&self, number: usize) -> Page {
        assert!(number < self.begun as usize);
        // SAFETY: the chunk is held, and this page has begun.
        unsafe { Page::at(self.memory.add(number * PAGE)) }
    }

    fn begun_pages(&self) -> impl Iterator<Item = Page> {
        (0..self.begun as usize).map(|number| self.page(number))
    }

    fn bytes(&self) -> usize {
        self.pages as usize * PAGE
    }

    fn layout(&self) -> Layout {
        chunk_layout(self.pages as usize)
    }
}

fn chunk_layout(pages: usize) -> Layout {
    let bytes = pages * PAGE;
    Layout::from_size_align(bytes, if bytes > 64 * 1024 { bytes } else { PAGE }).expect("a power of two")
}

#[derive(Debug, Default)]
pub struct Arena {
    /// By the cells' size in units; no longer than the largest so far wanted.
    classes: Vec<Class>,
    chunks: Vec<Chunk>,
    /// Begun pages of no class.
    idle: List,
    idle_pages: usize,
    /// The chunk that has pages which have not begun. There is at most one.
    fresh: Option<usize>,
    /// Bytes of chunks, and of cells in them.
    held: usize,
    used: usize,
    /// Bytes that guests stand in beyond their own.
    slack: usize,
    /// Bytes of cells that are too large for a page.
    large: usize,
    /// Classes that have pages.
    classes_in_use: usize,
    moving: moving::Moving,
}

// SAFETY: an arena is the only one that points into its chunks beside the cells' owner, and nothing in it is bound to a
// thread.
unsafe impl Send for Arena {}

impl Arena {
    /// Memory for so many bytes, one at least. Not initialized: to clear it would be paid for each entry, which is written anyway.
    #[inline]
    pub fn allocate(&mut self, bytes: usize) -> Cell {
        let class = class_of(bytes);
        if let Some(Class { at_hand, base, .. }) = self.classes.get_mut(class)
            && *at_hand != 0
        {
            let number = at_hand.trailing_zeros() as usize;
            *at_hand &= *at_hand - 1;
            self.used += class * UNIT;
            // SAFETY: the bits at hand stand for cells of the current page, counted from `base`.
            return Cell(unsafe { base.add(number * class * UNIT) });
        }
        self.allocate_slowly(class)
    }

    #[inline(never)]
    fn allocate_slowly(&mut self, class: usize) -> Cell {
        if let Some(this) = self.classes.get_mut(class)
            && let Some(current) = this.current
        {
            if let Some((number, bits)) = current.take() {
                this.base = current.cell(number * 64).0;
                (this.word, this.at_hand) = (number as u32, bits);
                return self.allocate(class * UNIT);
            }
            current.fill_up();
            this.current = None;
        }
        if class > CLASS_MAX {
            return self.allocate_large(class * UNIT);
        }
        assert!(class >= CLASS_MIN, "a cell of no bytes");
        if class >= self.classes.len() {
            self.classes.resize_with(class + 1, Class::default);
        }
        let page = match self.classes[class].listed.pop() {
            Some(page) => page,
            None if self.has_few(class) => return self.allocate_guest(class),
            None => self.page_for(class),
        };
        page.set_state(State::Current);
        self.classes[class].current = Some(page);
        self.allocate_slowly(class)
    }

    /// A class gets pages when it has filled one of its host's. Otherwise a small database with many sizes would hold
    /// a page for each: 16 databases with 1 MB together held 37 MB.
    fn has_few(&self, class: usize) -> bool {
        let (Class { pages, guests, .. }, host) = (&self.classes[class], host_of(class));
        host != class && *pages == 0 && *guests < SHAPES[host].cells as u32
    }

    fn allocate_guest(&mut self, class: usize) -> Cell {
        let host = host_of(class);
        let cell = self.allocate(host * UNIT);
        self.classes[class].guests += 1;
        self.used -= (host - class) * UNIT;
        self.slack += (host - class) * UNIT;
        cell
    }

    #[cold]
    fn guest_leaves(&mut self, class: usize, host: usize) {
        debug_assert_eq!(host, host_of(class));
        self.classes[class].guests -= 1;
        self.slack -= (host - class) * UNIT;
    }

    fn allocate_large(&mut self, bytes: usize) -> Cell {
        let layout = large_layout(bytes);
        // SAFETY: the layout has a size.
        let Some(memory) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        debug_assert!(memory.addr().get() >> 48 == 0);
        self.large += bytes;
        Cell(memory)
    }

    /// Gives a cell back.
    ///
    /// # Safety
    /// The cell came from `allocate` of this arena for as many bytes (by `rounded`), and is not used again.
    #[inline]
    pub unsafe fn free(&mut self, cell: Cell, bytes: usize) {
        let class = class_of(bytes);
        if class > CLASS_MAX {
            // SAFETY: the caller promises just that.
            return unsafe { self.free_large(cell, class * UNIT) };
        }
        // SAFETY: a cell of this size is of a page.
        let page = unsafe { Page::of(cell) };
        debug_assert!(self.chunks[page.chunk()].begun_pages().any(|other| other == page), "a page of this arena");
        let standing = page.class();
        if standing != class {
            self.guest_leaves(class, standing);
        }
        debug_assert!(!self.is_at_hand(cell, standing), "it is not free already");
        // SAFETY: it is a live cell, the caller says, and the page is of this class.
        let alarm = unsafe { page.free_cell(cell, standing) };
        self.used -= class * UNIT;
        if alarm | (self.used == 0) {
            self.file(page);
        }
    }

    /// # Safety
    /// As for `free`.
    #[cold]
    unsafe fn free_large(&mut self, cell: Cell, bytes: usize) {
        self.large -= bytes;
        // SAFETY: it was allocated with this layout, which the size decides.
        unsafe { dealloc(cell.as_ptr(), large_layout(bytes)) };
    }

    fn is_at_hand(&self, cell: Cell, class: usize) -> bool {
        let Class { at_hand, base, .. } = &self.classes[class];
        let offset = cell.as_ptr().addr().wrapping_sub(base.as_ptr().addr());
        offset < 64 * class * UNIT && at_hand >> (offset / (class * UNIT)) & 1 != 0
    }

    /// A page that was full has free cells now, or one has nothing else.
    #[cold]
    fn file(&mut self, page: Page) {
        if self.used == 0 {
            return self.give_all_back();
        }
        let class = page.class();
        match page.state() {
            State::Full => {
                page.set_state(State::Listed);
                self.classes[class].listed.push(page);
            }
            State::Listed => {
                self.classes[class].listed.unlink(page);
                self.retire(page);
                page.set_state(State::Idle);
                self.idle.push(page);
                self.idle_pages += 1;
                let chunk = &self.chunks[page.chunk()];
                // The last idle pages are kept, or else a page that comes and goes would take a chunk with it each time.
                if chunk.busy == 0 && self.idle_pages > chunk.begun as usize {
                    self.give_back(page.chunk());
                }
            }
            State::Leaving => {
                self.retire(page);
                if self.chunks[page.chunk()].busy == 0 {
                    self.give_back(page.chunk());
                }
            }
            // Its class goes on with it.
            State::Current => {}
            State::Idle => unreachable!("a cell of a page without class"),
        }
    }

    /// An empty page is no longer of its class.
    fn retire(&mut self, page: Page) {
        debug_assert_eq!(page.live(), 0);
        let class = &mut self.classes[page.class()];
        class.pages -= 1;
        self.classes_in_use -= (class.pages == 0) as usize;
        self.chunks[page.chunk()].busy -= 1;
    }

    fn page_for(&mut self, class: usize) -> Page {
        let page = match self.idle.pop() {
            Some(page) => {
                self.idle_pages -= 1;
                page
            }
            None => self.begin_page(),
        };
        page.assign(class);
        self.chunks[page.chunk()].busy += 1;
        self.classes_in_use += (self.classes[class].pages == 0) as usize;
        self.classes[class].pages += 1;
        page
    }

    fn begin_page(&mut self) -> Page {
        let number = match self.fresh {
            Some(number) => number,
            None => self.allocate_chunk(),
        };
        let chunk = &mut self.chunks[number];
        // SAFETY: the chunk has a page more than have begun, else it would not be `fresh`.
        let page = unsafe { Page::begin(chunk.memory.add(chunk.begun as usize * PAGE), number as u32) };
        chunk.begun += 1;
        self.fresh = (chunk.begun < chunk.pages).then_some(number);
        page
    }

    fn allocate_chunk(&mut self) -> usize {
        // So a small database has few: 1, 1, 2, 4, 8, 16, 16 ...
        let pages = 1 << (self.held / PAGE).clamp(1, CHUNK_PAGES).ilog2();
        let layout = chunk_layout(pages);
        // SAFETY: the layout has a size.
        let Some(memory) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        debug_assert!(memory.addr().get() >> 48 == 0);
        self.held += layout.size();
        self.chunks.push(Chunk { memory, pages: pages as u8, begun: 0, busy: 0 });
        self.chunks.len() - 1
    }

    /// Gives a chunk back that has no page of any class.
    fn give_back(&mut self, number: usize) {
        let chunk = &self.chunks[number];
        assert_eq!(chunk.busy, 0);
        for page in chunk.begun_pages().filter(|page| page.state() == State::Idle) {
            self.idle.unlink(page);
            self.idle_pages -= 1;
        }
        let last = self.chunks.len() - 1;
        self.chunks[last].begun_pages().for_each(|page| page.set_chunk(number));
        let renumbered = |old: usize| match old {
            _ if old == number => None,
            _ if old == last => Some(number),
            _ => Some(old),
        };
        self.fresh = self.fresh.and_then(renumbered);
        self.moving.renumber(renumbered);
        let chunk = self.chunks.swap_remove(number);
        self.held -= chunk.bytes();
        // SAFETY: it was allocated with this layout; no cell in it is in use, and its pages are in no list.
        unsafe { dealloc(chunk.memory.as_ptr(), chunk.layout()) };
    }

    /// Nothing is in use: as in the beginning.
    fn give_all_back(&mut self) {
        assert_eq!(self.used, 0);
        // SAFETY: no cell is in use.
        unsafe { self.discard(usize::MAX) };
    }

    /// Frees the cells of all pages at once, in slices: gives back up to `most` chunks. True: there are more. Until it
    /// says false nothing is to be allocated or freed. Large cells stay; their owner frees them.
    ///
    /// # Safety
    /// No cell of up to CELL_MAX bytes is used again.
    pub unsafe fn discard(&mut self, most: usize) -> bool {
        self.classes.clear();
        (self.idle, self.idle_pages, self.fresh, self.classes_in_use) = (List::default(), 0, None, 0);
        (self.used, self.slack, self.moving) = (0, 0, moving::Moving::default());
        let left = self.chunks.len().saturating_sub(most);
        for chunk in self.chunks.drain(left..) {
            self.held -= chunk.bytes();
            // SAFETY: it was allocated with this layout, and no cell in it is used again.
            unsafe { dealloc(chunk.memory.as_ptr(), chunk.layout()) };
        }
        left > 0
    }

    /// Bytes that were taken from the allocator for cells.
    pub fn held_bytes(&self) -> usize {
        self.held + self.large
    }

    /// Bytes of cells in use, as `rounded` has them.
    pub fn used_bytes(&self) -> usize {
        self.used + self.large
    }

    /// Invariants: takes as long as there are pages.
    pub fn check(&self) {
        let (mut used, mut held, mut idle) = (0, 0, 0);
        let mut pages = vec![0; self.classes.len()];
        for (number, chunk) in self.chunks.iter().enumerate() {
            held += chunk.bytes();
            let is_leaving = self.moving.chunk() == Some(number);
            assert!(chunk.begun == chunk.pages || self.fresh == Some(number) || is_leaving);
            let mut busy = 0;
            for page in chunk.begun_pages() {
                assert_eq!(page.chunk(), number);
                assert_eq!(is_leaving, page.state() == State::Leaving);
                idle += (page.state() == State::Idle) as usize;
                if page.state() == State::Idle || is_leaving && page.live() == 0 {
                    continue;
                }
                busy += 1;
                let class = page.class();
                pages[class] += 1;
                assert!((0..page.shape().words()).all(|word| page.free(word) & !page.all(word) == 0));
                assert_eq!(page.counted(), page.live());
                let words = (0..page.shape().words()).filter(|word| page.free(*word) != 0);
                assert_eq!(page.words(), words.fold(0, |words, word| words | 1 << word));
                assert!(page.state() != State::Full || page.live() > page.alarm());
                let is_current = self.classes[class].current == Some(page);
                assert_eq!(page.state() == State::Current, is_current);
                let at_hand = if is_current { self.classes[class].at_hand.count_ones() as usize } else { 0 };
                used += (page.live() - at_hand) * class * UNIT;
            }
            assert_eq!(busy, chunk.busy as usize);
        }
        assert_eq!((used, held, idle), (self.used + self.slack, self.held, self.idle_pages));
        assert_eq!(self.idle.iter().count(), idle);
        assert!(self.idle.iter().all(|page| page.state() == State::Idle));
        let mut slack = 0;
        for (number, class) in self.classes.iter().enumerate() {
            assert_eq!(class.pages, pages[number]);
            let (host, guests) = (host_of(number), class.guests as usize);
            assert!(guests == 0 || number != host && guests <= SHAPES[host].cells as usize);
            slack += (host - number) * UNIT * guests;
            for page in class.listed.iter() {
                assert!(page.state() == State::Listed && page.class() == number);
                assert!(page.live() > 0 && page.live() < page.shape().cells as usize);
            }
            assert!(class.current.is_some() || class.at_hand == 0);
        }
        assert_eq!(self.slack, slack);
        let in_use = self.classes.iter().filter(|class| class.pages > 0).count();
        assert_eq!(in_use, self.classes_in_use);
    }
}

impl Drop for Arena {
    /// Large cells are their owner's to free; those in pages go with the pages.
    fn drop(&mut self) {
        debug_assert!(self.large == 0 || std::thread::panicking(), "large cells are freed before");
        // SAFETY: whoever has a cell may not use it when its arena is gone.
        unsafe { self.discard(usize::MAX) };
    }
}

const _: () = assert!(CELL_MAX == CLASS_MAX * UNIT && CHUNK_PAGES.is_power_of_two());
