//! MEMORY USAGE against the count of the allocator: what a key is said to take is what comes back when it is deleted, for
//! all types and encodings, small and large. A binary of its own, since the count is the process's. (A map of std's does not
//! tell what it takes, so not with the feature `plain-map`.)
#![cfg(not(feature = "plain-map"))]

#[path = "support/hand.rs"]
mod hand;

use hand::{Bench, request_of};
use spindle::base::memory::{Counting, Words, allocated};
use spindle::engine::{ClientId, Step};

#[global_allocator]
static ALLOCATOR: Counting<Words> = Counting::new(Words);

fn number(bench: &mut Bench, id: ClientId, line: &str) -> usize {
    let told = bench.ask(id, line);
    told.strip_prefix(':').and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{line}: {told}"))
}

/// What is held for keys and their values: all that the allocator has given out but for what the tables have ready.
fn held(bench: &mut Bench, id: ClientId) -> usize {
    let stats = bench.ask(id, "MEMORY STATS");
    let ready: usize = ["overhead.hashtable.main", "overhead.hashtable.expires"]
        .map(|name| {
            let at = stats.find(name).expect("a database") + name.len();
            stats[at..]
                .split(':')
                .nth(1)
                .and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok())
                .expect("a number")
        })
        .iter()
        .sum();
    drop(stats);
    allocated() - ready
}

fn word(n: usize, bytes: usize) -> String {
    format!("{n:08}{}", "x".repeat(bytes.saturating_sub(8)))
}

fn send(bench: &mut Bench, id: ClientId, words: &[String]) {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    for piece in request_of(&words).chunks(20_000) {
        assert_eq!(bench.fill(id, piece), piece.len());
        while bench.step(id) == Step::More {}
    }
    let told = bench.receive(id);
    assert!(!told.is_empty() && !told.starts_with(b"-"), "{}", told.escape_ascii());
}

/// What was unlinked is freed, and whatever else the loop would do.
fn rest(bench: &mut Bench) {
    for _ in 0..1000 {
        bench.engine.tick(bench.host.now, &mut bench.host);
    }
}

/// What is not known without counting it: the count of references of a shared string, and the nodes of a tree.
fn slack(name: &str, told: usize) -> usize {
    match name {
        "longer string" => 24,
        "hash with moments" => told / 8,
        _ => 0,
    }
}

/// How to make each: a name, its encoding, the command with what stands before the elements, and each element's words.
type Case = (&'static str, &'static str, &'static [&'static str], fn(usize) -> Vec<String>, usize);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("integer", "int", &["SET", "k"], |n| vec![(n + 123456).to_string()], 1),
    ("short string", "embstr", &["SET", "k"], |n| vec![word(n, 20)], 1),
    ("string", "raw", &["SET", "k"], |n| vec![word(n, 3000)], 1),
    ("string with a moment", "embstr", &["SET", "k", "PX", "100000"], |_| vec![], 0),
    ("long string", "raw", &["SET", "k"], |n| vec![word(n, 20_000)], 1),
    ("longer string", "raw", &["SET", "k"], |n| vec![word(n, 300_000)], 1),
    ("grown string", "raw", &["APPEND", "k"], |n| vec![word(n, 30_000)], 1),
    ("list", "listpack", &["RPUSH", "k"], |n| vec![word(n, 10)], 20),
    ("list of chunks", "quicklist", &["RPUSH", "k"], |n| vec![word(n, 10)], 20_000),
    ("list of chunks, cut", "quicklist", &["RPUSH", "k"], |n| vec![word(n, 10)], 20_000),
    ("list of long ones", "quicklist", &["RPUSH", "k"], |n| vec![word(n, 9_000)], 50),
    ("intset", "intset", &["SADD", "k"], |n| vec![(n * 7).to_string()], 200),
    ("set", "listpack", &["SADD", "k"], |n| vec![word(n, 10)], 20),
    ("large set", "hashtable", &["SADD", "k"], |n| vec![word(n, 10)], 20_000),
    ("large set, thinned", "hashtable", &["SADD", "k"], |n| vec![word(n, 10)], 20_000),
    ("set of long ones", "hashtable", &["SADD", "k"], |n| vec![word(n, 5_000)], 50),
    ("set of integers", "hashtable", &["SADD", "k"], |n| vec![(n * 7).to_string()], 5_000),
    ("hash", "listpack", &["HSET", "k"], |n| vec![word(n, 10), word(n, 20)], 20),
    ("large hash", "hashtable", &["HSET", "k"], |n| vec![word(n, 10), word(n, 20)], 20_000),
    ("hash of long ones", "hashtable", &["HSET", "k"], |n| vec![word(n, 10), word(n, 20_000)], 30),
    ("large hash, thinned", "hashtable", &["HSET", "k"], |n| vec![word(n, 10), word(n, 20)], 20_000),
    ("hash with moments", "hashtable", &["HSET", "k"], |n| vec![word(n, 10), word(n, 20)], 2_000),
    ("sorted set", "listpack", &["ZADD", "k"], |n| vec![n.to_string(), word(n, 10)], 20),
    ("large sorted set", "skiplist", &["ZADD", "k"], |n| vec![n.to_string(), word(n, 10)], 20_000),
    ("large sorted set, thinned", "skiplist", &["ZADD", "k"], |n| vec![n.to_string(), word(n, 10)], 20_000),
    ("sorted set of long ones", "skiplist", &["ZADD", "k"], |n| vec![n.to_string(), word(n, 5_000)], 50),
];

