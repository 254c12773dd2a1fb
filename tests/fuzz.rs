//! Seeded fuzz, in plain `cargo test`: random bytes, mutated pipelines, cut anywhere. The lexer and the parser must make
//! the same of the same bytes however they come; the engine must answer, or say what is wrong, and never stop or grow.
//!
//! `SPINDLE_SEED` is where the seeds begin, `SPINDLE_INPUTS` how many inputs there are. The long run, 10^6 inputs:
//! `SPINDLE_INPUTS=1000000 cargo test --release --test fuzz`. fuzz/ has the same, guided by coverage (cargo-fuzz).

#[path = "support/cuts.rs"]
mod cuts;
#[path = "support/hand.rs"]
mod hand;

use cuts::parse;
use hand::{Bench, request_of};
use spindle::base::random::Chance;
use spindle::engine::{COMMANDS, Close, OUTPUT_BYTES_MAX};
use spindle::wire::lexer::Limits;

fn number(name: &str, or: u64) -> u64 {
    std::env::var(name).map_or(or, |text| text.parse().expect("a number"))
}

/// Runs one input of each seed; a failure says the seed.
fn each_seed(inputs: u64, check: fn(&mut Chance)) {
    let first = number("SPINDLE_SEED", 1);
    for seed in first..first + number("SPINDLE_INPUTS", inputs) {
        let run = std::panic::catch_unwind(|| check(&mut Chance::from_seed(seed)));
        if let Err(cause) = run {
            eprintln!("SPINDLE_SEED={seed} SPINDLE_INPUTS=1 repeats it");
            std::panic::resume_unwind(cause);
        }
    }
}

// --- Inputs

/// Words that lead somewhere.
const WORDS: &[&str] = &[
    "k",
    "other",
    "1",
    "0",
    "-1",
    "10",
    "9223372036854775807",
    "-9223372036854775808",
    "1.5",
    "inf",
    "nan",
    "",
    "NX",
    "XX",
    "GET",
    "EX",
    "PX",
    "EXAT",
    "KEEPTTL",
    "MATCH",
    "*",
    "[a-",
    "COUNT",
    "TYPE",
    "string",
    "LEN",
    "IDX",
    "MINMATCHLEN",
    "WITHMATCHLEN",
    "REPLACE",
    "DB",
    "ID",
    "KILL",
    "LIST",
    "SETNAME",
    "AUTH",
    "default",
    "3",
    "2",
    "ENCODING",
    "HELP",
    "INFO",
    "DOCS",
    "all",
    "maxmemory",
];

/// Commands that end the process, or sleep, or make millions of keys are none of this test's business.
fn is_tame(name: &str) -> bool {
    !["SHUTDOWN", "DEBUG", "CONFIG"].iter().any(|wild| name.starts_with(wild))
}

fn pipeline(chance: &mut Chance) -> Vec<u8> {
    let mut bytes = vec![];
    for _ in 0..1 + chance.below(8) {
        let entry = &COMMANDS.entries[chance.below(COMMANDS.entries.len() as u64) as usize];
        let name = entry.facts.name.to_string();
        if !is_tame(&name) {
            continue;
        }
        let mut words: Vec<&[u8]> = name.split('|').map(str::as_bytes).collect();
        let extra = (entry.arity.unsigned_abs() as usize).saturating_sub(words.len()) + chance.below(4) as usize;
        for _ in 0..extra.saturating_sub(chance.below(6) as usize / 5) {
            words.push(WORDS[chance.below(WORDS.len() as u64) as usize].as_bytes());
        }
        match chance.below(5) {
            0 => {
                bytes.extend_from_slice(&words.join(&b" "[..]));
                bytes.extend_from_slice(if chance.below(2) == 0 { b"\r\n" } else { b"\n" });
            }
            _ => bytes.extend_from_slice(&request_of(&words)),
        }
    }
    bytes
}

/// Bytes of the protocol in no order.
fn soup(chance: &mut Chance) -> Vec<u8> {
    const PIECES: &[&[u8]] = &[
        b"*",
        b"$",
        b"\r\n",
        b"\r",
        b"\n",
        b"0",
        b"1",
        b"2",
        b"-",
        b"9",
        b"99999",
        b"3\r\nGET\r\n",
        b"\"",
        b"'",
        b"\\x4",
        b" ",
        b"a",
        b"\0",
        b"\xff",
        b"PING",
        b"$4\r\nPING\r\n",
        b"*1\r\n",
    ];
    let mut bytes = vec![];
    for _ in 0..chance.below(40) {
        bytes.extend_from_slice(PIECES[chance.below(PIECES.len() as u64) as usize]);
    }
    bytes
}

