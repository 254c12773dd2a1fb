//! The manual page, in the language of troff. The flags and settings in it are those of `flags.rs`.
use super::flags::{self, Flag};
use std::fmt::Write;

pub fn manual() -> String {
    let mut page = format!(".TH SPINDLE 1 \"\" \"spindle {}\" \"User Commands\"\n", env!("CARGO_PKG_VERSION"));
    section(&mut page, "NAME", "spindle - an in-memory server that any Redis client can use");
    page.push_str(
        ".SH SYNOPSIS\n\
         .B spindle\n[\\fIFILE\\fR | \\fB\\-\\fR] [\\fB\\-\\-\\fIname value\\fR ...]\n.br\n\
         .B spindle explain\n\\(aq\\fIrequest\\fR\\(aq\n",
    );
    section(
        &mut page,
        "DESCRIPTION",
        "Serves clients of Redis from memory, with one thread and one poll loop. Without arguments it listens on port \
         6379 of this machine only.",
    );
    paragraph(
        &mut page,
        "FILE has one setting per line: its name and words, as redis.conf has them. - reads standard input. A setting \
         given as --name counts after the file's. A line that begins with # says nothing. A word with blanks stands in \
         quotes: \"...\" knows \\n, \\r, \\t, \\\", \\\\ and \\xHH, '...' knows \\' only. A number of bytes may have a \
         unit: 1k is 1000, 1kb is 1024; m, mb, g, gb likewise.",
    );
    paragraph(
        &mut page,
        "CONFIG SET changes settings while the server runs. CONFIG REWRITE writes what they are now into FILE: its \
         comments and order stay, what is new is appended.",
    );
    paragraph(
        &mut page,
        "spindle explain shows a request's tokens, words, typed command and reply, and serves nobody.",
    );
    let (own, settings): (Vec<Flag>, Vec<Flag>) = flags::all().into_iter().partition(|flag| flag.group.is_none());
    page.push_str(".SH OPTIONS\n");
    own.iter().for_each(|flag| describe(&mut page, flag));
    page.push_str(".SH SETTINGS\n");
    let mut last_group = None;
    for flag in &settings {
        if flag.group != last_group {
            last_group = flag.group;
            writeln!(page, ".SS {}", flag.group.unwrap_or_default()).expect("a String takes all");
        }
        describe(&mut page, flag);
    }
    paragraph(&mut page, "Other settings of Redis and Valkey are accepted and have no effect; the log names them.");
    section(
        &mut page,
        "SIGNALS",
        "SIGTERM and SIGINT end the server; the second of them at once, whatever it is doing. SIGHUP \
         needs no answer: the log file is opened for each line, so it may be moved away at any time, and the next line \
         begins a new one.",
    );
    section(
        &mut page,
        "ENVIRONMENT",
        "SPINDLE_LOG, or else RUST_LOG, decides what is logged, in the words of env_logger, and loglevel does not. \
         NOTIFY_SOCKET is where systemd is told that the server is ready.",
    );
    section(&mut page, "EXIT STATUS", "0 after an orderly end, 1 if the server cannot start or its poll fails.");
    section(&mut page, "SEE ALSO", "redis-cli(1), redis-benchmark(1)");
    page
}

fn section(page: &mut String, title: &str, text: &str) {
    writeln!(page, ".SH {title}\n{}", escape(text)).expect("a String takes all");
}

fn paragraph(page: &mut String, text: &str) {
    writeln!(page, ".PP\n{}", escape(text)).expect("a String takes all");
}

fn describe(page: &mut String, Flag { name, letter, shape, help, default, .. }: &Flag) {
    let letter = letter.map_or(String::new(), |letter| format!("\\fB\\-{letter}\\fR, "));
    let name = escape(name);
    let shape = if shape.is_empty() { String::new() } else { format!(" \\fI{}\\fR", escape(shape)) };
    let default = if default.is_empty() { String::new() } else { format!(" Default: {default}.") };
    let help = escape(&format!("{help}.{default}"));
    writeln!(page, ".TP\n{letter}\\fB\\-\\-{name}\\fR{shape}\n{help}").expect("a String takes all");
}

/// Text as text: no hyphen becomes a dash, no quote a curly one, and no line is taken for a request.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '.' if escaped.is_empty() => escaped.push_str("\\&."),
            other => escaped.push(other),
        }
    }
    escaped
}
