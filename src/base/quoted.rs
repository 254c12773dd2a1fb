//! Lines of words, as inline requests and configuration files have them: words apart by blanks, with Redis's quoting:
//! "..." with escapes, '...' with \' only; and words quoted again. Does not know what the words mean.
//! (<https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands>)
use std::fmt::Write;
use std::ops::Range;

/// Takes `input[line]` apart. A word is decoded where it stands, since none is longer than what it is written as. An
/// error is where the word begins that has a quote which is not closed, or which something follows directly.
pub fn split(input: &mut [u8], line: Range<usize>, found: &mut impl FnMut(Range<usize>)) -> Result<(), usize> {
    let Range { start: mut from, end } = line;
    loop {
        while from < end && (input[from].is_ascii_whitespace() || input[from] == 0x0b) {
            from += 1;
        }
        if from == end || input[from] == 0 {
            return Ok(());
        }
        let start = from;
        let Some((next, to)) = word(input, from, end) else { return Err(start) };
        found(start..to);
        from = next;
    }
}

/// The words of a line; `None` where quotes do not match.
pub fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut decoded, mut ranges) = (line.to_vec(), vec![]);
    split(&mut decoded, 0..line.len(), &mut |range| ranges.push(range)).ok()?;
    Some(ranges.into_iter().map(|range| decoded[range].to_vec()).collect())
}

/// A word as `split` reads it back: as it is where that is plain, else in double quotes.
pub fn quote(word: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"'\\".contains(byte);
    if !word.is_empty() && word[0] != b'#' && word.iter().all(is_plain) {
        return String::from_utf8_lossy(word).into_owned();
    }
    let mut quoted = String::from("\"");
    for byte in word {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', *byte as char]),
            b'\n' => quoted.push_str("\\n"),
            b'\r' => quoted.push_str("\\r"),
            b'\t' => quoted.push_str("\\t"),
            b' '..=b'~' => quoted.push(*byte as char),
            other => write!(quoted, "\\x{other:02x}").expect("a String takes all"),
        }
    }
    quoted.push('"');
    quoted
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
            ("  bind\t127.0.0.1   ::1 \r", Some(&[b"bind", b"127.0.0.1", b"::1"])),
            (r#""timeout" 5"#, Some(&[b"timeout", b"5"])),
            (r#"requirepass "a\x20b\n\xzz""#, Some(&[b"requirepass", b"a b\nxzz"])),
            (r#"requirepass a"b c""#, Some(&[b"requirepass", b"ab c"])),
        ];
        for (line, expected) in table {
            let expected = expected.map(|words| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>());
            assert_eq!(words(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn where_a_word_goes_wrong_is_told() {
        for (line, at) in [(r#"a  "b"#, 3), (r#""a"b"#, 0), (r#"  x 'y' z'a"#, 8)] {
            assert_eq!(split(&mut line.as_bytes().to_vec(), 0..line.len(), &mut |_| {}), Err(at), "{line}");
        }
    }

    #[test]
    fn what_is_quoted_is_read_back() {
        let all: Vec<u8> = (0..=255).collect();
        let table: &[(&[u8], &str)] = &[
            (b"plain-1:2", "plain-1:2"),
            (b"", r#""""#),
            (b"#", r##""#""##),
            (b"a b", r#""a b""#),
            (b"a'\"\\\n\x01\xff", r#""a'\"\\\n\x01\xff""#),
        ];
        for (word, expected) in table {
            assert_eq!(quote(word), *expected);
        }
        for word in table.iter().map(|(word, _)| *word).chain([all.as_slice()]) {
            assert_eq!(words(quote(word).as_bytes()), Some(vec![word.to_vec()]));
        }
    }
}
