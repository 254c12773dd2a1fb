//! The sections of INFO, in its order. A field has Redis's name and is there only if we can say its value truly; what a
//! field counts that Spindle has not got (forks, replicas, scripts) is truly 0.
//! (<https://redis.io/docs/latest/commands/info/>)
use crate::base::time::Now;
use crate::command::Context;
use crate::command::entry::Commands;
use crate::command::host::Machine;
use crate::persist::load::Progress;
use crate::server::config::table;
use crate::server::pubsub::Space;
use crate::server::{REDIS_VERSION, SPINDLE_VERSION, Server};
use crate::store::{Keyspace, Value};
use std::fmt::{Display, Write};

pub struct World<'a> {
    pub server: &'a Server,
    pub data: &'a Keyspace,
    pub table: &'a Commands,
    pub machine: &'a Machine,
    pub now: Now,
    pub ticks_per_ms: u64,
}

impl<'a> World<'a> {
    pub fn of(cx: &'a mut Context, machine: &'a Machine) -> World<'a> {
        let ticks_per_ms = cx.host.ticks_per_ms();
        let Context { server, data, table, now, .. } = cx;
        server.stats.memory_peak = server.stats.memory_peak.max(machine.allocated);
        server.stats.sample(now.mono_us);
        World { server, data, table, machine, now: *now, ticks_per_ms }
    }

    /// Microseconds.
    pub fn us(&self, ticks: u64) -> f64 {
        ticks as f64 * 1000.0 / self.ticks_per_ms.max(1) as f64
    }
}

pub struct Section {
    pub name: &'static str,
    pub is_default: bool,
    pub write: fn(&World, &mut String),
}

const fn section(name: &'static str, is_default: bool, write: fn(&World, &mut String)) -> Section {
    Section { name, is_default, write }
}

pub const SECTIONS: &[Section] = &[
    section("Server", true, server),
    section("Clients", true, clients),
    section("Memory", true, super::memory::section),
    section("Persistence", true, persistence),
    section("Threads", true, threads),
    section("Stats", true, stats),
    section("Replication", true, replication),
    section("CPU", true, cpu),
    section("Modules", true, modules),
    section("Commandstats", false, commandstats),
    section("Errorstats", true, errorstats),
    section("Latencystats", false, latencystats),
    section("Cluster", true, cluster),
    section("Keyspace", true, keyspace),
    section("Keysizes", true, keysizes),
    // Spindle's own.
    section("Reactor", false, super::reactor::reactor),
];

pub(super) fn field(to: &mut String, name: &str, value: impl Display) {
    write!(to, "{name}:{value}\r\n").expect("a string takes what is written");
}

pub(super) fn zeros(to: &mut String, names: &[&str]) {
    names.iter().for_each(|name| field(to, name, 0));
}

/// Redis's clock of seconds has 24 bits.
const LRU_CLOCK_MAX: i64 = (1 << 24) - 1;

fn server(world: &World, to: &mut String) {
    let World { server, machine, now, .. } = world;
    let uptime_s = (now.mono_us - server.started.mono_us) / 1_000_000;
    field(to, "redis_version", REDIS_VERSION);
    field(to, "spindle_version", SPINDLE_VERSION);
    // As Redis says it where nothing is known of the commit.
    field(to, "redis_git_sha1", "00000000");
    field(to, "redis_git_dirty", 0);
    field(to, "redis_mode", "standalone");
    field(to, "os", &machine.operating_system);
    field(to, "arch_bits", usize::BITS);
    field(to, "monotonic_clock", "POSIX clock_gettime");
    field(to, "multiplexing_api", if cfg!(target_os = "linux") { "epoll" } else { "kqueue" });
    // Rust's own, and as Redis says it of a compiler that is not GCC.
    field(to, "atomicvar_api", "rust-core");
    field(to, "gcc_version", "0.0.0");
    field(to, "process_id", machine.process_id);
    field(to, "process_supervised", server.config.supervisor);
    field(to, "run_id", &server.run_id);
    field(to, "tcp_port", server.config.port);
    field(to, "server_time_usec", now.wall_us);
    field(to, "uptime_in_seconds", uptime_s);
    field(to, "uptime_in_days", uptime_s / 86_400);
    // What is set. Nothing here is done so many times a second, so there is no `hz`.
    field(to, "configured_hz", table::find("hz").map(|spec| server.config.text(spec)).unwrap_or_default());
    field(to, "lru_clock", (now.wall_us / 1_000_000) & LRU_CLOCK_MAX);
    field(to, "executable", &machine.executable);
    field(to, "config_file", server.config.file.as_ref().map_or("", |file| &file.path));
    field(to, "io_threads_active", 0);
    for (number, listener) in machine.listeners.iter().enumerate() {
        if let Some(listener) = listener {
            field(to, &format!("listener{number}"), listener);
        }
    }
}

