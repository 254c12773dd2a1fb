//! The kinds of value that a setting can have: how their words are read, checked and printed again.
//!
//! Knows no setting by name and no source. The reasons that it gives for a refusal are Redis's words, since clients and
//! test harnesses compare them.
use crate::base::number;

/// What a setting's words must be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `yes` or `no`.
    Switch,
    /// A whole number, written as a computer would: no sign but `-`, no leading zeros.
    Number { min: i64, max: i64 },
    /// A number of bytes, with a unit if wanted: `1k` is 1000, `1kb` is 1024.
    Memory { min: u64, max: u64 },
    /// A number of bytes, or a part of something in percent.
    Share,
    /// A mode of a file, in octal.
    Mode,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// One or more of these words; the function may refuse them together.
    Flags(&'static [&'static str], fn(&[String]) -> Result<(), &'static str>),
    /// Any text.
    Text,
    /// Text of this kind; the function may refuse it.
    Checked(&'static str, fn(&str) -> Result<(), &'static str>),
    /// A number that is taken as the nearest one between these.
    Held(&'static Kind, i64, i64),
    /// The name of a file or directory.
    Path,
    /// The same without a directory; else it is refused with these words.
    FileName(&'static str),
    /// Any number of words; the function may refuse them.
    Words(fn(&[String]) -> Result<(), &'static str>),
}

/// A value that its kind has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Switch(bool),
    Number(i64),
    Memory(u64),
    Share(Share),
    Mode(u32),
    Text(String),
    Words(Vec<String>),
}

impl Kind {
    /// Whether the setting takes a list. One word that holds spaces then stands for several.
    pub fn is_list(self) -> bool {
        matches!(self, Kind::Words(_) | Kind::Flags(..))
    }

    /// What may stand behind a setting's name, for a person.
    pub fn describe(self) -> String {
        let bytes = |n: u64| with_unit(&n.to_string());
        match self {
            Kind::Switch => "yes or no".into(),
            Kind::Number { min, max } => format!("a number from {min} to {max}"),
            Kind::Memory { min, max } if max >= i64::MAX as u64 => format!("bytes, {} or more", bytes(min)),
            Kind::Memory { min, max } => format!("bytes, {} to {}", bytes(min), bytes(max)),
            Kind::Share => "bytes, or a part: 0% to 100%".into(),
            Kind::Mode => "a mode in octal, 0 to 777".into(),
            Kind::Choice(names) => format!("one of {}", names.join(", ")),
            Kind::Flags(names, _) => format!("some of {}", names.join(", ")),
            Kind::Text => "text".into(),
            Kind::Checked(what, _) => what.into(),
            Kind::Held(kind, ..) => kind.describe(),
            Kind::Path => "a path".into(),
            Kind::FileName(_) => "a file name".into(),
            Kind::Words(_) => "words".into(),
        }
    }

    /// Reads the words that stand behind a setting's name.
    pub fn read(self, words: &[Vec<u8>]) -> Result<Value, String> {
        let words: Vec<&str> = words
            .iter()
            .map(|word| std::str::from_utf8(word).map_err(|_| "argument must be valid UTF-8".to_string()))
            .collect::<Result<_, _>>()?;
        // Flags say themselves that there is none among no words.
        if (words.is_empty() && !matches!(self, Kind::Flags(..))) || (words.len() > 1 && !self.is_list()) {
            return Err("wrong number of arguments".into());
        }
        if self.is_list() { self.read_list(&words) } else { self.read_word(words[0]) }
    }

    fn read_word(self, word: &str) -> Result<Value, String> {
        match self {
            Kind::Switch if word.eq_ignore_ascii_case("yes") => Ok(Value::Switch(true)),
            Kind::Switch if word.eq_ignore_ascii_case("no") => Ok(Value::Switch(false)),
            Kind::Switch => Err("argument must be 'yes' or 'no'".into()),
            Kind::Number { min, max } => match number::integer(word.as_bytes()) {
                Some(n) if (min..=max).contains(&n) => Ok(Value::Number(n)),
                Some(_) => Err(format!("argument must be between {min} and {max} inclusive")),
                None => Err("argument couldn't be parsed into an integer".into()),
            },
            Kind::Memory { min, max } => match memory(word) {
                Some(n) if (min..=max).contains(&n) => Ok(Value::Memory(n)),
                Some(_) => Err(format!("argument must be between {min} and {max} inclusive")),
                None => Err("argument must be a memory value".into()),
            },
            Kind::Share => Share::parse(word).map(Value::Share).map_err(String::from),
            Kind::Mode => match u32::from_str_radix(word, 8) {
                Ok(mode) if mode <= 0o777 && !word.starts_with('+') => Ok(Value::Mode(mode)),
                Ok(_) => Err("argument must be between 0 and 777 inclusive".into()),
                Err(_) => Err("argument couldn't be parsed as an octal number".into()),
            },
            Kind::Choice(names) => Ok(Value::Text(choose(word, names)?.into())),
            Kind::Held(kind, low, high) => Ok(match kind.read_word(word)? {
                Value::Number(number) => Value::Number(number.clamp(low, high)),
                Value::Memory(bytes) => Value::Memory(bytes.clamp(low as u64, high as u64)),
                other => unreachable!("{other:?} is no number"),
            }),
            Kind::Checked(_, check) => check(word).map(|()| Value::Text(word.into())).map_err(String::from),
            Kind::FileName(refusal) if word.contains('/') => Err(refusal.into()),
            Kind::Text | Kind::Path | Kind::FileName(_) => Ok(Value::Text(word.into())),
            Kind::Flags(..) | Kind::Words(_) => unreachable!("lists are read by read_list"),
        }
    }

    fn read_list(self, words: &[&str]) -> Result<Value, String> {
        // As in Redis each space parts two words, empty ones too, which no setting takes; no bytes are no words.
        let words = words.iter().filter(|word| !word.is_empty()).flat_map(|word| word.split(' '));
        match self {
            Kind::Flags(names, check) => {
                let given: Vec<&str> = words.map(|word| choose(word, names)).collect::<Result<_, _>>()?;
                let in_order = names.iter().filter(|name| given.contains(name)).map(|name| name.to_string());
                if given.is_empty() {
                    return Err(one_of(names));
                }
                let words: Vec<String> = in_order.collect();
                check(&words)?;
                Ok(Value::Words(words))
            }
            Kind::Words(check) => {
                let words: Vec<String> = words.map(String::from).collect();
                check(&words)?;
                Ok(Value::Words(words))
            }
            _ => unreachable!("single words are read by read_word"),
        }
    }
}

impl Value {
    /// The text that CONFIG GET gives, and that `Kind::read` reads back.
    pub fn print(&self) -> String {
        match self {
            Value::Switch(yes) => if *yes { "yes" } else { "no" }.into(),
            Value::Number(n) => n.to_string(),
            Value::Memory(n) | Value::Share(Share::Bytes(n)) => n.to_string(),
            Value::Share(Share::Percent(n)) => format!("{n}%"),
            Value::Mode(mode) => format!("{mode:o}"),
            Value::Text(text) => text.clone(),
            Value::Words(words) => words.join(" "),
        }
    }
}

fn choose(word: &str, names: &'static [&'static str]) -> Result<&'static str, String> {
    names.iter().find(|name| name.eq_ignore_ascii_case(word)).copied().ok_or_else(|| one_of(names))
}

