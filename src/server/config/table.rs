//! The table of settings: what each is called, what its words must be, when it may change and what it is for.
//!
//! Reading, CONFIG GET and SET, and `--help` all derive from it. To add a setting: a typed field of `Config` with its
//! default (mod.rs), one row here, and its name goes from `known.rs` if it stands there.
use super::known::KNOWN;
use super::value::{EvictionPolicy, Facility, Field, Kind, LogLevel, Permission, Supervised, Value};
use super::{Config, DATABASES_MAX, output_limits};
use crate::base::nearest;
use crate::server::notify::Events;

/// One setting.
#[derive(Debug)]
pub struct Spec {
    pub name: &'static str,
    /// Its other names, older ones mostly.
    pub also: &'static [&'static str],
    pub kind: Kind,
    pub change: Change,
    /// Left out when a pattern asks for many settings.
    pub hidden: bool,
    /// Never printed nor logged; CONFIG GET alone tells it.
    pub secret: bool,
    pub lines: Lines,
    pub meaning: Meaning,
}

/// When a setting may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// At any time, by CONFIG SET.
    Live,
    /// Only before the start.
    AtStart,
    /// By CONFIG SET only where `enable-protected-configs` says so.
    Protected,
}

/// What several lines of one setting come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// The last one counts.
    Last,
    /// They add to each other.
    Add,
    /// Each tells of the classes of clients that it names, and leaves the others as they are.
    PerClass,
}

#[derive(Debug, Clone, Copy)]
pub enum Meaning {
    /// A typed field of `Config`.
    Field { group: &'static str, read: fn(&Config) -> Value, write: fn(&mut Config, Value), help: &'static str },
    /// Without effect: remembered as text. `lack` is what a user who sets it must be told.
    None { default: &'static str, lack: Option<&'static str> },
}

macro_rules! setting {
    ($group:literal, $name:literal, $field:ident, $kind:expr, $change:ident, $help:literal) => {
        Spec {
            name: $name,
            also: &[],
            kind: $kind,
            change: Change::$change,
            hidden: false,
            secret: false,
            lines: Lines::Last,
            meaning: Meaning::Field {
                group: $group,
                read: |config| config.$field.read(),
                write: |config, value| config.$field.write(value),
                help: $help,
            },
        }
    };
}

const PORT: Kind = Kind::Number { min: 0, max: 65535 };
const COUNT: Kind = Kind::Number { min: 0, max: i32::MAX as i64 };
const SHUTDOWN: &[&str] = &["default", "save", "nosave", "now", "force", "safe", "failover"];
/// A limit of buffers. Redis has the same least value: below it ordinary requests would fail.
const BUFFER: Kind = Kind::Memory { min: 1 << 20, max: i64::MAX as u64 };

