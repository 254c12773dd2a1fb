//! INFO against the fields that Redis has in the same sections (tests/facts/info.txt), and what its numbers count. Runs
//! the engine in memory, with a clock that is moved by hand.
use spindle::engine::{Address, Budget, ByHand, ClientId, Config, Engine, Machine, Now, Step, TICKS_PER_US};
use std::collections::BTreeMap;

/// Fields of Redis that are not there, and why.
const NOT_THERE: &[(&str, &[&str])] = &[
    (
        "a digest of the sources and the machine of a build: Spindle has a version, and makes no other mark",
        &["redis_build_id"],
    ),
    ("how often a second Redis looks at what Spindle does when it is due", &["hz"]),
    (
        "an estimate of keys that are due and still there: Redis draws samples, Spindle knows when each is due",
        &["expired_stale_perc"],
    ),
    (
        "of activedefrag: Spindle moves entries together whenever it has time, and does not count them",
        &[
            "active_defrag_hits",
            "active_defrag_misses",
            "active_defrag_key_hits",
            "active_defrag_key_misses",
            "total_active_defrag_time",
            "current_active_defrag_time",
        ],
    ),
];

/// Spindle's own.
const OWN: &[&str] =
    &["spindle_version", "busy_poll_usec", "busy_poll_hits", "busy_poll_misses", "unauthenticated_clients_closed"];

fn machine() -> Machine {
    Machine {
        allocated: 3 << 20,
        resident: 6 << 20,
        memory: 8 << 30,
        user_cpu_us: 1_250_000,
        listeners: [Some("name=tcp,bind=127.0.0.1,bind=-::1,port=6379".into()), None],
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
        "Keysizes" => format!("db<N>{}", &name[name.find('_').expect("a name behind the database")..]),
        "Commandstats" => "cmdstat_<command>".into(),
        "Errorstats" => "errorstat_<PREFIX>".into(),
        "Latencystats" => "latency_percentiles_usec_<command>".into(),
        "Threads" => "io_thread_<N>".into(),
        _ => name.into(),
    }
}

/// Redis's fields in its order, each there, or told to be missing; and no others but Spindle's own.
#[test]
fn fields_are_those_of_redis_in_its_order() {
    let mut server = Server::start();
    for line in ["SET k v", "RPUSH l v", "SADD s v", "ZADD z 1 v", "HSET h f v", "GET"] {
        server.say(line);
    }
    let reply = server.say("INFO everything");
    let (mut section, mut ours) = (String::new(), vec![]);
    for line in reply.lines().skip(1).filter(|line| !line.is_empty()) {
        match line.strip_prefix("# ") {
            Some("Reactor") => break,
            Some(name) => {
                section = name.to_string();
                ours.push(line.to_string());
            }
            None => ours.push(general(&section, line.split(':').next().unwrap())),
        }
    }
    ours.retain(|name| !OWN.contains(&name.as_str()));
    ours.dedup();
    // Of a type whose command the server above was asked.
    let is_there = |command: &str| spindle::commands::COMMANDS.entries.iter().any(|entry| entry.facts.name == command);
    let types = [("SADD", "sets"), ("ZADD", "zsets"), ("HSET", "hashes")];
    let lacks = |line: &str| {
        types.iter().any(|(command, name)| line.starts_with(&format!("db<N>_distrib_{name}_")) && !is_there(command))
    };
    let told: Vec<&str> = NOT_THERE.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let theirs: Vec<&str> = include_str!("facts/info.txt").lines().skip(1).collect();
    for name in &told {
        assert!(theirs.contains(name), "in NOT_THERE, though Redis has no {name}");
        assert!(!ours.iter().any(|line| line == name), "in NOT_THERE, though {name} is there");
    }
    let expected: Vec<&str> = theirs.into_iter().filter(|line| !told.contains(line) && !lacks(line)).collect();
    let differs = ours.iter().zip(&expected).position(|(ours, theirs)| ours != theirs);
    assert_eq!(differs.map(|at| (&ours[at], expected[at])), None, "what comes first, and what should");
    assert_eq!(ours.len(), expected.len());
}

