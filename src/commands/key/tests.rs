//! What key commands tell beside their reply: the events of the keys and the words that are recorded, both as Redis 8.0
//! does (asked of its notifications and its append-only file). And what only many keys show. Replies are tested by
//! transcripts.
use crate::commands::harness::{NOW, World, play};

#[test]
fn gone() {
    play(
        "
        SET k v => new k, set k => =
        DEL k missing => del k => =
        MSET a 1 b 2 c 3 => new a, set a, new b, set b, new c, set c => =
        DEL a b a => del a, del b => =
        UNLINK a c => del c => =
        UNLINK a
        EXISTS a
        TOUCH a
        TYPE a
        ",
    );
}

/// Recorded in milliseconds since 1970, the conditions judged; what is due at once, as DEL.
#[test]
fn expiry() {
    play(
        "
        SET k v => new k, set k => =
        EXPIRE k 100 => expire k => PEXPIREAT k 1750000100123
        EXPIRE k 100 NX
        PEXPIRE k 200000 GT => expire k => PEXPIREAT k 1750000200123
        EXPIREAT k 32503680000 => expire k => PEXPIREAT k 32503680000000
        PEXPIREAT k 32503680001234 => expire k => PEXPIREAT k 32503680001234
        PEXPIREAT k 32503680001234 => expire k => PEXPIREAT k 32503680001234
        PEXPIREAT k 32503680001234 XX => expire k => PEXPIREAT k 32503680001234
        PERSIST k => persist k => =
        PERSIST k
        EXPIRE k 0 => del k => DEL k
        SET k v => new k, set k => =
        PEXPIREAT k 1 => del k => DEL k
        SET k v => new k, set k => =
        EXPIRE k -1 GT
        EXPIRE k -1 LT => del k => DEL k
        EXPIRE k 100
        ",
    );
}

#[test]
fn moved() {
    play(
        "
        SET k v => new k, set k => =
        RENAME k k
        RENAME k l => new l, rename_from k, rename_to l => =
        SET k w => new k, set k => =
        RENAME k l => new l, rename_from k, rename_to l => =
        RENAMENX l l
        RENAMENX l m => new m, rename_from l, rename_to m => =
        SET k 1 => new k, set k => =
        RENAMENX k m
        COPY k m
        COPY k m REPLACE => new m, copy_to m => =
        COPY k n => new n, copy_to n => =
        COPY k k DB 2 => 2:new k, 2:copy_to k => =
        COPY k k DB 2 REPLACE => 2:new k, 2:copy_to k => =
        MOVE m 3 => 3:new m, move_from m, 3:move_to m => =
        SET m 1 => new m, set m => =
        MOVE m 3
        ",
    );
}

/// Who waits for a key, or watches one, is told of a whole database by a change without a key.
#[test]
fn whole_databases() {
    play(
        "
        FLUSHDB => => =
        SET k v => new k, set k => =
        SWAPDB 0 1 => swapped, 1:swapped => =
        FLUSHALL ASYNC => 1:flushed => =
        ",
    );
}

/// Who meets a key that is due removes it; KEYS and DBSIZE meet none.
#[test]
fn met_when_due() {
    play(
        "
        MSETEX 5 a 1 b 2 c 3 d 4 e 5 PX 10 => new a, set a, expire a, new b, set b, expire b, new c, set c, expire c, \
            new d, set d, expire d, new e, set e, expire e => MSETEX 5 a 1 b 2 c 3 d 4 e 5 PXAT 1750000000133
        + 10
        DBSIZE
        KEYS *
        SCAN 0 MATCH b => expired b
        SCAN 0 MATCH a TYPE list => expired a
        DEL c => expired c
        RENAME d f => expired d
        RANDOMKEY => expired e
        RANDOMKEY
        ",
    );
}

