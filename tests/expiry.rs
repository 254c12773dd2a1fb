//! Keys that are due, as the engine sees to them: in slices, with clients served in between, whatever else happens to the
//! keys, their databases and the clock.

#[path = "support/hand.rs"]
mod hand;

use hand::Bench;
use spindle::engine::config::Source;
use spindle::engine::{COMMANDS, ClientId, Config, Step, TICKS_PER_US};

const YEAR_US: i64 = 365 * 24 * 3600 * 1_000_000;

/// So many keys that are due together in a second.
fn full(keys: usize) -> (Bench, ClientId) {
    let mut config = Config::default();
    config.set_one("enable-debug-command", &[b"yes".to_vec()], Source::CommandLine).unwrap_or_else(|_| panic!());
    let mut bench = Bench::with_table(config, &COMMANDS);
    let id = bench.open();
    let at_ms = bench.host.now.wall_ms() + 1000;
    let requests: Vec<u8> = (0..keys).flat_map(|n| hand::request(&format!("SET key:{n} v PXAT {at_ms}"))).collect();
    for piece in requests.chunks(20_000) {
        bench.fill(id, piece);
        bench.run(id);
        bench.receive(id);
    }
    (bench, id)
}

fn size(bench: &mut Bench, id: ClientId) -> usize {
    bench.ask(id, "DBSIZE").strip_prefix(':').and_then(|text| text.parse().ok()).expect("a number")
}

/// What INFO says of one database: keys, and those that expire.
fn counts(bench: &mut Bench, id: ClientId, database: usize) -> String {
    let info = bench.ask(id, "INFO keyspace");
    let line = info.split_whitespace().find_map(|line| line.strip_prefix(&format!("db{database}:keys=")));
    line.map_or_else(String::new, |line| line.split(",avg_ttl").next().unwrap_or_default().replace(",expires=", " "))
}

#[test]
fn many_that_are_due_at_once_go_in_slices_and_nobody_sees_them() {
    let (mut bench, id) = full(6_000);
    let before = size(&mut bench, id);
    // Each reading of the ticks finds that 50 us have passed: a slice of half a millisecond is ten of them.
    bench.host.drift = 50 * TICKS_PER_US;
    bench.later(1_008_000);
    let (mut slices, mut left) = (1, size(&mut bench, id));
    assert!(left < before && before - left <= 11 * 32, "{left} of {before}");
    while left > 0 {
        assert_eq!(bench.engine.next_deadline(bench.host.now), Some(bench.host.now.mono_us), "it goes on at once");
        assert_eq!(bench.ask(id, &format!("GET key:{}", slices * 7)), "$-1");
        assert_eq!(bench.ask(id, "RANDOMKEY"), "$-1");
        bench.tick();
        (slices, left) = (slices + 1, size(&mut bench, id));
    }
    assert!(slices >= 17, "{slices} slices");
    assert_eq!(counts(&mut bench, id, 0), "");
    assert!(bench.ask(id, "INFO stats").contains("expired_keys:6000"));
}

#[test]
fn while_commands_come_they_have_half_of_the_time() {
    let (mut bench, id) = full(6_000);
    bench.host.drift = 5 * TICKS_PER_US;
    bench.later(1_008_000);
    let mut left = size(&mut bench, id);
    while left > 1000 {
        // The turn's commands took 100 us.
        assert_eq!(bench.ask(id, "ECHO x"), "$1 x");
        bench.host.ticks += 100 * TICKS_PER_US;
        let begun = bench.host.ticks;
        bench.tick();
        let took_us = (bench.host.ticks - begun) / TICKS_PER_US;
        assert!((60..=180).contains(&took_us), "{took_us} us");
        left = size(&mut bench, id);
    }
}

#[test]
fn nothing_goes_by_itself_while_that_is_switched_off() {
    let (mut bench, id) = full(100);
    bench.ask(id, "DEBUG SET-ACTIVE-EXPIRE 0");
    bench.later(5_000_000);
    assert!(bench.engine.next_deadline(bench.host.now).is_none_or(|at_us| at_us > bench.host.now.mono_us));
    assert_eq!((size(&mut bench, id), bench.ask(id, "GET key:1")), (100, "$-1".into()));
    assert_eq!(counts(&mut bench, id, 0), "99 99");
    bench.ask(id, "DEBUG SET-ACTIVE-EXPIRE 1");
    bench.tick();
    assert_eq!(size(&mut bench, id), 0);
}

