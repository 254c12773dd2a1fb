//! Members that come, and scores that change.
use super::prelude::*;
use super::{limits, write_score};
use crate::base::number::{float, print_float};
use crate::store::SortedSet;
use crate::store::value::Collection;

/// Floats, and what Redis calls them and says of what is none.
macro_rules! floats {
    ($($name:ident: $kind:ident $example:literal, else $refusal:expr;)+) => {
        $(#[derive(Debug, PartialEq, Clone, Copy)]
        pub struct $name(pub f64);
        impl<'a> Leaf<'a> for $name {
            const KIND: Kind = Kind::$kind;
            const EXAMPLE: &'static str = $example;
            #[inline]
            fn read(word: &'a [u8]) -> Result<Self, Refusal> {
                float(word).map($name).ok_or_else(|| $refusal(word))
            }
            fn print(&self, to: &mut OwnedWords) {
                let mut printed = Vec::new();
                print_float(self.0, &mut printed);
                to.word(&printed);
            }
        })+
    };
}
floats! {
    Score: Double "1.5", else |_| Refusal::NotAFloat;
    ScoreIncrement: Integer "1.5", else not_an_increment;
    Weight: Integer "1", else |_| Refusal::WeightNotAFloat;
}

/// ZINCRBY takes an option of ZADD for one, and then there are too few words.
fn not_an_increment(word: &[u8]) -> Refusal {
    if is_option(word) { Refusal::Syntax } else { Refusal::NotAFloat }
}

fn is_option(word: &[u8]) -> bool {
    const OPTIONS: [&[u8]; 6] = [b"NX", b"XX", b"CH", b"INCR", b"GT", b"LT"];
    OPTIONS.iter().any(|option| word.eq_ignore_ascii_case(option))
}

// --- ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]
form! { pub ZAdd<'a> {
    key: Key<'a, UPDATE>,
    [condition: Condition, comparison: Comparison, change: "CH", increment: "INCR"]
    data: Many<'a, Scored<'a>>
} }
choice! { pub Condition clash NxWithXx { "NX" => IfAbsent, "XX" => IfPresent } }
choice! { pub Comparison clash GtLtNx { "GT" => IfGreater, "LT" => IfLess } }
form! { pub Scored<'a> ragged Syntax { score: Late<'a, Score>, member: Bytes<'a> } }
impl<'a> Command<'a> for ZAdd<'a> {
    const FACTS: Facts = facts(
        "ZADD",
        "sorted-set",
        "1.2.0",
        WRITE | DENYOOM | FAST,
        "Puts members with scores into a sorted set, or gives them other scores.",
    );
    fn refused(refusal: Refusal, words: Words<'a>, _cx: &mut Context) -> Ran {
        let options = (words.at() + 1..).map_while(|at| words.get(at)).take_while(|word| is_option(word));
        let says = |name: &[u8]| options.clone().any(|word| word.eq_ignore_ascii_case(name));
        // Redis looks for this clash first, wherever it stands.
        Err(if refusal == Refusal::GtLtNx && says(b"NX") && says(b"XX") { Refusal::NxWithXx } else { refusal })
    }
    fn run(self, cx: &mut Context) -> Ran {
        if self.comparison.is_some() && self.condition == Some(Condition::IfAbsent) {
            return Err(Refusal::GtLtNx);
        }
        let count = self.data.len();
        if self.increment && count > 1 {
            return Err(Refusal::IncrOfMany);
        }
        if count > 1 {
            // One that is no number spoils all.
            self.data.iter().try_for_each(|pair| pair.score.read().map(|_| ()))?;
        }
        let limits = limits(cx);
        let first = self.data.iter().next().ok_or(Refusal::Syntax)?;
        let score = first.score.read()?.0;
        let (mut door, reply) = cx.change(self.key);
        let is_there = door.view::<SortedSet>()?.is_some();
        let event = Event::sorted_set(if self.increment { "zincr" } else { "zadd" });
        if !is_there && self.condition == Some(Condition::IfPresent) {
            if self.increment {
                reply.null()
            } else {
                reply.integer(0)
            }
            return Ok(Outcome::Done);
        }
        let mut outcome = Ok((0, 0, None));
        door.edit(event, |set: &mut SortedSet| {
            set.expect(count, &limits);
            let (mut added, mut updated, mut last) = (0, 0, None);
            let mut put = |set: &mut SortedSet, score: f64, member: Bytes| {
                set.prepare(score);
                let (old, new) = set.change(member.0, &limits, |old| self.judge(old, score));
                match (old, new) {
                    (None, Some(_)) => added += 1,
                    (Some(old), Some(new)) if old != new => updated += 1,
                    _ => {}
                }
                (old, new)
            };
            if count == 1 {
                let (old, new) = put(set, score, first.member);
                let may = self.condition != Some(Condition::IfAbsent);
                if may && new.is_none() && self.increment && old.is_some_and(|old| (old + score).is_nan()) {
                    outcome = Err(Refusal::ScoreNan);
                    return ((), 0);
                }
                last = new;
            } else {
                for group in self.data.groups() {
                    set.warm(group.clone().map(|pair| pair.member.0), true);
                    group.for_each(|pair| _ = put(set, pair.score.read().map_or(0.0, |score| score.0), pair.member));
                }
            }
            outcome = Ok((added, updated, last));
            ((), added + updated)
        })?;
        let (added, updated, last) = outcome?;
        match (self.increment, last) {
            (false, _) => reply.count(if self.change { added + updated } else { added }),
            (true, Some(score)) => write_score(reply, score),
            (true, None) => reply.null(),
        }
        Ok(Outcome::Done)
    }
}

impl ZAdd<'_> {
    /// The new score of a member that has this one, if it is to get one.
    #[inline]
    fn judge(&self, old: Option<f64>, score: f64) -> Option<f64> {
        let Some(old) = old else { return (self.condition != Some(Condition::IfPresent)).then_some(score) };
        let new = if self.increment { old + score } else { score };
        let is_wanted = match self.comparison {
            None => !new.is_nan(),
            Some(Comparison::IfGreater) => new > old,
            Some(Comparison::IfLess) => new < old,
        };
        (is_wanted && self.condition != Some(Condition::IfAbsent)).then_some(new)
    }
}

// --- ZINCRBY key increment member
form! { pub ZIncrBy<'a> { key: Key<'a, MODIFY>, increment: ScoreIncrement, member: Bytes<'a> } }
impl<'a> Command<'a> for ZIncrBy<'a> {
    const FACTS: Facts =
        facts("ZINCRBY", "sorted-set", "1.2.0", WRITE | DENYOOM | FAST, "Adds a number to the score of a member.");
    fn run(self, cx: &mut Context) -> Ran {
        let limits = limits(cx);
        let (mut door, reply) = cx.change(self.key);
        door.view::<SortedSet>()?;
        let sum = door.edit(Event::sorted_set("zincr"), |set: &mut SortedSet| {
            set.expect(1, &limits);
            let (old, new) = set.change(self.member.0, &limits, |old| {
                let sum = old.map_or(self.increment.0, |old| old + self.increment.0);
                (!sum.is_nan()).then_some(sum)
            });
            (new, (new.is_some() && old != new) as usize)
        })?;
        write_score(reply, sum.ok_or(Refusal::ScoreNan)?);
        Ok(Outcome::Done)
    }
}
