//! What a few clients of one server may say to each other, and what each of them must be sent: transactions, messages,
//! events of keys, lists that somebody waits for. A naive server that runs one command after the other and knows nothing of
//! sessions, pieces and turns; tests/simulation_together.rs runs it beside the engine.
use super::hand::request_of;
use spindle::base::random::Chance;
use spindle::base::time::Now;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Clone, Debug, PartialEq)]
pub enum Say {
    Ping,
    Get(String),
    Set(String, String),
    /// So many milliseconds later it is gone.
    SetSoon(String, u64),
    Incr(String),
    Del(String),
    Push(String, Vec<String>),
    Pop(String),
    /// Milliseconds; 0 for ever.
    WaitPop(Vec<String>, u64),
    WaitMove(String, String, u64),
    /// Key, score, member.
    Add(String, u64, String),
    PopMin(String),
    WaitPopMin(Vec<String>, u64),
    /// Ends another's wait, whom its number names: with an error, or as its deadline would.
    #[allow(dead_code, reason = "the oracle is not told the numbers that a real server gives to its clients")]
    Unblock(u64, bool),
    Flush,
    /// The data is saved, emptied and loaded.
    Reload,
    Multi,
    Exec,
    Discard,
    Watch(Vec<String>),
    Unwatch,
    Listen(Space, String),
    Unlisten(Space, String),
    Publish(String, String),
    PublishShard(String, String),
    Reset,
    Nonsense,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    Channel,
    Pattern,
    Shard,
}

const CHANNELS: &[&str] = &[
    "news",
    "sport",
    "__keyevent@0__:rpush",
    "__keyevent@0__:set",
    "__keyevent@0__:expired",
    "__keyevent@0__:zpopmin",
    "__keyspace@0__:l1",
];
/// No channel fits two of them: the order of two messages would be the table's.
const PATTERNS: &[&str] = &["n*", "__keyspace@0__:[lz]*", "__keyevent@0__:[die]*"];
const SHARDS: &[&str] = &["news", "here"];
/// The one key that ever expires: of two that are due the table decides which goes first.
const VOLATILE: &str = "s2";
const NULLS: [&str; 2] = ["*-1\r\n", "_\r\n"];

impl Say {
    /// `mark`: names what is said, so that no two values and messages are the same. `expires`: keys do.
    pub fn draw(chance: &mut Chance, mark: &str, expires: bool) -> Say {
        let list = |chance: &mut Chance| format!("l{}", chance.below(3));
        let string = |chance: &mut Chance| format!("s{}", chance.below(3));
        let ms = |chance: &mut Chance| if chance.below(4) == 0 { 0 } else { 1 + chance.below(400) };
        let sorted = |chance: &mut Chance| format!("z{}", chance.below(2));
        let any = |chance: &mut Chance| [list, string, sorted][chance.below(3) as usize](chance);
        let place = |chance: &mut Chance| {
            let spaces = [(Space::Channel, CHANNELS), (Space::Pattern, PATTERNS), (Space::Shard, SHARDS)];
            let (space, names) = spaces[chance.below(3) as usize];
            (space, names[chance.below(names.len() as u64) as usize].to_string())
        };
        match chance.below(100) {
            0..2 => Say::Ping,
            2..6 => Say::Get(string(chance)),
            6..9 if expires => Say::SetSoon(mark.into(), 1 + chance.below(200)),
            6..11 => Say::Set(string(chance), mark.into()),
            11..15 => Say::Incr(format!("n{}", chance.below(2))),
            15..18 => Say::Del(any(chance)),
            18..28 => Say::Push(list(chance), (0..=chance.below(2)).map(|at| format!("{mark}.{at}")).collect()),
            28..31 => Say::Pop(list(chance)),
            31..37 => Say::WaitPop((0..=chance.below(2)).map(|_| list(chance)).collect(), ms(chance)),
            37..39 => Say::WaitMove(list(chance), list(chance), ms(chance)),
            39..44 => Say::Add(sorted(chance), chance.below(4), format!("m{}", chance.below(3))),
            44 => Say::PopMin(sorted(chance)),
            45..49 => Say::WaitPopMin((0..=chance.below(2)).map(|_| sorted(chance)).collect(), ms(chance)),
            49 if chance.below(4) == 0 => Say::Flush,
            50 if expires && chance.below(2) == 0 => Say::Reload,
            49..59 => Say::Multi,
            59..68 => Say::Exec,
            68..70 => Say::Discard,
            70..75 => Say::Watch((0..=chance.below(2)).map(|_| any(chance)).collect()),
            75 => Say::Unwatch,
            76..82 => {
                let (space, name) = place(chance);
                Say::Listen(space, name)
            }
            82..87 => {
                let (space, name) = place(chance);
                Say::Unlisten(space, name)
            }
            87..93 => Say::Publish(CHANNELS[chance.below(2) as usize].into(), mark.into()),
            93..96 => Say::PublishShard(SHARDS[chance.below(2) as usize].into(), mark.into()),
            96 | 97 => Say::Nonsense,
            98 if chance.below(2) == 0 => Say::Reset,
            _ => Say::Ping,
        }
    }

