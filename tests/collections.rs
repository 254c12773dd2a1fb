//! Collections where a transcript cannot look: walks while members come and go, a sort in slices, results that would be too
//! large, many clients that wait. `SPINDLE_SEED=n` begins elsewhere.

#[path = "support/hand.rs"]
mod hand;

use hand::{Bench, request};
use spindle::base::random::Chance;
use spindle::engine::ClientId;
use std::collections::{BTreeMap, BTreeSet};

// --- Walks

/// How a kind of collection is written and read.
struct Kind {
    scan: &'static str,
    /// Words that stand in a reply for each member.
    width: usize,
    add: fn(&str) -> String,
    remove: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind { scan: "SSCAN", width: 1, add: |member| format!("SADD k {member}"), remove: "SREM" },
    Kind { scan: "HSCAN", width: 2, add: |member| format!("HSET k {member} v"), remove: "HDEL" },
    Kind { scan: "ZSCAN", width: 2, add: |member| format!("ZADD k {} {member}", member.len()), remove: "ZREM" },
];

/// Some at a time, whatever the answers are.
fn tell_all(bench: &mut Bench, id: ClientId, lines: &[String]) {
    for lines in lines.chunks(300) {
        let requests: Vec<u8> = lines.iter().flat_map(|line| request(line)).collect();
        bench.ask(id, std::str::from_utf8(&requests).expect("plain words"));
    }
}

/// What is a table here comes whole too if Redis keeps it as a listpack or an intset.
#[test]
fn what_redis_keeps_in_a_row_comes_whole() {
    let mut bench = Bench::new();
    let id = bench.open();
    let limits = ["hash-max-listpack", "set-max-listpack", "set-max-intset", "zset-max-listpack"];
    limits.iter().for_each(|limit| assert_eq!(bench.ask(id, &format!("CONFIG SET {limit}-entries 5000")), "+OK"));
    let [set, hash, sorted_set] = &KINDS;
    for (kind, word, encoding) in
        [(set, "m", "listpack"), (set, "", "intset"), (hash, "m", "listpack"), (sorted_set, "m", "listpack")]
    {
        let adds: Vec<String> = (0..3_000).map(|n| (kind.add)(&format!("{word}{n}"))).collect();
        tell_all(&mut bench, id, &adds);
        assert_eq!(bench.ask(id, "OBJECT ENCODING k"), format!("${} {encoding}", encoding.len()));
        let reply = bench.ask(id, &format!("{} k 0 COUNT 1", kind.scan));
        assert!(reply.starts_with(&format!("*2 $1 0 *{} ", 3_000 * kind.width)), "{}", &reply[..40]);
        bench.ask(id, "DEL k");
    }
}

/// The cursor is one of a table, and the collection is a row by then: what was met is not met again.
#[test]
fn a_walk_goes_on_in_what_has_become_a_row() {
    let rebuild = ["SUNIONSTORE k k", "", "ZUNIONSTORE k 1 k"];
    for (kind, rebuild) in KINDS.iter().zip(rebuild).filter(|(_, rebuild)| !rebuild.is_empty()) {
        let mut bench = Bench::new();
        let id = bench.open();
        let names: Vec<String> = (0..400).map(|n| if n % 2 == 0 { format!("m{n}") } else { n.to_string() }).collect();
        tell_all(&mut bench, id, &names.iter().map(|name| (kind.add)(name)).collect::<Vec<_>>());
        let walk = |bench: &mut Bench, cursor: &str, met: &mut Vec<String>| {
            let reply = bench.ask(id, &format!("{} k {cursor} COUNT 200", kind.scan));
            let words: Vec<&str> = reply.split(' ').collect();
            met.extend(words[4..].chunks(2).step_by(kind.width).map(|word| word[1].to_string()));
            words[2].to_string()
        };
        let mut met = vec![];
        let cursor = walk(&mut bench, "0", &mut met);
        assert_ne!(cursor, "0");
        let gone: Vec<String> = names[40..].iter().map(|name| format!("{} k {name}", kind.remove)).collect();
        tell_all(&mut bench, id, &gone);
        bench.ask(id, rebuild);
        assert_eq!(bench.ask(id, "OBJECT ENCODING k"), "$8 listpack");
        assert_eq!(walk(&mut bench, &cursor, &mut met), "0");
        met.retain(|name| names[..40].contains(name));
        met.sort();
        let mut stayed = names[..40].to_vec();
        stayed.sort();
        assert_eq!(met, stayed, "{}", kind.scan);
    }
}

