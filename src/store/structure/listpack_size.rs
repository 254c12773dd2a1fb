//! What an element takes in a listpack: Redis's thresholds count in these bytes.
//! (<https://github.com/antirez/listpack/blob/master/listpack.md>)

/// What a listpack takes beside its elements: its header and its end.
pub const EMPTY: usize = 7;

/// The encoding, and behind it how long that was.
#[inline]
fn with_back_length(bytes: usize) -> usize {
    bytes
        + match bytes {
            0..128 => 1,
            128..16384 => 2,
            16384..2_097_152 => 3,
            2_097_152..268_435_456 => 4,
            _ => 5,
        }
}

#[inline]
pub fn string(length: usize) -> usize {
    with_back_length(match length {
        0..64 => 1 + length,
        64..4096 => 2 + length,
        _ => 5 + length,
    })
}

#[inline]
pub fn integer(integer: i64) -> usize {
    const I24: i64 = 1 << 23;
    const I13: i64 = 1 << 12;
    match integer {
        0..128 => 2,
        _ if (-I13..I13).contains(&integer) => 3,
        _ if i16::try_from(integer).is_ok() => 4,
        _ if (-I24..I24).contains(&integer) => 5,
        _ if i32::try_from(integer).is_ok() => 6,
        _ => 10,
    }
}
