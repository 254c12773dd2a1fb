//! Files and payloads of a real Redis, both ways: what it has written is read, written anew and given back, and its own
//! DEBUG DIGEST must be the same. `REDIS_SERVER=path` names another server than the one on PATH: with Redis 8.0 or Valkey
//! 9.1 the same runs by hand. `SPINDLE_SEED` begins elsewhere, `SPINDLE_INPUTS` says how often.

#[path = "support/hand.rs"]
mod hand;
#[path = "support/redis_server.rs"]
mod redis_server;

use hand::request_of;
use redis_server::RedisServer;
use spindle::base::random::Chance;
use spindle::engine::Config;
use spindle::persist::format::{self, Item, Limits, Options, Reader, Usage, Writer, version_for};
use spindle::store::value::list::Fill;
use spindle::store::{Collection, Event, Keyspace, NewExpiry, Value};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

// --- A client that says as little as possible

struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn new(server: &RedisServer) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(120))).unwrap();
        Client { stream: BufReader::new(stream) }
    }

    fn ask(&mut self, words: &[&[u8]]) -> Vec<u8> {
        self.stream.get_mut().write_all(&request_of(words)).unwrap();
        self.receive()
    }

    fn say(&mut self, line: &str) -> String {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        String::from_utf8_lossy(&self.ask(&words)).into_owned()
    }

    /// Strings, numbers and errors as they are; of a list its elements, each on a line.
    fn receive(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).unwrap();
        let (kind, rest) = (line[0], String::from_utf8_lossy(&line[1..]).trim_end().to_string());
        match kind {
            b'$' => {
                let Ok(length) = rest.parse::<usize>() else { return vec![] };
                let mut bytes = vec![0; length + 2];
                self.stream.read_exact(&mut bytes).unwrap();
                bytes.truncate(length);
                bytes
            }
            b'*' => {
                let lines: Vec<Vec<u8>> = (0..rest.parse().unwrap_or(0)).map(|_| self.receive()).collect();
                lines.join(&b'\n')
            }
            _ => rest.into_bytes(),
        }
    }

    fn version(&mut self) -> (u32, bool) {
        let info = self.say("INFO server");
        let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).map(str::to_string);
        let version = field("valkey_version:").or_else(|| field("redis_version:")).expect("it has a version");
        (version.split('.').next().unwrap().parse().unwrap(), field("valkey_version:").is_some())
    }
}

/// A directory that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("spindle-{name}-{}", std::process::id()));
        // A process of this number that was killed may have left one, with a file that this server cannot load.
        _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("dump.rdb")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

fn start(directory: &Path, more: &[&str]) -> RedisServer {
    let mut arguments = vec!["--dir", directory.to_str().unwrap(), "--dbfilename", "dump.rdb"];
    arguments.extend(["--enable-debug-command", "yes", "--loglevel", "warning"]);
    arguments.extend(more);
    RedisServer::start(&arguments)
}

/// Waits until it has loaded its file.
fn loaded(server: &RedisServer) -> Client {
    let mut client = Client::new(server);
    while client.say("PING").starts_with("LOADING") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    client
}

// --- Data

fn word(chance: &mut Chance, longest: u64) -> Vec<u8> {
    match chance.below(4) {
        0 => ((chance.next() as i64) >> chance.below(64)).to_string().into_bytes(),
        1 => b"abcdefgh".repeat(chance.below(longest / 8 + 1) as usize),
        2 => (0..chance.below(longest + 1)).map(|_| chance.below(256) as u8).collect(),
        _ => format!("word:{}", chance.below(1_000_000)).into_bytes(),
    }
}

fn score(chance: &mut Chance) -> String {
    match chance.below(6) {
        0 => "inf".into(),
        1 => "-inf".into(),
        2 => format!("{}", chance.next() as i64),
        3 => format!("{}e-{}", chance.below(1 << 40), chance.below(300)),
        _ => format!("{}", chance.below(100) as f64 / 8.0 - 4.0),
    }
}