    fn words(&self) -> Vec<String> {
        let words = |line: &[&str]| line.iter().map(|word| word.to_string()).collect::<Vec<_>>();
        let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
        match self {
            Say::Ping => words(&["PING"]),
            Say::Get(key) => words(&["GET", key]),
            Say::Set(key, value) => words(&["SET", key, value]),
            Say::SetSoon(value, ms) => words(&["SET", VOLATILE, value, "PX", &ms.to_string()]),
            Say::Incr(key) => words(&["INCR", key]),
            Say::Del(key) => words(&["DEL", key]),
            Say::Push(key, values) => [words(&["RPUSH", key]), values.clone()].concat(),
            Say::Pop(key) => words(&["LPOP", key]),
            Say::WaitPop(keys, ms) => [words(&["BLPOP"]), keys.clone(), vec![seconds(*ms)]].concat(),
            Say::WaitMove(from, to, ms) => words(&["BLMOVE", from, to, "LEFT", "RIGHT", &seconds(*ms)]),
            Say::Add(key, score, member) => words(&["ZADD", key, &score.to_string(), member]),
            Say::PopMin(key) => words(&["ZPOPMIN", key]),
            Say::WaitPopMin(keys, ms) => [words(&["BZPOPMIN"]), keys.clone(), vec![seconds(*ms)]].concat(),
            Say::Unblock(id, error) => {
                words(&["CLIENT", "UNBLOCK", &id.to_string(), if *error { "ERROR" } else { "TIMEOUT" }])
            }
            Say::Flush => words(&["FLUSHALL"]),
            Say::Reload => words(&["DEBUG", "RELOAD"]),
            Say::Multi => words(&["MULTI"]),
            Say::Exec => words(&["EXEC"]),
            Say::Discard => words(&["DISCARD"]),
            Say::Watch(keys) => [words(&["WATCH"]), keys.clone()].concat(),
            Say::Unwatch => words(&["UNWATCH"]),
            Say::Listen(space, name) => words(&[space.verbs()[0], name]),
            Say::Unlisten(space, name) => words(&[space.verbs()[1], name]),
            Say::Publish(channel, message) => words(&["PUBLISH", channel, message]),
            Say::PublishShard(channel, message) => words(&["SPUBLISH", channel, message]),
            Say::Reset => words(&["RESET"]),
            Say::Nonsense => words(&["NONSENSE"]),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        request_of(&self.words().iter().map(String::as_bytes).collect::<Vec<_>>())
    }
}

impl Space {
    /// To begin and to end, and what a message is called.
    fn verbs(self) -> [&'static str; 3] {
        match self {
            Space::Channel => ["SUBSCRIBE", "UNSUBSCRIBE", "message"],
            Space::Pattern => ["PSUBSCRIBE", "PUNSUBSCRIBE", "pmessage"],
            Space::Shard => ["SSUBSCRIBE", "SUNSUBSCRIBE", "smessage"],
        }
    }
}

#[derive(Debug, Default)]
struct Member {
    resp3: bool,
    queue: Option<Vec<Say>>,
    aborted: bool,
    /// Keys, each with its version at that time.
    watched: BTreeMap<String, u64>,
    hears: BTreeSet<(Space, String)>,
    /// What it must be sent, and nobody has taken yet.
    sent: Vec<u8>,
}

struct Waiter {
    id: u64,
    say: Say,
    deadline_us: Option<u64>,
}

#[derive(Default)]
pub struct Together {
    members: BTreeMap<u64, Member>,
    strings: BTreeMap<String, String>,
    lists: BTreeMap<String, VecDeque<String>>,
    /// Members, each with its score.
    sorted: BTreeMap<String, BTreeMap<String, u64>>,
    /// When the key that may expire does, on the wall clock.
    deadline_ms: Option<i64>,
    /// How often each key was changed.
    versions: BTreeMap<String, u64>,
    /// In the order in which they came.
    waiters: Vec<Waiter>,
    /// Keys that were pushed to by the command that runs.
    pushed: VecDeque<String>,
    /// What the command that runs has for others: messages, and the ends of their waits.
    mail: Vec<(u64, String)>,
    /// Events of keys are told.
    notifies: bool,
    /// What has happened, and how often.
    pub kinds: BTreeMap<&'static str, u64>,
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

impl Together {
    pub fn new(notifies: bool) -> Together {
        Together { notifies, ..Together::default() }
    }

