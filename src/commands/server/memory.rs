//! What memory is used for: INFO's section Memory, and MEMORY STATS, DOCTOR, PURGE and MALLOC-STATS, which are of one mind.
//! (<https://redis.io/docs/latest/commands/memory-stats/>)
//!
//! What was asked of the allocator is counted, and the kernel says what the process has. mimalloc is not asked what it did
//! with the difference: all of it is told as fragmentation, as Redis does with an allocator that tells it nothing.
use super::sections::{World, field, zeros};
use crate::commands::prelude::*;
use crate::store::database::Database;
use std::fmt::Write;

pub struct Usage {
    used: usize,
    peak: usize,
    startup: usize,
    resident: usize,
    /// Keys and values.
    dataset: usize,
    clients: usize,
    keys: usize,
}

impl Usage {
    pub fn of(world: &World) -> Usage {
        let (used, peak) = (world.machine.allocated, world.server.stats.memory_peak);
        let startup = world.server.startup_bytes.min(used);
        Usage {
            used,
            peak: peak.max(used),
            startup,
            resident: world.machine.resident,
            // A long string that several keys share is counted for each of them.
            dataset: world.data.bytes().min(used - startup),
            clients: world.server.clients_bytes(),
            keys: world.data.databases().iter().map(Database::len).sum(),
        }
    }

    fn overhead(&self) -> usize {
        self.used.saturating_sub(self.dataset)
    }

    /// The dataset's part of what has come since the start.
    fn dataset_percent(&self) -> f64 {
        100.0 * ratio(self.dataset, self.used - self.startup)
    }
}

/// Bytes for which nothing was written down: tables, and what stands in no page.
fn main_bytes(database: &Database) -> usize {
    database.table_bytes() + database.spare_bytes()
}

fn ratio(one: usize, other: usize) -> f64 {
    if other == 0 { 0.0 } else { one as f64 / other as f64 }
}

pub fn section(world: &World, to: &mut String) {
    let usage = Usage::of(world);
    let Usage { used, peak, startup, resident, dataset, clients, .. } = usage;
    let bytes = |to: &mut String, name: &str, bytes: usize| {
        field(to, name, bytes);
        field(to, &format!("{name}_human"), human(bytes));
    };
    let fraction = |to: &mut String, name: &str, one, other| field(to, name, format!("{:.2}", ratio(one, other)));
    bytes(to, "used_memory", used);
    bytes(to, "used_memory_rss", resident);
    bytes(to, "used_memory_peak", peak);
    field(to, "used_memory_peak_perc", format!("{:.2}%", 100.0 * ratio(used, peak)));
    field(to, "used_memory_overhead", usage.overhead());
    field(to, "used_memory_startup", startup);
    field(to, "used_memory_dataset", dataset);
    field(to, "used_memory_dataset_perc", format!("{:.2}%", usage.dataset_percent()));
    field(to, "allocator_allocated", used);
    field(to, "allocator_active", resident);
    field(to, "allocator_resident", resident);
    field(to, "allocator_muzzy", 0);
    bytes(to, "total_system_memory", world.machine.memory);
    zeros(to, &["used_memory_lua", "used_memory_vm_eval"]);
    field(to, "used_memory_lua_human", human(0));
    zeros(to, &["used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions", "number_of_libraries"]);
    field(to, "used_memory_vm_functions", 0);
    bytes(to, "used_memory_vm_total", 0);
    field(to, "used_memory_functions", 0);
    bytes(to, "used_memory_scripts", 0);
    // `maxmemory` is not obeyed yet, whatever it is set to.
    bytes(to, "maxmemory", 0);
    field(to, "maxmemory_policy", world.server.config.maxmemory_policy.name());
    fraction(to, "allocator_frag_ratio", resident, used);
    field(to, "allocator_frag_bytes", resident as i64 - used as i64);
    fraction(to, "allocator_rss_ratio", resident, resident);
    field(to, "allocator_rss_bytes", 0);
    fraction(to, "rss_overhead_ratio", resident, resident);
    field(to, "rss_overhead_bytes", 0);
    fraction(to, "mem_fragmentation_ratio", resident, used);
    field(to, "mem_fragmentation_bytes", resident as i64 - used as i64);
    zeros(to, &["mem_not_counted_for_evict", "mem_replication_backlog", "mem_total_replication_buffers"]);
    zeros(to, &["mem_replica_full_sync_buffer", "mem_clients_slaves"]);
    field(to, "mem_clients_normal", clients);
    zeros(to, &["mem_cluster_links", "mem_aof_buffer"]);
    field(to, "mem_allocator", "mimalloc");
    // A table that grows is cut into pieces, never into an old and a new one.
    zeros(to, &["mem_overhead_db_hashtable_rehashing", "active_defrag_running"]);
    let trash = &world.data.ledger.trash;
    field(to, "lazyfree_pending_objects", trash.pending());
    field(to, "lazyfreed_objects", trash.freed - world.server.stats.freed_before);
}

