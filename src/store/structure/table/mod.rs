//! A hash table that never grows all at once and stands in the order of its hashes. A directory finds segments by the top
//! bits of the hash; each grows, splits, shrinks and merges alone. A segment is an ordered hash table (Amble and Knuth, 1974):
//! items stand in a row by their tags, each at its home or a little behind. A tag, 16 bits that an item lends to the table,
//! tells it from nearly all others and says where it belongs, with no look at its memory. So no control bytes are wanted, a
//! segment takes any size at little cost, `scan` walks along slots in an order that no growth changes, and what is removed
//! leaves no tombstone. It does not know how to hash or to compare items. The feature `plain-map` puts a std HashMap in
//! its place (plain.rs).
//!
//! ```text
//!   hash    63 ...        ... 11  10 ... 0    (the last eight are 0: the wheel has them)
//!           order: what cursors count, below 2^53
//!           |-depth-||-- tag --|
//!            which    where in
//!            segment  the segment
//! ```
#[cfg(not(feature = "plain-map"))]
mod directory;
#[cfg(feature = "plain-map")]
mod plain;
#[cfg(not(feature = "plain-map"))]
mod random;
#[cfg(not(feature = "plain-map"))]
mod scan;
#[cfg(not(feature = "plain-map"))]
mod segment;
#[cfg(test)]
mod tests;
#[cfg(not(feature = "plain-map"))]
mod window;

#[cfg(not(feature = "plain-map"))]
pub use directory::{Place, Start, Table};
#[cfg(feature = "plain-map")]
pub use plain::{Place, Start, Table};

/// An item has room for a tag. What it is, the table says.
pub trait Item {
    fn tag(&self) -> u16;
    fn set_tag(&mut self, tag: u16);
}

/// Hashes items when a segment is split: the same as what `find` and `insert` are told of them.
pub trait Hasher<T> {
    fn hash(&self, item: &T) -> u64;
    /// It will be hashed soon.
    fn prefetch(&self, _: &T) {}
}

/// Items are in the order of their hashes; of those the top 53 bits count, so that cursors stay exact in clients that make
/// doubles of numbers.
const ORDER_BITS: u32 = 53;

/// Where a hash stands in that order: what cursors are compared with.
#[inline]
pub fn order(hash: u64) -> u64 {
    hash >> (64 - ORDER_BITS)
}

#[cfg(not(feature = "plain-map"))]
const TAG_BITS: u32 = 16;

/// What an item bears in a segment of this depth.
#[cfg(not(feature = "plain-map"))]
#[inline]
fn tag(hash: u64, depth: u32) -> u16 {
    (hash << depth >> (64 - TAG_BITS)) as u16
}
