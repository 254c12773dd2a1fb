//! The first stage: the bytes of one request, element by element, each with the token that the lexer makes of it. And
//! where the lexer stops, why, and what would have to follow.
use super::page::{INNER, Page, count, follow, typed};
use crate::base::quoted;
use crate::engine::Config;
use crate::wire::lexer::{Lexed, Lexer, Limits};
use crate::wire::token::{Kind, Span, Token, Violation};

/// What the lexer found of one request.
pub struct Found {
    tokens: Vec<Token>,
    /// Spans of `decoded`.
    pub words: Vec<Span>,
    /// The request's bytes; quoted words of a line are decoded where they stand.
    pub decoded: Vec<u8>,
    /// Where the request ends; all that there is, if it does not.
    pub end: usize,
    pub stop: Option<Stop>,
    stopped_at: usize,
    /// The lexer's own words for what comes next.
    wanted: String,
}

pub enum Stop {
    More,
    Broken(Violation),
}

/// Reads one request from the beginning of `bytes`.
pub fn lex(bytes: &[u8]) -> Found {
    let bulk_bytes_max = Config::default().proto_max_bulk_len as i64;
    let limits = Limits { bulk_bytes_max, authenticated: true };
    let (mut lexer, mut tokens, mut words, mut decoded) = (Lexer::default(), vec![], vec![], vec![]);
    let (mut left, mut stop, mut stopped_at) = (0, None, 0);
    loop {
        let begun = lexer.at();
        match lexer.next(bytes, &limits) {
            Lexed::Token(token) => {
                tokens.push(token);
                match token.kind {
                    Kind::Count(announced) => left = announced.max(0),
                    Kind::Length(_) => continue,
                    Kind::Bulk => {
                        words.push(token.span);
                        left -= 1;
                    }
                    Kind::Inline => {
                        decoded = bytes[..lexer.at()].to_vec();
                        if let Err(at) =
                            quoted::split(&mut decoded, token.span.range(), &mut |word| words.push(word.into()))
                        {
                            (stop, stopped_at) = (Some(Stop::Broken(Violation::Quotes)), at);
                        }
                    }
                }
            }
            Lexed::More => (stop, stopped_at) = (Some(Stop::More), bytes.len()),
            Lexed::Broken(violation) => {
                // A number that is read to its end is wrong as a whole.
                let read = lexer.at() > begun + 2 && bytes[..lexer.at()].ends_with(b"\r\n");
                (stop, stopped_at) = (Some(Stop::Broken(violation)), if read { begun + 1 } else { lexer.at() });
            }
        }
        if left <= 0 || stop.is_some() {
            break;
        }
    }
    let end = if stop.is_some() { bytes.len() } else { lexer.at() };
    if decoded.is_empty() {
        decoded = bytes[..end].to_vec();
    }
    Found { tokens, words, decoded, end, stop, stopped_at, wanted: lexer.wanted() }
}

