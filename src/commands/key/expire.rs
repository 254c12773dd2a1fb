//! When keys expire: set it, take it back, ask for it. Kept and recorded in milliseconds since 1970, whatever the unit
//! and the beginning that the client counts from.
use super::prelude::*;

// --- EXPIRE key seconds [NX | XX] [GT | LT]
form! { pub Expire<'a> { key: Key<'a, UPDATE>, seconds: Late<'a, Int>, condition: Conditions } }
impl<'a> Command<'a> for Expire<'a> {
    const FACTS: Facts = facts("EXPIRE", "generic", "1.0.0", WRITE | FAST, "Sets in how many seconds a key expires.");
    const SURPLUS: Refusal = Refusal::UnsupportedOption;
    fn run(self, cx: &mut Context) -> Ran {
        let now_ms = cx.now_ms();
        expire(self.key, self.condition, || moment(self.seconds.read()?.0, SECOND_MS, now_ms), cx)
    }
}

const SECOND_MS: i64 = 1000;

// The four flags that each of these commands takes.
form! { pub Conditions { [nx: "NX", xx: "XX", gt: "GT", lt: "LT"] } }

impl Conditions {
    fn check(self) -> Result<(), Refusal> {
        match self {
            Conditions { nx: true, xx, gt, lt } if xx || gt || lt => Err(Refusal::NxWithOthers),
            Conditions { gt: true, lt: true, .. } => Err(Refusal::GtWithLt),
            _ => Ok(()),
        }
    }

    /// A key that does not expire counts as one that expires later than any.
    fn allow(self, old: Option<i64>, new: i64) -> bool {
        match old {
            None => !self.xx && !self.gt,
            Some(old) => !self.nx && (!self.gt || new > old) && (!self.lt || new < old),
        }
    }
}

fn moment(number: i64, unit_ms: i64, from_ms: i64) -> Result<i64, Refusal> {
    number.checked_mul(unit_ms).and_then(|ms| ms.checked_add(from_ms)).ok_or(Refusal::BadExpiry)
}

/// The conditions are judged before the moment is read, and both before the key.
fn expire(key: Key<UPDATE>, condition: Conditions, at: impl FnOnce() -> Result<i64, Refusal>, cx: &mut Context) -> Ran {
    condition.check()?;
    let (at_ms, now_ms) = (at()?, cx.now_ms());
    let mut door = cx.open(key);
    if !door.entry().is_some_and(|entry| condition.allow(entry.expires_ms(), at_ms)) {
        return cx.integer(0);
    }
    if at_ms <= now_ms {
        door.remove(Event::DEL);
        cx.record(|words| _ = words.text("DEL").word(key.0));
    } else {
        door.expire(Some(at_ms), Event::EXPIRE);
        cx.record(|words| _ = words.text("PEXPIREAT").word(key.0).text(at_ms));
    }
    cx.integer(1)
}

// --- EXPIREAT key unix-time-seconds [NX | XX] [GT | LT]
form! { pub ExpireAt<'a> { key: Key<'a, UPDATE>, unix_time_seconds: Late<'a, UnixTime>, condition: Conditions } }
impl<'a> Command<'a> for ExpireAt<'a> {
    const FACTS: Facts = facts("EXPIREAT", "generic", "1.2.0", WRITE | FAST, "Sets at which second a key expires.");
    const SURPLUS: Refusal = Refusal::UnsupportedOption;
    fn run(self, cx: &mut Context) -> Ran {
        expire(self.key, self.condition, || moment(self.unix_time_seconds.read()?.0, SECOND_MS, 0), cx)
    }
}

// --- EXPIRETIME key
form! { pub ExpireTime<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for ExpireTime<'a> {
    const FACTS: Facts =
        facts("EXPIRETIME", "generic", "7.0.0", READONLY | FAST, "Returns the second at which a key expires.");
    fn run(self, cx: &mut Context) -> Ran {
        tell(self.key, nearest_second, cx)
    }
}

/// -2 without a key, -1 without an expiry, else what `say` makes of the moment.
fn tell(key: Key<READ>, say: impl FnOnce(i64) -> i64, cx: &mut Context) -> Ran {
    let answer = match cx.look_counted(key) {
        None => -2,
        Some(entry) => entry.expires_ms().map_or(-1, say),
    };
    cx.integer(answer)
}

fn nearest_second(ms: i64) -> i64 {
    ms / SECOND_MS + (ms % SECOND_MS >= SECOND_MS / 2) as i64
}

// --- PERSIST key
form! { pub Persist<'a> { key: Key<'a, UPDATE> } }
impl<'a> Command<'a> for Persist<'a> {
    const FACTS: Facts = facts("PERSIST", "generic", "2.2.0", WRITE | FAST, "Takes back the expiry of a key.");
    fn run(self, cx: &mut Context) -> Ran {
        let mut door = cx.open(self.key);
        let expires = door.entry().is_some_and(|entry| entry.expires_ms().is_some());
        if expires {
            door.expire(None, Event::PERSIST);
        }
        cx.integer(expires as i64)
    }
}

// --- PEXPIRE key milliseconds [NX | XX] [GT | LT]
form! { pub PExpire<'a> { key: Key<'a, UPDATE>, milliseconds: Late<'a, Int>, condition: Conditions } }
impl<'a> Command<'a> for PExpire<'a> {
    const FACTS: Facts =
        facts("PEXPIRE", "generic", "2.6.0", WRITE | FAST, "Sets in how many milliseconds a key expires.");
    const SURPLUS: Refusal = Refusal::UnsupportedOption;
    fn run(self, cx: &mut Context) -> Ran {
        let now_ms = cx.now_ms();
        expire(self.key, self.condition, || moment(self.milliseconds.read()?.0, 1, now_ms), cx)
    }
}

// --- PEXPIREAT key unix-time-milliseconds [NX | XX] [GT | LT]
form! { pub PExpireAt<'a> { key: Key<'a, UPDATE>, unix_time_milliseconds: Late<'a, UnixTime>, condition: Conditions } }
impl<'a> Command<'a> for PExpireAt<'a> {
    const FACTS: Facts =
        facts("PEXPIREAT", "generic", "2.6.0", WRITE | FAST, "Sets at which millisecond a key expires.");
    const SURPLUS: Refusal = Refusal::UnsupportedOption;
    fn run(self, cx: &mut Context) -> Ran {
        expire(self.key, self.condition, || Ok(self.unix_time_milliseconds.read()?.0), cx)
    }
}

// --- PEXPIRETIME key
form! { pub PExpireTime<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for PExpireTime<'a> {
    const FACTS: Facts =
        facts("PEXPIRETIME", "generic", "7.0.0", READONLY | FAST, "Returns the millisecond at which a key expires.");
    fn run(self, cx: &mut Context) -> Ran {
        tell(self.key, |at_ms| at_ms, cx)
    }
}

// --- PTTL key
form! { pub PTtl<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for PTtl<'a> {
    const FACTS: Facts =
        facts("PTTL", "generic", "2.6.0", READONLY | FAST, "Returns how many milliseconds a key has left.")
            .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        let now_ms = cx.now_ms();
        tell(self.key, |at_ms| at_ms - now_ms, cx)
    }
}

// --- TTL key
form! { pub Ttl<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for Ttl<'a> {
    const FACTS: Facts = facts("TTL", "generic", "1.0.0", READONLY | FAST, "Returns how many seconds a key has left.")
        .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        let now_ms = cx.now_ms();
        tell(self.key, |at_ms| nearest_second(at_ms - now_ms), cx)
    }
}
