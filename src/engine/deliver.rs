//! Delivery: a message is appended to the output of each client that hears it, whatever that client is doing. Who does
//! not read is cut off when too much is unsent (`client-output-buffer-limit`), and nobody waits for him.
use super::Engine;
use super::outgoing::Letter;
use super::session::Close;
use crate::base::time::Now;
use crate::server::{clients::ClientId, unsent::counted};
use crate::wire::message::Message;
use log::warn;

impl Engine {
    pub(super) fn deliver(&mut self, message: Message, to: &[ClientId], now: Now) {
        let mut letter = Letter::from(message);
        let least = self.world.server.least_output_limit_of_hearers();
        let mut suspects = vec![];
        let all_weighed = self.world.server.weights.are_wanted();
        for id in to {
            let Some(client) = self.world.server.clients.get(*id) else { continue };
            if let Some(unsent) = self.sessions.push(*id, &mut letter, client.resp == 3) {
                self.world.server.clients.traffic_mut(id.key).unsent = unsent;
                if unsent >= least || !self.over_soft.is_empty() || all_weighed {
                    suspects.push(*id);
                }
            }
        }
        for id in suspects {
            self.limit_output(id, now);
            self.weigh(id);
        }
    }

    /// Whether `limit_output` would do something to a client with so much unsent, which has not been over its soft limit.
    #[inline]
    pub(super) fn passes_limit(&self, unsent: usize) -> bool {
        unsent >= self.world.server.least_output_limit()
    }

    /// Closes a client to which too much is unsent, now or for too long.
    pub(super) fn limit_output(&mut self, id: ClientId, now: Now) {
        let server = &self.world.server;
        let limit = server.output_limit(server.clients.at(id.key));
        let session = self.sessions.at_mut(id);
        let unsent = session.unsent();
        let counted = counted(unsent);
        if counted < limit.least() && session.over_since_us.is_none() || session.close == Some(Close::Now) {
            return;
        }
        let is_over = |bytes: u64| bytes > 0 && counted as u64 >= bytes;
        if is_over(limit.hard) {
            self.cut_off(id, &format!("{unsent} bytes are unsent, the hard limit is {}", limit.hard));
        } else if is_over(limit.soft) {
            let since_us = *session.over_since_us.get_or_insert(now.mono_us);
            if since_us == now.mono_us {
                self.over_soft.push(id);
            }
            if now.mono_us.saturating_sub(since_us) > limit.soft_seconds as u64 * 1_000_000 {
                let (soft, seconds) = (limit.soft, limit.soft_seconds);
                self.cut_off(id, &format!("{unsent} bytes are unsent, the soft limit is {soft} for {seconds} s"));
            }
        } else {
            session.over_since_us = None;
        }
    }

    /// Looks at all that were over the soft limit: time passes though nothing is written.
    pub(super) fn limit_soft(&mut self, now: Now) {
        let mut over = std::mem::take(&mut self.over_soft);
        // Who was under it meanwhile may stand there twice.
        over.sort_unstable();
        over.dedup();
        for id in over {
            if self.sessions.get_mut(id).is_some_and(|session| session.close.is_none()) {
                self.limit_output(id, now);
                if self.sessions.at(id).over_since_us.is_some() {
                    self.over_soft.push(id);
                }
            }
        }
    }

    /// What is unsent is dropped. RESP3 has messages that answer nothing, so there the client is told why.
    #[cold]
    fn cut_off(&mut self, id: ClientId, reason: &str) {
        let client = self.world.server.clients.at(id.key);
        warn!("client {} ({}) is closed, its output buffer is full: {reason}", id.serial, client.address.peer());
        self.world.server.stats.output_buffer_limit_disconnections += 1;
        let mut told = (client.resp == 3).then(|| Message::new(&[b"disconnect", reason.as_bytes()]));
        let is_told = self.sessions.discard(id, told.as_mut());
        self.world.server.clients.traffic_mut(id.key).unsent = self.sessions.at(id).unsent();
        self.begin_close(id, if is_told { Close::AfterReply } else { Close::Now });
    }
}