    fn count(&mut self, kind: &'static str) {
        *self.kinds.entry(kind).or_insert(0) += 1;
    }

    pub fn open(&mut self, id: u64, resp3: bool) {
        self.members.insert(id, Member { resp3, ..Member::default() });
    }

    /// The connection is gone.
    pub fn close(&mut self, id: u64) {
        let member = self.members.remove(&id).expect("it was there");
        let waits = self.waits(id);
        self.waiters.retain(|waiter| waiter.id != id);
        for (is, kind) in [
            (member.queue.is_some(), "reset in a transaction"),
            (!member.hears.is_empty(), "reset of a subscriber"),
            (waits, "reset while it waits"),
        ] {
            is.then(|| self.count(kind));
        }
    }

    pub fn waits(&self, id: u64) -> bool {
        self.waiters.iter().any(|waiter| waiter.id == id)
    }

    /// What it must have been sent since this was asked last.
    pub fn take(&mut self, id: u64) -> Vec<u8> {
        std::mem::take(&mut self.members.get_mut(&id).expect("it is there").sent)
    }

    /// Runs a command, and what follows from it.
    pub fn run(&mut self, id: u64, say: &Say, now: Now) {
        if let Some(reply) = self.serve(id, say, now) {
            self.me(id).sent.extend(reply.into_bytes());
        }
        self.settle(now);
    }

    /// `expired`: the engine has removed a key that was due. When it does is its own affair, if nobody asks for the key.
    pub fn tick(&mut self, now: Now, expired: bool) {
        assert!(!expired || self.is_due(now), "nothing is due");
        expired.then(|| self.lapse(now));
        while let Some(at) =
            self.waiters.iter().position(|waiter| waiter.deadline_us.is_some_and(|at| at <= now.mono_us))
        {
            let waiter = self.waiters.remove(at);
            self.count("late");
            let null = NULLS[self.me(waiter.id).resp3 as usize];
            self.me(waiter.id).sent.extend(null.bytes());
        }
        self.deliver();
    }

    fn is_due(&self, now: Now) -> bool {
        self.deadline_ms.is_some_and(|at_ms| at_ms <= now.wall_ms())
    }

