//! Listpacks, the rows in which Redis keeps small collections, as bytes: written element by element, and read with every
//! byte looked at: codes, lengths, the lengths that stand behind each element for those who come from the other end.
//! (<https://github.com/antirez/listpack/blob/master/listpack.md>)
use super::cells::Cells;
use crate::store::value::list::Element;

const HEADER: usize = 6;
const END: u8 = 0xff;
/// What the header says of more elements than it can count.
const UNCOUNTED: u16 = u16::MAX;
/// An element with fewer bytes has only one behind it that tells its length.
const BACK_BITS: u32 = 7;

/// One that is being written.
#[derive(Default)]
pub struct Listpack {
    bytes: Vec<u8>,
    count: usize,
}

impl Listpack {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn push(&mut self, cell: Element) {
        if self.bytes.is_empty() {
            self.bytes.resize(HEADER, 0);
        }
        let begun = self.bytes.len();
        match cell {
            Element::Integer(integer) => self.push_integer(integer),
            Element::Bytes(bytes) => self.push_bytes(bytes),
        }
        let length = self.bytes.len() - begun;
        if length < 1 << BACK_BITS {
            self.bytes.push(length as u8);
        } else {
            let (back, width) = back_length(length);
            self.bytes.extend_from_slice(&back[..width]);
        }
        debug_assert_eq!(self.bytes.len() - begun, cell.listpack_size());
        self.count += 1;
    }

    fn push_integer(&mut self, integer: i64) {
        let bytes = integer.to_le_bytes();
        match integer {
            0..=127 => self.bytes.push(bytes[0]),
            -4096..=4095 => self.bytes.extend([0xc0 | bytes[1] & 0x1f, bytes[0]]),
            _ => {
                let width = [2, 3, 4, 8].into_iter().find(|width| fits(integer, *width)).expect("8 bytes suffice");
                self.bytes.push(0xf1 + [2, 3, 4, 8].iter().position(|other| *other == width).expect("it is one") as u8);
                self.bytes.extend_from_slice(&bytes[..width]);
            }
        }
    }

    fn push_bytes(&mut self, bytes: &[u8]) {
        match bytes.len() {
            length @ 0..64 => self.bytes.push(0x80 | length as u8),
            length @ 64..4096 => self.bytes.extend([0xe0 | (length >> 8) as u8, length as u8]),
            length => {
                self.bytes.push(0xf0);
                self.bytes.extend((length as u32).to_le_bytes());
            }
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// It as a whole. Then it must be cleared.
    pub fn finish(&mut self) -> &[u8] {
        if self.bytes.is_empty() {
            self.bytes.resize(HEADER, 0);
        }
        self.bytes.push(END);
        let (total, count) = (self.bytes.len() as u32, u16::try_from(self.count).unwrap_or(UNCOUNTED));
        self.bytes[..4].copy_from_slice(&total.to_le_bytes());
        self.bytes[4..HEADER].copy_from_slice(&count.to_le_bytes());
        &self.bytes
    }
}

fn fits(integer: i64, width: usize) -> bool {
    let unused = 64 - 8 * width as u32;
    integer << unused >> unused == integer
}

/// The length of what stands before, seven bits at a time, to be read from its end; and how many bytes that takes.
fn back_length(length: usize) -> ([u8; 5], usize) {
    let (mut bytes, highest) = ([0; 5], (length.max(1).ilog2() / BACK_BITS) as usize);
    for (at, byte) in bytes[..=highest].iter_mut().enumerate() {
        let bits = (length >> ((highest - at) as u32 * BACK_BITS)) as u8 & 0x7f;
        *byte = if at == 0 { bits } else { bits | 0x80 };
    }
    (bytes, highest + 1)
}

/// The elements of one that was read. `None`: its header is malformed.
pub fn parse(bytes: &[u8]) -> Option<Cells<'_>> {
    let header = bytes.first_chunk::<HEADER>()?;
    let (total, count) = (u32::from_le_bytes(*header.first_chunk()?), u16::from_le_bytes(*header.last_chunk()?));
    if total as usize != bytes.len() || bytes.len() <= HEADER || bytes.last() != Some(&END) {
        return None;
    }
    let count = Some(count as usize).filter(|_| count != UNCOUNTED);
    Some(Cells::new(&bytes[..bytes.len() - 1], HEADER, count, |rest, _| {
        let (cell, length) = parse_cell(rest)?;
        let (back, width) = back_length(length);
        let is_same = rest.get(length..length + width)? == &back[..width];
        is_same.then_some((cell, length + width))
    }))
}

/// The first element, and how many bytes it has without the length behind it.
fn parse_cell(bytes: &[u8]) -> Option<(Element<'_>, usize)> {
    let string = |header: usize, length: usize| {
        Some((Element::Bytes(bytes.get(header..header.checked_add(length)?)?), header + length))
    };
    let integer = |width: usize| Some((Element::Integer(signed(bytes.get(1..1 + width)?)), 1 + width));
    let first = *bytes.first()?;
    match first {
        0..0x80 => Some((Element::Integer(first as i64), 1)),
        0x80..0xc0 => string(1, first as usize & 0x3f),
        0xc0..0xe0 => {
            let unsigned = (first as i64 & 0x1f) << 8 | *bytes.get(1)? as i64;
            Some((Element::Integer(unsigned << 51 >> 51), 2))
        }
        0xe0..0xf0 => string(2, (first as usize & 0xf) << 8 | *bytes.get(1)? as usize),
        0xf0 => string(5, u32::from_le_bytes(*bytes.get(1..)?.first_chunk()?) as usize),
        0xf1 => integer(2),
        0xf2 => integer(3),
        0xf3 => integer(4),
        0xf4 => integer(8),
        _ => None,
    }
}

/// An integer of up to 8 bytes, the lowest first.
pub fn signed(bytes: &[u8]) -> i64 {
    let mut word = [if bytes.last().is_some_and(|last| last & 0x80 != 0) { 0xff } else { 0 }; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(word)
}
