//! A syntax as COMMAND DOCS shows it: a tree of arguments.
use super::syntax::{Extent, Field, Kind, SHARD_CHANNEL, Syntax};

#[derive(Debug, Default)]
pub struct Argument {
    pub name: String,
    pub kind: &'static str,
    pub token: Option<&'static str>,
    pub optional: bool,
    pub multiple: bool,
    /// One of the key specifications is about it.
    pub is_key: bool,
    pub of: Vec<Argument>,
}

pub fn arguments(fields: &[Field]) -> Vec<Argument> {
    fields.iter().flat_map(argument).collect()
}

/// Most fields are one argument. But options stand beside the fields, and a list's count beside the list.
fn argument(field: &Field) -> Vec<Argument> {
    let (name, optional) = (dashed(field.name), !field.needed);
    let is_key = matches!(field.syntax, Syntax::Word { kind: Kind::Key(_) | Kind::KeyPattern(_), .. });
    let one = |kind, of| vec![Argument { name, kind, token: field.token, optional, multiple: false, is_key, of }];
    match field.syntax {
        Syntax::Word { kind: Kind::Channel | Kind::Key(SHARD_CHANNEL) | Kind::String, .. } => one("string", vec![]),
        Syntax::Word { kind: Kind::Key(_), .. } => one("key", vec![]),
        Syntax::Word { kind: Kind::Integer, .. } => one("integer", vec![]),
        Syntax::Word { kind: Kind::Double, .. } => one("double", vec![]),
        Syntax::Word { kind: Kind::UnixTime, .. } => one("unix-time", vec![]),
        Syntax::Word { kind: Kind::Pattern | Kind::KeyPattern(_), .. } => one("pattern", vec![]),
        // A token alone is named as it is written.
        Syntax::All([]) => vec![Argument {
            name: field.token.unwrap_or(field.name).to_lowercase(),
            kind: "pure-token",
            ..Argument { token: field.token, optional, ..Argument::default() }
        }],
        // Options that several commands share are a form of their own, but no block.
        Syntax::All(fields) if field.token.is_none() && field.needed && field.syntax.width().least == 0 => {
            arguments(fields)
        }
        Syntax::All(fields) => one("block", arguments(fields)),
        Syntax::One(fields) => one("oneof", arguments(fields)),
        Syntax::Options([Field { name: "", syntax, .. }]) => {
            argument(&Field { syntax: *syntax, needed: false, ..*field })
        }
        Syntax::Options(fields) => arguments(fields),
        Syntax::List { of, extent } => {
            let least = match extent {
                Extent::Rest { least, .. } | Extent::Counted { least, .. } => least,
                Extent::Alike { .. } => 1,
            };
            let mut listed = argument(&Field { syntax: *of, needed: field.needed && least > 0, ..*field });
            for argument in &mut listed {
                // The field is called `keys`, each of them is a key.
                if matches!(of, Syntax::Word { .. }) && argument.name.ends_with('s') {
                    argument.name.pop();
                }
                argument.multiple = true;
            }
            if let Extent::Counted { name, .. } = extent {
                listed.insert(0, Argument { name: name.into(), kind: "integer", ..Argument::default() });
            }
            listed
        }
    }
}

/// `AtSecond` and `at_second` are the names of Rust; Redis says `at-second`.
pub fn dashed(name: &str) -> String {
    let dash = |(i, c): (usize, char)| if c.is_uppercase() && i > 0 { format!("-{c}") } else { c.to_string() };
    // A field that is named like a word of Rust.
    let name = name.strip_prefix("r#").unwrap_or(name);
    name.chars().enumerate().map(dash).collect::<String>().to_lowercase().replace('_', "-")
}
