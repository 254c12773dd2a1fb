//! Delivery: a message is appended to the output of each client that hears it, whatever that client is doing.
use super::Engine;
use crate::server::clients::ClientId;
use crate::wire::message::Message;

impl Engine {
    pub(super) fn deliver(&mut self, mut message: Message, to: &[ClientId]) {
        for id in to {
            let Some(client) = self.world.server.clients.get_mut(*id) else { continue };
            if let Some(unsent) = self.sessions.push(*id, &mut message, client.resp == 3) {
                client.unsent = unsent;
            }
        }
    }
}
