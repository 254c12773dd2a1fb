//! A command as a type (`Command`) and as a row of the table (`Entry`), and the table.
use super::context::Context;
pub use super::facts::*;
use super::grammar::Grammar;
use super::lookup::{Lookup, ShortName};
use super::outcome::Ran;
use super::refusal::Refusal;
use super::syntax::{Access, Kind, Positions, Syntax};
use super::words::{OwnedWords, Request, Words};
use crate::server::config::Rename;
use std::fmt::Debug;

/// The parts with a default are where a command may be irregular. It states them, and says why.
pub trait Command<'a>: Grammar<'a> + Debug {
    const FACTS: Facts;
    const ARITY: i32 = Self::SYNTAX.arity();
    /// It asks for the rank of an element: its place in the order of a large sorted set is fetched ahead, as for who changes
    /// it.
    const RANKS: bool = false;
    /// What to say to a word too many, which is then the word last read.
    const SURPLUS: Refusal = Refusal::Syntax;
    /// What it does to a key, where other words decide that.
    fn access(declared: Access, _request: Words) -> Access {
        declared
    }
    /// What it refuses while its syntax is still being read: a few commands of Redis judge an option, or their keys, before
    /// they come to the words behind.
    #[inline]
    fn refuse_early(_words: Words<'a>, _cx: &mut Context) -> Result<(), Refusal> {
        Ok(())
    }
    /// What it says to words that its syntax does not take: a few commands of Redis have answered before they read all.
    fn refused(refusal: Refusal, _words: Words<'a>, _cx: &mut Context) -> Ran {
        Err(refusal)
    }
    fn run(self, cx: &mut Context) -> Ran;
}

/// Refuses early, reads, runs.
#[inline]
pub fn run<'a, C: Command<'a>>(words: &mut Words<'a>, cx: &mut Context) -> Ran {
    let whole = *words;
    C::refuse_early(whole, cx)?;
    match read::<C>(words) {
        Ok(form) => form.run(cx),
        Err(refusal) => C::refused(refusal, whole, cx),
    }
}

/// A form whose type is forgotten, to be shown.
pub type Shown<'a> = Box<dyn Debug + 'a>;

/// A command as the table has it, its type forgotten.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its row in the table.
    pub index: u16,
    /// How many rows after this one are its subcommands.
    pub subcommands: u16,
    /// The words of its name: one, or two for a subcommand.
    pub name_words: u8,
    pub facts: &'static Facts,
    pub syntax: &'static Syntax,
    pub arity: i32,
    pub positions: Positions,
    /// See `Syntax::element`: what the look-up of it will touch is fetched into the cache ahead.
    pub element: u8,
    /// And where that stands in the order.
    pub place: bool,
    pub access: fn(Access, Words) -> Access,
    pub run: fn(&mut Words, &mut Context) -> Ran,
    /// Parses, and gives the form back, as words and for a person to read.
    pub explain: for<'a> fn(&mut Words<'a>, &mut OwnedWords) -> Result<Shown<'a>, Refusal>,
}

impl Entry {
    /// Reports the keys and channels of a request and what is done to them, without parsing it. See `Syntax::keys`.
    pub fn keys(&self, request: Request, found: &mut dyn FnMut(usize, Kind)) -> Option<()> {
        let mut words = Words::new(request);
        let whole = words;
        words.read().ok()?;
        if self.facts.name.contains('|') {
            words.read().ok()?;
        }
        self.syntax.keys(&mut words, true, &mut |at, kind| match kind {
            Kind::Key(declared) => found(at, Kind::Key((self.access)(declared, whole))),
            channel => found(at, channel),
        })
    }

    /// Is the number of words right? They are counted with the name.
    #[inline]
    pub fn admits(&self, count: usize) -> bool {
        count as i64 == self.arity as i64 || self.arity < 0 && count as i64 >= -(self.arity as i64)
    }

