//! Hashes: a few fields as a row, each before its value; many, or such as expire, in a table. When Redis would give one
//! another encoding is kept apart from that: OBJECT ENCODING says listpack, listpackex or hashtable by Redis's thresholds.
//! A field whose time has come is not seen, whether it is gone already or not. The time is an argument.
mod due;
#[cfg(test)]
mod tests;

use super::{Collection, Walk};
use crate::store::database::KeyHasher;
use crate::store::structure::chunk::{Chunk, ELEMENT_BYTES_MAX, Iter, Packed, differ};
use crate::store::structure::dict::{Dict, Record};
use crate::store::structure::either::{Either, Side};
use crate::store::structure::index::Index;
use crate::store::structure::table::Place;
use crate::store::text::Digits;
use due::Due;

pub use crate::store::structure::chunk::Element;
pub use crate::store::structure::dict::EXPIRY_MS_MAX;

#[derive(Clone, Default)]
pub struct Hash(Either<Chunk, Large>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Listpack,
    /// It has, or had, fields that expire.
    ListpackEx,
    Hashtable,
}

/// `hash-max-listpack-*`, and how fields hash.
#[derive(Clone)]
pub struct HashLimits {
    pub listpack_entries: usize,
    pub listpack_value: usize,
    pub hasher: KeyHasher,
}

#[derive(Clone)]
struct Large {
    fields: Dict<true>,
    encoding: Encoding,
    /// Invariant: for each field that expires, when, and its hash.
    due: Due,
}

/// A field that is seen.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    pub name: Element<'a>,
    pub value: Element<'a>,
    pub expires_ms: Option<i64>,
}

impl Field<'_> {
    fn is_live(&self, now_ms: i64) -> bool {
        self.expires_ms.is_none_or(|at_ms| at_ms > now_ms)
    }
}

impl<'a> From<Record<'a>> for Field<'a> {
    #[inline]
    fn from(Record { key, value, expires_ms }: Record<'a>) -> Field<'a> {
        Field { name: key, value: Element::Bytes(value), expires_ms }
    }
}

/// What a new value does to the moment when its field expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldExpiry {
    Never,
    Keep,
    At(i64),
}

impl Collection for Hash {
    const TYPE: &'static str = "hash";

    fn encoding(&self) -> &'static str {
        match self.kind() {
            Encoding::Listpack => "listpack",
            Encoding::ListpackEx => "listpackex",
            Encoding::Hashtable => "hashtable",
        }
    }

    /// Those included whose time has come, but that are not gone yet.
    #[inline]
    fn len(&self) -> usize {
        match self.0.get() {
            Side::Small(chunk) => chunk.len() / 2,
            Side::Large(large) => large.fields.len(),
        }
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        match self.0.get() {
            Side::Small(chunk) => chunk.heap_bytes(),
            Side::Large(large) => size_of::<Large>() + large.fields.heap_bytes() + large.due.heap_bytes(),
        }
    }

    fn pieces(&self) -> usize {
        if let Side::Large(large) = self.0.get() { large.fields.pieces() + large.due.len() / DUE_FREED } else { 1 }
    }

    fn shed(&mut self, most: usize) -> bool {
        let Side::Large(large) = self.0.get_mut() else { return false };
        if !large.due.is_empty() {
            (0..most.saturating_mul(DUE_FREED)).map_while(|_| large.due.pop_first()).for_each(drop);
            return true;
        }
        large.fields.shed(most)
    }

    #[inline]
    fn index(&self) -> Option<&dyn Index> {
        if let Side::Large(large) = self.0.get() { Some(&large.fields) } else { None }
    }

    #[inline]
    fn due_ms(&self) -> Option<i64> {
        match self.0.get() {
            Side::Small(_) => None,
            Side::Large(large) => large.due.first().map(|(at_ms, _)| at_ms),
        }
    }
}

/// As much work to free as a piece of memory.
const DUE_FREED: usize = 64;

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_map().entries(self.all().map(|field| (field.name, field.value))).finish()
    }
}

/// The fields of a row.
#[derive(Clone)]
struct Pairs<'a>(Iter<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = Field<'a>;
    #[inline]
    fn next(&mut self) -> Option<Field<'a>> {
        let name = self.0.next()?;
        Some(Field { name, value: self.0.next().expect("a value behind each name"), expires_ms: None })
    }
}