/// Whatever comes and goes meanwhile, and however the collection grows, shrinks or becomes another form: what stays is met
/// once, nothing is met twice, and a cursor is a number that doubles hold.
#[test]
fn a_walk_meets_what_stays_exactly_once() {
    let seed = std::env::var("SPINDLE_SEED").map_or(1, |seed| seed.parse().expect("SPINDLE_SEED is a number"));
    for round in 0..12 {
        let seed = seed + round;
        let (kind, mut chance) = (&KINDS[round as usize % 3], Chance::from_seed(seed));
        let mut bench = Bench::new();
        let id = bench.open();
        let name = |chance: &mut Chance| match chance.below(2) {
            0 => chance.below(9_000).to_string(),
            _ => format!("m:{}", chance.below(9_000)),
        };
        let (mut there, mut lines) = (BTreeSet::new(), vec![]);
        let begins_with = [20, 300, 4_000, 9_000][chance.below(4) as usize];
        while there.len() < begins_with {
            let member = name(&mut chance);
            lines.push((kind.add)(&member));
            there.insert(member);
        }
        tell_all(&mut bench, id, &lines);
        // What goes away once, though it may come again, promises nothing.
        let (mut stays, mut met, mut new) = (there.clone(), BTreeMap::<String, usize>::new(), BTreeSet::new());
        let (mut cursor, grows, churn) = ("0".to_string(), chance.below(3), chance.below(400));
        loop {
            let count = 1 + chance.below(200);
            let reply = bench.ask(id, &format!("{} k {cursor} COUNT {count}", kind.scan));
            let words: Vec<&str> = reply.split(' ').collect();
            for member in words[4..].chunks(2).step_by(kind.width).map(|word| word[1]) {
                assert!(there.contains(member), "{} of SPINDLE_SEED={seed}: {member} is not there", kind.scan);
                *met.entry(member.to_string()).or_default() += 1;
            }
            cursor = words[2].to_string();
            assert!(cursor.parse::<u64>().unwrap() < 1 << 53);
            if cursor == "0" {
                break;
            }
            lines.clear();
            for _ in 0..churn {
                let member = name(&mut chance);
                if chance.below(3) < grows {
                    lines.push((kind.add)(&member));
                    if there.insert(member.clone()) {
                        new.insert(member);
                    }
                } else {
                    lines.push(format!("{} k {member}", kind.remove));
                    there.remove(&member);
                    stays.remove(&member);
                }
            }
            tell_all(&mut bench, id, &lines);
            if there.is_empty() {
                break;
            }
        }
        for member in &stays {
            assert_eq!(met.get(member), Some(&1), "{} of SPINDLE_SEED={seed}: {member}", kind.scan);
        }
        let twice = met.iter().find(|(member, times)| **times > 1 && !new.contains(*member));
        assert_eq!(twice, None, "{} of SPINDLE_SEED={seed}", kind.scan);
    }
}

// --- SORT

