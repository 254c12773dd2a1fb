//! Expected replies: parsed from the text after `<`, matched against a `Value`, and printed from one.
//! `print` and `parse` agree: the pattern of a printed value matches that value and no other.

use super::text::{self, Variables};
use super::value::{Kind, Value};

#[derive(Clone, Debug)]
pub enum Pattern {
    Any,
    /// Matches nothing: stands in a draft until a server has been asked.
    Todo,
    Exact(Value),
    /// Bounds are expressions such as `now+99`; `name` receives the integer.
    Int {
        low: Option<String>,
        high: Option<String>,
        name: Option<String>,
    },
    /// A text of the given kind ('$', '+', '-', '=') in which `*` stands for anything.
    Glob(char, Vec<u8>),
    List(Kind, Order, Vec<Pattern>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Given,
    Free,
    /// The named elements are there, among others.
    Has,
}

// --- Parsing

pub fn parse(text: &str) -> Result<Pattern, String> {
    let text = text.trim();
    let plain_error = text.starts_with('-') && !text.starts_with("-\"") && !text.starts_with("-glob\"");
    if plain_error {
        return Ok(Pattern::Exact(Value::Error(text.as_bytes()[1..].to_vec())));
    }
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && !text.starts_with("glob\"") {
        return Ok(Pattern::Exact(Value::Simple(text.as_bytes().to_vec())));
    }
    let mut rest = text;
    let pattern = element(&mut rest)?;
    if rest.trim().is_empty() { Ok(pattern) } else { Err(format!("left over after a reply: {rest:?}")) }
}

fn element(rest: &mut &str) -> Result<Pattern, String> {
    *rest = rest.trim_start();
    for (mark, kind, close) in
        [("[", Kind::Array, ']'), ("%{", Kind::Map, '}'), ("~[", Kind::Set, ']'), (">[", Kind::Push, ']')]
    {
        if let Some(body) = rest.strip_prefix(mark) {
            *rest = body;
            return list(rest, kind, close);
        }
    }
    let mark = rest.chars().next().ok_or("a reply is missing")?;
    if mark == '(' {
        return in_parentheses(rest);
    }
    let kind = if mark == '"' || mark == 'g' { '$' } else { mark };
    let body = if kind == '$' { *rest } else { &rest[1..] };
    if let Some(body) = body.strip_prefix("glob\"") {
        let (inside, after) = text::quoted(body)?;
        *rest = after;
        return Ok(Pattern::Glob(kind, text::unescape(inside, &Variables::new())?));
    }
    if let Some(body) = body.strip_prefix('"') {
        let (inside, after) = text::quoted(body)?;
        *rest = after;
        let bytes = text::unescape(inside, &Variables::new())?;
        return Ok(Pattern::Exact(match kind {
            '$' => Value::Bulk(bytes),
            '+' => Value::Simple(bytes),
            '-' => Value::Error(bytes),
            '=' => Value::Verbatim(bytes),
            '!' => Value::BulkError(bytes),
            other => return Err(format!("no reply begins with {other}\"")),
        }));
    }
    let end = body.find([' ', ']', '}', ')', '\n']).unwrap_or(body.len());
    let (word, after) = body.split_at(end);
    *rest = after;
    Ok(Pattern::Exact(match (kind, word) {
        (':', n) => Value::Int(n.parse().map_err(|_| format!("not an integer: {n:?}"))?),
        (',', n) => Value::Double(n.to_string()),
        ('+', word) => Value::Simple(word.as_bytes().to_vec()),
        ('_', "") => Value::Null,
        ('#', "t") => Value::Bool(true),
        ('#', "f") => Value::Bool(false),
        _ => return Err(format!("cannot read the reply {kind}{word}")),
    }))
}

fn list(rest: &mut &str, kind: Kind, close: char) -> Result<Pattern, String> {
    let mut items = Vec::new();
    loop {
        *rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(close) {
            *rest = after;
            return Ok(Pattern::List(kind, Order::Given, items));
        }
        items.push(element(rest)?);
        if kind == Kind::Map {
            *rest = rest.trim_start().strip_prefix("=>").ok_or("a map wants key => value")?;
            items.push(element(rest)?);
        }
    }
}

fn in_parentheses(rest: &mut &str) -> Result<Pattern, String> {
    for (mark, order) in [("(any-order ", Order::Free), ("(has ", Order::Has)] {
        if let Some(body) = rest.strip_prefix(mark) {
            *rest = body;
            let Pattern::List(kind, _, items) = element(rest)? else { return Err(format!("{mark}wants a list")) };
            *rest = rest.trim_start().strip_prefix(')').ok_or("an open parenthesis")?;
            return Ok(Pattern::List(kind, order, items));
        }
    }
    let (inside, after) = rest[1..].split_once(')').ok_or("an open parenthesis")?;
    *rest = after;
    let mut words = inside.split_whitespace();
    Ok(match (words.next(), inside) {
        (_, "nil") => Pattern::Exact(Value::NullBulk),
        (_, "nil array") => Pattern::Exact(Value::NullArray),
        (_, "any") => Pattern::Any,
        (_, "todo") => Pattern::Todo,
        (Some("big"), _) => Pattern::Exact(Value::Big(words.collect())),
        (Some("int"), _) => {
            let (mut low, mut high, mut name) = (None, None, None);
            for word in words {
                match word.split_once("..") {
                    Some((from, to)) => {
                        low = Some(from.to_string()).filter(|s| !s.is_empty());
                        high = Some(to.to_string()).filter(|s| !s.is_empty());
                    }
                    None => name = Some(word.to_string()),
                }
            }
            Pattern::Int { low, high, name }
        }
        _ => return Err(format!("cannot read ({inside})")),
    })
}

// --- Matching

impl Pattern {
    /// True when `value` is what was expected; an `(int name)` then stands in `variables`.
    pub fn matches(&self, value: &Value, variables: &mut Variables) -> Result<bool, String> {
        Ok(match (self, value) {
            (Pattern::Any, _) => true,
            (Pattern::Exact(expected), value) => expected == value,
            (Pattern::Int { low, high, name }, Value::Int(n)) => {
                for (bound, is_low) in [(low, true), (high, false)] {
                    if let Some(bound) = bound {
                        let bound: i64 =
                            text::evaluate(bound, variables)?.parse().map_err(|_| format!("bound {bound:?}"))?;
                        if is_low && *n < bound || !is_low && *n > bound {
                            return Ok(false);
                        }
                    }
                }
                if let Some(name) = name {
                    variables.insert(name.clone(), n.to_string());
                }
                true
            }
            (Pattern::Glob('$', glob), Value::Bulk(text))
            | (Pattern::Glob('+', glob), Value::Simple(text))
            | (Pattern::Glob('-', glob), Value::Error(text))
            | (Pattern::Glob('=', glob), Value::Verbatim(text)) => matches_glob(glob, text),
            (Pattern::List(kind, order, expected), Value::List(actual_kind, actual)) if kind == actual_kind => {
                matches_list(if *kind == Kind::Map { 2 } else { 1 }, *order, expected, actual, variables)?
            }
            _ => false,
        })
    }
}

/// `width` is 2 for a map: a key and its value count as one element.
fn matches_list(
    width: usize,
    order: Order,
    expected: &[Pattern],
    actual: &[Value],
    variables: &mut Variables,
) -> Result<bool, String> {
    if order != Order::Has && expected.len() != actual.len() {
        return Ok(false);
    }
    let mut left: Vec<&[Value]> = actual.chunks(width).collect();
    for want in expected.chunks(width) {
        let mut found = None;
        let candidates = if order == Order::Given { left.len().min(1) } else { left.len() };
        for (n, have) in left[..candidates].iter().enumerate() {
            let mut all = true;
            for (pattern, value) in want.iter().zip(*have) {
                all = all && pattern.matches(value, variables)?;
            }
            if all {
                found = Some(n);
                break;
            }
        }
        let Some(n) = found else { return Ok(false) };
        left.remove(n);
    }
    Ok(order == Order::Has || left.is_empty())
}

fn matches_glob(glob: &[u8], text: &[u8]) -> bool {
    let mut pieces = glob.split(|b| *b == b'*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&[u8]> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = (0..=rest.len()).find(|n| rest[*n..].starts_with(piece)) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

// --- Printing

/// The text after `< `. Long lists take a line per element; lines after the first begin with a space.
pub fn print(value: &Value) -> String {
    match value {
        Value::Simple(text) if is_plain(text) && text[0].is_ascii_alphabetic() => {
            String::from_utf8_lossy(text).into_owned()
        }
        Value::Error(text) if is_plain(text) => format!("-{}", String::from_utf8_lossy(text)),
        value => nested(value, 2),
    }
}

fn is_plain(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|b| (b' '..=b'~').contains(b))
        && !text.starts_with(b"glob\"")
        && !text.starts_with(b"\"")
        && text.trim_ascii() == text
}

fn nested(value: &Value, indent: usize) -> String {
    let quoted = |mark: &str, text: &[u8]| format!("{mark}\"{}\"", text::escape(text));
    match value {
        Value::Simple(text)
            if !text.is_empty() && text.iter().all(|b| b.is_ascii_alphanumeric() || b"_-@".contains(b)) =>
        {
            format!("+{}", String::from_utf8_lossy(text))
        }
        Value::Simple(text) => quoted("+", text),
        Value::Error(text) => quoted("-", text),
        Value::Int(n) => format!(":{n}"),
        Value::Bulk(text) => quoted("", text),
        Value::NullBulk => "(nil)".into(),
        Value::NullArray => "(nil array)".into(),
        Value::Null => "_".into(),
        Value::Double(text) => format!(",{text}"),
        Value::Bool(true) => "#t".into(),
        Value::Bool(false) => "#f".into(),
        Value::Big(text) => format!("(big {text})"),
        Value::Verbatim(text) => quoted("=", text),
        Value::BulkError(text) => quoted("!", text),
        Value::List(kind, items) => {
            let (open, close, width, join) = match kind {
                Kind::Array => ("[", "]", 1, ""),
                Kind::Set => ("~[", "]", 1, ""),
                Kind::Push => (">[", "]", 1, ""),
                Kind::Map => ("%{", "}", 2, " => "),
            };
            let parts: Vec<String> = items
                .chunks(width)
                .map(|chunk| chunk.iter().map(|v| nested(v, indent + 2)).collect::<Vec<_>>().join(join))
                .collect();
            let flat = format!("{open}{}{close}", parts.join(" "));
            if flat.len() + indent <= 118 && !flat.contains('\n') {
                return flat;
            }
            let pad = " ".repeat(indent + 2);
            let lines: Vec<String> = parts.iter().map(|part| format!("{pad}{part}")).collect();
            format!("{open}\n{}\n{}{close}", lines.join("\n"), " ".repeat(indent))
        }
    }
}