#[rustfmt::skip] // One setting, two lines: a table.
static SETTINGS: &[Spec] = &[
    setting!("Network", "bind", bind, Kind::Words(at_most_16_addresses), Live,
        "Addresses to listen on. One that begins with - may be missing on this machine; * is all of IPv4, ::* all of IPv6"),
    setting!("Network", "port", port, PORT, Live,
        "TCP port; 0 listens on none"),
    setting!("Network", "unixsocket", unixsocket, Kind::Path, AtStart,
        "Path of a Unix socket to listen on as well"),
    setting!("Network", "unixsocketperm", unixsocketperm, Kind::Mode, AtStart,
        "Permissions of that socket, in octal; 0 leaves them to the umask"),
    setting!("Network", "tcp-backlog", tcp_backlog, COUNT, AtStart,
        "Connections that the kernel may hold until they are accepted"),
    setting!("Network", "tcp-keepalive", tcp_keepalive, COUNT, Live,
        "Seconds of silence after which the kernel probes a peer; 0 never"),
    setting!("Network", "timeout", timeout, COUNT, Live,
        "Seconds after which an idle client is disconnected; 0 never"),
    setting!("Network", "busy-poll-usec", busy_poll_usec, Kind::Number { min: 0, max: 1000 }, Live,
        "Microseconds to poll without sleeping while requests keep coming; 0 always sleeps"),

    setting!("Security", "requirepass", requirepass, Kind::Text, Live,
        "Password that clients must give").secret(),
    setting!("Security", "protected-mode", protected_mode, Kind::Switch, Live,
        "Without a password, serve this machine only"),
    setting!("Security", "enable-debug-command", enable_debug_command, Kind::Choice(Permission::NAMES), AtStart,
        "Who may use DEBUG"),
    setting!("Security", "enable-protected-configs", enable_protected_configs, Kind::Choice(Permission::NAMES), AtStart,
        "Who may change settings that name files by CONFIG SET"),

    setting!("Limits", "maxclients", maxclients, Kind::Number { min: 1, max: u32::MAX as i64 }, Live,
        "Clients at the same time"),
    setting!("Limits", "maxclients-unauthenticated", maxclients_unauthenticated, Kind::Number { min: 1, max: 100 }, Live,
        "Percent of maxclients for clients that have not given the password: when one more comes, the oldest of them is closed"),
    setting!("Limits", "databases", databases, Kind::Number { min: 1, max: DATABASES_MAX as i64 }, AtStart,
        "Number of databases"),
    setting!("Limits", "proto-max-bulk-len", proto_max_bulk_len, BUFFER, Live,
        "Bytes of one argument"),
    setting!("Limits", "client-query-buffer-limit", client_query_buffer_limit, BUFFER, Live,
        "Bytes of one client's input that wait to be run"),
    setting!("Limits", "client-output-buffer-limit", client_output_buffer_limit, Kind::Words(output_limits::check), Live,
        "For normal, replica or pubsub clients: bytes unsent (more than 16 KB) at which one is closed, bytes and for how many seconds; 0 never").lines(Lines::PerClass),
    setting!("Limits", "busy-reply-threshold", busy_reply_threshold, Kind::Number { min: 0, max: i64::MAX }, Live,
        "Milliseconds that a transaction may run before the others are told that the server is busy; 0 lets them wait").also(&["lua-time-limit"]),

    setting!("Memory", "maxmemory-clients", maxmemory_clients, Kind::Share, Live,
        "Memory of all clients together, or a part of maxmemory; beyond it, the largest clients are closed. 0: no limit"),
    setting!("Memory", "disable-thp", disable_thp, Kind::Switch, AtStart,
        "Do without transparent huge pages: 2 MB at a time are too coarse for many small connections"),

    setting!("Memory", "maxmemory-policy", maxmemory_policy, Kind::Choice(EvictionPolicy::NAMES), Live,
        "What is kept of a key's use: with an LFU policy how often (OBJECT FREQ), else when (OBJECT IDLETIME). Nothing is evicted yet"),
    setting!("Memory", "lfu-log-factor", lfu_log_factor, COUNT, Live,
        "How rarely the counter of a key's uses grows; 0 counts them all"),
    setting!("Memory", "lfu-decay-time", lfu_decay_time, COUNT, Live,
        "Minutes in which that counter sinks by one; 0 never"),

    setting!("Memory", "list-max-listpack-size", list_max_listpack_size, Kind::Number { min: i32::MIN as i64, max: i32::MAX as i64 }, Live,
        "When OBJECT ENCODING says quicklist of a list: above so many elements, or -1 to -5: above 4, 8, 16, 32, 64 KB").also(&["list-max-ziplist-size"]),
    setting!("Memory", "zset-max-listpack-entries", zset_max_listpack_entries, Kind::Number { min: 0, max: i64::MAX }, Live,
        "When OBJECT ENCODING says skiplist of a sorted set: above so many members").also(&["zset-max-ziplist-entries"]),
    setting!("Memory", "zset-max-listpack-value", zset_max_listpack_value, Kind::Memory { min: 0, max: i64::MAX as u64 }, Live,
        "And with a member of more bytes").also(&["zset-max-ziplist-value"]),

    setting!("Memory", "hash-max-listpack-entries", hash_max_listpack_entries, Kind::Number { min: 0, max: i64::MAX }, Live,
        "When OBJECT ENCODING says hashtable of a hash: above so many fields").also(&["hash-max-ziplist-entries"]),
    setting!("Memory", "hash-max-listpack-value", hash_max_listpack_value, Kind::Memory { min: 0, max: i64::MAX as u64 }, Live,
        "The same: with a field or value of more bytes").also(&["hash-max-ziplist-value"]),
    setting!("Memory", "set-max-intset-entries", set_max_intset_entries, Kind::Number { min: 0, max: i64::MAX }, Live,
        "When OBJECT ENCODING says no longer intset of a set of integers: above so many"),
    setting!("Memory", "set-max-listpack-entries", set_max_listpack_entries, Kind::Number { min: 0, max: i64::MAX }, Live,
        "When OBJECT ENCODING says hashtable of any other set: above so many members"),
    setting!("Memory", "set-max-listpack-value", set_max_listpack_value, Kind::Number { min: 0, max: i64::MAX }, Live,
        "The same: with a member of more bytes"),

    setting!("Publish and subscribe", "notify-keyspace-events", notify_keyspace_events, Kind::Checked("letters", event_letters), Live,
        "Events of keys that are published: K to the key's channel, E to the event's, of classes g$lshzxetdnm, or A"),

    setting!("Watching", "slowlog-log-slower-than", slowlog_log_slower_than, Kind::Number { min: -1, max: i64::MAX }, Live,
        "Microseconds from which on SLOWLOG keeps a command; -1 keeps none").also(&["commandlog-execution-slower-than"]),
    setting!("Watching", "slowlog-max-len", slowlog_max_len, Kind::Number { min: 0, max: i64::MAX }, Live,
        "Commands that SLOWLOG keeps").also(&["commandlog-slow-execution-max-len"]),
    setting!("Watching", "latency-monitor-threshold", latency_monitor_threshold, Kind::Number { min: 0, max: i64::MAX }, Live,
        "Milliseconds from which on LATENCY notes what took long; 0 notes nothing"),
    setting!("Watching", "stall-log-slower-than", stall_log_slower_than, Kind::Number { min: -1, max: i64::MAX }, Live,
        "Microseconds from which on a turn of the loop is told with its cause, in the log and in INFO reactor; -1 tells none"),
    setting!("Watching", "latency-tracking", latency_tracking, Kind::Switch, Live,
        "Keep a histogram of how long each command takes"),
    setting!("Watching", "latency-tracking-info-percentiles", latency_tracking_info_percentiles, Kind::Words(percentiles), Live,
        "Percentiles that INFO tells of these histograms"),

    setting!("Logging", "loglevel", loglevel, Kind::Choice(LogLevel::NAMES), Live,
        "How much is logged"),
    setting!("Logging", "logfile", logfile, Kind::Path, AtStart,
        "File to append the log to; without it, standard output. It may be moved away at any time"),
    setting!("Logging", "syslog-enabled", syslog_enabled, Kind::Switch, AtStart,
        "Send the log to syslog as well"),
    setting!("Logging", "syslog-ident", syslog_ident, Kind::Text, AtStart,
        "What syslog calls the server"),
    setting!("Logging", "syslog-facility", syslog_facility, Kind::Choice(Facility::NAMES), AtStart,
        "What syslog takes the server for"),

    setting!("Files", "save", save, Kind::Words(save_points), Live,
        "Whether the data is saved when the server ends: if there are any pairs of seconds and changes. It is not saved in between yet").lines(Lines::Add),
    setting!("Files", "dbfilename", dbfilename, Kind::FileName("dbfilename can't be a path, just a filename"), Protected,
        "File in `dir` that the data is saved to, and loaded from at the start"),
    setting!("Files", "rdbcompression", rdbcompression, Kind::Switch, Live,
        "Compress strings in that file"),
    setting!("Files", "rdbchecksum", rdbchecksum, Kind::Switch, AtStart,
        "End that file with a checksum, and hold a file to its own"),
    setting!("Files", "key-load-delay", key_load_delay, Kind::Number { min: i32::MIN as i64, max: i32::MAX as i64 }, Live,
        "Microseconds for each key that is loaded at the start, or below 0 so many keys in each: it slows the loading, for tests").hidden(),
    setting!("Files", "shutdown-on-sigint", shutdown_on_sigint, Kind::Flags(SHUTDOWN, shutdown_words), Live,
        "Words of SHUTDOWN for when SIGINT comes: save, nosave, force count"),
    setting!("Files", "shutdown-on-sigterm", shutdown_on_sigterm, Kind::Flags(SHUTDOWN, shutdown_words), Live,
        "The same for SIGTERM"),

    setting!("Process", "dir", dir, Kind::Path, Protected,
        "Directory that relative paths of files count from"),
    setting!("Process", "daemonize", daemonize, Kind::Switch, AtStart,
        "Go to the background once the server listens"),
    setting!("Process", "pidfile", pidfile, Kind::Path, AtStart,
        "File that holds the number of the process while it runs; /var/run/spindle.pid in the background, if none is named"),
    setting!("Process", "supervised", supervised, Kind::Choice(Supervised::NAMES), AtStart,
        "Tell systemd or upstart when the server is ready; auto asks the environment which of them is there"),
];