    /// Its ACL categories. A container alone is no command, so it has none of its group's.
    pub fn categories(&self) -> u32 {
        let is_command = self.subcommands == 0 || self.arity == -1;
        if is_command { self.facts.categories() } else { category::SLOW }
    }

    /// The name as clients write it: `client|kill`.
    pub fn lower_name(&self) -> String {
        self.facts.name.to_ascii_lowercase()
    }
}

/// Redis's arity counts the words of the name too.
pub const fn arity(declared: i32, name_words: i32) -> i32 {
    if declared < 0 { declared + 1 - name_words } else { declared - 1 + name_words }
}

/// A form reads all its words. One too many is said before what could wait.
#[inline(always)]
pub fn read<'a, C: Command<'a>>(words: &mut Words<'a>) -> Result<C, Refusal> {
    let form = C::parse(words)?;
    match (words.read(), words.late) {
        (Ok(_), _) => Err(C::SURPLUS),
        (Err(_), Some(refusal)) => Err(refusal),
        (Err(_), None) => Ok(form),
    }
}

/// The form as a request: for the log, for the record, for a person.
pub fn explain<'a, C: Command<'a> + 'a>(form: C, to: &mut OwnedWords) -> Shown<'a> {
    C::FACTS.name.split('|').for_each(|name| _ = to.text(name));
    form.print(to);
    Box::new(form)
}

/// The table, and the way from a name to an entry.
#[derive(Clone)]
pub struct Commands {
    pub entries: &'static [Entry],
    lookup: Lookup,
}

/// What a request named.
#[derive(Default)]
pub struct Named {
    name: ShortName,
    command: Option<&'static Entry>,
}

/// A word that names no command, or no subcommand of this container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFound {
    Command,
    Subcommand {
        container: &'static str,
    },
    /// A container alone.
    Bare {
        container: &'static str,
    },
}

impl Commands {
    pub const fn new(entries: &'static [Entry]) -> Self {
        Commands { entries, lookup: Lookup::new(entries) }
    }

    /// Steps over the command's name, and its subcommand's.
    #[cold]
    pub fn find(&self, words: &mut Words) -> Result<&'static Entry, NotFound> {
        let name = words.read().map_err(|_| NotFound::Command)?;
        let entry = self.lookup.find(name).map(|at| &self.entries[at]).ok_or(NotFound::Command)?;
        if entry.subcommands == 0 { Ok(entry) } else { self.subcommand(entry, words) }
    }

    /// The command that the words of a request name, if they do. (In its place: each request comes by here.)
    #[inline(always)]
    pub fn named_by(&self, request: Request) -> Option<&'static Entry> {
        let entry = &self.entries[self.lookup.find(request.get(0)?)?];
        if entry.subcommands == 0 { Some(entry) } else { self.find(&mut Words::new(request)).ok() }
    }

    /// The same. `last`: what the request before it named. Pipelines are often of one command, and to compare its name takes
    /// less than to look it up (of 559 instructions a PING saved 18).
    #[inline(always)]
    pub fn named_again(&self, request: Request, last: &mut Named) -> Option<&'static Entry> {
        let name = request.get(0)?;
        if last.name.is(name) {
            return last.command;
        }
        let command = self.named_by(request);
        if command.is_some_and(|command| command.name_words == 1 && command.subcommands == 0)
            && let Some(name) = ShortName::of(name)
        {
            *last = Named { name, command };
        }
        command
    }

    #[cold]
    fn subcommand(&self, container: &'static Entry, words: &mut Words) -> Result<&'static Entry, NotFound> {
        let Ok(name) = words.read() else {
            // COMMAND does something of its own when it stands alone.
            let bare = NotFound::Bare { container: container.facts.name };
            return if container.arity == -1 { Ok(container) } else { Err(bare) };
        };
        let own =
            |entry: &&Entry| entry.facts.name.as_bytes()[container.facts.name.len() + 1..].eq_ignore_ascii_case(name);
        let found = self.subcommands(container).iter().find(own);
        found.ok_or(NotFound::Subcommand { container: container.facts.name })
    }

    pub fn subcommands(&self, container: &Entry) -> &'static [Entry] {
        let first = container.index as usize + 1;
        &self.entries[first..first + container.subcommands as usize]
    }

    /// By its full name, the first part as clients now call it: `get`, `client|kill`.
    pub fn named(&self, name: &[u8]) -> Option<&'static Entry> {
        let (command, subcommand) = match memchr::memchr(b'|', name) {
            Some(at) => (&name[..at], Some(&name[at + 1..])),
            None => (name, None),
        };
        let entry = &self.entries[self.lookup.find(command)?];
        let Some(subcommand) = subcommand else { return Some(entry) };
        let own = |entry: &&Entry| entry.facts.name.rsplit('|').next().map(str::as_bytes);
        self.subcommands(entry).iter().find(|entry| own(entry).is_some_and(|own| own.eq_ignore_ascii_case(subcommand)))
    }

    /// Those that are not subcommands, nor disabled.
    pub fn top(&self) -> impl Iterator<Item = &'static Entry> {
        self.entries.iter().filter(|entry| self.lookup.names(entry.index as usize))
    }

    /// The same table with other names for some commands (`rename-command`), one after the other. The error tells at
    /// which of them it failed, and why.
    pub fn renamed(&self, renames: &[Rename]) -> Result<Commands, (usize, &'static str)> {
        let mut renamed = self.clone();
        for (number, (from, to)) in renames.iter().enumerate() {
            renamed.lookup.rename(from, to).map_err(|reason| (number, reason))?;
        }
        Ok(renamed)
    }
}

