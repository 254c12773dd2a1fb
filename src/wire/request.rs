//! One request: its words, as spans of the input; and the same with bytes of its own, for what outlives the input (a
//! blocked client, a queue, the log). Knows nothing of what the words mean.
use super::token::Span;
use bytes::Bytes;
use std::fmt::{Display, Formatter, Result as Formatted};
use std::ops::Range;

/// The start of a span that is no place of the input: its `end` is the number of a large bulk string.
const LARGE: u32 = u32::MAX;

impl Span {
    pub const fn large(number: usize) -> Span {
        Span { start: LARGE, end: number as u32 }
    }
}

/// Invariant: every span lies in `input`, or numbers one of `larges`.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    input: &'a [u8],
    spans: &'a [Span],
    /// Bulk strings that were read into memory of their own; a value can share it.
    larges: &'a [Bytes],
}

impl<'a> Request<'a> {
    #[inline]
    pub fn new(input: &'a [u8], spans: &'a [Span], larges: &'a [Bytes]) -> Self {
        Request { input, spans, larges }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    #[inline]
    pub fn get(&self, at: usize) -> Option<&'a [u8]> {
        let span = self.spans.get(at)?;
        if span.start == LARGE {
            return Some(&self.larges[span.end as usize]);
        }
        Some(&self.input[span.start as usize..span.end as usize])
    }

    /// The first `count` words alone.
    pub fn first(&self, count: usize) -> Self {
        Request { spans: &self.spans[..count], ..*self }
    }

    /// Some of the words alone.
    pub fn part(&self, words: Range<usize>) -> Self {
        Request { spans: &self.spans[words], ..*self }
    }

    /// Shares a word's memory, if it has memory of its own.
    pub fn share(&self, word: &[u8]) -> Option<Bytes> {
        let same = |large: &&Bytes| large.as_ptr() == word.as_ptr() && large.len() == word.len();
        self.larges.iter().find(same).cloned()
    }

    /// Where the words stand in their request, for the log.
    pub fn places(&self) -> String {
        let place = |span: &Span| match span.start {
            LARGE => "(memory of its own)".to_string(),
            start => format!("{start}..{}", span.end),
        };
        self.spans.iter().map(place).collect::<Vec<_>>().join(" ")
    }

    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).map_while(move |at| self.get(at))
    }
}

impl Display for Request<'_> {
    fn fmt(&self, to: &mut Formatter) -> Formatted {
        self.iter().enumerate().try_for_each(|(i, word)| write!(to, "{}{}", &" "[..i.min(1)], word.escape_ascii()))
    }
}

#[derive(Clone, Debug, Default)]
pub struct OwnedWords {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    larges: Vec<Bytes>,
}

impl OwnedWords {
    pub fn word(&mut self, word: &[u8]) -> &mut Self {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(word);
        self.spans.push(Span { start, end: self.bytes.len() as u32 });
        self
    }

    pub fn text(&mut self, text: impl Display) -> &mut Self {
        self.word(text.to_string().as_bytes())
    }

    /// All words of a request. Large bulk strings are shared, not copied.
    pub fn append(&mut self, request: Request) -> &mut Self {
        let larges = self.larges.len();
        self.larges.extend_from_slice(request.larges);
        for (span, word) in request.spans.iter().zip(request.iter()) {
            if span.start == LARGE {
                self.spans.push(Span::large(larges + span.end as usize));
            } else {
                self.word(word);
            }
        }
        self
    }

    /// The length of the words that are not shared, in all.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The memory that the words take, shared or not.
    pub fn memory(&self) -> usize {
        let shared: usize = self.larges.iter().map(|large| large.len() + size_of::<Bytes>()).sum();
        self.bytes.capacity() + self.spans.capacity() * size_of::<Span>() + shared
    }

    pub fn request(&self) -> Request<'_> {
        Request::new(&self.bytes, &self.spans, &self.larges)
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.larges.clear();
    }
}

impl From<Request<'_>> for OwnedWords {
    fn from(request: Request) -> Self {
        let mut owned = OwnedWords::default();
        owned.append(request);
        owned
    }
}
