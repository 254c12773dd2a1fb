//! What a command may touch while it runs: the data through typed keys, the server's world, its reply. What else it
//! wants, it asks for (effect.rs).
use super::effect::Effect;
use super::entry::{Commands, Entry as CommandEntry};
use super::grammar::Grammar;
use super::host::{Around, Host, Others};
use super::leaf::{Bytes, Key, Keyed};
use super::list::List;
use super::outcome::{Outcome, Ran};
use super::publish::notify;
use super::queue::Queues;
use super::record::Record;
use super::refusal::Refusal;
use super::room::Room;
use super::serve;
use super::syntax;
use super::words::{OwnedWords, Request, Words};
use crate::base::random::Chance;
use crate::base::time::Now;
use crate::server::Server;
use crate::server::busy::Running;
use crate::server::clients::Client;
use crate::store::text::Long;
use crate::store::{Collection, Content, Door, Entry, Keyspace, Text, Value, WARMED_MAX, WrongType};
use crate::wire::output::{Output, SHARED_BYTES_MIN};
use crate::wire::parser::LARGE_BYTES;
use crate::wire::reply::Reply;

pub struct Context<'a> {
    pub data: &'a mut Keyspace,
    pub server: &'a mut Server,
    pub reply: Reply<'a>,
    /// The request that runs.
    pub request: Request<'a>,
    /// The command that its words name, where that was looked up ahead.
    pub found: Option<&'static CommandEntry>,
    /// The slab key of the client that it runs for.
    pub client: usize,
    pub now: Now,
    /// The same in milliseconds of the wall clock: nearly every command asks for them.
    pub now_ms: i64,
    /// The tick at which the command before this one ended.
    pub since: &'a mut u64,
    pub table: &'static Commands,
    pub effects: &'a mut Vec<Effect>,
    pub record: &'a mut Record,
    /// What transactions have queued.
    pub queues: &'a mut Queues,
    pub host: &'a mut dyn Host,
    pub others: &'a mut dyn Others,
    /// Inside a transaction or a script nothing waits and nothing goes on in slices.
    pub at_once: bool,
}

