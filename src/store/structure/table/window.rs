//! Which of eight slots have a tag. Compilers do not find the instructions for it: with them a search of a small table took
//! 12 ns, without 14.
#![allow(unsafe_code)]
use super::Item;
use crate::base::prefetch;

/// As many slots as a line of the cache has.
pub const WINDOW: usize = 8;

/// A bit for each slot whose tag is this one. (An empty slot counts as 0.)
#[inline]
pub fn alike<T: Item>([a, b, c, d, e, f, g, h]: &[Option<T>; WINDOW], tag: u16) -> u32 {
    let words = [word(a), word(b), word(c), word(d), word(e), word(f), word(g), word(h)];
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use std::arch::x86_64::*;
        // SAFETY: each x86_64 has SSE2, and what is loaded are two of the words.
        unsafe {
            let pair = |at: usize| _mm_castsi128_ps(_mm_loadu_si128(words.as_ptr().add(at).cast()));
            let tops = |at: usize| {
                _mm_srai_epi32::<16>(_mm_castps_si128(_mm_shuffle_ps::<0b11_01_11_01>(pair(at), pair(at + 2))))
            };
            let equal = _mm_cmpeq_epi16(_mm_packs_epi32(tops(0), tops(4)), _mm_set1_epi16(tag as i16));
            _mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128())) as u32
        }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    words.iter().enumerate().map(|(bit, word)| (((word >> 48) as u16 == tag) as u32) << bit).sum()
}

/// With the tag on top.
#[inline]
fn word<T: Item>(slot: &Option<T>) -> u64 {
    slot.as_ref().map_or(0, |item| (item.tag() as u64) << 48)
}

/// Asks for the window that begins at this slot, so that it is in the cache when it is wanted. Seven of eight windows lie
/// across two lines: while only the first was asked for, SET and INCR at depth 16 spent a quarter of their time outside the
/// kernel waiting for the other.
/// An empty table has none, and where nothing is mapped nothing is asked for: for such an address the processor walks the
/// page tables each time, which took SPOP and ZPOPMIN of an absent key 40 ns.
#[inline]
pub fn prefetch<T>(slots: &[Option<T>], at: usize) {
    if let Some(window) = slots.get(at) {
        let window = std::ptr::from_ref(window);
        prefetch::prefetch(window);
        prefetch::prefetch(window.wrapping_add(WINDOW - 1));
    }
}
