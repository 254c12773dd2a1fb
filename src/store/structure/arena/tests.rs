//! The arena beside a model: every cell is filled with a pattern of its own, and is compared before it goes.
use super::*;
use crate::base::random::Chance;

/// Miri takes a thousand times as long.
const fn steps(number: usize) -> usize {
    if cfg!(miri) { number / 400 } else { number }
}

/// Cells with the bytes that were asked for and the seed of their pattern.
#[derive(Default)]
struct Model {
    arena: Arena,
    cells: Vec<(Cell, usize, u8)>,
    made: usize,
}

impl Model {
    fn allocate(&mut self, bytes: usize) {
        let cell = self.arena.allocate(bytes);
        assert!(cell.as_ptr().addr().is_multiple_of(8) && cell.as_ptr().addr() >> 48 == 0);
        self.made += 1;
        let seed = self.made as u8;
        fill(cell, bytes, seed);
        self.cells.push((cell, bytes, seed));
    }

    fn free(&mut self, number: usize) {
        let (cell, bytes, seed) = self.cells.swap_remove(number);
        compare(cell, bytes, seed);
        // SAFETY: it was allocated with as many bytes, and the model has forgotten it.
        unsafe { self.arena.free(cell, bytes) };
    }

    /// Moves up to so many cells; who points to a cell is found by a map. How many were moved.
    fn tidy_up(&mut self, most: usize) -> usize {
        let mut at: std::collections::HashMap<usize, usize> =
            self.cells.iter().enumerate().map(|(number, (cell, ..))| (cell.as_ptr().addr(), number)).collect();
        let (mut moved, mut none) = (0, 0);
        while moved < most && self.arena.wants_moving() && none < 10_000 {
            let Some(old) = self.arena.next_to_move() else {
                none += 1;
                continue;
            };
            let number = at.remove(&old.as_ptr().addr()).expect("a live cell");
            let (cell, bytes, seed) = self.cells[number];
            compare(cell, bytes, seed);
            let new = self.arena.allocate(bytes);
            fill(new, bytes, seed);
            // SAFETY: it was allocated with as many bytes, and the model has the other one from now on.
            unsafe { self.arena.free(old, bytes) };
            self.cells[number].0 = new;
            at.insert(new.as_ptr().addr(), number);
            moved += 1;
        }
        moved
    }

    fn check(&self) {
        self.arena.check();
        self.cells.iter().for_each(|(cell, bytes, seed)| compare(*cell, *bytes, *seed));
        assert_eq!(self.arena.used_bytes(), self.cells.iter().map(|(_, bytes, _)| rounded(*bytes)).sum::<usize>());
        assert!(self.arena.held_bytes() >= self.arena.used_bytes());
    }

    fn clear(&mut self) {
        while !self.cells.is_empty() {
            self.free(self.cells.len() - 1);
        }
    }
}

/// What is in a cell: a piece of this, from `seed` on.
static PATTERN: [u8; 4_096] = {
    let mut pattern = [0; 4_096];
    let mut at = 0;
    while at < pattern.len() {
        pattern[at] = (at * at / 7 + at) as u8;
        at += 1;
    }
    pattern
};

fn fill(cell: Cell, bytes: usize, seed: u8) {
    let pattern = &PATTERN[seed as usize..][..bytes.min(3_000)];
    // SAFETY: the cell has so many bytes, and nobody else looks at it.
    unsafe { std::ptr::copy_nonoverlapping(pattern.as_ptr(), cell.as_ptr(), pattern.len()) };
}

fn compare(cell: Cell, bytes: usize, seed: u8) {
    let pattern = &PATTERN[seed as usize..][..bytes.min(3_000)];
    // SAFETY: the cell was filled with so many bytes.
    assert!(unsafe { std::slice::from_raw_parts(cell.as_ptr(), pattern.len()) } == pattern);
}

