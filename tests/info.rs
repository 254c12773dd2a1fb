//! INFO against the fields that Redis has in the same sections (tests/facts/info.txt), and what its numbers count. Runs
//! the engine in memory, with a clock that is moved by hand.
use spindle::engine::{Address, Budget, ByHand, ClientId, Config, Engine, Machine, Now, Step, TICKS_PER_US};
use std::collections::BTreeMap;

/// Fields of Redis that are not there, and why.
const NOT_THERE: &[(&str, &[&str])] = &[
    (
        "of how Redis is built and works inside",
        &[
            "redis_git_sha1",
            "redis_git_dirty",
            "redis_build_id",
            "monotonic_clock",
            "multiplexing_api",
            "atomicvar_api",
            "gcc_version",
            "hz",
            "configured_hz",
            "lru_clock",
            "client_recent_max_input_buffer",
            "client_recent_max_output_buffer",
            "mem_allocator",
            "allocator_allocated",
            "allocator_active",
            "allocator_resident",
            "allocator_muzzy",
            "allocator_frag_ratio",
            "allocator_frag_bytes",
            "allocator_rss_ratio",
            "allocator_rss_bytes",
            "rss_overhead_ratio",
            "rss_overhead_bytes",
            "mem_overhead_db_hashtable_rehashing",
            "expired_stale_perc",
            "expired_time_cap_reached_count",
            "expire_cycle_cpu_milliseconds",
            "active_defrag_hits",
            "active_defrag_misses",
            "active_defrag_key_hits",
            "active_defrag_key_misses",
            "total_active_defrag_time",
            "current_active_defrag_time",
            "unexpected_error_replies",
            "dump_payload_sanitizations",
            "reply_buffer_shrinks",
            "reply_buffer_expands",
        ],
    ),
    (
        "of forks, which Spindle does not make",
        &[
            "current_cow_peak",
            "current_cow_size",
            "current_cow_size_age",
            "current_fork_perc",
            "current_save_keys_processed",
            "current_save_keys_total",
            "rdb_last_cow_size",
            "aof_last_cow_size",
            "module_fork_last_cow_size",
        ],
    ),
    (
        "not counted yet",
        &[
            "clients_in_timeout_table",
            "total_blocking_keys",
            "total_blocking_keys_on_nokey",
            "used_memory_startup",
            "used_memory_dataset_perc",
            "mem_clients_normal",
            "lazyfree_pending_objects",
            "lazyfreed_objects",
            "eventloop_duration_sum",
            "eventloop_duration_cmd_sum",
            "instantaneous_eventloop_cycles_per_sec",
            "instantaneous_eventloop_duration_usec",
            "used_cpu_sys_main_thread",
            "used_cpu_user_main_thread",
        ],
    ),
    (
        "of scripts, replication: not there yet",
        &[
            "used_memory_lua",
            "used_memory_vm_eval",
            "used_memory_lua_human",
            "used_memory_scripts_eval",
            "used_memory_vm_functions",
            "used_memory_vm_total",
            "used_memory_vm_total_human",
            "used_memory_functions",
            "used_memory_scripts",
            "used_memory_scripts_human",
            "master_replid",
            "master_replid2",
            "repl_backlog_size",
            "repl_backlog_first_byte_offset",
        ],
    ),
];

/// Spindle's own.
const OWN: &[&str] = &["spindle_version", "busy_poll_usec", "busy_poll_hits", "busy_poll_misses"];

fn machine() -> Machine {
    Machine {
        allocated: 3 << 20,
        resident: 6 << 20,
        memory: 8 << 30,
        user_cpu_us: 1_250_000,
        listeners: vec!["name=tcp,bind=127.0.0.1,port=6379".into()],
        ..Machine::default()
    }
}

struct Server {
    engine: Engine,
    host: ByHand,
    id: ClientId,
}

impl Server {
    fn start() -> Server {
        let now = Now { wall_us: 1_750_000_000_000_000, mono_us: 1_000_000 };
        let mut config = Config::default();
        config.enable_debug_command = spindle::engine::config::Permission::Yes;
        // Each look at the ticks takes ten microseconds.
        let host = ByHand { now, drift: 10 * TICKS_PER_US, machine: machine(), ..ByHand::default() };
        let mut engine = Engine::new(config, [1; 32], now);
        let id = engine.open(Address::Embedded, now).unwrap();
        Server { engine, host, id }
    }

