//! How a large collection finds its elements by their names, in steps. Who is to look for several, those of one command or of
//! requests that were parsed ahead, begins all of these look-ups before the first of them goes on: so they wait for memory
//! together.
use super::table::Start;

/// Look-ups that wait for memory together, at most.
pub const WARMED_MAX: usize = 32;

/// What it does is a hint to the cache: nothing is kept of it.
pub trait Index {
    /// Where the look-up of an element begins. The slots there are fetched into the cache.
    fn foresee(&self, name: &[u8]) -> Start;

    /// The element that it would compare first is fetched too: only now, since the slots had to come first. True: who
    /// changes it wants `fetch_place`.
    fn fetch(&self, start: Start) -> bool;

    /// And where that element stands in the order of the collection.
    fn fetch_place(&self, _start: Start) {}
}

/// Where some look-ups begin.
pub struct Starts([Option<Start>; WARMED_MAX]);

impl Starts {
    /// Of the first `WARMED_MAX` of these names.
    #[inline]
    pub fn of<'n>(names: impl Iterator<Item = &'n [u8]>, foresee: impl Fn(&[u8]) -> Start) -> Starts {
        let mut starts = [None; WARMED_MAX];
        for (start, name) in starts.iter_mut().zip(names) {
            *start = Some(foresee(name));
        }
        Starts(starts)
    }

    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Start> {
        self.0.iter().map_while(|start| *start)
    }
}
