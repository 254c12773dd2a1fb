//! The processor's hint that some memory will be wanted soon. It reads nothing, and it may be given any address.
//!
//! It pays where several lines are asked for at once, or one long before it is wanted: a line that is not in the caches
//! takes 30 to 100 ns.
#![allow(unsafe_code)]

#[inline(always)]
pub fn prefetch<T>(start: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a hint, which any address may be given.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(start.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = start;
}
