//! A leaf of the tree: links to elements in order. Beside each pointer stand 16 bits of its score's order, so that a search
//! looks at those elements only that have the same ones as what is looked for, which is mostly none.
use super::element::{Link, order};

/// A leaf takes 512 bytes, which is a size of the allocator's.
pub const LEAF: usize = 62;
const CODE_MAX: u64 = u16::MAX as u64;
/// A leaf whose codes are as near to each other looks at its elements for better ones.
const FINE: u64 = 256;

/// By how many bits these must be shifted until the codes suffice for all between them.
fn wider(low: u64, high: u64) -> u8 {
    (0..).find(|bits| (high >> bits) - (low >> bits) <= CODE_MAX).expect("64 bits suffice")
}

/// Invariants: the links are in the order of their elements, and the code of each is `(order >> shift) - base`.
pub struct Leaf {
    base: u64,
    shift: u8,
    len: u8,
    links: [Link; LEAF],
}

impl Default for Leaf {
    fn default() -> Leaf {
        Leaf { base: 0, shift: 0, len: 0, links: [Link::NONE; LEAF] }
    }
}

impl Leaf {
    /// Of some that are in order.
    pub fn of(links: &[Link]) -> Leaf {
        let mut leaf = Leaf { len: links.len() as u8, ..Leaf::default() };
        leaf.links[..links.len()].copy_from_slice(links);
        leaf.encode();
        leaf
    }

    #[inline]
    pub fn links(&self) -> &[Link] {
        &self.links[..self.len as usize]
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// How many elements come before those that may have this order of their score, and those: nearly always one, whatever
    /// the leaf has.
    #[inline]
    pub fn alike(&self, key: u64) -> (usize, &[Link]) {
        let above = key >> self.shift;
        if above < self.base {
            return (0, &[]);
        }
        let code = above - self.base;
        if code > CODE_MAX {
            return (self.len(), &[]);
        }
        let links = self.links();
        let from = links.partition_point(|link| link.word() < code << 48);
        let alike = &links[from..];
        (from, &alike[..alike.iter().take_while(|link| link.code() as u64 == code).count()])
    }

    /// How many elements come before this one.
    #[inline]
    pub fn place(&self, key: u64, member: &[u8]) -> usize {
        let (from, alike) = self.alike(key);
        from + alike.partition_point(|link| link.compare(key, member).is_lt())
    }

    /// Where this one is, which is there: no element is looked at.
    #[inline]
    pub fn place_of(&self, key: u64, link: Link) -> usize {
        let (from, alike) = self.alike(key);
        from + alike.iter().position(|one| one.is(link)).expect("it is there")
    }

    pub fn insert(&mut self, key: u64, member: &[u8], link: Link) {
        let at = self.place(key, member);
        self.reach(key);
        let len = self.len();
        self.links.copy_within(at..len, at + 1);
        self.links[at] = link.with_code(((key >> self.shift) - self.base) as u16);
        self.len += 1;
    }

    pub fn remove(&mut self, at: usize) -> Link {
        let link = self.links()[at];
        let len = self.len();
        self.links.copy_within(at + 1..len, at);
        self.len -= 1;
        link
    }

    /// What the codes of the first and the last stand for.
    fn span(&self) -> Option<(u64, u64)> {
        let (first, last) = (self.links().first()?, self.links().last()?);
        Some((self.base + first.code() as u64, self.base + last.code() as u64))
    }

    /// Makes sure that there is a code for this.
    #[inline]
    fn reach(&mut self, key: u64) {
        let Some((low, high)) = self.span() else {
            (self.base, self.shift) = (key, 0);
            return;
        };
        let above = key >> self.shift;
        if above < self.base || above - self.base > CODE_MAX {
            self.scale(low.min(above), high.max(above), self.shift);
        }
    }

    /// Looks at the elements for finer codes, if these have become coarse.
    fn refine(&mut self) {
        let Some((low, high)) = self.span() else { return };
        if self.shift > 0 && high - low < FINE {
            self.encode();
        }
    }

    /// Looks at the elements for the finest codes.
    fn encode(&mut self) {
        let len = self.len();
        let [first, last] = [self.links[0], self.links[len - 1]].map(|link| order(link.score()));
        self.shift = wider(first, last);
        self.base = first >> self.shift;
        for link in &mut self.links[..len] {
            *link = link.with_code(((order(link.score()) >> self.shift) - self.base) as u16);
        }
    }

    /// Takes elements, all behind its own, out of the front of another leaf.
    pub fn take_front(&mut self, from: &mut Leaf, count: usize) {
        self.align(from);
        let (len, left) = (self.len(), from.len() - count);
        self.links[len..len + count].copy_from_slice(&from.links[..count]);
        from.links.copy_within(count..count + left, 0);
        (self.len, from.len) = ((len + count) as u8, left as u8);
        self.refine();
        from.refine();
    }

    /// Takes elements, all before its own, off the end of another leaf.
    pub fn take_back(&mut self, from: &mut Leaf, count: usize) {
        self.align(from);
        let (len, left) = (self.len(), from.len() - count);
        self.links.copy_within(0..len, count);
        self.links[..count].copy_from_slice(&from.links[left..left + count]);
        (self.len, from.len) = ((len + count) as u8, left as u8);
        self.refine();
        from.refine();
    }

    /// Gives both the same base and the same scale.
    fn align(&mut self, other: &mut Leaf) {
        let shift = self.shift.max(other.shift);
        let spans = [&*self, other].map(|leaf| {
            let (coarser, span) = (shift - leaf.shift, leaf.span());
            span.map(|(low, high)| (low >> coarser, high >> coarser))
        });
        match spans {
            [Some((a, b)), Some((c, d))] => {
                let (low, high) = (a.min(c), b.max(d));
                self.scale(low, high, shift);
                other.scale(low, high, shift);
            }
            [None, _] => (self.base, self.shift) = (other.base, other.shift),
            [_, None] => (other.base, other.shift) = (self.base, self.shift),
        }
    }

    /// Makes codes for all from `low` to `high`, which count in steps of 2^shift.
    #[cold]
    fn scale(&mut self, low: u64, high: u64, shift: u8) {
        let more = wider(low, high);
        let (shift, base) = (shift + more, low >> more);
        let coarser = shift - self.shift;
        let (len, old) = (self.len(), self.base);
        for link in &mut self.links[..len] {
            *link = link.with_code((((old + link.code() as u64) >> coarser) - base) as u16);
        }
        (self.shift, self.base) = (shift, base);
    }

    pub fn check(&self) {
        for link in self.links() {
            assert_eq!(link.code() as u64, (order(link.score()) >> self.shift) - self.base, "as its code says");
        }
        let in_order = |pair: &[Link]| pair[0].compare(order(pair[1].score()), pair[1].member()).is_lt();
        assert!(self.links().windows(2).all(in_order));
    }
}
