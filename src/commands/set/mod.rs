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
    let (config, hasher) = (&cx.server.config, cx.data.hasher().clone());
    SetLimits {
        intset_entries: config.set_max_intset_entries as usize,
        listpack_entries: config.set_max_listpack_entries as usize,
        listpack_value: config.set_max_listpack_value as usize,
        hasher,
    }
}
