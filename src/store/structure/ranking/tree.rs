//! An order-statistic B+tree: elements by score and member in leaves, and inner nodes that know how many stand below each
//! child. A node is made ready for one more before the search enters it, so nothing travels back up; what is full gives to
//! its neighbour first, so that leaves are fuller than halves of split ones would be.
mod build;
mod change;

use super::element::{Link, fetch, order};
use super::leaf::{LEAF, Leaf};
use crate::store::structure::index::Group;
use std::mem::offset_of;
use std::ops::Range;

/// An inner node takes 1248 bytes, of the 1280 that the allocator would give it.
const FAN: usize = 31;

enum Node {
    Leaf(Box<Leaf>),
    Inner(Box<Inner>),
}

/// Invariants: no child is empty; all children are of the same height; but for the first child, `keys` and `firsts` tell of
/// its first element, and `counts` of each how many it has.
struct Inner {
    len: usize,
    keys: [u64; FAN],
    firsts: [Link; FAN],
    counts: [usize; FAN],
    nodes: [Option<Node>; FAN],
}

/// A child with what its parent knows of it.
struct Child {
    key: u64,
    first: Link,
    count: usize,
    node: Node,
}

pub struct Tree {
    root: Node,
    len: usize,
    /// Invariant: what all nodes take.
    heap_bytes: usize,
}

const _: () = assert!(size_of::<Leaf>() == 512 && size_of::<Inner>() == 1248);

impl Default for Tree {
    fn default() -> Tree {
        Tree { root: Node::leaf(), len: 0, heap_bytes: size_of::<Leaf>() }
    }
}

// --- What is seen

impl Tree {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }

    /// How many elements come before one with this order of its score and this member.
    pub fn rank(&self, key: u64, member: &[u8]) -> usize {
        let (mut node, mut before) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(leaf) => return before + leaf.place(key, member),
                Node::Inner(inner) => {
                    let at = inner.child_of(key, member);
                    node = inner.node(at);
                    node.fetch();
                    before += inner.counts[..at].iter().sum::<usize>();
                }
            }
        }
    }

    /// Asks for the leaf in which this stands, or nearly: no element is looked at.
    #[inline]
    pub fn fetch(&self, key: u64) {
        fetch(self.leaf_of(key), 0..size_of::<Leaf>());
    }

    /// The same for several. They go down together, level by level, and so wait for each level at once.
    pub fn fetch_all(&self, keys: impl Iterator<Item = u64>) {
        let mut group = Group::of(keys.map(|key| (key, &self.root)));
        loop {
            let inner = group.iter().filter_map(|(key, node)| Some((key, node.inner()?)));
            let slots = Group::of(inner.map(|(key, inner)| (key, inner.slot_near(key))));
            if slots.iter().next().is_none() {
                return;
            }
            slots.iter().for_each(|(_, slot)| fetch(slot, 0..size_of::<Option<Node>>()));
            group = Group::of(slots.iter().map(|(key, slot)| (key, slot.as_ref().expect("a child"))));
            group.iter().for_each(|(_, node)| node.fetch());
        }
    }

    /// Asks for the elements there that may have this score.
    #[inline]
    pub fn fetch_alike(&self, key: u64) {
        self.leaf_of(key).alike(key).1.iter().for_each(|link| link.prefetch());
    }

    #[inline]
    fn leaf_of(&self, key: u64) -> &Leaf {
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return leaf,
                Node::Inner(inner) => node = inner.slot_near(key).as_ref().expect("a child"),
            }
        }
    }

    /// How many elements come before the first whose member is not less. That means something where all scores are equal.
    pub fn rank_of_member(&self, is_less: impl Fn(&[u8]) -> bool) -> usize {
        let (mut node, mut before) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(leaf) => return before + leaf.links().partition_point(|link| is_less(link.member())),
                Node::Inner(inner) => {
                    let at = inner.firsts[1..inner.len].partition_point(|link| is_less(link.member()));
                    before += inner.counts[..at].iter().sum::<usize>();
                    node = inner.node(at);
                }
            }
        }
    }

    pub fn get(&self, mut at: usize) -> Option<Link> {
        if at >= self.len {
            return None;
        }
        let mut node = &self.root;
        loop {
            match node {
                Node::Leaf(leaf) => return Some(leaf.links()[at]),
                Node::Inner(inner) => {
                    let (child, before) = inner.child_at(at);
                    at -= before;
                    node = inner.node(child);
                }
            }
        }
    }

    /// Shows the elements of a range, from its end on if `reverse`, until `visit` says false.
    pub fn visit(&self, range: Range<usize>, reverse: bool, visit: &mut dyn FnMut(Link) -> bool) {
        let range = range.start..range.end.min(self.len);
        if !range.is_empty() {
            self.root.visit(range, reverse, visit);
        }
    }
}

