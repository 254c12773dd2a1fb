//! Memory goes back to the system in a thread of its own: what mimalloc keeps for later, when the thread is told to, and huge
//! pieces, which stand apart from mimalloc's. Unsafe, since `GlobalAlloc` is, and since who is to be freed is listed in the
//! memory that is freed: to free allocates nothing.
//!
//! To unmap 512 MB that were written to takes 12 to 80 ms. mimalloc puts that off to some later allocation or release, of
//! whichever thread makes it, and an idle server keeps the memory. So the thread does it, in place of all others. Huge
//! pieces are the system's, and whoever frees one only hands it on. While the thread unmapped 512 MB at once, a server that mapped
//! something meanwhile stood for 7 to 28 ms; so it gives back 1 MB at a time, and mimalloc 4 MB.
#![allow(unsafe_code)]

use super::{helper, memory};
use nix::sys::mman::{MmapAdvise, madvise};
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::thread::{self, Thread};
use std::{io, ptr};

/// glibc maps each piece apart that is larger, whatever came before. Smaller ones are used again too often.
pub const HUGE_BYTES: usize = (32 << 20) + 4096;

/// Its pages are given back so many bytes at a time.
const SLICE: usize = 1 << 20;

/// Stands at the beginning of a piece that is to be freed.
struct Freed {
    next: *mut Freed,
    layout: Layout,
}

/// The pieces to be freed, the last one first.
static FREED: AtomicPtr<Freed> = AtomicPtr::new(ptr::null_mut());
/// mimalloc is to give back what it keeps for later.
static PURGE: AtomicBool = AtomicBool::new(false);
/// Who does both. Without it each piece is freed at once.
static HELPER: OnceLock<Thread> = OnceLock::new();

/// Starts the thread, once. It sees nothing but memory that nobody has any more.
pub fn start_helper() -> io::Result<()> {
    if HELPER.get().is_none() {
        let freeing = helper::spawn("freeing", || {
            loop {
                free_all();
                if PURGE.swap(false, Ordering::Relaxed) {
                    memory::purge();
                }
                thread::park();
            }
        })?;
        // Of two that were started at once one sleeps for ever.
        let _ = HELPER.set(freeing.thread().clone());
    }
    Ok(())
}

/// Has the thread give back what mimalloc keeps for later.
pub fn purge() {
    if let Some(helper) = HELPER.get() {
        PURGE.store(true, Ordering::Relaxed);
        helper.unpark();
    }
}

fn free_all() {
    let mut next = FREED.swap(ptr::null_mut(), Ordering::Acquire);
    while !next.is_null() {
        // SAFETY: `set_aside` wrote this to each piece of the list, which nobody else has since the swap, and which came
        // from the system with this layout.
        unsafe {
            let freed = next.read_unaligned();
            empty(next.cast(), freed.layout.size());
            System.dealloc(next.cast(), freed.layout);
            next = freed.next;
        }
    }
}

/// Gives the pages of a piece back, some at a time: while the kernel unmaps many at once, any other thread that maps
/// something waits for it.
///
/// # Safety
/// Nobody uses it any more.
unsafe fn empty(pointer: *mut u8, size: usize) {
    const PAGE: usize = 64 * 1024;
    if cfg!(miri) {
        // Miri has no `madvise`.
        return;
    }
    let mut from = pointer.align_offset(PAGE);
    while from + PAGE <= size {
        let count = SLICE.min((size - from) & !(PAGE - 1));
        // SAFETY: whole pages of the piece, whatever size they have; the kernel fills them with zeros.
        let given =
            unsafe { madvise(NonNull::new_unchecked(pointer.add(from)).cast(), count, MmapAdvise::MADV_DONTNEED) };
        if given.is_err() {
            // It is unmapped as a whole.
            return;
        }
        from += count;
    }
}

