//! Random commands that mostly make sense. A line of the table below is a command's grammar: words in capitals stand for
//! themselves, small ones for a random word of their kind, `[A x|B]` is an option, `(k v)+` comes one to four times.
//! Options that follow each other come in any order. Now and then a word is lost, doubled or replaced.
//!
//! No expiry lies within the length of a test, and none is stored that has passed: then time decides nothing.

use spindle::base::random::Chance;

const GRAMMAR: &[&str] = &[
    "SET key value [NX|XX] [GET] [EX seconds|PX milliseconds|EXAT future|PXAT futurems|KEEPTTL]",
    "SET key value",
    "SET key number",
    "GET key",
    "GETSET key value",
    "GETDEL key",
    "GETEX key [EX seconds|PX milliseconds|EXAT when|PXAT whenms|PERSIST]",
    "MGET (key)+",
    "MSET (key value)+",
    "MSETNX (key value)+",
    "SETNX key value",
    "SETEX key seconds value",
    "PSETEX key milliseconds value",
    "APPEND key value",
    "STRLEN key",
    "SETRANGE key offset value",
    "GETRANGE key index index",
    "SUBSTR key index index",
    "INCR key",
    "DECR key",
    "INCRBY key number",
    "DECRBY key number",
    "INCRBYFLOAT key float",
    "INCRBYFLOAT key float",
    "LCS key key [LEN|IDX] [MINMATCHLEN index] [WITHMATCHLEN]",
    "RPUSH key (value)+",
    "RPUSH key (number)+",
    "LPUSH key (number)+",
    "LPUSH key (value)+",
    "RPUSHX key (value)+",
    "LPUSHX key (number)+",
    "LPOP key",
    "RPOP key",
    "LPOP key index",
    "RPOP key index",
    "LLEN key",
    "LRANGE key index index",
    "LRANGE key 0 -1",
    "LINDEX key near",
    "LSET key near value",
    "LINSERT key BEFORE number value",
    "LINSERT key AFTER number value",
    "LREM key index number",
    "LTRIM key index index",
    "LPOS key number [RANK index] [COUNT index] [MAXLEN index]",
    "LMOVE key key LEFT RIGHT",
    "LMOVE key key RIGHT LEFT",
    "RPOPLPUSH key key",
    "LMPOP 2 key key LEFT [COUNT index]",
    "SADD key (value)+",
    "SADD key (number)+",
    "SADD key (small)+",
    "SADD key (small)+",
    "SREM key (value)+",
    "SREM key (small)+",
    "SISMEMBER key small",
    "SMISMEMBER key (small)+",
    "SMEMBERS key",
    "SCARD key",
    "SMOVE key key small",
    "SPOP key 100000",
    "SPOP key 0",
    "SRANDMEMBER key 100000",
    "SRANDMEMBER key index 1",
    "SINTER (key)+",
    "SINTERCARD 2 key key [LIMIT index]",
    "SUNION (key)+",
    "SDIFF (key)+",
    "SINTERSTORE key (key)+",
    "SUNIONSTORE key (key)+",
    "SDIFFSTORE key (key)+",
    "SSCAN key 0 COUNT 100000 [MATCH pattern]",
    "HSET key (small value)+",
    "HSET key (small number)+",
    "HSET key (value value)+",
    "HMSET key (small value)+",
    "HSETNX key small value",
    "HGET key small",
    "HMGET key (small)+",
    "HDEL key (small)+",
    "HDEL key (value)+",
    "HLEN key",
    "HSTRLEN key small",
    "HEXISTS key small",
    "HKEYS key",
    "HVALS key",
    "HGETALL key",
    "HINCRBY key small number",
    "HINCRBYFLOAT key small float",
    "HRANDFIELD key 100000 [WITHVALUES]",
    "HSCAN key 0 COUNT 100000 [MATCH pattern]",
    "ZADD key (score small)+",
    "ZADD key (score small)+",
    "ZADD key (score value)+",
    "ZADD key [NX|XX] [CH] (score small)+",
    "ZADD key [XX] [GT|LT] [CH] (score small)+",
    "ZADD key [XX] [GT|LT] [INCR] score small",
    "ZINCRBY key score small",
    "ZSCORE key small",
    "ZMSCORE key (small)+",
    "ZCARD key",
    "ZRANK key small",
    "ZREVRANK key small",
    "ZCOUNT key bound bound",
    "ZLEXCOUNT key - +",
    "ZRANGE key index index [WITHSCORES] [REV]",
    "ZRANGE key bound bound BYSCORE [LIMIT place index] [WITHSCORES] [REV]",
    "ZRANGE key - + BYLEX [LIMIT place index] [REV]",
    "ZREVRANGE key index index [WITHSCORES]",
    "ZRANGEBYSCORE key bound bound [LIMIT place index] [WITHSCORES]",
    "ZREVRANGEBYSCORE key bound bound [LIMIT place index] [WITHSCORES]",
    "ZRANGESTORE key key index index [REV]",
    "ZRANGESTORE key key bound bound BYSCORE [LIMIT place index] [REV]",
    "ZREM key (small)+",
    "ZREM key (value)+",
    "ZREMRANGEBYRANK key index index",
    "ZREMRANGEBYSCORE key bound bound",
    "ZPOPMIN key [index]",
    "ZPOPMAX key [index]",
    "ZMPOP 2 key key MIN [COUNT index]",
    "ZMPOP 2 key key MAX [COUNT index]",
    "ZUNION 2 key key [WEIGHTS weight weight] [AGGREGATE SUM|AGGREGATE MIN|AGGREGATE MAX] [WITHSCORES]",
    "ZINTER 2 key key [WEIGHTS weight weight] [AGGREGATE SUM|AGGREGATE MIN|AGGREGATE MAX] [WITHSCORES]",
    "ZDIFF 2 key key [WITHSCORES]",
    "ZINTERCARD 2 key key [LIMIT index]",
    "ZUNIONSTORE key 2 key key [WEIGHTS weight weight] [AGGREGATE MIN]",
    "ZINTERSTORE key 2 key key [WEIGHTS weight weight] [AGGREGATE MAX]",
    "ZDIFFSTORE key 2 key key",
    "ZRANDMEMBER key 100000 [WITHSCORES]",
    "ZSCAN key 0 COUNT 100000 [MATCH pattern]",
    "SORT key [DESC|ASC] [LIMIT index index] [GET from|GET #]",
    "SORT_RO key [BY by] [DESC|ASC] [LIMIT index index] [GET from]",
    "SORT key [BY by] [ALPHA] [DESC|ASC] [GET from]",
    "SORT key ALPHA [DESC|ASC] [LIMIT index index] [GET from|GET #] STORE key",
    "SORT key BY nosort [GET from] STORE key",
    "DEL (key)+",
    "UNLINK (key)+",
    "EXISTS (key)+",
    "TOUCH (key)+",
    "TYPE key",
    "RENAME key key",
    "RENAMENX key key",
    "COPY key key [DB database] [REPLACE]",
    "MOVE key database",
    "SWAPDB database database",
    "SELECT database",
    "KEYS pattern",
    "SCAN 0 COUNT 100000 [MATCH pattern] [TYPE STRING|TYPE LIST|TYPE ZSET|TYPE SET|TYPE HASH]",
    "DBSIZE",
    "FLUSHDB [SYNC|ASYNC]",
    "EXPIRE key seconds [NX|XX] [GT|LT]",
    "PEXPIRE key milliseconds [NX|XX] [GT|LT]",
    "EXPIREAT key when [NX|XX] [GT|LT]",
    "PEXPIREAT key whenms [NX|XX] [GT|LT]",
    "TTL key",
    "PTTL key",
    "EXPIRETIME key",
    "PEXPIRETIME key",
    "PERSIST key",
    "OBJECT ENCODING key",
    "PING [value]",
    "ECHO value",
    "COMMAND GETKEYS SET key value [NX] [EX seconds]",
    "COMMAND GETKEYS MSET (key value)+",
    "NOSUCHCOMMAND number",
];

