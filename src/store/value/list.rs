//! Lists: a row of chunks, or one chunk where that is enough. An element that is long stands alone and is shared with
//! outputs. What Redis would call the encoding, listpack or quicklist, follows Redis's thresholds and not our chunks.
#[cfg(test)]
mod tests;

use super::Collection;
use crate::store::structure::chunk::{self, CHUNK_BYTES_MAX, Chunk, ELEMENT_BYTES_MAX, Packed};
use crate::store::structure::either::{Either, Side};
use crate::store::structure::listpack_size;
use crate::store::text::Digits;
use bytes::Bytes;
pub use chunk::Element;
use std::cell::Cell;
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

    /// So much is too much for one listpack.
    pub fn exceeds(self, bytes: usize, count: usize) -> bool {
        bytes > self.bytes() || self.0 >= 0 && count > self.0 as usize
    }
}

/// Invariant: no node is empty.
#[derive(Clone, Default)]
struct Row {
    nodes: VecDeque<Node>,
    len: usize,
    /// Invariant: what the nodes hold.
    heap_bytes: usize,
    /// Redis would keep it in one listpack.
    is_listpack: bool,
    /// What comes next has a node of its own, as in Redis, where the whole listpack has just become the first node.
    is_fresh: bool,
}

#[derive(Clone)]
enum Node {
    Packed(Chunk),
    Large(Box<Bytes>),
}

impl Node {
    fn new(element: &[u8]) -> Node {
        if element.len() > ELEMENT_BYTES_MAX {
            return Node::Large(Box::new(Bytes::copy_from_slice(element)));
        }
        let mut chunk = Chunk::default();
        assert!(chunk.push_back(&Packed::new(element), false));
        Node::Packed(chunk)
    }

    #[inline]
    fn len(&self) -> usize {
        match self {
            Node::Packed(chunk) => chunk.len(),
            Node::Large(_) => 1,
        }
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        match self {
            Node::Packed(chunk) => chunk.heap_bytes(),
            Node::Large(bytes) => size_of::<Bytes>() + bytes.len(),
        }
    }

    fn listpack_bytes(&self) -> usize {
        match self {
            Node::Packed(chunk) => chunk.listpack_bytes(),
            Node::Large(bytes) => listpack_size::string(bytes.len()),
        }
    }

    fn from(&self, at: usize) -> Elements<'_> {
        match self {
            Node::Packed(chunk) => Elements::Packed(chunk.from(at)),
            Node::Large(bytes) => Elements::Large((at == 0).then_some(bytes)),
        }
    }

    fn iter(&self) -> Elements<'_> {
        match self {
            Node::Packed(chunk) => Elements::Packed(chunk.iter()),
            Node::Large(bytes) => Elements::Large(Some(bytes)),
        }
    }

    /// False: it has no room for it.
    #[inline]
    fn push(&mut self, end: End, element: &[u8], whole: bool) -> bool {
        match self {
            Node::Packed(chunk) if element.len() <= ELEMENT_BYTES_MAX => push(chunk, end, element, whole),
            _ => false,
        }
    }
}

#[inline]
fn push(chunk: &mut Chunk, end: End, element: &[u8], whole: bool) -> bool {
    let packed = Packed::new(element);
    match end {
        End::Left => chunk.push_front(&packed, whole),
        End::Right => chunk.push_back(&packed, whole),
    }
}

/// The elements of a node.
#[derive(Clone)]
enum Elements<'a> {
    Packed(chunk::Iter<'a>),
    Large(Option<&'a Bytes>),
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;
    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        match self {
            Elements::Packed(iter) => iter.next(),
            Elements::Large(bytes) => bytes.take().map(|bytes| Element::Bytes(bytes)),
        }
    }
}

impl<'a> DoubleEndedIterator for Elements<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<Element<'a>> {
        match self {
            Elements::Packed(iter) => iter.next_back(),
            large => large.next(),
        }
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
        let mut of_node = |elements: Elements| {
            let here = match elements {
                Elements::Packed(iter) => {
                    let here = left.min(iter.len());
                    iter.take(here).for_each(&mut visit);
                    here
                }
                Elements::Large(bytes) => {
                    bytes.into_iter().for_each(|bytes| visit(Element::Bytes(bytes)));
                    1
                }
            };
            left -= here;
            left > 0
        };
        match self.0.get() {
            _ if range.is_empty() => {}
            Side::Small(chunk) => _ = of_node(Elements::Packed(chunk.from(range.start))),
            Side::Large(row) => {
                let (node, inside) = row.find(range.start);
                let mut goes_on = of_node(row.nodes[node].from(inside));
                for node in row.nodes.range(node + 1..) {
                    if !goes_on {
                        break;
                    }
                    goes_on = of_node(node.iter());
                }
            }
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
    fn listpack_bytes(&self) -> usize {
        let single = self.single().map_or(0, Chunk::listpack_bytes);
        listpack_size::EMPTY + single + self.nodes().map(Node::listpack_bytes).sum::<usize>()
    }
}

impl Row {
    /// The node that an element is in, and its place there; from the nearer end.
    fn find(&self, at: usize) -> (usize, usize) {
        let mut before = 0;
        if at < self.len / 2 {
            for (number, node) in self.nodes.iter().enumerate() {
                if at < before + node.len() {
                    return (number, at - before);
                }
                before += node.len();
            }
        }
        let mut before = self.len;
        for (number, node) in self.nodes.iter().enumerate().rev() {
            before -= node.len();
            if at >= before {
                return (number, at - before);
            }
        }
        unreachable!("there are so many")
    }
}

// --- What is changed

impl List {
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

