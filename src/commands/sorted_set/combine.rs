//! Several sorted sets made into one: all members, those in each, those of the first alone. Read, counted or stored. Plain
//! sets may be among them: each of their members has the score 1.
use super::add::Weight;
use super::prelude::*;
use super::{begin_list, limits, write_pair};
use crate::command::list::Reach;
use crate::command::syntax::Extent;
use crate::commands::set::algebra::Limit;
use crate::store::value::sorted_set::{Element, order};
use crate::store::{Collection, Keyspace, Set, SortedSet};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

pub struct Sources;
impl Count for Sources {
    const TOO_FEW: Refusal = Refusal::NoInputKey;
}

form! { pub UnionOptions<'a> {
    [weight: "WEIGHTS" List<'a, Weight, AsManyAs<1>>, aggregate: "AGGREGATE" Aggregate, withscores: "WITHSCORES"]
} }
form! { pub StoreOptions<'a> { [weight: "WEIGHTS" List<'a, Weight, AsManyAs<2>>, aggregate: "AGGREGATE" Aggregate] } }
choice! { pub Aggregate { "SUM" => Sum, "MIN" => Min, "MAX" => Max } }

/// As many words as there are keys, whose number stands at a place of the request.
pub struct AsManyAs<const AT: usize>;
impl<const AT: usize> Reach for AsManyAs<AT> {
    const EXTENT: Extent = Extent::Alike { at: AT };
    fn words(words: &mut Words, _: usize) -> Result<usize, Refusal> {
        let count = words.get(AT).and_then(integer).and_then(|count| usize::try_from(count).ok());
        count.filter(|count| *count <= words.len()).ok_or(Refusal::Syntax)
    }
}

// --- ZDIFF numkeys key [key ...] [WITHSCORES]
form! { pub ZDiff<'a> { key: List<'a, Key<'a, READ>, Sources>, [withscores: "WITHSCORES"] } }
impl<'a> Command<'a> for ZDiff<'a> {
    const FACTS: Facts =
        facts("ZDIFF", "sorted-set", "6.2.0", READONLY, "Returns the members of a sorted set that others have not.");
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        look_up(words, 0, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let result = subtract(&sources(self.key, cx), cx)?;
        tell(result, self.withscores, cx)
    }
}

// --- ZDIFFSTORE destination numkeys key [key ...]
form! { pub ZDiffStore<'a> {
    destination: Key<'a, PUT>, key: List<'a, Key<'a, READ>, Sources>
} }
impl<'a> Command<'a> for ZDiffStore<'a> {
    const FACTS: Facts = facts(
        "ZDIFFSTORE",
        "sorted-set",
        "6.2.0",
        WRITE | DENYOOM,
        "Stores the members of a sorted set that others have not.",
    );
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        look_up(words, 1, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let result = subtract(&sources(self.key, cx), cx)?;
        store(self.destination, result, "zdiffstore", cx)
    }
}

// --- ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]
form! { pub ZInter<'a> { key: List<'a, Key<'a, READ>, Sources>, options: UnionOptions<'a> } }
impl<'a> Command<'a> for ZInter<'a> {
    const FACTS: Facts =
        facts("ZINTER", "sorted-set", "6.2.0", READONLY, "Returns the members that all of several sorted sets have.");
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        look_up(words, 0, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let UnionOptions { weight, aggregate, withscores } = self.options;
        let result = intersect(weigh(self.key, weight, cx), aggregate, cx)?;
        tell(result, withscores, cx)
    }
}

// --- ZINTERCARD numkeys key [key ...] [LIMIT limit]
form! { pub ZInterCard<'a> { key: List<'a, Key<'a, READ>, Sources>, [limit: "LIMIT" Limit] } }
impl<'a> Command<'a> for ZInterCard<'a> {
    const FACTS: Facts = facts(
        "ZINTERCARD",
        "sorted-set",
        "7.0.0",
        READONLY,
        "Returns how many members all of several sorted sets have.",
    );
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        look_up(words, 0, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let most = match self.limit {
            Some(Limit(most @ 1..)) => most as usize,
            _ => usize::MAX,
        };
        let mut count = 0;
        meet(weigh(self.key, None::<List<Weight, AsManyAs<1>>>, cx), |_, _| {
            count += 1;
            count < most
        });
        cx.count(count)
    }
}