/// A large sort is that of one moment, though others are served, and change the list, while it goes on.
#[test]
fn a_sort_goes_on_in_slices_and_shows_one_moment() {
    let mut bench = Bench::new();
    let [slow, quick] = [(); 2].map(|()| bench.open());
    let (mut chance, mut numbers) = (Chance::from_seed(3), vec![]);
    for _ in 0..60 {
        let some: Vec<i64> = (0..500).map(|_| chance.below(100_000) as i64 - 50_000).collect();
        let words: Vec<String> = some.iter().map(i64::to_string).collect();
        bench.ask(quick, &format!("RPUSH l {}", words.join(" ")));
        numbers.extend(some);
    }
    numbers.sort_by(|a, b| b.cmp(a));
    for (limit, wanted) in
        [("", 0..numbers.len()), (" LIMIT 9000 12000", 9_000..21_000), (" LIMIT 29999 7", 29_999..30_000)]
    {
        bench.fill(slow, &[request(&format!("SORT l DESC{limit} GET # GET #")), request("ECHO after")].concat());
        let (reply, slices) = bench.in_slices(slow, "$5 after", |bench, _| {
            assert_eq!(bench.ask(quick, "LSET l 0 1000000"), "+OK");
        });
        assert!(slices > 3, "{slices} slices");
        let words: Vec<&str> = reply.split(' ').collect();
        assert_eq!(words[0], format!("*{}", 2 * wanted.len()));
        let told = words[1..words.len() - 2].chunks(2).map(|word| word[1].parse::<i64>().unwrap());
        assert!(told.eq(numbers[wanted].iter().flat_map(|number| [*number, *number])), "SORT l DESC{limit}");
        // As it was.
        let first = chance.below(100_000) as i64 - 50_000;
        numbers.retain(|number| *number != 1_000_000);
        bench.ask(quick, &format!("LSET l 0 {first}"));
        numbers = bench.ask(quick, "LRANGE l 0 -1").split(' ').skip(2).step_by(2).map(|n| n.parse().unwrap()).collect();
        numbers.sort_by(|a, b| b.cmp(a));
    }
}

/// In a transaction it is done at once.
#[test]
fn a_large_sort_in_a_transaction() {
    let mut bench = Bench::new();
    let id = bench.open();
    for first in (0..12_000).step_by(500) {
        let words: Vec<String> = (first..first + 500).map(|n| n.to_string()).collect();
        bench.ask(id, &format!("RPUSH l {}", words.join(" ")));
    }
    bench.ask(id, "MULTI");
    bench.ask(id, "SORT l DESC");
    bench.ask(id, "SORT l BY nosort DESC");
    bench.ask(id, "SORT l DESC LIMIT 1 2");
    let reply = bench.ask(id, "EXEC");
    assert!(reply.starts_with("*3 *12000 $5 11999 $5 11998 "));
    assert!(reply.ends_with(" $1 1 $1 0 *2 $5 11998 $5 11997"));
    assert_eq!(reply.matches("*12000").count(), 2);
}

/// In whichever of its two ways: few sources, many of them, and one that is named many times.
#[test]
fn differences_are_what_only_the_first_has() {
    let mut bench = Bench::new();
    let id = bench.open();
    for n in 0..1_000 {
        bench.ask(id, &format!("SADD s {n} member:{n}"));
        bench.ask(id, &format!("ZADD z {n} {n} {n} member:{n}"));
    }
    for n in 0..990 {
        bench.ask(id, &format!("SADD s{} {n} member:{n}", n % 99));
        bench.ask(id, &format!("ZADD z{} 7 {n} 7 member:{n}", n % 99));
    }
    let numbered = |name: &str, count: usize| (0..count).map(|n| format!(" {name}{n}")).collect::<String>();
    for (kind, first, counted) in [("S", "s", false), ("Z", "z", true), ("Z", "s", true)] {
        let name = kind.to_lowercase();
        for (others, left) in [
            (String::new(), 2_000),
            (numbered(&name, 1), 1_980),
            (numbered(&name, 99), 20),
            (format!(" {name}5").repeat(99), 1_980),
            (format!("{} {first}", numbered(&name, 99)), 0),
        ] {
            let count = if counted { format!("{} ", 1 + others.split_whitespace().count()) } else { String::new() };
            assert_eq!(bench.ask(id, &format!("{kind}DIFFSTORE d {count}{first}{others}")), format!(":{left}"));
        }
        let count = if counted { "100 " } else { "" };
        bench.ask(id, &format!("{kind}DIFFSTORE d {count}{first}{}", numbered(&name, 99)));
        assert_eq!(bench.ask(id, "SORT d ALPHA LIMIT 0 3"), "*3 $3 990 $3 991 $3 992");
    }
}

