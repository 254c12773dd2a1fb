//! What commands have changed, as commands in absolute form: what a log or a replica would be told. It is written only
//! where somebody reads it.
use super::words::{OwnedWords, Request};
use crate::store::event::{Lapsed, Ledger};

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

    /// What was recorded since `from` happened at once. (One change always does.)
    pub fn wrap(&mut self, from: usize) {
        let changes = &self.entries[from..];
        if let [(first, _), .., (last, _)] = *changes {
            let word = |text| {
                let mut words = OwnedWords::default();
                words.text(text);
                words
            };
            self.entries.insert(from, (first, word("MULTI")));
            self.entries.push((last, word("EXEC")));
        }
    }

    /// Keys that expired, whoever noticed: who reads the record knows no time. Told before what a command did, which did not
    /// see them.
    pub fn lapsed(&mut self, ledger: &mut Ledger) {
        for Lapsed { database, key, fields } in ledger.lapsed.iter_mut().flat_map(|lapsed| lapsed.drain(..)) {
            let mut words = OwnedWords::default();
            words.text(if fields.is_empty() { "DEL" } else { "HDEL" }).word(&key);
            fields.iter().for_each(|field| _ = words.word(field));
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