impl Spec {
    pub const fn secret(self) -> Spec {
        Spec { secret: true, ..self }
    }

    pub(super) const fn hidden(self) -> Spec {
        Spec { hidden: true, ..self }
    }

    /// Why it has no effect here, if it has none.
    pub fn reason(&self) -> Option<&'static str> {
        if let Meaning::None { .. } = self.meaning { super::reasons::reason(self.name) } else { None }
    }

    pub(super) const fn lines(self, lines: Lines) -> Spec {
        Spec { lines, ..self }
    }

    pub(super) const fn also(self, also: &'static [&'static str]) -> Spec {
        Spec { also, ..self }
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.also.iter().copied())
    }
}

/// Every setting: first those with a meaning, by group, then the others.
pub fn all() -> impl Iterator<Item = &'static Spec> {
    SETTINGS.iter().chain(KNOWN)
}

/// The setting of this name or alias, in any case.
pub fn find(name: &str) -> Option<&'static Spec> {
    all().find(|spec| spec.names().any(|own| own.eq_ignore_ascii_case(name)))
}

/// The names that one may be told of.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().filter(|spec| !spec.hidden).flat_map(Spec::names)
}

/// The name that the user may have meant, if one is near.
pub fn nearest(name: &str) -> Option<&'static str> {
    nearest::nearest(name, names())
}

