//! `maxmemory-clients`: what each session's buffers take is told to the account (server/weights.rs) whenever something
//! came, was run or was sent, and the heaviest clients are closed while the total is beyond the limit.
use super::Engine;
use super::session::Close;
use crate::server::clients::ClientId;
use log::{info, warn};

impl Engine {
    #[inline]
    pub(super) fn weigh(&mut self, id: ClientId) {
        if self.world.server.weights.are_wanted() {
            self.weigh_now(id);
        }
    }

    #[cold]
    fn weigh_now(&mut self, id: ClientId) {
        if let Some(buffered) = self.sessions.get(id).map(|session| session.buffered()) {
            self.world.server.weigh(id, buffered);
        }
    }

    /// Closes the heaviest clients if all together take too much.
    pub(super) fn limit_weights(&mut self) {
        if self.world.server.limit_weights() {
            let all: Vec<ClientId> = self.world.server.clients.iter().map(|client| client.id).collect();
            all.into_iter().for_each(|id| self.weigh_now(id));
        }
        while self.world.server.weights.is_over() {
            let Some(id) = self.world.server.weights.heaviest() else { return self.tell_helpless() };
            // What others did may have made it lighter: its last subscriptions end in slices.
            self.weigh_now(id);
            if self.world.server.weights.heaviest() == Some(id) && self.world.server.weights.is_over() {
                self.evict(id);
            }
        }
        self.world.server.weights.is_helpless = false;
    }

    fn evict(&mut self, id: ClientId) {
        let client = self.world.server.clients.at(id.key);
        let (peer, bytes) = (client.address.peer(), client.weight);
        info!(
            "client {} ({peer}) is closed: it takes {bytes} bytes, and all take more than maxmemory-clients",
            id.serial
        );
        self.world.server.stats.evicted_clients += 1;
        self.sessions.discard(id, None);
        self.world.server.unweigh(id);
        self.begin_close(id, Close::Now);
    }

    fn tell_helpless(&mut self) {
        if !std::mem::replace(&mut self.world.server.weights.is_helpless, true) {
            warn!("clients take more than maxmemory-clients, and none is left that may be closed");
        }
    }
}
