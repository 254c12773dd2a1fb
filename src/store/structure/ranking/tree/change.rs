//! What comes into a tree and what goes: nodes are filled, evened out, split and made one here.
use super::super::element::{Link, order};
use super::{Child, Inner, Node, Tree};

/// Which element is meant.
#[derive(Clone, Copy)]
enum Way {
    To(u64, Link),
    At(usize),
}

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
    pub fn remove(&mut self, link: Link) -> Link {
        self.remove_by(Way::To(order(link.score()), link))
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
                    Way::To(key, link) => leaf.place_of(key, link),
                    Way::At(at) => at,
                };
                return (leaf.remove(at), at == 0);
            }
            Node::Inner(inner) => inner,
        };
        let (at, way) = match way {
            Way::To(key, link) => (inner.child_of(key, link.member()), way),
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
