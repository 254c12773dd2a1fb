//! Which clients watch which keys (WATCH), and whose watch is broken. It is told of changes (`touch`, `flushed`,
//! `swapped`) and looks at no data. Nothing here takes long at once: a set that is given up is forgotten a few keys at a
//! time.
use super::clients::ClientId;
use ahash::RandomState;
use hashbrown::HashTable;
use std::collections::BTreeMap;

/// Tables that each grow alone: one for a million keys would stop the server while it grows.
const SHARDS: usize = 256;
/// Keys that are forgotten when a set is given up; the rest follows in slices.
const FORGOTTEN_AT_ONCE: usize = 64;
/// Keys that are forgotten for each that is added: what is given up never piles up.
const FORGOTTEN_PER_KEY: usize = 2;

pub struct Watch {
    /// By bits 32 and up of the hash. Empty until somebody watches.
    shards: Vec<HashTable<Watched>>,
    sets: BTreeMap<u64, Set>,
    /// Sets that were given up: client, round, hashes. Their keys are still in the shards, and mean nothing.
    stale: Vec<(u64, u64, Vec<u64>)>,
    rounds: u64,
    keys: usize,
    hasher: RandomState,
}

struct Watched {
    hash: u64,
    database: usize,
    key: Box<[u8]>,
    by: Vec<Watcher>,
}

/// Invariant: if the client's set has this round and is not broken, the key is there if, and only if, `present`.
struct Watcher {
    client: u64,
    round: u64,
    present: bool,
}

/// What a client watches since its last EXEC.
#[derive(Default)]
struct Set {
    round: u64,
    /// Of the keys. Empty once the watch is broken.
    hashes: Vec<u64>,
    /// How many of the keys are there, by databases that have some. Empty once the watch is broken.
    present: BTreeMap<usize, usize>,
    key_bytes: usize,
    broken: bool,
    /// The first moment at which one of the keys expires. (A new expiry is a change.)
    expires_ms: Option<i64>,
}

impl Set {
    fn bytes(&self) -> usize {
        self.key_bytes + self.hashes.len() * (size_of::<Watched>() + size_of::<Watcher>() + size_of::<u64>())
    }
}

impl Watch {
    pub fn new(seed: [u64; 4]) -> Watch {
        let hasher = RandomState::with_seeds(seed[0], seed[1], seed[2], seed[3]);
        Watch { shards: vec![], sets: BTreeMap::new(), stale: vec![], rounds: 0, keys: 0, hasher }
    }

    /// Nobody wants to be told of changes.
    pub fn is_idle(&self) -> bool {
        self.sets.is_empty()
    }

    /// Clients that watch something, and what they watch.
    pub fn clients(&self) -> usize {
        self.sets.values().filter(|set| !set.broken).count()
    }

    pub fn keys(&self) -> usize {
        self.keys
    }

    /// How many keys a client watches, and the memory that they take.
    pub fn of(&self, client: ClientId) -> (usize, usize) {
        self.sets.get(&client.serial).map_or((0, 0), |set| (set.hashes.len(), set.bytes()))
    }

    pub fn is_broken(&self, client: ClientId) -> bool {
        self.sets.get(&client.serial).is_some_and(|set| set.broken)
    }

    /// Has any watched key been changed, or expired by now?
    pub fn is_lost(&self, client: ClientId, now_ms: i64) -> bool {
        let lost = |set: &Set| set.broken || set.expires_ms.is_some_and(|at_ms| at_ms <= now_ms);
        self.sets.get(&client.serial).is_some_and(lost)
    }

    /// From now on the client watches this key. `expires_ms`: of a key that is there.
    pub fn add(&mut self, client: ClientId, database: usize, key: &[u8], present: bool, expires_ms: Option<i64>) {
        self.forget(FORGOTTEN_PER_KEY);
        if self.shards.is_empty() {
            self.shards.resize_with(SHARDS, HashTable::new);
        }
        let rounds = &mut self.rounds;
        let set = self.sets.entry(client.serial).or_insert_with(|| {
            *rounds += 1;
            Set { round: *rounds, ..Set::default() }
        });
        if set.broken {
            return;
        }
        let watcher = Watcher { client: client.serial, round: set.round, present };
        let hash = self.hasher.hash_one((database, key));
        let shard = &mut self.shards[shard(hash)];
        match shard.find_mut(hash, |watched| watched.database == database && *watched.key == *key) {
            Some(watched) if watched.by.iter().any(|by| by.client == watcher.client && by.round == watcher.round) => {
                return;
            }
            Some(watched) => watched.by.push(watcher),
            None => {
                let watched = Watched { hash, database, key: key.into(), by: vec![watcher] };
                shard.insert_unique(hash, watched, |watched| watched.hash);
                self.keys += 1;
            }
        }
        set.hashes.push(hash);
        if present {
            *set.present.entry(database).or_default() += 1;
        }
        set.key_bytes += key.len();
        set.expires_ms = [set.expires_ms, expires_ms].into_iter().flatten().min();
    }

