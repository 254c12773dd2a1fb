//! Random commands to a real Redis and to the engine in memory: every answer must be the same.
//! `SPINDLE_SEED=n` begins elsewhere, `COUNT=n` sets the number of commands, `REDIS_SERVER=path` names another Redis,
//! and `REDIS_PORT=n` puts the server that listens there in the engine's place. The first seed decides the pieces in
//! which the engine is fed. A difference is told with its seed and the shortest row of commands that still shows it,
//! as a transcript. What the moment or the order of a table decides is compared loosely (`agree`).

#[path = "support/oracle/grammar.rs"]
mod grammar;
#[path = "support/redis_server.rs"]
mod redis_server;
#[path = "support/transcript/mod.rs"]
mod transcript;

use redis_server::RedisServer;
use spindle::base::random::Chance;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use transcript::engine::{InMemory, Pieces};
use transcript::play::{Patience, Peer, Received};
use transcript::tcp::Server;
use transcript::value::{Kind, Value};
use transcript::{pattern, text, value};

/// A round begins with empty servers, so that a difference has a short history.
const ROUND: usize = 500;
const PIPELINE: usize = 50;

type Words = Vec<Vec<u8>>;

#[test]
fn the_engine_answers_as_redis_does() {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |n| n.parse().expect(name));
    let (seed, count) = (number("SPINDLE_SEED", 1), number("COUNT", 20_000));
    let mut both = Both::start(seed);
    let since_8 = both.redis_is_8();
    for round in 0..count.div_ceil(ROUND as u64) {
        let seed = seed + round;
        let mut chance = Chance::from_seed(seed);
        let commands: Vec<Words> = (0..ROUND).map(|_| grammar::command(&mut chance, since_8)).collect();
        // Odd seeds speak RESP3.
        let protocol = 2 + (seed % 2) as u8;
        if let Some(at) = both.first_difference(&commands, protocol) {
            let short = shorten(&mut both, &commands[..=at], protocol);
            panic!("SPINDLE_SEED={seed} COUNT=1 shows a difference:\n\n{}", both.tell(&short, protocol));
        }
    }
}

/// The shortest suffix that still differs at its end, less every command that it can do without.
fn shorten(both: &mut Both, commands: &[Words], protocol: u8) -> Vec<Words> {
    let mut differs = |commands: &[Words]| both.first_difference(commands, protocol) == Some(commands.len() - 1);
    let mut length = 1;
    while length < commands.len() && !differs(&commands[commands.len() - length..]) {
        length += 1;
    }
    let mut short = commands[commands.len() - length..].to_vec();
    let mut at = 0;
    while at + 1 < short.len() {
        let mut less = short.clone();
        less.remove(at);
        if differs(&less) {
            short = less;
        } else {
            at += 1;
        }
    }
    short
}

struct Both {
    /// Kept for its end.
    _redis: RedisServer,
    stream: TcpStream,
    their_bytes: Vec<u8>,
    engine: Box<dyn Peer>,
    received: Vec<u8>,
    /// The longest time between the engine's clock of a pipeline and the end of it.
    slack: Duration,
}

