//! Entries that are made and changed: by the database, which has the arena.
use super::{
    ADDRESS, EMBEDDED, EXPIRES, Entry, FORM, HEADER, Held, INTEGER, LONG, LONG_KEY, NEVER, RAW, Shape, Value, WORD,
    with_tag,
};
use crate::store::access::Used;
use crate::store::sizes::Size;
use crate::store::structure::arena::{self, Arena, Cell};
use crate::store::structure::table::Item;
use crate::store::text::{Content, Digits, Long, grow, grows_inline};

impl Entry {
    #[inline]
    pub(in crate::store) fn new(
        arena: &mut Arena,
        key: &[u8],
        content: Content,
        deadline_ms: i64,
        now_ms: i64,
    ) -> Entry {
        let (form, value) = extent(&content);
        let shape = Shape { form, expires: deadline_ms != NEVER, key: key.len(), value };
        let mut entry = Entry::blank(arena, shape, key, deadline_ms, Used::new(now_ms));
        entry.write(shape, content);
        entry
    }

    /// One whose value is not written yet.
    #[inline]
    fn blank(arena: &mut Arena, shape: Shape, key: &[u8], deadline_ms: i64, used: Used) -> Entry {
        let mut entry = Entry(with_tag(arena.allocate(shape.bytes()).as_ptr(), 0));
        // SAFETY: the cell has room for the whole shape, and the key is elsewhere.
        unsafe {
            let flags = shape.form | if shape.expires { EXPIRES } else { 0 };
            entry.set(0, [flags, key.len().min(LONG_KEY as usize) as u8]);
            entry.set(2, shape.value as u16);
            entry.set(4, used);
            if shape.expires {
                entry.set(HEADER, deadline_ms);
            }
            if key.len() >= LONG_KEY as usize {
                entry.set(shape.key_at() - 4, key.len() as u32);
            }
            entry.start().add(shape.key_at()).copy_from_nonoverlapping(key.as_ptr(), key.len());
        }
        entry
    }

