//! What is recorded of sets: chance is not left to who reads it.
use crate::commands::harness::play;

#[test]
fn what_was_chosen_is_recorded() {
    play(
        "
        SADD k a a => new k, sadd k => =
        SADD k a
        SPOP k => spop k, del k => SREM k a
        SPOP k
        SPOP k 3
        SADD k 7 => new k, sadd k => =
        SPOP k 1 => spop k, del k => DEL k
        SADD k 7 => new k, sadd k => =
        SPOP k 0
        SMOVE k d 7 => srem k, del k, new d, sadd d => =
        SUNIONSTORE k d => new k, sunionstore k => =
        SDIFFSTORE k d d => del k => =
        SDIFFSTORE k d d
        SREM d 7 8 => srem d, del d => =
        ",
    );
}