/// What Redis has since 8.0, or 7.2.
const SINCE_8: &[&str] = &[
    "HEXPIRE key seconds [NX|XX|GT|LT] FIELDS 2 small small",
    "HPEXPIRE key milliseconds [NX|XX|GT|LT] FIELDS 1 small",
    "HEXPIREAT key when [NX|XX|GT|LT] FIELDS 2 small small",
    "HPEXPIREAT key whenms [NX|XX|GT|LT] FIELDS 1 small",
    "HTTL key FIELDS 2 small small",
    "HPTTL key FIELDS 1 small",
    "HEXPIRETIME key FIELDS 2 small small",
    "HPEXPIRETIME key FIELDS 1 small",
    "HPERSIST key FIELDS 2 small small",
    "HGETEX key [EX seconds|PX milliseconds|EXAT when|PXAT whenms|PERSIST] FIELDS 2 small small",
    "HSETEX key [FNX|FXX] [EX seconds|PX milliseconds|EXAT future|PXAT futurems|KEEPTTL] FIELDS 2 small value small value",
    "HSETEX key [EX seconds|KEEPTTL] FIELDS 1 value value",
    "HGETDEL key FIELDS 2 small small",
    "HSCAN key 0 COUNT 100000 NOVALUES",
    "HRANDFIELD key 100000 WITHVALUES",
    "ZRANK key small WITHSCORE",
    "ZREVRANK key small WITHSCORE",
    "OBJECT ENCODING key",
];