/// What would take more than `proto-max-bulk-len` is refused before it is made, and leaves nothing.
#[test]
fn results_that_would_be_too_large_are_refused() {
    const REFUSAL: &str = "-ERR the result would take more memory than proto-max-bulk-len allows";
    let mut bench = Bench::new();
    let id = bench.open();
    assert_eq!(bench.ask(id, "CONFIG SET proto-max-bulk-len 1mb"), "+OK");
    let long = "x".repeat(1_000);
    for n in 0..700 {
        bench.ask(id, &format!("SADD s{} {long}:{n}", n % 2));
        bench.ask(id, &format!("ZADD z{} {n} {long}:{n}", n % 2));
        bench.ask(id, &format!("SADD t {long}:{n}"));
    }
    let members: Vec<String> = (700..1_100).map(|n| format!("{long}:{n}")).collect();
    bench.ask(id, &format!("SADD t {}", members.join(" ")));
    bench.ask(id, &format!("ZADD y {}", members.iter().map(|m| format!("1 {m}")).collect::<Vec<_>>().join(" ")));
    // As many members, of which it has few.
    let members: Vec<String> = (0..1_100).map(|n| format!("{}:{n}", if n % 2 == 0 { &long } else { "y" })).collect();
    bench.ask(id, &format!("SADD u {}", members.join(" ")));
    bench.ask(id, "SET d before");
    // Two that are small enough, and one that is not.
    for (line, fits) in [
        ("SUNIONSTORE d s0 s1", true),
        ("SUNIONSTORE d s0 s1 s0 s1 s0 s1", true),
        ("SUNION s0 s1 t", false),
        ("SUNIONSTORE d s0 t", false),
        ("SDIFF t s0", true),
        ("SDIFF t none", false),
        ("SDIFFSTORE d t s0", true),
        ("SDIFFSTORE d t s0 s0 s0 s0 s0 s0 s0", true),
        ("SDIFFSTORE d t none", false),
        ("SINTERSTORE d t s0", true),
        ("SINTERSTORE d t t", false),
        ("SINTERSTORE d t u", true),
        ("SINTER t t", false),
        ("SINTER t u", true),
        ("SUNION t", false),
        ("ZUNIONSTORE d 2 z0 z1", true),
        ("ZUNIONSTORE d 3 z0 z1 y", false),
        ("ZUNION 2 z0 t", false),
        ("ZINTERSTORE d 2 z0 t", true),
        ("ZINTERSTORE d 2 t t", false),
        ("ZINTERSTORE d 2 t u", true),
        ("ZINTER 2 t u", true),
        ("ZDIFFSTORE d 1 t", false),
        ("ZDIFFSTORE d 2 t s0", true),
        ("ZDIFF 2 u t", true),
        ("ZRANGESTORE d z0 0 -1", true),
    ] {
        let reply = bench.ask(id, line);
        assert_eq!(reply.starts_with('-'), !fits, "{line}: {:.100}", reply);
        assert!(fits || reply == REFUSAL, "{line}: {:.100}", reply);
    }
    bench.ask(id, &format!("SET w_1 {long}"));
    bench.ask(id, "SET w_2 short");
    bench.ask(id, "RPUSH l 1 2");
    let gets = " GET w_*".repeat(1_100);
    bench.ask(id, "SET d before");
    for line in [format!("SORT l{gets} STORE d"), format!("SORT l{gets}"), format!("SORT_RO l{gets}")] {
        assert_eq!(bench.ask(id, &line), REFUSAL);
    }
    assert_eq!(bench.ask(id, "GET d"), "$6 before");
    assert_eq!(bench.ask(id, "SORT l GET w_* LIMIT 1 1"), "*1 $5 short");
    // What is told more than once is bounded too, and what is told once is no more than is there.
    bench.ask(id, &format!("RPUSH wide {}", "x".repeat(900_000)));
    bench.ask(id, &format!("RPUSH wide {}", "y".repeat(900_000)));
    assert_eq!(bench.ask(id, "SORT wide ALPHA GET # GET #"), REFUSAL);
    assert!(bench.ask(id, "SORT wide ALPHA GET #").starts_with("*2 $900000 x"));
    assert!(bench.ask(id, "SORT wide ALPHA GET # GET # LIMIT 0 0").starts_with("*0"));
    // A payload that could not be sent back is not made.
    assert!(bench.ask(id, "DUMP wide").starts_with('$'));
    assert_eq!(bench.ask(id, "CONFIG SET rdbcompression no"), "+OK");
    assert_eq!(bench.ask(id, "DUMP wide"), REFUSAL);
    // Keys of elements so long are made one at a time.
    let [one, two] = ["1", "2"].map(|last| "x".repeat(70_000) + last);
    bench.ask(id, &format!("RPUSH long {one} {two}"));
    bench.ask(id, &format!("SET w_{two} found"));
    let text = bench.ask(id, "SORT long ALPHA GET w_* GET # GET w_*");
    assert!(text.starts_with("*6 $-1 $70001 xx") && text.ends_with("x2 $5 found"), "{:.100}", text);
    assert!(text.contains("x1 $-1 $5 found $70001 xx"), "each beside its element");
}