/// So far ahead of its visit an element is fetched into the cache.
const AHEAD: usize = 4;

impl Node {
    fn leaf() -> Node {
        Node::Leaf(Box::default())
    }

    fn len(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(inner) => inner.len,
        }
    }

    #[inline]
    fn inner(&self) -> Option<&Inner> {
        if let Node::Inner(inner) = self { Some(inner) } else { None }
    }

    /// Asks for what a search for an element will look at.
    #[inline]
    fn fetch(&self) {
        match self {
            Node::Leaf(leaf) => fetch(&**leaf, 0..size_of::<Leaf>()),
            Node::Inner(inner) => {
                const KEYS: usize = offset_of!(Inner, keys);
                const COUNTS: usize = offset_of!(Inner, counts);
                fetch(&**inner, KEYS..KEYS + size_of::<[u64; FAN]>());
                fetch(&**inner, COUNTS..COUNTS + size_of::<[usize; FAN]>());
            }
        }
    }

    fn room(&self) -> usize {
        match self {
            Node::Leaf(_) => LEAF,
            Node::Inner(_) => FAN,
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Node::Leaf(_) => size_of::<Leaf>(),
            Node::Inner(_) => size_of::<Inner>(),
        }
    }

    fn count(&self) -> usize {
        match self {
            Node::Leaf(leaf) => leaf.len(),
            Node::Inner(inner) => inner.counts[..inner.len].iter().sum(),
        }
    }

    fn first(&self) -> Link {
        match self {
            Node::Leaf(leaf) => leaf.links()[0],
            Node::Inner(inner) => inner.node(0).first(),
        }
    }

    /// False: no more are wanted.
    fn visit(&self, range: Range<usize>, reverse: bool, visit: &mut dyn FnMut(Link) -> bool) -> bool {
        match self {
            Node::Leaf(leaf) => {
                let links = &leaf.links()[range];
                if reverse { show(links.iter().rev(), visit) } else { show(links.iter(), visit) }
            }
            Node::Inner(inner) => {
                let (mut at, mut before) = inner.child_at(if reverse { range.end - 1 } else { range.start });
                loop {
                    let count = inner.counts[at];
                    let within = range.start.max(before) - before..range.end.min(before + count) - before;
                    if !inner.node(at).visit(within, reverse, visit) {
                        return false;
                    }
                    if reverse {
                        if before <= range.start {
                            return true;
                        }
                        at -= 1;
                        before -= inner.counts[at];
                    } else {
                        before += count;
                        at += 1;
                        if before >= range.end {
                            return true;
                        }
                    }
                }
            }
        }
    }
}

#[inline]
fn show<'a>(links: impl Iterator<Item = &'a Link> + Clone, visit: &mut dyn FnMut(Link) -> bool) -> bool {
    let mut ahead = links.clone().skip(AHEAD);
    for link in links {
        ahead.next().into_iter().for_each(|link| link.prefetch());
        if !visit(*link) {
            return false;
        }
    }
    true
}

impl Inner {
    fn of(children: impl Iterator<Item = Child>) -> Node {
        let mut inner =
            Inner { len: 0, keys: [0; FAN], firsts: [Link::NONE; FAN], counts: [0; FAN], nodes: [const { None }; FAN] };
        children.for_each(|child| inner.put(inner.len, child));
        Node::Inner(Box::new(inner))
    }

    #[inline]
    fn node(&self, at: usize) -> &Node {
        self.nodes[at].as_ref().expect("a child")
    }

