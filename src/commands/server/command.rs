//! COMMAND: what commands there are, and where their keys stand in a request. All of it is read off the table; how a row
//! is written, `describe` knows.
use super::describe;
use crate::base::glob;
use crate::command::entry::NotFound;
use crate::command::specs::{Begin, Find, KeySpec, KeySpecs};
use crate::commands::prelude::*;
use crate::wire::reply::Of;

// --- COMMAND
form! { pub CommandAll<'a> { subcommand: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for CommandAll<'a> {
    const FACTS: Facts = facts("COMMAND", "server", "2.8.13", LOADING | STALE, "Describes all commands.")
        .and(category::CONNECTION)
        .hint(&["nondeterministic_output_order"]);
    fn run(self, cx: &mut Context) -> Ran {
        all(cx)
    }
}

// --- COMMAND COUNT
form! { pub CommandCount {} }
impl<'a> Command<'a> for CommandCount {
    const FACTS: Facts =
        facts("COMMAND|COUNT", "server", "2.8.13", LOADING | STALE, "Counts the commands.").and(category::CONNECTION);
    fn run(self, cx: &mut Context) -> Ran {
        cx.count(cx.table.top().count())
    }
}

// --- COMMAND DOCS [name [name ...]]
form! { pub CommandDocs<'a> { command_name: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for CommandDocs<'a> {
    const FACTS: Facts =
        facts("COMMAND|DOCS", "server", "7.0.0", LOADING | STALE, "Tells what commands are for and their arguments.")
            .and(category::CONNECTION)
            .hint(&["nondeterministic_output_order"]);
    fn run(self, cx: &mut Context) -> Ran {
        let named: Vec<&Entry> = match cx.request.len() {
            2 => cx.table.top().collect(),
            _ => self.command_name.iter().filter_map(|name| cx.table.named(name.0)).collect(),
        };
        cx.reply.map(named.len());
        for entry in named {
            cx.reply.text(&entry.lower_name());
            describe::docs(&mut cx.reply, cx.table, entry);
        }
        Ok(Outcome::Done)
    }
}

// --- COMMAND GETKEYS command [argument [argument ...]]
form! { pub CommandGetkeys<'a> { command: Bytes<'a>, arg: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for CommandGetkeys<'a> {
    const FACTS: Facts = facts("COMMAND|GETKEYS", "server", "2.8.13", LOADING | STALE, "Lists the keys of a request.")
        .and(category::CONNECTION);
    fn run(self, cx: &mut Context) -> Ran {
        let (request, keys) = keys(cx)?;
        cx.reply.array(keys.len());
        keys.iter().filter_map(|(at, _)| request.request().get(*at)).for_each(|key| cx.reply.bulk(key));
        Ok(Outcome::Done)
    }
}

// --- COMMAND GETKEYSANDFLAGS command [argument [argument ...]]
form! { pub CommandGetkeysandflags<'a> { command: Bytes<'a>, arg: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for CommandGetkeysandflags<'a> {
    const FACTS: Facts = facts(
        "COMMAND|GETKEYSANDFLAGS",
        "server",
        "7.0.0",
        LOADING | STALE,
        "Lists the keys of a request, and what it does to each.",
    )
    .and(category::CONNECTION);
    fn run(self, cx: &mut Context) -> Ran {
        let (request, keys) = keys(cx)?;
        cx.reply.array(keys.len());
        for (at, access) in keys {
            cx.reply.array(2);
            cx.reply.bulk(request.request().get(at).unwrap_or_default());
            describe::access(&mut cx.reply, access & !VARIES);
        }
        Ok(Outcome::Done)
    }
}

// --- COMMAND HELP
form! { pub CommandHelp {} }
impl<'a> Command<'a> for CommandHelp {
    const FACTS: Facts =
        facts("COMMAND|HELP", "server", "5.0.0", LOADING | STALE, "Shows these lines.").and(category::CONNECTION);
    fn run(self, cx: &mut Context) -> Ran {
        help("COMMAND", cx)
    }
}

// --- COMMAND INFO [name [name ...]]
form! { pub CommandInfo<'a> { command_name: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for CommandInfo<'a> {
    const FACTS: Facts =
        facts("COMMAND|INFO", "server", "2.8.13", LOADING | STALE, "Describes commands as COMMAND does.")
            .and(category::CONNECTION)
            .hint(&["nondeterministic_output_order"]);
    fn run(self, cx: &mut Context) -> Ran {
        if cx.request.len() == 2 {
            return all(cx);
        }
        cx.reply.array(cx.request.len() - 2);
        for name in self.command_name.iter() {
            match cx.table.named(name.0) {
                Some(entry) => describe::info(&mut cx.reply, cx.table, entry),
                None => cx.reply.null(),
            }
        }
        Ok(Outcome::Done)
    }
}

// --- COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]
form! { pub CommandList<'a> { [#[once] filterby: "FILTERBY" FilterBy<'a>] } }
choice! { pub FilterBy<'a> {
    "MODULE" => ModuleName(Bytes<'a>), "ACLCAT" => Category(Bytes<'a>), "PATTERN" => Pattern(Pattern<'a>)
} }
impl<'a> Command<'a> for CommandList<'a> {
    const FACTS: Facts = facts("COMMAND|LIST", "server", "7.0.0", LOADING | STALE, "Lists the names of commands.")
        .and(category::CONNECTION)
        .hint(&["nondeterministic_output_order"]);
    fn run(self, cx: &mut Context) -> Ran {
        let (mark, mut count) = (cx.reply.mark(), 0);
        let table = cx.table;
        for entry in table.top().flat_map(|entry| std::iter::once(entry).chain(table.subcommands(entry))) {
            let name = entry.lower_name();
            let wanted = match self.filterby {
                None => true,
                // There are no modules.
                Some(FilterBy::ModuleName(_)) => false,
                Some(FilterBy::Category(category)) => {
                    describe::categories(entry).any(|own| own.as_bytes().eq_ignore_ascii_case(category.0))
                }
                Some(FilterBy::Pattern(pattern)) => glob::matches(pattern.0, name.as_bytes(), true),
            };
            if wanted {
                cx.reply.text(&name);
                count += 1;
            }
        }
        cx.reply.length_at(mark, Of::Array, count);
        Ok(Outcome::Done)
    }
}

