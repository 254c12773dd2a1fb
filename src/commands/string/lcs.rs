//! LCS: the longest common subsequence of two strings, its length, or where it lies in both.
//!
//! The table of the textbook has a number per pair of bytes. A row of it grows by one or stays, from place to place, so a
//! row is kept as bits, and 64 places are worked out at once (Hyyrö, "Bit-parallel LCS-length computation revisited",
//! 2004). Which inputs are too long is what Redis says, who keeps four bytes for each pair; one bit takes 1/32 of that.
//! Two strings of 11,500 bytes, about the most that is allowed by default: 13 ms; Redis 8.0: 1040 ms.
use super::prelude::*;
use crate::wire::output::SHARED_BYTES_MIN;
use bytes::Bytes as Shared;

// --- LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]
form! { pub Lcs<'a> {
    key1: Key<'a, READ>,
    key2: Key<'a, READ>,
    [len: "LEN", idx: "IDX", min_match_len: "MINMATCHLEN" Int, with_match_len: "WITHMATCHLEN"]
} }
impl<'a> Command<'a> for Lcs<'a> {
    const FACTS: Facts =
        facts("LCS", "string", "7.0.0", READONLY, "Returns the longest common subsequence of two strings.");
    /// The keys are judged before the options.
    fn refuse_early(mut words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        for _ in 0..2 {
            let entry = cx.look(Key::<READ>::parse(&mut words)?);
            entry.map(|entry| text(entry.value())).transpose().map_err(|_| Refusal::LcsNotStrings)?;
        }
        Ok(())
    }
    fn run(self, cx: &mut Context) -> Ran {
        let (one, other) = (held(self.key1, cx)?, held(self.key2, cx)?);
        if self.len && self.idx {
            return Err(Refusal::LenWithIdx);
        }
        if one.len().max(other.len()) >= u32::MAX as usize - 1 {
            return Err(Refusal::TooLongForLcs);
        }
        if (one.len() as u64 + 1) * (other.len() as u64 + 1) * 4 > cx.server.config.proto_max_bulk_len {
            return Err(Refusal::LcsExceedsBulk);
        }
        if self.len {
            let mut row = vec![u64::MAX; words(other.len())];
            rows(&one, &other, &mut row, |_| {})?;
            return cx.count(matched(&row, other.len()));
        }
        let runs = runs(&one, &other)?;
        if self.idx { self.indexes(&runs, cx) } else { subsequence(&one, &runs, cx) }
    }
}

/// The string at a key, which stays as it is now while the other one is looked for.
fn held(key: Key<READ>, cx: &mut Context) -> Result<Shared, Refusal> {
    let Some(entry) = cx.read(key) else { return Ok(Shared::new()) };
    let text = text(entry.value()).map_err(|_| Refusal::LcsNotStrings)?;
    if text.len() < SHARED_BYTES_MIN {
        return Ok(Shared::copy_from_slice(text.bytes(&mut Digits::new())));
    }
    Ok(entry.long_mut().expect("it is long").share())
}

fn subsequence(one: &[u8], runs: &[Run], cx: &mut Context) -> Ran {
    let pieces = runs.iter().rev().map(|run| &one[run.one..run.one + run.length]);
    cx.reply.bulk(&pieces.collect::<Vec<_>>().concat());
    Ok(Outcome::Done)
}

impl Lcs<'_> {
    fn indexes(&self, runs: &[Run], cx: &mut Context) -> Ran {
        let least = self.min_match_len.map_or(0, |least| least.0);
        let wanted = |run: &&Run| run.length as i64 >= least;
        let reply = &mut cx.reply;
        reply.map(2);
        reply.text("matches");
        reply.array(runs.iter().filter(wanted).count());
        for run in runs.iter().filter(wanted) {
            reply.array(2 + self.with_match_len as usize);
            for start in [run.one, run.other] {
                reply.array(2);
                reply.count(start);
                reply.count(start + run.length - 1);
            }
            if self.with_match_len {
                reply.count(run.length);
            }
        }
        reply.text("len");
        cx.count(runs.iter().map(|run| run.length).sum())
    }
}

/// A piece that both strings have.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    one: usize,
    other: usize,
    length: usize,
}

/// The pieces of the subsequence, the last one first. Of equally long subsequences it is Redis's.
fn runs(one: &[u8], other: &[u8]) -> Result<Vec<Run>, Refusal> {
    let mut table = Table::with_room(one.len(), other.len())?;
    let mut row = vec![u64::MAX; words(other.len())];
    rows(one, other, &mut row, |row| table.push(row))?;
    let (mut i, mut j, mut runs, mut going) = (one.len(), other.len(), Vec::<Run>::new(), false);
    while i > 0 && j > 0 {
        let same = one[i - 1] == other[j - 1];
        if same {
            (i, j) = (i - 1, j - 1);
            match runs.last_mut().filter(|_| going) {
                Some(run) => *run = Run { one: i, other: j, length: run.length + 1 },
                None => runs.push(Run { one: i, other: j, length: 1 }),
            }
        } else if table.grows(i - 1, j - 1) {
            // Here it is longer than one place to the left, so that is due to the row above.
            i -= 1;
        } else {
            j -= 1;
        }
        going = same;
    }
    Ok(runs)
}