#[test]
fn sections_by_name_default_and_all() {
    let mut server = Server::start();
    let names = |info: BTreeMap<String, BTreeMap<String, String>>| info.into_keys().collect::<Vec<_>>().join(" ");
    let default =
        "CPU Clients Cluster Errorstats Keysizes Keyspace Memory Modules Persistence Replication Server Stats Threads";
    let all = "CPU Clients Cluster Commandstats Errorstats Keysizes Keyspace Latencystats Memory Modules Persistence Reactor \
        Replication Server Stats Threads";
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
        ("Server", "listener0", "name=tcp,bind=127.0.0.1,bind=-::1,port=6379"),
        ("Clients", "connected_clients", "1"),
        ("Memory", "used_memory", "3145728"),
        ("Memory", "used_memory_human", "3.00M"),
        ("Memory", "total_system_memory_human", "8.00G"),
        ("Memory", "mem_fragmentation_ratio", "2.00"),
        ("Persistence", "rdb_changes_since_last_save", "3"),
        ("Persistence", "rdb_last_save_time", "1750000000"),
        ("Stats", "total_connections_received", "1"),
        ("Stats", "total_commands_processed", "7"),
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

/// As it is in Redis, which counts whole microseconds.
#[test]
fn usec_per_call_is_what_the_line_itself_comes_to() {
    let mut server = Server::start();
    server.host.drift = TICKS_PER_US * 3 / 2;
    (0..3).for_each(|_| _ = server.say("GET k"));
    let line = server.info("commandstats")["Commandstats"]["cmdstat_get"].clone();
    assert_eq!(line, "calls=3,usec=4,usec_per_call=1.33,rejected_calls=0,failed_calls=0");
}

/// What is refused does not run, whoever asks and when.
#[test]
fn only_commands_that_ran_are_counted() {
    let mut server = Server::start();
    let count = |server: &mut Server| -> u64 {
        server.info("stats")["Stats"]["total_commands_processed"].parse().expect("a number")
    };
    (0..10).for_each(|_| _ = server.say("NOSUCH"));
    assert_eq!(count(&mut server), 0);
    server.say("GET");
    server.say("CLIENT");
    assert_eq!(count(&mut server), 1, "the INFO before");
    server.say("PING\r\nNOSUCH\r\nPING");
    assert_eq!(count(&mut server), 4);
    // What is queued counts when it runs.
    server.say("MULTI\r\nSET k 1\r\nDISCARD");
    assert_eq!(count(&mut server), 4 + 3);
    server.say("MULTI\r\nNOSUCH\r\nSET k 1\r\nEXEC");
    assert_eq!(count(&mut server), 7 + 3);
    server.say("MULTI\r\nSET k 1\r\nGET k\r\nEXEC");
    assert_eq!(count(&mut server), 10 + 5);
}

#[test]
fn who_waits_and_for_what_is_counted() {
    let mut server = Server::start();
    let mut waiters = vec![];
    for line in ["BLPOP a b 0\r\n", "BLPOP a c 9\r\n"] {
        let id = server.engine.open(Address::Embedded, server.host.now).unwrap();
        server.engine.space(id)[..line.len()].copy_from_slice(line.as_bytes());
        server.engine.filled(id, line.len());
        let mut now = server.host.now;
        server.engine.step(id, &mut now, Budget::default(), &mut server.host);
        waiters.push(id);
    }
    let counts = |server: &mut Server| {
        let info = server.info("clients").remove("Clients").unwrap();
        ["blocked_clients", "clients_in_timeout_table", "total_blocking_keys"].map(|name| info[name].clone()).join(" ")
    };
    assert_eq!(counts(&mut server), "2 1 3");
    server.engine.close(waiters[0]);
    assert_eq!(counts(&mut server), "1 1 2");
    server.say("LPUSH c 1");
    assert_eq!(counts(&mut server), "0 0 0");
}

#[test]
fn what_is_freed_in_slices_is_counted() {
    let mut server = Server::start();
    (0..3000).for_each(|n| _ = server.say(&format!("SET k{n} v")));
    server.say("FLUSHALL");
    let counts = |server: &mut Server| {
        let info = server.info("memory").remove("Memory").unwrap();
        ["lazyfree_pending_objects", "lazyfreed_objects"].map(|name| info[name].parse::<u64>().unwrap())
    };
    assert_eq!(counts(&mut server), [3000, 0]);
    (0..100).for_each(|_| server.engine.tick(server.host.now, &mut server.host));
    assert_eq!(counts(&mut server), [0, 3000]);
    server.say("CONFIG RESETSTAT");
    assert_eq!(counts(&mut server), [0, 0]);
}

/// However large it was: a turn looks at the time after a few pieces.
#[test]
fn what_is_large_is_freed_in_slices_of_time() {
    for (command, elements, element) in [("SADD", 100_000, ""), ("SADD", 10_000, "x"), ("RPUSH", 10_000, "x")] {
        let mut server = Server::start();
        for from in (0..elements).step_by(500) {
            let words: String = (from..from + 500).map(|n| format!(" {n}{}", element.repeat(100))).collect();
            server.say(&format!("{command} k{words}"));
        }
        server.say("DEL k");
        // Each look says that the time is up.
        server.host.drift = 600 * TICKS_PER_US;
        let mut turns = 0;
        while server.info("memory")["Memory"]["lazyfree_pending_objects"] == "1" {
            server.engine.tick(server.host.now, &mut server.host);
            turns += 1;
        }
        assert!(turns >= 20, "{command} of {elements}: {turns} turns");
    }
}

/// Where each command replaces a large value, freeing has as long as they.
#[test]
fn what_is_replaced_again_and_again_does_not_pile_up() {
    let mut server = Server::start();
    for from in (0..20_000).step_by(500) {
        let pairs: String = (from..from + 500).map(|n| format!(" {n} member:{n}")).collect();
        server.say(&format!("ZADD s{pairs}"));
    }
    for _ in 0..100 {
        server.say("COPY s d REPLACE");
        server.host.ticks += 20_000 * TICKS_PER_US;
        server.engine.tick(server.host.now, &mut server.host);
    }
    let pending: u64 = server.info("memory")["Memory"]["lazyfree_pending_objects"].parse().unwrap();
    assert!(pending < 20, "{pending} of 99 values wait to be freed");
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
    // The timers of the same turn have no time over which the INFO could be a rate.
    server.engine.tick(server.host.now, &mut server.host);
    assert_eq!(rate(&mut server), 0);
}

#[test]
fn the_largest_buffers_are_known_for_some_seconds() {
    let mut server = Server::start();
    let most = |server: &mut Server| -> usize {
        server.engine.tick(server.host.now, &mut server.host);
        server.info("clients")["Clients"]["client_recent_max_input_buffer"].parse().unwrap()
    };
    let small = most(&mut server);
    let other = server.engine.open(Address::Embedded, server.host.now).unwrap();
    let part = [b"*2\r\n$3\r\nGET\r\n$30000\r\n", &[b'k'; 20_000][..]].concat();
    server.engine.space(other)[..part.len()].copy_from_slice(&part);
    server.engine.filled(other, part.len());
    let mut now = server.host.now;
    server.engine.step(other, &mut now, Budget::default(), &mut server.host);
    server.host.pass(1_000_000);
    server.engine.tick(server.host.now, &mut server.host);
    server.engine.close(other);
    for (seconds, known) in [(0, true), (6, true), (3, false)] {
        server.host.pass(seconds * 1_000_000);
        let most = most(&mut server);
        assert_eq!(most > 20_000, known, "{most} after {seconds} more seconds, {small} before");
    }
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

#[test]
fn a_command_in_slices_is_counted_and_logged_once_with_all_its_time() {
    let mut server = Server::start();
    server.say("DEBUG POPULATE 10000");
    for line in ["CONFIG SET slowlog-log-slower-than 40", "CONFIG SET latency-monitor-threshold 1", "CONFIG RESETSTAT"]
    {
        assert_eq!(server.say(line), "+OK\r\n");
    }
    // Three slices of 4,096 keys, a look at the ticks after each.
    let counted = |server: &mut Server| server.info("commandstats")["Commandstats"]["cmdstat_keys"].clone();
    assert_eq!(server.say("KEYS no*such"), "*0\r\n");
    assert_eq!(counted(&mut server), "calls=1,usec=30,usec_per_call=30.00,rejected_calls=0,failed_calls=0");
    assert_eq!(server.say("SLOWLOG LEN"), ":0\r\n");
    server.say("DEBUG POPULATE 20000");
    server.say("SLOWLOG RESET");
    server.host.drift = 500 * TICKS_PER_US;
    assert_eq!(server.say("KEYS no*such"), "*0\r\n");
    server.host.drift = TICKS_PER_US;
    assert_eq!(counted(&mut server), "calls=2,usec=2530,usec_per_call=1265.00,rejected_calls=0,failed_calls=0");
    let log = server.say("SLOWLOG GET");
    assert!(log.starts_with("*1\r\n*6\r\n:"), "one of them: {log}");
    assert!(log.contains(":2500\r\n*2\r\n$4\r\nKEYS\r\n$7\r\nno*such\r\n"), "{log}");
    assert!(server.say("LATENCY HISTORY command").contains(":2\r\n"));
    // So it is where it runs to its end at once.
    server.host.drift = 500 * TICKS_PER_US;
    ["SLOWLOG RESET", "MULTI", "KEYS other*"].iter().for_each(|line| _ = server.say(line));
    assert_eq!(server.say("EXEC"), "*1\r\n*0\r\n");
    server.host.drift = TICKS_PER_US;
    let log = server.say("SLOWLOG GET");
    assert!(log.contains("*2\r\n$4\r\nKEYS\r\n$6\r\nother*\r\n"), "{log}");
    assert!(counted(&mut server).starts_with("calls=3,"));
}

#[test]
fn a_wait_that_ends_in_vain_is_counted_and_logged_as_what_it_took() {
    let mut server = Server::start();
    let counted = |server: &mut Server| server.info("commandstats")["Commandstats"]["cmdstat_blpop"].clone();
    server.say("CONFIG SET slowlog-log-slower-than 0");
    server.say("CONFIG RESETSTAT");
    server.say("SLOWLOG RESET");
    server.say("BLPOP nobody 1");
    server.host.pass(2_000_000);
    server.engine.tick(server.host.now, &mut server.host);
    assert_eq!(server.say("PING"), "*-1\r\n+PONG\r\n");
    assert_eq!(counted(&mut server), "calls=1,usec=10,usec_per_call=10.00,rejected_calls=0,failed_calls=0");
    let log = server.say("SLOWLOG GET -1");
    assert!(log.contains(":10\r\n*3\r\n$5\r\nBLPOP\r\n$6\r\nnobody\r\n$1\r\n1\r\n"), "{log}");
    // Within a transaction there is no wait, but a command all the same.
    server.say("SLOWLOG RESET");
    ["MULTI", "BLPOP nobody 1"].iter().for_each(|line| _ = server.say(line));
    assert_eq!(server.say("EXEC"), "*1\r\n*-1\r\n");
    assert!(counted(&mut server).starts_with("calls=2,usec=20,"));
    assert!(server.say("SLOWLOG GET -1").contains("BLPOP"));
}
