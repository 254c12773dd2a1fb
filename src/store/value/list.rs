//! Lists: a row of chunks, or one chunk where that is enough. An element that is long stands alone and is shared with
//! outputs. What Redis would call the encoding, listpack or quicklist, follows Redis's thresholds and not our chunks.
mod row;
#[cfg(test)]
mod tests;

use super::Collection;
use crate::store::structure::chunk::{self, CHUNK_BYTES_MAX, Chunk, ELEMENT_BYTES_MAX, Packed};
use crate::store::structure::either::{Either, Side};
use crate::store::structure::listpack_size;
use bytes::Bytes;
pub use chunk::Element;
use row::{Elements, Node, Row, Wanted, drop_end, push};
use std::collections::VecDeque;
use std::ops::Range;

#[derive(Clone, Default)]
pub struct List(Either<Chunk, Row>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Left,
    Right,
}

/// `list-max-listpack-size`: so many elements, or, if negative, one of five sizes in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Fill(pub i64);

impl Fill {
    fn bytes(self) -> usize {
        const SAFE: usize = 8192;
        if self.0 >= 0 { SAFE } else { 4096 << (-self.0 - 1).min(4) }
    }

    /// So many chunks may be in one listpack, as far as the setting says.
    fn chunks(self) -> usize {
        (self.bytes() / CHUNK_BYTES_MAX).max(1)
    }

    /// A list that has shrunk to so many elements of so many bytes may be a listpack again: half of what the setting says.
    fn half(self) -> (usize, usize) {
        if self.0 >= 0 { (self.0 as usize / 2, self.bytes()) } else { (usize::MAX, self.bytes() / 2) }
    }

    /// So much is too much for one listpack.
    pub fn exceeds(self, bytes: usize, count: usize) -> bool {
        bytes > self.bytes() || self.0 >= 0 && count > self.0 as usize
    }
}

impl Collection for List {
    const TYPE: &'static str = "list";

    fn encoding(&self) -> &'static str {
        if self.is_listpack() { "listpack" } else { "quicklist" }
    }

    #[inline]
    fn len(&self) -> usize {
        match self.0.get() {
            Side::Small(chunk) => chunk.len(),
            Side::Large(row) => row.len,
        }
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        match self.0.get() {
            Side::Small(chunk) => chunk.heap_bytes(),
            Side::Large(row) => size_of::<Row>() + row.nodes.capacity() * size_of::<Node>() + row.heap_bytes,
        }
    }

    fn pieces(&self) -> usize {
        match self.0.get() {
            Side::Small(_) => 1,
            Side::Large(row) => row.nodes.len(),
        }
    }

    fn shed(&mut self, most: usize) -> bool {
        let Side::Large(row) = self.0.get_mut() else { return false };
        row.nodes.truncate(row.nodes.len().saturating_sub(most));
        !row.nodes.is_empty()
    }
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

// --- What is seen

impl List {
    fn nodes(&self) -> impl DoubleEndedIterator<Item = &Node> {
        match self.0.get() {
            Side::Small(_) => None,
            Side::Large(row) => Some(row.nodes.iter()),
        }
        .into_iter()
        .flatten()
    }

    #[inline]
    fn is_listpack(&self) -> bool {
        match self.0.get() {
            Side::Small(_) => true,
            Side::Large(row) => row.is_listpack,
        }
    }

    #[inline]
    fn single(&self) -> Option<&Chunk> {
        match self.0.get() {
            Side::Small(chunk) => Some(chunk),
            Side::Large(_) => None,
        }
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Element<'_>> {
        let single = self.single().map(|chunk| Elements::Packed(chunk.iter()));
        self.nodes().map(Node::iter).chain(single).flatten()
    }