/// Keys of all types, in all encodings, some with an expiry.
fn fill(client: &mut Client, chance: &mut Chance, fields_expire: bool) {
    for (number, text) in
        ["", "0", "-128", "127", "128", "-32768", "2147483647", "-2147483649", "9223372036854775807"].iter().enumerate()
    {
        client.ask(&[b"SET", format!("integer:{number}").as_bytes(), text.as_bytes()]);
    }
    client.ask(&[b"SET", b"long", &b"Spindle ".repeat(5000)]);
    client.ask(&[b"SET", b"random", &(0..30_000).map(|_| chance.next() as u8).collect::<Vec<u8>>()]);
    for number in 0..60 {
        let count = [1, 3, 60, 127, 128, 129, 200, 512, 600][chance.below(9) as usize];
        let longest = [1, 10, 64, 65, 100, if count > 100 { 100 } else { 10_000 }][chance.below(6) as usize];
        let database = chance.below(3);
        client.say(&format!("SELECT {database}"));
        let key = format!("key:{number}");
        let integers = chance.below(3) == 0;
        let element = |chance: &mut Chance| match integers {
            true => (chance.next() as i64 >> (16 * chance.below(4))).to_string().into_bytes(),
            false => word(chance, longest),
        };
        let mut words: Vec<Vec<u8>> = vec![];
        let kind = ["RPUSH", "SADD", "HSET", "ZADD", "SET"][chance.below(5) as usize];
        for _ in 0..if kind == "SET" { 1 } else { count } {
            if kind == "ZADD" {
                words.push(score(chance).into_bytes());
            }
            words.push(element(chance));
            if kind == "HSET" {
                words.push(element(chance));
            }
        }
        let mut request: Vec<&[u8]> = vec![kind.as_bytes(), key.as_bytes()];
        request.extend(words.iter().map(|word| word.as_slice()));
        client.ask(&request);
        if fields_expire && kind == "HSET" && chance.below(2) == 0 {
            for name in words.iter().step_by(2).take(20) {
                let at_ms = (4_000_000_000_000 + chance.below(1 << 30)).to_string();
                client.ask(&[b"HPEXPIREAT", key.as_bytes(), at_ms.as_bytes(), b"FIELDS", b"1", name]);
            }
        }
        if chance.below(3) == 0 {
            client.say(&format!("PEXPIREAT {key} {}", 4_000_000_000_000 + chance.below(1 << 30)));
        }
    }
    client.say("SELECT 0");
}

fn data() -> (Keyspace, Limits) {
    let data = Keyspace::new(16, [5, 6, 7, 8]);
    let limits = Config::default().limits(data.hasher());
    (data, limits)
}

const OPTIONS: Options = Options { compress: true, fill: Fill(-2) };

fn read(bytes: &[u8]) -> Keyspace {
    let (mut data, limits) = data();
    let mut reader = Reader::open(bytes, 16, limits).expect("a header");
    while let Some(item) = reader.read().unwrap_or_else(|trouble| panic!("{trouble}")) {
        if let Item::Entry(mut loaded) = item {
            let expiry = loaded.expires_ms.map_or(NewExpiry::Never, NewExpiry::At);
            data.open(loaded.database, &loaded.key, 0).renew(loaded.value.content(), expiry, Event::generic("load"));
        }
    }
    data
}

fn write(data: &Keyspace, compress: bool) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), version_for(data), true, Options { compress, ..OPTIONS });
    writer.aux("redis-ver", "7.0.15");
    for (number, database) in data.databases().iter().enumerate().filter(|(_, database)| !database.is_empty()) {
        writer.database(number, database.len(), database.volatile());
        for (at, entry) in database.iter().enumerate() {
            let usage = [None, Some(Usage::Idle(100_000)), Some(Usage::Frequency(7))][at % 3];
            writer.entry(entry, usage, 0);
        }
    }
    writer.finish()
}

fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().expect("a number"));
    let first = number("SPINDLE_SEED", 1);
    first..first + number("SPINDLE_INPUTS", 3)
}

// --- The tests