/// `input`: the request, and what comes after it.
pub fn show(input: &[u8], found: &Found, page: &mut Page) {
    let bytes = &input[..found.end];
    page.section("Bytes and tokens", "src/wire/lexer.rs");
    let line = escaped(bytes);
    match &found.stop {
        Some(stop) => {
            let column = escaped(&bytes[..found.stopped_at]).len();
            let what = match stop {
                Stop::More => format!("byte {}: the input ends here", found.stopped_at),
                Stop::Broken(Violation::Quotes) => {
                    format!("byte {}: the word that begins here does not end", found.stopped_at)
                }
                Stop::Broken(_) => format!("byte {}: the lexer stops here", found.stopped_at),
            };
            page.marked(&line, column..column + 1, &what);
        }
        None if line.len() <= INNER => page.line(&line),
        None => {}
    }
    if !found.tokens.is_empty() {
        if found.stop.is_some() || line.len() <= INNER {
            page.gap();
        }
        let head = ["element", "type", "meaning", "token", "span"].map(String::from).to_vec();
        let rows = found.tokens.iter().map(|token| element(token, bytes));
        page.table(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
    }
    let perhaps = perhaps(input, found);
    if found.stop.is_some() || perhaps.is_some() {
        page.gap();
    }
    if let Some(stop) = &found.stop {
        why(bytes, found, stop, page);
    }
    if let Some(perhaps) = perhaps {
        page.fact("Perhaps", &perhaps);
    }
}

/// One row of the table.
fn element(token: &Token, bytes: &[u8]) -> Vec<String> {
    let Span { start, end } = token.span;
    let (start, end) = (start as usize, end as usize);
    let line_end = |at: usize| at + bytes[at..].iter().position(|byte| *byte == b'\n').map_or(0, |more| more + 1);
    let (shown, kind, meaning) = match token.kind {
        Kind::Count(number) if number > 0 => (end, "array", follow(number as usize, "bulk string")),
        Kind::Count(_) => (end, "array", "nothing follows: an empty request".into()),
        Kind::Length(length) => (end, "length", format!("a bulk string of {} follows", count(length as usize, "byte"))),
        Kind::Bulk if is_line_end(bytes, end) => {
            (end + 2, "bulk string", format!("{} and CR LF", count(end - start, "byte")))
        }
        Kind::Bulk => (end + 2, "bulk string", format!("{}; after it no CR LF!", count(end - start, "byte"))),
        Kind::Inline => (line_end(end), "inline line", "words apart by blanks".into()),
    };
    vec![
        escaped(&bytes[start..shown.min(bytes.len())]),
        kind.into(),
        meaning,
        format!("{:?}", token.kind),
        format!("{start}..{end}"),
    ]
}

fn why(bytes: &[u8], found: &Found, stop: &Stop, page: &mut Page) {
    match stop {
        Stop::More => page.fact("Why", "the request is not whole yet. That is no error: a server waits for the rest"),
        // The server's own text has no room for a line end.
        Stop::Broken(Violation::NoLength(got)) => {
            page.fact("Why", &format!("the protocol is broken: expected '$', got '{}'", escaped(&[*got])));
        }
        Stop::Broken(violation) => page.fact("Why", &format!("the protocol is broken: {violation}")),
    }
    let mut missing = String::new();
    if let Some(Token { kind: Kind::Count(announced), .. }) = found.tokens.first() {
        let (announced, present) = (*announced as usize, found.words.len());
        let mut lines = [count(announced, "bulk string"), count(present, "bulk string")];
        if let Some(Token { kind: Kind::Length(length), span }) = found.tokens.last() {
            let here = (bytes.len() - span.end as usize).min(*length as usize);
            lines[0] += &format!("; {} in the one that is being read", count(*length as usize, "byte"));
            lines[1] += &format!("; {} of the next", count(here, "byte"));
        } else {
            missing = format!("{} more: ", announced - present);
        }
        page.fact("Announced", &lines[0]);
        page.fact("Present", &lines[1]);
    }
    let most = Config::default().proto_max_bulk_len;
    page.fact(
        "Wanted",
        &match stop {
            Stop::Broken(Violation::LengthInvalid) => format!("a length from 0 to {most}, and CR LF"),
            Stop::Broken(Violation::CountInvalid) => format!("a number up to {}, and CR LF", i32::MAX),
            Stop::Broken(Violation::Quotes) => {
                "the quote that closes this word, and after it a blank or the line end".into()
            }
            _ => missing + &found.wanted,
        },
    );
}

/// The usual slips: a number that does not fit what follows it.
fn perhaps(bytes: &[u8], found: &Found) -> Option<String> {
    let bulk_line = |start: u32| bytes[start as usize..].windows(2).position(|pair| pair == b"\r\n");
    match found.tokens.as_slice() {
        // The input ends between two bulk strings.
        [Token { kind: Kind::Count(_), span }, .., Token { kind: Kind::Bulk, .. }]
            if matches!(found.stop, Some(Stop::More)) && found.words.last()?.end as usize + 2 == bytes.len() =>
        {
            let words = found.words.iter().map(|span| typed(&bytes[span.start as usize..span.end as usize]));
            let words = words.collect::<Vec<_>>().join(" ");
            let meant = format!("*{}\\r\\n", found.words.len());
            Some(format!("{meant} was meant instead of {}: then this is the request {words}", slice(bytes, *span)))
        }
        // The bytes end earlier than their length says ...
        [.., Token { kind: Kind::Length(length), span }] => {
            let real = bulk_line(span.end).filter(|real| *real < *length as usize)?;
            Some(format!(
                "${real}\\r\\n was meant instead of {}: CR LF comes after {}",
                slice(bytes, *span),
                count(real, "byte")
            ))
        }
        // ... or later.
        [.., Token { kind: Kind::Length(_), span: length }, Token { kind: Kind::Bulk, span }]
            if !is_line_end(bytes, span.end as usize) =>
        {
            let real = bulk_line(span.start)?;
            Some(format!(
                "${real}\\r\\n was meant instead of {}: CR LF comes after {}",
                slice(bytes, *length),
                count(real, "byte")
            ))
        }
        [Token { kind: Kind::Inline, .. }] if bytes.starts_with(b"$") => Some(
            "the array before it announced too few bulk strings: only `*` begins an array, and this is a line".into(),
        ),
        _ => None,
    }
}

fn slice(bytes: &[u8], span: Span) -> String {
    escaped(&bytes[span.start as usize..span.end as usize])
}

fn is_line_end(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..at + 2) == Some(b"\r\n")
}

/// One column for each plain byte, and backslash escapes for the others.
pub fn escaped(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| byte.escape_ascii())
        .map(|byte| byte as char)
        .collect::<String>()
        .replace("\\'", "'")
        .replace("\\\"", "\"")
}
