//! The lexer: bytes become tokens. It stops and goes on at any byte, and looks at no byte twice: what a half-read header
//! was worth so far is kept in the state. That more input is wanted is a value, not an error.
//! It does not take inline lines apart (quoted.rs) and puts no request together (parser.rs).
use super::token::{Kind, Span, Token, Violation};
use memchr::memchr;

/// No header and no inline line is longer than this (Redis: PROTO_INLINE_MAX_SIZE).
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// What a client that has not signed in may send: so many words of so many bytes.
pub const UNAUTHENTICATED_WORDS_MAX: i64 = 10;
pub const UNAUTHENTICATED_BULK_MAX: i64 = 16 * 1024;

/// What a request may be at most, for the client that sends it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `proto-max-bulk-len`
    pub bulk_bytes_max: i64,
    pub authenticated: bool,
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
    Number(Number),
    /// A line that is no number after all, whose end is looked for before it is refused, as Redis does.
    Garbage { of: u8 },
    /// Within the bytes of a bulk string, or the two bytes after them.
    Bulk { length: u32 },
    /// Within an inline line.
    Inline,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

impl Lexer {
    /// The next byte to look at, from the first byte of the request.
    pub fn at(&self) -> usize {
        self.at as usize
    }

    /// What is wanted next, in words, for `spindle explain`.
    pub fn wanted(&self) -> String {
        match self.state {
            State::Start => "a request".into(),
            State::Dollar => "`$`, a length, CR LF, and so many bytes".into(),
            State::Number(Number { of, .. }) | State::Garbage { of } => {
                format!("the rest of the number after `{}`, and CR LF", of as char)
            }
            State::Bulk { length } => format!("a bulk string of {length} bytes, and CR LF"),
            State::Inline => "the end of the line".into(),
        }
    }

    /// The next token of a request that begins at the first byte of `input`.
    #[inline]
    pub fn next(&mut self, input: &[u8], limits: &Limits) -> Lexed {
        loop {
            match self.state {
                State::Start | State::Dollar => {
                    let Some(&first) = input.get(self.at as usize) else { return Lexed::More };
                    self.start = self.at;
                    self.state = match (self.state, first) {
                        (State::Start, b'*') | (State::Dollar, b'$') => {
                            self.at += 1;
                            State::Number(Number { of: first, negative: false, digits: 0, value: 0 })
                        }
                        (State::Start, _) => State::Inline,
                        _ => return Lexed::Broken(Violation::NoLength(first)),
                    };
                }
                State::Number(number) => match self.number(number, input, limits) {
                    Some(lexed) => return lexed,
                    None => self.state = State::Garbage { of: number.of },
                },
                State::Bulk { length } => {
                    let end = self.start + length;
                    if (input.len() as u64) < end as u64 + 2 {
                        self.at = self.at.max((input.len() as u32).min(end));
                        return Lexed::More;
                    }
                    (self.at, self.state) = (end + 2, State::Dollar);
                    return Lexed::Token(Token { kind: Kind::Bulk, span: Span { start: self.start, end } });
                }
                State::Inline => return self.inline(input),
                State::Garbage { of } => return self.garbage(of, input),
            }
        }
    }

    /// `None`: a byte that belongs to no number.
    #[inline(always)]
    fn number(&mut self, mut number: Number, input: &[u8], limits: &Limits) -> Option<Lexed> {
        let mut at = self.at as usize;
        loop {
            match input.get(at) {
                Some(digit @ b'0'..=b'9') if number.digits < 18 => {
                    if number.digits == 1 && number.value == 0 {
                        return None;
                    }
                    number.value = number.value * 10 + (digit - b'0') as i64;
                    number.digits += 1;
                }
                Some(b'-') if number.digits == 0 && !number.negative => number.negative = true,
                Some(b'\r') if number.digits > 0 && !(number.negative && number.value == 0) => break,
                Some(_) => return None,
                None => {
                    (self.at, self.state) = (at as u32, State::Number(number));
                    return Some(Lexed::More);
                }
            }
            at += 1;
        }
        self.at = at as u32;
        if input.len() < at + 2 {
            self.state = State::Number(number);
            return Some(Lexed::More);
        }
        let value = if number.negative { -number.value } else { number.value };
        let end = self.at + 2;
        let span = Span { start: self.start, end };
        self.at = end;
        if number.of == b'*' {
            if value > i32::MAX as i64 {
                return Some(Lexed::Broken(Violation::CountInvalid));
            }
            if value > UNAUTHENTICATED_WORDS_MAX && !limits.authenticated {
                return Some(Lexed::Broken(Violation::CountUnauthenticated));
            }
            self.state = State::Dollar;
            return Some(Lexed::Token(Token { kind: Kind::Count(value), span }));
        }
        if value < 0 || value > limits.bulk_bytes_max.min(u32::MAX as i64 / 2) {
            return Some(Lexed::Broken(Violation::LengthInvalid));
        }
        if value > UNAUTHENTICATED_BULK_MAX && !limits.authenticated {
            return Some(Lexed::Broken(Violation::LengthUnauthenticated));
        }
        (self.start, self.state) = (end, State::Bulk { length: value as u32 });
        Some(Lexed::Token(Token { kind: Kind::Length(value as u32), span }))
    }

