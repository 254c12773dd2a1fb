//! Seeded fuzz of RESTORE and of RDB files, in plain `cargo test`: sound bytes, some of them changed, cut or doubled, and the
//! checksum made right again. What comes of them is a clean error or a sound value, and memory stays in proportion to them.
//! `SPINDLE_SEED` is where the seeds begin, `SPINDLE_INPUTS` how many inputs there are. The long run, 10^6 inputs:
//! `SPINDLE_INPUTS=1000000 cargo test --release --test fuzz_restore`. One test, since all threads share the count of memory.

#[path = "support/hand.rs"]
mod hand;

use hand::{Bench, request_of};
use spindle::base::memory::{Counting, allocated};
use spindle::base::random::Chance;
use spindle::engine::{ClientId, Config};
use spindle::persist::format::{Crc64, Item, Limits, Reader, Source, Unreadable};
use spindle::store::Keyspace;

#[global_allocator]
static ALLOCATOR: Counting<std::alloc::System> = Counting::new(std::alloc::System);

/// What memory may grow by, for an input. A member of a set of two bytes takes about twenty; only what is packed, and
/// begins with this byte, becomes longer than that. What is counted late is 64 KB for each thread.
fn allowance(input: &[u8]) -> usize {
    const PACKED: u8 = 0xc3;
    let times = if input.contains(&PACKED) { 64 } else { 10 };
    times * input.len() + (1 << 18)
}

#[test]
fn what_is_broken_is_refused_and_what_is_taken_is_sound() {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().expect("a number"));
    let (first, inputs) = (number("SPINDLE_SEED", 1), number("SPINDLE_INPUTS", 6000));
    let samples = samples();
    let mut target = Target::new();
    let mut taken = 0;
    for seed in first..first + inputs {
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut chance = Chance::from_seed(seed);
            let sample = &samples[chance.below(samples.len() as u64) as usize];
            let body = mutated(sample, &mut chance);
            taken += target.restore(&signed(&body, &mut chance)) as u64;
            read_file(&body, &mut chance);
        }));
        if let Err(cause) = run {
            eprintln!("SPINDLE_SEED={seed} SPINDLE_INPUTS=1 repeats it");
            std::panic::resume_unwind(cause);
        }
    }
    println!("{taken} of {inputs} were taken");
    // Some changes leave a value sound: what is tested is not only how it is refused.
    assert!(inputs < 1000 || (inputs / 50..inputs / 2).contains(&taken), "{taken} of {inputs}");
    announced_lengths_reserve_nothing();
    what_is_sound_takes_a_few_times_as_much();
}

// --- Inputs

fn word(chance: &mut Chance) -> Vec<u8> {
    match chance.below(4) {
        0 => ((chance.next() as i64) >> chance.below(64)).to_string().into_bytes(),
        1 => vec![b'x'; chance.below(300) as usize],
        2 => b"abc".repeat(chance.below(40) as usize),
        _ => (0..chance.below(12)).map(|_| chance.below(256) as u8).collect(),
    }
}

/// Types and values without version and checksum, as the engine dumps them.
fn samples() -> Vec<Vec<u8>> {
    let (mut bench, mut chance, mut samples) = (Bench::new(), Chance::from_seed(99), Vec::new());
    let id = bench.open();
    for number in 0..150 {
        let kind = ["SET", "RPUSH", "SADD", "SADD", "HSET", "ZADD"][number % 6];
        let count = if kind == "SET" { 1 } else { 1 + chance.below([3, 20, 200][number % 3]) };
        let only_integers = number % 6 == 2;
        let mut words: Vec<Vec<u8>> = vec![kind.into(), b"k".into()];
        for _ in 0..count {
            match kind {
                "ZADD" => words.push(format!("{}", chance.below(1000) as f64 / 8.0).into_bytes()),
                "HSET" => words.push(word(&mut chance)),
                _ => {}
            }
            words.push(if only_integers { chance.below(1 << 40).to_string().into_bytes() } else { word(&mut chance) });
        }
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_slice()).collect();
        ask(&mut bench, id, &[b"FLUSHALL"]);
        ask(&mut bench, id, &words);
        if kind == "HSET" && number % 4 == 0 {
            ask(&mut bench, id, &[b"HPEXPIREAT", b"k", b"1900000000000", b"FIELDS", b"1", words[2]]);
        }
        let payload = payload(&ask(&mut bench, id, &[b"DUMP", b"k"])).expect("it is there");
        samples.push(payload[..payload.len() - 10].to_vec());
    }
    samples
}

