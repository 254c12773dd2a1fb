//! KEYS and SCAN of many keys: they work in slices, and other clients are served between them.

#[path = "support/hand.rs"]
mod hand;

use hand::{Bench, request};
use std::collections::HashSet;

const KEYS: usize = 13_000;

fn full() -> Bench {
    let mut bench = Bench::new();
    let id = bench.open();
    for first in (0..KEYS).step_by(500) {
        let pairs: String = (first..first + 500).map(|n| format!(" key:{n} {n}")).collect();
        assert_eq!(bench.ask(id, &format!("MSET{pairs}")), "+OK");
    }
    bench
}

#[test]
fn others_are_served_between_slices() {
    let mut bench = full();
    let [slow, quick] = [(); 2].map(|()| bench.open());
    bench.fill(slow, &[request("KEYS *"), request("ECHO after")].concat());
    let (reply, slices) = bench.in_slices(slow, "$5 after", |bench, slices| {
        // What comes and goes meanwhile may be there or not; the rest is, once.
        assert_eq!(bench.ask(quick, &format!("DEL key:{slices}")), ":1");
        assert_eq!(bench.ask(quick, &format!("SET new:{slices} v")), "+OK");
        assert_eq!(bench.ask(quick, "ECHO quick"), "$5 quick");
    });
    assert!(slices > 1 + KEYS / 4096, "{slices} slices");
    let mut words = reply.split(' ');
    let count: usize = words.next().unwrap().strip_prefix('*').expect("an array").parse().unwrap();
    let names: Vec<&str> = words.skip(1).step_by(2).take(count).collect();
    let unique: HashSet<&str> = names.iter().copied().collect();
    assert_eq!((names.len(), unique.len()), (count, count));
    assert!((slices..KEYS).all(|n| unique.contains(format!("key:{n}").as_str())));
    assert!(reply.ends_with(&format!("{} $5 after", names[count - 1])), "nothing behind the last name");
}

#[test]
fn few_of_many_are_found() {
    let mut bench = full();
    let id = bench.open();
    assert_eq!(bench.ask(id, "KEYS key:123?x"), "*0");
    assert_eq!(bench.ask(id, "KEYS key:1234"), "*1 $8 key:1234");
    assert_eq!(bench.ask(id, "PEXPIRE key:1234 10"), ":1");
    bench.host.pass(10_000);
    assert_eq!(bench.ask(id, "KEYS key:1234"), "*0", "due, and not yet removed");
    assert_eq!(bench.ask(id, "DBSIZE"), format!(":{KEYS}"));
    assert_eq!(bench.ask(id, "SCAN 0 MATCH key:1234 COUNT 1000000"), "*2 $1 0 *0");
    assert_eq!(bench.ask(id, "DBSIZE"), format!(":{}", KEYS - 1));
}

/// A SCAN that asks for all at once is served like KEYS.
#[test]
fn a_scan_with_a_large_count_works_in_slices() {
    let mut bench = full();
    let [slow, quick] = [(); 2].map(|()| bench.open());
    bench.fill(slow, &[request("SCAN 0 COUNT 12000"), request("ECHO after")].concat());
    let (reply, slices) = bench.in_slices(slow, "$5 after", |bench, _| {
        assert_eq!(bench.ask(quick, "ECHO quick"), "$5 quick");
    });
    // Three to find them, three to tell them, the last of the one being the first of the other.
    assert!(slices >= 5, "{slices} slices");
    let words: Vec<&str> = reply.split(' ').collect();
    assert_ne!(words[2], "0", "some are left");
    let count: usize = words[3].strip_prefix('*').expect("an array").parse().unwrap();
    let mut names: HashSet<&str> = words[4..4 + 2 * count].iter().skip(1).step_by(2).copied().collect();
    assert!((12_000..12_010).contains(&count), "{count}");
    assert_eq!(names.len(), count);
    let rest = bench.ask(quick, &format!("SCAN {} COUNT 4000", words[2]));
    let rest: Vec<&str> = rest.split(' ').collect();
    assert_eq!(rest[2], "0");
    rest[4..].iter().skip(1).step_by(2).for_each(|name| assert!(names.insert(name), "{name} came twice"));
    assert_eq!(names.len(), KEYS);
}

/// COUNT is what a call costs, and cursors end at 2^53, where doubles cease to be exact.
#[test]
fn a_scan_sees_each_key_once() {
    let mut bench = full();
    let id = bench.open();
    let (mut seen, mut cursor, mut calls) = (HashSet::new(), "0".to_string(), 0);
    loop {
        let reply = bench.ask(id, &format!("SCAN {cursor} COUNT 500"));
        let mut words = reply.split(' ').skip(2);
        cursor = words.next().unwrap().to_string();
        let names: Vec<&str> = words.skip(2).step_by(2).collect();
        assert!(names.len() <= 510 && (names.len() >= 500 || cursor == "0"), "{} at once", names.len());
        names.iter().for_each(|name| assert!(seen.insert(name.to_string()), "{name} came twice"));
        calls += 1;
        if cursor == "0" {
            break;
        }
        assert!(cursor.parse::<u64>().unwrap() < 1 << 53);
    }
    assert_eq!(seen.len(), KEYS);
    assert!((KEYS / 510..=KEYS / 500 + 1).contains(&calls), "{calls} calls");
}
