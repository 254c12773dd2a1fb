//! Transactions: requests are queued and run in a row, if nothing that was watched has changed. Queueing itself is a
//! part of how any request is served (command/serve.rs).
use super::prelude::*;
use crate::command::modes::is_left_out;
use crate::server::busy::Running;
use crate::server::clients::Replies;
use crate::server::unsent::counted;

// --- DISCARD
form! { pub Discard {} }
impl<'a> Command<'a> for Discard {
    const FACTS: Facts = facts(
        "DISCARD",
        "transactions",
        "2.0.0",
        NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
        "Forgets the queued commands and ends the transaction.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        if cx.me().transaction.is_none() {
            return Err(Refusal::DiscardWithoutMulti);
        }
        cx.discard();
        cx.ok()
    }
}

// --- EXEC
form! { pub Exec {} }
impl<'a> Command<'a> for Exec {
    const FACTS: Facts = facts(
        "EXEC",
        "transactions",
        "1.2.0",
        NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG,
        "Runs the queued commands, with no other client's between them.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let Some(transaction) = cx.me().transaction else { return Err(Refusal::ExecWithoutMulti) };
        let lost = cx.server.watch.is_lost(cx.me().id, cx.now_ms());
        if transaction.aborted || lost {
            cx.discard();
            if transaction.aborted {
                return Err(Refusal::TransactionAborted);
            }
            cx.reply.null_array();
            return Ok(Outcome::Done);
        }
        let queue = cx.queues.take(cx.client).expect("a queue as long as the transaction");
        cx.unwatch();
        let outer = cx.begin_long(Running::Transaction);
        let begun = cx.reply.output().mark();
        if !cx.me().replies.are_muted() {
            cx.reply.array(transaction.queued);
        }
        if cx.me().replies != Replies::ON {
            let me = cx.me_mut();
            me.replies = me.replies.with(Replies::SEEN_TO);
        }
        let mut is_killed = false;
        let recorded = cx.record.entries.len();
        // The replies go where this one goes, one after the other.
        let mut output = std::mem::take(cx.reply.output());
        queue.drain(|request| {
            if cx.server.busy.stop {
                return;
            }
            speak(cx);
            // Who has more coming than the limit is cut off when this has run: what he would be told then is not kept.
            let hard = cx.server.output_limit(cx.me()).hard;
            let is_over = hard > 0 && counted(output.len()) as u64 >= hard;
            // Redis leaves out single replies, though half an array is none: as soon as one of them says so (CLIENT REPLY
            // OFF), until one of them says otherwise; and all after a client has killed itself.
            let is_muted = is_killed || cx.me().replies.are_muted();
            let me = cx.me_mut();
            me.replies = me.replies.without(Replies::TOLD);
            let (before, asked) = ((is_over || is_muted).then(|| output.mark()), cx.effects.len());
            cx.server.stats.queued_run += 1;
            cx.invoke(request, &mut output);
            if let Some(before) = before
                && (is_over || is_killed || is_left_out(cx))
            {
                output.undo(before);
            }
            let me = cx.me().id;
            is_killed |=
                cx.effects[asked..].iter().any(|effect| matches!(effect, Effect::CloseAfterReply(id) if *id == me));
        });
        *cx.reply.output() = output;
        speak(cx);
        cx.me_mut().transaction = None;
        if cx.end_long(outer) {
            // The server ends: as if it had ended before, nothing of this is told or recorded.
            cx.reply.output().undo(begun);
            cx.record.entries.truncate(recorded);
            let me = cx.me().id;
            cx.ask(Effect::Kill(me));
            return Ok(Outcome::Done);
        }
        cx.record.wrap(recorded);
        Ok(Outcome::Done)
    }
}

/// From now on as HELLO may have changed it.
fn speak(cx: &mut Context) {
    cx.reply.speak(if cx.me().resp == 3 { Protocol::Resp3 } else { Protocol::Resp2 });
}

// --- MULTI
form! { pub Multi {} }
impl<'a> Command<'a> for Multi {
    const FACTS: Facts = facts(
        "MULTI",
        "transactions",
        "1.2.0",
        NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
        "Begins a transaction: what follows is queued until EXEC.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        if cx.me().transaction.is_some() {
            return Err(Refusal::NestedMulti);
        }
        cx.queues.begin(cx.client);
        cx.me_mut().transaction = Some(Default::default());
        cx.ok()
    }
}

// --- UNWATCH
form! { pub Unwatch {} }
impl<'a> Command<'a> for Unwatch {
    const FACTS: Facts = facts(
        "UNWATCH",
        "transactions",
        "2.2.0",
        NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
        "Forgets all watched keys.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        cx.unwatch();
        cx.ok()
    }
}

// --- WATCH key [key ...]
form! { pub Watch<'a> { keys: Many<'a, Key<'a, LOOK>> } }
impl<'a> Command<'a> for Watch<'a> {
    const FACTS: Facts = facts(
        "WATCH",
        "transactions",
        "2.2.0",
        NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
        "Lets the next EXEC do nothing if one of these keys is changed before.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let me = cx.me().id;
        if cx.me().transaction.is_some() {
            return Err(Refusal::WatchInMulti);
        }
        let most = cx.server.config.client_query_buffer_limit;
        for key in self.keys.iter() {
            // What is lost is lost: more keys change nothing.
            if cx.server.watch.is_broken(me) {
                break;
            }
            if cx.server.watch.of(me).1 as u64 > most {
                return Err(Refusal::WatchesTooMuch);
            }
            // One that has expired and is removed by this look counts as missing from the start.
            let expires_ms = cx.look(key).map(|entry| entry.expires_ms());
            cx.server.watch.add(me, cx.database(), key.0, expires_ms.is_some(), expires_ms.flatten());
        }
        cx.data.ledger.observed = true;
        cx.ok()
    }
}
