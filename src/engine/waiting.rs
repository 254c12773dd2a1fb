//! Clients that wait for a key or for a moment, in the order in which they came. It runs nothing.
use crate::command::Context;
use crate::command::words::OwnedWords;
use crate::server::clients::ClientId;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// Invariants: `keys` and `deadlines` hold exactly what the waits in `clients` say.
#[derive(Default)]
pub struct Waiting {
    clients: HashMap<ClientId, Wait>,
    keys: HashMap<(usize, Box<[u8]>), VecDeque<ClientId>>,
    deadlines: BTreeSet<(u64, ClientId)>,
}

pub struct Wait {
    pub words: OwnedWords,
    pub database: usize,
    pub keys: Vec<Box<[u8]>>,
    pub deadline_us: Option<u64>,
    pub late: fn(&mut Context),
}

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    pub fn add(&mut self, id: ClientId, wait: Wait) {
        for key in &wait.keys {
            let queue = self.keys.entry((wait.database, key.clone())).or_default();
            if !queue.contains(&id) {
                queue.push_back(id);
            }
        }
        self.deadlines.extend(wait.deadline_us.map(|deadline_us| (deadline_us, id)));
        assert!(self.clients.insert(id, wait).is_none(), "a client waits once");
    }

    pub fn remove(&mut self, id: ClientId) -> Option<Wait> {
        let wait = self.clients.remove(&id)?;
        for key in &wait.keys {
            let place = (wait.database, key.clone());
            if let Some(queue) = self.keys.get_mut(&place) {
                queue.retain(|other| *other != id);
                if queue.is_empty() {
                    self.keys.remove(&place);
                }
            }
        }
        wait.deadline_us.map(|deadline_us| self.deadlines.remove(&(deadline_us, id)));
        Some(wait)
    }

    pub fn get(&self, id: ClientId) -> Option<&Wait> {
        self.clients.get(&id)
    }

    /// Who waits for this key, in the order in which they came. An empty key: for any key of the database.
    pub fn for_key(&self, database: usize, key: &[u8]) -> Vec<ClientId> {
        if key.is_empty() {
            let mut all: Vec<_> =
                self.clients.iter().filter(|(_, wait)| wait.database == database).map(|(id, _)| *id).collect();
            all.sort_unstable();
            return all;
        }
        self.keys.get(&(database, key.into())).map(|queue| queue.iter().copied().collect()).unwrap_or_default()
    }

    pub fn first_deadline_us(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline_us, _)| *deadline_us)
    }

    pub fn pop_late(&mut self, now_us: u64) -> Option<ClientId> {
        self.deadlines.first().filter(|(deadline_us, _)| *deadline_us <= now_us).map(|(_, id)| *id)
    }
}
