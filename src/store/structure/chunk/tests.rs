//! Chunks beside a Vec, from a seed: whatever is done to both, they hold the same.
use super::*;
use crate::base::random::Chance;

/// Elements of few lengths, so that codes are shared, and now and then another.
fn element(chance: &mut Chance, length: usize, rare: u64) -> Vec<u8> {
    match chance.below(rare) {
        0 => vec![b'x'; chance.below(300) as usize],
        1 => chance.below(20_000).to_string().into_bytes(),
        _ => (0..length).map(|_| b'a' + chance.below(26) as u8).collect(),
    }
}

fn check(chunk: &Chunk, model: &[Vec<u8>]) {
    let mut digits = itoa::Buffer::new();
    assert_eq!(chunk.len(), model.len());
    let mut all: Vec<Vec<u8>> = chunk.iter().map(|element| element.bytes(&mut digits).to_vec()).collect();
    assert_eq!(all, model);
    all.reverse();
    assert!(chunk.iter().rev().map(|element| element.bytes(&mut digits).to_vec()).eq(all));
    assert_eq!(chunk.listpack_bytes(), chunk.iter().map(|element| element.listpack_size()).sum::<usize>());
    let header = chunk.header();
    assert!(model.is_empty() || header_bytes(header.capacity) + header.content() <= header.capacity);
}

/// A list: elements come and go at the ends, and anywhere.
#[test]
fn a_list_is_what_a_vec_is() {
    for seed in 0..if cfg!(miri) { 2 } else { 60 } {
        let mut chance = Chance::from_seed(seed);
        let (mut chunk, mut model) = (Chunk::default(), Vec::<Vec<u8>>::new());
        let rare = [3, 20, 400, u64::MAX][seed as usize % 4];
        for _ in 0..if cfg!(miri) { 60 } else { 600 } {
            let word = element(&mut chance, 1 + seed as usize % 12, rare);
            let at = chance.below(model.len() as u64 + 1) as usize;
            match chance.below(12) {
                0..4 if chunk.push_back(&Packed::new(&word), chance.below(50) == 0) => model.push(word),
                4..6 if chunk.push_front(&Packed::new(&word), false) => model.insert(0, word),
                6 if chunk.splice(at..at, Some(&Packed::new(&word))) => model.insert(at, word),
                7 if at < model.len() && chunk.splice(at..at + 1, Some(&Packed::new(&word))) => model[at] = word,
                8 if at < model.len() => {
                    chunk.remove(at..at + 1);
                    model.remove(at);
                }
                9 if !model.is_empty() => {
                    chunk.drop_first();
                    model.remove(0);
                }
                10 => {
                    chunk.drop_last();
                    model.pop();
                }
                11 if chance.below(3) == 0 && at < model.len() => {
                    let (wanted, most, last) = (model[at].clone(), chance.below(5) as usize, chance.below(2) == 0);
                    let places: Vec<usize> = (0..model.len()).filter(|at| model[*at] == wanted).collect();
                    let gone = if last {
                        &places[places.len().saturating_sub(most)..]
                    } else {
                        &places[..most.min(places.len())]
                    };
                    assert_eq!(chunk.remove_equal(&Packed::new(&wanted), last, most), gone.len());
                    gone.iter().rev().for_each(|at| _ = model.remove(*at));
                }
                11 if chance.below(20) == 0 => {
                    let some = [&word[..], b"1", b"22"];
                    chunk.reserve(some.iter().map(|word| Some(Packed::new(word))), chance.below(2) == 0);
                    chunk.fit();
                    chunk = chunk.clone();
                }
                _ => {}
            }
            check(&chunk, &model);
            let place = at.min(model.len());
            assert_eq!(chunk.from(place).len(), model.len() - place);
            if let Some(wanted) = model.get(place) {
                let first = model.iter().position(|other| other == wanted);
                assert_eq!(chunk.search(&Packed::new(wanted), 1).map(|(at, _)| at), first);
            }
        }
    }
}

#[test]
fn two_lists_become_one() {
    for seed in 0..if cfg!(miri) { 4 } else { 400 } {
        let mut chance = Chance::from_seed(seed);
        let mut halves = [(); 2].map(|()| (Chunk::default(), Vec::<Vec<u8>>::new()));
        for (chunk, model) in &mut halves {
            let (length, rare) = (1 + chance.below(2) as usize, [3, 100, u64::MAX][chance.below(3) as usize]);
            for _ in 0..1 + chance.below(if seed % 4 == 0 { 3000 } else { 60 }) {
                let word = element(&mut chance, length, rare);
                let (front, packed) = (chance.below(2) == 0, Packed::new(&word));
                if if front { chunk.push_front(&packed, false) } else { chunk.push_back(&packed, false) } {
                    model.insert(if front { 0 } else { model.len() }, word);
                }
            }
        }
        let [(mut first, mut model), (second, more)] = halves;
        let content = first.header().content() + second.header().content();
        if first.join(&second) {
            model.extend(more);
        } else {
            assert!(content + first.len() + second.len() + HEADER_MAX > CHUNK_BYTES_MAX);
        }
        check(&first, &model);
        let at = chance.below(model.len() as u64 + 1) as usize;
        check(&first.without(at..model.len()), &model[..at]);
        check(&first.without(0..at), &model[at..]);
    }
}