fn clients(world: &World, to: &mut String) {
    let (server, totals) = (world.server, world.server.clients.totals());
    field(to, "connected_clients", server.clients.len());
    field(to, "cluster_connections", 0);
    field(to, "maxclients", server.config.maxclients);
    let most = server.recent.most(world.now.mono_us).or(totals.most);
    field(to, "client_recent_max_input_buffer", most.unread);
    field(to, "client_recent_max_output_buffer", most.unsent);
    field(to, "blocked_clients", totals.blocked);
    field(to, "tracking_clients", 0);
    field(to, "pubsub_clients", server.pubsub.clients());
    field(to, "watching_clients", server.watch.clients());
    field(to, "clients_in_timeout_table", server.waits.timed);
    field(to, "total_watched_keys", server.watch.keys());
    field(to, "total_blocking_keys", server.waits.keys);
    field(to, "total_blocking_keys_on_nokey", 0);
}

/// What is saved is saved while everybody waits: nothing is ever in progress, and nothing is copied on a write.
fn persistence(world: &World, to: &mut String) {
    let known = &world.server.persistence;
    field(to, "loading", known.loading_since_s.is_some() as u8);
    zeros(to, &["async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"]);
    field(to, "current_fork_perc", "0.00");
    zeros(to, &["current_save_keys_processed", "current_save_keys_total"]);
    field(to, "rdb_changes_since_last_save", world.data.ledger.dirty - known.saved_dirty);
    field(to, "rdb_bgsave_in_progress", 0);
    field(to, "rdb_last_save_time", known.saved_s);
    field(to, "rdb_last_bgsave_status", "ok");
    field(to, "rdb_last_bgsave_time_sec", -1);
    field(to, "rdb_current_bgsave_time_sec", -1);
    field(to, "rdb_saves", known.saves);
    field(to, "rdb_last_cow_size", 0);
    field(to, "rdb_last_load_keys_expired", known.loaded.expired);
    field(to, "rdb_last_load_keys_loaded", known.loaded.keys);
    zeros(to, &["aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"]);
    field(to, "aof_last_rewrite_time_sec", -1);
    field(to, "aof_current_rewrite_time_sec", -1);
    field(to, "aof_last_bgrewrite_status", "ok");
    zeros(to, &["aof_rewrites", "aof_rewrites_consecutive_failures"]);
    field(to, "aof_last_write_status", "ok");
    zeros(to, &["aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"]);
    if let Some(since_s) = known.loading_since_s {
        loading(since_s, &known.loaded, world, to);
    }
}

fn loading(since_s: i64, progress: &Progress, world: &World, to: &mut String) {
    let left = progress.total_bytes.saturating_sub(progress.bytes);
    let spent_s = (world.now.wall_ms() / 1000 - since_s).max(0) as u64;
    let eta_s = if spent_s == 0 { 1 } else { spent_s as u128 * left as u128 / (progress.bytes as u128 + 1) };
    field(to, "loading_start_time", since_s);
    field(to, "loading_total_bytes", progress.total_bytes);
    field(to, "loading_rdb_used_mem", progress.used_memory);
    field(to, "loading_loaded_bytes", progress.bytes);
    field(
        to,
        "loading_loaded_perc",
        format!("{:.2}", 100.0 * progress.bytes as f64 / progress.total_bytes.max(1) as f64),
    );
    field(to, "loading_eta_seconds", eta_s);
}

/// One thread does it all.
fn threads(world: &World, to: &mut String) {
    let stats = &world.server.stats;
    let clients = world.server.clients.len();
    field(to, "io_thread_0", format!("clients={clients},reads={},writes={}", stats.reads, stats.writes));
}

