//! Configuration files: reading them line by line into the configuration, and those that they include.
//!
//! The only part of the command line that touches the disk, and only through `Files`. An error names file and line.
use super::{UsageError, text};
use crate::commands::COMMANDS;
use crate::server::config::{Config, ConfigFile, Source, file, table};
use std::fs;
use std::io::{self, Read};
use std::sync::Arc;

/// Where files come from; tests have their own.
pub trait Files {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>>;
    fn stdin(&mut self) -> io::Result<Vec<u8>>;
    /// The paths that match a pattern, in order.
    fn matching(&mut self, pattern: &str) -> Result<Vec<String>, String>;
    /// A path from the root on.
    fn absolute(&self, path: &str) -> String;
}

/// The machine's own files.
#[derive(Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn stdin(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn matching(&mut self, pattern: &str) -> Result<Vec<String>, String> {
        let paths = glob::glob(pattern).map_err(|error| error.to_string())?;
        paths
            .map(|path| Ok(path.map_err(|error| error.to_string())?.to_string_lossy().into_owned()))
            .collect::<Result<_, _>>()
    }

    fn absolute(&self, path: &str) -> String {
        std::path::absolute(path).map_or_else(|_| path.into(), |path| path.to_string_lossy().into_owned())
    }
}

/// A file may include another that deep. A file that includes itself is found by its name, or else, by many names, here.
const MAX_DEPTH: usize = 16;

pub fn file(config: &mut Config, files: &mut dyn Files, path: &str) -> Result<(), UsageError> {
    config.file = Some(ConfigFile { name: path.into(), path: files.absolute(path) });
    Loader::new(config, files).file(path).map_err(UsageError)
}

pub fn stdin(config: &mut Config, files: &mut dyn Files) -> Result<(), UsageError> {
    let text = files.stdin().map_err(|error| UsageError(format!("cannot read standard input: {error}")))?;
    Loader::new(config, files).lines(None, &text).map_err(UsageError)
}

/// `--include`. The error is the reason alone: the caller knows where the words stood.
pub fn include(config: &mut Config, files: &mut dyn Files, words: &[Vec<u8>]) -> Result<(), String> {
    Loader::new(config, files).include(words)
}

/// `rename-command`: what cannot be renamed so is told where it stands.
pub fn rename(config: &mut Config, words: &[Vec<u8>]) -> Result<(), String> {
    let [from, to] = words else { return Err("wrong number of arguments".into()) };
    config.renames.push((from.clone().leak(), to.clone().leak()));
    COMMANDS.renamed(&config.renames).map(drop).map_err(|(_, reason)| reason.into())
}

/// A line for a message, in quotes. The value of a secret is left out.
pub fn quote(name: &str, rest: &str) -> String {
    if table::find(name).is_some_and(|spec| spec.secret) { format!("'{name} ...'") } else { format!("'{name}{rest}'") }
}

struct Loader<'a> {
    config: &'a mut Config,
    files: &'a mut dyn Files,
    /// The files that are being read, each included by the one before it.
    open: Vec<String>,
    /// The error is that files include each other. Then the outermost line tells the place, and the way is in the reason.
    looped: bool,
}

impl<'a> Loader<'a> {
    fn new(config: &'a mut Config, files: &'a mut dyn Files) -> Loader<'a> {
        Loader { config, files, open: vec![], looped: false }
    }

    fn file(&mut self, path: &str) -> Result<(), String> {
        let again = self.open.iter().any(|open| open == path);
        self.open.push(path.into());
        if again || self.open.len() > MAX_DEPTH {
            self.looped = true;
            let reason = if again { "a file includes itself" } else { "files include each other too deep" };
            return Err(format!("{reason}: {}", self.open.join(" > ")));
        }
        let text = self.files.read(path).map_err(|error| format!("cannot read '{path}': {error}"))?;
        self.lines(Some(path.into()), &text)?;
        self.open.pop();
        Ok(())
    }

    /// The lines of a file, or of standard input.
    fn lines(&mut self, path: Option<Arc<str>>, text: &[u8]) -> Result<(), String> {
        let is_included = self.open.len() > 1;
        for line in file::lines(text) {
            let source = match path.clone() {
                Some(path) => Source::File { path, line: line.number },
                None => Source::StandardInput { line: line.number },
            };
            self.line(source.clone(), &line).map_err(|reason| {
                if self.looped && is_included {
                    return reason;
                }
                let (name, rest) = line.text.split_at(line.text.find(char::is_whitespace).unwrap_or(line.text.len()));
                format!("{source}: {}: {reason}", quote(name, rest))
            })?;
        }
        Ok(())
    }

    fn line(&mut self, source: Source, line: &file::Line) -> Result<(), String> {
        let words = line.words.as_deref().ok_or("unbalanced quotes in configuration line")?;
        let (name, words) = words.split_first().expect("a line has words");
        let name = text(name);
        if name.eq_ignore_ascii_case("include") {
            return self.include(words);
        }
        if name.eq_ignore_ascii_case("rename-command") {
            return rename(self.config, words);
        }
        self.config.set_one(&name, words, source).map_err(|error| error.to_string())
    }

    fn include(&mut self, words: &[Vec<u8>]) -> Result<(), String> {
        let [pattern] = words else { return Err("wrong number of arguments".into()) };
        let pattern = text(pattern);
        // A pattern may match nothing; a plain name must be there.
        let paths = if pattern.contains(['*', '?', '[']) { self.files.matching(&pattern)? } else { vec![pattern] };
        paths.iter().try_for_each(|path| self.file(path))
    }
}
