//! Values as bytes. The forms are chosen such that Redis 7.0 loads them: small collections as listpacks and intsets, sets of
//! strings and large ones element by element. Only hashes with fields that expire need a form of Redis 8.0. What is
//! written goes on to the sink as it is made; no more than one row or string is held.
use super::listpack::Listpack;
use super::lzf::Packer;
use super::types;
use crate::base::number;
use crate::store::structure::listpack_size;
use crate::store::text::Digits;
use crate::store::value::hash::Field;
use crate::store::value::list::{Element, Fill};
use crate::store::{Collection, Hash, List, Set, SortedSet, Text, Value};

/// Where bytes go. One that fails remembers that, and takes what comes; its owner asks it.
pub trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn put(&mut self, bytes: &[u8]) {
        (**self).put(bytes);
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// `rdbcompression`: long strings are tried to be made shorter.
    pub compress: bool,
    /// `list-max-listpack-size`: how long lists are cut.
    pub fill: Fill,
}

/// A longer row is written element by element, so that none has to be held whole. (It is read as the same.)
const ROW_BYTES_MAX: usize = 1 << 20;
/// Shorter strings do not become shorter.
const PACKED_BYTES_MIN: usize = 21;
/// No integer that is kept as one has more characters.
const INTEGER_BYTES_MAX: usize = 11;

pub struct Encoder {
    options: Options,
    packer: Packer,
    row: Listpack,
    text: Vec<u8>,
}

/// Which number stands for its form.
pub fn type_of(value: &Value, now_ms: i64) -> u8 {
    match value {
        Value::String(_) => types::STRING,
        Value::List(_) => types::LIST_QUICKLIST_2,
        Value::Set(set) if set.encoding() == "intset" && set.len() * 8 <= ROW_BYTES_MAX => types::SET_INTSET,
        Value::Set(_) => types::SET,
        Value::SortedSet(set)
            if set.encoding() == "listpack" && (is_surely_short(set.heap_bytes()) || is_short_row(set)) =>
        {
            types::ZSET_LISTPACK
        }
        Value::SortedSet(_) => types::ZSET_2,
        Value::Hash(hash) => {
            let is_row = hash.encoding() != "hashtable"
                && (is_surely_short(hash.heap_bytes()) || is_short(hash.iter(now_ms).flat_map(words)));
            match (earliest_ms(hash, now_ms), is_row) {
                (Some(_), true) => types::HASH_LISTPACK_EX,
                (Some(_), false) => types::HASH_METADATA,
                (None, true) => types::HASH_LISTPACK,
                (None, false) => types::HASH,
            }
        }
    }
}

/// It is a collection without elements: its fields have all expired.
pub fn is_empty(value: &Value, now_ms: i64) -> bool {
    matches!(value, Value::Hash(hash) if hash.len_at(now_ms) == 0)
}

/// In a row it takes no more than four times its bytes here, so that most need not be looked at one by one.
fn is_surely_short(heap_bytes: usize) -> bool {
    heap_bytes <= ROW_BYTES_MAX / 4
}

fn is_short<'a>(elements: impl Iterator<Item = Element<'a>>) -> bool {
    let mut bytes = listpack_size::EMPTY;
    elements.map(|element| element.listpack_size()).all(|size| {
        bytes += size;
        bytes <= ROW_BYTES_MAX
    })
}

fn is_short_row(set: &SortedSet) -> bool {
    let mut bytes = listpack_size::EMPTY;
    set.visit(0..set.len(), false, |member, _| {
        bytes += member.listpack_size();
        bytes <= ROW_BYTES_MAX
    });
    bytes <= ROW_BYTES_MAX
}

fn words(field: Field<'_>) -> [Element<'_>; 2] {
    [field.name, field.value]
}

fn earliest_ms(hash: &Hash, now_ms: i64) -> Option<i64> {
    // When none has a moment of expiry, that is known without a look at each.
    hash.due_ms()?;
    hash.iter(now_ms).filter_map(|field| field.expires_ms).min()
}

// --- Numbers and strings

pub fn put_length(length: u64, to: &mut dyn Sink) {
    match length {
        0..0x40 => to.put(&[length as u8]),
        0x40..0x4000 => to.put(&[0x40 | (length >> 8) as u8, length as u8]),
        _ => match u32::try_from(length) {
            Ok(short) => {
                to.put(&[0x80]);
                to.put(&short.to_be_bytes());
            }
            Err(_) => {
                to.put(&[0x81]);
                to.put(&length.to_be_bytes());
            }
        },
    }
}

