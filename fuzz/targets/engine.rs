//! The engine must take any bytes, answer in whole replies, and hold its invariants. The first byte of an input says how
//! the bytes are cut.
#![no_main]

#[path = "../../tests/support/hand.rs"]
mod hand;

use hand::Bench;
use libfuzzer_sys::fuzz_target;
use spindle::base::random::Chance;

fuzz_target!(|input: &[u8]| {
    let Some((seed, mut bytes)) = input.split_first() else { return };
    let mut chance = Chance::from_seed(*seed as u64);
    let mut bench = Bench::new();
    let id = bench.open();
    while !bytes.is_empty() && bench.engine.closing(id).is_none() {
        let piece = 1 + chance.below(bytes.len() as u64) as usize;
        let count = bench.fill(id, &bytes[..piece]);
        bytes = &bytes[count..];
        bench.run(id);
        bench.receive(id);
        bench.later(chance.below(2000));
    }
    bench.close(id);
    bench.engine.check();
});
