//! CONFIG: the settings, read and changed while the server runs. What a setting is, `server::config` knows.
use crate::command::publish::observe;
use crate::commands::prelude::*;
use crate::server::config::{ConfigError, Problem, table};
use log::{info, warn};

// --- CONFIG
form! { pub Config<'a> { subcommand: Many<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Config<'a> {
    const FACTS: Facts = facts("CONFIG", "server", "2.0.0", 0, "Holds the commands for settings.");
    fn run(self, _: &mut Context) -> Ran {
        unreachable!("a container does not run")
    }
}

// --- CONFIG GET pattern [pattern ...]
form! { pub ConfigGet<'a> { parameter: Many<'a, Pattern<'a>> } }
impl<'a> Command<'a> for ConfigGet<'a> {
    const FACTS: Facts =
        facts("CONFIG|GET", "server", "2.0.0", ADMIN | NOSCRIPT | LOADING | STALE, "Tells the values of settings.");
    fn run(self, cx: &mut Context) -> Ran {
        let found = cx.server.config.get_all(self.parameter.iter().map(|pattern| pattern.0));
        cx.reply.map(found.len());
        for (name, value) in found {
            cx.reply.text(&name);
            cx.reply.text(&value);
        }
        Ok(Outcome::Done)
    }
}

// --- CONFIG HELP
form! { pub ConfigHelp {} }
impl<'a> Command<'a> for ConfigHelp {
    const FACTS: Facts = facts("CONFIG|HELP", "server", "5.0.0", LOADING | STALE, "Shows these lines.");
    fn run(self, cx: &mut Context) -> Ran {
        help("CONFIG", cx)
    }
}

// --- CONFIG RESETSTAT
form! { pub ConfigResetstat {} }
impl<'a> Command<'a> for ConfigResetstat {
    const FACTS: Facts = facts(
        "CONFIG|RESETSTAT",
        "server",
        "2.0.0",
        ADMIN | NOSCRIPT | LOADING | STALE,
        "Lets the statistics of INFO begin anew.",
    )
    .hint(&["request_policy:all_nodes", "response_policy:all_succeeded"]);
    fn run(self, cx: &mut Context) -> Ran {
        cx.server.stats.reset(cx.data.ledger.expired, cx.data.ledger.trash.freed);
        cx.ok()
    }
}

// --- CONFIG REWRITE
form! { pub ConfigRewrite {} }
impl<'a> Command<'a> for ConfigRewrite {
    const FACTS: Facts = facts(
        "CONFIG|REWRITE",
        "server",
        "2.8.0",
        ADMIN | NOSCRIPT | LOADING | STALE,
        "Makes the configuration file say what is set now.",
    )
    .hint(&["request_policy:all_nodes", "response_policy:all_succeeded"]);
    fn run(self, cx: &mut Context) -> Ran {
        rewrite(false, cx)
    }
}

/// The sync of a file may take a disk's time, in which nobody is served: as in Redis.
pub fn rewrite(all: bool, cx: &mut Context) -> Ran {
    let config = &cx.server.config;
    let Some(file) = &config.file else { return Err(Refusal::NoConfigFile) };
    match cx.host.replace_file(&file.path, &mut |old| config.rewrite(old, all)) {
        Ok(()) => {
            info!("CONFIG REWRITE has written '{}'", file.path);
            cx.ok()
        }
        Err(reason) => cx.error(&format!("ERR Rewriting config file: {reason}")),
    }
}

// --- CONFIG SET name value [name value ...]
form! { pub ConfigSet<'a> { data: Many<'a, Setting<'a>> } }
form! { pub Setting<'a> ragged Syntax { parameter: Bytes<'a>, value: Bytes<'a> } }
impl<'a> Command<'a> for ConfigSet<'a> {
    const FACTS: Facts = facts(
        "CONFIG|SET",
        "server",
        "2.0.0",
        ADMIN | NOSCRIPT | LOADING | STALE,
        "Changes settings, all of them or none.",
    )
    .hint(&["request_policy:all_nodes", "response_policy:all_succeeded"]);
    fn run(self, cx: &mut Context) -> Ran {
        let pairs: Vec<(&[u8], &[u8])> = self.data.iter().map(|pair| (pair.parameter.0, pair.value.0)).collect();
        let local = cx.me().address.is_local();
        if cx.server.persistence.loading_since_s.is_some() && pairs.iter().any(|(name, _)| waits_for_data(name)) {
            return Err(Refusal::Loading);
        }
        let before = cx.server.config.clone();
        let changed = match cx.server.config.set_many(&pairs, local) {
            Ok(changed) => changed,
            Err(error) => {
                let reply = error.reply();
                if reply.ends_with("Check server logs.")
                    && let Some(why) = table::find(&error.name).and_then(|spec| spec.reason())
                {
                    warn!("CONFIG SET {} is refused: {why}", error.name);
                }
                return cx.error(&reply);
            }
        };
        if let Err((name, reason)) = cx.host.follow(&mut cx.server.config, &changed) {
            warn!("CONFIG SET {name} cannot be had; all settings are again what they were");
            cx.server.config = before;
            return cx.error(&ConfigError { name: name.into(), problem: Problem::Value(reason) }.reply());
        }
        observe(&mut cx.data.ledger, cx.server);
        cx.data.ledger.access.rates = cx.server.config.use_rates();
        let ticks_per_ms = cx.host.ticks_per_ms();
        cx.server.attend(ticks_per_ms);
        for name in changed {
            let reason = table::find(name).and_then(|spec| spec.reason());
            match (cx.server.config.warning(name), reason) {
                (Some(warning), _) => warn!("{warning}"),
                (None, Some(reason)) => info!("CONFIG SET {name} has no effect in Spindle: {reason}"),
                (None, None) => {}
            }
        }
        cx.ok()
    }
}

/// Not to be changed while the data is being loaded.
fn waits_for_data(name: &[u8]) -> bool {
    ["dir", "appendonly", "repl-diskless-load"].iter().any(|own| name.eq_ignore_ascii_case(own.as_bytes()))
}
