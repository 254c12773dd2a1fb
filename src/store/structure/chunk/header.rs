//! The first bytes of a chunk's memory: where everything else is. They are half as many in a small chunk as in a large one.
use super::packed::{self, OWN};

/// ```text
///   small   large
///   0       0..2    bytes of the memory: even, and with the lowest bit set in a small one
///   1       2..4    elements
///   2, 3    4..8    where the elements' bytes begin and end
///   4       8..10   where the first element's code is that has one of its own; those of others stand before it, the last first
///   5       10..12  what a listpack of these elements would take beyond their bytes here; in a small one but one less for
///                   each element, and one more
///   6, 7    12, 13  the code of each element at an even place, and at an odd one, if they are all the same; else `OWN`
/// ```
///
/// Strings of one length have one code, which then stands here once. In a list or a set both are the same: for all elements,
/// or for none. In a row of pairs (fields and values, members and scores) each half has its own.
///
/// What a listpack takes more is 1 to 5 for an element, or nothing for one of 192 bytes or more; beyond 1 it is never more
/// than the element takes here; with its code, where it has one of its own. So a byte holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub capacity: usize,
    pub count: usize,
    pub start: usize,
    pub end: usize,
    pub first: usize,
    pub extra: usize,
    pub codes: [u8; 2],
}

const SMALL: usize = 8;
const LARGE: usize = 16;
/// Of so many bytes on a chunk is large. A smaller one has places below 256.
const LARGE_MIN: usize = 256;
/// Any memory has as many bytes.
pub(super) const HEADER_MAX: usize = LARGE;

/// Bytes of the header in memory of so many.
#[inline]
pub(super) fn header_bytes(capacity: usize) -> usize {
    if capacity < LARGE_MIN { SMALL } else { LARGE }
}

/// What the allocator would round this to anyway.
pub fn good_size(bytes: usize) -> usize {
    let step = match bytes {
        0..=64 => 16,
        _ => 1 << ((bytes - 1).ilog2() - 2),
    };
    bytes.next_multiple_of(step)
}

/// Bytes of memory for so many of elements and codes.
pub(super) fn capacity_for(content: usize) -> usize {
    let small = good_size(content + SMALL);
    if small < LARGE_MIN { small } else { good_size(content + LARGE) }
}

/// As the elements have them when one more, or less, stands before them.
#[inline]
pub(super) fn swapped([even, odd]: [u8; 2]) -> [u8; 2] {
    [odd, even]
}

impl Header {
    /// As two words, as they are written: what was written in other pieces would have to be waited for.
    #[inline(always)]
    pub fn read(bytes: &[u8; HEADER_MAX]) -> Header {
        let low = u64::from_le_bytes(*bytes.first_chunk().expect("eight of them"));
        if low & 1 == 1 {
            let field = |at: u32| (low >> (8 * at)) as u8 as usize;
            let (count, codes) = (field(1), [(low >> 48) as u8, (low >> 56) as u8]);
            let (capacity, extra) = (field(0) - 1, field(5) + count - 1);
            return Header { capacity, count, start: field(2), end: field(3), first: field(4), extra, codes };
        }
        let high = u64::from_le_bytes(*bytes.last_chunk().expect("eight of them"));
        let field = |word: u64, at: u32| (word >> (16 * at)) as u16 as usize;
        Header {
            capacity: field(low, 0),
            count: field(low, 1),
            start: field(low, 2),
            end: field(low, 3),
            first: field(high, 0),
            extra: field(high, 1),
            codes: [(high >> 32) as u8, (high >> 40) as u8],
        }
    }

    #[inline(always)]
    pub fn write(&self, memory: &mut [u8]) {
        let Header { capacity, count, start, end, first, extra, codes: [even, odd] } = *self;
        let codes = even as u64 | (odd as u64) << 8;
        if capacity < LARGE_MIN {
            let fields = [capacity | 1, count, start, end, first, extra + 1 - count];
            debug_assert!(fields.iter().all(|field| *field < 256), "{self:?}");
            let [a, b, c, d, e, f] = fields;
            let word = (a | b << 8 | c << 16 | d << 24 | e << 32 | f << 40) as u64 | codes << 48;
            memory[..SMALL].copy_from_slice(&word.to_le_bytes());
        } else {
            let bytes: &mut [u8; LARGE] = memory.first_chunk_mut().expect("a chunk has as many");
            bytes[..8].copy_from_slice(&((capacity | count << 16 | start << 32 | end << 48) as u64).to_le_bytes());
            bytes[8..].copy_from_slice(&((first | extra << 16) as u64 | codes << 32).to_le_bytes());
        }
    }

    /// How many codes elements would have of their own, if there were so many, with these shared.
    #[inline]
    pub fn own(codes: [u8; 2], count: usize) -> usize {
        let mask = |code: u8| if code == OWN { usize::MAX } else { 0 };
        (mask(codes[0]) & count.div_ceil(2)) + (mask(codes[1]) & (count / 2))
    }

