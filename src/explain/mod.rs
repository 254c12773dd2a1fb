//! `spindle explain`: follows requests from bytes to reply and shows every stage on a page: the elements of RESP and the
//! tokens, the words with the kinds that the grammar gave them, the typed command, the reply. Where it goes no further, it
//! shows the byte or the word, and what was still wanted. It is the server's own lexer, grammar and engine that speak here;
//! this room only shows what they say. Read in this order: input, tokens, words, reply; page is the layout.
mod fresh;
mod input;
mod page;
mod reply;
mod tokens;
mod words;

use crate::command::serve::is_http;
use crate::command::words::{OwnedWords, Request};
use crate::engine::{Now, Replies};
use fresh::Fresh;
pub use input::read;
use page::Page;
use tokens::{Found, Stop};

/// Explains each request in `bytes`, one after the other on the same server, which begins with an empty store.
pub fn explain(bytes: &[u8], now: Now, entropy: [u8; 32]) -> String {
    let (mut page, mut server, mut start) = (Page::default(), Fresh::new(now, entropy), 0);
    let mut number = 0;
    while start < bytes.len() && !server.has_closed() {
        let found = tokens::lex(&bytes[start..]);
        let end = start + found.end;
        number += 1;
        if number > 1 || end < bytes.len() {
            page.title(&format!("Request {number}, bytes {start}..{end}; spans count from its first byte"));
        }
        one(&bytes[start..], &found, number, &mut server, &mut page);
        start = end;
    }
    if start < bytes.len() {
        page.title(&format!("Bytes {start}..{}", bytes.len()));
        page.line("The connection is closed, so what comes here is never read.");
    }
    if bytes.is_empty() {
        page.line("There is no byte, so there is no request.");
    }
    page.finish()
}

/// `input`: the request, and what comes after it.
fn one(input: &[u8], found: &Found, number: usize, server: &mut Fresh, page: &mut Page) {
    tokens::show(input, found, page);
    let waited = server.client().blocked;
    let reply = server.say(&input[..found.end]);
    if found.stop.is_none() {
        let request = Request::new(&found.decoded, &found.words, &[]);
        if request.is_empty() {
            page.section("Words", "src/wire/parser.rs");
            page.line("None: an empty request asks for nothing, and nothing is answered.");
            return;
        }
        words::show(request, &found.words, reply.starts_with(b"-"), page);
    }
    let of = if number == 1 { "Reply of a server with an empty store" } else { "Reply of the same server" };
    page.section(of, "src/wire/reply.rs");
    match &found.stop {
        _ if !reply.is_empty() => reply::show(&reply, page),
        Some(Stop::More) => page.line("None yet: the server waits for the rest."),
        _ => page.line(silence(found, waited, server)),
    }
    if server.has_closed() {
        page.gap();
        page.line("Then the server closes the connection.");
    }
}

/// Why nothing is answered. `waited`: the client did so before it sent this.
fn silence(found: &Found, waited: bool, server: &mut Fresh) -> &'static str {
    let word = found.words.first().map(|span| &found.decoded[span.range()]).unwrap_or_default();
    let (ends, client) = (server.ends(), server.client());
    match client.replies {
        _ if ends => "None: the server ends.",
        _ if is_http(word) => "None: a word of HTTP. A browser may have been led here.",
        _ if waited => {
            "None yet: the client still waits for its reply to an earlier request, and this one waits with it."
        }
        _ if client.postponed => "None yet: clients are paused, and this runs when the pause is over.",
        _ if client.blocked => {
            "None yet: the client waits until somebody changes what it asked for, or its time is up."
        }
        Replies::ON => "None.",
        _ => "None: the client has asked for no replies (CLIENT REPLY).",
    }
}

/// A request as a client sends it: an array of bulk strings.
fn encode(words: &OwnedWords) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.request().len()).into_bytes();
    for word in words.request().iter() {
        bytes.extend([format!("${}\r\n", word.len()).as_bytes(), word, b"\r\n"].concat());
    }
    bytes
}
