//! One request, from its words to its reply: look up, admit, parse and run, count. It is the only way in which a command
//! runs, for a client's request and for one that another command invokes.
use super::admit::{admit, changes, is_paused};
use super::context::Context;
use super::effect::Effect;
use super::entry::{Entry, NotFound};
use super::modes::with_modes;
use super::monitor;
use super::notice::{after_wait, notice};
use super::outcome::{Outcome, Ran};
use super::refusal::Refusal;
use super::timed::timed;
use super::words::{Request, Words};
use log::{log_enabled, trace, warn};

pub fn serve(cx: &mut Context) -> Outcome {
    serve_here(cx.request, cx)
}

/// The same, in its place. `request` is that of the context: to read it there, just after it was written, took 4 ns.
#[inline(always)]
pub fn serve_here(request: Request, cx: &mut Context) -> Outcome {
    if cx.me().has_modes() { serve_in_modes(cx) } else { run(request, cx) }
}

#[cold]
fn serve_in_modes(cx: &mut Context) -> Outcome {
    with_modes(cx, |cx| run(cx.request, cx))
}

#[inline(always)]
fn run(request: Request, cx: &mut Context) -> Outcome {
    let mut words = Words::new(request);
    let entry = match cx.found {
        Some(entry) => {
            words.skip(entry.name_words as usize);
            entry
        }
        None => match cx.table.find(&mut words) {
            Ok(entry) => entry,
            Err(not_found) => return unknown(not_found, &words, cx),
        },
    };
    if !entry.admits(request.len()) {
        return reject(Refusal::WrongArity, entry, &words, cx);
    }
    // Most clients may do anything at any time.
    if cx.at_once || cx.server.holds_back() || !cx.me().is_unrestricted() {
        if let Err(refusal) = admit(entry, cx) {
            return reject(refusal, entry, &words, cx);
        }
        if is_paused(entry, cx) {
            cx.me_mut().last_command = Some(entry.index);
            return Outcome::Postpone;
        }
        if is_queueing(cx) && !controls_transactions(entry) {
            return queue(entry, cx);
        }
    }
    if log_enabled!(log::Level::Trace) {
        follow(entry, words);
    }
    let dirty = cx.data.ledger.dirty;
    cx.record.stated = false;
    let client = cx.server.clients.at_mut(cx.client);
    client.last_command = Some(entry.index);
    let mut ran = (entry.run)(&mut words, cx);
    let tick = cx.host.ticks();
    let took = tick - std::mem::replace(cx.since, tick);
    let tracked = cx.server.config.latency_tracking;
    let stats = &mut cx.server.stats.commands[entry.index as usize];
    if matches!(ran, Ok(Outcome::Block(_) | Outcome::Continue(_))) {
        // It is counted when it has ended.
        stats.ticks += took;
        put_off(entry, &mut ran, took, cx);
    } else {
        stats.ended(took, tracked);
        if took >= cx.server.notice_from {
            notice(entry, cx.request, took, cx);
        }
    }
    if cx.record.wanted {
        cx.record.lapsed(&mut cx.data.ledger);
        if cx.data.ledger.dirty != dirty {
            let database = cx.database();
            cx.record.verbatim(database, cx.request);
        }
    }
    match ran {
        Ok(outcome) => outcome,
        Err(refusal) => {
            cx.server.stats.commands[entry.index as usize].failed += 1;
            refuse(refusal, entry.facts.name, &words, cx)
        }
    }
}

/// It waits, or goes on in slices.
#[cold]
fn put_off(entry: &'static Entry, ran: &mut Ran, took: u64, cx: &mut Context) {
    match std::mem::replace(ran, Ok(Outcome::Done)) {
        Ok(Outcome::Continue(task)) => *ran = Ok(Outcome::Continue(timed(entry, task, took, cx))),
        other => {
            *ran = other;
            monitor::show(entry, cx.request, cx);
            if cx.at_once {
                // Within a transaction nobody waits: this was all.
                return after_wait(entry, took, cx);
            }
            let me = cx.me_mut();
            me.waited_ticks = if me.blocked { me.waited_ticks + took } else { took };
        }
    }
}

/// Inside a transaction that runs, nothing is queued.
#[inline]
fn is_queueing(cx: &Context) -> bool {
    cx.me().transaction.is_some() && !cx.at_once
}