    #[cold]
    fn garbage(&mut self, of: u8, input: &[u8]) -> Lexed {
        let rest = &input[self.at as usize..];
        match memchr(b'\r', rest) {
            Some(at) if at + 1 < rest.len() => {
                Lexed::Broken(if of == b'*' { Violation::CountInvalid } else { Violation::LengthInvalid })
            }
            Some(at) => {
                self.at += at as u32;
                Lexed::More
            }
            None => {
                self.at = input.len() as u32;
                match (self.at - self.start) as usize > LINE_BYTES_MAX {
                    true if of == b'*' => Lexed::Broken(Violation::CountTooLong),
                    true => Lexed::Broken(Violation::LengthTooLong),
                    false => Lexed::More,
                }
            }
        }
    }

    #[cold]
    fn inline(&mut self, input: &[u8]) -> Lexed {
        let rest = &input[self.at as usize..];
        let Some(newline) = memchr(b'\n', rest) else {
            self.at = input.len() as u32;
            let long = (self.at - self.start) as usize > LINE_BYTES_MAX;
            return if long { Lexed::Broken(Violation::InlineTooLong) } else { Lexed::More };
        };
        let end = self.at + newline as u32;
        let line = &input[self.start as usize..end as usize];
        let span = Span { start: self.start, end: self.start + line.strip_suffix(b"\r").unwrap_or(line).len() as u32 };
        (self.at, self.state) = (end + 1, State::Start);
        Lexed::Token(Token { kind: Kind::Inline, span })
    }

    /// The request is complete, and another begins at the next byte.
    #[inline]
    pub fn restart(&mut self) {
        *self = Lexer::default();
    }

    /// Takes a bulk string out of the input: its bytes go elsewhere, and the two that end it come next. Says how many
    /// bytes of the input it had.
    pub fn take_bulk(&mut self, input: &[u8]) -> usize {
        let State::Bulk { length } = self.state else { unreachable!("a bulk string is being read") };
        let here = input.len().saturating_sub(self.start as usize).min(length as usize);
        (self.at, self.state) = (self.start, State::Bulk { length: 0 });
        here
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bulk_bytes_max: 512 << 20, authenticated: true };

    fn lex(input: &[u8], limits: &Limits) -> (Vec<Kind>, Lexed) {
        let (mut lexer, mut kinds) = (Lexer::default(), vec![]);
        loop {
            match lexer.next(input, limits) {
                Lexed::Token(token) => kinds.push(token.kind),
                end => return (kinds, end),
            }
        }
    }

    #[test]
    fn tokens_of_a_request() {
        let (kinds, end) = lex(b"*2\r\n$3\r\nGET\r\n$5\r\nmykey\r\n", &LIMITS);
        assert_eq!(kinds, [Kind::Count(2), Kind::Length(3), Kind::Bulk, Kind::Length(5), Kind::Bulk]);
        assert_eq!(end, Lexed::More);
    }

    #[test]
    fn violations() {
        use Violation::*;
        let stranger = Limits { authenticated: false, ..LIMITS };
        let long = |first: &[u8]| [first, &[b'x'; LINE_BYTES_MAX + 1]].concat();
        let table: &[(&[u8], Limits, Violation)] = &[
            (b"*2147483648\r\n", LIMITS, CountInvalid),
            (b"*a\r\n", LIMITS, CountInvalid),
            (b"*\r\n", LIMITS, CountInvalid),
            (b"*01\r\n", LIMITS, CountInvalid),
            (b"*-0\r\n", LIMITS, CountInvalid),
            (b"*+1\r\n", LIMITS, CountInvalid),
            (b"*11\r\n", stranger, CountUnauthenticated),
            (b"*1\r\n$16385\r\n", stranger, LengthUnauthenticated),
            (b"*1\r\n$-1\r\n", LIMITS, LengthInvalid),
            (b"*1\r\n$536870913\r\n", LIMITS, LengthInvalid),
            (b"*1\r\n$99999999999999999999\r\n", LIMITS, LengthInvalid),
            (b"*1\r\nfooz\r\n", LIMITS, NoLength(b'f')),
            (&long(b"*"), LIMITS, CountTooLong),
            (&long(b"*1\r\n$"), LIMITS, LengthTooLong),
            (&long(b"x"), LIMITS, InlineTooLong),
        ];
        for (input, limits, violation) in table {
            assert_eq!(
                lex(input, limits).1,
                Lexed::Broken(*violation),
                "{:?}",
                input[..input.len().min(40)].escape_ascii()
            );
        }
    }

    /// Cut at every byte, the tokens are the same, and no byte is looked at twice.
    #[test]
    fn cut_anywhere() {
        let input = b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$12\r\nhello\r\nworld\r\n";
        let whole = lex(input, &LIMITS).0;
        let (mut lexer, mut kinds, mut at) = (Lexer::default(), vec![], 0);
        for end in 0..=input.len() {
            while let Lexed::Token(token) = lexer.next(&input[..end], &LIMITS) {
                kinds.push(token.kind);
            }
            assert!(lexer.at() >= at, "the cursor went back");
            at = lexer.at();
        }
        assert_eq!(kinds, whole);
    }
}