/// Those that Valkey has added are taken, and not told.
fn one_of(names: &[&str]) -> String {
    const VALKEYS: [&str; 3] = ["safe", "failover", "flush-before-load"];
    let redis: Vec<&str> = names.iter().copied().filter(|name| !VALKEYS.contains(name)).collect();
    format!("argument(s) must be one of the following: {}", redis.join(", "))
}

/// A number of bytes. As in Redis an empty number is zero, and one that does not fit is the largest.
pub fn memory(text: &str) -> Option<u64> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    let number = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u64::MAX) };
    Some(u64::saturating_mul(number, unit))
}

/// A number of bytes as one writes it: in the largest unit that it is a multiple of.
pub fn with_unit(bytes: &str) -> String {
    let units = [("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10)];
    let number: u64 = bytes.parse().unwrap_or(0);
    let unit = units.iter().find(|(_, unit)| number > 0 && number.is_multiple_of(*unit));
    unit.map_or_else(|| bytes.to_string(), |(name, unit)| format!("{}{name}", number / unit))
}

/// A typed field of the configuration: how it becomes a value and is made from one.
///
/// `write` asserts that the value has the field's kind: the table pairs them, and a test sets every bound of every field.
pub trait Field {
    fn read(&self) -> Value;
    fn write(&mut self, value: Value);
}

macro_rules! field {
    ($type:ty, $variant:ident, $this:ident => $read:expr, $value:ident => $write:expr) => {
        impl Field for $type {
            fn read(&self) -> Value {
                let $this = self;
                Value::$variant($read)
            }
            fn write(&mut self, value: Value) {
                let Value::$variant($value) = value else {
                    unreachable!("{value:?} is of another kind than its field")
                };
                *self = $write;
            }
        }
    };
}

field!(bool, Switch, this => *this, value => value);
field!(u16, Number, this => i64::from(*this), value => value.try_into().expect("the table bounds it"));
field!(u32, Number, this => i64::from(*this), value => value.try_into().expect("the table bounds it"));
field!(i64, Number, this => *this, value => value);
field!(u64, Memory, this => *this, value => value);
field!(Share, Share, this => *this, value => value);
field!(Mode, Mode, this => this.0, value => Mode(value));
field!(String, Text, this => this.clone(), value => value);
field!(Option<String>, Text, this => this.clone().unwrap_or_default(), value => Some(value).filter(|text| !text.is_empty()));
field!(Vec<String>, Words, this => this.clone(), value => value);

field!(Percentiles, Words, this => this.0.iter().map(f64::to_string).collect(),
    value => Percentiles(value.iter().map(|word| word.parse().expect("the table checks it")).collect()));

/// Numbers from 0 to 100, told as they are counted: `5.0` as `5`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Percentiles(pub Vec<f64>);

/// A limit of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// 0: none.
    Bytes(u64),
    /// Of something; see `of`.
    Percent(u8),
}

const TOO_MANY_PERCENT: &str = "percentage argument must be less or equal to 100";

impl Share {
    fn parse(word: &str) -> Result<Share, &'static str> {
        match word.strip_suffix('%').map(|percent| number::integer(percent.as_bytes())) {
            Some(Some(0)) => Ok(Share::Bytes(0)),
            Some(Some(percent @ 1..=100)) => Ok(Share::Percent(percent as u8)),
            Some(Some(101..)) => Err(TOO_MANY_PERCENT),
            // So Redis says it, which marks a part by the sign of the number.
            None if memory(word).is_some_and(|bytes| bytes > i64::MAX as u64) => Err(TOO_MANY_PERCENT),
            None if let Some(bytes) = memory(word) => Ok(Share::Bytes(bytes)),
            _ => Err("argument must be a memory or percent value"),
        }
    }

    /// In bytes, if there is a limit.
    pub fn of(self, whole: impl FnOnce() -> u64) -> Option<u64> {
        let bytes = match self {
            Share::Bytes(bytes) => bytes,
            Share::Percent(percent) => (whole() as u128 * percent as u128 / 100) as u64,
        };
        (bytes > 0).then_some(bytes)
    }
}

