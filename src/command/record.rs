//! What commands have changed, as commands in absolute form: what a log or a replica would be told. It is written only
//! where somebody reads it.
use super::words::{OwnedWords, Request};

#[derive(Default)]
pub struct Record {
    /// Somebody drains `entries` after each command.
    pub wanted: bool,
    pub entries: Vec<(usize, OwnedWords)>,
    /// The running command has said itself what it did.
    pub stated: bool,
}

impl Record {
    /// In place of the command's own words: SET with PXAT for SET with EX.
    pub fn state(&mut self, database: usize, write: impl FnOnce(&mut OwnedWords)) {
        self.stated = true;
        if self.wanted {
            let mut words = OwnedWords::default();
            write(&mut words);
            self.entries.push((database, words));
        }
    }

    /// The command's own words, if it changed something and did not say otherwise.
    pub fn verbatim(&mut self, database: usize, request: Request) {
        if self.wanted && !self.stated {
            self.entries.push((database, request.into()));
        }
    }
}
