//! The two times that a turn of the loop hands down. Reads no clock: below the reactor, time is an argument.

/// One reading of both clocks. It stays the same while a command runs, so a command sees one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Microseconds since 1970, by the clock on the wall, which people and clients set: it may jump either way. Expiry
    /// is kept by it, since that is what EXPIREAT and a snapshot mean.
    pub wall_us: i64,
    /// Microseconds since some moment before the start, never going back. Waiting and measuring is done by it.
    pub mono_us: u64,
}

impl Now {
    /// Milliseconds since 1970, in which expiry is stated.
    pub fn wall_ms(self) -> i64 {
        self.wall_us.div_euclid(1000)
    }

    /// Seconds since 1970.
    pub fn wall_seconds(self) -> i64 {
        self.wall_us.div_euclid(1_000_000)
    }

    /// The moment `us` microseconds later, as it is when nobody sets the clock.
    pub fn later(self, us: u64) -> Now {
        Now { wall_us: self.wall_us.saturating_add_unsigned(us), mono_us: self.mono_us.saturating_add(us) }
    }
}

/// The first of several moments, some of which will not come. It is asked for in each turn of the loop, where an iterator
/// over them took 120 instructions.
#[inline]
pub fn earliest<const N: usize>(moments: [Option<u64>; N]) -> Option<u64> {
    let earliest = moments.iter().fold(u64::MAX, |earliest, moment| earliest.min(moment.unwrap_or(u64::MAX)));
    (earliest < u64::MAX).then_some(earliest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarser_units_round_down_before_1970_too() {
        for (us, ms, seconds) in [(0, 0, 0), (999, 0, 0), (1_999_999, 1999, 1), (-1, -1, -1), (-1_000_000, -1000, -1)] {
            let now = Now { wall_us: us, mono_us: 0 };
            assert_eq!((now.wall_ms(), now.wall_seconds()), (ms, seconds), "{us}");
        }
    }

    #[test]
    fn later_moves_both_clocks() {
        let now = Now { wall_us: -5, mono_us: 7 }.later(10);
        assert_eq!(now, Now { wall_us: 5, mono_us: 17 });
        assert_eq!(now.later(u64::MAX), Now { wall_us: i64::MAX, mono_us: u64::MAX });
    }
}
