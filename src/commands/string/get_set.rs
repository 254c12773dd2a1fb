//! Strings as one value: read it, put it, both at once, take it away.
use super::expiry::{Expiry, Renewal, deadline_ms};
use super::prelude::*;
use crate::store::{self, Door};
use crate::wire::reply::Reply;

// --- DELIFEQ key value
form! { pub DelIfEq<'a> { key: Key<'a, UNLINK>, value: Bytes<'a> } }
impl<'a> Command<'a> for DelIfEq<'a> {
    const FACTS: Facts = facts("DELIFEQ", "string", "9.0.0", WRITE | FAST, "Deletes a key if its string is this one.");
    fn run(self, cx: &mut Context) -> Ran {
        let mut door = cx.open(self.key);
        if !holds(door.value(), self.value)? {
            return cx.integer(0);
        }
        door.remove(Event::DEL);
        cx.record(|words| _ = words.text("DEL").word(self.key.0));
        cx.integer(1)
    }
}

// --- GET key
form! { pub Get<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for Get<'a> {
    const FACTS: Facts = facts("GET", "string", "1.0.0", READONLY | FAST, "Returns the string at a key.");
    #[inline]
    fn run(self, cx: &mut Context) -> Ran {
        cx.answer(self.key, text_or_null)
    }
}

#[inline(always)]
fn text_or_null(entry: Option<&mut store::Entry>, reply: &mut Reply) -> Result<(), Refusal> {
    match entry {
        Some(entry) => write_text(reply, entry),
        None => {
            reply.null();
            Ok(())
        }
    }
}

// --- GETDEL key
form! { pub GetDel<'a> { key: Key<'a, POP> } }
impl<'a> Command<'a> for GetDel<'a> {
    const FACTS: Facts = facts("GETDEL", "string", "6.2.0", WRITE | FAST, "Returns a string and deletes its key.");
    fn run(self, cx: &mut Context) -> Ran {
        get(self.key.0, cx)?;
        if cx.open(self.key).remove(Event::DEL) {
            cx.record(|words| _ = words.text("DEL").word(self.key.0));
        }
        Ok(Outcome::Done)
    }
}

// --- GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]
form! { pub GetEx<'a> { key: Key<'a, MODIFY>, [expiry: Renewal<'a>] } }
impl<'a> Command<'a> for GetEx<'a> {
    const FACTS: Facts = facts("GETEX", "string", "6.2.0", WRITE | FAST, "Returns a string and sets when it expires.");
    fn run(self, cx: &mut Context) -> Ran {
        let now_ms = cx.now_ms();
        let key = self.key.0;
        // The key comes before a wrong time: where there is none, that does not matter.
        let Some(entry) = cx.look(self.key) else { return get(key, cx) };
        text(entry.value())?;
        let renewal = self.expiry.map(|expiry| expiry.read(now_ms)).transpose()?;
        let Some(at_ms) = renewal else { return get(key, cx) };
        cx.server.stats.looked_up(true);
        let (mut door, reply) = cx.change(self.key);
        write_text(reply, door.entry_mut().expect("it was there"))?;
        match at_ms {
            Some(at_ms) if at_ms <= now_ms => {
                door.remove(Event::DEL);
                cx.record(|words| _ = words.text("DEL").word(key));
            }
            Some(at_ms) => {
                door.expire(Some(at_ms), Event::EXPIRE);
                cx.record(|words| _ = words.text("PEXPIREAT").word(key).text(at_ms));
            }
            None if door.entry().is_some_and(|entry| entry.expires_ms().is_some()) => {
                door.expire(None, Event::PERSIST);
                cx.record(|words| _ = words.text("PERSIST").word(key));
            }
            None => {}
        }
        Ok(Outcome::Done)
    }
}

// --- GETSET key value
form! { pub GetSet<'a> { key: Key<'a, MODIFY>, value: Bytes<'a> } }
impl<'a> Command<'a> for GetSet<'a> {
    const FACTS: Facts = facts(
        "GETSET",
        "string",
        "1.0.0",
        WRITE | DENYOOM | FAST,
        "Sets a key to a string and returns the one before.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        get(self.key.0, cx)?;
        put(self.key.0, self.value, NewExpiry::Never, SET, cx);
        record_set(self.key.0, self.value, NewExpiry::Never, cx);
        Ok(Outcome::Done)
    }
}

// --- PSETEX key milliseconds value
form! { pub PSetEx<'a> { key: Key<'a, PUT>, milliseconds: Int, value: Bytes<'a> } }
impl<'a> Command<'a> for PSetEx<'a> {
    const FACTS: Facts =
        facts("PSETEX", "string", "2.6.0", WRITE | DENYOOM, "Sets a key to a string that expires, in milliseconds.");
    fn run(self, cx: &mut Context) -> Ran {
        put_for(self.key.0, self.value, self.milliseconds.0, 1, cx)
    }
}

// --- SET key value [NX | XX | IFEQ value] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
form! { pub Set<'a> {
    key: Key<'a, { MODIFY | VARIES }>,
    value: Bytes<'a>,
    [condition: Condition, #[once] equal: "IFEQ" Bytes<'a>, get: "GET", expiry: Expiry<'a>]
} }
choice! { pub Condition { "NX" => IfAbsent, "XX" => IfPresent } }
impl<'a> Command<'a> for Set<'a> {
    const FACTS: Facts = facts("SET", "string", "1.0.0", WRITE | DENYOOM, "Sets a key to a string.");
    /// With GET the old value is returned, and IFEQ tells whether it is known: both want the right to read it.
    fn access(_: Access, request: Words) -> Access {
        let reads = |word: &[u8]| word.eq_ignore_ascii_case(b"GET") || word.eq_ignore_ascii_case(b"IFEQ");
        if request.iter().skip(3).any(reads) { MODIFY } else { PUT }
    }
    #[inline]
    fn run(self, cx: &mut Context) -> Ran {
        if let Set { key, value, condition: None, equal: None, get: false, expiry: None } = self {
            put(key.0, value, NewExpiry::Never, SET, cx);
            return cx.ok();
        }
        self.run_with_options(cx)
    }
}
impl Set<'_> {
    #[inline(never)]
    fn run_with_options(self, cx: &mut Context) -> Ran {
        if self.condition.is_some() && self.equal.is_some() {
            return Err(Refusal::Syntax);
        }
        let expiry = self.expiry.map_or(Ok(NewExpiry::Never), |expiry| expiry.read(cx.now_ms()))?;
        if self.get {
            get(self.key.0, cx)?;
        }
        let content = cx.content(self.value);
        let mut door = cx.open(self.key);
        let allowed = match (self.condition, self.equal) {
            (Some(Condition::IfAbsent), _) => door.value().is_none(),
            (Some(Condition::IfPresent), _) => door.value().is_some(),
            (None, Some(equal)) => holds(door.value(), equal)?,
            (None, None) => true,
        };
        if allowed {
            put_at(&mut door, content, expiry, SET);
            record_set(self.key.0, self.value, expiry, cx);
        }
        match (self.get, allowed) {
            (true, _) => Ok(Outcome::Done),
            (false, true) => cx.ok(),
            (false, false) => cx.null(),
        }
    }
}