    fn say(&mut self, line: &str) -> String {
        let bytes = format!("{line}\r\n").into_bytes();
        self.engine.space(self.id)[..bytes.len()].copy_from_slice(&bytes);
        self.engine.filled(self.id, bytes.len());
        let (mut reply, mut now) = (Vec::new(), self.host.now);
        while self.engine.step(self.id, &mut now, Budget::default(), &mut self.host) == Step::More {}
        reply.extend(self.engine.pending(self.id).flatten().copied());
        self.engine.wrote(self.id, reply.len());
        String::from_utf8(reply).unwrap()
    }

    /// Section, then field, then value.
    fn info(&mut self, which: &str) -> BTreeMap<String, BTreeMap<String, String>> {
        let reply = self.say(&format!("INFO {which}"));
        let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut section = String::new();
        for line in reply.lines().skip(1).filter(|line| !line.is_empty()) {
            match line.strip_prefix("# ") {
                Some(name) => {
                    section = name.to_string();
                    assert!(sections.insert(section.clone(), BTreeMap::new()).is_none(), "{name} comes twice");
                }
                None => {
                    let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line:?}"));
                    let before = sections.get_mut(&section).unwrap().insert(name.to_string(), value.to_string());
                    assert_eq!(before, None, "{name} comes twice");
                }
            }
        }
        sections
    }
}

/// `db0` and `cmdstat_get` as the facts have them.
fn general(section: &str, name: &str) -> String {
    match section {
        "Keyspace" => "db<N>".into(),
        "Commandstats" => "cmdstat_<command>".into(),
        "Errorstats" => "errorstat_<PREFIX>".into(),
        "Latencystats" => "latency_percentiles_usec_<command>".into(),
        "Server" if name.starts_with("listener") => "listener<N>".into(),
        _ => name.into(),
    }
}

#[test]
fn fields_are_those_of_redis() {
    let mut server = Server::start();
    server.say("SET k v");
    server.say("GET");
    let info = server.info("everything");
    let mut section = "";
    let mut missing: Vec<&str> = NOT_THERE.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let mut theirs = vec![];
    for line in include_str!("facts/info.txt").lines().skip(1) {
        if let Some(name) = line.strip_prefix("# ") {
            section = name;
            continue;
        }
        theirs.push(line);
        let there = info[section].keys().any(|name| general(section, name) == line);
        let told = missing.iter().position(|name| *name == line);
        assert_ne!(there, told.is_some(), "{section}: {line} is there ({there}), or is in NOT_THERE, not both");
        told.into_iter().for_each(|at| _ = missing.swap_remove(at));
    }
    assert!(missing.is_empty(), "in NOT_THERE, though Redis has none of these: {missing:?}");
    for (section, fields) in info.iter().filter(|(section, _)| *section != "Reactor") {
        for name in fields.keys().map(|name| general(section, name)) {
            assert!(theirs.contains(&name.as_str()) || OWN.contains(&name.as_str()), "{section} has {name}");
        }
    }
}

#[test]
fn sections_by_name_default_and_all() {
    let mut server = Server::start();
    let names = |info: BTreeMap<String, BTreeMap<String, String>>| info.into_keys().collect::<Vec<_>>().join(" ");
    let default = "CPU Clients Cluster Errorstats Keyspace Memory Modules Persistence Replication Server Stats";
    let all = "CPU Clients Cluster Commandstats Errorstats Keyspace Latencystats Memory Modules Persistence Reactor \
        Replication Server Stats";
    let table = [
        ("", default),
        ("default", default),
        ("all", all),
        ("Everything", all),
        ("cpu default", default),
        ("cpu ALL", all),
        ("cpu", "CPU"),
        ("commandSTATS", "Commandstats"),
        ("memory cpu memory", "CPU Memory"),
        ("sentinel", ""),
        ("sentinel cpu", "CPU"),
    ];
    for (which, sections) in table {
        assert_eq!(names(server.info(which)), sections, "INFO {which}");
    }
}

