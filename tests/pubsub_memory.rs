//! What publish and subscribe take of memory, and give back. One test, since all threads share the count.

#[path = "support/hand.rs"]
mod hand;

use hand::{Bench, request_of};
use spindle::base::memory::{Counting, allocated};
use spindle::engine::config::Source;
use spindle::engine::{COMMANDS, ClientId, Config};

#[global_allocator]
static ALLOCATOR: Counting<std::alloc::System> = Counting::new(std::alloc::System);

#[test]
fn memory_is_shared_and_comes_back() {
    a_large_message_is_in_memory_once_however_many_do_not_read_it();
    memory_comes_back_when_subscribers_vanish();
}

fn bench() -> Bench {
    let mut config = Config::default();
    config.set_one("maxclients", &[b"20000".to_vec()], Source::CommandLine).expect("a setting");
    Bench::with_table(config, &COMMANDS)
}

fn a_large_message_is_in_memory_once_however_many_do_not_read_it() {
    let mut bench = bench();
    let publisher = bench.open();
    let all: Vec<ClientId> = (0..1000).map(|_| bench.open()).collect();
    for (at, id) in all.iter().enumerate() {
        if at % 2 == 0 {
            bench.ask(*id, "HELLO 3");
        }
        bench.ask(*id, "SUBSCRIBE a");
    }
    let before = allocated();
    let message = request_of(&[b"PUBLISH", b"a", &vec![b'x'; 1_000_000]]);
    let mut sent = 0;
    while sent < message.len() {
        sent += bench.fill(publisher, &message[sent..]);
        bench.step(publisher);
    }
    drop(message);
    assert_eq!(bench.text(publisher), ":1000");
    let grown = allocated().saturating_sub(before);
    assert!(grown < 6_000_000, "{grown} bytes for a megabyte to 1000 clients");
    assert!(all.iter().all(|id| bench.engine.unsent(*id) > 1_000_000));
}

fn memory_comes_back_when_subscribers_vanish() {
    const CLIENTS: usize = 10_000;
    const CHANNELS: usize = 100;
    let mut bench = bench();
    let round = |bench: &mut Bench| {
        let all: Vec<ClientId> = (0..CLIENTS).map(|_| bench.open()).collect();
        for (at, id) in all.iter().enumerate() {
            // Some channels of its own, and some that all have.
            let names: Vec<String> =
                (0..CHANNELS).map(|n| if n < 10 { format!("common {n}") } else { format!("of {at}: {n}") }).collect();
            let words: Vec<&[u8]> =
                std::iter::once(&b"SUBSCRIBE"[..]).chain(names.iter().map(String::as_bytes)).collect();
            let bytes = request_of(&words);
            assert_eq!(bench.fill(*id, &bytes), bytes.len());
            bench.step(*id);
            let unsent = bench.engine.unsent(*id);
            bench.engine.wrote(*id, unsent);
        }
        let full = allocated();
        for id in all {
            bench.engine.close(id);
        }
        full
    };
    // What tables of clients keep for the next ones is there after the first time.
    round(&mut bench);
    let before = allocated();
    let full = round(&mut bench);
    let after = allocated();
    println!("{} bytes a subscription", (full - before) / (CLIENTS * CHANNELS));
    assert!(full - before > 50 * CLIENTS * CHANNELS, "it was measured at all");
    assert!(after.abs_diff(before) < 1 << 20, "{before} bytes before, {full} meanwhile, {after} after");
    bench.engine.check();
}
