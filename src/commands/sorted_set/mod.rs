//! Sorted sets: members that come and change (add), what is read of one (read), ranges by rank, score and name (range, bounds),
//! what goes (remove), the commands that take from an end and wait for something there (pop), several sets made into one
//! (combine), chance and SCAN (sample).
pub mod add;
pub mod bounds;
pub mod combine;
pub mod pop;
pub mod range;
pub mod read;
pub mod remove;
pub mod sample;

use super::prelude;
use crate::base::number::print_float;
use crate::command::Context;
use crate::commands::list::write_element;
use crate::store::SortedSetLimits;
use crate::store::value::sorted_set::Element;
use crate::wire::reply::{Protocol, Reply};

pub fn limits(cx: &Context) -> SortedSetLimits {
    cx.server.config.sorted_set_limits(cx.data.hasher())
}

pub fn write_score(reply: &mut Reply, score: f64) {
    let mut text = Vec::with_capacity(24);
    print_float(score, &mut text);
    reply.double(&text);
}

/// The length of a list of members: with scores they are pairs in RESP3, and in RESP2 twice as many.
pub fn begin_list(reply: &mut Reply, length: usize, with_scores: bool) {
    let is_flat = reply.protocol() == Protocol::Resp2;
    reply.array(if with_scores && is_flat { 2 * length } else { length });
}

/// A member of such a list.
#[inline]
pub fn write_pair(reply: &mut Reply, member: Element, score: f64, with_scores: bool) {
    if with_scores && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    write_element(reply, member);
    if with_scores {
        write_score(reply, score);
    }
}
