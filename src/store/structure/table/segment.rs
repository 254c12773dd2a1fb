//! One segment: items in the order of their tags.
use super::window::{WINDOW, alike, prefetch};
use super::{Item, TAG_BITS};

#[derive(Clone, Debug)]
pub struct Segment<T> {
    /// Invariant: items stand in the order of their tags, none before its home, and no slot is empty between an item
    /// and its home. Items of the same tag stand in any order.
    pub slots: Box<[Option<T>]>,
    pub len: u32,
    /// The homes of all tags are the first so many slots. Those behind take what overflows.
    homes: u32,
    /// The top `depth` bits of all its hashes.
    pub prefix: u32,
    pub depth: u32,
}

impl<T: Item> Segment<T> {
    pub fn new(depth: u32, prefix: u32) -> Self {
        Segment { slots: Box::new([]), len: 0, homes: 0, prefix, depth }
    }

    /// Slots are spread evenly over tags.
    #[inline]
    pub fn home(&self, tag: u16) -> usize {
        (tag as usize * self.homes as usize) >> TAG_BITS
    }

    #[inline]
    pub fn prefetch(&self, at: usize) {
        prefetch(&self.slots, at);
    }

    /// Slots are compared eight at a time, with no branch for each: how far an item is from its home, no processor can
    /// guess.
    #[inline(always)] // As a call it took 45 instructions more.
    pub fn find(&self, tag: u16, same: impl FnMut(&T) -> bool) -> Option<usize> {
        self.find_from(self.home(tag), tag, same)
    }

    /// The same, where it is known where that tag's home is.
    #[inline(always)]
    pub fn find_from(&self, mut at: usize, tag: u16, mut same: impl FnMut(&T) -> bool) -> Option<usize> {
        while let Some(window) = self.slots[at..].first_chunk::<WINDOW>() {
            let mut alike = alike(window, tag);
            while alike != 0 {
                let bit = alike.trailing_zeros() as usize;
                if window[bit].as_ref().is_some_and(&mut same) {
                    return Some(at + bit);
                }
                alike &= alike - 1;
            }
            if window.last()?.as_ref()?.tag() > tag {
                return None;
            }
            at += WINDOW;
        }
        let mut last = self.slots[at..].iter().map_while(Option::as_ref);
        last.position(|item| item.tag() == tag && same(item)).map(|n| at + n)
    }

    /// The first slot whose item, if it has one, has this tag or a later one.
    pub fn first(&self, tag: u16) -> usize {
        let home = self.home(tag);
        home + self.slots[home..].iter().take_while(|slot| slot.as_ref().is_some_and(|item| item.tag() < tag)).count()
    }

    /// Where it stands now; `Err`: there is no room for it.
    #[inline]
    pub fn insert(&mut self, item: T) -> Result<usize, T> {
        if self.len >= room(self.homes) {
            return Err(item);
        }
        let tag = item.tag();
        let mut at = self.home(tag);
        while let Some(Some(there)) = self.slots.get(at)
            && there.tag() <= tag
        {
            at += 1;
        }
        let Some(gap) = self.slots[at..].iter().position(Option::is_none) else { return Err(item) };
        self.slots[at..=at + gap].rotate_right(1);
        self.slots[at] = Some(item);
        self.len += 1;
        Ok(at)
    }

    pub fn remove(&mut self, at: usize) -> T {
        let item = self.slots[at].take().expect("a place of this table");
        // Those behind it that are not at home move up.
        let away = |(slot, at): (&Option<T>, usize)| slot.as_ref().is_some_and(|item| self.home(item.tag()) < at);
        let moved = self.slots[at + 1..].iter().zip(at + 1..).take_while(|each| away(*each)).count();
        self.slots[at..=at + moved].rotate_left(1);
        self.len -= 1;
        item
    }

    /// Few of the slots are in use.
    #[inline]
    pub fn is_sparse(&self) -> bool {
        self.len < self.homes / 2
    }

    /// Makes room for some more items.
    pub fn grow(&mut self) {
        self.resize(round_up(self.slots.len() + 1));
    }

    /// Gives back most slots that it does not need.
    pub fn shrink(&mut self) {
        self.resize(slots_for(self.len));
    }

    fn resize(&mut self, slots: usize) {
        let old = std::mem::take(&mut self.slots);
        self.fill(slots, old.into_iter().flatten());
    }

    /// Lays out items, given in the order of their tags, in so many slots (more if they overflow).
    pub fn fill(&mut self, slots: usize, items: impl Iterator<Item = T>) {
        let mut row: Vec<Option<T>> = Vec::with_capacity(slots);
        row.resize_with(slots, || None);
        (self.homes, self.len) = (homes(slots), 0);
        let mut next = 0;
        for item in items {
            let at = next.max(self.home(item.tag()));
            next = at + 1;
            self.len += 1;
            if at < row.len() {
                row[at] = Some(item);
            } else {
                row.push(Some(item));
            }
        }
        self.slots = row.into_boxed_slice();
    }

    pub fn check(&self) {
        let mut free = 0;
        let mut last = 0;
        for (at, slot) in self.slots.iter().enumerate() {
            let Some(item) = slot else {
                free = at + 1;
                continue;
            };
            assert!(last <= item.tag(), "in the order of tags");
            assert!((free..=at).contains(&self.home(item.tag())), "no gap between an item and its home");
            last = item.tag();
        }
        assert_eq!(self.len as usize, self.slots.iter().flatten().count());
    }
}

/// Slots that are homes: all but a few.
fn homes(slots: usize) -> u32 {
    (slots - slots / 32).min(1 << TAG_BITS) as u32
}

/// So many items fill a segment: seven eighths, as it is a search looks at five slots, half that on average.
fn room(homes: u32) -> u32 {
    homes - homes / 8
}

/// As few slots as will do for a while.
pub fn slots_for(len: u32) -> usize {
    let len = len + len / 16;
    let mut slots = round_up(len as usize);
    while room(homes(slots)) < len {
        slots = round_up(slots + 1);
    }
    slots
}

/// The next number of slots that an allocator has blocks for: four steps between powers of two.
fn round_up(slots: usize) -> usize {
    let step = (slots.next_power_of_two() / 8).max(4);
    slots.next_multiple_of(step)
}
