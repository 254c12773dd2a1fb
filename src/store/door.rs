//! The one door for change. A write finds its entry once, and each way to change it names the event that it is: so no
//! command can forget the memory account, the count of changes, the barrier, or those who watch.
use super::access::Used;
use super::database::{Database, Edited};
use super::entry::{Entry, NEVER, Value};
use super::event::{Event, Ledger};
use super::structure::table::Place;
use super::text::Content;
use super::value::{Collection, WrongType};

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
    /// The key's, if it was worked out.
    hash: Option<u64>,
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
        place: Result<Place, u64>,
        now_ms: i64,
    ) -> Self {
        Door { database, ledger, number, key, hash: place.err(), place: place.ok(), now_ms }
    }

    #[inline]
    fn hash(&self) -> u64 {
        self.hash.unwrap_or_else(|| self.database.hash(self.key))
    }

    #[inline]
    pub fn entry(&self) -> Option<&Entry> {
        self.place.map(|place| self.database.get(place))
    }

    /// The same for who answers with it: a long string is shared with the answer.
    pub fn entry_mut(&mut self) -> Option<&mut Entry> {
        self.place.map(|place| self.database.get_mut(place))
    }

    #[inline]
    pub fn value(&self) -> Option<Value<'_>> {
        self.entry().map(Entry::value)
    }

    /// Puts a value here, whatever was here before, in its memory if that fits.
    #[inline]
    pub fn put(&mut self, content: Content, expiry: NewExpiry, event: Event) {
        match self.place {
            Some(place) => self.replace(place, content, expiry),
            None => self.create(content, expiry),
        }
        self.changed(event);
    }

    /// The same of a collection, which counts as a change for each of its elements.
    pub fn put_counting(&mut self, collection: impl Collection, expiry: NewExpiry, event: Event) {
        let len = collection.len();
        self.put(Content::of_collection(collection), expiry, event);
        self.ledger.dirty += len as u64 - 1;
    }

    /// Adds to the integer that is here, where no more than that is to be done: the sum. `None`: nothing was done.
    #[inline]
    pub fn add(&mut self, increment: i64, event: Event) -> Option<i64> {
        if self.ledger.barrier.is_some() {
            return None;
        }
        let sum = self.database.get_mut(self.place?).add(increment)?;
        self.changed(event);
        Some(sum)
    }

    /// Puts a value here as a new entry: what was here before is gone first. (COPY, RESTORE)
    pub fn renew(&mut self, content: Content, expiry: NewExpiry, event: Event) {
        self.take();
        self.create(content, expiry);
        self.changed(event);
    }

    #[inline]
    fn replace(&mut self, place: Place, content: Content, expiry: NewExpiry) {
        self.ledger.before_change(self.number, self.key, || Some(self.database.get(place)));
        let entry = self.database.get_mut(place);
        let old_ms = entry.deadline_ms();
        let deadline_ms = deadline(expiry, old_ms);
        if let Some(shape) = entry.plain(&content, deadline_ms) {
            return entry.write(shape, content);
        }
        let freed = self.database.put(place, content, deadline_ms);
        self.ledger.trash.held(freed);
        self.ledger.thinned(self.database, self.number);
        self.file(place, old_ms, deadline_ms);
    }

    #[inline]
    fn create(&mut self, content: Content, expiry: NewExpiry) {
        self.ledger.before_change(self.number, self.key, || None);
        let deadline_ms = deadline(expiry, NEVER);
        let (hash, is_held) = (self.hash(), matches!(content, Content::Held(_)));
        let place = self.database.insert(hash, self.key, content, deadline_ms, self.now_ms);
        self.place = Some(place);
        self.ledger.note_new(self.number, self.key, || self.database.get(place).value().type_name());
        let due_ms = if is_held { self.database.get(place).due_ms() } else { deadline_ms };
        self.file(place, NEVER, due_ms);
    }

    /// Writes over a piece of the string that is here, whose type the caller has seen.
    pub fn write(&mut self, offset: usize, bytes: &[u8], event: Event) {
        let place = self.place.expect("a string to change");
        self.ledger.before_change(self.number, self.key, || Some(self.database.get(place)));
        self.database.write_at(place, offset, bytes);
        self.ledger.thinned(self.database, self.number);
        self.changed(event);
    }

    /// The collection that is here, if there is something, and if it is one of this type.
    #[inline]
    pub fn view<T: Collection>(&self) -> Result<Option<&T>, WrongType> {
        self.entry().map(Entry::view).transpose()
    }

    /// Changes the collection that is here, or a new one. `edit` says what the caller wants to know, and how many changes
    /// it has made: if none, nothing has happened. A collection that is left without elements goes, with its key.
    #[inline]
    pub fn edit<T: Collection, R>(
        &mut self,
        event: Event,
        edit: impl FnOnce(&mut T) -> (R, usize),
    ) -> Result<R, WrongType> {
        self.edit_counting(event, |collection| {
            let (result, changes) = edit(collection);
            (result, changes > 0, changes)
        })
    }

    /// The same as one part more of a change that is counted: whether `edit` has changed something is all that it says.
    pub fn edit_further<T: Collection>(
        &mut self,
        event: Event,
        edit: impl FnOnce(&mut T) -> bool,
    ) -> Result<(), WrongType> {
        self.edit_counting(event, |collection| ((), edit(collection), 0))
    }

    #[inline]
    fn edit_counting<T: Collection, R>(
        &mut self,
        event: Event,
        edit: impl FnOnce(&mut T) -> (R, bool, usize),
    ) -> Result<R, WrongType> {
        let Some(place) = self.place else { return Ok(self.edit_new(event, edit)) };
        if self.ledger.barrier.is_some() {
            self.view::<T>()?;
            self.ledger.before_change(self.number, self.key, || Some(self.database.get(place)));
        }
        let Edited { result: (result, changed, changes), emptied, due } = self.database.edit(place, edit)?;
        if let (old_ms, Some(new_ms)) = due {
            self.file(place, old_ms.unwrap_or(NEVER), new_ms);
        }
        if changed {
            self.changed_counting(changes, event);
        }
        if emptied {
            self.take();
            self.note(Event::DEL);
        }
        Ok(result)
    }

    fn edit_new<T: Collection, R>(&mut self, event: Event, edit: impl FnOnce(&mut T) -> (R, bool, usize)) -> R {
        let mut new = T::default();
        let (result, _, changes) = edit(&mut new);
        if !new.is_empty() {
            self.create(Content::Held(new.hold()), NewExpiry::Never);
            self.changed_counting(changes, event);
        }
        result
    }

    /// Puts a collection here, whatever was here before. One without elements leaves nothing. How many it has.
    pub fn store<T: Collection>(&mut self, collection: T, event: Event) -> usize {
        let len = collection.len();
        if len > 0 {
            self.put(Content::of_collection(collection), NewExpiry::Never, event);
        } else {
            self.remove(Event::DEL);
        }
        len
    }

    /// What an edit has left of the collection that was here, if it is much to free.
    pub fn discard(&mut self, old: Option<impl Collection>) {
        old.into_iter().for_each(|old| self.ledger.trash.discard(old));
    }

    /// Removes the entry. Was there one?
    pub fn remove(&mut self, event: Event) -> bool {
        self.remove_counting(1, event)
    }

    /// The same, which counts as so many changes: the elements that go with a collection.
    pub fn remove_counting(&mut self, changes: usize, event: Event) -> bool {
        let removed = self.take();
        if removed {
            self.changed_counting(changes, event);
        }
        removed
    }

    /// Takes the entry out, as a part of a change that has its own name.
    pub(super) fn take(&mut self) -> bool {
        let Some(place) = self.place.take() else { return false };
        self.ledger.before_change(self.number, self.key, || Some(self.database.get(place)));
        let freed = self.database.remove(place);
        self.ledger.removed(self.database, self.number, freed);
        self.ledger.deadlines.sift(self.database, self.now_ms);
        true
    }

    /// Sets when the entry that is here expires.
    pub fn expire(&mut self, at_ms: Option<i64>, event: Event) {
        let place = self.place.expect("an entry");
        let old = self.database.get(place);
        self.ledger.before_change(self.number, self.key, || Some(old));
        let old_ms = old.deadline_ms();
        let deadline_ms = deadline(at_ms.map_or(NewExpiry::Never, NewExpiry::At), old_ms);
        self.database.set_deadline(place, deadline_ms);
        self.ledger.thinned(self.database, self.number);
        self.file(place, old_ms, deadline_ms);
        self.changed(event);
    }

    /// When and how often the entry that is here was used, as somebody has remembered it.
    pub fn set_used(&mut self, used: Used) {
        let place = self.place.expect("an entry");
        self.database.get_mut(place).set_used(used);
    }

    /// Another event of the same change, for those who watch.
    #[inline]
    pub fn note(&mut self, event: Event) {
        self.ledger.note(self.number, self.key, event);
    }

    #[inline]
    pub(super) fn changed(&mut self, event: Event) {
        self.changed_counting(1, event);
    }

    #[inline]
    fn changed_counting(&mut self, changes: usize, event: Event) {
        self.ledger.dirty += changes as u64;
        self.ledger.note(self.number, self.key, event);
    }

    /// The moment of expiry has changed, or not.
    #[inline]
    fn file(&mut self, place: Place, old_ms: i64, new_ms: i64) {
        if old_ms != new_ms {
            let hash = self.hash();
            self.ledger.deadlines.moved(self.database, self.number, place, hash, old_ms, self.now_ms);
        }
    }
}

#[inline]
fn deadline(expiry: NewExpiry, old_ms: i64) -> i64 {
    match expiry {
        NewExpiry::Never => NEVER,
        NewExpiry::Keep => old_ms,
        NewExpiry::At(ms) => ms.max(0),
    }
}
