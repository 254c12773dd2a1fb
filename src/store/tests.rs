//! The keyspace against a naive map, from a seed: whatever is done to entries, databases and the clock, both hold the
//! same, and the accounts agree.
use super::database::Database;
use super::structure::wheel::RESOLUTION_BITS;
use super::text::Digits;
use super::value::list::End;
use super::{Collection, Content, Entry, Event, Keyspace, List, NewExpiry, Value, WrongType};
use crate::base::random::Chance;
use std::collections::BTreeMap;

const DATABASES: usize = 3;
const RESOLUTION_MS: i64 = 1 << RESOLUTION_BITS;
const YEAR_MS: i64 = 365 * 24 * 3600 * 1000;

/// What stands at a key of a database: its value, and when it expires.
type Model = BTreeMap<Place, Held>;
type Place = (usize, Vec<u8>);
type Held = (Vec<u8>, Option<i64>);

struct Both {
    store: Keyspace,
    model: Model,
    chance: Chance,
    now_ms: i64,
    /// Keys that somebody met when they were due.
    expired: u64,
    dirty: u64,
}

impl Both {
    fn new(seed: u64) -> Both {
        let store = Keyspace::new(DATABASES, [seed, 2, 3, 4]);
        let chance = Chance::from_seed(seed);
        Both { store, model: Model::new(), chance, now_ms: 1_750_000_000_000, expired: 0, dirty: 0 }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.chance.below(n)
    }

    fn key(&mut self) -> Vec<u8> {
        let number = self.below(60);
        let length = [2, 2, 2, 20, 254, 255, 300][number as usize % 7];
        format!("k{number:0length$}").into_bytes()
    }

    fn place(&mut self) -> Place {
        (self.below(DATABASES as u64) as usize, self.key())
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = [0, 3, 8, 9, 44, 45, 200, 511, 513, 5000, 8191, 8192][self.below(12) as usize];
        let byte = b'a' + self.below(26) as u8;
        if self.below(3) == 0 { self.below(1 << 40).to_string().into_bytes() } else { vec![byte; length] }
    }

    fn deadline(&mut self) -> i64 {
        let span = if self.below(8) == 0 { 1 << self.below(36) } else { 100 };
        self.now_ms - 20 + self.below(span) as i64
    }

    /// As every look at a key does: one that is due is gone.
    fn meet(&mut self, place: &Place) -> Option<Held> {
        let due = self.model.get(place)?.1.is_some_and(|at_ms| at_ms <= self.now_ms);
        if due {
            self.model.remove(place);
            self.expired += 1;
        }
        self.model.get(place).cloned()
    }

