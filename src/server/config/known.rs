//! The settings of Redis 7.0, 8.0 and Valkey 9.1 that mean nothing here, or not yet.
//!
//! A configuration that was written for one of those servers starts Spindle: these names are accepted, their values are
//! checked and remembered, and nothing else happens. Names, defaults and bounds were asked of the servers. A setting
//! that gets a meaning moves from here to `table.rs`.
use super::table::{Change, Lines, Meaning, Spec};
use super::value::Kind;
use crate::base::number;

const I32: i64 = i32::MAX as i64;
const U32: i64 = u32::MAX as i64;
const I64: i64 = i64::MAX;
const U64: u64 = u64::MAX;
/// Counts of bytes end at the largest signed number, unless zero stands for "no limit".
const S64: u64 = i64::MAX as u64;

#[rustfmt::skip] // One setting, one line: a table.
pub static KNOWN: &[Spec] = &[
    // network
    text("bind-source-addr", ""),
    number("io-threads", "1", 1, 256).at_start(),
    switch("io-threads-always-active", "no").hidden(),
    number("max-new-connections-per-cycle", "10", 1, 1000),
    number("max-new-tls-connections-per-cycle", "1", 1, 1000),
    number("min-io-threads-avoid-copy-reply", "7", 0, I32).hidden(),
    number("min-string-size-avoid-copy-reply", "16384", 0, I32).hidden(),
    number("min-string-size-avoid-copy-reply-threaded", "65536", 0, I32).hidden(),
    switch("mptcp", "no").at_start(),
    number("prefetch-batch-max-size", "16", 0, 128),
    words("rdma-bind", "", any_words),
    number("rdma-completion-vector", "-1", -1, 1024).at_start(),
    number("rdma-port", "0", 0, 65535),
    number("rdma-rx-size", "1048576", 65536, 16777216).at_start(),
    number("socket-mark-id", "0", 0, U32).at_start(),
    text("unixsocketgroup", "").at_start(),
    // general
    switch("always-show-logo", "no").at_start(),
    text("availability-zone", ""),
    switch("crash-log-enabled", "yes"),
    switch("crash-memcheck-enabled", "yes"),
    text("ignore-warnings", ""),
    spec("locale-collate", "", Kind::Checked("text", locale)),
    choice("log-format", "legacy", &["legacy", "logfmt", "json"]),
    choice("log-timestamp-format", "legacy", &["legacy", "iso8601", "milliseconds"]),
    spec("proc-title-template", "{title} {listen-addr} {server-mode}", Kind::Checked("text", title)),
    switch("set-proc-title", "yes").at_start(),
    number("shutdown-timeout", "10", 0, I32),
    // memory
    number("active-defrag-cycle-max", "25", 1, 99),
    number("active-defrag-cycle-min", "1", 1, 99),
    number("active-defrag-cycle-us", "500", 0, 100000),
    memory("active-defrag-ignore-bytes", "104857600", 1, S64),
    number("active-defrag-max-scan-fields", "1000", 1, I64),
    number("active-defrag-threshold-lower", "10", 0, 1000),
    number("active-defrag-threshold-upper", "100", 0, 1000),
    number("active-expire-effort", "1", 1, 10),
    switch("activedefrag", "no"),
    memory("hll-sparse-max-bytes", "3000", 0, S64),
    switch("jemalloc-bg-thread", "yes"),
    switch("lazyfree-lazy-eviction", "no"),
    switch("lazyfree-lazy-expire", "no"),
    switch("lazyfree-lazy-server-del", "no"),
    switch("lazyfree-lazy-user-del", "no"),
    switch("lazyfree-lazy-user-flush", "no"),
    number("list-compress-depth", "0", 0, I32),
    memory("maxmemory", "0", 0, U64).lacks("memory is not limited and nothing is evicted"),
    number("maxmemory-eviction-tenacity", "10", 0, 100),
    number("maxmemory-samples", "5", 1, 64),
    choice("oom-score-adj", "no", &["no", "yes", "relative", "absolute"]),
    words("oom-score-adj-values", "0 200 800", score_adjustments),
    memory("stream-node-max-bytes", "4096", 0, S64),
    number("stream-node-max-entries", "100", 0, I64),
    number("tracking-table-max-keys", "1000000", 0, I64),
    // persistence
    switch("aof-disable-auto-gc", "no").hidden(),
    switch("aof-load-truncated", "yes"),
    text("aof-rewrite-cpulist", "").at_start().also(&["aof_rewrite_cpulist"]),
    switch("aof-rewrite-incremental-fsync", "yes"),
    switch("aof-timestamp-enabled", "no"),
    switch("aof-use-rdb-preamble", "yes"),
    text("appenddirname", "appendonlydir").at_start(),
    text("appendfilename", "appendonly.aof").at_start(),
    choice("appendfsync", "everysec", &["everysec", "always", "no"]),
    switch("appendonly", "no").lacks("what changes after a save is lost when it ends"),
    memory("auto-aof-rewrite-min-size", "67108864", 0, S64),
    number("auto-aof-rewrite-percentage", "100", 0, I32),
    number("loading-process-events-interval-bytes", "524288", 1024, I32).hidden(),
    switch("no-appendfsync-on-rewrite", "no"),
    number("rdb-key-save-delay", "0", -I32 - 1, I32).hidden(),
    switch("rdb-save-incremental-fsync", "yes"),
    choice("rdb-version-check", "strict", &["strict", "relaxed"]),
    switch("stop-writes-on-bgsave-error", "yes"),
    // replication
    switch("dual-channel-replication-enabled", "no"),
    switch("import-mode", "no"),
    number("min-replicas-max-lag", "10", 0, I32).also(&["min-slaves-max-lag"]),
    number("min-replicas-to-write", "0", 0, I32).also(&["min-slaves-to-write"]),
    text("masterauth", "").secret().also(&["primaryauth"]),
    text("masteruser", "").secret().also(&["primaryuser"]),
    switch("rdb-del-sync-files", "no"),
    spec("repl-backlog-size", "1048576", Kind::Held(&Kind::Memory { min: 1, max: S64 }, 16 << 10, I64)),
    number("repl-backlog-ttl", "3600", 0, I64),
    switch("repl-disable-tcp-nodelay", "no"),
    choice("repl-diskless-load", "disabled", &["disabled", "on-empty-db", "swapdb", "flush-before-load"]),
    switch("repl-diskless-sync", "yes"),
    number("repl-diskless-sync-delay", "5", 0, I32),
    number("repl-diskless-sync-max-replicas", "0", 0, I32),
    switch("repl-mptcp", "no").at_start(),
    number("repl-ping-replica-period", "10", 1, I32).also(&["repl-ping-slave-period"]),
    switch("repl-rdb-channel", "yes").hidden(),
    number("repl-timeout", "60", 1, I32),
    text("replica-announce-ip", "").also(&["slave-announce-ip"]),
    number("replica-announce-port", "0", 0, 65535).also(&["slave-announce-port"]),
    switch("replica-announced", "yes"),
    memory("replica-full-sync-buffer-limit", "0", 0, S64),
    switch("replica-ignore-disk-write-errors", "no"),
    switch("replica-ignore-maxmemory", "yes").also(&["slave-ignore-maxmemory"]),
    switch("replica-lazy-flush", "no").also(&["slave-lazy-flush"]),
    number("replica-priority", "100", 0, I32).also(&["slave-priority"]),
    switch("replica-read-only", "yes").also(&["slave-read-only"]),
    switch("replica-serve-stale-data", "yes").also(&["slave-serve-stale-data"]),
    words("replicaof", "", master).at_start().also(&["slaveof"]).lacks("nothing is replicated"),
    spec("tls-replication", "no", Kind::Checked("no", no_tls)),
    // security
    choice("acl-pubsub-default", "resetchannels", &["allchannels", "resetchannels"]),
    text("aclfile", "").at_start().lacks("there are no users but the default one"),
    number("acllog-max-len", "128", 0, I64),
    switch("enable-debug-assert", "no").at_start().hidden(),
    choice("enable-module-command", "no", &["no", "yes", "local"]).at_start(),
    switch("hide-user-data-from-log", "no"),
    choice("sanitize-dump-payload", "no", &["no", "yes", "clients"]),
    choice("tls-auth-clients", "yes", &["no", "yes", "optional"]),
    choice("tls-auth-clients-user", "off", &["CN", "URI", "off"]),
    number("tls-auto-reload-interval", "0", 0, I32),
    text("tls-ca-cert-dir", ""),
    text("tls-ca-cert-file", ""),
    text("tls-cert-file", ""),
    text("tls-ciphers", ""),
    text("tls-ciphersuites", ""),
    text("tls-client-cert-file", ""),
    text("tls-client-key-file", ""),
    text("tls-client-key-file-pass", "").secret(),
    spec("tls-cluster", "no", Kind::Checked("no", no_tls)),
    text("tls-dh-params-file", ""),
    text("tls-key-file", ""),
    text("tls-key-file-pass", "").secret(),
    spec("tls-port", "0", Kind::Checked("0", no_tls_port)),
    switch("tls-prefer-server-ciphers", "no"),
    text("tls-protocols", ""),
    number("tls-session-cache-size", "20480", 0, I32),
    number("tls-session-cache-timeout", "300", 0, I32),
    switch("tls-session-caching", "yes"),
    // advanced
    switch("activerehashing", "yes"),
    text("bgsave-cpulist", "").at_start().also(&["bgsave_cpulist"]),
    text("bio-cpulist", "").at_start().also(&["bio_cpulist"]),
    number("client-default-resp", "2", 2, 3).at_start().hidden(),
    text("debug-context", "").hidden(),
    switch("dynamic-hz", "yes"),
    switch("extended-redis-compatibility", "no"),
    text("hash-seed", "").at_start().lacks("the seed is drawn anew at each start"),
    spec("hz", "10", Kind::Held(&Kind::Number { min: 0, max: I32 }, 1, 500)),
    switch("lua-enable-deprecated-api", "no").at_start().hidden(),
    switch("lua-enable-insecure-api", "no").protected().hidden(),
    choice("propagation-error-behavior", "ignore", &["ignore", "panic", "panic-on-replicas"]),
    text("req-res-logfile", "").at_start().hidden(),
    text("server-cpulist", "").at_start().also(&["server_cpulist"]),
    switch("use-exit-on-panic", "no").hidden(),
    number("watchdog-period", "0", 0, I32).hidden(),
    // commandlog
    number("commandlog-large-reply-max-len", "128", 0, I64),
    number("commandlog-large-request-max-len", "128", 0, I64),
    number("commandlog-reply-larger-than", "1048576", -1, I64),
    number("commandlog-request-larger-than", "1048576", -1, I64),
    // cluster
    switch("cluster-allow-pubsubshard-when-down", "yes"),
    switch("cluster-allow-reads-when-down", "no"),
    switch("cluster-allow-replica-migration", "yes"),
    number("cluster-announce-bus-port", "0", 0, 65535),
    text("cluster-announce-client-ipv4", ""),
    text("cluster-announce-client-ipv6", ""),
    number("cluster-announce-client-port", "0", 0, 65535),
    number("cluster-announce-client-tls-port", "0", 0, 65535),
    spec("cluster-announce-hostname", "", Kind::Checked("text", hostname)),
    text("cluster-announce-human-nodename", ""),
    text("cluster-announce-ip", ""),
    number("cluster-announce-port", "0", 0, 65535),
    number("cluster-announce-tls-port", "0", 0, 65535),
    number("cluster-blacklist-ttl", "60", 0, I64),
    number("cluster-compatibility-sample-ratio", "0", 0, 100),
    text("cluster-config-file", "nodes.conf").at_start(),
    choice("cluster-config-save-behavior", "sync", &["sync", "best-effort"]),
    number("cluster-databases", "1", 1, I32).at_start(),
    switch("cluster-enabled", "no").at_start().lacks("Spindle is no cluster node"),
    memory("cluster-link-sendbuf-limit", "0", 0, U64),
    number("cluster-manual-failover-timeout", "5000", 1, I32),
    number("cluster-message-gossip-perc", "10", 1, 100).hidden(),
    number("cluster-migration-barrier", "1", 0, I32),
    number("cluster-node-timeout", "15000", 0, I64),
    number("cluster-ping-interval", "0", 0, I64).hidden(),
    number("cluster-port", "0", 0, 65535).at_start(),
    choice("cluster-preferred-endpoint-type", "ip", &["ip", "hostname", "unknown-endpoint"]),
    switch("cluster-replica-no-failover", "no").also(&["cluster-slave-no-failover"]),
    number("cluster-replica-validity-factor", "10", 0, I32).also(&["cluster-slave-validity-factor"]),
    switch("cluster-require-full-coverage", "yes"),
    number("cluster-slot-migration-log-max-len", "1000", 0, I64),
    switch("cluster-slot-stats-enabled", "no"),
    text("slot-migration-max-failover-repl-bytes", "0"),
];

