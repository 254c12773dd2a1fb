//! What is read of a sorted set: how many members, their scores, their ranks.
use super::bounds::{Bounds, NameEnd, ScoreEnd};
use super::prelude::*;
use super::write_score;
use crate::store::SortedSet;
use crate::store::value::Collection;

// --- ZCARD key
form! { pub ZCard<'a> { key: Key<'a, LOOK> } }
impl<'a> Command<'a> for ZCard<'a> {
    const FACTS: Facts =
        facts("ZCARD", "sorted-set", "1.2.0", READONLY | FAST, "Returns how many members a sorted set has.");
    fn run(self, cx: &mut Context) -> Ran {
        let length = match cx.measure(self.key) {
            Some(entry) => entry.view::<SortedSet>()?.len(),
            None => 0,
        };
        cx.count(length)
    }
}

// --- ZCOUNT key min max
form! { pub ZCount<'a> { key: Key<'a, READ>, min: ScoreEnd<'a>, max: ScoreEnd<'a> } }
impl<'a> Command<'a> for ZCount<'a> {
    const FACTS: Facts =
        facts("ZCOUNT", "sorted-set", "2.0.0", READONLY | FAST, "Returns how many members have scores within a range.");
    fn run(self, cx: &mut Context) -> Ran {
        count(self.key, Bounds::scores(self.min.0, self.max.0)?, cx)
    }
}

// --- ZLEXCOUNT key min max
form! { pub ZLexCount<'a> { key: Key<'a, READ>, min: NameEnd<'a>, max: NameEnd<'a> } }
impl<'a> Command<'a> for ZLexCount<'a> {
    const FACTS: Facts = facts(
        "ZLEXCOUNT",
        "sorted-set",
        "2.8.9",
        READONLY | FAST,
        "Returns how many members have names within a range, if all have the same score.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        count(self.key, Bounds::names(self.min.0, self.max.0)?, cx)
    }
}

fn count(key: Key<READ>, bounds: Bounds, cx: &mut Context) -> Ran {
    let (set, reply) = cx.view::<SortedSet, _>(key)?;
    reply.count(set.map_or(0, |set| bounds.within(set, false).len()));
    Ok(Outcome::Done)
}

// --- ZMSCORE key member [member ...]
form! { pub ZMScore<'a> { key: Key<'a, READ>, member: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for ZMScore<'a> {
    const FACTS: Facts = facts("ZMSCORE", "sorted-set", "6.2.0", READONLY | FAST, "Returns the scores of members.");
    fn run(self, cx: &mut Context) -> Ran {
        let (set, reply) = cx.view::<SortedSet, _>(self.key)?;
        reply.array(self.member.len());
        for group in self.member.groups() {
            set.inspect(|set| set.warm(group.clone().map(|member| member.0), false));
            for member in group {
                match set.and_then(|set| set.score(member.0)) {
                    Some(score) => write_score(reply, score),
                    None => reply.null(),
                }
            }
        }
        Ok(Outcome::Done)
    }
}

// --- ZRANK key member [WITHSCORE]
form! { pub ZRank<'a> { key: Key<'a, READ>, member: Bytes<'a>, with_score: WithScore } }
form! { pub RankOptions { [withscore: "WITHSCORE"] } }

/// The option. Any other word there is bad syntax, and more words are too many.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct WithScore(bool);
impl<'a> Grammar<'a> for WithScore {
    const SYNTAX: Syntax = RankOptions::SYNTAX;
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        match words.len() {
            0 => Ok(WithScore(false)),
            1 => words.token("WITHSCORE").map(|()| WithScore(true)),
            _ => Err(Refusal::WrongArity),
        }
    }
    fn print(&self, to: &mut OwnedWords) {
        RankOptions { withscore: self.0 }.print(to);
    }
}
impl<'a> Command<'a> for ZRank<'a> {
    const RANKS: bool = true;
    const FACTS: Facts = facts(
        "ZRANK",
        "sorted-set",
        "2.0.0",
        READONLY | FAST,
        "Returns how many members come before one in a sorted set.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        rank(self.key, self.member, false, self.with_score.0, cx)
    }
}

// --- ZREVRANK key member [WITHSCORE]
form! { pub ZRevRank<'a> { key: Key<'a, READ>, member: Bytes<'a>, with_score: WithScore } }
impl<'a> Command<'a> for ZRevRank<'a> {
    const RANKS: bool = true;
    const FACTS: Facts = facts(
        "ZREVRANK",
        "sorted-set",
        "2.0.0",
        READONLY | FAST,
        "Returns how many members come after one in a sorted set.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        rank(self.key, self.member, true, self.with_score.0, cx)
    }
}

fn rank(key: Key<READ>, member: Bytes, reverse: bool, with_score: bool, cx: &mut Context) -> Ran {
    let (set, reply) = cx.view::<SortedSet, _>(key)?;
    match set.and_then(|set| Some((set.len(), set.rank(member.0)?))) {
        Some((len, (rank, score))) => {
            if with_score {
                reply.array(2);
            }
            reply.count(if reverse { len - 1 - rank } else { rank });
            if with_score {
                write_score(reply, score);
            }
        }
        None if with_score => reply.null_array(),
        None => reply.null(),
    }
    Ok(Outcome::Done)
}

// --- ZSCORE key member
form! { pub ZScore<'a> { key: Key<'a, READ>, member: Bytes<'a> } }
impl<'a> Command<'a> for ZScore<'a> {
    const FACTS: Facts = facts("ZSCORE", "sorted-set", "1.2.0", READONLY | FAST, "Returns the score of a member.");
    fn run(self, cx: &mut Context) -> Ran {
        let (set, reply) = cx.view::<SortedSet, _>(self.key)?;
        match set.and_then(|set| set.score(self.member.0)) {
            Some(score) => write_score(reply, score),
            None => reply.null(),
        }
        Ok(Outcome::Done)
    }
}