    fn step(&mut self) {
        let (place, now_ms) = (self.place(), self.now_ms);
        let (database, key) = (place.0, &place.1[..]);
        let (old, kind) = (self.meet(&place), self.below(16));
        if kind > 7 {
            // These need not meet the key themselves.
            assert_eq!(self.store.look(database, key, now_ms).map(content), old);
        }
        match kind {
            0..4 => {
                let (bytes, at_ms) = (self.bytes(), self.deadline());
                let (expiry, expires) = match self.below(3) {
                    0 => (NewExpiry::Never, None),
                    1 => (NewExpiry::Keep, old.and_then(|(_, expires)| expires)),
                    _ => (NewExpiry::At(at_ms), Some(at_ms)),
                };
                let mut door = self.store.open(database, key, now_ms);
                door.put(Content::new(&bytes), expiry, Event::string("set"));
                self.model.insert(place, (bytes, expires));
                self.dirty += 1;
            }
            4 => {
                let (bytes, offset) = (self.bytes(), [0, 1, 500, usize::MAX][self.below(4) as usize]);
                let mut door = self.store.open(database, key, now_ms);
                assert_eq!(door.entry().map(content), old);
                if let Some((mut value, expires)) = old {
                    let offset = offset.min(value.len() + 10);
                    door.write(offset, &bytes, Event::string("setrange"));
                    value.resize(value.len().max(offset + bytes.len()), 0);
                    value[offset..offset + bytes.len()].copy_from_slice(&bytes);
                    self.model.insert(place, (value, expires));
                    self.dirty += 1;
                }
            }
            5 => {
                let removed = self.store.open(database, key, now_ms).remove(Event::DEL);
                assert_eq!(removed, old.is_some());
                self.dirty += self.model.remove(&place).is_some() as u64;
            }
            6 | 7 => {
                let at_ms = if self.below(3) == 0 { None } else { Some(self.deadline()) };
                let mut door = self.store.open(database, key, now_ms);
                if let Some((value, _)) = old {
                    door.expire(at_ms, Event::EXPIRE);
                    self.model.insert(place, (value, at_ms));
                    self.dirty += 1;
                }
            }
            8 | 9 => {
                let target = self.place();
                if target != place {
                    let events = [Event::RENAME_FROM, Event::RENAME_TO];
                    let moved = self.store.relocate((database, key), (target.0, &target.1), events, now_ms);
                    assert_eq!(moved, old.is_some());
                    if let Some(entry) = old {
                        self.meet(&target);
                        self.model.remove(&place);
                        self.model.insert(target, entry);
                        self.dirty += 1;
                    }
                }
            }
            10 => {
                let target = self.place();
                if target != place {
                    let to = (target.0, &target.1[..]);
                    let copied = self.store.duplicate((database, key), to, Event::COPY_TO, now_ms);
                    assert_eq!(copied, old.is_some());
                    if let Some(entry) = old {
                        self.meet(&target);
                        self.model.insert(target, entry);
                        self.dirty += 1;
                    }
                }
            }
            11 => {
                // Its chance is its own, so that the model need not know what it meets on the way.
                let mut chance = self.chance.clone();
                let found = self.store.random(database, now_ms, &mut || chance.next());
                let found = found.map(|entry| (entry.key().to_vec(), content(entry)));
                if let Some((key, content)) = &found {
                    assert_eq!(self.model.get(&(database, key.clone())), Some(content));
                    assert!(content.1.is_none_or(|at_ms| at_ms > now_ms), "it is not due");
                }
                // Some that were due are gone.
                self.model.retain(|(number, key), (_, expires)| {
                    let due = *number == database && expires.is_some_and(|at_ms| at_ms <= now_ms);
                    let gone = due && !self.store.database(database).iter().any(|entry| *entry.key() == **key);
                    self.expired += gone as u64;
                    !gone
                });
                let alive = |(place, (_, expires)): (&Place, &Held)| {
                    place.0 == database && expires.is_none_or(|at_ms| at_ms > now_ms)
                };
                assert_eq!(found.is_some(), self.model.iter().any(alive));
            }
            12 => {
                // As the engine does.
                let active = self.store.active_expire;
                let is_due = |store: &Keyspace| store.next_deadline_ms().is_some_and(|at_ms| at_ms <= now_ms);
                while is_due(&self.store) {
                    self.store.expire_due(now_ms, || true);
                }
                let before = self.model.len();
                // What is due to the resolution of the wheel is gone. The rest may be, or wait for those who meet it.
                let held =
                    |number: usize, key: &[u8]| self.store.database(number).iter().any(|entry| entry.key() == key);
                self.model.retain(|(number, key), (_, expires)| match *expires {
                    Some(at_ms) if at_ms <= now_ms && active => at_ms >= now_ms & -RESOLUTION_MS && held(*number, key),
                    _ => true,
                });
                self.expired += (before - self.model.len()) as u64;
                let first = self.model.values().filter_map(|(_, expires)| *expires).min();
                let next = self.store.next_deadline_ms();
                let overslept = |at_ms: i64| next.is_none_or(|next| next > (at_ms & -RESOLUTION_MS) + RESOLUTION_MS);
                assert!(!active || !first.is_some_and(overslept), "no deadline is overslept: {first:?}, {next:?}");
                assert!(next.is_none_or(|next| next > now_ms), "all that is due was seen to");
            }
            13 => {
                let other = self.below(DATABASES as u64) as usize;
                self.store.swap(database, other);
                let swapped = |number| {
                    if number == database {
                        other
                    } else if number == other {
                        database
                    } else {
                        number
                    }
                };
                let model = std::mem::take(&mut self.model);
                self.model = model.into_iter().map(|((number, key), entry)| ((swapped(number), key), entry)).collect();
                self.dirty += 1;
            }
            14 if self.below(10) == 0 => {
                let before = self.model.len();
                self.model.retain(|(number, _), _| *number != database);
                assert_eq!(self.store.flush(database), before - self.model.len());
                self.dirty += (before - self.model.len()) as u64;
            }
            15 if self.below(50) == 0 => self.store.active_expire ^= true,
            _ => {
                // Mostly on, sometimes back: what is gone stays gone, what is there counts by the new time.
                self.now_ms += match self.below(60) {
                    0 => -30,
                    1 => -3000,
                    2 if self.below(4) == 0 => [-YEAR_MS, YEAR_MS][self.below(2) as usize],
                    _ => self.below(10) as i64,
                };
            }
        }
    }

