//! Members by chance, and a walk through all of them.
use super::prelude::*;
use crate::base::number::{print_float, print_float_in_17_digits};
use crate::commands::draws::{self, Picks};
use crate::commands::key::find::{Cursor, Names, begin, judge_walk, walk_nothing};
use crate::commands::set::scan::WalkOptions;
use crate::store::value::Collection;
use crate::store::{SortedSet, Walk};

// --- ZRANDMEMBER key [count [WITHSCORES]]
form! { pub ZRandMember<'a> { key: Key<'a, READ>, options: Option<MemberPicks> } }
form! { pub MemberPicks { count: Picks, [#[once] withscores: "WITHSCORES"] } }
impl<'a> Command<'a> for ZRandMember<'a> {
    const FACTS: Facts =
        facts("ZRANDMEMBER", "sorted-set", "6.2.0", READONLY, "Returns members of a sorted set, by chance.")
            .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        let with_scores = self.options.is_some_and(|picks| picks.withscores);
        draws::pick::<SortedSet>(self.key, self.options.map(|picks| picks.count.0), with_scores, cx)
    }
}

// --- ZSCAN key cursor [MATCH pattern] [COUNT count]
form! { pub ZScan<'a> { key: Key<'a, READ>, cursor: Cursor, options: WalkOptions<'a> } }
impl<'a> Command<'a> for ZScan<'a> {
    const FACTS: Facts = facts(
        "ZSCAN",
        "sorted-set",
        "2.8.0",
        READONLY,
        "Returns some of the members of a sorted set with their scores, and where to go on.",
    )
    .hint(&["nondeterministic_output"]);
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        judge_walk::<SortedSet>(words, cx)
    }
    fn refused(refusal: Refusal, words: Words<'a>, cx: &mut Context) -> Ran {
        walk_nothing::<SortedSet>(refusal, words, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let walk = Walk { cursor: self.cursor.0, hasher: cx.data.hasher().clone() };
        let (set, reply) = cx.view::<SortedSet, _>(self.key)?;
        let (mut found, mut next) = (Names::default(), None);
        if let Some(set) = set {
            // As Redis keeps them, so it prints them.
            let print = if set.encoding() == "listpack" { print_float } else { print_float_in_17_digits };
            let (mut digits, mut text) = (Digits::new(), vec![]);
            next = set.scan(&walk, self.options.count(), |member, score| {
                let member = member.bytes(&mut digits);
                if self.options.wants(member) {
                    found.push(member);
                    text.clear();
                    print(score, &mut text);
                    found.push(&text);
                }
            });
        }
        begin(next, reply);
        found.tell_some(found.len(), reply);
        Ok(Outcome::Done)
    }
}
