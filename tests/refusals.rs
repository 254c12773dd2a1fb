//! Wrong requests to a real Redis 7.0 and to the engine in memory: both refuse, in the same words, or neither does. They
//! are made from each command's syntax (samples.rs), chosen (refusals.txt), and changed at random.
//! `SPINDLE_SEED=n` changes other words, `COUNT=n` as many.

#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "support/samples.rs"]
mod samples;
#[path = "support/transcript/mod.rs"]
mod transcript;

use redis_server::RedisServer;
use samples::{Line, changed, requests, spoiled};
use spindle::command::Entry;
use spindle::command::facts::BLOCKING;
use spindle::commands::COMMANDS;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use transcript::engine::{InMemory, Pieces};
use transcript::play::{Patience, Peer, Received};
use transcript::text;
use transcript::value::{Value, decode};

/// Ends the server, sleeps, waits, follows another, or is silent.
const LEFT_OUT: &[&str] =
    &["SHUTDOWN", "DEBUG|SLEEP", "WAIT", "WAITAOF", "REPLICAOF", "SLAVEOF", "CLIENT|PAUSE", "CLIENT|REPLY"];

/// What Redis 7.0 answers otherwise than 8.0, which is what Spindle holds to, and words that only later servers know.
fn is_stated(line: &[String], ours: &str, theirs: &str) -> bool {
    let has = |word: &str| line.iter().any(|w| w.eq_ignore_ascii_case(word));
    match line[0].to_ascii_uppercase().as_str() {
        // 7.0 signs in before it reads on.
        "HELLO" if has("AUTH") => theirs.starts_with("WRONGPASS") && ours.starts_with("ERR "),
        "CLIENT" => has("MAXAGE"),
        // 7.0 counts beyond the largest number.
        _ if waits(line) && ours == "ERR timeout is out of range" => theirs == "ERR timeout is negative",
        // Valkey's.
        "SET" => has("IFEQ"),
        // A form does not know how many databases there are, so it is read to its end before that is judged.
        "COPY" => theirs == "ERR DB index is out of range" && ours == "ERR syntax error",
        // The port is read when it is known that the words go together.
        "FAILOVER" => theirs == "ERR value is not an integer or out of range" && ours == "ERR syntax error",
        // 7.0 takes any word for a cursor that begins with blanks or a sign, or is empty.
        "SCAN" => ours == "ERR invalid cursor",
        // A form is read to its end before any key is looked at, and here is none.
        "SSCAN" | "HSCAN" | "ZSCAN" => theirs == "accepted" || ours == "ERR invalid cursor",
        // WITHSCORE came with 7.2.
        "ZRANK" | "ZREVRANK" => theirs.starts_with("ERR wrong number of arguments"),
        // 7.0 wants two words more; and a command that it is asked about may be one that Spindle does not have.
        "COMMAND" if has("GETKEYS") || has("GETKEYSANDFLAGS") => {
            let few = line.len() == 3 && theirs.starts_with("ERR wrong number of arguments");
            few || ours == "ERR Invalid command specified"
        }
        // Spindle does not change its port while it runs.
        "CONFIG" => has("port") && ours.ends_with("can't set immutable config"),
        _ => false,
    }
}

/// Commands that Redis 7.0 has too.
fn compared() -> impl Iterator<Item = &'static Entry> {
    COMMANDS.entries.iter().filter(|entry| {
        let row = format!("\n{}\t", entry.facts.name);
        let facts = include_str!("facts/commands.tsv");
        let line = facts[facts.find(&row).expect("tests/table.rs finds it") + 1..].lines().next().unwrap();
        line.split('\t').nth(11) == Some("y") && !LEFT_OUT.contains(&entry.facts.name)
    })
}

#[test]
fn chosen() {
    let lines = include_str!("refusals.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let words = |line: &str| -> Line { line.split(' ').map(|word| word.trim_matches('\'').to_string()).collect() };
    let facts = include_str!("facts/commands.tsv");
    // Of a command that is not there yet Spindle says that it does not know it.
    let is_there = |line: &Line| {
        let name = line[0].to_uppercase();
        COMMANDS.named(name.as_bytes()).is_some() || !facts.contains(&format!("\n{name}\t"))
    };
    compare(lines.map(words).filter(is_there));
}

#[test]
fn made_from_each_syntax() {
    compare(compared().flat_map(|entry| [requests(entry), spoiled(entry)].concat()));
}

#[test]
fn changed_at_random() {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |n| n.parse().expect(name));
    let (seed, count) = (number("SPINDLE_SEED", 1), number("COUNT", 2000));
    println!("SPINDLE_SEED={seed}");
    let good: Vec<Line> = compared().flat_map(requests).collect();
    compare(changed(&good, seed, count as usize));
}

