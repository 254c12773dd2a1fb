//! Who wants to hear what: channels, patterns and shard channels, each with its subscribers, and each subscriber with
//! what it has chosen. It finds and counts; it delivers nothing, and knows no reply.
//!
//! A topic is in a table by its name, and so it is in its subscriber's own table, which also tells the subscriber's
//! place in the topic's list. So to subscribe or not to any longer takes two look-ups, however many others there are.
use super::clients::ClientId;
use crate::base::glob;
use crate::store::structure::table::{Hasher, Item, Table};
use ahash::RandomState;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    Channel,
    Pattern,
    Shard,
}

pub const SPACES: [Space; 3] = [Space::Channel, Space::Pattern, Space::Shard];

/// Who leaves with more than this is forgotten in slices.
const FORGOTTEN_AT_ONCE: usize = 1024;

#[derive(Debug)]
pub struct PubSub {
    hasher: RandomState,
    /// By `Space`. Invariant: each has a subscriber.
    topics: [Table<Topic, Held>; 3],
    /// Invariant: each has a topic, or is `gone`.
    subscribers: Subscribers,
    /// Those that are gone and still stand in lists of topics.
    leaving: VecDeque<ClientId>,
    /// Who is to get the messages that commands ask to be delivered, one after the other.
    pub receivers: Vec<ClientId>,
}

type Subscribers = HashMap<ClientId, Subscriber, RandomState>;

#[derive(Debug)]
struct Topic {
    name: Arc<[u8]>,
    hash: u64,
    subscribers: Vec<ClientId>,
    tag: u16,
}

#[derive(Debug, Default)]
struct Subscriber {
    chosen: [Option<Box<Table<Chosen, Held>>>; 3],
    /// Bytes of all names that it has chosen.
    names: usize,
    gone: bool,
}

/// A topic as its subscriber knows it.
#[derive(Debug)]
struct Chosen {
    name: Arc<[u8]>,
    hash: u64,
    /// Invariant: the subscriber's place in the topic's list.
    place: u32,
    tag: u16,
}

/// The hash that an item holds.
#[derive(Debug, Default)]
struct Held;

macro_rules! named {
    ($($of:ident)+) => {$(
        impl Item for $of {
            fn tag(&self) -> u16 {
                self.tag
            }
            fn set_tag(&mut self, tag: u16) {
                self.tag = tag;
            }
        }
        impl Hasher<$of> for Held {
            fn hash(&self, item: &$of) -> u64 {
                item.hash
            }
        }
    )+};
}
named! { Topic Chosen }

impl Subscriber {
    fn count(&self, space: Space) -> usize {
        self.chosen[space as usize].as_ref().map_or(0, |chosen| chosen.len())
    }

    fn is_idle(&self) -> bool {
        self.chosen.iter().all(Option::is_none)
    }
}

impl PubSub {
    /// `seed`: names come from strangers, who must not know it.
    pub fn new(seed: [u64; 4]) -> PubSub {
        let hasher = RandomState::with_seeds(seed[0], seed[1], seed[2], seed[3]);
        PubSub {
            subscribers: HashMap::with_hasher(hasher.clone()),
            hasher,
            topics: Default::default(),
            leaving: VecDeque::new(),
            receivers: vec![],
        }
    }

    /// False: it had subscribed before.
    pub fn subscribe(&mut self, space: Space, id: ClientId, name: &[u8]) -> bool {
        let hash = self.hasher.hash_one(name);
        let subscriber = self.subscribers.entry(id).or_default();
        let chosen = subscriber.chosen[space as usize].get_or_insert_default();
        if chosen.find(hash, |chosen| *chosen.name == *name).is_some() {
            return false;
        }
        let topics = &mut self.topics[space as usize];
        let at = topics.find(hash, |topic| *topic.name == *name).unwrap_or_else(|| {
            topics.insert(hash, Topic { name: name.into(), hash, subscribers: Vec::with_capacity(1), tag: 0 })
        });
        let topic = topics.get_mut(at);
        let place = topic.subscribers.len() as u32;
        topic.subscribers.push(id);
        chosen.insert(hash, Chosen { name: topic.name.clone(), hash, place, tag: 0 });
        subscriber.names += name.len();
        true
    }