/// A row of pairs: the halves share their codes each for itself.
#[test]
fn pairs_are_what_a_vec_is() {
    for seed in 0..if cfg!(miri) { 2 } else { 60 } {
        let mut chance = Chance::from_seed(seed);
        let (mut chunk, mut model) = (Chunk::default(), Vec::<Vec<u8>>::new());
        let rare = [3, 40, 600, u64::MAX][seed as usize % 4];
        for _ in 0..if cfg!(miri) { 60 } else { 600 } {
            let first = element(&mut chance, 1 + seed as usize % 12, rare);
            let second = element(&mut chance, 3, if seed % 3 == 0 { 2 } else { rare });
            let at = 2 * chance.below(model.len() as u64 / 2 + 1) as usize;
            match chance.below(10) {
                0..5 if chunk.insert(at, &[Packed::new(&first), Packed::new(&second)]) => {
                    model.splice(at..at, [first, second]);
                }
                5..7 if at < model.len() && chunk.replace(at + 1, &Packed::new(&second)) => model[at + 1] = second,
                7 if at < model.len() => {
                    chunk.remove(at..at + 2);
                    model.drain(at..at + 2);
                }
                8 if !model.is_empty() => {
                    (0..2).for_each(|_| chunk.drop_first());
                    model.drain(..2);
                }
                9 if !model.is_empty() => {
                    (0..2).for_each(|_| chunk.drop_last());
                    model.truncate(model.len() - 2);
                }
                _ => {}
            }
            check(&chunk, &model);
            if let Some(wanted) = model.get(at) {
                let first = model.iter().step_by(2).position(|other| other == wanted);
                assert_eq!(chunk.search(&Packed::new(wanted), 2).map(|(at, _)| at / 2), first);
            }
        }
    }
}

/// One that is made at one go is what comes of adding element by element, and takes no more memory.
#[test]
fn a_chunk_is_made_of_a_whole_row() {
    for seed in 0..if cfg!(miri) { 4 } else { 400 } {
        let mut chance = Chance::from_seed(seed);
        let (rare, length) = ([3, 40, u64::MAX][seed as usize % 3], 1 + seed as usize % 12);
        let count = 2 * (1 + chance.below(60) as usize);
        let words: Vec<_> =
            (0..count).map(|at| element(&mut chance, length + at % 2 * (seed as usize % 2), rare)).collect();
        let packed: Vec<Packed> = words.iter().map(|word| Packed::new(word)).collect();
        let (mut list, mut pairs) = (Chunk::default(), Chunk::default());
        let fits = packed.iter().all(|packed| list.push_back(packed, false));
        let fit = packed.as_chunks().0.iter().enumerate().all(|(at, pair)| pairs.insert(2 * at, pair));
        for (is_pairs, grown, fits) in [(false, list, fits), (true, pairs, fit)] {
            let made = Chunk::of(&packed, is_pairs);
            assert_eq!(made.is_some(), fits);
            let Some(mut made) = made else { continue };
            check(&made, &words);
            assert_eq!(made.header().codes, grown.header().codes);
            assert!(made.heap_bytes() <= grown.heap_bytes());
            // And it takes more.
            if is_pairs && made.insert(0, &[Packed::new(b"1"), Packed::new(b"two")]) {
                check(&made, &[vec![b"1".to_vec(), b"two".to_vec()], words.clone()].concat());
            } else if !is_pairs && made.push_front(&Packed::new(b"1"), false) {
                check(&made, &[vec![b"1".to_vec()], words.clone()].concat());
            }
        }
        let hash =
            |bytes: &[u8]| bytes.iter().fold(7, |hash: u64, byte| hash.wrapping_mul(0x0100_0000_01b3) ^ *byte as u64);
        let distinct = words.iter().collect::<std::collections::HashSet<_>>().len();
        assert_eq!(differ(packed.iter(), hash), distinct == count);
    }
    assert!(Chunk::of(&[], true).is_none() && Chunk::of(&[], false).is_none());
}

/// What is said once takes its bytes once.
#[test]
fn strings_of_one_length_take_no_code_each() {
    let (mut list, mut pairs) = (Chunk::default(), Chunk::default());
    for n in 0..10 {
        assert!(list.push_back(&Packed::new(format!("element:{n:02}").as_bytes()), false));
        let (field, value) = (format!("field:{n:02}"), format!("v{n:02}"));
        assert!(pairs.insert(2 * n, &[Packed::new(field.as_bytes()), Packed::new(value.as_bytes())]));
    }
    assert_eq!((list.header().content(), pairs.header().content()), (100, 110));
    // One of another length, and each has its own.
    assert!(list.push_back(&Packed::new(b"another"), false));
    assert!(pairs.replace(7, &Packed::new(b"other")));
    assert_eq!((list.header().content(), pairs.header().content()), (107 + 11, 112 + 10));
}