    /// What can be shared when an element of this code is put at a place: behind the last one, or where another is. `pairs`:
    /// the halves of pairs come to terms each for itself.
    #[inline]
    pub fn sharing(&self, at: usize, code: u8, pairs: bool) -> [u8; 2] {
        let mut codes = self.codes;
        match (self.count, pairs) {
            // Room was made for elements of which it is known.
            (0, _) if codes == [OWN; 2] => {}
            (0, _) => codes = [packed::shared(code); 2],
            (1, true) if at == 1 => codes[1] = packed::shared(code),
            (_, true) if codes[at & 1] != code => codes[at & 1] = OWN,
            (_, false) if codes[0] != code => codes = [OWN; 2],
            _ => {}
        }
        codes
    }

    /// It can be put at an end as it is, with a code of its own or without.
    #[inline]
    pub fn takes(&self, code: u8) -> bool {
        let shared = self.codes[self.count & 1];
        self.count > 0 && shared == code || self.count > 1 && shared == OWN
    }

    /// Bytes of elements and of their own codes.
    #[inline]
    pub fn content(&self) -> usize {
        self.data() + self.own_codes()
    }

    #[inline]
    pub fn data(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub fn own_codes(&self) -> usize {
        Header::own(self.codes, self.count)
    }

    /// Where the codes are.
    #[inline]
    pub fn codes(&self) -> std::ops::Range<usize> {
        self.first + 1 - self.own_codes()..self.first + 1
    }

    /// The codes stand behind the bytes.
    #[inline]
    pub fn grows_behind(&self) -> bool {
        self.first + 1 >= self.end
    }

    /// Where the code of an element of so many bytes would go that is put at the end, if there is room for both. It needs
    /// none if it shares one.
    #[inline]
    pub fn place_behind(&self, width: usize) -> Option<usize> {
        let own = (self.codes[self.count & 1] == OWN) as usize;
        // What the bytes may reach up to.
        let low = (self.first + 1).wrapping_sub(self.own_codes() + own);
        let limit = if self.grows_behind() { low } else { self.capacity };
        let has_room = low as isize >= (header_bytes(self.capacity) * own) as isize && self.end + width <= limit;
        has_room.then_some(low)
    }

    /// The same at the front.
    #[inline]
    pub fn place_before(&self, width: usize) -> Option<usize> {
        let own = (self.codes[0] == OWN) as usize;
        let place = self.first + 1;
        // What the bytes may reach down to, and the code up to.
        let (limit, top) =
            if place <= self.start { (place + own, self.start) } else { (header_bytes(self.capacity), self.capacity) };
        (self.start >= limit + width && (own == 0 || place < top)).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::structure::chunk::{Chunk, Packed};

    #[test]
    fn what_is_written_is_read() {
        for (capacity, count, start, end, first, extra) in [
            (16, 0, 8, 8, 15, 0),
            (224, 215, 8, 8, 223, 430),
            (224, 1, 8, 212, 223, 0),
            (10_240, 5_113, 14, 5127, 10_239, 25_000),
        ] {
            let header = Header { capacity, count, start, end, first, extra, codes: [7, OWN] };
            let mut memory = [0; 16];
            header.write(&mut memory);
            assert_eq!(Header::read(memory.first_chunk().unwrap()), header);
        }
    }

    /// What takes most in a listpack beyond its bytes here, and what takes least: each chunk tells the same of them whether
    /// it is small or large, and as it grows and shrinks.
    #[test]
    fn a_listpack_of_the_same_elements_is_known_to_the_byte() {
        let long = [b'a'; 200];
        let elements = [
            &b""[..],
            b"1",
            b"127",
            b"4095",
            b"-9",
            b"70000",
            b"1099511627775",
            b"-9223372036854775808",
            b"abc",
            &long,
        ];
        for bytes in elements {
            for front in [false, true] {
                let (mut chunk, packed) = (Chunk::default(), Packed::new(bytes));
                let size = packed.width() + packed.extra as usize;
                for count in 1..=if cfg!(miri) { 40 } else { 300 } {
                    let has_room =
                        if front { chunk.push_front(&packed, false) } else { chunk.push_back(&packed, false) };
                    assert!(has_room || count > 40);
                    assert_eq!(chunk.listpack_bytes(), chunk.len() * size);
                }
                assert_eq!(chunk.clone().listpack_bytes(), chunk.listpack_bytes());
                while !chunk.is_empty() {
                    assert_eq!(chunk.listpack_bytes(), chunk.len() * size);
                    assert!(chunk.iter().all(|element| element.listpack_size() == size));
                    if front { chunk.drop_last() } else { chunk.drop_first() }
                }
            }
        }
    }
}