/// False: it is not written, for it takes more than four bytes.
fn put_integer(integer: i64, to: &mut dyn Sink) -> bool {
    let bytes = integer.to_le_bytes();
    if let Ok(short) = i8::try_from(integer) {
        to.put(&[0xc0, short as u8]);
    } else if i16::try_from(integer).is_ok() {
        to.put(&[0xc1, bytes[0], bytes[1]]);
    } else if i32::try_from(integer).is_ok() {
        to.put(&[0xc2, bytes[0], bytes[1], bytes[2], bytes[3]]);
    } else {
        return false;
    }
    true
}

fn put_plain(bytes: &[u8], to: &mut dyn Sink) {
    put_length(bytes.len() as u64, to);
    to.put(bytes);
}

impl Encoder {
    pub fn new(options: Options) -> Encoder {
        Encoder::with(options, Packer::default())
    }

    /// With a packer that has been used before.
    pub fn with(options: Options, packer: Packer) -> Encoder {
        Encoder { options, packer, row: Listpack::default(), text: vec![] }
    }

    pub fn into_packer(self) -> Packer {
        self.packer.emptied()
    }

    pub fn string(&mut self, bytes: &[u8], to: &mut dyn Sink) {
        if bytes.len() <= INTEGER_BYTES_MAX
            && let Some(integer) = number::integer(bytes)
            && put_integer(integer, to)
        {
            return;
        }
        put_blob(bytes, self.options.compress.then_some(&mut self.packer), to);
    }

    fn element(&mut self, element: Element, to: &mut dyn Sink) {
        match element {
            Element::Integer(integer) if put_integer(integer, to) => {}
            _ => self.string(element.bytes(&mut Digits::new()), to),
        }
    }

    /// The row that was written last.
    fn row(&mut self, to: &mut dyn Sink) {
        put_blob(self.row.finish(), self.options.compress.then_some(&mut self.packer), to);
        self.row.clear();
    }
}

fn put_blob(bytes: &[u8], packer: Option<&mut Packer>, to: &mut dyn Sink) {
    let packed = packer.filter(|_| bytes.len() >= PACKED_BYTES_MIN).and_then(|packer| packer.pack(bytes));
    let Some(packed) = packed else { return put_plain(bytes, to) };
    to.put(&[0xc3]);
    put_length(packed.len() as u64, to);
    put_length(bytes.len() as u64, to);
    to.put(packed);
}

// --- Values

impl Encoder {
    /// In the form that `type_of` has named.
    pub fn value(&mut self, form: u8, value: &Value, now_ms: i64, to: &mut dyn Sink) {
        match value {
            Value::String(Text::Integer(integer)) => self.element(Element::Integer(*integer), to),
            Value::String(text) => self.string(text.bytes(&mut Digits::new()), to),
            Value::List(list) => self.list(list, to),
            Value::Set(set) if form == types::SET_INTSET => self.intset(set, to),
            Value::Set(set) => {
                put_length(set.len() as u64, to);
                set.iter().for_each(|member| self.element(member, to));
            }
            Value::SortedSet(set) => self.sorted_set(form, set, to),
            Value::Hash(hash) => self.hash(form, hash, now_ms, to),
        }
    }

    /// As a row of rows, cut as Redis cuts them. An element that is too long for a row stands alone, as it is.
    fn list(&mut self, list: &List, to: &mut dyn Sink) {
        let fill = self.options.fill;
        let nodes = if fill.exceeds(list.listpack_bytes(), list.len()) {
            let mut cut = Cut::new(fill);
            list.iter().filter(|element| cut.begins_node(element)).count()
        } else {
            1
        };
        put_length(nodes as u64, to);
        let mut cut = Cut::new(fill);
        for element in list.iter() {
            if cut.begins_node(&element) && self.row.len() > 0 {
                put_length(types::NODE_PACKED, to);
                self.row(to);
            }
            if cut.is_alone {
                put_length(types::NODE_PLAIN, to);
                put_blob(element.bytes(&mut Digits::new()), self.options.compress.then_some(&mut self.packer), to);
            } else {
                self.row.push(element);
            }
        }
        if self.row.len() > 0 {
            put_length(types::NODE_PACKED, to);
            self.row(to);
        }
    }