fn mutated(chance: &mut Chance) -> Vec<u8> {
    let mut bytes = pipeline(chance);
    for _ in 0..chance.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = chance.below(bytes.len() as u64) as usize;
        match chance.below(6) {
            0 => bytes[at] = chance.next() as u8,
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b"*$\r\n019-\" "[chance.below(10) as usize]),
            3 => bytes.truncate(at),
            4 => {
                let end = (at + 1 + chance.below(8) as usize).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => bytes[at] ^= 1 << chance.below(8),
        }
    }
    bytes
}

fn input(chance: &mut Chance) -> Vec<u8> {
    match chance.below(10) {
        0 => soup(chance),
        1 => {
            let mut bytes = vec![0; chance.below(200) as usize];
            chance.fill(&mut bytes);
            bytes
        }
        2 => {
            // A large value, whole or not.
            let mut bytes = pipeline(chance);
            let value = vec![b'x'; 32_000 + chance.below(40_000) as usize];
            bytes.extend_from_slice(&request_of(&[b"SET", b"k", &value]));
            bytes.truncate(
                bytes.len() - chance.below(40_000).min(bytes.len() as u64) as usize * chance.below(2) as usize,
            );
            bytes.extend_from_slice(&pipeline(chance));
            bytes
        }
        3 => pipeline(chance),
        _ => mutated(chance),
    }
}

// --- Lexer and parser

#[test]
fn the_parser_makes_the_same_of_the_same_bytes_however_they_come() {
    each_seed(97_000, |chance| {
        let bytes = input(chance);
        let limits = Limits { bulk_bytes_max: 1 << 20, authenticated: chance.below(4) > 0 };
        let whole = parse(&bytes, &limits, |left| left);
        let mut pieces = chance.clone();
        let cut = parse(&bytes, &limits, |left| 1 + pieces.below(left as u64) as usize);
        assert_eq!(cut, whole, "{}", bytes.escape_ascii());
        if bytes.len() < 500 {
            assert_eq!(parse(&bytes, &limits, |_| 1), whole, "{}", bytes.escape_ascii());
        }
    });
}

// --- The engine

/// All that an engine answers to bytes that come in these pieces, and whether it closes.
fn answer(bytes: &[u8], mut next: impl FnMut(usize) -> usize) -> (Vec<u8>, Option<Close>) {
    let mut bench = Bench::new();
    let id = bench.open();
    let (mut left, mut answer) = (bytes, vec![]);
    while !left.is_empty() {
        let piece = next(left.len());
        let count = bench.fill(id, &left[..piece]);
        left = &left[count..];
        bench.run(id);
        answer.extend(bench.receive(id));
        if bench.engine.closing(id).is_some() {
            break;
        }
        assert!(count > 0, "no room for more, and nothing to wait for");
        assert!(answer.len() < 64 * OUTPUT_BYTES_MAX);
    }
    answer.extend(bench.receive(id));
    assert_eq!(bench.engine.unsent(id), 0);
    bench.engine.check();
    (answer, bench.engine.closing(id))
}

#[test]
fn the_engine_answers_the_same_however_the_bytes_come() {
    each_seed(3_000, |chance| {
        let bytes = input(chance);
        let whole = answer(&bytes, |left| left);
        let mut pieces = chance.clone();
        let cut = answer(&bytes, |left| 1 + pieces.below(left.min(400) as u64) as usize);
        let text = || bytes[..bytes.len().min(400)].escape_ascii().to_string();
        assert_eq!(cut.1, whole.1, "{}", text());
        // What tells of the connection's own figures depends on how its bytes came.
        if !bytes
            .to_ascii_uppercase()
            .windows(6)
            .any(|word| word == b"CLIENT" || word == b"MEMORY" || word == b"RANDOM")
            && !bytes.to_ascii_uppercase().windows(4).any(|word| word == b"INFO")
        {
            assert!(cut.0 == whole.0, "{}\n{}\n{}", text(), cut.0.escape_ascii(), whole.0.escape_ascii());
        }
    });
}
