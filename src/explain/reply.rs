//! The last stage: the bytes of a reply, element by element, and what each means. It reads RESP2 and RESP3 as far as the
//! server writes them, and trusts the server: it is no client's parser.
use super::page::{Page, count, follow, typed};
use super::tokens::escaped;

/// A longer value is told by its size only.
const VALUE_MAX: usize = 40;

pub fn show(bytes: &[u8], page: &mut Page) {
    let head = ["element", "type", "meaning"].map(String::from).to_vec();
    let (mut rows, mut rest) = (vec![head], bytes);
    while !rest.is_empty() {
        rest = element(rest, 0, &mut rows);
    }
    page.table(&rows);
}

/// Adds the rows of one value, those of its parts after it. What comes after the value.
fn element<'a>(bytes: &'a [u8], depth: usize, rows: &mut Vec<Vec<String>>) -> &'a [u8] {
    let line_end = bytes.windows(2).position(|pair| pair == b"\r\n").unwrap_or(bytes.len() - 2.min(bytes.len()));
    let text = escaped(&bytes[1..line_end.max(1)]);
    let length = text.parse::<usize>().ok();
    let mut end = (line_end + 2).min(bytes.len());
    let mut parts = 0;
    let (kind, meaning) = match (bytes[0], length) {
        (b'+', _) => ("simple string", text),
        (b'-', _) => ("error", format!("its code is {}", text.split(' ').next().unwrap_or_default())),
        (b':', _) => ("integer", text),
        (b',', _) => ("double", text),
        (b'(', _) => ("big number", text),
        (b'#', _) => ("boolean", if text == "t" { "true".into() } else { "false".into() }),
        (b'_', _) | (b'$' | b'*', None) => ("null", "nothing is there".into()),
        (of @ (b'$' | b'=' | b'!'), Some(length)) => {
            let start = end;
            end = (start + length + 2).min(bytes.len());
            let value = &bytes[start..(start + length).min(bytes.len())];
            let kind = match of {
                b'$' => "bulk string",
                b'=' => "verbatim text",
                _ => "bulk error",
            };
            let (size, value) = (count(length, "byte"), typed(value));
            (kind, if value.len() > VALUE_MAX { size } else { format!("{size}: {value}") })
        }
        (b'*', Some(length)) => {
            parts = length;
            ("array", if length == 0 { "empty".into() } else { follow(length, "element") })
        }
        (b'~', Some(length)) => {
            parts = length;
            ("set", follow(length, "element"))
        }
        (b'>', Some(length)) => {
            parts = length;
            ("push", follow(length, "element"))
        }
        (b'%' | b'|', Some(length)) => {
            parts = 2 * length;
            ("map", follow(length, "pair"))
        }
        _ => ("unknown", String::new()),
    };
    rows.push(vec![format!("{}{}", "  ".repeat(depth), escaped(&bytes[..end])), kind.into(), meaning]);
    let mut rest = &bytes[end..];
    for _ in 0..parts {
        if !rest.is_empty() {
            rest = element(rest, depth + 1, rows);
        }
    }
    rest
}