    /// The elements from this place on.
    pub fn from(&self, at: usize) -> impl Iterator<Item = Element<'_>> {
        let single = self.single().map(|chunk| Elements::Packed(chunk.from(at.min(chunk.len()))));
        let (first, rest) = match self.0.get() {
            Side::Large(row) if at < row.len => {
                let (node, inside) = row.find(at);
                (Some(row.nodes[node].from(inside)), row.nodes.range(node + 1..))
            }
            Side::Large(row) => (None, row.nodes.range(row.nodes.len()..)),
            Side::Small(_) => (single, Default::default()),
        };
        first.into_iter().chain(rest.map(Node::iter)).flatten()
    }

    /// Shows a range of elements.
    #[inline]
    pub fn visit(&self, range: Range<usize>, mut visit: impl FnMut(Element)) {
        let mut left = range.len();
        let (first, mut others) = match self.0.get() {
            _ if range.is_empty() => return,
            Side::Small(chunk) => (Elements::Packed(chunk.from(range.start)), None),
            Side::Large(row) => {
                let (node, inside) = row.find(range.start);
                (row.nodes[node].from(inside), Some(row.nodes.range(node + 1..)))
            }
        };
        let mut node = Some(first);
        while let Some(elements) = node {
            left -= match elements {
                Elements::Packed(iter) => {
                    let here = left.min(iter.len());
                    iter.visit(here, &mut visit);
                    here
                }
                Elements::Large(bytes) => {
                    bytes.into_iter().for_each(|bytes| visit(Element::Bytes(bytes)));
                    1
                }
            };
            node = others.as_mut().filter(|_| left > 0).and_then(|others| Some(others.next()?.iter()));
        }
    }

    pub fn get(&self, at: usize) -> Option<Element<'_>> {
        self.from(at).next()
    }

    #[inline]
    pub fn end(&self, end: End) -> Option<Element<'_>> {
        match (self.0.get(), end) {
            (Side::Small(chunk), End::Left) => chunk.first(),
            (Side::Small(chunk), End::Right) => chunk.last(),
            (Side::Large(row), End::Left) => row.nodes.front()?.iter().next(),
            (Side::Large(row), End::Right) => row.nodes.back()?.iter().next_back(),
        }
    }

    /// Bytes that it would take in one listpack.
    pub fn listpack_bytes(&self) -> usize {
        let single = self.single().map_or(0, Chunk::listpack_bytes);
        listpack_size::EMPTY + single + self.nodes().map(Node::listpack_bytes).sum::<usize>()
    }
}

// --- What is changed

impl List {
    /// One of these elements, at one go. `None`: they are to be pushed one by one.
    pub fn of_row(elements: &[Element]) -> Option<List> {
        if !elements.iter().all(|element| element.fits(ELEMENT_BYTES_MAX)) {
            return None;
        }
        let packed: Vec<Packed> = elements.iter().map(|element| Packed::of(*element)).collect();
        Some(List(Either::small(Chunk::of(&packed, false)?)))
    }

    /// Elements are to be added that have so many bytes: Redis judges by that, before it adds them, what the encoding is.
    #[inline]
    pub fn expect(&mut self, bytes: usize, count: usize, fill: Fill) {
        if self.is_listpack() {
            self.judge(bytes, count, fill);
        }
    }

    fn judge(&mut self, bytes: usize, count: usize, fill: Fill) {
        if fill.exceeds(self.listpack_bytes() + bytes, self.len() + count) {
            let row = self.row();
            (row.is_listpack, row.is_fresh) = (false, true);
        }
    }

    /// Elements have gone: it may be a listpack again. Redis looks too whether one of its nodes is left. Where those begin is
    /// known here only as far as chunks do: so what is small enough and lies in two of them may still be a quicklist there.
    #[inline]
    pub fn settle(&mut self, fill: Fill) {
        let Side::Large(row) = self.0.get() else { return };
        let (most, bytes) = fill.half();
        if row.is_listpack || row.len <= most && row.fits(bytes, fill) {
            self.row().is_listpack = true;
            self.simplify();
        }
    }

    /// One chunk needs no row.
    fn simplify(&mut self) {
        if let Side::Large(row) = self.0.get_mut()
            && row.is_listpack
            && let [Node::Packed(chunk, _)] = row.nodes.make_contiguous()
        {
            let chunk = std::mem::take(chunk);
            self.0 = Either::small(chunk);
        }
    }

    /// It as a row of chunks, which it is from now on.
    #[inline]
    fn row(&mut self) -> &mut Row {
        if let Side::Small(_) = self.0.get() {
            self.make_row();
        }
        match self.0.get_mut() {
            Side::Large(row) => row,
            Side::Small(_) => unreachable!("it was just made one"),
        }
    }

