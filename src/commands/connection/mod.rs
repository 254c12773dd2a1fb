//! Connections: whether they live, which database they use, how they end. `hello` has who speaks and in which protocol,
//! `client` what is known of each connection, `kill` how one ends another,
//! `pause` how they are held up, `modes` what each chooses for itself.
pub(super) mod client;
pub mod hello;
pub(super) mod kill;
pub(super) mod monitor;
pub(super) mod modes;
pub(super) mod pause;

use super::prelude::*;
use super::pubsub::subscribe::unsubscribe_from_all;

// --- ECHO message
form! { pub Echo<'a> { message: Bytes<'a> } }
impl<'a> Command<'a> for Echo<'a> {
    const FACTS: Facts = facts("ECHO", "connection", "1.0.0", LOADING | STALE | FAST, "Returns the message.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.reply.bulk(self.message.0);
        Ok(Outcome::Done)
    }
}

// --- PING [message]
form! { pub Ping<'a> { message: Option<Bytes<'a>> } }
impl<'a> Command<'a> for Ping<'a> {
    const FACTS: Facts = facts("PING", "connection", "1.0.0", FAST, "Answers, to show that the connection lives.")
        .hint(&["request_policy:all_shards", "response_policy:all_succeeded"]);
    const SURPLUS: Refusal = Refusal::WrongArity;
    fn run(self, cx: &mut Context) -> Ran {
        if cx.me().hears_only() {
            // Between messages of published words the answer is told by its form.
            cx.reply.array(2);
            cx.reply.text("pong");
            cx.reply.bulk(self.message.map_or(b"", |message| message.0));
            return Ok(Outcome::Done);
        }
        match self.message {
            Some(message) => cx.reply.bulk(message.0),
            None => cx.reply.simple("PONG"),
        }
        Ok(Outcome::Done)
    }
}

// --- QUIT [anything ...]
form! { pub Quit<'a> { ignored: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Quit<'a> {
    const FACTS: Facts = facts(
        "QUIT",
        "connection",
        "1.0.0",
        NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY,
        "Closes the connection.",
    );
    /// What was sent after it is not run.
    fn run(self, cx: &mut Context) -> Ran {
        cx.ask(Effect::CloseAfterReply(cx.me().id));
        cx.ok()
    }
}

// --- RESET
form! { pub Reset {} }
impl<'a> Command<'a> for Reset {
    const FACTS: Facts = facts(
        "RESET",
        "connection",
        "6.2.0",
        NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY,
        "Makes a connection what it was when it was new.",
    );
    /// The library stays known: it is still the same one.
    fn run(self, cx: &mut Context) -> Ran {
        cx.discard();
        unsubscribe_from_all(reset, cx)
    }
}

fn reset(cx: &mut Context) -> Ran {
    let authenticated = cx.server.config.requirepass.is_empty();
    cx.me_mut().reset();
    cx.server.set_authenticated(cx.me().id, authenticated);
    if std::mem::take(&mut cx.me_mut().monitors) {
        let id = cx.me().id;
        cx.server.end_monitor(id);
    }
    cx.reply.speak(Protocol::Resp2);
    cx.reply.simple("RESET");
    Ok(Outcome::Done)
}

// --- SELECT index
form! { pub Select { index: DatabaseIndex } }
number! { DatabaseIndex: integer, else NotAnInteger; |n| i32::try_from(n).is_ok(), else NotAnInt32 }
impl<'a> Command<'a> for Select {
    const FACTS: Facts =
        facts("SELECT", "connection", "1.0.0", LOADING | STALE | FAST, "Changes the database of the connection.");
    fn run(self, cx: &mut Context) -> Ran {
        let index = usize::try_from(self.index.0).map_err(|_| Refusal::NoSuchDatabase)?;
        if index >= cx.server.config.databases as usize {
            return Err(Refusal::NoSuchDatabase);
        }
        cx.me_mut().database = index;
        cx.ok()
    }
}