impl Context<'_> {
    // --- Replies

    #[inline]
    pub fn ok(&mut self) -> Ran {
        self.reply.ok();
        Ok(Outcome::Done)
    }

    #[inline]
    pub fn integer(&mut self, number: i64) -> Ran {
        self.reply.integer(number);
        Ok(Outcome::Done)
    }

    pub fn count(&mut self, count: usize) -> Ran {
        self.integer(count as i64)
    }

    #[inline]
    pub fn null(&mut self) -> Ran {
        self.reply.null();
        Ok(Outcome::Done)
    }

    /// An error whose text is made for the occasion; it begins with its code.
    pub fn error(&mut self, text: &str) -> Ran {
        self.server.stats.error(text);
        if let Some(row) = self.me().last_command {
            self.server.stats.commands[row as usize].failed += 1;
        }
        self.reply.error(text);
        Ok(Outcome::Done)
    }

    /// What a result may take.
    pub fn room(&self) -> Room {
        Room::new(self.server.config.proto_max_bulk_len)
    }

    /// A result that would take so many bytes is refused before it is made.
    pub fn afford(&self, bytes: usize) -> Result<(), Refusal> {
        if self.room().has(bytes) { Ok(()) } else { Err(Refusal::ResultTooLarge) }
    }

    // --- Who asks, and when

    #[inline]
    pub fn me(&self) -> &Client {
        self.server.clients.at(self.client)
    }

    #[inline]
    pub fn me_mut(&mut self) -> &mut Client {
        self.server.clients.at_mut(self.client)
    }

    #[inline]
    pub fn database(&self) -> usize {
        self.me().database
    }

    #[inline]
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    // --- Data, by what the key was declared for

    /// The entry of a key, for who uses its value: its clock and the hits are counted. The key must be declared so:
    ///
    /// ```compile_fail
    /// use spindle::command::{Context, leaf::Key, syntax::LOOK};
    /// let run = |cx: &mut Context, key: Key<LOOK>| _ = cx.read(key);
    /// # let _: fn(&mut Context, Key<LOOK>) = run;
    /// ```
    ///
    /// ```
    /// use spindle::command::{Context, leaf::Key, syntax::READ};
    /// let run = |cx: &mut Context, key: Key<READ>| _ = cx.read(key);
    /// # let _: fn(&mut Context, Key<READ>) = run;
    /// ```
    #[inline]
    pub fn read<const ACCESS: u16>(&mut self, key: Key<ACCESS>) -> Option<&mut Entry> {
        const { assert!(ACCESS & syntax::ACCESSES != 0, "this key was not declared to be read") }
        let (database, now_ms) = (self.database(), self.now_ms());
        let found = self.data.read(database, key.0, now_ms);
        self.server.stats.looked_up(found.is_some());
        found
    }

    /// Reads the entry of a key and answers with it. (In its place, as what it calls is, since GET comes by here.)
    #[inline(always)]
    pub fn answer<const ACCESS: u16>(
        &mut self,
        key: Key<ACCESS>,
        answer: impl FnOnce(Option<&mut Entry>, &mut Reply) -> Result<(), Refusal>,
    ) -> Ran {
        const { assert!(ACCESS & syntax::ACCESSES != 0, "this key was not declared to be read") }
        let (database, now_ms) = (self.database(), self.now_ms());
        let found = self.data.read_here(database, key.0, now_ms);
        self.server.stats.looked_up(found.is_some());
        answer(found, &mut self.reply)?;
        Ok(Outcome::Done)
    }

    /// The entry of a key, for who only looks whether and how it is there.
    pub fn look<const ACCESS: u16>(&mut self, key: Key<ACCESS>) -> Option<&Entry> {
        let (database, now_ms) = (self.database(), self.now_ms());
        self.data.look(database, key.0, now_ms)
    }

    /// Refuses a key that stands first in these words and has another type: for commands that judge it before they read on.
    pub fn judge<T: Collection>(&mut self, mut words: Words) -> Result<(), Refusal> {
        let key: Key<{ syntax::LOOK }> = Grammar::parse(&mut words)?;
        self.look(key).map(|entry| entry.view::<T>()).transpose()?;
        Ok(())
    }

    /// The same for commands that read, and so have read it already: counted, and told to who watches for missing keys.
    pub fn judge_read<T: Collection>(&mut self, mut words: Words) -> Result<(), Refusal> {
        let key: Key<{ syntax::LOOK }> = Grammar::parse(&mut words)?;
        self.look_counted(key).map(|entry| entry.view::<T>()).transpose()?;
        Ok(())
    }

    /// The same, counted as a hit or a miss, but for those who watch keys that are missing (OBJECT).
    pub fn inspect<const ACCESS: u16>(&mut self, key: Key<ACCESS>) -> Option<&Entry> {
        let (database, now_ms) = (self.database(), self.now_ms());
        let found = self.data.look(database, key.0, now_ms);
        self.server.stats.looked_up(found.is_some());
        found
    }

    /// The same, counted as a hit or a miss.
    pub fn look_counted<const ACCESS: u16>(&mut self, key: Key<ACCESS>) -> Option<&Entry> {
        let (database, now_ms) = (self.database(), self.now_ms());
        let found = self.data.look_or_miss(database, key.0, now_ms);
        self.server.stats.looked_up(found.is_some());
        found
    }

    /// Does something for each element of a list, in order. Look-ups wait for memory together, a few dozen at a time: the
    /// entries of their keys are fetched into the cache before the first of them is used.
    #[inline]
    pub fn each<'w, T: Keyed<'w>, E>(&mut self, list: List<'w, T, E>, mut act: impl FnMut(&mut Self, T)) {
        self.all(list, |cx, one| {
            act(cx, one);
            true
        });
    }

    /// The same for a question, until the answer is no.
    #[inline]
    pub fn all<'w, T: Keyed<'w>, E>(
        &mut self,
        list: List<'w, T, E>,
        mut holds: impl FnMut(&mut Self, T) -> bool,
    ) -> bool {
        let (mut ones, mut keys) = (list.iter(), list.iter().map(|one| one.key()));
        let mut left = list.len();
        while left > 0 {
            let group = left.min(WARMED_MAX);
            // One alone waits for nobody, and where it may be is known already.
            let warmed = keys.by_ref().take(if group > 1 { group } else { 0 });
            let hints = self.data.warm(self.database(), warmed);
            let mut hints = hints.iter();
            let mut hold = |one| {
                if let Some(hint) = hints.next() {
                    self.data.expect(hint);
                }
                holds(self, one)
            };
            if !ones.by_ref().take(group).all(&mut hold) {
                return false;
            }
            left -= group;
        }
        true
    }

    /// The same, and it counts as used: who asks how long a value is uses it, though it is not read.
    pub fn measure<const ACCESS: u16>(&mut self, key: Key<ACCESS>) -> Option<&Entry> {
        let (database, now_ms) = (self.database(), self.now_ms());
        let found = self.data.read(database, key.0, now_ms);
        self.server.stats.looked_up(found.is_some());
        found.map(|entry| &*entry)
    }

    /// Removes fields of a hash whose time has come. Who reads it does not see them anyway.
    #[inline]
    pub fn lapse<const ACCESS: u16>(&mut self, key: Key<ACCESS>) {
        let (database, now_ms) = (self.database(), self.now_ms());
        self.data.lapse_at(database, key.0, now_ms);
    }

    /// Makes a key count as used. Is it there?
    pub fn touch<const ACCESS: u16>(&mut self, key: Key<ACCESS>) -> bool {
        let untouched = std::mem::take(&mut self.data.ledger.untouched);
        let found = self.measure(key).is_some();
        self.data.ledger.untouched = untouched;
        found
    }

    /// The door to a key that the command may change. One that is declared to be read only has none:
    ///
    /// ```compile_fail
    /// use spindle::command::{Context, leaf::Key, syntax::READ};
    /// let run = |cx: &mut Context, key: Key<READ>| _ = cx.open(key);
    /// # let _: fn(&mut Context, Key<READ>) = run;
    /// ```
    ///
    /// ```
    /// use spindle::command::{Context, leaf::Key, syntax::PUT};
    /// let run = |cx: &mut Context, key: Key<PUT>| _ = cx.open(key);
    /// # let _: fn(&mut Context, Key<PUT>) = run;
    /// ```
    #[inline]
    pub fn open<'k, const ACCESS: u16>(&'k mut self, key: Key<'k, ACCESS>) -> Door<'k> {
        const { assert!(ACCESS & syntax::CHANGES != 0, "this key was not declared to be changed") }
        let database = self.database();
        self.open_in(database, key)
    }

    #[inline]
    pub fn open_in<'k, const ACCESS: u16>(&'k mut self, database: usize, key: Key<'k, ACCESS>) -> Door<'k> {
        const { assert!(ACCESS & syntax::CHANGES != 0, "this key was not declared to be changed") }
        let now_ms = self.now_ms();
        self.data.open(database, key.0, now_ms)
    }

    /// A word as a string to be kept. One that was read into memory of its own is shared, not copied.
    #[inline]
    pub fn content<'w>(&self, word: Bytes<'w>) -> Content<'w> {
        let shared = if word.0.len() < LARGE_BYTES { None } else { self.request.share(word.0) };
        shared.map_or_else(|| Content::new(word.0), |shared| Content::Long(Long::from(shared)))
    }

    // --- More than data and reply

    pub fn ask(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Says what the command did, in words that mean the same at any other time.
    pub fn record(&mut self, write: impl FnOnce(&mut OwnedWords)) {
        let database = self.database();
        self.record.lapsed(&mut self.data.ledger);
        self.record.state(database, write);
    }

    /// Publishes what has happened to keys since the last time, as far as somebody wants to hear it.
    #[inline]
    pub fn notify(&mut self) {
        if self.data.ledger.has_unpublished() {
            notify(&mut self.data.ledger, self.server, self.effects, usize::MAX);
        }
    }

    /// Runs a command for the same client, its reply to `sink`: look-up, admission, evaluation, as for any request.
    /// The one way in which a command runs another.
    pub fn invoke(&mut self, request: Request, sink: &mut Output) {
        let protocol = self.reply.protocol();
        let invoker = self.me().last_command;
        let outermost = self.me().invoker;
        self.me_mut().invoker = outermost.or(invoker);
        let mut since = self.host.ticks();
        let mut inner = Context {
            data: self.data,
            server: self.server,
            reply: Reply::new(sink, protocol),
            request,
            found: None,
            client: self.client,
            now: self.now,
            now_ms: self.now_ms,
            since: &mut since,
            table: self.table,
            effects: self.effects,
            record: self.record,
            queues: self.queues,
            host: self.host,
            others: self.others,
            at_once: true,
        };
        match serve::serve(&mut inner) {
            Outcome::Done | Outcome::Postpone => {}
            Outcome::Block(block) => (block.late)(&mut inner),
            Outcome::Continue(mut task) => while !task.go_on(&mut inner) && !inner.breathes_now() {},
        }
        if since >= self.server.busy.due {
            self.breathe();
        }
        // Before the next one may publish something, or subscribe.
        self.notify();
        let me = self.me_mut();
        (me.last_command, me.invoker) = (invoker, outermost);
        // What it changed it has said: the command that invoked it is not recorded besides.
        self.record.stated = true;
    }

    /// Ends the client's transaction with nothing done, and its watch.
    pub fn discard(&mut self) {
        self.queues.take(self.client);
        self.me_mut().transaction = None;
        self.unwatch();
    }

    pub fn unwatch(&mut self) {
        let me = self.me().id;
        self.server.watch.clear(me);
    }

    // --- What may take long

    /// A command begins that may run for long: from `busy-reply-threshold` on the others are heard in its middle.
    pub fn begin_long(&mut self, what: Running) -> Option<Running> {
        let (tick, ticks_per_ms) = (*self.since, self.host.ticks_per_ms());
        let threshold = self.server.config.busy_reply_threshold;
        self.server.busy.begin(what, tick, threshold, ticks_per_ms)
    }

    /// It has ended. `outer`: what had begun before it. True: it was asked to stop.
    pub fn end_long(&mut self, outer: Option<Running>) -> bool {
        self.server.busy.end(outer)
    }

    /// Lets the other clients be heard if it is time. True: the long command is to stop.
    pub fn breathes_now(&mut self) -> bool {
        if self.host.ticks() >= self.server.busy.due {
            self.breathe();
        }
        self.server.busy.stop
    }

    #[cold]
    fn breathe(&mut self) {
        // Each request that is served says anew what was recorded for it.
        let stated = self.record.stated;
        self.server.busy.answering = true;
        let Context { data, server, effects, record, queues, host, .. } = self;
        let around = Around { data, server, effects, record, queues, table: self.table };
        self.others.hear(around, *host);
        self.record.stated = stated;
        self.server.busy.heard(self.host.ticks(), self.host.ticks_per_ms());
    }
}

