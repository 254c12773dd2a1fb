//! Transactions where a transcript cannot look: what is recorded, what they hold and for how long, commands that wait or
//! go on in slices, clients that vanish. The engine is driven by hand.

#[path = "support/fakes.rs"]
mod fakes;
#[path = "support/hand.rs"]
mod hand;

use fakes::FAKES;
use hand::{Bench, request};
use spindle::engine::config::Source;
use spindle::engine::{ClientId, Close, Config, Step};

fn fields(bench: &mut Bench, id: ClientId, section: &str, names: &[&str]) -> Vec<String> {
    let text = bench.ask(id, section);
    let value = |name: &&str| {
        let found = text.split([' ', '\n']).find_map(|field| field.strip_prefix(*name));
        found.unwrap_or_else(|| panic!("no {name} in {text}")).to_string()
    };
    names.iter().map(value).collect()
}

#[test]
fn a_transaction_is_recorded_as_one_change() {
    let mut bench = Bench::new();
    let id = bench.open();
    bench.engine.start_recording();
    let transactions: &[&[&str]] = &[
        &["SET a 1 PX 500", "GET a", "NOSUCH", "INCR a"],
        &["SET a 1 PX 500", "GET a", "SELECT 1", "INCR b", "INCRBYFLOAT a 0.5", "SET c 1 NX GET EX 0"],
        &["GET a", "DEL none"],
        &["INCR d"],
        &[],
    ];
    for lines in transactions {
        bench.send(id, "MULTI");
        lines.iter().for_each(|line| bench.send(id, line));
        bench.send(id, "EXEC");
    }
    bench.send(id, "INCR after");
    let (entries, _) = bench.engine.take_record();
    let lines: Vec<String> =
        entries.iter().map(|(database, words)| format!("{database}: {}", words.request())).collect();
    let at = bench.host.now.wall_ms() + 500;
    let expected = [
        "0: MULTI",
        &format!("0: SET a 1 PXAT {at}"),
        "1: INCR b",
        "1: SET a 0.5 KEEPTTL",
        "1: EXEC",
        "1: INCR d",
        "1: INCR after",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn who_has_killed_itself_is_answered_no_more() {
    let mut bench = Bench::new();
    let id = bench.open();
    for line in ["MULTI", "ECHO a", "CLIENT KILL TYPE normal SKIPME no", "SET k v", "EXEC"] {
        bench.send(id, line);
    }
    let queued = "+OK +QUEUED +QUEUED +QUEUED";
    assert_eq!(bench.text(id), format!("{queued} *3 $1 a :1"), "as Redis leaves it");
    let other = bench.open();
    assert_eq!(bench.ask(other, "GET k"), "$1 v", "what followed was done all the same");
}

#[test]
fn what_waits_does_not_and_what_goes_on_in_slices_runs_to_its_end() {
    let mut bench = Bench::with_table(Config::default(), &FAKES);
    let [one, waiter] = [(); 2].map(|()| bench.open());
    bench.send(waiter, "WAIT other");
    for line in ["MULTI", "WAIT k FOR 1000", "COUNT 95", "SET other x", "GET other", "WAIT other", "MULTI"] {
        bench.send(one, line);
    }
    bench.receive(one);
    // Who waits for a key is served when the transaction has ended, and not in the middle of it.
    assert_eq!(bench.ask(one, "EXEC"), "*5 +LATE :95 +OK $1 x $1 x");
    assert_eq!(bench.text(waiter), "");
    bench.send(one, "MULTI");
    bench.send(one, "SET other y");
    bench.send(one, "EXEC");
    assert_eq!(bench.text(waiter), "$1 y");
    assert_eq!(bench.engine.next_deadline(bench.host.now).map(|at| at > bench.host.now.mono_us + 500_000), Some(false));
}

#[test]
fn a_million_commands_are_queued_in_bounds() {
    const MANY: usize = 1_000_000;
    let mut bench = Bench::new();
    let [id, other] = [(); 2].map(|()| bench.open());
    bench.send(id, "MULTI");
    let requests = request("INCR k").repeat(1000);
    for _ in 0..MANY / 1000 {
        assert_eq!(bench.fill(id, &requests), requests.len());
        bench.run(id);
        bench.receive(id);
    }
    let list = format!("CLIENT LIST ID {}", id.serial);
    let [queued, bytes] = fields(&mut bench, other, &list, &["multi=", "multi-mem="]).try_into().expect("two");
    assert_eq!(queued, MANY.to_string());
    assert!(bytes.parse::<usize>().is_ok_and(|bytes| bytes < 60 * MANY), "{bytes} bytes");
    assert_eq!(bench.ask(other, "GET k"), "$-1");
    bench.send(id, "EXEC");
    let replies = bench.receive(id);
    assert!(replies.starts_with(b"*1000000\r\n:1\r\n:2\r\n") && replies.ends_with(b":1000000\r\n"));
    assert_eq!(fields(&mut bench, other, &list, &["multi=", "multi-mem="]), ["-1", "0"]);
}

#[test]
fn who_queues_more_than_the_limit_is_closed() {
    let mut config = Config::default();
    config.set_one("client-query-buffer-limit", &[b"1mb".to_vec()], Source::CommandLine).expect("it is a setting");
    let mut bench = Bench::with_table(config, &spindle::engine::COMMANDS);
    let [id, keys] = [(); 2].map(|()| bench.open());
    bench.send(id, "MULTI");
    let queued = (0..100_000).find(|_| {
        bench.send(id, "INCR key");
        bench.receive(id);
        bench.engine.closing(id) == Some(Close::Now)
    });
    assert!(queued.is_some_and(|queued| queued > 10_000), "{queued:?}");
    // So much is not watched either, but that is only refused.
    let refused = (0..100_000).find(|n| bench.ask(keys, &format!("WATCH key:{n}")) != "+OK");
    assert!(refused.is_some_and(|watched| watched > 5_000), "{refused:?}");
    assert_eq!(bench.ask(keys, "MULTI"), "+OK");
    assert_eq!(bench.ask(keys, "EXEC"), "*0");
    assert_eq!(bench.ask(keys, "WATCH key:1"), "+OK");
}

#[test]
fn a_million_watched_keys_are_forgotten_in_slices() {
    const MANY: usize = 1_000_000;
    let mut bench = Bench::new();
    let [id, other] = [(); 2].map(|()| bench.open());
    for from in (0..MANY).step_by(200_000) {
        let keys: String = (from..from + 200_000).map(|n| format!(" key:{n}")).collect();
        assert_eq!(bench.ask(id, &format!("WATCH{keys}")), "+OK");
    }
    const NAMES: &[&str] = &["watching_clients:", "total_watched_keys:"];
    assert_eq!(fields(&mut bench, other, "INFO clients", NAMES), ["1", "1000000"]);
    bench.send(other, "SET key:77 x");
    bench.receive(other);
    // It watches nothing now, though most of the keys are still known.
    let list = format!("CLIENT LIST ID {}", id.serial);
    assert_eq!(fields(&mut bench, other, &list, &["flags=", "watch="]), ["d", "0"]);
    assert_eq!(fields(&mut bench, other, "INFO clients", NAMES)[0], "0");
    bench.close(id);
    let mut ticks = 0;
    while bench.engine.next_deadline(bench.host.now).is_some_and(|at| at <= bench.host.now.mono_us) {
        bench.engine.tick(bench.host.now, &mut bench.host);
        ticks += 1;
    }
    assert!((500..5000).contains(&ticks), "{ticks} slices");
    assert_eq!(fields(&mut bench, other, "INFO clients", NAMES), ["0", "0"]);
    bench.engine.check();
}

#[test]
fn who_vanishes_in_the_middle_leaves_nothing_to_who_comes_next() {
    let mut bench = Bench::new();
    let [old, other] = [(); 2].map(|()| bench.open());
    for line in ["WATCH k", "MULTI", "SET k 1"] {
        bench.send(old, line);
    }
    bench.close(old);
    let new = bench.open();
    assert_eq!(new.key, old.key);
    assert_eq!(bench.ask(new, "EXEC"), "-ERR EXEC without MULTI");
    assert_eq!(bench.ask(new, "GET k"), "$-1");
    assert_eq!(bench.ask(other, "SET k 2"), "+OK");
    for (line, reply) in [("MULTI", "+OK"), ("GET k", "+QUEUED"), ("EXEC", "*1 $1 2")] {
        assert_eq!(bench.ask(new, line), reply);
    }
    // One that has sent its last word is served to its end.
    bench.fill(new, &[request("MULTI"), request("SET k 3"), request("EXEC"), request("MULTI")].concat());
    bench.engine.ended(new);
    assert_eq!(bench.step(new), Step::Closing);
    assert_eq!(bench.text(new), "+OK +QUEUED *1 +OK +OK");
    bench.sweep();
    assert_eq!(bench.ask(other, "GET k"), "$1 3");
}

#[test]
fn a_whole_transaction_in_one_pipeline_cut_anywhere() {
    let bytes: Vec<u8> = ["SET k 5", "WATCH k", "MULTI", "INCR k", "GET", "EXEC", "MULTI", "INCR k", "EXEC", "GET k"]
        .map(request)
        .concat();
    for at in 1..bytes.len() {
        let mut bench = Bench::new();
        let id = bench.open();
        for piece in [&bytes[..at], &bytes[at..]] {
            bench.fill(id, piece);
            bench.run(id);
        }
        let expected = "+OK +OK +OK +QUEUED -ERR wrong number of arguments for 'get' command -EXECABORT Transaction \
                        discarded because of previous errors. +OK +QUEUED *1 :6 $1 6";
        assert_eq!(bench.text(id), expected, "cut at {at}");
    }
}
