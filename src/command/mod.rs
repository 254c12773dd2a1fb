//! What a command is: its grammar, its facts, its evaluation, and the way from words to it. Which commands there are, it
//! does not know (`commands` does). Read in this order: words, grammar, leaf, list, syntax, specs, docs, usage, label (what
//! a declaration is and what is derived from it); entry, lookup, admit, serve, modes, queue, notice, timed, monitor, context
//! (how it runs); refusal (every error text); room (what a result may take); disk (the data's file); host (what the machine lends) and by_hand (a host for who has no reactor).
pub mod admit;
pub mod by_hand;
pub mod context;
pub mod disk;
pub mod docs;
pub mod effect;
pub mod entry;
pub mod facts;
pub mod grammar;
pub mod host;
pub mod label;
pub mod leaf;
pub mod list;
pub mod lookup;
pub mod modes;
pub mod monitor;
pub mod notice;
pub mod outcome;
pub mod publish;
pub mod queue;
pub mod record;
pub mod refusal;
pub mod room;
pub mod serve;
pub mod specs;
pub mod syntax;
mod timed;
pub mod usage;
pub mod words;

pub use context::Context;
pub use effect::Effect;
pub use entry::{Command, Commands, Entry};
pub use host::Host;
pub use outcome::{Block, Outcome, Ran, Task};
pub use refusal::Refusal;
pub use room::Room;