#[test]
fn every_cell_keeps_its_bytes_whatever_comes_and_goes_and_moves() {
    for seed in 0..if cfg!(miri) { 2 } else { 10 } {
        let mut chance = Chance::from_seed(seed);
        let mut below = |n: usize| (chance.next() % n as u64) as usize;
        let mut model = Model::default();
        let most = if cfg!(miri) { 100 } else { 3_000 };
        let largest = [40, 300, 2_000][below(3)];
        for step in 0..steps(40_000) {
            // By turns it grows and shrinks.
            let grows = step / (most * 2) % 2 == 0;
            match below(10) {
                0..8 if grows && model.cells.len() < most => model.allocate(1 + below(largest)),
                8..10 if !grows && model.cells.len() < most => model.allocate(1 + below(largest)),
                _ if !model.cells.is_empty() => model.free(below(model.cells.len())),
                _ => {}
            }
            if step % (steps(40_000) / 40) == 0 {
                model.tidy_up(below(200));
                model.check();
            }
        }
        model.clear();
        model.check();
        assert_eq!((model.arena.held_bytes(), model.arena.used_bytes()), (0, 0));
    }
}

/// Also if the arena seems to want no moving: any chunk can be emptied at any moment.
#[test]
fn any_chunk_can_be_emptied() {
    let mut chance = Chance::from_seed(3);
    let mut below = |n: usize| (chance.next() % n as u64) as usize;
    let mut model = Model::default();
    for _ in 0..if cfg!(miri) { 4 } else { 60 } {
        for _ in 0..steps(4_000) {
            model.allocate([24, 40, 104][below(3)]);
        }
        for _ in 0..below(steps(4_000)) {
            model.free(below(model.cells.len()));
        }
        let number = below(model.arena.chunks.len());
        model.arena.leave(number);
        model.arena.check();
        // While it is being emptied, others come and go.
        for _ in 0..steps(1_000) {
            model.allocate(40);
            model.free(below(model.cells.len()));
        }
        model.tidy_up(usize::MAX);
        assert_eq!(model.arena.moving.chunk(), None);
        model.check();
    }
    model.clear();
    model.check();
}

#[test]
fn what_random_deletes_leave_is_given_back() {
    for sizes in [40..41, 16..301, 900..1025] {
        let mut chance = Chance::from_seed(11);
        let mut below = |n: usize| (chance.next() % n as u64) as usize;
        let mut model = Model::default();
        // Enough that a page of each class and a chunk are little beside it.
        let bytes = if cfg!(miri) { 200 << 10 } else { 100 << 20 };
        while model.arena.used_bytes() < bytes {
            model.allocate(sizes.start + below(sizes.len()));
        }
        let held = model.arena.held_bytes();
        assert!(held as f64 <= bytes as f64 * 1.08 + 3e6, "{held} bytes for {bytes}");
        assert_eq!(model.tidy_up(usize::MAX), 0, "nothing to move in full pages");
        let cells = model.cells.len();
        while model.cells.len() > cells / 10 {
            model.free(below(model.cells.len()));
        }
        let before = model.arena.held_bytes();
        let moved = model.tidy_up(usize::MAX);
        model.check();
        let (held, used) = (model.arena.held_bytes(), model.arena.used_bytes());
        println!("{sizes:?}: {before} held, then {held} of {used}; {moved} moves of {} cells", model.cells.len());
        assert!(cfg!(miri) || held as f64 <= used as f64 * 1.3, "{held} held for {used}");
        assert!(moved <= model.cells.len() * 3, "{moved} moves of {} cells", model.cells.len());
        assert!(!model.arena.wants_moving());
        model.clear();
        assert_eq!(model.arena.held_bytes(), 0);
    }
}