    #[cold]
    fn make_row(&mut self) {
        if let Side::Small(chunk) = self.0.get_mut() {
            let chunk = std::mem::take(chunk);
            let (len, heap_bytes) = (chunk.len(), chunk.heap_bytes());
            let nodes = if len > 0 { VecDeque::from([Node::packed(chunk)]) } else { VecDeque::new() };
            self.0 = Either::large(Box::new(Row { nodes, len, heap_bytes, is_listpack: true, is_fresh: false }));
        }
    }

    #[inline]
    pub fn push(&mut self, end: End, element: &[u8]) {
        match self.0.get_mut() {
            Side::Small(chunk) => {
                if element.len() > ELEMENT_BYTES_MAX || !push(chunk, end, element, false) {
                    self.row().push(end, element);
                }
            }
            Side::Large(row) => row.push(end, element),
        }
    }

    /// Makes room for elements that are to be pushed.
    pub fn reserve<'e>(&mut self, end: End, elements: impl Iterator<Item = &'e [u8]>) {
        // One that is too long for a chunk makes room for none.
        let packed = |element: &'e [u8]| (element.len() <= ELEMENT_BYTES_MAX).then(|| Packed::new(element));
        if let Side::Small(chunk) = self.0.get_mut() {
            chunk.reserve(elements.map(packed), end == End::Left);
        }
    }

    /// Pushes one that has memory of its own already.
    pub fn push_shared(&mut self, end: End, element: Bytes) {
        if element.len() <= ELEMENT_BYTES_MAX {
            return self.push(end, &element);
        }
        self.row().push_node(end, Node::Large(Box::new(element)));
    }

    /// Takes away an element at an end, if there is one.
    #[inline]
    pub fn drop_end(&mut self, end: End) {
        match self.0.get_mut() {
            Side::Small(chunk) => drop_end(chunk, end),
            Side::Large(row) => row.drop_end(end),
        }
    }

    /// Puts another element in the place of one.
    pub fn set(&mut self, at: usize, element: &[u8]) {
        self.replace(at, 1, element);
    }

    pub fn insert(&mut self, at: usize, element: &[u8]) {
        if at == 0 {
            self.push(End::Left, element);
        } else if at == self.len() {
            self.push(End::Right, element);
        } else {
            self.replace(at, 0, element);
        }
    }

    fn replace(&mut self, at: usize, gone: usize, element: &[u8]) {
        if let Side::Small(chunk) = self.0.get_mut()
            && element.len() <= ELEMENT_BYTES_MAX
            && chunk.splice(at..at + gone, Some(&Packed::new(element)))
        {
            return;
        }
        self.row().replace(at, gone, element);
    }

    /// Takes away all but a range.
    pub fn trim(&mut self, left: Range<usize>) {
        match self.0.get_mut() {
            Side::Small(chunk) => {
                chunk.splice(left.end..chunk.len(), None);
                chunk.splice(0..left.start, None);
            }
            Side::Large(row) => {
                row.drop_many(End::Right, row.len - left.end);
                row.drop_many(End::Left, left.start);
            }
        }
    }

    /// Takes away up to so many of the elements that are this one, from one end on. How many there were.
    pub fn remove(&mut self, from: End, most: usize, element: &[u8], fill: Fill) -> usize {
        let wanted = Wanted::new(element);
        match self.0.get_mut() {
            Side::Small(chunk) => wanted.remove(chunk, from, most),
            Side::Large(row) => row.remove(from, most, &wanted, fill),
        }
    }

    #[cfg(test)]
    fn check(&self) {
        if let Side::Large(row) = self.0.get() {
            assert!(row.nodes.iter().all(|node| node.len() > 0));
            assert_eq!(row.len, row.nodes.iter().map(Node::len).sum());
            assert!(row.nodes.iter().all(|node| node.len() == node.iter().count()));
            assert_eq!(row.heap_bytes, row.nodes.iter().map(Node::heap_bytes).sum());
        }
        assert_eq!(self.iter().count(), self.len());
        let bytes: usize = self.iter().map(|element| element.listpack_size()).sum();
        assert_eq!(self.listpack_bytes(), listpack_size::EMPTY + bytes);
    }
}
