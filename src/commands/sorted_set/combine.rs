//! Several sorted sets made into one: all members, those in each, those of the first alone. Read, counted or stored. Plain
//! sets may be among them: each of their members has the score 1.
use super::add::Weight;
use super::prelude::*;
use super::range::store;
use super::{begin_list, limits, write_pair};
use crate::command::Room;
use crate::command::list::Reach;
use crate::command::syntax::Extent;
use crate::commands::key::find::SLICE;
use crate::commands::key::sort::rank_of_bytes;
use crate::commands::set::algebra::Limit;
use crate::commands::told::Told;
use crate::store::value::sorted_set::{Element, order};
use crate::store::{Collection, Keyspace, Set, SortedSet, SortedSetLimits};
use crate::wire::reply::Reply;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

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
        let (view, reply) = split(cx);
        let result = subtract(&view.sources(self.key), &view)?;
        match tell(&result, self.withscores, reply) {
            Some(told) => told.tell_list(cx),
            None => Ok(Outcome::Done),
        }
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
        let (view, _) = split(cx);
        let result = SortedSet::of(&subtract(&view.sources(self.key), &view)?, &view.limits);
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
        let (view, reply) = split(cx);
        let result = intersect(view.weigh(self.key, weight), aggregate, &view)?;
        match tell(&result, withscores, reply) {
            Some(told) => told.tell_list(cx),
            None => Ok(Outcome::Done),
        }
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
        meet(split(cx).0.weigh(self.key, None::<List<Weight, AsManyAs<1>>>), |_, _| {
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
        let (view, _) = split(cx);
        let result = SortedSet::of(&intersect(view.weigh(self.key, weight), aggregate, &view)?, &view.limits);
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
        let (view, reply) = split(cx);
        let result = unite(view.weigh(self.key, weight), aggregate, &view)?;
        match tell(&result, withscores, reply) {
            Some(told) => told.tell_list(cx),
            None => Ok(Outcome::Done),
        }
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
        let (view, _) = split(cx);
        let result = SortedSet::of(&unite(view.weigh(self.key, weight), aggregate, &view)?, &view.limits);
        store(self.destination, result, "zunionstore", cx)
    }
}

// --- What they share

type Keys<'a> = List<'a, Key<'a, READ>, Sources>;

/// Members with scores, in order.
type Members<'d> = Vec<(f64, Element<'d>)>;

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

/// The data as they are now, and what a result may be.
struct View<'d> {
    data: &'d Keyspace,
    database: usize,
    now_ms: i64,
    limits: SortedSetLimits,
    room: Room,
}

fn split<'c, 'a>(cx: &'c mut Context<'a>) -> (View<'c>, &'c mut Reply<'a>) {
    let (database, now_ms, limits) = (cx.database(), cx.now_ms(), limits(cx));
    let room = cx.room();
    (View { data: cx.data, database, now_ms, limits, room }, &mut cx.reply)
}

impl<'d> View<'d> {
    /// What stands at keys that were just looked up.
    fn sources(&self, keys: Keys) -> Vec<Source<'d>> {
        let at = |key: Key<READ>| self.data.peek(self.database, key.0, self.now_ms).map(|entry| entry.value());
        let source = |key| match at(key) {
            Some(Value::SortedSet(set)) => Source::Sorted(set),
            Some(Value::Set(set)) => Source::Plain(set),
            _ => Source::None,
        };
        keys.iter().map(source).collect()
    }

    /// The same with their weights, the smallest first, as Redis goes through them.
    fn weigh<const AT: usize>(
        &self,
        keys: Keys,
        weights: Option<List<Weight, AsManyAs<AT>>>,
    ) -> Vec<(Source<'d>, f64)> {
        let weights = weights.iter().flat_map(|weights| weights.iter()).map(|weight| weight.0);
        let mut all: Vec<_> = self.sources(keys).into_iter().zip(weights.chain(std::iter::repeat(1.0))).collect();
        all.sort_by_key(|(source, _)| source.len());
        all
    }
}

