//! The data's file: what is saved is there after a restart and in a real Redis, and the other way round; what goes wrong
//! leaves the old file and a word in the log; who comes while the data is loaded is told so.
//! `REDIS_SERVER=path` names another Redis than the one on PATH.

#[path = "support/hand.rs"]
mod hand;
#[path = "support/process.rs"]
mod process;
#[path = "support/redis_server.rs"]
mod redis_server;

use hand::{Bench, request_of};
use process::{Client, Directory, Server, failure};
use redis_server::RedisServer;
use spindle::base::random::Chance;
use spindle::engine::config::{Permission, Source};
use spindle::engine::{COMMANDS, Config};
use std::fs;
use std::net::TcpStream;

// --- Data of every type, in every encoding

/// Words of commands that make it. Its scores are such that Redis 7.0 and 8.0 print them alike, as DEBUG DIGEST sees.
fn commands(seed: u64) -> Vec<Vec<Vec<u8>>> {
    let mut chance = Chance::from_seed(seed);
    let mut commands: Vec<Vec<Vec<u8>>> = vec![];
    for database in [0, 3] {
        commands.push(vec![b"SELECT".to_vec(), database.to_string().into_bytes()]);
        for number in 0..16 {
            let size = [1, 5, 129, 600][chance.below(4) as usize];
            for (command, kind) in
                [("SET", "s"), ("RPUSH", "l"), ("SADD", "i"), ("SADD", "m"), ("HSET", "h"), ("ZADD", "z")]
            {
                let key = format!("{kind}:{number}").into_bytes();
                let mut words = vec![command.as_bytes().to_vec(), key.clone()];
                for _ in 0..if kind == "s" { 1 } else { size } {
                    match kind {
                        "i" => words.push(integer(&mut chance)),
                        "h" => words.extend([word(&mut chance), word(&mut chance)]),
                        "z" => words.extend([score(&mut chance), word(&mut chance)]),
                        _ => words.push(word(&mut chance)),
                    }
                }
                commands.push(words);
                if chance.below(3) == 0 {
                    let at_ms = 2_000_000_000_000 + chance.below(1_000_000_000_000);
                    commands.push(vec![b"PEXPIREAT".to_vec(), key, at_ms.to_string().into_bytes()]);
                }
            }
        }
    }
    commands
}

fn integer(chance: &mut Chance) -> Vec<u8> {
    ((chance.next() as i64) >> chance.below(64)).to_string().into_bytes()
}

fn word(chance: &mut Chance) -> Vec<u8> {
    match chance.below(8) {
        0 | 1 => integer(chance),
        2 => (0..chance.below(80)).map(|_| chance.below(256) as u8).collect(),
        3 => b"abc".repeat(chance.below(60) as usize),
        4 if chance.below(40) == 0 => (0..20_000).map(|_| chance.below(2) as u8).collect(),
        _ => format!("word-{}", chance.below(100_000)).into_bytes(),
    }
}

fn score(chance: &mut Chance) -> Vec<u8> {
    match chance.below(10) {
        0 => b"inf".to_vec(),
        1 => b"-inf".to_vec(),
        2..5 => format!("{}.{}", chance.below(1000), [0, 5, 25, 125][chance.below(4) as usize]).into_bytes(),
        _ => (chance.below(2_000_000) as i64 - 1_000_000).to_string().into_bytes(),
    }
}

fn fill<S: std::io::Read + std::io::Write>(client: &mut Client<S>, seed: u64) {
    for words in commands(seed) {
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let reply = client.ask(request_of(&words));
        assert!(!reply.starts_with('-'), "{reply} to {:?}", words[0].escape_ascii());
    }
}

fn say<S: std::io::Read + std::io::Write>(client: &mut Client<S>, line: &str) -> String {
    client.ask(format!("{line}\r\n"))
}

// --- Files both ways

const DEBUG: [&str; 2] = ["--enable-debug-command", "yes"];

fn spindle(directory: &Directory, more: &[&str]) -> Server {
    Server::start(&[&["--dir", directory.path()], &DEBUG[..], more].concat())
}

fn redis(directory: &Directory) -> (RedisServer, Client) {
    let arguments = [&["--dir", directory.path(), "--dbfilename", "dump.rdb"], &DEBUG[..]].concat();
    let server = RedisServer::start(&arguments);
    let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
    let mut client = Client { stream };
    process::eventually("it has loaded", || !say(&mut client, "DBSIZE").starts_with("-LOADING"));
    (server, client)
}

