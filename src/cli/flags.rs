//! What may stand on the command line, as one list: help, manual and completions are made from it.
use crate::server::config::table::{self, Meaning, Spec};
use crate::server::config::value::Kind;
use crate::server::config::{Config, LogLevel};

/// One flag: of the program itself, or a setting.
pub struct Flag {
    pub name: &'static str,
    /// The single letter that means the same.
    pub letter: Option<char>,
    /// What follows it, for a person.
    pub shape: String,
    pub takes: Takes,
    pub help: &'static str,
    /// Empty: there is none, or nothing.
    pub default: String,
    /// Of the settings; the program's own are in none.
    pub group: Option<&'static str>,
}

/// What follows a flag, for a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    Anything,
    File,
    Directory,
    OneOf(&'static [&'static str]),
}

pub const SHELLS: &[&str] = &["bash", "zsh", "fish"];

pub fn all() -> Vec<Flag> {
    let own = |name, letter, shape: &str, takes, help| {
        let (shape, default) = (shape.to_string(), String::new());
        Flag { name, letter, shape, takes, help, default, group: None }
    };
    let mut flags = vec![
        own(
            "check-config",
            None,
            "",
            Takes::Nothing,
            "Read everything, say what is not default and where it came from, start nothing",
        ),
        own("completions", None, "bash|zsh|fish", Takes::OneOf(SHELLS), "Print what completes these flags in a shell"),
        own("help", Some('h'), "", Takes::Nothing, "This page"),
        own("include", None, "PATTERN", Takes::File, "Read these files as if they stood here"),
        own("man", None, "", Takes::Nothing, "Print the manual, for man -l -"),
        own(
            "rename-command",
            None,
            "NAME NEW",
            Takes::Anything,
            "Give a command another name; an empty one disables it",
        ),
        own("version", Some('v'), "", Takes::Nothing, "The version"),
    ];
    let defaults = Config::default();
    flags.extend(table::all().filter_map(|spec| {
        let Meaning::Field { group, help, .. } = spec.meaning else { return None };
        if spec.hidden {
            return None;
        }
        let (shape, takes) = (shape(spec), takes(spec));
        let default = defaults.text(spec);
        Some(Flag { name: spec.name, letter: None, shape, takes, help, default, group: Some(group) })
    }));
    flags
}

/// What may follow two dashes.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().into_iter().filter(|flag| flag.group.is_none()).map(|flag| flag.name).chain(table::names())
}

fn shape(spec: &Spec) -> String {
    match spec.kind {
        Kind::Switch => "yes|no".into(),
        Kind::Number { .. } => "N".into(),
        Kind::Memory { .. } => "BYTES".into(),
        Kind::Share => "BYTES|N%".into(),
        Kind::Mode => "MODE".into(),
        Kind::Choice(names) if names.len() <= 4 => names.join("|"),
        Kind::Choice(names) if names == LogLevel::NAMES => "LEVEL".into(),
        Kind::Choice(_) => "NAME".into(),
        Kind::Text if spec.secret => "PASSWORD".into(),
        Kind::Text => "TEXT".into(),
        Kind::Path => "PATH".into(),
        Kind::FileName(_) => "NAME".into(),
        Kind::Checked(what, _) => what.to_uppercase(),
        Kind::Held(..) => "N".into(),
        Kind::Words(_) | Kind::Flags(..) => "WORD...".into(),
    }
}

fn takes(spec: &Spec) -> Takes {
    match spec.kind {
        Kind::Switch => Takes::OneOf(&["yes", "no"]),
        Kind::Choice(names) | Kind::Flags(names, _) => Takes::OneOf(names),
        Kind::Path if spec.name == "dir" => Takes::Directory,
        Kind::Path => Takes::File,
        Kind::Number { .. } | Kind::Held(..) | Kind::Memory { .. } | Kind::Share | Kind::Mode => Takes::Anything,
        Kind::Text | Kind::FileName(_) | Kind::Checked(..) | Kind::Words(_) => Takes::Anything,
    }
}
