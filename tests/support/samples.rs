//! Requests made from a command's syntax: good ones, all ways in short; and the same changed at random.
//! Knows no server, and sends nothing.
use spindle::base::random::Chance;
use spindle::command::Entry;
use spindle::command::syntax::{Extent, Field, Syntax};

pub type Line = Vec<String>;

/// Good requests of one command. Of a container there are none, but of one that does something when it stands alone.
pub fn requests(entry: &Entry) -> Vec<Line> {
    let name: Line = entry.facts.name.split('|').map(String::from).collect();
    match (entry.subcommands, entry.arity) {
        (0, _) => of(entry.syntax).into_iter().map(|sample| [name.clone(), sample].concat()).collect(),
        (_, -1) => vec![name],
        _ => vec![],
    }
}

/// Each with a word less, a word more, and each word in turn left out or replaced by a strange one.
pub fn spoiled(entry: &Entry) -> Vec<Line> {
    let mut lines = vec![];
    for whole in requests(entry) {
        lines.push(whole[..whole.len() - 1].to_vec());
        lines.push([whole.clone(), vec!["more".into()]].concat());
        for at in 1 + entry.facts.name.contains('|') as usize..whole.len() {
            let mut shorter = whole.clone();
            shorter.remove(at);
            lines.push(shorter);
            for strange in ["strange", "-1", ""] {
                let mut words = whole.clone();
                words[at] = strange.into();
                lines.push(words);
            }
        }
    }
    lines.retain(|line| !line.is_empty());
    lines.sort();
    lines.dedup();
    lines
}

/// Good requests with one to four words dropped, doubled, added or taken from another request of the same command.
pub fn changed(good: &[Line], seed: u64, count: usize) -> impl Iterator<Item = Line> {
    const STRANGE: [&str; 8] = ["strange", "-1", "0", "2", "1.5", "~", "", "9223372036854775807"];
    let mut chance = Chance::from_seed(seed);
    let mut below = move |n: usize| chance.below(n as u64) as usize;
    (0..count).map(move |_| {
        let mut words = good[below(good.len())].clone();
        let siblings: Vec<_> = good.iter().filter(|other| other[0] == words[0]).collect();
        for _ in 0..1 + below(4) {
            let (at, sibling) = (1 + below(words.len()), siblings[below(siblings.len())]);
            match below(4) {
                0 if at < words.len() => drop(words.remove(at)),
                1 => words.insert(at, words[below(words.len())].clone()),
                2 => words.insert(at, STRANGE[below(STRANGE.len())].into()),
                _ if at < words.len() => words[at] = sibling[below(sibling.len())].clone(),
                _ => {}
            }
        }
        words
    })
}

// --- Words from a syntax: the shortest that it takes, then each optional part and each choice once

fn of(syntax: &Syntax) -> Vec<Line> {
    let mut all = match *syntax {
        Syntax::Word { example: "", .. } => vec![vec!["word".into()]],
        Syntax::Word { example, .. } => vec![vec![example.into()]],
        Syntax::One(fields) => fields.iter().flat_map(field).collect(),
        Syntax::All(fields) => product(fields.iter().map(field).collect()),
        Syntax::Options(fields) => {
            let needed: Line = fields.iter().filter(|f| f.needed).flat_map(|f| field(f)[0].clone()).collect();
            let mut all = vec![needed.clone()];
            for option in fields {
                let rest = if option.needed { vec![] } else { needed.clone() };
                all.extend(field(option).into_iter().map(|words| [words, rest.clone()].concat()));
            }
            // And all of them, the last one first.
            all.push(fields.iter().rev().flat_map(|f| field(f)[0].clone()).collect());
            all
        }
        Syntax::List { of, extent } => {
            let one = self::of(of);
            let (least, each) = (one[0].clone(), one.concat());
            match extent {
                Extent::Rest { least: 0, .. } => [vec![vec![]], one, vec![each]].concat(),
                Extent::Rest { .. } => [one, vec![each], vec![[least.clone(), least].concat()]].concat(),
                Extent::Alike { .. } => one,
                Extent::Counted { least: 0, .. } => vec![vec!["0".into()], [vec!["1".into()], least].concat()],
                Extent::Counted { .. } => {
                    vec![[vec!["1".into()], least.clone()].concat(), [vec!["2".into()], least.clone(), least].concat()]
                }
            }
        }
    };
    all.dedup();
    all
}

fn field(field: &Field) -> Vec<Line> {
    let token = field.token.map(String::from);
    of(&field.syntax).into_iter().map(|words| token.iter().cloned().chain(words).collect()).collect()
}

/// Each part's ways once, the others at their shortest.
fn product(parts: Vec<Vec<Line>>) -> Vec<Line> {
    let shortest: Vec<_> = parts.iter().map(|ways| ways[0].clone()).collect();
    let mut all = vec![shortest.concat()];
    for (i, ways) in parts.iter().enumerate() {
        for way in &ways[1..] {
            let mut words = shortest.clone();
            words[i] = way.clone();
            all.push(words.concat());
        }
    }
    all
}
