//! LZF: strings with what repeats in them said once, in the format of Marc Lehmann's liblzf. A block is a row of runs: a
//! byte below 32 announces that many bytes and one more as they are; any other says that bytes from further back come
//! again, its upper three bits how many (7: the next byte says more), the other five and the byte behind how far back.
//! (<http://oldhome.schmorp.de/marc/liblzf.html>)
use std::ops::Range;

const LITERAL_MAX: usize = 32;
const MATCH_MIN: usize = 3;
const MATCH_MAX: usize = 264;
const DISTANCE_MAX: usize = 1 << 13;
/// Three bytes that come again are looked for where the last ones with their hash stood.
const HASH_BITS: u32 = 16;
/// So many bytes of a match are compared whatever is left, as long as more than 16 are.
const MATCH_SURE: usize = 19;

/// No byte becomes more than this.
const EXPANSION_MAX: usize = MATCH_MAX / 3;

/// Packs as liblzf does as Redis has it (`VERY_FAST`): what it finds decides which bytes a payload has, so it looks where
/// liblzf looks, and stops where it stops.
#[derive(Default)]
pub struct Packer {
    /// The places where three bytes were seen last, counted on from one string to the next: to clear them took longer than
    /// to pack a short string.
    places: Vec<u32>,
    /// Where the present string begins and ends in that count: what is not behind its beginning is of another.
    extent: Range<u32>,
    out: Vec<u8>,
}

impl Packer {
    /// Without the last string that was packed, which may have been long.
    pub fn emptied(mut self) -> Packer {
        self.out = vec![];
        self
    }

    /// The bytes, shorter by at least four; `None`: they do not become so.
    pub fn pack(&mut self, bytes: &[u8]) -> Option<&[u8]> {
        let most = bytes.len().checked_sub(4)?;
        let (start, length) = (self.extent.end, u32::try_from(bytes.len()).ok()?);
        self.extent = match start.checked_add(length) {
            Some(end) if !self.places.is_empty() => start..end,
            _ => {
                self.places = vec![0; 1 << HASH_BITS];
                0..length
            }
        };
        self.out.clear();
        let (mut at, mut begun) = (0, 0);
        while at + MATCH_MIN <= bytes.len() {
            let before = self.see(bytes, at).filter(|before| at - before <= DISTANCE_MAX);
            let before = before.filter(|before| bytes[*before..][..MATCH_MIN] == bytes[at..][..MATCH_MIN]);
            // As if the head of a run that may begin were there already.
            let (end, run) = (self.out.len() + 1 + (at - begun), at - begun);
            let Some(before) = before else {
                if end >= most {
                    return None;
                }
                at += 1;
                if at - begun == LITERAL_MAX {
                    literals(&mut self.out, &bytes[begun..at]);
                    begun = at;
                }
                continue;
            };
            if end + 4 - (run == 0) as usize >= most {
                return None;
            }
            literals(&mut self.out, &bytes[begun..at]);
            let length = length_of_match(bytes, before, at);
            again(&mut self.out, length, at - before - 1);
            at += length;
            begun = at;
            if at + MATCH_MIN > bytes.len() {
                break;
            }
            // What ends in it may begin another.
            _ = (self.see(bytes, at - 2), self.see(bytes, at - 1));
        }
        if self.out.len() + 1 + (at - begun) + 3 > most {
            return None;
        }
        literals(&mut self.out, &bytes[begun..]);
        Some(&self.out)
    }

    /// Where the bytes that stand here were seen last, as far as their hash knows; not at the very beginning. Here, from now on.
    #[inline(always)]
    fn see(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let place = &mut self.places[hash(&bytes[at..])];
        let before = std::mem::replace(place, self.extent.start + at as u32);
        before.checked_sub(self.extent.start).filter(|before| *before > 0).map(|before| before as usize)
    }
}

/// At least three. The last two bytes of the string are in no match that is found byte by byte.
fn length_of_match(bytes: &[u8], before: usize, at: usize) -> usize {
    let most = (bytes.len() - at - 2).min(MATCH_MAX);
    let most = most.max(if most > 16 { MATCH_SURE } else { MATCH_MIN });
    MATCH_MIN + in_common(&bytes[before + MATCH_MIN..before + most], &bytes[at + MATCH_MIN..at + most])
}

/// How many bytes these two, which are of one length, begin with in common. Eight at a time are compared.
#[inline]
fn in_common(a: &[u8], b: &[u8]) -> usize {
    const WORD: usize = 8;
    let word = |bytes: &[u8]| u64::from_le_bytes(*bytes.first_chunk().expect("eight of them"));
    let mut words = a.chunks_exact(WORD).zip(b.chunks_exact(WORD)).map(|(a, b)| word(a) ^ word(b));
    if let Some((number, differs)) = words.by_ref().enumerate().find(|(_, differs)| *differs != 0) {
        return number * WORD + differs.trailing_zeros() as usize / 8;
    }
    let rest = a.len() / WORD * WORD;
    let same = a[rest..].iter().zip(&b[rest..]).take_while(|(a, b)| a == b).count();
    rest + same
}

/// Of the first three.
fn hash(bytes: &[u8]) -> usize {
    let word = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
    ((word >> 8).wrapping_sub(word.wrapping_mul(5)) & ((1 << HASH_BITS) - 1)) as usize
}

fn literals(out: &mut Vec<u8>, bytes: &[u8]) {
    for run in bytes.chunks(LITERAL_MAX) {
        out.push(run.len() as u8 - 1);
        out.extend_from_slice(run);
    }
}