    #[inline]
    fn node_mut(&mut self, at: usize) -> &mut Node {
        self.nodes[at].as_mut().expect("a child")
    }

    /// That of the child in which an element of this order stands, or of its neighbour.
    #[inline]
    fn slot_near(&self, key: u64) -> &Option<Node> {
        &self.nodes[self.keys[1..self.len].partition_point(|first| *first < key)]
    }

    /// The child that an element is in, or would be put into.
    #[inline]
    fn child_of(&self, key: u64, member: &[u8]) -> usize {
        let keys = &self.keys[1..self.len];
        let below = keys.partition_point(|first| *first < key);
        if keys.get(below).is_none_or(|first| *first > key) {
            return below;
        }
        let alike = below + keys[below..].partition_point(|first| *first == key);
        below + self.firsts[1 + below..1 + alike].partition_point(|first| first.member() <= member)
    }

    /// The child that has the element of this rank, and how many elements come before that child.
    #[inline]
    fn child_at(&self, rank: usize) -> (usize, usize) {
        let mut before = 0;
        for (at, count) in self.counts[..self.len].iter().enumerate() {
            if rank < before + count {
                return (at, before);
            }
            before += count;
        }
        unreachable!("there are so many")
    }

    fn put(&mut self, at: usize, child: Child) {
        let len = self.len;
        self.keys.copy_within(at..len, at + 1);
        self.firsts.copy_within(at..len, at + 1);
        self.counts.copy_within(at..len, at + 1);
        self.nodes[at..=len].rotate_right(1);
        (self.keys[at], self.firsts[at], self.counts[at]) = (child.key, child.first, child.count);
        self.nodes[at] = Some(child.node);
        self.len += 1;
    }

    fn take(&mut self, at: usize) -> Child {
        let len = self.len;
        let (key, first, count) = (self.keys[at], self.firsts[at], self.counts[at]);
        let node = self.nodes[at].take().expect("a child");
        self.keys.copy_within(at + 1..len, at);
        self.firsts.copy_within(at + 1..len, at);
        self.counts.copy_within(at + 1..len, at);
        self.nodes[at..len].rotate_left(1);
        self.len -= 1;
        Child { key, first, count, node }
    }

    /// Writes down what is true of a child now.
    fn recount(&mut self, at: usize) {
        self.counts[at] = self.node(at).count();
        if at > 0 {
            self.renew_first(at);
        }
    }

    fn renew_first(&mut self, at: usize) {
        let first = self.node(at).first();
        (self.keys[at], self.firsts[at]) = (order(first.score()), first);
    }
}

// --- Invariants

impl Tree {
    pub fn check(&self) {
        let mut bytes = 0;
        let (mut height, mut seen) = (None, 0);
        self.root.check(0, true, &mut height, &mut bytes, &mut seen);
        assert_eq!((seen, bytes), (self.len, self.heap_bytes));
        let mut before: Option<Link> = None;
        self.visit(0..self.len, false, &mut |link| {
            assert!(before.is_none_or(|before| before.compare(order(link.score()), link.member()).is_lt()));
            before = Some(link);
            true
        });
    }
}

impl Node {
    fn check(&self, depth: usize, is_root: bool, height: &mut Option<usize>, bytes: &mut usize, seen: &mut usize) {
        *bytes += self.heap_bytes();
        match self {
            Node::Leaf(leaf) => {
                assert!(is_root || leaf.len() > 0, "no leaf is empty");
                assert_eq!(*height.get_or_insert(depth), depth, "all leaves are as deep");
                *seen += leaf.len();
                leaf.check();
            }
            Node::Inner(inner) => {
                assert!(inner.len > is_root as usize, "no node without a reason");
                assert!(inner.nodes.iter().map(Option::is_some).eq((0..FAN).map(|at| at < inner.len)));
                for at in 0..inner.len {
                    let child = inner.node(at);
                    assert_eq!(child.count(), inner.counts[at]);
                    if at > 0 {
                        assert_eq!(inner.firsts[at].with_code(0).word(), child.first().with_code(0).word());
                        assert_eq!(inner.keys[at], order(child.first().score()));
                    }
                    child.check(depth + 1, false, height, bytes, seen);
                }
            }
        }
    }
}