// --- What is seen

impl Hash {
    #[inline]
    fn kind(&self) -> Encoding {
        match self.0.get() {
            Side::Small(_) => Encoding::Listpack,
            Side::Large(large) => large.encoding,
        }
    }

    /// Fields whose time has not come.
    pub fn len_at(&self, now_ms: i64) -> usize {
        match self.0.get() {
            Side::Small(chunk) => chunk.len() / 2,
            Side::Large(large) => large.fields.len() - large.due.count(now_ms),
        }
    }

    #[inline]
    pub fn get(&self, name: &[u8], now_ms: i64) -> Option<Field<'_>> {
        match self.0.get() {
            Side::Small(chunk) => place(chunk, name).and_then(|(_, from)| Pairs(from).next()),
            Side::Large(large) => {
                let place = large.fields.find(name)?;
                Some(Field::from(large.fields.at(place))).filter(|field| field.is_live(now_ms))
            }
        }
    }

    /// Whatever their time.
    fn all(&self) -> impl Iterator<Item = Field<'_>> {
        let (row, table) = match self.0.get() {
            Side::Small(chunk) => (Some(Pairs(chunk.iter())), None),
            Side::Large(large) => (None, Some(large.fields.iter().map(Field::from))),
        };
        row.into_iter().flatten().chain(table.into_iter().flatten())
    }

    pub fn iter(&self, now_ms: i64) -> impl Iterator<Item = Field<'_>> {
        self.all().filter(move |field| field.is_live(now_ms))
    }

    /// Shows a field, at each draw all equally likely, until `visit` says false, or none is live.
    pub fn draw(&self, now_ms: i64, chance: &mut dyn FnMut() -> u64, visit: &mut dyn FnMut(Field) -> bool) {
        match self.0.get() {
            Side::Small(chunk) => {
                while let Some(at) = chance().checked_rem(chunk.len() as u64 / 2)
                    && Pairs(chunk.from(2 * at as usize)).next().is_some_and(&mut *visit)
                {}
            }
            Side::Large(large) => {
                // Where most are due, a list of the others takes no longer than so many draws in vain.
                let mut misses = 100 + large.fields.len() / 4;
                while misses > 0 {
                    let Some(place) = large.fields.random(chance) else { return };
                    let field = Field::from(large.fields.at(place));
                    if !field.is_live(now_ms) {
                        misses -= 1;
                    } else if !visit(field) {
                        return;
                    }
                }
                let live: Vec<Field> = self.iter(now_ms).collect();
                while let Some(at) = chance().checked_rem(live.len() as u64)
                    && visit(live[at as usize])
                {}
            }
        }
    }

    /// Fields in hash order: about `count`, and the cursor of the next call. One that Redis keeps in a
    /// listpack comes whole.
    pub fn scan(&self, walk: &Walk, count: usize, now_ms: i64, visit: &mut dyn FnMut(Field)) -> Option<u64> {
        match self.0.get() {
            Side::Small(chunk) => {
                let mut digits = Digits::new();
                let mut is_ahead = |field: &Field| walk.is_ahead(|hasher| hasher.key(field.name.bytes(&mut digits)));
                Pairs(chunk.iter()).filter(|field| is_ahead(field)).for_each(visit);
                None
            }
            Side::Large(large) => {
                let count = if large.encoding == Encoding::Hashtable { count } else { usize::MAX };
                large.fields.scan(walk.cursor, count, &mut |record| {
                    let field = Field::from(record);
                    if field.is_live(now_ms) {
                        visit(field);
                    }
                })
            }
        }
    }
}

#[inline]
fn place<'a>(chunk: &'a Chunk, name: &[u8]) -> Option<(usize, Iter<'a>)> {
    if name.len() > ELEMENT_BYTES_MAX { None } else { chunk.search(&Packed::new(name), 2) }
}

// --- What is made of a row

impl Hash {
    /// One of these fields, each before its value, at one go. `None`: it would be no row, or a field may be there twice; then
    /// they are to be set one by one.
    pub fn of_row(words: &[Element], limits: &HashLimits) -> Option<Hash> {
        let longest = limits.listpack_value.min(ELEMENT_BYTES_MAX);
        if words.len() / 2 > limits.listpack_entries || !words.iter().all(|word| word.fits(longest)) {
            return None;
        }
        let packed: Vec<Packed> = words.iter().map(|word| Packed::of(*word)).collect();
        differ(packed.iter().step_by(2), |name| limits.hasher.key(name)).then_some(())?;
        Some(Hash(Either::small(Chunk::of(&packed, true)?)))
    }
}

