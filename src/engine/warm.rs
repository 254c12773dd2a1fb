//! Before a batch of requests runs, their commands are looked up, and the entries of their first keys are fetched into the
//! cache: with many keys a look-up is a row of cache misses, and requests that were parsed ahead can have theirs at the same
//! time. Where each was found is a hint for the run (`Keyspace::expect`), and no more: no command knows of it.
//! Measured at depth 64 over 100,000 keys: GET spent half of its time waiting for memory without it.
use super::World;
use super::run::Known;
use super::step::BATCH_MAX;
use crate::wire::parser::Batch;

impl World {
    #[inline]
    pub(super) fn look_ahead(&self, database: usize, batch: &Batch, input: &[u8], known: &mut Vec<Known>) {
        known.clear();
        match batch.requests.len() {
            0 => {}
            1 => known.push(Known { command: self.table.named_by(batch.request(0, input)), hint: None }),
            _ => self.warm(database, batch, input, known),
        }
    }

    fn warm(&self, database: usize, batch: &Batch, input: &[u8], known: &mut Vec<Known>) {
        let mut hashes = [None; BATCH_MAX];
        // First the slots of all, then what they point to: each loop's loads wait for memory together.
        for (at, hash) in hashes.iter_mut().enumerate().take(batch.requests.len()) {
            let request = batch.request(at, input);
            let command = self.table.named_by(request);
            known.push(Known { command, hint: None });
            if let Some(command) = command
                && command.positions.first > 0
                && let Some(key) = request.get(command.positions.first as usize)
            {
                *hash = Some(self.data.foresee(database, key));
            }
        }
        for (known, hash) in known.iter_mut().zip(hashes) {
            known.hint = hash.and_then(|hash| self.data.fetch(database, hash));
        }
    }
}
