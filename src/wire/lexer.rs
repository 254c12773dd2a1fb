//! The lexer: bytes become tokens. It stops and goes on at any byte, and looks at no byte twice: what a half-read header
//! was worth so far is kept in the state. That more input is wanted is a value, not an error.
//! It does not take inline lines apart (base/quoted.rs) and puts no request together (parser.rs).
#[cfg(test)]
mod tests;

use super::token::{Kind, Span, Token, Violation};
use memchr::memchr2;

/// No header and no inline line is longer than this (Redis: PROTO_INLINE_MAX_SIZE).
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// What a client that has not signed in may send: so many words of so many bytes.
pub const UNAUTHENTICATED_WORDS_MAX: i64 = 10;
pub const UNAUTHENTICATED_BULK_MAX: i64 = 16 * 1024;

/// What a request may be at most, for the client that sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `proto-max-bulk-len`
    pub bulk_bytes_max: i64,
    pub authenticated: bool,
}

impl Limits {
    /// The longest bulk string that it may send.
    #[inline]
    fn longest(&self) -> u32 {
        let longest = if self.authenticated { self.bulk_bytes_max } else { UNAUTHENTICATED_BULK_MAX };
        longest.clamp(0, u32::MAX as i64 / 2) as u32
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lexed {
    Token(Token),
    More,
    Broken(Violation),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum State {
    /// Before the first byte of a request.
    #[default]
    Start,
    /// Before the `$` of a bulk string.
    Dollar,
    /// Within a number. Its CR may have been seen, then `at` stands on it.
    Number,
    /// A line that is no number after all, whose end is looked for before it is refused, as Redis does.
    Garbage,
    /// Within the bytes of a bulk string, or the two bytes after them.
    Bulk,
    /// Within an inline line.
    Inline,
    /// Behind a zero byte in a line: where that ends is never seen, as Redis never does, to whom a zero ends a string.
    Hidden,
}

/// What a header was worth as far as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Number {
    of: u8,
    negative: bool,
    digits: u8,
    value: i64,
}

/// Invariant: start <= at. `start`: the first byte of the token that is being read. `at`: the next byte to look at.
/// Both count from the first byte of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lexer {
    state: State,
    start: u32,
    at: u32,
    /// Of the bulk string that is being read.
    length: u32,
    number: Number,
}

const START: Lexer = Lexer {
    state: State::Start,
    start: 0,
    at: 0,
    length: 0,
    number: Number { of: 0, negative: false, digits: 0, value: 0 },
};

impl Lexer {
    /// The next byte to look at, from the first byte of the request.
    #[inline]
    pub fn at(&self) -> usize {
        self.at as usize
    }

    /// What is wanted next, in words, for `spindle explain`.
    pub fn wanted(&self) -> String {
        match self.state {
            State::Start => "a request".into(),
            // A line that begins with something else is no length: its end is waited for before it is refused.
            _ if self.state == State::Dollar || self.state == State::Garbage && self.at == self.start => {
                "`$`, a length, CR LF, and so many bytes".into()
            }
            State::Dollar | State::Number | State::Garbage => {
                format!("the rest of the number after `{}`, and CR LF", self.number.of as char)
            }
            State::Bulk => format!("a bulk string of {} bytes, and CR LF", self.length),
            State::Inline => "the end of the line".into(),
            State::Hidden => "nothing that could come: a zero byte hides the end of the line".into(),
        }
    }

    /// The next token of a request that begins at the first byte of `input`.
    #[inline(always)]
    pub fn next(&mut self, input: &[u8], limits: &Limits) -> Lexed {
        match self.state {
            State::Bulk => self.bulk(input),
            State::Dollar => match quick(input, self.at, b'$') {
                Some((value, end)) => {
                    self.start = self.at;
                    self.headed(b'$', value as i64, end, limits)
                }
                None => self.slow(input, limits),
            },
            State::Start => match quick(input, self.at, b'*') {
                Some((value, end)) => self.headed(b'*', value as i64, end, limits),
                None => self.slow(input, limits),
            },
            _ => self.slow(input, limits),
        }
    }

    /// A request that stands here whole and is a usual one, as nearly all are: the tokens of it at once, and nothing
    /// written to the state. Where it ends. What it leaves, `next` takes, but for so many bulk strings that are `wanted`.
    /// (Token by token, a GET took 130 instructions more.)
    #[inline(always)]
    pub fn whole_request(
        &mut self,
        input: &[u8],
        limits: &Limits,
        spans: &mut Vec<Span>,
        wanted: &mut u32,
    ) -> Option<usize> {
        let longest = limits.longest();
        let (mut left, mut at);
        if let Some((count, name)) = usual(input) {
            spans.push(name);
            (left, at) = (count - 1, name.end + 2);
            if left == 0 {
                return Some(at as usize);
            }
        } else {
            (left, at) = quick(input, 0, b'*')?;
            if left == 0 || left as i64 > UNAUTHENTICATED_WORDS_MAX && !limits.authenticated {
                return None;
            }
        }
        while let Some(span) = whole_bulk(input, at, longest) {
            spans.push(span);
            at = span.end + 2;
            left -= 1;
            if left == 0 {
                return Some(at as usize);
            }
        }
        (self.at, self.start, self.state, *wanted) = (at, at, State::Dollar, left);
        None
    }

