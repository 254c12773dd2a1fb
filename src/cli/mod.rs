//! The command line: what the user wants, from the arguments and the files that they name.
//!
//! Starts nothing and prints nothing. Whatever is wrong comes back as one message, before anything has begun. Arguments
//! are read as redis-server reads them: `--name` takes the words up to the next `--name`, files come before options.
mod complete;
mod flags;
mod help;
mod load;
mod manual;

use crate::base::nearest::nearest;
use crate::base::quoted;
use crate::server::config::{Config, Problem, Source, guard, table};
pub use load::{Disk, Files};
use std::ffi::OsString;
use std::fmt;

/// What the user wants.
#[derive(Debug)]
pub enum Invocation {
    /// Serve.
    Run(Box<Config>),
    /// `spindle explain ...`: the words after it.
    Explain(Vec<Vec<u8>>),
    /// Print this and be done: help, the version, the result of a check.
    Print(String),
}

/// What was wrong, for a line that begins with the program's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError(pub String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

fn usage<T>(message: impl Into<String>) -> Result<T, UsageError> {
    Err(UsageError(message.into()))
}

/// Reads the arguments, without the program's name.
pub fn parse(args: impl IntoIterator<Item = OsString>, files: &mut dyn Files) -> Result<Invocation, UsageError> {
    // On Unix these are the very bytes of the arguments; a password need not be text for this step.
    let args: Vec<Vec<u8>> = args.into_iter().map(OsString::into_encoded_bytes).collect();
    let mut args = args.as_slice();
    if args.first().is_some_and(|first| first == b"explain") {
        return Ok(Invocation::Explain(args[1..].to_vec()));
    }
    let mut config = Config::default();
    // It may stand before the file as well as among the options behind it.
    let checks_first = args.first().is_some_and(|first| first == b"--check-config");
    args = &args[usize::from(checks_first)..];
    let file = args.first().filter(|first| !first.starts_with(b"-")).map(|path| text(path));
    if file.is_some() {
        args = &args[1..];
    }
    // A lone dash reads standard input, whether it stands first or last.
    let first = args.first().is_some_and(|arg| arg == b"-");
    let last = !first && args.last().is_some_and(|arg| arg == b"-");
    args = &args[usize::from(first)..args.len() - usize::from(last)];

    let mut options = options(args)?;
    if let Some(printed) = options.iter().find_map(special) {
        return printed.map(Invocation::Print);
    }
    let count = options.len();
    options.retain(|option| option.name != "check-config");
    let only_check = checks_first || options.len() < count;

    if let Some(path) = file {
        load::file(&mut config, files, &path).map_err(|error| hint_at_option(error, &path))?;
    }
    if first || last {
        load::stdin(&mut config, files)?;
    }
    for option in options {
        if option.name.eq_ignore_ascii_case("include") {
            load::include(&mut config, files, &option.words)
        } else if option.name.eq_ignore_ascii_case("rename-command") {
            load::rename(&mut config, &option.words)
        } else {
            config.set_one(&option.name, &option.words, Source::CommandLine).map_err(|error| match error.problem {
                Problem::Unknown => format!("unknown setting{}", did_you_mean(&option.name, flags::names(), "--")),
                _ => error.to_string(),
            })
        }
        .map_err(|reason| UsageError(format!("command line: {}: {reason}", option.quote())))?;
    }
    if let Some(objection) = guard::objection(&config) {
        return usage(objection);
    }
    Ok(if only_check { Invocation::Print(help::check(&config)) } else { Invocation::Run(Box::new(config)) })
}

/// What is only printed.
fn special(option: &Given) -> Option<Result<String, UsageError>> {
    match option.name.as_str() {
        "help" => Some(Ok(help::help())),
        "version" => Some(Ok(help::version())),
        "man" => Some(Ok(manual::manual())),
        "completions" => {
            let script = if let [shell] = &option.words[..] { complete::script(&text(shell)) } else { None };
            let message = || UsageError(format!("--completions wants one of {}", flags::SHELLS.join(", ")));
            Some(script.ok_or_else(message))
        }
        _ => None,
    }
}

/// A setting on the command line.
struct Given {
    name: String,
    words: Vec<Vec<u8>>,
}

impl Given {
    /// As it would stand in a file. The words of a secret stay hidden.
    fn quote(&self) -> String {
        load::quote(&self.name, &self.words.iter().map(|word| format!(" \"{}\"", text(word))).collect::<String>())
    }
}

/// Groups the arguments: each option with the words that belong to it.
fn options(args: &[Vec<u8>]) -> Result<Vec<Given>, UsageError> {
    let mut options: Vec<Given> = Vec::new();
    // What takes no words cannot be followed by one.
    let full = |name: &str| ["help", "version", "man", "check-config"].contains(&name);
    // `--save` alone means no snapshots.
    let stands_alone = |name: &str| full(name) || name.eq_ignore_ascii_case("save");
    for arg in args {
        let arg_text = text(arg);
        match (arg_text.strip_prefix("--"), options.last_mut()) {
            // The first word of an option is its value even with dashes, as a password may have them.
            (Some(name), Some(last)) if last.words.is_empty() && !full(name) && !stands_alone(&last.name) => {
                last.words.push(arg.clone());
            }
            (Some(name), _) => options.push(option(name)?),
            (None, _) if arg == b"-h" => options.push(option("help")?),
            (None, _) if arg == b"-v" => options.push(option("version")?),
            (None, Some(last)) if !full(&last.name) => last.words.push(arg.clone()),
            // Behind a file redis-server takes a setting without dashes, too.
            (None, None) if !arg.starts_with(b"-") => options.push(option(&arg_text)?),
            (None, _) => {
                return usage(format!(
                    "unexpected argument '{arg_text}'; settings are given as --name value, a file comes before them"
                ));
            }
        }
    }
    for option in &mut options {
        if option.name.eq_ignore_ascii_case("save") && option.words.is_empty() {
            option.words.push(Vec::new());
        }
    }
    Ok(options)
}

/// An option may hold its words itself, as in `"--save 60 1"`: compose files write it so.
fn option(argument: &str) -> Result<Given, UsageError> {
    let Some(words) = quoted::words(argument.as_bytes()) else {
        return usage(format!("command line: '--{argument}': unbalanced quotes"));
    };
    let mut words = words.into_iter();
    let name = words.next().map(|name| text(&name)).unwrap_or_default();
    match name.split_once('=') {
        Some((name, value)) if table::find(name).is_some() => {
            usage(format!("command line: '--{argument}': write --{name} {value}, without ="))
        }
        _ => Ok(Given { name, words: words.collect() }),
    }
}

/// A file that cannot be read may have been meant as an option, or as the one word that is a command of the program.
fn hint_at_option(error: UsageError, path: &str) -> UsageError {
    let hint = match table::find(path) {
        Some(spec) => format!("; the setting is given as --{}", spec.name),
        None => did_you_mean(path, std::iter::once("explain"), ""),
    };
    UsageError(error.0 + &hint)
}

fn did_you_mean<'a>(name: &str, names: impl Iterator<Item = &'a str>, dashes: &str) -> String {
    nearest(name, names).map_or_else(String::new, |near| format!("; did you mean '{dashes}{near}'?"))
}

fn text(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

#[cfg(test)]
mod tests;
