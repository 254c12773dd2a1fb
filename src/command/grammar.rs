//! Grammar: how words become a typed form, and how the same declaration describes and prints itself.
//!
//! The trait is the contract; `form!` and `choice!` only join the types of the fields. One notation serves both:
//!
//! ```text
//! name: Type              a field that must be there
//! name: "TOKEN" Type      the same, after a token
//! [name: Choice]          in brackets, options in any order: an Option<Choice>
//! [name: "TOKEN" Type]    an Option<Type>
//! [name: "TOKEN"]         a bool
//! ```
pub use super::refusal::Refusal;
pub use super::syntax::{Field, Syntax};
pub use super::words::{OwnedWords, Words};
use std::mem::discriminant;

#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a grammar, so words cannot become one",
    label = "not a grammar",
    note = "a field of a form is a leaf (Key, Bytes, Int ...), a form!, a choice!, an Option or a List of one of these"
)]
pub trait Grammar<'a>: Sized {
    const SYNTAX: Syntax;
    /// What to say to two different ones of this choice. All but the syntax error wait until the request is read.
    const CLASH: Refusal = Refusal::Syntax;
    /// What to say if a list of these breaks off within one, or is empty.
    const RAGGED: Refusal = Refusal::WrongArity;

    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal>;
    /// Reads one if the next word begins one. `None` has read nothing.
    #[inline]
    fn maybe(words: &mut Words<'a>) -> Result<Option<Self>, Refusal> {
        if words.is_empty() { Ok(None) } else { Self::parse(words).map(Some) }
    }
    /// The words that this would be parsed from.
    fn print(&self, to: &mut OwnedWords);
}

/// A field that may be left out. (The options in brackets are slots.)
impl<'a, T: Grammar<'a>> Grammar<'a> for Option<T> {
    const SYNTAX: Syntax = Syntax::Options(&[Field::new("", &[], &[T::SYNTAX], false)]);
    #[inline]
    fn parse(words: &mut Words<'a>) -> Result<Self, Refusal> {
        T::maybe(words)
    }
    fn print(&self, to: &mut OwnedWords) {
        self.iter().for_each(|one| one.print(to));
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Rule {
    /// The same token again is allowed, and the last wins. Two different ones of a choice clash.
    Free,
    /// `#[once]`: the same token again clashes too, and at once.
    Once,
    /// `#[required]`: it must be there. SYNTAX says so, and `run` refuses in the words of its command.
    Required,
}

impl Rule {
    pub const fn required(self) -> bool {
        matches!(self, Rule::Required)
    }
}

/// The place of one option while a form is read.
pub trait Slot<'a>: Default {
    /// Takes the next words if they are this option.
    fn offer(&mut self, words: &mut Words<'a>, token: Option<&str>, rule: Rule) -> Result<bool, Refusal>;
    fn print(&self, token: Option<&str>, to: &mut OwnedWords);
}

impl<'a> Slot<'a> for bool {
    #[inline(always)]
    fn offer(&mut self, words: &mut Words<'a>, token: Option<&str>, rule: Rule) -> Result<bool, Refusal> {
        let taken = words.take(token.expect("a flag is a token"));
        if taken && std::mem::replace(self, true) && rule == Rule::Once { Err(Refusal::Syntax) } else { Ok(taken) }
    }
    fn print(&self, token: Option<&str>, to: &mut OwnedWords) {
        token.iter().filter(|_| *self).for_each(|token| _ = to.text(token));
    }
}

impl<'a, T: Grammar<'a>> Slot<'a> for Option<T> {
    #[inline(always)]
    fn offer(&mut self, words: &mut Words<'a>, token: Option<&str>, rule: Rule) -> Result<bool, Refusal> {
        if rule == Rule::Once && self.is_some() {
            let again = token.map_or_else(|| T::SYNTAX.begins(words), |token| words.next_is(token));
            return if again { Err(T::CLASH) } else { Ok(false) };
        }
        let found = match token {
            Some(token) if words.take(token) => Some(after_token(words)?),
            Some(_) => None,
            None => T::maybe(words)?,
        };
        let Some(new) = found else { return Ok(false) };
        if token.is_none() && self.as_ref().is_some_and(|old| discriminant(old) != discriminant(&new)) {
            match T::CLASH {
                Refusal::Syntax => return Err(Refusal::Syntax),
                clash => _ = words.late.get_or_insert(clash),
            }
        }
        *self = Some(new);
        Ok(true)
    }
    fn print(&self, token: Option<&str>, to: &mut OwnedWords) {
        if let Some(option) = self {
            token.iter().for_each(|token| _ = to.text(token));
            option.print(to);
        }
    }
}

