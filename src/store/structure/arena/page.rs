//! A page of an arena: cells of one size behind a header, which says by a bit for each cell whether it is free. A page
//! is aligned to its size, so a cell finds its page by its address. Lists of pages run through their headers.
//!
//! ```text
//!   0      8          16      20     22      24      26      27      32                 first            16384
//!   next   previous   chunk   live   alarm   words   class   state   free bits, 64 each  cell 0, cell 1 ...
//! ```
#![allow(unsafe_code)]

use super::Cell;
use std::ptr::NonNull;

/// Of 4 KB, cells of 512 bytes wasted 14 %; of 64 KB, a database that uses many sizes holds many half-empty ones.
pub const PAGE: usize = 16 * 1024;
/// The unit of sizes. Class n has cells of n units.
pub const UNIT: usize = 8;
/// The largest cell that has a class. Of this size a page wastes 6 %.
pub const CELL_MAX: usize = 1024;
pub const CLASS_MIN: usize = 1;
pub const CLASS_MAX: usize = CELL_MAX / UNIT;

/// A page that was full is used again when so great a part of it is free: one cell alone is not worth the way.
const RELISTED: u16 = 32;

const HEADER: usize = size_of::<Header>();
/// So that a bit for each stands in `words`. Enough for cells of 16 bytes; of 8 bytes only an empty key with an empty
/// value wants one.
const WORDS_MAX: usize = u16::BITS as usize;

/// How the pages of a class are divided.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Offset of the first cell.
    pub first: u16,
    pub cells: u16,
    /// 2^32 / size, rounded up: a multiplication instead of a division.
    reciprocal: u32,
}

pub static SHAPES: [Shape; CLASS_MAX + 1] = {
    let mut shapes = [Shape { first: 0, cells: 0, reciprocal: 0 }; CLASS_MAX + 1];
    let mut class = CLASS_MIN;
    while class <= CLASS_MAX {
        shapes[class] = Shape::of(class * UNIT);
        class += 1;
    }
    shapes
};

impl Shape {
    const fn of(size: usize) -> Shape {
        let mut cells = (PAGE - HEADER) / size;
        if cells > WORDS_MAX * 64 {
            cells = WORDS_MAX * 64;
        }
        while HEADER + cells.div_ceil(64) * 8 + cells * size > PAGE {
            cells -= 1;
        }
        let reciprocal = (1u64 << 32).div_ceil(size as u64);
        Shape { first: (HEADER + cells.div_ceil(64) * 8) as u16, cells: cells as u16, reciprocal: reciprocal as u32 }
    }

    pub const fn words(self) -> usize {
        (self.cells as usize).div_ceil(64)
    }

