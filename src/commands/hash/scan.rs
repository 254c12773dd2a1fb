//! A walk through a hash: HSCAN. A small hash comes whole, a large one in the order of its table, as keys do in SCAN.
use super::prelude::*;
use crate::base::glob;
use crate::commands::key::find::{Amount, COUNT, Cursor, Names, begin, judge_walk, walk_nothing};
use crate::commands::set::scan::COUNT_MAX;
use crate::store::{Hash as Fields, Walk};

// --- HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]
form! { pub HScan<'a> {
    key: Key<'a, READ>, cursor: Cursor, [pattern: "MATCH" Pattern<'a>, count: "COUNT" Amount, novalues: "NOVALUES"]
} }
impl<'a> Command<'a> for HScan<'a> {
    const FACTS: Facts =
        facts("HSCAN", "hash", "2.8.0", READONLY, "Returns some of the fields of a hash, and where to go on.")
            .hint(&["nondeterministic_output"]);
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        judge_walk::<Fields>(words, cx)
    }
    fn refused(refusal: Refusal, words: Words<'a>, cx: &mut Context) -> Ran {
        walk_nothing::<Fields>(refusal, words, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let now_ms = cx.now_ms();
        let walk = Walk { cursor: self.cursor.0, hasher: cx.data.hasher().clone() };
        let (hash, reply) = cx.view::<Fields, _>(self.key)?;
        let (mut found, mut next) = (Names::default(), None);
        let count = self.count.map_or(COUNT, |count| count.0.min(COUNT_MAX) as usize);
        if let Some(hash) = hash {
            let mut digits = Digits::new();
            next = hash.scan(&walk, count, now_ms, &mut |field| {
                let name = field.name.bytes(&mut digits);
                if self.pattern.is_none_or(|pattern| glob::matches(pattern.0, name, false)) {
                    found.push(name);
                    if !self.novalues {
                        found.push(field.value.bytes(&mut Digits::new()));
                    }
                }
            });
        }
        begin(next, reply);
        found.tell_some(found.len(), reply);
        Ok(Outcome::Done)
    }
}
