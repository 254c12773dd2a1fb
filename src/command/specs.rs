//! Where a command's keys are, as COMMAND INFO's key specifications say it: from where to look, and how to go on from
//! there. Read off the syntax, for clients; Spindle itself finds keys by `Syntax::keys`.
//! (<https://redis.io/docs/latest/develop/reference/key-specs/>)
use super::syntax::{Access, Extent, Field, Kind, Syntax};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeySpec {
    pub access: Access,
    pub begin: Begin,
    pub find: Find,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Begin {
    Index(i32),
    /// After this word, which is looked for from a place on.
    Keyword(&'static str, i32),
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Find {
    /// `last`: from where it began; from the end if negative.
    Range { last: i32, step: i32 },
    /// Where it began stands a count; `first`: the first key from there.
    Counted { first: i32, step: i32 },
}

/// The specifications, and for each key of the syntax, in its order, which of them it belongs to.
#[derive(Debug, Default)]
pub struct KeySpecs {
    pub specs: Vec<KeySpec>,
    pub of_keys: Vec<usize>,
    /// A word may be a pattern of keys: so a token is no sure sign of what it is elsewhere.
    has_patterns: bool,
}

/// Where a word stands.
#[derive(Clone, Copy)]
enum Place {
    At(i32),
    /// Right after this token, which may be anywhere from a place on.
    After(&'static str, i32),
    /// Somewhere, from a place on.
    Later(i32),
}

#[derive(Clone, Copy)]
enum Within {
    Nothing,
    Rest { leave: usize, step: i32 },
    Counted { count: Place, step: i32 },
}

impl KeySpecs {
    /// `first`: the place of the syntax' first word in the request.
    pub fn new(syntax: &Syntax, first: i32) -> KeySpecs {
        let mut found = KeySpecs::default();
        found.walk(syntax, Place::At(first), Within::Nothing);
        found
    }

    fn walk(&mut self, syntax: &Syntax, at: Place, within: Within) {
        match *syntax {
            Syntax::Word { kind: Kind::Key(access), .. } => self.add(access, at, within),
            Syntax::Word { kind: Kind::KeyPattern(access), .. } => {
                self.has_patterns = true;
                self.add(access, Place::Later(at.from()), Within::Nothing);
            }
            Syntax::Word { .. } => {}
            Syntax::All(fields) => self.fields(fields, at, within),
            Syntax::One(fields) | Syntax::Options(fields) => {
                fields.iter().for_each(|field| self.field(field, Place::Later(at.from()), within))
            }
            Syntax::List { of, extent: Extent::Rest { leave, .. } } => {
                self.walk(of, at, Within::Rest { leave, step: of.width().least as i32 })
            }
            Syntax::List { of, extent: Extent::Alike { .. } } => {
                self.walk(of, Place::Later(at.from()), Within::Nothing)
            }
            Syntax::List { of, extent: Extent::Counted { .. } } => {
                self.walk(of, at.next(1), Within::Counted { count: at, step: of.width().least as i32 })
            }
        }
    }

    fn fields(&mut self, fields: &[Field], mut at: Place, within: Within) {
        for field in fields {
            self.field(field, at, within);
            let width = field.width();
            at = if width.varies || !field.needed { Place::Later(at.from()) } else { at.next(width.least as i32) };
        }
    }

    fn field(&mut self, field: &Field, at: Place, within: Within) {
        let at = match (field.token, at) {
            (Some(token), Place::Later(from)) => Place::After(token, from),
            (Some(_), at) => at.next(1),
            (None, at) => at,
        };
        self.walk(&field.syntax, at, within);
    }

    fn add(&mut self, access: Access, at: Place, within: Within) {
        let find = match (within, at) {
            (Within::Nothing, _) => Find::Range { last: 0, step: 1 },
            (Within::Rest { leave, step }, _) => Find::Range { last: -1 - leave as i32, step },
            (Within::Counted { count, step }, at) => Find::Counted { first: at.from() - count.from(), step },
        };
        let begin = match if let Within::Counted { count, .. } = within { count } else { at } {
            Place::At(at) => Begin::Index(at),
            Place::After(token, from) if !self.has_patterns => Begin::Keyword(token, from),
            Place::After(..) | Place::Later(_) => Begin::Unknown,
        };
        // A key right after one of the same kind belongs to the same range.
        let joined = match (self.specs.last_mut(), begin, within) {
            (
                Some(KeySpec { access: before, begin: Begin::Index(first), find: Find::Range { last, step: 1 } }),
                Begin::Index(at),
                Within::Nothing,
            ) if *before == access && *last >= 0 && *first + *last + 1 == at => {
                *last += 1;
                true
            }
            (Some(KeySpec { access: before, begin: Begin::Unknown, .. }), Begin::Unknown, _) => *before == access,
            _ => false,
        };
        if !joined {
            self.specs.push(KeySpec { access, begin, find });
        }
        self.of_keys.push(self.specs.len() - 1);
    }
}

impl Place {
    fn from(self) -> i32 {
        match self {
            Place::At(at) | Place::Later(at) | Place::After(_, at) => at,
        }
    }

    fn next(self, words: i32) -> Place {
        match self {
            Place::At(at) => Place::At(at + words),
            Place::After(_, from) | Place::Later(from) => Place::Later(from + words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::grammar::Grammar;
    use crate::command::leaf::{Bytes, Key, KeyPattern};
    use crate::command::list::{Count, List, Many, ManyThenOne};
    use crate::command::refusal::Refusal;
    use crate::command::syntax::{MODIFY, PUT, READ};
    use crate::form;

    struct Numkeys;
    impl Count for Numkeys {
        const TOO_FEW: Refusal = Refusal::NumkeysNotPositive;
    }
    form! { One<'a> { key: Key<'a, READ>, value: Bytes<'a> } }
    form! { Two<'a> { key: Key<'a, READ>, other: Key<'a, READ> } }
    form! { Differ<'a> { key: Key<'a, READ>, other: Key<'a, PUT> } }
    form! { Pairs<'a> { pairs: Many<'a, Pair<'a>> } }
    form! { Pair<'a> { key: Key<'a, PUT>, value: Bytes<'a> } }
    form! { Pop<'a> { keys: ManyThenOne<'a, Key<'a, MODIFY>>, timeout: Bytes<'a> } }
    form! { Counted<'a> { to: Key<'a, PUT>, keys: List<'a, Key<'a, READ>, Numkeys> } }
    form! { Sort<'a> { key: Key<'a, READ>, [by: "BY" KeyPattern<'a, READ>, get: "GET" KeyPattern<'a, READ>,
    to: "STORE" Key<'a, PUT>] } }
    form! { Store<'a> { key: Key<'a, READ>, by: Bytes<'a>, [to: "STORE" Key<'a, PUT>] } }

    #[test]
    fn specifications_as_redis_has_them_for_such_syntaxes() {
        let range = |access, begin, last, step| KeySpec { access, begin, find: Find::Range { last, step } };
        let first = |access| range(access, Begin::Index(1), 0, 1);
        let counted = Find::Counted { first: 1, step: 1 };
        let table: &[(Syntax, &[KeySpec], &[usize])] = &[
            (One::SYNTAX, &[first(READ)], &[0]),
            (Two::SYNTAX, &[range(READ, Begin::Index(1), 1, 1)], &[0, 0]), // LCS
            (Differ::SYNTAX, &[first(READ), range(PUT, Begin::Index(2), 0, 1)], &[0, 1]), // COPY
            (Pairs::SYNTAX, &[range(PUT, Begin::Index(1), -1, 2)], &[0]),  // MSET
            (Pop::SYNTAX, &[range(MODIFY, Begin::Index(1), -2, 1)], &[0]), // BLPOP
            (Counted::SYNTAX, &[first(PUT), KeySpec { access: READ, begin: Begin::Index(2), find: counted }], &[0, 1]),
            (Store::SYNTAX, &[first(READ), range(PUT, Begin::Keyword("STORE", 3), 0, 1)], &[0, 1]), // GEORADIUS
            (
                Sort::SYNTAX,
                &[first(READ), range(READ, Begin::Unknown, 0, 1), range(PUT, Begin::Unknown, 0, 1)],
                &[0, 1, 1, 2],
            ),
            (Bytes::SYNTAX, &[], &[]),
        ];
        for (syntax, specs, of_keys) in table {
            let found = KeySpecs::new(syntax, 1);
            assert_eq!((&found.specs[..], &found.of_keys[..]), (*specs, *of_keys));
        }
    }
}