/// As Redis shortens a size: `1.50K`.
pub fn human(bytes: usize) -> String {
    const UNITS: [&str; 6] = ["B", "K", "M", "G", "T", "P"];
    let power = (bytes.max(1).ilog2() / 10).min(5);
    match power {
        0 => format!("{bytes}B"),
        _ => format!("{:.2}{}", bytes as f64 / (1u64 << (10 * power)) as f64, UNITS[power as usize]),
    }
}

// --- MEMORY DOCTOR
form! { pub MemoryDoctor {} }
impl<'a> Command<'a> for MemoryDoctor {
    const FACTS: Facts =
        facts("MEMORY|DOCTOR", "server", "4.0.0", 0, "Says what is odd about the memory in use.").hint(OF_EACH);
    fn run(self, cx: &mut Context) -> Ran {
        let machine = cx.host.machine();
        let world = World::of(cx, &machine);
        let text = diagnose(&Usage::of(&world), world.data.databases().iter().map(Database::spare_bytes).sum());
        cx.reply.verbatim("txt", &text);
        Ok(Outcome::Done)
    }
}

const OF_EACH: &[&str] = &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"];
/// With less, what the process itself takes hides everything.
const TELLING_BYTES_MIN: usize = 5 << 20;
/// A difference of less is none.
const ODD_BYTES_MIN: usize = 10 << 20;

/// `spare`: bytes of pages from which entries have gone.
fn diagnose(usage: &Usage, spare: usize) -> String {
    let Usage { used, peak, resident, dataset, clients, .. } = *usage;
    if used < TELLING_BYTES_MIN {
        return format!("Only {} are in use: too little to tell anything from.\n", human(used));
    }
    let odd = [
        (
            peak > used + used / 2,
            format!(
                "At its peak {} were in use, now {}. The process may keep some of the difference for later: MEMORY PURGE \
                 gives back what it can.",
                human(peak),
                human(used)
            ),
        ),
        (
            resident > used + used * 2 / 5 && resident - used > ODD_BYTES_MIN,
            format!(
                "{} are in use, and the process has {} of the machine's memory: pieces that were freed lie between others.",
                human(used),
                human(resident)
            ),
        ),
        (
            spare > dataset / 4 && spare > ODD_BYTES_MIN,
            format!(
                "{} of the pages of keys are empty. Keys are moved together while nothing else is to be done.",
                human(spare)
            ),
        ),
        (
            clients > used / 4 && clients > ODD_BYTES_MIN,
            format!(
                "Clients take {}: what they have not read, not finished, or queued. CLIENT LIST tells which (tot-mem), and \
                 client-output-buffer-limit, client-query-buffer-limit set bounds.",
                human(clients)
            ),
        ),
    ];
    let told: String = odd.into_iter().filter(|(is, _)| *is).map(|(_, text)| format!("- {text}\n")).collect();
    if told.is_empty() { "Nothing is odd about the memory in use.\n".into() } else { told }
}

// --- MEMORY MALLOC-STATS
form! { pub MemoryMallocStats {} }
impl<'a> Command<'a> for MemoryMallocStats {
    const FACTS: Facts =
        facts("MEMORY|MALLOC-STATS", "server", "4.0.0", 0, "Tells what the allocators have given out.").hint(OF_EACH);
    fn run(self, cx: &mut Context) -> Ran {
        let machine = cx.host.machine();
        let mut text = format!(
            "mimalloc\n  asked for: {} bytes\n  resident in the process: {} bytes\n",
            machine.allocated, machine.resident
        );
        text += "pages of keys\n";
        for (number, database) in cx.data.databases().iter().enumerate().filter(|(_, database)| !database.is_empty()) {
            let (keys, spare) = (database.len(), database.spare_bytes());
            let (table, values) = (database.table_bytes(), database.bytes());
            writeln!(
                text,
                "  db{number}: {keys} keys, entries {values} bytes, empty {spare} bytes, table {table} bytes"
            )
            .expect("a string takes what is written");
        }
        writeln!(text, "to be freed: {} objects", cx.data.ledger.trash.pending())
            .expect("a string takes what is written");
        cx.reply.verbatim("txt", &text);
        Ok(Outcome::Done)
    }
}

// --- MEMORY PURGE
form! { pub MemoryPurge {} }
impl<'a> Command<'a> for MemoryPurge {
    const FACTS: Facts =
        facts("MEMORY|PURGE", "server", "4.0.0", 0, "Gives memory back that the allocator keeps for later.")
            .hint(&["request_policy:all_shards", "response_policy:all_succeeded"]);
    fn run(self, cx: &mut Context) -> Ran {
        cx.host.purge();
        cx.ok()
    }
}

