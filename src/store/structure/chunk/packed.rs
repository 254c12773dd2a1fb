//! What an element of a chunk looks like: its code, and its bytes.
use crate::base::number;
use crate::store::structure::listpack_size;

// Codes. Below these: a string of so many bytes.
const SHORT_MAX: usize = 0xBF;
/// Up to 0x1FFF: five bits here and a byte.
pub(super) const SMALL: u8 = 0xC0;
/// In 2, 3, 4, 5, 6, 8 bytes.
const INTEGER: u8 = 0xE0;
const WIDTHS: [usize; 6] = [2, 3, 4, 5, 6, 8];
/// A string with its length in two bytes before it and two behind it.
pub(super) const MEDIUM: u8 = 0xFF;
/// Digits and sign of an integer.
const INTEGER_DIGITS_MAX: usize = 20;
/// In the place of a code that elements share: each has its own.
pub(super) const OWN: u8 = 0xFE;

/// What a code is when it is shared. An element of no bytes would take none at all then, and a small integer is in its code.
#[inline]
pub(super) fn shared(code: u8) -> u8 {
    if code == 0 || (SMALL..INTEGER).contains(&code) { OWN } else { code }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
}

/// An element that is to be put somewhere.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    pub(super) code: u8,
    pub(super) integer: [u8; 8],
    pub(super) bytes: &'a [u8],
    /// What it takes in a listpack, beyond `width`.
    pub(super) extra: u16,
}

impl<'a> Packed<'a> {
    /// At most `ELEMENT_BYTES_MAX` bytes.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Packed<'a> {
        debug_assert!(bytes.len() <= super::ELEMENT_BYTES_MAX);
        match number::integer(bytes) {
            Some(integer) => Packed { bytes, ..Packed::integer(integer) },
            None => Packed::string(bytes),
        }
    }

    #[inline]
    pub fn integer(integer: i64) -> Packed<'a> {
        let code = if let 0..0x2000 = integer {
            SMALL | (integer >> 8) as u8
        } else {
            let bits = 65 - (integer ^ integer >> 63).leading_zeros() as usize;
            INTEGER + WIDTHS.iter().position(|width| width * 8 >= bits).expect("64 bits suffice") as u8
        };
        let extra = (listpack_size::integer(integer) as i64 - width(code) as i64) as u16;
        Packed { code, integer: integer.to_le_bytes(), bytes: &[], extra }
    }

    /// Bytes that are taken for no integer, whatever they are.
    #[inline]
    pub fn string(bytes: &'a [u8]) -> Packed<'a> {
        let code = if bytes.len() <= SHORT_MAX { bytes.len() as u8 } else { MEDIUM };
        let mut packed = Packed { code, integer: [0; 8], bytes, extra: 0 };
        packed.extra = (listpack_size::string(bytes.len()) as i64 - packed.width() as i64) as u16;
        packed
    }

    /// As long as `new` takes. Integers need not be read again.
    #[inline]
    pub fn of(element: Element<'a>) -> Packed<'a> {
        match element {
            Element::Integer(integer) => Packed::integer(integer),
            Element::Bytes(bytes) => Packed::new(bytes),
        }
    }

    #[inline]
    pub(super) fn is_string(&self) -> bool {
        self.code < SMALL || self.code == MEDIUM
    }

    /// Bytes that it takes beside its code.
    #[inline]
    pub fn width(&self) -> usize {
        match self.code {
            MEDIUM => self.bytes.len() + 4,
            code => width(code),
        }
    }

    #[inline]
    pub(super) fn element(&self) -> Element<'a> {
        match self.code {
            0..SMALL | MEDIUM => Element::Bytes(self.bytes),
            _ => Element::Integer(i64::from_le_bytes(self.integer)),
        }
    }

    /// Of the same code: is it written so?
    #[inline]
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        match self.code {
            MEDIUM => &bytes[2..bytes.len() - 2] == self.bytes,
            code if code < SMALL => bytes == self.bytes,
            _ => *bytes == self.integer[..bytes.len()],
        }
    }

    #[inline]
    pub(super) fn write(&self, to: &mut [u8]) {
        match self.code {
            MEDIUM => {
                let length = (self.bytes.len() as u16).to_le_bytes();
                let end = to.len();
                to[..2].copy_from_slice(&length);
                to[2..end - 2].copy_from_slice(self.bytes);
                to[end - 2..].copy_from_slice(&length);
            }
            code if code < SMALL => to.copy_from_slice(self.bytes),
            _ => to.copy_from_slice(&self.integer[..to.len()]),
        }
    }
}

/// Bytes that an element takes beside its code, if it is not a `MEDIUM` one.
#[inline]
pub(super) fn width(code: u8) -> usize {
    match code {
        0..SMALL => code as usize,
        SMALL..INTEGER => 1,
        _ => WIDTHS[(code - INTEGER) as usize],
    }
}

#[inline]
pub(super) fn element(code: u8, bytes: &[u8]) -> Element<'_> {
    match code {
        0..SMALL => Element::Bytes(bytes),
        MEDIUM => Element::Bytes(&bytes[2..bytes.len() - 2]),
        SMALL..INTEGER => Element::Integer(((code - SMALL) as i64) << 8 | bytes[0] as i64),
        _ => {
            let mut word = [if bytes[bytes.len() - 1] & 0x80 == 0 { 0 } else { 0xFF }; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            Element::Integer(i64::from_le_bytes(word))
        }
    }
}

impl<'a> Element<'a> {
    /// Its bytes; those of an integer are printed into `digits`.
    #[inline]
    pub fn bytes<'b>(&self, digits: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Element::Integer(integer) => digits.format(*integer).as_bytes(),
            Element::Bytes(bytes) => bytes,
        }
    }

    /// It is no longer than this.
    #[inline]
    pub fn fits(&self, most: usize) -> bool {
        match self {
            Element::Integer(_) => most >= INTEGER_DIGITS_MAX || self.bytes(&mut itoa::Buffer::new()).len() <= most,
            Element::Bytes(bytes) => bytes.len() <= most,
        }
    }

    /// What it takes in a listpack.
    #[inline]
    pub fn listpack_size(&self) -> usize {
        match self {
            Element::Integer(integer) => listpack_size::integer(*integer),
            Element::Bytes(bytes) => listpack_size::string(bytes.len()),
        }
    }
}
