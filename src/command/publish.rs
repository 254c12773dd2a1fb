//! From a message for a channel to what the engine is asked to deliver. Who hears it is settled here, so that in a
//! transaction only those do who had subscribed by then; their clients get it when the running command has ended.
use super::effect::Effect;
use crate::server::pubsub::{PubSub, Space};
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
