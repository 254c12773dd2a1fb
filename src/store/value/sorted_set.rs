//! Sorted sets: a few members as a row of short strings, each followed by its score, in order; many as a ranking. When Redis
//! would give one another encoding is kept apart from that: OBJECT ENCODING says listpack or skiplist by Redis's thresholds.
#[cfg(test)]
mod tests;

use super::{Collection, Walk};
use crate::store::database::KeyHasher;
use crate::store::structure::chunk::{self, Chunk, ELEMENT_BYTES_MAX, Packed, differ};
use crate::store::structure::either::{Either, Side};
use crate::store::structure::index::Index;
use crate::store::structure::ranking::Ranking;
pub use crate::store::structure::ranking::{Cut, order};
use crate::store::text::Digits;
pub use chunk::Element;
use std::ops::Range;

#[derive(Clone, Default)]
pub struct SortedSet(Either<Chunk, Large>);

/// `zset-max-listpack-*`, and how members hash.
#[derive(Clone)]
pub struct SortedSetLimits {
    pub entries: usize,
    pub value: usize,
    pub hasher: KeyHasher,
}

/// So few elements of a large one go one by one.
const MANY: usize = 64;

#[derive(Clone)]
struct Large {
    ranking: Ranking,
    /// Redis would keep it in one listpack.
    is_listpack: bool,
}

impl Collection for SortedSet {
    const TYPE: &'static str = "zset";

    fn encoding(&self) -> &'static str {
        if self.is_listpack() { "listpack" } else { "skiplist" }
    }

    #[inline]
    fn len(&self) -> usize {
        match self.0.get() {
            Side::Small(chunk) => chunk.len() / 2,
            Side::Large(large) => large.ranking.len(),
        }
    }

    #[inline]
    fn heap_bytes(&self) -> usize {
        match self.0.get() {
            Side::Small(chunk) => chunk.heap_bytes(),
            Side::Large(large) => size_of::<Large>() + large.ranking.heap_bytes(),
        }
    }

    fn pieces(&self) -> usize {
        match self.0.get() {
            Side::Small(_) => 1,
            Side::Large(large) => large.ranking.len(),
        }
    }

    fn shed(&mut self, most: usize) -> bool {
        match self.0.get_mut() {
            Side::Small(_) => false,
            Side::Large(large) => large.ranking.shed(most),
        }
    }

    #[inline]
    fn index(&self) -> Option<&dyn Index> {
        if let Side::Large(large) = self.0.get() { Some(&large.ranking) } else { None }
    }
}

impl SortedSet {
    /// Of members that all differ, in order. What they come to as a whole says whether they are a row, in which a zero has
    /// no sign.
    pub fn of(members: &[(f64, Element)], limits: &SortedSetLimits) -> SortedSet {
        let mut digits = Digits::new();
        let mut is_short = |(_, member): &(f64, Element)| member.bytes(&mut digits).len() <= limits.value;
        if members.len() <= limits.entries && members.iter().all(&mut is_short) {
            let mut set = SortedSet::default();
            for (score, member) in members {
                set.change(member.bytes(&mut digits), limits, |_| Some(*score));
            }
            return set;
        }
        let ranking = Ranking::of(limits.hasher.clone(), members.len(), |visit| {
            members.iter().for_each(|(score, member)| visit(member.bytes(&mut digits), *score));
        });
        SortedSet(Either::large(Box::new(Large { ranking, is_listpack: false })))
    }
}

impl SortedSet {
    /// One of these members, which are in order, as a row at one go. `None`: it would be none, or a member may be there
    /// twice; then they are to be added one by one.
    pub fn of_row(members: &[(f64, Element)], limits: &SortedSetLimits) -> Option<SortedSet> {
        let longest = limits.value.min(ELEMENT_BYTES_MAX);
        if members.len() > limits.entries || !members.iter().all(|(_, member)| member.fits(longest)) {
            return None;
        }
        let scores: Vec<PackedScore> = members.iter().map(|(score, _)| PackedScore::new(*score)).collect();
        let mut packed = Vec::with_capacity(2 * members.len());
        for ((_, member), score) in members.iter().zip(&scores) {
            packed.extend([Packed::of(*member), score.packed()]);
        }
        differ(packed.iter().step_by(2), |member| limits.hasher.key(member)).then_some(())?;
        Some(SortedSet(Either::small(Chunk::of(&packed, true)?)))
    }
}