// --- SETEX key seconds value
form! { pub SetEx<'a> { key: Key<'a, PUT>, seconds: Int, value: Bytes<'a> } }
impl<'a> Command<'a> for SetEx<'a> {
    const FACTS: Facts = facts("SETEX", "string", "2.0.0", WRITE | DENYOOM, "Sets a key to a string that expires.");
    fn run(self, cx: &mut Context) -> Ran {
        put_for(self.key.0, self.value, self.seconds.0, 1000, cx)
    }
}

// --- SETNX key value
form! { pub SetNx<'a> { key: Key<'a, CREATE>, value: Bytes<'a> } }
impl<'a> Command<'a> for SetNx<'a> {
    const FACTS: Facts =
        facts("SETNX", "string", "1.0.0", WRITE | DENYOOM | FAST, "Sets a key to a string if it is not there.");
    fn run(self, cx: &mut Context) -> Ran {
        let content = cx.content(self.value);
        let mut door = cx.open(self.key);
        let free = door.entry().is_none();
        if free {
            put_at(&mut door, content, NewExpiry::Never, SET);
        }
        cx.integer(free as i64)
    }
}

// --- What they share

/// Answers as GET does.
pub fn get(key: &[u8], cx: &mut Context) -> Ran {
    Get { key: Key(key) }.run(cx)
}

pub const SET: Event = Event::string("set");

/// Puts a string at a key: a large one as it was read, without a copy; another into the memory of the one before.
#[inline]
pub fn put(key: &[u8], value: Bytes, expiry: NewExpiry, event: Event, cx: &mut Context) {
    let content = cx.content(value);
    put_at(&mut cx.open(Key::<PUT>(key)), content, expiry, event);
}

#[inline]
fn put_at(door: &mut Door, content: Content, expiry: NewExpiry, event: Event) {
    door.put(content, expiry, event);
    if let NewExpiry::At(_) = expiry {
        door.note(Event::EXPIRE);
    }
}

fn put_for(key: &[u8], value: Bytes, count: i64, unit_ms: i64, cx: &mut Context) -> Ran {
    let expiry = NewExpiry::At(deadline_ms(count, unit_ms, cx.now_ms())?);
    put(key, value, expiry, SET, cx);
    record_set(key, value, expiry, cx);
    cx.ok()
}

fn record_set(key: &[u8], value: Bytes, expiry: NewExpiry, cx: &mut Context) {
    let expiry = Expiry::absolute(expiry);
    let set = Set { key: Key(key), value, condition: None, equal: None, get: false, expiry };
    cx.record(|words| set.print(words.text("SET")));
}

/// Is this string there?
fn holds(value: Option<Value>, wanted: Bytes) -> Result<bool, Refusal> {
    let Some(value) = value else { return Ok(false) };
    Ok(text(value)?.bytes(&mut Digits::new()) == wanted.0)
}
