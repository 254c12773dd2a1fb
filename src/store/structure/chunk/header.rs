//! The first bytes of a chunk's memory: where everything else is. They are half as many in a small chunk as in a large one.

/// ```text
///   small   large
///   0       0..2    bytes of the memory: even, and with the lowest bit set in a small one
///   1       2..4    elements
///   2, 3    4..8    where the elements' bytes begin and end
///   4       8..10   where the code of the first element is; those of the others stand before it, the last first
///   5       10..12  what a listpack of these elements would take beyond their bytes here; in a small one but one less for
///                   each element, and one more
/// ```
///
/// What a listpack takes more is 1 to 5 for an element, or nothing for one of 192 bytes or more; beyond 1 it is never more
/// than the element takes here with its code. So a byte holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub capacity: usize,
    pub count: usize,
    pub start: usize,
    pub end: usize,
    pub first: usize,
    pub extra: usize,
}

const SMALL: usize = 6;
const LARGE: usize = 12;
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

impl Header {
    #[inline]
    pub fn read(bytes: &[u8; HEADER_MAX]) -> Header {
        if bytes[0] & 1 == 1 {
            let [capacity, count, start, end, first, extra] = [0, 1, 2, 3, 4, 5].map(|at| bytes[at] as usize);
            return Header { capacity: capacity - 1, count, start, end, first, extra: extra + count - 1 };
        }
        let [capacity, count, start, end, first, extra] =
            [0, 2, 4, 6, 8, 10].map(|at| u16::from_le_bytes([bytes[at], bytes[at + 1]]) as usize);
        Header { capacity, count, start, end, first, extra }
    }

    #[inline]
    pub fn write(&self, memory: &mut [u8]) {
        let Header { capacity, count, start, end, first, extra } = *self;
        if capacity < LARGE_MIN {
            let fields = [capacity | 1, count, start, end, first, extra + 1 - count];
            debug_assert!(fields.iter().all(|field| *field < 256), "{self:?}");
            memory[..SMALL].copy_from_slice(&fields.map(|field| field as u8));
        } else {
            let bytes = memory.first_chunk_mut::<LARGE>().expect("a chunk has as many");
            for (at, field) in [capacity, count, start, end, first, extra].into_iter().enumerate() {
                [bytes[2 * at], bytes[2 * at + 1]] = (field as u16).to_le_bytes();
            }
        }
    }

    /// Bytes of elements and codes.
    #[inline]
    pub fn content(&self) -> usize {
        self.data() + self.count
    }

    #[inline]
    pub fn data(&self) -> usize {
        self.end - self.start
    }

    /// Where the codes are.
    #[inline]
    pub fn codes(&self) -> std::ops::Range<usize> {
        self.first + 1 - self.count..self.first + 1
    }

    /// Where the code of an element of so many bytes goes that is put at the end, if there is room for both.
    #[inline]
    pub fn place_behind(&self, width: usize) -> Option<usize> {
        // The code's place, and what the bytes may reach up to.
        let place = self.first.wrapping_sub(self.count);
        let limit = if self.first >= self.end { place } else { self.capacity };
        let has_room = place as isize >= header_bytes(self.capacity) as isize && self.end + width <= limit;
        has_room.then_some(place)
    }

    /// The same at the front.
    #[inline]
    pub fn place_before(&self, width: usize) -> Option<usize> {
        let place = self.first + 1;
        // What the bytes may reach down to, and the code up to.
        let (limit, top) =
            if place <= self.start { (place + 1, self.start) } else { (header_bytes(self.capacity), self.capacity) };
        (self.start >= limit + width && place < top).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::structure::chunk::{Chunk, Packed};

    #[test]
    fn what_is_written_is_read() {
        for (capacity, count, start, end, first, extra) in [
            (16, 0, 6, 6, 15, 0),
            (224, 217, 6, 6, 223, 434),
            (224, 1, 6, 212, 223, 0),
            (10_240, 5_114, 12, 5126, 10_239, 25_000),
        ] {
            let header = Header { capacity, count, start, end, first, extra };
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
