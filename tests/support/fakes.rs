//! Commands of the tests' own, one for each seam that the server offers beside "read, write, answer": waiting, going on
//! in slices, running other commands, breathing, asking for effects, being recorded, being watched.
use spindle::command::entry::*;
use spindle::command::leaf::*;
use spindle::command::list::Any;
use spindle::command::syntax::*;
use spindle::command::words::OwnedWords;
use spindle::command::{Block, Context, Effect, Outcome, Ran, Refusal, Task};
use spindle::commands::connection::hello::Auth;
use spindle::commands::server::Shutdown;
use spindle::commands::transaction::{Discard, Exec, Multi, Unwatch, Watch};
use spindle::engine::ClientId;
use spindle::server::busy::Running;
use spindle::store::text::Digits;
use spindle::store::{Event, NewExpiry, Value};
use spindle::wire::output::Output;
use spindle::{form, table};

table! { pub FAKES:
    Both, Count, Del, Echo, Flush, Get, Kill, Leave, Nap, Script { ScriptKill }, Set, Spin, Swap, Twice, Unblock,
    Wait, Whole,
    // Real ones.
    Auth, Discard, Exec, Multi, Shutdown, Unwatch, Watch,
}

const fn fake(name: &'static str, flags: u32) -> Facts {
    facts(name, "string", "0.0.0", flags, "A fake.")
}

// --- ECHO word
form! { pub Echo<'a> { word: Bytes<'a> } }
impl<'a> Command<'a> for Echo<'a> {
    const FACTS: Facts = fake("ECHO", FAST);
    fn run(self, cx: &mut Context) -> Ran {
        cx.reply.bulk(self.word.0);
        Ok(Outcome::Done)
    }
}

// --- GET key
form! { pub Get<'a> { key: Key<'a, READ> } }
impl<'a> Command<'a> for Get<'a> {
    const FACTS: Facts = fake("GET", READONLY);
    fn run(self, cx: &mut Context) -> Ran {
        cx.answer(self.key, |entry, reply| {
            match entry {
                Some(entry) => return spindle::command::context::write_text(reply, entry),
                None => reply.null(),
            }
            Ok(())
        })
    }
}

// --- SET key value [PX ms]
form! { pub Set<'a> { key: Key<'a, PUT>, value: Bytes<'a>, [px: "PX" Int] } }
impl<'a> Command<'a> for Set<'a> {
    const FACTS: Facts = fake("SET", WRITE);
    fn run(self, cx: &mut Context) -> Ran {
        let value = cx.content(self.value);
        let expiry = self.px.map_or(NewExpiry::Never, |px| NewExpiry::At(cx.now_ms() + px.0));
        cx.open(self.key).put(value, expiry, Event::string("set"));
        if let NewExpiry::At(ms) = expiry {
            cx.record(|words| _ = words.text("SET").word(self.key.0).word(self.value.0).text("PXAT").text(ms));
        }
        cx.ok()
    }
}

// --- DEL key
form! { pub Del<'a> { key: Key<'a, UNLINK> } }
impl<'a> Command<'a> for Del<'a> {
    const FACTS: Facts = fake("DEL", WRITE);
    fn run(self, cx: &mut Context) -> Ran {
        let removed = cx.open(self.key).remove(Event::DEL);
        cx.count(removed as usize)
    }
}

// --- FLUSH database
form! { pub Flush { database: Int } }
impl<'a> Command<'a> for Flush {
    const FACTS: Facts = fake("FLUSH", WRITE);
    fn run(self, cx: &mut Context) -> Ran {
        let count = cx.data.flush(self.database.0 as usize);
        cx.count(count)
    }
}

// --- SWAP one other
form! { pub Swap { one: Int, other: Int } }
impl<'a> Command<'a> for Swap {
    const FACTS: Facts = fake("SWAP", WRITE);
    fn run(self, cx: &mut Context) -> Ran {
        cx.data.swap(self.one.0 as usize, self.other.0 as usize);
        cx.ok()
    }
}

// --- WHOLE
// All that there is: database, key, value, deadline (0: none), in order.
form! { pub Whole {} }
impl<'a> Command<'a> for Whole {
    const FACTS: Facts = fake("WHOLE", READONLY);
    fn run(self, cx: &mut Context) -> Ran {
        let mut lines = vec![];
        for (number, database) in cx.data.databases().iter().enumerate() {
            lines.extend(database.iter().map(|entry| line_of(number, entry.key(), entry)));
        }
        lines.sort();
        cx.reply.text(&lines.join(" "));
        Ok(Outcome::Done)
    }
}

/// One entry as WHOLE says it.
pub fn line_of(database: usize, key: &[u8], entry: &spindle::store::Entry) -> String {
    let Value::String(text) = entry.value() else { panic!("only strings here") };
    let mut digits = Digits::new();
    let value = String::from_utf8_lossy(text.bytes(&mut digits)).into_owned();
    format!("{database}/{}={value}@{}", String::from_utf8_lossy(key), entry.expires_ms().unwrap_or(0))
}

// --- WAIT key [FOR ms | UNTIL us]
// Takes the value of a key; waits for it if there is none.
form! { pub Wait<'a> { key: Key<'a, POP>, [span: "FOR" Int, until: "UNTIL" Int] } }
impl<'a> Command<'a> for Wait<'a> {
    const FACTS: Facts = fake("WAIT", WRITE | BLOCKING);
    fn run(self, cx: &mut Context) -> Ran {
        let mut door = cx.open(self.key);
        if let Some(Value::String(text)) = door.value() {
            let value = text.bytes(&mut Digits::new()).to_vec();
            door.remove(Event::DEL);
            cx.reply.bulk(&value);
            cx.record(|words| _ = words.text("DEL").word(self.key.0));
            return Ok(Outcome::Done);
        }
        let span_us = self.span.map(|span| cx.now.mono_us + span.0 as u64 * 1000);
        let deadline_us = self.until.map(|until| until.0 as u64).or(span_us);
        // What is relative to this moment is said in absolute form, since the words are parsed again.
        let words = deadline_us.map(|until_us| {
            let mut words = OwnedWords::default();
            words.text("WAIT").word(self.key.0).text("UNTIL").text(until_us);
            words
        });
        let late = |cx: &mut Context| cx.reply.simple("LATE");
        Ok(Outcome::Block(Box::new(Block {
            keys: vec![self.key.0.into()],
            wants: Some("string"),
            deadline_us,
            words,
            late,
        })))
    }
}

