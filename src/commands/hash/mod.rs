//! Hashes: their fields (fields), when they expire (expire,
//! expiring), numbers in them (numbers), some by chance (pick), a walk (scan).
pub mod expire;
pub mod expiring;
pub mod fields;
pub mod numbers;
pub mod pick;
pub mod scan;
#[cfg(test)]
mod tests;

use super::list::write_element;
use super::prelude;
use crate::command::Context;
use crate::store::HashLimits;

pub fn limits(cx: &Context) -> HashLimits {
    cx.server.config.hash_limits(cx.data.hasher())
}
