//! A long list: chunks in a row, and elements too long for one, which stand alone between them.
use super::{End, Fill};
use crate::store::structure::chunk::{self, CHUNK_BYTES_MAX, Chunk, ELEMENT_BYTES_MAX, Packed};
use crate::store::structure::listpack_size;
use bytes::Bytes;
use chunk::Element;
use std::collections::VecDeque;
use std::ops::Range;

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
    /// And how many elements it has, so that a place is found without a look at each chunk.
    Packed(Chunk, u16),
    Large(Box<Bytes>),
}

impl Node {
    pub fn new(element: &[u8]) -> Node {
        if element.len() > ELEMENT_BYTES_MAX {
            return Node::Large(Box::new(Bytes::copy_from_slice(element)));
        }
        let mut chunk = Chunk::default();
        assert!(chunk.push_back(&Packed::new(element), false));
        Node::packed(chunk)
    }

    pub fn packed(chunk: Chunk) -> Node {
        let count = chunk.len() as u16;
        Node::Packed(chunk, count)
    }

    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Node::Packed(_, count) => *count as usize,
            Node::Large(_) => 1,
        }
    }

    #[inline]
    pub fn heap_bytes(&self) -> usize {
        match self {
            Node::Packed(chunk, _) => chunk.heap_bytes(),
            Node::Large(bytes) => size_of::<Bytes>() + bytes.len(),
        }
    }

    pub fn listpack_bytes(&self) -> usize {
        match self {
            Node::Packed(chunk, _) => chunk.listpack_bytes(),
            Node::Large(bytes) => listpack_size::string(bytes.len()),
        }
    }

    pub fn from(&self, at: usize) -> Elements<'_> {
        match self {
            Node::Packed(chunk, _) => Elements::Packed(chunk.from(at)),
            Node::Large(bytes) => Elements::Large((at == 0).then_some(bytes)),
        }
    }

    pub fn iter(&self) -> Elements<'_> {
        match self {
            Node::Packed(chunk, _) => Elements::Packed(chunk.iter()),
            Node::Large(bytes) => Elements::Large(Some(bytes)),
        }
    }

    /// It shares a chunk with a neighbour, where it can.
    fn is_small(&self) -> bool {
        matches!(self, Node::Packed(chunk, _) if chunk.heap_bytes() < CHUNK_BYTES_MAX / 2)
    }

    /// Changes a chunk. What it was and is now goes to the accounts of its row.
    #[inline(always)]
    fn change<T>(&mut self, accounts: [&mut usize; 2], change: impl FnOnce(&mut Chunk) -> T) -> Option<T> {
        let Node::Packed(chunk, count) = self else { return None };
        let [len, heap_bytes] = accounts;
        let (old_count, old_bytes) = (*count, chunk.heap_bytes());
        let result = change(chunk);
        *count = chunk.len() as u16;
        *len = *len + *count as usize - old_count as usize;
        *heap_bytes = *heap_bytes + chunk.heap_bytes() - old_bytes;
        Some(result)
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
        let (mut seams, mut after_chunk) = (fill.chunks() - 1, false);
        self.nodes.iter().all(|node| {
            let is_chunk = matches!(node, Node::Packed(..));
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

/// An element that others are compared with.
pub struct Wanted<'a> {
    bytes: &'a [u8],
    /// `None`: no chunk has it.
    packed: Option<Packed<'a>>,
}

impl<'a> Wanted<'a> {
    pub fn new(bytes: &'a [u8]) -> Wanted<'a> {
        Wanted { bytes, packed: (bytes.len() <= ELEMENT_BYTES_MAX).then(|| Packed::new(bytes)) }
    }

    /// Takes it away up to so many times: how often it was there.
    pub fn remove(&self, chunk: &mut Chunk, from: End, most: usize) -> usize {
        self.packed.as_ref().map_or(0, |packed| chunk.remove_equal(packed, from == End::Right, most))
    }
}

#[inline]
pub fn drop_end(chunk: &mut Chunk, end: End) {
    match end {
        End::Left => chunk.drop_first(),
        End::Right => chunk.drop_last(),
    }
}

impl Row {
    #[inline]
    fn last(&self, end: End) -> Option<&Node> {
        match end {
            End::Left => self.nodes.front(),
            End::Right => self.nodes.back(),
        }
    }

    /// Changes the chunk at an end, if one is there.
    #[inline(always)]
    fn change_end<T>(&mut self, end: End, change: impl FnOnce(&mut Chunk) -> T) -> Option<T> {
        let node = match end {
            End::Left => self.nodes.front_mut(),
            End::Right => self.nodes.back_mut(),
        }?;
        node.change([&mut self.len, &mut self.heap_bytes], change)
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
        if self.nodes.len() > 1 {
            self.change_end(end, Chunk::fit);
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
            && element.len() <= ELEMENT_BYTES_MAX
            && self.change_end(end, |chunk| push(chunk, end, element, false)) == Some(true)
        {
            return;
        }
        let node = if element.len() > ELEMENT_BYTES_MAX || self.nodes.is_empty() {
            Node::new(element)
        } else {
            let mut chunk = Chunk::default();
            assert!(push(&mut chunk, end, element, true), "it is empty");
            Node::packed(chunk)
        };
        self.push_node(end, node);
    }

    #[inline]
    pub fn drop_end(&mut self, end: End) {
        if self.last(end).is_some_and(|node| node.len() > 1) {
            self.change_end(end, |chunk| drop_end(chunk, end));
        } else {
            self.pop_node(end);
        }
    }

    pub fn drop_many(&mut self, end: End, mut count: usize) {
        while count > 0 {
            let len = self.last(end).expect("so many are there").len();
            if len <= count {
                self.pop_node(end);
                count -= len;
                continue;
            }
            let gone = if end == End::Left { 0..count } else { len - count..len };
            self.change_end(end, |chunk| chunk.splice(gone, None)).expect("it has more than one element");
            count = 0;
        }
    }

    /// Puts an element where `gone` ones were, one or none.
    pub fn replace(&mut self, at: usize, gone: usize, element: &[u8]) {
        let (number, inside) = self.find(at);
        let packed = (element.len() <= ELEMENT_BYTES_MAX).then(|| Packed::new(element));
        let node = &mut self.nodes[number];
        if let Some(packed) = &packed
            && let accounts = [&mut self.len, &mut self.heap_bytes]
            && node.change(accounts, |chunk| chunk.splice(inside..inside + gone, Some(packed))) == Some(true)
        {
            // Redis joins nothing then, so two nodes stay two.
            if node.is_small() {
                self.tidy(number..number + 1, 2);
            }
            return;
        }
        // The node is cut in two, and the element stands between.
        let old = std::mem::replace(node, Node::new(element));
        self.len = self.len + 1 - gone;
        self.heap_bytes = self.heap_bytes + node.heap_bytes() - old.heap_bytes();
        let (before, after) = match old {
            Node::Packed(chunk, _) => {
                let before = Node::packed(chunk.without(inside..chunk.len()));
                (Some(before), Some(Node::packed(chunk.without(0..inside + gone))))
            }
            large => (None, (gone == 0).then_some(large)),
        };
        let mut changed = number..number + 1;
        for (place, node) in [(number + 1, after), (number, before)] {
            if let Some(node) = node.filter(|node| node.len() > 0) {
                self.heap_bytes += node.heap_bytes();
                self.nodes.insert(place, node);
                changed.end += 1;
            }
        }
        self.tidy(changed, 1);
    }

    /// Takes an element away up to so many times, from one end on: how often it was there.
    pub fn remove(&mut self, from: End, most: usize, wanted: &Wanted, fill: Fill) -> usize {
        let (count, mut removed) = (self.nodes.len(), 0);
        let mut changed = count..0;
        for step in 0..count {
            if removed == most {
                break;
            }
            let number = if from == End::Left { step } else { count - 1 - step };
            let here = self.remove_in(number, from, most - removed, wanted);
            if here > 0 {
                changed = changed.start.min(number)..changed.end.max(number + 1);
            }
            removed += here;
        }
        // No more is joined than leaves two of Redis's nodes two: it joins none then.
        if removed > 0 {
            self.tidy(changed, fill.chunks() + 1);
        }
        removed
    }

    /// The same in one node, which may be empty then.
    fn remove_in(&mut self, number: usize, from: End, most: usize, wanted: &Wanted) -> usize {
        let node = &mut self.nodes[number];
        if matches!(node, Node::Large(bytes) if bytes[..] == *wanted.bytes) {
            self.len -= 1;
            self.heap_bytes -= node.heap_bytes();
            *node = Node::packed(Chunk::default());
            return 1;
        }
        let accounts = [&mut self.len, &mut self.heap_bytes];
        node.change(accounts, |chunk| wanted.remove(chunk, from, most)).unwrap_or(0)
    }

    /// Takes out what is empty among these nodes, and joins what is small with what stands beside it, as long as more than
    /// `least` are left.
    fn tidy(&mut self, changed: Range<usize>, least: usize) {
        let range = changed.start.saturating_sub(1)..(changed.end + 1).min(self.nodes.len());
        let empty = self.nodes.range(range.clone()).filter(|node| node.len() == 0).count();
        let (mut kept, mut left) = (range.start, self.nodes.len() - empty);
        for number in range.clone() {
            if self.nodes[number].len() == 0 {
                continue;
            }
            if kept > range.start && left > least && self.join(kept - 1, number) {
                left -= 1;
                continue;
            }
            self.nodes.swap(kept, number);
            kept += 1;
        }
        self.nodes.drain(kept..range.end);
        if self.nodes.capacity() > 4 * self.nodes.len() {
            self.nodes.shrink_to(2 * self.nodes.len());
        }
    }

    /// Puts the elements of one node into another before it. False: it is not worth it, or there is no room.
    fn join(&mut self, first: usize, second: usize) -> bool {
        if !self.nodes[first].is_small() && !self.nodes[second].is_small() {
            return false;
        }
        let Node::Packed(more, count) = &mut self.nodes[second] else { return false };
        let (more, count) = (std::mem::take(more), std::mem::take(count));
        let accounts = [&mut self.len, &mut self.heap_bytes];
        let is_joined = self.nodes[first].change(accounts, |chunk| chunk.join(&more)) == Some(true);
        if is_joined {
            self.len -= count as usize;
            self.heap_bytes -= more.heap_bytes();
        } else {
            self.nodes[second] = Node::Packed(more, count);
        }
        is_joined
    }
}
