//! String values: how one is seen (`Text`), what one is made of (`Content`), and the form of long ones (`Long`). Short ones
//! stand in their entry. OBJECT ENCODING names three forms: an integer, a short string (embstr), any other (raw).
use super::entry::Held;
use super::value::Collection;
use crate::base::number;
use bytes::Bytes;
pub use itoa::Buffer as Digits;

/// No string is longer (`proto-max-bulk-len` may set less).
pub const STRING_BYTES_MAX: usize = 512 << 20;
/// Longer ones are raw (Redis: OBJ_ENCODING_EMBSTR_SIZE_LIMIT).
pub const EMBEDDED_BYTES_MAX: usize = 44;
/// Longer ones do not stand in the entry: an output shares them instead of copying them.
pub const INLINE_BYTES_MAX: usize = 8 * 1024 - 1;
/// A string that grew once will grow again: from this size on it has memory of its own, with room to grow.
const GROWN_INLINE_BYTES_MAX: usize = 512;

/// A string as it stands in an entry.
#[derive(Clone, Copy, Debug)]
pub enum Text<'a> {
    Integer(i64),
    Embedded(&'a [u8]),
    Raw(&'a [u8]),
    Long(&'a Long),
}

impl<'a> Text<'a> {
    pub fn encoding(&self) -> &'static str {
        match self {
            Text::Integer(_) => "int",
            Text::Embedded(_) => "embstr",
            Text::Raw(_) | Text::Long(_) => "raw",
        }
    }

    /// The number that it is, in whatever encoding.
    #[inline]
    pub fn integer(&self) -> Option<i64> {
        match self {
            Text::Integer(integer) => Some(*integer),
            Text::Embedded(bytes) | Text::Raw(bytes) => number::integer(bytes),
            // No integer has so many digits.
            Text::Long(long) if long.len() > INLINE_BYTES_MAX => None,
            Text::Long(long) => number::integer(long),
        }
    }

    /// Its bytes; those of an integer are printed into `digits`.
    #[inline]
    pub fn bytes<'b>(&self, digits: &'b mut Digits) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Text::Integer(integer) => digits.format(*integer).as_bytes(),
            Text::Embedded(bytes) | Text::Raw(bytes) => bytes,
            Text::Long(long) => long,
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Text::Integer(integer) => Digits::new().format(*integer).len(),
            Text::Embedded(bytes) | Text::Raw(bytes) => bytes.len(),
            Text::Long(long) => long.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What an entry is to hold.
#[derive(Clone, Debug)]
pub enum Content<'a> {
    Integer(i64),
    Embedded(&'a [u8]),
    /// At most `INLINE_BYTES_MAX`.
    Raw(&'a [u8]),
    Long(Long),
    /// No string, but a collection.
    Held(Held),
}

impl<'a> Content<'a> {
    /// As SET keeps it.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Content<'a> {
        match number::integer(bytes) {
            Some(integer) => Content::Integer(integer),
            None => Content::not_integer(bytes),
        }
    }

    /// As INCRBYFLOAT keeps it, also where it looks like an integer.
    #[inline]
    pub fn not_integer(bytes: &'a [u8]) -> Content<'a> {
        if bytes.len() <= EMBEDDED_BYTES_MAX { Content::Embedded(bytes) } else { Content::raw(bytes) }
    }

    /// As APPEND and SETRANGE keep it.
    pub fn raw(bytes: &'a [u8]) -> Content<'a> {
        if bytes.len() <= INLINE_BYTES_MAX { Content::Raw(bytes) } else { Content::Long(Long::Own(bytes.into())) }
    }

    /// The same as another entry has, with bytes in `copy`.
    pub(super) fn copied<'b>(self, copy: &'b mut Vec<u8>) -> Content<'b> {
        match self {
            Content::Integer(integer) => Content::Integer(integer),
            Content::Long(long) => Content::Long(long),
            Content::Held(held) => Content::Held(held),
            Content::Embedded(bytes) => {
                copy.extend_from_slice(bytes);
                Content::Embedded(copy)
            }
            Content::Raw(bytes) => {
                copy.extend_from_slice(bytes);
                Content::Raw(copy)
            }
        }
    }

    /// A collection that was made apart.
    pub fn of_collection(collection: impl Collection) -> Content<'a> {
        Content::Held(collection.hold())
    }

    /// The same as another entry has.
    pub fn of(text: Text<'a>) -> Content<'a> {
        match text {
            Text::Integer(integer) => Content::Integer(integer),
            Text::Embedded(bytes) => Content::Embedded(bytes),
            Text::Raw(bytes) => Content::Raw(bytes),
            Text::Long(long) => Content::Long(long.clone()),
        }
    }
}

/// A string with memory of its own.
#[derive(Clone, Debug)]
pub enum Long {
    Own(Vec<u8>),
    /// With outputs, with another key, or with the input that it came from. `room`: so many bytes are held beyond these.
    Shared {
        bytes: Bytes,
        room: usize,
    },
}

impl From<Bytes> for Long {
    fn from(bytes: Bytes) -> Long {
        Long::Shared { bytes, room: 0 }
    }
}

impl std::ops::Deref for Long {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Long::Own(bytes) => bytes,
            Long::Shared { bytes, .. } => bytes,
        }
    }
}

impl Long {
    /// The same bytes as a handle that outlives the entry. The value shares them from then on.
    pub fn share(&mut self) -> Bytes {
        if let Long::Own(bytes) = self {
            let room = bytes.capacity() - bytes.len();
            *self = Long::Shared { bytes: Bytes::from(std::mem::take(bytes)), room };
        }
        match self {
            Long::Shared { bytes, .. } => bytes.clone(),
            Long::Own(_) => unreachable!("it was just shared"),
        }
    }

    /// As bytes that can be changed in place.
    fn own(&mut self) -> &mut Vec<u8> {
        if let Long::Shared { bytes, .. } = self {
            *self = Long::Own(std::mem::take(bytes).into());
        }
        match self {
            Long::Own(bytes) => bytes,
            Long::Shared { .. } => unreachable!("it was just made its own"),
        }
    }

    /// Writes over what is at this place. A gap before it becomes zeros.
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let (old, end) = (self.own(), offset + bytes.len());
        if end > old.len() {
            grow(old, end - old.len());
            old.resize(end, 0);
        }
        old[offset..end].copy_from_slice(bytes);
    }

    /// Bytes that it holds. That it is shared from now on changes nothing here.
    pub fn heap_bytes(&self) -> usize {
        let held = match self {
            Long::Own(bytes) => bytes.capacity(),
            Long::Shared { bytes, room } => bytes.len() + room,
        };
        size_of::<Long>() + held
    }
}

/// Whether a string that has grown to this length stays in its entry.
pub(super) fn grows_inline(length: usize) -> bool {
    length <= GROWN_INLINE_BYTES_MAX
}

/// Makes room for so many bytes more. A short string gets as much again, a long one an eighth, for memory is not had for
/// nothing.
pub(super) fn grow(bytes: &mut Vec<u8>, more: usize) {
    const DOUBLED_BYTES_MAX: usize = 1 << 20;
    if bytes.capacity() - bytes.len() < more {
        let length = bytes.len() + more;
        bytes.reserve_exact(more + if length <= DOUBLED_BYTES_MAX { length } else { length / 8 });
    }
}
