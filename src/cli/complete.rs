//! Completions: a script for each shell that knows the flags and what follows them. The list is `flags.rs`.
use super::flags::{self, Flag, Takes};
use std::fmt::Write;

/// The script for one of `flags::SHELLS`.
pub fn script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash()),
        "zsh" => Some(zsh()),
        "fish" => Some(fish()),
        _ => None,
    }
}

fn bash() -> String {
    let flags = flags::all();
    // What takes the same stands in one line.
    let mut arms: Vec<(Takes, Vec<String>)> = vec![];
    for flag in flags.iter().filter(|flag| flag.takes != Takes::Nothing) {
        let name = format!("--{}", flag.name);
        match arms.iter_mut().find(|(takes, _)| *takes == flag.takes) {
            Some((_, names)) => names.push(name),
            None => arms.push((flag.takes, vec![name])),
        }
    }
    let mut out = String::from(
        "# Completions of bash for spindle: spindle --completions bash > /etc/bash_completion.d/spindle\n\
         _spindle() {\n    \
         local word=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]}\n    \
         case $flag in\n",
    );
    for (takes, names) in arms {
        let with = match takes {
            Takes::OneOf(words) => format!("-W '{}'", words.join(" ")),
            Takes::Directory => "-d".into(),
            Takes::File => "-f".into(),
            Takes::Anything | Takes::Nothing => "-W ''".into(),
        };
        let complete = format!("mapfile -t COMPREPLY < <(compgen {with} -- \"$word\")");
        writeln!(out, "    {})\n        {complete}\n        return ;;", names.join("|")).expect("a String takes all");
    }
    let names: Vec<String> = flags.iter().map(|flag| format!("--{}", flag.name)).collect();
    write!(
        out,
        "    esac\n    \
         case $word in\n    \
         -*) mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\") ;;\n    \
         *) mapfile -t COMPREPLY < <(compgen -W explain -- \"$word\"; compgen -f -- \"$word\") ;;\n    \
         esac\n}}\n\
         complete -o filenames -F _spindle spindle\n",
        names.join(" ")
    )
    .expect("a String takes all");
    out
}

fn zsh() -> String {
    let mut out = String::from(
        "#compdef spindle\n\
         # Completions of zsh for spindle: spindle --completions zsh > a directory of $fpath/_spindle\n\
         _arguments \\\n",
    );
    for Flag { name, shape, takes, help, .. } in flags::all() {
        let help = escape(help, "\\[]:").replace('\'', "'\\''");
        let shape = escape(&shape, ":");
        let value = match takes {
            Takes::Nothing => String::new(),
            Takes::Anything => format!(":{shape}: "),
            Takes::File => format!(":{shape}:_files"),
            Takes::Directory => format!(":{shape}:_files -/"),
            Takes::OneOf(words) => format!(":{shape}:({})", words.join(" ")),
        };
        writeln!(out, "  '*--{name}[{help}]{value}' \\").expect("a String takes all");
    }
    out.push_str("  '*:FILE:_files'\n");
    out
}

fn fish() -> String {
    let mut out = String::from(
        "# Completions of fish for spindle: spindle --completions fish > ~/.config/fish/completions/spindle.fish\n",
    );
    for Flag { name, letter, takes, help, .. } in flags::all() {
        let letter = letter.map_or(String::new(), |letter| format!(" -s {letter}"));
        let value = match takes {
            Takes::Nothing => " -f".into(),
            Takes::Anything => " -x".into(),
            Takes::File => " -r -F".into(),
            Takes::Directory => " -x -a '(__fish_complete_directories)'".into(),
            Takes::OneOf(words) => format!(" -x -a '{}'", words.join(" ")),
        };
        let help = escape(help, "\\'");
        writeln!(out, "complete -c spindle{letter} -l {name}{value} -d '{help}'").expect("a String takes all");
    }
    out
}

/// Puts a backslash before each of these.
fn escape(text: &str, special: &str) -> String {
    text.chars().flat_map(|c| special.contains(c).then_some('\\').into_iter().chain([c])).collect()
}