#[test]
fn a_real_redis_loads_what_is_saved_here() {
    for seed in [1, 2] {
        let directory = Directory::new();
        let ours = spindle(&directory, &["--rdbcompression", if seed == 1 { "yes" } else { "no" }]);
        let mut client = ours.connect();
        fill(&mut client, seed);
        let digest = say(&mut client, "DEBUG DIGEST");
        assert_eq!(say(&mut client, "SAVE"), "+OK");
        assert_eq!(directory.names(), ["dump.rdb"]);
        let (_redis, mut theirs) = redis(&directory);
        assert_eq!(say(&mut theirs, "DEBUG DIGEST"), digest, "seed {seed}");
        // What it has written of it in turn.
        assert_eq!(say(&mut theirs, "SAVE"), "+OK");
        drop(ours);
        let again = spindle(&directory, &[]);
        assert_eq!(say(&mut again.connect(), "DEBUG DIGEST"), digest, "seed {seed}");
    }
}

#[test]
fn what_a_real_redis_saved_is_loaded() {
    let directory = Directory::new();
    let (server, mut theirs) = redis(&directory);
    fill(&mut theirs, 3);
    assert_eq!(say(&mut theirs, "SAVE"), "+OK");
    assert_eq!(say(&mut theirs, "SELECT 3"), "+OK");
    let (digest, mut encodings) = (say(&mut theirs, "DEBUG DIGEST"), vec![]);
    // Lists and sets of one row are named otherwise since 7.2.
    let keys: Vec<String> = "szhi".chars().flat_map(|kind| (0..16).map(move |n| format!("{kind}:{n}"))).collect();
    for key in &keys {
        encodings.push((say(&mut theirs, &format!("OBJECT ENCODING {key}")), theirs.line()));
    }
    drop(server);
    let ours = spindle(&directory, &[]);
    let mut client = ours.connect();
    assert_eq!(say(&mut client, "DEBUG DIGEST"), digest);
    assert_eq!(say(&mut client, "SELECT 3"), "+OK");
    for (key, encoding) in keys.iter().zip(encodings) {
        assert_eq!((say(&mut client, &format!("OBJECT ENCODING {key}")), client.line()), encoding, "{key}");
    }
    assert_eq!(say(&mut client, "DEBUG RELOAD"), "+OK");
    assert_eq!(say(&mut client, "DEBUG DIGEST"), digest);
}

// --- The end

#[test]
fn the_end_saves_if_that_is_set() {
    let directory = Directory::new();
    let end = |arguments: &[&str], key: &str, end: &dyn Fn(&Server, &mut Client)| {
        let mut server = spindle(&directory, arguments);
        let mut client = server.connect();
        assert_eq!(say(&mut client, &format!("SET {key} 1")), "+OK");
        end(&server, &mut client);
        assert!(server.wait().success(), "{}", server.log());
        assert!(!directory.names().iter().any(|name| name.contains("temp")), "{:?}", directory.names());
    };
    let points: &[&str] = &["--save", "60 1"];
    end(&[], "lost", &|_, client| client.send("SHUTDOWN\r\n"));
    end(&[], "lost", &|server, _| server.signal("TERM"));
    end(&[], "asked", &|_, client| client.send("SHUTDOWN SAVE\r\n"));
    end(points, "lost", &|_, client| client.send("SHUTDOWN NOSAVE\r\n"));
    end(points, "set", &|_, client| client.send("SHUTDOWN\r\n"));
    end(points, "terminated", &|server, _| server.signal("TERM"));
    end(points, "twice", &|server, _| (0..2).for_each(|_| server.signal("TERM")));
    end(points, "interrupted", &|server, _| server.signal("INT"));
    end(&["--save", "60 1", "--shutdown-on-sigterm", "nosave"], "lost", &|server, _| server.signal("TERM"));
    end(&["--shutdown-on-sigint", "save"], "said", &|server, _| server.signal("INT"));
    let server = spindle(&directory, &[]);
    let mut client = server.connect();
    assert_eq!(say(&mut client, "EXISTS lost asked set terminated twice interrupted said"), ":6");
    assert_eq!(say(&mut client, "EXISTS lost"), ":0");
}