impl<'d> Source<'d> {
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
        held + self.len() * size_of::<(f64, Element)>()
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
    fn visit(self, mut visit: impl FnMut(Element<'d>, f64) -> bool) {
        match self {
            Source::None => {}
            Source::Sorted(set) => set.visit(0..usize::MAX, false, visit),
            Source::Plain(set) => _ = set.iter().all(|member| visit(member, 1.0)),
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

fn unite<'d>(
    sources: Vec<(Source<'d>, f64)>,
    aggregate: Option<Aggregate>,
    view: &View,
) -> Result<Members<'d>, Refusal> {
    // One that is named twice has no more members.
    let mut named: Vec<Source> = sources.iter().map(|(source, _)| *source).collect();
    named.sort_unstable_by_key(|source| source.address());
    named.dedup_by_key(|source| source.address());
    if !view.room.has(named.iter().map(|source| source.bytes()).sum()) {
        return Err(Refusal::ResultTooLarge);
    }
    let (hasher, aggregate) = (view.data.hasher(), aggregate.unwrap_or(Aggregate::Sum));
    let most = named.iter().map(|source| source.len()).sum();
    let (mut all, mut places) = (Members::with_capacity(most), HashTable::with_capacity(most));
    let (mut digits, mut others) = (Digits::new(), Digits::new());
    for (source, weight) in sources {
        source.visit(|member, score| {
            let (score, bytes) = (or_zero(score * weight), member.bytes(&mut digits));
            let is_it = |(at, _): &(usize, u64)| {
                let (_, other): &(f64, Element) = &all[*at];
                other.bytes(&mut others) == bytes
            };
            let hash = hasher.key(bytes);
            match places.entry(hash, is_it, |(_, hash)| *hash) {
                Entry::Vacant(entry) => {
                    entry.insert((all.len(), hash));
                    all.push((score, member));
                }
                Entry::Occupied(entry) => {
                    let joined = &mut all[entry.get().0].0;
                    *joined = aggregate.join(*joined, score);
                }
            }
            true
        });
    }
    drop(places);
    Ok(in_order(all))
}

/// What a member of a result takes, here and where it is told or stored.
fn taken(member: &Element) -> usize {
    size_of::<(f64, Element)>() + member.bytes(&mut Digits::new()).len()
}

/// Shows each member that all have, and its weighted scores, until `visit` says false.
fn meet<'d>(sources: Vec<(Source<'d>, f64)>, mut visit: impl FnMut(Element<'d>, &[f64]) -> bool) {
    let [(fewest, weight), others @ ..] = &sources[..] else { return };
    let (mut scores, mut digits) = (vec![], Digits::new());
    fewest.visit(|member, score| {
        let bytes = member.bytes(&mut digits);
        scores.clear();
        scores.push(or_zero(score * weight));
        scores.extend(others.iter().map_while(|(source, weight)| Some(source.score(bytes)? * weight)));
        scores.len() < sources.len() || visit(member, &scores)
    });
}

fn intersect<'d>(
    sources: Vec<(Source<'d>, f64)>,
    aggregate: Option<Aggregate>,
    view: &View,
) -> Result<Members<'d>, Refusal> {
    let (mut all, aggregate, mut room) = (Members::new(), aggregate.unwrap_or(Aggregate::Sum), view.room);
    meet(sources, |member, scores| {
        let score = scores[1..].iter().fold(scores[0], |one, other| aggregate.join(one, *other));
        all.push((score, member));
        room.takes(taken(&member))
    });
    room.kept()?;
    Ok(in_order(all))
}

/// In either of two ways, as Redis, whichever is likely to be less work: each member of the first is looked for in the
/// others, or in one table of all of theirs.
fn subtract<'d>(sources: &[Source<'d>], view: &View) -> Result<Members<'d>, Refusal> {
    let (mut left, [first, others @ ..]) = (Members::new(), sources) else { return Ok(Members::new()) };
    let mut others = others.to_vec();
    others.sort_unstable_by_key(|source| source.address());
    others.dedup_by_key(|source| source.address());
    let (mut digits, mut room) = (Digits::new(), view.room);
    let to_look_for = first.len() * (1 + others.len());
    let to_gather = first.len() + others.iter().map(|source| source.len()).sum::<usize>();
    let gathered = if to_look_for / 2 > to_gather { Some(gather(&others, view)?) } else { None };
    first.visit(|member, score| {
        let bytes = member.bytes(&mut digits);
        let is_left = match &gathered {
            Some(theirs) => !theirs.has(bytes, view),
            None => others.iter().all(|source| source.score(bytes).is_none()),
        };
        if is_left {
            left.push((score, member));
        }
        !is_left || room.takes(taken(&member))
    });
    room.kept()?;
    Ok(in_order(left))
}

