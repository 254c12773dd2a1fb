//! Several sets made into one, and much taken out of one, small and large, against models: what is told, what is stored, and
//! in which encoding. `SPINDLE_SEED=n` begins elsewhere.

#[path = "support/hand.rs"]
mod hand;

use hand::{Bench, request};
use spindle::base::random::Chance;
use spindle::engine::ClientId;
use std::collections::{BTreeMap, BTreeSet};

fn seed() -> u64 {
    std::env::var("SPINDLE_SEED").map_or(1, |seed| seed.parse().expect("SPINDLE_SEED is a number"))
}

/// The strings of a flat reply.
fn words(reply: &str) -> Vec<&str> {
    reply.split(' ').skip(1).filter(|word| !word.starts_with('$')).collect()
}

fn tell(bench: &mut Bench, id: ClientId, command: &str, parts: &[String]) {
    for parts in parts.chunks(500) {
        assert!(bench.ask(id, &format!("{command} {}", parts.join(" "))).starts_with(':'));
    }
}

/// Some are integers, and some of those only alike.
fn name(chance: &mut Chance, among: u64) -> String {
    let number = chance.below(among);
    match number % 3 {
        0 => format!("member:{number}"),
        _ => number.to_string(),
    }
}

const SIZES: [u64; 8] = [0, 1, 20, 130, 600, 1_500, 4_000, 8_000];

// --- Sets

type Set = BTreeSet<String>;

fn encoding(set: &Set) -> &'static str {
    let integers = set.iter().all(|member| member.parse::<i64>().is_ok());
    match set.len() {
        ..=512 if integers => "$6 intset",
        ..=128 => "$8 listpack",
        _ => "$9 hashtable",
    }
}

fn told(reply: &str) -> Set {
    let (words, header) = (words(reply), reply.split(' ').next().unwrap());
    assert_eq!(header, format!("*{}", words.len()));
    let set: Set = words.iter().map(|word| word.to_string()).collect();
    assert_eq!(set.len(), words.len(), "none is told twice");
    set
}

fn join(one: &Set, others: &[Set], how: fn(&Set, &Set) -> Set) -> Set {
    others.iter().fold(one.clone(), |one, other| how(&one, other))
}

#[test]
fn sets_of_all_sizes() {
    let mut chance = Chance::from_seed(seed());
    for _ in 0..15 {
        let mut bench = Bench::new();
        let id = bench.open();
        let mut sets = vec![];
        for key in 0..2 + chance.below(3) {
            let size = SIZES[chance.below(SIZES.len() as u64) as usize];
            // Dense ones have much in common.
            let set: Set = (0..size).map(|_| name(&mut chance, 20 + size * 2)).collect();
            tell(&mut bench, id, &format!("SADD k{key}"), &set.iter().cloned().collect::<Vec<_>>());
            sets.push(set);
        }
        let keys: Vec<String> = (0..sets.len()).map(|key| format!("k{key}")).collect();
        let keys = keys.join(" ");
        let results = [
            ("SUNION", join(&sets[0], &sets[1..], |one, other| one | other)),
            ("SINTER", join(&sets[0], &sets[1..], |one, other| one & other)),
            ("SDIFF", join(&sets[0], &sets[1..], |one, other| one - other)),
        ];
        for (command, expected) in results {
            assert_eq!(told(&bench.ask(id, &format!("{command} {keys}"))), expected, "{command}");
            // In a transaction all of it comes at once.
            bench.ask(id, "MULTI");
            bench.ask(id, &format!("{command} {keys}"));
            assert_eq!(told(bench.ask(id, "EXEC").strip_prefix("*1 ").unwrap()), expected);
            assert_eq!(bench.ask(id, &format!("{command}STORE d {keys}")), format!(":{}", expected.len()));
            assert_eq!(told(&bench.ask(id, "SMEMBERS d")), expected);
            if !expected.is_empty() {
                assert_eq!(bench.ask(id, "OBJECT ENCODING d"), encoding(&expected));
                assert!(expected.iter().take(50).all(|member| bench.ask(id, &format!("SISMEMBER d {member}")) == ":1"));
                // It is one's own.
                bench.ask(id, "SADD d another");
                assert_eq!(told(&bench.ask(id, "SMEMBERS k0")), sets[0]);
            }
        }
    }
}

