//! A row of the table as COMMAND INFO and COMMAND DOCS reply it.
//! (<https://redis.io/docs/latest/commands/command-docs/>)
use super::costs;
use crate::command::docs::{self, Argument};
use crate::command::entry::{Commands, Entry};
use crate::command::facts::{FLAG_NAMES, Facts, category, names};
use crate::command::specs::{Begin, Find, KeySpec, KeySpecs};
use crate::command::syntax::{ACCESS_NAMES, Access, Syntax, VARIES};
use crate::wire::reply::Reply;

pub fn info(reply: &mut Reply, table: &Commands, entry: &Entry) {
    let positions = entry.positions;
    reply.array(10);
    reply.text(&entry.lower_name());
    reply.integer(entry.arity as i64);
    let movable = positions.movable.then_some("movablekeys");
    simple_set(reply, flags(entry.facts.flags).chain(movable.map(String::from)));
    reply.integer(positions.first as i64);
    reply.integer(positions.last as i64);
    reply.integer(positions.step as i64);
    simple_set(reply, categories(entry).map(|name| format!("@{name}")));
    reply.set(entry.facts.tips.len());
    entry.facts.tips.iter().for_each(|tip| reply.text(tip));
    let specs = key_specs(entry).specs;
    reply.set(specs.len());
    specs.iter().for_each(|spec| key_spec(reply, entry, spec));
    let subcommands = table.subcommands(entry);
    // Redis has a set of none, and an array of some.
    if subcommands.is_empty() {
        reply.set(0)
    } else {
        reply.array(subcommands.len())
    }
    subcommands.iter().for_each(|subcommand| info(reply, table, subcommand));
}

fn flags(bits: u32) -> impl Iterator<Item = String> {
    names(bits, FLAG_NAMES).map(str::to_ascii_lowercase)
}

pub fn categories(entry: &Entry) -> impl Iterator<Item = String> {
    names(entry.categories(), category::NAMES).map(str::to_ascii_lowercase)
}

pub fn access(reply: &mut Reply, access: Access) {
    simple_set(reply, names(access as u32, ACCESS_NAMES).map(String::from));
}

fn simple_set(reply: &mut Reply, items: impl Iterator<Item = String>) {
    let items: Vec<String> = items.collect();
    reply.set(items.len());
    items.iter().for_each(|item| reply.simple(item));
}

fn key_specs(entry: &Entry) -> KeySpecs {
    KeySpecs::new(entry.syntax, 1 + entry.facts.name.contains('|') as i32)
}

/// Where a specification needs a word of explanation: the same specifications as Redis's have one.
fn note(entry: &Entry, spec: &KeySpec) -> Option<&'static str> {
    match (entry.facts.name, spec.begin) {
        ("GETEX" | "HGETEX", _) => Some("It changes the key, whose expiry it may set"),
        (_, Begin::Unknown) => Some("Which keys these are depends on where options stand, or on what is stored"),
        _ if spec.access & VARIES != 0 => Some("What is done to the key depends on the options"),
        _ => None,
    }
}

fn key_spec(reply: &mut Reply, entry: &Entry, spec: &KeySpec) {
    let note = note(entry, spec);
    reply.map(3 + note.is_some() as usize);
    if let Some(note) = note {
        reply.text("notes");
        reply.text(note);
    }
    reply.text("flags");
    access(reply, spec.access);
    reply.text("begin_search");
    match spec.begin {
        Begin::Index(index) => typed(reply, "index", &[("index", index)]),
        Begin::Keyword(keyword, from) => {
            search(reply, "keyword", 2);
            reply.text("keyword");
            reply.text(keyword);
            reply.text("startfrom");
            reply.integer(from as i64);
        }
        Begin::Unknown => typed(reply, "unknown", &[]),
    }
    reply.text("find_keys");
    match (spec.begin, spec.find) {
        (Begin::Unknown, _) => typed(reply, "unknown", &[]),
        (_, Find::Range { last, step }) => {
            typed(reply, "range", &[("lastkey", last), ("keystep", step), ("limit", 0)]);
        }
        (_, Find::Counted { first, step }) => {
            typed(reply, "keynum", &[("keynumidx", 0), ("firstkey", first), ("keystep", step)]);
        }
    }
}

fn typed(reply: &mut Reply, kind: &str, numbers: &[(&str, i32)]) {
    search(reply, kind, numbers.len());
    for (name, number) in numbers {
        reply.text(name);
        reply.integer(*number as i64);
    }
}

fn search(reply: &mut Reply, kind: &str, length: usize) {
    reply.map(2);
    reply.text("type");
    reply.text(kind);
    reply.text("spec");
    reply.map(length);
}

// --- DOCS

pub fn docs(reply: &mut Reply, table: &Commands, entry: &Entry) {
    let subcommands = table.subcommands(entry);
    // What follows a container's name is told by its subcommands.
    let arguments = match entry.syntax {
        Syntax::All(fields) if subcommands.is_empty() => docs::arguments(fields),
        _ => vec![],
    };
    reply.map(4 + !arguments.is_empty() as usize + !subcommands.is_empty() as usize);
    let Facts { name, summary, since, group, .. } = entry.facts;
    let is_command = subcommands.is_empty() || entry.arity == -1;
    let cost = if is_command { costs::of(name) } else { "what its subcommand takes" };
    for (name, text) in [("summary", *summary), ("since", *since), ("group", *group), ("complexity", cost)] {
        reply.text(name);
        reply.text(text);
    }
    if !arguments.is_empty() {
        reply.text("arguments");
        list(reply, &arguments, &mut key_specs(entry).of_keys.into_iter());
    }
    if !subcommands.is_empty() {
        reply.text("subcommands");
        reply.map(subcommands.len());
        for subcommand in subcommands {
            reply.text(&subcommand.lower_name());
            docs(reply, table, subcommand);
        }
    }
}

fn list(reply: &mut Reply, arguments: &[Argument], specs: &mut dyn Iterator<Item = usize>) {
    reply.array(arguments.len());
    for argument in arguments {
        let nests = !argument.of.is_empty();
        let key_spec = argument.is_key.then(|| specs.next()).flatten();
        let flags: Vec<&str> = [(argument.optional, "optional"), (argument.multiple, "multiple")]
            .iter()
            .filter(|it| it.0)
            .map(|it| it.1)
            .collect();
        let optional_fields = [key_spec.is_some(), argument.token.is_some(), !flags.is_empty()];
        reply.map(3 + optional_fields.iter().filter(|there| **there).count());
        reply.text("name");
        reply.text(&argument.name);
        reply.text("type");
        reply.text(argument.kind);
        if !nests {
            reply.text("display_text");
            reply.text(&argument.name);
        }
        if let Some(spec) = key_spec {
            reply.text("key_spec_index");
            reply.count(spec);
        }
        if let Some(token) = argument.token {
            reply.text("token");
            reply.text(token);
        }
        if !flags.is_empty() {
            reply.text("flags");
            reply.set(flags.len());
            flags.iter().for_each(|flag| reply.simple(flag));
        }
        if nests {
            reply.text("arguments");
            list(reply, &argument.of, specs);
        }
    }
}
