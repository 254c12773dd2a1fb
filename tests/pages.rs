//! What README.md, ARCHITECTURE.md and the pages of docs/ name is there: files, functions, constants, and a reason for each dependency.
//! It reads words, not meaning: that a sentence is true, nothing here can tell.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PAGES: [&str; 4] = ["README.md", "ARCHITECTURE.md", "docs/measured.md", "docs/running.md"];
const FOLDERS: [&str; 8] = ["src/", "tests/", "bench/", "benches/", "examples/", "docs/", "dist/", ".ci/"];

#[test]
fn every_path_is_there() {
    let mut missing = vec![];
    for page in PAGES {
        for (line, text) in numbered(&read(page)) {
            for path in paths(text).into_iter().chain(links(text)) {
                if !root().join(path).exists() {
                    missing.push(format!("{page}:{line}: there is no {path}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "\n{}\n", missing.join("\n"));
}

/// `Type::name` must be in src/, `name()` in src/ or tests/, and a constant in a row of a table in the file that the row
/// names.
#[test]
fn every_name_is_in_the_source() {
    let page = read("ARCHITECTURE.md");
    let (source, tests) = (sources(&root().join("src")), sources(&root().join("tests")));
    let mut wrong = vec![];
    for (line, text) in numbered(&page) {
        let files: Vec<&str> = paths(text).into_iter().filter(|path| path.ends_with(".rs")).collect();
        let is_row_of_file = text.starts_with('|') && !files.is_empty();
        for code in code(text) {
            let Some(name) = Name::read(code) else { continue };
            let (found, place) = match name {
                Name::Member(..) => (source.iter().any(|text| name.is_in(text)), "src/".to_string()),
                Name::Function(_) => {
                    (source.iter().chain(&tests).any(|text| name.is_in(text)), "src/ or tests/".into())
                }
                Name::Constant(_) if is_row_of_file => {
                    (files.iter().any(|path| name.is_in(&read(path))), files.join(", "))
                }
                Name::Constant(_) => continue,
            };
            if !found {
                wrong.push(format!("ARCHITECTURE.md:{line}: `{code}` is not in {place}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_dependency_has_a_reason() {
    let page = read("ARCHITECTURE.md");
    let (_, section) = page.split_once("\n## What is not ours\n").expect("ARCHITECTURE.md says what is not ours");
    let section = section.split("\n## ").next().unwrap_or_default();
    let reasons: BTreeSet<&str> = code(section).into_iter().collect();
    let manifest = read("Cargo.toml");
    let mut in_dependencies = false;
    let mut count = 0;
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once('=').filter(|_| in_dependencies && !line.starts_with('#')) {
            let name = name.trim();
            assert!(reasons.contains(name), "ARCHITECTURE.md, \"What is not ours\", does not say why we use {name}");
            count += 1;
        }
    }
    assert!(count > 0, "Cargo.toml has no dependencies?");
}

// --- Names

enum Name<'a> {
    Function(&'a str),
    /// The last two names of a path.
    Member(&'a str, &'a str),
    Constant(&'a str),
}

impl<'a> Name<'a> {
    fn read(code: &'a str) -> Option<Name<'a>> {
        let call = code.split_once('(').map(|(name, _)| name);
        let name = call.unwrap_or(code);
        let is_name = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
                && !part.as_bytes()[0].is_ascii_digit()
        };
        let parts: Vec<&str> = name.split("::").collect();
        if !parts.iter().all(|part| is_name(part)) {
            return None;
        }
        match parts.as_slice() {
            [.., of, name] => Some(Name::Member(of, name)),
            [name] if call.is_some() => Some(Name::Function(name)),
            [name] if name.chars().all(|c| c == '_' || c.is_ascii_uppercase()) => Some(Name::Constant(name)),
            _ => None,
        }
    }

    fn is_in(&self, source: &str) -> bool {
        match self {
            Name::Function(name) => has(source, &format!("fn {name}")),
            Name::Member(of, name) => has(source, of) && has(source, name),
            Name::Constant(name) => has(source, &format!("const {name}")),
        }
    }
}

/// Is this there as a whole word?
fn has(text: &str, word: &str) -> bool {
    let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
    text.match_indices(word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(is_part)
            && !text[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

// --- Reading a page

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line))
}

/// What looks like a path of this tree. One with a `*` stands for many, and for none in particular.
fn paths(text: &str) -> Vec<&str> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "_./-*".contains(c);
    let words = text.split(|c| !is_path(c)).map(|word| word.trim_end_matches(['.', '-']));
    words.filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)) && !word.contains('*')).collect()
}

/// Where relative links lead.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.filter(|target| !target.contains("://") && !target.starts_with('#')).collect()
}

/// What stands in back ticks.
fn code(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn sources(folder: &Path) -> Vec<String> {
    let mut found = vec![];
    for entry in fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
    found
}
