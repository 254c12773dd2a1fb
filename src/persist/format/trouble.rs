//! What can be wrong with a file or a payload: each kind has a name and a sentence, and where it was noticed is told with it.
use std::fmt;

/// `offset`: so many bytes stand before the place where it was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub what: What,
    pub offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The source could not be read: it knows why.
    Unreadable,
    Truncated,
    /// It does not begin as an RDB file does.
    NotRdb,
    Version(u32),
    Checksum,
    /// Bytes behind the end of a payload.
    Surplus,
    /// A length that is none.
    Length,
    /// A string that is kept in a form that is none.
    Encoding(u8),
    Lzf,
    /// A number that says what comes next, and says nothing known.
    Opcode(u8),
    Type(u8),
    /// A type whose values are not known here.
    Stream,
    Module,
    /// A database with a number beyond what there is.
    Database(u64),
    Expiry,
    /// Longer than a key or a string can be.
    TooLong,
    /// A collection without elements.
    Empty,
    Duplicate,
    Listpack,
    Ziplist,
    Zipmap,
    Intset,
    /// A list's node of no known kind.
    Node(u64),
    /// A score that is no number.
    Score,
    /// Elements that are not in the order in which such a value keeps them.
    Order,
    /// A field or member that is not followed by what belongs to it.
    Odd,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = match self {
            What::Unreadable => "it cannot be read",
            What::Truncated => "it ends too early",
            What::NotRdb => "it is no RDB file",
            What::Version(version) => return write!(f, "version {version} is not known"),
            What::Checksum => "its checksum is not that of its bytes",
            What::Surplus => "bytes follow its end",
            What::Length => "a length is malformed",
            What::Encoding(number) => return write!(f, "no string has encoding {number}"),
            What::Lzf => "a compressed string is malformed",
            What::Opcode(number) => return write!(f, "opcode {number} is not known"),
            What::Type(number) => return write!(f, "type {number} is not known"),
            What::Stream => "it has a stream, a type that is not there yet",
            What::Module => "it has a value of a module, and there are no modules",
            What::Database(number) => return write!(f, "there is no database {number}"),
            What::Expiry => "a moment of expiry is out of range",
            What::TooLong => "a string is too long",
            What::Empty => "a collection is empty",
            What::Duplicate => "an element is there twice",
            What::Listpack => "a listpack is malformed",
            What::Ziplist => "a ziplist is malformed",
            What::Zipmap => "a zipmap is malformed",
            What::Intset => "an intset is malformed",
            What::Node(number) => return write!(f, "no node of a list has kind {number}"),
            What::Score => "a score is no number",
            What::Order => "elements are out of order",
            What::Odd => "an element has no partner",
        };
        f.write_str(text)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}, at byte {}", self.what, self.offset)
    }
}

impl std::error::Error for Trouble {}
