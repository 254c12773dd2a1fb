//! Giving memory back: which chunk is emptied, and which of its cells is next to move. The caller copies a cell to a new
//! one, tells whoever points to it, and frees the old one. When the last is free, so is the chunk.
#![allow(unsafe_code)]

use super::page::{PAGE, State, UNIT};
use super::{Arena, CHUNK_PAGES, Cell, Class};

/// Moving begins when more than this share of what is used is held beside it, and goes on down to the second.
const BEGIN: usize = 4;
const END: usize = 8;
/// So many chunks are compared for the emptiest. They come round in turn.
const COMPARED: usize = 8;
/// A chunk with empty pages only is given back as soon as it is chosen; so many such at once.
const CHOSEN_MAX: usize = 4;

#[derive(Debug, Default)]
pub struct Moving {
    /// The chunk that is being emptied, and the page of it that is.
    leaving: Option<(usize, usize)>,
    /// Where the next comparison begins.
    next: usize,
    /// The least that was held since moving began, and how many chunks were chosen since: each of them once is enough.
    /// What is left then is not worth it, until so much more, or less, is in use.
    least: usize,
    chosen: usize,
    tired_at: usize,
    is_on: bool,
}

impl Moving {
    pub fn chunk(&self) -> Option<usize> {
        self.leaving.map(|(chunk, _)| chunk)
    }

    pub fn renumber(&mut self, renumbered: impl Fn(usize) -> Option<usize>) {
        self.leaving = self.leaving.and_then(|(chunk, page)| Some((renumbered(chunk)?, page)));
    }
}

impl Arena {
    /// So much is held beyond what is used that it pays to move cells. A chunk that was begun is finished.
    #[inline]
    pub fn wants_moving(&self) -> bool {
        // What no moving can avoid: a page of each class that is partly filled, a chunk that has idle pages.
        let floor = (self.classes_in_use + CHUNK_PAGES) * PAGE;
        let taken = self.used + self.slack;
        let beside = if self.moving.is_on { taken / END } else { taken / BEGIN };
        self.moving.leaving.is_some() || self.held > taken + beside + floor && !self.is_tired()
    }

    fn is_tired(&self) -> bool {
        self.used.abs_diff(self.moving.tired_at) < self.moving.tired_at / BEGIN
    }

    /// A cell that is in the way. Unless it is freed the same one comes again. `None`: not now; if moving is still
    /// wanted the next call looks elsewhere.
    pub fn next_to_move(&mut self) -> Option<Cell> {
        for _ in 0..CHOSEN_MAX {
            if let Some((chunk, page)) = &mut self.moving.leaving {
                let chunk = &self.chunks[*chunk];
                while chunk.page(*page).live() == 0 {
                    *page += 1;
                }
                return chunk.page(*page).some_live();
            }
            let was_on = self.moving.is_on;
            self.moving.is_on = self.wants_moving();
            if !self.moving.is_on {
                return None;
            }
            if !was_on || self.held < self.moving.least {
                (self.moving.least, self.moving.chosen) = (self.held, 0);
            }
            if self.moving.chosen > self.chunks.len() {
                self.moving.tired_at = self.used;
                return None;
            }
            self.moving.chosen += 1;
            let number = self.choose()?;
            self.leave(number);
        }
        None
    }

    /// A chunk that is not fuller than the average: the emptiest of some.
    fn choose(&mut self) -> Option<usize> {
        let used = |number: usize| {
            let pages = self.chunks[number].begun_pages();
            pages.map(|page| page.live() * page.class() * UNIT).sum::<usize>()
        };
        let compared = self.moving.next..self.moving.next + COMPARED.min(self.chunks.len());
        // What is moved goes to the one that has pages yet to begin: it looks emptiest.
        let compared = compared.map(|number| number % self.chunks.len()).filter(|number| self.fresh != Some(*number));
        let (number, share) = compared
            .map(|number| (number, used(number) as f64 / self.chunks[number].bytes() as f64))
            .min_by(|one, other| one.1.total_cmp(&other.1))?;
        self.moving.next = (self.moving.next + COMPARED) % self.chunks.len();
        (share * self.held as f64 <= (self.used + self.slack) as f64).then_some(number)
    }

    /// Takes all pages of a chunk out of use for what comes.
    pub(super) fn leave(&mut self, number: usize) {
        if self.fresh == Some(number) {
            self.fresh = None;
        }
        for at in 0..self.chunks[number].begun as usize {
            let page = self.chunks[number].page(at);
            match page.state() {
                State::Idle => {
                    self.idle.unlink(page);
                    self.idle_pages -= 1;
                }
                State::Listed => self.classes[page.class()].listed.unlink(page),
                State::Current => {
                    let Class { at_hand, current, word, .. } = &mut self.classes[page.class()];
                    page.untake(*word as usize, std::mem::take(at_hand));
                    *current = None;
                    if page.live() == 0 {
                        self.retire(page);
                    }
                }
                State::Full => {}
                State::Leaving => unreachable!("one chunk is emptied after the other"),
            }
            page.set_state(State::Leaving);
        }
        if self.chunks[number].busy == 0 {
            self.give_back(number);
        } else {
            self.moving.leaving = Some((number, 0));
        }
    }
}
