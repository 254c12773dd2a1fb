//! Lists against a VecDeque, from a seed: whatever is done to both, they hold the same, and the accounts agree.
use super::*;
use crate::base::random::Chance;
use crate::store::structure::chunk::CHUNK_BYTES_MAX;
use crate::store::text::Digits;

struct Both {
    list: List,
    model: VecDeque<Vec<u8>>,
    chance: Chance,
    /// Elements are up to so long.
    longest: u64,
}

impl Both {
    fn below(&mut self, limit: usize) -> usize {
        self.chance.below(limit as u64) as usize
    }

    fn element(&mut self) -> Vec<u8> {
        let shift = self.below(64);
        match self.below(4) {
            0 => (self.chance.below(u64::MAX) as i64 >> shift).to_string().into_bytes(),
            1 => vec![b'a' + self.below(3) as u8],
            _ => {
                let length = self.chance.below(self.longest) as usize;
                let first = self.below(256) as u8;
                (0..length).map(|at| first.wrapping_add(at as u8)).collect()
            }
        }
    }

    fn step(&mut self, grows: bool) {
        let (len, element) = (self.model.len(), self.element());
        let at = self.below(len.max(1));
        match self.below(if grows { 16 } else { 24 }) {
            0..5 => {
                self.list.push(End::Right, &element);
                self.model.push_back(element);
            }
            5..10 => {
                self.list.push(End::Left, &element);
                self.model.push_front(element);
            }
            10 if len > 0 => {
                self.list.set(at, &element);
                self.model[at] = element;
            }
            11 => {
                let at = self.below(len + 1);
                self.list.insert(at, &element);
                self.model.insert(at, element);
            }
            12 => {
                let (from, most) = ([End::Left, End::Right][self.below(2)], self.below(4));
                let wanted = self.model.get(at).cloned().unwrap_or_default();
                let removed = self.list.remove(from, most, &wanted, Fill(-2));
                let mut expected = 0;
                while expected < most {
                    let found = match from {
                        End::Left => self.model.iter().position(|element| *element == wanted),
                        End::Right => self.model.iter().rposition(|element| *element == wanted),
                    };
                    let Some(found) = found else { break };
                    self.model.remove(found);
                    expected += 1;
                }
                assert_eq!(removed, expected);
            }
            13 if self.below(50) == 0 => {
                let end = at + self.below(len - at + 1);
                self.list.trim(at..end);
                self.model.truncate(end);
                self.model.drain(..at);
            }
            14 => self.list.settle(Fill(-2)),
            15 => self.list.expect(element.len(), 1, Fill(-2)),
            16..20 => {
                self.list.drop_end(End::Left);
                self.model.pop_front();
            }
            20.. => {
                self.list.drop_end(End::Right);
                self.model.pop_back();
            }
            _ => {}
        }
    }

    fn check(&mut self) {
        self.list.check();
        let mut digits = Digits::new();
        assert_eq!(self.list.len(), self.model.len());
        assert!(self.list.iter().zip(&self.model).all(|(element, wanted)| element.bytes(&mut digits) == wanted));
        let backwards = self.list.iter().rev().zip(self.model.iter().rev());
        assert!(backwards.into_iter().all(|(element, wanted)| element.bytes(&mut Digits::new()) == wanted));
        let at = self.below(self.model.len() + 1);
        let from = self.list.from(at).zip(self.model.iter().skip(at));
        assert!(from.into_iter().all(|(element, wanted)| element.bytes(&mut Digits::new()) == wanted));
        assert_eq!(self.list.from(at).count(), self.model.len() - at);
        let end = at + self.below(self.model.len() - at + 1);
        let mut shown = vec![];
        self.list.visit(at..end, |element| shown.push(element.bytes(&mut Digits::new()).to_vec()));
        assert!(shown.iter().eq(self.model.range(at..end)));
        let same = |element: Option<Element>, wanted: Option<&Vec<u8>>| {
            element.map(|element| element.bytes(&mut Digits::new()).to_vec()) == wanted.cloned()
        };
        assert!(same(self.list.get(at), self.model.get(at)));
        assert!(same(self.list.end(End::Left), self.model.front()));
        assert!(same(self.list.end(End::Right), self.model.back()));
    }
}

#[test]
fn does_what_a_deque_does() {
    let (seeds, steps) = if cfg!(miri) { (2, 200) } else { (12, 6000) };
    for seed in 0..seeds {
        let longest = [8, 60, 300, 3000][seed as usize % 4];
        let mut both = Both { list: List::default(), model: VecDeque::new(), chance: Chance::from_seed(seed), longest };
        for step in 0..steps {
            both.step(step / 700 % 2 == 0);
            if step % 20 == 0 {
                both.check();
            }
        }
        let copy = both.list.clone();
        both.check();
        assert!(copy.iter().eq(both.list.iter()));
        while both.list.shed(3) {}
    }
}

/// So many nodes, and so many bytes.
fn size(list: &List) -> (usize, usize) {
    list.check();
    (list.pieces(), list.heap_bytes())
}

fn filled(elements: usize) -> List {
    let mut list = List::default();
    (0..elements).for_each(|number| list.push(End::Right, format!("element:{number}").as_bytes()));
    list
}