/// `back`: 0 is the byte before.
fn again(out: &mut Vec<u8>, length: usize, back: usize) {
    let (length, high) = (length - 2, (back >> 8) as u8);
    if length < 7 {
        out.push((length as u8) << 5 | high);
    } else {
        out.extend([7 << 5 | high, (length - 7) as u8]);
    }
    out.push(back as u8);
}

/// The bytes that were packed, which must be so many. `None`: it is no LZF, or not so many come of it.
pub fn unpack(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    // What is announced gets memory only as far as it can come of what is there.
    if length > packed.len().saturating_mul(EXPANSION_MAX) {
        return None;
    }
    let mut out = Vec::with_capacity(length.min(4 * packed.len()));
    let mut rest = packed.iter();
    while let Some(&first) = rest.next() {
        if (first as usize) < LITERAL_MAX {
            let (run, after) = rest.as_slice().split_at_checked(first as usize + 1)?;
            if run.len() > length - out.len() {
                return None;
            }
            out.extend_from_slice(run);
            rest = after.iter();
            continue;
        }
        let mut count = (first >> 5) as usize;
        if count == 7 {
            count += *rest.next()? as usize;
        }
        count += 2;
        let back = ((first & 31) as usize) << 8 | *rest.next()? as usize;
        let from = out.len().checked_sub(back + 1)?;
        if count > length - out.len() {
            return None;
        }
        if back + 1 >= count {
            out.extend_from_within(from..from + count);
        } else {
            // It repeats what it is about to write.
            (from..from + count).for_each(|at| out.push(out[at]));
        }
    }
    // It may become a value's own memory.
    out.shrink_to_fit();
    (out.len() == length).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Chance;

    #[test]
    fn what_is_packed_comes_back() {
        let (mut packer, mut chance) = (Packer::default(), Chance::from_seed(7));
        let mut packed_some = 0;
        for round in 0..if cfg!(miri) { 20 } else { 2000 } {
            let kinds = 1 + chance.below(40);
            let bytes: Vec<u8> = (0..chance.below(if round % 100 == 0 { 40_000 } else { 600 }))
                .map(|_| (chance.below(kinds) * chance.below(2)) as u8)
                .collect();
            let Some(packed) = packer.pack(&bytes) else { continue };
            assert!(packed.len() + 4 <= bytes.len());
            assert_eq!(unpack(packed, bytes.len()).as_deref(), Some(&bytes[..]));
            assert!(unpack(packed, bytes.len() - 1).is_none() && unpack(packed, bytes.len() + 1).is_none());
            packed_some += 1;
        }
        assert!(packed_some > if cfg!(miri) { 5 } else { 1000 }, "{packed_some}");
    }

    /// As Redis 8.0.6 packed them.
    #[test]
    fn strings_are_packed_byte_for_byte_as_by_redis() {
        let mut packer = Packer::default();
        let table = [
            (&b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"[..], &b"\x01xx\xe0\x11\x00\x01xx"[..]),
            (&b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1"[..], &b"\x01xx\xe04\x00\x01x1"[..]),
            (&b"abcdabcdabcdabcdabcdabcd"[..], &b"\x04abcda\xe0\x0a\x03"[..]),
            (
                &b"to be or not to be or to be not or not to be"[..],
                &b"\x0dto be or not t\xc0\x0c\x80\x08@\x12\xe0\x01\x19\x01be"[..],
            ),
            (
                &b"0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"[..],
                &b"\x1f0123456789abcdefghijklmnopqrstuv\x04wxyz0\xe0\x18#\x01yz"[..],
            ),
            (
                &b"ababababababababababababcdcdcdcdcdcdcdcdcdcdcd"[..],
                &b"\x02aba\xe0\x0c\x01\x01cd\xe0\x0a\x01\x00d"[..],
            ),
        ];
        for (bytes, packed) in table.iter().chain(&table) {
            assert_eq!(packer.pack(bytes), Some(*packed), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn matches_are_as_long_as_byte_by_byte() {
        let mut chance = Chance::from_seed(3);
        for _ in 0..if cfg!(miri) { 20 } else { 3000 } {
            let mut bytes = vec![b'a'; 6 + chance.below(600) as usize];
            let at = 1 + chance.below(bytes.len() as u64 - 4) as usize;
            let before = chance.below(at as u64) as usize;
            let place = chance.below(2 * bytes.len() as u64) as usize;
            bytes.get_mut(place).filter(|_| place >= at + MATCH_MIN).into_iter().for_each(|byte| *byte = b'b');
            let most = (bytes.len() - at - 2).min(MATCH_MAX);
            let most = most.max(if most > 16 { MATCH_SURE } else { MATCH_MIN });
            let expected = (MATCH_MIN..most).find(|length| bytes[before + length] != bytes[at + length]);
            assert_eq!(length_of_match(&bytes, before, at), expected.unwrap_or(most));
        }
    }

    #[test]
    fn a_long_run_takes_a_hundredth_and_no_more_is_believed() {
        let mut packer = Packer::default();
        let zeros = vec![0; 100_000];
        let packed = packer.pack(&zeros).unwrap();
        assert!(packed.len() < 1200, "{}", packed.len());
        let unpacked = unpack(packed, zeros.len()).unwrap();
        assert_eq!((unpacked.capacity(), &unpacked), (zeros.len(), &zeros));
        assert!(packer.pack(b"abcdefghijklmnopqrstuvwxyz").is_none() && packer.pack(b"aaa").is_none());
        assert_eq!(unpack(&[0], 1), None);
        assert_eq!(unpack(&[0, b'a'], usize::MAX), None);
        assert_eq!(unpack(&[0x20, 0], 3), None);
        assert_eq!(unpack(&[0, b'a', 0x20, 0], 4).as_deref(), Some(&b"aaaa"[..]));
        assert_eq!(unpack(&[0, b'a', 0x20, 1], 4), None);
    }
}