#[test]
fn numbers_count_what_they_say() {
    let mut server = Server::start();
    for line in ["SET k v", "SET l v PX 4000", "GET k", "GET nosuch", "GET", "INCR k", "SELECT 3", "SET m v"] {
        server.say(line);
    }
    let info = server.info("everything");
    let expected = [
        ("Server", "uptime_in_seconds", "0"),
        ("Server", "listener0", "name=tcp,bind=127.0.0.1,port=6379"),
        ("Clients", "connected_clients", "1"),
        ("Memory", "used_memory", "3145728"),
        ("Memory", "used_memory_human", "3.00M"),
        ("Memory", "total_system_memory_human", "8.00G"),
        ("Memory", "mem_fragmentation_ratio", "2.00"),
        ("Persistence", "rdb_changes_since_last_save", "3"),
        ("Persistence", "rdb_last_save_time", "1750000000"),
        ("Stats", "total_connections_received", "1"),
        ("Stats", "total_commands_processed", "8"),
        ("Stats", "keyspace_hits", "1"),
        ("Stats", "keyspace_misses", "1"),
        ("Stats", "total_error_replies", "2"),
        ("CPU", "used_cpu_user", "1.250000"),
        ("Commandstats", "cmdstat_get", "calls=2,usec=20,usec_per_call=10.00,rejected_calls=1,failed_calls=0"),
        ("Commandstats", "cmdstat_incr", "calls=1,usec=10,usec_per_call=10.00,rejected_calls=0,failed_calls=1"),
        ("Errorstats", "errorstat_ERR", "count=2"),
        ("Keyspace", "db0", "keys=2,expires=1,avg_ttl=4000,subexpiry=0"),
        ("Keyspace", "db3", "keys=1,expires=0,avg_ttl=0,subexpiry=0"),
    ];
    for (section, name, value) in expected {
        assert_eq!(info[section].get(name).map(String::as_str), Some(value), "{section}: {name}");
    }
    assert!(!info["Commandstats"].contains_key("cmdstat_lcs"), "a command that nobody has sent");
}

#[test]
fn resetstat_forgets_what_was_counted_but_not_what_is() {
    let mut server = Server::start();
    for line in ["SET k v", "GET k", "GET", "CONFIG RESETSTAT"] {
        server.say(line);
    }
    let info = server.info("everything");
    assert_eq!(info["Stats"]["keyspace_hits"], "0");
    assert_eq!(info["Stats"]["total_error_replies"], "0");
    assert!(info["Errorstats"].is_empty());
    assert!(!info["Commandstats"].contains_key("cmdstat_get"));
    assert_eq!(info["Clients"]["connected_clients"], "1");
    assert!(info["Keyspace"]["db0"].starts_with("keys=1,"));
}

#[test]
fn rates_fall_when_nobody_sends() {
    let mut server = Server::start();
    (0..1000).for_each(|_| _ = server.say("PING"));
    server.host.pass(100_000);
    server.engine.tick(server.host.now, &mut server.host);
    let rate = |server: &mut Server| server.info("stats")["Stats"]["instantaneous_ops_per_sec"].parse::<u64>().unwrap();
    let busy = rate(&mut server);
    assert!(busy > 500, "{busy}");
    server.host.pass(3_600_000_000);
    assert_eq!(rate(&mut server), 0);
}

#[test]
fn populate_works_in_slices_and_others_are_served() {
    let mut server = Server::start();
    let other = server.engine.open(Address::Embedded, server.host.now).unwrap();
    let mut now = server.host.now;
    for (id, bytes) in [(server.id, &b"DEBUG POPULATE 10000\r\n"[..]), (other, b"GET key:0\r\nGET key:9999\r\n")] {
        server.engine.space(id)[..bytes.len()].copy_from_slice(bytes);
        server.engine.filled(id, bytes.len());
    }
    let budget = Budget::default();
    server.engine.step(server.id, &mut now, budget, &mut server.host);
    assert_eq!(server.engine.step(server.id, &mut now, budget, &mut server.host), Step::More);
    server.engine.step(other, &mut now, budget, &mut server.host);
    let reply = |engine: &Engine, id| String::from_utf8(engine.pending(id).flatten().copied().collect()).unwrap();
    assert_eq!(reply(&server.engine, other), "$7\r\nvalue:0\r\n$-1\r\n", "some are there, and some not yet");
    assert_eq!(reply(&server.engine, server.id), "");
    for _ in 0..100 {
        server.engine.step(server.id, &mut now, budget, &mut server.host);
    }
    assert_eq!(reply(&server.engine, server.id), "+OK\r\n");
    server.engine.wrote(server.id, "+OK\r\n".len());
    assert!(server.info("keyspace")["Keyspace"]["db0"].starts_with("keys=10000,"));
    // One look at the ticks for the command, and one for each slice of 512 keys.
    assert!(server.info("commandstats")["Commandstats"]["cmdstat_debug"].starts_with("calls=1,usec=210,"));
    server.engine.check();
}