/// Names that Valkey has and Redis has not: no pattern finds them, as in Redis.
#[rustfmt::skip]
static VALKEYS: &[&str] = &[
    "mptcp", "prefetch-batch-max-size", "rdma-bind", "rdma-completion-vector", "rdma-port", "rdma-rx-size",
    "unixsocketgroup", "availability-zone", "log-format", "log-timestamp-format", "active-defrag-cycle-us",
    "rdb-version-check", "dual-channel-replication-enabled", "import-mode", "primaryauth", "primaryuser",
    "repl-mptcp", "tls-auth-clients-user", "tls-auto-reload-interval", "extended-redis-compatibility", "hash-seed",
    "commandlog-execution-slower-than", "commandlog-large-reply-max-len", "commandlog-large-request-max-len",
    "commandlog-reply-larger-than", "commandlog-request-larger-than", "commandlog-slow-execution-max-len",
    "cluster-announce-client-ipv4", "cluster-announce-client-ipv6", "cluster-announce-client-port",
    "cluster-announce-client-tls-port", "cluster-blacklist-ttl", "cluster-config-save-behavior", "cluster-databases",
    "cluster-manual-failover-timeout", "cluster-slot-migration-log-max-len", "cluster-slot-stats-enabled",
    "slot-migration-max-failover-repl-bytes",
];

