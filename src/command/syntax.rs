//! What a command accepts, as data. A form states it (grammar.rs); this file reads it: how many words (arity), which
//! of them are keys. It parses nothing.
use super::leaf::integer;
use super::refusal::Refusal;
use super::words::Words;

/// What a command does to a key, as COMMAND GETKEYSANDFLAGS says it. For ACL, "access" wants the right to read, and any
/// of update, insert, delete the right to write; a look at a key's metadata (`LOOK`) wants neither.
pub type Access = u16;
pub const ACCESS_NAMES: &[&str] =
    &["RO", "RW", "OW", "RM", "access", "update", "insert", "delete", "not_key", "variable_flags"];
pub const LOOK: Access = 1;
pub const READ: Access = 1 | 16;
pub const UPDATE: Access = 2 | 32;
pub const MODIFY: Access = 2 | 32 | 16;
pub const INSERT: Access = 2 | 64;
pub const REMOVE: Access = 2 | 128;
pub const POP: Access = 2 | 128 | 16;
pub const PUT: Access = 4 | 32;
pub const CREATE: Access = 4 | 64;
pub const UNLINK: Access = 8 | 128;
/// What reads a value, and what changes it.
pub const ACCESSES: Access = 16;
pub const CHANGES: Access = 32 | 64 | 128;
/// No key, but placed like one: the channel of SPUBLISH.
pub const SHARD_CHANNEL: Access = 256;
/// Declared is all that may be done, and `Command::access` tells what a request does.
pub const VARIES: Access = 512;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Key(Access),
    Channel,
    String,
    Integer,
    Double,
    UnixTime,
    Pattern,
    /// What keys are made of, one for each element of what is stored: so the request does not say them.
    KeyPattern(Access),
}

/// What is said to a word, if it is no good.
pub type Judge = fn(&[u8]) -> Option<Refusal>;

#[derive(Clone, Copy, Debug)]
pub enum Syntax {
    /// `any`: every word will do. If not, `example` does.
    Word {
        kind: Kind,
        any: bool,
        example: &'static str,
        /// What `run` will say to a word that it reads itself (`leaf::Late`).
        late: Option<Judge>,
    },
    /// All of these, in this order.
    All(&'static [Field]),
    /// Exactly one of these.
    One(&'static [Field]),
    /// Any of these, in any order. One alone is what may stand here or not.
    Options(&'static [Field]),
    List {
        of: &'static Syntax,
        extent: Extent,
    },
}

/// How far a list reaches.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    /// To the end of the request, but for the last `leave` words.
    Rest { least: usize, leave: usize },
    /// Its length stands before it.
    Counted { name: &'static str, least: usize },
    /// As many as the number says that stands at this place of the request.
    Alike { at: usize },
}

/// One entry of a form, or one way of a choice: its token, if it has one, and what follows that.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub token: Option<&'static str>,
    pub syntax: Syntax,
    /// Options may be left out.
    pub needed: bool,
}

impl Field {
    /// The slices hold one or nothing: that is what a macro can write without a case for each.
    pub const fn new(name: &'static str, token: &[&'static str], syntax: &[Syntax], needed: bool) -> Field {
        let syntax = if let [one] = syntax { *one } else { Syntax::All(&[]) };
        Field { name, token: if let [one] = token { Some(*one) } else { None }, syntax, needed }
    }
}

// --- How many words

pub struct Width {
    pub least: usize,
    /// It may be more.
    pub varies: bool,
    /// Every word will do.
    pub any: bool,
}

impl Syntax {
    pub const fn width(&self) -> Width {
        match self {
            Syntax::Word { any, .. } => Width { least: 1, varies: false, any: *any },
            Syntax::All(fields) | Syntax::Options(fields) => sum(fields),
            Syntax::One(fields) => {
                let (mut width, mut i) = (fields[0].width(), 1);
                while i < fields.len() {
                    let Width { least, varies, .. } = fields[i].width();
                    width.varies |= varies || least != width.least;
                    (width.least, i) = (if least < width.least { least } else { width.least }, i + 1);
                }
                Width { any: false, ..width }
            }
            Syntax::List { of, extent } => {
                let least = match extent {
                    Extent::Rest { least, .. } => *least * of.width().least,
                    Extent::Counted { least, .. } => 1 + *least * of.width().least,
                    Extent::Alike { .. } => of.width().least,
                };
                Width { least, varies: true, any: false }
            }
        }
    }