impl std::fmt::Debug for SortedSet {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let mut map = f.debug_map();
        self.visit(0..self.len(), false, |member, score| {
            map.entry(&member, &score);
            true
        });
        map.finish()
    }
}

// --- A row

/// As a row keeps it: an integer if it is one (so the sign of a zero is lost, as in a listpack), else 4 or 8 bytes.
struct PackedScore([u8; 8], Form);

enum Form {
    Integer(i64),
    Bytes(usize),
}

impl PackedScore {
    fn new(score: f64) -> PackedScore {
        let integer = score as i64;
        if integer as f64 == score && integer.unsigned_abs() < 1 << 53 {
            PackedScore([0; 8], Form::Integer(integer))
        } else if (score as f32) as f64 == score {
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&(score as f32).to_le_bytes());
            PackedScore(bytes, Form::Bytes(4))
        } else {
            PackedScore(score.to_le_bytes(), Form::Bytes(8))
        }
    }

    fn packed(&self) -> Packed<'_> {
        match self.1 {
            Form::Integer(integer) => Packed::integer(integer),
            Form::Bytes(length) => Packed::string(&self.0[..length]),
        }
    }
}

#[inline]
fn score_of(element: Element) -> f64 {
    match element {
        Element::Integer(integer) => integer as f64,
        Element::Bytes(bytes) => match bytes.first_chunk() {
            Some(bytes) => f64::from_le_bytes(*bytes),
            None => f32::from_le_bytes(*bytes.first_chunk().expect("4 bytes or 8")) as f64,
        },
    }
}

/// The members of a row with their scores, from the `from`th on.
fn pairs(chunk: &Chunk, from: usize) -> impl Iterator<Item = (Element<'_>, f64)> {
    let mut elements = chunk.from(2 * from);
    std::iter::from_fn(move || Some((elements.next()?, score_of(elements.next()?))))
}

fn pairs_back(chunk: &Chunk, to: usize) -> impl Iterator<Item = (Element<'_>, f64)> {
    let mut elements = chunk.from(0).rev().skip(chunk.len() - 2 * to);
    std::iter::from_fn(move || {
        let score = score_of(elements.next()?);
        Some((elements.next()?, score))
    })
}

/// The rank of a member, and its score.
#[inline]
fn find(chunk: &Chunk, member: &[u8]) -> Option<(usize, f64)> {
    if member.len() > ELEMENT_BYTES_MAX {
        return None;
    }
    let (at, mut elements) = chunk.search(&Packed::new(member), 2)?;
    elements.next();
    Some((at / 2, score_of(elements.next()?)))
}

/// How many come before one of this score and member.
fn place(chunk: &Chunk, score: f64, member: &[u8]) -> usize {
    let mut digits = Digits::new();
    let is_before = |(other, at): (Element, f64)| at < score || at == score && other.bytes(&mut digits) < member;
    pairs(chunk, 0).map(is_before).take_while(|before| *before).count()
}

/// False: it has no room for it.
fn insert(chunk: &mut Chunk, at: usize, member: &[u8], score: f64) -> bool {
    if member.len() > ELEMENT_BYTES_MAX {
        return false;
    }
    let score = PackedScore::new(score);
    chunk.insert(2 * at, &[Packed::new(member), score.packed()])
}

// --- What is seen