fn ask(bench: &mut Bench, id: ClientId, words: &[&[u8]]) -> Vec<u8> {
    let (request, mut sent) = (request_of(words), 0);
    while sent < request.len() {
        sent += bench.fill(id, &request[sent..]);
        bench.run(id);
    }
    bench.receive(id)
}

/// What a bulk string holds.
fn payload(reply: &[u8]) -> Option<Vec<u8>> {
    let rest = reply.strip_prefix(b"$")?;
    let end = rest.windows(2).position(|two| two == b"\r\n")?;
    let length: usize = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    Some(rest[end + 2..end + 2 + length].to_vec())
}

fn mutated(sample: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..1 + chance.below(3) {
        let at = chance.below(bytes.len().max(1) as u64) as usize;
        // Types, lengths and headers stand in front.
        let at = if chance.below(3) == 0 { at.min(chance.below(16) as usize) } else { at };
        match chance.below(8) {
            _ if bytes.is_empty() => bytes.push(chance.next() as u8),
            0 => bytes.truncate(at),
            1 => bytes.insert(at, chance.next() as u8),
            2 => _ = bytes.remove(at),
            3 => bytes[at] = [0, 0xff, 0x7f, 0x80, 0xc0, 0x81][chance.below(6) as usize],
            4 => bytes[at] = chance.below(26) as u8,
            5 => {
                let end = at + chance.below((bytes.len() - at) as u64 + 1) as usize;
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => bytes[at] ^= 1 << chance.below(8),
        }
    }
    bytes
}

fn signed(body: &[u8], chance: &mut Chance) -> Vec<u8> {
    let version = [10u16, 12, 80][chance.below(3) as usize];
    let mut payload = [body, &version.to_le_bytes()].concat();
    payload.extend(Crc64::of(&payload).to_le_bytes());
    payload
}

// --- What is tested

struct Target {
    bench: Bench,
    id: ClientId,
}

impl Target {
    fn new() -> Target {
        let mut bench = Bench::new();
        let id = bench.open();
        Target { bench, id }
    }

    /// Was it taken?
    fn restore(&mut self, payload: &[u8]) -> bool {
        let Target { bench, id } = self;
        let before = allocated();
        let reply = ask(bench, *id, &[b"RESTORE", b"k", b"0", payload, b"REPLACE"]);
        let grown = allocated().saturating_sub(before);
        assert!(grown <= allowance(payload), "{grown} bytes for {}", payload.len());
        let taken = reply == b"+OK\r\n";
        if taken {
            let dumped = self::payload(&ask(bench, *id, &[b"DUMP", b"k"]));
            // Fields may all have expired.
            if let Some(dumped) = dumped {
                assert_eq!(ask(bench, *id, &[b"RESTORE", b"other", b"0", &dumped, b"REPLACE"]), b"+OK\r\n");
                let again = self::payload(&ask(bench, *id, &[b"DUMP", b"other"])).expect("it was just put there");
                // A large one may be written in another order.
                assert!(again.len() == dumped.len() || again.len() > 1000, "{} {}", again.len(), dumped.len());
            }
            bench.engine.check();
        } else {
            assert_eq!(reply, b"-ERR Bad data format\r\n");
        }
        ask(bench, *id, &[b"FLUSHALL"]);
        taken
    }
}

/// Gives little at a time, and looks at the memory each time.
struct Watched<'a> {
    bytes: &'a [u8],
    most: usize,
}

impl Source for Watched<'_> {
    fn fill(&mut self, room: &mut [u8]) -> Result<usize, Unreadable> {
        self.most = self.most.max(allocated());
        let few = room.len().min(256);
        self.bytes.fill(&mut room[..few])
    }
}

fn limits() -> Limits {
    let data = Keyspace::new(1, [5, 6, 7, 8]);
    Config::default().limits(data.hasher())
}

