//! Fields that are set with a moment of expiry, or read and given one, or read and removed.
use super::expire::{EXPIRED, Given, Moment, Named, PERSISTED, Positive, record};
use super::fields::{Pair, REMOVED, SET, write_value};
use super::limits;
use super::prelude::*;
use crate::store::Hash as Fields;
use crate::store::value::hash::FieldExpiry;

// --- HGETDEL key FIELDS numfields field [field ...]
form! { pub HGetDel<'a> { key: Key<'a, POP>, fields: Named<'a, Bytes<'a>, Positive> } }
impl<'a> Command<'a> for HGetDel<'a> {
    const FACTS: Facts =
        facts("HGETDEL", "hash", "8.0.0", WRITE | FAST, "Returns the values of fields of a hash, and removes them.");
    const SURPLUS: Refusal = Refusal::FieldsMismatch;
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        cx.judge::<Fields>(words)
    }
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let now_ms = cx.now_ms();
        let mut removed = vec![];
        let (mut door, reply) = cx.change(self.key);
        door.edit(REMOVED, |hash: &mut Fields| {
            reply.array(self.fields.0.len());
            for name in self.fields.0.iter() {
                write_value(reply, hash.get(name.0, now_ms));
                if hash.remove(name.0, now_ms) {
                    removed.push(name.0);
                }
            }
            ((), removed.len())
        })?;
        record(self.key.0, None, &removed, cx);
        Ok(Outcome::Done)
    }
}

// --- HGETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST] FIELDS numfields field [field ...]
form! { pub HGetEx<'a> {
    key: Key<'a, MODIFY>, [#[once] expiry: ReadExpiry] fields: Named<'a, Bytes<'a>, Positive>
} }
choice! { pub ReadExpiry clash FieldsMissing {
    "EX" => Seconds(Moment<1000>), "PX" => Milliseconds(Moment<1>), "EXAT" => AtSecond(Moment<1000>), "PXAT" => AtMillisecond(Moment<1>),
    "PERSIST" => Never,
} }
impl ReadExpiry {
    fn at_ms(self, now_ms: i64) -> Result<Option<i64>, Refusal> {
        match self {
            ReadExpiry::Never => Ok(None),
            ReadExpiry::Seconds(span) => span.after(now_ms).map(Some),
            ReadExpiry::Milliseconds(span) => span.after(now_ms).map(Some),
            ReadExpiry::AtSecond(span) => span.after(0).map(Some),
            ReadExpiry::AtMillisecond(span) => span.after(0).map(Some),
        }
    }
}
impl<'a> Command<'a> for HGetEx<'a> {
    const FACTS: Facts = facts(
        "HGETEX",
        "hash",
        "8.0.0",
        WRITE | FAST,
        "Returns the values of fields of a hash, and sets when they expire.",
    );
    const SURPLUS: Refusal = Refusal::FieldsMismatch;
    fn refuse_early(words: Words<'a>, cx: &mut Context) -> Result<(), Refusal> {
        cx.judge::<Fields>(words)
    }
    fn refused(refusal: Refusal, mut words: Words<'a>, cx: &mut Context) -> Ran {
        words.skip(1);
        if let Ok(Some(expiry)) = ReadExpiry::maybe(&mut words) {
            // Redis judges a moment, and counts what follows it, before it looks at that.
            let has_moment = expiry.at_ms(cx.now_ms())?.is_some();
            let is_uncounted = matches!(refusal, Refusal::Syntax | Refusal::FieldsMissing);
            if has_moment && words.len() == 1 && is_uncounted {
                return Err(Refusal::WrongArity);
            }
        }
        Err(refusal)
    }
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let (now_ms, limits) = (cx.now_ms(), limits(cx));
        let at_ms = self.expiry.map_or(Ok(None), |expiry| expiry.at_ms(now_ms))?;
        let is_past = at_ms.is_some_and(|at_ms| at_ms <= now_ms);
        let event = match at_ms {
            _ if is_past => REMOVED,
            Some(_) => EXPIRED,
            None => PERSISTED,
        };
        let mut changed = vec![];
        let (mut door, reply) = cx.change(self.key);
        door.edit(event, |hash: &mut Fields| {
            reply.array(self.fields.0.len());
            if self.expiry.is_some() {
                hash.expect_expiry(&limits);
            }
            for name in self.fields.0.iter() {
                let field = hash.get(name.0, now_ms);
                write_value(reply, field);
                let Some(field) = field.filter(|_| self.expiry.is_some()) else { continue };
                if is_past {
                    hash.remove(name.0, now_ms);
                } else if at_ms.is_some() || field.expires_ms.is_some() {
                    hash.expire(name.0, at_ms, &limits);
                } else {
                    continue;
                }
                changed.push(name.0);
            }
            ((), changed.len())
        })?;
        if event != PERSISTED {
            record(self.key.0, at_ms.filter(|_| !is_past), &changed, cx);
        } else if !changed.is_empty() {
            cx.record(|words| {
                words.text("HPERSIST").word(self.key.0).text("FIELDS").text(changed.len());
                changed.iter().for_each(|name| _ = words.word(name));
            });
        }
        Ok(Outcome::Done)
    }
}

