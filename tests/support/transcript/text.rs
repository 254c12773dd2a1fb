//! Bytes as text and back: the escapes that requests and expectations share, words as a shell would split them,
//! and the variables of a case (`now`, `id`, ...), which stand in requests as `\(now+10)`.

use std::collections::HashMap;

pub type Variables = HashMap<String, String>;

/// The bytes that `text` stands for.
pub fn unescape(text: &str, variables: &Variables) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let c = rest.chars().next().ok_or("a line ends in a backslash")?;
        rest = &rest[c.len_utf8()..];
        match c {
            'r' => out.push(b'\r'),
            'n' => out.push(b'\n'),
            't' => out.push(b'\t'),
            'a' => out.push(7),
            'b' => out.push(8),
            'x' => {
                let digits = rest.get(..2).ok_or("\\x wants two digits")?;
                out.push(u8::from_str_radix(digits, 16).map_err(|_| format!("\\x{digits}"))?);
                rest = &rest[2..];
            }
            '{' => {
                let (inside, after) = rest.split_once('}').ok_or("\\{ without }")?;
                let (count, what) = inside.split_once('*').ok_or("\\{n*text}")?;
                let count: usize = count.parse().map_err(|_| format!("\\{{{inside}}}"))?;
                out.extend(unescape(what, variables)?.repeat(count));
                rest = after;
            }
            '(' => {
                let (inside, after) = rest.split_once(')').ok_or("\\( without )")?;
                out.extend_from_slice(evaluate(inside, variables)?.as_bytes());
                rest = after;
            }
            '\\' | '"' | '\'' | ' ' => out.push(c as u8),
            other => return Err(format!("unknown escape \\{other}")),
        }
    }
    Ok(out)
}

/// `name`, `name+5`, `name-5` or a plain number.
pub fn evaluate(expression: &str, variables: &Variables) -> Result<String, String> {
    let split = expression[1.min(expression.len())..].find(['+', '-']).map(|n| n + 1);
    let (name, offset) = expression.split_at(split.unwrap_or(expression.len()));
    let value = match variables.get(name) {
        Some(value) => value.clone(),
        None if name.parse::<i64>().is_ok() => name.to_string(),
        None => return Err(format!("no variable {name:?} in this case")),
    };
    if offset.is_empty() {
        return Ok(value);
    }
    let sum = value.parse::<i64>().ok().zip(offset.parse::<i64>().ok()).map(|(a, b)| a + b);
    sum.map(|n| n.to_string()).ok_or_else(|| format!("cannot add in {expression:?}"))
}

/// The text between quotes that stands for `bytes`; a long run of one byte is written as `\{70000*x}`.
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let run = bytes[at..].iter().take_while(|b| **b == byte).count();
        let one = match byte {
            b'\r' => "\\r".to_string(),
            b'\n' => "\\n".to_string(),
            b'\t' => "\\t".to_string(),
            b'"' => "\\\"".to_string(),
            b'\\' => "\\\\".to_string(),
            b' '..=b'~' => (byte as char).to_string(),
            _ => format!("\\x{byte:02x}"),
        };
        if run >= 48 {
            out.push_str(&format!("\\{{{run}*{one}}}"));
            at += run;
        } else {
            out.push_str(&one);
            at += 1;
        }
    }
    out
}

/// The quoted string at the front of `text` (which begins after the opening quote), still escaped, and what follows.
pub fn quoted(text: &str) -> Result<(&str, &str), String> {
    let mut escaped = false;
    for (n, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok((&text[..n], &text[n + 1..])),
            _ => {}
        }
    }
    Err(format!("unbalanced quote in {text:?}"))
}

/// A request line cut into words. Words are bare, "quoted with escapes", or 'taken as they are'.
pub fn words(line: &str, variables: &Variables) -> Result<Vec<Vec<u8>>, String> {
    let mut out = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        if let Some(body) = rest.strip_prefix('"') {
            let (inside, after) = quoted(body)?;
            out.push(unescape(inside, variables)?);
            rest = after;
        } else if let Some(body) = rest.strip_prefix('\'') {
            let (inside, after) = body.split_once('\'').ok_or("unbalanced '")?;
            out.push(inside.as_bytes().to_vec());
            rest = after;
        } else {
            let end = rest.find(' ').unwrap_or(rest.len());
            out.push(unescape(&rest[..end], variables)?);
            rest = &rest[end..];
        }
        if !rest.is_empty() && !rest.starts_with(' ') {
            return Err(format!("no space after a quoted word: {line:?}"));
        }
        rest = rest.trim_start();
    }
    Ok(out)
}

/// The words as a request: an array of bulk strings.
pub fn request(words: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}
