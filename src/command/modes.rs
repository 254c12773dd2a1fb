//! What a client has chosen for all its commands: that replies are left out (CLIENT REPLY), that reading does not count
//! as use (CLIENT NO-TOUCH). Few do, so `serve` asks once whether there is anything of the kind.
use super::context::Context;
use super::outcome::Outcome;
use crate::server::clients::Replies;

/// Serves a request of a client that has chosen something.
#[cold]
pub fn with_modes(cx: &mut Context, serve: fn(&mut Context) -> Outcome) -> Outcome {
    cx.data.ledger.untouched = cx.me().no_touch;
    let outcome = if cx.at_once { serve(cx) } else { muted(cx, serve) };
    cx.data.ledger.untouched = false;
    outcome
}

fn muted(cx: &mut Context, serve: fn(&mut Context) -> Outcome) -> Outcome {
    let me = cx.me_mut();
    if me.replies.has(Replies::SKIP_NEXT) {
        me.replies = me.replies.without(Replies::SKIP_NEXT).with(Replies::SKIP);
    }
    mute(cx, serve, |outcome| matches!(outcome, Outcome::Done))
}

/// Does something that answers, and takes the answer back unless the client wants it. `is_done`: the command has ended.
pub fn mute<T>(cx: &mut Context, answer: impl FnOnce(&mut Context) -> T, is_done: impl FnOnce(&T) -> bool) -> T {
    if cx.me().replies == Replies::ON {
        return answer(cx);
    }
    let begun = cx.reply.output().mark();
    let done = answer(cx);
    if is_left_out(cx) && !cx.me().replies.has(Replies::SEEN_TO) {
        cx.reply.output().undo(begun);
    }
    if is_done(&done) {
        let me = cx.me_mut();
        me.replies = me.replies.without(Replies::SKIP.with(Replies::SEEN_TO).with(Replies::TOLD));
    }
    done
}

/// The client does not want to be told what the command that ran has told it.
pub fn is_left_out(cx: &Context) -> bool {
    let replies = cx.me().replies;
    replies.are_muted() && !replies.has(Replies::TOLD)
}
