//! DEBUG: tools for tests. Only who was allowed by `enable-debug-command` may use it. It has the subcommands that tests
//! of what is there want; Redis has some fifty.
use super::digest::{self, Digest};
use crate::base::number;
use crate::command::Task;
use crate::command::admit::may_debug;
use crate::commands::key::object::references;
use crate::commands::prelude::*;
use crate::persist::format;
use std::ops::Range;

// --- DEBUG subcommand [argument [argument ...]]
form! { pub Debug<'a> { subcommand: Bytes<'a>, argument: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Debug<'a> {
    const FACTS: Facts =
        facts("DEBUG", "server", "1.0.0", ADMIN | NOSCRIPT | LOADING | STALE, "Holds tools for tests of the server.");
    fn run(self, cx: &mut Context) -> Ran {
        may_debug(cx)?;
        let arguments: Vec<&[u8]> = self.argument.iter().map(|argument| argument.0).collect();
        match (self.subcommand.0.to_ascii_uppercase().as_slice(), &arguments[..]) {
            (b"CONFIG-REWRITE-FORCE-ALL", []) => super::config::rewrite(true, cx),
            (b"DIGEST", []) => digest(cx),
            (b"DIGEST-VALUE", keys) => digest_values(keys, cx),
            (b"HELP", []) => debug_help(cx),
            (b"LOG", [message]) => log_message(message, cx),
            (b"OBJECT", [key]) => object(Key(key), cx),
            (b"POPULATE", [count, more @ ..]) if more.len() <= 2 => populate(count, more, cx),
            (b"PROTOCOL", [kind]) => protocol(kind, cx),
            // An element that is long stands alone as it is.
            (b"QUICKLIST-PACKED-THRESHOLD", [_]) => cx.ok(),
            (b"RELOAD", options) => super::save::reload(options, cx),
            // Replies have no buffers that are resized by time.
            (b"REPLYBUFFER", [what, b"0" | b"1"]) if what.eq_ignore_ascii_case(b"RESIZING") => cx.ok(),
            (b"SET-ACTIVE-EXPIRE", [on]) => set_active_expire(on, cx),
            (b"SLEEP", [seconds]) => sleep(seconds, cx),
            _ => Err(Refusal::DebugUsage),
        }
    }
}

const HELP: &[&str] = &[
    "DEBUG <subcommand> [argument ...], where subcommand is one of",
    "CONFIG-REWRITE-FORCE-ALL",
    "    CONFIG REWRITE with all settings, even those that are as they were born.",
    "DIGEST",
    "    What all data comes to in 20 bytes; servers with the same data answer the same.",
    "DIGEST-VALUE [key ...]",
    "    The same for the value of each key.",
    "LOG message",
    "    Writes a line to the log.",
    "OBJECT key",
    "    Shows how the value of a key is held.",
    "POPULATE count [prefix [size]]",
    "    Creates the keys prefix:0 to prefix:count-1 as far as they are missing, prefix being \"key\" if not said.",
    "    A value is \"value:\" and its number, made as long as size with zero bytes.",
    "PROTOCOL type",
    "    Answers with a sample of a type of RESP: string, integer, double, null, array, set, map, attrib, push,",
    "    verbatim, true, false or bignum.",
    "QUICKLIST-PACKED-THRESHOLD size",
    "    Changes nothing: from which length on an element of a list stands alone is fixed.",
    "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
    "    Saves the data, empties the databases and loads the file again; NOSAVE and NOFLUSH leave a step out. Keys that",
    "    are there when they are loaded are an error, or with MERGE replaced.",
    "REPLYBUFFER RESIZING 0 | 1",
    "    Changes nothing: a reply's memory is given back when it is sent.",
    "SET-ACTIVE-EXPIRE 0 | 1",
    "    Switches off, or on again, that expired keys go though nobody asks for them.",
    "SLEEP seconds",
    "    Stops the server for so long; a fraction is allowed.",
    "HELP",
    "    Shows these lines.",
];

fn debug_help(cx: &mut Context) -> Ran {
    cx.reply.array(HELP.len());
    HELP.iter().for_each(|line| cx.reply.simple(line));
    Ok(Outcome::Done)
}

fn log_message(message: &[u8], cx: &mut Context) -> Ran {
    log::warn!("DEBUG LOG: {}", String::from_utf8_lossy(message));
    cx.ok()
}

fn digest(cx: &mut Context) -> Ran {
    let mut walk = digest::Walk::default();
    if walk.go_on(cx) { Ok(Outcome::Done) } else { Ok(Outcome::Continue(Box::new(walk))) }
}

fn digest_values(keys: &[&[u8]], cx: &mut Context) -> Ran {
    cx.reply.array(keys.len());
    for key in keys {
        let (mut digest, now_ms) = (Digest::default(), cx.now_ms());
        if let Some(entry) = cx.look(Key::<READ>(key)) {
            digest.mix_value(entry, now_ms);
        }
        digest.write(&mut cx.reply);
    }
    Ok(Outcome::Done)
}

