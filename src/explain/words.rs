//! The middle stages: each word with the kind that the command's grammar gives it, then the typed command. Where words are
//! no command, it shows which word, or what is missing after them.
use super::page::{INNER, Page, clip, field_name, typed};
use super::tokens::escaped;
use crate::base::nearest::nearest;
use crate::command::docs::arguments;
use crate::command::label::{Label, Labels, Role, Wanted};
use crate::command::syntax::{Access, CHANGES, Field, Kind, READ, Syntax};
use crate::command::usage::{sequence, usage};
use crate::command::words::{OwnedWords, Request, Words};
use crate::command::{Entry, Refusal, entry::NotFound};
use crate::engine::COMMANDS;
use crate::wire::token::Span;
use std::fmt::Debug;
use std::ops::Range;

/// Typed words are shown up to this length where a mark stands under one of them.
const TYPED_MAX: usize = 40;

/// `refused`: the server answers with an error.
pub fn show(request: Request, spans: &[Span], refused: bool, page: &mut Page) {
    let mut words = Words::new(request);
    page.section("Words", "src/command/syntax.rs");
    let entry = match COMMANDS.find(&mut words) {
        Ok(entry) => entry,
        Err(not_found) => return unknown(not_found, request, page),
    };
    let name = entry.facts.name.replace('|', " ");
    // A line ends before an option or a choice, not within one.
    let grammar = usage(entry).replace(" [", "\n[").replace(" | ", "\n| ");
    page.flow(format!("Grammar    {name}\n{grammar}").trim_end().split('\n'), 11 + name.len() + 1);
    page.gap();
    let labels = Labels::new(entry, request);
    let head = ["word", "span", "kind", "field"].map(String::from).to_vec();
    let rows = request.iter().zip(spans).zip(&labels.of_words).map(|((word, span), label)| {
        // A long word is told by its ends: its span stands beside it.
        let (kind, field) = label.map_or(("?".into(), String::new()), |label| (kind(&label), field_name(label.field)));
        vec![clip(&typed(word), TYPED_MAX), format!("{}..{}", span.start, span.end), kind, field]
    });
    page.table(&std::iter::once(head).chain(rows).collect::<Vec<_>>());

    let mut printed = OwnedWords::default();
    let parsed =
        if entry.admits(request.len()) { (entry.explain)(&mut words, &mut printed) } else { Err(Refusal::WrongArity) };
    match parsed {
        Ok(form) => {
            // What the command reads itself, when it runs, is as much of its syntax to who sent it.
            let late = |label: &Option<Label>| label.and_then(|label| label.refusal);
            let spoilt = labels.of_words.iter().enumerate().find_map(|(at, label)| Some((at, late(label)?)));
            if let Some((at, refusal)) = spoilt.filter(|_| refused) {
                page.gap();
                return mark(request, at..at + 1, &told(refusal, entry, &words), page);
            }
            page.section("Typed command", "src/command/grammar.rs");
            show_form(&*form, page);
            page.gap();
            let printed: Vec<String> = printed.request().iter().map(|word| clip(&typed(word), TYPED_MAX)).collect();
            page.wrapped(&format!("Printed as words again: {}", printed.join(" ")), 24);
        }
        Err(refusal) => {
            page.gap();
            let (at, why) = fault(entry, refusal, request, &words, &labels);
            mark(request, at, &why, page);
        }
    }
}

// --- Kinds

fn kind(label: &Label) -> String {
    match label.role {
        Role::Command => "command".into(),
        Role::Subcommand => "subcommand".into(),
        Role::Token => "option token".into(),
        Role::Count => "count".into(),
        Role::Value(kind) => value(kind),
    }
}

fn value(kind: Kind) -> String {
    match kind {
        Kind::Key(access) => format!("key, {}", done_to(access)),
        Kind::Channel => "channel".into(),
        Kind::String => "string".into(),
        Kind::Integer => "integer".into(),
        Kind::Double => "double".into(),
        Kind::UnixTime => "unix-time".into(),
        Kind::Pattern => "pattern".into(),
        Kind::KeyPattern(access) => format!("pattern of keys, {}", done_to(access)),
    }
}

/// As COMMAND GETKEYSANDFLAGS has it, in words.
fn done_to(access: Access) -> &'static str {
    match access & 15 {
        1 if access & READ & !1 != 0 => "read (RO)",
        1 => "looked at (RO)",
        2 if access & READ & !1 != 0 => "read and changed (RW)",
        2 if access & CHANGES != 0 => "changed (RW)",
        4 => "overwritten (OW)",
        8 => "removed (RM)",
        _ => "used",
    }
}

// --- The typed command

/// On one line if it fits, else a line for each part that does.
fn show_form(form: &dyn Debug, page: &mut Page) {
    let pretty = format!("{form:#?}");
    lay_out(&pretty.lines().collect::<Vec<_>>(), page);
}

