//! A string value in the form that suits it, which OBJECT ENCODING names: an integer, a short string (embstr), or any
//! other (raw), which may share its bytes with an output or with the input it came from.
use crate::base::number;
use bytes::Bytes;
pub use itoa::Buffer as Digits;
use smallvec::SmallVec;

/// No string is longer (`proto-max-bulk-len` may set less).
pub const STRING_BYTES_MAX: usize = 512 << 20;
/// Longer ones are raw (Redis: OBJ_ENCODING_EMBSTR_SIZE_LIMIT).
pub const EMBEDDED_BYTES_MAX: usize = 44;

/// Bytes that stand in the entry itself as long as they are few: each pointer less is a cache miss less, 0.1 us for a
/// request that comes alone.
pub type Small = SmallVec<[u8; 16]>;

/// What does not fit.
pub(super) fn spilled(bytes: &Small) -> usize {
    if bytes.spilled() { bytes.len() } else { 0 }
}

#[derive(Clone, Debug)]
pub enum Text {
    Integer(i64),
    Embedded(Small),
    /// Changed in place, or too long to be embedded.
    Raw(Vec<u8>),
    /// Long, and shared.
    Shared(Box<Bytes>),
}

impl Text {
    /// As SET keeps it.
    #[inline]
    pub fn new(bytes: &[u8]) -> Text {
        match number::integer(bytes) {
            Some(integer) => Text::Integer(integer),
            None => Text::not_integer(bytes),
        }
    }

    /// As INCRBYFLOAT keeps it, also where it looks like an integer.
    pub fn not_integer(bytes: &[u8]) -> Text {
        if bytes.len() <= EMBEDDED_BYTES_MAX {
            Text::Embedded(Small::from_slice(bytes))
        } else {
            Text::Raw(bytes.into())
        }
    }

    pub fn encoding(&self) -> &'static str {
        match self {
            Text::Integer(_) => "int",
            Text::Embedded(_) => "embstr",
            Text::Raw(_) | Text::Shared(_) => "raw",
        }
    }

    /// The number that it is, in whatever encoding.
    #[inline]
    pub fn integer(&self) -> Option<i64> {
        match self {
            Text::Integer(integer) => Some(*integer),
            _ => number::integer(self.kept()),
        }
    }

    /// The bytes of one that is no `Integer`.
    fn kept(&self) -> &[u8] {
        match self {
            Text::Integer(_) => unreachable!("an integer has no bytes"),
            Text::Embedded(bytes) => bytes,
            Text::Raw(bytes) => bytes,
            Text::Shared(bytes) => bytes,
        }
    }

    /// Its bytes; those of an integer are printed into `digits`.
    #[inline]
    pub fn bytes<'a>(&'a self, digits: &'a mut Digits) -> &'a [u8] {
        match self {
            Text::Integer(integer) => digits.format(*integer).as_bytes(),
            other => other.kept(),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Text::Integer(integer) => Digits::new().format(*integer).len(),
            other => other.kept().len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Becomes what `Text::new` makes of these bytes, in the memory that it has if that fits.
    #[inline]
    pub fn assign(&mut self, bytes: &[u8]) {
        match (number::integer(bytes), &mut *self) {
            (Some(integer), _) => *self = Text::Integer(integer),
            (None, Text::Embedded(old)) if old.len() == bytes.len() => old.copy_from_slice(bytes),
            (None, Text::Raw(old)) if bytes.len() > EMBEDDED_BYTES_MAX && bytes.len() > old.capacity() / 2 => {
                old.clear();
                old.extend_from_slice(bytes);
            }
            _ => *self = Text::not_integer(bytes),
        }
    }

    pub fn append(&mut self, bytes: &[u8]) {
        let old = self.raw();
        grow(old, bytes.len());
        old.extend_from_slice(bytes);
    }

    /// Writes over what is at this place. A gap before it becomes zeros.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        let (old, end) = (self.raw(), offset + bytes.len());
        if end > old.len() {
            grow(old, end - old.len());
            old.resize(end, 0);
        }
        old[offset..end].copy_from_slice(bytes);
    }

    /// As bytes that can be changed in place; it is raw from then on.
    pub fn raw(&mut self) -> &mut Vec<u8> {
        if !matches!(self, Text::Raw(_)) {
            *self = Text::Raw(match std::mem::replace(self, Text::Integer(0)) {
                Text::Integer(integer) => Digits::new().format(integer).into(),
                Text::Embedded(bytes) => bytes.into_vec(),
                Text::Shared(bytes) => (*bytes).into(),
                Text::Raw(bytes) => bytes,
            });
        }
        match self {
            Text::Raw(bytes) => bytes,
            _ => unreachable!("it was just made raw"),
        }
    }

    /// The same bytes as a handle that outlives the entry. The value shares them from then on.
    pub fn share(&mut self) -> Bytes {
        if let Text::Shared(bytes) = self {
            return Bytes::clone(bytes);
        }
        let bytes = Bytes::from(std::mem::take(self.raw()));
        *self = Text::Shared(Box::new(bytes.clone()));
        bytes
    }

    #[inline]
    pub(super) fn touch_heap(&self) -> u8 {
        match self {
            Text::Integer(_) => 0,
            other => other.kept().first().copied().unwrap_or(0),
        }
    }

    /// Bytes on the heap, as far as they are in use: that `share` turns one form into another changes nothing here.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Text::Integer(_) => 0,
            Text::Embedded(bytes) => spilled(bytes),
            Text::Raw(bytes) => bytes.len(),
            Text::Shared(bytes) => bytes.len(),
        }
    }
}

/// Makes room for so many bytes more. What grows once will grow again: a short string gets as much again, a long one an
/// eighth, for memory is not had for nothing.
fn grow(bytes: &mut Vec<u8>, more: usize) {
    const DOUBLED_BYTES_MAX: usize = 1 << 20;
    if bytes.capacity() - bytes.len() < more {
        let length = bytes.len() + more;
        bytes.reserve_exact(more + if length <= DOUBLED_BYTES_MAX { length } else { length / 8 });
    }
}