    /// The key goes, if it is due.
    fn lapse(&mut self, now: Now) {
        if self.is_due(now) {
            self.deadline_ms = None;
            self.strings.remove(VOLATILE);
            self.changed(VOLATILE, "expired");
            self.count("expired");
        }
    }

    fn me(&mut self, id: u64) -> &mut Member {
        self.members.get_mut(&id).expect("a client")
    }

    fn deliver(&mut self) {
        for (id, parts) in std::mem::take(&mut self.mail) {
            self.me(id).sent.extend(parts.into_bytes());
        }
    }

    /// Messages are delivered, and who waited for a list or a sorted set is served.
    fn settle(&mut self, now: Now) {
        self.deliver();
        while let Some(key) = self.pushed.pop_front() {
            let mut at = 0;
            while at < self.waiters.len() && (self.lists.contains_key(&key) || self.sorted.contains_key(&key)) {
                let Waiter { id, say, .. } = &self.waiters[at];
                let (id, say) = (*id, say.clone());
                let wants = match &say {
                    Say::WaitPop(keys, _) | Say::WaitPopMin(keys, _) => keys.contains(&key),
                    Say::WaitMove(from, ..) => *from == key,
                    _ => unreachable!("nothing else waits"),
                };
                match wants.then(|| self.perform(id, &say, false, now)).flatten() {
                    Some(reply) => {
                        self.waiters.remove(at);
                        self.count(if key.starts_with('z') { "served from a sorted set" } else { "served" });
                        self.me(id).sent.extend(reply.into_bytes());
                        self.deliver();
                    }
                    None => at += 1,
                }
            }
        }
    }

    /// The reply, if there is one yet.
    fn serve(&mut self, id: u64, say: &Say, now: Now) -> Option<String> {
        let me = self.me(id);
        if matches!(say, Say::Nonsense) {
            me.aborted |= me.queue.is_some();
            return Some("-ERR unknown command 'NONSENSE', with args beginning with: \r\n".into());
        }
        let allowed = matches!(say, Say::Listen(..) | Say::Unlisten(..) | Say::Ping | Say::Reset);
        if !me.resp3 && !me.hears.is_empty() && !allowed {
            let words = say.words();
            let name = if words[0] == "CLIENT" { words[..2].join("|") } else { words[0].clone() }.to_lowercase();
            let mut begins = "ERR";
            if matches!(say, Say::Exec) {
                begins = "EXECABORT Transaction discarded because of:";
                me.watched.clear();
            }
            self.count("refused to a subscriber");
            return Some(format!(
                "-{begins} Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
                 this context\r\n"
            ));
        }
        let queues = !matches!(say, Say::Multi | Say::Exec | Say::Discard | Say::Watch(_) | Say::Reset);
        if let Some(queue) = me.queue.as_mut().filter(|_| queues) {
            queue.push(say.clone());
            return Some("+QUEUED\r\n".into());
        }
        let reply = self.perform(id, say, false, now);
        if reply.is_none() {
            let (Say::WaitPop(_, ms) | Say::WaitMove(_, _, ms) | Say::WaitPopMin(_, ms)) = say else {
                unreachable!("nothing else waits")
            };
            let deadline_us = (*ms > 0).then(|| now.mono_us + ms * 1000);
            self.waiters.push(Waiter { id, say: say.clone(), deadline_us });
            self.count("wait");
        }
        reply
    }

