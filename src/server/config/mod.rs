//! The configuration: what the server is told at start and by CONFIG SET, and where each setting came from.
//!
//! Does no I/O: who reads files gives their lines (`file.rs` splits them), and the password-less exposure of a server
//! is judged from the settings alone (`guard.rs`). Nothing here acts on a setting; who does reads the typed fields.
pub mod file;
pub mod guard;
mod known;
pub mod output_limits;
mod reasons;
mod rewrite;
pub mod table;
pub mod value;

use crate::base::glob;
use crate::server::notify::Events;
use crate::store::access::Rates;
use output_limits::OutputLimits;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;
use table::{Change, Lines, Meaning, Spec};
pub use value::{EvictionPolicy, Facility, LogLevel, Mode, Percentiles, Permission, Share, Supervised};

/// Redis knows no such bound. Each database is memory from the start, and one whose keys expire is looked at each turn.
pub const DATABASES_MAX: u32 = 16384;

const SAVED_AT_THE_END: &str = "has the data saved when Spindle ends, and not yet in between";

/// Every setting that means something is a field, named as in a configuration file.
#[derive(Debug, Clone)]
pub struct Config {
    /// A leading `-`: the address may be missing on this machine.
    pub bind: Vec<String>,
    pub port: u16,
    pub unixsocket: Option<String>,
    pub unixsocketperm: Mode,
    pub tcp_backlog: u32,
    /// Seconds; 0 is off.
    pub tcp_keepalive: u32,
    /// Seconds; 0 is off.
    pub timeout: u32,
    pub busy_poll_usec: u32,
    /// Empty: no password is wanted.
    pub requirepass: String,
    pub protected_mode: bool,
    pub enable_debug_command: Permission,
    pub enable_protected_configs: Permission,
    pub maxclients: u32,
    /// Percent.
    pub maxclients_unauthenticated: u32,
    /// Up to `DATABASES_MAX`.
    pub databases: u32,
    pub proto_max_bulk_len: u64,
    pub client_query_buffer_limit: u64,
    pub client_output_buffer_limit: OutputLimits,
    pub maxmemory_clients: Share,
    /// Milliseconds; 0 is off.
    pub busy_reply_threshold: i64,
    pub notify_keyspace_events: Events,
    pub list_max_listpack_size: i64,
    pub maxmemory_policy: EvictionPolicy,
    pub lfu_log_factor: u32,
    /// Minutes; 0 is off.
    pub lfu_decay_time: u32,
    pub hash_max_listpack_entries: i64,
    pub hash_max_listpack_value: u64,
    pub set_max_intset_entries: i64,
    pub set_max_listpack_entries: i64,
    pub set_max_listpack_value: i64,
    pub zset_max_listpack_entries: i64,
    pub zset_max_listpack_value: u64,
    pub disable_thp: bool,
    /// Microseconds; -1 is off.
    pub slowlog_log_slower_than: i64,
    pub slowlog_max_len: i64,
    /// Milliseconds; 0 is off.
    pub latency_monitor_threshold: i64,
    pub latency_tracking: bool,
    pub latency_tracking_info_percentiles: Percentiles,
    /// Microseconds; -1 is off.
    pub stall_log_slower_than: i64,
    pub loglevel: LogLevel,
    pub logfile: Option<String>,
    pub syslog_enabled: bool,
    pub syslog_ident: String,
    pub syslog_facility: Facility,
    /// Pairs of seconds and changes.
    pub save: Vec<String>,
    pub dbfilename: String,
    pub rdbcompression: bool,
    pub rdbchecksum: bool,
    pub key_load_delay: i64,
    pub shutdown_on_sigint: Vec<String>,
    pub shutdown_on_sigterm: Vec<String>,
    /// Where relative paths count from.
    pub dir: String,
    pub daemonize: bool,
    pub pidfile: Option<String>,
    pub supervised: Supervised,

