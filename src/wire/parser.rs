//! The parser: tokens become requests. It parses ahead, as many requests as it is asked for, into a `Batch` that is used
//! again and again; what it has of an unfinished request it keeps. A bulk string that is large and not yet there
//! is read into memory of its own, which grows with what has come and not with what was announced.
use super::lexer::{Lexed, Lexer, Limits};
use super::request::Request;
use super::token::{Kind, Span, Token, Violation};
use crate::base::quoted;
use bytes::Bytes;
use memchr::memchr2;
use std::ops::Range;

/// From this size on a bulk string that is not yet complete gets memory of its own (Redis: PROTO_MBULK_BIG_ARG).
pub const LARGE_BYTES: usize = 32 * 1024;
/// The least room that is made for one. A client that sends byte by byte costs no more than that.
const LARGE_FIRST: usize = 4 * 1024;
/// So much of a large bulk string is lent to a read at once.
const LARGE_STEP: usize = 256 * 1024;
/// When this part of a large bulk string has come, room is made for all of it, so that no more than that is ever copied.
const LARGE_EARNEST: usize = 128;

/// Words of one request that are no longer few.
const MANY_SPANS: usize = 1024;

/// Requests parsed ahead. The words of all of them stand in one vector.
#[derive(Debug, Default)]
pub struct Batch {
    pub requests: Vec<Parsed>,
    /// What stands after the requests is no request. They are served first.
    pub broken: Option<Violation>,
    spans: Vec<Span>,
    /// Of the first request: one that is read into memory of its own is always the first of its batch.
    larges: Vec<Bytes>,
}

/// The bytes `start..end` of the input.
#[derive(Debug, Clone, Copy)]
pub struct Parsed {
    pub start: usize,
    pub end: usize,
    first_span: usize,
    end_span: usize,
}

impl Batch {
    pub fn clear(&mut self) {
        self.requests.clear();
        self.spans.clear();
        // All sessions share it: what one request with many words needed is not kept for the others.
        if self.spans.capacity() > 64 * MANY_SPANS {
            self.spans = Vec::new();
        }
        self.larges.clear();
        self.broken = None;
    }

    #[inline]
    pub fn request<'a>(&'a self, at: usize, input: &'a [u8]) -> Request<'a> {
        let parsed = &self.requests[at];
        let larges = if at == 0 { self.larges.as_slice() } else { &[] };
        Request::new(&input[parsed.start..], &self.spans[parsed.first_span..parsed.end_span], larges)
    }
}

/// What was used of the input: requests up to `used`; from there to `kept` stands the beginning of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub used: usize,
    pub kept: usize,
}

/// Small, since every session has one: what few requests need stands apart.
#[derive(Debug, Default)]
pub struct Parser {
    lexer: Lexer,
    /// Words that are still to come.
    wanted: u32,
    begun: Option<Box<Begun>>,
}

/// What is kept of a request that came in pieces.
#[derive(Debug, Default)]
struct Begun {
    spans: Vec<Span>,
    larges: Vec<Bytes>,
    /// Invariant: there only while a bulk string is read.
    large: Option<Large>,
}

/// Invariant: filled <= bytes.len() <= length.
#[derive(Debug)]
struct Large {
    bytes: Vec<u8>,
    filled: usize,
    length: usize,
}

impl Parser {
    /// Nothing is known of a next request.
    pub fn is_idle(&self) -> bool {
        self.lexer == Lexer::default()
    }

    /// Bytes held for the request that was begun, beside the input.
    pub fn held(&self) -> usize {
        let Some(Begun { spans, larges, large }) = self.begun.as_deref() else { return 0 };
        spans.capacity() * size_of::<Span>()
            + larges.iter().map(Bytes::len).sum::<usize>()
            + large.as_ref().map_or(0, |large| large.bytes.capacity())
    }

