//! Members with scores, in order: a table finds a member, a tree knows the ranks, and both point to the same piece of memory,
//! so that each member is held once. Search by member, by score and by rank takes O(log n) at most; no change is large.
//! Unsafe, for the tree's links point to what the table owns. It knows nothing of commands.
#![allow(unsafe_code)]
mod element;
mod leaf;
#[cfg(test)]
mod tests;
mod tree;

use super::index::Index;
use super::table::{self, Place, Start, Table};
use crate::store::database::KeyHasher;
pub use element::order;
use element::{Element, Link};
use std::ops::Range;
use tree::Tree;

pub struct Ranking {
    /// Invariant: the elements of the table are those of the tree.
    table: Table<Element, MemberHasher>,
    tree: Tree,
    /// Invariant: what the elements take.
    elements_bytes: usize,
}

struct MemberHasher(KeyHasher);

impl table::Hasher<Element> for MemberHasher {
    #[inline]
    fn hash(&self, element: &Element) -> u64 {
        self.0.key(element.member())
    }

    #[inline]
    fn prefetch(&self, element: &Element) {
        element.prefetch();
    }
}

/// As much work to free as a piece of memory.
const ELEMENTS_FREED: usize = 64;

/// Where a member is, or would be; true until something changes.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    hash: u64,
    place: Option<Place>,
}

/// A place between scores: before all elements of a score, or behind them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    Before(f64),
    Behind(f64),
}

impl Index for Ranking {
    #[inline]
    fn foresee(&self, member: &[u8]) -> Start {
        self.table.prefetch(self.table.hasher().0.key(member))
    }

    #[inline]
    fn fetch(&self, start: Start) -> bool {
        let element = self.table.candidate(start);
        element.inspect(|(_, element)| element.prefetch()).is_some()
    }

    #[inline]
    fn fetch_places(&self, starts: &mut dyn Iterator<Item = Start>) {
        let found = starts.filter_map(|start| self.table.candidate(start));
        self.tree.fetch_all(found.map(|(_, element)| order(element.score())));
    }
}

// --- What is seen

impl Ranking {
    pub fn new(hasher: KeyHasher) -> Ranking {
        Ranking { table: Table::new(MemberHasher(hasher)), tree: Tree::default(), elements_bytes: 0 }
    }

    /// Of members that all differ, in order of their scores, and of their names where those are the same. It costs a
    /// third of what it does to insert them.
    /// `all`: shows each of them.
    pub fn of(hasher: KeyHasher, count: usize, all: impl FnOnce(&mut dyn FnMut(&[u8], f64))) -> Ranking {
        let (mut table, mut links) = (Table::with_room(MemberHasher(hasher), count), Vec::with_capacity(count));
        let mut elements_bytes = 0;
        all(&mut |member, score| {
            let element = Element::new(score, member);
            elements_bytes += element.heap_bytes();
            // SAFETY: as in `insert`; the tree is made of these links below.
            links.push(unsafe { element.link() });
            table.insert(table.hasher().0.key(member), element);
        });
        Ranking { table, tree: Tree::of(&links), elements_bytes }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Bytes that it holds beside itself.
    pub fn heap_bytes(&self) -> usize {
        self.elements_bytes + self.tree.heap_bytes() + self.table.heap_bytes()
    }

    #[inline]
    pub fn find(&self, member: &[u8]) -> Found {
        let hash = self.table.hasher().0.key(member);
        Found { hash, place: self.table.find(hash, |element| element.member() == member) }
    }

    /// A member will have this score soon: its place in the tree is fetched into the cache.
    #[inline]
    pub fn prepare(&self, score: f64) {
        self.tree.fetch(order(score));
    }

    #[inline]
    pub fn score(&self, found: Found) -> Option<f64> {
        found.place.map(|place| self.table.get(place).score())
    }

    /// How many elements come before one of this score and member.
    pub fn rank(&self, score: f64, member: &[u8]) -> usize {
        self.tree.rank(order(score), member)
    }

    /// How many elements come before this place.
    pub fn rank_of_cut(&self, cut: Cut) -> usize {
        // No score is between two that follow each other in order.
        self.tree.rank(if let Cut::Before(score) = cut { order(score) } else { order(cut.score()) + 1 }, b"")
    }

    /// How many elements come before the first whose member is not less. That means something where all scores are equal.
    pub fn rank_of_member(&self, is_less: impl Fn(&[u8]) -> bool) -> usize {
        self.tree.rank_of_member(is_less)
    }

    pub fn get(&self, rank: usize) -> Option<(&[u8], f64)> {
        self.tree.get(rank).map(|link| (link.member(), link.score()))
    }

    /// Shows the elements of a range of ranks, from its end on if `reverse`, until `visit` says false.
    #[inline]
    pub fn visit<'s>(&'s self, range: Range<usize>, reverse: bool, mut visit: impl FnMut(&'s [u8], f64) -> bool) {
        self.tree.visit(range, reverse, &mut |link| visit(link.member(), link.score()));
    }

    /// Visits elements in an order that no change touches: `Table::scan`.
    pub fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&[u8], f64)) -> Option<u64> {
        self.table.scan(cursor, count, &mut |element| visit(element.member(), element.score()))
    }
}