    fn check(&self) {
        self.store.check();
        let mut held = Model::new();
        for (number, database) in self.store.databases().iter().enumerate() {
            let mut cursor = Some(0);
            while let Some(from) = cursor {
                cursor = database.scan(from, 7, &mut |entry| {
                    let again = held.insert((number, entry.key().to_vec()), content(entry));
                    assert!(again.is_none(), "{} came twice", entry.key().escape_ascii());
                });
            }
        }
        let differs = |place: &&Place| held.get(*place) != self.model.get(*place);
        if let Some(place) = held.keys().chain(self.model.keys()).find(differs) {
            panic!("{place:?}: {:?}, and not {:?}", held.get(place), self.model.get(place));
        }
        assert_eq!(self.store.ledger.expired, self.expired);
        assert_eq!(self.store.ledger.dirty, self.dirty);
    }
}

fn content(entry: &Entry) -> Held {
    let Value::String(text) = entry.value() else { panic!("only strings here") };
    (text.bytes(&mut Digits::new()).to_vec(), entry.expires_ms())
}

#[test]
fn what_expires_during_a_pause_stays_until_a_write_is_in_its_way() {
    let mut store = Keyspace::new(1, [1, 2, 3, 4]);
    store.open(0, b"k", 0).put(Content::new(b"v"), NewExpiry::At(10), Event::NEW);
    store.paused = true;
    assert!(store.look(0, b"k", 10).is_none() && store.read(0, b"k", 10).is_none());
    assert_eq!((store.database(0).len(), store.ledger.expired, store.next_deadline_ms()), (1, 0, None));
    store.open(0, b"k", 10).put(Content::new(b"w"), NewExpiry::Keep, Event::NEW);
    assert_eq!((store.database(0).len(), store.ledger.expired), (1, 1));
    store.check();
    assert!(store.look(0, b"k", 1000).is_some_and(|entry| entry.expires_ms().is_none()), "it has no old expiry");
    store.open(0, b"k", 1000).expire(Some(2000), Event::EXPIRE);
    assert!(!store.open(0, b"k", 2000).remove(Event::DEL));
    store.paused = false;
    assert_eq!(store.database(0).len(), 0);
    store.check();
}

#[test]
fn does_what_a_map_with_deadlines_does() {
    for seed in 1..=20 {
        let mut both = Both::new(seed);
        for step in 0..2000 {
            both.step();
            if step % 10 == 0 {
                both.check();
            }
        }
        assert!(both.expired > 50, "seed {seed}: it has seen {} keys expire", both.expired);
    }
}

