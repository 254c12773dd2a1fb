//! MONITOR's lines: a command as every monitor is shown it, once it has run. Who monitors, `server` knows; the engine
//! delivers.
use super::context::Context;
use super::effect::Effect;
use super::entry::{ADMIN, Entry, SKIP_MONITOR};
use super::notice::open_words;
use super::words::Request;
use crate::server::Server;
use crate::server::clients::{Address, Client, Replies};
use crate::wire::message::Message;
use std::fmt::Write;

/// Administrative commands are shown to nobody. One that waited was shown before it did.
pub fn show(entry: &Entry, request: Request, cx: &mut Context) {
    if cx.server.monitors.is_empty() || entry.facts.is(ADMIN | SKIP_MONITOR) || cx.me().blocked {
        return;
    }
    let now_us = cx.host.now().wall_us;
    let client = cx.me();
    let from = match &client.address {
        Address::Unix(path) => format!("unix:{path}"),
        address => address.peer(),
    };
    let (seconds, micros) = (now_us.div_euclid(1_000_000), now_us.rem_euclid(1_000_000));
    let mut line = format!("+{seconds}.{micros:06} [{} {from}]", client.database);
    for word in open_words(entry, request) {
        line.push(' ');
        write(word, &mut line);
    }
    line.push_str("\r\n");
    let message = Box::new(Message::line(line.into_bytes()));
    let (me, Context { server, effects, .. }) = (cx.client, cx);
    let Server { monitors, clients, pubsub, .. } = server;
    let before = pubsub.receivers.len();
    pubsub.receivers.extend(monitors.iter().filter(|id| is_shown(clients.at(id.key), me)));
    effects.push(Effect::Deliver { message, count: pubsub.receivers.len() - before });
}

/// CLIENT REPLY leaves out lines too. One that skips the next reply skips what comes until then; but the request that
/// said so is shown to itself.
fn is_shown(monitor: &Client, me: usize) -> bool {
    let skips = monitor.replies.has(Replies::SKIP_NEXT) && monitor.id.key != me;
    !monitor.replies.are_muted() && !skips
}

/// A word in quotes, with escapes for what is not printed.
fn write(word: &[u8], line: &mut String) {
    line.push('"');
    for byte in word {
        match byte {
            b'"' | b'\\' => line.extend(['\\', *byte as char]),
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            7 => line.push_str("\\a"),
            8 => line.push_str("\\b"),
            b' '..=b'~' => line.push(*byte as char),
            other => std::write!(line, "\\x{other:02x}").expect("a string takes what is written"),
        }
    }
    line.push('"');
}