/// The permission bits of a file. Zero leaves them to the process's umask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mode(pub u32);

/// An enumeration whose variants have the names that stand in a configuration file.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($variant),* }

        impl $name {
            pub const NAMES: &'static [&'static str] = &[$($text),*];

            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }
        }

        impl $crate::server::config::value::Field for $name {
            fn read(&self) -> Value {
                Value::Text(self.name().into())
            }
            fn write(&mut self, value: Value) {
                *self = match value.print().as_str() {
                    $($text => $name::$variant,)*
                    other => unreachable!("{other} is none of {:?}", Self::NAMES),
                };
            }
        }
    };
}

choice!(
    /// How much is logged.
    LogLevel { Debug = "debug", Verbose = "verbose", Notice = "notice", Warning = "warning", Nothing = "nothing" }
);
choice!(
    /// Who has started the server and wants to be told that it is ready.
    Supervised { Upstart = "upstart", Systemd = "systemd", Auto = "auto", No = "no" }
);
choice!(
    /// Whose log lines these are, for syslog.
    Facility {
        User = "user", Local0 = "local0", Local1 = "local1", Local2 = "local2", Local3 = "local3",
        Local4 = "local4", Local5 = "local5", Local6 = "local6", Local7 = "local7",
    }
);
choice!(
    /// Which keys would go first if memory were limited. Two of them have uses counted.
    EvictionPolicy {
        VolatileLru = "volatile-lru", VolatileLfu = "volatile-lfu", VolatileRandom = "volatile-random",
        VolatileTtl = "volatile-ttl", AllKeysLru = "allkeys-lru", AllKeysLfu = "allkeys-lfu",
        AllKeysRandom = "allkeys-random", NoEviction = "noeviction",
    }
);
choice!(
    /// Who may use what can harm: nobody, everybody, or clients on this machine.
    Permission { No = "no", Yes = "yes", Local = "local" }
);

