//! The syntax of configuration files: lines of a name and words, with Redis's quoting.
//!
//! Reads text that it is given, never a file. Does not know which names exist; `include` is a name like any other here.

/// One line that says something.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Counted from 1.
    pub number: usize,
    /// The line without the space around it, for messages.
    pub text: String,
    /// The name and what follows it; `None` where quotes do not match. Never empty.
    pub words: Option<Vec<Vec<u8>>>,
}

/// The lines that are neither empty nor a comment.
pub fn lines(text: &[u8]) -> impl Iterator<Item = Line> {
    text.split(|byte| *byte == b'\n').enumerate().filter_map(|(index, line)| {
        let line = line.trim_ascii();
        if line.is_empty() || line[0] == b'#' {
            return None;
        }
        Some(Line { number: index + 1, text: String::from_utf8_lossy(line).into_owned(), words: split(line) })
    })
}

/// Splits at spaces. `"..."` knows `\n \r \t \b \a \xhh` and takes any other escaped byte as it is, `'...'` knows `\'`
/// only; a quoted part must end its word. `None` where a quote is not closed or something follows it.
pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let (word, after) = take_word(rest)?;
        words.push(word);
        rest = after.trim_ascii_start();
    }
    Some(words)
}

fn take_word(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        match byte {
            b'"' | b'\'' => {
                let after = take_quoted(&line[at + 1..], byte, &mut word)?;
                let ended = after.first().is_none_or(u8::is_ascii_whitespace);
                return ended.then_some((word, after));
            }
            _ if byte.is_ascii_whitespace() => break,
            _ => word.push(byte),
        }
        at += 1;
    }
    Some((word, &line[at..]))
}

/// Takes up to the closing quote and returns what follows it.
fn take_quoted<'a>(mut line: &'a [u8], quote: u8, word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        line = match line {
            [] => return None,
            [byte, rest @ ..] if *byte == quote => return Some(rest),
            [b'\\', b'x', high, low, rest @ ..] if quote == b'"' && hex(*high).is_some() && hex(*low).is_some() => {
                word.push(hex(*high)? << 4 | hex(*low)?);
                rest
            }
            [b'\\', escaped, rest @ ..] if quote == b'"' => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                rest
            }
            [b'\\', b'\'', rest @ ..] if quote == b'\'' => {
                word.push(b'\'');
                rest
            }
            [byte, rest @ ..] => {
                word.push(*byte);
                rest
            }
        };
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_redis_quotes() {
        let table: &[(&str, Option<&[&[u8]]>)] = &[
            ("port 6379", Some(&[b"port", b"6379"])),
            ("  bind\t127.0.0.1   ::1 ", Some(&[b"bind", b"127.0.0.1", b"::1"])),
            (r#"save """#, Some(&[b"save", b""])),
            (r#""timeout" 5"#, Some(&[b"timeout", b"5"])),
            (r#"requirepass "a\x20b\n\q\"""#, Some(&[b"requirepass", b"a b\nq\""])),
            (r#"requirepass "\xzz""#, Some(&[b"requirepass", b"xzz"])),
            (r"requirepass 'a\'b\n'", Some(&[b"requirepass", br"a'b\n"])),
            (r#"requirepass a"b c""#, Some(&[b"requirepass", b"ab c"])),
            ("", Some(&[])),
            (r#"requirepass "ab"#, None),
            (r#"requirepass "ab\"#, None),
            ("requirepass 'a'b", None),
        ];
        for (line, expected) in table {
            let expected = expected.map(|words| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>());
            assert_eq!(split(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn comments_and_empty_lines_are_counted_and_skipped() {
        let text = b"# a comment\r\n\r\nport 1\r\n   # another\n\n  hz 12 #x\n";
        let numbers: Vec<(usize, String)> = lines(text).map(|line| (line.number, line.text)).collect();
        assert_eq!(numbers, [(3, "port 1".to_string()), (6, "hz 12 #x".to_string())]);
        // A # later in a line is a word, as in Redis.
        assert_eq!(lines(text).last().unwrap().words.unwrap().len(), 3);
    }
}
