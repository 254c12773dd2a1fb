//! Ziplists and zipmaps, the rows of Redis before 7.0: they are read only, with every byte looked at.
//! (<https://github.com/redis/redis/blob/7.2/src/ziplist.c>, <https://github.com/redis/redis/blob/7.2/src/zipmap.c>)
use super::cells::Cells;
use super::listpack::signed;
use crate::store::value::list::Element;

/// Its bytes, where its last element is, how many there are.
const HEADER: usize = 10;
const END: u8 = 0xff;
/// What the header says of more elements than it can count.
const UNCOUNTED: u16 = u16::MAX;
/// From here on a length takes more than this byte.
const BIG: u8 = 254;

pub struct Ziplist<'a> {
    pub cells: Cells<'a>,
    tail: usize,
}

/// The elements of one that was read. `None`: its header is malformed.
pub fn parse(bytes: &[u8]) -> Option<Ziplist<'_>> {
    let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    let count = u16::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
    if word(0)? != bytes.len() || bytes.len() <= HEADER || bytes.last() != Some(&END) {
        return None;
    }
    let count = Some(count as usize).filter(|_| count != UNCOUNTED);
    Some(Ziplist { cells: Cells::new(&bytes[..bytes.len() - 1], HEADER, count, step), tail: word(4)? })
}

impl Ziplist<'_> {
    /// To be asked at the end.
    pub fn is_sound(&self) -> bool {
        self.cells.is_sound() && self.tail == self.cells.last_at()
    }
}

fn step(rest: &[u8], before: usize) -> Option<(Element<'_>, usize)> {
    let (said, header) = length(rest)?;
    if said != before {
        return None;
    }
    let (element, length) = parse_cell(rest.get(header..)?)?;
    Some((element, header + length))
}

/// A length as ziplists and zipmaps have it, and its bytes.
fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.first()? {
        END => None,
        BIG => Some((u32::from_le_bytes(*bytes.get(1..)?.first_chunk()?) as usize, 5)),
        short => Some((short as usize, 1)),
    }
}

fn parse_cell(bytes: &[u8]) -> Option<(Element<'_>, usize)> {
    let string = |header: usize, length: usize| {
        Some((Element::Bytes(bytes.get(header..header.checked_add(length)?)?), header + length))
    };
    let integer = |width: usize| Some((Element::Integer(signed(bytes.get(1..1 + width)?)), 1 + width));
    let first = *bytes.first()?;
    match first >> 6 {
        0 => return string(1, first as usize),
        1 => return string(2, (first as usize & 0x3f) << 8 | *bytes.get(1)? as usize),
        2 if first == 0x80 => return string(5, u32::from_be_bytes(*bytes.get(1..)?.first_chunk()?) as usize),
        _ => {}
    }
    match first {
        0xc0 => integer(2),
        0xd0 => integer(4),
        0xe0 => integer(8),
        0xf0 => integer(3),
        0xfe => integer(1),
        0xf1..=0xfd => Some((Element::Integer(first as i64 - 0xf1), 1)),
        _ => None,
    }
}

/// Fields and values of a zipmap. `None`: it is malformed.
pub fn parse_zipmap(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let (&count, mut rest) = bytes.split_first()?;
    let mut pairs = Vec::new();
    while rest != [END] {
        let (field, header) = length(rest)?;
        let end = header.checked_add(field)?;
        let (field, after) = (rest.get(header..end)?, rest.get(end..)?);
        let (value, header) = length(after)?;
        // Behind the length stands how many bytes behind the value are not in use.
        let unused = *after.get(header)? as usize;
        let end = (header + 1).checked_add(value)?;
        pairs.push((field, after.get(header + 1..end)?));
        rest = after.get(end.checked_add(unused)?..)?;
    }
    (count >= BIG || count as usize == pairs.len()).then_some(pairs)
}
