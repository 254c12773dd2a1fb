//! Keys, whatever their values: what is known of them, how they go, move, expire and are found. By topic.
pub(super) mod delete;
pub(super) mod dump;
pub(super) mod expire;
pub(super) mod find;
pub(super) mod object;
pub(super) mod rename;
pub(super) mod sort;
#[cfg(test)]
mod tests;
pub(super) mod whole;

use super::connection::DatabaseIndex;
use super::prelude;
use crate::command::{Context, Refusal};

/// The database that a client names, if there is one.
fn existing(index: DatabaseIndex, cx: &Context) -> Result<usize, Refusal> {
    let number = usize::try_from(index.0).map_err(|_| Refusal::NoSuchDatabase)?;
    if number < cx.data.databases().len() { Ok(number) } else { Err(Refusal::NoSuchDatabase) }
}
