//! Strings.
use super::prelude::*;

// --- GET key
form! { pub Get<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for Get<'a> {
    const FACTS: Facts = facts("GET", "string", "1.0.0", READONLY | FAST, "Returns the string at a key.");
    fn run(self, cx: &mut Context) -> Ran {
        cx.answer(self.key, |entry, reply| {
            match entry {
                Some(entry) => write_text(reply, string(&mut entry.value)?),
                None => reply.null(),
            }
            Ok(())
        })
    }
}

// --- SET key value
form! { pub Set<'a> { key: Key<'a, PUT>, value: Bytes<'a> } }
impl<'a> Command<'a> for Set<'a> {
    const FACTS: Facts = facts("SET", "string", "1.0.0", WRITE | DENYOOM, "Sets a key to a string.");
    fn run(self, cx: &mut Context) -> Ran {
        let value = Value::String(cx.text(self.value));
        cx.open(self.key).put(value, NewExpiry::Never, Event::string("set"));
        cx.ok()
    }
}
