//! Values from bytes, in every form that Redis has written since 2.4. Nothing is believed: a value is handed out when each
//! of its bytes has been looked at, no element is there twice, and what must be in order is. A collection gets the encoding
//! that Redis would give it here and now.
use super::cells::Cells;
use super::growing::Growing;
use super::input::{Input, Source};
use super::listpack;
use super::loaded::{Limits, Loaded};
use super::trouble::{Trouble, What};
use super::{types, ziplist};
use crate::base::number;
use crate::store::structure::chunk::CHUNK_BYTES_MAX;
use crate::store::text::Digits;
use crate::store::value::hash::{EXPIRY_MS_MAX, FieldExpiry};
use crate::store::value::list::{Element, End};
use crate::store::{Collection, Hash, HashLimits, List, Set, SortedSet};

/// Fields are judged by no moment: whatever their time, they are there, and none is there twice.
const ALWAYS_MS: i64 = 0;

pub struct Decoder<'l> {
    pub limits: &'l Limits,
    /// Of the file, or the payload.
    pub version: u32,
}

/// A row that is kept in one piece.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    Listpack,
    Ziplist,
}

impl Decoder<'_> {
    /// The value of this type that stands next.
    pub fn value<S: Source>(&self, form: u8, input: &mut Input<S>) -> Result<Loaded, Trouble> {
        match Growing::begin(self, form, input)? {
            Some(mut growing) => {
                growing.go_on(self, input, u64::MAX)?;
                growing.finish(self, input)
            }
            None => self.whole(form, input),
        }
    }

    /// The same of one that is written as a whole, in one string or a row.
    pub fn whole<S: Source>(&self, form: u8, input: &mut Input<S>) -> Result<Loaded, Trouble> {
        match form {
            types::STRING => Ok(match input.string()? {
                super::input::Written::Integer(integer) => Loaded::Integer(integer),
                super::input::Written::Bytes(bytes) => Loaded::String(bytes),
            }),
            types::LIST_ZIPLIST => self.list_of_one(input),
            types::SET_INTSET => self.set_of_integers(input),
            types::SET_LISTPACK => self.set_of_row(input),
            types::ZSET_ZIPLIST => self.sorted_set_of_row(Row::Ziplist, input),
            types::ZSET_LISTPACK => self.sorted_set_of_row(Row::Listpack, input),
            types::HASH_ZIPMAP => self.hash_of_zipmap(input),
            types::HASH_ZIPLIST => self.hash_of_row(Row::Ziplist, input),
            types::HASH_LISTPACK => self.hash_of_row(Row::Listpack, input),
            types::HASH_LISTPACK_EX | types::HASH_LISTPACK_EX_BEFORE => self.hash_row_with_moments(form, input),
            types::MODULE | types::MODULE_2 => Err(input.trouble(What::Module)),
            types::STREAM_LISTPACKS | types::STREAM_LISTPACKS_2 | types::STREAM_LISTPACKS_3 => {
                Err(input.trouble(What::Stream))
            }
            _ => Err(input.trouble(What::Type(form))),
        }
    }
}

pub(super) fn filled<T: Collection, S: Source>(collection: T, input: &Input<S>) -> Result<Loaded, Trouble> {
    if collection.is_empty() { Err(input.trouble(What::Empty)) } else { Ok(Loaded::of(collection)) }
}

/// All elements of a row that may become one chunk, which is made at one go of them. `None`: it is too long, or something is
/// wrong with it. Then it is to be read one by one, which tells what.
fn few<const N: usize>(row: Row, bytes: &[u8]) -> Option<Vec<Element<'_>>> {
    /// What a chunk holds takes at most three times as much in a row.
    const ROW_BYTES_MAX: usize = 3 * CHUNK_BYTES_MAX;
    if bytes.len() > ROW_BYTES_MAX {
        return None;
    }
    fn gather<'b>(cells: &mut Cells<'b>) -> Vec<Element<'b>> {
        let mut elements = Vec::with_capacity(cells.expected());
        elements.extend(cells);
        elements
    }
    let (elements, is_sound) = match row {
        Row::Listpack => {
            let mut cells = listpack::parse(bytes)?;
            (gather(&mut cells), cells.is_sound())
        }
        Row::Ziplist => {
            let mut list = ziplist::parse(bytes)?;
            (gather(&mut list.cells), list.is_sound())
        }
    };
    (is_sound && elements.len().is_multiple_of(N)).then_some(elements)
}