#[test]
#[cfg_attr(miri, ignore = "the lists are long")]
fn what_a_long_element_has_cut_is_joined_again() {
    let mut list = filled(10_000);
    let before = size(&list);
    for number in 0..10_000 {
        list.set(number, &[b'x'; 3000]);
        list.set(number, format!("element:{number}").as_bytes());
    }
    let after = size(&list);
    assert!(after.0 <= before.0 + 1 && after.1 <= before.1 * 11 / 10, "{before:?} {after:?}");
    assert!(list.iter().eq(filled(10_000).iter()));
}

#[test]
#[cfg_attr(miri, ignore = "the lists are long")]
fn what_is_removed_is_looked_for_no_further_than_needed() {
    for from in [End::Left, End::Right] {
        let mut list = filled(10_000);
        let (nodes, bytes) = size(&list);
        let row = list.row();
        // No other node is counted, nor looked into: what is wrong there stays so.
        row.len += 7;
        let far = if from == End::Left { nodes - 1 } else { 0 };
        row.nodes[far] = Node::packed(Chunk::default());
        let element = if from == End::Left { &b"element:3"[..] } else { b"element:9997" };
        assert_eq!(list.remove(from, 1, element, Fill(-2)), 1);
        assert_eq!((list.len(), list.pieces()), (10_006, nodes));
        assert!(list.heap_bytes() <= bytes);
    }
}

#[test]
#[cfg_attr(miri, ignore = "the lists are long")]
fn nodes_go_that_were_emptied_and_small_ones_are_joined() {
    let mut list = List::default();
    for number in 0..20_000 {
        let length = if number % 100 == 0 { 2500 } else { 10 };
        list.push(End::Right, &vec![b'a' + (number % 100 % 20) as u8; length]);
    }
    let model = |list: &List| list.iter().map(|element| element.bytes(&mut Digits::new()).to_vec()).collect::<Vec<_>>();
    let mut expected = model(&list);
    for element in [vec![b'a'; 2500], vec![b'b'; 10], vec![b'c'; 10], vec![b'd'; 10]] {
        let before = expected.len();
        expected.retain(|other| *other != element);
        assert_eq!(list.remove(End::Right, usize::MAX, &element, Fill(-2)), before - expected.len());
        assert_eq!(model(&list), expected);
        let (nodes, _) = size(&list);
        assert!(nodes <= 1 + expected.len() * 11 * 2 / CHUNK_BYTES_MAX, "{nodes}");
    }
    let rest: Vec<_> = (b'e'..=b't').chain([b'a']).map(|byte| vec![byte; 10]).collect();
    rest.iter().for_each(|element| _ = list.remove(End::Left, usize::MAX, element, Fill(-2)));
    assert_eq!((list.len(), list.pieces()), (0, 0));
    list.check();
}

#[test]
fn what_has_shrunk_in_two_nodes_stays_in_two() {
    let mut list = List::default();
    for number in 0..2000 {
        list.expect(9, 1, Fill(-2));
        list.push(End::Right, if number % 400 == 0 { b"this-stay" } else { b"this-goes" });
    }
    assert_eq!(list.remove(End::Left, usize::MAX, b"this-goes", Fill(-2)), 1995);
    list.set(0, b"this-too-stays");
    list.settle(Fill(-2));
    assert_eq!((list.encoding(), size(&list).0), ("quicklist", 2));
}

/// Two nodes that stand side by side are more than one half full on the average, whatever made them.
#[test]
#[cfg_attr(miri, ignore = "the lists are long")]
fn lists_do_not_fall_to_pieces() {
    let mut chance = Chance::from_seed(1);
    let mut list = filled(3000);
    for lengths in [&[1, 1900][..], &[1, 3000], &[1, 2, 3]] {
        for _ in 0..6000 {
            let at = chance.below(list.len() as u64) as usize;
            let length = lengths[chance.below(lengths.len() as u64) as usize];
            match chance.below(6) {
                0 => list.insert(at, &vec![b'y'; length]),
                _ => list.set(at, &vec![b'x'; length]),
            }
        }
        let large = list.iter().filter(|element| element.listpack_size() > ELEMENT_BYTES_MAX).count();
        let (nodes, bytes) = size(&list);
        assert!(nodes <= 3 * large + 2 + bytes * 2 / CHUNK_BYTES_MAX, "{nodes} {large} {bytes}");
    }
    (0..list.len()).for_each(|at| list.set(at, b"short"));
    assert!(size(&list).0 <= 1 + list.len() * 6 * 2 / CHUNK_BYTES_MAX, "whatever was between has gone");
}

#[test]
fn encodings_change_where_redis_changes_them() {
    let mut list = List::default();
    let push = |list: &mut List, fill: i64| {
        list.expect(10, 1, Fill(fill));
        list.push(End::Right, b"0123456789");
        list.encoding()
    };
    let until = |encoding: &str, list: &mut List, step: &mut dyn FnMut(&mut List) -> &'static str| {
        let mut count = 0;
        while step(list) != encoding {
            count += 1;
        }
        count
    };
    // 7 and 12 for each, and 10 for the one that is to come: 8192 is enough for 682.
    assert_eq!(until("quicklist", &mut list, &mut |list| push(list, -2)), 682);
    let pop = &mut |list: &mut List| {
        list.drop_end(End::Left);
        list.settle(Fill(-2));
        list.encoding()
    };
    until("listpack", &mut list, pop);
    assert_eq!(list.len(), 1, "the first node went as a whole");
    let mut list = List::default();
    assert_eq!(until("quicklist", &mut list, &mut |list| push(list, 3)), 3);
}