/// These run though a transaction has begun.
fn controls_transactions(entry: &Entry) -> bool {
    matches!(entry.facts.name, "EXEC" | "DISCARD" | "MULTI" | "WATCH" | "QUIT" | "RESET")
}

#[cold]
fn queue(entry: &Entry, cx: &mut Context) -> Outcome {
    let me = cx.server.clients.at_mut(cx.client);
    me.last_command = Some(entry.index);
    let transaction = me.transaction.as_mut().expect("one has begun");
    // What will not be run need not be kept.
    if !transaction.aborted && !cx.server.watch.is_broken(me.id) {
        let queue = cx.queues.get_mut(cx.client).expect("a queue as long as the transaction");
        queue.push(cx.request);
        transaction.queued += 1;
        transaction.writes |= changes(entry);
        transaction.bytes = queue.bytes();
    }
    cx.server.stats.refused();
    cx.reply.simple("QUEUED");
    Outcome::Done
}

#[cold]
fn reject(refusal: Refusal, entry: &Entry, words: &Words, cx: &mut Context) -> Outcome {
    cx.server.stats.commands[entry.index as usize].rejected += 1;
    note_refused(Some(entry.index), cx);
    if entry.facts.name == "EXEC" {
        return reject_exec(refusal, entry, words, cx);
    }
    abort(cx);
    refuse(refusal, entry.facts.name, words, cx)
}

/// The client's last command is the refused one, if there is such a command. What another command invokes is no request
/// of its own.
fn note_refused(row: Option<u16>, cx: &mut Context) {
    if !cx.at_once {
        cx.me_mut().last_command = row;
        cx.server.stats.refused();
    }
}

/// EXEC ends the transaction even if it is refused itself.
fn reject_exec(refusal: Refusal, entry: &Entry, words: &Words, cx: &mut Context) -> Outcome {
    cx.discard();
    monitor::show(entry, cx.request, cx);
    let why = refusal.say(entry.facts.name, words);
    let why = why.strip_prefix(b"ERR ").unwrap_or(&why);
    let (before, _) = Refusal::TransactionRejected.text().split_once('{').expect("a place for the reason");
    cx.server.stats.error(before);
    cx.reply.error([before.as_bytes(), why].concat());
    Outcome::Done
}

/// A request of a transaction was refused: EXEC will refuse the whole.
fn abort(cx: &mut Context) {
    if is_queueing(cx)
        && let Some(transaction) = &mut cx.me_mut().transaction
    {
        transaction.aborted = true;
    }
}

#[cold]
fn refuse(refusal: Refusal, command: &str, words: &Words, cx: &mut Context) -> Outcome {
    cx.server.stats.error(refusal.text());
    cx.reply.error(refusal.say(command, words));
    Outcome::Done
}

#[cold]
fn unknown(not_found: NotFound, words: &Words, cx: &mut Context) -> Outcome {
    abort(cx);
    let container = match not_found {
        NotFound::Bare { container } => cx.table.named(container.as_bytes()).map(|entry| entry.index),
        _ => None,
    };
    note_refused(container, cx);
    match not_found {
        NotFound::Command if is_http(words.last()) => {
            let from = cx.me().address.peer();
            warn!(
                "Possible SECURITY ATTACK detected: {from} sent a word of HTTP. It may be a cross-protocol attack that \
                 uses a browser to send commands. The connection is closed."
            );
            // At once: replies that have not left do not.
            cx.reply.output().discard();
            let id = cx.me().id;
            cx.ask(Effect::Kill(id));
            Outcome::Done
        }
        NotFound::Command => refuse(Refusal::UnknownCommand, "", words, cx),
        NotFound::Subcommand { container } => refuse(Refusal::UnknownSubcommand, container, words, cx),
        NotFound::Bare { container } => refuse(Refusal::WrongArity, container, words, cx),
    }
}

/// A browser that was led to this port begins its request so.
pub fn is_http(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"POST") || name.eq_ignore_ascii_case(b"Host:")
}

/// The log follows a request. Passwords do not belong there.
#[cold]
fn follow(entry: &Entry, mut words: Words) {
    let name = entry.facts.name;
    if matches!(name, "AUTH" | "HELLO" | "CONFIG|SET") {
        return trace!("typed command {name}, which may hold a password");
    }
    match (entry.explain)(&mut words, &mut Default::default()) {
        Ok(form) => trace!("typed command {form:?}"),
        Err(refusal) => trace!("{name} is no good: {refusal:?}"),
    }
}