/// The elements of a row go to `each`, until it finds something wrong.
fn each_cell<S: Source>(
    row: Row,
    bytes: &[u8],
    input: &Input<S>,
    mut each: impl FnMut(Element<'_>) -> Result<(), What>,
) -> Result<(), Trouble> {
    each_of(row, bytes, input, |cells| cells.try_for_each(&mut each))
}

/// The same for elements that stand in groups of N.
fn each_group<'b, const N: usize, S: Source>(
    row: Row,
    bytes: &'b [u8],
    input: &Input<S>,
    mut each: impl FnMut([Element<'b>; N]) -> Result<(), What>,
) -> Result<(), Trouble> {
    each_of(row, bytes, input, |cells| {
        while let Some(first) = cells.next() {
            let mut group = [first; N];
            for other in &mut group[1..] {
                *other = cells.next().ok_or(What::Odd)?;
            }
            each(group)?;
        }
        Ok(())
    })
}

fn each_of<'b, S: Source>(
    row: Row,
    bytes: &'b [u8],
    input: &Input<S>,
    walk: impl FnOnce(&mut Cells<'b>) -> Result<(), What>,
) -> Result<(), Trouble> {
    let (walked, is_sound, malformed) = match row {
        Row::Listpack => {
            let mut cells = listpack::parse(bytes).ok_or_else(|| input.trouble(What::Listpack))?;
            (walk(&mut cells), cells.is_sound(), What::Listpack)
        }
        Row::Ziplist => {
            let mut list = ziplist::parse(bytes).ok_or_else(|| input.trouble(What::Ziplist))?;
            (walk(&mut list.cells), list.is_sound(), What::Ziplist)
        }
    };
    match walked {
        // A row that breaks off in a group is malformed first of all.
        Err(What::Odd) if !is_sound => Err(input.trouble(malformed)),
        Err(what) => Err(input.trouble(what)),
        Ok(()) if !is_sound => Err(input.trouble(malformed)),
        Ok(()) => Ok(()),
    }
}

// --- Lists

impl Decoder<'_> {
    fn list_of_one<S: Source>(&self, input: &mut Input<S>) -> Result<Loaded, Trouble> {
        let (bytes, mut list) = (input.string_bytes()?, List::default());
        push_row(&mut list, Row::Ziplist, &bytes, input)?;
        // Redis leaves it a row of rows, however short it is.
        self.list(list, false, input)
    }

    /// `is_one`: Redis would have one row of it, if that is not too long.
    pub(super) fn list<S: Source>(&self, mut list: List, is_one: bool, input: &Input<S>) -> Result<Loaded, Trouble> {
        let more = if is_one { 0 } else { usize::MAX / 2 };
        list.expect(more, 0, self.limits.list);
        filled(list, input)
    }
}

/// A row without elements adds none: such were written once.
pub(super) fn push_row<S: Source>(list: &mut List, row: Row, bytes: &[u8], input: &Input<S>) -> Result<(), Trouble> {
    if list.is_empty()
        && let Some(whole) = few::<1>(row, bytes).and_then(|elements| List::of_row(&elements))
    {
        *list = whole;
        return Ok(());
    }
    let mut digits = Digits::new();
    each_cell(row, bytes, input, |element| {
        list.push(End::Right, element.bytes(&mut digits));
        Ok(())
    })
}

// --- Sets

impl Decoder<'_> {
    fn set_of_integers<S: Source>(&self, input: &mut Input<S>) -> Result<Loaded, Trouble> {
        /// Bytes of each, and how many.
        const HEADER: usize = 8;
        let bytes = input.string_bytes()?;
        let malformed = input.trouble(What::Intset);
        let (header, body) = bytes.split_first_chunk::<HEADER>().ok_or(malformed)?;
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four")) as usize;
        let (width, length) = (word(0), word(4));
        if ![2, 4, 8].contains(&width) || width.checked_mul(length) != Some(body.len()) {
            return Err(malformed);
        }
        let ascend = match width {
            2 => ascend(body, i16::from_le_bytes),
            4 => ascend(body, i32::from_le_bytes),
            _ => ascend(body, i64::from_le_bytes),
        };
        if !ascend {
            return Err(input.trouble(What::Order));
        }
        if let Some(set) = Set::of_integers(width, body, &self.limits.set) {
            return Ok(Loaded::of(set));
        }
        let (mut set, mut digits) = (Set::default(), Digits::new());
        for integer in body.chunks_exact(width).map(listpack::signed) {
            set.add(digits.format(integer).as_bytes(), &self.limits.set);
        }
        filled(set, input)
    }

    fn set_of_row<S: Source>(&self, input: &mut Input<S>) -> Result<Loaded, Trouble> {
        let (bytes, mut limits, mut set) = (input.string_bytes()?, self.limits.set.clone(), Set::default());
        // It is a row, whatever its members are.
        (limits.intset_entries, limits.listpack_value) = (0, usize::MAX);
        if let Some(set) = few::<1>(Row::Listpack, &bytes).and_then(|members| Set::of_row(&members, &limits)) {
            return Ok(Loaded::of(set));
        }
        let mut digits = Digits::new();
        each_cell(Row::Listpack, &bytes, input, |member| {
            if set.add(member.bytes(&mut digits), &limits) { Ok(()) } else { Err(What::Duplicate) }
        })?;
        filled(set, input)
    }
}

