//! Whether words are of a syntax: slow and simple, to hold the parsers to.
use spindle::command::syntax::{Extent, Field, Syntax};

/// The words after the command's name.
pub fn is_of(syntax: &Syntax, words: &[&str]) -> bool {
    ends(syntax, words, 0).contains(&words.len())
}

/// Where this syntax may end if it begins at `at`.
fn ends(syntax: &Syntax, words: &[&str], at: usize) -> Vec<usize> {
    let step = |from: Vec<usize>, ends: &dyn Fn(usize) -> Vec<usize>| {
        let mut to: Vec<usize> = from.into_iter().flat_map(ends).collect();
        to.sort_unstable();
        to.dedup();
        to
    };
    match *syntax {
        Syntax::Word { .. } => (at < words.len()).then_some(at + 1).into_iter().collect(),
        Syntax::All(fields) => {
            fields.iter().fold(vec![at], |from, field| step(from, &|at| field_ends(field, words, at)))
        }
        Syntax::One(fields) => fields.iter().flat_map(|field| field_ends(field, words, at)).collect(),
        Syntax::Options(fields) => {
            let any =
                |at| fields.iter().flat_map(|field| field_ends(field, words, at)).filter(|end| *end > at).collect();
            closure(vec![at], &any)
        }
        Syntax::List { of, extent: Extent::Rest { least, .. } } => {
            let one = |at| ends(of, words, at);
            let least = (0..least).fold(vec![at], |from, _| step(from, &one));
            closure(least, &one)
        }
        Syntax::List { of, extent: Extent::Alike { at: count } } => {
            // Its place is counted with the name.
            let count = words.get(count - 1).and_then(|word| word.parse::<usize>().ok()).filter(|n| *n <= words.len());
            (0..count.unwrap_or(usize::MAX))
                .try_fold(vec![at], |from, _| {
                    let to = step(from, &|at| ends(of, words, at));
                    if to.is_empty() { Err(to) } else { Ok(to) }
                })
                .unwrap_or_else(|none| none)
        }
        Syntax::List { of, extent: Extent::Counted { .. } } => {
            let Some(count) = words.get(at).and_then(|word| word.parse::<usize>().ok()) else { return vec![] };
            if count > words.len() {
                return vec![];
            }
            (0..count).fold(vec![at + 1], |from, _| step(from, &|at| ends(of, words, at)))
        }
    }
}

fn field_ends(field: &Field, words: &[&str], at: usize) -> Vec<usize> {
    match field.token {
        Some(token) if !words.get(at).is_some_and(|word| word.eq_ignore_ascii_case(token)) => vec![],
        token => ends(&field.syntax, words, at + token.is_some() as usize),
    }
}

/// All that can be reached in any number of steps.
fn closure(mut reached: Vec<usize>, step: &dyn Fn(usize) -> Vec<usize>) -> Vec<usize> {
    let mut next = 0;
    while next < reached.len() {
        for end in step(reached[next]) {
            if !reached.contains(&end) {
                reached.push(end);
            }
        }
        next += 1;
    }
    reached
}
