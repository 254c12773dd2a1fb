//! How much may be unsent to a client before it is cut off: as the settings say for its class, and less where they set no
//! limit and others decide how much it is. Who is over it is seen to by the engine (engine/deliver.rs).
use super::Server;
use super::clients::Client;
use super::config::output_limits::OutputLimit;

/// So many bytes count for nothing: Redis has a buffer of that size for each client anyway. So no limit is so low that the
/// reply to `CONFIG SET`, which would lift it, closes its client.
const UNCOUNTED_BYTES: usize = 16 * 1024;

/// A monitor that is so far behind is closed, where no limit for normal clients is set: others make what it is to be
/// shown, as fast as they like.
const MONITOR_BYTES_MAX: u64 = 32 << 20;

/// Nor are more bytes kept for a client that has not signed in. (Redis: 1 KB beyond the first 16.)
const STRANGER_BYTES_MAX: u64 = 17 * 1024;

/// Of so many unsent bytes those that a limit is held against.
#[inline]
pub fn counted(unsent: usize) -> usize {
    if unsent > UNCOUNTED_BYTES { unsent } else { 0 }
}

impl Server {
    pub fn output_limit(&self, client: &Client) -> OutputLimit {
        let limits = &self.config.client_output_buffer_limit;
        match client.subscribed {
            true => limits.pubsub,
            // A stranger who does not read what he is told is worth no memory.
            false if !self.lets_in(client) => OutputLimit { hard: STRANGER_BYTES_MAX, soft: 0, soft_seconds: 0 },
            false if client.monitors && limits.normal.hard == 0 => {
                OutputLimit { hard: MONITOR_BYTES_MAX, ..limits.normal }
            }
            false => limits.normal,
        }
    }

    /// No client with less unsent is over its limit.
    #[inline]
    pub fn least_output_limit(&self) -> usize {
        const { assert!(STRANGER_BYTES_MAX < MONITOR_BYTES_MAX) }
        self.config.client_output_buffer_limit.least().clamp(UNCOUNTED_BYTES + 1, STRANGER_BYTES_MAX as usize)
    }

    /// The same of those who are sent what others say. (Monitors hear too; strangers do not, whose limit is far lower.)
    #[inline]
    pub fn least_output_limit_of_hearers(&self) -> usize {
        self.config.client_output_buffer_limit.least().clamp(UNCOUNTED_BYTES + 1, MONITOR_BYTES_MAX as usize)
    }
}
