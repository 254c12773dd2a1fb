//! Keys go when they are due, though nobody asks for them: which databases have deadlines, when to look at them next, and
//! the look, in slices. A key that is met when it is due goes at once (keyspace.rs). When is the wheels' to know.
use super::database::Database;
use super::keyspace::Keyspace;
use super::structure::table::Place;
use super::structure::wheel::Item;
use std::collections::BTreeSet;

/// Fields of hashes that go with a batch: a fraction of a millisecond. What is left goes with the next one.
const LAPSED: usize = 1024;
/// Of one hash at least so many.
const LAPSED_MIN: usize = 16;

/// Of all databases.
#[derive(Debug)]
pub struct Deadlines {
    /// Those that have deadlines, and some that had. Nobody looks at the others because time passes.
    pub(super) databases: BTreeSet<usize>,
    /// Before this moment nothing is due. Invariant: no later than the next moment of any wheel.
    next_ms: i64,
    /// Where the next look begins, so that each has its turn.
    from: usize,
    batch: Vec<Item>,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines { databases: BTreeSet::new(), next_ms: i64::MAX, from: 0, batch: vec![] }
    }
}

impl Deadlines {
    /// An entry expires at another moment than before, or no more. If later, the item that it has is filed again when it
    /// comes up.
    pub(super) fn moved(
        &mut self,
        database: &mut Database,
        number: usize,
        place: Place,
        hash: u64,
        old_ms: i64,
        now_ms: i64,
    ) {
        // As unsigned numbers: NEVER is the last.
        if (database.get(place).due_ms() as u64) < old_ms as u64 {
            if database.wheel.is_empty() {
                self.databases.insert(number);
            }
            database.file(place, hash, now_ms);
            self.look_at(database);
        }
        self.sift(database, now_ms);
    }

    fn look_at(&mut self, database: &Database) {
        self.next_ms = self.next_ms.min(database.wheel.next_ms().unwrap_or(i64::MAX));
    }

    /// Keeps the items of a wheel in proportion to the keys that expire: called with each deadline that comes or goes.
    #[inline]
    pub(super) fn sift(&mut self, database: &mut Database, now_ms: i64) {
        if database.wheel.is_stale(database.volatile() + database.partly_volatile()) {
            database.sift(now_ms);
            self.look_at(database);
        }
    }

    /// Whichever of them has deadlines; what has none goes when it is looked at.
    pub(super) fn swapped(&mut self, one: usize, other: usize) {
        self.databases.extend([one, other]);
    }

    pub(super) fn check(&self, databases: &[Database]) {
        for (number, wheel) in databases.iter().map(|database| &database.wheel).enumerate() {
            assert!(wheel.is_empty() || self.databases.contains(&number));
            assert!(wheel.next_ms().is_none_or(|next_ms| self.next_ms <= next_ms));
        }
    }
}

impl Keyspace {
    /// Before this moment no key is due that the loop should see to.
    #[inline]
    pub fn next_deadline_ms(&self) -> Option<i64> {
        Some(self.ledger.deadlines.next_ms).filter(|at_ms| *at_ms != i64::MAX && self.active_expire && !self.paused)
    }

    /// Removes keys that are due, until `enough`: it is asked every few dozen keys. True: there may be more.
    pub fn expire_due(&mut self, now_ms: i64, mut enough: impl FnMut() -> bool) -> bool {
        let from = self.ledger.deadlines.from;
        let mut next_ms = i64::MAX;
        for (mut at, end) in [(from, usize::MAX), (0, from)] {
            while let Some(&number) = self.ledger.deadlines.databases.range(at..end).next() {
                at = number + 1;
                let mut more = self.databases[number].wheel.next_ms().is_some_and(|next_ms| next_ms <= now_ms);
                while more {
                    more = self.expire_some(number, now_ms);
                    if enough() {
                        self.ledger.deadlines.from = number + 1;
                        return true;
                    }
                }
                match self.databases[number].wheel.next_ms() {
                    Some(wheel_ms) => next_ms = next_ms.min(wheel_ms),
                    None => _ = self.ledger.deadlines.databases.remove(&number),
                }
            }
        }
        self.ledger.deadlines.next_ms = next_ms;
        false
    }

    /// The same for a batch of one database.
    fn expire_some(&mut self, number: usize, now_ms: i64) -> bool {
        let mut batch = std::mem::take(&mut self.ledger.deadlines.batch);
        let database = &mut self.databases[number];
        let more = database.wheel.take_due(now_ms, &mut batch);
        // All at once, so that they wait for memory together.
        for item in &batch {
            if let Some((_, entry)) = database.candidate(database.prefetch(item.hash)) {
                entry.prefetch();
            }
        }
        let enough = self.ledger.expired_fields + LAPSED as u64;
        for item in &batch {
            let database = &mut self.databases[number];
            let Some(place) = database.meant(item) else { continue };
            if database.get(place).is_expired(now_ms) {
                self.expire(number, place, now_ms);
            } else if let most = (enough.saturating_sub(self.ledger.expired_fields) as usize).max(LAPSED_MIN)
                && let Some(place) = self.lapse(number, place, now_ms, most)
            {
                self.databases[number].file(place, item.hash, now_ms);
            }
        }
        let (deadlines, database) = (&mut self.ledger.deadlines, &mut self.databases[number]);
        deadlines.batch = batch;
        deadlines.look_at(database);
        more
    }
}
