//! How a command ends: it is done, it waits for a key or a moment, it goes on in slices, or it may not begin yet.
use super::context::Context;
use super::refusal::Refusal;
use super::words::OwnedWords;

pub enum Outcome {
    Done,
    Block(Box<Block>),
    Continue(Box<dyn Task>),
    /// It has not begun: clients are paused. Its own words run when the pause is over.
    Postpone,
}

pub type Ran = Result<Outcome, Refusal>;

/// What a client waits for. When one of the keys changes its words are parsed and run again, so whatever depends on the
/// moment in which it blocked (`$`) must be rewritten in them. The deadline is that of the first time.
pub struct Block {
    /// In the client's database.
    pub keys: Vec<Box<[u8]>>,
    /// It is tried again only while one of the keys has a value of this type, as TYPE says it; `None`: never.
    pub wants: Option<&'static str>,
    /// Of the monotonic clock.
    pub deadline_us: Option<u64>,
    /// `None`: its own words will do.
    pub words: Option<OwnedWords>,
    /// What to answer when the deadline comes.
    pub late: fn(&mut Context),
}

/// A command that works in slices. Other clients are served between them; inside a transaction it runs to its end.
pub trait Task {
    /// Does a bounded piece of the work. True: it is done, and its reply is written.
    fn go_on(&mut self, cx: &mut Context) -> bool;
}
