//! SLOWLOG: the commands that took longer than `slowlog-log-slower-than`. What is kept of them, `server::slowlog` knows.
use crate::commands::prelude::*;

// --- SLOWLOG subcommand [argument ...]
form! { pub Slowlog<'a> { subcommand: Bytes<'a>, arguments: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Slowlog<'a> {
    const FACTS: Facts = facts("SLOWLOG", "server", "2.2.12", 0, "Holds the commands for the log of slow commands.");
    fn run(self, _: &mut Context) -> Ran {
        unreachable!("a container does not run")
    }
}

const LOGS: u32 = ADMIN | LOADING | STALE;
/// Without a count.
const SHOWN: i64 = 10;

// --- SLOWLOG GET [count]
form! { pub SlowlogGet { count: Option<LastCount> } }
number! { SlowCount: integer, else BadSlowCount; |n| n >= -1, else BadSlowCount }

/// That no other word follows is said before what it says.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct LastCount(SlowCount);

impl<'a> Grammar<'a> for LastCount {
    const SYNTAX: Syntax = SlowCount::SYNTAX;
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        if words.len() > 1 { Err(Refusal::SlowlogUsage) } else { SlowCount::parse(words).map(LastCount) }
    }
    fn print(&self, to: &mut OwnedWords) {
        Grammar::print(&self.0, to);
    }
}

impl<'a> Command<'a> for SlowlogGet {
    const FACTS: Facts = facts("SLOWLOG|GET", "server", "2.2.12", LOGS, "Shows the latest slow commands.")
        .hint(&["request_policy:all_nodes", "nondeterministic_output"]);
    /// -1: all.
    fn run(self, cx: &mut Context) -> Ran {
        let count = self.count.map_or(SHOWN, |count| count.0.0);
        let (log, reply) = (&cx.server.slowlog, &mut cx.reply);
        let shown = usize::try_from(count).map_or(log.len(), |count| count.min(log.len()));
        reply.array(shown);
        for slow in log.iter().take(shown) {
            reply.array(6);
            reply.integer(slow.id as i64);
            reply.integer(slow.at_s);
            reply.integer(slow.took_us as i64);
            reply.array(slow.words.len());
            slow.words.iter().for_each(|word| reply.bulk(word));
            reply.text(&slow.peer);
            reply.bulk(&slow.name);
        }
        Ok(Outcome::Done)
    }
}

// --- SLOWLOG HELP
form! { pub SlowlogHelp {} }
impl<'a> Command<'a> for SlowlogHelp {
    const FACTS: Facts = facts("SLOWLOG|HELP", "server", "6.2.0", LOADING | STALE, "Shows these lines.");
    fn run(self, cx: &mut Context) -> Ran {
        help("SLOWLOG", cx)
    }
}

// --- SLOWLOG LEN
form! { pub SlowlogLen {} }
impl<'a> Command<'a> for SlowlogLen {
    const FACTS: Facts = facts("SLOWLOG|LEN", "server", "2.2.12", LOGS, "Counts the slow commands in the log.")
        .hint(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        cx.count(cx.server.slowlog.len())
    }
}

// --- SLOWLOG RESET
form! { pub SlowlogReset {} }
impl<'a> Command<'a> for SlowlogReset {
    const FACTS: Facts = facts("SLOWLOG|RESET", "server", "2.2.12", LOGS, "Empties the log of slow commands.")
        .hint(&["request_policy:all_nodes", "response_policy:all_succeeded"]);
    fn run(self, cx: &mut Context) -> Ran {
        cx.server.slowlog.clear();
        cx.ok()
    }
}
