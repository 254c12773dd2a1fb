//! One word that is either a thin pointer (a small structure) or a box (a large one), told apart by its lowest bit: what
//! a collection is that must fit into the word which its entry has for it. It knows nothing of either.
#![allow(unsafe_code)]
use std::marker::PhantomData;
use std::ptr;

/// # Safety
/// It is one word, a pointer whose lowest bit is never set.
pub unsafe trait Thin: Sized {}

/// Invariant: a `Thin`, or the pointer of a `Box<T>` with its lowest bit set.
#[repr(transparent)]
pub struct Either<A: Thin, T> {
    word: *mut u8,
    owns: PhantomData<(A, Box<T>)>,
}

pub enum Side<A, B> {
    Small(A),
    Large(B),
}

impl<A: Thin, T> Either<A, T> {
    pub fn small(thin: A) -> Self {
        const { assert!(size_of::<A>() == 8 && align_of::<A>() == 8 && align_of::<T>() >= 2) };
        // SAFETY: it is one word, and is forgotten here.
        let word = unsafe { ptr::from_ref(&std::mem::ManuallyDrop::new(thin)).cast::<*mut u8>().read() };
        Either { word, owns: PhantomData }
    }

    pub fn large(boxed: Box<T>) -> Self {
        let word = Box::into_raw(boxed).cast::<u8>().map_addr(|address| address | 1);
        Either { word, owns: PhantomData }
    }

    #[inline]
    fn boxed(&self) -> Option<*mut T> {
        let is_large = self.word.addr() & 1 == 1;
        is_large.then(|| self.word.map_addr(|address| address & !1).cast())
    }

    #[inline]
    pub fn get(&self) -> Side<&A, &T> {
        match self.boxed() {
            // SAFETY: the word is what the invariant says.
            None => Side::Small(unsafe { &*ptr::from_ref(&self.word).cast() }),
            // SAFETY: the word is what the invariant says; it is borrowed for as long as the result.
            Some(boxed) => Side::Large(unsafe { &*boxed }),
        }
    }

    #[inline]
    pub fn get_mut(&mut self) -> Side<&mut A, &mut T> {
        match self.boxed() {
            // SAFETY: the word is what the invariant says, and an `A` may be changed into any other.
            None => Side::Small(unsafe { &mut *ptr::from_mut(&mut self.word).cast() }),
            // SAFETY: the word is what the invariant says; it is borrowed alone for as long as the result.
            Some(boxed) => Side::Large(unsafe { &mut *boxed }),
        }
    }

    pub fn into_inner(self) -> Side<A, Box<T>> {
        let this = std::mem::ManuallyDrop::new(self);
        match this.boxed() {
            // SAFETY: the word is what the invariant says, and nobody uses it any more.
            None => Side::Small(unsafe { ptr::from_ref(&this.word).cast::<A>().read() }),
            // SAFETY: the pointer came from a box, and nobody uses it any more.
            Some(boxed) => Side::Large(unsafe { Box::from_raw(boxed) }),
        }
    }
}

impl<A: Thin + Default, T> Default for Either<A, T> {
    fn default() -> Self {
        Either::small(A::default())
    }
}

impl<A: Thin, T> Drop for Either<A, T> {
    fn drop(&mut self) {
        drop(Either::<A, T> { word: self.word, owns: PhantomData }.into_inner());
    }
}

impl<A: Thin + Clone, T: Clone> Clone for Either<A, T> {
    fn clone(&self) -> Self {
        match self.get() {
            Side::Small(thin) => Either::small(thin.clone()),
            Side::Large(boxed) => Either::large(Box::new(boxed.clone())),
        }
    }
}

/// Like `Thin`, but its second lowest bit is always set, unless it is null, which is one that is empty.
///
/// # Safety
/// So it is.
pub unsafe trait Marked: Thin {}

/// One of two small structures, told apart by the second lowest bit.
/// Invariant: an `A`, which never has that bit, or a `B`.
#[repr(transparent)]
pub struct Twin<A: Aligned, B: Marked> {
    word: *mut u8,
    owns: PhantomData<(A, B)>,
}

/// # Safety
/// Its second lowest bit is never set either, and null is one that is empty.
pub unsafe trait Aligned: Thin {}

// SAFETY: the lowest bit is used by neither of them, nor here.
unsafe impl<A: Aligned, B: Marked> Thin for Twin<A, B> {}

impl<A: Aligned, B: Marked> Twin<A, B> {
    fn of<T>(thin: T) -> Self {
        const { assert!(size_of::<T>() == 8 && align_of::<T>() == 8) };
        // SAFETY: it is one word, and is forgotten here.
        let word = unsafe { ptr::from_ref(&std::mem::ManuallyDrop::new(thin)).cast::<*mut u8>().read() };
        Twin { word, owns: PhantomData }
    }

    pub fn first(thin: A) -> Self {
        Twin::of(thin)
    }

    pub fn second(thin: B) -> Self {
        Twin::of(thin)
    }

    #[inline]
    fn is_second(&self) -> bool {
        self.word.addr() & 0b10 != 0
    }

    #[inline]
    pub fn get(&self) -> Side<&A, &B> {
        let word = ptr::from_ref(&self.word);
        // SAFETY: the word is what the invariant says.
        unsafe { if self.is_second() { Side::Large(&*word.cast()) } else { Side::Small(&*word.cast()) } }
    }

    #[inline]
    pub fn get_mut(&mut self) -> Side<&mut A, &mut B> {
        let is_second = self.is_second();
        let word = ptr::from_mut(&mut self.word);
        // SAFETY: the word is what the invariant says, and may be changed into any other of its kind: of an empty `B`
        // there is left what is an empty `A`.
        unsafe { if is_second { Side::Large(&mut *word.cast()) } else { Side::Small(&mut *word.cast()) } }
    }
}

impl<A: Aligned + Default, B: Marked> Default for Twin<A, B> {
    fn default() -> Self {
        Twin::first(A::default())
    }
}

impl<A: Aligned, B: Marked> Drop for Twin<A, B> {
    fn drop(&mut self) {
        let word = ptr::from_ref(&self.word);
        // SAFETY: the word is what the invariant says, and nobody uses it any more.
        unsafe { if self.is_second() { drop(word.cast::<B>().read()) } else { drop(word.cast::<A>().read()) } }
    }
}

impl<A: Aligned + Clone, B: Marked + Clone> Clone for Twin<A, B> {
    fn clone(&self) -> Self {
        match self.get() {
            Side::Small(thin) => Twin::first(thin.clone()),
            Side::Large(thin) => Twin::second(thin.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Leaf(#[allow(dead_code)] Option<Box<u64>>);
    // SAFETY: a box of numbers is aligned.
    unsafe impl Thin for Leaf {}

    #[test]
    fn is_what_was_put_into_it() {
        let mut one = Either::<Leaf, Vec<u8>>::small(Leaf(Some(Box::new(7))));
        if let Side::Small(leaf) = one.get_mut() {
            leaf.0 = Some(Box::new(8));
        }
        let other = Either::<Leaf, Vec<u8>>::large(Box::new(vec![1, 2]));
        for either in [&one, &one.clone(), &other, &other.clone()] {
            match either.get() {
                Side::Small(leaf) => assert_eq!(leaf.0.as_deref(), Some(&8)),
                Side::Large(bytes) => assert_eq!(bytes, &[1, 2]),
            }
        }
        assert!(matches!(one.into_inner(), Side::Small(Leaf(Some(_)))));
        assert!(matches!(other.into_inner(), Side::Large(_)));
    }
}
