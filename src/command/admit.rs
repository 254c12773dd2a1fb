//! Admission: what is asked of a request before it is parsed, in Redis's order. (Known, and with enough words, it is by
//! then.)
use super::context::Context;
use super::entry::{ALLOW_BUSY, Entry, NO_AUTH, NO_MULTI};
use super::refusal::Refusal;
use crate::server::busy::Running;

pub fn admit(entry: &Entry, cx: &Context) -> Result<(), Refusal> {
    signed_in(entry, cx)?;
    allowed_at_once(entry, cx)?;
    allowed_to_subscribers(entry, cx)?;
    allowed_while_busy(entry, cx)
}

#[inline]
fn signed_in(entry: &Entry, cx: &Context) -> Result<(), Refusal> {
    if cx.me().authenticated || entry.facts.is(NO_AUTH) { Ok(()) } else { Err(Refusal::NotAuthenticated) }
}

#[inline]
fn allowed_at_once(entry: &Entry, cx: &Context) -> Result<(), Refusal> {
    if (cx.at_once || cx.me().transaction.is_some()) && entry.facts.is(NO_MULTI) {
        Err(Refusal::NotInTransaction)
    } else {
        Ok(())
    }
}

#[inline]
fn allowed_to_subscribers(entry: &Entry, cx: &Context) -> Result<(), Refusal> {
    // What a transaction had queued before it subscribed is run.
    if !cx.me().hears_only() || cx.at_once || is_for_subscribers(entry) { Ok(()) } else { Err(Refusal::OnlySubscribes) }
}

#[cold]
fn is_for_subscribers(entry: &Entry) -> bool {
    let subscribes = entry.facts.name.ends_with("SUBSCRIBE");
    subscribes || matches!(entry.facts.name, "PING" | "QUIT" | "RESET")
}

/// While a long command runs the others are heard, and few of their requests are served.
#[inline]
fn allowed_while_busy(entry: &Entry, cx: &Context) -> Result<(), Refusal> {
    if !cx.server.busy.answering || entry.facts.is(ALLOW_BUSY) { Ok(()) } else { Err(busy(cx)) }
}

/// What whoever comes in the middle of it is told.
#[cold]
pub fn busy(cx: &Context) -> Refusal {
    match cx.server.busy.running {
        Some(Running::Script) => Refusal::BusyScript,
        _ => Refusal::BusyTransaction,
    }
}