#[test]
fn the_last_moment_of_all_is_a_moment() {
    let mut store = Keyspace::new(1, [1, 2, 3, 4]);
    let mut put = |at_ms| {
        store.open(0, b"k", 5).put(Content::new(b"v"), NewExpiry::At(at_ms), Event::string("set"));
        store.check();
        store.look(0, b"k", 5).map(|entry| entry.expires_ms())
    };
    assert_eq!(put(i64::MAX), Some(Some(i64::MAX)));
    assert_eq!(put(6), Some(Some(6)));
    for due in [5, 1, 0, -1, i64::MIN] {
        assert_eq!(put(due), None, "{due}");
    }
}

#[test]
fn only_databases_with_deadlines_are_looked_at() {
    let mut store = Keyspace::new(10_000, [1, 2, 3, 4]);
    let put = |store: &mut Keyspace, number, expiry| {
        store.open(number, b"k", 5).put(Content::new(b"v"), expiry, Event::string("set"));
    };
    let listed = |store: &Keyspace| store.ledger.deadlines.databases.iter().copied().collect::<Vec<_>>();
    let never_enough = || false;
    put(&mut store, 7, NewExpiry::Never);
    assert_eq!((listed(&store), store.next_deadline_ms()), (vec![], None));
    put(&mut store, 9000, NewExpiry::At(20));
    put(&mut store, 12, NewExpiry::At(30));
    assert_eq!((listed(&store), store.next_deadline_ms()), (vec![12, 9000], Some(24)));
    store.swap(12, 7);
    store.flush(9000);
    assert!(!store.expire_due(24, never_enough));
    assert_eq!((listed(&store), store.next_deadline_ms()), (vec![7], Some(32)));
    assert!(!store.expire_due(31, never_enough));
    assert_eq!(listed(&store), [7]);
    assert!(!store.expire_due(32, never_enough));
    assert_eq!((listed(&store), store.ledger.expired), (vec![], 1));
    store.check();
}

#[test]
fn a_deadline_that_moves_costs_the_same_in_a_large_table() {
    let mut store = Keyspace::new(1, [1, 2, 3, 4]);
    for n in 0..10_000 {
        let key = format!("k{n}");
        store.open(0, key.as_bytes(), 5).put(Content::new(b"v"), NewExpiry::Never, Event::string("set"));
    }
    for at_ms in 10..20_000 {
        store.open(0, b"k1", 5).expire(Some(at_ms), Event::EXPIRE);
        // Long and short by turns.
        store.open(0, b"k2", 5).expire(Some(1_000_000), Event::EXPIRE);
        store.open(0, b"k2", 5).expire(Some(500_000), Event::EXPIRE);
        assert!(store.database(0).wheel.len() < 50, "stale ones go as new ones come");
        store.open(0, b"k2", 5).expire(None, Event::PERSIST);
    }
    store.check();
    store.expire_due(19_998, || false);
    assert_eq!(store.ledger.expired, 0);
    store.expire_due(20_000, || false);
    assert_eq!(store.ledger.expired, 1);
}