impl SortedSet {
    #[inline]
    pub fn is_listpack(&self) -> bool {
        match self.0.get() {
            Side::Small(_) => true,
            Side::Large(large) => large.is_listpack,
        }
    }

    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match self.0.get() {
            Side::Small(chunk) => find(chunk, member).map(|(_, score)| score),
            Side::Large(Large { ranking, .. }) => ranking.score(ranking.find(member)),
        }
    }

    /// How many elements come before this member, and its score.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match self.0.get() {
            Side::Small(chunk) => find(chunk, member),
            Side::Large(Large { ranking, .. }) => {
                let score = ranking.score(ranking.find(member))?;
                Some((ranking.rank(score, member), score))
            }
        }
    }

    /// How many elements come before a place between scores.
    pub fn rank_of_cut(&self, cut: Cut) -> usize {
        match self.0.get() {
            Side::Small(chunk) => pairs(chunk, 0).take_while(|(_, score)| cut.is_behind(*score)).count(),
            Side::Large(Large { ranking, .. }) => ranking.rank_of_cut(cut),
        }
    }

    /// The ranks of the names of which none is before the range and each is reached by it. Where scores differ, names are in
    /// no order: then it is what Redis finds in a row, from its end on if `reverse`.
    pub fn ranks_of_names(
        &self,
        is_before: impl Fn(&[u8]) -> bool,
        reaches: impl Fn(&[u8]) -> bool,
        reverse: bool,
    ) -> Range<usize> {
        let chunk = match self.0.get() {
            Side::Small(chunk) => chunk,
            Side::Large(Large { ranking, .. }) => {
                return ranking.rank_of_member(is_before)..ranking.rank_of_member(reaches);
            }
        };
        let mut digits = Digits::new();
        let mut ask = |(member, _): (Element, f64), what: &dyn Fn(&[u8]) -> bool| what(member.bytes(&mut digits));
        let len = self.len();
        let ends = pairs(chunk, 0).next().zip(pairs_back(chunk, len).next());
        if ends.is_none_or(|(first, last)| ask(last, &is_before) || !ask(first, &reaches)) {
            return 0..0;
        }
        if reverse {
            let end = len - pairs_back(chunk, len).take_while(|pair| !ask(*pair, &reaches)).count();
            end - pairs_back(chunk, end).take_while(|pair| !ask(*pair, &is_before)).count()..end
        } else {
            let start = pairs(chunk, 0).take_while(|pair| ask(*pair, &is_before)).count();
            start..start + pairs(chunk, start).take_while(|pair| ask(*pair, &reaches)).count()
        }
    }

    /// Shows the elements of a range of ranks, from its end on if `reverse`, until `visit` says false.
    #[inline]
    pub fn visit<'s>(&'s self, range: Range<usize>, reverse: bool, mut visit: impl FnMut(Element<'s>, f64) -> bool) {
        let range = range.start..range.end.min(self.len());
        match self.0.get() {
            _ if range.is_empty() => {}
            Side::Small(chunk) if reverse => {
                _ = pairs_back(chunk, range.end).take(range.len()).all(|(member, score)| visit(member, score));
            }
            Side::Small(chunk) => {
                _ = pairs(chunk, range.start).take(range.len()).all(|(member, score)| visit(member, score));
            }
            Side::Large(Large { ranking, .. }) => {
                ranking.visit(range, reverse, |member, score| visit(Element::Bytes(member), score));
            }
        }
    }

    /// Visits elements in an order that no change touches, at least `count` of them if there are so many. The cursor that
    /// goes on from there; `None`: that was the end. A small one is shown at once.
    pub fn scan(&self, walk: &Walk, count: usize, mut visit: impl FnMut(Element, f64)) -> Option<u64> {
        match self.0.get() {
            Side::Small(chunk) => {
                let mut digits = Digits::new();
                let mut is_ahead = |member: &Element| walk.is_ahead(|hasher| hasher.key(member.bytes(&mut digits)));
                let ahead = pairs(chunk, 0).filter(|(member, _)| is_ahead(member));
                ahead.for_each(|(member, score)| visit(member, score));
            }
            Side::Large(Large { ranking, is_listpack }) => {
                let count = if *is_listpack { usize::MAX } else { count };
                return ranking.scan(walk.cursor, count, |member, score| visit(Element::Bytes(member), score));
            }
        }
        None
    }
}

// --- What is changed

impl SortedSet {
    /// So many elements are to be added: Redis judges by that too, before it adds them, what the encoding is.
    pub fn expect(&mut self, count: usize, limits: &SortedSetLimits) {
        if count > limits.entries && self.is_listpack() {
            self.large(limits).is_listpack = false;
        }
    }

    /// A member is likely to be given this score soon: its place in a large one is fetched into the cache. Only a hint.
    #[inline]
    pub fn prepare(&self, score: f64) {
        if let Side::Large(large) = self.0.get() {
            large.ranking.prepare(score);
        }
    }

