//! Fields by chance, each as likely as any other.
use super::prelude::*;
use crate::commands::draws::{self, Picks};
use crate::store::Hash as Fields;

// --- HRANDFIELD key [count [WITHVALUES]]
form! { pub HRandField<'a> { key: Key<'a, READ>, options: Option<FieldPicks> } }
form! { pub FieldPicks { count: Picks, [#[once] withvalues: "WITHVALUES"] } }
impl<'a> Command<'a> for HRandField<'a> {
    const FACTS: Facts = facts("HRANDFIELD", "hash", "6.2.0", READONLY, "Returns fields of a hash, by chance.")
        .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        cx.lapse(self.key);
        let with_values = self.options.is_some_and(|picks| picks.withvalues);
        draws::pick::<Fields>(self.key, self.options.map(|picks| picks.count.0), with_values, cx)
    }
}