#[test]
fn a_file_goes_through_and_its_digest_stays() {
    for seed in seeds() {
        println!("SPINDLE_SEED={seed}");
        let (mut chance, theirs, ours) = (Chance::from_seed(seed), Scratch::new("theirs"), Scratch::new("ours"));
        let compression = ["yes", "no"][seed as usize % 2];
        let first = start(&theirs.0, &["--rdbcompression", compression]);
        let mut client = Client::new(&first);
        let (version, is_valkey) = client.version();
        // A hash with fields that expire is written as Redis 8.0 does, which Valkey does not read.
        fill(&mut client, &mut chance, version >= 8 && !is_valkey);
        let digest = client.say("DEBUG DIGEST");
        assert_eq!(client.say("SAVE"), "OK");
        let data = read(&std::fs::read(theirs.file()).unwrap());
        // What was made by commands may have another encoding than what was read.
        assert_eq!(client.say("DEBUG RELOAD"), "OK");
        compare_encodings(&data, &mut client);
        std::fs::write(ours.file(), write(&data, seed % 3 == 0)).unwrap();
        let second = start(&ours.0, &[]);
        let mut client = loaded(&second);
        assert_eq!(client.say("DEBUG DIGEST"), digest);
        compare_encodings(&data, &mut client);
    }
}

/// OBJECT ENCODING is the same, as far as that version knows these encodings.
fn compare_encodings(data: &Keyspace, client: &mut Client) {
    let (version, is_valkey) = client.version();
    for (number, database) in data.databases().iter().enumerate() {
        client.say(&format!("SELECT {number}"));
        for entry in database.iter() {
            let known = client.ask(&[b"OBJECT", b"ENCODING", entry.key()]);
            let (known, value) = (String::from_utf8_lossy(&known).into_owned(), entry.value());
            // Valkey counts the bytes of a short string otherwise.
            let is_newer = is_valkey && value.type_name() == "string"
                || version < 8 && matches!((value.type_name(), value.encoding()), ("list", _) | ("set", "listpack"));
            let (key, encoding) = (entry.key().escape_ascii(), value.encoding());
            assert!(known == encoding || is_newer, "{key}: {encoding}, {} elements, not {known}", length(&value));
        }
    }
    client.say("SELECT 0");
}

fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Set(set) => set.len(),
        Value::Hash(hash) => hash.len(),
        Value::SortedSet(set) => set.len(),
    }
}

#[test]
fn a_payload_goes_through_and_its_digest_stays() {
    for seed in seeds() {
        println!("SPINDLE_SEED={seed}");
        let (mut chance, scratch) = (Chance::from_seed(seed), Scratch::new("payloads"));
        let server = start(&scratch.0, &[]);
        let mut client = Client::new(&server);
        let (version, is_valkey) = client.version();
        fill(&mut client, &mut chance, version >= 8 && !is_valkey);
        let (_, limits) = data();
        for number in 0..60 {
            let key = format!("key:{number}").into_bytes();
            let payload = client.ask(&[b"DUMP", &key]);
            if payload.is_empty() {
                continue; // It is in another database.
            }
            // The digest counts it too.
            let expiry = client.ask(&[b"PEXPIRETIME", &key]);
            let expiry = if expiry == b"-1" { b"0" } else { &expiry[..] };
            let (mut data, _) = data();
            let mut loaded = format::restore(&payload, &limits).unwrap_or_else(|trouble| panic!("{number}: {trouble}"));
            data.open(0, &key, 0).renew(loaded.content(), NewExpiry::Never, Event::generic("restore"));
            let value = data.peek(0, &key, 0).expect("it is there").value();
            for compress in [false, true] {
                let ours =
                    format::dump(&value, Options { compress, ..OPTIONS }, 0, usize::MAX).expect("it has elements");
                assert_eq!(
                    client.ask(&[b"RESTORE", b"copy", expiry, &ours, b"REPLACE", b"ABSTTL"]),
                    b"OK",
                    "key:{number}"
                );
                let digests = client.ask(&[b"DEBUG", b"DIGEST-VALUE", &key, b"copy"]);
                let digests: Vec<&[u8]> = digests.split(|byte| *byte == b'\n').collect();
                assert_eq!(digests[0], digests[1], "key:{number}");
            }
        }
    }
}
