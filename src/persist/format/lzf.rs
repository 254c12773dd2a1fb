//! LZF: strings with what repeats in them said once, in the format of Marc Lehmann's liblzf. A block is a row of runs: a
//! byte below 32 announces that many bytes and one more as they are; any other says that bytes from further back come
//! again, its upper three bits how many (7: the next byte says more), the other five and the byte behind how far back.
//! (<http://oldhome.schmorp.de/marc/liblzf.html>)

const LITERAL_MAX: usize = 32;
const MATCH_MIN: usize = 3;
const MATCH_MAX: usize = 264;
const DISTANCE_MAX: usize = 1 << 13;
/// Three bytes that come again are looked for where the last ones with their hash stood.
const HASH_BITS: u32 = 14;

/// No byte becomes more than this.
const EXPANSION_MAX: usize = MATCH_MAX / 3;

/// The places where three bytes were seen last, counted from 1. Those of other strings stay, for what is there is compared
/// anyway: to clear them took longer than to pack a short string.
#[derive(Default)]
pub struct Packer {
    places: Vec<u32>,
    out: Vec<u8>,
}

impl Packer {
    /// The bytes, shorter by at least four; `None`: they do not become so.
    pub fn pack(&mut self, bytes: &[u8]) -> Option<&[u8]> {
        let most = bytes.len().checked_sub(4)?;
        if u32::try_from(bytes.len()).is_err() {
            return None;
        }
        self.places.resize(1 << HASH_BITS, 0);
        self.out.clear();
        let (mut at, mut begun) = (0, 0);
        while at + MATCH_MIN <= bytes.len() {
            let place = &mut self.places[hash(&bytes[at..])];
            let before = std::mem::replace(place, at as u32 + 1) as usize;
            let is_near = (1..=at).contains(&before) && at + 1 - before <= DISTANCE_MAX;
            if !is_near || bytes[before - 1..before - 1 + MATCH_MIN] != bytes[at..at + MATCH_MIN] {
                at += 1;
                if self.out.len() + (at - begun) > most {
                    return None;
                }
                continue;
            }
            literals(&mut self.out, &bytes[begun..at]);
            let ahead = &bytes[at..bytes.len().min(at + MATCH_MAX)];
            let length = ahead.iter().zip(&bytes[before - 1..]).take_while(|(one, other)| one == other).count();
            again(&mut self.out, length, at - before);
            // What stands within it may be the beginning of another.
            for inside in at + 1..(at + length).min(bytes.len() - (MATCH_MIN - 1)) {
                self.places[hash(&bytes[inside..])] = inside as u32 + 1;
            }
            at += length;
            begun = at;
        }
        literals(&mut self.out, &bytes[begun..]);
        (self.out.len() <= most).then_some(&self.out)
    }
}

fn hash(bytes: &[u8]) -> usize {
    let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    (word.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize
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