    /// Writes a value for which there is room. What was there before has been taken.
    #[inline]
    pub(in crate::store) fn write(&mut self, shape: Shape, content: Content) {
        let at = shape.value_at();
        debug_assert_eq!((shape.form, shape.value), extent(&content));
        // SAFETY: the shape has room for this content; its bytes are elsewhere, since who changes an entry borrows it alone.
        unsafe {
            self.set(0, self.get::<u8>(0) & !FORM | shape.form);
            self.set(2, shape.value as u16);
            match content {
                Content::Integer(integer) => self.set(at, integer),
                Content::Embedded(bytes) | Content::Raw(bytes) => {
                    self.start().add(at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                }
                Content::Long(long) => Held::Long(Box::new(long)).write(self.start().add(at)),
                Content::Held(held) => held.write(self.start().add(at)),
            }
        }
    }

    /// What the entry points to. Something else must be written then, or the cell be freed.
    #[inline]
    fn take_held(&mut self, shape: Shape) -> Option<Held> {
        // SAFETY: from this form on what is there owns other memory; the caller forgets it.
        (shape.form >= LONG).then(|| unsafe { Held::read(shape.form, self.start().add(shape.value_at())) })
    }

    /// Where this content can simply be written over the old one, which is what most writes are: the cell fits, no moment of
    /// expiry comes or goes, nothing that is accounted changes.
    #[inline]
    pub(in crate::store) fn plain(&self, content: &Content, deadline_ms: i64) -> Option<Shape> {
        let old = self.shape();
        let (form, value) = extent(content);
        let here = Shape { form, value, ..old };
        let plain = deadline_ms == NEVER && !old.expires && old.form < LONG && form < LONG;
        let fits = value == old.value || arena::rounded(here.bytes()) == arena::rounded(old.bytes());
        (plain && fits && self.same_size(old, here, content)).then_some(here)
    }

    /// Whether this content counts as the old one did (`Size`).
    #[inline]
    fn same_size(&self, old: Shape, new: Shape, content: &Content) -> bool {
        match content {
            // SAFETY: with this form an integer stands there.
            Content::Integer(integer) if old.form == INTEGER => unsafe {
                Size::of_integer(self.get(old.value_at())) == Size::of_integer(*integer)
            },
            Content::Integer(_) => false,
            _ if old.form == INTEGER => false,
            _ => new.value == old.value || Size::of_string(new.value) == Size::of_string(old.value),
        }
    }

    /// Adds to the integer that the value is, where that changes nothing else: the sum. `None`: nothing was done.
    #[inline]
    pub(in crate::store) fn add(&mut self, increment: i64) -> Option<i64> {
        let shape = self.shape();
        if shape.form != INTEGER {
            return None;
        }
        let at = shape.value_at();
        // SAFETY: with this form an integer stands there.
        let old: i64 = unsafe { self.get(at) };
        let sum = old.checked_add(increment).filter(|sum| Size::of_integer(*sum) == Size::of_integer(old))?;
        // SAFETY: as above.
        unsafe { self.set(at, sum) };
        Some(sum)
    }

    /// Holds this content from now on, in the cell that it has if that fits. Gives back what it pointed to.
    ///
    /// # Safety
    /// The entry was made with this arena.
    #[inline]
    pub(in crate::store) unsafe fn put(
        &mut self,
        arena: &mut Arena,
        content: Content,
        deadline_ms: i64,
    ) -> Option<Held> {
        let old = self.shape();
        let freed = self.take_held(old);
        let (form, value) = extent(&content);
        let here = Shape { form, value, ..old };
        // What stands before the key stays.
        let lasts = (deadline_ms == NEVER || old.expires) && form & LONG == old.form & LONG;
        if lasts && arena::rounded(here.bytes()) == arena::rounded(old.bytes()) {
            if old.expires {
                // SAFETY: there is room for the moment of expiry.
                unsafe { self.set(HEADER, deadline_ms) };
            }
            self.write(here, content);
        } else {
            let shape = Shape { expires: deadline_ms != NEVER, ..here };
            let mut new = Entry::blank(arena, shape, self.key(), deadline_ms, self.used());
            new.write(shape, content);
            // SAFETY: as the caller says; what the old cell pointed to has been taken.
            unsafe { self.replace(new, old, arena) };
        }
        freed
    }

    /// Becomes another entry, whose cell holds or points to what this one did. Keeps its tag and its mark.
    ///
    /// # Safety
    /// Both were made with this arena; `old` is the shape of this one's cell.
    unsafe fn replace(&mut self, mut new: Entry, old: Shape, arena: &mut Arena) {
        new.set_mark(self.mark());
        let tag = self.tag();
        let cell = std::mem::replace(&mut self.0, with_tag(new.start(), tag));
        // SAFETY: the cell was allocated with the bytes of its shape, and nobody knows it any more.
        unsafe { arena.free(Cell::from_ptr(cell.as_ptr().map_addr(|address| address & ADDRESS)), old.bytes()) };
    }

    /// Expires then from now on.
    ///
    /// # Safety
    /// The entry was made with this arena.
    #[inline]
    pub(in crate::store) unsafe fn set_deadline(&mut self, arena: &mut Arena, deadline_ms: i64) {
        let old = self.shape();
        if old.expires {
            // SAFETY: there is room for it.
            unsafe { self.set(HEADER, deadline_ms) };
        } else if deadline_ms != NEVER {
            let shape = Shape { expires: true, ..old };
            let new = Entry::blank(arena, shape, self.key(), deadline_ms, self.used());
            // SAFETY: both cells hold a value of the same form and length; a pointer in it changes hands. For the last
            // call, as the caller says.
            unsafe {
                let (from, to) = (self.start().add(old.value_at()), new.start().add(shape.value_at()));
                to.copy_from_nonoverlapping(from, old.value);
                self.replace(new, old, arena);
            }
        }
    }

    /// Writes over a piece of the string, which is raw from then on. A gap before it becomes zeros.
    ///
    /// # Safety
    /// The entry was made with this arena.
    pub(in crate::store) unsafe fn write_at(&mut self, arena: &mut Arena, offset: usize, bytes: &[u8]) {
        if let Some(long) = self.long_mut() {
            return long.write(offset, bytes);
        }
        let (mut digits, end, deadline_ms) = (Digits::new(), offset + bytes.len(), self.deadline_ms());
        let Value::String(text) = self.value() else { panic!("who writes over a string has seen one") };
        let old = text.bytes(&mut digits);
        // Short, or moved this once: a copy keeps it simple.
        let mut new = Vec::with_capacity(end.max(old.len()));
        new.extend_from_slice(old);
        if end > old.len() && !grows_inline(end) {
            grow(&mut new, end - old.len());
        }
        new.resize(end.max(old.len()), 0);
        new[offset..end].copy_from_slice(bytes);
        let inline = new.len() == old.len() || grows_inline(new.len());
        // SAFETY: as the caller says.
        unsafe {
            if inline {
                self.put(arena, Content::Raw(&new), deadline_ms);
            } else {
                self.put(arena, Content::Long(Long::Own(new)), deadline_ms);
            }
        }
    }

    /// Gives the cell back. What it pointed to is the caller's.
    ///
    /// # Safety
    /// The entry was made with this arena.
    pub(in crate::store) unsafe fn free(mut self, arena: &mut Arena) -> Option<Held> {
        let held = self.take_held(self.shape());
        // SAFETY: as the caller says; what it pointed to has been taken.
        unsafe { self.free_cell(arena) };
        held
    }

    /// The same under another key, in this arena or in another. What this one points to is the other's from then on.
    ///
    /// # Safety
    /// This entry's cell is freed next (`free_cell`), and nothing else is done with it.
    pub(in crate::store) unsafe fn twin(&self, arena: &mut Arena, key: &[u8], now_ms: i64) -> Entry {
        let old = self.shape();
        let shape = Shape { key: key.len(), ..old };
        let new = Entry::blank(arena, shape, key, self.deadline_ms(), Used::new(now_ms));
        // SAFETY: both cells hold a value of the same form and length.
        unsafe {
            new.start().add(shape.value_at()).copy_from_nonoverlapping(self.start().add(old.value_at()), old.value)
        };
        new
    }

    /// Gives the cell back, and leaves what it points to.
    ///
    /// # Safety
    /// The entry was made with this arena, and has a twin if it points to something.
    pub(in crate::store) unsafe fn free_cell(self, arena: &mut Arena) {
        // SAFETY: the cell was allocated with the bytes of its shape; the entry ends here.
        unsafe { arena.free(Cell::from_ptr(self.start()), self.shape().bytes()) };
    }

    /// Moves to another cell of the same arena, which wants to empty the page of the old one.
    ///
    /// # Safety
    /// The entry was made with this arena.
    pub(in crate::store) unsafe fn relocate(&mut self, arena: &mut Arena) {
        let shape = self.shape();
        let cell = arena.allocate(shape.bytes()).as_ptr();
        // SAFETY: both cells have the bytes of this shape; a pointer in it changes hands. For the last call, as the caller
        // says.
        unsafe {
            cell.copy_from_nonoverlapping(self.start(), shape.bytes());
            self.replace(Entry(with_tag(cell, 0)), shape, arena);
        }
    }

    /// Whether this is its cell.
    pub(in crate::store) fn is_at(&self, cell: Cell) -> bool {
        self.start() == cell.as_ptr()
    }

    /// Looks at a cell as the entry that it holds.
    ///
    /// # Safety
    /// An entry is in this cell.
    pub(in crate::store) unsafe fn with_cell<R>(cell: Cell, look: impl FnOnce(&Entry) -> R) -> R {
        look(&Entry(with_tag(cell.as_ptr(), 0)))
    }
}

/// The form of a content and the bytes that it takes in the entry.
#[inline]
fn extent(content: &Content) -> (u8, usize) {
    match content {
        Content::Integer(_) => (INTEGER, WORD),
        Content::Embedded(bytes) => (EMBEDDED, bytes.len()),
        Content::Raw(bytes) => (RAW, bytes.len()),
        Content::Long(_) => (LONG, WORD),
        Content::Held(held) => (held.form(), WORD),
    }
}
