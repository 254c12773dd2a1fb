//! Clients that have not signed in, where a password is wanted. They may be a part of `maxclients` and no more: else
//! whoever knows no password could take all places. One more comes, and who has been a stranger for longest goes: whoever
//! knows the password has given it by then.
use super::Server;
use super::clients::{Client, ClientId};
use std::collections::BTreeMap;

/// By the order in which they came.
#[derive(Debug, Default)]
pub struct Strangers(BTreeMap<u64, usize>);

impl Strangers {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Server {
    /// This client may ask for something: it has signed in, or needs not, since no password is wanted any more.
    #[inline]
    pub fn lets_in(&self, client: &Client) -> bool {
        client.authenticated || self.config.requirepass.is_empty()
    }

    /// A client has signed in, or it has not, or not any more.
    pub fn set_authenticated(&mut self, id: ClientId, authenticated: bool) {
        self.clients.at_mut(id.key).authenticated = authenticated;
        match authenticated {
            true => self.strangers.0.remove(&id.serial),
            false => self.strangers.0.insert(id.serial, id.key),
        };
    }

    pub fn forget_stranger(&mut self, id: ClientId) {
        self.strangers.0.remove(&id.serial);
    }

    /// Who is to go, if there are too many.
    pub fn surplus_stranger(&mut self) -> Option<ClientId> {
        if self.config.requirepass.is_empty() {
            return None;
        }
        let most = self.config.maxclients as u64 * self.config.maxclients_unauthenticated as u64 / 100;
        if self.strangers.len() as u64 <= most.max(1) {
            return None;
        }
        let (serial, key) = self.strangers.0.pop_first()?;
        self.stats.displaced_clients += 1;
        Some(ClientId { serial, key })
    }

    pub fn check_strangers(&self) {
        let strangers = self.clients.iter().filter(|client| !client.authenticated && !client.closing);
        let strangers: Vec<_> = strangers.map(|client| (client.id.serial, client.id.key)).collect();
        assert!(strangers.iter().all(|(serial, key)| self.strangers.0.get(serial) == Some(key)));
        assert!(self.strangers.0.iter().all(|(serial, key)| self.clients.at(*key).id.serial == *serial));
    }
}
