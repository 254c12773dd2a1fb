//! The elements of a row of bytes (a listpack, a ziplist, a zipmap), one after the other, each looked at as it is met. What
//! was met may be used only if the row turns out to be sound at its end: then no byte of it was left unlooked at.
use crate::store::value::list::Element;

/// Takes the first element of what is left: it, and its bytes. `before`: how many the one before it had.
type Step = for<'a> fn(rest: &'a [u8], before: usize) -> Option<(Element<'a>, usize)>;

pub struct Cells<'a> {
    /// Without the byte that ends it.
    bytes: &'a [u8],
    at: usize,
    before: usize,
    /// As its header tells.
    count: Option<usize>,
    seen: usize,
    step: Step,
    is_broken: bool,
}

impl<'a> Cells<'a> {
    pub fn new(bytes: &'a [u8], at: usize, count: Option<usize>, step: Step) -> Cells<'a> {
        Cells { bytes, at, before: 0, count, seen: 0, step, is_broken: false }
    }

    /// How many there are, if the header is right. Each takes two bytes at least.
    pub fn expected(&self) -> usize {
        self.count.unwrap_or(0).min(self.bytes.len() / 2)
    }

    /// To be asked at the end.
    pub fn is_sound(&self) -> bool {
        !self.is_broken && self.at == self.bytes.len() && self.count.is_none_or(|count| count == self.seen)
    }

    /// Where the last one began.
    pub fn last_at(&self) -> usize {
        self.at - self.before
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Element<'a>;
    fn next(&mut self) -> Option<Element<'a>> {
        if self.at == self.bytes.len() || self.is_broken {
            return None;
        }
        let Some((element, length)) = (self.step)(&self.bytes[self.at..], self.before) else {
            self.is_broken = true;
            return None;
        };
        self.at += length;
        self.before = length;
        self.seen += 1;
        Some(element)
    }
}
