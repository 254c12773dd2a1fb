//! The table of settings against what Redis and Valkey say themselves of theirs (tests/facts/config.tsv), and
//! docs/settings.md, which is made from it. `UPDATE=1 cargo test --test settings` writes the page anew.
use spindle::engine::Config;
use spindle::server::config::table::{self, Change, Meaning, Spec};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Settings of Spindle alone.
const OWN: &[&str] = &["busy-poll-usec", "stall-log-slower-than", "maxclients-unauthenticated"];

/// Defaults that are not Redis's, and why.
const OTHER_DEFAULTS: &[(&str, &str)] = &[
    ("bind", "only this machine, unless one says otherwise"),
    ("save", "nothing is kept unless one asks for it"),
    ("dir", "the directory in which it was started: its name differs"),
];

struct Fact {
    of: String,
    default: String,
    change: String,
    marks: String,
    same_as: String,
}

fn facts() -> BTreeMap<String, Fact> {
    let text = include_str!("facts/config.tsv");
    let row = |line: &str| {
        let [name, of, default, change, marks, same_as] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not six columns: {line}")
        };
        let [of, default, change, marks, same_as] = [of, default, change, marks, same_as].map(String::from);
        (name.to_string(), Fact { of, default, change, marks, same_as })
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn every_name_of_the_peers_is_known_and_no_other() {
    let facts = facts();
    let known: BTreeSet<&str> = table::all().flat_map(Spec::names).collect();
    let peers: BTreeSet<&str> = facts.keys().map(String::as_str).chain(OWN.iter().copied()).collect();
    assert_eq!(known.difference(&peers).collect::<Vec<_>>(), [&""; 0], "known here only");
    assert_eq!(peers.difference(&known).collect::<Vec<_>>(), [&""; 0], "not known here");
    for (name, fact) in facts.iter().filter(|(_, fact)| !fact.same_as.is_empty()) {
        let spec = |name: &str| table::find(name).map(|spec| spec.name);
        assert_eq!(spec(name), spec(&fact.same_as), "{name} is another name of {}", fact.same_as);
    }
}

#[test]
fn patterns_find_what_redis_has() {
    let found: BTreeSet<String> = Config::default().get(b"*").into_iter().map(|(name, _)| name).collect();
    for (name, fact) in facts() {
        let wanted = fact.of == "redis" && !fact.marks.contains("hidden");
        assert_eq!(found.contains(&name), wanted, "{name} is found by *");
        assert_eq!(Config::default().get(name.as_bytes()).len(), 1, "{name} is told when it is asked for");
    }
}

#[test]
fn settings_have_the_defaults_and_the_manners_of_the_peers() {
    let config = Config::default();
    for (name, fact) in facts() {
        let spec = table::find(&name).expect("known");
        let default = if fact.default == "\"\"" { "" } else { &fact.default };
        if default != "?" && !OTHER_DEFAULTS.iter().any(|(other, _)| *other == name) {
            assert_eq!(config.text(spec), default, "the default of {name}");
        }
        let change = match spec.change {
            Change::Live => "live",
            Change::AtStart => "start",
            Change::Protected => "protected",
        };
        assert_eq!(change, fact.change, "when {name} may change");
        let marks = [("hidden", spec.hidden), ("sensitive", spec.secret)];
        let marks: Vec<&str> = marks.iter().filter(|(_, has)| *has).map(|(mark, _)| *mark).collect();
        assert_eq!(marks.join(","), fact.marks, "the marks of {name}");
    }
}

#[test]
fn the_page_is_that_of_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md");
    if std::fs::read_to_string(path).ok().as_deref() == Some(&page()) {
        return;
    }
    assert!(
        std::env::var_os("UPDATE").is_some(),
        "docs/settings.md tells other settings than there are; UPDATE=1 writes it"
    );
    std::fs::write(path, page()).expect(path);
}

fn page() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         Written from the table of settings by `UPDATE=1 cargo test --test settings`. They stand in a file, one to a line,\n\
         or on the command line as `--name value`; a redis.conf is read as it is. What changes while the server runs does\n\
         so by `CONFIG SET`, and `CONFIG REWRITE` writes it into the file. `rename-command NAME NEW-NAME` gives a command\n\
         another name, or with `\"\"` none; `include PATTERN` reads other files. Both stand in files or on the command line\n\
         only.\n",
    );
    let config = Config::default();
    let mut last_group = "";
    for spec in table::all() {
        let Meaning::Field { group, help, .. } = spec.meaning else { continue };
        if group != last_group {
            write!(page, "\n## {group}\n\n| name | takes | default | changes | |\n|---|---|---|---|---|\n").unwrap();
            last_group = group;
        }
        let cells = [&name(spec), &spec.kind.describe(), &code(&config.text(spec)), changes(spec), help];
        writeln!(page, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | ")).unwrap();
    }
    page += "\n## Without effect\n\n\
             Settings of Redis 7.0, 8.0 and Valkey 9.1 that mean nothing here, or not yet. They are read, checked,\n\
             remembered and told by `CONFIG GET` as there, so that a configuration written for those servers starts this\n\
             one. The log names those that were set, and warns of those on which somebody may rely.\n";
    let mut reasons: Vec<(&str, Vec<&Spec>)> = vec![];
    for spec in table::all() {
        let Some(reason) = spec.reason() else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, specs)) => specs.push(spec),
            None => reasons.push((reason, vec![spec])),
        }
    }
    for (reason, specs) in reasons {
        write!(page, "\n{reason}\n\n| name | takes | default | changes |\n|---|---|---|---|\n").unwrap();
        for spec in specs {
            let cells = [&name(spec), &spec.kind.describe(), &code(&config.text(spec)), changes(spec)];
            writeln!(page, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | ")).unwrap();
        }
    }
    page
}

fn name(spec: &Spec) -> String {
    spec.names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

fn changes(spec: &Spec) -> &'static str {
    match spec.change {
        Change::Live => "at any time",
        Change::AtStart => "at start only",
        Change::Protected => "if `enable-protected-configs`",
    }
}
