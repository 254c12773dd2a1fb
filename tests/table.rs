//! Holds the table of commands: its facts to those of Redis and Valkey (tests/facts), its forms to their own syntax.
//! Runs no command. `SPINDLE_SEED=n` changes the words at random in another way.

#[path = "support/recognizer.rs"]
mod recognizer;
#[path = "support/samples.rs"]
mod samples;

use recognizer::is_of;
use samples::{Line, changed, requests, spoiled};
use spindle::command::docs::{Argument, arguments};
use spindle::command::entry::Named;
use spindle::command::facts::{self, FLAG_NAMES, category};
use spindle::command::label::{Labels, Role};
use spindle::command::specs::KeySpecs;
use spindle::command::syntax::{ACCESS_NAMES, Access, Kind, Positions, SHARD_CHANNEL, Syntax, VARIES};
use spindle::command::words::{OwnedWords, Words};
use spindle::command::{Entry, Refusal};
use spindle::commands::COMMANDS;
use std::collections::{BTreeSet, HashSet};

/// One row of tests/facts/commands.tsv.
struct Row {
    name: &'static str,
    group: &'static str,
    arity: i32,
    since: &'static str,
    flags: BTreeSet<&'static str>,
    categories: BTreeSet<&'static str>,
    positions: Positions,
    /// What is done to the keys of each key specification.
    access: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let set = |text: &'static str| text.split(',').filter(|name| !name.is_empty()).collect::<BTreeSet<_>>();
    let row = |line: &'static str| {
        let columns: Vec<&'static str> = line.split('\t').collect();
        let number = |at: usize| columns[at].parse::<i32>().expect("a number");
        let (mut flags, [first, last, step]) = (set(columns[4]), [6, 7, 8].map(number));
        let movable = flags.remove("movablekeys");
        let access = columns[10].split(" ; ").filter(|access| !access.is_empty()).collect();
        Row {
            name: columns[0],
            group: columns[1],
            arity: number(2),
            since: columns[3],
            flags,
            categories: set(columns[5]),
            positions: Positions { first, last, step, movable },
            access,
        }
    };
    include_str!("facts/commands.tsv").lines().skip(1).map(row).collect()
}

fn row_of<'r>(entry: &Entry, rows: &'r [Row]) -> &'r Row {
    let name = entry.facts.name;
    rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("neither Redis nor Valkey has {name}"))
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    COMMANDS.entries.iter()
}

/// Goes on over the whole table, so that one run tells all that is wrong.
fn each(check: impl Fn(&Entry) -> Result<(), String>) {
    let wrong: Vec<String> =
        entries().filter_map(|entry| check(entry).err().map(|why| format!("{}: {why}", entry.facts.name))).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, ours: T, theirs: T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what} {ours:?}, but there it is {theirs:?}")) }
}

// --- Facts

#[test]
fn names_are_unique_and_found_in_any_case() {
    let mut names = HashSet::new();
    for entry in entries() {
        assert!(names.insert(entry.facts.name), "{} stands there twice", entry.facts.name);
        assert_eq!(entry.facts.name, entry.facts.name.to_ascii_uppercase());
        let alone = entry.subcommands > 0 && entry.arity != -1;
        for name in [entry.facts.name.to_string(), entry.lower_name()].iter().filter(|_| !alone) {
            let words: Line = name.split('|').map(String::from).collect();
            let found = COMMANDS.find(&mut Words::new(owned(&words).request())).expect(name);
            assert_eq!(found.facts.name, entry.facts.name);
        }
    }
}

/// What a request named before it changes nothing: in any order, in any case, with words that name nothing between them.
#[test]
fn a_name_is_found_after_any_other() {
    let mut spellings: Vec<String> =
        entries().flat_map(|entry| [entry.facts.name.into(), entry.lower_name()]).collect();
    spellings.extend(
        ["", "g", "gt", "get ", "gets", "CONFIG|NONE", "ABCDEFGHIJKLMNOPQ", "ABCDEFGHIJKLMNOPR"].map(String::from),
    );
    let lines: Vec<OwnedWords> =
        spellings.iter().map(|name| owned(&name.split('|').map(String::from).collect::<Line>())).collect();
    let alone = |line: &OwnedWords| COMMANDS.named_by(line.request()).map(|entry| entry.facts.name);
    for first in &lines {
        for second in &lines {
            let mut last = Named::default();
            for line in [first, second, second, first] {
                let found = COMMANDS.named_again(line.request(), &mut last).map(|entry| entry.facts.name);
                assert_eq!(found, alone(line), "{:?} with {:?}", first.request().get(0), second.request().get(0));
            }
        }
    }
}