impl Permission {
    /// Whether a client may, who is on this machine or not.
    pub fn allows(self, local: bool) -> bool {
        self == Permission::Yes || (self == Permission::Local && local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, words: &[&str]) -> Result<String, String> {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        kind.read(&words).map(|value| value.print())
    }

    #[test]
    fn memory_units_are_redis_units() {
        let table = [("0", 0), ("17", 17), ("1b", 1), ("1k", 1000), ("1kb", 1024), ("2K", 2000), ("2KB", 2048)];
        let large = [("1m", 1_000_000), ("100mb", 100 << 20), ("1g", 1_000_000_000), ("1Gb", 1 << 30)];
        for (text, bytes) in table.into_iter().chain(large) {
            assert_eq!(memory(text), Some(bytes), "{text}");
        }
        for (text, bytes) in [("", 0), ("kb", 0), ("18446744073709551616", u64::MAX), ("99999999999gb", u64::MAX)] {
            assert_eq!(memory(text), Some(bytes), "{text}");
        }
        for text in ["-1", "+1", "1.5gb", "1gbx", "1 kb", "0x10"] {
            assert_eq!(memory(text), None, "{text}");
        }
    }

    #[test]
    fn kinds_accept_and_refuse_as_redis_does() {
        let number = Kind::Number { min: 0, max: 65535 };
        let memory = Kind::Memory { min: 1 << 20, max: i64::MAX as u64 };
        let choice = Kind::Choice(LogLevel::NAMES);
        let flags = Kind::Flags(&["default", "save", "now"], |_| Ok(()));
        let words = Kind::Words(|words| if words.len() > 2 { Err("too many") } else { Ok(()) });
        let levels = "argument(s) must be one of the following: debug, verbose, notice, warning, nothing";
        let table: &[(Kind, &[&str], Result<&str, &str>)] = &[
            (Kind::Switch, &["YES"], Ok("yes")),
            (Kind::Switch, &["maybe"], Err("argument must be 'yes' or 'no'")),
            (Kind::Switch, &["yes", "no"], Err("wrong number of arguments")),
            (Kind::Switch, &[], Err("wrong number of arguments")),
            (number, &["6379"], Ok("6379")),
            (number, &["70000"], Err("argument must be between 0 and 65535 inclusive")),
            (number, &["-1"], Err("argument must be between 0 and 65535 inclusive")),
            (number, &["05"], Err("argument couldn't be parsed into an integer")),
            (number, &["+5"], Err("argument couldn't be parsed into an integer")),
            (number, &[""], Err("argument couldn't be parsed into an integer")),
            (memory, &["2mb"], Ok("2097152")),
            (memory, &["10"], Err("argument must be between 1048576 and 9223372036854775807 inclusive")),
            (memory, &["10xb"], Err("argument must be a memory value")),
            (memory, &[""], Err("argument must be between 1048576 and 9223372036854775807 inclusive")),
            (memory, &["99999999999gb"], Err("argument must be between 1048576 and 9223372036854775807 inclusive")),
            (Kind::Held(&Kind::Number { min: 0, max: 9999 }, 1, 500), &["0"], Ok("1")),
            (Kind::Held(&Kind::Number { min: 0, max: 9999 }, 1, 500), &["1000"], Ok("500")),
            (Kind::Held(&Kind::Memory { min: 1, max: 9999 }, 16, i64::MAX), &["2"], Ok("16")),
            (Kind::Mode, &["700"], Ok("700")),
            (Kind::Mode, &["888"], Err("argument couldn't be parsed as an octal number")),
            (Kind::Mode, &["1000"], Err("argument must be between 0 and 777 inclusive")),
            (choice, &["Notice"], Ok("notice")),
            (choice, &["loud"], Err(levels)),
            (flags, &["save  now"], Err("argument(s) must be one of the following: default, save, now")),
            (flags, &[" save"], Err("argument(s) must be one of the following: default, save, now")),
            (flags, &["save now"], Ok("save now")),
            (flags, &["now", "SAVE", "now"], Ok("save now")),
            (flags, &[], Err("argument(s) must be one of the following: default, save, now")),
            (flags, &["later"], Err("argument(s) must be one of the following: default, save, now")),
            (Kind::Text, &["a b"], Ok("a b")),
            (words, &["a b"], Ok("a b")),
            (words, &["a", "b"], Ok("a b")),
            (words, &[""], Ok("")),
            (words, &["a", "b c"], Err("too many")),
        ];
        for (kind, given, expected) in table {
            let expected = expected.map(String::from).map_err(String::from);
            assert_eq!(read(*kind, given), expected, "{kind:?} {given:?}");
        }
        assert_eq!(Kind::Text.read(&[vec![0xff]]), Err("argument must be valid UTF-8".into()));
    }
}