/// A move is one change, a deletion one for each key.
#[test]
fn changes_are_counted() {
    let mut world = World::new();
    let table = [
        ("MSET a 1 b 2 c 3 d 4", 4),
        ("RENAME a b", 1),
        ("MOVE b 1", 1),
        ("COPY c e", 1),
        ("EXPIRE e 100", 1),
        ("PERSIST e", 1),
        ("TOUCH e", 0),
        ("SWAPDB 0 1", 1),
        ("SWAPDB 1 0", 1),
        ("DEL c d x", 2),
        ("FLUSHALL", 2),
    ];
    for (command, changes) in table {
        let before = world.data.ledger.dirty;
        world.run(command);
        assert_eq!(world.data.ledger.dirty - before, changes, "{command}");
    }
}

#[test]
fn what_counts_as_a_hit_and_what_as_a_use() {
    let mut world = World::new();
    // The idle time that is left after ten seconds and the command.
    let table = [
        ("EXISTS k x", (1, 1), 10),
        ("TYPE k", (1, 0), 10),
        ("TTL k", (1, 0), 10),
        ("OBJECT ENCODING k", (1, 0), 10),
        ("OBJECT IDLETIME x", (0, 1), 10),
        ("MEMORY USAGE k", (0, 0), 10),
        ("TOUCH k x", (1, 1), 0),
        ("COPY k l REPLACE", (1, 0), 0),
        ("EXPIRE k 1000", (0, 0), 0),
        ("PERSIST k", (0, 0), 0),
    ];
    for (command, hits, idle_s) in table {
        world.run("SET k v EX 1000");
        world.now = world.now.later(10_000_000);
        let before = (world.server.stats.hits, world.server.stats.misses);
        world.run(command);
        let after = (world.server.stats.hits, world.server.stats.misses);
        assert_eq!((after.0 - before.0, after.1 - before.1), hits, "hits and misses of {command}");
        let entry = world.data.look(0, b"k", world.now.wall_ms()).expect("an entry");
        assert_eq!(entry.used().idle_s(world.now.wall_ms()), idle_s, "idle after {command}");
    }
}

/// RANDOMKEY ends, though all but one of many keys are due and nobody has removed them.
#[test]
fn the_one_key_that_is_not_due_is_found() {
    let mut world = World::new();
    (0..3000).for_each(|n| _ = world.run(&format!("SET due:{n} v PX 1")));
    world.run("SET stays v");
    world.now = world.now.later(1_000_000);
    assert_eq!(world.run("RANDOMKEY").0, "$5\r\nstays\r\n");
    assert!(world.data.database(0).len() < 3001, "those that it met are gone");
    assert_eq!(world.now.wall_ms(), NOW.wall_ms() + 1000);
}

/// In absolute form; what has expired already leaves nothing.
#[test]
fn restored() {
    // A payload that is text, by chance.
    const PAYLOAD: &str = "\0\x03wut\x05\0TK@E-!~M";
    let mut world = World::new();
    let mut run = |words: &str| {
        let (reply, events, recorded) = world.run(&words.replace('$', PAYLOAD));
        assert_eq!(reply, "+OK\r\n", "{words}");
        // What stands between the time and the options is the payload.
        let recorded = recorded.split(' ').enumerate().filter(|(at, _)| *at != 3).map(|(_, word)| word);
        (events, recorded.collect::<Vec<_>>().join(" "))
    };
    let told = |events: &str, recorded: &str| (events.to_string(), recorded.to_string());
    assert_eq!(run("RESTORE k 0 $ FREQ 3"), told("new k, restore k", "RESTORE k 0 FREQ 3"));
    let absolute = "RESTORE k 1750000000723 REPLACE ABSTTL IDLETIME 3";
    assert_eq!(run("RESTORE k 600 $ IDLETIME 3 REPLACE"), told("new k, restore k", absolute));
    assert_eq!(run("RESTORE k 1 $ ABSTTL REPLACE"), told("del k", "DEL k"));
    assert_eq!(run("RESTORE k 1 $ ABSTTL"), told("", ""));
}