// --- ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]
form! { pub ZInterStore<'a> {
    destination: Key<'a, PUT>, key: List<'a, Key<'a, READ>, Sources>, options: StoreOptions<'a>
} }
impl<'a> Command<'a> for ZInterStore<'a> {
    const FACTS: Facts = facts(
        "ZINTERSTORE",
        "sorted-set",
        "2.0.0",
        WRITE | DENYOOM,
        "Stores the members that all of several sorted sets have.",
    );
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        look_up(words, 1, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let StoreOptions { weight, aggregate } = self.options;
        let result = intersect(weigh(self.key, weight, cx), aggregate, cx)?;
        store(self.destination, result, "zinterstore", cx)
    }
}

// --- ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]
form! { pub ZUnion<'a> { key: List<'a, Key<'a, READ>, Sources>, options: UnionOptions<'a> } }
impl<'a> Command<'a> for ZUnion<'a> {
    const FACTS: Facts =
        facts("ZUNION", "sorted-set", "6.2.0", READONLY, "Returns the members that any of several sorted sets has.");
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        look_up(words, 0, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let UnionOptions { weight, aggregate, withscores } = self.options;
        let result = unite(weigh(self.key, weight, cx), aggregate, cx)?;
        tell(result, withscores, cx)
    }
}

// --- ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM | MIN | MAX]
form! { pub ZUnionStore<'a> {
    destination: Key<'a, PUT>, key: List<'a, Key<'a, READ>, Sources>, options: StoreOptions<'a>
} }
impl<'a> Command<'a> for ZUnionStore<'a> {
    const FACTS: Facts = facts(
        "ZUNIONSTORE",
        "sorted-set",
        "2.0.0",
        WRITE | DENYOOM,
        "Stores the members that any of several sorted sets has.",
    );
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        look_up(words, 1, cx)
    }
    fn run(self, cx: &mut Context) -> Ran {
        let StoreOptions { weight, aggregate } = self.options;
        let result = unite(weigh(self.key, weight, cx), aggregate, cx)?;
        store(self.destination, result, "zunionstore", cx)
    }
}

// --- What they share

type Keys<'a> = List<'a, Key<'a, READ>, Sources>;

/// Members with scores, in order.
type Members = Vec<(f64, Vec<u8>)>;

#[derive(Clone, Copy)]
enum Source<'d> {
    None,
    Sorted(&'d SortedSet),
    Plain(&'d Set),
}

/// Counts each key as used, and refuses what is no set, before the options are read. `before`: words that come first.
fn look_up<'a>(mut words: Words<'a>, before: usize, cx: &mut Context) -> Result<(), Refusal> {
    words.skip(before);
    for key in Keys::<'a>::parse(&mut words)?.iter() {
        match cx.read(key).map(|entry| entry.value()) {
            None | Some(Value::SortedSet(_) | Value::Set(_)) => {}
            Some(_) => return Err(Refusal::WrongType),
        }
    }
    Ok(())
}

/// What stands at keys that were just looked up.
fn sources<'d>(keys: Keys, cx: &'d Context) -> Vec<Source<'d>> {
    let (data, database, now_ms): (&Keyspace, _, _) = (cx.data, cx.database(), cx.now_ms());
    let source = |key: Key<READ>| match data.peek(database, key.0, now_ms).map(|entry| entry.value()) {
        Some(Value::SortedSet(set)) => Source::Sorted(set),
        Some(Value::Set(set)) => Source::Plain(set),
        _ => Source::None,
    };
    keys.iter().map(source).collect()
}

/// The same with their weights, the smallest first, as Redis goes through them.
fn weigh<'d, const AT: usize>(
    keys: Keys,
    weights: Option<List<Weight, AsManyAs<AT>>>,
    cx: &'d Context,
) -> Vec<(Source<'d>, f64)> {
    let weights = weights.iter().flat_map(|weights| weights.iter()).map(|weight| weight.0);
    let mut all: Vec<_> = sources(keys, cx).into_iter().zip(weights.chain(std::iter::repeat(1.0))).collect();
    all.sort_by_key(|(source, _)| source.len());
    all
}

