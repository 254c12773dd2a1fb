//! Keys found by pattern or by chance: KEYS, RANDOMKEY, SCAN. None of them shows a key whose time has come.
use super::prelude::*;
use crate::base::glob;
use crate::command::Task;
use crate::store::Collection;
use crate::wire::reply::Reply;

// --- KEYS pattern
form! { pub Keys<'a> { pattern: Pattern<'a> } }
impl<'a> Command<'a> for Keys<'a> {
    const FACTS: Facts = facts("KEYS", "generic", "1.0.0", READONLY, "Returns all keys that fit a pattern.")
        .and(category::DANGEROUS)
        .hint(&["request_policy:all_shards", "nondeterministic_output_order"]);
    fn run(self, cx: &mut Context) -> Ran {
        let mut search = Search { pattern: self.pattern.0.into(), cursor: Some(0), found: Names::default() };
        if search.go_on(cx) { Ok(Outcome::Done) } else { Ok(Outcome::Continue(Box::new(search))) }
    }
}

/// KEYS in slices: first all names are collected, since their number stands before them; then they are told.
struct Search {
    pattern: Box<[u8]>,
    /// Where the walk goes on; `None`: it has ended.
    cursor: Option<u64>,
    found: Names,
}

/// Keys that are looked at, or told, in one slice: a fraction of a millisecond.
pub const SLICE: usize = 4096;

impl Task for Search {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        if let Some(cursor) = self.cursor {
            let (now_ms, found) = (cx.now_ms(), &mut self.found);
            self.cursor = cx.data.database(cx.database()).scan(cursor, SLICE, &mut |entry| {
                if !entry.is_expired(now_ms) && glob::matches(&self.pattern, entry.key(), false) {
                    found.push(entry.key());
                }
            });
            if self.cursor.is_some() || self.found.len() > SLICE {
                return false;
            }
        }
        self.found.tell_some(SLICE, &mut cx.reply)
    }
}

/// Names in a row, in one piece of memory.
#[derive(Default)]
pub struct Names {
    bytes: Vec<u8>,
    /// Where each name ends.
    ends: Vec<usize>,
    /// How many of them the reply has so far, once it is begun.
    told: Option<usize>,
}

impl Names {
    pub fn push(&mut self, name: &[u8]) {
        self.push_joined(&[name]);
    }

    pub fn push_joined(&mut self, parts: &[&[u8]]) {
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.ends.push(self.bytes.len());
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes they have, all together.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn get(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start..self.ends[at]]
    }

    /// Writes them as an array, `most` of them at a time. True: that was the last.
    pub fn tell_some(&mut self, most: usize, reply: &mut Reply) -> bool {
        let from = self.told.unwrap_or_else(|| {
            reply.array(self.len());
            0
        });
        let to = self.len().min(from + most);
        (from..to).for_each(|at| reply.bulk(self.get(at)));
        self.told = Some(to);
        to == self.len()
    }
}

// --- RANDOMKEY
form! { pub RandomKey {} }
impl<'a> Command<'a> for RandomKey {
    const FACTS: Facts = facts("RANDOMKEY", "generic", "1.0.0", READONLY, "Returns a key by chance.").hint(&[
        "request_policy:all_shards",
        "response_policy:special",
        "nondeterministic_output",
    ]);
    fn run(self, cx: &mut Context) -> Ran {
        let (database, now_ms) = (cx.database(), cx.now_ms());
        let Context { data, server, reply, .. } = cx;
        match data.random(database, now_ms, &mut || server.chance.next()) {
            Some(entry) => reply.bulk(entry.key()),
            None => reply.null(),
        }
        Ok(Outcome::Done)
    }
}

// --- SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
form! { pub Scan<'a> { cursor: Cursor, options: ScanOptions<'a> } }
impl<'a> Command<'a> for Scan<'a> {
    const FACTS: Facts = facts("SCAN", "generic", "2.8.0", READONLY, "Returns some of the keys, and where to go on.")
        .hint(&["nondeterministic_output", "request_policy:special", "response_policy:special"]);
    fn run(self, cx: &mut Context) -> Ran {
        let Filters { pattern, count, of } = self.options.0;
        let wanted = Wanted { pattern: pattern.map(|pattern| pattern.0), of: of.map(|of| of.0) };
        let count = count.map_or(COUNT, |count| usize::try_from(count.0).unwrap_or(usize::MAX));
        if count > SLICE {
            let wanted = Wanted { pattern: wanted.pattern.map(Into::into), of: wanted.of.map(Into::into) };
            let mut walk =
                Walk { wanted, cursor: Some(self.cursor.0), left: count, begun: false, found: Names::default() };
            return if walk.go_on(cx) { Ok(Outcome::Done) } else { Ok(Outcome::Continue(Box::new(walk))) };
        }
        let mut found = Names::default();
        let (next, _) = look(cx, self.cursor.0, count, &wanted, &mut found);
        begin(next, &mut cx.reply);
        found.tell_some(found.len(), &mut cx.reply);
        Ok(Outcome::Done)
    }
}

