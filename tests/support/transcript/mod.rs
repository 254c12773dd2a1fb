//! Transcripts: text files in tests/transcripts that say what is sent and what must come back.
//! This module reads, plays, checks and rewrites them; tests/transcripts/README.md describes the notation.
//! It knows no server: a `Peer` carries the bytes, over TCP (`tcp`) or into an engine in memory.
#![allow(dead_code)] // each test binary uses a part

pub mod engine;
pub mod notation;
pub mod pattern;
pub mod play;
pub mod tcp;
pub mod text;
pub mod value;

use std::path::{Path, PathBuf};

/// Every transcript below `tests/transcripts`, in order of path.
pub fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "txt") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts")
}

/// The path of a transcript as a person would type it after `tests/transcripts/`.
pub fn short_name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
