//! A command's syntax as a line for a person, `SET key value [NX | XX] ...`, and the HELP of a container made of these.
use super::context::Context;
use super::docs::{Argument, arguments};
use super::entry::Entry;
use super::outcome::{Outcome, Ran};
use super::syntax::Syntax;

/// What follows the command's name.
pub fn usage(entry: &Entry) -> String {
    let Syntax::All(fields) = entry.syntax else { return String::new() };
    sequence(&arguments(fields))
}

pub fn sequence(arguments: &[Argument]) -> String {
    arguments.iter().map(argument).collect::<Vec<_>>().join(" ")
}

fn argument(argument: &Argument) -> String {
    let Argument { name, kind, token, optional, multiple, of, .. } = argument;
    let values = match *kind {
        "pure-token" => String::new(),
        "block" => sequence(of),
        "oneof" => of.iter().map(self::argument).collect::<Vec<_>>().join(" | "),
        _ => name.clone(),
    };
    let bracketed = *kind == "oneof" && (token.is_some() || *multiple || !*optional);
    let values = if bracketed { format!("<{values}>") } else { values };
    let one = match token {
        Some(token) => format!("{token} {values}").trim_end().to_string(),
        None => values,
    };
    match (optional, multiple) {
        (false, false) => one,
        (false, true) if bracketed => format!("{one} [...]"),
        (false, true) => format!("{one} [{one} ...]"),
        (true, false) => format!("[{one}]"),
        (true, true) => format!("[{one} ...]"),
    }
}

/// Answers HELP of a container: its subcommands, each with its syntax and its summary.
pub fn help(container: &str, cx: &mut Context) -> Ran {
    let own = cx.table.entries.iter().find(|entry| entry.facts.name == container);
    let subcommands = cx.table.subcommands(own.expect("HELP belongs to a container of the table"));
    cx.reply.array(1 + 2 * subcommands.len());
    // The container may have been renamed: it is told as it was called.
    let called = String::from_utf8_lossy(cx.request.get(0).unwrap_or_default()).to_ascii_uppercase();
    cx.reply.simple(&format!("{called} <subcommand> [argument ...], where subcommand is one of"));
    for subcommand in subcommands {
        let name = subcommand.facts.name.rsplit('|').next().unwrap_or_default();
        cx.reply.simple(format!("{name} {}", usage(subcommand)).trim_end());
        cx.reply.simple(&format!("    {}", subcommand.facts.summary));
    }
    Ok(Outcome::Done)
}
