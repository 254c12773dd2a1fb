//! Arguments and files in, invocation or message out; the files are made up.
use super::*;
use std::collections::BTreeMap;
use std::io;

struct Shelf<'a>(BTreeMap<&'a str, &'a str>);

impl Files for Shelf<'_> {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        self.0.get(path).map(|text| text.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn stdin(&mut self) -> io::Result<Vec<u8>> {
        self.read("-")
    }
    fn matching(&mut self, pattern: &str) -> Result<Vec<String>, String> {
        let matches = |path: &&str| crate::base::glob::matches(pattern.as_bytes(), path.as_bytes(), false);
        Ok(self.0.keys().copied().filter(matches).map(String::from).collect())
    }
    fn absolute(&self, path: &str) -> String {
        format!("/{path}")
    }
}

fn parse_with(files: &[(&'static str, &'static str)], args: &[&str]) -> Result<Invocation, String> {
    let mut shelf = Shelf(files.iter().copied().collect());
    parse(args.iter().map(OsString::from), &mut shelf).map_err(|error| error.0)
}

fn run(files: &[(&'static str, &'static str)], args: &[&str]) -> Config {
    match parse_with(files, args) {
        Ok(Invocation::Run(config)) => *config,
        other => panic!("{args:?}: {other:?}"),
    }
}

fn error(files: &[(&'static str, &'static str)], args: &[&str]) -> String {
    parse_with(files, args).map(|it| panic!("{args:?} was accepted: {it:?}")).unwrap_err()
}

fn said(config: &Config) -> Vec<String> {
    config.changed().iter().map(|it| format!("{} {} ({})", it.name, it.value, it.source)).collect()
}

#[test]
fn options_take_the_words_up_to_the_next_option() {
    assert_eq!(said(&run(&[], &[])), [""; 0]);
    let table: &[(&[&str], &[&str])] = &[
        (&["--port", "7000"], &["port 7000"]),
        (&["--PORT", "7000", "--port", "7001"], &["port 7001"]),
        (&["--bind", "127.0.0.1", "::1", "--port", "1"], &["bind 127.0.0.1 ::1", "port 1"]),
        (&["--bind", "-::1"], &["bind -::1"]),
        (&["--save", "", "--timeout", "5"], &["timeout 5"]),
        (&["--save", "--timeout", "5"], &["timeout 5"]),
        (&["--save", "60", "1", "300", "10"], &["save 60 1 300 10"]),
        (&["--save 60 1", "--loglevel warning"], &["loglevel warning", "save 60 1"]),
        (&["--requirepass", "--x"], &["requirepass (secret)"]),
        (
            &["--proc-title-template", "--save", "--save", "--timeout", "5"],
            &["timeout 5", "proc-title-template --save"],
        ),
        (&["--shutdown-on-sigint", "nosave", "force", "now"], &["shutdown-on-sigint nosave now force"]),
        (&["--shutdown-on-sigterm", "nosave force"], &["shutdown-on-sigterm nosave force"]),
        (&["--maxmemory", "100mb"], &["maxmemory 104857600"]),
    ];
    for (args, expected) in table {
        let expected: Vec<String> = expected.iter().map(|it| format!("{it} (command line)")).collect();
        assert_eq!(said(&run(&[], args)), expected, "{args:?}");
    }
}

#[test]
fn files_come_before_options_and_include_others() {
    let files = [
        ("a.conf", "# ours\nport 7000\ninclude conf.d/*.conf\ntimeout 3\nsave 60 1\nsave \"\"\n"),
        ("conf.d/1.conf", "timeout 9\nhz 33\n"),
        ("conf.d/2.conf", "include b.conf\n"),
        ("b.conf", "requirepass \"a b\"\n"),
        ("-", "maxclients 77\n"),
    ];
    let config = run(&files, &["a.conf", "--port", "7001", "-"]);
    let expected = [
        "port 7001 (command line)",
        "timeout 3 (a.conf:4)",
        "requirepass (secret) (b.conf:1)",
        "maxclients 77 (standard input:1)",
        "hz 33 (conf.d/1.conf:2)",
    ];
    assert_eq!(said(&config), expected);
    assert_eq!(config.requirepass, "a b");
    assert_eq!(config.file.map(|file| file.path).as_deref(), Some("/a.conf"));
    assert_eq!(run(&files, &["-", "--port", "1"]).maxclients, 77);
    assert_eq!(run(&files, &["b.conf", "timeout", "8", "--maxmemory '1mb'"]).timeout, 8);
    assert_eq!(run(&files, &["--include", "conf.d/1.conf"]).timeout, 9);
    assert_eq!(said(&run(&files, &["--include", "nothing*.conf"])), [""; 0]);
}

