//! What is written comes back, byte for byte and encoding for encoding; what is malformed is told by its name.
mod forms;

use super::*;
use crate::base::random::Chance;
use crate::store::entry::Held;
use crate::store::text::Digits;
use crate::store::value::hash::FieldExpiry;
use crate::store::value::list::{End, Fill};
use crate::store::{
    Collection, Content, Event, Hash, HashLimits, Keyspace, List, NewExpiry, Set, SetLimits, SortedSet,
    SortedSetLimits, Value,
};

const NOW_MS: i64 = 1_700_000_000_000;

fn data() -> Keyspace {
    Keyspace::new(16, [1, 2, 3, 4])
}

fn limits(data: &Keyspace) -> Limits {
    let hasher = data.hasher();
    Limits {
        list: Fill(-2),
        set: SetLimits { intset_entries: 512, listpack_entries: 128, listpack_value: 64, hasher: hasher.clone() },
        hash: HashLimits { listpack_entries: 512, listpack_value: 64, hasher: hasher.clone() },
        sorted_set: SortedSetLimits { entries: 128, value: 64, hasher: hasher.clone() },
    }
}

const OPTIONS: Options = Options { compress: true, fill: Fill(-2) };

/// A value as text, with its encoding: what must be the same of two that are the same.
fn shown(value: &Value) -> String {
    let mut elements: Vec<String> = match value {
        Value::String(text) => vec![text.bytes(&mut Digits::new()).escape_ascii().to_string()],
        Value::List(list) => return format!("{} {:?}", list.encoding(), list),
        Value::Set(set) => {
            set.iter().map(|member| member.bytes(&mut Digits::new()).escape_ascii().to_string()).collect()
        }
        Value::Hash(hash) => hash
            .iter(0)
            .map(|field| {
                let (mut one, mut other) = (Digits::new(), Digits::new());
                let (name, value) = (field.name.bytes(&mut one), field.value.bytes(&mut other));
                format!("{} {} {:?}", name.escape_ascii(), value.escape_ascii(), field.expires_ms)
            })
            .collect(),
        Value::SortedSet(set) => return format!("{} {set:?}", set.encoding()),
    };
    elements.sort();
    format!("{} {elements:?}", value.encoding())
}

/// Values of all types, in all encodings.
fn samples(chance: &mut Chance, limits: &Limits, count: usize) -> Vec<Held> {
    let mut samples = Vec::new();
    for _ in 0..count {
        let size = [1, 2, 5, 40, 127, 128, 129, 300, 513][chance.below(9) as usize];
        let longest = [1, 3, 20, 63, 64, 65, 200, if size > 40 { 40 } else { 5000 }][chance.below(8) as usize];
        let integers = chance.below(3);
        let word = |chance: &mut Chance| -> Vec<u8> {
            match chance.below(3) < integers {
                true => ((chance.next() as i64) >> chance.below(64)).to_string().into_bytes(),
                false => {
                    let variety = 1 + chance.below(200);
                    (0..chance.below(longest + 1)).map(|_| chance.below(variety) as u8).collect()
                }
            }
        };
        samples.push(match chance.below(4) {
            0 => {
                let mut list = List::default();
                for _ in 0..size {
                    let word = word(chance);
                    list.expect(word.len(), 1, limits.list);
                    list.push(End::Right, &word);
                }
                crate::store::entry::Formed::hold(list)
            }
            1 => {
                let mut set = Set::default();
                (0..size).for_each(|_| _ = set.add(&word(chance), &limits.set));
                crate::store::entry::Formed::hold(set)
            }
            2 => {
                let (mut hash, expiring) = (Hash::default(), chance.below(3) == 0);
                for _ in 0..size {
                    let expiry = match expiring && chance.below(2) == 0 {
                        true => FieldExpiry::At(NOW_MS + 1 + chance.below(1 << 40) as i64),
                        false => FieldExpiry::Never,
                    };
                    hash.set(&word(chance), &word(chance), expiry, 0, &limits.hash);
                }
                crate::store::entry::Formed::hold(hash)
            }
            _ => {
                let mut set = SortedSet::default();
                for _ in 0..size {
                    let score = match chance.below(6) {
                        0 => f64::INFINITY,
                        1 => f64::NEG_INFINITY,
                        2 => f64::from_bits(chance.next()),
                        3 => chance.next() as i64 as f64,
                        _ => chance.below(10) as f64 / 4.0,
                    };
                    let score = if score.is_nan() { 0.0 } else { score };
                    set.change(&word(chance), &limits.sorted_set, |_| Some(score));
                }
                crate::store::entry::Formed::hold(set)
            }
        });
    }
    samples
}

