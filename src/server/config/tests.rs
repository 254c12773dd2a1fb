//! The configuration's tables: CONFIG SET's refusals, CONFIG GET's answers, sources and warnings.
use super::*;

fn words(text: &str) -> Vec<Vec<u8>> {
    text.split('|').map(|word| word.as_bytes().to_vec()).collect()
}

fn set(config: &mut Config, pairs: &[(&str, &str)]) -> Result<Vec<&'static str>, String> {
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    config.set_many(&pairs, false).map_err(|error| error.reply())
}

fn get(config: &Config, pattern: &str) -> Vec<(String, String)> {
    config.get(pattern.as_bytes())
}

fn at(line: usize) -> Source {
    Source::File { path: "a.conf".into(), line }
}

#[test]
fn config_set_refuses_in_redis_words() {
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("nosuch", "1")], "Unknown option or number of arguments for CONFIG SET - 'nosuch'"),
        (&[("timeout", "abc"), ("nosuch", "1")], "Unknown option or number of arguments for CONFIG SET - 'nosuch'"),
        (&[("databases", "3")], "'databases') - can't set immutable config"),
        (&[("timeout", "1"), ("databases", "3")], "'databases') - can't set immutable config"),
        (&[("dir", "/tmp")], "'dir') - can't set protected config"),
        (&[("timeout", "1"), ("TIMEOUT", "2")], "'TIMEOUT') - duplicate parameter"),
        (&[("maxclients", "0")], "'maxclients') - argument must be between 1 and 4294967295 inclusive"),
        (&[("tcp-keepalive", "-3")], "'tcp-keepalive') - argument must be between 0 and 2147483647 inclusive"),
        (&[("timeout", "1k")], "'timeout') - argument couldn't be parsed into an integer"),
        (&[("maxmemory", "1gbx")], "'maxmemory') - argument must be a memory value"),
        (&[("protected-mode", "maybe")], "'protected-mode') - argument must be 'yes' or 'no'"),
        (&[("save", "abc")], "'save') - Invalid save parameters"),
        (&[("save", "1 2 3")], "'save') - Invalid save parameters"),
        (&[("notify-keyspace-events", "q")], "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
        (&[("maxmemory-clients", "200%")], "percentage argument must be less or equal to 100"),
        (&[("oom-score-adj-values", "1 2")], "wrong number of arguments"),
        (&[("client-output-buffer-limit", "x 1 2 3")], "Invalid client class specified in buffer limit configuration."),
        (&[("latency-tracking-info-percentiles", "101")], "parameters should sit between [0.0,100.0]"),
        (&[("databases", "16")], "'databases') - can't set immutable config"),
        (&[("bind", "a b c d e f g h i j k l m n o p q")], "'bind') - Too many bind addresses specified."),
    ];
    for (pairs, expected) in table {
        let mut config = Config::default();
        let reply = set(&mut config, pairs).unwrap_err();
        assert!(reply.starts_with("ERR ") && reply.ends_with(expected), "{pairs:?}: {reply}");
        assert!(config.changed().is_empty(), "{pairs:?}: a refused CONFIG SET left a trace");
    }
}

#[test]
fn config_set_is_all_or_none() {
    let mut config = Config::default();
    assert!(set(&mut config, &[("timeout", "7"), ("maxclients", "abc")]).is_err());
    assert_eq!(config.timeout, 0);
    let changed = set(&mut config, &[("timeout", "7"), ("MaxClients", "50"), ("loglevel", "notice")]);
    assert_eq!(changed, Ok(vec!["timeout", "maxclients"]));
    assert_eq!((config.timeout, config.maxclients), (7, 50));
    // An alias is another name: the last one counts.
    assert!(set(&mut config, &[("slave-priority", "10"), ("replica-priority", "11")]).is_ok());
    assert_eq!(get(&config, "slave-priority"), [("slave-priority".to_string(), "11".to_string())]);
    // What is already so has not changed.
    assert_eq!(set(&mut config, &[("port", "6379"), ("bind", "127.0.0.1 -::1")]), Ok(vec![]));
}

#[test]
fn protected_settings_open_with_permission() {
    let mut config = Config { enable_protected_configs: Permission::Yes, ..Config::default() };
    assert_eq!(set(&mut config, &[("dbfilename", "x.rdb")]), Ok(vec!["dbfilename"]));
    config.enable_protected_configs = Permission::Local;
    assert!(config.set_many(&[(b"dbfilename", b"y.rdb")], false).is_err());
    assert!(config.set_many(&[(b"dbfilename", b"y.rdb")], true).is_ok());
}