pub fn is_valkeys(name: &str) -> bool {
    VALKEYS.contains(&name)
}

/// Lines of Redis's files that would open the server, or change what it serves, if they were passed over.
static REFUSED: &[(&str, &str)] = &[
    ("loadmodule", "Spindle has no modules"),
    ("sentinel", "Spindle is no Sentinel"),
    ("user", "Spindle has no users but the default one; use requirepass"),
];

pub fn refusal(name: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(refused, _)| refused.eq_ignore_ascii_case(name)).map(|(_, reason)| *reason)
}

const fn spec(name: &'static str, default: &'static str, kind: Kind) -> Spec {
    let meaning = Meaning::None { default, lack: None };
    Spec { name, also: &[], kind, change: Change::Live, hidden: false, secret: false, lines: Lines::Last, meaning }
}

const fn switch(name: &'static str, default: &'static str) -> Spec {
    spec(name, default, Kind::Switch)
}

const fn number(name: &'static str, default: &'static str, min: i64, max: i64) -> Spec {
    spec(name, default, Kind::Number { min, max })
}

const fn memory(name: &'static str, default: &'static str, min: u64, max: u64) -> Spec {
    spec(name, default, Kind::Memory { min, max })
}

const fn choice(name: &'static str, default: &'static str, names: &'static [&'static str]) -> Spec {
    spec(name, default, Kind::Choice(names))
}

