//! A long list: chunks in a row, and elements too long for one, which stand alone between them.
use super::{End, Fill};
use crate::store::structure::chunk::{self, CHUNK_BYTES_MAX, Chunk, ELEMENT_BYTES_MAX, Packed};
use crate::store::structure::listpack_size;
use crate::store::text::Digits;
use bytes::Bytes;
use chunk::Element;
use std::collections::VecDeque;

/// Invariant: no node is empty.
#[derive(Clone, Default)]
pub struct Row {
    pub nodes: VecDeque<Node>,
    pub len: usize,
    /// Invariant: what the nodes hold.
    pub heap_bytes: usize,
    /// Redis would keep it in one listpack.
    pub is_listpack: bool,
    /// What comes next has a node of its own, as in Redis, where the whole listpack has just become the first node.
    pub is_fresh: bool,
}

#[derive(Clone)]
pub enum Node {
    Packed(Chunk),
    Large(Box<Bytes>),
}

impl Node {
    pub fn new(element: &[u8]) -> Node {
        if element.len() > ELEMENT_BYTES_MAX {
            return Node::Large(Box::new(Bytes::copy_from_slice(element)));
        }
        let mut chunk = Chunk::default();
        assert!(chunk.push_back(&Packed::new(element), false));
        Node::Packed(chunk)
    }

    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Node::Packed(chunk) => chunk.len(),
            Node::Large(_) => 1,
        }
    }

    #[inline]
    pub fn heap_bytes(&self) -> usize {
        match self {
            Node::Packed(chunk) => chunk.heap_bytes(),
            Node::Large(bytes) => size_of::<Bytes>() + bytes.len(),
        }
    }

    pub fn listpack_bytes(&self) -> usize {
        match self {
            Node::Packed(chunk) => chunk.listpack_bytes(),
            Node::Large(bytes) => listpack_size::string(bytes.len()),
        }
    }

    pub fn from(&self, at: usize) -> Elements<'_> {
        match self {
            Node::Packed(chunk) => Elements::Packed(chunk.from(at)),
            Node::Large(bytes) => Elements::Large((at == 0).then_some(bytes)),
        }
    }

    pub fn iter(&self) -> Elements<'_> {
        match self {
            Node::Packed(chunk) => Elements::Packed(chunk.iter()),
            Node::Large(bytes) => Elements::Large(Some(bytes)),
        }
    }

    /// False: it has no room for it.
    #[inline]
    pub fn push(&mut self, end: End, element: &[u8], whole: bool) -> bool {
        match self {
            Node::Packed(chunk) if element.len() <= ELEMENT_BYTES_MAX => push(chunk, end, element, whole),
            _ => false,
        }
    }
}

#[inline]
pub fn push(chunk: &mut Chunk, end: End, element: &[u8], whole: bool) -> bool {
    let packed = Packed::new(element);
    match end {
        End::Left => chunk.push_front(&packed, whole),
        End::Right => chunk.push_back(&packed, whole),
    }
}

/// The elements of a node.
#[derive(Clone)]
pub enum Elements<'a> {
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

impl Row {
    /// Would it take no more bytes in one listpack, and is it likely to be one node of Redis, which is as large as the setting
    /// says? A large element is a node here, and there it shares one; where chunks meet, nodes do there too.
    pub fn fits(&self, bytes: usize, fill: Fill) -> bool {
        let mut left = bytes.checked_sub(listpack_size::EMPTY);
        let (mut seams, mut after_chunk) = ((fill.bytes() / CHUNK_BYTES_MAX).max(1) - 1, false);
        self.nodes.iter().all(|node| {
            let is_chunk = matches!(node, Node::Packed(_));
            if is_chunk && after_chunk {
                let Some(fewer) = seams.checked_sub(1) else { return false };
                seams = fewer;
            }
            after_chunk = is_chunk;
            left = left.and_then(|left| left.checked_sub(node.listpack_bytes()));
            left.is_some()
        })
    }

    /// The node that an element is in, and its place there; from the nearer end.
    pub fn find(&self, at: usize) -> (usize, usize) {
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

/// Takes away the elements that go, asked from one end on.
pub fn sift(chunk: &mut Chunk, from: End, goes: &mut impl FnMut(Element) -> bool) {
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
pub fn drop_end(chunk: &mut Chunk, end: End) {
    match end {
        End::Left => chunk.drop_first(),
        End::Right => chunk.drop_last(),
    }
}

impl Row {
    /// Counts what the nodes hold, where many have changed.
    pub fn count(&mut self) {
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

    pub fn push_node(&mut self, end: End, node: Node) {
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
    pub fn push(&mut self, end: End, element: &[u8]) {
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
    pub fn drop_end(&mut self, end: End) {
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

    pub fn drop_many(&mut self, end: End, mut count: usize) {
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
    pub fn replace(&mut self, at: usize, gone: usize, element: &[u8]) {
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