/// Each of these integers is greater than the one before it.
fn ascend<const N: usize, T: PartialOrd>(bytes: &[u8], read: fn([u8; N]) -> T) -> bool {
    bytes.as_chunks().0.is_sorted_by(|one, other| read(*one) < read(*other))
}

// --- Sorted sets

impl Decoder<'_> {
    fn sorted_set_of_row<S: Source>(&self, row: Row, input: &mut Input<S>) -> Result<Loaded, Trouble> {
        let (bytes, mut limits, mut set) =
            (input.string_bytes()?, self.limits.sorted_set.clone(), SortedSet::default());
        // It is a row, however long its members are.
        limits.value = usize::MAX;
        let whole = few::<2>(row, &bytes).and_then(|words| ranked(&words));
        if let Some(set) = whole.and_then(|members| SortedSet::of_row(&members, &limits)) {
            return Ok(Loaded::of(set));
        }
        let (mut digits, mut last_digits) = (Digits::new(), Digits::new());
        let mut last: Option<(f64, Element)> = None;
        each_group(row, &bytes, input, |[member, score]| {
            let score = score_of(score).ok_or(What::Score)?;
            if let Some((before, other)) = last {
                let (name, other) = (member.bytes(&mut digits), other.bytes(&mut last_digits));
                if before > score || before == score && other > name {
                    return Err(What::Order);
                }
            }
            last = Some((score, member));
            let (old, _) = set.change(member.bytes(&mut digits), &limits, |_| Some(score));
            if old.is_none() { Ok(()) } else { Err(What::Duplicate) }
        })?;
        filled(set, input)
    }
}

/// Members with their scores, if they are in order.
fn ranked<'b>(words: &[Element<'b>]) -> Option<Vec<(f64, Element<'b>)>> {
    let (mut digits, mut last_digits) = (Digits::new(), Digits::new());
    let members = words.as_chunks().0.iter().map(|[member, score]| Some((score_of(*score)?, *member)));
    let members: Vec<(f64, Element)> = members.collect::<Option<_>>()?;
    let in_order = |(before, other): &(f64, Element), (score, member): &(f64, Element)| {
        before < score || before == score && other.bytes(&mut last_digits) <= member.bytes(&mut digits)
    };
    members.is_sorted_by(in_order).then_some(members)
}

