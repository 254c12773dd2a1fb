//! Sets: their members (members), some by chance (pick), what several have in common (algebra), a walk (scan).
pub mod algebra;
pub mod members;
pub mod pick;
pub mod scan;
#[cfg(test)]
mod tests;

use super::list::write_element;
use super::prelude;
use crate::command::Context;
use crate::store::SetLimits;

pub fn limits(cx: &Context) -> SetLimits {
    cx.server.config.set_limits(cx.data.hasher())
}
