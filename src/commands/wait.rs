//! What the commands share that wait for an element where there is none: for how long, and what they answer then.
use super::prelude::*;
use crate::base::number::float;
use crate::command::Block;

/// Redis adds the moment to it in 64 bits; less than this was it until 2027.
const MS_MAX: f64 = i64::MAX as f64 - 1.8e12;

/// How long to wait, in seconds; 0 is without end.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Timeout(f64);
impl<'a> Leaf<'a> for Timeout {
    const KIND: Kind = Kind::Double;
    const EXAMPLE: &'static str = "1";
    fn read(word: &'a [u8]) -> Result<Self, Refusal> {
        // What no float holds is out of range, not wrong.
        let decimal = || std::str::from_utf8(word).ok()?.parse().ok();
        let seconds: f64 =
            float(word).or_else(decimal).filter(|seconds| !seconds.is_nan()).ok_or(Refusal::TimeoutNotAFloat)?;
        let timeout = Timeout(seconds);
        if timeout.ms() > MS_MAX {
            return Err(Refusal::TimeoutOutOfRange);
        }
        if timeout.ms() < 0.0 { Err(Refusal::TimeoutNegative) } else { Ok(timeout) }
    }
    fn print(&self, to: &mut OwnedWords) {
        to.text(self.0);
    }
}

impl Timeout {
    fn ms(self) -> f64 {
        (self.0 * 1000.0).ceil()
    }
}

pub fn null_array(cx: &mut Context) {
    cx.reply.null_array();
}

/// Waits until one of the keys changes and has a value of this type.
pub fn wait<'a>(
    keys: impl Iterator<Item = &'a [u8]>,
    wanted: &'static str,
    timeout: Timeout,
    late: fn(&mut Context),
    cx: &mut Context,
) -> Ran {
    let ms = timeout.ms() as u64;
    let deadline_us = (ms > 0).then(|| cx.now.mono_us.saturating_add(ms.saturating_mul(1000)));
    let keys = keys.map(Box::from).collect();
    Ok(Outcome::Block(Box::new(Block { keys, wants: Some(wanted), deadline_us, words: None, late })))
}