// --- What is changed

/// In Redis no listpack is larger.
const LISTED_BYTES_MAX: usize = 1 << 30;
const LONG: usize = 1 << 20;

impl Hash {
    /// Fields are to be set, so many of them, of these words: Redis judges by that, before it sets them.
    #[inline]
    pub fn expect<'a>(&mut self, fields: usize, mut words: impl Iterator<Item = &'a [u8]>, limits: &HashLimits) {
        if self.kind() == Encoding::Hashtable {
            return;
        }
        let mut bytes = 0;
        let mut is_long = |word: &[u8]| {
            bytes += word.len();
            word.len() > limits.listpack_value
        };
        // (Only with an odd setting can few words of a good length be so much.)
        if fields > limits.listpack_entries
            || words.any(&mut is_long)
            || limits.listpack_value > LONG && self.heap_bytes() + bytes > LISTED_BYTES_MAX
        {
            self.tabulate(Encoding::Hashtable, limits);
        }
    }

    /// False: it was there already.
    #[inline]
    pub fn set(&mut self, name: &[u8], value: &[u8], expiry: FieldExpiry, now_ms: i64, limits: &HashLimits) -> bool {
        if let Side::Large(large) = self.0.get_mut()
            && large.encoding == Encoding::Hashtable
        {
            return large.set(name, value, expiry, now_ms);
        }
        self.set_listed(name, value, expiry, now_ms, limits)
    }

    fn set_listed(&mut self, name: &[u8], value: &[u8], expiry: FieldExpiry, now_ms: i64, limits: &HashLimits) -> bool {
        if name.len().max(value.len()) > limits.listpack_value {
            self.tabulate(Encoding::Hashtable, limits);
        }
        let expires = matches!(expiry, FieldExpiry::At(_));
        let is_new = match self.0.get_mut() {
            Side::Small(chunk) if !expires && value.len() <= ELEMENT_BYTES_MAX => {
                match set_in_row(chunk, name, value) {
                    Some(is_new) => is_new,
                    None => {
                        self.tabulate(Encoding::Listpack, limits);
                        return self.set_listed(name, value, expiry, now_ms, limits);
                    }
                }
            }
            Side::Small(_) => {
                self.tabulate(if expires { Encoding::ListpackEx } else { Encoding::Listpack }, limits);
                return self.set_listed(name, value, expiry, now_ms, limits);
            }
            Side::Large(large) => {
                if expires && large.encoding == Encoding::Listpack {
                    large.encoding = Encoding::ListpackEx;
                }
                large.set(name, value, expiry, now_ms)
            }
        };
        if self.len() > limits.listpack_entries {
            self.tabulate(Encoding::Hashtable, limits);
        }
        is_new
    }

    /// It has a table from now on, whatever Redis would have.
    #[cold]
    fn tabulate(&mut self, encoding: Encoding, limits: &HashLimits) {
        if let Side::Large(large) = self.0.get_mut() {
            large.encoding = encoding;
            return;
        }
        let mut fields = Dict::new(limits.hasher.clone());
        let (mut names, mut values) = (Digits::new(), Digits::new());
        for field in self.all() {
            assert!(fields.put(field.name.bytes(&mut names), field.value.bytes(&mut values), None), "all differ");
        }
        self.0 = Either::large(Box::new(Large { fields, encoding, due: Due::default() }));
    }

    /// False: it was not there, or its time had come.
    #[inline]
    pub fn remove(&mut self, name: &[u8], now_ms: i64) -> bool {
        match self.0.get_mut() {
            Side::Small(chunk) => {
                let found = place(chunk, name).map(|(at, _)| at);
                found.map(|at| chunk.remove(at..at + 2)).is_some()
            }
            Side::Large(large) => {
                let Some(place) = large.fields.find(name) else { return false };
                let was_live = Field::from(large.fields.at(place)).is_live(now_ms);
                large.remove_at(place, name);
                was_live
            }
        }
    }

    /// Fields are to expire: Redis judges by that, whether they are there or not.
    pub fn expect_expiry(&mut self, limits: &HashLimits) {
        if self.kind() == Encoding::Listpack && !self.is_empty() {
            self.tabulate(Encoding::ListpackEx, limits);
        }
    }

    /// Sets when a field that is there expires, if it does.
    pub fn expire(&mut self, name: &[u8], at_ms: Option<i64>, limits: &HashLimits) {
        match self.0.get() {
            Side::Small(_) if at_ms.is_none() => return,
            Side::Small(_) => self.tabulate(Encoding::ListpackEx, limits),
            Side::Large(large) if large.encoding == Encoding::Listpack => self.tabulate(Encoding::ListpackEx, limits),
            Side::Large(_) => {}
        }
        let Side::Large(large) = self.0.get_mut() else { unreachable!("it has a table") };
        let place = large.fields.find(name).expect("it is there");
        large.expire_at(place, name, at_ms);
    }

    /// Removes up to so many fields whose time has come, and shows their names. How many.
    pub fn lapse(&mut self, now_ms: i64, most: usize, show: &mut dyn FnMut(&[u8])) -> usize {
        let Side::Large(large) = self.0.get_mut() else { return 0 };
        let mut gone = 0;
        while gone < most
            && let Some((at_ms, hash)) = large.due.first()
            && at_ms <= now_ms
        {
            large.due.pop_first();
            if let Some(place) = large.fields.find_due(hash, at_ms) {
                show(large.fields.at(place).key.bytes(&mut Digits::new()));
                large.fields.remove_at(place);
                gone += 1;
            }
        }
        gone
    }

    pub fn check(&self) {
        if let Side::Large(large) = self.0.get() {
            large.fields.check();
            let mut due: Vec<(i64, u64)> = large
                .fields
                .iter()
                .filter_map(|record| {
                    Some((record.expires_ms?, large.fields.hash(record.key.bytes(&mut Digits::new()))))
                })
                .collect();
            due.sort_unstable();
            assert!(large.due.iter().eq(due));
        }
        assert_eq!(self.all().count(), self.len());
    }
}

