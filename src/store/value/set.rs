//! Sets: a few members as a row of strings or of integers, many in a table. When Redis would give one another encoding is
//! kept apart from that: OBJECT ENCODING says intset, listpack or hashtable by Redis's thresholds.
#[cfg(test)]
mod tests;

use super::{Collection, Walk};
use crate::base::number;
use crate::store::database::KeyHasher;
use crate::store::structure::chunk::{self, Chunk, ELEMENT_BYTES_MAX, Packed, differ};
use crate::store::structure::dict::{self, Dict};
use crate::store::structure::either::{Either, Side, Twin};
use crate::store::structure::index::Index;
use crate::store::structure::intset::Intset;
use crate::store::text::Digits;
pub use chunk::Element;

#[derive(Clone, Default)]
pub struct Set(Either<Twin<Chunk, Intset>, Large>);

/// One of so many of a table's members are much.
const MUCH: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Intset,
    Listpack,
    Hashtable,
}

/// `set-max-*`, and how members hash.
#[derive(Clone)]
pub struct SetLimits {
    pub intset_entries: usize,
    pub listpack_entries: usize,
    pub listpack_value: usize,
    pub hasher: KeyHasher,
}

#[derive(Clone)]
struct Large {
    members: Dict<false>,
    encoding: Encoding,
}

