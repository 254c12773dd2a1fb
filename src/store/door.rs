//! The one door for change. A write finds its entry once, and each way to change it names the event that it is: so no
//! command can forget the memory account, the count of changes, the barrier, or those who watch.
use super::database::Database;
use super::entry::{Entry, NEVER, Value};
use super::event::{Event, Ledger};
use super::structure::table::Place;
use super::text::Small;
use super::text::Text;

/// Stale deadlines go faster than new ones come.
const SIFTED_PER_ITEM: usize = 4;

/// What a new value does to the moment of expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewExpiry {
    Never,
    Keep,
    At(i64),
}

pub struct Door<'a> {
    database: &'a mut Database,
    ledger: &'a mut Ledger,
    number: usize,
    key: &'a [u8],
    hash: u64,
    /// Invariant: the place of the entry of `key`, if there is one.
    place: Option<Place>,
    now_ms: i64,
}

impl<'a> Door<'a> {
    #[inline]
    pub(super) fn new(
        database: &'a mut Database,
        ledger: &'a mut Ledger,
        number: usize,
        key: &'a [u8],
        hash: u64,
        place: Option<Place>,
        now_ms: i64,
    ) -> Self {
        Door { database, ledger, number, key, hash, place, now_ms }
    }

    #[inline]
    pub fn entry(&self) -> Option<&Entry> {
        self.place.map(|place| self.database.table.get(place))
    }

    #[inline]
    pub fn value(&self) -> Option<&Value> {
        self.entry().map(|entry| &entry.value)
    }

    /// Puts a value here, whatever was here before.
    #[inline]
    pub fn put(&mut self, value: Value, expiry: NewExpiry, event: Event) {
        match self.place {
            Some(place) => self.replace(place, |old| *old = value),
            None => self.create(value),
        }
        self.schedule(expiry);
        self.changed(event);
    }

    /// The same for a string that is still bytes: it takes the memory of the string that was here before.
    #[inline]
    pub fn put_string(&mut self, bytes: &[u8], expiry: NewExpiry, event: Event) {
        match self.place {
            Some(place) => self.replace(place, |old| match old {
                Value::String(text) => text.assign(bytes),
            }),
            None => self.create(Value::String(Text::new(bytes))),
        }
        self.schedule(expiry);
        self.changed(event);
    }

    /// Puts a value here as a new entry: what was here before is gone first. (COPY, RESTORE)
    pub fn renew(&mut self, value: Value, expiry: NewExpiry, event: Event) {
        self.install(value, expiry);
        self.changed(event);
    }

    /// The same as a part of a change that has its own name.
    pub(super) fn install(&mut self, value: Value, expiry: NewExpiry) {
        self.take();
        self.create(value);
        self.schedule(expiry);
    }

    #[inline]
    fn replace(&mut self, place: Place, replace: impl FnOnce(&mut Value)) {
        self.ledger.before_change(self.number, self.key, Some(self.database.table.get(place)));
        let entry = self.database.table.get_mut(place);
        self.ledger.bytes -= entry.value.heap_bytes();
        replace(&mut entry.value);
        self.ledger.bytes += entry.value.heap_bytes();
        entry.touch(self.now_ms);
    }

    #[inline]
    fn create(&mut self, value: Value) {
        self.ledger.before_change(self.number, self.key, None);
        let used_s = (self.now_ms / 1000) as u32;
        let entry =
            Entry { key: Small::from_slice(self.key), value, hash: self.hash, expires_ms: NEVER, used_s, tag: 0 };
        self.ledger.bytes += entry.bytes();
        self.ledger.note(self.number, self.key, Event::NEW);
        self.place = Some(self.database.table.insert(self.hash, entry));
    }

    #[inline]
    fn schedule(&mut self, expiry: NewExpiry) {
        match expiry {
            NewExpiry::Keep => {}
            NewExpiry::Never => self.file(None),
            NewExpiry::At(ms) => self.file(Some(ms)),
        }
    }

    /// Changes the value that is here.
    pub fn edit<R>(&mut self, event: Event, change: impl FnOnce(&mut Value) -> R) -> R {
        let place = self.place.expect("a value to change");
        self.ledger.before_change(self.number, self.key, Some(self.database.table.get(place)));
        let entry = self.database.table.get_mut(place);
        self.ledger.bytes -= entry.value.heap_bytes();
        let result = change(&mut entry.value);
        self.ledger.bytes += entry.value.heap_bytes();
        entry.touch(self.now_ms);
        self.changed(event);
        result
    }

    /// Removes the entry, if there is one.
    pub fn remove(&mut self, event: Event) -> Option<Entry> {
        let entry = self.take()?;
        self.changed(event);
        Some(entry)
    }

    /// Takes the entry out, as a part of a change that has its own name.
    pub(super) fn take(&mut self) -> Option<Entry> {
        let place = self.place.take()?;
        self.ledger.before_change(self.number, self.key, Some(self.database.table.get(place)));
        let entry = self.database.table.remove(place);
        self.database.volatile -= entry.expires_ms().is_some() as usize;
        self.ledger.bytes -= entry.bytes();
        Some(entry)
    }

    /// Sets when the entry that is here expires.
    pub fn expire(&mut self, at_ms: Option<i64>, event: Event) {
        self.ledger.before_change(self.number, self.key, self.place.map(|place| self.database.table.get(place)));
        self.file(at_ms);
        self.database.table.get_mut(self.place.expect("an entry")).touch(self.now_ms);
        self.changed(event);
    }

    /// Another event of the same change, for those who watch.
    pub fn note(&mut self, event: Event) {
        self.ledger.note(self.number, self.key, event);
    }

    #[inline]
    pub(super) fn changed(&mut self, event: Event) {
        self.ledger.dirty += 1;
        self.ledger.note(self.number, self.key, event);
    }

    #[inline]
    fn file(&mut self, at_ms: Option<i64>) {
        let entry = self.database.table.get_mut(self.place.expect("an entry"));
        let new = at_ms.map_or(NEVER, |ms| ms.max(0));
        if entry.expires_ms == new {
            return;
        }
        self.database.volatile -= (entry.expires_ms != NEVER) as usize;
        self.database.volatile += (new != NEVER) as usize;
        entry.expires_ms = new;
        if new != NEVER {
            if self.database.deadlines.is_empty() {
                self.ledger.volatile.insert(self.number);
            }
            self.database.deadlines.add(new, self.hash);
            self.database.sift(SIFTED_PER_ITEM);
        }
    }
}
