//! An item by chance.
use super::{Hasher, Item, Place, Table};

/// So often a slot is drawn. At least one of 16 is in use, so that it fails once in 15 million times.
const TRIES: usize = 256;
/// So few segments are all looked at.
const COUNTED: usize = 16;

impl<T: Item, H: Hasher<T>> Table<T, H> {
    /// Some item, all equally likely. `chance` gives random numbers. It ends after a bounded number of tries, then it
    /// counts.
    pub fn random(&self, chance: &mut dyn FnMut() -> u64) -> Option<&T> {
        self.random_place(chance).map(|place| self.get(place))
    }

    /// Where that is.
    pub fn random_place(&self, chance: &mut dyn FnMut() -> u64) -> Option<Place> {
        if self.is_empty() {
            return None;
        }
        // The most slots that a segment has, or had when there were more.
        let few = self.segments.len <= COUNTED;
        let most = if few { self.segments.iter().map(|one| one.slots.len()).max() } else { None };
        let most = most.unwrap_or(self.slots_max);
        let mut below = |n: usize| (chance() % n as u64) as usize;
        // A segment is met as often as it has places, so the more it has, the rarer is each of its slots.
        let drawn = (0..TRIES).find_map(|_| {
            let number = self.directory[below(self.directory.len())];
            let segment = self.segments.get(number);
            let slot = below(most << (self.depth - segment.depth));
            segment.slots.get(slot)?.as_ref()?;
            Some(Place::new(number, slot))
        });
        drawn.or_else(|| {
            let mut left = below(self.len());
            let (number, segment) = self.segments.iter().enumerate().find(|(_, segment)| {
                let found = left < segment.len as usize;
                left -= if found { 0 } else { segment.len as usize };
                found
            })?;
            let mut used = segment.slots.iter().enumerate().filter(|(_, slot)| slot.is_some());
            let (slot, _) = used.nth(left)?;
            Some(Place::new(number as u32, slot))
        })
    }
}
