//! The parser must make the same of the same bytes however they come. The first byte of an input says how they are cut.
#![no_main]

#[path = "../../tests/support/cuts.rs"]
mod cuts;

use libfuzzer_sys::fuzz_target;
use spindle::base::random::Chance;
use spindle::wire::lexer::Limits;

fuzz_target!(|input: &[u8]| {
    let Some((seed, bytes)) = input.split_first() else { return };
    let limits = Limits { bulk_bytes_max: 1 << 20, authenticated: seed % 4 > 0 };
    let mut chance = Chance::from_seed(*seed as u64);
    let cut = cuts::parse(bytes, &limits, |left| 1 + chance.below(left as u64) as usize);
    assert_eq!(cut, cuts::parse(bytes, &limits, |left| left));
});
