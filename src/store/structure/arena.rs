//! The memory of a database's entries: cells of 8-byte size classes. For now each cell is the allocator's.
//! Unsafe, since cells are raw memory. It knows nothing of what is in them.
#![allow(unsafe_code)]
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// One piece of memory of an arena, 8-byte aligned.
#[derive(Clone, Copy, Debug)]
pub struct Cell(NonNull<u8>);

impl Cell {
    #[inline]
    pub fn as_ptr(self) -> *mut u8 {
        self.0.as_ptr()
    }

    /// # Safety
    /// The address of a cell that is in use.
    #[inline]
    pub unsafe fn from_ptr(start: *mut u8) -> Cell {
        Cell(NonNull::new(start).expect("a cell is somewhere"))
    }
}

#[derive(Debug, Default)]
pub struct Arena {
    used: usize,
}

/// What a cell of so many bytes takes.
#[inline]
pub const fn rounded(bytes: usize) -> usize {
    bytes.next_multiple_of(8)
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(rounded(bytes), 8).expect("no cell is that large")
}

impl Arena {
    /// Uninitialised memory of at least so many bytes, and one.
    #[inline]
    pub fn allocate(&mut self, bytes: usize) -> Cell {
        let layout = layout(bytes.max(1));
        self.used += layout.size();
        // SAFETY: the layout has a size.
        let start = unsafe { alloc(layout) };
        Cell(NonNull::new(start).unwrap_or_else(|| handle_alloc_error(layout)))
    }

    /// # Safety
    /// The cell came from `allocate` of this arena for so many bytes, and is not used again.
    #[inline]
    pub unsafe fn free(&mut self, cell: Cell, bytes: usize) {
        let layout = layout(bytes.max(1));
        self.used -= layout.size();
        // SAFETY: as the caller says.
        unsafe { dealloc(cell.as_ptr(), layout) }
    }

    pub fn held_bytes(&self) -> usize {
        self.used
    }

    pub fn used_bytes(&self) -> usize {
        self.used
    }

    pub fn check(&self) {}
}