/// These would leave the others little to work on.
const RARE: &[&str] = &["FLUSHDB", "SELECT", "SWAPDB", "MOVE"];

const KEYS: &[&[u8]] =
    &[b"a", b"b", b"c", b"d", b"key:1", b"key:2", b"key:3", b"", b"\x00\xff\r\n", b"long-name-of-a-key"];
const PATTERNS: &[&[u8]] =
    &[b"*", b"key:*", b"?", b"[ab]", b"[^a]", b"a", b"*[12]", b"", b"\\a", b"[a-c", b"k*:?", b"\\"];
const NUMBERS: &[&[u8]] = &[
    b"0",
    b"1",
    b"-1",
    b"10",
    b"9999",
    b"10000",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775806",
    b"-9223372036854775807",
    b"4611686018427387904",
    b"9223372036854775808",
    b"01",
    b"+1",
    b"-0",
    b" 1",
    b"1 ",
    b"1.0",
];
const FLOATS: &[&[u8]] = &[
    b"0.1",
    b"-0.1",
    b"1.5",
    b"3",
    b"-2.25",
    b"1e3",
    b"1e-3",
    b"0.3",
    b"123456789.125",
    b"1e17",
    b"-1e-10",
    b"3.0e5",
    b"5.",
    b".5",
    b"0",
    b"abc",
    b"nan",
    b"inf",
    b"1e400",
    b"",
    b"0x1F",
    b"99999999999999999",
    b"0.000000000000000001",
];
const GARBAGE: &[&[u8]] =
    &[b"", b"abc", b"-1", b"0", b"9223372036854775807", b"9223372036854775808", b"NX", b"GET", b"1.5", b"*"];

