//! When a string expires: the options of SET, GETEX and MSETEX, what they come to, and how they are recorded. A moment
//! is recorded, never a span, for a span means something else when it is read again.
use super::prelude::*;

choice! { pub Expiry<'a> {
    "EX" => Seconds(Late<'a, Int>),
    "PX" => Milliseconds(Late<'a, Int>),
    "EXAT" => AtSecond(Late<'a, UnixTime>),
    "PXAT" => AtMillisecond(Late<'a, UnixTime>),
    "KEEPTTL" => Keep,
} }

choice! {
/// The same for who does not write the value.
pub Renewal<'a> {
    "EX" => Seconds(Late<'a, Int>),
    "PX" => Milliseconds(Late<'a, Int>),
    "EXAT" => AtSecond(Late<'a, UnixTime>),
    "PXAT" => AtMillisecond(Late<'a, UnixTime>),
    "PERSIST" => Never,
} }

impl Expiry<'_> {
    pub fn read(self, now_ms: i64) -> Result<NewExpiry, Refusal> {
        let at_ms = match self {
            Expiry::Seconds(span) => deadline_ms(span.read()?.0, 1000, now_ms),
            Expiry::Milliseconds(span) => deadline_ms(span.read()?.0, 1, now_ms),
            Expiry::AtSecond(moment) => deadline_ms(moment.read()?.0, 1000, 0),
            Expiry::AtMillisecond(moment) => deadline_ms(moment.read()?.0, 1, 0),
            Expiry::Keep => return Ok(NewExpiry::Keep),
        };
        at_ms.map(NewExpiry::At)
    }

    /// The option that means the same at any time.
    pub fn absolute(expiry: NewExpiry) -> Option<Expiry<'static>> {
        match expiry {
            NewExpiry::Never => None,
            NewExpiry::Keep => Some(Expiry::Keep),
            NewExpiry::At(ms) => Some(Expiry::AtMillisecond(Late::Read(UnixTime(ms)))),
        }
    }
}

impl Renewal<'_> {
    /// `None`: never.
    pub fn read(self, now_ms: i64) -> Result<Option<i64>, Refusal> {
        let at_ms = match self {
            Renewal::Seconds(span) => deadline_ms(span.read()?.0, 1000, now_ms),
            Renewal::Milliseconds(span) => deadline_ms(span.read()?.0, 1, now_ms),
            Renewal::AtSecond(moment) => deadline_ms(moment.read()?.0, 1000, 0),
            Renewal::AtMillisecond(moment) => deadline_ms(moment.read()?.0, 1, 0),
            Renewal::Never => return Ok(None),
        };
        at_ms.map(Some)
    }
}

/// When something ends that lives `count` units from `base_ms` on.
pub fn deadline_ms(count: i64, unit_ms: i64, base_ms: i64) -> Result<i64, Refusal> {
    let span_ms = count.checked_mul(unit_ms).filter(|ms| *ms > 0);
    span_ms.and_then(|ms| ms.checked_add(base_ms)).ok_or(Refusal::BadExpiry)
}
