//! What is done with a command that somebody wants to know of: one that took long is noted for SLOWLOG and LATENCY. It
//! costs the others one comparison: `Server::notice_from` is the least time that anybody wants to know of.
use super::context::Context;
use super::entry::{Entry, FAST, SKIP_SLOWLOG};
use super::monitor;
use super::words::Request;
use crate::server::config::table;
use crate::server::slowlog::{REDACTED, Slow, shortened};

/// A command of these words took so many ticks.
#[cold]
pub fn notice(entry: &Entry, request: Request, ticks: u64, cx: &mut Context) {
    if attend(ticks, cx) {
        monitor::show(entry, request, cx);
        note_all(entry, request, ticks, cx);
    }
}

fn note_all(entry: &Entry, request: Request, ticks: u64, cx: &mut Context) {
    note_slice(entry, ticks, cx);
    note(entry, &mut || words_to_note(entry, request), ticks, cx);
}

/// A command is done that waits no longer, and has not got what it waited for. Its ticks were counted as they went, and
/// monitors were shown it when its wait began.
#[cold]
pub fn after_wait(entry: &Entry, ticks: u64, cx: &mut Context) {
    let tracked = cx.server.config.latency_tracking;
    cx.server.stats.commands[entry.index as usize].finished(ticks, tracked);
    if attend(ticks, cx) {
        note_all(entry, cx.request, ticks, cx);
    }
}

/// Does anybody want to know of something that took so many ticks?
pub fn attend(ticks: u64, cx: &mut Context) -> bool {
    let ticks_per_ms = cx.host.ticks_per_ms();
    cx.server.attend(ticks_per_ms);
    ticks >= cx.server.notice_from
}

fn us(ticks: u64, cx: &mut Context) -> u64 {
    (ticks as u128 * 1000 / cx.host.ticks_per_ms().max(1) as u128) as u64
}

/// Nobody was served for so long: the stall log wants to know why.
pub fn note_slice(entry: &Entry, ticks: u64, cx: &mut Context) {
    let took_us = us(ticks, cx);
    if u64::try_from(cx.server.config.stall_log_slower_than).is_ok_and(|stall_us| took_us >= stall_us) {
        let slowest = &mut cx.server.stats.slowest;
        if slowest.is_none_or(|(_, longest)| longest < ticks) {
            *slowest = Some((entry.facts.name, ticks));
        }
    }
}

/// A command is done, after so many ticks of its own: SLOWLOG and LATENCY.
pub fn note(entry: &Entry, words: &mut dyn FnMut() -> Vec<Box<[u8]>>, ticks: u64, cx: &mut Context) {
    let (took_us, at_s) = (us(ticks, cx), cx.now_ms().div_euclid(1000));
    let config = &cx.server.config;
    let (slower_than, most) = (config.slowlog_log_slower_than, config.slowlog_max_len as usize);
    let threshold_ms = config.latency_monitor_threshold as u64;
    if slower_than >= 0 && took_us >= slower_than as u64 && !entry.facts.is(SKIP_SLOWLOG) {
        let client = cx.me();
        let (peer, name) = (client.address.peer(), client.name.clone());
        cx.server.slowlog.push(Slow { id: 0, at_s, took_us, words: words(), peer, name }, most);
    }
    if threshold_ms > 0 && took_us / 1000 >= threshold_ms {
        let kind = if entry.facts.is(FAST) { "fast-command" } else { "command" };
        cx.server.latency.note(kind, at_s, took_us / 1000);
    }
}

/// The words as a log keeps them.
pub fn words_to_note(entry: &Entry, request: Request) -> Vec<Box<[u8]>> {
    shortened(open_words(entry, request).into_iter())
}

/// The words as others may see them: no passwords, no names of users.
pub fn open_words<'a>(entry: &Entry, request: Request<'a>) -> Vec<&'a [u8]> {
    let mut words: Vec<&[u8]> = request.iter().collect();
    let mut hide = |from: usize, to: usize| {
        let to = to.min(words.len());
        words[from.min(to)..to].fill(REDACTED);
    };
    match entry.facts.name {
        "AUTH" => hide(1, usize::MAX),
        "HELLO" => {
            let auth = request.iter().position(|word| word.eq_ignore_ascii_case(b"AUTH"));
            auth.into_iter().for_each(|at| hide(at + 1, at + 3));
        }
        "CONFIG|SET" => {
            for at in (2..request.len()).step_by(2) {
                let name = request.get(at).map(String::from_utf8_lossy).unwrap_or_default();
                if table::find(&name).is_some_and(|spec| spec.secret) {
                    hide(at + 1, at + 2);
                }
            }
        }
        _ => {}
    }
    words
}