    /// The client watches nothing any more.
    pub fn clear(&mut self, client: ClientId) {
        if let Some(set) = self.sets.remove(&client.serial) {
            self.give_up(client.serial, set.round, set.hashes);
        }
    }

    // --- What has happened

    /// This key was changed. `expired`: it was only removed because its time had come.
    pub fn touch(&mut self, database: usize, key: &[u8], expired: bool) {
        if self.keys == 0 {
            return;
        }
        let hash = self.hasher.hash_one((database, key));
        let found = self.shards[shard(hash)].find(hash, |watched| watched.database == database && *watched.key == *key);
        // What had expired before it was watched was never there.
        let concerned = |by: &&Watcher| !expired || by.present;
        let by: Vec<(u64, u64)> =
            found.iter().flat_map(|it| &it.by).filter(concerned).map(|by| (by.client, by.round)).collect();
        by.into_iter().for_each(|(client, round)| self.lose(client, round));
    }

    /// All keys of a database are gone. Who watched one that was not there has lost nothing.
    pub fn flushed(&mut self, database: usize) {
        let lost = self.sets.iter().filter(|(_, set)| set.present.contains_key(&database));
        let lost: Vec<(u64, u64)> = lost.map(|(client, set)| (*client, set.round)).collect();
        lost.into_iter().for_each(|(client, round)| self.lose(client, round));
    }

    /// A database has other keys now: so many, and these. Who watched one that was there has lost, and who watched one that
    /// is there now. `is_there`: whether one is, for it may be that fewer are watched than are there.
    pub fn swapped<'k>(
        &mut self,
        database: usize,
        len: usize,
        keys: impl Iterator<Item = &'k [u8]>,
        mut is_there: impl FnMut(&[u8]) -> bool,
    ) {
        self.flushed(database);
        if self.clients() == 0 {
            return;
        }
        if len < self.keys {
            keys.for_each(|key| self.touch(database, key, false));
            return;
        }
        let mut lost: Vec<(u64, u64)> = vec![];
        for watched in self.shards.iter().flatten().filter(|watched| watched.database == database) {
            let by = watched.by.iter().filter(|by| lost.last() != Some(&(by.client, by.round)));
            if by.clone().next().is_some() && is_there(&watched.key) {
                let by: Vec<(u64, u64)> = by.map(|by| (by.client, by.round)).collect();
                lost.extend(by);
            }
        }
        lost.into_iter().for_each(|(client, round)| self.lose(client, round));
    }

    fn lose(&mut self, client: u64, round: u64) {
        let Some(set) = self.sets.get_mut(&client).filter(|set| set.round == round && !set.broken) else { return };
        set.broken = true;
        set.key_bytes = 0;
        set.present.clear();
        let hashes = std::mem::take(&mut set.hashes);
        self.give_up(client, round, hashes);
    }

    // --- Forgetting

    fn give_up(&mut self, client: u64, round: u64, hashes: Vec<u64>) {
        if !hashes.is_empty() {
            self.stale.push((client, round, hashes));
            self.forget(FORGOTTEN_AT_ONCE);
        }
    }

    /// There are keys left to be forgotten.
    pub fn is_stale(&self) -> bool {
        !self.stale.is_empty()
    }

    /// Removes up to `most` keys of sets that were given up.
    pub fn forget(&mut self, most: usize) {
        for _ in 0..most {
            let Some((client, round, hashes)) = self.stale.last_mut() else { return };
            let (client, round) = (*client, *round);
            let hash = hashes.pop().expect("a set with no keys is not kept");
            if hashes.is_empty() {
                self.stale.pop();
            }
            let mine = |by: &Watcher| by.client == client && by.round == round;
            let found = self.shards[shard(hash)]
                .find_entry(hash, |watched| watched.hash == hash && watched.by.iter().any(mine))
                .ok();
            let mut entry = found.expect("what a set watches is in the table");
            entry.get_mut().by.retain(|by| !mine(by));
            if entry.get().by.is_empty() {
                entry.remove();
                self.keys -= 1;
            }
            if self.keys == 0 {
                // What very many keys needed is not kept for few.
                self.shards = vec![];
            }
        }
    }

    pub fn check(&self) {
        assert_eq!(self.keys, self.shards.iter().map(HashTable::len).sum::<usize>());
        let live: usize = self.sets.values().map(|set| set.hashes.len()).sum();
        let stale: usize = self.stale.iter().map(|(_, _, hashes)| hashes.len()).sum();
        let watchers: usize = self.shards.iter().flatten().map(|watched| watched.by.len()).sum();
        assert_eq!(watchers, live + stale);
        assert!(self.stale.iter().all(|(_, _, hashes)| !hashes.is_empty()));
    }
}

