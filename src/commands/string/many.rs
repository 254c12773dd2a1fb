//! Many strings at once: read them, put them, all or none.
use super::expiry::Expiry;
use super::get_set::{Condition, SET, put};
use super::prelude::*;

// --- MGET key [key ...]
form! { pub MGet<'a> { keys: Many<'a, Key<'a, READ>> } }
impl<'a> Command<'a> for MGet<'a> {
    const FACTS: Facts = facts("MGET", "string", "1.0.0", READONLY | FAST, "Returns the strings at keys.")
        .hint(&["request_policy:multi_shard"]);
    fn run(self, cx: &mut Context) -> Ran {
        cx.reply.array(self.keys.len());
        let mut ran = Ok(Outcome::Done);
        cx.each(self.keys, |cx, key| {
            ran = cx.answer(key, |entry, reply| {
                // A value of another type is no string either: the others are answered all the same.
                if entry.is_none_or(|entry| write_text(reply, entry).is_err()) {
                    reply.null();
                }
                Ok(())
            })
        });
        ran
    }
}

// --- MSET key value [key value ...]
form! { pub MSet<'a> { data: Many<'a, Put<'a>> } }
form! { pub Put<'a> { key: Key<'a, PUT>, value: Bytes<'a> } }
impl<'a> Keyed<'a> for Put<'a> {
    #[inline]
    fn key(&self) -> &'a [u8] {
        self.key.0
    }
}
impl<'a> Command<'a> for MSet<'a> {
    const FACTS: Facts = facts("MSET", "string", "1.0.1", WRITE | DENYOOM, "Sets keys to strings.")
        .hint(&["request_policy:multi_shard", "response_policy:all_succeeded"]);
    fn run(self, cx: &mut Context) -> Ran {
        cx.each(self.data, |cx, Put { key, value }| put(key.0, value, NewExpiry::Never, SET, cx));
        cx.ok()
    }
}

// --- MSETEX numkeys key value [key value ...] [NX | XX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
form! { pub MSetEx<'a> {
    data: List<'a, Put<'a>, Numkeys>,
    [condition: Condition, expiry: Expiry<'a>]
} }
pub struct Numkeys;
impl Count for Numkeys {
    const NOT_A_NUMBER: Refusal = Refusal::InvalidNumkeys;
    const TOO_FEW: Refusal = Refusal::InvalidNumkeys;
    const MOST: usize = i32::MAX as usize;
}
impl<'a> Command<'a> for MSetEx<'a> {
    const FACTS: Facts =
        facts("MSETEX", "string", "9.1.0", WRITE | DENYOOM, "Sets keys to strings that expire together.")
            .hint(&["request_policy:multi_shard", "response_policy:all_succeeded"]);
    fn run(self, cx: &mut Context) -> Ran {
        let expiry = self.expiry.map_or(Ok(NewExpiry::Never), |expiry| expiry.read(cx.now_ms()))?;
        let wanted = self.condition.map(|condition| condition == Condition::IfPresent);
        let holds = |wanted| cx.all(self.data, |cx, Put { key, .. }| cx.open(key).entry().is_some() == wanted);
        if !wanted.is_none_or(holds) {
            return cx.integer(0);
        }
        cx.each(self.data, |cx, Put { key, value }| put(key.0, value, expiry, SET, cx));
        let absolute = MSetEx { condition: None, expiry: Expiry::absolute(expiry), ..self };
        cx.record(|words| absolute.print(words.text("MSETEX")));
        cx.integer(1)
    }
}

// --- MSETNX key value [key value ...]
form! { pub MSetNx<'a> { data: Many<'a, Create<'a>> } }
form! { pub Create<'a> { key: Key<'a, CREATE>, value: Bytes<'a> } }
impl<'a> Keyed<'a> for Create<'a> {
    #[inline]
    fn key(&self) -> &'a [u8] {
        self.key.0
    }
}
impl<'a> Command<'a> for MSetNx<'a> {
    const FACTS: Facts =
        facts("MSETNX", "string", "1.0.1", WRITE | DENYOOM, "Sets keys to strings if none of them is there.");
    fn run(self, cx: &mut Context) -> Ran {
        if !cx.all(self.data, |cx, Create { key, .. }| cx.open(key).entry().is_none()) {
            return cx.integer(0);
        }
        cx.each(self.data, |cx, Create { key, value }| put(key.0, value, NewExpiry::Never, SET, cx));
        cx.integer(1)
    }
}