const fn text(name: &'static str, default: &'static str) -> Spec {
    spec(name, default, Kind::Text)
}

const fn words(name: &'static str, default: &'static str, check: Check) -> Spec {
    spec(name, default, Kind::Words(check))
}

type Check = fn(&[String]) -> Result<(), &'static str>;

impl Spec {
    const fn at_start(self) -> Spec {
        Spec { change: Change::AtStart, ..self }
    }

    const fn protected(self) -> Spec {
        Spec { change: Change::Protected, ..self }
    }

    /// Who sets this to anything but its default relies on something that is not there, and is warned.
    const fn lacks(self, lack: &'static str) -> Spec {
        match self.meaning {
            Meaning::None { default, .. } => Spec { meaning: Meaning::None { default, lack: Some(lack) }, ..self },
            Meaning::Field { .. } => panic!("a setting that has a meaning lacks nothing"),
        }
    }
}

fn any_words(_: &[String]) -> Result<(), &'static str> {
    Ok(())
}

fn hostname(word: &str) -> Result<(), &'static str> {
    const LENGTH_MAX: usize = 255;
    if word.len() > LENGTH_MAX {
        return Err("Hostnames must be less than 256 characters");
    }
    let is_good = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    if is_good { Ok(()) } else { Err("Hostnames may only contain alphanumeric characters, hyphens or dots") }
}

