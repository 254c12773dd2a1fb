//! A chunk made at one go of a whole row of elements, as a file or a payload has it: memory is taken once, and that no name
//! is there twice is seen from their hashes.
use super::header::{HEADER_MAX, Header, capacity_for, header_bytes};
use super::packed::{self, OWN};
use super::{CHUNK_BYTES_MAX, Chunk, Packed};

impl Chunk {
    /// `pairs`: the halves of pairs share codes each for itself. `None`: there are none, or it has no room for them.
    pub fn of(elements: &[Packed], pairs: bool) -> Option<Chunk> {
        let first = elements.first()?.code;
        let second = if pairs { elements.get(1)?.code } else { first };
        let (mut codes, mut data, mut extra) = ([first, second], 0, 0);
        for (at, packed) in elements.iter().enumerate() {
            if codes[at & 1] != packed.code {
                codes[at & 1] = OWN;
            }
            data += packed.width();
            extra += packed.extra as usize;
        }
        codes = codes.map(packed::shared);
        if !pairs && codes[0] != codes[1] {
            codes = [OWN; 2];
        }
        let content = data + Header::own(codes, elements.len());
        if content + HEADER_MAX > CHUNK_BYTES_MAX {
            return None;
        }
        let mut chunk = Chunk::with_capacity(capacity_for(content));
        let (Header { capacity, .. }, memory) = chunk.parts_mut();
        let start = header_bytes(capacity);
        let (mut end, mut place) = (start, capacity);
        for (at, packed) in elements.iter().enumerate() {
            let to = end + packed.width();
            packed.write(&mut memory[end..to]);
            end = to;
            if codes[at & 1] == OWN {
                place -= 1;
                memory[place] = packed.code;
            }
        }
        Header { capacity, count: elements.len(), start, end, first: capacity - 1, extra, codes }.write(memory);
        Some(chunk)
    }
}

/// Whether all these differ, as far as their hashes tell: where two hashes are the same, it is not certain.
pub fn differ<'a>(names: impl ExactSizeIterator<Item = &'a Packed<'a>>, hash: impl Fn(&[u8]) -> u64) -> bool {
    let mut hashes = Vec::with_capacity(names.len());
    hashes.extend(names.map(|name| if name.is_string() { hash(name.bytes) } else { hash(&name.integer) }));
    hashes.sort_unstable();
    hashes.is_sorted_by(|one, other| one < other)
}