/// What is done to some before they are looked at.
const CHANGES: &[(&str, &[&str])] = &[
    ("grown string", &["APPEND k more", "APPEND k more", "GETRANGE k 0 3"]),
    ("list of chunks, cut", &["LTRIM k 700 -900", "LREM k 1 missing", "LPUSH k one", "RPOP k 5"]),
    ("large set, thinned", &["SPOP k 15000", "SADD k more"]),
    ("large hash, thinned", &["HDEL k 00000001xx 00000003xx", "HINCRBY k counter 5", "HSETNX k other x"]),
    ("large sorted set, thinned", &["ZPOPMIN k 9000", "ZREMRANGEBYSCORE k 12000 13000", "ZADD k 7 again"]),
    ("hash with moments", &["HEXPIRE k 1000 FIELDS 4 00000001xx 00000003xx 00000005xx 00000007xx"]),
];

#[test]
fn what_a_key_is_said_to_take_comes_back_when_it_is_deleted() {
    let mut bench = Bench::new();
    let id = bench.open();
    bench.ask(id, "SET stays x");
    let mut wrong = 0;
    for (name, encoding, before, element, count) in CASES {
        // Twice: the first time whatever is kept for the next one has its memory.
        for round in 0..2 {
            let mut words: Vec<String> = before.iter().map(|word| word.to_string()).collect();
            if *count == 0 {
                words.insert(2, word(1, 20));
                send(&mut bench, id, &words);
            }
            let elements: Vec<Vec<String>> = (0..*count).map(element).collect();
            for some in elements.chunks(count.div_ceil(7).max(1)) {
                send(&mut bench, id, &[words.clone(), some.concat()].concat());
            }
            assert_eq!(bench.ask(id, "OBJECT ENCODING k"), format!("${} {encoding}", encoding.len()), "{name}");
            for change in CHANGES.iter().filter(|(of, _)| of == name).flat_map(|(_, changes)| *changes) {
                assert!(!bench.ask(id, change).starts_with('-'), "{change}");
            }
            rest(&mut bench);
            let told = number(&mut bench, id, "MEMORY USAGE k");
            assert_eq!(number(&mut bench, id, "MEMORY USAGE k SAMPLES 0"), told);
            assert_eq!(number(&mut bench, id, "MEMORY USAGE k SAMPLES 5"), told);
            let full = held(&mut bench, id);
            assert_eq!(bench.ask(id, "DEL k"), ":1");
            rest(&mut bench);
            let back = full as i64 - held(&mut bench, id) as i64;
            if round == 1 {
                println!("{name}: {told} told, {back} came back");
                wrong += ((told as i64).abs_diff(back) > slack(name, told) as u64) as usize;
            }
        }
    }
    assert_eq!(wrong, 0, "of {} cases", CASES.len());
}