    /// What the command does. `None`: it has to wait.
    fn perform(&mut self, id: u64, say: &Say, at_once: bool, now: Now) -> Option<String> {
        let resp3 = self.me(id).resp3;
        let null = if resp3 { "_\r\n" } else { "$-1\r\n" }.to_string();
        // Who has lost already looks at no more keys.
        let refused = matches!(say, Say::Watch(_)) && (self.me(id).queue.is_some() || self.is_lost(id));
        if !refused && say.words().iter().any(|word| word == VOLATILE) {
            self.lapse(now);
        }
        let ok = "+OK\r\n".to_string();
        Some(match say {
            Say::Ping if !resp3 && !self.me(id).hears.is_empty() => "*2\r\n$4\r\npong\r\n$0\r\n\r\n".into(),
            Say::Ping => "+PONG\r\n".into(),
            Say::Get(key) => self.strings.get(key).map_or(null, |value| bulk(value)),
            Say::SetSoon(value, ms) => {
                self.strings.insert(VOLATILE.into(), value.clone());
                self.deadline_ms = Some(now.wall_ms() + *ms as i64);
                self.changed(VOLATILE, "set");
                self.event(VOLATILE, "expire");
                ok
            }
            Say::Set(key, value) => {
                self.forget_deadline(key);
                self.strings.insert(key.clone(), value.clone());
                self.changed(key, "set");
                ok
            }
            Say::Incr(key) => {
                let number = self.strings.get(key).map_or(0, |value| value.parse::<i64>().expect("a number")) + 1;
                self.strings.insert(key.clone(), number.to_string());
                self.changed(key, "incrby");
                format!(":{number}\r\n")
            }
            Say::Del(key) => {
                self.forget_deadline(key);
                let was = self.strings.remove(key).is_some()
                    || self.lists.remove(key).is_some()
                    || self.sorted.remove(key).is_some();
                was.then(|| self.changed(key, "del"));
                format!(":{}\r\n", was as u8)
            }
            Say::Push(key, values) => {
                values.iter().for_each(|value| self.push(key, value.clone()));
                self.changed(key, "rpush");
                format!(":{}\r\n", self.lists[key].len())
            }
            Say::Pop(key) => self.pop(key).map_or(null, |value| bulk(&value)),
            Say::WaitPop(keys, _) => match keys.iter().find(|key| self.lists.contains_key(*key)) {
                Some(key) => format!("*2\r\n{}{}", bulk(key), bulk(&self.pop(key).expect("it is there"))),
                None => return self.wait(at_once, NULLS[resp3 as usize]),
            },
            Say::WaitMove(from, to, _) if self.lists.contains_key(from) => self.shift(from, to),
            Say::WaitMove(..) => return self.wait(at_once, &null),
            Say::Add(key, score, member) => {
                let old = self.sorted.entry(key.clone()).or_default().insert(member.clone(), *score);
                if old != Some(*score) {
                    self.pushed.push_back(key.clone());
                    self.changed(key, "zadd");
                }
                format!(":{}\r\n", old.is_none() as u8)
            }
            Say::PopMin(key) => self.pop_min(key, resp3).map_or("*0\r\n".into(), |popped| format!("*2\r\n{popped}")),
            Say::WaitPopMin(keys, _) => match keys.iter().find(|key| self.sorted.contains_key(*key)) {
                Some(key) => format!("*3\r\n{}{}", bulk(key), self.pop_min(key, resp3).expect("it is there")),
                None => return self.wait(at_once, NULLS[resp3 as usize]),
            },
            Say::Unblock(other, error) => {
                let waited = self.waits(*other);
                if waited {
                    self.waiters.retain(|waiter| waiter.id != *other);
                    self.count(if *error { "unblocked by an error" } else { "unblocked" });
                    let null = NULLS[self.me(*other).resp3 as usize];
                    let told = if *error { "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n" } else { null };
                    self.mail.push((*other, told.into()));
                }
                format!(":{}\r\n", waited as u8)
            }
            Say::Flush => {
                self.all_change();
                (self.strings, self.lists, self.sorted, self.deadline_ms) = Default::default();
                ok
            }
            Say::Reload => {
                self.all_change();
                // What is due is not loaded, and nobody is told.
                if self.is_due(now) {
                    self.deadline_ms = None;
                    self.strings.remove(VOLATILE);
                }
                self.count("reload");
                ok
            }
            Say::Multi if self.me(id).queue.is_some() => "-ERR MULTI calls can not be nested\r\n".into(),
            Say::Multi => {
                self.me(id).queue = Some(vec![]);
                ok
            }
            Say::Discard => match self.me(id).queue.take() {
                Some(_) => {
                    (self.me(id).aborted, self.me(id).watched) = Default::default();
                    self.count("discard");
                    ok
                }
                None => "-ERR DISCARD without MULTI\r\n".into(),
            },
            Say::Exec => self.exec(id, now),
            Say::Watch(_) if self.me(id).queue.is_some() => "-ERR WATCH inside MULTI is not allowed\r\n".into(),
            Say::Watch(keys) => {
                for key in keys {
                    let version = self.versions.get(key).copied().unwrap_or(0);
                    self.me(id).watched.entry(key.clone()).or_insert(version);
                }
                ok
            }
            Say::Unwatch => {
                self.me(id).watched.clear();
                ok
            }
            Say::Listen(Space::Shard, _) if at_once => {
                "-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n".into()
            }
            Say::Listen(space, name) => {
                at_once.then(|| self.count("subscribed in a transaction"));
                self.me(id).hears.insert((*space, name.clone()));
                self.confirm(id, space.verbs()[0], *space, name)
            }
            Say::Unlisten(space, name) => {
                self.me(id).hears.remove(&(*space, name.clone()));
                self.confirm(id, space.verbs()[1], *space, name)
            }
            Say::Publish(channel, message) => format!(":{}\r\n", self.publish(channel, message)),
            Say::PublishShard(channel, message) => {
                format!(":{}\r\n", self.tell(Space::Shard, channel, &[channel, message]))
            }
            Say::Reset => {
                *self.me(id) = Member { sent: std::mem::take(&mut self.me(id).sent), ..Member::default() };
                "+RESET\r\n".into()
            }
            Say::Nonsense => unreachable!("it is no command"),
        })
    }

