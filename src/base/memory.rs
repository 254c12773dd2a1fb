//! Counts the bytes that the program holds, for `used_memory` and `maxmemory`, around whichever allocator it uses; and
//! asks mimalloc for memory in the way that costs least of it.
//!
//! Counted is what was asked for, not what the allocator rounded it up to. Each thread counts for itself, with no
//! atomic operation, and adds to the sum when it is `SLACK` ahead of it; a thread that ends takes up to that much
//! with it. Around mimalloc that adds 0.4 to 1.3 ns to an allocation and its release, of 5 to 35 ns. Unsafe, since
//! `GlobalAlloc` is; it does nothing with a pointer but hand it on.
#![allow(unsafe_code)]

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::ffi::{c_int, c_long, c_void};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

/// How far a thread's count may be from what it has told the others.
const SLACK: isize = 64 * 1024;

/// What all threads have told: may be negative for a moment, when one frees what another has not told yet.
static TOLD: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    /// What this thread has not told yet. Constant and without a destructor, so that to use it never allocates and is
    /// possible until the very end of a thread.
    static UNTOLD: Cell<isize> = const { Cell::new(0) };
}

/// How often a thread has told the others.
static TOLD_TIMES: AtomicUsize = AtomicUsize::new(0);

/// The bytes held now: exact for a program of one thread, else within `SLACK` for each other thread.
pub fn allocated() -> usize {
    (TOLD.load(Relaxed) + UNTOLD.get()).max(0) as usize
}

/// Moves on whenever more than `SLACK` bytes have come or gone: while it stands still, there is little to give back.
pub fn shifts() -> usize {
    TOLD_TIMES.load(Relaxed)
}

/// Has mimalloc give back to the system what it holds for later, where mimalloc is the allocator. Any thread can do that:
/// what others allocate meanwhile comes from elsewhere, and they give back nothing themselves.
pub fn purge() {
    // SAFETY: this is how mimalloc.h declares them.
    unsafe extern "C" {
        safe fn mi_thread_init();
        safe fn mi_collect(force: bool);
    }
    // In a thread that has never allocated it would do nothing.
    mi_thread_init();
    mi_collect(true);
}

/// Has mimalloc give back what is free after a millisecond, unless its environment says otherwise: in the midst of what
/// frees something else by then, all at once, and not at all while nothing happens.
pub fn give_back_soon() {
    purge_after(1);
}

/// Has mimalloc keep what is free until `purge` is called; by itself it would come to it after an hour.
pub fn keep_until_purged() {
    purge_after(3_600_000);
}

/// The option `mi_option_purge_delay`, as mimalloc.h counts them.
const PURGE_DELAY: c_int = 15;

fn purge_after(ms: c_long) {
    // SAFETY: this is how mimalloc.h declares it.
    unsafe extern "C" {
        safe fn mi_option_set_default(option: c_int, value: c_long);
    }
    mi_option_set_default(PURGE_DELAY, ms);
}

/// mimalloc, asked for words. Asked for an alignment, be it that of a word, it takes up to 7 bytes more than it was asked
/// for, rounds that, and goes a longer way; but whatever it gives is aligned to a word.
pub struct Words;

/// What mimalloc aligns everything to.
const WORD: usize = 8;

// SAFETY: memory of mimalloc's goes back to mimalloc, whichever of its functions gave it. `mi_malloc` and `mi_zalloc` give
// what `alloc` and `alloc_zeroed` are to give: so many bytes, aligned to a word, or null.
unsafe impl GlobalAlloc for Words {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: this is how mimalloc.h declares it.
        unsafe extern "C" {
            safe fn mi_malloc(size: usize) -> *mut c_void;
        }
        if layout.align() <= WORD {
            return mi_malloc(layout.size()).cast();
        }
        // SAFETY: the caller's promises.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: this is how mimalloc.h declares it.
        unsafe extern "C" {
            safe fn mi_zalloc(size: usize) -> *mut c_void;
        }
        if layout.align() <= WORD {
            return mi_zalloc(layout.size()).cast();
        }
        // SAFETY: the caller's promises.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promises.
        unsafe { MiMalloc.realloc(pointer, layout, new_size) }
    }
}

#[inline]
fn count(bytes: isize) {
    let untold = UNTOLD.get() + bytes;
    if untold.abs() <= SLACK {
        UNTOLD.set(untold);
    } else {
        UNTOLD.set(0);
        TOLD.fetch_add(untold, Relaxed);
        TOLD_TIMES.fetch_add(1, Relaxed);
    }
}

/// An allocator that counts. Only one of them makes sense in a program, since all share the one count:
///
/// ```
/// use spindle::base::memory::{Counting, Words, allocated};
///
/// #[global_allocator]
/// static ALLOCATOR: Counting<Words> = Counting::new(Words);
///
/// let before = allocated();
/// let room = std::hint::black_box(vec![0u8; 100_000]);
/// assert_eq!(allocated(), before + 100_000);
/// drop(room);
/// assert_eq!(allocated(), before);
/// ```
pub struct Counting<A> {
    inner: A,
}

impl<A> Counting<A> {
    pub const fn new(inner: A) -> Counting<A> {
        Counting { inner }
    }
}