/// Most keys go, or leave their cells for others, by chance; what is held for the rest goes down as the loop tidies, and
/// they stay what they were.
#[test]
#[cfg_attr(miri, ignore = "minutes; arena/tests.rs moves cells under Miri")]
fn memory_comes_back_when_most_keys_are_gone() {
    const SET: Event = Event::string("set");
    type Way = fn(&mut Keyspace, &[u8]);
    let ways: [(&str, Way); 6] = [
        ("DEL", |store, key| assert!(store.open(0, key, 5).remove(Event::DEL))),
        ("SET", |store, key| store.open(0, key, 5).put(Content::new(b"short"), NewExpiry::Never, SET)),
        ("EXPIRE", |store, key| store.open(0, key, 5).expire(Some(1 << 40), Event::EXPIRE)),
        ("APPEND", |store, key| store.open(0, key, 5).write(100, &[b'w'; 300], Event::string("append"))),
        ("MOVE", |store, key| {
            assert!(store.relocate((0, key), (1, key), [Event::MOVE_FROM, Event::MOVE_TO], 5));
        }),
        ("RENAME", |store, key| {
            let longer = [key, &[b'z'; 200]].concat();
            assert!(store.relocate((0, key), (0, &longer), [Event::RENAME_FROM, Event::RENAME_TO], 5));
        }),
    ];
    for (name, way) in ways {
        let mut store = Keyspace::new(2, [1, 2, 3, 4]);
        let (keys, mut chance) = (40_000, Chance::from_seed(7));
        let key = |n: u64| format!("key:{n:06}").into_bytes();
        let value = |n: u64| vec![n as u8; 200 + n as usize % 2 * 8];
        for n in 0..keys {
            store.open(0, &key(n), 5).put(Content::new(&value(n)), NewExpiry::Never, SET);
        }
        let left: Vec<u64> = (0..keys).filter(|_| chance.below(10) == 0).collect();
        for n in (0..keys).filter(|n| left.binary_search(n).is_err()) {
            way(&mut store, &key(n));
            store.tidy(1);
        }
        while store.is_untidy() {
            store.tidy(64);
        }
        store.check();
        let (bytes, spare) = (store.bytes(), store.databases().iter().map(Database::spare_bytes).sum::<usize>());
        assert!(spare < bytes / 5 + (1 << 20), "{name}: {spare} bytes held beside {bytes}");
        for n in left {
            let entry = store.look(0, &key(n), 5).expect("nobody touched it");
            assert_eq!(content(entry), (value(n), None));
        }
    }
}

#[test]
fn a_flushed_database_is_freed_in_slices() {
    let mut store = Keyspace::new(2, [1, 2, 3, 4]);
    // With and without entries that have memory of their own.
    for length in [10, 20_000] {
        for n in 0..5000 {
            let (key, value) = (format!("k{n}"), vec![b'v'; if n % 1000 == 7 { length } else { 10 }]);
            store.open(0, key.as_bytes(), 5).put(Content::new(&value), NewExpiry::Never, Event::string("set"));
        }
        assert_eq!((store.flush(0), store.bytes(), store.database(0).len()), (5000, 0, 0));
        let mut slices = 0;
        while store.is_untidy() {
            store.tidy(30);
            slices += 1;
        }
        assert!((9..40).contains(&slices), "{slices} slices");
    }
    store.check();
}

#[test]
fn a_collection_goes_with_its_last_element_and_is_told_by_its_type() {
    let mut store = Keyspace::new(1, [1, 2, 3, 4]);
    store.ledger.observed = true;
    const PUSH: Event = Event::list("rpush");
    const POP: Event = Event::list("lpop");
    let push = |store: &mut Keyspace, key: &[u8], elements: &[&[u8]]| {
        let edit =
            |list: &mut List| (elements.iter().for_each(|element| list.push(End::Right, element)), elements.len());
        store.open(0, key, 5).edit(PUSH, edit)
    };
    let pop = |store: &mut Keyspace| {
        store.open(0, b"k", 5).edit(POP, |list: &mut List| {
            let popped = list.end(End::Left).map(|element| element.bytes(&mut Digits::new()).to_vec());
            list.drop_end(End::Left);
            let count = popped.is_some() as usize;
            (popped, count)
        })
    };
    let told = |store: &mut Keyspace| {
        let names: Vec<_> = store.ledger.take_journal().iter().map(|change| change.event.name).collect();
        names.join(" ")
    };
    assert_eq!(pop(&mut store), Ok(None));
    assert_eq!((store.database(0).len(), store.ledger.dirty, told(&mut store)), (0, 0, "".into()));
    assert_eq!(push(&mut store, b"k", &[b"a", b"b"]), Ok(()));
    assert_eq!((store.ledger.dirty, told(&mut store)), (2, "new rpush".into()));
    let entry = store.look(0, b"k", 5).unwrap();
    assert_eq!((entry.value().type_name(), entry.view::<List>().unwrap().len()), ("list", 2));
    assert!(store.duplicate((0, b"k"), (0, b"copy"), Event::COPY_TO, 5));
    assert!(store.relocate((0, b"copy"), (0, b"other"), [Event::RENAME_FROM, Event::RENAME_TO], 5));
    told(&mut store);
    for element in [b"a", b"b"] {
        assert_eq!(pop(&mut store).unwrap().as_deref(), Some(&element[..]));
        store.check();
    }
    assert_eq!(told(&mut store), "lpop lpop del");
    assert!(store.look(0, b"k", 5).is_none());
    assert_eq!(store.look(0, b"other", 5).unwrap().view::<List>().unwrap().len(), 2, "a copy shares nothing");
    store.open(0, b"k", 5).put(Content::new(b"v"), NewExpiry::Never, Event::string("set"));
    assert_eq!((pop(&mut store), push(&mut store, b"k", &[b"x"])), (Err(WrongType), Err(WrongType)));
    store.check();
}

