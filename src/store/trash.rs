//! What has been unlinked and accounted and is yet to be freed: that takes time, so it is done in slices, when the loop has
//! some. Nobody sees what is here.
use super::database::Database;
use super::text::Long;
use std::collections::VecDeque;

/// A shorter string is freed at once.
const LONG_BYTES_MIN: usize = 256 * 1024;

#[derive(Debug, Default)]
pub struct Trash {
    longs: Vec<Long>,
    databases: VecDeque<Database>,
}

impl Trash {
    #[inline]
    pub(super) fn long(&mut self, long: Option<Box<Long>>) {
        if let Some(long) = long.filter(|long| long.len() >= LONG_BYTES_MIN) {
            self.longs.push(*long);
        }
    }

    pub(super) fn database(&mut self, database: Database) {
        if !database.is_empty() {
            self.databases.push_back(database);
        }
    }

    /// Frees a long string, or up to `most` entries.
    pub(super) fn free_some(&mut self, most: usize) {
        if self.longs.pop().is_some() {
            return;
        }
        if let Some(database) = self.databases.front_mut()
            && !database.free_some(most)
        {
            self.databases.pop_front();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.longs.is_empty() && self.databases.is_empty()
    }
}