    /// False: it had not subscribed.
    pub fn unsubscribe(&mut self, space: Space, id: ClientId, name: &[u8]) -> bool {
        let hash = self.hasher.hash_one(name);
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return false };
        let Some(chosen) = &mut subscriber.chosen[space as usize] else { return false };
        let Some(at) = chosen.find(hash, |chosen| *chosen.name == *name) else { return false };
        let removed = chosen.remove(at);
        subscriber.names -= name.len();
        if chosen.is_empty() {
            subscriber.chosen[space as usize] = None;
            if subscriber.is_idle() {
                self.subscribers.remove(&id);
            }
        }
        self.strike(space, id, &removed);
        true
    }

    /// Takes a subscriber off the list of a topic, and the topic away if it was the last.
    fn strike(&mut self, space: Space, id: ClientId, chosen: &Chosen) {
        let topics = &mut self.topics[space as usize];
        // The name is one piece of memory for all who know the topic.
        let same = |name: &Arc<[u8]>| Arc::ptr_eq(name, &chosen.name);
        let at = topics.find(chosen.hash, |topic| same(&topic.name)).expect("a topic with a subscriber");
        let topic = topics.get_mut(at);
        let struck = topic.subscribers.swap_remove(chosen.place as usize);
        debug_assert_eq!(struck, id);
        if let Some(moved) = topic.subscribers.get(chosen.place as usize) {
            let moved = self.subscribers.get_mut(moved).and_then(|moved| moved.chosen[space as usize].as_mut());
            let moved = moved.expect("who is on a list has chosen the topic");
            let at = moved.find(chosen.hash, |it| same(&it.name)).expect("the same");
            moved.get_mut(at).place = chosen.place;
        }
        if topic.subscribers.is_empty() {
            topics.remove(at);
            if topics.is_empty() {
                *topics = Table::default();
            }
        } else if topic.subscribers.len() < topic.subscribers.capacity() / 4 {
            topic.subscribers.shrink_to_fit();
        }
    }

    /// Some of the names that a client has chosen.
    pub fn some(&self, space: Space, id: ClientId, most: usize) -> Vec<Arc<[u8]>> {
        let mut names = vec![];
        if let Some(chosen) = self.subscribers.get(&id).and_then(|it| it.chosen[space as usize].as_ref()) {
            chosen.scan(0, most, &mut |chosen| names.push(chosen.name.clone()));
        }
        names
    }

    /// Unsubscribes a client from some topics, whatever they are. True: it has others left.
    pub fn unsubscribe_some(&mut self, id: ClientId, most: usize) -> bool {
        let mut left = most;
        for space in SPACES {
            while left > 0 && self.count(space, id) > 0 {
                let names = self.some(space, id, left);
                names.iter().for_each(|name| _ = self.unsubscribe(space, id, name));
                left = left.saturating_sub(names.len());
            }
        }
        self.subscribers.contains_key(&id)
    }

    /// The client is gone. What it had chosen is forgotten, now or, if it is much, in slices.
    pub fn leave(&mut self, id: ClientId) {
        if self.unsubscribe_some(id, FORGOTTEN_AT_ONCE) {
            self.subscribers.get_mut(&id).expect("it has topics left").gone = true;
            self.leaving.push_back(id);
        }
    }

    /// A slice of that. False: there is nothing left to forget.
    pub fn forget_some(&mut self) -> bool {
        if let Some(id) = self.leaving.front().copied()
            && !self.unsubscribe_some(id, FORGOTTEN_AT_ONCE)
        {
            self.leaving.pop_front();
        }
        self.is_forgetting()
    }

    pub fn is_forgetting(&self) -> bool {
        !self.leaving.is_empty()
    }

    // --- Who hears what

    /// Adds who has subscribed to this name to the `receivers`. How many they are.
    pub fn hear(&mut self, space: Space, name: &[u8]) -> usize {
        let topics = &self.topics[space as usize];
        if topics.is_empty() {
            return 0;
        }
        let hash = self.hasher.hash_one(name);
        match topics.find(hash, |topic| *topic.name == *name) {
            Some(at) => add(&mut self.receivers, topics.get(at), &self.subscribers, &self.leaving),
            None => 0,
        }
    }

    /// The same for each pattern that a channel fits: the pattern, and how many.
    pub fn hear_by_pattern(&mut self, channel: &[u8], mut heard: impl FnMut(&[u8], usize)) {
        for topic in self.topics[Space::Pattern as usize].iter() {
            if glob::matches_strictly(&topic.name, channel) {
                let count = add(&mut self.receivers, topic, &self.subscribers, &self.leaving);
                if count > 0 {
                    heard(&topic.name, count);
                }
            }
        }
    }

    // --- What there is

    /// How many names a client has chosen.
    pub fn count(&self, space: Space, id: ClientId) -> usize {
        self.subscribers.get(&id).map_or(0, |subscriber| subscriber.count(space))
    }

    /// The memory that a client's subscriptions take: for each an item of its own, one in the list of the topic, and the
    /// name, which counts for each who has chosen it, though they share it. (In Redis names weigh nothing.)
    pub fn bytes(&self, id: ClientId) -> usize {
        let count: usize = SPACES.iter().map(|space| self.count(*space, id)).sum();
        let names = self.subscribers.get(&id).map_or(0, |subscriber| subscriber.names);
        names + count * (size_of::<Chosen>() + size_of::<Topic>() + size_of::<ClientId>())
    }

    /// Has the client chosen any name?
    pub fn has(&self, id: ClientId) -> bool {
        self.subscribers.contains_key(&id)
    }

    /// How many clients have subscribed to this name.
    pub fn audience(&self, space: Space, name: &[u8]) -> usize {
        let topics = &self.topics[space as usize];
        let hash = self.hasher.hash_one(name);
        let at = topics.find(hash, |topic| *topic.name == *name);
        at.map_or(0, |at| present(topics.get(at), &self.subscribers, &self.leaving))
    }

    /// How many names have subscribers.
    pub fn topics(&self, space: Space) -> usize {
        self.topics[space as usize].len()
    }

    /// How many clients have subscribed to anything.
    pub fn clients(&self) -> usize {
        self.subscribers.len() - self.leaving.len()
    }

    /// Names with subscribers, in no order: about `count` from `cursor` on, and the cursor of the next call.
    pub fn scan(&self, space: Space, cursor: u64, count: usize, visit: &mut dyn FnMut(&[u8])) -> Option<u64> {
        self.topics[space as usize].scan(cursor, count, &mut |topic| {
            if present(topic, &self.subscribers, &self.leaving) > 0 {
                visit(&topic.name);
            }
        })
    }

    pub fn check(&self) {
        assert!(self.receivers.is_empty());
        let mut listed = 0;
        for space in SPACES {
            let topics = &self.topics[space as usize];
            topics.check();
            for topic in topics.iter() {
                assert!(!topic.subscribers.is_empty(), "a topic nobody has chosen");
                for (place, id) in topic.subscribers.iter().enumerate() {
                    let chosen = self.subscribers[id].chosen[space as usize].as_ref().expect("on a list, so chosen");
                    let at = chosen.find(topic.hash, |chosen| Arc::ptr_eq(&chosen.name, &topic.name));
                    assert_eq!(chosen.get(at.expect("on a list, so chosen")).place as usize, place);
                }
                listed += topic.subscribers.len();
            }
        }
        let chosen = |subscriber: &Subscriber| SPACES.into_iter().map(|space| subscriber.count(space)).sum::<usize>();
        assert_eq!(listed, self.subscribers.values().map(chosen).sum::<usize>());
        assert!(self.subscribers.values().all(|subscriber| chosen(subscriber) > 0));
        let gone = self.subscribers.values().filter(|subscriber| subscriber.gone).count();
        assert_eq!(gone, self.leaving.len());
    }
}

