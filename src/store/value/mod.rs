//! Collections: what a value is that is no string. A new type is a module here and a line in the list of them
//! (src/store/entry/held.rs). It knows nothing of keys: what must happen when it changes is the door's business.
pub mod hash;
pub mod list;
pub mod set;
pub mod sorted_set;
mod walk;

use super::entry::Formed;
use super::sizes::Size;
use super::structure::index::{Group, Index};
pub use hash::{Hash, HashLimits};
pub use list::List;
pub use set::{Set, SetLimits};
pub use sorted_set::{SortedSet, SortedSetLimits};
use std::fmt::Debug;
pub use walk::Walk;

/// A key holds a value of another type than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongType;

/// It is one word. Its `Default` has no elements and takes no memory beside itself. Its `Clone` shares nothing.
pub trait Collection: Formed + Default + Clone + Debug + 'static {
    /// As TYPE says it.
    const TYPE: &'static str;

    /// As OBJECT ENCODING says it.
    fn encoding(&self) -> &'static str;

    /// Elements. A key whose collection has none is removed.
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it counts as.
    #[inline]
    fn size(&self) -> Size {
        Size::of_collection(Self::KIND, self.len())
    }

    /// Bytes that it holds beside itself, known without counting.
    fn heap_bytes(&self) -> usize;

    /// Roughly in how many pieces that memory is. With many, it is freed in slices.
    fn pieces(&self) -> usize;

    /// When the first of its elements expires, if one does.
    #[inline]
    fn due_ms(&self) -> Option<i64> {
        None
    }

    /// Frees up to so many pieces of what nobody will look at again. True: there are more.
    fn shed(&mut self, most: usize) -> bool;

    /// What finds the elements of a large one, where they have names.
    #[inline]
    fn index(&self) -> Option<&dyn Index> {
        None
    }

    /// These elements will be looked for soon, `WARMED_MAX` of them at most, and changed if so it is said: where they stand in a
    /// large one is fetched into the cache, all at once. Only a hint.
    #[inline]
    fn warm<'n>(&self, names: impl Iterator<Item = &'n [u8]>, changed: bool) {
        if let Some(index) = self.index() {
            let starts = Group::of(names.map(|name| index.foresee(name)));
            if starts.iter().fold(false, |any, start| any | index.fetch(start)) && changed {
                index.fetch_places(&mut starts.iter());
            }
        }
    }
}
