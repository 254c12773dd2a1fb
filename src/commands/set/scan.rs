//! A walk through a set: SSCAN. A small set comes whole, a large one in the order of its table, as keys do in SCAN.
use super::prelude::*;
use crate::base::glob;
use crate::commands::key::find::{Amount, COUNT, Cursor, Names, begin, judge_walk, walk_nothing};
use crate::store::{Set as Members, Walk};

// --- SSCAN key cursor [MATCH pattern] [COUNT count]
form! { pub SScan<'a> { key: Key<'a, READ>, cursor: Cursor, options: WalkOptions<'a> } }
impl<'a> Command<'a> for SScan<'a> {
    const FACTS: Facts =
        facts("SSCAN", "set", "2.8.0", READONLY, "Returns some of the members of a set, and where to go on.")
            .hint(&["nondeterministic_output"]);
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        judge_walk::<Members>(words, cx)
    }
    fn refused(refusal: Refusal, words: Words<'a>, cx: &mut Context) -> Ran {
        walk_nothing::<Members>(refusal, words, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let walk = Walk { cursor: self.cursor.0, hasher: cx.data.hasher().clone() };
        let (set, reply) = cx.view::<Members, _>(self.key)?;
        let (mut found, mut next) = (Names::default(), None);
        if let Some(set) = set {
            let mut digits = Digits::new();
            next = set.scan(&walk, self.options.count(), &mut |member| {
                let member = member.bytes(&mut digits);
                if self.options.wants(member) {
                    found.push(member);
                }
            });
        }
        begin(next, reply);
        found.tell_some(found.len(), reply);
        Ok(Outcome::Done)
    }
}

form! { pub WalkFilters<'a> { [pattern: "MATCH" Pattern<'a>, count: "COUNT" Amount] } }

/// The options. An option of HSCAN has a refusal of its own.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct WalkOptions<'a>(pub WalkFilters<'a>);
impl<'a> Grammar<'a> for WalkOptions<'a> {
    const SYNTAX: Syntax = WalkFilters::SYNTAX;
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        let filters = WalkFilters::parse(words)?;
        if words.next_is("NOVALUES") { Err(Refusal::NotHscan) } else { Ok(WalkOptions(filters)) }
    }
    fn print(&self, to: &mut OwnedWords) {
        self.0.print(to);
    }
}

/// More are not looked at in one call, whatever COUNT says: a few milliseconds.
pub const COUNT_MAX: i64 = 100_000;

impl WalkOptions<'_> {
    pub fn count(&self) -> usize {
        self.0.count.map_or(COUNT, |count| count.0.min(COUNT_MAX) as usize)
    }

    pub fn wants(&self, name: &[u8]) -> bool {
        self.0.pattern.is_none_or(|pattern| glob::matches(pattern.0, name, false))
    }
}
