//! Whole databases: how many keys there are, and how all of them go or change places at once.
use super::existing;
use super::prelude::*;
use crate::command::disk;
use crate::commands::connection::DatabaseIndex;

// --- DBSIZE
form! { pub DbSize {} }
impl<'a> Command<'a> for DbSize {
    const FACTS: Facts = facts("DBSIZE", "server", "1.0.0", READONLY | FAST, "Counts the keys of the database.")
        .and(category::KEYSPACE)
        .hint(&["request_policy:all_shards", "response_policy:agg_sum"]);
    /// Keys that have expired count until somebody has noticed, as in Redis.
    fn run(self, cx: &mut Context) -> Ran {
        let keys = cx.data.database(cx.database()).len();
        cx.count(keys)
    }
}

/// In a cluster every shard must do it.
const EVERYWHERE: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];

// --- FLUSHALL [ASYNC | SYNC]
form! { pub FlushAll { flush_type: Option<FlushType> } }
choice! { pub FlushType { "ASYNC" => Async, "SYNC" => Sync } }
impl<'a> Command<'a> for FlushAll {
    const FACTS: Facts = facts("FLUSHALL", "server", "1.0.0", WRITE, "Deletes all keys of all databases.")
        .and(category::KEYSPACE | category::DANGEROUS)
        .hint(EVERYWHERE);
    /// Recorded even if nothing was there: who replays the record may have more. Where data is saved, so is this: else what
    /// was flushed would be there again if the server ended without a word.
    fn run(self, cx: &mut Context) -> Ran {
        (0..cx.data.databases().len()).for_each(|number| _ = cx.data.flush(number));
        if !cx.server.config.save.is_empty() {
            // As in Redis, one that fails is told in the log.
            let _ = disk::save(cx.data, cx.server, cx.host);
        }
        cx.record(|words| self.print(words.text("FLUSHALL")));
        cx.ok()
    }
}

// --- FLUSHDB [ASYNC | SYNC]
form! { pub FlushDb { flush_type: Option<FlushType> } }
impl<'a> Command<'a> for FlushDb {
    const FACTS: Facts = facts("FLUSHDB", "server", "1.0.0", WRITE, "Deletes all keys of the database.")
        .and(category::KEYSPACE | category::DANGEROUS)
        .hint(EVERYWHERE);
    fn run(self, cx: &mut Context) -> Ran {
        cx.data.flush(cx.database());
        cx.record(|words| self.print(words.text("FLUSHDB")));
        cx.ok()
    }
}

// --- SWAPDB index1 index2
form! { pub SwapDb { index1: FirstIndex, index2: SecondIndex } }
number! { FirstIndex: integer, else BadFirstIndex; |n| i32::try_from(n).is_ok(), else BadFirstIndex }
number! { SecondIndex: integer, else BadSecondIndex; |n| i32::try_from(n).is_ok(), else BadSecondIndex }
impl<'a> Command<'a> for SwapDb {
    const FACTS: Facts =
        facts("SWAPDB", "server", "4.0.0", WRITE | FAST, "Exchanges two databases; clients keep their numbers.")
            .and(category::KEYSPACE | category::DANGEROUS);
    fn run(self, cx: &mut Context) -> Ran {
        let one = existing(DatabaseIndex(self.index1.0), cx)?;
        let other = existing(DatabaseIndex(self.index2.0), cx)?;
        cx.data.swap(one, other);
        cx.ok()
    }
}
