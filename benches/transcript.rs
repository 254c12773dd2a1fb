//! A fixed transcript through the engine, with no socket: what tests/instructions/run counts instructions of.
//! `transcript COMMAND ROUNDS`: so many rounds of 64 requests over 1,000 keys, after they were set: in one pipeline, or,
//! for `get@1`, each sent alone. Those of collections are redis-benchmark's, over one collection of 10,000 elements; SPOP,
//! ZPOPMIN and `lpop-absent` meet none.
//! It measures no time. Without arguments (as `cargo test` and `cargo bench` run it) it does a few rounds of each.
use spindle::engine::{Address, Budget, ByHand, ClientId, Config, Engine, Now, Step};

const KEYS: usize = 1000;
const ELEMENTS: usize = 10_000;
const DEPTH: usize = 64;

const COMMANDS: [&str; 16] = [
    "ping",
    "get",
    "set",
    "incr",
    "mget",
    "get@1",
    "lpush",
    "rpush",
    "lpop",
    "rpop",
    "lpop-absent",
    "sadd",
    "hset",
    "zadd",
    "spop",
    "lrange",
];

const NOW: Now = Now { wall_us: 1_700_000_000_000_000, mono_us: 1_000_000 };

fn request(command: &str, number: usize) -> Vec<u8> {
    let key = |n: usize| format!("key:{:012}", n * 7919 % KEYS);
    let element = |n: usize| format!("element:{:012}", n * 7919 % ELEMENTS);
    let words: Vec<String> = match command {
        "get" => vec!["GET".into(), key(number)],
        "set" => vec!["SET".into(), key(number), "xxx".into()],
        "incr" => vec!["INCR".into(), format!("counter:{:012}", number * 7919 % KEYS)],
        "mget" => [vec!["MGET".into()], (0..10).map(|n| key(number + n)).collect()].concat(),
        "ping" => vec!["PING".into()],
        "lpush" | "rpush" => vec![command.to_uppercase(), "mylist".into(), "xxx".into()],
        "lpop" | "rpop" => vec![command.to_uppercase(), "mylist".into()],
        "lpop-absent" => vec!["LPOP".into(), "absent".into()],
        "sadd" => vec!["SADD".into(), "myset".into(), element(number)],
        "hset" => vec!["HSET".into(), "myhash".into(), element(number), "xxx".into()],
        // Each element twice, with another score.
        "zadd" => {
            vec!["ZADD".into(), "myzset".into(), (number * 104_729 % 99_991).to_string(), element(number % 2048)]
        }
        "zfill" => vec!["ZADD".into(), "myzset".into(), (number * 104_729 % 99_991).to_string(), element(number)],
        "spop" | "zpopmin" => vec![command.to_uppercase(), "absent".into()],
        "lrange" => vec!["LRANGE".into(), "mylist".into(), "0".into(), "99".into()],
        other => panic!("{other} is not in the transcript"),
    };
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

fn send(engine: &mut Engine, host: &mut ByHand, client: ClientId, mut bytes: &[u8]) -> usize {
    let mut answered = 0;
    while !bytes.is_empty() {
        let room = engine.space(client);
        let count = room.len().min(bytes.len());
        room[..count].copy_from_slice(&bytes[..count]);
        engine.filled(client, count);
        bytes = &bytes[count..];
        let mut now = NOW;
        while engine.step(client, &mut now, Budget::default(), host) == Step::More {}
        // As the reactor sends.
        let mut sent = 0;
        let mut write = |_, piece: &[u8], _| {
            sent += piece.len();
            piece.len()
        };
        while let Some(id) = engine.send_touched(&mut write) {
            let pending = engine.pending(id).map(<[u8]>::len).sum();
            engine.wrote(id, pending);
            answered += pending;
        }
        answered += sent;
    }
    answered
}

/// What a command finds.
fn before(command: &str) -> impl Iterator<Item = Vec<u8>> {
    let (filler, count) = match command {
        "lpop" | "rpop" => ("lpush", 3 * ELEMENTS),
        "lpush" | "rpush" | "lrange" => ("lpush", ELEMENTS),
        "sadd" | "hset" => (command, ELEMENTS),
        "zadd" => ("zfill", ELEMENTS),
        _ => ("set", KEYS),
    };
    (0..count).step_by(DEPTH).map(move |from| (from..from + DEPTH).flat_map(|number| request(filler, number)).collect())
}

fn run(command: &str, rounds: usize) {
    let mut host = ByHand { now: NOW, drift: 1, ..ByHand::default() };
    let mut engine = Engine::new(Config::default(), [7; 32], NOW);
    let client = engine.open(Address::Embedded, NOW).expect("a client");
    for request in before(command) {
        send(&mut engine, &mut host, client, &request);
    }
    let (command, depth) =
        command.split_once('@').map_or((command, DEPTH), |(command, depth)| (command, depth.parse().expect("a depth")));
    let requests: Vec<Vec<u8>> = (0..64 * DEPTH).map(|number| request(command, number)).collect();
    let batches: Vec<Vec<u8>> = requests.chunks(depth).map(<[_]>::concat).collect();
    for round in 0..rounds * (DEPTH / depth) {
        assert!(send(&mut engine, &mut host, client, &batches[round % batches.len()]) >= depth * 2);
    }
}

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    match (args.next(), args.next()) {
        (Some(command), Some(rounds)) => run(&command, rounds.parse().expect("a number of rounds")),
        _ => COMMANDS.iter().for_each(|command| run(command, 20)),
    }
}