// --- HSETEX key [FNX | FXX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] FIELDS numfields field value [field value ...]
form! { pub HSetEx<'a> {
    key: Key<'a, UPDATE>,
    [#[once] condition: SetCondition, #[once] expiry: SetExpiry]
    fields: Named<'a, Pair<'a>, Given>
} }
choice! { pub SetCondition clash TwoFieldConditions { "FNX" => IfNoneExists, "FXX" => IfAllExist } }
choice! { pub SetExpiry clash TwoFieldExpiries {
    "EX" => Seconds(Moment<1000>), "PX" => Milliseconds(Moment<1>), "EXAT" => AtSecond(Moment<1000>), "PXAT" => AtMillisecond(Moment<1>),
    "KEEPTTL" => Keep,
} }
impl SetExpiry {
    fn after(self, now_ms: i64) -> Result<FieldExpiry, Refusal> {
        match self {
            SetExpiry::Keep => Ok(FieldExpiry::Keep),
            SetExpiry::Seconds(span) => span.after(now_ms).map(FieldExpiry::At),
            SetExpiry::Milliseconds(span) => span.after(now_ms).map(FieldExpiry::At),
            SetExpiry::AtSecond(span) => span.after(0).map(FieldExpiry::At),
            SetExpiry::AtMillisecond(span) => span.after(0).map(FieldExpiry::At),
        }
    }
}
impl<'a> Command<'a> for HSetEx<'a> {
    const FACTS: Facts =
        facts("HSETEX", "hash", "8.0.0", WRITE | DENYOOM | FAST, "Sets fields of a hash, and when they expire.");
    const SURPLUS: Refusal = Refusal::WrongArity;
    fn refused(refusal: Refusal, mut words: Words<'a>, cx: &mut Context) -> Ran {
        words.skip(1);
        // Redis judges a moment as it comes to it: behind one condition at most, since two would have clashed.
        _ = SetCondition::maybe(&mut words);
        if let Ok(Some(expiry)) = SetExpiry::maybe(&mut words) {
            expiry.after(cx.now_ms())?;
        }
        Err(refusal)
    }
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let (now_ms, limits, data) = (cx.now_ms(), limits(cx), self.fields.0);
        let expiry = self.expiry.map_or(Ok(FieldExpiry::Never), |expiry| expiry.after(now_ms))?;
        let (mut door, reply) = cx.change(self.key);
        let hash = door.view::<Fields>()?;
        let mut exist =
            data.iter().map(|Pair { field, .. }| hash.is_some_and(|hash| hash.get(field.0, now_ms).is_some()));
        let allowed = match self.condition {
            None => true,
            Some(SetCondition::IfNoneExists) => !exist.any(|exists| exists),
            Some(SetCondition::IfAllExist) => exist.all(|exists| exists),
        };
        reply.integer(allowed as i64);
        if !allowed {
            return Ok(Outcome::Done);
        }
        let is_past = matches!(expiry, FieldExpiry::At(at_ms) if at_ms <= now_ms);
        if is_past {
            // Each is there for a moment, as the events tell, and has gone before the next one comes.
            let last = data.iter().last().expect("a field").field.0;
            door.edit(SET, |hash: &mut Fields| {
                hash.expect(data.len(), data.iter().flat_map(|Pair { field, value }| [field.0, value.0]), &limits);
                for (at, Pair { field, value }) in data.iter().enumerate() {
                    hash.set(field.0, value.0, FieldExpiry::Never, now_ms, &limits);
                    hash.expect_expiry(&limits);
                    if at + 1 < data.len() {
                        hash.remove(field.0, now_ms);
                    }
                }
                ((), data.len())
            })?;
            door.edit_further(REMOVED, |hash: &mut Fields| hash.remove(last, now_ms))?;
            let names: Vec<&[u8]> = data.iter().map(|pair| pair.field.0).collect();
            record(self.key.0, None, &names, cx);
            return Ok(Outcome::Done);
        }
        door.edit(SET, |hash: &mut Fields| {
            hash.expect(data.len(), data.iter().flat_map(|Pair { field, value }| [field.0, value.0]), &limits);
            for Pair { field, value } in data.iter() {
                hash.set(field.0, value.0, expiry, now_ms, &limits);
            }
            ((), data.len())
        })?;
        if let FieldExpiry::At(at_ms) = expiry {
            door.note(EXPIRED);
            let absolute = HSetEx { condition: None, expiry: Some(SetExpiry::AtMillisecond(Moment(at_ms))), ..self };
            cx.record(|words| absolute.print(words.text("HSETEX")));
        }
        Ok(Outcome::Done)
    }
}