    fn intset(&mut self, set: &Set, to: &mut dyn Sink) {
        let mut integers: Vec<i64> = set
            .iter()
            .map(|member| match member {
                Element::Integer(integer) => integer,
                Element::Bytes(bytes) => number::integer(bytes).expect("an intset has integers"),
            })
            .collect();
        integers.sort_unstable();
        let fit = |width: u32| integers.iter().all(|integer| *integer << (64 - width) >> (64 - width) == *integer);
        let width = [16, 32].into_iter().find(|width| fit(*width)).unwrap_or(64) as usize / 8;
        self.text.clear();
        self.text.extend((width as u32).to_le_bytes());
        self.text.extend((integers.len() as u32).to_le_bytes());
        integers.iter().for_each(|integer| self.text.extend_from_slice(&integer.to_le_bytes()[..width]));
        put_blob(&self.text, self.options.compress.then_some(&mut self.packer), to);
    }

    fn sorted_set(&mut self, form: u8, set: &SortedSet, to: &mut dyn Sink) {
        if form == types::ZSET_2 {
            put_length(set.len() as u64, to);
            // From the greatest on, as Redis wants them.
            set.visit(0..set.len(), true, |member, score| {
                self.element(member, to);
                to.put(&score.to_le_bytes());
                true
            });
            return;
        }
        set.visit(0..set.len(), false, |member, score| {
            self.row.push(packed(member));
            self.text.clear();
            number::print_float(score, &mut self.text);
            self.row.push(cell(&self.text));
            true
        });
        self.row(to);
    }

    fn hash(&mut self, form: u8, hash: &Hash, now_ms: i64, to: &mut dyn Sink) {
        let earliest_ms = earliest_ms(hash, now_ms);
        if let Some(at_ms) = earliest_ms {
            to.put(&at_ms.to_le_bytes());
        }
        match form {
            types::HASH_LISTPACK => {
                hash.iter(now_ms).flat_map(words).for_each(|word| self.row.push(packed(word)));
                self.row(to);
            }
            types::HASH_LISTPACK_EX => {
                let mut fields: Vec<Field> = hash.iter(now_ms).collect();
                // Those that never expire are the last.
                fields.sort_by_key(|field| field.expires_ms.unwrap_or(i64::MAX));
                for field in fields {
                    words(field).into_iter().for_each(|word| self.row.push(packed(word)));
                    self.row.push(Element::Integer(field.expires_ms.unwrap_or(0)));
                }
                self.row(to);
            }
            _ => {
                put_length(hash.len_at(now_ms) as u64, to);
                for field in hash.iter(now_ms) {
                    if let Some(earliest_ms) = earliest_ms {
                        put_length(field.expires_ms.map_or(0, |at_ms| (at_ms - earliest_ms) as u64 + 1), to);
                    }
                    words(field).into_iter().for_each(|word| self.element(word, to));
                }
            }
        }
    }
}

/// As a row keeps it, wherever it was kept.
fn packed(element: Element<'_>) -> Element<'_> {
    if let Element::Bytes(bytes) = element { cell(bytes) } else { element }
}

/// As a row keeps it: as an integer if it is one.
fn cell(bytes: &[u8]) -> Element<'_> {
    number::integer(bytes).map_or(Element::Bytes(bytes), Element::Integer)
}

/// Where a list is cut into nodes.
struct Cut {
    fill: Fill,
    bytes: usize,
    count: usize,
    /// The element that was seen last is too long for a row. Never for its number: a short one may be empty, and Redis takes
    /// no empty element that stands alone.
    is_alone: bool,
}

impl Cut {
    fn new(fill: Fill) -> Cut {
        Cut { fill, bytes: 0, count: 0, is_alone: true }
    }

    fn begins_node(&mut self, element: &Element) -> bool {
        let size = element.listpack_size();
        let was_alone = std::mem::replace(&mut self.is_alone, self.fill.exceeds(listpack_size::EMPTY + size, 0));
        let begins = was_alone || self.is_alone || self.fill.exceeds(self.bytes + size, self.count + 1);
        if begins {
            (self.bytes, self.count) = (listpack_size::EMPTY, 0);
        }
        self.bytes += size;
        self.count += 1;
        begins
    }
}
