//! Short bytes as one word, so that they are moved in registers: a call of memmove for each few bytes costs more than they do.

/// Up to eight bytes, the first lowest, and zeros behind them.
#[inline(always)]
pub fn of_up_to_eight(bytes: &[u8]) -> Option<u64> {
    let len = bytes.len();
    Some(match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        _ if len > 8 => return None,
        // Where the two halves overlap they are the same bytes.
        (Some(first), Some(last)) => {
            u32::from_le_bytes(*first) as u64 | (u32::from_le_bytes(*last) as u64) << (8 * (len - 4))
        }
        _ if len == 0 => 0,
        _ => bytes[0] as u64 | (bytes[len / 2] as u64) << (8 * (len / 2)) | (bytes[len - 1] as u64) << (8 * (len - 1)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_bytes_in_their_order() {
        let bytes = *b"\x81bcdefgh\xffj";
        for len in 0..=bytes.len() {
            let mut word = [0; 8];
            let wanted = (len <= 8).then(|| {
                word[..len].copy_from_slice(&bytes[..len]);
                u64::from_le_bytes(word)
            });
            assert_eq!(of_up_to_eight(&bytes[..len]), wanted, "{len} bytes");
        }
    }
}
