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
        (&["--maxclient", "5"], "", &["'maxclient \"5\"'", "did you mean '--maxclients'?"]),
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
fn bash_completes_flags_and_what_follows_them() {
    let script = success(&["--completions", "bash"], "");
    let ask = |words: &str| {
        let program = format!(
            "eval \"$1\"; complete -p spindle >&2 || exit 1\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1))\n\
             _spindle; echo \"${{COMPREPLY[*]}}\""
        );
        let output = Command::new("bash").args(["-c", &program, "bash", &script]).output().expect("bash runs");
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_string()
    };
    assert_eq!(ask("spindle --requ"), "--requirepass");
    assert_eq!(ask("spindle --protected-mode ''"), "yes no");
    assert_eq!(ask("spindle --loglevel no"), "notice nothing");
    assert_eq!(ask("spindle --port ''"), "");
    assert_eq!(ask("spindle --logfile Cargo.to"), "Cargo.toml");
    assert_eq!(ask("spindle --dir test"), "tests");
    assert_eq!(ask("spindle Cargo.to"), "Cargo.toml");
    assert_eq!(ask("spindle expl"), "explain");
    for shell in ["zsh", "fish"] {
        let script = success(&["--completions", shell], "");
        assert!(
            script.contains("spindle") && script.contains("--protected-mode") || script.contains("-l protected-mode")
        );
        // Where that shell is there, it has to understand it.
        let program = format!("{shell} -n \"$1\"");
        let file = std::env::temp_dir().join(format!("spindle-{}-completions.{shell}", std::process::id()));
        std::fs::write(&file, script).expect("a file");
        let path = file.to_str().expect("a path that is text");
        let check = format!("command -v {shell} >/dev/null || exit 0; {program}");
        let output = Command::new("bash").args(["-c", &check, "bash", path]).output().expect("bash runs");
        let _ = std::fs::remove_file(&file);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(failure(&["--completions", "tcsh"], "").contains("--completions wants one of bash, zsh, fish"));
    assert!(failure(&["--completions"], "").contains("--completions wants one of bash, zsh, fish"));
}

#[test]
fn the_manual_is_good_troff() {
    let page = success(&["--man"], "");
    assert!(page.starts_with(".TH SPINDLE 1") && page.contains("\\fB\\-\\-protected\\-mode\\fR"), "{page}");
    // Where groff is there, it has to find no fault.
    let check = "command -v groff >/dev/null || exit 0; groff -man -Tutf8 -ww -wall";
    let mut groff = Command::new("bash");
    groff.args(["-c", check]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut groff = groff.spawn().expect("bash runs");
    let _ = groff.stdin.take().expect("a pipe").write_all(page.as_bytes());
    let output = groff.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn help_is_printed() {
    let text = success(&["--help"], "");
    assert!(text.contains("Usage: spindle") && text.contains("--maxclients N"), "{text}");
}
