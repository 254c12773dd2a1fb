//! What a client of the simulation may say, and what must come back: a naive map of its own keys, by the clock of the
//! moment in which the command ran. Knows nothing of sessions and bytes in flight.
use super::hand::request_of;
use spindle::base::random::Chance;
use std::collections::HashMap;

/// The password where one is wanted.
pub const PASSWORD: &str = "sesame";
/// The largest value that is drawn.
pub const VALUE_BYTES_MAX: usize = 1_500_000;
/// The longest pause that is drawn.
pub const PAUSE_MS_MAX: u64 = 300;
/// What a client that has not signed in may send in one word.
const STRANGER_BYTES_MAX: usize = 16 * 1024;

#[derive(Clone, Debug, PartialEq)]
pub enum Say {
    Ping,
    Echo(Vec<u8>),
    Get(u8),
    Set {
        key: u8,
        value: Vec<u8>,
        px: Option<i64>,
    },
    Incr(u8),
    Del(u8),
    Expire(u8, i64),
    Select(u8),
    Hello(u8),
    Auth,
    Reset,
    Quit,
    /// The fake for QUIT.
    Leave,
    Kill(u64),
    /// All others.
    KillAll,
    /// Milliseconds; of writes only.
    Pause(u64, bool),
    Unpause,
    /// CLIENT REPLY SKIP, and a change that is not answered, to a key that nothing else changes.
    Unheard,
    /// What that has come to.
    Heard,
    Nonsense,
    /// Bytes that break the protocol, and what is said to them.
    Violation(&'static [u8], &'static str),
    /// With the fake commands: waits for a key that others set.
    Wait {
        key: u64,
        ms: u64,
    },
    Feed(u64),
    Count(i64),
    Twice(u8),
}

/// The key that is changed in silence.
const UNHEARD: u8 = 6;

/// Protocol violations. None of them is ever followed by anything.
const VIOLATIONS: &[(&[u8], &str)] = &[
    (b"*1\r\nx\r\n", "expected '$', got 'x'"),
    (b"*-x\r\n", "invalid multibulk length"),
    (b"*1\r\n$-1\r\n", "invalid bulk length"),
    (b"*2\r\n$4\r\nPING\r\n$999999999999\r\n", "invalid bulk length"),
    (b"\"open\n", "unbalanced quotes in request"),
];

impl Say {
    /// Some words of Spindle's own table. `other`: the serial of some client.
    /// `heavy`: of many large values.
    pub fn draw(chance: &mut Chance, heavy: bool, other: u64) -> Say {
        let key = chance.below(6) as u8;
        match chance.below(100) {
            0..8 => Say::Ping,
            8..14 => Say::Echo(Say::value(chance, heavy)),
            14..38 => Say::Get(key),
            38..54 => Say::Set { key, value: Say::value(chance, heavy), px: None },
            54..62 => Say::Set { key, value: Say::value(chance, heavy), px: Some(1 + chance.below(300) as i64) },
            62..72 => Say::Incr(key),
            72..78 => Say::Del(key),
            78..84 => Say::Expire(key, chance.below(40) as i64),
            84..88 => Say::Select(chance.below(3) as u8),
            88..91 => Say::Hello(2 + chance.below(2) as u8),
            91..94 => Say::Auth,
            94..96 => Say::Nonsense,
            96 => Say::Reset,
            97 if chance.below(3) == 0 => Say::Quit,
            98 if chance.below(3) == 0 => Say::Kill(other),
            98 if chance.below(40) == 0 => Say::KillAll,
            99 if chance.below(3) == 0 => Say::violation(chance),
            _ => Say::Ping,
        }
    }

    /// Something that concerns clients and no keys.
    pub fn draw_mode(chance: &mut Chance) -> Say {
        match chance.below(10) {
            0 => Say::Pause(chance.below(PAUSE_MS_MAX), false),
            1..4 => Say::Pause(chance.below(PAUSE_MS_MAX), true),
            4 => Say::Unpause,
            5..8 => Say::Unheard,
            _ => Say::Heard,
        }
    }

    /// A pause holds it up, of all or of writes. (What is no command is told so at once.)
    pub fn is_held_up(&self, all: bool) -> bool {
        let writes = matches!(self, Say::Set { .. } | Say::Incr(_) | Say::Del(_) | Say::Expire(..) | Say::Unheard);
        writes || all && !matches!(self, Say::Nonsense | Say::Violation(..))
    }

