//! What has been unlinked and accounted and is yet to be freed: that takes time, so it is done in slices, when the loop has
//! some. Nobody sees what is here.
use super::database::Database;
use super::entry::Held;
use std::collections::VecDeque;

#[derive(Debug, Default)]
pub struct Trash {
    large: Vec<Held>,
    databases: VecDeque<Database>,
}

impl Trash {
    #[inline]
    pub(super) fn held(&mut self, held: Option<Held>) {
        self.large.extend(held.filter(Held::is_large));
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
            }
            return;
        }
        if let Some(database) = self.databases.front_mut()
            && !database.free_some(most, &mut self.large)
        {
            self.databases.pop_front();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.large.is_empty() && self.databases.is_empty()
    }
}
