//! The arguments of each command as COMMAND DOCS tells them, beside those of a real Redis: redis-cli makes its hints of
//! them. Names are free; kinds, tokens and flags are compared. Where a tree differs in shape, it is stated with its reason.

#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "support/transcript/mod.rs"]
mod transcript;

use redis_server::RedisServer;
use spindle::command::docs::{Argument, arguments};
use spindle::command::syntax::Syntax;
use spindle::commands::COMMANDS;
use std::io::{Read, Write};
use std::net::TcpStream;
use transcript::text;
use transcript::value::{Value, decode};

const DIFFER: &[(&str, &str)] = &[
    ("AUTH", "one word or two: what may be left out comes first"),
    ("CLIENT|KILL", "filters are not optional one by one; SKIPME has two words"),
    ("CLIENT|LIST", "TYPE or ID, not both; SLAVE is still a type"),
    ("COMMAND|GETKEYS", "Redis 7.0 tells no arguments"),
    ("COMMAND|GETKEYSANDFLAGS", "Redis 7.0 tells no arguments"),
    ("CONFIG|GET", "a word in no block, and it is a pattern"),
    ("DEBUG", "Redis tells no arguments"),
    ("EXPIRE", "XX and GT go together, so they are no choice"),
    ("EXPIREAT", "as EXPIRE"),
    ("PEXPIRE", "as EXPIRE"),
    ("PEXPIREAT", "as EXPIRE"),
    ("FAILOVER", "FORCE is taken without TO as well"),
    ("HSCAN", "NOVALUES is younger than 7.0"),
    ("QUIT", "it takes words and ignores them"),
    ("REPLICAOF", "NO ONE are a host and a port that mean nobody"),
    ("SLAVEOF", "as REPLICAOF"),
    ("RESTORE", "IDLETIME or FREQ, not both"),
    ("SET", "IFEQ is Valkey's"),
    ("SORT", "GET may come again, in which case all count"),
    ("SORT_RO", "as SORT"),
    ("ZRANGEBYLEX", "WITHSCORES has a refusal of its own"),
    ("ZREVRANGEBYLEX", "as ZRANGEBYLEX"),
    ("ZREVRANGE", "a LIMIT that cuts nothing is taken"),
    ("ZRANK", "WITHSCORE is Redis 7.2's"),
    ("ZREVRANK", "as ZRANK"),
];

#[test]
fn arguments_have_the_shape_of_redis() {
    let redis = RedisServer::start(&[]);
    let mut stream = TcpStream::connect(("127.0.0.1", redis.port)).expect("redis-server listens");
    let (mut compared, mut shown) = (0, String::new());
    for entry in COMMANDS.entries.iter().filter(|entry| entry.subcommands == 0) {
        let docs = docs_of(&mut stream, entry.facts.name);
        let Some(docs) = list(&docs).get(1) else { continue };
        let Syntax::All(fields) = entry.syntax else { panic!("a form has fields") };
        let (mut a, mut b) = (vec![], vec![]);
        ours(&arguments(fields), 2, &mut a);
        theirs(field(docs, "arguments").map_or(&[], list), 2, &mut b);
        compared += 1;
        // What is refused before it is read has words of no kind.
        let is_off = entry.facts.group == "cluster" || entry.facts.name.starts_with("MODULE|");
        if a != b && !is_off && !DIFFER.iter().any(|(name, _)| *name == entry.facts.name) {
            shown += &format!("{}\n  spindle\n{}\n  redis\n{}\n", entry.facts.name, a.join("\n"), b.join("\n"));
        }
    }
    assert!(compared > 50, "redis-server knows only {compared} of the commands");
    assert!(shown.is_empty(), "\n{shown}");
}

fn ours(arguments: &[Argument], depth: usize, to: &mut Vec<String>) {
    for argument in arguments {
        let Argument { kind, token, optional, multiple, of, .. } = argument;
        let flags = ["", " optional"][*optional as usize].to_string() + ["", " multiple"][*multiple as usize];
        to.push(format!("{:depth$}{kind} {}{flags}", "", token.unwrap_or("")));
        ours(of, depth + 2, to);
    }
}

fn theirs(arguments: &[Value], depth: usize, to: &mut Vec<String>) {
    for argument in arguments {
        let word = |key| field(argument, key).map_or("".into(), text_of);
        let flags: String =
            field(argument, "flags").map_or(&[][..], list).iter().map(|f| format!(" {}", text_of(f))).collect();
        to.push(format!("{:depth$}{} {}{flags}", "", word("type"), word("token")));
        theirs(field(argument, "arguments").map_or(&[], list), depth + 2, to);
    }
}

fn docs_of(stream: &mut TcpStream, name: &str) -> Value {
    let words = ["COMMAND", "DOCS", name].map(|word| word.as_bytes().to_vec());
    stream.write_all(&text::request(&words)).unwrap();
    let (mut bytes, mut room) = (vec![], [0; 65536]);
    loop {
        let count = stream.read(&mut room).expect("a reply of redis-server");
        bytes.extend_from_slice(&room[..count]);
        if let Some((value, _)) = decode(&bytes).expect("a reply of redis-server") {
            return value;
        }
    }
}

fn field<'v>(map: &'v Value, key: &str) -> Option<&'v Value> {
    list(map).chunks(2).find(|pair| text_of(&pair[0]) == key).map(|pair| &pair[1])
}

fn list(value: &Value) -> &[Value] {
    let Value::List(_, items) = value else { panic!("no list: {value:?}") };
    items
}

fn text_of(value: &Value) -> String {
    let (Value::Bulk(text) | Value::Simple(text)) = value else { panic!("no text: {value:?}") };
    String::from_utf8_lossy(text).into_owned()
}
