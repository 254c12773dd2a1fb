//! What took long, by the kind of event, when, and for how long: what LATENCY tells. An event is noted only if it took
//! `latency-monitor-threshold` milliseconds; who measures it says so (notice.rs, the timers).
use std::collections::VecDeque;

/// So many samples are kept of each kind.
const SAMPLES_MAX: usize = 160;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Seconds of the wall clock.
    pub at_s: i64,
    pub ms: u64,
}

#[derive(Debug)]
pub struct Events {
    pub name: &'static str,
    /// Oldest first. Invariant: there is at least one, and no second has two.
    pub samples: VecDeque<Sample>,
    /// Of all times, those included whose samples are gone.
    pub longest_ms: u64,
}

#[derive(Debug, Default)]
pub struct Latency {
    /// In the order of their first samples. The names are ours, so there are few.
    events: Vec<Events>,
}

impl Latency {
    pub fn note(&mut self, name: &'static str, at_s: i64, ms: u64) {
        let at = self.events.iter().position(|events| events.name == name).unwrap_or_else(|| {
            self.events.push(Events { name, samples: VecDeque::new(), longest_ms: 0 });
            self.events.len() - 1
        });
        let Events { samples, longest_ms, .. } = &mut self.events[at];
        *longest_ms = ms.max(*longest_ms);
        match samples.back_mut() {
            // The longest of a second stands for all of it.
            Some(last) if last.at_s == at_s => last.ms = ms.max(last.ms),
            _ => {
                if samples.len() == SAMPLES_MAX {
                    samples.pop_front();
                }
                samples.push_back(Sample { at_s, ms });
            }
        }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Events> {
        self.events.iter()
    }

    pub fn of(&self, name: &[u8]) -> Option<&Events> {
        self.events.iter().find(|events| events.name.as_bytes() == name)
    }

    /// Forgets the events of this name, or all. How many kinds are gone.
    pub fn forget(&mut self, name: Option<&[u8]>) -> usize {
        let before = self.events.len();
        self.events.retain(|events| name.is_some_and(|name| !events.name.as_bytes().eq_ignore_ascii_case(name)));
        before - self.events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_of_a_second_is_kept_and_only_so_many() {
        let mut latency = Latency::default();
        for (at_s, ms) in [(1, 5), (1, 9), (1, 7), (2, 3)] {
            latency.note("command", at_s, ms);
        }
        let events = latency.of(b"command").unwrap();
        assert_eq!(events.samples, [Sample { at_s: 1, ms: 9 }, Sample { at_s: 2, ms: 3 }]);
        assert_eq!(events.longest_ms, 9);
        (3..1000).for_each(|at_s| latency.note("command", at_s, 1));
        let events = latency.of(b"command").unwrap();
        assert_eq!((events.samples.len(), events.samples[0].at_s, events.longest_ms), (SAMPLES_MAX, 840, 9));
        assert_eq!(latency.forget(Some(b"nothing")) + latency.forget(Some(b"COMMAND")) + latency.forget(None), 1);
    }
}
