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
    /// changes it, or asks for its rank, wants `fetch_places`.
    fn fetch(&self, start: Start) -> bool;

    /// And where those elements stand in the order of the collection.
    fn fetch_places(&self, _starts: &mut dyn Iterator<Item = Start>) {}
}

/// What some look-ups have come to, those of a group: where they begin, what they found.
pub struct Group<T>([Option<T>; WARMED_MAX]);

impl<T: Copy> Group<T> {
    /// Of the first `WARMED_MAX` of them.
    #[inline]
    pub fn of(each: impl Iterator<Item = T>) -> Group<T> {
        let mut group = [None; WARMED_MAX];
        for (place, it) in group.iter_mut().zip(each) {
            *place = Some(it);
        }
        Group(group)
    }

    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.0.iter().map_while(|it| *it)
    }
}