#[test]
fn group_age_and_arity() {
    let rows = rows();
    each(|entry| {
        let row = row_of(entry, &rows);
        same("group", entry.facts.group, row.group)?;
        same("since", entry.facts.since, row.since)?;
        same("arity", entry.arity, row.arity)
    });
}

#[test]
fn flags_and_categories() {
    let rows = rows();
    each(|entry| {
        let row = row_of(entry, &rows);
        let lower = |name: &str| name.to_lowercase();
        let set = |names: &BTreeSet<&str>| names.iter().map(|name| name.to_string()).collect::<BTreeSet<_>>();
        let flags: BTreeSet<String> = facts::names(entry.facts.flags, FLAG_NAMES).map(lower).collect();
        same("flags", flags, set(&row.flags))?;
        let categories = facts::names(entry.categories(), category::NAMES);
        same("categories", categories.map(|name| format!("@{}", lower(name))).collect(), set(&row.categories))
    });
}

#[test]
fn places_of_keys_and_what_is_done_to_them() {
    let rows = rows();
    each(|entry| {
        let row = row_of(entry, &rows);
        same("keys at", entry.positions, row.positions)?;
        let first = 1 + entry.facts.name.contains('|') as i32;
        let specs = KeySpecs::new(entry.syntax, first).specs;
        let access = |access: Access| facts::names(access as u32, ACCESS_NAMES).collect::<Vec<_>>().join("/");
        let ours: Vec<String> = specs.iter().map(|spec| access(spec.access)).collect();
        same("access to keys", ours, row.access.iter().map(|access| access.to_string()).collect())
    });
}

#[test]
fn a_summary_is_a_sentence() {
    each(|entry| {
        let summary = entry.facts.summary;
        let good = summary.ends_with('.') && summary.starts_with(|c: char| c.is_ascii_uppercase());
        if good && summary.len() < 110 { Ok(()) } else { Err(format!("{summary:?} is no short sentence")) }
    });
}

// --- Forms

fn owned(words: &[String]) -> OwnedWords {
    let mut owned = OwnedWords::default();
    words.iter().for_each(|word| _ = owned.word(word.as_bytes()));
    owned
}

/// What the table makes of a request before it runs: its form as text, and as words.
fn explain(request: &OwnedWords) -> Result<(String, OwnedWords, &'static Entry), Refusal> {
    let (mut words, mut printed) = (Words::new(request.request()), OwnedWords::default());
    let entry = COMMANDS.find(&mut words).map_err(|_| Refusal::UnknownCommand)?;
    if !entry.admits(request.request().len()) {
        return Err(Refusal::WrongArity);
    }
    (entry.explain)(&mut words, &mut printed).map(|form| (format!("{form:?}"), printed, entry))
}

/// A form prints words that give the same form. The keys in raw words are the keys of the form, and where the facts say.
/// Words that are accepted are of the syntax.
fn there_and_back(line: &[String]) -> Result<(), Refusal> {
    let request = owned(line);
    let (form, printed, entry) = explain(&request)?;
    let (again, printed_again, _) = explain(&printed).expect("printed words parse");
    assert_eq!(again, form);
    assert_eq!(printed_again.request().to_string(), printed.request().to_string());
    let after_name = 1 + entry.facts.name.contains('|') as usize;
    let words: Vec<&str> = line[after_name.min(line.len())..].iter().map(String::as_str).collect();
    assert!(entry.subcommands > 0 || is_of(entry.syntax, &words), "the syntax does not have {line:?}");
    for words in [&request, &printed] {
        keys_are_found(entry, words, &form);
    }
    Ok(())
}

fn keys_are_found(entry: &Entry, words: &OwnedWords, form: &str) {
    let (request, mut places, mut keys) = (words.request(), vec![], vec![]);
    let found = entry.keys(request, &mut |at, kind| {
        if let Kind::Key(access) = kind {
            let kinds = (access & 15).count_ones();
            assert!(kinds == 1 || access == SHARD_CHANNEL, "{request}: one of RO, RW, OW, RM, not {kinds}");
            assert_eq!(access & VARIES, 0, "{request}: a request says what it does");
            places.push(at as i32);
            keys.push(format!("Key({})", request.get(at).unwrap().escape_ascii()));
        }
    });
    assert_eq!(found, Some(()), "{request}");
    let named = form.match_indices("Key(").map(|(at, _)| &form[at..=at + form[at..].find(')').unwrap()]);
    assert_eq!(keys, named.collect::<Vec<_>>(), "{request}");
    let Positions { first, last, step, movable } = entry.positions;
    if !movable && first > 0 {
        let last = if last < 0 { request.len() as i32 + last } else { last };
        assert_eq!(places, (first..=last).step_by(step as usize).collect::<Vec<_>>(), "{request}");
    }
}

