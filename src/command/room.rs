//! The bytes that a result may still come to. What cannot be told beforehand is counted while it is made, and broken off
//! where it is too much: as LCS refuses it in Redis.
use super::refusal::Refusal;

/// `None`: it was too much.
#[derive(Clone, Copy)]
pub struct Room(Option<u64>);

impl Room {
    pub fn new(bytes: u64) -> Room {
        Room(Some(bytes))
    }

    pub fn has(self, bytes: usize) -> bool {
        self.0.is_some_and(|left| bytes as u64 <= left)
    }

    /// False: that was too much.
    #[inline]
    pub fn takes(&mut self, bytes: usize) -> bool {
        self.0 = self.0.and_then(|left| left.checked_sub(bytes as u64));
        self.0.is_some()
    }

    /// Refuses what was too much.
    pub fn kept(self) -> Result<(), Refusal> {
        if self.0.is_some() { Ok(()) } else { Err(Refusal::ResultTooLarge) }
    }
}
