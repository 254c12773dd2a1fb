//! Holds the source to its own rules: who imports whom, how a file opens, where clocks and unsafe code may be.
//!
//! It reads text, not syntax: enough to catch what happens by habit, not what somebody hides. Each rule is a function
//! over one file and says why it is there, since its message is read by who has just broken it.
use std::fs;
use std::path::Path;

/// Each room, what it may import of the crate beside itself, and why not more.
const ROOMS: &[(&str, &[&str], &str)] = &[
    ("base", &[], "what every room uses can use none of them"),
    ("wire", &["base"], "bytes and words are the same whatever is stored"),
    ("store", &["base"], "the data knows no client, no command and no reply"),
    ("persist", &["store", "base"], "a file's format is data as bytes, not a conversation"),
    ("server", &["persist", "store", "base"], "what commands see beside the data knows no reply"),
    (
        "command",
        &["server", "persist", "store", "wire", "base"],
        "what a command is does not depend on which there are",
    ),
    (
        "commands",
        &["command", "server", "persist", "store", "wire", "base"],
        "a command runs without sessions and sockets",
    ),
    (
        "engine",
        &["commands", "command", "server", "persist", "store", "wire", "base"],
        "the engine has no I/O, so that a test can drive it and a user can embed it",
    ),
    (
        "explain",
        &["engine", "command", "wire", "base"],
        "what is explained is what the server's own rooms say, without sockets",
    ),
    ("reactor", &["engine", "persist", "base"], "the reactor moves bytes and never meets a command"),
    ("service", &["server"], "what a process owes its machine is the same whatever it serves"),
    ("logging", &["server", "base"], "lines are written wherever the program runs"),
    (
        "cli",
        &["logging", "engine", "commands", "command", "server", "persist", "store", "wire", "base"],
        "what the user asks for is known before anything is polled",
    ),
];

/// The files at the top, which put the rooms together and may name any of them.
const TOP: &[&str] = &["main", "lib"];
/// Who may ask what time it is.
const CLOCKS: &[&str] = &["src/reactor/", "src/main.rs", "src/logging.rs"];
/// Files, or directories of files, that may have unsafe code, each with a reason in its caption.
const UNSAFE: &[&str] = &[
    "src/base/helper.rs",
    "src/base/huge.rs",
    "src/base/memory.rs",
    "src/base/prefetch.rs",
    "src/store/structure/",
    "src/store/entry/",
    "src/store/database.rs",
    "src/reactor/ticks.rs",
];
const CAPTION_LINES: std::ops::RangeInclusive<usize> = 1..=8;
const LONGEST_FILE: usize = 600;

#[test]
fn the_source_is_tidy() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "src", &mut files);
    files.sort();
    assert!(files.len() > 10, "only {} files found", files.len());
    let findings = check(&files);
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

