//! Where a walk through a collection (SSCAN, HSCAN, ZSCAN) goes on: at a point in the order of hashes. A collection that has
//! become a row meanwhile is shown whole, but for what stands before that point: that was shown.
use crate::store::database::KeyHasher;
use crate::store::structure::table::order;

#[derive(Clone, Debug)]
pub struct Walk {
    /// As the client has it from the call before; 0 is the beginning.
    pub cursor: u64,
    /// That of the collection, if it is a table.
    pub hasher: KeyHasher,
}

impl Walk {
    /// An element of this hash was not shown yet.
    #[inline]
    pub(super) fn is_ahead(&self, hash: impl FnOnce(&KeyHasher) -> u64) -> bool {
        self.cursor == 0 || order(hash(&self.hasher)) >= self.cursor
    }
}
