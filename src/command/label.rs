//! What each word of a request is, by the command's syntax: for a person (`spindle explain`), so nothing here is fast. As
//! lenient as `Syntax::keys`: a word that has no place gets no label, and what comes after it is still read.
use super::entry::Entry;
use super::leaf::integer;
use super::refusal::Refusal;
use super::syntax::{Extent, Field, Kind, Syntax};
use super::words::{Request, Words};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    Command,
    Subcommand,
    Token,
    /// How many of a list follow.
    Count,
    Value(Kind),
}

#[derive(Clone, Copy, Debug)]
pub struct Label {
    pub role: Role,
    /// Of the form, or the variant of a choice. A command's name has none.
    pub field: &'static str,
    /// The command reads this word only when it runs, and will refuse it.
    pub refusal: Option<Refusal>,
}

/// What a request that is too short goes on with.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub field: &'static str,
    pub token: Option<&'static str>,
    pub syntax: Syntax,
}

#[derive(Debug, Default)]
pub struct Labels {
    /// One for each word.
    pub of_words: Vec<Option<Label>>,
    /// The words end here, but the syntax does not.
    pub wanted: Option<Wanted>,
}

impl Labels {
    pub fn new(entry: &Entry, request: Request) -> Labels {
        let labels = Labels { of_words: vec![None; request.len()], wanted: None };
        let mut walk = Walk { words: Words::new(request), labels };
        for role in [Role::Command, Role::Subcommand].into_iter().take(entry.facts.name.split('|').count()) {
            walk.read(role, "");
        }
        // A container that stands alone has no words of its own.
        if entry.subcommands == 0 {
            walk.syntax(entry.syntax, "", true);
        }
        let mut labels = walk.labels;
        for label in labels.of_words.iter_mut().flatten() {
            if let Role::Value(Kind::Key(access)) = &mut label.role {
                *access = (entry.access)(*access, Words::new(request));
            }
        }
        labels
    }
}

struct Walk<'a> {
    words: Words<'a>,
    labels: Labels,
}

impl Walk<'_> {
    fn read(&mut self, role: Role, field: &'static str) -> Option<&[u8]> {
        let word = self.words.read().ok()?;
        self.labels.of_words[self.words.at() - 1] = Some(Label { role, field, refusal: None });
        Some(word)
    }

    fn missing(&mut self, field: &'static str, token: Option<&'static str>, syntax: Syntax) -> Option<()> {
        self.labels.wanted.get_or_insert(Wanted { field, token, syntax });
        None
    }

    /// `None`: the words end before it does. `last`: nothing comes after it.
    fn syntax(&mut self, syntax: &Syntax, name: &'static str, last: bool) -> Option<()> {
        match *syntax {
            Syntax::Word { kind, late, .. } => {
                let Some(word) = self.read(Role::Value(kind), name) else { return self.missing(name, None, *syntax) };
                let refusal = late.and_then(|judge| judge(word));
                self.labels.of_words[self.words.at() - 1].as_mut().expect("a label").refusal = refusal;
                Some(())
            }
            Syntax::All(fields) => fields
                .iter()
                .enumerate()
                .try_for_each(|(i, one)| self.field(one, one.name, last && i + 1 == fields.len())),
            Syntax::One(_) if self.words.is_empty() => self.missing(name, None, *syntax),
            Syntax::One(fields) => match self.whole(fields).filter(|_| last).or_else(|| self.begun(fields)) {
                Some(one) => self.field(one, name, false),
                None => self.pass(),
            },
            // An `Option` of something: once at most.
            Syntax::Options([Field { name: "", syntax, .. }]) => {
                if syntax.begins(&self.words) {
                    self.syntax(syntax, name, last)
                } else {
                    Some(())
                }
            }
            Syntax::Options(fields) => {
                while !self.words.is_empty() {
                    match self.begun(fields) {
                        Some(one) => self.field(one, one.name, false)?,
                        None if last => self.pass()?,
                        None => break,
                    }
                }
                Some(())
            }
            Syntax::List { of, extent } => self.list(of, extent, name),
        }
    }

    fn begun(&self, fields: &'static [Field]) -> Option<&'static Field> {
        fields.iter().find(|field| field.begins(&self.words))
    }

    /// The way that can take all the words that there are: AUTH's and CLIENT KILL's differ in nothing else.
    fn whole(&self, fields: &'static [Field]) -> Option<&'static Field> {
        let fits = |field: &&Field| {
            let (width, count) = (field.width(), self.words.len());
            width.least == count || width.varies && width.least < count
        };
        fields.iter().filter(|field| field.begins(&self.words)).find(fits)
    }

    /// Leaves a word without a label.
    fn pass(&mut self) -> Option<()> {
        self.words.read().ok().map(|_| ())
    }

    /// `of`: the name of the option, which is the choice's where this is a way of one.
    fn field(&mut self, field: &Field, of: &'static str, last: bool) -> Option<()> {
        if let Some(token) = field.token {
            while !self.words.is_empty() && !self.words.next_is(token) {
                self.pass();
            }
            if self.read(Role::Token, of).is_none() {
                return self.missing(of, field.token, field.syntax);
            }
        }
        self.syntax(&field.syntax, if field.name.is_empty() { of } else { field.name }, last)
    }

    fn list(&mut self, of: &Syntax, extent: Extent, name: &'static str) -> Option<()> {
        let (least, leave) = match extent {
            Extent::Rest { least, leave } => (least, leave),
            Extent::Alike { at } => {
                let count = usize::try_from(integer(self.words.get(at)?)?).ok()?;
                (count, self.words.len().saturating_sub(count))
            }
            Extent::Counted { name: count, .. } => {
                let example = Syntax::Word { kind: Kind::Integer, any: false, example: "1", late: None };
                let Some(word) = self.read(Role::Count, count) else { return self.missing(count, None, example) };
                let count = usize::try_from(integer(word)?).ok()?;
                let own = count.checked_mul(of.width().least)?;
                (count, self.words.len().saturating_sub(own))
            }
        };
        let mut read = 0;
        while self.words.len() > leave {
            self.syntax(of, name, false)?;
            read += 1;
        }
        if read < least { self.missing(name, None, *of) } else { Some(()) }
    }
}