    /// Gives a member the score that `decide` says when it hears the present one. Both of them.
    #[inline]
    pub fn change(
        &mut self,
        member: &[u8],
        limits: &SortedSetLimits,
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> (Option<f64>, Option<f64>) {
        let (old, new) = match self.0.get_mut() {
            Side::Large(large) => return large.change(member, limits, decide),
            Side::Small(chunk) => {
                let found = find(chunk, member);
                let old = found.map(|(_, score)| score);
                let Some(new) = decide(old) else { return (old, None) };
                if old == Some(new) {
                    return (old, Some(new));
                }
                if let Some((at, _)) = found {
                    chunk.remove(2 * at..2 * at + 2);
                }
                let is_listpack = found.is_some() || limits.admit(chunk.len() / 2 + 1, member);
                if is_listpack && insert(chunk, place(chunk, new, member), member, new) {
                    return (old, Some(new));
                }
                let large = self.large(limits);
                large.is_listpack = is_listpack;
                (old, new)
            }
        };
        let Side::Large(large) = self.0.get_mut() else { unreachable!("it was just made large") };
        let found = large.ranking.find(member);
        large.ranking.insert(found, new, member);
        (old, Some(new))
    }

    /// The score of a member that is gone.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match self.0.get_mut() {
            Side::Small(chunk) => {
                let (at, score) = find(chunk, member)?;
                chunk.remove(2 * at..2 * at + 2);
                Some(score)
            }
            Side::Large(Large { ranking, .. }) => {
                let found = ranking.find(member);
                let score = ranking.score(found)?;
                ranking.remove(found);
                Some(score)
            }
        }
    }

    /// Takes the elements of a range of ranks away, in order, from its end on if `reverse`, and shows each before it goes.
    /// Where most go, those that stay are put into a new one, which is soonest done: what was is returned, to be freed.
    pub fn remove_range(
        &mut self,
        range: Range<usize>,
        reverse: bool,
        mut visit: impl FnMut(Element, f64),
    ) -> Option<SortedSet> {
        match self.0.get() {
            Side::Small(_) => {
                self.visit(range.clone(), reverse, |member, score| {
                    visit(member, score);
                    true
                });
                if let Side::Small(chunk) = self.0.get_mut() {
                    let whole = chunk.len() / 2;
                    match (range.start, range.end - range.start) {
                        (0, 1) => (0..2).for_each(|_| chunk.drop_first()),
                        (at, 1) if at + 1 == whole => (0..2).for_each(|_| chunk.drop_last()),
                        _ => chunk.remove(2 * range.start..2 * range.end),
                    }
                }
            }
            Side::Large(Large { ranking, is_listpack }) if range.len() > MANY.max(ranking.len() / 2) => {
                ranking.visit(range.clone(), reverse, |member, score| {
                    visit(Element::Bytes(member), score);
                    true
                });
                let large = Large { ranking: ranking.without(&range), is_listpack: *is_listpack };
                return Some(std::mem::replace(self, SortedSet(Either::large(Box::new(large)))));
            }
            Side::Large(_) => {
                let Side::Large(large) = self.0.get_mut() else { unreachable!("it is large") };
                large.ranking.remove_range(range, reverse, |member, score| visit(Element::Bytes(member), score));
            }
        }
        None
    }

    /// It as a ranking, which it is from now on.
    fn large(&mut self, limits: &SortedSetLimits) -> &mut Large {
        if let Side::Small(chunk) = self.0.get() {
            let mut ranking = Ranking::new(limits.hasher.clone());
            let mut digits = Digits::new();
            for (member, score) in pairs(chunk, 0) {
                let member = member.bytes(&mut digits);
                let found = ranking.find(member);
                ranking.insert(found, score, member);
            }
            self.0 = Either::large(Box::new(Large { ranking, is_listpack: true }));
        }
        match self.0.get_mut() {
            Side::Large(large) => large,
            Side::Small(_) => unreachable!("it was just made one"),
        }
    }
}

impl SortedSetLimits {
    /// With so many elements, one of them this, it is still a listpack.
    fn admit(&self, count: usize, member: &[u8]) -> bool {
        count <= self.entries && member.len() <= self.value
    }
}

/// Of a zero, as a listpack keeps it.
fn without_sign(score: f64) -> f64 {
    score + 0.0
}

impl Large {
    #[inline]
    fn change(
        &mut self,
        member: &[u8],
        limits: &SortedSetLimits,
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> (Option<f64>, Option<f64>) {
        let Large { ranking, is_listpack } = self;
        let found = ranking.find(member);
        let old = ranking.score(found);
        let new = decide(old);
        match (old, new) {
            (None, Some(score)) => {
                *is_listpack &= limits.admit(ranking.len() + 1, member);
                ranking.insert(found, if *is_listpack { without_sign(score) } else { score }, member);
            }
            (Some(old), Some(score)) if old != score => {
                ranking.set_score(found, if *is_listpack { without_sign(score) } else { score })
            }
            _ => {}
        }
        (old, new)
    }
}

#[cfg(test)]
impl SortedSet {
    fn check(&self) {
        if let Side::Large(large) = self.0.get() {
            large.ranking.check();
        }
    }
}
