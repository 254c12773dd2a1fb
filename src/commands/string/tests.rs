//! What string commands tell beside their reply: the events of the keys, as Redis 8.0 and Valkey 9.1 name them, and the
//! words that are recorded. Both tables were asked of those servers (their notifications, their append-only files).
//! Replies are tested by transcripts.
use crate::commands::harness::{NOW, World, play};
use crate::store::Value;
use crate::store::text::Digits;

#[test]
fn one_value() {
    play(
        "
        SET k v => new k, set k => =
        SET k v EX 100 => set k, expire k => SET k v PXAT 1750000100123
        SET k v PX 100000 NX
        SET n v PX 100000 NX => new n, set n, expire n => SET n v PXAT 1750000100123
        SET k v XX GET EX 100 => set k, expire k => SET k v PXAT 1750000100123
        SET k v EXAT 32503680000 GET => set k, expire k => SET k v PXAT 32503680000000
        SET k v PXAT 32503680000000 => set k, expire k => SET k v PXAT 32503680000000
        SET k w KEEPTTL => set k => SET k w KEEPTTL
        SET k w GET => set k => SET k w
        SET k w EX 0
        SET k w IFEQ x
        SET k v IFEQ w EX 1 => set k, expire k => SET k v PXAT 1750000001123
        SET old v PXAT 1 => new old, set old, expire old => SET old v PXAT 1
        GET old => expired old
        GETSET k w => set k => SET k w
        GETSET fresh w => new fresh, set fresh => SET fresh w
        GETDEL fresh => del fresh => DEL fresh
        GETDEL fresh
        DELIFEQ n x
        DELIFEQ n v => del n => DEL n
        DELIFEQ n v
        SETNX k v
        SETNX n v => new n, set n => =
        SETEX k 100 v => set k, expire k => SET k v PXAT 1750000100123
        PSETEX k 100000 v => set k, expire k => SET k v PXAT 1750000100123
        SETEX k 0 v
        ",
    );
}

#[test]
fn expiry() {
    play(
        "
        SET k v => new k, set k => =
        GETEX k
        GETEX k PERSIST
        GETEX k EX 100 => expire k => PEXPIREAT k 1750000100123
        GETEX k PX 1 => expire k => PEXPIREAT k 1750000000124
        GETEX k EXAT 32503680000 => expire k => PEXPIREAT k 32503680000000
        GETEX k PXAT 32503680000000 => expire k => PEXPIREAT k 32503680000000
        GETEX k PERSIST => persist k => PERSIST k
        GETEX k EX 0
        GETEX k PXAT 1 => del k => DEL k
        GETEX k EX 100
        ",
    );
}

#[test]
fn many() {
    play(
        "
        MSET a 1 b 2 a 3 => new a, set a, new b, set b, set a => =
        MSETNX a 1 c 2
        MSETNX c 1 d 2 => new c, set c, new d, set d => =
        MSETEX 2 a 1 b 2 => set a, set b => =
        MSETEX 2 a 1 b 2 EX 100 => set a, expire a, set b, expire b => MSETEX 2 a 1 b 2 PXAT 1750000100123
        MSETEX 2 a 1 b 2 NX EX 100
        MSETEX 1 a 1 XX PX 5 => set a, expire a => MSETEX 1 a 1 PXAT 1750000000128
        MSETEX 1 e 1 XX
        MSETEX 2 a 1 b 2 KEEPTTL => set a, set b => MSETEX 2 a 1 b 2 KEEPTTL
        MGET a b c
        ",
    );
}

#[test]
fn pieces_and_numbers() {
    play(
        "
        APPEND k x => new k, append k => =
        APPEND k \"\" => append k => =
        SETRANGE k 1 zz => setrange k => =
        SETRANGE k 1 \"\"
        SETRANGE m 1 \"\"
        SETRANGE m 3 zz => new m, setrange m => =
        SUBSTR k 0 -1
        INCR n => new n, incrby n => =
        DECRBY n 3 => incrby n => =
        INCRBYFLOAT n 1.5 => incrbyfloat n => SET n -0.5 KEEPTTL
        INCRBYFLOAT f 1e2 => new f, incrbyfloat f => SET f 100 KEEPTTL
        INCR k
        INCRBYFLOAT f inf
        LCS k m
        ",
    );
}

#[test]
fn the_expiry_stays_where_a_value_only_changes() {
    let mut world = World::new();
    for change in
        ["APPEND k 1", "SETRANGE k 0 2", "INCR k", "DECRBY k 5", "INCRBYFLOAT k 1", "SET k 1 KEEPTTL", "GETEX k"]
    {
        world.run("SET k 1 EX 100");
        world.run(change);
        let entry = world.data.look(0, b"k", NOW.wall_ms()).expect("an entry");
        assert_eq!(entry.expires_ms(), Some(1_750_000_100_123), "{change}");
    }
    for change in ["SET k 1", "GETSET k 1", "MSET k 1", "MSETEX 1 k 1", "SET k 1 GET", "GETEX k PERSIST"] {
        world.run("SET k 1 EX 100");
        world.run(change);
        assert_eq!(world.data.look(0, b"k", NOW.wall_ms()).expect("an entry").expires_ms(), None, "{change}");
    }
}

#[test]
fn encodings() {
    let mut world = World::new();
    let long = "x".repeat(45);
    let table: &[(&[&str], &str)] = &[
        (&["SET k 12"], "int"),
        (&["SET k 012"], "embstr"),
        (&["SET k abc", "SET k abd"], "embstr"),
        (&["SET k abc", "SET k 123"], "int"),
        (&["SET k LONG", "SET k abc"], "embstr"),
        (&["SET k abc", "SET k LONG"], "raw"),
        (&["APPEND k 12"], "int"),
        (&["APPEND k \"\""], "embstr"),
        (&["SET k 12", "APPEND k \"\""], "raw"),
        (&["SET k 12", "SETRANGE k 0 9"], "raw"),
        (&["SETRANGE k 1 9"], "raw"),
        (&["SET k 1", "INCRBYFLOAT k 1"], "embstr"),
        (&["SET k 1", "INCRBYFLOAT k 1", "INCR k"], "int"),
        (&["INCRBYFLOAT k 1e50"], "raw"),
        (&["SET k 1", "APPEND k 2", "INCR k"], "int"),
        (&["SET k 1", "APPEND k 2", "SET k ab"], "embstr"),
        (&["GETSET k 15"], "int"),
        (&["MSET k 15"], "int"),
    ];
    for (commands, encoding) in table {
        world.run("GETDEL k");
        commands.iter().for_each(|command| _ = world.run(&command.replace("LONG", &long)));
        let entry = world.data.look(0, b"k", NOW.wall_ms()).expect("an entry");
        assert_eq!(entry.value().encoding(), *encoding, "{commands:?}");
    }
}

#[test]
fn a_string_that_is_there_lends_its_memory() {
    let mut world = World::new();
    let place = |world: &mut World| match world.data.look(0, b"k", NOW.wall_ms()).expect("an entry").value() {
        Value::String(text) => text.bytes(&mut Digits::new()).as_ptr(),
        _ => panic!("a string"),
    };
    for (old, new) in [(3, 3), (3, 4), (44, 41), (45, 46), (1000, 1003)] {
        world.run(&format!("SET k {}", "o".repeat(old)));
        let before = place(&mut world);
        assert_eq!(world.run(&format!("SET k {}", "n".repeat(new))).0, "+OK\r\n");
        assert_eq!(place(&mut world), before, "{old} bytes, then {new}");
        assert_eq!(world.run("GET k").0, format!("${new}\r\n{}\r\n", "n".repeat(new)));
    }
}
