//! The sections of INFO, in its order. A field has Redis's name and is there only if we can say its value truly; what a
//! field counts that Spindle has not got (forks, replicas, scripts) is truly 0.
//! (<https://redis.io/docs/latest/commands/info/>)
use crate::base::time::Now;
use crate::command::entry::Commands;
use crate::command::host::Machine;
use crate::server::pubsub::Space;
use crate::server::{REDIS_VERSION, SPINDLE_VERSION, Server};
use crate::store::Keyspace;
use std::fmt::{Display, Write};

pub struct World<'a> {
    pub server: &'a Server,
    pub data: &'a Keyspace,
    pub table: &'a Commands,
    pub machine: &'a Machine,
    pub now: Now,
    pub ticks_per_ms: u64,
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
    section("Memory", true, memory),
    section("Persistence", true, persistence),
    section("Stats", true, stats),
    section("Replication", true, replication),
    section("CPU", true, cpu),
    section("Modules", true, modules),
    section("Commandstats", false, commandstats),
    section("Errorstats", true, errorstats),
    section("Latencystats", false, latencystats),
    section("Cluster", true, cluster),
    section("Keyspace", true, keyspace),
    // Spindle's own.
    section("Reactor", false, super::reactor::reactor),
];

pub(super) fn field(to: &mut String, name: &str, value: impl Display) {
    write!(to, "{name}:{value}\r\n").expect("a string takes what is written");
}

fn zeros(to: &mut String, names: &[&str]) {
    names.iter().for_each(|name| field(to, name, 0));
}

fn server(world: &World, to: &mut String) {
    let World { server, machine, now, .. } = world;
    let uptime_s = (now.mono_us - server.started.mono_us) / 1_000_000;
    field(to, "redis_version", REDIS_VERSION);
    field(to, "spindle_version", SPINDLE_VERSION);
    field(to, "redis_mode", "standalone");
    field(to, "os", &machine.operating_system);
    field(to, "arch_bits", usize::BITS);
    field(to, "process_id", machine.process_id);
    field(to, "process_supervised", server.config.supervisor);
    field(to, "run_id", &server.run_id);
    field(to, "tcp_port", server.config.port);
    field(to, "server_time_usec", now.wall_us);
    field(to, "uptime_in_seconds", uptime_s);
    field(to, "uptime_in_days", uptime_s / 86_400);
    field(to, "executable", &machine.executable);
    field(to, "config_file", server.config.file.as_ref().map_or("", |file| &file.path));
    field(to, "io_threads_active", 0);
    for (number, listener) in machine.listeners.iter().enumerate() {
        field(to, &format!("listener{number}"), listener);
    }
}

fn clients(world: &World, to: &mut String) {
    let clients = &world.server.clients;
    field(to, "connected_clients", clients.len());
    field(to, "cluster_connections", 0);
    field(to, "maxclients", world.server.config.maxclients);
    field(to, "blocked_clients", clients.iter().filter(|client| client.blocked).count());
    field(to, "tracking_clients", 0);
    field(to, "pubsub_clients", world.server.pubsub.clients());
    field(to, "watching_clients", world.server.watch.clients());
    field(to, "total_watched_keys", world.server.watch.keys());
}

fn memory(world: &World, to: &mut String) {
    let World { server, data, machine, .. } = world;
    let (used, peak, resident) = (machine.allocated, server.stats.memory_peak, machine.resident);
    let dataset = data.bytes();
    let bytes = |to: &mut String, name: &str, bytes: usize| {
        field(to, name, bytes);
        field(to, &format!("{name}_human"), human(bytes));
    };
    bytes(to, "used_memory", used);
    bytes(to, "used_memory_rss", resident);
    bytes(to, "used_memory_peak", peak);
    field(to, "used_memory_peak_perc", format!("{:.2}%", 100.0 * ratio(used, peak)));
    field(to, "used_memory_overhead", used.saturating_sub(dataset));
    field(to, "used_memory_dataset", dataset);
    bytes(to, "total_system_memory", machine.memory);
    zeros(to, &["number_of_cached_scripts", "number_of_functions", "number_of_libraries"]);
    // `maxmemory` is not obeyed yet, whatever it is set to.
    field(to, "maxmemory", 0);
    field(to, "maxmemory_human", human(0));
    field(to, "maxmemory_policy", "noeviction");
    field(to, "mem_fragmentation_ratio", format!("{:.2}", ratio(resident, used)));
    field(to, "mem_fragmentation_bytes", resident as i64 - used as i64);
    zeros(to, &["mem_not_counted_for_evict", "mem_replication_backlog", "mem_total_replication_buffers"]);
    zeros(to, &["mem_replica_full_sync_buffer", "mem_clients_slaves", "mem_cluster_links", "mem_aof_buffer"]);
    zeros(to, &["active_defrag_running"]);
}

/// There is no persistence: what Redis says when it is told to save nothing.
fn persistence(world: &World, to: &mut String) {
    zeros(to, &["loading", "async_loading"]);
    field(to, "rdb_changes_since_last_save", world.data.ledger.dirty);
    field(to, "rdb_bgsave_in_progress", 0);
    field(to, "rdb_last_save_time", world.server.started.wall_us / 1_000_000);
    field(to, "rdb_last_bgsave_status", "ok");
    field(to, "rdb_last_bgsave_time_sec", -1);
    field(to, "rdb_current_bgsave_time_sec", -1);
    zeros(to, &["rdb_saves", "rdb_last_load_keys_expired", "rdb_last_load_keys_loaded"]);
    zeros(to, &["aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"]);
    field(to, "aof_last_rewrite_time_sec", -1);
    field(to, "aof_current_rewrite_time_sec", -1);
    field(to, "aof_last_bgrewrite_status", "ok");
    zeros(to, &["aof_rewrites", "aof_rewrites_consecutive_failures"]);
    field(to, "aof_last_write_status", "ok");
    field(to, "module_fork_in_progress", 0);
}