#[test]
fn what_a_syntax_says_is_parsed_and_printed() {
    for request in entries().flat_map(requests) {
        there_and_back(&request).unwrap_or_else(|refusal| panic!("{request:?} is refused: {refusal:?}"));
    }
}

/// Of what a syntax says, nothing is shorter than the arity, and the shortest is just as long.
/// An argument may have a name that is a word of Rust.
#[test]
fn arguments_are_named_as_clients_read_them() {
    fn check(arguments: &[Argument]) -> Result<(), String> {
        for argument in arguments {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
            if !argument.name.chars().all(plain) {
                return Err(format!("the argument {}", argument.name));
            }
            check(&argument.of)?;
        }
        Ok(())
    }
    each(|entry| if let Syntax::All(fields) = entry.syntax { check(&arguments(fields)) } else { Ok(()) });
}

#[test]
fn arity_is_the_shortest() {
    for entry in entries().filter(|entry| entry.subcommands == 0) {
        let shortest = requests(entry).iter().map(|request| request.len()).min().unwrap() as i32;
        assert_eq!(shortest, entry.arity.abs(), "{}", entry.facts.name);
    }
}

/// Each word of a good request has a kind, and the keys are those that `Entry::keys` finds.
#[test]
fn every_word_has_a_label() {
    for line in entries().flat_map(requests) {
        let owned = owned(&line);
        let entry = COMMANDS.find(&mut Words::new(owned.request())).expect("a command");
        let labels = Labels::new(entry, owned.request());
        assert!(labels.wanted.is_none(), "{line:?}: {:?}", labels.wanted);
        let (mut keys, mut expected) = (vec![], vec![]);
        for (at, label) in labels.of_words.iter().enumerate() {
            let label = label.unwrap_or_else(|| panic!("{line:?}: word {at} has no label"));
            match label.role {
                Role::Command => assert_eq!(at, 0, "{line:?}"),
                Role::Subcommand => assert_eq!(at, 1, "{line:?}"),
                Role::Value(kind @ (Kind::Key(_) | Kind::Channel)) => keys.push((at, kind)),
                _ => assert!(!label.field.is_empty(), "{line:?}: word {at} is of no field"),
            }
        }
        entry.keys(owned.request(), &mut |at, kind| expected.push((at, kind)));
        assert_eq!(keys, expected, "{line:?}");
    }
}

/// The word that is looked for ahead is what its label says.
#[test]
fn elements_are_found() {
    let mut places = std::collections::BTreeMap::new();
    for entry in entries() {
        let Some(line) = requests(entry).into_iter().min_by_key(Vec::len) else { continue };
        let owned = owned(&line);
        let labels = Labels::new(entry, owned.request());
        let field = |at: u8| labels.of_words.get(at as usize).copied().flatten().map_or("", |label| label.field);
        let is_element = |at: u8| matches!(field(at), "field" | "member");
        assert_eq!(entry.element > 0, (1..4).any(is_element), "{line:?}");
        assert!(entry.element == 0 || is_element(entry.element), "{line:?}");
        places.insert(entry.facts.name, entry.element);
    }
    for (name, place) in [("HGET", 2), ("HSET", 2), ("SADD", 2), ("ZADD", 3), ("SMOVE", 3), ("GET", 0), ("HTTL", 0)] {
        assert_eq!(places[name], place, "{name}");
    }
}

/// Each spoiled request is refused, or is a good one after all. It never panics.
#[test]
fn spoiled_requests() {
    entries().flat_map(spoiled).for_each(|request| _ = there_and_back(&request));
}

#[test]
fn requests_changed_at_random() {
    let seed = std::env::var("SPINDLE_SEED").map_or(1, |seed| seed.parse().expect("SPINDLE_SEED is a number"));
    println!("SPINDLE_SEED={seed}");
    let good: Vec<Line> = entries().flat_map(requests).collect();
    let (count, mut accepted) = (20_000, 0);
    for request in changed(&good, seed, count) {
        accepted += std::panic::catch_unwind(|| there_and_back(&request))
            .unwrap_or_else(|_| panic!("{request:?} of SPINDLE_SEED={seed}"))
            .is_ok() as usize;
    }
    println!("{} good requests; of {count} changed ones {accepted} are good", good.len());
    assert!(accepted > count / 50, "only {accepted} of {count}: what is changed is hardly ever good");
}
