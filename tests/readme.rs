//! README.md is one screen, and the list of commands in docs/commands.md is that of the table. `UPDATE=1 cargo test --test readme` writes it anew.
use spindle::command::Entry;
use spindle::commands::COMMANDS;
use std::collections::BTreeMap;

const BEGIN: &str = "<!-- commands: UPDATE=1 cargo test --test readme -->\n";
const END: &str = "<!-- end of commands -->\n";

#[test]
fn the_list_of_commands_is_that_of_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md");
    let text = std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{path}: {why}"));
    let (before, rest) = text.split_once(BEGIN).unwrap_or_else(|| panic!("docs/commands.md has no line {BEGIN}"));
    let (list, after) = rest.split_once(END).unwrap_or_else(|| panic!("docs/commands.md has no line {END}"));
    if list == self::list() {
        return;
    }
    assert!(
        std::env::var_os("UPDATE").is_some(),
        "docs/commands.md lists other commands than there are; UPDATE=1 writes it"
    );
    std::fs::write(path, [before, BEGIN, &self::list(), END, after].concat()).expect(path);
}

/// Who comes sees at one glance what it is, how to run it and where to go on: the rest stands in docs/.
#[test]
fn the_readme_is_short() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md");
    let lines = text.lines().count();
    assert!(lines <= 75, "README.md has {lines} lines");
}

/// A line for each group, commands by name.
fn list() -> String {
    let mut groups: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in COMMANDS.top() {
        groups.entry(entry.facts.group).or_default().push(entry);
    }
    let mut list = String::new();
    for (group, mut entries) in groups {
        entries.sort_by_key(|entry| entry.facts.name);
        let names: Vec<String> = entries.into_iter().map(name).collect();
        list += &format!("- {group}: {}\n", names.join(", "));
    }
    list
}

fn name(entry: &Entry) -> String {
    let own = |sub: &Entry| sub.facts.name.split('|').nth(1).expect("a container's name before it").to_string();
    let mut subcommands: Vec<String> = COMMANDS.subcommands(entry).iter().map(own).collect();
    subcommands.sort();
    match subcommands.as_slice() {
        [] => entry.facts.name.to_string(),
        subcommands => format!("{} ({})", entry.facts.name, subcommands.join(" ")),
    }
}