    /// Commands that have other names, in this order; an empty name disables. Whoever reads the names checks them.
    pub renames: Vec<Rename>,
    /// The file that was named on the command line, if one was.
    pub file: Option<ConfigFile>,
    /// The supervisor that was found, whatever `supervised` asked for; else `no`.
    pub supervisor: &'static str,
    /// The text of settings without effect, by their chief name.
    without_effect: BTreeMap<&'static str, String>,
    /// Who said a setting last, by its chief name; what nobody said is missing.
    sources: BTreeMap<&'static str, Source>,
}

/// The defaults suit a local cache. They stand here only; the table has none of its own.
impl Default for Config {
    fn default() -> Config {
        Config {
            bind: vec!["127.0.0.1".into(), "-::1".into()],
            port: 6379,
            unixsocket: None,
            unixsocketperm: Mode(0),
            tcp_backlog: 511,
            tcp_keepalive: 300,
            timeout: 0,
            busy_poll_usec: 20,
            requirepass: String::new(),
            protected_mode: true,
            enable_debug_command: Permission::No,
            enable_protected_configs: Permission::No,
            maxclients: 10_000,
            maxclients_unauthenticated: 25,
            databases: 16,
            proto_max_bulk_len: 512 << 20,
            client_query_buffer_limit: 1 << 30,
            client_output_buffer_limit: OutputLimits::default(),
            maxmemory_clients: Share::Bytes(0),
            busy_reply_threshold: 5000,
            notify_keyspace_events: Events::default(),
            list_max_listpack_size: -2,
            maxmemory_policy: EvictionPolicy::NoEviction,
            lfu_log_factor: 10,
            lfu_decay_time: 1,
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            disable_thp: true,
            slowlog_log_slower_than: 10_000,
            slowlog_max_len: 128,
            latency_monitor_threshold: 0,
            latency_tracking: true,
            latency_tracking_info_percentiles: Percentiles(vec![50.0, 99.0, 99.9]),
            stall_log_slower_than: 10_000,
            loglevel: LogLevel::Notice,
            logfile: None,
            syslog_enabled: false,
            syslog_ident: "redis".into(),
            syslog_facility: Facility::Local0,
            save: vec![],
            dbfilename: "dump.rdb".into(),
            rdbcompression: true,
            rdbchecksum: true,
            key_load_delay: 0,
            shutdown_on_sigint: vec!["default".into()],
            shutdown_on_sigterm: vec!["default".into()],
            dir: "./".into(),
            daemonize: false,
            pidfile: None,
            supervised: Supervised::No,
            renames: vec![],
            file: None,
            supervisor: "no",
            without_effect: BTreeMap::new(),
            sources: BTreeMap::new(),
        }
    }
}

/// The name of a command, and the one that it gets. They live as long as the server.
pub type Rename = (&'static [u8], &'static [u8]);

/// The file that CONFIG REWRITE rewrites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// As the user wrote it.
    pub name: Arc<str>,
    /// The same from the root on: the working directory may change.
    pub path: String,
}

/// Who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    File { path: Arc<str>, line: usize },
    StandardInput { line: usize },
    CommandLine,
    ConfigSet,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Source::File { path, line } => write!(f, "{path}:{line}"),
            Source::StandardInput { line } => write!(f, "standard input:{line}"),
            Source::CommandLine => f.write_str("command line"),
            Source::ConfigSet => f.write_str("CONFIG SET"),
        }
    }
}

/// Why a setting was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The setting as the user wrote it.
    pub name: String,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    Unknown,
    Duplicate,
    Immutable,
    Protected,
    /// The words are not of the setting's kind.
    Value(String),
}

impl ConfigError {
    /// The error reply to CONFIG SET, in Redis's words.
    pub fn reply(&self) -> String {
        let name = &self.name;
        match self.problem {
            Problem::Unknown => format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'"),
            _ => format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {self}"),
        }
    }
}

/// The reason alone, for whoever knows where the setting stood.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.problem {
            Problem::Unknown => match table::nearest(&self.name) {
                Some(near) => write!(f, "unknown setting; did you mean '{near}'?"),
                None => f.write_str("unknown setting"),
            },
            Problem::Duplicate => f.write_str("duplicate parameter"),
            Problem::Immutable => f.write_str("can't set immutable config"),
            Problem::Protected => f.write_str("can't set protected config"),
            Problem::Value(reason) => f.write_str(reason),
        }
    }
}