#[test]
fn config_get_matches_patterns_and_echoes_plain_names() {
    let config = Config::default();
    let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
    assert_eq!(get(&config, "BIND"), [pair("BIND", "127.0.0.1 -::1")]);
    assert_eq!(get(&config, "save"), [pair("save", "")]);
    assert_eq!(get(&config, "unixsocketperm"), [pair("unixsocketperm", "0")]);
    assert_eq!(get(&config, "nosuch"), []);
    assert_eq!(get(&config, "*-PRIORITY"), [pair("replica-priority", "100"), pair("slave-priority", "100")]);
    assert_eq!(get(&config, "hz"), [pair("hz", "10")]);
    let patterns: [&[u8]; 4] = [b"Timeout", b"time*", b"*of", b"timeout"];
    let names: Vec<String> = config.get_all(patterns).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Timeout", "replicaof", "slaveof"]);
    assert_eq!(get(&config, "watchdog-perio*"), [], "hidden");
    assert_eq!(get(&config, "watchdog-period"), [pair("watchdog-period", "0")]);
}

#[test]
fn every_setting_takes_back_what_config_get_gave() {
    let mut config = Config { enable_protected_configs: Permission::Yes, ..Config::default() };
    for (name, value) in get(&config, "*") {
        let words = [value.clone().into_bytes()];
        config.set_one(&name, &words, Source::CommandLine).unwrap_or_else(|error| panic!("{name} {value}: {error}"));
        match set(&mut config, &[(&name, &value)]) {
            Err(reply) if reply.ends_with("can't set immutable config") => {}
            Ok(changed) => assert_eq!(changed, [""; 0], "{name}"),
            Err(reply) => panic!("{reply}"),
        }
    }
    config.sources.remove("enable-protected-configs");
    assert_eq!(config.changed(), []);
}

#[test]
fn repeated_lines_add_up_only_where_redis_adds_them() {
    let mut config = Config::default();
    for (line, (name, text)) in
        [("save", "900|1"), ("save", "300|10"), ("bind", "127.0.0.1"), ("bind", "::1|127.0.0.2"), ("save", "7 7")]
            .into_iter()
            .enumerate()
    {
        config.set_one(name, &words(text), at(line + 1)).unwrap();
    }
    assert_eq!(get(&config, "save")[0].1, "900 1 300 10 7 7");
    assert_eq!(config.bind, ["::1", "127.0.0.2"]);
    config.set_one("save", &words(""), Source::CommandLine).unwrap();
    assert_eq!(get(&config, "save")[0].1, "");
    config.set_one("save", &words("9 9"), at(7)).unwrap();
    config.set_one("save", &[], at(8)).unwrap();
    assert_eq!(get(&config, "save")[0].1, "");
    assert_eq!(config.warnings(), [""; 0]);
}

#[test]
fn what_changed_says_where_it_came_from_and_hides_secrets() {
    let mut config = Config::default();
    config.set_one("timeout", &words("5"), at(1)).unwrap();
    config.set_one("port", &words("6379"), at(2)).unwrap();
    config.set_one("requirepass", &words("hunter2"), at(3)).unwrap();
    config.set_one("HZ", &words("50"), Source::CommandLine).unwrap();
    set(&mut config, &[("timeout", "6")]).unwrap();
    let lines: Vec<String> =
        config.changed().iter().map(|it| format!("{} {} ({})", it.name, it.value, it.source)).collect();
    assert_eq!(lines, ["timeout 6 (CONFIG SET)", "requirepass (secret) (a.conf:3)", "hz 50 (command line)"]);
    assert_eq!(config.ignored(), ["hz"]);
}

#[test]
fn who_asks_for_persistence_is_warned() {
    let mut config = Config::default();
    config.set_one("appendonly", &words("no"), at(1)).unwrap();
    assert_eq!(config.warnings(), [""; 0]);
    config.set_one("appendonly", &words("yes"), at(2)).unwrap();
    config.set_one("save", &words("60|1"), at(3)).unwrap();
    let warnings = config.warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    let [save, log] = &warnings[..] else { unreachable!("there are two") };
    assert_eq!(save, "'save 60 1' (a.conf:3) has the data saved when Spindle ends, and not yet in between");
    assert_eq!(
        log,
        "'appendonly yes' (a.conf:2) has no effect in Spindle: what changes after a save is lost when it ends"
    );
}

#[test]
fn a_strangers_name_is_safe_to_print() {
    let mut config = Config::default();
    let error = config.set_many(&[(b"a\r\nb\xff", b"1")], false).unwrap_err();
    assert_eq!(error.reply(), "ERR Unknown option or number of arguments for CONFIG SET - 'a  b\u{fffd}'");
}

/// Whoever sets a port for TLS must not believe that there is TLS.
#[test]
fn what_sends_to_the_log_is_clear_at_the_start() {
    let mut config = Config::default();
    for name in ["tls-port", "tls-replication"] {
        let value = if name == "tls-port" { "6380" } else { "yes" };
        let error = config.set_one(name, &words(value), Source::CommandLine).unwrap_err();
        let Problem::Value(why) = error.problem else { panic!("{name} has a value that is refused") };
        assert_eq!(why, "There is no TLS yet: connections are not encrypted.");
    }
}
