//! Delivery: a message is appended to the output of each client that hears it, whatever that client is doing.
use super::Engine;
use super::session::Close;
use crate::server::clients::ClientId;
use crate::wire::message::Message;
use log::warn;

/// A monitor that is so far behind is closed: others make what it is to be shown, as fast as they like.
const MONITOR_BYTES_MAX: usize = 32 << 20;

impl Engine {
    pub(super) fn deliver(&mut self, mut message: Message, to: &[ClientId]) {
        for id in to {
            let Some(client) = self.world.server.clients.get_mut(*id) else { continue };
            if let Some(unsent) = self.sessions.push(*id, &mut message, client.resp == 3) {
                client.unsent = unsent;
                if client.monitors && unsent > MONITOR_BYTES_MAX {
                    warn!("client {} is closed: it monitors, and does not read what it is shown", id.serial);
                    self.begin_close(*id, Close::Now);
                }
            }
        }
    }
}