/// Adds the subscribers of a topic to `receivers`, without those that are gone.
fn add(receivers: &mut Vec<ClientId>, topic: &Topic, all: &Subscribers, leaving: &VecDeque<ClientId>) -> usize {
    let before = receivers.len();
    match leaving.is_empty() {
        true => receivers.extend_from_slice(&topic.subscribers),
        false => receivers.extend(topic.subscribers.iter().filter(|id| !all[id].gone)),
    }
    receivers.len() - before
}

fn present(topic: &Topic, all: &Subscribers, leaving: &VecDeque<ClientId>) -> usize {
    match leaving.is_empty() {
        true => topic.subscribers.len(),
        false => topic.subscribers.iter().filter(|id| !all[id].gone).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Chance;
    use std::collections::{BTreeMap, BTreeSet};

    fn id(number: u64) -> ClientId {
        ClientId { serial: number, key: number as usize % 7 }
    }

    /// Against sets of names, with clients that come, choose and go.
    #[test]
    fn knows_who_hears_what() {
        let mut pubsub = PubSub::new([1, 2, 3, 4]);
        let mut naive: BTreeMap<(u64, usize), BTreeSet<String>> = BTreeMap::new();
        let mut chance = Chance::from_seed(5);
        for step in 0..20_000 {
            let (client, space) = (chance.below(9), SPACES[chance.below(3) as usize]);
            let name = format!("{}*", chance.below(12));
            let own = naive.entry((client, space as usize)).or_default();
            match chance.below(20) {
                0 => {
                    pubsub.leave(id(client));
                    naive.retain(|(other, _), _| *other != client);
                }
                1..12 => assert_eq!(pubsub.subscribe(space, id(client), name.as_bytes()), own.insert(name)),
                _ => assert_eq!(pubsub.unsubscribe(space, id(client), name.as_bytes()), own.remove(&name)),
            }
            for client in 0..9 {
                let own = |space: Space| naive.get(&(client, space as usize)).map_or(0, BTreeSet::len);
                assert!(SPACES.into_iter().all(|space| pubsub.count(space, id(client)) == own(space)));
            }
            if step % 16 == 0 {
                let name = format!("{}*", chance.below(12));
                let hear = |of: &&(u64, usize)| of.1 == space as usize && naive[of].contains(&name);
                let wanted: BTreeSet<ClientId> = naive.keys().filter(hear).map(|(client, _)| id(*client)).collect();
                assert_eq!(pubsub.audience(space, name.as_bytes()), wanted.len());
                assert_eq!(pubsub.hear(space, name.as_bytes()), wanted.len());
                assert_eq!(pubsub.receivers.drain(..).collect::<BTreeSet<_>>(), wanted);
                pubsub.check();
            }
        }
    }

    #[test]
    fn who_has_chosen_much_is_forgotten_in_slices_and_hears_nothing_meanwhile() {
        const NAMES: usize = 10 * FORGOTTEN_AT_ONCE;
        let mut pubsub = PubSub::new([1, 2, 3, 4]);
        for name in 0..NAMES {
            assert!(pubsub.subscribe(Space::Channel, id(1), format!("{name}").as_bytes()));
            assert!(pubsub.subscribe(Space::Pattern, id(2), format!("{name}").as_bytes()));
        }
        pubsub.subscribe(Space::Channel, id(2), b"0");
        pubsub.leave(id(1));
        let mut slices = 0;
        loop {
            pubsub.check();
            assert_eq!((pubsub.clients(), pubsub.hear(Space::Channel, b"0")), (1, 1));
            assert_eq!(pubsub.receivers.pop(), Some(id(2)));
            let mut names = 0;
            pubsub.scan(Space::Channel, 0, usize::MAX, &mut |_| names += 1);
            assert_eq!((names, pubsub.audience(Space::Channel, b"1")), (1, 0));
            if !pubsub.forget_some() {
                break;
            }
            slices += 1;
        }
        assert!((5..15).contains(&slices), "{slices}");
        assert_eq!((pubsub.topics(Space::Channel), pubsub.topics(Space::Pattern)), (1, NAMES));
        pubsub.leave(id(2));
        while pubsub.forget_some() {}
        pubsub.check();
        assert_eq!(SPACES.map(|space| pubsub.topics(space)), [0; 3]);
    }
}