/// A command as a list of words. `since_8`: such as Redis 7.0 does not know, too.
pub fn command(chance: &mut Chance, since_8: bool) -> Vec<Vec<u8>> {
    let mut line = if since_8 && chance.below(4) == 0 { pick(chance, SINCE_8) } else { pick(chance, GRAMMAR) };
    if RARE.iter().any(|name| line.starts_with(name)) && chance.below(4) > 0 {
        line = pick(chance, GRAMMAR);
    }
    let mut words = Vec::new();
    sequence(&mut line.split(' ').peekable(), chance, &mut words);
    // Redis 7.0 takes more for a cursor than 8.0 does.
    // ZRANK has an option in 8.0.
    const KEPT: &[&str] = &[
        "SCAN",
        "SSCAN",
        "SPOP",
        "SRANDMEMBER",
        "HSCAN",
        "HRANDFIELD",
        "ZSCAN",
        "ZRANDMEMBER",
        "ZRANK",
        "ZREVRANK",
        "SORT",
        "SORT_RO",
    ];
    let is_kept = KEPT.iter().map(|name| name.as_bytes()).any(|name| words[0].eq_ignore_ascii_case(name));
    if chance.below(25) == 0 && !is_kept {
        spoil(chance, &mut words);
    }
    words
}

fn pick<'a, T: ?Sized>(chance: &mut Chance, from: &[&'a T]) -> &'a T {
    from[chance.below(from.len() as u64) as usize]
}

type Pieces<'a> = std::iter::Peekable<std::str::Split<'a, char>>;

fn sequence(pieces: &mut Pieces, chance: &mut Chance, out: &mut Vec<Vec<u8>>) {
    while let Some(piece) = pieces.next() {
        if piece.starts_with('(') {
            let group = until(piece, ")+", pieces);
            for _ in 0..=chance.below(4) {
                phrase(&group, chance, out);
            }
        } else if piece.starts_with('[') {
            let mut options = vec![until(piece, "]", pieces)];
            while let Some(next) = pieces.next_if(|p| p.starts_with('[')) {
                options.push(until(next, "]", pieces));
            }
            while !options.is_empty() {
                let option = options.swap_remove(chance.below(options.len() as u64) as usize);
                let choices: Vec<&str> = option.split('|').collect();
                let times = [0, 0, 0, 1, 1, 1, 1, 2][chance.below(8) as usize];
                // Doubled word for word: of a value that is said twice Redis checks both, Spindle the last.
                let mut said = Vec::new();
                phrase(pick(chance, &choices), chance, &mut said);
                for _ in 0..times {
                    out.extend_from_slice(&said);
                }
            }
        } else {
            phrase(piece, chance, out);
        }
    }
}

/// The text of a bracket, which may go on over several pieces.
fn until(first: &str, close: &str, pieces: &mut Pieces) -> String {
    let mut text = first[1..].to_string();
    while !text.ends_with(close) {
        text = format!("{text} {}", pieces.next().expect("a closed bracket"));
    }
    text.truncate(text.len() - close.len());
    text
}

fn phrase(text: &str, chance: &mut Chance, out: &mut Vec<Vec<u8>>) {
    out.extend(text.split(' ').map(|kind| word(kind, chance)));
}