    /// Some words of the fake table.
    pub fn draw_fake(chance: &mut Chance, heavy: bool) -> Say {
        let key = chance.below(6) as u8;
        match chance.below(100) {
            0..10 => Say::Echo(Say::value(chance, heavy)),
            10..30 => Say::Get(key),
            30..45 => Say::Set { key, value: Say::value(chance, heavy), px: Some(1 + chance.below(300) as i64) },
            45..55 => Say::Del(key),
            55..65 => Say::Wait { key: chance.below(4), ms: 1 + chance.below(500) },
            65..80 => Say::Feed(chance.below(4)),
            80..88 => Say::Count(1 + chance.below(100) as i64),
            88..97 => Say::Twice(key),
            97 if chance.below(3) == 0 => Say::Leave,
            98 if chance.below(3) == 0 => Say::violation(chance),
            _ => Say::Nonsense,
        }
    }

    fn violation(chance: &mut Chance) -> Say {
        let (bytes, text) = VIOLATIONS[chance.below(VIOLATIONS.len() as u64) as usize];
        Say::Violation(bytes, text)
    }

    fn value(chance: &mut Chance, heavy: bool) -> Vec<u8> {
        let length = match chance.below(if heavy { 6 } else { 60 }) {
            0 if heavy && chance.below(8) == 0 => 1_000_000 + chance.below(VALUE_BYTES_MAX as u64 - 1_000_000),
            0 => 10_000 + chance.below(300_000),
            1..4 => chance.below(20_000),
            4..24 => return chance.below(1_000_000).to_string().into_bytes(),
            _ => chance.below(100),
        };
        let mut value = vec![0; length as usize];
        chance.fill(&mut value);
        value
    }

    /// Its bytes. `owner` tells one client's keys from another's.
    pub fn bytes(&self, owner: u64, inline: bool) -> Vec<u8> {
        let key = |key: &u8| format!("c{owner}:{key}").into_bytes();
        let words: Vec<Vec<u8>> = match self {
            Say::Ping if inline => return b"ping\r\n".to_vec(),
            Say::Get(at) if inline => return [b"GET \"", &key(at)[..], b"\"\n"].concat(),
            Say::Violation(bytes, _) => return bytes.to_vec(),
            Say::Ping => vec![b"PING".to_vec()],
            Say::Echo(word) => vec![b"ECHO".to_vec(), word.clone()],
            Say::Get(at) => vec![b"get".to_vec(), key(at)],
            Say::Set { key: at, value, px: None } => vec![b"SET".to_vec(), key(at), value.clone()],
            Say::Set { key: at, value, px: Some(px) } => {
                vec![b"SET".to_vec(), key(at), value.clone(), b"PX".to_vec(), px.to_string().into()]
            }
            Say::Incr(at) => vec![b"INCR".to_vec(), key(at)],
            Say::Del(at) => vec![b"DEL".to_vec(), key(at)],
            Say::Expire(at, s) => vec![b"EXPIRE".to_vec(), key(at), s.to_string().into()],
            Say::Select(db) => vec![b"SELECT".to_vec(), db.to_string().into()],
            Say::Hello(version) => vec![b"HELLO".to_vec(), version.to_string().into()],
            Say::Auth => vec![b"AUTH".to_vec(), PASSWORD.into()],
            Say::Reset => vec![b"RESET".to_vec()],
            Say::Quit => vec![b"QUIT".to_vec()],
            Say::Leave => vec![b"LEAVE".to_vec()],
            Say::Kill(serial) => vec![b"CLIENT".to_vec(), b"KILL".to_vec(), b"ID".to_vec(), serial.to_string().into()],
            Say::KillAll => "CLIENT KILL TYPE normal SKIPME yes".split(' ').map(Vec::from).collect(),
            Say::Pause(ms, writes) => {
                let mode = if *writes { "WRITE" } else { "ALL" };
                format!("CLIENT PAUSE {ms} {mode}").split(' ').map(Vec::from).collect()
            }
            Say::Unpause => vec![b"CLIENT".to_vec(), b"UNPAUSE".to_vec()],
            Say::Unheard => {
                let skip: &[&[u8]] = &[b"CLIENT", b"REPLY", b"SKIP"];
                return [request_of(skip), request_of(&[b"INCR", &key(&UNHEARD)])].concat();
            }
            Say::Heard => vec![b"GET".to_vec(), key(&UNHEARD)],
            Say::Nonsense => vec![b"NONSENSE".to_vec()],
            Say::Wait { key, ms } => {
                vec![b"WAIT".to_vec(), format!("w{key}").into(), b"FOR".to_vec(), ms.to_string().into()]
            }
            Say::Feed(key) => vec![b"SET".to_vec(), format!("w{key}").into(), b"fed".to_vec()],
            Say::Count(upto) => vec![b"COUNT".to_vec(), upto.to_string().into()],
            Say::Twice(at) => vec![b"TWICE".to_vec(), b"GET".to_vec(), key(at)],
        };
        request_of(&words.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}

#[derive(Clone, Debug)]
struct Kept {
    value: Vec<u8>,
    expires_ms: Option<i64>,
    /// Its time had come before the clock was set back: it may have been removed then, or not.
    doubtful: bool,
}

impl Kept {
    fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_ms.is_some_and(|at| at <= now_ms)
    }
}

/// What one client's keys are, and what it has chosen.
#[derive(Debug)]
pub struct Model {
    keys: HashMap<(u8, u8), Kept>,
    database: u8,
    resp3: bool,
    authenticated: bool,
    needs_password: bool,
    /// Its last reply was given.
    pub over: bool,
}

impl Model {
    pub fn new(needs_password: bool) -> Model {
        let authenticated = !needs_password;
        Model { keys: HashMap::new(), database: 0, resp3: false, authenticated, needs_password, over: false }
    }

