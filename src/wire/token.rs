//! The tokens of the wire. A token says what its bytes are and where they begin and end; it never holds a copy of them.
use std::fmt::{Display, Formatter, Result as Formatted};
use std::ops::Range;

/// Where bytes begin and end, counted from the first byte of their request, so that it stays true when the request
/// moves to another buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Span {
        Span { start: range.start as u32, end: range.end as u32 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `*3` CR LF: so many bulk strings follow. A type byte, a number and a CR LF are one token, since
    /// no parser wants them apart.
    Count(i64),
    /// `$5` CR LF: a bulk string of so many bytes follows.
    Length(u32),
    /// The bytes of a bulk string, without the CR LF that ends them.
    Bulk,
    /// A line that is no array: words apart by blanks, which the parser takes apart. Without its line end.
    Inline,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub span: Span,
}

/// How a request breaks the protocol. The texts are Redis's; the connection is closed after them.
/// (<https://redis.io/docs/latest/develop/reference/protocol-spec/>)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    CountTooLong,
    CountInvalid,
    CountUnauthenticated,
    LengthTooLong,
    LengthInvalid,
    LengthUnauthenticated,
    NoLength(u8),
    InlineTooLong,
    Quotes,
}

impl Display for Violation {
    fn fmt(&self, to: &mut Formatter) -> Formatted {
        to.write_str(match self {
            Violation::CountTooLong => "too big mbulk count string",
            Violation::CountInvalid => "invalid multibulk length",
            Violation::CountUnauthenticated => "unauthenticated multibulk length",
            Violation::LengthTooLong => "too big bulk count string",
            Violation::LengthInvalid => "invalid bulk length",
            Violation::LengthUnauthenticated => "unauthenticated bulk length",
            Violation::NoLength(got) => return write!(to, "expected '$', got '{}'", got.escape_ascii()),
            Violation::InlineTooLong => "too big inline request",
            Violation::Quotes => "unbalanced quotes in request",
        })
    }
}

impl Violation {
    /// The words for the client: what it sent comes back as the byte that it is.
    pub fn text(self) -> Vec<u8> {
        match self {
            Violation::NoLength(got) => [b"expected '$', got '", &[got][..], b"'"].concat(),
            other => other.to_string().into_bytes(),
        }
    }
}
