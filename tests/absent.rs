//! Every command of Redis 7.0, 8.0 and Valkey 9.1 is there (what is off in a server that stands alone refuses in Redis's
//! words, see tests/transcripts/server), or stands in tests/facts/absent.txt with a reason; and so does every subcommand
//! of DEBUG that Redis 8.0.6 has.
#[path = "support/hand.rs"]
mod hand;

use hand::Bench;
use spindle::commands::COMMANDS;
use spindle::engine::{Config, config::Permission};
use std::collections::HashSet;

const FACTS: &str = include_str!("facts/commands.tsv");
/// The subcommands of DEBUG, which COMMAND does not tell.
const DEBUG: &str = include_str!("facts/debug.txt");
const ABSENT: &str = include_str!("facts/absent.txt");

/// Does a line of absent.txt name this command of this group?
fn names(line: &str, name: &str, group: &str) -> bool {
    match line.strip_suffix("|*") {
        Some(container) => name.split_once('|').is_some_and(|(own, _)| own == container),
        None => line == name || line.strip_prefix('@') == Some(group),
    }
}

/// Those of DEBUG that are not there, as its HELP has it: `DEBUG|LEAK`.
fn missing_of_debug() -> Vec<String> {
    let mut config = Config::default();
    config.enable_debug_command = Permission::Yes;
    let mut bench = Bench::with_table(config, &COMMANDS);
    let id = bench.open();
    let help = bench.ask(id, "DEBUG HELP");
    let has = |name: &str| help.contains(&format!(" +{name} "));
    assert!(has("SLEEP"), "{help}");
    DEBUG.lines().skip(1).filter(|name| !has(name)).map(|name| format!("DEBUG|{name}")).collect()
}

#[test]
fn every_command_is_there_or_told_to_be_absent() {
    let there: HashSet<&str> = COMMANDS.entries.iter().map(|entry| entry.facts.name).collect();
    let of_debug = missing_of_debug();
    let missing: Vec<(&str, &str)> = FACTS
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|columns| !there.contains(columns[0]))
        .map(|columns| (columns[0], columns[1]))
        .chain(of_debug.iter().map(|name| (&**name, "server")))
        .collect();
    let lines: Vec<(&str, &str)> = ABSENT
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').unwrap_or_else(|| panic!("a name, a tab, a reason: {line:?}")))
        .collect();
    assert!(lines.iter().all(|(_, reason)| reason.len() > 5), "each line has a reason");
    let untold: Vec<&str> = missing
        .iter()
        .filter(|(name, group)| !lines.iter().any(|(line, _)| names(line, name, group)))
        .map(|(name, _)| *name)
        .collect();
    assert!(untold.is_empty(), "neither there nor in absent.txt: {untold:?}");
    let is_stale = |line: &str| !missing.iter().any(|(name, group)| names(line, name, group));
    let stale: Vec<&str> = lines.iter().map(|(line, _)| *line).filter(|line| is_stale(line)).collect();
    if std::env::var_os("UPDATE").is_some() {
        let kept = |line: &&str| line.starts_with('#') || !is_stale(line.split('\t').next().unwrap());
        let text: String = ABSENT.lines().filter(kept).map(|line| format!("{line}\n")).collect();
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/facts/absent.txt"), text).unwrap();
    } else {
        assert!(stale.is_empty(), "in absent.txt, but they are there: {stale:?}; UPDATE=1 strikes them out");
    }
}

/// The tests of Redis's suite that are told not to pass for want of a command still want it.
#[test]
fn no_test_is_said_to_wait_for_a_command_that_is_there() {
    let reasons = include_str!("conformance/not-passing.txt").lines().filter_map(|line| line.split('\t').nth(2));
    let wanted = reasons.filter_map(|reason| {
        let after = reason.strip_prefix("no command ").map(|rest| rest.split(':').next().unwrap_or(rest));
        after.or_else(|| reason.strip_suffix(" is not there yet"))
    });
    let there: Vec<&str> =
        wanted.filter(|name| COMMANDS.entries.iter().any(|entry| entry.facts.name == *name)).collect();
    assert!(there.is_empty(), "in tests/conformance/not-passing.txt, but they are there: {there:?}");
}