    /// Bytes that have come of a large string that is being read, if one is.
    #[inline]
    pub fn large_bytes(&self) -> Option<usize> {
        self.begun.as_deref()?.large.as_ref().map(|large| large.filled)
    }

    /// A request was begun that is not yet whole, or is large.
    #[inline]
    pub fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// Parses up to `most` requests. `input` begins with the first byte of a request, the one that `self` has begun.
    #[inline]
    pub fn parse(&mut self, input: &mut [u8], batch: &mut Batch, limits: &Limits, most: usize) -> Progress {
        let mut start = 0;
        if let Some(begun) = &mut self.begun {
            begun.resume(batch);
        }
        loop {
            // Nearly all requests are taken here; the tokens of one that is cut or unusual are taken one by one.
            if self.lexer.is_at_start() {
                start = self.parse_whole(input, start, batch, limits, most);
            }
            if batch.requests.len() >= most || start >= input.len() {
                return Progress { used: start, kept: input.len() };
            }
            match self.parse_next(input, start, batch, limits) {
                Ok(end) => start = end,
                Err(progress) => return progress,
            }
        }
    }

    /// Takes the usual requests with which `input` begins, up to `most` of them. Where the next one begins. Nothing is
    /// known of them afterwards but what `batch` says, and of what follows them nothing at all.
    #[inline]
    pub fn foresee(&mut self, input: &[u8], batch: &mut Batch, limits: &Limits, most: usize) -> usize {
        if self.has_begun() || !self.lexer.is_at_start() {
            return 0;
        }
        let end = self.parse_whole(input, 0, batch, limits, most);
        if !self.lexer.is_at_start() {
            self.forget();
            batch.spans.truncate(batch.requests.last().map_or(0, |last| last.end_span));
        }
        end
    }

    /// Takes usual requests for as long as they stand there whole: up to `most`, from `start` on. Where the next begins.
    fn parse_whole(&mut self, input: &[u8], start: usize, batch: &mut Batch, limits: &Limits, most: usize) -> usize {
        let (mut rest, mut start, mut first_span) = (&input[start..], start, batch.spans.len());
        while batch.requests.len() < most
            && let Some(length) = self.lexer.whole_request(rest, limits, &mut batch.spans, &mut self.wanted)
        {
            let (end, end_span) = (start + length, batch.spans.len());
            batch.requests.push(Parsed { start, end, first_span, end_span });
            (rest, start, first_span) = (&rest[length..], end, end_span);
        }
        start
    }