    fn exec(&mut self, id: u64, now: Now) -> String {
        let me = self.members.get_mut(&id).expect("a client");
        let Some(queue) = me.queue.take() else { return "-ERR EXEC without MULTI\r\n".into() };
        let (aborted, watched) = (std::mem::take(&mut me.aborted), std::mem::take(&mut me.watched));
        let resp3 = me.resp3;
        if aborted {
            self.count("transaction aborted");
            return "-EXECABORT Transaction discarded because of previous errors.\r\n".into();
        }
        if watched.contains_key(VOLATILE) && self.is_due(now) {
            self.count("watched key due");
            return NULLS[resp3 as usize].into();
        }
        if self.are_changed(&watched) {
            self.count("watch broken");
            return NULLS[resp3 as usize].into();
        }
        self.count(if watched.is_empty() { "transaction" } else { "transaction under a watch" });
        let replies = queue.iter().map(|say| self.perform(id, say, true, now).expect("nothing waits here"));
        let replies = replies.collect::<String>();
        format!("*{}\r\n{replies}", queue.len())
    }

    fn are_changed(&self, watched: &BTreeMap<String, u64>) -> bool {
        watched.iter().any(|(key, version)| self.versions.get(key).copied().unwrap_or(0) != *version)
    }

    /// A key that it watches was changed.
    fn is_lost(&self, id: u64) -> bool {
        self.are_changed(&self.members[&id].watched)
    }

    /// Within a transaction nobody waits.
    fn wait(&mut self, at_once: bool, null: &str) -> Option<String> {
        at_once.then(|| {
            self.count("no wait in a transaction");
            null.to_string()
        })
    }

    fn push(&mut self, key: &str, value: String) {
        self.lists.entry(key.into()).or_default().push_back(value);
        self.pushed.push_back(key.into());
    }

    fn pop(&mut self, key: &str) -> Option<String> {
        let list = self.lists.get_mut(key)?;
        let value = list.pop_front();
        self.popped(key);
        value
    }