fn stats(world: &World, to: &mut String) {
    let stats = &world.server.stats;
    let kilobytes = |bytes: u64| format!("{:.2}", bytes as f64 / 1024.0);
    field(to, "total_connections_received", stats.connections);
    field(to, "total_commands_processed", stats.commands_run());
    field(to, "instantaneous_ops_per_sec", stats.commands_per_second);
    field(to, "total_net_input_bytes", stats.bytes_in);
    field(to, "total_net_output_bytes", stats.bytes_out);
    zeros(to, &["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    field(to, "instantaneous_input_kbps", kilobytes(stats.bytes_in_per_second));
    field(to, "instantaneous_output_kbps", kilobytes(stats.bytes_out_per_second));
    field(to, "instantaneous_input_repl_kbps", kilobytes(0));
    field(to, "instantaneous_output_repl_kbps", kilobytes(0));
    field(to, "rejected_connections", stats.rejected_connections);
    zeros(to, &["sync_full", "sync_partial_ok", "sync_partial_err"]);
    field(to, "expired_subkeys", world.data.ledger.expired_fields);
    field(to, "expired_keys", world.data.ledger.expired.saturating_sub(stats.expired_before));
    field(to, "expired_time_cap_reached_count", stats.expiry_cut_short);
    field(to, "expire_cycle_cpu_milliseconds", stats.expiry_ticks / world.ticks_per_ms.max(1));
    zeros(to, &["evicted_keys"]);
    field(to, "evicted_clients", stats.evicted_clients);
    zeros(to, &["evicted_scripts"]);
    field(to, "unauthenticated_clients_closed", stats.displaced_clients);
    zeros(to, &["total_eviction_exceeded_time", "current_eviction_exceeded_time"]);
    field(to, "keyspace_hits", stats.hits);
    field(to, "keyspace_misses", stats.misses);
    let pubsub = &world.server.pubsub;
    field(to, "pubsub_channels", pubsub.topics(Space::Channel));
    field(to, "pubsub_patterns", pubsub.topics(Space::Pattern));
    field(to, "pubsubshard_channels", pubsub.topics(Space::Shard));
    zeros(to, &["latest_fork_usec", "total_forks"]);
    zeros(to, &["migrate_cached_sockets", "slave_expires_tracked_keys"]);
    zeros(to, &["tracking_total_keys", "tracking_total_items", "tracking_total_prefixes"]);
    field(to, "unexpected_error_replies", 0);
    field(to, "total_error_replies", stats.error_replies);
    field(to, "dump_payload_sanitizations", 0);
    field(to, "total_reads_processed", stats.reads);
    field(to, "total_writes_processed", stats.writes);
    zeros(to, &["io_threaded_reads_processed", "io_threaded_writes_processed"]);
    field(to, "client_query_buffer_limit_disconnections", stats.query_buffer_limit_disconnections);
    field(to, "client_output_buffer_limit_disconnections", stats.output_buffer_limit_disconnections);
    // A client's output takes what memory its replies need, and gives it back.
    zeros(to, &["reply_buffer_shrinks", "reply_buffer_expands"]);
    field(to, "eventloop_cycles", stats.turns);
    field(to, "eventloop_duration_sum", format!("{:.0}", world.us(stats.turns_of_loop.work_ticks)));
    let in_commands = stats.commands.iter().map(|command| command.ticks).sum();
    field(to, "eventloop_duration_cmd_sum", format!("{:.0}", world.us(in_commands)));
    field(to, "instantaneous_eventloop_cycles_per_sec", stats.turns_per_second);
    field(to, "instantaneous_eventloop_duration_usec", format!("{:.0}", world.us(stats.ticks_per_turn)));
    field(to, "busy_poll_usec", stats.busy_poll_us);
    field(to, "busy_poll_hits", stats.busy_poll_hits);
    field(to, "busy_poll_misses", stats.busy_poll_misses);
    field(to, "acl_access_denied_auth", stats.refused_logins);
    zeros(to, &["acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel"]);
}

fn replication(world: &World, to: &mut String) {
    field(to, "role", "master");
    field(to, "connected_slaves", 0);
    field(to, "master_failover_state", "no-failover");
    field(to, "master_replid", &world.server.replication_id);
    field(to, "master_replid2", "0".repeat(world.server.replication_id.len()));
    field(to, "master_repl_offset", 0);
    field(to, "second_repl_offset", -1);
    field(to, "repl_backlog_active", 0);
    let backlog = table::find("repl-backlog-size").map(|spec| world.server.config.text(spec));
    field(to, "repl_backlog_size", backlog.unwrap_or_default());
    zeros(to, &["repl_backlog_first_byte_offset", "repl_backlog_histlen"]);
}

fn cpu(world: &World, to: &mut String) {
    let seconds = |us: u64| format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    field(to, "used_cpu_sys", seconds(world.machine.system_cpu_us));
    field(to, "used_cpu_user", seconds(world.machine.user_cpu_us));
    field(to, "used_cpu_sys_children", seconds(0));
    field(to, "used_cpu_user_children", seconds(0));
    field(to, "used_cpu_sys_main_thread", seconds(world.machine.main_system_cpu_us));
    field(to, "used_cpu_user_main_thread", seconds(world.machine.main_user_cpu_us));
}

fn commandstats(world: &World, to: &mut String) {
    for (entry, stats) in world.table.entries.iter().zip(&world.server.stats.commands) {
        if stats.calls + stats.rejected + stats.failed == 0 {
            continue;
        }
        let usec = world.us(stats.ticks) as u64;
        let each = if stats.calls == 0 { 0.0 } else { usec as f64 / stats.calls as f64 };
        let value = format!(
            "calls={},usec={usec},usec_per_call={each:.2},rejected_calls={},failed_calls={}",
            stats.calls, stats.rejected, stats.failed
        );
        field(to, &format!("cmdstat_{}", entry.lower_name()), value);
    }
}

fn errorstats(world: &World, to: &mut String) {
    for (code, count) in &world.server.stats.errors {
        field(to, &format!("errorstat_{code}"), format!("count={count}"));
    }
}

/// Of the commands that were called while `latency-tracking` was on.
fn latencystats(world: &World, to: &mut String) {
    if !world.server.config.latency_tracking {
        return;
    }
    for (entry, stats) in world.table.entries.iter().zip(&world.server.stats.commands) {
        let Some(took) = &stats.took else { continue };
        let percentile = |percent: &f64| {
            let ticks = took.percentile(*percent).unwrap_or(0);
            format!("p{percent}={:.3}", world.us(ticks))
        };
        let wanted = &world.server.config.latency_tracking_info_percentiles.0;
        let value = wanted.iter().map(percentile).collect::<Vec<_>>().join(",");
        field(to, &format!("latency_percentiles_usec_{}", entry.lower_name()), value);
    }
}

/// There are none.
fn modules(_: &World, _: &mut String) {}

fn cluster(_: &World, to: &mut String) {
    field(to, "cluster_enabled", 0);
}

fn keyspace(world: &World, to: &mut String) {
    for (number, database) in world.data.databases().iter().enumerate().filter(|(_, database)| !database.is_empty()) {
        let (keys, expires, partly) = (database.len(), database.volatile(), database.partly_volatile());
        let average_ms = database.average_ttl_ms(world.now.wall_ms());
        field(
            to,
            &format!("db{number}"),
            format!("keys={keys},expires={expires},avg_ttl={average_ms},subexpiry={partly}"),
        );
    }
}

/// Types in Redis's order, and what their sizes are called. Streams are not counted.
const SIZED: &[(&str, &str)] = &[
    ("string", "strings_sizes"),
    ("list", "lists_items"),
    ("set", "sets_items"),
    ("zset", "zsets_items"),
    ("hash", "hashes_items"),
];

fn keysizes(world: &World, to: &mut String) {
    let kinds: Vec<(usize, &str)> = [(0, "string")].iter().chain(Value::COLLECTIONS).copied().collect();
    for (number, database) in world.data.databases().iter().enumerate().filter(|(_, database)| !database.is_empty()) {
        for (of, name) in SIZED {
            let Some((kind, _)) = kinds.iter().find(|(_, name)| name == of) else { continue };
            let bins = database.sizes().of(*kind).map(|(least, count)| format!("{}={count}", short(least)));
            let bins = bins.collect::<Vec<_>>().join(",");
            if !bins.is_empty() {
                field(to, &format!("db{number}_distrib_{name}"), bins);
            }
        }
    }
}

/// A power of two, with the largest unit of which it has at least one.
fn short(number: u64) -> String {
    const UNITS: [&str; 4] = ["", "K", "M", "G"];
    let power = (number.max(1).ilog2() / 10).min(3);
    format!("{}{}", number >> (10 * power), UNITS[power as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_short() {
        let table =
            [(0, "0"), (1, "1"), (512, "512"), (1024, "1K"), (1 << 19, "512K"), (1 << 20, "1M"), (1 << 32, "4G")];
        for (number, text) in table {
            assert_eq!(short(number), text);
        }
    }
}