/// Whether it is new; None: it has no room for it.
#[inline]
fn set_in_row(chunk: &mut Chunk, name: &[u8], value: &[u8]) -> Option<bool> {
    let packed = Packed::new(value);
    if let Some((at, _)) = place(chunk, name) {
        return chunk.replace(at + 1, &packed).then_some(false);
    }
    let fits = name.len() <= ELEMENT_BYTES_MAX && chunk.insert(chunk.len(), &[Packed::new(name), packed]);
    fits.then_some(true)
}

impl Large {
    fn set(&mut self, name: &[u8], value: &[u8], expiry: FieldExpiry, now_ms: i64) -> bool {
        let at_ms = |old_ms: Option<i64>| match expiry {
            FieldExpiry::Never => None,
            FieldExpiry::Keep => old_ms,
            FieldExpiry::At(at_ms) => Some(at_ms),
        };
        let (hash, place) = self.fields.search(name);
        let (old_ms, new_ms, is_new) = match place {
            Some(place) => {
                let is_live = |at_ms: &i64| *at_ms > now_ms;
                let (old_ms, new_ms) = self.fields.update(place, value, |old_ms| at_ms(old_ms.filter(is_live)));
                (old_ms, new_ms, old_ms.is_some_and(|at_ms| !is_live(&at_ms)))
            }
            None => {
                let new_ms = at_ms(None);
                self.fields.insert(hash, name, value, new_ms);
                (None, new_ms, true)
            }
        };
        self.moved(hash, old_ms, new_ms);
        is_new
    }

    #[inline]
    fn moved(&mut self, hash: u64, old_ms: Option<i64>, new_ms: Option<i64>) {
        if old_ms != new_ms {
            old_ms.map(|at_ms| self.due.remove(at_ms, hash));
            new_ms.map(|at_ms| self.due.insert(at_ms, hash));
        }
    }

    fn expire_at(&mut self, place: Place, name: &[u8], at_ms: Option<i64>) {
        let old_ms = self.fields.at(place).expires_ms;
        self.fields.expire_at(place, at_ms);
        self.moved(self.fields.hash(name), old_ms, at_ms);
    }

    fn remove_at(&mut self, place: Place, name: &[u8]) {
        if let Some(at_ms) = self.fields.at(place).expires_ms {
            self.due.remove(at_ms, self.fields.hash(name));
        }
        self.fields.remove_at(place);
    }
}
