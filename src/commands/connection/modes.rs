//! What a connection may choose for itself: CLIENT NO-EVICT, NO-TOUCH and REPLY. And what it cannot choose yet, told truly:
//! that it tracks no keys.
use super::super::prelude::*;
use crate::server::clients::Replies;

choice! { pub OnOff { "ON" => On, "OFF" => Off } }

// --- CLIENT GETREDIR
form! { pub ClientGetredir {} }
impl<'a> Command<'a> for ClientGetredir {
    const FACTS: Facts = facts(
        "CLIENT|GETREDIR",
        "connection",
        "6.0.0",
        NOSCRIPT | LOADING | STALE,
        "Returns which connection is told of changes in place of this one; -1: this one tracks nothing.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        cx.integer(-1)
    }
}

// --- CLIENT NO-EVICT ON | OFF
form! { pub ClientNoEvict { enabled: OnOff } }
impl<'a> Command<'a> for ClientNoEvict {
    const FACTS: Facts = facts(
        "CLIENT|NO-EVICT",
        "connection",
        "7.0.0",
        ADMIN | NOSCRIPT | LOADING | STALE,
        "Keeps this connection from being closed to save memory, or not.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        // It is weighed when this has ended, as what it is then.
        let me = cx.me().id;
        cx.server.unweigh(me);
        cx.me_mut().no_evict = self.enabled == OnOff::On;
        cx.ok()
    }
}

// --- CLIENT NO-TOUCH ON | OFF
form! { pub ClientNoTouch { enabled: OnOff } }
impl<'a> Command<'a> for ClientNoTouch {
    const FACTS: Facts = facts(
        "CLIENT|NO-TOUCH",
        "connection",
        "7.2.0",
        NOSCRIPT | LOADING | STALE,
        "Keys that this connection reads do not count as used, or they do.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        cx.me_mut().no_touch = self.enabled == OnOff::On;
        cx.ok()
    }
}

// --- CLIENT REPLY ON | OFF | SKIP
form! { pub ClientReply { action: Action } }
choice! { pub Action { "ON" => On, "OFF" => Off, "SKIP" => Skip } }
impl<'a> Command<'a> for ClientReply {
    const FACTS: Facts = facts(
        "CLIENT|REPLY",
        "connection",
        "3.2.0",
        NOSCRIPT | LOADING | STALE,
        "Leaves out replies: all from now on, or the next one.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        let replies = &mut cx.me_mut().replies;
        match self.action {
            Action::On => {
                *replies = replies.without(Replies::OFF.with(Replies::SKIP));
                return cx.ok();
            }
            Action::Off => *replies = replies.with(Replies::OFF),
            Action::Skip if replies.has(Replies::OFF) => {}
            Action::Skip => *replies = replies.with(Replies::SKIP_NEXT),
        }
        Ok(Outcome::Done)
    }
}

// --- CLIENT TRACKINGINFO
form! { pub ClientTrackinginfo {} }
impl<'a> Command<'a> for ClientTrackinginfo {
    const FACTS: Facts = facts(
        "CLIENT|TRACKINGINFO",
        "connection",
        "6.2.0",
        NOSCRIPT | LOADING | STALE,
        "Returns how this connection tracks keys: not at all.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        cx.reply.map(3);
        cx.reply.text("flags");
        cx.reply.set(1);
        cx.reply.text("off");
        cx.reply.text("redirect");
        cx.reply.integer(-1);
        cx.reply.text("prefixes");
        cx.reply.array(0);
        Ok(Outcome::Done)
    }
}