#[test]
fn a_deadline_goes_where_its_key_goes() {
    let mut bench = Bench::new();
    let id = bench.open();
    for line in ["SET moves x PX 1000", "SET renames x PX 1000", "SET copies x PX 1000", "SET swaps x PX 1000"] {
        bench.ask(id, line);
    }
    bench.ask(id, "SET stays x PX 1000");
    bench.ask(id, "SET keeps x PX 1000");
    assert_eq!(bench.ask(id, "MOVE moves 1"), ":1");
    assert_eq!(bench.ask(id, "RENAME renames renamed"), "+OK");
    assert_eq!(bench.ask(id, "COPY copies copy DB 1"), ":1");
    assert_eq!(bench.ask(id, "COPY copies copy"), ":1");
    assert_eq!(bench.ask(id, "PERSIST keeps"), ":1");
    assert_eq!(counts(&mut bench, id, 0), "6 5");
    assert_eq!(counts(&mut bench, id, 1), "2 2");
    assert_eq!(bench.ask(id, "SWAPDB 0 1"), "+OK");
    assert_eq!(counts(&mut bench, id, 1), "6 5");
    bench.ask(id, "SET flushed x PX 500");
    bench.ask(id, "FLUSHDB");
    assert_eq!(counts(&mut bench, id, 0), "");
    bench.ask(id, "SET flushed x");
    bench.later(999_000);
    assert_eq!(counts(&mut bench, id, 1), "6 5");
    bench.later(9_000);
    assert_eq!(counts(&mut bench, id, 1), "1 0");
    assert_eq!(counts(&mut bench, id, 0), "1 0", "the key of the same name is another");
}

#[test]
fn the_clock_may_jump_a_year_either_way() {
    let (mut bench, id) = full(100);
    bench.host.now.wall_us -= YEAR_US;
    bench.tick();
    assert_eq!(size(&mut bench, id), 100);
    // What is set now counts by the new time.
    bench.ask(id, "SET new x PX 100");
    bench.later(108_000);
    assert_eq!(size(&mut bench, id), 100);
    // Those of before would wait for a year.
    assert_eq!(bench.ask(id, "PTTL key:1"), format!(":{}", YEAR_US / 1000 + 1000 - 108));
    bench.ask(id, "PEXPIRE key:1 50");
    bench.later(58_000);
    assert_eq!(size(&mut bench, id), 99);
    bench.host.now.wall_us += 2 * YEAR_US;
    bench.tick();
    assert_eq!(size(&mut bench, id), 0);
}

/// As many as a million in a second. A slice is counted in looks at the time, of which one comes after at most 32 keys.
#[test]
fn a_million_keys_a_second_go_as_they_are_due_in_slices() {
    const KEYS_PER_MS: usize = 1000;
    const SPAN_MS: usize = 250;
    let (mut bench, id) = full(0);
    let begin_ms = bench.host.now.wall_ms() + 10_000;
    for ms in 0..SPAN_MS {
        let at_ms = begin_ms + ms as i64;
        let keys = ms * KEYS_PER_MS..(ms + 1) * KEYS_PER_MS;
        let requests: Vec<u8> = keys.flat_map(|n| hand::request(&format!("SET key:{n} v PXAT {at_ms}"))).collect();
        for piece in requests.chunks(20_000) {
            assert_eq!(bench.fill(id, piece), piece.len());
            while bench.step(id) == Step::More {}
            let unsent = bench.engine.unsent(id);
            bench.engine.wrote(id, unsent);
        }
    }
    bench.later(9_999_000);
    assert_eq!(size(&mut bench, id), KEYS_PER_MS * SPAN_MS);
    // 32 keys are taken to need ten microseconds.
    bench.host.drift = 10 * TICKS_PER_US;
    let (mut longest, mut slices) = (0, 0);
    // The finest buckets have 8 ms, and what is due is seen to when a bucket's time is over.
    for _ in 0..SPAN_MS + 9 {
        bench.host.pass(1000);
        let begun = bench.host.ticks;
        // Half of the time is for others.
        while bench.host.ticks - begun < 500 * TICKS_PER_US
            && bench.engine.next_deadline(bench.host.now) == Some(bench.host.now.mono_us)
        {
            let before = bench.host.ticks;
            bench.engine.tick(bench.host.now, &mut bench.host);
            longest = longest.max(bench.host.ticks - before);
            slices += 1;
        }
    }
    assert!(longest <= 1000 * TICKS_PER_US, "{longest} ticks in a slice");
    assert!(slices > SPAN_MS / 8, "{slices} slices");
    assert_eq!(size(&mut bench, id), 0, "after {slices} slices");
}