    /// The clock is about to be set back.
    pub fn doubt(&mut self, now_ms: i64) {
        for kept in self.keys.values_mut() {
            kept.doubtful |= kept.is_expired(now_ms);
        }
    }

    /// A change that is not answered has been made.
    pub fn change_unheard(&mut self) {
        let new = Kept { value: b"0".to_vec(), expires_ms: None, doubtful: false };
        let kept = self.keys.entry((self.database, UNHEARD)).or_insert(new);
        let count = integer(&kept.value).expect("nothing else changes it");
        kept.value = (count + 1).to_string().into_bytes();
    }

    /// The command ran now and was answered so. Is that right? `paused`: nothing is removed because its time has come.
    pub fn judge(&mut self, say: &Say, reply: &[u8], now_ms: i64, paused: bool) -> Result<(), String> {
        let place = (self.database, say.key().unwrap_or(u8::MAX));
        let touched = self.keys.get(&place).filter(|_| self.authenticated);
        let (expired, doubtful) = touched.map_or((false, false), |kept| (kept.is_expired(now_ms), kept.doubtful));
        if expired {
            let kept = self.keys.remove(&place).filter(|_| paused);
            let judged = self.go_on(say, reply, now_ms);
            // It is alive again when the clock is set back before the pause ends.
            kept.map(|kept| self.keys.entry(place).or_insert(kept));
            return judged;
        } else if doubtful {
            // Either way; the reply tells which it was.
            self.keys.get_mut(&place).expect("it is there").doubtful = false;
            let alive = self.keys.clone();
            if self.go_on(say, reply, now_ms).is_ok() {
                return Ok(());
            }
            self.keys = alive;
            self.keys.remove(&place);
        }
        self.go_on(say, reply, now_ms)
    }

    fn go_on(&mut self, say: &Say, reply: &[u8], now_ms: i64) -> Result<(), String> {
        let expected = self.expect(say, now_ms);
        let good = match say {
            // RESET may have been parsed together with what follows it.
            _ if !self.authenticated && say.widest() > STRANGER_BYTES_MAX => {
                let violation = reply == b"-ERR Protocol error: unauthenticated bulk length\r\n";
                self.over |= violation;
                violation || reply == expected
            }
            Say::Hello(_) if self.authenticated => reply.starts_with(if self.resp3 { b"%" } else { b"*" }),
            Say::Kill(_) if self.authenticated => reply == b":1\r\n" || reply == b":0\r\n",
            Say::KillAll if self.authenticated => reply.starts_with(b":"),
            Say::Wait { .. } => reply == b"+LATE\r\n" || reply == b"$3\r\nfed\r\n",
            _ => reply == expected,
        };
        if good {
            return Ok(());
        }
        let shown = |bytes: &[u8]| bytes[..bytes.len().min(80)].escape_ascii().to_string();
        Err(format!("{} was answered '{}', not '{}'", say.name(), shown(reply), shown(&expected)))
    }

