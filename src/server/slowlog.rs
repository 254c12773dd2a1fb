//! The commands that took long, in their clients' own words as far as these are short: what SLOWLOG tells. When a command
//! took long is judged elsewhere (notice.rs).
use std::collections::VecDeque;

/// So many words are kept of a command, and so many bytes of a word.
const WORDS_MAX: usize = 32;
const WORD_BYTES_MAX: usize = 128;
/// In place of what nobody should read in a log.
pub const REDACTED: &[u8] = b"(redacted)";

#[derive(Debug)]
pub struct Slow {
    pub id: u64,
    /// When it ended: seconds of the wall clock.
    pub at_s: i64,
    pub took_us: u64,
    pub words: Vec<Box<[u8]>>,
    pub peer: String,
    pub name: Box<[u8]>,
}

#[derive(Debug, Default)]
pub struct SlowLog {
    /// The newest first.
    entries: VecDeque<Slow>,
    next_id: u64,
}

impl SlowLog {
    /// `most`: how many entries are kept. With 0 the log stays as it is, as Redis's does.
    pub fn push(&mut self, slow: Slow, most: usize) {
        if most == 0 {
            return;
        }
        self.entries.push_front(Slow { id: self.next_id, ..slow });
        self.next_id += 1;
        self.entries.truncate(most);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Slow> {
        self.entries.iter()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Numbers go on where they were.
    pub fn clear(&mut self) {
        self.entries = VecDeque::new();
    }
}

/// The words of a request as they are kept: so many, the last of them saying how many are left out.
pub fn shortened<'a>(words: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<Box<[u8]>> {
    let count = words.len();
    let kept = if count > WORDS_MAX { WORDS_MAX - 1 } else { count };
    // `collect` would take the memory that all of the words stood in, and the log would keep it.
    let mut short: Vec<Box<[u8]>> = Vec::with_capacity(kept + 1);
    short.extend(words.take(kept).map(shorten));
    if kept < count {
        short.push(format!("... ({} more arguments)", count - kept).into_bytes().into());
    }
    short
}

fn shorten(word: &[u8]) -> Box<[u8]> {
    match word.split_at_checked(WORD_BYTES_MAX) {
        Some((kept, rest)) if !rest.is_empty() => {
            [kept, format!("... ({} more bytes)", rest.len()).as_bytes()].concat().into()
        }
        _ => word.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_takes_no_memory() {
        for count in [1, WORDS_MAX, WORDS_MAX + 1, 100_000] {
            let words: Vec<&[u8]> = vec![b"word"; count];
            let short = shortened(words.into_iter());
            assert_eq!(short.len(), count.min(WORDS_MAX));
            assert!(short.capacity() <= WORDS_MAX + 1);
        }
        let (short, long) = (vec![b'a'; WORD_BYTES_MAX], vec![b'a'; WORD_BYTES_MAX + 2]);
        let kept = shortened([&short[..], &long].into_iter());
        assert_eq!((&kept[0][..], kept[1].ends_with(b"... (2 more bytes)")), (&short[..], true));
    }
}
