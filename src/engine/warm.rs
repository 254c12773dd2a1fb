//! Before a batch of requests runs, their commands are looked up, and the entries of their first keys are fetched into the
//! cache: with many keys a look-up is a row of cache misses, and requests that were parsed ahead can have theirs at the same
//! time. The fetching is only a hint: nothing of it is remembered, and no command knows of it.
//! Measured at depth 64 over 100,000 keys: GET spent half of its time waiting for memory without it.
use super::World;
use crate::command::entry::Entry as CommandEntry;
use crate::store::Entry;
use crate::wire::parser::Batch;

impl World {
    #[inline]
    pub(super) fn look_ahead(
        &self,
        database: usize,
        batch: &Batch,
        input: &[u8],
        found: &mut Vec<Option<&'static CommandEntry>>,
    ) {
        let count = batch.requests.len();
        found.clear();
        found.extend((0..count).map(|at| self.table.named_by(batch.request(at, input))));
        if count > 1 {
            self.warm(database, batch, input, found);
        }
    }

    fn warm(&self, database: usize, batch: &Batch, input: &[u8], found: &[Option<&'static CommandEntry>]) {
        let mut entries: [Option<&Entry>; super::step::BATCH_MAX] = [None; super::step::BATCH_MAX];
        // First the slots of all, then what they point to: each loop's loads wait for memory together.
        for (at, (found, entry)) in found.iter().zip(&mut entries).enumerate() {
            if let Some(command) = found
                && command.positions.first > 0
                && let Some(key) = batch.request(at, input).get(command.positions.first as usize)
            {
                *entry = self.data.candidate(database, key);
            }
        }
        for entry in entries.iter().flatten() {
            entry.prefetch();
        }
    }
}