/// Gives each entry its row.
pub const fn numbered<const N: usize>(mut entries: [Entry; N]) -> [Entry; N] {
    let mut row = 0;
    while row < N {
        entries[row].index = row as u16;
        row += 1;
    }
    entries
}

/// `table! { pub COMMANDS: Get, Set, Client { ClientId, ClientKill } }`
#[macro_export]
macro_rules! table {
    ($vis:vis $table:ident: $($command:ident $({ $($sub:ident),+ $(,)? })?),+ $(,)?) => {
        $vis static $table: $crate::command::Commands = {
            static ENTRIES: [$crate::command::Entry; [$(stringify!($command), $($(stringify!($sub),)+)?)+].len()] =
                $crate::command::entry::numbered([$(
                    $crate::table!(@entry $command 1 [$($($sub)+)?]),
                    $($($crate::table!(@entry $sub 2 []),)+)?
                )+]);
            $crate::command::Commands::new(&ENTRIES)
        };
    };
    (@entry $command:ident $words:literal [$($sub:ident)*]) => {
        $crate::command::Entry {
            index: 0,
            subcommands: { const SUBCOMMANDS: &[&str] = &[$(stringify!($sub)),*]; SUBCOMMANDS.len() as u16 },
            name_words: $words,
            facts: &<$command as $crate::command::Command>::FACTS,
            syntax: &<$command as $crate::command::grammar::Grammar>::SYNTAX,
            arity: $crate::command::entry::arity(<$command as $crate::command::Command>::ARITY, $words),
            positions: <$command as $crate::command::grammar::Grammar>::SYNTAX.positions($words),
            element: <$command as $crate::command::grammar::Grammar>::SYNTAX.element($words),
            place: <$command as $crate::command::Command>::RANKS
                || <$command as $crate::command::Command>::FACTS.flags & $crate::command::facts::WRITE != 0,
            access: <$command as $crate::command::Command>::access,
            run: |words, cx| $crate::command::entry::run::<$command>(words, cx),
            explain: |words, to| {
                $crate::command::entry::read::<$command>(words).map(|form| $crate::command::entry::explain(form, to))
            },
        }
    };
}
