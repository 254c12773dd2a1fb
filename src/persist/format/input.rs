//! Bytes as they come from a file or a payload, a piece at a time: numbers, lengths, strings. What is announced gets memory
//! only as it comes. What a value is made of, this does not know.
use super::crc64::Crc64;
use super::lzf;
use super::trouble::{Trouble, What};

/// Where bytes come from.
pub trait Source {
    /// Puts bytes at the beginning of `room`, which is not empty. How many: 0 is the end.
    fn fill(&mut self, room: &mut [u8]) -> Result<usize, Unreadable>;
}

/// The source knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Source for &[u8] {
    fn fill(&mut self, room: &mut [u8]) -> Result<usize, Unreadable> {
        let count = room.len().min(self.len());
        let (now, later) = self.split_at(count);
        room[..count].copy_from_slice(now);
        *self = later;
        Ok(count)
    }
}

/// A source is asked for so much at a time.
pub const ROOM_BYTES: usize = 64 * 1024;
/// A string gets at least so much memory at a time.
const STRING_ROOM_MIN: usize = 4096;
/// No key can be longer, and no string that a client has sent.
const STRING_BYTES_MAX: u64 = u32::MAX as u64;

pub struct Input<S> {
    source: S,
    room: Vec<u8>,
    /// Invariant: taken <= filled <= room.len().
    taken: usize,
    filled: usize,
    /// Bytes taken since the beginning.
    offset: u64,
    crc: Crc64,
    /// Nobody asks for the sum.
    pub unchecked: bool,
}

/// What a length can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Plain(u64),
    /// What follows is a string in this form.
    Encoded(u8),
}

/// A string as it was written.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    Integer(i64),
    Bytes(Vec<u8>),
}

impl Written {
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Written::Integer(integer) => integer.to_string().into_bytes(),
            Written::Bytes(bytes) => bytes,
        }
    }
}

impl<S: Source> Input<S> {
    /// `room`: so many bytes are read at a time.
    pub fn new(source: S, room: usize) -> Input<S> {
        let room = vec![0; room.clamp(1, ROOM_BYTES)];
        Input { source, room, taken: 0, filled: 0, offset: 0, crc: Crc64::default(), unchecked: false }
    }

    pub fn source(&mut self) -> &mut S {
        &mut self.source
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The checksum of all bytes that were taken.
    pub fn sum(&self) -> u64 {
        self.crc.sum()
    }

    #[cold]
    pub fn trouble(&self, what: What) -> Trouble {
        Trouble { what, offset: self.offset }
    }

    /// Some bytes that were not taken yet; none: that was all.
    fn rest(&mut self) -> Result<&[u8], Trouble> {
        if self.taken == self.filled {
            (self.taken, self.filled) = (0, 0);
            match self.source.fill(&mut self.room) {
                Ok(count) => self.filled = count.min(self.room.len()),
                Err(Unreadable) => return Err(self.trouble(What::Unreadable)),
            }
        }
        Ok(&self.room[self.taken..self.filled])
    }

    pub fn is_at_end(&mut self) -> Result<bool, Trouble> {
        Ok(self.rest()?.is_empty())
    }

    /// Shows some of the next bytes, at most so many, and takes them.
    fn take(&mut self, most: usize, show: impl FnOnce(&[u8])) -> Result<usize, Trouble> {
        let count = self.rest()?.len().min(most);
        if count == 0 {
            return Err(self.trouble(What::Truncated));
        }
        let bytes = &self.room[self.taken..self.taken + count];
        if !self.unchecked {
            self.crc.add(bytes);
        }
        show(bytes);
        self.taken += count;
        self.offset += count as u64;
        Ok(count)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        let (mut bytes, mut have) = ([0; N], 0);
        while have < N {
            let to = &mut bytes[have..];
            have += self.take(to.len(), |from| to[..from.len()].copy_from_slice(from))?;
        }
        Ok(bytes)
    }

    pub fn byte(&mut self) -> Result<u8, Trouble> {
        Ok(self.array::<1>()?[0])
    }

    pub fn bytes(&mut self, length: u64) -> Result<Vec<u8>, Trouble> {
        if length > STRING_BYTES_MAX {
            return Err(self.trouble(What::TooLong));
        }
        let (length, mut bytes) = (length as usize, Vec::new());
        while bytes.len() < length {
            let left = length - bytes.len();
            if bytes.len() == bytes.capacity() {
                bytes.reserve_exact(left.min(bytes.len().max(STRING_ROOM_MIN)));
            }
            let room = bytes.capacity() - bytes.len();
            self.take(left.min(room), |from| bytes.extend_from_slice(from))?;
        }
        Ok(bytes)
    }

    /// Takes so many bytes, whatever they are.
    pub fn skip(&mut self, mut length: u64) -> Result<(), Trouble> {
        while length > 0 {
            length -= self.take(usize::try_from(length).unwrap_or(usize::MAX), |_| {})? as u64;
        }
        Ok(())
    }

    fn any_length(&mut self) -> Result<Length, Trouble> {
        let first = self.byte()?;
        Ok(match first >> 6 {
            0 => Length::Plain(first as u64),
            1 => Length::Plain((first as u64 & 0x3f) << 8 | self.byte()? as u64),
            2 => match first {
                0x80 => Length::Plain(u32::from_be_bytes(self.array()?) as u64),
                0x81 => Length::Plain(u64::from_be_bytes(self.array()?)),
                _ => return Err(self.trouble(What::Length)),
            },
            _ => Length::Encoded(first & 0x3f),
        })
    }

    pub fn length(&mut self) -> Result<u64, Trouble> {
        match self.any_length()? {
            Length::Plain(length) => Ok(length),
            Length::Encoded(_) => Err(self.trouble(What::Length)),
        }
    }

    pub fn string(&mut self) -> Result<Written, Trouble> {
        Ok(match self.any_length()? {
            Length::Plain(length) => Written::Bytes(self.bytes(length)?),
            Length::Encoded(0) => Written::Integer(i8::from_le_bytes(self.array()?) as i64),
            Length::Encoded(1) => Written::Integer(i16::from_le_bytes(self.array()?) as i64),
            Length::Encoded(2) => Written::Integer(i32::from_le_bytes(self.array()?) as i64),
            Length::Encoded(3) => {
                let (packed, length) = (self.length()?, self.length()?);
                if length > STRING_BYTES_MAX {
                    return Err(self.trouble(What::TooLong));
                }
                let packed = self.bytes(packed)?;
                Written::Bytes(lzf::unpack(&packed, length as usize).ok_or_else(|| self.trouble(What::Lzf))?)
            }
            Length::Encoded(number) => return Err(self.trouble(What::Encoding(number))),
        })
    }

    /// The same for who does not care how it was written.
    pub fn string_bytes(&mut self) -> Result<Vec<u8>, Trouble> {
        self.string().map(Written::into_bytes)
    }

    /// A moment in milliseconds since 1970.
    pub fn moment_ms(&mut self) -> Result<i64, Trouble> {
        self.array().map(i64::from_le_bytes)
    }
}