impl Both {
    fn start(seed: u64) -> Self {
        let mut engine: Box<dyn Peer> = match std::env::var("REDIS_PORT") {
            Ok(port) => Box::new(Server::connect(port.parse().expect("REDIS_PORT is a number"))),
            Err(_) => Box::new(InMemory::new(Pieces::Seeded(seed))),
        };
        engine.open(1);
        let redis = RedisServer::start(&[]);
        let stream = TcpStream::connect(("127.0.0.1", redis.port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { _redis: redis, stream, their_bytes: vec![], engine, received: vec![], slack: Duration::ZERO }
    }

    fn redis_is_8(&mut self) -> bool {
        let info = self.ask_redis(&text::request(&[b"INFO".to_vec(), b"server".to_vec()]), 1);
        matches!(&info[0], Value::Bulk(info) if info.windows(15).any(|part| part == b"redis_version:8"))
    }

    /// The place of the first command that is answered differently, from empty servers.
    fn first_difference(&mut self, commands: &[Words], protocol: u8) -> Option<usize> {
        let protocol = protocol.to_string();
        let start = [&["FLUSHALL"][..], &["RESET"], &["HELLO", &protocol]];
        let start: Vec<Words> = start.map(|words| words.iter().map(|w| w.as_bytes().to_vec()).collect()).to_vec();
        self.ask(&start);
        for (n, pipeline) in commands.chunks(PIPELINE).enumerate() {
            let answers = self.ask(pipeline);
            let slack_ms = self.slack.as_millis() as i64;
            let differs = |(words, (ours, theirs)): (&Words, &(Value, Value))| !agree(words, ours, theirs, slack_ms);
            if let Some(at) = pipeline.iter().zip(&answers).position(differs) {
                return Some(n * PIPELINE + at);
            }
        }
        None
    }

    /// Sends the commands in one write to both. Answers in pairs: the engine's, Redis's.
    fn ask(&mut self, commands: &[Words]) -> Vec<(Value, Value)> {
        let bytes: Vec<u8> = commands.iter().flat_map(|words| text::request(words)).collect();
        let sent = Instant::now();
        self.engine.set_clock(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
        let theirs = self.ask_redis(&bytes, commands.len());
        self.slack = self.slack.max(sent.elapsed());
        self.engine.send(1, &bytes);
        let ours: Vec<Value> = commands.iter().map(|words| self.engine_reply(words)).collect();
        ours.into_iter().zip(theirs).collect()
    }

    fn ask_redis(&mut self, bytes: &[u8], count: usize) -> Vec<Value> {
        self.stream.write_all(bytes).expect("redis-server reads");
        let mut replies = Vec::new();
        let mut used = 0;
        while replies.len() < count {
            if let Some((value, length)) = value::decode(&self.their_bytes[used..]).expect("a reply of redis-server") {
                used += length;
                replies.push(value);
                continue;
            }
            let mut room = [0; 65_536];
            let n = self.stream.read(&mut room).expect("a reply of redis-server");
            assert!(n > 0, "redis-server hung up");
            self.their_bytes.extend_from_slice(&room[..n]);
        }
        self.their_bytes.drain(..used);
        replies
    }

    fn engine_reply(&mut self, words: &Words) -> Value {
        loop {
            if let Some((value, length)) = value::decode(&self.received).expect("a reply of the engine") {
                self.received.drain(..length);
                return value;
            }
            match self.engine.receive(1, Patience::Long) {
                Received::Bytes(more) => self.received.extend(more),
                other => panic!("the engine answers {other:?} to {}", line(words)),
            }
        }
    }

    /// The commands with Redis's answers, and the engine's last one.
    fn tell(&mut self, commands: &[Words], protocol: u8) -> String {
        let at = self.first_difference(commands, protocol);
        if at != Some(commands.len() - 1) {
            return "It does not come back: the pieces in which the engine was fed matter. Run the first seed again."
                .into();
        }
        let start: Vec<Words> = vec![vec![b"FLUSHALL".to_vec()], vec![b"SELECT".to_vec(), b"0".to_vec()]];
        self.ask(&start);
        let mut out = format!("> HELLO {protocol}\n< (any)\n");
        let mut last = None;
        for words in commands {
            let (ours, theirs) = self.ask(std::slice::from_ref(words)).pop().unwrap();
            out += &format!("> {}\n< {}\n", line(words), pattern::print(&theirs));
            last = Some(ours);
        }
        out + &format!("\nThe engine's last answer is {}\n", pattern::print(&last.unwrap()))
    }
}

fn line(words: &Words) -> String {
    let plain =
        |word: &&Vec<u8>| !word.is_empty() && word.iter().all(|b| b.is_ascii_alphanumeric() || b".:*-".contains(b));
    let show = |word: &Vec<u8>| match plain(&word) {
        true => String::from_utf8_lossy(word).into_owned(),
        false => format!("\"{}\"", text::escape(word)),
    };
    words.iter().map(show).collect::<Vec<_>>().join(" ")
}

/// Elements, so many together, in an order of their own.
fn parted(items: &[Value], width: usize) -> Vec<String> {
    let mut pairs: Vec<String> = items.chunks(width).map(|pair| format!("{pair:?}")).collect();
    pairs.sort();
    pairs
}

/// The same, but for what the moment or the order of a table decides.
fn agree(words: &Words, ours: &Value, theirs: &Value, slack_ms: i64) -> bool {
    let sorted = |value: &Value| {
        let Value::List(_, items) = value else { return vec![value.clone()] };
        let mut items = items.clone();
        items.sort_by_key(|item| format!("{item:?}"));
        items
    };
    let name = words[0].to_ascii_uppercase();
    let (ours, theirs) = if name.starts_with(b"Z") { (&reprinted(ours), &reprinted(theirs)) } else { (ours, theirs) };
    match (name.as_slice(), ours, theirs) {
        (b"TTL" | b"EXPIRETIME", Value::Int(a), Value::Int(b)) if *a > 0 && *b > 0 => {
            (a - b).abs() <= 1 + slack_ms / 1000 * 2
        }
        (b"HTTL" | b"HPTTL" | b"HEXPIRETIME" | b"HPEXPIRETIME", Value::List(_, a), Value::List(_, b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|pair| match pair {
                    (Value::Int(a), Value::Int(b)) if *a > 0 && *b > 0 => (a - b).abs() <= 5 + slack_ms * 2,
                    (a, b) => a == b,
                })
        }
        (b"PTTL" | b"PEXPIRETIME", Value::Int(a), Value::Int(b)) if *a > 0 && *b > 0 => {
            (a - b).abs() <= 5 + slack_ms * 2
        }
        // 7.0 has a quicklist for every list.
        (b"OBJECT", Value::Bulk(ours), Value::Bulk(theirs)) if theirs == b"quicklist" => ours == b"listpack",
        // 7.0 lets the smallest number pass.
        (b"LPOS" | b"LREM", Value::Error(ours), _)
            if ours.starts_with(b"ERR value is out of range, value must between") =>
        {
            true
        }
        // A form is read to its end before any key is looked at.
        (b"LCS", Value::Error(_), Value::Error(theirs)) if theirs.ends_with(b"must contain string values") => true,
        // 7.0 has no listpack for sets.
        (b"OBJECT", Value::Bulk(ours), Value::Bulk(theirs)) if theirs == b"hashtable" && ours == b"listpack" => true,
        (
            b"HKEYS" | b"HVALS" | b"SMEMBERS" | b"SINTER" | b"SUNION" | b"SDIFF" | b"SPOP" | b"SRANDMEMBER",
            Value::List(a, _),
            Value::List(b, _),
        ) => a == b && sorted(ours) == sorted(theirs),
        (b"KEYS", ours, theirs) => sorted(ours) == sorted(theirs),
        // Pairs are lists of their own, or names stand alone.
        (b"HRANDFIELD", ours, theirs) if words.len() == 3 => sorted(ours) == sorted(theirs),
        (b"HGETALL" | b"HRANDFIELD", Value::List(a, ours), Value::List(b, theirs)) => {
            let is_nested = ours.iter().any(|item| matches!(item, Value::List(..)));
            let alike = |a: &[Value], b: &[Value]| {
                if is_nested { parted(a, 1) == parted(b, 1) } else { parted(a, 2) == parted(b, 2) }
            };
            a == b && alike(ours, theirs)
        }
        (b"HSCAN", Value::List(_, a), Value::List(_, b)) if a.len() == 2 && b.len() == 2 => {
            let width = 2 - words.iter().any(|word| word.eq_ignore_ascii_case(b"NOVALUES")) as usize;
            matches!(
                (&a[1], &b[1]),
                (Value::List(_, ours), Value::List(_, theirs)) if parted(ours, width) == parted(theirs, width)
            )
        }
        (b"SCAN" | b"SSCAN" | b"ZSCAN", Value::List(Kind::Array, a), Value::List(Kind::Array, b))
            if a.len() == 2 && b.len() == 2 =>
        {
            a[0] == b[0] && sorted(&a[1]) == sorted(&b[1])
        }
        // What is a number differs from 7.0 to 8.0. Equal texts have no order of their own, and a zero ends one in `strcoll`.
        (b"SORT" | b"SORT_RO", ours, theirs) => {
            let unclear =
                |value: &Value| matches!(value, Value::Error(text) if text.ends_with(b"converted into double"));
            let has = |token: &[u8]| words.iter().any(|word| word.eq_ignore_ascii_case(token));
            // And a set that is not sorted has the order of its table.
            let is_unsorted = has(b"nosort") || has(b"#");
            unclear(ours) != unclear(theirs)
                || ours == theirs
                || (is_unsorted || has(b"ALPHA")) && sorted(ours) == sorted(theirs)
                || is_unsorted && has(b"LIMIT") && sorted(ours).len() == sorted(theirs).len()
        }
        _ => ours == theirs,
    }
}

/// Scores with many digits, which 7.0 prints with 17 of them, printed in one way.
fn reprinted(value: &Value) -> Value {
    match value {
        Value::List(kind, items) => Value::List(*kind, items.iter().map(reprinted).collect()),
        Value::Double(text) => Value::Double(text.parse::<f64>().map_or(text.clone(), |score| score.to_string())),
        Value::Bulk(text) if text.len() > 16 => match String::from_utf8_lossy(text).parse::<f64>() {
            Ok(score) => Value::Bulk(score.to_string().into_bytes()),
            Err(_) => value.clone(),
        },
        _ => value.clone(),
    }
}
