//! MODULE: there are none, and none can be loaded. The refusal is Redis's where `enable-module-command` is off.
use crate::commands::prelude::*;

const LOADS: u32 = ADMIN | NOSCRIPT | NO_ASYNC_LOADING;

// --- MODULE subcommand [argument ...]
form! { pub Module<'a> { subcommand: Bytes<'a>, arguments: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Module<'a> {
    const FACTS: Facts = facts("MODULE", "server", "4.0.0", 0, "Holds the commands for modules.");
    fn run(self, _: &mut Context) -> Ran {
        unreachable!("a container does not run")
    }
}

// --- MODULE HELP
form! { pub ModuleHelp {} }
impl<'a> Command<'a> for ModuleHelp {
    const FACTS: Facts = facts("MODULE|HELP", "server", "5.0.0", LOADING | STALE, "Shows these lines.");
    fn run(self, cx: &mut Context) -> Ran {
        help("MODULE", cx)
    }
}

// --- MODULE LIST
form! { pub ModuleList {} }
impl<'a> Command<'a> for ModuleList {
    const FACTS: Facts =
        facts("MODULE|LIST", "server", "4.0.0", ADMIN | NOSCRIPT, "Lists the modules, of which there are none.")
            .hint(&["nondeterministic_output_order"]);
    fn run(self, cx: &mut Context) -> Ran {
        cx.reply.array(0);
        Ok(Outcome::Done)
    }
}

// --- MODULE LOAD path [arg [arg ...]]
form! { pub ModuleLoad<'a> { path: Bytes<'a>, arg: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for ModuleLoad<'a> {
    const FACTS: Facts = facts("MODULE|LOAD", "server", "4.0.0", LOADS, "Would load a module.");
    fn run(self, _: &mut Context) -> Ran {
        Err(Refusal::NoModules)
    }
}

// --- MODULE LOADEX path [word ...]
form! { pub ModuleLoadex<'a> { path: Bytes<'a>, words: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for ModuleLoadex<'a> {
    const FACTS: Facts = facts("MODULE|LOADEX", "server", "7.0.0", LOADS, "Would load a module with settings.");
    fn run(self, _: &mut Context) -> Ran {
        Err(Refusal::NoModules)
    }
}

// --- MODULE UNLOAD name
form! { pub ModuleUnload<'a> { name: Bytes<'a> } }
impl<'a> Command<'a> for ModuleUnload<'a> {
    const FACTS: Facts = facts("MODULE|UNLOAD", "server", "4.0.0", LOADS, "Would unload a module.");
    fn run(self, _: &mut Context) -> Ran {
        Err(Refusal::NoModules)
    }
}