/// A score as a row has it.
fn score_of(element: Element) -> Option<f64> {
    match element {
        Element::Integer(integer) => Some(integer as f64),
        Element::Bytes(bytes) => number::float(bytes).filter(|score| !score.is_nan()),
    }
}

// --- Hashes

/// A hash that is being read.
struct Fields<'l> {
    hash: Hash,
    limits: &'l HashLimits,
}

impl Fields<'_> {
    fn add(&mut self, name: &[u8], value: &[u8], at_ms: Option<i64>) -> Result<(), What> {
        set_field(&mut self.hash, name, value, at_ms, self.limits)
    }
}

/// Sets a field that must be new.
pub(super) fn set_field(
    hash: &mut Hash,
    name: &[u8],
    value: &[u8],
    at_ms: Option<i64>,
    limits: &HashLimits,
) -> Result<(), What> {
    let expiry = match at_ms {
        None => FieldExpiry::Never,
        Some(at_ms) if at_ms > ALWAYS_MS && at_ms <= EXPIRY_MS_MAX => FieldExpiry::At(at_ms),
        Some(_) => return Err(What::Expiry),
    };
    if hash.set(name, value, expiry, ALWAYS_MS, limits) { Ok(()) } else { Err(What::Duplicate) }
}

impl Decoder<'_> {
    fn fields(&self) -> Fields<'_> {
        Fields { hash: Hash::default(), limits: &self.limits.hash }
    }

    fn hash_of_zipmap<S: Source>(&self, input: &mut Input<S>) -> Result<Loaded, Trouble> {
        let (bytes, mut fields) = (input.string_bytes()?, self.fields());
        for (name, value) in ziplist::parse_zipmap(&bytes).ok_or_else(|| input.trouble(What::Zipmap))? {
            fields.add(name, value, None).map_err(|what| input.trouble(what))?;
        }
        filled(fields.hash, input)
    }

    fn hash_of_row<S: Source>(&self, row: Row, input: &mut Input<S>) -> Result<Loaded, Trouble> {
        let (bytes, mut limits) = (input.string_bytes()?, self.limits.hash.clone());
        // It is a row, however long its words are.
        limits.listpack_value = usize::MAX;
        if let Some(hash) = few::<2>(row, &bytes).and_then(|words| Hash::of_row(&words, &limits)) {
            return Ok(Loaded::of(hash));
        }
        let (mut names, mut values) = (Digits::new(), Digits::new());
        let mut fields = Fields { hash: Hash::default(), limits: &limits };
        each_group(row, &bytes, input, |[name, value]| {
            fields.add(name.bytes(&mut names), value.bytes(&mut values), None)
        })?;
        filled(fields.hash, input)
    }

    fn hash_row_with_moments<S: Source>(&self, form: u8, input: &mut Input<S>) -> Result<Loaded, Trouble> {
        if form == types::HASH_LISTPACK_EX {
            // The earliest of them, which the row says too.
            input.moment_ms()?;
        }
        let (bytes, mut limits) = (input.string_bytes()?, self.limits.hash.clone());
        limits.listpack_value = usize::MAX;
        let (mut names, mut values) = (Digits::new(), Digits::new());
        let mut fields = Fields { hash: Hash::default(), limits: &limits };
        let mut last_ms = 0;
        each_group(Row::Listpack, &bytes, input, |[name, value, moment]| {
            let Element::Integer(at_ms) = moment else { return Err(What::Expiry) };
            // Those that never expire are the last.
            let order = if at_ms == 0 { i64::MAX } else { at_ms };
            if order < last_ms {
                return Err(What::Order);
            }
            last_ms = order;
            fields.add(name.bytes(&mut names), value.bytes(&mut values), Some(at_ms).filter(|at_ms| *at_ms != 0))
        })?;
        fields.hash.expect_expiry(&limits);
        filled(fields.hash, input)
    }
}