    /// What the reply must be, and what the command does.
    fn expect(&mut self, say: &Say, now_ms: i64) -> Vec<u8> {
        let open = matches!(say, Say::Auth | Say::Quit | Say::Reset | Say::Nonsense | Say::Violation(..));
        if !self.authenticated && !open {
            let noauth: &[u8] = b"-NOAUTH Authentication required.\r\n";
            let hello: &[u8] =
                b"-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO \
                <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol \
                version at the same time\r\n";
            return if matches!(say, Say::Hello(_)) { hello } else { noauth }.to_vec();
        }
        let place = (self.database, say.key().unwrap_or(0));
        let null: &[u8] = if self.resp3 { b"_\r\n" } else { b"$-1\r\n" };
        match say {
            Say::Ping => b"+PONG\r\n".to_vec(),
            Say::Echo(word) => bulk(word),
            Say::Get(_) => self.keys.get(&place).map_or(null.to_vec(), |kept| bulk(&kept.value)),
            Say::Twice(_) => {
                let one = self.keys.get(&place).map_or(null.to_vec(), |kept| bulk(&kept.value));
                [b"*2\r\n", &one[..], &one[..]].concat()
            }
            Say::Set { value, px, .. } => {
                let expires_ms = px.map(|px| now_ms + px);
                self.keys.insert(place, Kept { value: value.clone(), expires_ms, doubtful: false });
                b"+OK\r\n".to_vec()
            }
            Say::Incr(_) => {
                let old = self.keys.get(&place).map_or(Some(0), |kept| integer(&kept.value));
                let Some(old) = old else { return b"-ERR value is not an integer or out of range\r\n".to_vec() };
                let expires_ms = self.keys.get(&place).and_then(|kept| kept.expires_ms);
                let value = (old + 1).to_string().into_bytes();
                self.keys.insert(place, Kept { value, expires_ms, doubtful: false });
                format!(":{}\r\n", old + 1).into_bytes()
            }
            Say::Del(_) => format!(":{}\r\n", self.keys.remove(&place).is_some() as u8).into_bytes(),
            Say::Expire(_, s) => match self.keys.get_mut(&place) {
                None => b":0\r\n".to_vec(),
                Some(kept) => {
                    kept.expires_ms = Some(now_ms + s * 1000);
                    if *s == 0 {
                        self.keys.remove(&place);
                    }
                    b":1\r\n".to_vec()
                }
            },
            Say::Select(database) => {
                self.database = *database;
                b"+OK\r\n".to_vec()
            }
            Say::Hello(version) => {
                self.resp3 = *version == 3;
                vec![]
            }
            Say::Auth if self.needs_password => {
                self.authenticated = true;
                b"+OK\r\n".to_vec()
            }
            Say::Auth => b"-ERR AUTH <password> called without any password configured for the default user. Are you \
                sure your configuration is correct?\r\n"
                .to_vec(),
            Say::Reset => {
                (self.database, self.resp3, self.authenticated) = (0, false, !self.needs_password);
                b"+RESET\r\n".to_vec()
            }
            Say::Quit | Say::Leave => {
                self.over = true;
                b"+OK\r\n".to_vec()
            }
            Say::Violation(_, text) => {
                self.over = true;
                format!("-ERR Protocol error: {text}\r\n").into_bytes()
            }
            Say::Nonsense => b"-ERR unknown command 'NONSENSE', with args beginning with: \r\n".to_vec(),
            Say::Feed(_) | Say::Pause(..) | Say::Unpause => b"+OK\r\n".to_vec(),
            Say::Heard => self.keys.get(&(self.database, UNHEARD)).map_or(null.to_vec(), |kept| bulk(&kept.value)),
            Say::Unheard => unreachable!("it is not answered"),
            Say::Count(upto) => format!(":{upto}\r\n").into_bytes(),
            Say::Kill(_) | Say::KillAll | Say::Wait { .. } => vec![],
        }
    }
}

impl Say {
    fn key(&self) -> Option<u8> {
        match self {
            Say::Get(key) | Say::Incr(key) | Say::Del(key) | Say::Expire(key, _) | Say::Twice(key) => Some(*key),
            Say::Set { key, .. } => Some(*key),
            _ => None,
        }
    }

    fn widest(&self) -> usize {
        match self {
            Say::Set { value: word, .. } | Say::Echo(word) => word.len(),
            _ => 0,
        }
    }

    fn name(&self) -> String {
        let shown = format!("{self:?}");
        shown.chars().take(60).collect()
    }
}

fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn integer(bytes: &[u8]) -> Option<i64> {
    let number: i64 = std::str::from_utf8(bytes).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == bytes).then_some(number)
}

/// How long the first reply is, if it is whole.
pub fn reply_length(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let number = || std::str::from_utf8(&bytes[1..line]).ok()?.parse::<i64>().ok();
    let mut at = line + 2;
    let elements = match bytes[0] {
        b'$' | b'=' => {
            at += number().filter(|length| *length >= 0).map_or(0, |length| length as usize + 2);
            0
        }
        b'*' | b'~' | b'>' => number()?.max(0),
        b'%' => 2 * number()?,
        b'+' | b'-' | b':' | b'_' | b',' | b'#' => 0,
        other => panic!("no reply begins with {:?}", other as char),
    };
    for _ in 0..elements {
        at += reply_length(bytes.get(at..)?)?;
    }
    (at <= bytes.len()).then_some(at)
}