#[test]
fn a_large_collection_is_freed_in_slices() {
    let mut store = Keyspace::new(1, [1, 2, 3, 4]);
    let fill = |store: &mut Keyspace| {
        let edit = |list: &mut List| ((0..20_000).for_each(|_| list.push(End::Right, &[b'v'; 1000])), 1);
        assert_eq!(store.open(0, b"k", 5).edit(Event::list("rpush"), edit), Ok(()));
        store.check();
    };
    let away: [fn(&mut Keyspace); 3] = [
        |store| assert!(store.open(0, b"k", 5).remove(Event::DEL)),
        |store| store.open(0, b"k", 5).put(Content::new(b"v"), NewExpiry::Never, Event::string("set")),
        |store| assert_eq!(store.flush(0), 1),
    ];
    for away in away {
        store.flush(0);
        fill(&mut store);
        away(&mut store);
        assert!(store.bytes() < 100);
        let mut slices = 0;
        while store.is_untidy() {
            store.tidy(100);
            slices += 1;
        }
        assert!(slices > 10, "{slices} slices");
    }
}

#[test]
fn a_slice_ends_when_it_is_told_and_each_database_has_its_turn() {
    let mut store = Keyspace::new(3, [1, 2, 3, 4]);
    for n in 0..1000 {
        for number in 0..3 {
            let key = format!("k{n}");
            store.open(number, key.as_bytes(), 5).put(Content::new(b"v"), NewExpiry::At(6), Event::string("set"));
        }
    }
    let mut calls = 0;
    while store.expire_due(8, || true) {
        calls += 1;
        let left = [0, 1, 2].map(|number| store.database(number).len());
        assert!(left.iter().max().unwrap() - left.iter().min().unwrap() <= 32, "{left:?}");
        store.check();
    }
    assert!(calls >= 3000 / 32 && store.ledger.expired == 3000);
    assert_eq!(store.next_deadline_ms(), None);
}

#[test]
fn how_long_keys_have_left_on_average_is_exact() {
    let mut store = Keyspace::new(2, [1, 2, 3, 4]);
    let average = |store: &Keyspace, number: usize| store.database(number).average_ttl_ms(1000);
    assert_eq!(average(&store, 0), 0);
    for (key, at_ms) in [("a", 2000), ("b", 4000), ("c", i64::MAX)] {
        store.open(0, key.as_bytes(), 1000).put(Content::new(b"v"), NewExpiry::At(at_ms), Event::string("set"));
    }
    store.open(0, b"c", 1000).put(Content::new(b"v"), NewExpiry::Never, Event::string("set"));
    assert_eq!(average(&store, 0), 2000);
    store.open(0, b"a", 1000).expire(Some(3000), Event::EXPIRE);
    assert_eq!(average(&store, 0), 2500);
    assert!(store.relocate((0, b"a"), (1, b"d"), [Event::MOVE_FROM, Event::MOVE_TO], 1000));
    assert_eq!((average(&store, 0), average(&store, 1)), (3000, 2000));
    store.swap(0, 1);
    assert_eq!((average(&store, 0), average(&store, 1)), (2000, 3000));
    store.flush(0);
    assert_eq!((average(&store, 0), store.database(1).average_ttl_ms(9000)), (0, 0));
    store.check();
}