/// What is told in slices is what was there in one moment.
#[test]
fn a_large_union_shows_one_moment() {
    let mut bench = Bench::new();
    let [slow, quick] = [(); 2].map(|()| bench.open());
    let members: Set = (0..30_000).map(|n| format!("m{n}")).collect();
    tell(&mut bench, quick, "SADD s", &members.iter().cloned().collect::<Vec<_>>());
    bench.ask(quick, "SADD t other");
    for (command, count) in [("SUNION s t", 30_001), ("SDIFF s t", 30_000)] {
        bench.fill(slow, &[request(command), request("ECHO after")].concat());
        let (reply, slices) = bench.in_slices(slow, "$5 after", |bench, _| {
            bench.ask(quick, "SPOP s 100");
            bench.ask(quick, "SADD s new");
        });
        assert!(slices > 3, "{slices} slices");
        let reply = told(reply.strip_suffix(" $5 after").unwrap());
        assert_eq!(reply.len(), count);
        assert!(members.is_subset(&reply));
        bench.ask(quick, "DEL s");
        tell(&mut bench, quick, "SADD s", &members.iter().cloned().collect::<Vec<_>>());
    }
}

#[test]
fn much_is_taken_out_of_a_set() {
    let mut chance = Chance::from_seed(seed());
    for size in [600, 5_000, 12_000] {
        let mut bench = Bench::new();
        let id = bench.open();
        let members: Set = (0..size).map(|_| name(&mut chance, 3 * size)).collect();
        for taken in [members.len() / 9, members.len() / 2, members.len() - 100, members.len() - 1] {
            bench.ask(id, "DEL k");
            tell(&mut bench, id, "SADD k", &members.iter().cloned().collect::<Vec<_>>());
            let popped = told(&bench.ask(id, &format!("SPOP k {taken}")));
            let left = told(&bench.ask(id, "SMEMBERS k"));
            assert_eq!((popped.len(), left.len()), (taken, members.len() - taken));
            assert_eq!(&popped | &left, members);
            let expected = if 5 * left.len() <= taken { "$8 listpack" } else { "$9 hashtable" };
            assert_eq!(bench.ask(id, "OBJECT ENCODING k"), expected);
            assert!(left.iter().take(50).all(|member| bench.ask(id, &format!("SISMEMBER k {member}")) == ":1"));
            bench.ask(id, "SADD k another");
            assert_eq!(bench.ask(id, "SCARD k"), format!(":{}", left.len() + 1));
        }
    }
}

// --- Sorted sets

type SortedSet = BTreeMap<String, i64>;

fn in_order(set: &SortedSet) -> Vec<(i64, &str)> {
    let mut all: Vec<_> = set.iter().map(|(member, score)| (*score, &**member)).collect();
    all.sort_unstable();
    all
}

fn ranked(reply: &str) -> Vec<(i64, &str)> {
    words(reply).chunks(2).map(|pair| (pair[1].parse().expect("whole scores"), pair[0])).collect()
}

#[test]
fn sorted_sets_of_all_sizes() {
    let mut chance = Chance::from_seed(seed());
    for round in 0..15 {
        let mut bench = Bench::new();
        let id = bench.open();
        let mut sets: Vec<SortedSet> = vec![];
        for key in 0..2 + chance.below(3) {
            let size = SIZES[chance.below(SIZES.len() as u64) as usize];
            let (among, is_plain) = (20 + size * 2, chance.below(4) == 0);
            // Scores that decide, that decide little, or nothing.
            let scores = [1_000_000, 30, 1][round % 3];
            let score = |chance: &mut Chance| if is_plain { 1 } else { chance.below(scores) as i64 - 10 };
            let set: SortedSet = (0..size).map(|_| (name(&mut chance, among), score(&mut chance))).collect();
            let pair =
                |(member, score): (&String, &i64)| if is_plain { member.clone() } else { format!("{score} {member}") };
            let command = if is_plain { "SADD" } else { "ZADD" };
            tell(&mut bench, id, &format!("{command} k{key}"), &set.iter().map(pair).collect::<Vec<_>>());
            sets.push(set);
        }
        let keys: Vec<String> = (0..sets.len()).map(|key| format!("k{key}")).collect();
        let weights: Vec<i64> = sets.iter().map(|_| chance.below(7) as i64 - 2).collect();
        let (keys, count) = (keys.join(" "), sets.len());
        let (how, join): (_, fn(i64, i64) -> i64) = match chance.below(3) {
            0 => ("SUM", |a, b| a + b),
            1 => ("MIN", i64::min),
            _ => ("MAX", i64::max),
        };
        let mut union = SortedSet::new();
        for (set, weight) in sets.iter().zip(&weights) {
            for (member, score) in set {
                let score = score * weight;
                union.entry(member.clone()).and_modify(|old| *old = join(*old, score)).or_insert(score);
            }
        }
        let mut inter = union.clone();
        inter.retain(|member, _| sets.iter().all(|set| set.contains_key(member)));
        let mut diff = sets[0].clone();
        diff.retain(|member, _| !sets[1..].iter().any(|set| set.contains_key(member)));
        let weights: Vec<String> = weights.iter().map(i64::to_string).collect();
        let options = format!(" WEIGHTS {} AGGREGATE {how}", weights.join(" "));
        for (command, options, expected) in
            [("ZUNION", &*options, union), ("ZINTER", &options, inter), ("ZDIFF", "", diff)]
        {
            let reply = bench.ask(id, &format!("{command} {count} {keys}{options} WITHSCORES"));
            assert_eq!(ranked(&reply), in_order(&expected), "{command}");
            assert!(reply.starts_with(&format!("*{}", 2 * expected.len())));
            let reply = bench.ask(id, &format!("{command}STORE d {count} {keys}{options}"));
            assert_eq!(reply, format!(":{}", expected.len()));
            check_sorted(&mut bench, id, "d", &expected);
        }
    }
}