    /// Takes the tokens of one request. Where the next begins; `Err`: there is no more to be taken now.
    #[cold]
    fn parse_next(
        &mut self,
        input: &mut [u8],
        start: usize,
        batch: &mut Batch,
        limits: &Limits,
    ) -> Result<usize, Progress> {
        let first_span = batch.requests.last().map_or(0, |last| last.end_span);
        loop {
            let whole = self.lexer.whole_bulks(&input[start..], limits, self.wanted, &mut batch.spans);
            self.wanted -= whole;
            if whole > 0 && self.wanted == 0 {
                return Ok(self.finish(start, first_span, batch));
            }
            match self.lexer.next(&input[start..], limits) {
                Lexed::Token(Token { kind: Kind::Bulk, span }) => {
                    let span = self.begun.as_mut().and_then(|begun| begun.finish_large()).unwrap_or(span);
                    batch.spans.push(span);
                    self.wanted -= 1;
                }
                Lexed::Token(Token { kind: Kind::Length(length), span }) => {
                    let here = input.len() - start - span.end as usize;
                    if (length as usize) < LARGE_BYTES || here >= length as usize + 2 {
                        continue;
                    }
                    if !batch.requests.is_empty() {
                        self.forget();
                        batch.spans.truncate(first_span);
                        return Err(Progress { used: start, kept: input.len() });
                    }
                    let from = start + span.end as usize;
                    let taken = self.lexer.take_bulk(&input[start..]);
                    self.put_by(batch, first_span).begin_large(&input[from..from + taken], length as usize);
                    input.copy_within(from + taken.., from);
                    return Err(Progress { used: start, kept: input.len() - taken });
                }
                Lexed::Token(Token { kind: Kind::Count(count), .. }) => {
                    self.wanted = count.max(0) as u32;
                    if count > 0 {
                        continue;
                    }
                }
                Lexed::Token(Token { kind: Kind::Inline, span }) => {
                    // Quoted words are decoded where they stand, so such a line cannot be read again as one parsed
                    // ahead may have to be.
                    let line = &input[start..][span.range()];
                    if !batch.requests.is_empty() && memchr2(b'"', b'\'', line).is_some() {
                        self.forget();
                        return Err(Progress { used: start, kept: input.len() });
                    }
                    let mut found = |range: Range<usize>| batch.spans.push(range.into());
                    if quoted::split(&mut input[start..], span.range(), &mut found).is_err() {
                        batch.broken = Some(Violation::Quotes);
                        return Err(Progress { used: start, kept: start });
                    }
                    self.wanted = 0;
                }
                Lexed::More => {
                    self.put_by(batch, first_span);
                    return Err(Progress { used: start, kept: input.len() });
                }
                Lexed::Broken(violation) => {
                    batch.broken = Some(violation);
                    return Err(Progress { used: start, kept: start });
                }
            }
            if self.wanted == 0 {
                return Ok(self.finish(start, first_span, batch));
            }
        }
    }

    /// Keeps the words of a request that is not yet whole.
    fn put_by(&mut self, batch: &mut Batch, first_span: usize) -> &mut Begun {
        let begun = self.begun.get_or_insert_default();
        if first_span == 0 && batch.spans.len() > MANY_SPANS {
            std::mem::swap(&mut batch.spans, &mut begun.spans);
            batch.spans.clear();
        } else {
            begun.spans.extend(batch.spans.drain(first_span..));
        }
        begun
    }

    /// The request that began at `start` is whole (or was empty). Where the next one begins.
    fn finish(&mut self, start: usize, first_span: usize, batch: &mut Batch) -> usize {
        let (end, end_span) = (start + self.lexer.at(), batch.spans.len());
        if let Some(begun) = self.begun.take() {
            batch.larges = begun.larges;
        }
        if end_span > first_span {
            batch.requests.push(Parsed { start, end, first_span, end_span });
        }
        self.lexer.restart();
        end
    }

    /// The request that was begun is read again from its first byte.
    pub fn forget(&mut self) {
        let begun = self.begun.take().unwrap_or_default();
        assert!(begun.larges.is_empty() && begun.large.is_none(), "bytes that left the input cannot be read again");
        self.lexer.restart();
        self.wanted = 0;
    }

    /// The next bytes belong to a large bulk string: `space` lends room for them.
    #[inline]
    pub fn is_reading_large(&self) -> bool {
        self.begun.as_ref().and_then(|begun| begun.large.as_ref()).is_some_and(|large| large.filled < large.length)
    }

    /// Room for the rest of a large bulk string, if that is what comes next.
    pub fn space(&mut self) -> Option<&mut [u8]> {
        let large = self.begun.as_mut()?.large.as_mut().filter(|large| large.filled < large.length)?;
        let (filled, length) = (large.filled, large.length);
        if filled == large.bytes.capacity() {
            let room = if 2 * filled > length / LARGE_EARNEST { length } else { 2 * filled };
            large.bytes.reserve_exact(room - filled);
        }
        let end = length.min(large.bytes.capacity()).min(filled + LARGE_STEP);
        if large.bytes.len() < end {
            large.bytes.resize(end, 0);
        }
        Some(&mut large.bytes[filled..end])
    }