impl Cut {
    /// Does an element of this score come before?
    pub fn is_behind(self, score: f64) -> bool {
        match self {
            Cut::Before(cut) => score < cut,
            Cut::Behind(cut) => score <= cut,
        }
    }

    fn score(self) -> f64 {
        match self {
            Cut::Before(score) | Cut::Behind(score) => score,
        }
    }
}

// --- What is changed

impl Ranking {
    /// Adds a member that was not found.
    pub fn insert(&mut self, found: Found, score: f64, member: &[u8]) {
        self.tree.fetch_alike(order(score));
        let element = Element::new(score, member);
        self.elements_bytes += element.heap_bytes();
        // SAFETY: the table owns the element from now on. Its score changes and it goes in `set_score` and `removed` only,
        // when the tree has no link to it.
        self.tree.insert(unsafe { element.link() });
        self.table.insert(found.hash, element);
    }

    /// Gives a member that was found another score.
    pub fn set_score(&mut self, found: Found, score: f64) {
        self.tree.fetch_alike(order(score));
        let element = self.table.get_mut(found.place.expect("it was found"));
        // SAFETY: it is used before the element changes or goes.
        let link = self.tree.remove(unsafe { element.link() });
        element.set_score(score);
        self.tree.insert(link);
    }

    /// Removes a member that was found.
    pub fn remove(&mut self, found: Found) {
        let place = found.place.expect("it was found");
        let element = self.table.get(place);
        // SAFETY: it is used before the element changes or goes.
        self.tree.remove(unsafe { element.link() });
        self.removed(place);
    }

    /// One of all elements but those of a range of ranks.
    pub fn without(&self, range: &Range<usize>) -> Ranking {
        Ranking::of(self.table.hasher().0.clone(), self.len() - range.len(), |visit| {
            for stay in [0..range.start, range.end..self.len()] {
                self.visit(stay, false, |member, score| {
                    visit(member, score);
                    true
                });
            }
        })
    }

    /// Removes the elements of a range of ranks, and shows each before it goes.
    pub fn remove_range(&mut self, range: Range<usize>, reverse: bool, mut visit: impl FnMut(&[u8], f64)) {
        for step in 0..range.len() {
            let at = if reverse { range.end - 1 - step } else { range.start };
            let Some(link) = self.tree.remove_at(at) else { return };
            visit(link.member(), link.score());
            let hash = self.table.hasher().0.key(link.member());
            let place = self.table.find(hash, |element| element.is(link)).expect("it is in both");
            self.removed(place);
        }
    }

    fn removed(&mut self, place: Place) {
        let element = self.table.remove(place);
        self.elements_bytes -= element.heap_bytes();
    }

    /// Frees about so many pieces of memory. True: there are more. Nothing but this is to be done with it any more.
    pub fn shed(&mut self, most: usize) -> bool {
        // First the links.
        self.tree.shed(most) || self.table.pop_some(most.saturating_mul(ELEMENTS_FREED), &mut drop)
    }

    pub fn check(&self) {
        self.table.check();
        self.tree.check();
        assert_eq!(self.table.len(), self.tree.len());
        assert_eq!(self.elements_bytes, self.table.iter().map(Element::heap_bytes).sum::<usize>());
        self.tree.visit(0..self.tree.len(), false, &mut |link: Link| {
            let place = self.find(link.member()).place.expect("it is in both");
            assert!(self.table.get(place).is(link));
            true
        });
    }
}

impl Clone for Ranking {
    fn clone(&self) -> Ranking {
        self.without(&(0..0))
    }
}