/// What is drawn is counted as it comes: many small fields that are due do not make a large one seem small.
#[test]
fn draws_are_bounded_by_what_is_drawn() {
    const REFUSAL: &str = "-ERR the result would take more memory than proto-max-bulk-len allows";
    let mut bench = Bench::new();
    let id = bench.open();
    assert_eq!(bench.ask(id, "CONFIG SET proto-max-bulk-len 1mb"), "+OK");
    let due: String = (0..3_000).map(|n| format!(" due{n} v")).collect();
    bench.ask(id, &format!("HSETEX h PX 1 FIELDS 3000{due}"));
    bench.ask(id, &format!("HSET h f {}", "x".repeat(10_000)));
    bench.host.pass(10_000);
    for count in [-200, -5_000] {
        assert_eq!(bench.ask(id, &format!("HRANDFIELD h {count} WITHVALUES")), REFUSAL, "{count}");
        assert!(bench.ask(id, &format!("HRANDFIELD h {count}")).starts_with(&format!("*{} $1 f", -count)));
    }
    assert!(bench.ask(id, "HRANDFIELD h -50 WITHVALUES").starts_with("*100 $1 f $10000 xxx"));
    assert_eq!(bench.ask(id, "HRANDFIELD h -9223372036854775807"), REFUSAL);
    assert!(bench.ask(id, "INFO errorstats").contains("errorstat_ERR:count=3"));
}

/// Draws that are made in slices end with what they have when their key goes.
#[test]
fn a_draw_is_broken_off() {
    let mut bench = Bench::new();
    let [id, other] = [(); 2].map(|()| bench.open());
    for (make, draw) in [
        ("SADD k a b c", "SRANDMEMBER k -50000"),
        ("HSET k a 1 b 2", "HRANDFIELD k -50000 WITHVALUES"),
        ("ZADD k 1 a 2 b", "ZRANDMEMBER k -50000 WITHSCORES"),
    ] {
        for ends in ["DEL k", "RENAME k away", "SET k text"] {
            bench.ask(other, "FLUSHALL");
            bench.ask(other, make);
            bench.fill(id, &[request(draw), request("PING")].concat());
            let (reply, slices) = bench.in_slices(id, "+PONG", |bench, slice| {
                if slice == 1 {
                    bench.ask(other, ends);
                }
            });
            let told: usize = reply[1..].split(' ').next().unwrap().parse().unwrap();
            assert!((4_096..50_000).contains(&told) && slices > 1, "{draw}, {ends}: {told} in {slices} slices");
        }
    }
}

// --- Many who wait

fn blocked(bench: &mut Bench, id: ClientId) -> u64 {
    let info = bench.ask(id, "INFO clients");
    info.split("blocked_clients:").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap()
}

