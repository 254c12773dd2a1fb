//! Keys that get another name, another database, or a double: COPY, MOVE, RENAME. The expiry goes with the value.
use super::existing;
use super::prelude::*;
use crate::commands::connection::DatabaseIndex;

// --- COPY source destination [DB destination-db] [REPLACE]
form! { pub Copy<'a> {
    source: Key<'a, READ>, destination: Key<'a, PUT>, [destination_db: "DB" DatabaseIndex, replace: "REPLACE"]
} }
impl<'a> Command<'a> for Copy<'a> {
    const FACTS: Facts = facts("COPY", "generic", "6.2.0", WRITE | DENYOOM, "Copies a value to another key.");
    /// Each DB is judged as it is read, also one that another one follows.
    fn refuse_early(mut words: Words, cx: &mut Context) -> Result<(), Refusal> {
        words.skip(2);
        loop {
            if words.len() > 1 && words.take("DB") {
                existing(DatabaseIndex::parse(&mut words)?, cx)?;
            } else if !words.take("REPLACE") {
                return Ok(());
            }
        }
    }
    fn run(self, cx: &mut Context) -> Ran {
        let Copy { source, destination, .. } = self;
        let database = self.destination_db.map_or(Ok(cx.database()), |index| existing(index, cx))?;
        if database == cx.database() && source.0 == destination.0 {
            return Err(Refusal::SameObject);
        }
        if cx.read(source).is_none() {
            return cx.integer(0);
        }
        let free = self.replace || cx.open_in(database, destination).entry().is_none();
        if free {
            let (from, to, now_ms) = ((cx.database(), source.0), (database, destination.0), cx.now_ms());
            cx.data.duplicate(from, to, Event::COPY_TO, now_ms);
        }
        cx.integer(free as i64)
    }
}

// --- MOVE key db
form! { pub Move<'a> { key: Key<'a, MODIFY>, db: DatabaseIndex } }
impl<'a> Command<'a> for Move<'a> {
    const FACTS: Facts = facts("MOVE", "generic", "1.0.0", WRITE | FAST, "Moves a key to another database.");
    fn run(self, cx: &mut Context) -> Ran {
        let (from, to, now_ms) = (cx.database(), existing(self.db, cx)?, cx.now_ms());
        if from == to {
            return Err(Refusal::SameObject);
        }
        let key = self.key.0;
        let events = [Event::MOVE_FROM, Event::MOVE_TO];
        let moved = cx.data.look(to, key, now_ms).is_none() && cx.data.relocate((from, key), (to, key), events, now_ms);
        cx.integer(moved as i64)
    }
}

// --- RENAME key newkey
form! { pub Rename<'a> { key: Key<'a, POP>, newkey: Key<'a, PUT> } }
impl<'a> Command<'a> for Rename<'a> {
    const FACTS: Facts = facts("RENAME", "generic", "1.0.0", WRITE, "Gives a key another name.");
    fn run(self, cx: &mut Context) -> Ran {
        let Rename { key, newkey } = self;
        cx.look(key).ok_or(Refusal::NoSuchKey)?;
        if key.0 != newkey.0 {
            rename(key.0, newkey.0, cx);
        }
        cx.ok()
    }
}

fn rename(key: &[u8], new: &[u8], cx: &mut Context) {
    let (database, now_ms) = (cx.database(), cx.now_ms());
    cx.data.relocate((database, key), (database, new), [Event::RENAME_FROM, Event::RENAME_TO], now_ms);
}

// --- RENAMENX key newkey
form! { pub RenameNx<'a> { key: Key<'a, POP>, newkey: Key<'a, CREATE> } }
impl<'a> Command<'a> for RenameNx<'a> {
    const FACTS: Facts =
        facts("RENAMENX", "generic", "1.0.0", WRITE | FAST, "Gives a key another name, if that is free.");
    fn run(self, cx: &mut Context) -> Ran {
        let RenameNx { key, newkey } = self;
        cx.look(key).ok_or(Refusal::NoSuchKey)?;
        let free = cx.look(newkey).is_none();
        if free {
            rename(key.0, newkey.0, cx);
        }
        cx.integer(free as i64)
    }
}
