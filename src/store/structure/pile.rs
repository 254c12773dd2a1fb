//! A stack of numbers in small chunks: a push never moves what is there, and memory goes back chunk by chunk. It keeps no
//! count of its items.

/// A chunk takes 256 bytes, which is a size that allocators keep: 8.26 bytes per item where there are many.
const ITEMS: usize = 31;

#[derive(Debug)]
struct Chunk {
    /// Invariant: all chunks below the top one are full.
    below: Option<Box<Chunk>>,
    items: [u64; ITEMS],
}

const _: () = assert!(size_of::<Chunk>() == 256);

#[derive(Debug, Default)]
pub struct Pile {
    /// Invariant: never empty.
    top: Option<Box<Chunk>>,
    /// Items of the top chunk.
    filled: usize,
}

impl Pile {
    #[inline]
    pub fn push(&mut self, item: u64) {
        match &mut self.top {
            Some(chunk) if self.filled < ITEMS => chunk.items[self.filled] = item,
            _ => self.grow(item),
        }
        self.filled += 1;
    }

    fn grow(&mut self, item: u64) {
        let mut chunk = Box::new(Chunk { below: self.top.take(), items: [0; ITEMS] });
        chunk.items[0] = item;
        self.top = Some(chunk);
        self.filled = 0;
    }

    #[inline]
    pub fn pop(&mut self) -> Option<u64> {
        let item = self.top.as_ref()?.items[self.filled - 1];
        self.filled -= 1;
        if self.filled == 0 {
            self.shrink();
        }
        Some(item)
    }

    /// Frees the top chunk, whatever it holds. How many items that were.
    pub fn drop_chunk(&mut self) -> usize {
        let count = self.filled;
        self.shrink();
        count
    }

    fn shrink(&mut self) {
        self.top = self.top.take().and_then(|mut chunk| chunk.below.take());
        self.filled = if self.top.is_some() { ITEMS } else { 0 };
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.top.is_none()
    }

    fn all(&self) -> impl Iterator<Item = &Chunk> {
        std::iter::successors(self.top.as_deref(), |chunk| chunk.below.as_deref())
    }

    #[cfg(test)]
    pub fn chunks(&self) -> usize {
        self.all().count()
    }

    /// From the last to the first.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        let filled = std::iter::once(self.filled).chain(std::iter::repeat(ITEMS));
        self.all().zip(filled).flat_map(|(chunk, filled)| chunk.items[..filled].iter().rev().copied())
    }
}

/// One after the other: a chunk that drops what is below it would recurse as deep as the pile is high.
impl Drop for Pile {
    fn drop(&mut self) {
        while !self.is_empty() {
            self.shrink();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_in_reverse_what_was_put_in() {
        let mut pile = Pile::default();
        for count in [0, 1, 30, 31, 32, 62, 63, 1000] {
            (0..count).for_each(|item| pile.push(item));
            assert!(pile.iter().eq((0..count).rev()), "{count}");
            for item in (0..count).rev() {
                assert_eq!(pile.pop(), Some(item));
            }
            assert!(pile.pop().is_none() && pile.is_empty() && pile.drop_chunk() == 0);
        }
    }

    #[test]
    fn goes_chunk_by_chunk_and_however_high_it_is() {
        let mut pile = Pile::default();
        (0..100).for_each(|item| pile.push(item));
        assert_eq!([(); 4].map(|()| pile.drop_chunk()), [7, 31, 31, 31]);
        assert!(pile.is_empty());
        (0..3_000_000).for_each(|item| pile.push(item));
    }
}
