//! From a message for a channel, or an event of a key, to what the engine is asked to deliver. Who hears it is settled here, so that in a
//! transaction only those do who had subscribed by then; their clients get it when the running command has ended.
use super::effect::Effect;
use crate::server::Server;
use crate::server::pubsub::{PubSub, Space};
use crate::store::Change;
use crate::store::event::{Class, Ledger};
use crate::wire::message::Message;

/// How many hear it; a client that does so twice (by a pattern too) counts twice.
pub fn publish(pubsub: &mut PubSub, effects: &mut Vec<Effect>, space: Space, channel: &[u8], payload: &[u8]) -> usize {
    let kind: &[u8] = if space == Space::Shard { b"smessage" } else { b"message" };
    let direct = pubsub.hear(space, channel);
    let mut heard = direct;
    if direct > 0 {
        let message = Box::new(Message::new(&[kind, channel, payload]));
        effects.push(Effect::Deliver { message, count: direct });
    }
    if space == Space::Channel {
        pubsub.hear_by_pattern(channel, |pattern, count| {
            let message = Box::new(Message::new(&[b"pmessage", pattern, channel, payload]));
            effects.push(Effect::Deliver { message, count });
            heard += count;
        });
    }
    heard
}

/// Publishes what the journal tells and was not published yet, `most` lines of it.
#[cold]
pub fn notify(ledger: &mut Ledger, server: &mut Server, effects: &mut Vec<Effect>, most: usize) {
    let events = server.config.notify_keyspace_events;
    let end = ledger.journal.len().min(ledger.published.saturating_add(most));
    let new = &ledger.journal[std::mem::replace(&mut ledger.published, end)..end];
    for Change { database, key, event, .. } in new.iter().filter(|change| events.wants(change.event.class)) {
        let name = event.name.as_bytes();
        let mut tell = |by: &str, what: &[u8], message: &[u8]| {
            let channel = [format!("__{by}@{database}__:").as_bytes(), what].concat();
            publish(&mut server.pubsub, effects, Space::Channel, &channel, message);
        };
        if events.by_key() {
            tell("keyspace", key, name);
        }
        if events.by_event() {
            tell("keyevent", name, key);
        }
    }
}

/// The journal is written if events are to be published.
pub fn observe(ledger: &mut Ledger, server: &Server) {
    let events = server.config.notify_keyspace_events;
    ledger.observed |= events.any();
    ledger.misses_observed = events.any() && events.wants(Class::Missed);
}