#[test]
fn errors_name_the_place_the_value_and_the_nearest_name() {
    let files = [
        ("name.conf", "\nmaxmemmory 100mb\n"),
        ("value.conf", "port 1\nloglevel LOUD\n"),
        ("quote.conf", "unixsocket \"ab\n"),
        ("count.conf", "maxmemory 10 mb\n"),
        ("secret.conf", "requirepass hunter 2\n"),
        ("deep.conf", "\ninclude value.conf\n"),
        ("missing.conf", "include nowhere.conf\n"),
        ("user.conf", "user default off\n"),
        ("rename.conf", "rename-command GET g\nrename-command SET g\n"),
        ("gone.conf", "rename-command GET \"\"\nrename-command get g\n"),
        ("short.conf", "rename-command GET\n"),
    ];
    let table: &[(&[&str], &[&str])] = &[
        (&["name.conf"], &["name.conf:2: 'maxmemmory 100mb': unknown setting; did you mean 'maxmemory'?"]),
        (&["value.conf"], &["value.conf:2: 'loglevel LOUD': argument(s) must be one of the following: debug, "]),
        (&["quote.conf"], &["quote.conf:1: 'unixsocket \"ab': unbalanced quotes"]),
        (&["count.conf"], &["count.conf:1: 'maxmemory 10 mb': wrong number of arguments"]),
        (&["secret.conf"], &["secret.conf:1: 'requirepass ...': wrong number of arguments"]),
        (&["deep.conf"], &["deep.conf:2: 'include value.conf': value.conf:2: 'loglevel LOUD'"]),
        (&["missing.conf"], &["missing.conf:1: 'include nowhere.conf': cannot read 'nowhere.conf': "]),
        (&["user.conf"], &["user.conf:1: 'user default off': Spindle has no users but the default one"]),
        (&["rename.conf"], &["rename.conf:2: 'rename-command SET g': Target command name already exists"]),
        (&["gone.conf"], &["gone.conf:2: 'rename-command get g': No such command in rename-command"]),
        (&["short.conf"], &["short.conf:1: 'rename-command GET': wrong number of arguments"]),
        (&["--rename-command", "client|list", "x"], &["'rename-command \"client|list\" \"x\"': No such command in"]),
        (&["nowhere.conf"], &["cannot read 'nowhere.conf': "]),
        (&["port", "6380"], &["cannot read 'port': ", "the setting is given as --port"]),
        (&["port"], &["cannot read 'port': ", "the setting is given as --port"]),
        (&["--prot", "6380"], &["command line: 'prot \"6380\"': unknown setting; did you mean '--port'?"]),
        (&["--chek-config"], &["command line: 'chek-config': unknown setting; did you mean '--check-config'?"]),
        (&["a.conf", "--hepl"], &["cannot read 'a.conf'"]),
        (&["--hepl"], &["'hepl': unknown setting; did you mean '--help'?"]),
        (&["explan", "GET k"], &["cannot read 'explan': ", "; did you mean 'explain'?"]),
        (&["explan"], &["cannot read 'explan': ", "; did you mean 'explain'?"]),
        (&["--check-config", "nowhere.conf"], &["cannot read 'nowhere.conf': "]),
        (&["--check-config", "--check-config", "x"], &["unexpected argument 'x'", "a file comes before them"]),
        (&["--port", "abc"], &["command line: 'port \"abc\"': argument couldn't be parsed into an integer"]),
        (&["--port"], &["command line: 'port': wrong number of arguments"]),
        (&["--port", "1", "2"], &["command line: 'port \"1\" \"2\"': wrong number of arguments"]),
        (&["--port", "--loglevel", "5"], &["command line: 'port \"--loglevel\" \"5\"': wrong number of arguments"]),
        (&["--port", "--bla", "--hz", "5"], &["'port \"--bla\"': argument couldn't be parsed into an integer"]),
        (&["--port", "1", "--loglevel"], &["'loglevel': wrong number of arguments"]),
        (&["--shutdown-on-sigint"], &["'shutdown-on-sigint': argument(s) must be one of the following"]),
        (&["--replicaof", "--a", "b"], &["'replicaof \"--a\" \"b\"': Invalid master port"]),
        (&["--replicaof", "--a", "--b"], &["'replicaof \"--a\"': wrong number of arguments"]),
        (&["--port=6380"], &["write --port 6380, without ="]),
        (&["--help", "x"], &["unexpected argument 'x'"]),
        (&["-p", "6380"], &["unexpected argument '-p'; settings are given as --name value"]),
        (&["--bind", "*"], &["protected mode: 'bind *'", "--requirepass", "--protected-mode no"]),
        (&["--port", "0"], &["nothing to listen on"]),
        (&["--check-config", "--bind", "10.0.0.1"], &["protected mode"]),
    ];
    for (args, parts) in table {
        let message = error(&files, args);
        for part in *parts {
            assert!(message.contains(part), "{args:?}: {message}");
        }
    }
}

