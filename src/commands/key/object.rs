//! What is known of a key besides its value: its type, its encoding, how long it was not used, what memory it takes.
use super::prelude::*;

/// Redis shares the integers from 0 up to this between keys. Here nothing is shared, but clients may ask.
const SHARED_INTEGERS: std::ops::Range<i64> = 0..10_000;

// --- MEMORY subcommand [argument ...]
form! { pub Memory<'a> { subcommand: Bytes<'a>, arguments: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Memory<'a> {
    const FACTS: Facts = facts("MEMORY", "server", "4.0.0", 0, "Tells what memory is used for.");
    fn run(self, _: &mut Context) -> Ran {
        unreachable!("a container has no run")
    }
}

// --- MEMORY HELP
form! { pub MemoryHelp {} }
impl<'a> Command<'a> for MemoryHelp {
    const FACTS: Facts = facts("MEMORY|HELP", "server", "4.0.0", LOADING | STALE, "Shows these lines.");
    fn run(self, cx: &mut Context) -> Ran {
        help("MEMORY", cx)
    }
}

// --- MEMORY USAGE key [SAMPLES count]
form! { pub MemoryUsage<'a> { key: Key<'a, LOOK>, [count: "SAMPLES" Samples] } }
number! { Samples: integer, else NotAnInteger; |n| n >= 0, else Syntax }
impl<'a> Command<'a> for MemoryUsage<'a> {
    const FACTS: Facts =
        facts("MEMORY|USAGE", "server", "4.0.0", READONLY, "Returns the bytes that a key and its value take.");
    /// Samples are not wanted: the size of a value is kept, not estimated.
    fn run(self, cx: &mut Context) -> Ran {
        match cx.look(self.key).map(|entry| entry.bytes()) {
            Some(bytes) => cx.count(bytes),
            None => cx.null(),
        }
    }
}

// --- OBJECT subcommand [argument ...]
form! { pub Object<'a> { subcommand: Bytes<'a>, arguments: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Object<'a> {
    const FACTS: Facts = facts("OBJECT", "generic", "2.2.3", 0, "Tells how a value is kept.");
    fn run(self, _: &mut Context) -> Ran {
        unreachable!("a container has no run")
    }
}

/// The same commands need not make the same internals.
const VARIES: &[&str] = &["nondeterministic_output"];

// --- OBJECT ENCODING key
form! { pub ObjectEncoding<'a> { key: Key<'a, LOOK> } }
impl<'a> Command<'a> for ObjectEncoding<'a> {
    const FACTS: Facts =
        facts("OBJECT|ENCODING", "generic", "2.2.3", READONLY, "Returns in which form a value is kept.").hint(VARIES);
    fn run(self, cx: &mut Context) -> Ran {
        match cx.inspect(self.key).map(|entry| entry.value().encoding()) {
            Some(encoding) => cx.reply.text(encoding),
            None => cx.reply.null(),
        }
        Ok(Outcome::Done)
    }
}

// --- OBJECT FREQ key
form! { pub ObjectFreq<'a> { key: Key<'a, LOOK> } }
impl<'a> Command<'a> for ObjectFreq<'a> {
    const FACTS: Facts =
        facts("OBJECT|FREQ", "generic", "4.0.0", READONLY, "Returns how often a key is used, under an LFU policy.")
            .hint(VARIES);
    fn run(self, cx: &mut Context) -> Ran {
        let (now_ms, rates) = (cx.now_ms(), cx.data.ledger.access.rates);
        match cx.inspect(self.key).map(|entry| rates.map(|rates| entry.used().frequency(rates, now_ms))) {
            Some(Some(count)) => cx.integer(count as i64),
            Some(None) => Err(Refusal::NotLfu),
            None => cx.null(),
        }
    }
}

// --- OBJECT HELP
form! { pub ObjectHelp {} }
impl<'a> Command<'a> for ObjectHelp {
    const FACTS: Facts = facts("OBJECT|HELP", "generic", "6.2.0", LOADING | STALE, "Shows these lines.");
    fn run(self, cx: &mut Context) -> Ran {
        help("OBJECT", cx)
    }
}

// --- OBJECT IDLETIME key
form! { pub ObjectIdletime<'a> { key: Key<'a, LOOK> } }
impl<'a> Command<'a> for ObjectIdletime<'a> {
    const FACTS: Facts =
        facts("OBJECT|IDLETIME", "generic", "2.2.3", READONLY, "Returns for how many seconds a key was not used.")
            .hint(VARIES);
    fn run(self, cx: &mut Context) -> Ran {
        let (now_ms, counts) = (cx.now_ms(), cx.data.ledger.access.rates.is_some());
        match cx.inspect(self.key).map(|entry| entry.used().idle_s(now_ms)) {
            Some(_) if counts => Err(Refusal::LfuChosen),
            Some(seconds) => cx.integer(seconds as i64),
            None => cx.null(),
        }
    }
}

// --- OBJECT REFCOUNT key
form! { pub ObjectRefcount<'a> { key: Key<'a, LOOK> } }
impl<'a> Command<'a> for ObjectRefcount<'a> {
    const FACTS: Facts = facts(
        "OBJECT|REFCOUNT",
        "generic",
        "2.2.3",
        READONLY,
        "Returns by how many a value is shared, as Redis would.",
    )
    .hint(VARIES);
    fn run(self, cx: &mut Context) -> Ran {
        match cx.inspect(self.key).map(|entry| references(&entry.value())) {
            Some(count) => cx.integer(count),
            None => cx.null(),
        }
    }
}

pub(in crate::commands) fn references(value: &Value) -> i64 {
    match value {
        Value::String(Text::Integer(integer)) if SHARED_INTEGERS.contains(integer) => i32::MAX as i64,
        _ => 1,
    }
}

// --- TYPE key
form! { pub Type<'a> { key: Key<'a, LOOK> } }
impl<'a> Command<'a> for Type<'a> {
    const FACTS: Facts = facts("TYPE", "generic", "1.0.0", READONLY | FAST, "Returns the type of a value.");
    fn run(self, cx: &mut Context) -> Ran {
        let name = cx.look_counted(self.key).map_or("none", |entry| entry.value().type_name());
        cx.reply.simple(name);
        Ok(Outcome::Done)
    }
}
