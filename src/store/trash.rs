//! What has been unlinked and accounted and is yet to be freed: that takes time, so it is done in slices, when the loop has
//! some. Nobody sees what is here.
use super::database::Database;
use super::entry::Held;
use super::value::Collection;
use std::collections::VecDeque;

/// Fewer large values, or databases, may wait to be freed.
const WAITING: usize = 8;

#[derive(Debug, Default)]
pub struct Trash {
    large: Vec<Held>,
    databases: VecDeque<Database>,
    /// Objects that were freed so since the start: keys of databases, and large values.
    pub freed: u64,
}

impl Trash {
    /// What is large of what was taken out of an entry, or never came into one.
    #[inline]
    pub fn held(&mut self, held: Option<Held>) {
        self.large.extend(held.filter(Held::is_large));
    }

    /// What no key has any more, or never had.
    pub fn discard(&mut self, collection: impl Collection) {
        self.held(Some(collection.hold()));
    }

    pub(super) fn database(&mut self, database: Database) {
        if !database.is_empty() {
            self.databases.push_back(database);
        }
    }

    /// Frees a long string, or up to `most` pieces of a collection, or as many entries.
    pub(super) fn free_some(&mut self, most: usize) {
        if let Some(held) = self.large.last_mut() {
            if !held.shed(most) {
                self.large.pop();
                self.freed += 1;
            }
            return;
        }
        let Some(database) = self.databases.front_mut() else { return };
        let before = database.len();
        let more = database.free_some(most, &mut self.large);
        self.freed += (before - database.len()) as u64;
        if !more {
            self.databases.pop_front();
        }
    }

    /// Objects that are yet to be freed.
    pub fn pending(&self) -> usize {
        self.large.len() + self.databases.iter().map(Database::len).sum::<usize>()
    }

    /// How many times as much waits as should: 0 where it does not.
    pub fn arrears(&self) -> usize {
        (self.large.len() + self.databases.len()) / WAITING
    }

    pub fn is_empty(&self) -> bool {
        self.large.is_empty() && self.databases.is_empty()
    }
}