/// Text is compared as bytes. So it is in these locales, which every system has; all others are unknown here.
fn locale(name: &str) -> Result<(), &'static str> {
    let codes = name.strip_prefix("C.").map(|code| code.replace('-', "").to_ascii_lowercase());
    let is_known = matches!(name, "" | "C" | "POSIX") || codes.is_some_and(|code| code == "utf8");
    if is_known { Ok(()) } else { Err("Invalid locale name") }
}

/// There is no TLS: nothing can be told to use it.
fn no_tls(word: &str) -> Result<(), &'static str> {
    match () {
        _ if word.eq_ignore_ascii_case("no") => Ok(()),
        _ if word.eq_ignore_ascii_case("yes") => Err(NO_TLS),
        _ => Err("argument must be 'yes' or 'no'"),
    }
}

pub(super) const NO_TLS: &str = "Unable to update TLS configuration. Check server logs.";

/// Whoever sets a port for TLS believes that what is sent there is encrypted.
fn no_tls_port(word: &str) -> Result<(), &'static str> {
    match number::integer(word.as_bytes()) {
        Some(0) => Ok(()),
        Some(1..=65535) => Err(NO_TLS),
        Some(_) => Err("argument must be between 0 and 65535 inclusive"),
        None => Err("argument couldn't be parsed into an integer"),
    }
}

/// What a process shows must not come out empty: some of the variables are, mostly.
fn title(template: &str) -> Result<(), &'static str> {
    const EMPTY: [&str; 3] = ["title", "server-mode", "unixsocket"];
    const OTHERS: [&str; 4] = ["listen-addr", "port", "tls-port", "config-file"];
    let (mut rest, mut shows) = (template, false);
    let is_good = loop {
        let Some((before, after)) = rest.split_once('{') else { break shows || !rest.trim_matches(' ').is_empty() };
        shows |= !before.trim_matches(' ').is_empty();
        // Two stand for one.
        if let Some(after) = after.strip_prefix('{') {
            (rest, shows) = (after, true);
            continue;
        }
        let Some((name, after)) = after.split_once('}') else { break false };
        if !EMPTY.contains(&name) && !OTHERS.contains(&name) {
            break false;
        }
        shows |= OTHERS.contains(&name);
        rest = after;
    };
    if is_good { Ok(()) } else { Err("template format is invalid or contains unknown variables") }
}

fn master(words: &[String]) -> Result<(), &'static str> {
    match words {
        [] => Ok(()),
        [no, one] if no.eq_ignore_ascii_case("no") && one.eq_ignore_ascii_case("one") => Ok(()),
        [_, port] if port.parse::<u16>().is_ok() => Ok(()),
        [_, _] => Err("Invalid master port"),
        _ => Err("wrong number of arguments"),
    }
}

fn score_adjustments(words: &[String]) -> Result<(), &'static str> {
    if words.len() != 3 {
        return Err("wrong number of arguments");
    }
    let valid = |word: &String| matches!(word.parse::<i32>(), Ok(-2000..=2000));
    if words.iter().all(valid) {
        Ok(())
    } else {
        Err("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
    }
}
