//! What is known of each client: who it is, what it chose, when it was last heard. Its bytes are the engine's.
use super::recent::Most;
use crate::base::prefetch::prefetch;
use crate::base::time::Now;
use slab::Slab;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// A client wherever it is named outside the slab: `serial` is never used again, `key` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId {
    pub serial: u64,
    pub key: usize,
}

/// Both ends of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp {
        peer: SocketAddr,
        local: SocketAddr,
    },
    /// The path of the socket.
    Unix(Arc<str>),
    /// None: an engine that is driven by hand.
    Embedded,
}

impl Address {
    /// As CLIENT LIST has it.
    pub fn peer(&self) -> String {
        match self {
            Address::Tcp { peer, .. } => peer.to_string(),
            Address::Unix(path) => format!("{path}:0"),
            Address::Embedded => "embedded:0".into(),
        }
    }

    pub fn local(&self) -> String {
        match self {
            Address::Tcp { local, .. } => local.to_string(),
            other => other.peer(),
        }
    }

    /// It comes from this machine.
    pub fn is_local(&self) -> bool {
        match self {
            Address::Tcp { peer, .. } => peer.ip().to_canonical().is_loopback(),
            Address::Unix(_) | Address::Embedded => true,
        }
    }
}

/// Which of a client's replies are left out (CLIENT REPLY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replies(u8);

impl Replies {
    /// None.
    pub const ON: Replies = Replies(0);
    /// All, until it asks for them again.
    pub const OFF: Replies = Replies(1);
    /// That of the command that runs.
    pub const SKIP: Replies = Replies(2);
    /// That of the next one.
    pub const SKIP_NEXT: Replies = Replies(4);
    /// The command that runs has seen to it by itself. (EXEC)
    pub const SEEN_TO: Replies = Replies(8);
    /// The command that runs tells that subscriptions begin or end: as messages are, in spite of what is left out.
    pub const TOLD: Replies = Replies(16);

    pub fn has(self, other: Replies) -> bool {
        self.0 & other.0 != 0
    }

    pub fn with(self, other: Replies) -> Replies {
        Replies(self.0 | other.0)
    }

    pub fn without(self, other: Replies) -> Replies {
        Replies(self.0 & !other.0)
    }

    /// What is told now is left out.
    pub fn are_muted(self) -> bool {
        self.has(Replies::OFF.with(Replies::SKIP))
    }
}

/// What is known of a transaction that has begun. The queued words are not here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Transaction {
    pub queued: usize,
    /// The memory that the queue takes.
    pub bytes: usize,
    /// A request was refused: EXEC will do nothing.
    pub aborted: bool,
    /// EXEC will change data.
    pub writes: bool,
}

/// What a client waits with: the words of its request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// All their bytes.
    pub words: usize,
    /// The memory that they take, with the keys that are waited for.
    pub memory: usize,
}

/// In this order: what requests and messages touch comes first, in as few cache lines as can be.
#[derive(Debug)]
#[repr(C)]
pub struct Client {
    pub id: ClientId,
    /// 2 or 3.
    pub resp: u8,
    pub authenticated: bool,
    /// It waits for a key, for a moment, or for the end of a pause.
    pub blocked: bool,
    /// It is shown every command.
    pub monitors: bool,
    /// It has subscribed to something.
    pub subscribed: bool,
    /// It will be closed: nothing more of it is read or run.
    pub closing: bool,
    pub replies: Replies,
    /// What it reads does not count as used.
    pub no_touch: bool,
    /// Bytes of input not yet used, when the client was last served.
    pub unread: usize,
    /// Memory that is kept for more of it.
    pub unread_room: usize,
    pub bytes_in: u64,
    pub database: usize,
    /// Row of the command that it ran last.
    pub last_command: Option<u16>,
    /// The command that has invoked that one, while it runs.
    pub invoker: Option<u16>,
    /// It waits for the end of a pause, with a command that has not begun.
    pub postponed: bool,
    /// It is not closed to save memory.
    pub no_evict: bool,
    /// The descriptor of its socket, or -1.
    pub descriptor: i32,
    /// The memory that it took when it was weighed last; 0 if it was not (`server::weights`).
    pub weight: usize,
    pub active_us: u64,
    pub commands: u64,
    /// What it sends is queued.
    pub transaction: Option<Transaction>,
    /// What its command has taken that waits now.
    pub waited_ticks: u64,
    /// What it waits with, while it is blocked.
    pub kept: Kept,
    pub opened_us: u64,
    /// Bytes that it was sent when `timeout` last looked.
    pub bytes_seen: u64,
    pub address: Address,
    pub name: Box<[u8]>,
    pub library: Box<[u8]>,
    pub library_version: Box<[u8]>,
}

impl Client {
    /// It has subscribed, and speaks RESP2, in which messages look like replies: few requests are allowed.
    #[inline]
    pub fn hears_only(&self) -> bool {
        self.subscribed && self.resp == 2
    }

    /// Nothing of what admission asks of a client stands in its way, and what it sends is run at once.
    #[inline]
    pub fn is_unrestricted(&self) -> bool {
        self.authenticated && !self.monitors && self.transaction.is_none() && !self.hears_only()
    }