fn collect(directory: &Path, name: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
        let entry = entry.unwrap();
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &name, files);
        } else if name.ends_with(".rs") {
            files.push((name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

/// All findings in the files, which are given by path and text.
fn check(files: &[(String, String)]) -> Vec<String> {
    let sources: Vec<Source> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    let only_tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    let mut findings = Vec::new();
    for source in &sources {
        caption(source, &mut findings);
        markers(source, &mut findings);
        unsafe_code(source, &mut findings);
        let stem = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
        if !only_tests.iter().any(|module| stem == module || stem.starts_with(&format!("{module}/"))) {
            imports(source, &mut findings);
            clocks(source, &mut findings);
            length(source, &mut findings);
        }
    }
    findings
}

// --- The rules

fn caption(source: &Source, findings: &mut Vec<String>) {
    // A drawing between ``` marks is no prose: the caption may have it besides.
    let mut in_drawing = false;
    let is_prose = |line: &&str| {
        let mark = line.starts_with("//! ```");
        in_drawing ^= mark;
        !mark && !in_drawing
    };
    let lines = source.text.lines().take_while(|line| line.starts_with("//!")).filter(is_prose).count();
    if !CAPTION_LINES.contains(&lines) {
        let wanted = format!("a file opens with {CAPTION_LINES:?} lines of `//!`, not {lines} (drawings not counted)");
        findings.push(source.at(0, &format!("{wanted}: a reader learns there what it is for and what it does not do")));
    }
}

fn imports(source: &Source, findings: &mut Vec<String>) {
    let room = source.modules[0].as_str();
    if TOP.contains(&room) {
        return;
    }
    let Some((_, may_see, why)) = ROOMS.iter().find(|(name, ..)| *name == room) else {
        let wanted = "is no room that tests/tidy.rs knows: give it a line in ROOMS with what it may import, and why";
        return findings.push(source.at(0, &format!("`{room}` {wanted}")));
    };
    for (at, other) in source.paths_from_root() {
        let is_room = TOP.contains(&other) || ROOMS.iter().any(|(name, ..)| *name == other);
        if is_room && other != room && !may_see.contains(&other) {
            findings.push(source.at(at, &format!("{room} must not see {other}: {why}; it may see {may_see:?}")));
        }
    }
}

fn clocks(source: &Source, findings: &mut Vec<String>) {
    if CLOCKS.iter().any(|place| source.path.starts_with(place)) {
        return;
    }
    for clock in ["Instant::now", "SystemTime::now", "UNIX_EPOCH.elapsed", "clock_gettime", "_rdtsc"] {
        for at in words(&source.production, clock) {
            findings.push(
                source.at(at, &format!("{clock} outside {CLOCKS:?}: time is an argument, so that tests can move it")),
            );
        }
    }
}

fn markers(source: &Source, findings: &mut Vec<String>) {
    for marker in ["TODO", "FIXME", "XXX", "HACK"] {
        for at in words(&source.comments, marker) {
            findings.push(
                source.at(at, &format!("{marker} left over: do it now, or open an issue and take the note away")),
            );
        }
    }
    for call in ["dbg!", "todo!", "unimplemented!"] {
        for at in words(&source.code, call) {
            findings.push(source.at(at, &format!("{call} left over: what is not done is absent, not half there")));
        }
    }
}

fn unsafe_code(source: &Source, findings: &mut Vec<String>) {
    let fenced = UNSAFE.iter().any(|place| source.path.starts_with(place));
    if !fenced {
        for word in ["unsafe", "unsafe_code"] {
            for at in words(&source.code, word) {
                findings.push(
                    source.at(
                        at,
                        &format!("{word} outside {UNSAFE:?}: unsafe code is fenced, and earned by a measurement"),
                    ),
                );
            }
        }
        return;
    }
    for at in words(&source.code, "unsafe") {
        let next = source.code[at + "unsafe".len()..].trim_start();
        if (next.starts_with('{') || next.starts_with("impl")) && !source.safety_stated_before(at) {
            findings.push(source.at(at, "unsafe with no `// SAFETY:` above it: say why what it needs holds here"));
        }
    }
}

fn length(source: &Source, findings: &mut Vec<String>) {
    // What stands in a test of the file is blank in `production`, so count the lines before the first test.
    let lines = source.tests.first().map_or(source.text.len(), |span| span.start);
    let lines = source.text[..lines].lines().count();
    if lines > LONGEST_FILE {
        let wanted = format!("{lines} lines before the tests, more than {LONGEST_FILE}");
        findings.push(source.at(0, &format!("{wanted}: divide it by topic, so that each part is read in one sitting")));
    }
}

// --- Reading a file

/// One file. Offsets into its texts are the same in all of them: what is left out of one is blank there.
struct Source {
    path: String,
    /// Where it stands in the crate: `["base", "glob"]`.
    modules: Vec<String>,
    text: String,
    /// Without comments and without what is in quotes.
    code: String,
    /// Nothing but comments.
    comments: String,
    /// Code outside the items that are for tests only.
    production: String,
    /// Where those items are.
    tests: Vec<std::ops::Range<usize>>,
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        let (code, comments) = split(text);
        let tests = test_items(&code);
        let mut production = code.clone().into_bytes();
        for span in &tests {
            blank(&mut production[span.clone()]);
        }
        let inside = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        Source {
            path: path.into(),
            modules: inside.split('/').map(String::from).collect(),
            text: text.into(),
            production: String::from_utf8(production).unwrap(),
            code,
            comments,
            tests,
        }
    }

    fn at(&self, offset: usize, what: &str) -> String {
        let line = 1 + self.text[..offset].matches('\n').count();
        format!("{}:{line}: {what}", self.path)
    }

    /// The modules that a `#[cfg(test)] mod name;` here declares, as paths without `.rs`.
    fn test_modules(&self) -> Vec<String> {
        let directory = match self.path.strip_suffix("/mod.rs") {
            Some(directory) => directory,
            None if TOP.contains(&self.modules[0].as_str()) => "src",
            None => self.path.trim_end_matches(".rs"),
        };
        let items = self.tests.iter().map(|span| &self.code[span.clone()]);
        let name = |item: &str| Some(item.strip_suffix(';')?.rsplit_once("mod ")?.1.trim().to_string());
        items.filter_map(name).map(|name| format!("{directory}/{name}")).collect()
    }

    /// The first name of each path that begins at the crate's root, and where it stands: behind `crate::`, with or
    /// without a list in braces, and behind as many `super::` as lead there.
    fn paths_from_root(&self) -> Vec<(usize, &str)> {
        let mut found = Vec::new();
        let code = &self.production;
        for start in words(code, "crate::") {
            names_at(code, start + "crate::".len(), &mut found);
        }
        for start in words(code, "super::") {
            if code[..start].ends_with("::") {
                continue;
            }
            let (mut steps, mut rest) = (0, &code[start..]);
            while let Some(behind) = rest.strip_prefix("super::") {
                (steps, rest) = (steps + 1, behind);
            }
            if steps >= self.modules.len() {
                names_at(code, code.len() - rest.len(), &mut found);
            }
        }
        found
    }

    /// Whether the comment that stands next above, or on the same line, says SAFETY, with no statement in between.
    fn safety_stated_before(&self, offset: usize) -> bool {
        let end = offset + self.text[offset..].find('\n').unwrap_or(0);
        let mut lines = self.code[..end].lines().rev().zip(self.comments[..end].lines().rev());
        if lines.next().is_some_and(|(_, comment)| comment.contains("SAFETY:")) {
            return true;
        }
        let mut in_comment = false;
        for (code, comment) in lines {
            let is_comment = code.trim().is_empty() && !comment.trim().is_empty();
            if code.trim_end().ends_with([';', '{', '}']) || in_comment && !is_comment {
                return false;
            }
            if comment.contains("SAFETY:") {
                return true;
            }
            in_comment |= is_comment;
        }
        false
    }
}

/// Splits Rust text into code and comments; what is in quotes goes to neither.
fn split(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let (mut code, mut comments) = (bytes.to_vec(), bytes.to_vec());
    blank(&mut comments);
    let mut at = 0;
    while at < bytes.len() {
        let end = match &bytes[at..] {
            [b'/', b'/', ..] => at + text[at..].find('\n').unwrap_or(text.len() - at),
            [b'/', b'*', ..] => block_comment_end(bytes, at),
            [b'r', b'"' | b'#', ..] if !follows_name(bytes, at) => raw_string_end(text, at),
            [b'b' | b'c', b'r', b'"' | b'#', ..] if !follows_name(bytes, at) => raw_string_end(text, at + 1),
            [b'"', ..] => quoted_end(bytes, at, b'"'),
            [b'\'', b'\\', ..] => quoted_end(bytes, at, b'\''),
            [b'\'', ..] => {
                // A character, or the mark of a lifetime.
                let width = text[at + 1..].chars().next().map_or(0, char::len_utf8);
                if bytes.get(at + 1 + width) == Some(&b'\'') { at + 2 + width } else { at }
            }
            _ => at,
        };
        if end == at {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        if bytes[at] == b'/' {
            comments[at..end].copy_from_slice(&bytes[at..end]);
        }
        blank(&mut code[at..end]);
        at = end;
    }
    (String::from_utf8(code).unwrap(), String::from_utf8(comments).unwrap())
}

fn follows_name(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The end of `r"..."` or `r#"..."#`; the start itself if it is neither, but a raw name.
fn raw_string_end(text: &str, start: usize) -> usize {
    let hashes = text[start + 1..].bytes().take_while(|&byte| byte == b'#').count();
    let open = start + 1 + hashes;
    if text.as_bytes().get(open) != Some(&b'"') {
        return start;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    text[open + 1..].find(&close).map_or(text.len(), |length| open + 1 + length + close.len())
}

fn quoted_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Where `#[cfg(test)]` items begin and end: at their semicolon, or at the brace that closes them.
fn test_items(code: &str) -> Vec<std::ops::Range<usize>> {
    let mut items: Vec<std::ops::Range<usize>> = Vec::new();
    for (start, attribute) in code.match_indices("#[cfg(test)]") {
        if items.last().is_some_and(|item| item.contains(&start)) {
            continue;
        }
        let (mut depth, mut end) = (0, code.len());
        for (at, byte) in code.bytes().enumerate().skip(start + attribute.len()) {
            depth += i32::from(matches!(byte, b'{' | b'(' | b'[')) - i32::from(matches!(byte, b'}' | b')' | b']'));
            if depth == 0 && matches!(byte, b';' | b'}') {
                end = at + 1;
                break;
            }
        }
        items.push(start..end);
    }
    items
}

/// The name at `at`, or, if a list in braces is there, the first name of each of its members.
fn names_at<'a>(code: &'a str, at: usize, found: &mut Vec<(usize, &'a str)>) {
    let name = |at: usize| {
        let at = at + code[at..].len() - code[at..].trim_start().len();
        let length = code[at..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        (at, &code[at..at + length])
    };
    if !code[at..].starts_with('{') {
        return found.push(name(at));
    }
    let mut depth = 0;
    for (offset, byte) in code[at..].bytes().enumerate() {
        depth += i32::from(byte == b'{') - i32::from(byte == b'}');
        match (byte, depth) {
            (_, 0) => break,
            (b'{' | b',', 1) => found.push(name(at + offset + 1)),
            _ => {}
        }
    }
}

/// Where `word` stands in the text by itself, not as a part of a longer name.
fn words(text: &str, word: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let ends_in_name = word.as_bytes().last().is_some_and(is_name);
    let goes_on = |at: &usize| ends_in_name && bytes.get(at + word.len()).is_some_and(is_name);
    let whole = |at: &usize| !follows_name(bytes, *at) && !goes_on(at);
    text.match_indices(word).map(|(at, _)| at).filter(whole).collect()
}

/// Makes spaces of everything but line ends, so that lines and offsets stay.
fn blank(bytes: &mut [u8]) {
    for byte in bytes {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

// --- The rules themselves are held to

/// Each file is right but for one thing, or right although it looks as if it were not.
#[test]
fn what_is_not_tidy_is_found() {
    let ok = "";
    let long = format!("//! A.\n{}", "const A: u8 = 0;\n".repeat(600));
    let long_tests = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "const A: u8 = 0;\n".repeat(600));
    for (path, text, expected) in [
        // Imports.
        ("src/base/a.rs", "//! A.\nuse crate::store::Key;\n", "src/base/a.rs:2: base must not see store"),
        ("src/store/a.rs", "//! A.\nuse crate::wire::Reply;\n", "src/store/a.rs:2: store must not see wire"),
        ("src/store/a.rs", "//! A.\nuse crate::base::glob;\n", ok),
        ("src/store/mod.rs", "//! A.\npub(crate) use crate::store::a;\n", ok),
        (
            "src/server/a.rs",
            "//! A.\nfn f() {\n    crate::wire::f();\n}\n",
            "src/server/a.rs:3: server must not see wire",
        ),
        ("src/server/a.rs", "//! A.\nuse crate::{base::glob, wire};\n", "src/server/a.rs:2: server must not see wire"),
        ("src/server/a.rs", "//! A.\nuse crate::{\n    base::{glob, wire},\n    store,\n};\n", ok),
        (
            "src/reactor/a.rs",
            "//! A.\nuse crate::{engine,\n    commands};\n",
            "src/reactor/a.rs:3: reactor must not see commands",
        ),
        ("src/reactor/mod.rs", "//! A.\nuse crate::server::Config;\n", "never meets a command"),
        ("src/wire/a.rs", "//! A.\nuse super::super::store::Key;\n", "src/wire/a.rs:2: wire must not see store"),
        ("src/wire/mod.rs", "//! A.\nuse super::store::Key;\n", "src/wire/mod.rs:2: wire must not see store"),
        ("src/wire/a.rs", "//! A.\nuse super::store::Key;\n", ok),
        ("src/command/a.rs", "//! A.\nuse crate::lib;\n", "command must not see lib"),
        ("src/command/a.rs", "//! A.\nuse crate::form;\n$crate::command::a!();\nuse mycrate::engine;\n", ok),
        ("src/engine/a.rs", "//! A.\nuse crate::reactor::Poll;\n", "the engine has no I/O"),
        ("src/main.rs", "//! A.\nuse spindle::reactor;\nuse crate::engine;\n", ok),
        ("src/shed/a.rs", "//! A.\n", "src/shed/a.rs:1: `shed` is no room"),
        ("src/store/a.rs", "//! A.\n#[cfg(test)]\nmod tests {\n    use crate::engine::Engine;\n}\n", ok),
        (
            "src/store/a.rs",
            "//! A.\n#[cfg(test)]\nuse crate::engine;\nuse crate::wire;\n",
            "src/store/a.rs:4: store must not",
        ),
        (
            "src/store/a.rs",
            "//! A.\n/// See [`crate::engine`].\nconst A: &str = \"crate::engine\"; // crate::wire\n",
            ok,
        ),
        (
            "src/store/a.rs",
            "//! A.\nconst A: char = '\"';\nuse crate::wire; // \"\n",
            "src/store/a.rs:3: store must not see wire",
        ),
        (
            "src/store/a.rs",
            "//! A.\nfn f<'a>(s: &'a str) {} /* /* */ crate::wire */\nconst S: &str = r#\"\" crate::wire\"#;\n",
            ok,
        ),
        ("src/store/a.rs", "//! A.\nconst S: &str = r\"\\\"; use crate::wire;\n", "store must not see wire"),
        // Captions.
        ("src/base/a.rs", "// A.\nuse std::fmt;\n", "src/base/a.rs:1: a file opens with 1..=8 lines"),
        ("src/base/a.rs", "", "src/base/a.rs:1: a file opens"),
        ("src/base/a.rs", "\n//! A.\n", "not 0"),
        ("src/base/a.rs", "//! 1\n//! 2\n//!\n//! 4\n//! 5\n//! 6\n//! 7\n//! 8\n", ok),
        ("src/base/a.rs", "//! 1\n//! 2\n//!\n//! 4\n//! 5\n//! 6\n//! 7\n//! 8\n//! 9\n", "not 9"),
        (
            "src/base/a.rs",
            "//! A.\n//! ```text\n//! 1\n//! 2\n//! 3\n//! 4\n//! 5\n//! 6\n//! 7\n//! ```\n//! B.\n",
            ok,
        ),
        // Clocks.
        ("src/engine/a.rs", "//! A.\n\nfn f() { Instant::now(); }\n", "src/engine/a.rs:3: Instant::now outside"),
        ("src/cli/a.rs", "//! A.\nlet t = std::time::SystemTime::now();\n", "src/cli/a.rs:2: SystemTime::now outside"),
        ("src/reactor/clock.rs", "//! A.\nfn f() { Instant::now(); }\n", ok),
        ("src/logging.rs", "//! A.\nfn f() { Instant::now(); }\n", ok),
        ("src/engine/a.rs", "//! A. No Instant::now here.\n#[cfg(test)]\nfn f() { Instant::now(); }\n", ok),
        // Markers.
        ("src/base/a.rs", "//! A.\n// TODO: more\n", "src/base/a.rs:2: TODO left over"),
        ("src/base/a.rs", "//! A.\nfn f() {} // FIXME\n", "src/base/a.rs:2: FIXME left over"),
        ("src/base/a.rs", "//! A.\nconst TODO: &str = \"XXX\"; // TODOS, XXXX\n", ok),
        ("src/base/a.rs", "//! A.\nfn f() { dbg!(1); }\n", "src/base/a.rs:2: dbg! left over"),
        (
            "src/base/a.rs",
            "//! A.\n#[cfg(test)]\nmod tests {\n    fn f() { todo!() }\n}\n",
            "src/base/a.rs:4: todo! left over",
        ),
        // Unsafe code.
        ("src/base/a.rs", "//! A.\n// SAFETY: none.\nunsafe { f() }\n", "src/base/a.rs:3: unsafe outside"),
        ("src/base/a.rs", "//! A.\n#![allow(unsafe_code)]\n", "src/base/a.rs:2: unsafe_code outside"),
        ("src/base/a.rs", "//! A. Not unsafe.\nconst A: &str = \"unsafe\";\n", ok),
        ("src/base/memory.rs", "//! A.\n#![allow(unsafe_code)]\n// SAFETY: so.\nunsafe impl A for B {}\n", ok),
        (
            "src/base/memory.rs",
            "//! A.\nfn f() {\n    unsafe { g() }\n}\n",
            "src/base/memory.rs:3: unsafe with no `// SAFETY:`",
        ),
        ("src/base/memory.rs", "//! A.\nunsafe impl A for B {}\n", "src/base/memory.rs:2: unsafe with no"),
        ("src/base/memory.rs", "//! A.\nunsafe fn f();\n", ok),
        ("src/base/memory.rs", "//! A.\n// SAFETY: so,\n// and so.\nlet a =\n    unsafe { g() };\n", ok),
        ("src/base/memory.rs", "//! A.\nlet a = unsafe { g() }; // SAFETY: so.\n", ok),
        (
            "src/base/memory.rs",
            "//! A.\n// SAFETY: so.\nlet a = unsafe { g() };\nlet b = unsafe { g() };\n",
            "memory.rs:4: unsafe with no",
        ),
        (
            "src/base/memory.rs",
            "//! A.\n// SAFETY: so.\n\n// Fast.\nlet a = unsafe { g() };\n",
            "memory.rs:5: unsafe with no",
        ),
        // Length.
        ("src/base/a.rs", &long, "src/base/a.rs:1: 601 lines before the tests, more than 600"),
        ("src/base/a.rs", &long_tests, ok),
    ] {
        let findings = check(&[(path.into(), text.into())]);
        let shown = &text[..text.len().min(200)];
        match expected {
            "" => assert!(findings.is_empty(), "{shown}\n{findings:?}"),
            _ => assert!(findings.len() == 1 && findings[0].contains(expected), "{shown}\n{expected}\n{findings:?}"),
        }
    }
}

/// A file that only a test build has may see every room.
#[test]
fn a_test_module_in_a_file_of_its_own_is_known() {
    let file = |path: &str, text: &str| (path.to_string(), text.to_string());
    let tests = "//! A.\nuse crate::engine::Engine;\n";
    for parent in ["src/store/set/mod.rs", "src/store/set.rs"] {
        for child in ["src/store/set/tests.rs", "src/store/set/tests/mod.rs", "src/store/set/tests/deep.rs"] {
            let declared = file(parent, "//! A.\n#[cfg(test)]\nmod tests;\n");
            assert_eq!(check(&[declared, file(child, tests)]), [""; 0], "{parent} {child}");
            let always = file(parent, "//! A.\nmod tests;\n");
            assert_eq!(check(&[always, file(child, tests)]).len(), 1, "{parent} {child}");
        }
    }
}
