//! The transcripts against the engine in memory: each case with its writes whole, byte by byte, and in seeded pieces.
//! The same files are held against real servers by transcripts_real.rs. `ONLY=string/set` limits both to paths that
//! contain the text; `SPINDLE_SEED=n` chooses other pieces.

#[path = "support/transcript/mod.rs"]
mod transcript;

use transcript::engine::{InMemory, Pieces};
use transcript::{notation, play};

#[test]
fn whole() {
    run(Pieces::Whole);
}

#[test]
fn byte_by_byte() {
    run(Pieces::Bytes);
}

#[test]
fn in_seeded_pieces() {
    let seed = std::env::var("SPINDLE_SEED").map_or(1, |seed| seed.parse().expect("SPINDLE_SEED is a number"));
    for seed in seed..seed + 3 {
        run(Pieces::Seeded(seed));
    }
}

#[test]
fn every_file_is_printed_as_it_is_written() {
    for path in transcript::files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let cases = notation::parse(&text).unwrap_or_else(|why| panic!("{}: {why}", transcript::short_name(&path)));
        assert_eq!(notation::print(&cases), text, "{}", transcript::short_name(&path));
        assert!(cases.iter().all(|case| case.title().len() > 3 && !case.title().starts_with('(')), "{path:?}");
    }
}

fn run(pieces: Pieces) {
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut peer = InMemory::new(pieces);
    let (mut played, mut failed) = (0, 0);
    for path in transcript::files() {
        let name = transcript::short_name(&path);
        if !name.contains(&only) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let cases = notation::parse(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
        for case in cases.iter().filter(|case| !case.marks.socket && !case.marks.redis) {
            played += 1;
            let Err(why) = play::check(case, &mut peer) else { continue };
            failed += 1;
            eprintln!("--- {name}:{} {}\n{why}", case.line, case.title());
        }
    }
    assert!(played > 0, "no transcript has {only:?} in its name");
    assert_eq!(failed, 0, "of {played} cases; {pieces:?}");
}