/// Sends each line to both, each time to a server without data and a connection that chose nothing.
fn compare(lines: impl Iterator<Item = Line>) {
    let redis = RedisServer::start(&[]);
    let (mut stream, mut engine) = (connect(&redis), InMemory::new(Pieces::Whole));
    let (mut total, mut refused, mut differ) = (0, 0, vec![]);
    for line in lines {
        let words =
            |line: &[String]| text::request(&line.iter().map(|word| word.clone().into_bytes()).collect::<Vec<_>>());
        // In a transaction nothing waits.
        let (request, count) = match waits(&line) {
            true => ([words(&["MULTI".into()]), words(&line), words(&["EXEC".into()])].concat(), 3),
            false => (words(&line), 1),
        };
        let theirs = ask_redis(&mut stream, &request, count).unwrap_or_else(|_| {
            // What it was asked before has ended the connection.
            stream = connect(&redis);
            ask_redis(&mut stream, &request, count)
                .unwrap_or_else(|why| panic!("redis-server does not answer {line:?}: {why}"))
        });
        let ours = ask_engine(&mut engine, &request);
        total += 1;
        refused += (ours != "accepted") as usize;
        if ours != theirs && !is_stated(&line, &ours, &theirs) {
            differ.push(format!("{}\n   redis   {theirs}\n   spindle {ours}", line.join(" ")));
        }
    }
    println!("{total} requests, {refused} refused, {} differ", differ.len());
    let shown = differ.len().min(40);
    assert!(differ.is_empty(), "{} of {total} differ:\n{}", differ.len(), differ[..shown].join("\n"));
}

fn connect(redis: &RedisServer) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", redis.port)).expect("redis-server listens");
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// In two writes: Redis 8.0.6 keeps back the answer to a refused AUTH behind other replies.
fn ask_redis(stream: &mut TcpStream, request: &[u8], count: usize) -> std::io::Result<String> {
    const FRESH: &[u8] = b"*1\r\n$5\r\nRESET\r\n*1\r\n$8\r\nFLUSHALL\r\n";
    replies(stream, FRESH, 2)?;
    Ok(refusal(&replies(stream, request, count)?))
}

fn replies(stream: &mut TcpStream, request: &[u8], count: usize) -> std::io::Result<Vec<Value>> {
    stream.write_all(request)?;
    let (mut bytes, mut replies, mut room) = (vec![], vec![], [0; 65536]);
    while replies.len() < count {
        let read = stream.read(&mut room)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&room[..read]);
        while let Some((value, length)) = decode(&bytes).expect("a reply of redis-server") {
            bytes.drain(..length);
            replies.push(value);
        }
    }
    Ok(replies)
}

fn ask_engine(engine: &mut InMemory, request: &[u8]) -> String {
    engine.begin(&[]).expect("the defaults are good");
    engine.open(1);
    engine.send(1, request);
    match engine.receive(1, Patience::Long) {
        Received::Bytes(mut bytes) => {
            let mut replies = vec![];
            while let Some((value, length)) = decode(&bytes).expect("a reply") {
                bytes.drain(..length);
                replies.push(value);
            }
            refusal(&replies)
        }
        other => format!("{other:?}"),
    }
}

fn waits(line: &[String]) -> bool {
    COMMANDS.named(line[0].to_uppercase().as_bytes()).is_some_and(|entry| entry.facts.is(BLOCKING))
}

/// Of one reply, or of those to a transaction of one command.
fn refusal(replies: &[Value]) -> String {
    let value = match replies {
        [_, _, Value::List(_, run)] if run.len() == 1 => &run[0],
        [_, queued, _] => queued,
        _ => &replies[0],
    };
    match value {
        Value::Error(text) => String::from_utf8_lossy(text).trim_end().to_string(),
        _ => "accepted".into(),
    }
}
