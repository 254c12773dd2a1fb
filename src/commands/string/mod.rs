//! Strings: one value (get_set), when it expires (expiry), many at once (many), a number (counters), a piece of one
//! (ranges), what two have in common (lcs).
pub mod counters;
pub mod expiry;
pub mod get_set;
pub mod lcs;
pub mod many;
pub mod ranges;
#[cfg(test)]
mod tests;

use super::prelude;