impl Source<'_> {
    fn len(self) -> usize {
        match self {
            Source::None => 0,
            Source::Sorted(set) => set.len(),
            Source::Plain(set) => set.len(),
        }
    }

    /// What its members take as `Members`, at most.
    fn bytes(self) -> usize {
        let held = match self {
            Source::None => 0,
            Source::Sorted(set) => set.heap_bytes(),
            Source::Plain(set) => set.heap_bytes(),
        };
        held + self.len() * size_of::<(f64, Vec<u8>)>()
    }

    fn address(self) -> usize {
        match self {
            Source::None => 0,
            Source::Sorted(set) => std::ptr::from_ref(set) as usize,
            Source::Plain(set) => std::ptr::from_ref(set) as usize,
        }
    }

    fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Source::None => None,
            Source::Sorted(set) => set.score(member),
            Source::Plain(set) => set.contains(member).then_some(1.0),
        }
    }

    /// Shows all members, until `visit` says false.
    fn visit(self, mut visit: impl FnMut(&[u8], f64) -> bool) {
        let mut digits = Digits::new();
        match self {
            Source::None => {}
            Source::Sorted(set) => {
                set.visit(0..usize::MAX, false, |member, score| visit(member.bytes(&mut digits), score))
            }
            Source::Plain(set) => _ = set.iter().all(|member| visit(member.bytes(&mut digits), 1.0)),
        }
    }
}

impl Aggregate {
    /// What is no number counts as 0.
    fn join(self, one: f64, other: f64) -> f64 {
        match self {
            Aggregate::Sum => or_zero(one + other),
            Aggregate::Min => {
                if other < one {
                    other
                } else {
                    one
                }
            }
            Aggregate::Max => {
                if other > one {
                    other
                } else {
                    one
                }
            }
        }
    }
}

fn or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

fn unite(sources: Vec<(Source, f64)>, aggregate: Option<Aggregate>, cx: &Context) -> Result<Members, Refusal> {
    // One that is named twice has no more members.
    let mut named: Vec<Source> = sources.iter().map(|(source, _)| *source).collect();
    named.sort_unstable_by_key(|source| source.address());
    named.dedup_by_key(|source| source.address());
    cx.afford(named.into_iter().map(Source::bytes).sum())?;
    let (mut all, aggregate) = (BTreeMap::<Vec<u8>, f64>::new(), aggregate.unwrap_or(Aggregate::Sum));
    for (source, weight) in sources {
        source.visit(|member, score| {
            let score = or_zero(score * weight);
            match all.entry(member.to_vec()) {
                Entry::Vacant(entry) => _ = entry.insert(score),
                Entry::Occupied(mut entry) => *entry.get_mut() = aggregate.join(*entry.get(), score),
            }
            true
        });
    }
    Ok(in_order(all.into_iter().map(|(member, score)| (score, member)).collect()))
}

/// Shows each member that all have, and its weighted scores, until `visit` says false.
fn meet(sources: Vec<(Source, f64)>, mut visit: impl FnMut(&[u8], &[f64]) -> bool) {
    let [(fewest, weight), others @ ..] = &sources[..] else { return };
    let mut scores = vec![];
    fewest.visit(|member, score| {
        scores.clear();
        scores.push(or_zero(score * weight));
        scores.extend(others.iter().map_while(|(source, weight)| Some(source.score(member)? * weight)));
        scores.len() < sources.len() || visit(member, &scores)
    });
}

fn intersect(sources: Vec<(Source, f64)>, aggregate: Option<Aggregate>, cx: &Context) -> Result<Members, Refusal> {
    cx.afford(sources.first().map_or(0, |(source, _)| source.bytes()))?;
    let (mut all, aggregate) = (Members::new(), aggregate.unwrap_or(Aggregate::Sum));
    meet(sources, |member, scores| {
        let score = scores[1..].iter().fold(scores[0], |one, other| aggregate.join(one, *other));
        all.push((score, member.to_vec()));
        true
    });
    Ok(in_order(all))
}

fn subtract(sources: &[Source], cx: &Context) -> Result<Members, Refusal> {
    let (mut left, [first, others @ ..]) = (Members::new(), sources) else { return Ok(Members::new()) };
    cx.afford(first.bytes())?;
    first.visit(|member, score| {
        if others.iter().all(|source| source.score(member).is_none()) {
            left.push((score, member.to_vec()));
        }
        true
    });
    Ok(in_order(left))
}

fn in_order(mut members: Members) -> Members {
    members.sort_unstable_by(|(score, member), (other, name)| order(*score).cmp(&order(*other)).then(member.cmp(name)));
    members
}

fn tell(members: Members, with_scores: bool, cx: &mut Context) -> Ran {
    begin_list(&mut cx.reply, members.len(), with_scores);
    for (score, member) in &members {
        write_pair(&mut cx.reply, Element::Bytes(member), *score, with_scores);
    }
    Ok(Outcome::Done)
}

fn store(destination: Key<PUT>, members: Members, event: &'static str, cx: &mut Context) -> Ran {
    let (mut result, limits) = (SortedSet::default(), limits(cx));
    for (score, member) in &members {
        result.change(member, &limits, |_| Some(*score));
    }
    super::range::store(destination, result, event, cx)
}
