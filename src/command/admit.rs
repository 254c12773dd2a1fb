//! Admission: what is asked of a request before it is parsed, in Redis's order. (Known, and with enough words, it is by
//! then.)
use super::context::Context;
use super::entry::{ALLOW_BUSY, Entry, LOADING, NO_AUTH, NO_MULTI, READONLY, WRITE};
use super::refusal::Refusal;
use crate::server::busy::Running;

pub fn admit(entry: &Entry, cx: &Context) -> Result<(), Refusal> {
    allowed_by_settings(entry, cx)?;
    signed_in(entry, cx)?;
    allowed_at_once(entry, cx)?;
    allowed_to_subscribers(entry, cx)?;
    allowed_while_loading(entry, cx)?;
    allowed_while_busy(entry, cx)?;
    allowed_to_monitors(entry, cx)
}

/// Clients are paused, and this command must wait for the end of that.
#[inline]
pub fn is_paused(entry: &Entry, cx: &Context) -> bool {
    cx.server.pause.is_some() && !cx.at_once && waits(entry, cx)
}

#[cold]
fn waits(entry: &Entry, cx: &Context) -> bool {
    let Some(pause) = cx.server.pause.filter(|pause| cx.now.mono_us < pause.until_us) else { return false };
    // Whoever would stop a long command cannot wait for it.
    if cx.server.busy.answering {
        return false;
    }
    let writes = match entry.facts.name {
        "EXEC" => cx.me().transaction.is_some_and(|transaction| transaction.writes),
        _ => changes(entry),
    };
    pause.all || writes
}

/// It changes data, or tells others something as if it did.
pub fn changes(entry: &Entry) -> bool {
    entry.facts.is(WRITE) || matches!(entry.facts.name, "PFCOUNT" | "PUBLISH" | "SPUBLISH")
}

/// What settings forbid is refused before it is queued.
fn allowed_by_settings(entry: &Entry, cx: &Context) -> Result<(), Refusal> {
    match entry.facts.name {
        _ if cx.at_once => Ok(()),
        "DEBUG" => may_debug(cx),
        "MODULE|LOAD" | "MODULE|LOADEX" | "MODULE|UNLOAD" => Err(Refusal::NoModules),
        _ => Ok(()),
    }
}

pub fn may_debug(cx: &Context) -> Result<(), Refusal> {
    let local = cx.me().address.is_local();
    if cx.server.config.enable_debug_command.allows(local) { Ok(()) } else { Err(Refusal::DebugNotAllowed) }
}

#[inline]
fn signed_in(entry: &Entry, cx: &Context) -> Result<(), Refusal> {
    if cx.server.lets_in(cx.me()) || entry.facts.is(NO_AUTH) { Ok(()) } else { Err(Refusal::NotAuthenticated) }
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

/// Who is shown all commands is to Redis a kind of replica.
#[inline]
fn allowed_to_monitors(entry: &Entry, cx: &Context) -> Result<(), Refusal> {
    let touches = || entry.facts.is(READONLY) || changes(entry);
    if cx.me().monitors && !cx.at_once && touches() { Err(Refusal::OnlyMonitors) } else { Ok(()) }
}

/// While the data is being loaded.
#[inline]
fn allowed_while_loading(entry: &Entry, cx: &Context) -> Result<(), Refusal> {
    let loads = cx.server.persistence.loading_since_s.is_some();
    if !loads || entry.facts.is(LOADING) { Ok(()) } else { Err(Refusal::Loading) }
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