/// In the order in which they came, whatever else they wait for; some give up, some are sent away, some go; a change that
/// is none of theirs passes them by; what comes within a transaction is theirs when it ends.
#[test]
fn thousands_wait_for_one_key() {
    const CLIENTS: usize = 900;
    let mut bench = Bench::new();
    bench.engine.config_mut().maxclients = 10_000;
    let pusher = bench.open();
    let ids: Vec<ClientId> = (0..CLIENTS).map(|_| bench.open()).collect();
    let kind = |n: usize| n % 6;
    for (n, id) in ids.iter().enumerate() {
        bench.send(
            *id,
            match kind(n) {
                0 => "BLPOP none k 0",
                1 => "BZPOPMIN k none 0",
                2 => "BLMOVE k to LEFT RIGHT 0",
                3 => "BLMPOP 0 2 none k LEFT",
                4 => "BLPOP k 1",
                _ => "BZMPOP 0 1 k MAX",
            },
        );
    }
    assert_eq!(blocked(&mut bench, pusher), CLIENTS as u64);
    // The first ten of those who wait for ever are sent away, the next ten go.
    let of = |kinds: &[usize]| -> Vec<usize> { (0..CLIENTS).filter(|n| kinds.contains(&kind(*n))).collect() };
    let lists = of(&[0, 2, 3]);
    for (at, n) in lists[..20].iter().enumerate() {
        match at {
            0..5 => {
                let line = format!("CLIENT UNBLOCK {} ERROR", ids[*n].serial);
                assert_eq!(bench.ask(pusher, &line), ":1");
                assert_eq!(bench.text(ids[*n]), "-UNBLOCKED client unblocked via CLIENT UNBLOCK");
            }
            _ => bench.close(ids[*n]),
        }
    }
    bench.later(1_100_000);
    for n in of(&[4]) {
        assert_eq!(bench.text(ids[n]), "*-1");
    }
    // Of a type that nobody wants, and of one that the others want.
    assert_eq!(bench.ask(pusher, "SADD k x"), ":1");
    assert_eq!(bench.ask(pusher, "DEL k"), ":1");
    assert_eq!(bench.ask(pusher, "ZADD k 1 a 2 b"), ":2");
    let sorted = of(&[1, 5]);
    assert_eq!(bench.text(ids[sorted[0]]), "*3 $1 k $1 a $1 1");
    assert_eq!(bench.text(ids[sorted[1]]), "*2 $1 k *1 *2 $1 b $1 2");
    // What a transaction makes of it in the end counts.
    for line in ["MULTI", "RPUSH k gone", "DEL k", "RPUSH k 0 1", "LPUSH k first", "EXEC"] {
        bench.ask(pusher, line);
    }
    let waiting = &lists[20..];
    for (n, value) in waiting.iter().zip(["first", "0", "1"]) {
        assert!(bench.text(ids[*n]).ends_with(value));
    }
    for (at, n) in waiting.iter().enumerate().skip(3) {
        bench.ask(pusher, &format!("RPUSH k {at}"));
        let expected = match kind(*n) {
            0 => format!("*2 $1 k ${} {at}", at.to_string().len()),
            2 => format!("${} {at}", at.to_string().len()),
            _ => format!("*2 $1 k *1 ${} {at}", at.to_string().len()),
        };
        assert_eq!(bench.text(ids[*n]), expected);
    }
    assert_eq!(bench.ask(pusher, "LLEN k"), ":0");
    assert_eq!(blocked(&mut bench, pusher), sorted.len() as u64 - 2);
}

/// Where it was to go is no list when the element comes: who waited is told, and the element stays.
#[test]
fn a_wrong_type_when_it_comes() {
    let mut bench = Bench::new();
    let [first, second, pusher] = [(); 3].map(|()| bench.open());
    bench.send(first, "BLMOVE from to LEFT LEFT 0");
    bench.send(second, "BLPOP from 0");
    bench.ask(pusher, "SET to string");
    assert_eq!(bench.ask(pusher, "RPUSH from 1"), ":1");
    assert_eq!(bench.text(first), "-WRONGTYPE Operation against a key holding the wrong kind of value");
    assert_eq!(bench.text(second), "*2 $4 from $1 1");
    // To whom two keys matter, the one that is no list matters when the command is asked, and not later.
    bench.send(first, "BLPOP other from 0");
    bench.ask(pusher, "SET other string");
    assert_eq!(bench.text(first), "");
    bench.ask(pusher, "RPUSH from 2");
    assert!(bench.text(first).starts_with("-WRONGTYPE"));
}

