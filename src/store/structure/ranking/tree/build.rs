//! A tree made at one go of elements that are in order already: nodes are filled one after the other, from the leaves up, so
//! that nothing is searched and nothing is moved.
use super::super::element::{Link, order};
use super::super::leaf::{LEAF, Leaf};
use super::{Child, FAN, Inner, Node, Tree};

impl Tree {
    /// Of elements that all differ, in order. They are to stay as they are until they are removed.
    pub fn of(links: &[Link]) -> Tree {
        let mut tree = Tree { len: links.len(), ..Tree::default() };
        let mut row: Vec<Child> =
            links.chunks(LEAF).map(|some| Child::new(Node::Leaf(Box::new(Leaf::of(some))))).collect();
        let mut heap_bytes = 0;
        while row.len() > 1 {
            heap_bytes += row.iter().map(|child| child.node.heap_bytes()).sum::<usize>();
            let mut children = row.into_iter();
            let mut above = Vec::with_capacity(children.len().div_ceil(FAN));
            while children.len() > 0 {
                above.push(Child::new(Inner::of(children.by_ref().take(FAN))));
            }
            row = above;
        }
        if let Some(root) = row.pop() {
            tree.heap_bytes = heap_bytes + root.node.heap_bytes();
            tree.root = root.node;
        }
        tree
    }
}

impl Child {
    fn new(node: Node) -> Child {
        let first = node.first();
        Child { key: order(first.score()), first, count: node.count(), node }
    }
}
