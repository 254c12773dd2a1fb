//! Leaves: what one word can be. A leaf carries its own refusals, so no form says them.
use super::grammar::Grammar;
use super::refusal::Refusal;
use super::syntax::{Access, Kind, Syntax};
use super::words::{OwnedWords, Words};
use std::fmt::{Debug, Formatter, Result as Formatted};

pub trait Leaf<'a>: Copy {
    const KIND: Kind;
    /// A word that will do; empty if every word will.
    const EXAMPLE: &'static str;
    fn read(word: &'a [u8]) -> Result<Self, Refusal>;
    fn print(&self, to: &mut OwnedWords);
}

impl<'a, T: Leaf<'a>> Grammar<'a> for T {
    const SYNTAX: Syntax = Syntax::Word { kind: T::KIND, any: T::EXAMPLE.is_empty(), example: T::EXAMPLE, late: None };
    #[inline]
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        T::read(words.read()?)
    }
    fn print(&self, to: &mut OwnedWords) {
        Leaf::print(self, to);
    }
}

/// A leaf that is its word, whatever that is.
macro_rules! word {
    ($name:ident $(<const $of:ident: $ty:ty>)?, $kind:expr) => {
        #[derive(PartialEq, Clone, Copy)]
        pub struct $name<'a $(, const $of: $ty)?>(pub &'a [u8]);
        impl<'a $(, const $of: $ty)?> Leaf<'a> for $name<'a $(, $of)?> {
            const KIND: Kind = $kind;
            const EXAMPLE: &'static str = "";
            #[inline]
            fn read(word: &'a [u8]) -> Result<Self, Refusal> {
                Ok($name(word))
            }
            fn print(&self, to: &mut OwnedWords) {
                to.word(self.0);
            }
        }
        impl $(<const $of: $ty>)? Debug for $name<'_ $(, $of)?> {
            fn fmt(&self, to: &mut Formatter) -> Formatted {
                write!(to, "{}({})", stringify!($name), self.0.escape_ascii())
            }
        }
    };
}
word! { Key<const ACCESS: Access>, Kind::Key(ACCESS) }
word! { Bytes, Kind::String }
word! { Pattern, Kind::Pattern }
word! { KeyPattern<const ACCESS: Access>, Kind::KeyPattern(ACCESS) }
word! { Channel, Kind::Channel }

/// What stands for a key: the key itself, or one with what belongs to it.
pub trait Keyed<'a>: Grammar<'a> + Copy {
    fn key(&self) -> &'a [u8];
}

impl<'a, const ACCESS: Access> Keyed<'a> for Key<'a, ACCESS> {
    #[inline]
    fn key(&self) -> &'a [u8] {
        self.0
    }
}

pub use crate::base::number::integer;

/// A number with limits of its own, and what to say to a word that is no number, and to one outside the limits.
/// `like` gives an example where 1 is outside.
#[macro_export]
macro_rules! number {
    ($name:ident: integer $($rest:tt)*) => { $crate::number! { @ $name i64 Integer integer $($rest)* } };
    ($name:ident: unix_time $($rest:tt)*) => { $crate::number! { @ $name i64 UnixTime integer $($rest)* } };
    (@ $name:ident $ty:ident $kind:ident $read:ident $(like $example:literal)?, else $no_number:ident $(; $within:expr, else $outside:ident)?) => {
        #[derive(Debug, PartialEq, Clone, Copy)]
        pub struct $name(pub $ty);
        impl<'a> $crate::command::leaf::Leaf<'a> for $name {
            const KIND: $crate::command::syntax::Kind = $crate::command::syntax::Kind::$kind;
            const EXAMPLE: &'static str = [$($example,)? "1"][0];
            #[inline]
            fn read(word: &'a [u8]) -> Result<Self, $crate::command::refusal::Refusal> {
                let value = $crate::command::leaf::$read(word).ok_or($crate::command::refusal::Refusal::$no_number)?;
                $(let within: fn($ty) -> bool = $within;
                if !within(value) { return Err($crate::command::refusal::Refusal::$outside) })?
                Ok($name(value))
            }
            fn print(&self, to: &mut $crate::command::words::OwnedWords) {
                to.text(self.0);
            }
        }
    };
}
number! { Int: integer, else NotAnInteger }
number! { UnixTime: unix_time, else NotAnInteger }
number! { NotNegative: integer, else NotPositive; |n| n >= 0, else NotPositive }

/// A word that `run` reads when its turn comes, because Redis looks at other words, or at the key, before it.
#[derive(PartialEq, Clone, Copy)]
pub enum Late<'a, T> {
    Unread(Bytes<'a>),
    Read(T),
}

impl<'a, T: Leaf<'a>> Late<'a, T> {
    pub fn read(self) -> Result<T, Refusal> {
        match self {
            Late::Unread(word) => T::read(word.0),
            Late::Read(value) => Ok(value),
        }
    }
}

/// As what `run` will read in it, for a person; as the word where that will be refused.
impl<'a, T: Leaf<'a> + Debug> Debug for Late<'a, T> {
    fn fmt(&self, to: &mut Formatter) -> Formatted {
        match *self {
            Late::Unread(word) => match T::read(word.0) {
                Ok(value) => value.fmt(to),
                Err(_) => write!(to, "Unread({word:?})"),
            },
            Late::Read(value) => value.fmt(to),
        }
    }
}

impl<'a, T: for<'any> Leaf<'any>> Grammar<'a> for Late<'a, T> {
    const SYNTAX: Syntax =
        Syntax::Word { kind: T::KIND, any: true, example: T::EXAMPLE, late: Some(|word| T::read(word).err()) };
    #[inline]
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        words.read().map(|word| Late::Unread(Bytes(word)))
    }
    fn print(&self, to: &mut OwnedWords) {
        match self {
            Late::Unread(word) => Leaf::print(word, to),
            Late::Read(value) => Leaf::print(value, to),
        }
    }
}