    /// Redis's signed arity, the command's own name counted.
    pub const fn arity(&self) -> i32 {
        self.check();
        let Width { least, varies, .. } = self.width();
        if varies { -(least as i32 + 1) } else { least as i32 + 1 }
    }

    /// Stops compilation at a form that could not be read.
    const fn check(&self) {
        let (Syntax::All(mut fields) | Syntax::One(mut fields) | Syntax::Options(mut fields)) = *self else { return };
        while let [field, after @ ..] = fields {
            let Width { least, varies, .. } = sum(after);
            match (self, field.syntax) {
                (Syntax::All(_), Syntax::List { extent: Extent::Rest { leave, .. }, .. }) => {
                    assert!(
                        least == leave && !varies,
                        "a list to the end must leave just the words of the fields after it"
                    )
                }
                (Syntax::All(_), Syntax::Options([Field { token: None, syntax: Syntax::Word { .. }, .. }])) => {
                    assert!(least == 0, "an optional word can only be the last field")
                }
                (_, syntax) => syntax.check(),
            }
            fields = after;
        }
    }
}

impl Field {
    pub(super) const fn width(&self) -> Width {
        let Width { least, varies, any } = self.syntax.width();
        Width { least: least + self.token.is_some() as usize, varies, any: any && self.token.is_none() }
    }
}

const fn sum(mut fields: &[Field]) -> Width {
    let mut sum = Width { least: 0, varies: false, any: true };
    while let [field, after @ ..] = fields {
        let Width { least, varies, any } = field.width();
        sum.least += if field.needed { least } else { 0 };
        sum.varies |= varies || !field.needed;
        sum.any &= any;
        fields = after;
    }
    sum
}

// --- Keys in raw words, before anything is parsed

impl Syntax {
    /// Reports the place of each key and channel. As lenient as Redis: words that it does not understand are passed
    /// over, since rights are judged before syntax. `None`: from here on the keys cannot be told.
    /// `last`: nothing comes after this.
    pub fn keys(&self, words: &mut Words, last: bool, found: &mut dyn FnMut(usize, Kind)) -> Option<()> {
        match *self {
            Syntax::Word { kind, .. } => {
                words.read().ok()?;
                if matches!(kind, Kind::Key(_) | Kind::Channel) {
                    found(words.at() - 1, kind);
                }
            }
            Syntax::All(fields) => {
                for (i, field) in fields.iter().enumerate() {
                    field.keys(words, last && i + 1 == fields.len(), found)?;
                }
            }
            Syntax::One(fields) => match fields.iter().find(|field| field.begins(words)) {
                Some(field) => field.keys(words, false, found)?,
                None => drop(words.read().ok()?),
            },
            Syntax::Options(fields) => {
                // Of an option that comes again the last counts.
                let mut last_found: Vec<(usize, usize, Kind)> = vec![];
                let mut whole = Some(());
                while !words.is_empty() && whole.is_some() {
                    match fields.iter().position(|field| field.begins(words)) {
                        Some(option) => {
                            last_found.retain(|(other, ..)| *other != option);
                            let note = &mut |at, kind| last_found.push((option, at, kind));
                            whole = fields[option].keys(words, false, note);
                        }
                        None if last => words.skip(1),
                        None => break,
                    }
                }
                last_found.iter().for_each(|(_, at, kind)| found(*at, *kind));
                whole?;
            }
            Syntax::List { of, extent } => {
                let own = match extent {
                    Extent::Rest { leave, .. } => words.len().checked_sub(leave)?,
                    Extent::Counted { .. } => {
                        let count = usize::try_from(integer(words.read().ok()?)?).ok()?;
                        count.checked_mul(of.width().least)?
                    }
                    Extent::Alike { at } => usize::try_from(integer(words.get(at)?)?).ok()?,
                };
                let stop = words.len().checked_sub(own)?;
                while words.len() > stop {
                    of.keys(words, false, found)?;
                }
            }
        }
        Some(())
    }