/// The length is that of a dump without what frames it: its type, version and checksum.
fn object(key: Key<READ>, cx: &mut Context) -> Ran {
    const FRAME_BYTES: usize = 1 + 2 + 8;
    let (now_ms, options) = (cx.now_ms(), cx.server.config.file_options());
    let entry = cx.look(key).ok_or(Refusal::NoSuchKey)?;
    let value = entry.value();
    let length = format::dump(&value, options, now_ms, usize::MAX).map_or(0, |dump| dump.len() - FRAME_BYTES);
    let references = references(&value);
    let (address, encoding, idle_s) = (entry.key().as_ptr(), value.encoding(), entry.used().idle_s(now_ms));
    let used_s = (now_ms / 1000 - idle_s as i64) & 0xFF_FFFF;
    cx.reply.simple(&format!(
        "Value at:{address:p} refcount:{references} encoding:{encoding} serializedlength:{length} lru:{used_s} \
         lru_seconds_idle:{idle_s}"
    ));
    Ok(Outcome::Done)
}

fn set_active_expire(on: &[u8], cx: &mut Context) -> Ran {
    cx.data.active_expire = number::integer(on).unwrap_or(0) != 0;
    cx.ok()
}

fn sleep(seconds: &[u8], cx: &mut Context) -> Ran {
    // What is no number is 0, as in Redis.
    let seconds: f64 = std::str::from_utf8(seconds).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    if seconds > 0.0 {
        cx.host.sleep((seconds * 1e6) as u64);
    }
    cx.ok()
}

// --- POPULATE

/// A slice of it ends after so many keys, or so many bytes of values.
const POPULATE_KEYS: usize = 512;
const POPULATE_BYTES: usize = 1 << 20;

struct Populate {
    left: Range<i64>,
    prefix: Vec<u8>,
    size: Option<usize>,
}

fn populate(count: &[u8], more: &[&[u8]], cx: &mut Context) -> Ran {
    let positive = |word: &[u8]| number::integer(word).filter(|number| *number >= 0).ok_or(Refusal::NotPositive);
    let count = positive(count)?;
    let prefix = more.first().map_or(&b"key"[..], |prefix| prefix).to_vec();
    let size = more.get(1).map(|size| positive(size)).transpose()?.map(|size| size as usize);
    if size.is_some_and(|size| size as u64 > cx.server.config.proto_max_bulk_len) {
        return Err(Refusal::TooLong);
    }
    Ok(Outcome::Continue(Box::new(Populate { left: 0..count, prefix, size: size.filter(|size| *size > 0) })))
}

impl Task for Populate {
    fn go_on(&mut self, cx: &mut Context) -> bool {
        let mut bytes = 0;
        for number in self.left.by_ref().take(POPULATE_KEYS) {
            let key = [&self.prefix[..], b":", number.to_string().as_bytes()].concat();
            let mut value = format!("value:{number}").into_bytes();
            if let Some(size) = self.size {
                value.resize(size, 0);
            }
            let mut door = cx.open(Key::<CREATE>(&key));
            if door.entry().is_none() {
                door.put(Content::new(&value), NewExpiry::Never, Event::string("set"));
                cx.record(|words| _ = words.text("SET").word(&key).word(&value));
            }
            bytes += value.len();
            if bytes > POPULATE_BYTES {
                break;
            }
        }
        if self.left.is_empty() {
            cx.reply.ok();
        }
        self.left.is_empty()
    }
}

// --- PROTOCOL

fn protocol(kind: &[u8], cx: &mut Context) -> Ran {
    let reply = &mut cx.reply;
    match kind.to_ascii_lowercase().as_slice() {
        b"string" => reply.text("Hello World"),
        b"integer" => reply.integer(12345),
        b"double" => reply.double(b"3.141"),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.integer(number);
                reply.boolean(number == 1);
            }
        }
        b"attrib" => {
            if reply.attribute(1) {
                reply.text("key-popularity");
                reply.array(2);
                reply.text("key:123");
                reply.integer(90);
            }
            reply.text("Some real reply following the attribute");
        }
        b"push" if reply.protocol() == Protocol::Resp2 => return Err(Refusal::NotInResp2),
        b"push" => {
            reply.text("Some real reply following the push reply");
            reply.push(2);
            reply.text("server-cpu-usage");
            reply.integer(42);
        }
        b"verbatim" => reply.verbatim("txt", "This is a verbatim\nstring"),
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        b"bignum" => reply.big_number("1234567999999999999999999999999999999"),
        _ => return Err(Refusal::UnknownProtocolType),
    }
    Ok(Outcome::Done)
}