/// What a set is, as it is looked at.
enum Form<'a> {
    Row(&'a Chunk),
    Integers(&'a Intset),
    Table(&'a Large),
}

enum FormMut<'a> {
    Row(&'a mut Chunk),
    Integers(&'a mut Intset),
    Table(&'a mut Large),
}

impl Collection for Set {
    const TYPE: &'static str = "set";

    fn encoding(&self) -> &'static str {
        match self.kind() {
            Encoding::Intset => "intset",
            Encoding::Listpack => "listpack",
            Encoding::Hashtable => "hashtable",
        }
    }

    #[inline]
    fn len(&self) -> usize {
        match self.form() {
            Form::Row(chunk) => chunk.len(),
            Form::Integers(integers) => integers.len(),
            Form::Table(large) => large.members.len(),
        }
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        match self.form() {
            Form::Row(chunk) => chunk.heap_bytes(),
            Form::Integers(integers) => integers.heap_bytes(),
            Form::Table(large) => size_of::<Large>() + large.members.heap_bytes(),
        }
    }

    fn pieces(&self) -> usize {
        if let Form::Table(large) = self.form() { large.members.pieces() } else { 1 }
    }

    fn shed(&mut self, most: usize) -> bool {
        if let FormMut::Table(large) = self.form_mut() { large.members.shed(most) } else { false }
    }

    #[inline]
    fn index(&self) -> Option<&dyn Index> {
        if let Form::Table(large) = self.form() { Some(&large.members) } else { None }
    }
}

// --- What is made of others

impl Set {
    /// One of these members, which all differ, as if they had been added one by one.
    pub fn of(members: &[Element], limits: &SetLimits) -> Set {
        let (mut set, mut digits) = (Set::default(), Digits::new());
        if members.len() > limits.entries_max() {
            set = Set::table(Dict::with_room(limits.hasher.clone(), members.len()), Encoding::Hashtable);
        }
        for member in members {
            match (set.form_mut(), *member) {
                // An integer is not printed to be read again.
                (FormMut::Integers(integers), Element::Integer(integer))
                    if integers.has_room() && integers.len() < limits.intset_entries =>
                {
                    integers.insert(integer);
                }
                _ => _ = set.add(member.bytes(&mut digits), limits),
            }
        }
        set
    }

    /// One of these members as a row of strings, at one go. `None`: it would be none, or a member may be there twice; then
    /// they are to be added one by one.
    pub fn of_row(members: &[Element], limits: &SetLimits) -> Option<Set> {
        let longest = limits.listpack_value.min(ELEMENT_BYTES_MAX);
        if members.len() > limits.listpack_entries || !members.iter().all(|member| member.fits(longest)) {
            return None;
        }
        let packed: Vec<Packed> = members.iter().map(|member| Packed::of(*member)).collect();
        differ(packed.iter(), |member| limits.hasher.key(member)).then_some(())?;
        Some(Set(Either::small(Twin::first(Chunk::of(&packed, false)?))))
    }

    /// One of integers of so many bytes each, as Redis has them: the caller has seen that they ascend. `None`: they are none,
    /// or too many for a row; then they are to be added one by one.
    pub fn of_integers(width: usize, integers: &[u8], limits: &SetLimits) -> Option<Set> {
        let fits = integers.len() / width <= limits.intset_entries;
        Some(Set(Either::small(Twin::second(Intset::of(width, integers).filter(|_| fits)?))))
    }

    fn table(members: Dict<false>, encoding: Encoding) -> Set {
        Set(Either::large(Box::new(Large { members, encoding })))
    }

    /// One of the same members, as if they had been added one by one.
    pub fn anew(&self, limits: &SetLimits) -> Set {
        match self.form() {
            Form::Table(large) if self.len() > limits.entries_max() => {
                Set::table(large.members.clone(), Encoding::Hashtable)
            }
            _ => Set::of(&self.iter().collect::<Vec<_>>(), limits),
        }
    }
}

impl SetLimits {
    /// With more members it is a hashtable, whatever they are.
    pub fn entries_max(&self) -> usize {
        self.intset_entries.max(self.listpack_entries)
    }
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

// --- What is seen

impl Set {
    #[inline]
    fn form(&self) -> Form<'_> {
        match self.0.get() {
            Side::Large(large) => Form::Table(large),
            Side::Small(small) => match small.get() {
                Side::Small(chunk) => Form::Row(chunk),
                Side::Large(integers) => Form::Integers(integers),
            },
        }
    }

    #[inline]
    fn form_mut(&mut self) -> FormMut<'_> {
        match self.0.get_mut() {
            Side::Large(large) => FormMut::Table(large),
            Side::Small(small) => match small.get_mut() {
                Side::Small(chunk) => FormMut::Row(chunk),
                Side::Large(integers) => FormMut::Integers(integers),
            },
        }
    }

    fn is_large(&self) -> bool {
        matches!(self.form(), Form::Table(_))
    }

    #[inline]
    fn kind(&self) -> Encoding {
        match self.form() {
            Form::Row(_) => Encoding::Listpack,
            Form::Integers(_) => Encoding::Intset,
            Form::Table(large) => large.encoding,
        }
    }

    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        match self.form() {
            Form::Row(chunk) => place(chunk, member).is_some(),
            Form::Integers(integers) => number::integer(member).is_some_and(|integer| integers.search(integer).is_ok()),
            Form::Table(large) => large.members.find(member).is_some(),
        }
    }

    /// The same of one that another set has, where one after the other is looked for: `near` is 0 at first, and tells then
    /// where the one before is.
    #[inline]
    pub fn has(&self, member: &Element, near: &mut usize) -> bool {
        match (self.form(), member) {
            (Form::Integers(integers), Element::Integer(integer)) => integers.search_on(near, *integer),
            _ => self.contains(member.bytes(&mut Digits::new())),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        let (row, integers, table) = match self.form() {
            Form::Row(chunk) => (Some(chunk.iter()), None, None),
            Form::Integers(integers) => (None, Some(integers.iter()), None),
            Form::Table(large) => (None, None, Some(large.members.iter())),
        };
        let integers = integers.into_iter().flatten().map(Element::Integer);
        let table = table.into_iter().flatten().map(|record| record.key);
        row.into_iter().flatten().chain(integers).chain(table)
    }

    /// Some member, all equally likely.
    pub fn random(&self, chance: &mut dyn FnMut() -> u64) -> Option<Element<'_>> {
        let below = |len: usize, chance: &mut dyn FnMut() -> u64| Some(chance().checked_rem(len as u64)? as usize);
        match self.form() {
            Form::Row(chunk) => chunk.from(below(chunk.len(), chance)?).next(),
            Form::Integers(integers) => integers.get(below(integers.len(), chance)?).map(Element::Integer),
            Form::Table(large) => large.members.random(chance).map(|place| large.members.at(place).key),
        }
    }

    /// Members in hash order: about `count`, and the cursor of the next call. One that Redis keeps in
    /// a row comes whole.
    pub fn scan(&self, walk: &Walk, count: usize, visit: &mut dyn FnMut(Element)) -> Option<u64> {
        match self.form() {
            Form::Table(large) => {
                let count = if large.encoding == Encoding::Hashtable { count } else { usize::MAX };
                large.members.scan(walk.cursor, count, &mut |record| visit(record.key))
            }
            _ => {
                let mut digits = Digits::new();
                let mut is_ahead =
                    |member: &Element| walk.is_ahead(|hasher| dict::hash_of_member(hasher, member.bytes(&mut digits)));
                self.iter().filter(|member| is_ahead(member)).for_each(visit);
                None
            }
        }
    }
}

#[inline]
fn place(chunk: &Chunk, member: &[u8]) -> Option<usize> {
    if member.len() > ELEMENT_BYTES_MAX {
        return None;
    }
    chunk.search(&Packed::new(member), 1).map(|(at, _)| at)
}

// --- What is changed

impl Set {
    /// So many members are to be added, the first of which is this: Redis judges by that, before it adds them.
    pub fn expect(&mut self, first: &[u8], count: usize, limits: &SetLimits) {
        let is_new = self.is_empty();
        let is_integers = if is_new { number::integer(first).is_some() } else { self.kind() == Encoding::Intset };
        if is_integers && count <= limits.intset_entries {
            return;
        }
        if count > limits.listpack_entries || is_integers && !is_new {
            self.tabulate(Encoding::Hashtable, limits);
        } else if is_new && is_integers {
            // So many integers begin as strings.
            self.tabulate(Encoding::Listpack, limits);
        }
    }

    /// False: it is there already.
    #[inline]
    pub fn add(&mut self, member: &[u8], limits: &SetLimits) -> bool {
        match self.form_mut() {
            FormMut::Table(large) if large.encoding == Encoding::Hashtable => return large.members.add(member),
            FormMut::Row(chunk) if !chunk.is_empty() => {
                if place(chunk, member).is_some() {
                    return false;
                }
                if chunk.len() < limits.listpack_entries && member.len() <= limits.listpack_value {
                    self.append(member, limits);
                    return true;
                }
            }
            _ => return self.add_rarely(member, limits),
        }
        self.tabulate(Encoding::Hashtable, limits);
        self.add(member, limits)
    }

    /// To a set of integers, an empty one, or one that Redis would keep in another form.
    fn add_rarely(&mut self, member: &[u8], limits: &SetLimits) -> bool {
        let is_new = self.is_empty();
        match (self.kind(), number::integer(member)) {
            (Encoding::Intset, Some(integer)) => {
                let added = self.add_integer(integer, member, limits);
                if self.len() > limits.intset_entries {
                    self.tabulate(Encoding::Hashtable, limits);
                }
                return added;
            }
            (Encoding::Listpack, Some(integer)) if is_new && limits.intset_entries >= 1 && !self.is_large() => {
                let mut integers = Intset::default();
                integers.insert(integer);
                self.0 = Either::small(Twin::second(integers));
                return true;
            }
            (Encoding::Intset, None) => {
                let longest = self.iter().map(|element| element.bytes(&mut Digits::new()).len()).max().unwrap_or(0);
                let fits = self.len() < limits.listpack_entries && longest.max(member.len()) <= limits.listpack_value;
                self.enlist(fits, limits);
            }
            // A row that is one of the table's: Redis has a listpack still.
            _ if self.contains(member) => return false,
            _ if self.len() < limits.listpack_entries && member.len() <= limits.listpack_value => {}
            _ => self.tabulate(Encoding::Hashtable, limits),
        }
        self.append(member, limits);
        true
    }

    /// False: it is there already.
    fn add_integer(&mut self, integer: i64, member: &[u8], limits: &SetLimits) -> bool {
        if let FormMut::Integers(integers) = self.form_mut()
            && integers.has_room()
        {
            return integers.insert(integer);
        }
        if self.contains(member) {
            return false;
        }
        self.tabulate(Encoding::Intset, limits);
        self.append(member, limits);
        true
    }

    /// Adds what is not there yet, in the form that it has, if there is room.
    fn append(&mut self, member: &[u8], limits: &SetLimits) {
        let fits = match self.form_mut() {
            FormMut::Row(chunk) => member.len() <= ELEMENT_BYTES_MAX && chunk.push_back(&Packed::new(member), false),
            FormMut::Integers(_) => false,
            FormMut::Table(large) => large.members.add(member),
        };
        if !fits {
            self.tabulate(Encoding::Listpack, limits);
            self.append(member, limits);
        }
    }

    /// Integers become strings.
    fn enlist(&mut self, fits: bool, limits: &SetLimits) {
        let mut chunk = Chunk::default();
        let mut digits = Digits::new();
        if !fits {
            return self.tabulate(Encoding::Hashtable, limits);
        }
        if self.iter().all(|element| chunk.push_back(&Packed::new(element.bytes(&mut digits)), false)) {
            self.0 = Either::small(Twin::first(chunk));
        } else {
            self.tabulate(Encoding::Listpack, limits);
        }
    }

    /// It has a table from now on, whatever Redis would have.
    #[cold]
    fn tabulate(&mut self, encoding: Encoding, limits: &SetLimits) {
        if let FormMut::Table(large) = self.form_mut() {
            large.encoding = encoding;
            return;
        }
        let mut members = Dict::new(limits.hasher.clone());
        let mut digits = Digits::new();
        self.iter().for_each(|element| assert!(members.add(element.bytes(&mut digits)), "all differ"));
        *self = Set::table(members, encoding);
    }

    /// False: it was not there.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match self.form_mut() {
            FormMut::Row(chunk) => {
                let found = place(chunk, member);
                found.map(|at| chunk.remove(at..at + 1)).is_some()
            }
            FormMut::Integers(integers) => number::integer(member).is_some_and(|integer| integers.remove(integer)),
            FormMut::Table(large) => large.members.remove(member),
        }
    }

    /// Takes a member away by chance, and shows it.
    #[inline]
    pub fn pop<R>(&mut self, chance: &mut dyn FnMut() -> u64, show: impl FnOnce(Element) -> R) -> Option<R> {
        let len = self.len();
        let at = |chance: &mut dyn FnMut() -> u64| (chance() % len as u64) as usize;
        match self.form_mut() {
            _ if len == 0 => None,
            FormMut::Row(chunk) => {
                let at = at(chance);
                let shown = show(chunk.from(at).next()?);
                chunk.remove(at..at + 1);
                Some(shown)
            }
            FormMut::Integers(integers) => {
                let at = at(chance);
                let shown = show(Element::Integer(integers.get(at)?));
                integers.remove_at(at);
                Some(shown)
            }
            FormMut::Table(large) => {
                let place = large.members.random(chance)?;
                let shown = show(large.members.at(place).key);
                large.members.remove_at(place);
                Some(shown)
            }
        }
    }

    /// Takes so many members away by chance, and shows them. Of a table of which much goes, what stays is put into a new one,
    /// which is soonest done: what was is returned, to be freed.
    pub fn pop_many(
        &mut self,
        count: usize,
        chance: &mut dyn FnMut() -> u64,
        limits: &SetLimits,
        mut show: impl FnMut(Element),
    ) -> Option<Set> {
        match self.form() {
            Form::Table(large) if count > self.len() / MUCH => {
                let mut left = self.len();
                let mut members = Dict::with_room(limits.hasher.clone(), left - count);
                let (mut wanted, mut digits) = (count, Digits::new());
                for member in self.iter() {
                    // Each goes as likely as so many of those left are wanted.
                    if chance() % (left as u64) < wanted as u64 {
                        show(member);
                        wanted -= 1;
                    } else {
                        members.add(member.bytes(&mut digits));
                    }
                    left -= 1;
                }
                let encoding = large.encoding;
                Some(std::mem::replace(self, Set::table(members, encoding)))
            }
            _ => {
                (0..count).for_each(|_| _ = self.pop(chance, &mut show));
                None
            }
        }
    }

    /// What is left of one of which SPOP took most: Redis makes a new one of it, which is a table no more.
    pub fn settle(&mut self, limits: &SetLimits) {
        if self.kind() == Encoding::Hashtable && self.len() <= limits.listpack_entries {
            let old = std::mem::take(self);
            let mut digits = Digits::new();
            let members = || old.iter().map(|element| element.bytes(&mut Digits::new()).len());
            if members().any(|length| length > limits.listpack_value) {
                *self = old;
                return;
            }
            for element in old.iter() {
                self.append(element.bytes(&mut digits), limits);
            }
        }
    }

    pub fn check(&self) {
        if let Form::Table(large) = self.form() {
            large.members.check();
        }
        assert_eq!(self.iter().count(), self.len());
        assert!(self.iter().all(|element| self.contains(element.bytes(&mut Digits::new()))));
    }
}