/// The members of several sources, each once, with their hashes.
struct Gathered<'d>(HashTable<(Element<'d>, u64)>);

fn gather<'d>(sources: &[Source<'d>], view: &View) -> Result<Gathered<'d>, Refusal> {
    if !view.room.has(sources.iter().map(|source| source.len() * size_of::<(Element, u64)>()).sum()) {
        return Err(Refusal::ResultTooLarge);
    }
    let (mut all, mut digits, mut others) = (HashTable::new(), Digits::new(), Digits::new());
    for source in sources {
        source.visit(|member, _| {
            let bytes = member.bytes(&mut digits);
            let is_it = |(other, _): &(Element, u64)| other.bytes(&mut others) == bytes;
            let hash = view.data.hasher().key(bytes);
            if let Entry::Vacant(entry) = all.entry(hash, is_it, |(_, hash)| *hash) {
                entry.insert((member, hash));
            }
            true
        });
    }
    Ok(Gathered(all))
}

impl Gathered<'_> {
    fn has(&self, bytes: &[u8], view: &View) -> bool {
        let mut digits = Digits::new();
        self.0.find(view.data.hasher().key(bytes), |(member, _)| member.bytes(&mut digits) == bytes).is_some()
    }
}

/// Scores decide nearly always, and else the first bytes in which any two names differ: so hardly a name is looked at.
fn in_order(members: Members) -> Members {
    let mut digits = [Digits::new(), Digits::new()];
    let alike = alike(&members);
    let mut ranks: Vec<(u64, u64, usize)> = Vec::with_capacity(members.len());
    for (at, (score, member)) in members.iter().enumerate() {
        ranks.push((order(*score), rank_of_bytes(&member.bytes(&mut digits[0])[alike..]), at));
    }
    let [one, other] = &mut digits;
    ranks.sort_unstable_by(|(score, bytes, a), (score_b, bytes_b, b)| {
        let names = || members[*a].1.bytes(one).cmp(members[*b].1.bytes(other));
        score.cmp(score_b).then(bytes.cmp(bytes_b)).then_with(names)
    });
    ranks.into_iter().map(|(_, _, at)| members[at]).collect()
}

/// So many bytes at their beginning all names have in common.
fn alike(members: &Members) -> usize {
    let (mut digits, mut others) = (Digits::new(), Digits::new());
    let Some((_, first)) = members.first() else { return 0 };
    let first = first.bytes(&mut digits);
    members.iter().fold(first.len(), |alike, (_, member)| {
        let pairs = first[..alike].iter().zip(member.bytes(&mut others));
        pairs.take_while(|(one, other)| one == other).count()
    })
}

/// Tells a few; many are to be told in slices.
fn tell(members: &Members, with_scores: bool, reply: &mut Reply) -> Option<Told> {
    if members.len() > SLICE {
        let (mut told, mut digits) = (Told::default(), Digits::new());
        for (score, member) in members {
            let name = member.bytes(&mut digits);
            if with_scores { told.push_scored(name, *score) } else { told.push(name) }
        }
        return Some(told);
    }
    begin_list(reply, members.len(), with_scores);
    members.iter().for_each(|(score, member)| write_pair(reply, *member, *score, with_scores));
    None
}
