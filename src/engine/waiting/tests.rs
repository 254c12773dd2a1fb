//! Who waits for what against a model, from a seed: single keys and very many, waits that are over, databases that change.
use super::*;
use crate::base::random::Chance;
use crate::store::value::list::End;
use crate::store::{Content, Event, List, NewExpiry};

const NOW_MS: i64 = 1_750_000_000_000;
const TYPES: [Option<&str>; 3] = [Some("list"), Some("string"), None];

struct Model {
    id: ClientId,
    turn: u64,
    wants: Option<&'static str>,
    database: usize,
    keys: BTreeSet<String>,
}

fn client(serial: u64) -> ClientId {
    ClientId { serial, key: serial as usize }
}

fn data(chance: &mut Chance, most: u64) -> Keyspace {
    let mut data = Keyspace::new(2, [1, 2, 3, 4]);
    for _ in 0..chance.below(most) {
        let key = format!("k{}", chance.below(most));
        let mut door = data.open(chance.below(2) as usize, key.as_bytes(), NOW_MS);
        if chance.below(2) == 0 {
            door.put(Content::Raw(b"value"), NewExpiry::Never, Event::string("set"));
        } else if door.entry().is_none() {
            let push = |list: &mut List| {
                list.push(End::Right, b"value");
                ((), 1)
            };
            door.edit(Event::list("rpush"), push).expect("a list");
        }
        if chance.below(5) == 0 {
            door.expire(Some(NOW_MS - 1), Event::generic("expire"));
        }
    }
    data
}

#[test]
fn who_waits_is_found_by_turn_and_by_what_is_there() {
    for seed in 0..if cfg!(miri) { 2 } else { 60 } {
        let (mut chance, mut model) = (Chance::from_seed(seed), Vec::<Model>::new());
        let mut waiting = Waiting::new(Keyspace::new(1, [1, 2, 3, 4]).hasher().clone());
        // In most rounds each waits for a key.
        let kinds = if seed % 4 == 0 { 3 } else { 2 };
        for turn in 1..if cfg!(miri) { 20 } else { 150 } {
            if chance.below(3) > 0 {
                let wants = TYPES[chance.below(kinds) as usize];
                let (database, deadline_us) = (chance.below(2) as usize, (chance.below(2) == 0).then_some(turn));
                let many = [1, 3, 400][chance.below(3) as usize];
                let keys: Vec<String> =
                    (0..1 + chance.below(many)).map(|_| format!("k{}", chance.below(many + 2))).collect();
                let wait =
                    Wait { words: OwnedWords::default(), wants, deadline_us, late: |_| {}, turn: 0, hashes: vec![] };
                let id = client(turn % 40);
                assert_eq!(waiting.remove(id), model.iter().any(|one| one.id == id));
                model.retain(|one| one.id != id);
                waiting.add(id, database, keys.iter().map(|key| key.as_bytes().into()).collect(), wait);
                let turn = waiting.get(id).expect("it waits").turn;
                model.push(Model { id, turn, wants, database, keys: keys.into_iter().collect() });
            } else if !model.is_empty() {
                let gone = model.swap_remove(chance.below(model.len() as u64) as usize);
                assert!(waiting.remove(gone.id));
            }
            waiting.check();
            model.sort_by_key(|one| one.turn);
            let would_do = |one: &Model, there: Option<&str>| there.is_some() && one.wants == there;
            for (database, there) in [(0, "list"), (1, "string"), (0, "hash")] {
                let key = format!("k{}", chance.below(20));
                let mut served = model
                    .iter()
                    .filter(|one| one.database == database && one.keys.contains(&key) && would_do(one, Some(there)));
                let place = (database, key.as_bytes().into());
                let mut turn = 0;
                while let Some(next) = waiting.next_for(&place, turn, there) {
                    assert_eq!(Some(next.turn), served.next().map(|one| one.turn));
                    turn = next.turn;
                }
                assert!(served.next().is_none());
            }
            if turn % 10 == 0 {
                // Of few keys, and of many.
                let most = [3, 1_000][chance.below(2) as usize];
                let (data, database) = (data(&mut chance, most), chance.below(2) as usize);
                let mut firsts = BTreeMap::new();
                for key in model.iter().flat_map(|one| &one.keys).collect::<BTreeSet<_>>() {
                    let there = data.peek(database, key.as_bytes(), NOW_MS).map(|entry| entry.value().type_name());
                    let first = model
                        .iter()
                        .find(|one| one.database == database && one.keys.contains(key) && would_do(one, there));
                    first.into_iter().for_each(|one| _ = firsts.insert((one.turn, key.clone()), ()));
                }
                let found: Vec<Place> = waiting.served_by(database, &data, NOW_MS);
                let expected: BTreeSet<String> = firsts.keys().map(|(_, key)| key.clone()).collect();
                let keys: BTreeSet<String> =
                    found.iter().map(|(_, key)| String::from_utf8(key.to_vec()).expect("text")).collect();
                assert_eq!((found.len(), keys), (expected.len(), expected));
                let turn_of =
                    |(_, key): &Place| firsts.keys().find(|(_, name)| name.as_bytes() == &**key).expect("found").0;
                assert!(found.is_sorted_by_key(turn_of));
            }
        }
        model.iter().for_each(|one| assert!(waiting.remove(one.id)));
        while waiting.is_forgetting() {
            waiting.forget(10);
        }
        waiting.check();
        assert!(waiting.keys.is_empty() && waiting.keys.capacity() <= 2 * FEW);
    }
}

#[test]
fn a_wait_for_very_many_keys_is_forgotten_in_slices() {
    let mut waiting = Waiting::new(Keyspace::new(1, [1, 2, 3, 4]).hasher().clone());
    let count: u64 = if cfg!(miri) { 300 } else { 20_000 };
    for round in 0..4 {
        let keys = (0..count).map(|n| n.to_le_bytes().as_slice().into()).collect();
        let wants = Some("list");
        let wait =
            Wait { words: OwnedWords::default(), wants, deadline_us: None, late: |_| {}, turn: 0, hashes: vec![] };
        waiting.add(client(1), 0, keys, wait);
        let place = (0, 7u64.to_le_bytes().as_slice().into());
        assert_eq!(waiting.next_for(&place, 0, "list").map(|next| next.turn), Some(round + 1), "only the present one");
        waiting.remove(client(1));
        assert!(waiting.next_for(&place, 0, "list").is_none());
        waiting.check();
        // However often it waits, no more than one such wait is kept.
        assert_eq!(waiting.count().keys, count as usize - FORGOTTEN_AT_ONCE);
    }
    while waiting.is_forgetting() {
        waiting.forget(1_000);
    }
    assert_eq!(waiting.count().keys, 0);
}
