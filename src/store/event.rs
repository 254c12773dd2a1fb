//! What happens to keys, as keyspace notifications name it, and who may watch it happen. The store names an event with
//! each change; it knows none of those who listen.
//! (<https://redis.io/docs/latest/develop/pubsub/keyspace-notifications/>)
use super::access::Access;
use super::database::Database;
use super::entry::{Entry, Held};
use super::expiry::Deadlines;
use super::trash::Trash;
use std::collections::BTreeSet;

/// The classes of `notify-keyspace-events`, by its letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `g`
    Generic,
    /// `$`
    String,
    /// `l`
    List,
    /// `s`
    Set,
    /// `h`
    Hash,
    /// `z`
    SortedSet,
    /// `x`
    Expired,
    /// `e`
    Evicted,
    /// `n`
    New,
    /// `m`: a key was looked up for its value and is not there. Nothing has changed.
    Missed,
    /// No event of Redis's: all keys of a database went at once, or changed places.
    Whole,
}

impl Class {
    pub const fn letter(self) -> Option<char> {
        match self {
            Class::Generic => Some('g'),
            Class::String => Some('$'),
            Class::List => Some('l'),
            Class::Set => Some('s'),
            Class::Hash => Some('h'),
            Class::SortedSet => Some('z'),
            Class::Expired => Some('x'),
            Class::Evicted => Some('e'),
            Class::New => Some('n'),
            Class::Missed => Some('m'),
            Class::Whole => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub class: Class,
    pub name: &'static str,
}

impl Event {
    pub const fn string(name: &'static str) -> Event {
        Event { class: Class::String, name }
    }
    pub const fn list(name: &'static str) -> Event {
        Event { class: Class::List, name }
    }
    pub const fn hash(name: &'static str) -> Event {
        Event { class: Class::Hash, name }
    }
    pub const fn set(name: &'static str) -> Event {
        Event { class: Class::Set, name }
    }
    pub const fn sorted_set(name: &'static str) -> Event {
        Event { class: Class::SortedSet, name }
    }
    pub const fn generic(name: &'static str) -> Event {
        Event { class: Class::Generic, name }
    }
    pub const DEL: Event = Event::generic("del");
    pub const EXPIRE: Event = Event::generic("expire");
    pub const PERSIST: Event = Event::generic("persist");
    pub const RENAME_FROM: Event = Event::generic("rename_from");
    pub const RENAME_TO: Event = Event::generic("rename_to");
    pub const COPY_TO: Event = Event::generic("copy_to");
    pub const MOVE_FROM: Event = Event::generic("move_from");
    pub const MOVE_TO: Event = Event::generic("move_to");
    pub const EXPIRED: Event = Event { class: Class::Expired, name: "expired" };
    pub const FIELDS_EXPIRED: Event = Event::hash("hexpired");
    pub const NEW: Event = Event { class: Class::New, name: "new" };
    pub const MISSED: Event = Event { class: Class::Missed, name: "keymiss" };
    pub const FLUSHED: Event = Event { class: Class::Whole, name: "flushed" };
    pub const SWAPPED: Event = Event { class: Class::Whole, name: "swapped" };
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub database: usize,
    /// Empty where all keys of a database are meant.
    pub key: Box<[u8]>,
    pub event: Event,
    /// The type of its value, where the key came to be.
    pub made: Option<&'static str>,
}

/// Who must see an entry as it was before it changes: a snapshot that has not come to it yet.
pub trait Barrier {
    /// `entry`: as it is now, `None` if the key is about to be created.
    fn before_change(&mut self, database: usize, key: &[u8], entry: Option<&Entry>);
    /// Two databases have changed places: from now on each has the other's number.
    fn swapped(&mut self, one: usize, other: usize);
}

/// A key that expired, or some fields of its hash.
pub struct Lapsed {
    pub database: usize,
    pub key: Box<[u8]>,
    /// None: the key.
    pub fields: Vec<Box<[u8]>>,
}

/// What every change goes through, whatever the database.
#[derive(Default)]
pub struct Ledger {
    /// Changes since the beginning, each key counted.
    pub dirty: u64,
    /// Keys that expired, whoever noticed.
    pub expired: u64,
    /// Fields of hashes that did.
    pub expired_fields: u64,
    /// What has been taken out and is yet to be freed.
    pub trash: Trash,
    /// What expired since this was taken last. `None`: nobody takes it.
    pub lapsed: Option<Vec<Lapsed>>,
    pub(super) deadlines: Deadlines,
    /// Databases whose memory may be worth emptying.
    pub(super) sparse: BTreeSet<usize>,
    /// Somebody drains the journal after each command. If nobody does, nothing is written to it.
    pub observed: bool,
    /// Keys that are not there are written to it too.
    pub misses_observed: bool,
    pub journal: Vec<Change>,
    /// So many lines of it were published. Invariant: at most its length.
    pub published: usize,
    pub barrier: Option<Box<dyn Barrier>>,
    /// CLIENT NO-TOUCH: who comes now does not use what it meets.
    pub untouched: bool,
    /// What a use does to an entry.
    pub access: Access,
}

impl Change {
    /// Is it a change, and no mere look?
    pub fn is_change(&self) -> bool {
        self.event.class != Class::Missed
    }
}

impl Ledger {
    /// Somebody uses an entry.
    #[inline]
    pub(super) fn used(&mut self, entry: &mut Entry, now_ms: i64) {
        if !self.untouched {
            entry.touch(&mut self.access, now_ms);
        }
    }

    /// Empties the journal, for who tells of it.
    pub fn take_journal(&mut self) -> Vec<Change> {
        self.published = 0;
        std::mem::take(&mut self.journal)
    }

    #[inline]
    pub fn has_unpublished(&self) -> bool {
        self.published < self.journal.len()
    }

    /// A key was looked up for its value, and is not there.
    #[inline]
    pub fn missed(&mut self, database: usize, key: &[u8]) {
        if self.misses_observed {
            self.note(database, key, Event::MISSED);
        }
    }

    #[inline]
    pub fn note(&mut self, database: usize, key: &[u8], event: Event) {
        if self.observed {
            self.journal.push(Change { database, key: key.into(), event, made: None });
        }
    }

    /// A key comes to be, with a value of the type that `made` tells.
    #[inline]
    pub fn note_new(&mut self, database: usize, key: &[u8], made: impl FnOnce() -> &'static str) {
        if self.observed {
            self.journal.push(Change { database, key: key.into(), event: Event::NEW, made: Some(made()) });
        }
    }

    #[inline]
    pub fn before_change<'a>(&mut self, database: usize, key: &[u8], entry: impl FnOnce() -> Option<&'a Entry>) {
        if let Some(barrier) = &mut self.barrier {
            barrier.before_change(database, key, entry());
        }
    }

    /// An entry of this database is gone.
    #[inline]
    pub(super) fn removed(&mut self, database: &Database, number: usize, freed: Option<Held>) {
        self.trash.held(freed);
        self.thinned(database, number);
    }

    /// An entry of this database is gone, or may have left its cell for another.
    #[inline]
    pub(super) fn thinned(&mut self, database: &Database, number: usize) {
        if database.is_sparse() {
            self.sparse.insert(number);
        }
    }
}
