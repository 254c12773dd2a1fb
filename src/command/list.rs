//! Lists: one grammar many times over. What differs is how far a list reaches, and that is a type.
use super::grammar::Grammar;
use super::leaf::integer;
use super::refusal::Refusal;
use super::syntax::{Extent, Syntax};
use super::words::{OwnedWords, Words};
use crate::store::WARMED_MAX;
use std::fmt::{Debug, Formatter, Result as Formatted};
use std::marker::PhantomData;

/// One or more, to the end of the request.
pub type Many<'a, T> = List<'a, T, Rest<1, 0>>;
/// None or more, to the end of the request.
pub type Any<'a, T> = List<'a, T, Rest<0, 0>>;
/// One or more, but for the last word.
pub type ManyThenOne<'a, T> = List<'a, T, Rest<1, 1>>;

/// A list stays in the words that it was read from: nothing is allocated, `iter` reads again. One that the server makes,
/// to print a form, holds values.
pub enum List<'a, T, E> {
    Read(Words<'a>, PhantomData<E>),
    Made(&'a [T]),
}

impl<T, E> Copy for List<'_, T, E> {}
impl<T, E> Clone for List<'_, T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

pub trait Reach {
    const EXTENT: Extent;
    /// How many words are the list's, if each element has `width`. Reads the count, where there is one.
    fn words(words: &mut Words, width: usize) -> Result<usize, Refusal>;
}

impl<'a, T: Grammar<'a> + Copy, E> List<'a, T, E> {
    pub fn iter(&self) -> impl Iterator<Item = T> + Clone + use<'a, T, E> {
        let mut list = *self;
        std::iter::from_fn(move || match &mut list {
            List::Read(words, _) => T::maybe(words).expect("it was parsed before"),
            List::Made([]) => None,
            List::Made([first, rest @ ..]) => {
                let first = *first;
                list = List::Made(rest);
                Some(first)
            }
        })
    }

    /// The same a few at a time, for who looks ahead: so many that their look-ups can wait for memory together.
    pub fn groups(&self) -> impl Iterator<Item = impl Iterator<Item = T> + Clone + use<'a, T, E>> + use<'a, T, E> {
        let (mut rest, mut left) = (self.iter(), self.len());
        std::iter::from_fn(move || {
            let count = left.min(WARMED_MAX);
            left -= count;
            let group = rest.clone().take(count);
            rest.by_ref().take(count).for_each(drop);
            (count > 0).then_some(group)
        })
    }

    /// How many elements it has.
    #[inline]
    pub fn len(&self) -> usize {
        let one = const { T::SYNTAX.width() };
        match self {
            List::Read(words, _) if !one.varies => words.len() / one.least,
            List::Read(..) => self.iter().count(),
            List::Made(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a, T: Grammar<'a> + Copy, E: Reach> Grammar<'a> for List<'a, T, E> {
    const SYNTAX: Syntax = Syntax::List { of: &T::SYNTAX, extent: E::EXTENT };
    #[inline]
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        let one = const {
            let one = T::SYNTAX.width();
            assert!(one.least > 0, "a list of nothing would never end");
            assert!(
                !one.varies || matches!(E::EXTENT, Extent::Rest { .. }),
                "only a list to the end can vary in width"
            );
            one
        };
        let own = E::words(words, one.least)?;
        let least = if let Extent::Rest { least, .. } = E::EXTENT { least * one.least } else { 0 };
        if own < least || !one.varies && !own.is_multiple_of(one.least) {
            return Err(T::RAGGED);
        }
        let list = words.first(own);
        if one.any && !one.varies {
            words.skip(own);
        } else {
            let stop = words.len() - own;
            while words.len() > stop {
                T::parse(words)?;
            }
        }
        Ok(List::Read(list, PhantomData))
    }
    fn print(&self, to: &mut OwnedWords) {
        if let Extent::Counted { .. } = E::EXTENT {
            to.text(self.len());
        }
        self.iter().for_each(|one| one.print(to));
    }
}

impl<'a, T: Grammar<'a> + Copy + PartialEq, E> PartialEq for List<'a, T, E> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl<'a, T: Grammar<'a> + Copy + Debug, E> Debug for List<'a, T, E> {
    fn fmt(&self, to: &mut Formatter) -> Formatted {
        to.debug_list().entries(self.iter()).finish()
    }
}

// --- How far

pub struct Rest<const LEAST: usize, const LEAVE: usize>;
impl<const LEAST: usize, const LEAVE: usize> Reach for Rest<LEAST, LEAVE> {
    const EXTENT: Extent = Extent::Rest { least: LEAST, leave: LEAVE };
    #[inline]
    fn words(words: &mut Words, _: usize) -> Result<usize, Refusal> {
        words.len().checked_sub(LEAVE).ok_or(Refusal::Syntax)
    }
}

/// A count, then so many. What is said of a bad count differs by command, so it is a type of the command's.
pub trait Count {
    const NAME: &'static str = "numkeys";
    const LEAST: usize = 1;
    const NOT_A_NUMBER: Refusal = Refusal::NotAnInteger;
    const MOST: usize = usize::MAX;
    /// Fewer than the least, or more than the most.
    const TOO_FEW: Refusal;
    const TOO_MANY: Refusal = Refusal::Syntax;
}
impl<C: Count> Reach for C {
    const EXTENT: Extent = Extent::Counted { name: C::NAME, least: C::LEAST };
    fn words(words: &mut Words, width: usize) -> Result<usize, Refusal> {
        let count = integer(words.read()?).ok_or(C::NOT_A_NUMBER)?;
        let count =
            usize::try_from(count).ok().filter(|count| (C::LEAST..=C::MOST).contains(count)).ok_or(C::TOO_FEW)?;
        count.checked_mul(width).filter(|own| *own <= words.len()).ok_or(C::TOO_MANY)
    }
}