/// A setting that is not as it was born.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub name: &'static str,
    /// Secrets are masked.
    pub value: String,
    pub default: String,
    pub source: Source,
}

impl Config {
    /// How uses of keys are counted; `None`: they are not.
    pub fn use_rates(&self) -> Option<Rates> {
        let counts = matches!(self.maxmemory_policy, EvictionPolicy::VolatileLfu | EvictionPolicy::AllKeysLfu);
        counts.then_some(Rates { log_factor: self.lfu_log_factor, decay_minutes: self.lfu_decay_time })
    }

    /// Sets one setting from a file or the command line, where nothing is immutable yet.
    pub fn set_one(&mut self, name: &str, words: &[Vec<u8>], source: Source) -> Result<(), ConfigError> {
        let refuse = |problem| ConfigError { name: printable(name.as_bytes()), problem };
        if let Some(reason) = known::refusal(name) {
            return Err(refuse(Problem::Value(reason.into())));
        }
        let spec = table::find(name).ok_or_else(|| refuse(Problem::Unknown))?;
        let mut words = words.to_vec();
        if words.is_empty() && spec.lines == Lines::Add {
            // As `save` stands alone in files that other programs write.
            words.push(vec![]);
        }
        let erases = words.iter().all(|word| word.is_empty());
        if spec.lines == Lines::Add && !erases && self.sources.contains_key(spec.name) {
            words.insert(0, self.text(spec).into_bytes());
        }
        // Where these words send the reader to the log, this is the log.
        let clear = |reason: String| match spec.reason() {
            Some(why) if reason == known::NO_TLS => why.to_string(),
            _ => reason,
        };
        self.write(spec, &words).map_err(|reason| refuse(Problem::Value(clear(reason))))?;
        self.sources.insert(spec.name, source);
        Ok(())
    }

