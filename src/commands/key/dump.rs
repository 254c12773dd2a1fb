//! Values as bytes and back: DUMP and RESTORE. What the bytes are, the format's room knows.
use super::prelude::*;
use crate::persist::format::{self, What};
use crate::store::access::Used;

// --- DUMP key
form! { pub Dump<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for Dump<'a> {
    const FACTS: Facts =
        facts("DUMP", "generic", "2.6.0", READONLY, "Returns a value as bytes, which RESTORE takes.").hint(VARIES);
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let (now_ms, options) = (cx.now_ms(), cx.server.config.file_options());
        // A longer one could not be sent back, to be restored.
        let most = cx.server.config.proto_max_bulk_len as usize;
        let payload = cx.read(self.key).and_then(|entry| format::dump(&entry.value(), options, now_ms, most));
        match payload {
            Some(payload) if payload.len() > most => return Err(Refusal::ResultTooLarge),
            Some(payload) => cx.reply.shared(&payload.into()),
            None => cx.reply.null(),
        }
        Ok(Outcome::Done)
    }
}

/// The same value may be written in more than one way.
const VARIES: &[&str] = &["nondeterministic_output"];

// --- RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds | FREQ frequency]
form! { pub Restore<'a> {
    key: Key<'a, PUT>, ttl: Late<'a, Int>, serialized_value: Bytes<'a>,
    [replace: "REPLACE", absttl: "ABSTTL", usage: Usage]
} }
choice! { pub Usage { "IDLETIME" => Idle(IdleSeconds), "FREQ" => Often(Frequency) } }
number! { IdleSeconds: integer, else NotAnInteger; |n| n >= 0, else InvalidIdletime }
number! { Frequency: integer, else NotAnInteger; |n| (0..=255).contains(&n), else InvalidFreq }
impl<'a> Command<'a> for Restore<'a> {
    const FACTS: Facts =
        facts("RESTORE", "generic", "2.6.0", WRITE | DENYOOM, "Creates a key from the bytes that DUMP has returned.")
            .and(category::DANGEROUS);
    fn run(self, cx: &mut Context) -> Ran {
        let (key, now_ms) = (self.key, cx.now_ms());
        if !self.replace && cx.look(key).is_some() {
            return Err(Refusal::BusyKey);
        }
        let expires_ms = match self.ttl.read()?.0 {
            ttl if ttl < 0 => return Err(Refusal::InvalidTtl),
            0 => None,
            ttl => Some(if self.absttl { ttl } else { ttl.saturating_add(now_ms) }),
        };
        let mut loaded = format::restore(self.serialized_value.0, &cx.server.config.limits(cx.data.hasher())).map_err(
            |trouble| match trouble.what {
                What::Version(_) | What::Checksum => Refusal::BadPayload,
                _ => Refusal::BadDataFormat,
            },
        )?;
        let counts = cx.data.ledger.access.rates.is_some();
        let mut door = cx.open(key);
        if expires_ms.is_some_and(|at_ms| at_ms <= now_ms) {
            if door.remove(Event::DEL) {
                cx.record(|words| _ = words.text("DEL").word(key.0));
            }
            return cx.ok();
        }
        door.renew(loaded.content(), expires_ms.map_or(NewExpiry::Never, NewExpiry::At), Event::generic("restore"));
        match self.usage {
            Some(Usage::Idle(IdleSeconds(seconds))) if !counts => door.set_used(Used::idle_for(seconds as u64, now_ms)),
            Some(Usage::Often(Frequency(count))) if counts => door.set_used(Used::counted_so_far(count as u8, now_ms)),
            _ => {}
        }
        if let Some(at_ms) = expires_ms {
            let absolute = Restore { ttl: Late::Read(Int(at_ms)), absttl: true, ..self };
            cx.record(|words| absolute.print(words.text("RESTORE")));
        }
        cx.ok()
    }
}
