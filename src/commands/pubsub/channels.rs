//! What there is to hear, and how many listen: PUBSUB.
use super::super::key::find::{Names, SLICE};
use super::super::prelude::*;
use crate::base::glob;
use crate::command::Task;
use crate::server::pubsub::Space;

// --- PUBSUB subcommand [argument [argument ...]]
form! { pub Pubsub<'a> { subcommand: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Pubsub<'a> {
    const FACTS: Facts = facts("PUBSUB", "pubsub", "2.8.0", 0, "Shows channels and how many listen to them.");
    fn run(self, _: &mut Context) -> Ran {
        unreachable!("a container does not run")
    }
}

// --- PUBSUB CHANNELS [pattern]
form! { pub PubsubChannels<'a> { pattern: Option<Pattern<'a>> } }
impl<'a> Command<'a> for PubsubChannels<'a> {
    const FACTS: Facts = facts(
        "PUBSUB|CHANNELS",
        "pubsub",
        "2.8.0",
        PUBSUB | LOADING | STALE,
        "Returns the channels that somebody listens to.",
    );
    const SURPLUS: Refusal = Refusal::PubsubUsage;
    fn run(self, cx: &mut Context) -> Ran {
        list(Space::Channel, self.pattern, cx)
    }
}

// --- PUBSUB HELP
form! { pub PubsubHelp {} }
impl<'a> Command<'a> for PubsubHelp {
    const FACTS: Facts = facts("PUBSUB|HELP", "pubsub", "6.2.0", LOADING | STALE, "Shows these lines.");
    fn run(self, cx: &mut Context) -> Ran {
        help("PUBSUB", cx)
    }
}

// --- PUBSUB NUMPAT
form! { pub PubsubNumpat {} }
impl<'a> Command<'a> for PubsubNumpat {
    const FACTS: Facts = facts(
        "PUBSUB|NUMPAT",
        "pubsub",
        "2.8.0",
        PUBSUB | LOADING | STALE,
        "Returns how many patterns somebody listens by.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        cx.count(cx.server.pubsub.topics(Space::Pattern))
    }
}

// --- PUBSUB NUMSUB [channel [channel ...]]
form! { pub PubsubNumsub<'a> { channel: Any<'a, Channel<'a>> } }
impl<'a> Command<'a> for PubsubNumsub<'a> {
    const FACTS: Facts =
        facts("PUBSUB|NUMSUB", "pubsub", "2.8.0", PUBSUB | LOADING | STALE, "Returns how many listen to channels.");
    fn run(self, cx: &mut Context) -> Ran {
        count(Space::Channel, self.channel.len(), self.channel.iter().map(|channel| channel.0), cx)
    }
}

// --- PUBSUB SHARDCHANNELS [pattern]
form! { pub PubsubShardchannels<'a> { pattern: Option<Pattern<'a>> } }
impl<'a> Command<'a> for PubsubShardchannels<'a> {
    const FACTS: Facts = facts(
        "PUBSUB|SHARDCHANNELS",
        "pubsub",
        "7.0.0",
        PUBSUB | LOADING | STALE,
        "Returns the shard channels that somebody listens to.",
    );
    const SURPLUS: Refusal = Refusal::PubsubUsage;
    fn run(self, cx: &mut Context) -> Ran {
        list(Space::Shard, self.pattern, cx)
    }
}

// --- PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]
form! { pub PubsubShardnumsub<'a> { shardchannel: Any<'a, Channel<'a>> } }
impl<'a> Command<'a> for PubsubShardnumsub<'a> {
    const FACTS: Facts = facts(
        "PUBSUB|SHARDNUMSUB",
        "pubsub",
        "7.0.0",
        PUBSUB | LOADING | STALE,
        "Returns how many listen to shard channels.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        count(Space::Shard, self.shardchannel.len(), self.shardchannel.iter().map(|channel| channel.0), cx)
    }
}

fn count<'a>(space: Space, length: usize, names: impl Iterator<Item = &'a [u8]>, cx: &mut Context) -> Ran {
    cx.reply.array(2 * length);
    for name in names {
        cx.reply.bulk(name);
        cx.reply.count(cx.server.pubsub.audience(space, name));
    }
    Ok(Outcome::Done)
}

/// The names that fit, in slices as KEYS has them: they are collected first, since their number stands before them.
fn list(space: Space, pattern: Option<Pattern>, cx: &mut Context) -> Ran {
    let pattern = pattern.map(|pattern| pattern.0.into());
    let mut search = Search { space, pattern, cursor: Some(0), found: Names::default() };
    if search.go_on(cx) { Ok(Outcome::Done) } else { Ok(Outcome::Continue(Box::new(search))) }
}

struct Search {
    space: Space,
    pattern: Option<Box<[u8]>>,
    /// Where the walk goes on; `None`: it has ended.
    cursor: Option<u64>,
    found: Names,
}

impl Task for Search {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        if let Some(cursor) = self.cursor {
            let found = &mut self.found;
            self.cursor = cx.server.pubsub.scan(self.space, cursor, SLICE, &mut |name| {
                if self.pattern.as_ref().is_none_or(|pattern| glob::matches_strictly(pattern, name)) {
                    found.push(name);
                }
            });
            if self.cursor.is_some() || self.found.len() > SLICE {
                return false;
            }
        }
        self.found.tell_some(SLICE, &mut cx.reply)
    }
}