fn word(kind: &str, chance: &mut Chance) -> Vec<u8> {
    let signed = |chance: &mut Chance, n: u64| chance.below(2 * n + 1) as i64 - n as i64;
    match kind {
        "key" => pick(chance, KEYS).to_vec(),
        "by" | "from" => pick(chance, &[b"key:*".as_slice(), b"*", b"key:*->1", b"*->2", b"nosort", b"#"]).to_vec(),
        "pattern" => pick(chance, PATTERNS).to_vec(),
        "float" if chance.below(2) == 0 => format!("{}.{}", signed(chance, 1000), chance.below(1000)).into_bytes(),
        "float" => pick(chance, FLOATS).to_vec(),
        "number" if chance.below(3) == 0 => pick(chance, NUMBERS).to_vec(),
        "number" => signed(chance, 20_000).to_string().into_bytes(),
        "value" => value(chance),
        // Redis 7.0 prints others with 17 digits.
        "score" if chance.below(12) == 0 => {
            pick(chance, &[b"inf".as_slice(), b"-inf", b"abc", b"nan", b"1e3"]).to_vec()
        }
        "score" => format!("{}", signed(chance, 40) as f64 / 4.0 + 0.0).into_bytes(),
        "weight" => pick(chance, &[b"1".as_slice(), b"2", b"0.5", b"1", b"abc"]).to_vec(),
        "bound" if chance.below(4) == 0 => pick(chance, &[b"-inf".as_slice(), b"+inf", b"(0", b"(-3", b"x"]).to_vec(),
        "bound" => format!("{}", signed(chance, 40) as f64 / 4.0).into_bytes(),
        "small" if chance.below(3) == 0 => value(chance),
        "small" => chance.below(12).to_string().into_bytes(),
        "offset" => [0, 1, 5, 44, 45, 100, -1, 1 << 40, i64::MAX][chance.below(9) as usize].to_string().into_bytes(),
        // What a negative one means depends, in 8.0, on the encoding, and SORT changes that there.
        "place" => chance.below(5).to_string().into_bytes(),
        // Redis 8.0 cuts the place in a listpack to 32 bits.
        "near" => signed(chance, 12).to_string().into_bytes(),
        "index" if chance.below(10) == 0 => pick(chance, NUMBERS).to_vec(),
        "index" => signed(chance, 12).to_string().into_bytes(),
        "database" if chance.below(12) == 0 => pick(chance, &[b"16".as_slice(), b"-1", b"abc", b"15"]).to_vec(),
        "database" => chance.below(3).to_string().into_bytes(),
        // No two of these are less than two minutes apart, unless they are equal, which is rare.
        "seconds" if chance.below(8) == 0 => odd_time(chance),
        "seconds" => (1000 + 137 * chance.below(1_000_000)).to_string().into_bytes(),
        "milliseconds" if chance.below(8) == 0 => odd_time(chance),
        "milliseconds" => (1000 * (1000 + 137 * chance.below(1_000_000))).to_string().into_bytes(),
        "future" | "futurems" if chance.below(8) == 0 => odd_time(chance),
        "when" | "whenms" if chance.below(8) == 0 => pick(chance, &[b"1".as_slice(), b"0", b"-5", b"1000000"]).to_vec(),
        "future" | "when" => (32_503_680_000 + chance.below(50)).to_string().into_bytes(),
        "futurems" | "whenms" => (32_503_680_000_000 + chance.below(50)).to_string().into_bytes(),
        literal if chance.below(4) == 0 => literal.to_ascii_lowercase().into_bytes(),
        literal => literal.as_bytes().to_vec(),
    }
}

/// Refused everywhere, or gone at once.
fn odd_time(chance: &mut Chance) -> Vec<u8> {
    pick(chance, &[b"0".as_slice(), b"-1", b"abc", b"9223372036854775807", b"9223372036854775808", b"", b"1.5"])
        .to_vec()
}

fn value(chance: &mut Chance) -> Vec<u8> {
    match chance.below(8) {
        0 => pick(chance, NUMBERS).to_vec(),
        1 => chance.below(20_000).to_string().into_bytes(),
        2 => pick(chance, FLOATS).to_vec(),
        3 => vec![b'x'; 40 + chance.below(10) as usize],
        4 => (0..chance.below(30)).map(|_| chance.below(256) as u8).collect(),
        _ => (0..chance.below(12)).map(|_| b"abcde"[chance.below(5) as usize]).collect(),
    }
}

/// Loses, doubles or replaces a word after the name, or adds one.
fn spoil(chance: &mut Chance, words: &mut Vec<Vec<u8>>) {
    let at = 1 + chance.below(words.len() as u64) as usize;
    match chance.below(4) {
        0 if at < words.len() => _ = words.remove(at),
        1 if at < words.len() => words.insert(at, words[at].clone()),
        2 if at < words.len() => words[at] = pick(chance, GARBAGE).to_vec(),
        _ => words.push(pick(chance, GARBAGE).to_vec()),
    }
}