/// Debug's long form has a line for each part at every depth; parts that fit are joined again.
fn lay_out(lines: &[&str], page: &mut Page) {
    let mut rest = lines;
    while let [first, after @ ..] = rest {
        let indent = first.len() - first.trim_start().len();
        let closes = |line: &&str| line.len() - line.trim_start().len() == indent;
        let last =
            if first.ends_with(['(', '[', '{']) { after.iter().position(closes).map_or(0, |at| at + 1) } else { 0 };
        let joined = " ".repeat(indent) + &join(&rest[..=last]);
        if last == 0 || joined.len() <= INNER {
            page.line(&clip(&joined, INNER));
        } else {
            page.line(first);
            lay_out(&rest[1..last], page);
            page.line(rest[last]);
        }
        rest = &rest[last + 1..];
    }
}

fn join(lines: &[&str]) -> String {
    let mut joined = String::new();
    for line in lines.iter().map(|line| line.trim_start()) {
        if line.starts_with([')', ']', '}']) {
            joined.truncate(joined.trim_end_matches([',', ' ']).len());
            joined.push_str(if line.starts_with('}') { " " } else { "" });
        }
        joined.push_str(line);
        joined.push_str(if line.ends_with(['{', ',']) { " " } else { "" });
    }
    joined.trim_end().into()
}

// --- What is wrong

/// The words with a mark under some of them; a place after the last word is where one is missing.
fn mark(request: Request, at: Range<usize>, why: &str, page: &mut Page) {
    let (mut line, mut columns) = (String::new(), vec![]);
    for word in request.iter() {
        let start = line.len();
        line.push_str(&clip(&typed(word), TYPED_MAX));
        columns.push(start..line.len());
        line.push(' ');
    }
    columns.push(line.len()..line.len() + 1);
    let last = columns.len() - 1;
    let (first, end) = (at.start.min(last), at.end.clamp(at.start + 1, last + 1).min(last + 1));
    let part = columns[first].start..columns[end - 1].end;
    page.marked(line.trim_end(), part, why);
}

fn unknown(not_found: NotFound, request: Request, page: &mut Page) {
    let (at, container, what) = match not_found {
        NotFound::Command => (0, "", "no command has this name".to_string()),
        NotFound::Subcommand { container } => (1, container, format!("no subcommand of {container} has this name")),
        NotFound::Bare { container } => (1, container, format!("a subcommand of {container} is wanted here")),
    };
    let prefix = if container.is_empty() { String::new() } else { format!("{container}|") };
    let names: Vec<&str> = COMMANDS
        .entries
        .iter()
        .filter_map(|entry| entry.facts.name.strip_prefix(prefix.as_str()))
        .filter(|name| !name.contains('|'))
        .collect();
    let word = String::from_utf8_lossy(request.get(at).unwrap_or_default()).into_owned();
    let hint = match nearest(&word, names.iter().copied()) {
        Some(name) if !word.is_empty() => format!("; the nearest is {name}"),
        _ if !container.is_empty() => format!(": {}", names.join(", ")),
        _ => String::new(),
    };
    mark(request, at..at + 1, &(what + &hint), page);
}

/// Where words stopped being the command, and why.
fn fault(entry: &Entry, refusal: Refusal, request: Request, words: &Words, labels: &Labels) -> (Range<usize>, String) {
    let name = entry.facts.name.replace('|', " ");
    let count = request.len();
    if let Some(wanted) = &labels.wanted {
        return (count..count, format!("the words end here; wanted is {}", describe(wanted)));
    }
    let last = words.at().saturating_sub(1);
    if !matches!(refusal, Refusal::WrongArity | Refusal::Syntax) {
        // Such a refusal speaks of the word last read.
        return (last..last + 1, told(refusal, entry, words));
    }
    if let Some(first) = labels.of_words.iter().position(Option::is_none) {
        return (first..first + 1, format!("the grammar of {name} has no place for this word"));
    }
    match refusal {
        Refusal::WrongArity => (count - 1..count, format!("{name} takes another number of words")),
        _ => (last..last + 1, "this word does not go with the words before it".into()),
    }
}

/// A refusal without its code.
fn told(refusal: Refusal, entry: &Entry, words: &Words) -> String {
    let said = escaped(&refusal.say(entry.facts.name, words));
    said.split_once(' ').map_or(said.clone(), |(_, text)| text.into())
}

fn describe(wanted: &Wanted) -> String {
    let field = Field { name: wanted.field, token: wanted.token, syntax: wanted.syntax, needed: true };
    let usage = sequence(&arguments(&[field]));
    match wanted.syntax {
        Syntax::Word { kind, .. } if wanted.token.is_none() => {
            let kind = value(kind);
            let kind = kind.split(',').next().unwrap_or_default();
            if kind == usage { format!("a {kind}") } else { format!("{usage}: {} {kind}", article(kind)) }
        }
        _ => usage,
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}