impl<'c> Context<'c> {
    /// The door to a key, and where to answer.
    #[inline]
    pub fn change<'k, const ACCESS: u16>(&'k mut self, key: Key<'k, ACCESS>) -> (Door<'k>, &'k mut Reply<'c>) {
        const { assert!(ACCESS & syntax::CHANGES != 0, "this key was not declared to be changed") }
        let (database, now_ms) = (self.database(), self.now_ms());
        (self.data.open(database, key.0, now_ms), &mut self.reply)
    }

    /// The same, and something to choose by.
    #[inline]
    pub fn change_by_chance<'k, const ACCESS: u16>(
        &'k mut self,
        key: Key<'k, ACCESS>,
    ) -> (Door<'k>, &'k mut Reply<'c>, &'k mut Chance) {
        const { assert!(ACCESS & syntax::CHANGES != 0, "this key was not declared to be changed") }
        let (database, now_ms) = (self.database(), self.now_ms());
        (self.data.open(database, key.0, now_ms), &mut self.reply, &mut self.server.chance)
    }

    /// The collection at a key, if it is of this type, and where to answer.
    #[inline]
    pub fn view<T: Collection, const ACCESS: u16>(
        &mut self,
        key: Key<ACCESS>,
    ) -> Result<(Option<&T>, &mut Reply<'c>), WrongType> {
        const { assert!(ACCESS & syntax::ACCESSES != 0, "this key was not declared to be read") }
        let (database, now_ms) = (self.database(), self.now_ms());
        let found = self.data.read(database, key.0, now_ms);
        self.server.stats.looked_up(found.is_some());
        Ok((found.map(|entry| entry.view()).transpose()?, &mut self.reply))
    }
}

impl From<WrongType> for Refusal {
    fn from(_: WrongType) -> Refusal {
        Refusal::WrongType
    }
}

/// The string that a value is, or Redis's refusal of any other type.
#[inline]
pub fn text(value: Value<'_>) -> Result<Text<'_>, Refusal> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Refusal::WrongType),
    }
}

/// Writes the string of an entry; a long one shares its bytes with the store from then on.
#[inline(always)]
pub fn write_text(reply: &mut Reply, entry: &mut Entry) -> Result<(), Refusal> {
    match text(entry.value())? {
        Text::Integer(integer) => reply.bulk_integer(integer),
        Text::Embedded(bytes) => reply.bulk_here(bytes),
        Text::Raw(bytes) => reply.bulk(bytes),
        Text::Long(long) if long.len() < SHARED_BYTES_MIN => reply.bulk(long),
        Text::Long(_) => reply.shared(&entry.long_mut().expect("it is long").share()),
    }
    Ok(())
}