    /// As many whole bulk strings as stand here, at most `most`, of a request that was cut. What it leaves, `next` takes.
    #[inline]
    pub fn whole_bulks(&mut self, input: &[u8], limits: &Limits, most: u32, spans: &mut Vec<Span>) -> u32 {
        if self.state != State::Dollar {
            return 0;
        }
        let (longest, mut count) = (limits.longest(), 0);
        while count < most
            && let Some(span) = whole_bulk(input, self.at, longest)
        {
            spans.push(span);
            (self.start, self.at) = (span.end + 2, span.end + 2);
            count += 1;
        }
        count
    }

    #[inline(always)]
    fn bulk(&mut self, input: &[u8]) -> Lexed {
        let end = self.start + self.length;
        if (input.len() as u64) < end as u64 + 2 {
            self.at = self.at.max((input.len() as u32).min(end));
            return Lexed::More;
        }
        (self.at, self.state) = (end + 2, State::Dollar);
        Lexed::Token(Token { kind: Kind::Bulk, span: Span { start: self.start, end } })
    }

    /// A number and its CR LF are read, up to `end`.
    #[inline(always)]
    fn headed(&mut self, of: u8, value: i64, end: u32, limits: &Limits) -> Lexed {
        let span = Span { start: self.start, end };
        self.at = end;
        if of == b'*' {
            if value > i32::MAX as i64 {
                return Lexed::Broken(Violation::CountInvalid);
            }
            if value > UNAUTHENTICATED_WORDS_MAX && !limits.authenticated {
                return Lexed::Broken(Violation::CountUnauthenticated);
            }
            self.state = State::Dollar;
            return Lexed::Token(Token { kind: Kind::Count(value), span });
        }
        if value < 0 || value > limits.bulk_bytes_max.min(u32::MAX as i64 / 2) {
            return Lexed::Broken(Violation::LengthInvalid);
        }
        if value > UNAUTHENTICATED_BULK_MAX && !limits.authenticated {
            return Lexed::Broken(Violation::LengthUnauthenticated);
        }
        (self.start, self.length, self.state) = (end, value as u32, State::Bulk);
        Lexed::Token(Token { kind: Kind::Length(value as u32), span })
    }

    /// Whatever `quick` does not take: a header that is cut, negative, long or wrong; inline lines.
    #[cold]
    #[inline(never)]
    fn slow(&mut self, input: &[u8], limits: &Limits) -> Lexed {
        loop {
            match self.state {
                State::Start | State::Dollar => {
                    let Some(&first) = input.get(self.at as usize) else { return Lexed::More };
                    self.start = self.at;
                    self.state = match (self.state, first) {
                        (State::Start, b'*') | (State::Dollar, b'$') => {
                            self.at += 1;
                            self.number = Number { of: first, ..Number::default() };
                            State::Number
                        }
                        (State::Start, _) => {
                            self.number = Number::default();
                            State::Inline
                        }
                        _ => {
                            self.number = Number { of: b'$', ..Number::default() };
                            State::Garbage
                        }
                    };
                }
                State::Number => match self.number(input, limits) {
                    Some(lexed) => return lexed,
                    None => self.state = State::Garbage,
                },
                State::Bulk => return self.bulk(input),
                State::Inline => return self.inline(input),
                State::Garbage => return self.garbage(input),
                State::Hidden => return self.endless(input),
            }
        }
    }

    /// `None`: a byte that belongs to no number.
    fn number(&mut self, input: &[u8], limits: &Limits) -> Option<Lexed> {
        let Number { of, negative, digits, value } = &mut self.number;
        loop {
            match input.get(self.at as usize) {
                Some(digit @ b'0'..=b'9') if *digits < 18 => {
                    if *digits == 1 && *value == 0 {
                        return None;
                    }
                    *value = *value * 10 + (digit - b'0') as i64;
                    *digits += 1;
                }
                Some(b'-') if *digits == 0 && !*negative => *negative = true,
                Some(b'\r') if *digits > 0 && !(*negative && *value == 0) => break,
                Some(_) => return None,
                None => return Some(Lexed::More),
            }
            self.at += 1;
        }
        if input.len() < self.at as usize + 2 {
            return Some(Lexed::More);
        }
        let (of, value) = (*of, if *negative { -*value } else { *value });
        Some(self.headed(of, value, self.at + 2, limits))
    }

    fn garbage(&mut self, input: &[u8]) -> Lexed {
        let rest = &input[self.at as usize..];
        match memchr2(b'\r', 0, rest) {
            Some(at) if rest[at] == 0 => self.hidden(input),
            Some(at) if at + 1 < rest.len() => Lexed::Broken(match input[self.start as usize] {
                b'*' if self.number.of == b'*' => Violation::CountInvalid,
                b'$' => Violation::LengthInvalid,
                other => Violation::NoLength(other),
            }),
            Some(at) => {
                self.at += at as u32;
                Lexed::More
            }
            None => self.endless(input),
        }
    }