fn check_sorted(bench: &mut Bench, id: ClientId, key: &str, expected: &SortedSet) {
    assert_eq!(ranked(&bench.ask(id, &format!("ZRANGE {key} 0 -1 WITHSCORES"))), in_order(expected));
    if expected.is_empty() {
        return;
    }
    let encoding = if expected.len() > 128 { "$8 skiplist" } else { "$8 listpack" };
    assert_eq!(bench.ask(id, &format!("OBJECT ENCODING {key}")), encoding);
    for (rank, (score, member)) in in_order(expected).into_iter().enumerate().step_by(1 + expected.len() / 50) {
        assert_eq!(bench.ask(id, &format!("ZRANK {key} {member}")), format!(":{rank}"));
        let told = bench.ask(id, &format!("ZSCORE {key} {member}"));
        assert_eq!(told.split(' ').nth(1).expect("a bulk").parse(), Ok(score), "(a zero may have a sign)");
    }
    // It goes on as any other.
    bench.ask(id, &format!("ZADD {key} 3 another 4 {}", expected.keys().next().unwrap()));
    assert_eq!(bench.ask(id, &format!("ZCARD {key}")), format!(":{}", expected.len() + 1));
}

#[test]
fn ranges_that_are_stored_copied_or_taken_away() {
    let mut chance = Chance::from_seed(seed());
    for size in [60, 500, 5_000, 12_000] {
        let mut bench = Bench::new();
        let id = bench.open();
        let set: SortedSet = (0..size).map(|_| (name(&mut chance, 3 * size), chance.below(500) as i64)).collect();
        let pairs: Vec<String> = set.iter().map(|(member, score)| format!("{score} {member}")).collect();
        tell(&mut bench, id, "ZADD z", &pairs);
        let (all, len) = (in_order(&set), set.len());
        let of = |range: &[(i64, &str)]| range.iter().map(|(score, member)| (member.to_string(), *score)).collect();
        assert_eq!(bench.ask(id, "COPY z d"), ":1");
        check_sorted(&mut bench, id, "d", &set);
        for (from, to) in [(0, len), (0, len / 2), (len / 3, len / 3 + 10), (5, len - 5), (len / 9, len), (0, len - 1)]
        {
            let last = to - 1;
            assert_eq!(bench.ask(id, &format!("ZRANGESTORE d z {from} {last}")), format!(":{}", to - from));
            check_sorted(&mut bench, id, "d", &of(&all[from..to]));
            bench.ask(id, "COPY z d REPLACE");
            assert_eq!(bench.ask(id, &format!("ZREMRANGEBYRANK d {from} {last}")), format!(":{}", to - from));
            let left: Vec<_> = all[..from].iter().chain(&all[to..]).copied().collect();
            if len > 200 && left.len() <= 128 {
                // Once large it stays so.
                assert_eq!(ranked(&bench.ask(id, "ZRANGE d 0 -1 WITHSCORES")), left);
            } else {
                check_sorted(&mut bench, id, "d", &of(&left));
            }
        }
        for (command, from_end) in [("ZPOPMIN", false), ("ZPOPMAX", true)] {
            bench.ask(id, "COPY z d REPLACE");
            let reply = bench.ask(id, &format!("{command} d {}", len - 3));
            let mut popped = ranked(&reply);
            let (gone, left) = if from_end { (&all[3..], &all[..3]) } else { (&all[..len - 3], &all[len - 3..]) };
            if from_end {
                popped.reverse();
            }
            assert_eq!(popped, gone);
            assert_eq!(ranked(&bench.ask(id, "ZRANGE d 0 -1 WITHSCORES")), left);
        }
        assert_eq!(ranked(&bench.ask(id, "ZRANGE z 0 -1 WITHSCORES")), all, "what was copied is as it was");
    }
}
