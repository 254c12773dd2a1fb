//! The most that any client had unread, and unsent, in the last seconds, for INFO. As in Redis clients are looked at about
//! once a second: what came and went in between nobody has seen.

/// So many seconds count, with the one that is not over.
const SECONDS: u64 = 8;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Most {
    pub unread: usize,
    pub unsent: usize,
}

impl Most {
    pub fn or(self, other: Most) -> Most {
        Most { unread: self.unread.max(other.unread), unsent: self.unsent.max(other.unsent) }
    }
}

#[derive(Debug, Default)]
pub struct Recent {
    /// By the second, as the remainder; and which second it was.
    ring: [(u64, Most); SECONDS as usize],
}

impl Recent {
    /// Whether nobody has looked in this second.
    pub fn is_due(&self, now_us: u64) -> bool {
        let second = now_us / 1_000_000;
        self.ring[(second % SECONDS) as usize].0 != second
    }

    pub fn note(&mut self, now_us: u64, most: Most) {
        let second = now_us / 1_000_000;
        let slot = &mut self.ring[(second % SECONDS) as usize];
        *slot = (second, if slot.0 == second { slot.1.or(most) } else { most });
    }

    pub fn most(&self, now_us: u64) -> Most {
        let second = now_us / 1_000_000;
        let recent = self.ring.iter().filter(|(at, _)| at + SECONDS > second);
        recent.fold(Most::default(), |all, (_, most)| all.or(*most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_known_for_eight_seconds() {
        let mut recent = Recent::default();
        let most = |unread, unsent| Most { unread, unsent };
        let us = |tenths: u64| 90_000_000 + tenths * 100_000;
        assert!(recent.is_due(us(0)));
        for (tenths, unread, unsent) in [(0, 5, 0), (5, 3, 9), (9, 4, 2), (30, 4, 1)] {
            recent.note(us(tenths), most(unread, unsent));
            assert!(!recent.is_due(us(tenths)));
        }
        assert!(recent.is_due(us(10)));
        for (tenths, expected) in [(30, most(5, 9)), (79, most(5, 9)), (80, most(4, 1)), (109, most(4, 1))] {
            assert_eq!(recent.most(us(tenths)), expected, "{tenths}");
        }
        assert_eq!(recent.most(us(110)), most(0, 0));
    }
}
