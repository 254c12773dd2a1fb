//! Whether keys are there, and how they go: DEL, EXISTS, TOUCH, UNLINK. All count their keys one by one, so a key that is
//! named twice is deleted once and exists twice.
use super::prelude::*;

/// Across the shards of a cluster each part is asked for its keys, and the counts are added.
const SUMMED: &[&str] = &["request_policy:multi_shard", "response_policy:agg_sum"];

// --- DEL key [key ...]
form! { pub Del<'a> { keys: Many<'a, Key<'a, UNLINK>> } }
impl<'a> Command<'a> for Del<'a> {
    const FACTS: Facts = facts("DEL", "generic", "1.0.0", WRITE, "Deletes keys.").hint(SUMMED);
    fn run(self, cx: &mut Context) -> Ran {
        let deleted = delete(self.keys, cx);
        cx.count(deleted)
    }
}

fn delete(keys: Many<Key<UNLINK>>, cx: &mut Context) -> usize {
    let mut deleted = 0;
    cx.each(keys, |cx, key| deleted += cx.open(key).remove(Event::DEL) as usize);
    deleted
}

// --- EXISTS key [key ...]
form! { pub Exists<'a> { keys: Many<'a, Key<'a, LOOK>> } }
impl<'a> Command<'a> for Exists<'a> {
    const FACTS: Facts =
        facts("EXISTS", "generic", "1.0.0", READONLY | FAST, "Counts the keys that exist.").hint(SUMMED);
    fn run(self, cx: &mut Context) -> Ran {
        let mut found = 0;
        cx.each(self.keys, |cx, key| found += cx.look_counted(key).is_some() as usize);
        cx.count(found)
    }
}

// --- TOUCH key [key ...]
form! { pub Touch<'a> { keys: Many<'a, Key<'a, LOOK>> } }
impl<'a> Command<'a> for Touch<'a> {
    const FACTS: Facts =
        facts("TOUCH", "generic", "3.2.1", READONLY | FAST, "Makes keys count as used now; answers how many exist.")
            .hint(SUMMED);
    fn run(self, cx: &mut Context) -> Ran {
        let mut found = 0;
        cx.each(self.keys, |cx, key| found += cx.touch(key) as usize);
        cx.count(found)
    }
}

// --- UNLINK key [key ...]
form! { pub Unlink<'a> { keys: Many<'a, Key<'a, UNLINK>> } }
impl<'a> Command<'a> for Unlink<'a> {
    const FACTS: Facts =
        facts("UNLINK", "generic", "4.0.0", WRITE | FAST, "Deletes keys; large values are freed later.").hint(SUMMED);
    fn run(self, cx: &mut Context) -> Ran {
        let deleted = delete(self.keys, cx);
        cx.count(deleted)
    }
}
