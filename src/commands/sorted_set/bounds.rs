//! Where a range begins and ends: scores, names, and what they come to in ranks.
use super::prelude::*;
use crate::base::number::bound;
use crate::store::SortedSet;
use crate::store::value::Collection;
use crate::store::value::sorted_set::Cut;
use std::ops::Range;

/// The end of a range by score: `1.5`, or `(1.5` without that score itself.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct ScoreBound {
    score: f64,
    is_open: bool,
}
impl ScoreBound {
    pub fn read(word: &[u8]) -> Option<ScoreBound> {
        let (is_open, number) = match word {
            [b'(', number @ ..] => (true, number),
            number => (false, number),
        };
        Some(ScoreBound { score: bound(number)?, is_open })
    }

    fn low(self) -> Cut {
        if self.is_open { Cut::Behind(self.score) } else { Cut::Before(self.score) }
    }

    fn high(self) -> Cut {
        if self.is_open { Cut::Before(self.score) } else { Cut::Behind(self.score) }
    }
}

/// The end of a range by name: `[a`, `(a` without that name itself, `-` before all and `+` behind all.
#[derive(Debug, PartialEq, Clone, Copy)]
pub enum NameBound<'a> {
    Least,
    Greatest,
    Closed(&'a [u8]),
    Open(&'a [u8]),
}
impl<'a> NameBound<'a> {
    pub fn read(word: &'a [u8]) -> Option<NameBound<'a>> {
        match word {
            b"-" => Some(NameBound::Least),
            b"+" => Some(NameBound::Greatest),
            [b'[', name @ ..] => Some(NameBound::Closed(name)),
            [b'(', name @ ..] => Some(NameBound::Open(name)),
            _ => None,
        }
    }

    /// Is a name before a range that begins here?
    fn is_behind(self, name: &[u8]) -> bool {
        match self {
            NameBound::Least => false,
            NameBound::Greatest => true,
            NameBound::Closed(bound) => name < bound,
            NameBound::Open(bound) => name <= bound,
        }
    }

    /// Is a name no longer behind a range that ends here?
    fn reaches(self, name: &[u8]) -> bool {
        match self {
            NameBound::Least => false,
            NameBound::Greatest => true,
            NameBound::Closed(bound) => name <= bound,
            NameBound::Open(bound) => name < bound,
        }
    }
}

/// An end as it is declared: what it says is read when the options are known.
macro_rules! ends {
    ($($name:ident: $kind:ident $example:literal;)+) => {
        $(#[derive(PartialEq, Clone, Copy)]
        pub struct $name<'a>(pub &'a [u8]);
        impl<'a> Leaf<'a> for $name<'a> {
            const KIND: Kind = Kind::$kind;
            const EXAMPLE: &'static str = $example;
            fn read(word: &'a [u8]) -> Result<Self, Refusal> {
                Ok($name(word))
            }
            fn print(&self, to: &mut OwnedWords) {
                to.word(self.0);
            }
        }
        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
                write!(to, "{}({})", stringify!($name), self.0.escape_ascii())
            }
        })+
    };
}
ends! {
    ScoreEnd: Double "1";
    RankEnd: Integer "1";
    NameEnd: String "";
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub enum Bounds<'a> {
    Rank(i64, i64),
    Score(ScoreBound, ScoreBound),
    Name(NameBound<'a>, NameBound<'a>),
}

impl<'a> Bounds<'a> {
    pub fn ranks(start: &[u8], stop: &[u8]) -> Result<Bounds<'a>, Refusal> {
        let [start, stop] = [integer(start), integer(stop)];
        start.zip(stop).map(|(start, stop)| Bounds::Rank(start, stop)).ok_or(Refusal::NotAnInteger)
    }

    pub fn scores(min: &[u8], max: &[u8]) -> Result<Bounds<'a>, Refusal> {
        let [min, max] = [ScoreBound::read(min), ScoreBound::read(max)];
        min.zip(max).map(|(min, max)| Bounds::Score(min, max)).ok_or(Refusal::ScoreBounds)
    }

    pub fn names(min: &'a [u8], max: &'a [u8]) -> Result<Bounds<'a>, Refusal> {
        let [min, max] = [NameBound::read(min), NameBound::read(max)];
        min.zip(max).map(|(min, max)| Bounds::Name(min, max)).ok_or(Refusal::NameBounds)
    }

    /// The ranks that lie between them, counted from the other end if `reverse`.
    pub fn within(self, set: &SortedSet, reverse: bool) -> Range<usize> {
        let len = set.len();
        let range = match self {
            Bounds::Rank(start, stop) => {
                let range = places(start, stop, len);
                if reverse { len - range.end..len - range.start } else { range }
            }
            Bounds::Score(min, max) => set.rank_of_cut(min.low())..set.rank_of_cut(max.high()),
            Bounds::Name(min, max) => set.ranks_of_names(|name| min.is_behind(name), |name| max.reaches(name), reverse),
        };
        range.start..range.end.max(range.start)
    }
}

/// As LRANGE counts.
fn places(start: i64, stop: i64, length: usize) -> Range<usize> {
    crate::commands::list::read::range(start, stop, length)
}

/// LIMIT: so many are passed over, and at most so many follow.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Limit {
    pub offset: i64,
    pub count: i64,
}

impl Limit {
    /// A negative offset counts from the other end of the range where Redis has a skip list, and else finds nothing.
    pub fn cut(self, range: Range<usize>, reverse: bool, set: &SortedSet) -> Range<usize> {
        let len = range.len();
        let skipped = match usize::try_from(self.offset) {
            Ok(offset) => offset.min(len),
            Err(_) if set.encoding() == "listpack" => len,
            Err(_) => {
                usize::try_from(self.offset.unsigned_abs()).map_or(len, |back| len.checked_sub(back).unwrap_or(len))
            }
        };
        let left = len - skipped;
        let count = usize::try_from(self.count).map_or(left, |count| count.min(left));
        if reverse {
            range.end - skipped - count..range.end - skipped
        } else {
            range.start + skipped..range.start + skipped + count
        }
    }
}
