//! The built server as a service of its machine: background, the file with its number, systemd, its directory and log.
//! Each test has a directory and a server of its own, on a port of its own.

#[path = "support/process.rs"]
mod process;

use process::{PATIENCE, Server, eventually, free_port, scratch};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn directory() -> PathBuf {
    let path = scratch("service");
    fs::create_dir(&path).expect("a directory");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

fn spindle(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spindle"));
    command.args(args).stdin(Stdio::null()).env_remove("RUST_LOG").env_remove("NOTIFY_SOCKET");
    command
}

/// Listens there. Called, it waits for the next message.
fn hearing(path: &Path) -> impl Fn() -> String + use<> {
    let socket = UnixDatagram::bind(path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a bound");
    move || {
        let mut room = [0; 1000];
        let count = socket.recv(&mut room).expect("a message");
        String::from_utf8_lossy(&room[..count]).into_owned()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_program_ends_when_the_server_in_the_background_listens() {
    let directory = directory();
    let port = free_port();
    let args = ["--port", &port.to_string(), "--daemonize", "yes", "--dir", text(&directory)];
    let files = ["--pidfile", "a.pid", "--logfile", "a.log"];
    let output = spindle(&[&args[..], &files[..]].concat()).output().expect("the program runs");
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{}", said(&output));
    // Nobody waits for it to listen: it does.
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
    let pid_file = directory.join("a.pid");
    eventually("it has written its number", || fs::read_to_string(&pid_file).is_ok_and(|text| text.ends_with('\n')));
    let pid: u32 = fs::read_to_string(&pid_file).expect("just read").trim().parse().expect("a number");
    assert!(Path::new(&format!("/proc/{pid}")).exists());
    // A second one with the same settings says so and touches nothing of the first.
    let output = spindle(&[&args[..], &files[..]].concat()).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("another server has this port"), "{}", said(&output));
    stream.write_all(b"CONFIG GET dir\r\nSHUTDOWN\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and ends");
    assert!(answer.contains(text(&directory.canonicalize().expect("it is there"))), "{answer}");
    eventually("the file is gone", || !pid_file.exists());
    eventually("the log says so", || {
        fs::read_to_string(directory.join("a.log")).is_ok_and(|log| log.contains("bye bye"))
    });
    let log = fs::read_to_string(directory.join("a.log")).expect("just read");
    assert!(log.contains(&format!("{pid}:M ")) && log.contains("Listening on 127.0.0.1"), "{log}");
    fs::remove_dir_all(&directory).expect("our own directory");
}

#[test]
fn a_number_that_cannot_be_written_is_told_and_one_that_is_not_ours_stays() {
    let directory = directory();
    let mut server = Server::start(&["--pidfile", "/nowhere/a.pid"]);
    eventually("the log says so", || server.log().contains("Failed to write PID file '/nowhere/a.pid'"));
    server.signal("TERM");
    assert!(server.wait().success());
    let pid_file = directory.join("a.pid");
    let mut server = Server::start(&["--pidfile", text(&pid_file)]);
    eventually("it has written its number", || {
        fs::read_to_string(&pid_file).is_ok_and(|pid| pid == format!("{}\n", server.child.id()))
    });
    fs::write(&pid_file, "1\n").expect("our own directory");
    server.signal("TERM");
    assert!(server.wait().success());
    assert_eq!(fs::read_to_string(&pid_file).expect("it stays"), "1\n");
    fs::remove_dir_all(&directory).expect("our own directory");
}

#[test]
fn systemd_is_told_when_the_server_is_ready_and_when_it_stops() {
    let directory = directory();
    let path = directory.join("notify");
    let told = hearing(&path);
    for (name, wanted) in [("systemd", "systemd"), ("systemd, found by itself", "auto")] {
        let port = free_port();
        // Under a supervisor nothing goes to the background.
        let args = ["--port", &port.to_string(), "--supervised", wanted, "--daemonize", "yes"];
        let mut child =
            spindle(&args).env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).spawn().expect("the program starts");
        assert!(told().contains("READY=1\n"), "{name}");
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.write_all(b"INFO server\r\nQUIT\r\n").expect("it reads");
        let mut info = String::new();
        stream.read_to_string(&mut info).expect("it answers");
        assert!(info.contains("process_supervised:systemd\r\n"), "{info}");
        let kill = Command::new("kill").arg(child.id().to_string()).status();
        assert!(kill.expect("kill runs").success());
        assert!(told().contains("STOPPING=1\n"), "{name}");
        assert!(child.wait().expect("it ends").success(), "{name}");
    }
    fs::remove_dir_all(&directory).expect("our own directory");
    let server = Server::start(&["--supervised", "upstart"]);
    eventually("the log says so", || server.log().contains("'supervised upstart': it is not what has started"));
}

#[test]
fn the_directory_changes_where_it_may() {
    let directory = directory();
    let server = Server::start(&["--enable-protected-configs", "local"]);
    let mut client = server.connect();
    let refusal = "-ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or directory";
    assert_eq!(client.ask("CONFIG SET timeout 5 dir /nowhere\r\n"), refusal);
    let here = directory.canonicalize().expect("it is there");
    assert_eq!(client.ask(format!("CONFIG SET dir {}\r\n", text(&here))), "+OK");
    assert_eq!(client.ask("CONFIG SET dir .\r\n"), "+OK");
    assert_eq!(client.ask("CONFIG GET timeout dir\r\n"), "*4");
    let values: Vec<Vec<u8>> = (0..4).map(|_| client.bulk()).collect();
    assert!(values.contains(&text(&here).into()) && values.contains(&b"0".to_vec()), "{values:?}");
    assert_eq!(fs::read_link(format!("/proc/{}/cwd", server.child.id())).expect("Linux says so"), here);
    fs::remove_dir_all(&directory).expect("our own directory");
}

#[test]
fn the_log_may_be_moved_away_and_sighup_ends_nothing() {
    let directory = directory();
    let log = directory.join("a.log");
    let port = free_port().to_string();
    let mut child = spindle(&["--port", &port, "--logfile", text(&log)]).spawn().expect("the program starts");
    eventually("it is ready", || fs::read_to_string(&log).is_ok_and(|log| log.contains("Ready to accept connections")));
    fs::rename(&log, directory.join("a.log.1")).expect("our own directory");
    let signal = |name: &str| Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
    assert!(signal("-HUP").success());
    eventually("the new file says so", || fs::read_to_string(&log).is_ok_and(|log| log.contains("Received SIGHUP")));
    assert!(signal("-TERM").success());
    assert!(child.wait().expect("it ends").success());
    fs::remove_dir_all(&directory).expect("our own directory");
}

/// The machine's log is at /dev/log and nowhere else: so the server gets a /dev of ours. A container may refuse that:
/// `cargo test --test service -- --ignored`.
#[test]
#[ignore = "wants mounts of its own"]
fn the_machines_log_is_told_too() {
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script]).stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let directory = directory();
    let told = hearing(&directory.join("log"));
    let mount = format!("mount --bind {} /dev", text(&directory));
    let mounts = unshared(&mount).status().expect("unshare (Debian: util-linux) runs");
    assert!(mounts.success(), "no mounts of one's own on this machine: the machine's log cannot be tried");
    let settings = "--syslog-enabled yes --syslog-ident cache --syslog-facility local3";
    let (program, port) = (env!("CARGO_BIN_EXE_spindle"), free_port());
    let script = format!("{mount} && exec {program} --port {port} {settings}");
    let mut child = unshared(&script).spawn().expect("the program starts");
    // Facility 19, and a notice or a warning.
    let wait_for = |end: &str, weight: u8| {
        let line = std::iter::repeat_with(&told).find(|line| line.ends_with(end)).expect("it is waited for");
        assert!(line.starts_with(&format!("<{}>", 19 * 8 + weight)), "{line}");
        assert!(line.contains(&format!(" cache[{}]: ", child.id())), "{line}");
    };
    wait_for("]: Ready to accept connections", 5);
    assert!(Command::new("kill").arg(child.id().to_string()).status().expect("kill runs").success());
    wait_for("]: Received SIGTERM scheduling shutdown...", 4);
    assert!(child.wait().expect("it ends").success());
    fs::remove_dir_all(&directory).expect("our own directory");
}