#[test]
fn commands_are_renamed_one_after_the_other() {
    let files = [(
        "a.conf",
        "rename-command GET old\nrename-command SET get\nrename-command OLD \"\"\nrename-command ping PING\n",
    )];
    let config = run(&files, &["a.conf", "--rename-command", "del", "a b"]);
    let names: Vec<&[u8]> = config.renames.iter().map(|(_, to)| *to).collect();
    assert_eq!(names, [&b"old"[..], b"get", b"", b"PING", b"a b"]);
}

#[test]
fn a_loop_of_files_is_told_once() {
    let files = [
        ("self.conf", "include self.conf\n"),
        ("one.conf", "\ninclude two.conf\n"),
        ("two.conf", "include one.conf\n"),
    ];
    let itself = "'include self.conf': a file includes itself: self.conf > self.conf";
    assert_eq!(error(&files, &["self.conf"]), format!("self.conf:1: {itself}"));
    assert_eq!(
        error(&files, &["one.conf"]),
        "one.conf:2: 'include two.conf': a file includes itself: one.conf > two.conf > one.conf"
    );
    assert_eq!(
        error(&files, &["--include", "self.conf"]),
        format!("command line: 'include \"self.conf\"': self.conf:1: {itself}")
    );
    // By ever other names it is found by the depth.
    let names: Vec<String> = (0..99).map(|n| format!("{n}.conf")).collect();
    let lines: Vec<String> = (1..100).map(|n| format!("include {n}.conf")).collect();
    let mut shelf = Shelf(names.iter().map(String::as_str).zip(lines.iter().map(String::as_str)).collect());
    let message = parse(["0.conf".into()], &mut shelf).unwrap_err().0;
    assert!(
        message.starts_with("0.conf:1: 'include 1.conf': files include each other too deep: 0.conf > 1"),
        "{message}"
    );
    assert_eq!(message.matches("'include ").count(), 1, "{message}");
    // The same file twice is no loop.
    let files = [("a.conf", "include b.conf\ninclude b.conf\n"), ("b.conf", "timeout 5\n")];
    assert_eq!(run(&files, &["a.conf"]).timeout, 5);
}

#[test]
fn what_is_not_a_run_is_printed_or_passed_on() {
    let print = |args: &[&str]| match parse_with(&[("a.conf", "timeout 5\nhz 20\nappendonly yes\n")], args) {
        Ok(Invocation::Print(text)) => text,
        other => panic!("{args:?}: {other:?}"),
    };
    assert!(print(&["--help"]).contains("--maxclients N"));
    assert_eq!(print(&["-h"]), print(&["--port", "1", "--help"]));
    assert!(print(&["--version"]).starts_with("spindle "));
    assert_eq!(print(&["--check-config"]), "configuration is valid\n");
    for args in [["a.conf", "--check-config"], ["--check-config", "a.conf"]] {
        assert!(print(&args).starts_with("timeout 5  (a.conf:1; default 0)\n"), "{args:?}");
    }
    assert_eq!(
        print(&["a.conf", "--check-config", "--timeout", "6"]),
        "timeout 6  (command line; default 0)\n\
         appendonly yes  (a.conf:3; default no)\n\
         hz 20  (a.conf:2; default 10)\n\
         without effect here: appendonly, hz\n\
         warning: 'appendonly yes' (a.conf:3) has no effect in Spindle: \
         what changes after a save is lost when it ends\n\
         configuration is valid\n"
    );
    assert_eq!(
        print(&["--check-config", "--rename-command", "config", "secret", "--rename-command", "DEL", ""]),
        "commands renamed: config, DEL (disabled)\nconfiguration is valid\n"
    );
    assert!(!print(&["--completions", "bash"]).contains("key-load-delay"), "CONFIG GET hides it too");
    match parse_with(&[], &["explain", "--raw", "*1\\r\\n"]) {
        Ok(Invocation::Explain(words)) => assert_eq!(words, [&b"--raw"[..], b"*1\\r\\n"]),
        other => panic!("{other:?}"),
    }
}