/// What SCAN leaves out is all else.
struct Wanted<B> {
    pattern: Option<B>,
    of: Option<B>,
}

/// SCAN with a large COUNT, in slices, as KEYS.
struct Walk {
    wanted: Wanted<Box<[u8]>>,
    /// Where it goes on; `None`: that was the end.
    cursor: Option<u64>,
    /// So many keys are still to be looked at.
    left: usize,
    /// The reply is.
    begun: bool,
    found: Names,
}

impl Task for Walk {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        if let Some(cursor) = self.cursor
            && self.left > 0
        {
            let looked;
            (self.cursor, looked) = look(cx, cursor, self.left.min(SLICE), &self.wanted, &mut self.found);
            self.left = self.left.saturating_sub(looked);
            if (self.left > 0 && self.cursor.is_some()) || self.found.len() > SLICE {
                return false;
            }
        }
        if !std::mem::replace(&mut self.begun, true) {
            begin(self.cursor, &mut cx.reply);
        }
        self.found.tell_some(SLICE, &mut cx.reply)
    }
}

pub fn begin(next: Option<u64>, reply: &mut Reply) {
    reply.array(2);
    reply.text(&next.unwrap_or(0).to_string());
}

/// Looks at `count` keys from a cursor on. The cursor of those behind them, and how many they were.
fn look<B: AsRef<[u8]>>(
    cx: &mut Context,
    cursor: u64,
    count: usize,
    wanted: &Wanted<B>,
    found: &mut Names,
) -> (Option<u64>, usize) {
    let (database, now_ms) = (cx.database(), cx.now_ms());
    let (mut looked, mut expired) = (0, Names::default());
    let next = cx.data.database(database).scan(cursor, count, &mut |entry| {
        looked += 1;
        if wanted.pattern.as_ref().is_some_and(|pattern| !glob::matches(pattern.as_ref(), entry.key(), false)) {
        } else if entry.is_expired(now_ms) {
            expired.push(entry.key());
        } else if wanted
            .of
            .as_ref()
            .is_none_or(|of| of.as_ref().eq_ignore_ascii_case(entry.value().type_name().as_bytes()))
        {
            found.push(entry.key());
        }
    });
    // To look at them is to meet them.
    (0..expired.len()).for_each(|at| assert!(cx.data.look(database, expired.get(at), now_ms).is_none()));
    (next, looked)
}

/// So many keys are looked at where the client does not say.
pub const COUNT: usize = 10;

/// Of a walk through a collection the key is judged after the cursor, and before the options.
pub fn judge_walk<'a, T: Collection>(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
    let mut rest = words;
    Key::<'a, READ>::parse(&mut rest)?;
    Cursor::parse(&mut rest)?;
    cx.judge::<T>(words)
}

/// Where nothing is to be walked through, that is said whatever the options are.
pub fn walk_nothing<'a, T: Collection>(refusal: Refusal, mut words: Words<'a>, cx: &mut Context) -> Ran {
    let key = Key::<'a, READ>::parse(&mut words)?;
    Cursor::parse(&mut words)?;
    if cx.view::<T, _>(key)?.0.is_some() {
        return Err(refusal);
    }
    begin(None, &mut cx.reply);
    cx.reply.array(0);
    Ok(Outcome::Done)
}

#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Cursor(pub u64);
impl<'a> Leaf<'a> for Cursor {
    const KIND: Kind = Kind::Integer;
    const EXAMPLE: &'static str = "0";
    fn read(word: &'a [u8]) -> Result<Self, Refusal> {
        c_number(word).map(Cursor).ok_or(Refusal::BadCursor)
    }
    fn print(&self, to: &mut OwnedWords) {
        to.text(self.0);
    }
}

/// As strtoull of C reads what is no plain number: behind white space and a sign, up to a zero byte.
fn c_number(word: &[u8]) -> Option<u64> {
    let word = word.split(|byte| *byte == 0).next()?;
    if let Some(number) = integer(word) {
        return u64::try_from(number).ok();
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | 9..=13);
    let word = &word[word.iter().take_while(|byte| is_space(byte)).count()..];
    let (is_negative, digits) = match word {
        [sign @ (b'-' | b'+'), digits @ ..] => (*sign == b'-', digits),
        digits => (false, digits),
    };
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let number: u64 = digits.parse().ok()?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}

form! { pub Filters<'a> { [pattern: "MATCH" Pattern<'a>, count: "COUNT" Amount, of: "TYPE" Bytes<'a>] } }
number! { Amount: integer, else NotAnInteger; |n| n >= 1, else Syntax }

/// The options. An option of HSCAN has a refusal of its own.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct ScanOptions<'a>(pub Filters<'a>);
impl<'a> Grammar<'a> for ScanOptions<'a> {
    const SYNTAX: Syntax = Filters::SYNTAX;
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        let filters = Filters::parse(words)?;
        if words.next_is("NOVALUES") { Err(Refusal::NotHscan) } else { Ok(ScanOptions(filters)) }
    }
    fn print(&self, to: &mut OwnedWords) {
        self.0.print(to);
    }
}