/// The file cannot get its name: a directory has it.
#[test]
fn who_cannot_save_is_told_and_does_not_end() {
    let directory = Directory::new();
    let mut server = spindle(&directory, &["--save", "60 1"]);
    let mut client = server.connect();
    fs::create_dir(directory.file("dump.rdb")).unwrap();
    assert_eq!(say(&mut client, "SET k v"), "+OK");
    assert_eq!(say(&mut client, "SAVE"), "-ERR");
    assert_eq!(say(&mut client, "DEBUG RELOAD"), "-ERR");
    assert_eq!(say(&mut client, "SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.");
    server.signal("TERM");
    process::eventually("it says why", || server.log().contains("Errors trying to shut down the server"));
    assert_eq!(say(&mut client, "EXISTS k"), ":1");
    assert_eq!(directory.names(), ["dump.rdb"]);
    assert!(server.log().contains("Write error saving DB on disk: 'dump.rdb' in"), "{}", server.log());
    client.send("SHUTDOWN SAVE FORCE\r\n");
    assert!(server.wait().success());
}

// --- Files that cannot be loaded

#[test]
fn a_file_that_is_broken_ends_the_start_and_stays() {
    let directory = Directory::new();
    let server = spindle(&directory, &[]);
    let mut client = server.connect();
    fill(&mut client, 4);
    assert_eq!(say(&mut client, "SAVE"), "+OK");
    drop(server);
    let whole = fs::read(directory.file("dump.rdb")).unwrap();
    let start = |bytes: &[u8], message: &str| {
        fs::write(directory.file("dump.rdb"), bytes).unwrap();
        let port = process::free_port().to_string();
        let (code, log) = failure(&["--dir", directory.path(), "--port", &port]);
        assert_eq!(code, Some(1), "{log}");
        assert_eq!(log.matches("Fatal error loading the DB").count(), 1, "{log}");
        // The reason, and then the end.
        assert!(log.find("bye bye") > log.find("Fatal error"), "{log}");
        assert!(log.contains(message), "'{message}' is missing in: {log}");
        assert_eq!(fs::read(directory.file("dump.rdb")).unwrap(), bytes);
    };
    start(&whole[..whole.len() / 2], &format!("at byte {}", whole.len() / 2));
    start(b"REDIS", "at byte");
    start(b"REDIS9999", "version 9999 is not known, at byte 5");
    let mut bent = whole.clone();
    *bent.last_mut().unwrap() ^= 1;
    start(&bent, "its checksum is not that of its bytes");
    let mut bytes = b"REDIS0011".to_vec();
    bytes.extend([0, 1, b'k', 1, b'v', 0, 1, b'k', 1, b'w', 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    start(&bytes, "key 'k' is in database 0 already, at byte 19");
}

#[test]
fn a_file_is_named_by_its_name_alone() {
    let (code, text) = failure(&["--dbfilename", "a/b"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("dbfilename can't be a path, just a filename"), "{text}");
    let directory = Directory::new();
    let server = spindle(&directory, &["--enable-protected-configs", "local"]);
    let mut client = server.connect();
    let refusal = "-ERR CONFIG SET failed (possibly related to argument 'dbfilename') - dbfilename can't be a path, just \
                   a filename";
    assert_eq!(say(&mut client, "CONFIG SET dbfilename ../a"), refusal);
    fs::create_dir(directory.0.join("sub")).unwrap();
    assert_eq!(say(&mut client, "CONFIG SET dbfilename other.rdb dir sub"), "+OK");
    assert_eq!(say(&mut client, "SAVE"), "+OK");
    assert!(directory.0.join("sub/other.rdb").exists());
}

// --- By hand: the disk fails, others come

fn bench() -> Bench {
    let mut config = Config::default();
    config.enable_debug_command = Permission::Yes;
    config.set_one("save", &[b"60 1".to_vec()], Source::CommandLine).expect("save points");
    Bench::with_table(config, &COMMANDS)
}

#[test]
fn a_save_that_breaks_off_leaves_the_old_file() {
    let mut bench = bench();
    let id = bench.open();
    assert_eq!(bench.ask(id, "SET k old"), "+OK");
    assert_eq!(bench.ask(id, "SAVE"), "+OK");
    let (files, old) = (bench.host.files.clone(), bench.host.files.get("dump.rdb").expect("a file"));
    assert_eq!(bench.ask(id, "DEBUG POPULATE 20000"), "+OK");
    assert_eq!(bench.ask(id, "SET k new"), "+OK");
    for room in [0, 1, 70_000, 200_000] {
        files.fill_up(Some(room));
        assert_eq!(bench.ask(id, "SAVE"), "-ERR", "room for {room} bytes");
        assert_eq!(files.get("dump.rdb").as_ref(), Some(&old));
    }
    files.fill_up(None);
    files.refuse_to_finish(true);
    assert_eq!(bench.ask(id, "SAVE"), "-ERR");
    assert_eq!(bench.ask(id, "SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.");
    assert_eq!(files.get("dump.rdb"), Some(old));
    assert_eq!(bench.ask(id, "GET k"), "$3 new");
    files.refuse_to_finish(false);
    assert_eq!(bench.ask(id, "SAVE"), "+OK");
    assert_eq!(bench.ask(id, "DEBUG RELOAD NOSAVE"), "+OK");
    assert_eq!(bench.ask(id, "GET k"), "$3 new");
    // Where data is saved, that there is none is saved at once.
    assert_eq!(bench.ask(id, "FLUSHALL"), "+OK");
    assert_eq!(bench.ask(id, "DEBUG RELOAD NOSAVE"), "+OK");
    assert_eq!(bench.ask(id, "DBSIZE"), ":0");
    bench.engine.check();
}

#[test]
fn who_comes_while_the_data_is_loaded_is_told_so() {
    let mut before = bench();
    let id = before.open();
    assert_eq!(before.ask(id, "DEBUG POPULATE 30000"), "+OK");
    assert_eq!(before.ask(id, "SET gone 1 PX 1"), "+OK");
    assert_eq!(before.ask(id, "SET stays 1 PX 100000"), "+OK");
    assert_eq!(before.ask(id, "SAVE"), "+OK");
    let bytes = before.host.files.get("dump.rdb").expect("a file").len();

    let mut bench = bench();
    bench.host.files = before.host.files.clone();
    bench.host.pass(5_000_000);
    // Time passes with each look at it, so that a slice ends.
    bench.host.drift = 30_000;
    bench.engine.begin_loading(bench.host.now, &mut bench.host).expect("a file");
    bench.engine.load_some(bench.host.now, &mut bench.host).expect("it can be read");
    assert!(bench.engine.is_loading());
    bench.host.pass(3_000_000);
    let id = bench.open();
    let loading = "-LOADING Redis is loading the dataset in memory";
    for line in ["GET k", "SET k v", "PING", "DBSIZE", "SAVE", "WAIT 0 0"] {
        assert_eq!(bench.ask(id, line), loading, "{line}");
    }
    assert_eq!(bench.ask(id, "CONFIG SET dir ."), loading);
    assert_eq!(bench.ask(id, "CONFIG SET rdbcompression no"), "+OK");
    assert_eq!(bench.ask(id, "MULTI"), "+OK");
    assert_eq!(bench.ask(id, "GET k"), loading);
    assert!(bench.ask(id, "EXEC").starts_with("-EXECABORT"));
    assert_eq!(bench.ask(id, "SELECT 1"), "+OK");
    assert_eq!(bench.ask(id, "SUBSCRIBE c"), "*3 $9 subscribe $1 c :1");
    assert_eq!(bench.ask(id, "RESET"), "+RESET");
    let info = bench.ask(id, "INFO persistence");
    let field = |name: &str| {
        let line = info.split(' ').find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("{name} is missing in {info}")).to_string()
    };
    assert_eq!((field("loading"), field("async_loading")), ("1".into(), "0".into()));
    assert_eq!(field("loading_total_bytes"), bytes.to_string());
    let loaded: usize = field("loading_loaded_bytes").parse().unwrap();
    assert!((1..bytes).contains(&loaded), "{loaded} of {bytes}");
    assert_eq!(field("loading_loaded_perc"), format!("{:.2}", 100.0 * loaded as f64 / bytes as f64));
    assert_eq!(field("loading_start_time"), "1800000005");
    assert_eq!(field("loading_rdb_used_mem"), "4096");
    assert_eq!(field("loading_eta_seconds"), (3 * (bytes - loaded) / (loaded + 1)).to_string());
    // Half of the data is not saved over the whole.
    assert!(bench.engine.may_end(&["save".into()], &mut bench.host));
    assert_eq!(bench.host.files.get("dump.rdb").map(|bytes| bytes.len()), Some(bytes));

    let mut slices = 1;
    while bench.engine.is_loading() {
        bench.engine.load_some(bench.host.now, &mut bench.host).expect("it can be read");
        slices += 1;
    }
    assert!(slices > 3, "{slices}");
    assert_eq!(bench.ask(id, "DBSIZE"), ":30001");
    assert_eq!(bench.ask(id, "PTTL stays"), ":92000");
    let info = bench.ask(id, "INFO persistence");
    for line in [
        "loading:0",
        "rdb_changes_since_last_save:0",
        "rdb_last_load_keys_expired:1",
        "rdb_last_load_keys_loaded:30001",
    ] {
        assert!(info.split(' ').any(|it| it == line), "{line} is missing in {info}");
    }
    assert!(!info.contains("loading_start_time"));
    bench.engine.check();
}

/// One value of a collection is loaded in slices too: others are heard between two of its elements.
#[test]
fn who_comes_while_a_large_value_is_loaded_is_told_so() {
    const COUNT: usize = 40_000;
    for command in ["RPUSH", "SADD", "HSET", "ZADD"] {
        let mut before = bench();
        let id = before.open();
        let members: String = (0..COUNT)
            .map(|at| match command {
                "HSET" => format!(" field:{at} value:{at}"),
                "ZADD" => format!(" {at} member:{at}"),
                _ => format!(" element:{at}"),
            })
            .collect();
        assert!(before.ask(id, &format!("{command} k{members}")).starts_with(':'));
        let digest = before.ask(id, "DEBUG DIGEST");
        assert_eq!(before.ask(id, "SAVE"), "+OK");
        let bytes = before.host.files.get("dump.rdb").expect("a file").len();

        let mut bench = bench();
        bench.host.files = before.host.files.clone();
        // Each slice is as short as can be.
        bench.host.drift = 5_000_000;
        bench.engine.begin_loading(bench.host.now, &mut bench.host).expect("a file");
        let (id, mut slices) = (bench.open(), 0);
        loop {
            bench.engine.load_some(bench.host.now, &mut bench.host).expect("it can be read");
            if !bench.engine.is_loading() {
                break;
            }
            slices += 1;
            assert_eq!(bench.ask(id, "PING"), "-LOADING Redis is loading the dataset in memory");
        }
        // 64 KB each.
        assert!(slices >= bytes / 70_000 && bytes > 100_000, "{command}: {slices} for {bytes} bytes");
        assert_eq!(bench.ask(id, "DEBUG DIGEST"), digest, "{command}");
        bench.engine.check();
    }
}

#[test]
fn loading_takes_the_time_that_is_asked_for() {
    let mut before = bench();
    let id = before.open();
    assert_eq!(before.ask(id, "DEBUG POPULATE 2000"), "+OK");
    assert_eq!(before.ask(id, "SAVE"), "+OK");
    // Microseconds for a key, or keys in a microsecond; and the keys that are there after 10 ms.
    for (delay, there) in [("50", 201), ("9999", 2), ("-1", 2000), ("0", 2000)] {
        let mut bench = bench();
        bench.host.files = before.host.files.clone();
        let id = bench.open();
        assert_eq!(bench.ask(id, &format!("CONFIG SET key-load-delay {delay}")), "+OK");
        bench.engine.begin_loading(bench.host.now, &mut bench.host).expect("a file");
        bench.host.pass(10_000);
        bench.engine.load_some(bench.host.now, &mut bench.host).expect("it can be read");
        assert_eq!(bench.engine.is_loading(), there < 2000, "{delay}");
        if there == 2000 {
            assert_eq!(bench.ask(id, "DBSIZE"), ":2000", "{delay}");
            continue;
        }
        let info = bench.ask(id, "INFO keyspace");
        assert!(info.contains(&format!("db0:keys={there},")), "{delay}: {info}");
        // Until the next key is due there is nothing to do.
        assert!(!bench.engine.is_loading_due(bench.host.now));
        let delay_us: u64 = delay.parse().unwrap();
        bench.host.pass(there * delay_us - 10_000 - 1);
        assert!(!bench.engine.is_loading_due(bench.host.now));
        bench.host.pass(1);
        assert!(bench.engine.is_loading_due(bench.host.now));
        bench.engine.load_some(bench.host.now, &mut bench.host).expect("it can be read");
        let info = bench.ask(id, "INFO keyspace");
        assert!(info.contains(&format!("db0:keys={},", there + 1)), "{delay}: {info}");
        bench.engine.check();
    }
}

#[test]
fn uses_are_saved_where_the_policy_counts_them() {
    let mut bench = bench();
    let id = bench.open();
    for policy in ["allkeys-lru", "allkeys-lfu", "noeviction"] {
        assert_eq!(bench.ask(id, &format!("CONFIG SET maxmemory-policy {policy}")), "+OK");
        assert_eq!(bench.ask(id, "SET k v"), "+OK");
        bench.host.pass(20_000_000);
        assert_eq!(bench.ask(id, "DEBUG RELOAD"), "+OK");
        match policy {
            "allkeys-lfu" => assert_eq!(bench.ask(id, "OBJECT FREQ k"), ":6"),
            "allkeys-lru" => assert_eq!(bench.ask(id, "OBJECT IDLETIME k"), ":20"),
            _ => assert_eq!(bench.ask(id, "OBJECT IDLETIME k"), ":0"),
        }
    }
}