/// Works out row after row. A bit is zero where the subsequence of what `one` has so far and of `other` up to that place
/// is longer than up to the place before.
fn rows(one: &[u8], other: &[u8], row: &mut [u64], mut done: impl FnMut(&[u64])) -> Result<(), Refusal> {
    // For each byte that `one` has: in which places `other` has it. These are no more bits than the table has.
    let (mut known, mut kinds) = ([None; 256], 0);
    for &byte in one {
        known[byte as usize].get_or_insert_with(|| {
            kinds += 1;
            kinds - 1
        });
    }
    let mut places: Vec<u64> = room(kinds * row.len())?;
    places.resize(kinds * row.len(), 0);
    for (at, &byte) in other.iter().enumerate() {
        if let Some(kind) = known[byte as usize] {
            places[kind * row.len() + at / 64] |= 1 << (at % 64);
        }
    }
    for &byte in one {
        let kind = known[byte as usize].expect("a byte of this string");
        let (places, mut carry) = (&places[kind * row.len()..], false);
        for (word, places) in row.iter_mut().zip(places) {
            let (sum, over) = word.overflowing_add(*word & places);
            let (sum, over_again) = sum.overflowing_add(carry as u64);
            carry = over | over_again;
            *word = sum | *word & !places;
        }
        done(row);
    }
    Ok(())
}

/// The rows, bit after bit: a row may be much shorter than a word.
struct Table {
    /// Invariant: `length` bits, those beyond them zero.
    bits: Vec<u64>,
    length: usize,
    width: usize,
}

impl Table {
    fn with_room(rows: usize, width: usize) -> Result<Table, Refusal> {
        Ok(Table { bits: room(words(rows * width))?, length: 0, width })
    }

    fn push(&mut self, row: &[u64]) {
        let mut left = self.width;
        for &word in row {
            let (count, at) = (left.min(64), self.length % 64);
            let word = word & (u64::MAX >> (64 - count));
            match self.bits.last_mut().filter(|_| at > 0) {
                Some(last) => {
                    *last |= word << at;
                    if at + count > 64 {
                        self.bits.push(word >> (64 - at));
                    }
                }
                None => self.bits.push(word),
            }
            self.length += count;
            left -= count;
        }
    }

    fn grows(&self, row: usize, at: usize) -> bool {
        grows(&self.bits, row * self.width + at)
    }
}

fn words(bits: usize) -> usize {
    bits.div_ceil(64)
}

fn room(words: usize) -> Result<Vec<u64>, Refusal> {
    let mut room = Vec::new();
    room.try_reserve_exact(words).map_err(|_| Refusal::LcsOutOfMemory)?;
    Ok(room)
}

fn grows(row: &[u64], at: usize) -> bool {
    row[at / 64] >> (at % 64) & 1 == 0
}

/// How long the subsequence is, by the last row.
fn matched(row: &[u64], length: usize) -> usize {
    (0..length).filter(|at| grows(row, *at)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook's table, walked back as Redis walks it.
    fn by_the_book(one: &[u8], other: &[u8]) -> Vec<Run> {
        let mut table = vec![vec![0; other.len() + 1]; one.len() + 1];
        for i in 1..=one.len() {
            for j in 1..=other.len() {
                let same = one[i - 1] == other[j - 1];
                table[i][j] = if same { table[i - 1][j - 1] + 1 } else { table[i - 1][j].max(table[i][j - 1]) };
            }
        }
        let (mut i, mut j, mut pairs) = (one.len(), other.len(), vec![]);
        while i > 0 && j > 0 {
            if one[i - 1] == other[j - 1] {
                (i, j) = (i - 1, j - 1);
                pairs.push((i, j));
            } else if table[i - 1][j] > table[i][j - 1] {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        let mut runs = Vec::<Run>::new();
        for (one, other) in pairs {
            match runs.last_mut() {
                Some(run) if run.one == one + 1 && run.other == other + 1 => {
                    *run = Run { one, other, length: run.length + 1 };
                }
                _ => runs.push(Run { one, other, length: 1 }),
            }
        }
        runs
    }

    #[test]
    fn bits_say_what_numbers_say() {
        let mut seed = 1u64;
        let mut chance = |below: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % below
        };
        for letters in [1, 2, 4, 26, 256] {
            for longest in [1, 5, 63, 64, 65, 130, 200] {
                for _ in 0..10 {
                    let mut text = || {
                        let length = chance(longest + 1);
                        (0..length).map(|_| chance(letters) as u8).collect::<Vec<_>>()
                    };
                    let (one, other) = (text(), text());
                    let expected = by_the_book(&one, &other);
                    assert_eq!(runs(&one, &other), Ok(expected.clone()), "{one:?} {other:?}");
                    let mut row = vec![u64::MAX; words(other.len())];
                    rows(&one, &other, &mut row, |_| {}).unwrap();
                    let length = expected.iter().map(|run| run.length).sum::<usize>();
                    assert_eq!(matched(&row, other.len()), length, "{one:?} {other:?}");
                }
            }
        }
    }
}
