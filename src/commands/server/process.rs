//! The clock of the server, its end; and what test harnesses send before a test though there is nothing to do.
use crate::command::admit::busy;
use crate::command::disk;
use crate::commands::prelude::*;
use log::info;

// --- TIME
form! { pub Time {} }
impl<'a> Command<'a> for Time {
    const FACTS: Facts = facts("TIME", "server", "2.6.0", LOADING | STALE | FAST, "Tells the time of the server.")
        .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        let now_us = cx.host.now().wall_us;
        cx.reply.array(2);
        cx.reply.bulk_integer(now_us.div_euclid(1_000_000));
        cx.reply.bulk_integer(now_us.rem_euclid(1_000_000));
        Ok(Outcome::Done)
    }
}

// --- SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]
form! { pub Shutdown { [save_selector: SaveSelector, now: "NOW", force: "FORCE", abort: "ABORT"] } }
choice! { pub SaveSelector { "NOSAVE" => Nosave, "SAVE" => Save } }
impl<'a> Command<'a> for Shutdown {
    const FACTS: Facts = facts(
        "SHUTDOWN",
        "server",
        "1.0.0",
        ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY,
        "Ends the server.",
    );
    /// Who cannot save is refused and goes on, unless FORCE is said. Nobody is waited for, so there is never a shutdown
    /// to abort, and NOW changes nothing.
    fn run(self, cx: &mut Context) -> Ran {
        if self.abort {
            let alone = self == Shutdown { save_selector: None, now: false, force: false, abort: true };
            return Err(if alone { Refusal::NoShutdown } else { Refusal::Syntax });
        }
        // Nothing can be saved in the middle of a command.
        if cx.server.busy.answering && self.save_selector != Some(SaveSelector::Nosave) {
            return Err(busy(cx));
        }
        let said = self.save_selector.map(|selector| selector == SaveSelector::Save);
        if disk::save_at_end(said, self.force, cx.data, cx.server, cx.host).is_err() {
            return Err(Refusal::ShutdownFailed);
        }
        let id = cx.me().id;
        info!("{} asked for a shutdown", cx.me().address.peer());
        cx.server.busy.stop = cx.server.busy.answering;
        cx.ask(Effect::Shutdown);
        cx.ask(Effect::CloseAfterReply(id));
        Ok(Outcome::Done)
    }
}

// --- FUNCTION
form! { pub Function<'a> { subcommand: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Function<'a> {
    const FACTS: Facts = facts("FUNCTION", "scripting", "7.0.0", 0, "Holds the commands for functions.");
    fn run(self, _: &mut Context) -> Ran {
        unreachable!("a container does not run")
    }
}

// --- FUNCTION FLUSH [ASYNC | SYNC]
form! { pub FunctionFlush { flush_type: Option<OnlyFlushType> } }
choice! { pub FlushType { "ASYNC" => Async, "SYNC" => Sync } }

/// That no other word follows is said before what it says. By hand, since a surplus word and a wrong one differ.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct OnlyFlushType(FlushType);

impl<'a> Grammar<'a> for OnlyFlushType {
    const SYNTAX: Syntax = FlushType::SYNTAX;
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        match words.len() {
            1 => FlushType::maybe(words)?.map(OnlyFlushType).ok_or(Refusal::FunctionFlushOption),
            _ => Err(Refusal::FunctionUsage),
        }
    }
    fn print(&self, to: &mut OwnedWords) {
        self.0.print(to);
    }
}

impl<'a> Command<'a> for FunctionFlush {
    const FACTS: Facts = facts(
        "FUNCTION|FLUSH",
        "scripting",
        "7.0.0",
        WRITE | NOSCRIPT,
        "Deletes all functions, of which there are none.",
    )
    .hint(&["request_policy:all_shards", "response_policy:all_succeeded"]);
    fn run(self, cx: &mut Context) -> Ran {
        cx.ok()
    }
}

// --- FUNCTION HELP
form! { pub FunctionHelp {} }
impl<'a> Command<'a> for FunctionHelp {
    const FACTS: Facts = facts("FUNCTION|HELP", "scripting", "7.0.0", LOADING | STALE, "Shows these lines.");
    fn run(self, cx: &mut Context) -> Ran {
        help("FUNCTION", cx)
    }
}

// --- SCRIPT
form! { pub Script<'a> { subcommand: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Script<'a> {
    const FACTS: Facts = facts("SCRIPT", "scripting", "2.6.0", 0, "Holds the commands for scripts.");
    fn run(self, _: &mut Context) -> Ran {
        unreachable!("a container does not run")
    }
}

// --- SCRIPT FLUSH [ASYNC | SYNC]
form! { pub ScriptFlush { flush_type: Option<FlushType> } }
impl<'a> Command<'a> for ScriptFlush {
    const FACTS: Facts =
        facts("SCRIPT|FLUSH", "scripting", "2.6.0", NOSCRIPT, "Deletes all scripts, of which there are none.")
            .hint(&["request_policy:all_nodes", "response_policy:all_succeeded"]);
    const SURPLUS: Refusal = Refusal::ScriptFlushOption;
    fn run(self, cx: &mut Context) -> Ran {
        cx.ok()
    }
}

// --- SCRIPT HELP
form! { pub ScriptHelp {} }
impl<'a> Command<'a> for ScriptHelp {
    const FACTS: Facts = facts("SCRIPT|HELP", "scripting", "5.0.0", LOADING | STALE, "Shows these lines.");
    fn run(self, cx: &mut Context) -> Ran {
        help("SCRIPT", cx)
    }
}