    /// The number of the cell that begins at this offset of the page. Exact: an offset has 14 bits, the error of the
    /// reciprocal 10, which together stay below the 32 that are cut off.
    #[inline]
    pub fn number(self, offset: usize) -> usize {
        (((offset - self.first as usize) as u64 * self.reciprocal as u64) >> 32) as usize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// In the list of the pages of its class that have free cells.
    Listed,
    /// The one from which its class allocates. Its `live` counts also the free cells that the class has taken over.
    Current,
    /// In no list: it has no free cell.
    Full,
    /// Of no class.
    Idle,
    /// Of a chunk that is being emptied, in no list: nothing is allocated from it.
    Leaving,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Header {
    next: Option<Page>,
    previous: Option<Page>,
    chunk: u32,
    /// Cells in use. While it is the current page those that it gave are not counted, only those that come back.
    live: u16,
    /// When `live` comes down to this, the page is to be filed anew.
    alarm: u16,
    /// The words that are not 0.
    words: u16,
    class: u8,
    state: State,
}

const _: () = assert!(size_of::<Header>() == 32 && CLASS_MAX <= u8::MAX as usize);

/// A page that has begun. Invariant: its chunk is held; so a `Page` is never kept beyond its chunk. The pointer may
/// reach the whole page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page(NonNull<u8>);

impl Page {
    /// Writes the header of an idle page.
    ///
    /// # Safety
    /// `memory` is aligned to PAGE, and PAGE bytes from there on are the arena's own.
    pub unsafe fn begin(memory: NonNull<u8>, chunk: u32) -> Page {
        debug_assert!(memory.addr().get().is_multiple_of(PAGE));
        let (live, alarm, words, class, state) = (0, 0, 0, 0, State::Idle);
        let header = Header { next: None, previous: None, chunk, live, alarm, words, class, state };
        // SAFETY: the caller lends the memory, which is aligned and large enough.
        unsafe { memory.cast::<Header>().write(header) };
        Page(memory)
    }

    /// # Safety
    /// `memory` is where a page begins that has begun.
    #[inline]
    pub unsafe fn at(memory: NonNull<u8>) -> Page {
        Page(memory)
    }

    /// # Safety
    /// The cell is of a page.
    #[inline]
    pub unsafe fn of(cell: Cell) -> Page {
        let start = cell.as_ptr().map_addr(|address| address & !(PAGE - 1));
        // SAFETY: the cell stands behind the header of its page, so there is a page, which is not at address 0.
        Page(unsafe { NonNull::new_unchecked(start) })
    }

    #[inline]
    fn header(self) -> *mut Header {
        self.0.cast().as_ptr()
    }

    /// Cells in use, or at hand.
    pub fn live(self) -> usize {
        match self.state() {
            State::Idle => 0,
            State::Current => self.counted(),
            // SAFETY: the header of a begun page can be read.
            _ => unsafe { (*self.header()).live as usize },
        }
    }

    /// The same from the bits.
    pub fn counted(self) -> usize {
        let free: u32 = (0..self.shape().words()).map(|number| self.free(number).count_ones()).sum();
        self.shape().cells as usize - free as usize
    }

    #[inline]
    pub fn class(self) -> usize {
        // SAFETY: the header of a begun page can be read.
        unsafe { (*self.header()).class as usize }
    }

    #[inline]
    pub fn shape(self) -> Shape {
        SHAPES[self.class()]
    }

    #[inline]
    pub fn state(self) -> State {
        // SAFETY: the header of a begun page can be read.
        unsafe { (*self.header()).state }
    }

    pub fn set_state(self, state: State) {
        debug_assert!(state != State::Full);
        let live = self.live() as u16;
        // SAFETY: the header of a begun page can be written.
        unsafe {
            let header = self.header();
            ((*header).state, (*header).alarm, (*header).live) = (state, 0, live);
        }
    }

    /// A current page that has no cell left is full.
    pub fn fill_up(self) {
        debug_assert!(self.state() == State::Current && self.counted() == self.shape().cells as usize);
        let cells = self.shape().cells;
        // SAFETY: the header of a begun page can be written.
        unsafe {
            let header = self.header();
            ((*header).state, (*header).live) = (State::Full, cells);
            (*header).alarm = cells - (cells / RELISTED).max(1);
        }
    }

    pub fn chunk(self) -> usize {
        // SAFETY: the header of a begun page can be read.
        unsafe { (*self.header()).chunk as usize }
    }

    pub fn set_chunk(self, chunk: usize) {
        // SAFETY: the header of a begun page can be written.
        unsafe { (*self.header()).chunk = chunk as u32 };
    }

    /// Makes a page with no live cell one of this class, all its cells free.
    pub fn assign(self, class: usize) {
        assert!(self.live() == 0 && (CLASS_MIN..=CLASS_MAX).contains(&class));
        // SAFETY: the header of a begun page can be written.
        unsafe { (*self.header()).class = class as u8 };
        // SAFETY: the header of a begun page can be written.
        unsafe { (*self.header()).words = 0 };
        for number in 0..self.shape().words() {
            self.write(number, self.all(number));
        }
    }

    /// The bits of this word that stand for cells.
    pub fn all(self, number: usize) -> u64 {
        let cells = self.shape().cells as usize - number * 64;
        if cells >= 64 { u64::MAX } else { (1 << cells) - 1 }
    }

    #[inline]
    fn word(self, number: usize) -> NonNull<u64> {
        debug_assert!(number < self.shape().words());
        // SAFETY: the words stand behind the header, and the page has this one.
        unsafe { self.0.add(HEADER + number * 8).cast() }
    }

    /// The free cells among the 64 of this word.
    #[inline]
    pub fn free(self, number: usize) -> u64 {
        // SAFETY: a word of a begun page, written when the page was given its class.
        unsafe { self.word(number).read() }
    }

    #[inline]
    fn write(self, number: usize, bits: u64) {
        // SAFETY: a word of a begun page, and its header.
        unsafe {
            self.word(number).write(bits);
            (*self.header()).words |= 1 << number;
        }
    }

    /// Takes all free cells of a word, if there are any: its number and their bits.
    #[inline]
    pub fn take(self) -> Option<(usize, u64)> {
        // SAFETY: the header of a begun page can be read and written; so can a word of it.
        unsafe {
            let header = self.header();
            let words = (*header).words;
            if words == 0 {
                return None;
            }
            let number = words.trailing_zeros() as usize;
            let bits = self.word(number).replace(0);
            (*header).words = words & (words - 1);
            Some((number, bits))
        }
    }

    /// Takes back what is left of them.
    pub fn untake(self, number: usize, bits: u64) {
        debug_assert_eq!(self.free(number) & bits, 0);
        if bits != 0 {
            self.write(number, self.free(number) | bits);
        }
    }

    #[inline]
    pub fn cell(self, number: usize) -> Cell {
        debug_assert!(number < self.shape().cells as usize);
        // SAFETY: the cells of a page lie within it.
        Cell(unsafe { self.0.add(self.shape().first as usize + number * self.class() * UNIT) })
    }

    /// Marks a cell of this page free. True: it is to be filed anew.
    ///
    /// # Safety
    /// It is a live cell of this page, which is of this class.
    #[inline]
    pub unsafe fn free_cell(self, cell: Cell, class: usize) -> bool {
        debug_assert!(class == self.class() && self.state() != State::Idle);
        let number = SHAPES[class].number(cell.as_ptr().addr() & (PAGE - 1));
        debug_assert!(self.cell(number) == cell, "a cell begins there");
        let (word, bit) = (number / 64, 1 << (number % 64));
        debug_assert!(self.free(word) & bit == 0, "it is not free already");
        self.write(word, self.free(word) | bit);
        // SAFETY: the header of a begun page can be read and written.
        unsafe {
            let live = (*self.header()).live.wrapping_sub(1);
            (*self.header()).live = live;
            live == (*self.header()).alarm
        }
    }

    pub fn alarm(self) -> usize {
        // SAFETY: the header of a begun page can be read.
        unsafe { (*self.header()).alarm as usize }
    }

    /// The words that are not 0, by a bit each.
    pub fn words(self) -> u16 {
        // SAFETY: the header of a begun page can be read.
        unsafe { (*self.header()).words }
    }

    /// Some cell that is not free.
    pub fn some_live(self) -> Option<Cell> {
        let live = |number: usize| self.all(number) & !self.free(number);
        let number = (0..self.shape().words()).find(|number| live(*number) != 0)?;
        Some(self.cell(number * 64 + live(number).trailing_zeros() as usize))
    }

    fn set_next(self, next: Option<Page>) {
        // SAFETY: the header of a begun page can be written.
        unsafe { (*self.header()).next = next };
    }

    fn set_previous(self, previous: Option<Page>) {
        // SAFETY: the header of a begun page can be written.
        unsafe { (*self.header()).previous = previous };
    }

    fn links(self) -> (Option<Page>, Option<Page>) {
        // SAFETY: the header of a begun page can be read.
        unsafe { ((*self.header()).previous, (*self.header()).next) }
    }
}

/// Pages of one list; a page is in at most one.
#[derive(Debug, Default)]
pub struct List {
    first: Option<Page>,
}

impl List {
    pub fn push(&mut self, page: Page) {
        page.set_previous(None);
        page.set_next(self.first);
        if let Some(first) = self.first {
            first.set_previous(Some(page));
        }
        self.first = Some(page);
    }

    /// Takes out a page that is in this list.
    pub fn unlink(&mut self, page: Page) {
        let (previous, next) = page.links();
        match previous {
            Some(previous) => previous.set_next(next),
            None => {
                debug_assert_eq!(self.first, Some(page));
                self.first = next;
            }
        }
        if let Some(next) = next {
            next.set_previous(previous);
        }
    }

    pub fn pop(&mut self) -> Option<Page> {
        let page = self.first?;
        self.unlink(page);
        Some(page)
    }

    pub fn iter(&self) -> impl Iterator<Item = Page> {
        std::iter::successors(self.first, |page| page.links().1)
    }
}