fn all(cx: &mut Context) -> Ran {
    cx.reply.array(cx.table.top().count());
    cx.table.top().for_each(|entry| describe::info(&mut cx.reply, cx.table, entry));
    Ok(Outcome::Done)
}

/// The request that follows COMMAND GETKEYS, and where its keys are.
fn keys(cx: &Context) -> Result<(OwnedWords, Vec<(usize, Access)>), Refusal> {
    let mut inner = OwnedWords::default();
    cx.request.iter().skip(2).for_each(|word| _ = inner.word(word));
    let request = inner.request();
    let entry = match cx.table.find(&mut Words::new(request)) {
        Ok(entry) => entry,
        Err(NotFound::Bare { .. }) => return Err(Refusal::NoKeyArguments),
        Err(_) => return Err(Refusal::InvalidCommand),
    };
    let specs = KeySpecs::new(entry.syntax, 1).specs;
    if specs.iter().all(|spec| spec.access & SHARD_CHANNEL != 0) {
        return Err(Refusal::NoKeyArguments);
    }
    if !entry.admits(request.len()) {
        return Err(Refusal::InvalidWordCount);
    }
    let mut keys = Vec::new();
    let told = entry.keys(request, &mut |at, kind| {
        if let Kind::Key(access) = kind {
            keys.push((at, access));
        }
    });
    // A number of keys that is no good leaves none of them, though there may be one elsewhere: ZUNIONSTORE d 9 a.
    let fails = |spec: &KeySpec| match (spec.begin, spec.find) {
        (Begin::Index(at), Find::Counted { first, .. }) => keys.iter().all(|(key, _)| (*key as i32) < at + first),
        _ => false,
    };
    if specs.iter().any(fails) && !entry.facts.is(NO_MANDATORY_KEYS) {
        return Err(Refusal::InvalidArguments);
    }
    if keys.is_empty() && !(told.is_some() && entry.facts.is(NO_MANDATORY_KEYS)) {
        return Err(Refusal::InvalidArguments);
    }
    Ok((inner, keys))
}
