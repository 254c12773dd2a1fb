//! What the command line prints: help, from the list of flags; the version; the result of a check.
use super::flags::{self, Flag};
use crate::server::config::{Config, guard};
use std::fmt::Write;

/// Columns of a terminal, and where the explanations begin.
const WIDTH: usize = 80;
const INDENT: usize = 32;

pub fn version() -> String {
    format!("spindle {}\n", env!("CARGO_PKG_VERSION"))
}

pub fn help() -> String {
    let mut out = String::from(
        "Spindle: an in-memory server that any Redis client can use\n\n\
         Usage: spindle [FILE | -] [--name value ...]\n\
         \x20      spindle explain 'SET key value'\n\n\
         FILE has one setting per line, as redis.conf has; - reads standard input.\n\
         A setting given as --name counts after the file's. Bytes may have a unit:\n\
         1k is 1000, 1kb is 1024; m, mb, g, gb likewise.\n\n",
    );
    let mut last_group = None;
    for Flag { name, letter, shape, help, default, group, .. } in flags::all() {
        if group != last_group {
            write!(out, "\n{}\n", group.unwrap_or_default()).expect("a String takes all");
            last_group = group;
        }
        let letter = letter.map_or(String::new(), |letter| format!(", -{letter}"));
        let default = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        entry(&mut out, format!("--{name}{letter} {shape}").trim_end(), &format!("{help}{default}"));
    }
    out.push_str("\nOther settings of Redis and Valkey are accepted and have no effect.\n");
    out
}

/// A name on the left, its explanation wrapped on the right.
fn entry(out: &mut String, left: &str, right: &str) {
    let mut line = format!("  {left}");
    if line.len() + 2 > INDENT {
        out.push_str(&line);
        out.push('\n');
        line.clear();
    }
    line = format!("{line:INDENT$}");
    for word in right.split(' ') {
        if line.len() + word.len() > WIDTH {
            out.push_str(line.trim_end());
            out.push('\n');
            line = " ".repeat(INDENT);
        }
        line.push_str(word);
        line.push(' ');
    }
    out.push_str(line.trim_end());
    out.push('\n');
}

/// What `--check-config` says of a configuration that may start.
pub fn check(config: &Config) -> String {
    debug_assert_eq!(guard::objection(config), None, "a configuration that may not start is not valid");
    let mut out = String::new();
    for it in config.changed() {
        let value = if it.value.is_empty() { "\"\"" } else { &it.value };
        let default = if it.default.is_empty() { "\"\"" } else { &it.default };
        writeln!(out, "{} {value}  ({}; default {default})", it.name, it.source).expect("a String takes all");
    }
    if !config.renames.is_empty() {
        writeln!(out, "commands renamed: {}", config.renamed().join(", ")).expect("a String takes all");
    }
    let ignored = config.ignored();
    if !ignored.is_empty() {
        writeln!(out, "without effect here: {}", ignored.join(", ")).expect("a String takes all");
    }
    for warning in config.warnings() {
        writeln!(out, "warning: {warning}").expect("a String takes all");
    }
    out.push_str("configuration is valid\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::table::{self, Meaning};

    #[test]
    fn help_fits_a_terminal_and_names_every_setting() {
        let help = help();
        for line in help.lines() {
            assert!(line.len() <= WIDTH, "{line}");
            assert_eq!(line, line.trim_end());
        }
        for spec in table::all() {
            let listed = help.lines().any(|line| line.split_whitespace().next() == Some(&format!("--{}", spec.name)));
            assert_eq!(listed, matches!(spec.meaning, Meaning::Field { .. }) && !spec.hidden, "{}", spec.name);
        }
    }
}