    /// `count` bytes were put into that room.
    pub fn filled(&mut self, count: usize) {
        let large = self.begun.as_mut().and_then(|begun| begun.large.as_mut()).expect("room was lent");
        large.filled += count;
        assert!(large.filled <= large.bytes.len() && large.bytes.len() <= large.length);
    }

    /// The state of the lexer, for who explains where a request broke off.
    pub fn wanted(&self) -> String {
        self.lexer.wanted()
    }
}

impl Begun {
    /// Gives its words back. Few are copied; many change hands, for they come up again with every read, and to copy them
    /// each time took four seconds for a request of eight million words.
    fn resume(&mut self, batch: &mut Batch) {
        if self.spans.len() > MANY_SPANS && batch.spans.is_empty() {
            std::mem::swap(&mut batch.spans, &mut self.spans);
        } else {
            batch.spans.append(&mut self.spans);
        }
    }

    fn begin_large(&mut self, here: &[u8], length: usize) {
        let mut bytes = Vec::with_capacity((2 * here.len()).clamp(LARGE_FIRST, length));
        bytes.extend_from_slice(here);
        self.large = Some(Large { bytes, filled: here.len(), length });
    }

    /// The large bulk string that was being read, if there is one, as a word.
    fn finish_large(&mut self) -> Option<Span> {
        let large = self.large.take()?;
        assert_eq!(large.filled, large.length);
        self.larges.push(Bytes::from(large.bytes));
        Some(Span::large(self.larges.len() - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bulk_bytes_max: 512 << 20, authenticated: true };

    fn parse(chunks: &[&[u8]]) -> (Vec<Vec<Vec<u8>>>, Option<Violation>) {
        let (mut parser, mut batch, mut kept, mut all) = (Parser::default(), Batch::default(), vec![], vec![]);
        for mut chunk in chunks.iter().copied() {
            while let Some(room) = parser.space().filter(|_| !chunk.is_empty()) {
                let count = room.len().min(chunk.len());
                room[..count].copy_from_slice(&chunk[..count]);
                parser.filled(count);
                chunk = &chunk[count..];
            }
            kept.extend_from_slice(chunk);
            loop {
                batch.clear();
                let progress = parser.parse(&mut kept, &mut batch, &LIMITS, 3);
                for at in 0..batch.requests.len() {
                    all.push(batch.request(at, &kept).iter().map(<[u8]>::to_vec).collect::<Vec<_>>());
                }
                kept = kept[progress.used..progress.kept].to_vec();
                if batch.broken.is_some() || batch.requests.is_empty() {
                    break;
                }
            }
        }
        (all, batch.broken)
    }

    #[test]
    fn cut_at_every_byte() {
        let large = vec![b'x'; LARGE_BYTES + 7];
        let mut input =
            b"PING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n\r\n*0\r\n*-1\r\nset k \"a b\"\n*3\r\n$3\r\nSET\r\n".to_vec();
        input.extend_from_slice(format!("${}\r\n", large.len()).as_bytes());
        input.extend_from_slice(&large);
        input.extend_from_slice(b"\r\n$1\r\nv\r\n*1\r\n$4\r\nPING\r\n*1\r\nx\r\n");
        let (whole, broken) = parse(&[&input]);
        assert_eq!(whole.len(), 5);
        assert_eq!(whole[3][1], large);
        assert_eq!(broken, Some(Violation::NoLength(b'x')));
        for at in (0..200).chain(input.len() - 60..input.len()) {
            assert_eq!(parse(&[&input[..at], &input[at..]]), (whole.clone(), broken), "cut at {at}");
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(parse(&bytes), (whole, broken));
    }

    /// A header alone takes no memory, however large the number in it.
    #[test]
    fn nothing_is_reserved_on_the_word_of_a_header() {
        let mut parser = Parser::default();
        let mut input = b"*1000000000\r\n$536870912\r\n12".to_vec();
        parser.parse(&mut input, &mut Batch::default(), &LIMITS, 1);
        assert!(parser.held() <= LARGE_BYTES);
    }
}
