//! A cursor over the words of a request. Reading copies and allocates nothing.
use super::refusal::Refusal;
pub use crate::wire::request::{OwnedWords, Request};

#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    request: Request<'a>,
    /// The next word to read. Invariant: at <= request.len().
    at: usize,
    /// A refusal that waits until the whole request is read, because a syntax error is said first.
    pub late: Option<Refusal>,
}

impl<'a> Words<'a> {
    #[inline]
    pub fn new(request: Request<'a>) -> Self {
        Words { request, at: 0, late: None }
    }
    /// How many are not yet read.
    #[inline]
    pub fn len(&self) -> usize {
        self.request.len() - self.at
    }
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The place of the next word in the request.
    pub fn at(&self) -> usize {
        self.at
    }
    pub fn request(&self) -> Request<'a> {
        self.request
    }
    #[inline]
    pub fn get(&self, at: usize) -> Option<&'a [u8]> {
        self.request.get(at)
    }
    /// The word last read, which is the one that a refusal is about.
    pub fn last(&self) -> &'a [u8] {
        self.get(self.at.wrapping_sub(1)).unwrap_or_default()
    }
    /// Where a word is missing, Redis speaks of a syntax error: `SET k v EX`.
    #[inline]
    pub fn read(&mut self) -> Result<&'a [u8], Refusal> {
        let word = self.get(self.at).ok_or(Refusal::Syntax)?;
        self.at += 1;
        Ok(word)
    }
    #[inline]
    pub fn next_is(&self, token: &str) -> bool {
        self.get(self.at).is_some_and(|word| word.eq_ignore_ascii_case(token.as_bytes()))
    }
    /// Steps over the next word if it is this token.
    #[inline]
    pub fn take(&mut self, token: &str) -> bool {
        let taken = self.next_is(token);
        self.at += taken as usize;
        taken
    }
    /// Reads this token, and refuses any other word.
    pub fn token(&mut self, token: &str) -> Result<(), Refusal> {
        if self.take(token) { Ok(()) } else { Err(Refusal::Syntax) }
    }
    pub fn skip(&mut self, count: usize) {
        assert!(count <= self.len());
        self.at += count;
    }
    /// The next `count` words alone. Does not step over them.
    pub fn first(&self, count: usize) -> Self {
        Words { request: self.request.first(self.at + count), ..*self }
    }
    /// The words that are not yet read.
    pub fn iter(mut self) -> impl Iterator<Item = &'a [u8]> {
        std::iter::from_fn(move || self.read().ok())
    }
}
