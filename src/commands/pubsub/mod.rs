//! Publish and subscribe: messages to whoever listens at that moment. `subscribe` has how clients choose what they hear,
//! `channels` what there is.
pub(super) mod channels;
pub(super) mod subscribe;

use super::prelude::*;
use crate::command::publish::publish;
use crate::server::pubsub::Space;

// --- PUBLISH channel message
form! { pub Publish<'a> { channel: Channel<'a>, message: Bytes<'a> } }
impl<'a> Command<'a> for Publish<'a> {
    const FACTS: Facts = facts(
        "PUBLISH",
        "pubsub",
        "2.0.0",
        PUBSUB | LOADING | STALE | FAST,
        "Sends a message to all who listen to a channel.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        send(Space::Channel, self.channel.0, self.message.0, cx)
    }
}

// --- SPUBLISH shardchannel message
form! { pub Spublish<'a> { shardchannel: Key<'a, SHARD_CHANNEL>, message: Bytes<'a> } }
impl<'a> Command<'a> for Spublish<'a> {
    const FACTS: Facts = facts(
        "SPUBLISH",
        "pubsub",
        "7.0.0",
        PUBSUB | LOADING | STALE | FAST,
        "Sends a message to all who listen to a shard channel.",
    );
    fn run(self, cx: &mut Context) -> Ran {
        send(Space::Shard, self.shardchannel.0, self.message.0, cx)
    }
}

fn send(space: Space, channel: &[u8], message: &[u8], cx: &mut Context) -> Ran {
    let heard = publish(&mut cx.server.pubsub, cx.effects, space, channel, message);
    cx.count(heard)
}
