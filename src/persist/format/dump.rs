//! DUMP's payloads: a type, a value, the version and a checksum.
use super::crc64::Crc64;
use super::decode::Decoder;
use super::encode::{Encoder, Options, Sink, is_empty, type_of};
use super::input::Input;
use super::loaded::{Limits, Loaded};
use super::lzf::Packer;
use super::trouble::{Trouble, What};
use super::types;
use crate::store::Value;
use std::cell::RefCell;

thread_local! {
    /// Kept from one payload to the next: to clear its 256 KB takes longer than to pack a small value. It has no influence on
    /// what comes out.
    static PACKER: RefCell<Packer> = RefCell::default();
}

/// The version in two bytes, the sum in eight.
const FOOTER: usize = 10;
const SUM: usize = 8;

/// A value as a payload. One that would have more than so many bytes is cut off somewhere behind them. `None`: nothing is
/// left of it, for its fields have all expired.
pub fn dump(value: &Value, options: Options, now_ms: i64, most: usize) -> Option<Vec<u8>> {
    if is_empty(value, now_ms) {
        return None;
    }
    let form = type_of(value, now_ms);
    let mut payload = Payload { bytes: vec![form], most };
    let mut encoder = Encoder::with(options, PACKER.take());
    encoder.value(form, value, now_ms, &mut payload);
    PACKER.set(encoder.into_packer());
    let mut payload = payload.bytes;
    payload.extend((types::version_of(form) as u16).to_le_bytes());
    payload.extend(Crc64::of(&payload).to_le_bytes());
    Some(payload)
}

/// Takes nothing more once it is too long.
struct Payload {
    bytes: Vec<u8>,
    most: usize,
}

impl Sink for Payload {
    fn put(&mut self, bytes: &[u8]) {
        if self.bytes.len() <= self.most {
            self.bytes.extend_from_slice(&bytes[..bytes.len().min(self.most.saturating_add(1))]);
        }
    }
}

/// The value of a payload.
pub fn restore(payload: &[u8], limits: &Limits) -> Result<Loaded, Trouble> {
    let (body, version) = verified(payload)?;
    let mut input = Input::new(body, body.len());
    input.unchecked = true;
    let form = input.byte()?;
    let value = Decoder { limits, version }.value(form, &mut input)?;
    if !input.is_at_end()? {
        return Err(input.trouble(What::Surplus));
    }
    Ok(value)
}

/// What stands before the version and the checksum, if they are right.
fn verified(payload: &[u8]) -> Result<(&[u8], u32), Trouble> {
    let trouble = |what, offset: usize| Trouble { what, offset: offset as u64 };
    let at = payload.len().checked_sub(FOOTER).ok_or(trouble(What::Checksum, payload.len()))?;
    let version = u16::from_le_bytes([payload[at], payload[at + 1]]) as u32;
    if !types::is_known(version) && version > 0 {
        return Err(trouble(What::Version(version), at));
    }
    let sum = u64::from_le_bytes(*payload.last_chunk::<SUM>().expect("it is longer"));
    if Crc64::of(&payload[..payload.len() - SUM]) != sum {
        return Err(trouble(What::Checksum, at + 2));
    }
    Ok((&payload[..at], version))
}
