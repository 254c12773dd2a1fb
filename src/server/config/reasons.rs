//! Why a setting of Redis or Valkey means nothing here: a sentence for each kind of them, found by the setting's name.
//!
//! Documentation is made from this. A setting without effect that no line covers fails a test.
use crate::base::glob;

/// Patterns of chief names, as CONFIG GET takes them, apart by spaces. The first that matches counts.
#[rustfmt::skip] // One kind, one line: a table.
static REASONS: &[(&str, &str)] = &[
    ("io-threads* min-io-* min-string-size-* prefetch-batch-* *cpulist", "One thread serves all; batches are always warmed."),
    ("max-new-*", "A turn of the loop accepts a bounded number of connections, whatever is set."),
    ("bind-source-addr mptcp repl-mptcp socket-mark-id unixsocketgroup rdma-*", "Sockets are plain TCP and Unix sockets; this option of theirs is not there."),
    ("tls-*", "There is no TLS yet: connections are not encrypted."),
    ("crash-* use-exit-on-panic watchdog-period always-show-logo ignore-warnings", "Tools of Redis's own process: it draws no logo and handles no crash of its own."),
    ("set-proc-title proc-title-template oom-score-adj* locale-collate availability-zone", "Title, standing and locale of the process stay as the system gave them."),
    ("log-format log-timestamp-format hide-user-data-from-log", "Log lines have one format and go to standard output or a file; values are not logged."),
    ("shutdown-*", "There are no replicas to wait for."),
    ("activedefrag active-defrag-* jemalloc-bg-thread", "The allocator is another one, and keys are moved together without being asked for it."),
    ("active-expire-effort", "Keys are removed when they are due, not by samples."),
    ("hz dynamic-hz activerehashing", "Nothing is done so many times a second: each timer has its own deadline, and tables grow in small steps."),
    ("hash-seed", "The seed is drawn anew at each start."),
    ("stream-node-* hll-*", "The type is not there yet."),
    ("list-compress-depth", "Lists are not compressed."),
    ("lazyfree-*", "What is large is always freed later, in slices."),
    ("maxmemory*", "Memory is not limited yet, and nothing is evicted."),
    ("tracking-table-*", "Client tracking is not there yet."),
    ("rdb-key-save-delay loading-*", "Files are written as fast as they can be, and others are heard every 2 ms while one is read."),
    ("rdb-*", "A file is synced once, when it is whole; one of a version that is not known is refused."),
    ("aof* append* auto-aof-* no-appendfsync-* stop-writes-*", "There is no log of changes yet, and no save in the background."),
    ("repl* min-replicas-* master* dual-channel-* import-mode propagation-*", "There is no replication yet."),
    ("cluster-* slot-migration-*", "Spindle is no cluster node."),
    ("acl*", "There are no users but the default one yet."),
    ("enable-module-command", "There are no modules."),
    ("enable-debug-assert debug-context req-res-logfile client-default-resp", "Tools of the other servers' own tests."),
    ("lua-*", "There are no scripts yet."),
    ("sanitize-dump-payload", "What is restored is always looked at, byte by byte."),
    ("extended-redis-compatibility", "Spindle behaves as Redis in any case."),
    ("commandlog-*", "Only commands that took long are kept (SLOWLOG), not those with many bytes."),
];

/// Why this setting has no effect.
pub fn reason(name: &str) -> Option<&'static str> {
    let covers = |patterns: &str| patterns.split(' ').any(|it| glob::matches(it.as_bytes(), name.as_bytes(), false));
    REASONS.iter().find(|(patterns, _)| covers(patterns)).map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::super::table::{Meaning, Spec, all};
    use super::*;

    #[test]
    fn what_means_nothing_has_a_reason() {
        for spec in all().filter(|spec| matches!(spec.meaning, Meaning::None { .. })) {
            assert!(reason(spec.name).is_some(), "{}", spec.name);
        }
    }

    /// A setting that has a meaning by now leaves no reason behind.
    #[test]
    fn every_pattern_is_of_a_setting_that_means_nothing() {
        for pattern in REASONS.iter().flat_map(|(patterns, _)| patterns.split(' ')) {
            let covers = |spec: &Spec| {
                matches!(spec.meaning, Meaning::None { .. })
                    && glob::matches(pattern.as_bytes(), spec.name.as_bytes(), false)
            };
            assert!(all().any(covers), "{pattern}");
        }
    }
}