/// Several keys, the last of which is the mutated one.
fn read_file(body: &[u8], chance: &mut Chance) {
    let header: &[u8] = [b"REDIS0010", b"REDIS0012", b"VALKEY080"][chance.below(3) as usize];
    let mut bytes = [header, b"\xfa\x01n\x01v\xfe\x00\xfb\x02\x00\x00\x01a\xc0\x07"].concat();
    if let Some((form, value)) = body.split_first() {
        bytes.extend([&[*form], &b"\x03key"[..], value].concat());
    }
    if chance.below(4) > 0 {
        bytes.push(0xff);
        bytes.extend(Crc64::of(&bytes).to_le_bytes());
    }
    read_watched(&bytes);
}

/// Keys that it has, until something is wrong with it.
fn read_watched(bytes: &[u8]) -> usize {
    let (before, mut keys) = (allocated(), 0);
    let Ok(mut reader) = Reader::open(Watched { bytes, most: 0 }, 16, limits()) else { panic!("its header is sound") };
    while let Ok(Some(item)) = reader.read() {
        keys += matches!(item, Item::Entry(_)) as usize;
    }
    let grown = reader.source().most.max(allocated()).saturating_sub(before);
    assert!(grown <= allowance(bytes), "{grown} bytes for {}", bytes.len());
    keys
}

/// Gigabytes of each kind are announced, and hardly any come.
fn announced_lengths_reserve_nothing() {
    const HUGE: &[u8] = b"\x81\x00\x00\x00\x00\xff\x00\x00\x00";
    for form in 0..30 {
        for nested in [&b""[..], b"\x01", b"\x02", b"\x01a"] {
            read_watched(&[b"REDIS0012", &[form][..], b"\x01k", nested, HUGE, b"abc"].concat());
        }
        let packed = [b"REDIS0012", &[form][..], b"\x01k\xc3", b"\x03", HUGE, b"abc"].concat();
        read_watched(&packed);
        read_watched(&[&packed[..12], b"\xc3", HUGE, HUGE, b"abc"].concat());
    }
}

/// Of an element, by its number.
type Words = fn(usize) -> Vec<String>;

/// Very many short elements, of which most memory goes to what stands beside them: still no more than `allowance`.
fn what_is_sound_takes_a_few_times_as_much() {
    let mut target = Target::new();
    let Target { bench, id } = &mut target;
    ask(bench, *id, &[b"CONFIG", b"SET", b"rdbcompression", b"no"]);
    let kinds: [(&str, Words); 6] = [
        ("RPUSH", |n| vec![format!("{n:x}")]),
        ("SADD", |n| vec![n.to_string()]),
        ("SADD", |n| vec![format!("{n:x}g")]),
        ("ZADD", |n| vec![n.to_string(), format!("{n:x}")]),
        ("HSET", |n| vec![format!("{n:x}"), "v".into()]),
        ("HSETEX", |n| vec![format!("{n:x}"), "v".into()]),
    ];
    for (kind, words) in kinds {
        for from in (0..50_000).step_by(1_000) {
            let given: Vec<String> = (from..from + 1_000).flat_map(words).collect();
            let mut request: Vec<&[u8]> = vec![kind.as_bytes(), b"k"];
            if kind == "HSETEX" {
                request.extend([&b"PX"[..], b"100000000", b"FIELDS", b"1000"]);
            }
            request.extend(given.iter().map(String::as_bytes));
            ask(bench, *id, &request);
        }
        let payload = payload(&ask(bench, *id, &[b"DUMP", b"k"])).expect("it is there");
        ask(bench, *id, &[b"FLUSHALL"]);
        let before = allocated();
        assert_eq!(ask(bench, *id, &[b"RESTORE", b"k", b"0", &payload]), b"+OK\r\n");
        let grown = allocated().saturating_sub(before);
        println!("{kind}: a payload of {} bytes takes {grown}", payload.len());
        assert!(grown <= 10 * payload.len() + (1 << 18), "{kind}: {grown} bytes for {}", payload.len());
        ask(bench, *id, &[b"FLUSHALL"]);
    }
}