    fn popped(&mut self, key: &str) {
        self.changed(key, "lpop");
        if self.lists[key].is_empty() {
            self.lists.remove(key);
            self.event(key, "del");
        }
    }

    fn shift(&mut self, from: &str, to: &str) -> String {
        let value = self.lists.get_mut(from).and_then(VecDeque::pop_front).expect("it is there");
        self.push(to, value.clone());
        self.changed(to, "rpush");
        self.popped(from);
        bulk(&value)
    }

    /// The least of the scores, and of the members that have it the first.
    fn pop_min(&mut self, key: &str, resp3: bool) -> Option<String> {
        let set = self.sorted.get_mut(key)?;
        let (score, member) = set.iter().map(|(member, score)| (*score, member.clone())).min().expect("none is empty");
        set.remove(&member);
        let emptied = set.is_empty();
        self.changed(key, "zpopmin");
        if emptied {
            self.sorted.remove(key);
            self.event(key, "del");
        }
        let score = if resp3 { format!(",{score}\r\n") } else { bulk(&score.to_string()) };
        Some(format!("{}{score}", bulk(&member)))
    }

    /// Who watches a key that is there sees it change.
    fn all_change(&mut self) {
        let keys = self.strings.keys().chain(self.lists.keys()).chain(self.sorted.keys());
        for key in keys {
            *self.versions.entry(key.clone()).or_insert(0) += 1;
        }
    }

    fn forget_deadline(&mut self, key: &str) {
        if key == VOLATILE {
            self.deadline_ms = None;
        }
    }

    fn changed(&mut self, key: &str, event: &'static str) {
        *self.versions.entry(key.into()).or_insert(0) += 1;
        self.event(key, event);
    }

    fn event(&mut self, key: &str, event: &str) {
        if self.notifies {
            let heard = self.publish(&format!("__keyspace@0__:{key}"), event);
            (heard > 0).then(|| self.count("event by key"));
            let heard = self.publish(&format!("__keyevent@0__:{event}"), key);
            (heard > 0).then(|| self.count("event by name"));
        }
    }

    fn publish(&mut self, channel: &str, message: &str) -> usize {
        let mut heard = self.tell(Space::Channel, channel, &[channel, message]);
        for pattern in PATTERNS {
            if spindle::base::glob::matches(pattern.as_bytes(), channel.as_bytes(), false) {
                heard += self.tell(Space::Pattern, pattern, &[pattern, channel, message]);
            }
        }
        heard
    }

    fn tell(&mut self, space: Space, name: &str, parts: &[&str]) -> usize {
        let kind = space.verbs()[2];
        let message = [&[kind], parts].concat().into_iter().map(bulk).collect::<String>();
        let hears = |member: &Member| member.hears.contains(&(space, name.to_string()));
        let to: Vec<(u64, bool)> =
            self.members.iter().filter(|(_, member)| hears(member)).map(|(id, member)| (*id, member.resp3)).collect();
        for (id, resp3) in &to {
            let first = if *resp3 { '>' } else { '*' };
            self.mail.push((*id, format!("{first}{}\r\n{message}", parts.len() + 1)));
            self.count(match (space, resp3) {
                (Space::Channel, false) => "message in RESP2",
                (Space::Channel, true) => "message in RESP3",
                (Space::Pattern, false) => "message by pattern in RESP2",
                (Space::Pattern, true) => "message by pattern in RESP3",
                (Space::Shard, false) => "message of a shard in RESP2",
                (Space::Shard, true) => "message of a shard in RESP3",
            });
        }
        to.len()
    }

    fn confirm(&mut self, id: u64, verb: &str, space: Space, name: &str) -> String {
        let me = self.me(id);
        let count = me.hears.iter().filter(|(other, _)| (*other == Space::Shard) == (space == Space::Shard)).count();
        let first = if me.resp3 { '>' } else { '*' };
        format!("{first}3\r\n{}{}:{count}\r\n", bulk(&verb.to_lowercase()), bulk(name))
    }
}