/// It is served by whatever comes first, however that comes, and what it waited for is forgotten.
#[test]
fn one_waits_for_very_many_keys() {
    let mut bench = Bench::new();
    let [waits, other, writes] = [(); 3].map(|()| bench.open());
    let keys: Vec<String> = (0..3_000).map(|n| format!("k{n}")).collect();
    let blpop = format!("BLPOP {} 0", keys.join(" "));
    let many = (0..4_000).map(|n| format!(" other{n} x")).collect::<String>();
    let many = format!("MSET{many}");
    let waited_for = |bench: &mut Bench| {
        bench.tick();
        let info = bench.ask(writes, "INFO clients");
        info.split("total_blocking_keys:").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_string()
    };
    for (come, served) in [
        (&["LPUSH k2999 v"][..], "k2999"),
        // Of two that are there, the first in the order of the words.
        (&["MULTI", "LPUSH k900 v", "LPUSH k700 v", "EXEC"], "k700"),
        // The other database has few keys, and many.
        (&["SELECT 1", "LPUSH k5 v", "SET k2998 no", "SELECT 0", "SWAPDB 0 1"], "k5"),
        (&["SET some x", "FLUSHALL", "SELECT 1", "MANY", "LPUSH k77 v", "SELECT 0", "SWAPDB 1 0"], "k77"),
    ] {
        bench.ask(writes, "FLUSHALL");
        bench.send(waits, &blpop);
        bench.send(other, "BLPOP none k5 k700 0");
        assert_eq!(waited_for(&mut bench), "3001");
        for (at, line) in come.iter().enumerate() {
            assert_eq!(bench.text(waits), "", "before {}", come[at]);
            bench.ask(writes, if *line == "MANY" { &many } else { line });
        }
        assert_eq!(bench.text(waits), format!("*2 ${} {served} $1 v", served.len()));
        assert_eq!(bench.text(other), "", "who came first was served");
        (0..5).for_each(|_| bench.tick());
        assert_eq!(waited_for(&mut bench), "3");
        bench.ask(writes, &format!("CLIENT UNBLOCK {}", other.serial));
        assert_eq!(bench.text(other), "*-1");
        assert_eq!(waited_for(&mut bench), "0");
    }
}

/// Who goes, or gives up, is forgotten key by key: meanwhile nothing that comes is lost, and who waits anew is served.
#[test]
fn very_many_keys_are_forgotten_in_slices() {
    let mut bench = Bench::new();
    let writes = bench.open();
    let keys: Vec<String> = (0..5_000).map(|n| format!("k{n}")).collect();
    let blpop = format!("BLPOP {} 1", keys.join(" "));
    for ending in ["close", "time", "unblock"] {
        bench.ask(writes, "FLUSHALL");
        let [first, second] = [(); 2].map(|()| bench.open());
        bench.send(first, &blpop);
        match ending {
            "close" => bench.close(first),
            "time" => bench.later(1_000_000),
            _ => _ = bench.ask(writes, &format!("CLIENT UNBLOCK {}", first.serial)),
        }
        // The keys of the last ones are still known as waited for.
        bench.ask(writes, "RPUSH k4999 stays");
        assert_eq!(bench.ask(writes, "LLEN k4999"), ":1", "{ending}");
        if ending != "close" {
            assert_eq!(bench.text(first), "*-1");
            bench.send(first, "BLPOP k4998 k4997 0");
        }
        bench.send(second, &blpop.replace("k4999 ", ""));
        bench.ask(writes, "RPUSH k4998 one two");
        if ending != "close" {
            assert_eq!(bench.text(first), "*2 $5 k4998 $3 one", "{ending}: who came first");
            assert_eq!(bench.text(second), "*2 $5 k4998 $3 two");
            bench.close(first);
        } else {
            assert_eq!(bench.text(second), "*2 $5 k4998 $3 one");
        }
        bench.close(second);
        (0..20).for_each(|_| bench.tick());
        assert!(bench.ask(writes, "INFO clients").contains("total_blocking_keys:0"), "{ending}");
    }
}