fn stats(world: &World, to: &mut String) {
    let stats = &world.server.stats;
    let kilobytes = |bytes: u64| format!("{:.2}", bytes as f64 / 1024.0);
    field(to, "total_connections_received", stats.connections);
    field(to, "total_commands_processed", stats.commands_processed);
    field(to, "instantaneous_ops_per_sec", stats.commands_per_second);
    field(to, "total_net_input_bytes", stats.bytes_in);
    field(to, "total_net_output_bytes", stats.bytes_out);
    zeros(to, &["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    field(to, "instantaneous_input_kbps", kilobytes(stats.bytes_in_per_second));
    field(to, "instantaneous_output_kbps", kilobytes(stats.bytes_out_per_second));
    field(to, "instantaneous_input_repl_kbps", kilobytes(0));
    field(to, "instantaneous_output_repl_kbps", kilobytes(0));
    field(to, "rejected_connections", stats.rejected_connections);
    zeros(to, &["sync_full", "sync_partial_ok", "sync_partial_err", "expired_subkeys"]);
    field(to, "expired_keys", world.data.ledger.expired.saturating_sub(stats.expired_before));
    zeros(to, &["evicted_keys", "evicted_clients", "evicted_scripts"]);
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
    field(to, "total_error_replies", stats.error_replies);
    field(to, "total_reads_processed", stats.reads);
    field(to, "total_writes_processed", stats.writes);
    zeros(to, &["io_threaded_reads_processed", "io_threaded_writes_processed"]);
    field(to, "client_query_buffer_limit_disconnections", stats.query_buffer_limit_disconnections);
    field(to, "client_output_buffer_limit_disconnections", stats.output_buffer_limit_disconnections);
    field(to, "eventloop_cycles", stats.turns);
    field(to, "busy_poll_usec", stats.busy_poll_us);
    field(to, "busy_poll_hits", stats.busy_poll_hits);
    field(to, "busy_poll_misses", stats.busy_poll_misses);
    field(to, "acl_access_denied_auth", stats.refused_logins);
    zeros(to, &["acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel"]);
}

fn replication(_: &World, to: &mut String) {
    field(to, "role", "master");
    field(to, "connected_slaves", 0);
    field(to, "master_failover_state", "no-failover");
    field(to, "master_repl_offset", 0);
    field(to, "second_repl_offset", -1);
    zeros(to, &["repl_backlog_active", "repl_backlog_histlen"]);
}

fn cpu(world: &World, to: &mut String) {
    let seconds = |us: u64| format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    field(to, "used_cpu_sys", seconds(world.machine.system_cpu_us));
    field(to, "used_cpu_user", seconds(world.machine.user_cpu_us));
    field(to, "used_cpu_sys_children", seconds(0));
    field(to, "used_cpu_user_children", seconds(0));
}

fn commandstats(world: &World, to: &mut String) {
    let per_tick = 1000.0 / world.ticks_per_ms.max(1) as f64;
    for (entry, stats) in world.table.entries.iter().zip(&world.server.stats.commands) {
        if stats.calls + stats.rejected + stats.failed == 0 {
            continue;
        }
        let usec = stats.ticks as f64 * per_tick;
        let each = if stats.calls == 0 { 0.0 } else { usec / stats.calls as f64 };
        let value = format!(
            "calls={},usec={usec:.0},usec_per_call={each:.2},rejected_calls={},failed_calls={}",
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
    let ns_per_tick = 1e6 / world.ticks_per_ms.max(1) as f64;
    if !world.server.config.latency_tracking {
        return;
    }
    for (entry, stats) in world.table.entries.iter().zip(&world.server.stats.commands) {
        let Some(took) = &stats.took else { continue };
        let percentile = |percent: &f64| {
            let ticks = took.percentile(*percent).unwrap_or(0);
            format!("p{percent}={:.3}", ticks as f64 * ns_per_tick / 1000.0)
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
        let (keys, expires) = (database.len(), database.volatile());
        let average_ms = database.average_ttl_ms(world.now.wall_ms());
        field(to, &format!("db{number}"), format!("keys={keys},expires={expires},avg_ttl={average_ms},subexpiry=0"));
    }
}

fn ratio(one: usize, other: usize) -> f64 {
    if other == 0 { 0.0 } else { one as f64 / other as f64 }
}

/// As Redis shortens a size: `1.50K`.
fn human(bytes: usize) -> String {
    const UNITS: [&str; 6] = ["B", "K", "M", "G", "T", "P"];
    let power = (bytes.max(1).ilog2() / 10).min(5);
    match power {
        0 => format!("{bytes}B"),
        _ => format!("{:.2}{}", bytes as f64 / (1u64 << (10 * power)) as f64, UNITS[power as usize]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        let table =
            [(0, "0B"), (1023, "1023B"), (1024, "1.00K"), (1536, "1.50K"), (1 << 20, "1.00M"), (3 << 30, "3.00G")];
        for (bytes, text) in table {
            assert_eq!(human(bytes), text);
        }
    }
}