    /// CONFIG SET: all settings or none. Returns the chief names of those whose value is now another.
    /// `local`: the client is on this machine.
    pub fn set_many(&mut self, pairs: &[(&[u8], &[u8])], local: bool) -> Result<Vec<&'static str>, ConfigError> {
        let mut seen = HashSet::new();
        let mut found = Vec::with_capacity(pairs.len());
        // Names come before values, as in Redis: an unknown name is told even if a value before it is bad.
        for (name, value) in pairs {
            let refuse = |problem| ConfigError { name: printable(name), problem };
            let spec = std::str::from_utf8(name).ok().and_then(table::find);
            let spec = spec.ok_or_else(|| refuse(Problem::Unknown))?;
            match spec.change {
                Change::AtStart => return Err(refuse(Problem::Immutable)),
                Change::Protected if !self.enable_protected_configs.allows(local) => {
                    return Err(refuse(Problem::Protected));
                }
                _ if !seen.insert(name.to_ascii_lowercase()) => return Err(refuse(Problem::Duplicate)),
                _ => found.push((spec, name, value)),
            }
        }
        let mut next = self.clone();
        let mut changed = Vec::new();
        for (spec, name, value) in found {
            // The value's fault is told by the setting's own name, in lower case.
            let name = printable(name).to_lowercase();
            let refuse = |reason| ConfigError { name, problem: Problem::Value(reason) };
            next.write(spec, &[value.to_vec()]).map_err(refuse)?;
            next.sources.insert(spec.name, Source::ConfigSet);
            if next.text(spec) != self.text(spec) {
                changed.push(spec.name);
            }
        }
        *self = next;
        Ok(changed)
    }

    /// CONFIG GET of one pattern: names and values. A plain name comes back as it was written, as Redis does it.
    pub fn get(&self, pattern: &[u8]) -> Vec<(String, String)> {
        if glob::is_plain(pattern) {
            let name = std::str::from_utf8(pattern).unwrap_or_default();
            return table::find(name).map(|spec| (name.to_string(), self.text(spec))).into_iter().collect();
        }
        let named =
            table::all().filter(|spec| !spec.hidden).flat_map(|spec| spec.names().map(move |name| (name, spec)));
        named
            .filter(|(name, _)| glob::matches(pattern, name.as_bytes(), true) && !known::is_valkeys(name))
            .map(|(name, spec)| (name.to_string(), self.text(spec)))
            .collect()
    }

    /// CONFIG GET of several patterns: a name that two of them match comes once.
    pub fn get_all<'a>(&self, patterns: impl IntoIterator<Item = &'a [u8]>) -> Vec<(String, String)> {
        let mut seen = HashSet::new();
        let pairs = patterns.into_iter().flat_map(|pattern| self.get(pattern));
        pairs.filter(|(name, _)| seen.insert(name.to_ascii_lowercase())).collect()
    }

    /// The settings that are not default and where they came from, in the table's order.
    pub fn changed(&self) -> Vec<Changed> {
        self.said().map(|(spec, source)| self.describe(spec, source)).filter(|it| it.value != it.default).collect()
    }

    /// Commands that have another name now. Which, is not told: some rename a command to hide it.
    pub fn renamed(&self) -> Vec<String> {
        let told = |(from, to): &Rename| match to {
            [] => format!("{} (disabled)", printable(from)),
            _ => printable(from),
        };
        self.renames.iter().map(told).collect()
    }

    /// The names of settings that were said and have no effect.
    pub fn ignored(&self) -> Vec<&'static str> {
        let ignored = |spec: &Spec| matches!(spec.meaning, Meaning::None { .. });
        self.said().filter(|(spec, _)| ignored(spec)).map(|(spec, _)| spec.name).collect()
    }

    /// What the user asked for and does not get: one sentence each, to be logged as a warning.
    pub fn warnings(&self) -> Vec<String> {
        self.said().filter_map(|(spec, _)| self.warning(spec.name)).collect()
    }

    /// The warning that this setting's present value deserves, if any. For CONFIG SET, after the change.
    pub fn warning(&self, name: &str) -> Option<String> {
        let spec = table::find(name)?;
        let (value, source) = (self.text(spec), self.sources.get(spec.name)?);
        let lack = match spec.meaning {
            Meaning::None { lack: Some(lack), default } if value != default => {
                format!("has no effect in Spindle: {lack}")
            }
            Meaning::Field { .. } if spec.name == "save" && !value.is_empty() => SAVED_AT_THE_END.into(),
            _ => return None,
        };
        Some(format!("'{} {value}' ({source}) {lack}", spec.name))
    }

    /// The text of a setting's value, as CONFIG GET gives it.
    pub fn text(&self, spec: &Spec) -> String {
        match spec.meaning {
            Meaning::Field { read, .. } => read(self).print(),
            Meaning::None { default, .. } => {
                self.without_effect.get(spec.name).map_or_else(|| default.to_string(), String::clone)
            }
        }
    }

    /// What `maxmemory` was set to. Only `maxmemory-clients` may count from it yet.
    pub fn maxmemory(&self) -> u64 {
        table::find("maxmemory").and_then(|spec| self.text(spec).parse().ok()).unwrap_or(0)
    }

    fn write(&mut self, spec: &'static Spec, words: &[Vec<u8>]) -> Result<(), String> {
        let value = spec.kind.read(words)?;
        match spec.meaning {
            Meaning::Field { write, .. } => write(self, value),
            Meaning::None { .. } => {
                self.without_effect.insert(spec.name, value.print());
            }
        }
        Ok(())
    }

    fn said(&self) -> impl Iterator<Item = (&'static Spec, &Source)> {
        table::all().filter_map(|spec| Some((spec, self.sources.get(spec.name)?)))
    }

    fn describe(&self, spec: &'static Spec, source: &Source) -> Changed {
        let (mut value, default) = (self.text(spec), Config::default().text(spec));
        if spec.secret && !value.is_empty() {
            value = "(secret)".into();
        }
        Changed { name: spec.name, value, default, source: source.clone() }
    }
}

/// A name that a stranger wrote, fit for an error reply and a log line.
fn printable(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().map(|c| if c.is_control() { ' ' } else { c }).take(128).collect()
}

#[cfg(test)]
mod tests;
