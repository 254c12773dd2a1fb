//! The built program: whatever is wrong on its command line ends it with status 1 and one message, before it serves.
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// A configuration as users have it: comments, quotes, repeated lines, names without effect.
const SAMPLE: &str = "tests/data/sample.conf";

fn spindle(args: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_spindle"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The program may end without reading: then the pipe is closed, and that is no failure.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
    child.wait_with_output().expect("the program ends")
}

fn failure(args: &[&str], stdin: &str) -> String {
    let output = spindle(args, stdin);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    assert!(stderr.starts_with("spindle: "), "{args:?}: {stderr}");
    stderr
}

fn success(args: &[&str], stdin: &str) -> String {
    let output = spindle(args, stdin);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{args:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_is_wrong_is_named_and_nothing_starts() {
    let table: &[(&[&str], &str, &[&str])] = &[
        (&["tests/data/nowhere.conf"], "", &["cannot read 'tests/data/nowhere.conf': ", "No such file"]),
        (&["tests"], "", &["cannot read 'tests': "]),
        (&["--maxclient", "5"], "", &["'maxclient \"5\"'", "did you mean 'maxclients'?"]),
        (&["--maxclients", "five"], "", &["'maxclients \"five\"'", "couldn't be parsed into an integer"]),
        (&["-"], "port 1\n\ntimout 5\n", &["standard input:3: 'timout 5'", "did you mean 'timeout'?"]),
        (&["--include", "tests/data/[.conf"], "", &["include", "[.conf"]),
        (&["--bind", "0.0.0.0"], "", &["protected mode", "--requirepass PASSWORD", "--protected-mode no"]),
        (&[SAMPLE, "--bind", "*"], "", &["protected mode: 'bind *'"]),
        (&["--port", "0"], "", &["nothing to listen on"]),
        (&["--databases", "16385"], "", &["'databases \"16385\"'", "argument must be between 1 and 16384 inclusive"]),
        (&["--logfile", "tests/nowhere/x.log"], "", &["'logfile \"tests/nowhere/x.log\"'", "No such file"]),
        (&["--logfile", "tests"], "", &["'logfile \"tests\"'", "Is a directory"]),
    ];
    for (args, stdin, parts) in table {
        let message = failure(args, stdin);
        for part in *parts {
            assert!(message.contains(part), "{args:?}: {message}");
        }
    }
}

#[test]
fn a_configuration_can_be_checked_without_starting() {
    let text = success(&["tests/data/*.conf-is-no-glob-here", "--version"], "");
    assert_eq!(text, format!("spindle {}\n", env!("CARGO_PKG_VERSION")), "--version reads no file");
    let text = success(&[SAMPLE, "--check-config", "--hz", "20"], "");
    for line in [
        "timeout 30  (tests/data/included.conf:2; default 0)",
        "unixsocket /tmp/a socket.sock  (tests/data/sample.conf:9; default \"\")",
        "maxmemory 104857600  (tests/data/sample.conf:11; default 0)",
        "hz 20  (command line; default 10)",
        "save 900 1 300 10  (tests/data/sample.conf:15; default \"\")",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is missing in\n{text}");
    }
    assert!(text.contains("warning: 'save 900 1 300 10'"), "{text}");
    assert!(text.ends_with("configuration is valid\n"), "{text}");
    assert!(success(&["-", "--check-config"], "timeout 5").contains("timeout 5  (standard input:1; default 0)"));
}

#[test]
fn help_is_printed() {
    let text = success(&["--help"], "");
    assert!(text.contains("Usage: spindle") && text.contains("--maxclients N"), "{text}");
}