/// What follows a token. That there is enough of it comes before what it says: `LIMIT x` is a syntax error.
#[inline(always)]
pub fn after_token<'a, T: Grammar<'a>>(words: &mut Words<'a>) -> Result<T, Refusal> {
    if words.len() < const { T::SYNTAX.width().least } { Err(Refusal::Syntax) } else { T::parse(words) }
}

/// A struct of fields, then perhaps options in brackets, then perhaps more fields. `ragged` says `Grammar::RAGGED`.
#[macro_export]
macro_rules! form {
    ($(#[$m:meta])* $vis:vis $name:ident<$a:lifetime> $(ragged $ragged:ident)? { $($body:tt)* }) => {
        $crate::form! { @ [$(#[$m])* $vis] $name [<$a>] $a [$($ragged)?] $($body)* }
    };
    ($(#[$m:meta])* $vis:vis $name:ident $(ragged $ragged:ident)? { $($body:tt)* }) => {
        $crate::form! { @ [$(#[$m])* $vis] $name [] 'w [$($ragged)?] $($body)* }
    };
    (@ [$($head:tt)*] $name:ident [$($of:tt)*] $a:lifetime [$($ragged:ident)?]
        $($field:ident: $($token:literal)? $ty:ty),* $(,)?
        $([$($(#[$rule:ident])? $opt:ident: $($opt_token:literal)? $($opt_ty:ty)?),+ $(,)?]
           $($last:ident: $($last_token:literal)? $last_ty:ty),* $(,)?)?
    ) => {
        #[derive(Debug, PartialEq, Clone, Copy)]
        $($head)* struct $name $($of)* {
            $(pub $field: $ty,)*
            $($(pub $opt: $crate::form!(@type $($opt_ty)?),)+ $(pub $last: $last_ty,)*)?
        }
        const _: () = {
            use $crate::command::grammar;
            impl<$a> grammar::Grammar<$a> for $name $($of)* {
                const SYNTAX: grammar::Syntax = grammar::Syntax::All(&[
                    $(grammar::Field::new(stringify!($field), &[$($token)?], &[<$ty as grammar::Grammar>::SYNTAX], true),)*
                    $(grammar::Field::new("", &[], &[grammar::Syntax::Options(&[$(grammar::Field::new(
                        stringify!($opt), &[$($opt_token)?], &[$(<$opt_ty as grammar::Grammar>::SYNTAX)?],
                        $crate::form!(@rule $($rule)?).required(),
                    )),+])], true),
                    $(grammar::Field::new(stringify!($last), &[$($last_token)?], &[<$last_ty as grammar::Grammar>::SYNTAX], true),)*)?
                ]);
                $(const RAGGED: grammar::Refusal = grammar::Refusal::$ragged;)?
                #[inline(always)]
                fn parse(_words: &mut grammar::Words<$a>) -> Result<Self, grammar::Refusal> {
                    $($(_words.token($token)?;)? let $field = <$ty as grammar::Grammar>::parse(_words)?;)*
                    $($(let mut $opt = <$crate::form!(@type $($opt_ty)?)>::default();)+
                    while !_words.is_empty() {
                        $(if grammar::Slot::offer(&mut $opt, _words, $crate::form!(@token $($opt_token)?), $crate::form!(@rule $($rule)?))? { continue })+
                        break;
                    }
                    $($(_words.token($last_token)?;)? let $last = <$last_ty as grammar::Grammar>::parse(_words)?;)*)?
                    Ok($name { $($field,)* $($($opt,)+ $($last,)*)? })
                }
                fn print(&self, _to: &mut grammar::OwnedWords) {
                    $($(_to.text($token);)? grammar::Grammar::print(&self.$field, _to);)*
                    $($(grammar::Slot::print(&self.$opt, $crate::form!(@token $($opt_token)?), _to);)+
                    $($(_to.text($last_token);)? grammar::Grammar::print(&self.$last, _to);)*)?
                }
            }
        };
    };
    (@type) => { bool };
    (@type $ty:ty) => { Option<$ty> };
    (@token) => { None };
    (@token $token:literal) => { Some($token) };
    (@rule) => { grammar::Rule::Free };
    (@rule once) => { grammar::Rule::Once };
    (@rule required) => { grammar::Rule::Required };
}

/// An enum of tokens, each with what follows it. `clash` says `Grammar::CLASH`; `else`, what to say to any other word
/// where one of these must be.
#[macro_export]
macro_rules! choice {
    ($(#[$m:meta])* $vis:vis $name:ident<$a:lifetime> $(clash $clash:ident)? $(else $other:ident)? { $($body:tt)* }) => {
        $crate::choice! { @ [$(#[$m])* $vis] $name [<$a>] $a [$($clash)?] [$($other)?] $($body)* }
    };
    ($(#[$m:meta])* $vis:vis $name:ident $(clash $clash:ident)? $(else $other:ident)? { $($body:tt)* }) => {
        $crate::choice! { @ [$(#[$m])* $vis] $name [] 'w [$($clash)?] [$($other)?] $($body)* }
    };
    (@ [$($head:tt)*] $name:ident [$($of:tt)*] $a:lifetime [$($clash:ident)?] [$($other:ident)?]
        $($token:literal => $variant:ident $(($ty:ty))?),+ $(,)?
    ) => {
        #[derive(Debug, PartialEq, Clone, Copy)]
        $($head)* enum $name $($of)* { $($variant $(($ty))?),+ }
        const _: () = {
            use $crate::command::grammar;
            impl<$a> grammar::Grammar<$a> for $name $($of)* {
                const SYNTAX: grammar::Syntax = grammar::Syntax::One(&[
                    $(grammar::Field::new(stringify!($variant), &[$token], &[$(<$ty as grammar::Grammar>::SYNTAX)?], true)),+
                ]);
                $(const CLASH: grammar::Refusal = grammar::Refusal::$clash;)?
                const RAGGED: grammar::Refusal = grammar::Refusal::Syntax;
                #[inline]
                fn parse(words: &mut grammar::Words<$a>) -> Result<Self, grammar::Refusal> {
                    let refusal = [$(grammar::Refusal::$other,)? grammar::Refusal::Syntax][0];
                    Self::maybe(words)?.ok_or_else(|| words.read().map_or_else(|missing| missing, |_| refusal))
                }
                #[inline]
                fn maybe(words: &mut grammar::Words<$a>) -> Result<Option<Self>, grammar::Refusal> {
                    $(if words.take($token) { return Ok(Some($name::$variant $((grammar::after_token::<$ty>(words)?))?)) })+
                    Ok(None)
                }
                fn print(&self, to: &mut grammar::OwnedWords) {
                    $($crate::choice!(@print self to $name $variant $token $($ty)?);)+
                }
            }
        };
    };
    (@print $self:ident $to:ident $name:ident $variant:ident $token:literal) => {
        if let $name::$variant = $self { $to.text($token); }
    };
    (@print $self:ident $to:ident $name:ident $variant:ident $token:literal $ty:ty) => {
        if let $name::$variant(inner) = $self { grammar::Grammar::print(inner, $to.text($token)) }
    };
}