// A layout's size is at most isize::MAX, so the casts below keep it.

// SAFETY: every call goes to `inner` with the caller's own arguments, and its result is returned as it is; `inner` keeps
// the contract. Counting neither allocates nor unwinds: a thread local without initializer and destructor, an atomic.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises of `layout` what `inner` asks for.
        let pointer = unsafe { self.inner.alloc(layout) };
        if !pointer.is_null() {
            count(layout.size() as isize);
        }
        pointer
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises of `layout` what `inner` asks for.
        let pointer = unsafe { self.inner.alloc_zeroed(layout) };
        if !pointer.is_null() {
            count(layout.size() as isize);
        }
        pointer
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `pointer` came from here, so from `inner`, with this layout.
        unsafe { self.inner.dealloc(pointer, layout) };
        count(-(layout.size() as isize));
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as for `dealloc`, and the caller promises that `new_size` makes a valid layout.
        let moved = unsafe { self.inner.realloc(pointer, layout, new_size) };
        if !moved.is_null() {
            count(new_size as isize - layout.size() as isize);
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::alloc::System;

    /// Refuses everything, as a system without memory does.
    struct Nothing;

    // SAFETY: a null pointer is always allowed as an answer, and nothing was handed out that could come back.
    unsafe impl GlobalAlloc for Nothing {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            std::ptr::null_mut()
        }
        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {
            unreachable!()
        }
    }

    /// The number of an option is written down here: it is the only one that begins with 1000 and is not of guards.
    #[test]
    #[cfg_attr(miri, ignore = "Miri has no C")]
    fn mimalloc_is_told_of_the_right_option() {
        // SAFETY: this is how mimalloc.h declares it.
        unsafe extern "C" {
            safe fn mi_option_get(option: c_int) -> c_long;
        }
        assert_eq!(mi_option_get(PURGE_DELAY), 1000);
        give_back_soon();
        assert_eq!(mi_option_get(PURGE_DELAY), 1);
        keep_until_purged();
        assert_eq!(mi_option_get(PURGE_DELAY), 3_600_000);
        purge_after(1000);
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no C")]
    fn mimalloc_gives_what_is_aligned_and_no_larger_than_was_asked_for() {
        // SAFETY: this is how mimalloc.h declares it.
        unsafe extern "C" {
            fn mi_usable_size(pointer: *const c_void) -> usize;
        }
        for align in [1, 2, 4, 8, 16, 64, 4096] {
            for size in (1..=300).chain([320, 512, 640, 10_240]) {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: the layout has a size; what is read was cleared; it goes back once.
                unsafe {
                    let [one, other] = [Words.alloc(layout), Words.alloc_zeroed(layout)];
                    assert!([one, other].iter().all(|pointer| pointer.addr().is_multiple_of(align)), "{layout:?}");
                    assert!((0..size).all(|at| other.add(at).read() == 0));
                    if align <= WORD && [80, 96, 112, 160, 192, 224, 320, 640, 10_240].contains(&size) {
                        assert_eq!(mi_usable_size(one.cast()), size);
                    }
                    Words.dealloc(one, layout);
                    Words.dealloc(other, layout);
                }
            }
        }
    }

    // One test, since other threads of this module would move the common sum.
    #[test]
    fn every_way_to_get_and_give_back_is_counted() {
        const KB: usize = 1024;
        let counting = Counting::new(System);
        let layout = |size| Layout::from_size_align(size, 8).unwrap();
        let before = allocated();
        let held = || allocated() - before;
        // SAFETY: the layouts have a size, and each pointer goes back once, with the layout that it has by then.
        unsafe {
            let small = counting.alloc(layout(100));
            assert_eq!(held(), 100);
            let large = counting.alloc_zeroed(layout(300 * KB));
            assert_eq!(held(), 100 + 300 * KB);
            assert!(TOLD.load(Relaxed) >= 300 * KB as isize, "a large block is told at once");
            let large = counting.realloc(large, layout(300 * KB), 10 * KB);
            assert_eq!(held(), 100 + 10 * KB);
            let small = counting.realloc(small, layout(100), 200 * KB);
            assert_eq!(held(), 210 * KB);
            counting.dealloc(large, layout(10 * KB));
            counting.dealloc(small, layout(200 * KB));
            assert_eq!(held(), 0);

            // A thread that gets and one that gives back: the sum is right once both have told.
            let blocks = std::thread::scope(|scope| {
                let get =
                    || (0..100).map(|_| Counting::new(System).alloc(layout(10 * KB)) as usize).collect::<Vec<_>>();
                scope.spawn(get).join().unwrap()
            });
            assert!(held().abs_diff(1000 * KB) <= SLACK as usize);
            for block in blocks {
                counting.dealloc(block as *mut u8, layout(10 * KB));
            }
            assert!(allocated().abs_diff(before) <= SLACK as usize);

            // What was refused is not counted.
            let settled = allocated();
            assert!(Counting::new(Nothing).alloc(layout(8)).is_null());
            assert!(Counting::new(Nothing).alloc_zeroed(layout(8)).is_null());
            assert_eq!(allocated(), settled);
        }
    }
}