/// In the order in which they came, or in the opposite order: chunks are given back by themselves.
#[test]
fn what_goes_in_order_needs_no_moving() {
    for backwards in [false, true] {
        let mut model = Model::default();
        (0..steps(200_000)).for_each(|number| model.allocate(24 + number % 3 * 8));
        if backwards {
            model.cells.reverse();
        }
        let full = model.arena.held_bytes();
        let left = model.cells.split_off(model.cells.len() - steps(20_000));
        for (number, (cell, bytes, _)) in std::mem::replace(&mut model.cells, left).into_iter().enumerate() {
            // SAFETY: it was allocated with as many bytes, and the model has forgotten it.
            unsafe { model.arena.free(cell, bytes) };
            if number % 10_000 == 0 {
                model.arena.check();
            }
        }
        assert!(cfg!(miri) || model.arena.held_bytes() < full / 2, "{} of {full}", model.arena.held_bytes());
        model.clear();
        assert_eq!(model.arena.held_bytes(), 0);
    }
}

#[test]
fn a_small_database_holds_little() {
    let mut model = Model::default();
    assert_eq!(model.arena.held_bytes(), 0);
    (0..10).for_each(|_| model.allocate(40));
    assert_eq!(model.arena.held_bytes(), PAGE);
    // Of every size one, and of some a few more.
    (CLASS_MIN..=CLASS_MAX).for_each(|class| model.allocate(class * UNIT));
    [48, 56, 72].into_iter().for_each(|bytes| (0..20).for_each(|_| model.allocate(bytes)));
    assert_eq!(model.arena.held_bytes(), 16 * PAGE);
    assert!(!model.arena.wants_moving());
    model.check();
    model.clear();
    assert_eq!(model.arena.held_bytes(), 0);
}

/// A size that has become frequent has pages of its own. Those that were guests before stay until they go.
#[test]
fn guests_are_few() {
    let mut model = Model::default();
    let host = SHAPES[host_of(5)].cells as usize;
    (0..host * 2).for_each(|_| model.allocate(40));
    model.check();
    assert_eq!(model.arena.classes[5].guests as usize, host);
    assert_eq!(model.arena.slack, host * 24);
    (0..host - 1).rev().for_each(|number| model.free(number));
    model.check();
    assert_eq!(model.arena.slack, 24);
    model.allocate(40);
    assert_eq!(model.arena.slack, 24, "there are pages of its own");
    model.clear();
    assert_eq!(model.arena.held_bytes(), 0);
}

#[test]
fn large_cells_are_counted() {
    let mut model = Model::default();
    model.allocate(CELL_MAX);
    assert_eq!(model.arena.held_bytes(), PAGE);
    model.allocate(CELL_MAX + 1);
    model.allocate(100_000);
    assert_eq!(model.arena.held_bytes(), PAGE + CELL_MAX + 8 + 100_000);
    model.check();
    // The last small one goes, and all pages with it; the large ones stay.
    model.free(0);
    model.check();
    assert_eq!(model.arena.held_bytes(), model.arena.used_bytes());
    model.clear();
}

#[test]
fn all_is_given_back_in_slices() {
    let mut model = Model::default();
    (0..steps(400_000)).for_each(|_| model.allocate(16 + model.made % 100));
    let (mut held, mut slices) = (model.arena.held_bytes(), 0);
    model.cells.clear();
    // SAFETY: the model has forgotten all cells.
    while unsafe { model.arena.discard(2) } {
        assert!(held - model.arena.held_bytes() <= 2 * CHUNK_PAGES * PAGE);
        held = model.arena.held_bytes();
        slices += 1;
    }
    assert!(cfg!(miri) || slices > 10);
    assert_eq!(model.arena.held_bytes(), 0);
    model.allocate(16);
    model.check();
}

/// The multiplication that stands for a division, for each cell of each class.
#[test]
fn cells_and_their_numbers() {
    for class in CLASS_MIN..=CLASS_MAX {
        let shape = page::SHAPES[class];
        let (first, cells) = (shape.first as usize, shape.cells as usize);
        assert!(first.is_multiple_of(8) && first + cells * class * UNIT <= PAGE);
        assert!(class == 1 || PAGE - cells * class * UNIT < PAGE / 15, "cells of {} bytes", class * UNIT);
        assert!((0..cells).all(|number| shape.number(first + number * class * UNIT) == number));
    }
    for bytes in 1..3_000 {
        assert!(rounded(bytes) >= bytes && rounded(bytes) < bytes + 8);
    }
}
