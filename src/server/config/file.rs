//! The syntax of configuration files: lines of a name and words, with Redis's quoting.
//!
//! Reads text that it is given, never a file. Does not know which names exist; `include` is a name like any other here.
use crate::base::quoted;

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
        Some(Line { number: index + 1, text: String::from_utf8_lossy(line).into_owned(), words: quoted::words(line) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_are_counted_and_skipped() {
        let text = b"# a comment\r\n\r\nport 1\r\n   # another\n\n  hz 12 #x\n";
        let numbers: Vec<(usize, String)> = lines(text).map(|line| (line.number, line.text)).collect();
        assert_eq!(numbers, [(3, "port 1".to_string()), (6, "hz 12 #x".to_string())]);
        // A # later in a line is a word, as in Redis.
        assert_eq!(lines(text).last().unwrap().words.unwrap().len(), 3);
    }
}
