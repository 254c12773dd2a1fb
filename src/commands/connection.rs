//! Connections.
use super::prelude::*;

// --- PING [message]
form! { pub Ping<'a> { message: Option<Bytes<'a>> } }
impl<'a> Command<'a> for Ping<'a> {
    const FACTS: Facts = facts("PING", "connection", "1.0.0", FAST, "Answers, to show that the connection lives.");
    const SURPLUS: Refusal = Refusal::WrongArity;
    fn run(self, cx: &mut Context) -> Ran {
        match self.message {
            Some(message) => cx.reply.bulk(message.0),
            None => cx.reply.simple("PONG"),
        }
        Ok(Outcome::Done)
    }
}