    fn inline(&mut self, input: &[u8]) -> Lexed {
        let rest = &input[self.at as usize..];
        let newline = match memchr2(b'\n', 0, rest) {
            Some(at) if rest[at] == 0 => return self.hidden(input),
            Some(at) => at,
            None => return self.endless(input),
        };
        let end = self.at + newline as u32;
        let line = &input[self.start as usize..end as usize];
        let span = Span { start: self.start, end: self.start + line.strip_suffix(b"\r").unwrap_or(line).len() as u32 };
        (self.at, self.state) = (end + 1, State::Start);
        Lexed::Token(Token { kind: Kind::Inline, span })
    }

    fn hidden(&mut self, input: &[u8]) -> Lexed {
        self.state = State::Hidden;
        self.endless(input)
    }

    /// A line has no end so far.
    fn endless(&mut self, input: &[u8]) -> Lexed {
        self.at = input.len() as u32;
        if (self.at - self.start) as usize <= LINE_BYTES_MAX {
            return Lexed::More;
        }
        Lexed::Broken(match self.number.of {
            b'*' => Violation::CountTooLong,
            b'$' => Violation::LengthTooLong,
            _ => Violation::InlineTooLong,
        })
    }

    /// Nothing is known of the request that begins here.
    #[inline]
    pub fn is_at_start(&self) -> bool {
        self.state == State::Start
    }

    /// The request is complete, and another begins at the next byte.
    #[inline]
    pub fn restart(&mut self) {
        *self = START;
    }

    /// Takes a bulk string out of the input: its bytes go elsewhere, and the two that end it come next. Says how many
    /// bytes of the input it had.
    pub fn take_bulk(&mut self, input: &[u8]) -> usize {
        assert_eq!(self.state, State::Bulk);
        let here = input.len().saturating_sub(self.start as usize).min(self.length as usize);
        (self.at, self.length) = (self.start, 0);
        here
    }
}

/// The usual beginning of a request, `*3` CR LF `$3` CR LF and the name, compared at one go: how many words it has, and
/// the first of them. Fewer than ten, and none of them longer than nine bytes, are within all limits.
#[inline(always)]
fn usual(input: &[u8]) -> Option<(u32, Span)> {
    let head = u64::from_le_bytes(*input.first_chunk()?);
    let (count, length) = (digit((head >> 8) as u8), digit((head >> 40) as u8));
    let alike = head & 0x00FF_00FF_00FF_00FF == u64::from_le_bytes([b'*', 0, b'\r', 0, b'$', 0, b'\r', 0]);
    let end = 8 + length;
    let whole = alike && count.wrapping_sub(1) <= 8 && length <= 9 && end as usize + 2 <= input.len();
    whole.then_some((count, Span { start: 8, end }))
}

/// A bulk string that stands here whole.
#[inline(always)]
fn whole_bulk(input: &[u8], at: u32, longest: u32) -> Option<Span> {
    let (length, start) = quick(input, at, b'$')?;
    let end = start as usize + length as usize;
    if end + 2 > input.len() || length > longest {
        return None;
    }
    Some(Span { start, end: end as u32 })
}

/// A whole header of up to eight digits, as nearly all are: its number, and where it ends.
#[inline(always)]
fn quick(input: &[u8], at: u32, of: u8) -> Option<(u32, u32)> {
    // The usual headers, `$3` CR LF and `$16` CR, are compared at one go.
    let head = u32::from_le_bytes(*input.get(at as usize..)?.first_chunk()?);
    let (tens, ones) = (digit((head >> 8) as u8), digit((head >> 16) as u8));
    if head & 0x00FF_00FF == u32::from_le_bytes([of, 0, b'\r', 0]) && tens <= 9 {
        return Some((tens, at + 4));
    }
    if head & 0xFF00_00FF == u32::from_le_bytes([of, 0, 0, b'\r']) && tens.wrapping_sub(1) <= 8 && ones <= 9 {
        return ((at as usize) + 4 < input.len()).then_some((tens * 10 + ones, at + 5));
    }
    longer(input, at as usize, of)
}

/// What a byte is worth as a digit; more than 9: it is none.
#[inline(always)]
fn digit(byte: u8) -> u32 {
    byte.wrapping_sub(b'0') as u32
}

#[cold]
#[inline(never)]
fn longer(input: &[u8], at: usize, of: u8) -> Option<(u32, u32)> {
    let (head, most) = (&input[at..], 9);
    let (mut value, mut next) = (0, 1);
    if head[0] != of || head[1] == b'0' {
        return None;
    }
    while next < most
        && let Some(digit) = head.get(next).map(|byte| digit(*byte)).filter(|digit| *digit <= 9)
    {
        value = value * 10 + digit;
        next += 1;
    }
    let ends = next > 1 && head.get(next) == Some(&b'\r') && head.len() > next + 1;
    ends.then_some((value, (at + next + 2) as u32))
}
