//! INFO: which sections are asked for. What stands in them, `sections` knows.
use super::sections::{SECTIONS, Section, World};
use crate::commands::prelude::*;

// --- INFO [section [section ...]]
form! { pub Info<'a> { section: Any<'a, Bytes<'a>> } }
impl<'a> Command<'a> for Info<'a> {
    const FACTS: Facts = facts("INFO", "server", "1.0.0", LOADING | STALE, "Tells how the server is and how it fares.")
        .and(category::DANGEROUS)
        .hint(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"]);
    fn run(self, cx: &mut Context) -> Ran {
        let machine = cx.host.machine();
        let world = World::of(cx, &machine);
        let wanted: Vec<String> =
            self.section.iter().map(|name| String::from_utf8_lossy(name.0).to_ascii_lowercase()).collect();
        let mut text = String::new();
        for section in SECTIONS.iter().filter(|section| is_wanted(section, &wanted)) {
            if !text.is_empty() {
                text += "\r\n";
            }
            text += &format!("# {}\r\n", section.name);
            (section.write)(&world, &mut text);
        }
        cx.reply.verbatim("txt", &text);
        Ok(Outcome::Done)
    }
}

/// Without a word it is the default sections; a word that names none is passed over.
fn is_wanted(section: &Section, wanted: &[String]) -> bool {
    let by = |word: &String| match word.as_str() {
        "default" => section.is_default,
        "all" | "everything" => true,
        name => section.name.eq_ignore_ascii_case(name),
    };
    if wanted.is_empty() { section.is_default } else { wanted.iter().any(by) }
}