// --- MEMORY STATS
form! { pub MemoryStats {} }
impl<'a> Command<'a> for MemoryStats {
    const FACTS: Facts =
        facts("MEMORY|STATS", "server", "4.0.0", 0, "Tells what memory is used for, part by part.").hint(OF_EACH);
    fn run(self, cx: &mut Context) -> Ran {
        let machine = cx.host.machine();
        let world = World::of(cx, &machine);
        let usage = Usage::of(&world);
        let Usage { used, peak, startup, resident, dataset, clients, keys } = usage;
        let tables: Vec<(usize, usize, usize)> = world
            .data
            .databases()
            .iter()
            .enumerate()
            .filter(|(_, database)| !database.is_empty())
            .map(|(number, database)| (number, main_bytes(database), database.wheel_bytes()))
            .collect();
        let all_tables: usize = tables.iter().map(|(_, main, _)| main).sum();
        let reply = &mut cx.reply;
        reply.map(33 + tables.len());
        for (name, count) in [
            ("peak.allocated", peak),
            ("total.allocated", used),
            ("startup.allocated", startup),
            ("replication.backlog", 0),
            ("replica.fullsync.buffer", 0),
            ("clients.slaves", 0),
            ("clients.normal", clients),
            ("cluster.links", 0),
            ("aof.buffer", 0),
            ("lua.caches", 0),
            ("functions.caches", 0),
            ("script.VMs", 0),
        ] {
            reply.text(name);
            reply.count(count);
        }
        for (number, main, expires) in tables {
            reply.text(&format!("db.{number}"));
            reply.map(2);
            for (name, count) in [("overhead.hashtable.main", main), ("overhead.hashtable.expires", expires)] {
                reply.text(name);
                reply.count(count);
            }
        }
        for (name, count) in [
            ("overhead.db.hashtable.lut", all_tables),
            ("overhead.db.hashtable.rehashing", 0),
            ("overhead.total", usage.overhead()),
            ("db.dict.rehashing.count", 0),
            ("keys.count", keys),
            ("keys.bytes-per-key", dataset.checked_div(keys).unwrap_or(0)),
            ("dataset.bytes", dataset),
        ] {
            reply.text(name);
            reply.count(count);
        }
        let lost = resident as i64 - used as i64;
        let fractions =
            [("dataset.percentage", usage.dataset_percent()), ("peak.percentage", 100.0 * ratio(used, peak))];
        for (name, fraction) in fractions {
            reply.text(name);
            reply.double(fraction.to_string().as_bytes());
        }
        for (name, count) in [
            ("allocator.allocated", used),
            ("allocator.active", resident),
            ("allocator.resident", resident),
            ("allocator.muzzy", 0),
        ] {
            reply.text(name);
            reply.count(count);
        }
        for (name, fraction, bytes) in [
            ("allocator-fragmentation", ratio(resident, used), lost),
            ("allocator-rss", ratio(resident, resident), 0),
            ("rss-overhead", ratio(resident, resident), 0),
        ] {
            reply.text(&format!("{name}.ratio"));
            reply.double(fraction.to_string().as_bytes());
            reply.text(&format!("{name}.bytes"));
            reply.integer(bytes);
        }
        reply.text("fragmentation");
        reply.double(ratio(resident, used).to_string().as_bytes());
        reply.text("fragmentation.bytes");
        reply.integer(lost);
        Ok(Outcome::Done)
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

    #[test]
    fn what_is_odd_is_told_and_nothing_else() {
        const MB: usize = 1 << 20;
        let calm = || Usage {
            used: 100 * MB,
            peak: 110 * MB,
            startup: MB,
            resident: 120 * MB,
            dataset: 80 * MB,
            clients: MB,
            keys: 1,
        };
        let table = [
            (Usage { used: MB, ..calm() }, 0, "Only 1.00M"),
            (calm(), 0, "Nothing"),
            (Usage { peak: 200 * MB, ..calm() }, 0, "- At its peak 200.00M"),
            (Usage { resident: 200 * MB, ..calm() }, 0, "- 100.00M are in use, and the process has 200.00M"),
            (calm(), 30 * MB, "- 30.00M of the pages"),
            (Usage { clients: 40 * MB, ..calm() }, 0, "- Clients take 40.00M"),
        ];
        for (usage, spare, begins) in table {
            let text = diagnose(&usage, spare);
            assert!(text.starts_with(begins) && text.lines().count() == 1, "{text}");
        }
        assert_eq!(diagnose(&Usage { peak: 900 * MB, resident: 900 * MB, ..calm() }, 50 * MB).lines().count(), 3);
    }
}
