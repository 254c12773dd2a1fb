//! An order-statistic B+tree: elements by score and member in leaves, and inner nodes that know how many stand below each
//! child. A node is made ready for one more before the search enters it, so nothing travels back up; what is full gives to
//! its neighbour first, so that leaves are fuller than halves of split ones would be.
mod build;

use super::element::{Link, fetch, order};
use super::leaf::{LEAF, Leaf};
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

/// Which element is meant.
#[derive(Clone, Copy)]
enum Way<'a> {
    To(u64, &'a [u8]),
    At(usize),
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

// --- What is changed

impl Tree {
    /// Adds an element that is not there. It is to stay as it is until it is removed.
    pub fn insert(&mut self, link: Link) {
        let (key, member) = (order(link.score()), link.member());
        if self.root.len() == self.root.room() {
            let count = self.len;
            let node = std::mem::replace(&mut self.root, Node::leaf());
            self.root = Inner::of(std::iter::once(Child { key: 0, first: Link::NONE, count, node }));
            self.heap_bytes += self.root.heap_bytes();
        }
        self.len += 1;
        let (mut node, mut edge) = (&mut self.root, Edge { left: true, right: true });
        loop {
            match node {
                Node::Leaf(leaf) => return leaf.insert(key, member, link),
                Node::Inner(inner) => {
                    let mut at = inner.child_of(key, member);
                    let child = inner.node(at);
                    child.fetch();
                    if child.len() == child.room() {
                        inner.make_room(at, edge, key, link, &mut self.heap_bytes);
                        at = inner.child_of(key, member);
                    }
                    edge.left &= at == 0;
                    edge.right &= at + 1 == inner.len;
                    inner.counts[at] += 1;
                    node = inner.node_mut(at);
                }
            }
        }
    }

    /// Removes an element that is there.
    pub fn remove(&mut self, key: u64, member: &[u8]) -> Link {
        self.remove_by(Way::To(key, member))
    }

    pub fn remove_at(&mut self, at: usize) -> Option<Link> {
        (at < self.len).then(|| self.remove_by(Way::At(at)))
    }

    fn remove_by(&mut self, way: Way) -> Link {
        let (link, _) = self.root.remove(way, &mut self.heap_bytes);
        self.len -= 1;
        while let Node::Inner(inner) = &mut self.root
            && inner.len <= 1
        {
            self.heap_bytes -= size_of::<Inner>();
            self.root = if inner.len == 1 { inner.take(0).node } else { Node::leaf() };
            self.heap_bytes += if self.len == 0 { self.root.heap_bytes() } else { 0 };
        }
        link
    }

    /// Frees up to so many leaves. True: there are more. Nothing but this is to be done with it any more.
    pub fn shed(&mut self, most: usize) -> bool {
        (0..most).all(|_| self.root.shed())
    }
}

/// The element belongs before or behind all others.
#[derive(Clone, Copy)]
struct Edge {
    left: bool,
    right: bool,
}

impl Inner {
    /// A child is full and is to take one more: its neighbours take some of what it has, or it is split.
    #[cold]
    fn make_room(&mut self, at: usize, edge: Edge, key: u64, link: Link, heap_bytes: &mut usize) {
        *heap_bytes += if self.grow_at_edge(at, edge, key, link) {
            self.node(at).heap_bytes()
        } else if self.gives(at, at + 1) || at > 0 && self.gives(at - 1, at) {
            0
        } else {
            self.split(at);
            self.node(at).heap_bytes()
        };
    }

    /// Elements that come in order fill one node after the other.
    fn grow_at_edge(&mut self, at: usize, edge: Edge, key: u64, link: Link) -> bool {
        let (to_left, to_right) = (edge.left && at == 0, edge.right && at + 1 == self.len);
        let before = match self.node(at) {
            Node::Leaf(leaf) => leaf.place(key, link.member()),
            Node::Inner(inner) => inner.child_of(key, link.member()),
        };
        let child = self.node_mut(at);
        let room = child.room();
        let new = match child {
            Node::Leaf(_) if to_right && before == room => Child { key, first: link, count: 0, node: Node::leaf() },
            Node::Inner(inner) if to_right && before + 1 == room => {
                let last = inner.take(room - 1);
                let (key, first, count) = (last.key, last.first, last.count);
                Child { key, first, count, node: Inner::of(std::iter::once(last)) }
            }
            Node::Leaf(_) if to_left && before == 0 => Child { key, first: link, count: 0, node: Node::leaf() },
            Node::Inner(inner) if to_left && before == 0 => {
                let first = inner.take(0);
                Child { key: 0, first: Link::NONE, count: first.count, node: Inner::of(std::iter::once(first)) }
            }
            _ => return false,
        };
        let is_left = !to_right || before == 0;
        self.counts[at] -= new.count;
        self.put(if is_left { at } else { at + 1 }, new);
        if is_left {
            self.recount(at + 1);
        }
        true
    }

    /// Evens out two neighbours, if that gives each of them room for some more.
    fn gives(&mut self, left: usize, right: usize) -> bool {
        if right >= self.len {
            return false;
        }
        let (sum, room) = (self.node(left).len() + self.node(right).len(), self.node(left).room());
        let is_worth_it = sum + room / 8 <= 2 * room;
        if is_worth_it {
            self.divide(left, sum / 2);
        }
        is_worth_it
    }

    /// Two neighbours have so many elements, or children; from now on the left one has so many of them.
    fn divide(&mut self, left: usize, wanted: usize) {
        let (key, first) = (self.keys[left + 1], self.firsts[left + 1]);
        let [Some(one), Some(other)] = &mut self.nodes[left..left + 2] else { unreachable!("two children") };
        match (one, other) {
            (Node::Leaf(one), Node::Leaf(other)) if one.len() < wanted => one.take_front(other, wanted - one.len()),
            (Node::Leaf(one), Node::Leaf(other)) => other.take_back(one, one.len() - wanted),
            (Node::Inner(one), Node::Inner(other)) => {
                // What the parent knew of the first child of the right one, that one knows now.
                (other.keys[0], other.firsts[0]) = (key, first);
                while one.len < wanted {
                    one.put(one.len, other.take(0));
                }
                while one.len > wanted {
                    other.put(0, one.take(one.len - 1));
                }
            }
            _ => unreachable!("they are of the same height"),
        }
        self.counts[left] = self.node(left).count();
        if self.node(left + 1).len() > 0 {
            self.recount(left + 1);
        }
    }

    /// Makes three nodes of two that are full, or two of one.
    fn split(&mut self, at: usize) {
        // The new one is between, or behind.
        let node = match self.node(at) {
            Node::Leaf(_) => Node::leaf(),
            Node::Inner(_) => Inner::of(std::iter::empty()),
        };
        let room = node.room();
        let left = if at + 1 < self.len { at } else { at.saturating_sub(1) };
        let is_alone = self.len == 1;
        let (key, first) = (0, Link::NONE);
        self.put(left + 1, Child { key, first, count: 0, node });
        self.divide(left, if is_alone { room / 2 } else { room * 2 / 3 });
        if !is_alone {
            let sum = self.node(left + 1).len() + self.node(left + 2).len();
            self.divide(left + 1, sum / 2);
        }
    }

    /// A child has become smaller: it may be one with a neighbour.
    fn mend(&mut self, at: usize, heap_bytes: &mut usize) {
        let child = self.node(at);
        let (len, room) = (child.len(), child.room());
        if len > room / 2 {
            return;
        }
        let fits = |other: usize| len + self.node(other).len() <= room * 3 / 4;
        let left = match at {
            _ if at + 1 < self.len && fits(at + 1) => at,
            1.. if fits(at - 1) => at - 1,
            _ => return,
        };
        *heap_bytes -= child.heap_bytes();
        let sum = self.node(left).len() + self.node(left + 1).len();
        self.divide(left, sum);
        self.take(left + 1);
    }
}

impl Node {
    /// The element that is gone, and whether it was the first here.
    fn remove(&mut self, way: Way, heap_bytes: &mut usize) -> (Link, bool) {
        let inner = match self {
            Node::Leaf(leaf) => {
                let at = match way {
                    Way::To(key, member) => leaf.place(key, member),
                    Way::At(at) => at,
                };
                return (leaf.remove(at), at == 0);
            }
            Node::Inner(inner) => inner,
        };
        let (at, way) = match way {
            Way::To(key, member) => (inner.child_of(key, member), way),
            Way::At(rank) => {
                let (at, before) = inner.child_at(rank);
                (at, Way::At(rank - before))
            }
        };
        let (link, was_first) = inner.node_mut(at).remove(way, heap_bytes);
        inner.counts[at] -= 1;
        if inner.counts[at] == 0 {
            *heap_bytes -= inner.take(at).node.heap_bytes();
        } else {
            if was_first && at > 0 {
                inner.renew_first(at);
            }
            inner.mend(at, heap_bytes);
        }
        (link, was_first && at == 0)
    }

    /// Frees the last leaf. False: there was none.
    fn shed(&mut self) -> bool {
        match self {
            Node::Leaf(_) => false,
            Node::Inner(inner) => {
                if inner.len > 0 && !inner.node_mut(inner.len - 1).shed() {
                    inner.take(inner.len - 1);
                }
                inner.len > 0
            }
        }
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