    pub fn begins(&self, words: &Words) -> bool {
        match self {
            Syntax::One(fields) => fields.iter().any(|field| field.begins(words)),
            Syntax::All([first, ..]) => first.begins(words),
            _ => !words.is_empty(),
        }
    }
}

impl Field {
    pub(super) fn begins(&self, words: &Words) -> bool {
        self.token.map_or_else(|| self.syntax.begins(words), |token| words.next_is(token))
    }

    fn keys(&self, words: &mut Words, last: bool, found: &mut dyn FnMut(usize, Kind)) -> Option<()> {
        while self.token.is_some_and(|token| !words.take(token)) {
            words.read().ok()?;
        }
        self.syntax.keys(words, last, found)
    }
}

// --- Key positions as COMMAND INFO has them

/// First, last and step, by Redis's rules for joining ranges of keys. `movable`: they do not tell all, `keys` does.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Positions {
    pub first: i32,
    pub last: i32,
    pub step: i32,
    pub movable: bool,
}

/// What is found on the way: how many ranges, the latest one, and all that could be joined.
struct Ranges {
    count: usize,
    latest: Positions,
    joined: Positions,
}

impl Syntax {
    /// `first`: the place of this syntax' first word in the request.
    pub const fn positions(&self, first: i32) -> Positions {
        const NONE: Positions = Positions { first: 0, last: 0, step: 0, movable: false };
        let mut ranges = Ranges { count: 0, latest: NONE, joined: NONE };
        self.ranges(first, None, &mut ranges);
        if ranges.count == 1 && ranges.latest.first > 0 { ranges.latest } else { ranges.joined }
    }

    /// `at` is 0 where the place depends on other words. `list`: last place and step of the list that this stands in.
    const fn ranges(&self, at: i32, list: Option<(i32, i32)>, ranges: &mut Ranges) {
        match *self {
            Syntax::Word { kind: Kind::Key(_), .. } => {
                let (last, step) = if let Some(list) = list { list } else { (at, 1) };
                let joined = &mut ranges.joined;
                if at == 0 || step != 1 || (joined.last != 0 && joined.last != at - 1) {
                    joined.movable = true;
                } else {
                    let first = if joined.first == 0 { at } else { joined.first };
                    *joined = Positions { first, last, step, movable: joined.movable };
                }
                ranges.latest = Positions { first: at, last, step, movable: false };
                ranges.count += 1;
            }
            Syntax::Word { kind: Kind::KeyPattern(_), .. } => {
                ranges.joined.movable = true;
                ranges.count += 1;
            }
            Syntax::Word { .. } => {}
            Syntax::All(mut fields) | Syntax::One(mut fields) | Syntax::Options(mut fields) => {
                let mut place = if let Syntax::All(_) = self { at } else { 0 };
                while let [field, after @ ..] = fields {
                    let token = (place > 0 && field.token.is_some()) as i32;
                    field.syntax.ranges(place + token, list, ranges);
                    let Width { least, varies, .. } = field.width();
                    place = if place == 0 || varies { 0 } else { place + least as i32 };
                    fields = after;
                }
            }
            Syntax::List { of, extent: Extent::Rest { leave, .. } } => {
                of.ranges(at, Some((-1 - leave as i32, of.width().least as i32)), ranges)
            }
            Syntax::List { of, .. } => of.ranges(0, list, ranges),
        }
    }

    /// The first word that names a field or a member, where it stands in a request without options; 0: there is none. `at`:
    /// the place of this syntax' first word.
    pub const fn element(&self, at: u8) -> u8 {
        match *self {
            Syntax::All(mut fields) => {
                let mut place = at;
                while let [field, after @ ..] = fields {
                    let Width { least, varies, .. } = field.width();
                    let within = field.syntax.element(place);
                    if within > 0 || is_element(field) {
                        return if within > 0 { within } else { place };
                    }
                    if varies && !matches!(field.syntax, Syntax::Options(_)) {
                        return 0;
                    }
                    place += least as u8;
                    fields = after;
                }
                0
            }
            Syntax::List { of, extent: Extent::Rest { .. } } => of.element(at),
            _ => 0,
        }
    }
}

const fn is_element(field: &Field) -> bool {
    field.token.is_none() && matches!(field.name.as_bytes(), b"field" | b"member")
}