/// Leaves a huge piece to the thread.
///
/// # Safety
/// It came from the system with this layout, and nobody uses it any more.
unsafe fn set_aside(pointer: *mut u8, layout: Layout) {
    let Some(helper) = HELPER.get() else {
        // SAFETY: the caller's promise.
        return unsafe { System.dealloc(pointer, layout) };
    };
    let freed: *mut Freed = pointer.cast();
    let mut next = FREED.load(Ordering::Relaxed);
    loop {
        // SAFETY: the piece is long enough, and nobody uses it.
        unsafe { freed.write_unaligned(Freed { next, layout }) };
        match FREED.compare_exchange_weak(next, freed, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return helper.unpark(),
            Err(now) => next = now,
        }
    }
}

/// An allocator that leaves what is huge to the system.
pub struct Apart<A> {
    inner: A,
}

impl<A> Apart<A> {
    pub const fn new(inner: A) -> Apart<A> {
        Apart { inner }
    }
}

// SAFETY: by its size in its layout each piece belongs to `inner` or to the system, from its allocation to its end, and
// every call goes there with the caller's own arguments.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Apart<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises of `layout` what either asks for.
        unsafe { if layout.size() < HUGE_BYTES { self.inner.alloc(layout) } else { System.alloc(layout) } }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises of `layout` what either asks for.
        unsafe {
            if layout.size() < HUGE_BYTES { self.inner.alloc_zeroed(layout) } else { System.alloc_zeroed(layout) }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `pointer` came from here with this layout, so from the same of the two.
        unsafe {
            if layout.size() < HUGE_BYTES { self.inner.dealloc(pointer, layout) } else { set_aside(pointer, layout) }
        }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if layout.size().max(new_size) < HUGE_BYTES {
            // SAFETY: the caller's promises, of a piece that `inner` has and keeps.
            return unsafe { self.inner.realloc(pointer, layout, new_size) };
        }
        // SAFETY: the caller's promises, of a piece that the system has, or that moves from one to the other.
        unsafe { self.grow_huge(pointer, layout, new_size) }
    }
}

impl<A: GlobalAlloc> Apart<A> {
    /// # Safety
    /// That of `realloc`, where one of the sizes is huge.
    #[cold]
    unsafe fn grow_huge(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `new_size` makes a valid layout; the new piece is another than the old one,
        // which is freed once, when it was copied.
        unsafe {
            if layout.size().min(new_size) >= HUGE_BYTES {
                return System.realloc(pointer, layout, new_size);
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(pointer, moved, layout.size().min(new_size));
                self.dealloc(pointer, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 1).unwrap()
    }

    /// Both ways over the border, and beyond it, with the helper and without.
    #[test]
    fn what_is_huge_keeps_its_bytes_wherever_it_is() {
        let apart = Apart::new(System);
        for _ in 0..2 {
            // SAFETY: the layouts have a size, each pointer goes back once with the layout that it has by then, and what is
            // read was written.
            unsafe {
                let mut piece = apart.alloc(layout(1000));
                piece.add(999).write(7);
                let mut size = 1000;
                for new_size in [HUGE_BYTES, 2 * HUGE_BYTES, HUGE_BYTES, 1000] {
                    piece = apart.realloc(piece, layout(size), new_size);
                    size = new_size;
                    assert_eq!(piece.add(999).read(), 7);
                }
                apart.dealloc(piece, layout(size));
                let zeros = apart.alloc_zeroed(layout(HUGE_BYTES));
                assert_eq!(zeros.add(HUGE_BYTES - 1).read(), 0);
                apart.dealloc(zeros, layout(HUGE_BYTES));
            }
            // Miri allows no thread that outlives the tests: there this one is who frees.
            if cfg!(miri) {
                let _ = HELPER.set(thread::current());
            } else {
                start_helper().unwrap();
            }
        }
        // Many at once; none is lost.
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        // SAFETY: as above.
                        unsafe {
                            Apart::new(System).dealloc(Apart::new(System).alloc(layout(HUGE_BYTES)), layout(HUGE_BYTES))
                        };
                    }
                });
            }
        });
        while !FREED.load(Ordering::Relaxed).is_null() {
            if cfg!(miri) {
                free_all();
            }
            thread::yield_now();
        }
    }
}