// --- COUNT upto
// In slices of ten.
form! { pub Count { upto: Int } }
impl<'a> Command<'a> for Count {
    const FACTS: Facts = fake("COUNT", READONLY);
    fn run(self, _: &mut Context) -> Ran {
        Ok(Outcome::Continue(Box::new(Counting { at: 0, upto: self.upto.0 })))
    }
}

struct Counting {
    at: i64,
    upto: i64,
}

impl Task for Counting {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        self.at = (self.at + 10).min(self.upto);
        if self.at == self.upto {
            cx.reply.integer(self.at);
        }
        self.at == self.upto
    }
}

// --- BOTH word ...
// Runs a command twice, each reply caught in a sink of its own, and says how long they were, and what the first was.
form! { pub Both<'a> { words: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Both<'a> {
    const FACTS: Facts = fake("BOTH", 0);
    fn run(self, cx: &mut Context) -> Ran {
        let words = owned(self.words);
        let replies = [(); 2].map(|()| {
            let mut sink = Output::default();
            cx.invoke(words.request(), &mut sink);
            sink.pending().flatten().copied().collect::<Vec<u8>>()
        });
        cx.reply.array(3);
        cx.reply.count(replies[0].len());
        cx.reply.count(replies[1].len());
        cx.reply.bulk(&replies[0]);
        Ok(Outcome::Done)
    }
}

// --- TWICE word ...
// Runs a command twice, the replies going straight to the client.
form! { pub Twice<'a> { words: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Twice<'a> {
    const FACTS: Facts = fake("TWICE", NO_MULTI);
    fn run(self, cx: &mut Context) -> Ran {
        let words = owned(self.words);
        cx.reply.array(2);
        let mut output = std::mem::take(cx.reply.output());
        cx.invoke(words.request(), &mut output);
        cx.invoke(words.request(), &mut output);
        *cx.reply.output() = output;
        Ok(Outcome::Done)
    }
}

fn owned(list: Any<Bytes>) -> OwnedWords {
    let mut words = OwnedWords::default();
    list.iter().for_each(|word| _ = words.word(word.0));
    words
}

// --- NAP us
form! { pub Nap { us: Int } }
impl<'a> Command<'a> for Nap {
    const FACTS: Facts = fake("NAP", 0);
    fn run(self, cx: &mut Context) -> Ran {
        cx.host.sleep(self.us.0 as u64);
        cx.integer(cx.now.mono_us as i64)
    }
}

// --- SPIN most
// A script that never says more than that it runs: until somebody asks it to stop, or for so many times 5 s.
form! { pub Spin { most: Int } }
impl<'a> Command<'a> for Spin {
    const FACTS: Facts = fake("SPIN", 0);
    fn run(self, cx: &mut Context) -> Ran {
        let outer = cx.begin_long(Running::Script);
        let stopped = (1..=self.most.0).find(|_| {
            cx.host.sleep(5_000_000);
            cx.breathes_now()
        });
        cx.end_long(outer);
        match stopped {
            Some(breath) => cx.error(&format!("ERR stopped at breath {breath}")),
            None => cx.ok(),
        }
    }
}

// --- KILL serial key
form! { pub Kill { serial: Int, key: Int } }
impl<'a> Command<'a> for Kill {
    const FACTS: Facts = fake("KILL", 0);
    fn run(self, cx: &mut Context) -> Ran {
        cx.ask(Effect::Kill(ClientId { serial: self.serial.0 as u64, key: self.key.0 as usize }));
        cx.ok()
    }
}

// --- UNBLOCK serial key [ERROR]
form! { pub Unblock { serial: Int, key: Int, [error: "ERROR"] } }
impl<'a> Command<'a> for Unblock {
    const FACTS: Facts = fake("UNBLOCK", 0);
    fn run(self, cx: &mut Context) -> Ran {
        let client = ClientId { serial: self.serial.0 as u64, key: self.key.0 as usize };
        cx.ask(Effect::Unblock { client, error: self.error });
        cx.ok()
    }
}

// --- LEAVE
form! { pub Leave {} }
impl<'a> Command<'a> for Leave {
    const FACTS: Facts = fake("LEAVE", 0);
    fn run(self, cx: &mut Context) -> Ran {
        let id = cx.me().id;
        cx.ask(Effect::CloseAfterReply(id));
        cx.ok()
    }
}

// --- SCRIPT KILL
// They are served while another command runs.
form! { pub Script {} }
impl<'a> Command<'a> for Script {
    const FACTS: Facts = fake("SCRIPT", 0);
    fn run(self, _: &mut Context) -> Ran {
        Err(Refusal::Syntax)
    }
}
form! { pub ScriptKill {} }
impl<'a> Command<'a> for ScriptKill {
    const FACTS: Facts = fake("SCRIPT|KILL", ALLOW_BUSY);
    fn run(self, cx: &mut Context) -> Ran {
        if cx.server.busy.running != Some(Running::Script) {
            return cx.error("NOTBUSY No scripts in execution right now.");
        }
        cx.server.busy.stop = true;
        cx.ok()
    }
}
