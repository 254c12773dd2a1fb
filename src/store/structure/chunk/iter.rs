//! The elements of a chunk, from either end.
use super::header::swapped;
use super::packed::{Element, MEDIUM, OWN, Packed, SMALL, element, width};
use std::fmt;

/// Bytes of the first of these elements, which has this code.
#[inline]
pub(super) fn front_width(data: &[u8], code: u8) -> usize {
    if code == MEDIUM { u16::from_le_bytes([data[0], data[1]]) as usize + 4 } else { width(code) }
}

/// The same of the last.
#[inline]
pub(super) fn back_width(data: &[u8], code: u8) -> usize {
    let end = data.len();
    if code == MEDIUM { u16::from_le_bytes([data[end - 2], data[end - 1]]) as usize + 4 } else { width(code) }
}

/// Elements, in order; their own codes are in reverse. The shared ones are those of the first element and of the second.
#[derive(Clone)]
pub struct Iter<'a> {
    pub(super) len: usize,
    pub(super) shared: [u8; 2],
    pub(super) codes: &'a [u8],
    pub(super) data: &'a [u8],
}

impl<'a> Iter<'a> {
    pub(super) const EMPTY: Iter<'static> = Iter { len: 0, shared: [OWN; 2], codes: &[], data: &[] };

    /// The code of the first element, if there is one.
    #[inline]
    pub(super) fn front_code(&self) -> Option<u8> {
        match self.shared[0] {
            _ if self.len == 0 => None,
            OWN => self.codes.last().copied(),
            code => Some(code),
        }
    }

    #[inline]
    pub(super) fn front_width(&self, code: u8) -> usize {
        front_width(self.data, code)
    }

    /// The code of the first element, and those behind it. Its bytes are still there.
    #[inline(always)]
    pub(super) fn take_front(&mut self) -> Option<u8> {
        let code = self.front_code()?;
        if self.shared[0] == OWN {
            self.codes = &self.codes[..self.codes.len() - 1];
        }
        self.len -= 1;
        self.shared = swapped(self.shared);
        Some(code)
    }

    /// The same of the last.
    #[inline]
    fn take_back(&mut self) -> Option<u8> {
        self.len = self.len.checked_sub(1)?;
        let shared = self.shared[self.len & 1];
        if shared != OWN {
            return Some(shared);
        }
        let (code, codes) = self.codes.split_first()?;
        self.codes = codes;
        Some(*code)
    }

    #[inline]
    pub(super) fn skip_front(&mut self) {
        if let Some(code) = self.take_front() {
            self.data = &self.data[self.front_width(code)..];
        }
    }

    #[inline]
    pub(super) fn skip_back(&mut self) {
        if let Some(code) = self.take_back() {
            self.data = &self.data[..self.data.len() - back_width(self.data, code)];
        }
    }
}

impl<'a> Iter<'a> {
    /// Shows the first `count` of them, or all there are. In one loop, what is left stays in registers.
    #[inline]
    pub fn visit(mut self, count: usize, mut visit: impl FnMut(Element<'a>)) {
        let [code, other] = self.shared;
        if code == other && (1..SMALL).contains(&code) {
            let all = self.data.chunks_exact(code as usize);
            return all.take(count.min(self.len)).for_each(|bytes| visit(Element::Bytes(bytes)));
        }
        for _ in 0..count {
            let Some(element) = self.next() else { break };
            visit(element);
        }
    }
}

impl<'a> Iter<'a> {
    /// Of those at every `step`th place, the first that is this one, and all behind it.
    #[inline]
    pub(super) fn search(mut self, wanted: &Packed, step: usize) -> Option<Iter<'a>> {
        let [first, second] = self.shared;
        let is_even = step == 2 || first == second;
        if is_even && first != OWN && first != wanted.code {
            return None;
        }
        if is_even && ![first, second].iter().any(|code| [OWN, MEDIUM].contains(code)) {
            // All stand at the same distance.
            let (width, other) = (width(first), width(second));
            let stride = if step == 2 { width + other } else { width };
            let number = self.data.chunks_exact(stride).position(|bytes| wanted.is(&bytes[..width]))?;
            (self.len, self.data) = (self.len - number * step, &self.data[number * stride..]);
            return Some(self);
        }
        while let Some(code) = self.front_code() {
            let width = self.front_width(code);
            if code == wanted.code && wanted.is(&self.data[..width]) {
                return Some(self);
            }
            self.take_front();
            self.data = &self.data[width..];
            (1..step).for_each(|_| self.skip_front());
        }
        None
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Element<'a>;
    #[inline(always)]
    fn next(&mut self) -> Option<Element<'a>> {
        let code = self.take_front()?;
        let (bytes, rest) = self.data.split_at(self.front_width(code));
        self.data = rest;
        Some(element(code, bytes))
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl<'a> DoubleEndedIterator for Iter<'a> {
    #[inline]
    fn next_back(&mut self) -> Option<Element<'a>> {
        let code = self.take_back()?;
        let (rest, bytes) = self.data.split_at(self.data.len() - back_width(self.data, code));
        self.data = rest;
        Some(element(code, bytes))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