fn filled(seed: u64, count: usize) -> Keyspace {
    let (mut data, mut chance) = (data(), Chance::from_seed(seed));
    let limits = limits(&data);
    for (number, held) in samples(&mut chance, &limits, count).into_iter().enumerate() {
        let expiry = if number % 3 == 0 { NewExpiry::At(NOW_MS + 1000 + number as i64) } else { NewExpiry::Never };
        let (key, database) = (format!("key:{number}"), number % 3);
        data.open(database, key.as_bytes(), 0).put(Content::Held(held), expiry, Event::generic("restore"));
    }
    let strings: [Vec<u8>; 8] = [
        vec![],
        b"0".to_vec(),
        b"-128".to_vec(),
        b"32768".to_vec(),
        b"-2147483648".to_vec(),
        b"9223372036854775807".to_vec(),
        b"00012".to_vec(),
        b"abc".repeat(9000),
    ];
    for (number, bytes) in strings.iter().enumerate() {
        let key = format!("string:{number}");
        data.open(number % 3, key.as_bytes(), 0).put(Content::new(bytes), NewExpiry::Never, Event::generic("restore"));
    }
    data
}

/// Comes in pieces of odd sizes.
struct Slow<'a>(&'a [u8], usize);

impl Source for Slow<'_> {
    fn fill(&mut self, room: &mut [u8]) -> Result<usize, Unreadable> {
        self.1 = (self.1 * 7 + 3) % 101;
        let most = room.len().min(1 + self.1);
        self.0.fill(&mut room[..most])
    }
}

fn write(data: &Keyspace, usage: Option<Usage>) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), version_for(data), true, OPTIONS);
    writer.aux("redis-bits", "64");
    for (number, database) in data.databases().iter().enumerate().filter(|(_, database)| !database.is_empty()) {
        writer.database(number, database.len(), database.volatile());
        database.iter().for_each(|entry| writer.entry(entry, usage, NOW_MS));
    }
    let (written, bytes) = (writer.written(), writer.finish());
    assert_eq!(written + 9, bytes.len() as u64);
    bytes
}

#[test]
fn a_file_comes_back_whole() {
    for seed in 0..if cfg!(miri) { 1 } else { 12 } {
        let data = filled(seed, if cfg!(miri) { 4 } else { 60 });
        let usage = [None, Some(Usage::Idle(70_000)), Some(Usage::Frequency(200))][seed as usize % 3];
        let bytes = write(&data, usage);
        let mut reader = Reader::open(Slow(&bytes, seed as usize), 16, limits(&data)).unwrap();
        let (mut read, mut announced, mut facts) = (0, 0, 0);
        while let Some(item) = reader.read().unwrap() {
            match item {
                Item::Aux { name, value } => {
                    assert_eq!((&name[..], &value[..]), (&b"redis-bits"[..], &b"64"[..]));
                    facts += 1;
                }
                Item::Sizes { database, keys, volatile } => {
                    let known = data.database(database);
                    assert_eq!((keys, volatile), (known.len() as u64, known.volatile() as u64));
                    announced += keys;
                }
                Item::Unfinished => panic!("no pause was asked for"),
                Item::Skipped(skipped) => panic!("{skipped:?}"),
                Item::Entry(mut loaded) => {
                    let entry = data.peek(loaded.database, &loaded.key, 0).expect("it was written");
                    assert_eq!((loaded.expires_ms, loaded.usage), (entry.expires_ms(), usage));
                    let mut other = self::data();
                    other.open(0, b"k", 0).put(loaded.value.content(), NewExpiry::Never, Event::generic("restore"));
                    let value = other.peek(0, b"k", 0).unwrap().value();
                    assert_eq!(shown(&value), shown(&entry.value()), "seed {seed}");
                    read += 1;
                }
            }
        }
        assert_eq!((read, facts), (announced, 1));
        assert_eq!(reader.offset(), bytes.len() as u64);
    }
}

#[test]
fn a_payload_comes_back_whole_and_says_the_least_version() {
    let data = filled(77, if cfg!(miri) { 4 } else { 200 });
    for entry in data.databases().iter().flat_map(|database| database.iter()) {
        for compress in [false, true] {
            let payload = dump(&entry.value(), Options { compress, ..OPTIONS }, NOW_MS, usize::MAX).unwrap();
            let mut other = self::data();
            let mut loaded = restore(&payload, &limits(&data)).unwrap();
            other.open(0, b"k", 0).put(loaded.content(), NewExpiry::Never, Event::generic("restore"));
            let value = other.peek(0, b"k", 0).unwrap().value();
            assert_eq!(shown(&value), shown(&entry.value()));
            let version = if value.due_ms().is_some() { 12 } else { 10 };
            assert_eq!(payload[payload.len() - 10], version);
        }
    }
}