    /// Elements have gone: it may be a listpack again.
    #[inline]
    pub fn settle(&mut self, fill: Fill) {
        let Side::Large(row) = self.0.get() else { return };
        // Redis looks whether one node is left; its nodes are as large as the setting says.
        let nodes_max = (fill.bytes() / CHUNK_BYTES_MAX).max(1);
        if row.nodes.len() <= nodes_max || row.is_listpack {
            self.settle_few(fill);
        }
    }

    fn settle_few(&mut self, fill: Fill) {
        let half = Fill(if fill.0 > 0 { fill.0 / 2 } else { fill.0 });
        let bytes = self.listpack_bytes();
        if self.is_listpack() || 2 * bytes <= fill.bytes() && !half.exceeds(bytes, self.len()) {
            self.row().is_listpack = true;
            self.simplify();
        }
    }

    /// One chunk needs no row.
    fn simplify(&mut self) {
        if let Side::Large(row) = self.0.get_mut()
            && row.is_listpack
            && let [Node::Packed(chunk)] = row.nodes.make_contiguous()
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
            let nodes = if len > 0 { VecDeque::from([Node::Packed(chunk)]) } else { VecDeque::new() };
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
        let width = |element: &[u8]| {
            if element.len() > ELEMENT_BYTES_MAX { CHUNK_BYTES_MAX } else { Packed::new(element).width() }
        };
        if let Side::Small(chunk) = self.0.get_mut() {
            chunk.reserve(elements.map(width), end == End::Left);
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

    /// Takes away up to so many of the elements that are meant, from one end on. How many there were.
    pub fn remove(&mut self, from: End, most: usize, mut is_meant: impl FnMut(Element) -> bool) -> usize {
        let removed = Cell::new(0);
        let mut goes = |element: Element| {
            let goes = removed.get() < most && is_meant(element);
            removed.set(removed.get() + goes as usize);
            goes
        };
        match self.0.get_mut() {
            Side::Small(chunk) => sift(chunk, from, &mut goes),
            Side::Large(row) => {
                let count = row.nodes.len();
                for step in (0..count).take_while(|_| removed.get() < most) {
                    let node = &mut row.nodes[if from == End::Left { step } else { count - 1 - step }];
                    match node {
                        Node::Packed(chunk) => sift(chunk, from, &mut goes),
                        Node::Large(bytes) if goes(Element::Bytes(bytes)) => *node = Node::Packed(Chunk::default()),
                        Node::Large(_) => {}
                    }
                }
                if removed.get() > 0 {
                    row.nodes.retain(|node| node.len() > 0);
                    row.count();
                }
            }
        }
        removed.get()
    }

    #[cfg(test)]
    fn check(&self) {
        if let Side::Large(row) = self.0.get() {
            assert!(row.nodes.iter().all(|node| node.len() > 0));
            assert_eq!(row.len, row.nodes.iter().map(Node::len).sum());
            assert_eq!(row.heap_bytes, row.nodes.iter().map(Node::heap_bytes).sum());
        }
        assert_eq!(self.iter().count(), self.len());
        let bytes: usize = self.iter().map(|element| element.listpack_size()).sum();
        assert_eq!(self.listpack_bytes(), listpack_size::EMPTY + bytes);
    }
}

/// Takes away the elements that go, asked from one end on.
fn sift(chunk: &mut Chunk, from: End, goes: &mut impl FnMut(Element) -> bool) {
    let mut gone: Vec<bool> = match from {
        End::Left => chunk.iter().map(&mut *goes).collect(),
        End::Right => chunk.iter().rev().map(&mut *goes).collect(),
    };
    if gone.iter().all(|gone| !gone) {
        return;
    }
    if from == End::Right {
        gone.reverse();
    }
    let (mut new, mut digits) = (Chunk::default(), Digits::new());
    for (element, _) in chunk.iter().zip(&gone).filter(|(_, gone)| !**gone) {
        assert!(new.push_back(&Packed::new(element.bytes(&mut digits)), false), "fewer than before");
    }
    *chunk = new;
}

#[inline]
fn drop_end(chunk: &mut Chunk, end: End) {
    match end {
        End::Left => chunk.drop_first(),
        End::Right => chunk.drop_last(),
    }
}

impl Row {
    /// Counts what the nodes hold, where many have changed.
    fn count(&mut self) {
        self.len = self.nodes.iter().map(Node::len).sum();
        self.heap_bytes = self.nodes.iter().map(Node::heap_bytes).sum();
    }

    #[inline]
    fn last_mut(&mut self, end: End) -> Option<&mut Node> {
        match end {
            End::Left => self.nodes.front_mut(),
            End::Right => self.nodes.back_mut(),
        }
    }

    fn pop_node(&mut self, end: End) -> Option<Node> {
        let node = match end {
            End::Left => self.nodes.pop_front(),
            End::Right => self.nodes.pop_back(),
        }?;
        self.len -= node.len();
        self.heap_bytes -= node.heap_bytes();
        Some(node)
    }

    fn push_node(&mut self, end: End, node: Node) {
        // What stood at the end gets no more: its spare memory goes.
        if self.nodes.len() > 1
            && let Some(Node::Packed(chunk)) = self.last_mut(end)
        {
            let before = chunk.heap_bytes();
            chunk.fit();
            let after = chunk.heap_bytes();
            self.heap_bytes = self.heap_bytes + after - before;
        }
        self.len += node.len();
        self.heap_bytes += node.heap_bytes();
        match end {
            End::Left => self.nodes.push_front(node),
            End::Right => self.nodes.push_back(node),
        }
    }

    #[inline]
    fn push(&mut self, end: End, element: &[u8]) {
        if !std::mem::take(&mut self.is_fresh)
            && let Some(node) = self.last_mut(end)
        {
            let before = node.heap_bytes();
            if node.push(end, element, false) {
                let after = node.heap_bytes();
                self.heap_bytes = self.heap_bytes + after - before;
                self.len += 1;
                return;
            }
        }
        let node = if element.len() > ELEMENT_BYTES_MAX || self.nodes.is_empty() {
            Node::new(element)
        } else {
            let mut chunk = Chunk::default();
            assert!(push(&mut chunk, end, element, true), "it is empty");
            Node::Packed(chunk)
        };
        self.push_node(end, node);
    }

    #[inline]
    fn drop_end(&mut self, end: End) {
        let Some(node) = self.last_mut(end) else { return };
        match node {
            Node::Packed(chunk) if chunk.len() > 1 => {
                let before = chunk.heap_bytes();
                drop_end(chunk, end);
                let after = chunk.heap_bytes();
                self.heap_bytes = self.heap_bytes + after - before;
                self.len -= 1;
            }
            _ => _ = self.pop_node(end),
        }
    }

    fn drop_many(&mut self, end: End, mut count: usize) {
        while count > 0 {
            let node = self.last_mut(end).expect("so many are there");
            let len = node.len();
            if len <= count {
                self.pop_node(end);
                count -= len;
                continue;
            }
            let Node::Packed(chunk) = node else { unreachable!("it has more than one element") };
            let before = chunk.heap_bytes();
            chunk.splice(if end == End::Left { 0..count } else { len - count..len }, None);
            let after = chunk.heap_bytes();
            self.heap_bytes = self.heap_bytes + after - before;
            self.len -= count;
            count = 0;
        }
    }

    /// Puts an element where `gone` ones were, one or none.
    fn replace(&mut self, at: usize, gone: usize, element: &[u8]) {
        let (number, inside) = self.find(at);
        self.len = self.len + 1 - gone;
        self.heap_bytes -= self.nodes[number].heap_bytes();
        if let Node::Packed(chunk) = &mut self.nodes[number]
            && element.len() <= ELEMENT_BYTES_MAX
            && chunk.splice(inside..inside + gone, Some(&Packed::new(element)))
        {
            self.heap_bytes += self.nodes[number].heap_bytes();
            return;
        }
        // The node is cut in two, and the element stands between.
        let old = std::mem::replace(&mut self.nodes[number], Node::new(element));
        let (before, after) = match old {
            Node::Packed(chunk) => {
                let mut after = chunk.clone();
                after.splice(0..inside + gone, None);
                let mut before = chunk;
                before.splice(inside..before.len(), None);
                (Node::Packed(before), Node::Packed(after))
            }
            large if gone == 0 => (Node::Packed(Chunk::default()), large),
            _ => (Node::Packed(Chunk::default()), Node::Packed(Chunk::default())),
        };
        self.heap_bytes += self.nodes[number].heap_bytes();
        for (place, node) in [(number + 1, after), (number, before)] {
            if node.len() > 0 {
                self.heap_bytes += node.heap_bytes();
                self.nodes.insert(place, node);
            }
        }
    }
}
