//! The page: sections, aligned tables, marks under a place. Plain text of at most 100 columns, without colour.
use crate::command::docs::dashed;
use std::fmt::Write;

const WIDTH: usize = 100;
const INDENT: &str = "   ";
/// What a section has between the margins.
pub const INNER: usize = WIDTH - INDENT.len();
/// Longer tables leave out their middle.
const ROWS_MAX: usize = 40;
/// The first column of a table is not clipped further than this.
const FIRST_MIN: usize = 24;

#[derive(Default)]
pub struct Page {
    text: String,
    sections: usize,
}

impl Page {
    pub fn title(&mut self, title: &str) {
        self.sections = 0;
        let gap = if self.text.is_empty() { "" } else { "\n" };
        let rule = "=".repeat(WIDTH - title.len() - 1);
        writeln!(self.text, "{gap}{title} {rule}\n").expect("a String takes all");
    }

    /// `place`: where the code stands that did this.
    pub fn section(&mut self, title: &str, place: &str) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
        self.sections += 1;
        let head = format!("{}. {title}", self.sections);
        let space = WIDTH - place.len();
        writeln!(self.text, "{head:space$}{place}\n").expect("a String takes all");
    }

    pub fn line(&mut self, line: &str) {
        self.text.push_str(format!("{INDENT}{line}").trim_end());
        self.text.push('\n');
    }

    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Words, wrapped; the lines after the first are indented.
    pub fn wrapped(&mut self, text: &str, indent: usize) {
        self.flow(text.split(' '), indent);
    }

    /// Parts that stay whole where that is possible, on as many lines as they need.
    pub fn flow<'a>(&mut self, parts: impl Iterator<Item = &'a str>, indent: usize) {
        let mut line = String::new();
        for part in parts {
            if !line.trim().is_empty() && line.len() + 1 + part.len() > INNER {
                self.line(&line);
                line = " ".repeat(indent - 1);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(part);
        }
        self.line(&clip(&line, INNER));
    }

    /// A name and what is said of it.
    pub fn fact(&mut self, name: &str, text: &str) {
        self.wrapped(&format!("{name:10} {text}"), 11);
    }

    /// The first row is the head. Of a table that is too wide the first column is clipped, then the last.
    pub fn table(&mut self, rows: &[Vec<String>]) {
        let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
        let others: usize = widths[1..].iter().map(|width| 2 + width).sum();
        widths[0] = widths[0].min(INNER.saturating_sub(others).max(FIRST_MIN));
        let (head, tail) = (ROWS_MAX * 3 / 4, ROWS_MAX / 4);
        for (at, row) in rows.iter().enumerate() {
            if rows.len() <= ROWS_MAX + 1 || at < head || at >= rows.len() - tail {
                let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{:width$}", clip(cell, *width)));
                self.line(&clip(cells.collect::<Vec<_>>().join("  ").trim_end(), INNER));
            } else if at == head {
                self.line(&format!("... {} more rows ...", rows.len() - head - tail));
            }
        }
    }

    /// A text with marks under a part of it, and what is to be said of that part.
    pub fn marked(&mut self, text: &str, part: std::ops::Range<usize>, what: &str) {
        let (mut start, mut shown) = (0, text.to_string());
        if text.len().max(part.start + 1) > INNER {
            // A window around the part, which shows more of what comes before it.
            start = part.start.saturating_sub(INNER * 2 / 3).min(text.len() + 8 - INNER);
            let end = text.len().min(start + INNER - 8);
            let before = if start > 0 { "... " } else { "" };
            let after = if end < text.len() { " ..." } else { "" };
            shown = format!("{before}{}{after}", &text[start..end]);
            start -= before.len().min(start);
        }
        let column = part.start - start;
        let marks = "^".repeat(part.len().clamp(1, INNER - column.min(INNER - 1)));
        self.line(&shown);
        let right = format!("{}{marks} {what}", " ".repeat(column));
        if right.len() <= INNER {
            return self.line(&right);
        }
        self.line(&format!("{}{marks}", " ".repeat(column)));
        if what.len() <= INNER {
            return self.line(&format!("{what:>to$}", to = (column + marks.len()).max(what.len())));
        }
        self.wrapped(what, 1);
    }

    pub fn finish(self) -> String {
        self.text
    }
}

/// No more than so much of a text, from both ends.
pub fn clip(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.into();
    }
    let tail = most / 4;
    let part = |from: usize, length: usize| text.chars().skip(from).take(length).collect::<String>();
    format!("{}...{}", part(0, most - tail - 3), part(count - tail, tail))
}

/// A word as one would type it: in quotes where it is not plain.
pub fn typed(word: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"'\\".contains(byte);
    if !word.is_empty() && word.iter().all(plain) {
        return word.iter().map(|byte| *byte as char).collect();
    }
    // The line's own escapes have no \' within double quotes.
    format!("\"{}\"", word.escape_ascii().to_string().replace("\\'", "'"))
}

/// `1 byte`, `2 bytes`.
pub fn count(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// `1 byte follows`, `2 bytes follow`.
pub fn follow(number: usize, one: &str) -> String {
    format!("{} follow{}", count(number, one), if number == 1 { "s" } else { "" })
}

/// A field as Redis would write its name.
pub fn field_name(field: &str) -> String {
    dashed(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_stand_under_their_part() {
        let text: String = (0..500).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
        for (length, at) in
            [(20, 3), (97, 96), (97, 97), (98, 97), (200, 0), (200, 199), (200, 200), (500, 250), (500, 499)]
        {
            let mut page = Page::default();
            page.marked(&text[..length], at..at + 1, "here");
            let page = page.finish();
            let lines: Vec<&str> = page.lines().collect();
            let column = lines[1].find('^').expect("a mark");
            assert_eq!(
                lines[0].get(column..=column).unwrap_or(""),
                text[..length].get(at..=at).unwrap_or(""),
                "{page}"
            );
            assert!(lines.iter().all(|line| line.len() <= WIDTH), "{page}");
        }
    }
}