fn shard(hash: u64) -> usize {
    (hash >> 32) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(serial: u64) -> ClientId {
        ClientId { serial, key: 0 }
    }

    fn lost(watch: &Watch, now_ms: i64) -> Vec<u64> {
        watch.check();
        (0..9).filter(|serial| watch.is_lost(client(*serial), now_ms)).collect()
    }

    #[test]
    fn who_watches_what() {
        let mut watch = Watch::new([1, 2, 3, 4]);
        watch.touch(0, b"a", false);
        watch.add(client(1), 0, b"a", true, None);
        watch.add(client(1), 0, b"a", true, None);
        watch.add(client(2), 1, b"a", true, None);
        watch.add(client(3), 0, b"b", false, None);
        assert_eq!((watch.clients(), watch.keys(), watch.of(client(1)).0), (3, 3, 1));
        watch.touch(0, b"b", true);
        assert_eq!(lost(&watch, 0), [0; 0], "a key that was not there cannot expire");
        watch.touch(0, b"a", true);
        assert_eq!(lost(&watch, 0), [1]);
        assert_eq!((watch.clients(), watch.keys(), watch.of(client(1)).0), (2, 2, 0), "nothing more to watch");
        watch.touch(0, b"b", false);
        watch.touch(1, b"a", false);
        assert_eq!(lost(&watch, 0), [1, 2, 3]);
        (1..4).for_each(|serial| watch.clear(client(serial)));
        assert!(watch.is_idle() && watch.keys() == 0);
        assert_eq!(lost(&watch, 0), [0; 0]);
    }

    #[test]
    fn keys_that_expire_before_exec() {
        let mut watch = Watch::new([1, 2, 3, 4]);
        watch.add(client(1), 0, b"a", true, Some(50));
        watch.add(client(1), 0, b"b", true, Some(40));
        watch.add(client(2), 0, b"c", true, None);
        assert_eq!(lost(&watch, 39), [0; 0]);
        assert_eq!(lost(&watch, 40), [1]);
    }

    #[test]
    fn whole_databases() {
        let mut watch = Watch::new([1, 2, 3, 4]);
        for (serial, present) in [(1, true), (2, false), (3, false), (4, true)] {
            watch.add(client(serial), (serial == 4) as usize, &[serial as u8], present, None);
        }
        let mut copies = [true, false].map(|few| {
            let mut watch = Watch::new([1, 2, 3, 4]);
            (0..60).for_each(|n| watch.add(client(5 + n % 2), 0, &[100 + n as u8], n % 2 == 1, None));
            watch.add(client(7), 0, &[3], false, None);
            watch.add(client(8), 1, &[3], true, None);
            // Either of the two ways finds the same.
            let keys = [&[1u8, 1][..], &[3], &[9, 9]];
            watch.swapped(0, if few { keys.len() } else { 1_000 }, keys.into_iter(), |key| key == [3]);
            watch
        });
        assert_eq!(copies.each_mut().map(|watch| lost(watch, 0)), [[6, 7], [6, 7]]);
        watch.swapped(0, 1, [&[3u8][..]].into_iter(), |key| key == [3]);
        assert_eq!(lost(&watch, 0), [1, 3]);
        watch.flushed(0);
        assert_eq!(lost(&watch, 0), [1, 3]);
        watch.flushed(1);
        assert_eq!(lost(&watch, 0), [1, 3, 4]);
    }

    #[test]
    fn a_great_many_keys_are_forgotten_in_slices() {
        const MANY: u64 = 100_000;
        let mut watch = Watch::new([1, 2, 3, 4]);
        (0..MANY).for_each(|n| watch.add(client(1), 0, &n.to_le_bytes(), false, None));
        watch.clear(client(1));
        assert!(watch.is_stale() && watch.keys() > MANY as usize - 2 * FORGOTTEN_AT_ONCE);
        watch.add(client(1), 0, &7u64.to_le_bytes(), false, None);
        watch.touch(0, &8u64.to_le_bytes(), false);
        assert_eq!(lost(&watch, 0), [0; 0], "what was given up is no longer watched");
        // However often it is done again, no more than one such set is kept.
        for _ in 0..3 {
            watch.clear(client(1));
            (0..MANY).for_each(|n| watch.add(client(1), 0, &n.to_le_bytes(), false, None));
            let stale: usize = watch.stale.iter().map(|(_, _, hashes)| hashes.len()).sum();
            assert!(stale < FORGOTTEN_AT_ONCE, "{stale} left");
        }
        watch.clear(client(1));
        while watch.is_stale() {
            watch.forget(1000);
        }
        watch.check();
        assert_eq!((watch.keys(), watch.shards.capacity()), (0, 0));
        // Who has lost his transaction watches nothing more.
        watch.add(client(1), 0, b"any", false, None);
        watch.touch(0, b"any", false);
        while watch.is_stale() {
            watch.forget(1000);
        }
        watch.touch(0, b"any", false);
        assert!(watch.is_broken(client(1)));
    }
}
