//! How clients choose what they hear: SUBSCRIBE and its kin. Each name is confirmed by itself, with how many the client
//! has then. What is long goes on in slices.
use super::super::prelude::*;
use crate::command::Task;
use crate::server::clients::Replies;
use crate::server::pubsub::Space;

/// So many names in one slice: a fraction of a millisecond.
const SLICE: usize = 1024;

// --- PSUBSCRIBE pattern [pattern ...]
form! { pub Psubscribe<'a> { pattern: Many<'a, OnePattern<'a>> } }
form! { pub OnePattern<'a> { pattern: Pattern<'a> } }
impl<'a> Command<'a> for Psubscribe<'a> {
    const FACTS: Facts = facts(
        "PSUBSCRIBE",
        "pubsub",
        "2.0.0",
        PUBSUB | NOSCRIPT | LOADING | STALE,
        "Listens to all channels that fit patterns.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        choose(Space::Pattern, true, cx)
    }
}

// --- PUNSUBSCRIBE [pattern [pattern ...]]
form! { pub Punsubscribe<'a> { pattern: Any<'a, Pattern<'a>> } }
impl<'a> Command<'a> for Punsubscribe<'a> {
    const FACTS: Facts = facts(
        "PUNSUBSCRIBE",
        "pubsub",
        "2.0.0",
        PUBSUB | NOSCRIPT | LOADING | STALE,
        "Stops listening by patterns, by all where none is named.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        choose(Space::Pattern, false, cx)
    }
}

// --- SSUBSCRIBE shardchannel [shardchannel ...]
form! { pub Ssubscribe<'a> { shardchannel: Many<'a, Key<'a, SHARD_CHANNEL>> } }
impl<'a> Command<'a> for Ssubscribe<'a> {
    const FACTS: Facts =
        facts("SSUBSCRIBE", "pubsub", "7.0.0", PUBSUB | NOSCRIPT | LOADING | STALE, "Listens to shard channels.");
    fn run(self, cx: &mut Context) -> Ran {
        if cx.at_once {
            return Err(Refusal::NoSsubscribeHere);
        }
        choose(Space::Shard, true, cx)
    }
}

// --- SUBSCRIBE channel [channel ...]
form! { pub Subscribe<'a> { channel: Many<'a, Channel<'a>> } }
impl<'a> Command<'a> for Subscribe<'a> {
    const FACTS: Facts =
        facts("SUBSCRIBE", "pubsub", "2.0.0", PUBSUB | NOSCRIPT | LOADING | STALE, "Listens to channels.");
    fn run(self, cx: &mut Context) -> Ran {
        choose(Space::Channel, true, cx)
    }
}

// --- SUNSUBSCRIBE [shardchannel [shardchannel ...]]
form! { pub Sunsubscribe<'a> { shardchannel: Any<'a, Key<'a, SHARD_CHANNEL>> } }
impl<'a> Command<'a> for Sunsubscribe<'a> {
    const FACTS: Facts = facts(
        "SUNSUBSCRIBE",
        "pubsub",
        "7.0.0",
        PUBSUB | NOSCRIPT | LOADING | STALE,
        "Stops listening to shard channels, to all where none is named.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        choose(Space::Shard, false, cx)
    }
}

// --- UNSUBSCRIBE [channel [channel ...]]
form! { pub Unsubscribe<'a> { channel: Any<'a, Channel<'a>> } }
impl<'a> Command<'a> for Unsubscribe<'a> {
    const FACTS: Facts = facts(
        "UNSUBSCRIBE",
        "pubsub",
        "2.0.0",
        PUBSUB | NOSCRIPT | LOADING | STALE,
        "Stops listening to channels, to all where none is named.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        choose(Space::Channel, false, cx)
    }
}

/// Begins or ends to listen to the names in the request.
fn choose(space: Space, begin: bool, cx: &mut Context) -> Ran {
    let request = cx.request;
    if !begin && request.len() == 1 {
        if cx.server.pubsub.count(space, cx.me().id) == 0 {
            confirm(space, begin, None, cx);
            return Ok(Outcome::Done);
        }
        return begin_task(UnsubscribeAll(space), cx);
    }
    if request.len() - 1 <= SLICE {
        request.iter().skip(1).for_each(|name| change(space, begin, name, cx));
        return Ok(Outcome::Done);
    }
    begin_task(Choose { words: request.into(), next: 1, space, begin }, cx)
}

fn begin_task(mut task: impl Task + 'static, cx: &mut Context) -> Ran {
    if task.go_on(cx) { Ok(Outcome::Done) } else { Ok(Outcome::Continue(Box::new(task))) }
}

struct Choose {
    words: OwnedWords,
    /// The word that comes next.
    next: usize,
    space: Space,
    begin: bool,
}

impl Task for Choose {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        let request = self.words.request();
        let end = request.len().min(self.next + SLICE);
        let names = (self.next..end).filter_map(|at| request.get(at));
        names.for_each(|name| change(self.space, self.begin, name, cx));
        self.next = end;
        end == request.len()
    }
}

struct UnsubscribeAll(Space);

impl Task for UnsubscribeAll {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        let id = cx.me().id;
        for name in cx.server.pubsub.some(self.0, id, SLICE) {
            change(self.0, false, &name, cx);
        }
        cx.server.pubsub.count(self.0, id) == 0
    }
}

/// RESET and its like: the client listens to nothing any more, and is not told. Then `end` is done.
pub fn unsubscribe_from_all(end: fn(&mut Context) -> Ran, cx: &mut Context) -> Ran {
    begin_task(Silence(end), cx)
}

struct Silence(fn(&mut Context) -> Ran);

impl Task for Silence {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        let id = cx.me().id;
        let more = cx.server.pubsub.unsubscribe_some(id, SLICE);
        if !more {
            cx.me_mut().subscribed = false;
            // It refuses nothing and does not go on.
            let _ = (self.0)(cx);
        }
        !more
    }
}

fn change(space: Space, begin: bool, name: &[u8], cx: &mut Context) {
    let id = cx.me().id;
    let pubsub = &mut cx.server.pubsub;
    match begin {
        true => _ = pubsub.subscribe(space, id, name),
        false => _ = pubsub.unsubscribe(space, id, name),
    }
    cx.me_mut().subscribed = cx.server.pubsub.has(id);
    confirm(space, begin, Some(name), cx);
}

fn confirm(space: Space, begin: bool, name: Option<&[u8]>, cx: &mut Context) {
    let kind = match (space, begin) {
        (Space::Channel, true) => "subscribe",
        (Space::Channel, false) => "unsubscribe",
        (Space::Pattern, true) => "psubscribe",
        (Space::Pattern, false) => "punsubscribe",
        (Space::Shard, true) => "ssubscribe",
        (Space::Shard, false) => "sunsubscribe",
    };
    let me = cx.me_mut();
    if me.replies.are_muted() {
        me.replies = me.replies.with(Replies::TOLD);
    }
    let count = |space| cx.server.pubsub.count(space, cx.me().id);
    let count = if space == Space::Shard { count(space) } else { count(Space::Channel) + count(Space::Pattern) };
    cx.reply.push(3);
    cx.reply.text(kind);
    match name {
        Some(name) => cx.reply.bulk(name),
        None => cx.reply.null(),
    }
    cx.reply.count(count);
}