    /// The memory that it takes, without what it watches and subscribes to, and without its buffers.
    pub fn bytes_beside_buffers(&self) -> usize {
        let names = self.name.len() + self.library.len() + self.library_version.len();
        let queued = self.transaction.map_or(0, |transaction| transaction.bytes);
        size_of::<Client>() + names + queued + self.kept.memory
    }

    /// It has chosen something that `command::modes` sees to.
    #[inline]
    pub fn has_modes(&self) -> bool {
        self.replies != Replies::ON || self.no_touch
    }

    /// Back to what a new connection is (RESET). Whether it must sign in again is the server's to say.
    pub fn reset(&mut self) {
        self.name = Box::default();
        self.database = 0;
        self.resp = 2;
        // A reply that is to be skipped is so though it is that of RESET.
        self.replies = if self.replies.has(Replies::SKIP) { Replies::SKIP } else { Replies::ON };
        (self.no_evict, self.no_touch) = (false, false);
    }
}

/// Of all clients.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    pub blocked: usize,
    /// Of any of them, when it was last served.
    pub most: Most,
}

/// What a client was sent, and what it is still to be sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    pub sent: u64,
    pub unsent: usize,
}

#[derive(Debug, Default)]
pub struct Clients {
    slab: Slab<Client>,
    /// By key. Apart from the rest, for each send writes to it: of a thousand subscribers it fills few lines of the cache.
    traffic: Vec<Traffic>,
    /// Invariant: for each of them its serial, and its key.
    keys: BTreeMap<u64, usize>,
    last_serial: u64,
}

impl Clients {
    pub fn open(&mut self, address: Address, now: Now, authenticated: bool) -> ClientId {
        self.last_serial += 1;
        let slot = self.slab.vacant_entry();
        let id = ClientId { serial: self.last_serial, key: slot.key() };
        self.keys.insert(id.serial, id.key);
        self.traffic.resize(self.traffic.len().max(id.key + 1), Traffic::default());
        self.traffic[id.key] = Traffic::default();
        slot.insert(Client {
            id,
            address,
            name: Box::default(),
            library: Box::default(),
            library_version: Box::default(),
            database: 0,
            resp: 2,
            authenticated,
            transaction: None,
            blocked: false,
            monitors: false,
            subscribed: false,
            closing: false,
            replies: Replies::ON,
            no_touch: false,
            postponed: false,
            no_evict: false,
            descriptor: -1,
            weight: 0,
            waited_ticks: 0,
            kept: Kept::default(),
            opened_us: now.mono_us,
            active_us: now.mono_us,
            last_command: None,
            invoker: None,
            commands: 0,
            bytes_in: 0,
            bytes_seen: 0,
            unread: 0,
            unread_room: 0,
        });
        id
    }

    pub fn close(&mut self, id: ClientId) -> Client {
        assert_eq!(self.slab[id.key].id, id);
        assert_eq!(self.keys.remove(&id.serial), Some(id.key));
        self.slab.remove(id.key)
    }

    /// The client of this identity, if it is still there.
    pub fn get(&self, id: ClientId) -> Option<&Client> {
        self.slab.get(id.key).filter(|client| client.id == id)
    }

    #[inline]
    pub fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        self.slab.get_mut(id.key).filter(|client| client.id == id)
    }

    #[inline]
    pub fn at(&self, key: usize) -> &Client {
        &self.slab[key]
    }

    #[inline]
    pub fn at_mut(&mut self, key: usize) -> &mut Client {
        &mut self.slab[key]
    }

    pub fn traffic(&self, key: usize) -> Traffic {
        self.traffic[key]
    }

    #[inline]
    pub fn traffic_mut(&mut self, key: usize) -> &mut Traffic {
        &mut self.traffic[key]
    }

    /// It will be written to soon.
    #[inline]
    pub fn fetch_traffic(&self, key: usize) {
        if let Some(traffic) = self.traffic.get(key) {
            prefetch(traffic);
        }
    }

    pub fn len(&self) -> usize {
        self.slab.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slab.is_empty()
    }

    /// Looks at each of them once, in no order.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for (key, client) in &self.slab {
            totals.blocked += client.blocked as usize;
            totals.most = totals.most.or(Most { unread: client.unread, unsent: self.traffic[key].unsent });
        }
        totals
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&mut Client, Traffic)> {
        self.slab.iter_mut().map(|(key, client)| (client, self.traffic[key]))
    }

    /// The client of this number, as clients name each other.
    pub fn numbered(&self, serial: i64) -> Option<&Client> {
        let key = self.keys.get(&u64::try_from(serial).ok()?)?;
        Some(&self.slab[*key])
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.keys.values().map(|key| &self.slab[*key])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_found_by_number_and_come_in_that_order() {
        let mut clients = Clients::default();
        let mut open = || clients.open(Address::Embedded, Now { wall_us: 0, mono_us: 0 }, true);
        let ids = [open(), open(), open()];
        clients.close(ids[0]);
        let last = clients.open(Address::Embedded, Now { wall_us: 0, mono_us: 0 }, true);
        assert_eq!(last.key, ids[0].key, "its place is used again");
        assert!(clients.iter().map(|client| client.id).eq([ids[1], ids[2], last]));
        for (number, found) in [(1, None), (2, Some(ids[1])), (4, Some(last)), (5, None), (-2, None)] {
            assert_eq!(clients.numbered(number).map(|client| client.id), found, "{number}");
        }
    }
}
