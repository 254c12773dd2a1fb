//! What the memory of clients comes to, and who takes most (`maxmemory-clients`). Nothing is counted while there is no
//! limit. Who weighs a client and closes it is the engine; the bytes of its buffers are an argument.
use super::Server;
use super::clients::{Client, ClientId};
use std::collections::BTreeSet;

/// A lower limit would close whoever asks for it to be raised again. (Redis has the same.)
const LIMIT_MIN: u64 = 128 * 1024;

#[derive(Debug, Default)]
pub struct Weights {
    limit: Option<usize>,
    /// Of all clients that are not being closed, as they were weighed last.
    total: usize,
    /// Those that may be closed, by weight as far as the first four of its bits tell it, so that few changes of a weight
    /// are one here.
    classes: BTreeSet<(u32, ClientId)>,
    /// What a client takes beside what is known of it here.
    pub session_bytes: usize,
    /// Nobody is left who may be closed, and the log says so.
    pub is_helpless: bool,
}

fn class(weight: usize) -> u32 {
    let octave = weight.max(8).ilog2();
    octave * 8 + (weight >> (octave - 3) & 7) as u32
}

impl Weights {
    #[inline]
    pub fn are_wanted(&self) -> bool {
        self.limit.is_some()
    }

    pub fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.total > limit)
    }

    /// Who takes most, as far as classes tell.
    pub fn heaviest(&self) -> Option<ClientId> {
        self.classes.last().map(|(_, id)| *id)
    }

    pub fn check<'a>(&self, clients: impl Iterator<Item = &'a Client>) {
        let weighed: Vec<_> = clients.filter(|client| client.weight > 0).collect();
        assert_eq!(self.total, weighed.iter().map(|client| client.weight).sum::<usize>());
        let may_go = weighed.iter().filter(|client| !client.no_evict).map(|client| (class(client.weight), client.id));
        assert_eq!(self.classes, may_go.collect());
    }
}

impl Server {
    /// The memory of a client, with so many bytes in its buffers.
    pub fn weight(&self, client: &Client, buffered: usize) -> usize {
        let (_, watched) = self.watch.of(client.id);
        let subscribed = if client.subscribed { self.pubsub.bytes(client.id) } else { 0 };
        client.bytes_beside_buffers() + self.weights.session_bytes + watched + subscribed + buffered
    }

    /// The memory of all clients.
    pub fn clients_bytes(&self) -> usize {
        let buffered =
            |client: &Client| client.unread + client.unread_room + self.clients.traffic(client.id.key).unsent;
        self.clients.iter().map(|client| self.weight(client, buffered(client))).sum()
    }

    /// A client has so much in its buffers now.
    pub fn weigh(&mut self, id: ClientId, buffered: usize) {
        let Some(client) = self.clients.get(id).filter(|client| !client.closing) else { return };
        let (old, new, may_go) = (client.weight, self.weight(client, buffered), !client.no_evict);
        self.clients.at_mut(id.key).weight = new;
        let weights = &mut self.weights;
        weights.total = weights.total - old + new;
        if old == 0 || class(old) != class(new) {
            weights.classes.remove(&(class(old), id));
            may_go.then(|| weights.classes.insert((class(new), id)));
        }
    }

    /// The client goes, or may not be closed any more (CLIENT NO-EVICT).
    pub fn unweigh(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(id) else { return };
        let weight = std::mem::take(&mut client.weight);
        self.weights.total -= weight;
        self.weights.classes.remove(&(class(weight), id));
    }

    /// Takes the limit from the settings. True: all clients are to be weighed, since none was.
    pub fn limit_weights(&mut self) -> bool {
        let limit = self.config.maxmemory_clients.of(|| self.config.maxmemory());
        let limit = limit.map(|bytes| usize::try_from(bytes.max(LIMIT_MIN)).unwrap_or(usize::MAX));
        let before = std::mem::replace(&mut self.weights.limit, limit);
        if limit.is_none() && before.is_some() {
            self.weights = Weights { session_bytes: self.weights.session_bytes, ..Weights::default() };
            self.clients.iter_mut().for_each(|(client, _)| client.weight = 0);
        }
        limit.is_some() && before.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Now;
    use crate::server::clients::Address;
    use crate::server::config::{Config, value::Share};

    #[test]
    fn the_heaviest_is_known_however_weights_change() {
        let now = Now { mono_us: 0, wall_us: 0 };
        let mut server = Server::new(Config::default(), [0; 32], now, 0);
        let ids: Vec<ClientId> = (0..3).map(|_| server.clients.open(Address::Embedded, now, true)).collect();
        assert!(!server.limit_weights() && !server.weights.is_over());
        server.config.maxmemory_clients = Share::Bytes(1);
        assert!(server.limit_weights() && !server.limit_weights());
        for (at, bytes) in [(0, 10_000), (1, 200_000), (2, 50_000), (1, 60), (0, 70_000), (2, 0), (2, 100_000)] {
            server.weigh(ids[at], bytes);
            server.weights.check(server.clients.iter());
        }
        assert_eq!((server.weights.heaviest(), server.weights.is_over()), (Some(ids[2]), true));
        server.unweigh(ids[2]);
        server.clients.at_mut(ids[2].key).no_evict = true;
        server.weigh(ids[2], 100_000);
        server.weights.check(server.clients.iter());
        assert_eq!((server.weights.heaviest(), server.weights.is_over()), (Some(ids[0]), true));
        server.config.maxmemory_clients = Share::Percent(10);
        assert!(!server.limit_weights() && !server.weights.are_wanted());
        server.weights.check(server.clients.iter());
    }
}