fn at_most_16_addresses(words: &[String]) -> Result<(), &'static str> {
    match words {
        _ if words.len() > 16 => Err("Too many bind addresses specified."),
        _ if words.iter().any(String::is_empty) => Err("Failed to bind to specified addresses."),
        _ => Ok(()),
    }
}

fn save_points(words: &[String]) -> Result<(), &'static str> {
    let number = |word: &String| word.parse::<i64>();
    let valid = |pair: &[String]| matches!((number(&pair[0]), number(&pair[1])), (Ok(1..), Ok(0..)));
    let whole = words.len().is_multiple_of(2);
    if whole && words.chunks(2).all(valid) { Ok(()) } else { Err("Invalid save parameters") }
}

fn shutdown_words(words: &[String]) -> Result<(), &'static str> {
    let says = |it: &str| words.iter().any(|word| word == it);
    if says("save") && says("nosave") {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously");
    }
    Ok(())
}

fn event_letters(text: &str) -> Result<(), &'static str> {
    Events::parse(text).map(|_| ())
}

fn percentiles(words: &[String]) -> Result<(), &'static str> {
    for word in words {
        match word.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => {}
            Ok(percent) if !percent.is_nan() => {
                return Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
            }
            _ => return Err("Invalid latency-tracking-info-percentiles parameters"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_lower_case() {
        let mut seen = HashSet::new();
        for name in all().flat_map(Spec::names) {
            assert_eq!(name, name.to_ascii_lowercase());
            assert!(seen.insert(name), "{name} stands twice");
        }
        assert_eq!(
            seen.len(),
            260 + 3,
            "the names of the peers, busy-poll-usec, stall-log-slower-than and maxclients-unauthenticated"
        );
    }

    #[test]
    fn every_bound_of_a_kind_fits_its_field() {
        let mut config = Config::default();
        for spec in SETTINGS {
            let Meaning::Field { read, write, .. } = spec.meaning else { panic!("{} means nothing", spec.name) };
            let bounds: Vec<String> = match spec.kind {
                Kind::Number { min, max } => vec![min.to_string(), max.to_string()],
                Kind::Memory { min, max } => vec![min.to_string(), max.to_string()],
                Kind::Choice(names) => names.iter().map(|name| name.to_string()).collect(),
                Kind::Switch => vec!["no".into(), "yes".into()],
                Kind::Share => vec!["0".into(), "5%".into(), "100%".into(), "1048576".into()],
                Kind::Mode => vec!["0".into(), "777".into()],
                Kind::Held(..) => vec!["7".into()],
                Kind::Checked(..) => vec!["".into(), "A".into()],
                Kind::Text | Kind::Path | Kind::FileName(_) => vec!["".into(), "a".into()],
                Kind::Flags(names, _) => names.iter().map(|name| name.to_string()).collect(),
                Kind::Words(_) => vec!["".into()],
            };
            // What is not named there stays.
            let replaces = spec.lines != Lines::PerClass;
            for bound in bounds.into_iter().filter(|_| replaces) {
                let value = spec.kind.read(&[bound.clone().into_bytes()]).unwrap();
                write(&mut config, value.clone());
                assert_eq!(read(&config), value, "{} {bound}", spec.name);
            }
        }
    }

    #[test]
    fn every_default_is_accepted_by_its_kind() {
        for spec in KNOWN {
            let Meaning::None { default, .. } = spec.meaning else { panic!("{} has a meaning", spec.name) };
            let value = spec.kind.read(&[default.as_bytes().to_vec()]);
            assert_eq!(value.map(|value| value.print()).as_deref(), Ok(default), "{}", spec.name);
        }
    }

    #[test]
    fn the_nearest_name_is_offered_only_if_it_is_near() {
        for (wrong, right) in
            [("maxmemmory", Some("maxmemory")), ("TIMOUT", Some("timeout")), ("prot", Some("port")), ("xyzzy", None)]
        {
            assert_eq!(nearest(wrong), right, "{wrong}");
        }
    }
}
