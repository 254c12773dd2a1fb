//! A host that is moved by hand, for who drives the engine without sockets: programs that embed it, `explain`, tests. Its
//! clocks stand until they are told to go on, and its machine is whatever one says it is.
use super::host::{Bystanders, Host, Machine};
use crate::base::time::Now;
use crate::persist::files::{Files, Memory};
use crate::server::clients::ClientId;
use std::collections::VecDeque;

/// A microsecond has so many ticks.
pub const TICKS_PER_US: u64 = 10;

#[derive(Debug, Default)]
pub struct ByHand {
    pub now: Now,
    pub ticks: u64,
    /// So many ticks pass with each reading of them.
    pub drift: u64,
    pub machine: Machine,
    /// What other clients send in the middle of a long command: one entry for each breath.
    pub breaths: VecDeque<Vec<(ClientId, Vec<u8>)>>,
    /// Where data is saved to: nowhere else.
    pub files: Memory,
    /// Breaths so far.
    pub breathed: usize,
}

impl ByHand {
    pub fn at(now: Now) -> ByHand {
        ByHand { now, ..ByHand::default() }
    }

    /// Time passes, and nobody sets the clock meanwhile.
    pub fn pass(&mut self, span_us: u64) {
        self.now = self.now.later(span_us);
        self.ticks += span_us * TICKS_PER_US;
    }
}

impl Host for ByHand {
    fn ticks(&mut self) -> u64 {
        self.ticks += self.drift;
        self.ticks
    }

    fn ticks_per_ms(&mut self) -> u64 {
        1000 * TICKS_PER_US
    }

    fn now(&mut self) -> Now {
        self.now
    }

    fn sleep(&mut self, span_us: u64) {
        self.pass(span_us);
    }

    fn machine(&mut self) -> Machine {
        self.machine.clone()
    }

    fn files(&mut self) -> &mut dyn Files {
        &mut self.files
    }

    fn breathe(&mut self, bystanders: &mut dyn Bystanders) {
        self.breathed += 1;
        for (id, bytes) in self.breaths.pop_front().unwrap_or_default() {
            let mut left = bytes.as_slice();
            while !left.is_empty() {
                let room = bystanders.space(id);
                let count = room.len().min(left.len());
                if count == 0 {
                    break;
                }
                room[..count].copy_from_slice(&left[..count]);
                bystanders.filled(id, count);
                left = &left[count..];
            }
            bystanders.answer(id, self);
        }
    }
}
