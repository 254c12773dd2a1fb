//! From a name in any case to its place in the table: a hash table that is built at compile time.
//!
//! A name is compared as two numbers, its first and its last eight bytes, which overlap or hold all of it if it is
//! short. Over 270 names that took 2 to 4 ns; compared byte by byte 6 to 15; std's HashMap 30, a sorted slice 105.
use super::entry::Entry;

const SLOTS: usize = 1024;

/// No table has more rows.
const ROWS_MAX: usize = 512;

#[derive(Clone)]
pub struct Lookup {
    /// By row; a subcommand's is nameless, and so is a command's that has been disabled.
    names: [Name; ROWS_MAX],
    /// 1 + the place of the name; 0 is free. Probed in turn.
    slots: [u16; SLOTS],
}

#[derive(Clone, Copy)]
struct Name {
    text: &'static [u8],
    /// In small letters.
    ends: [u64; 2],
    /// The bits that make a letter small. Other bytes have none, so `_` matches itself only.
    case: [u64; 2],
}

const NAMELESS: Name = Name { text: b"", ends: [0; 2], case: [0; 2] };

impl Name {
    const fn new(text: &'static [u8]) -> Name {
        let ends = ends(text);
        let case = [case_bits(ends[0]), case_bits(ends[1])];
        Name { text, ends: [ends[0] | case[0], ends[1] | case[1]], case }
    }
}

impl Lookup {
    pub const fn new(entries: &[Entry]) -> Lookup {
        assert!(entries.len() < ROWS_MAX && ROWS_MAX <= SLOTS / 2);
        let (mut names, mut row) = ([NAMELESS; ROWS_MAX], 0);
        while row < entries.len() {
            names[row] = Name::new(entries[row].facts.name.as_bytes());
            row += 1 + entries[row].subcommands as usize;
        }
        Lookup::of(names)
    }

    const fn of(names: [Name; ROWS_MAX]) -> Lookup {
        let (mut slots, mut row) = ([0; SLOTS], 0);
        while row < ROWS_MAX {
            if !names[row].text.is_empty() {
                let mut slot = hash(names[row].ends, names[row].text.len());
                while slots[slot] != 0 {
                    slot = (slot + 1) % SLOTS;
                }
                slots[slot] = row as u16 + 1;
            }
            row += 1;
        }
        Lookup { names, slots }
    }

    /// Gives a command another name; an empty one disables it. The refusals are Redis's.
    #[cold]
    pub fn rename(&mut self, from: &[u8], to: &'static [u8]) -> Result<(), &'static str> {
        let row = self.find(from).ok_or("No such command in rename-command")?;
        let mut names = self.names;
        names[row] = NAMELESS;
        let mut renamed = Lookup::of(names);
        if !to.is_empty() {
            if renamed.find(to).is_some() {
                return Err("Target command name already exists");
            }
            names[row] = Name::new(to);
            renamed = Lookup::of(names);
        }
        *self = renamed;
        Ok(())
    }

    /// Whether the command of this row has a name by which it can be called.
    pub fn names(&self, row: usize) -> bool {
        !self.names[row].text.is_empty()
    }

    /// Always in its place: each request comes by here. (As a call it took 40 instructions more.)
    #[inline(always)]
    pub fn find(&self, name: &[u8]) -> Option<usize> {
        let ends = ends(name);
        let mut slot = hash(ends, name.len());
        loop {
            let at = (self.slots[slot] as usize).wrapping_sub(1);
            let Name { text, ends: [first, last], case } = self.names.get(at)?;
            let same = ends[0] | case[0] == *first && ends[1] | case[1] == *last && name.len() == text.len();
            if same && (name.len() <= 16 || name.eq_ignore_ascii_case(text)) {
                return Some(at);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// A name of up to 16 bytes, as it was spelt.
#[derive(Default)]
pub struct ShortName {
    ends: [u64; 2],
    len: usize,
}

impl ShortName {
    #[inline(always)]
    pub fn of(name: &[u8]) -> Option<ShortName> {
        (name.len() <= 16).then(|| ShortName { ends: ends(name), len: name.len() })
    }

    #[inline(always)]
    pub fn is(&self, name: &[u8]) -> bool {
        self.ends == ends(name) && self.len == name.len()
    }
}

/// All of a name of up to 16 bytes; of a longer one its ends.
#[inline(always)]
const fn ends(name: &[u8]) -> [u64; 2] {
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return [u64::from_le_bytes(*first), u64::from_le_bytes(*last)];
    }
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return [u32::from_le_bytes(*first) as u64 | (u32::from_le_bytes(*last) as u64) << 32, 0];
    }
    match name.len() {
        0 => [0, 0],
        n => [name[0] as u64 | (name[n / 2] as u64) << 8 | (name[n - 1] as u64) << 16, 0],
    }
}

const fn case_bits(bytes: u64) -> u64 {
    let (mut bits, mut i) = ([0; 8], 0);
    while i < 8 {
        bits[i] = if bytes.to_le_bytes()[i].is_ascii_alphabetic() { 0x20 } else { 0 };
        i += 1;
    }
    u64::from_le_bytes(bits)
}

/// The same in both cases.
#[inline(always)]
const fn hash([first, last]: [u64; 2], len: usize) -> usize {
    let folded = (first ^ last.rotate_left(24)) & 0xDFDF_DFDF_DFDF_DFDF ^ len as u64;
    (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54) as usize
}
