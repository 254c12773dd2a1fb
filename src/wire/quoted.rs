//! Inline lines: words apart by blanks, with Redis's quoting: "..." with escapes, '...' with \' only.
//! (<https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands>)
//! A word is decoded where it stands, since no word is longer than what it is written as; so it stays a span.
use super::token::Span;

/// Takes `input[line]` apart. An error is where the word begins that has a quote which is not closed, or which something
/// follows directly.
pub fn split(input: &mut [u8], line: Span, found: &mut impl FnMut(Span)) -> Result<(), usize> {
    let (mut from, end) = (line.start as usize, line.end as usize);
    loop {
        while from < end && (input[from].is_ascii_whitespace() || input[from] == 0x0b) {
            from += 1;
        }
        if from == end || input[from] == 0 {
            return Ok(());
        }
        let start = from;
        let Some((next, to)) = word(input, from, end) else { return Err(start) };
        found(Span { start: start as u32, end: to as u32 });
        from = next;
    }
}

/// Decodes one word onto itself. Where reading goes on, and where the decoded word ends.
fn word(input: &mut [u8], mut from: usize, end: usize) -> Option<(usize, usize)> {
    let mut to = from;
    let mut quote = None;
    while from < end {
        let byte = input[from];
        let mut decoded = byte;
        let mut width = 1;
        match (quote, byte) {
            (None, b' ' | b'\t' | b'\r' | b'\n' | 0) => break,
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                from += 1;
                continue;
            }
            (Some(b'"'), b'\\') if from + 1 < end => (decoded, width) = escape(&input[from + 1..end]),
            (Some(b'\''), b'\\') if input[from + 1..end].first() == Some(&b'\'') => (decoded, width) = (b'\'', 2),
            (Some(open), close) if open == close => {
                let follows = input[from + 1..end].first();
                if follows.is_some_and(|byte| !byte.is_ascii_whitespace()) {
                    return None;
                }
                return Some((from + 1, to));
            }
            _ => {}
        }
        input[to] = decoded;
        to += 1;
        from += width;
    }
    if quote.is_some() { None } else { Some((from, to)) }
}

/// What stands after a backslash within double quotes: the byte meant, and how many bytes it is written as.
fn escape(after: &[u8]) -> (u8, usize) {
    let hex = |at: usize| after.get(at).and_then(|digit| (*digit as char).to_digit(16));
    match (after[0], hex(1), hex(2)) {
        (b'x', Some(high), Some(low)) => ((high * 16 + low) as u8, 4),
        (b'n', ..) => (b'\n', 2),
        (b'r', ..) => (b'\r', 2),
        (b't', ..) => (b'\t', 2),
        (b'b', ..) => (8, 2),
        (b'a', ..) => (7, 2),
        (other, ..) => (other, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_lines() {
        let table: &[(&str, Option<&[&[u8]]>)] = &[
            ("SET k v", Some(&[b"SET", b"k", b"v"])),
            ("  a\t b  ", Some(&[b"a", b"b"])),
            ("", Some(&[])),
            (r#"SET k "a b""#, Some(&[b"SET", b"k", b"a b"])),
            (r#""\x41\n\q\"" '\n\'' ''"#, Some(&[b"A\nq\"", br"\n'", b""])),
            (r#"x"y z"#, None),
            (r#"x"y z" w"#, Some(&[b"xy z", b"w"])),
            (r#""a"b"#, None),
            (r#"'a"#, None),
            (r#""\"#, None),
            (r#""\x4""#, Some(&[b"x4"])),
        ];
        for (line, expected) in table {
            let mut input = line.as_bytes().to_vec();
            let mut spans = vec![];
            let all = Span { start: 0, end: input.len() as u32 };
            let good = split(&mut input, all, &mut |span| spans.push(span));
            let words: Vec<&[u8]> = spans.iter().map(|span| &input[span.start as usize..span.end as usize]).collect();
            assert_eq!(good.is_ok().then_some(words.as_slice()), *expected, "{line}");
        }
    }
}
