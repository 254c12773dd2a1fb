//! The built program as a process of its own, and clients that speak to it byte by byte. Whatever is waited for has a bound
//! of a minute: it keeps a test from hanging and measures nothing.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until it is so.
pub fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub struct Server {
    pub child: Child,
    pub port: u16,
    log: PathBuf,
}

/// A path that no other test has.
pub fn scratch(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let unique = format!("spindle-{}-{}-{name}", std::process::id(), COUNT.fetch_add(1, Relaxed));
    std::env::temp_dir().join(unique)
}

/// A directory that goes with the test.
pub struct Directory(pub PathBuf);

impl Directory {
    #[allow(clippy::new_without_default, reason = "it makes one on the disk")]
    pub fn new() -> Directory {
        let path = scratch("directory");
        // A process of this number that was killed may have left one.
        _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a directory");
        Directory(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("a path that is text")
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.path())
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a directory");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spindle"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).env_remove("RUST_LOG");
    command
}

/// Starts it, and puts all that it says into a file.
fn start(args: &[&str], log: &PathBuf) -> Child {
    let file = File::create(log).expect("a file for the log");
    let both = file.try_clone().expect("the same file");
    program(args).stdout(both).stderr(file).spawn().expect("the program starts")
}

impl Server {
    /// Starts it on a port of its own, and waits until it answers.
    pub fn start(args: &[&str]) -> Server {
        Server::start_after(&[], args)
    }

    /// The same with a configuration file.
    pub fn start_with(file: &str, args: &[&str]) -> Server {
        Server::start_after(&[file], args)
    }

    fn start_after(file: &[&str], args: &[&str]) -> Server {
        // Somebody else may take the port first: then it ends, and another is tried.
        for _ in 0..10 {
            if let Some(server) = Server::try_start(file, args) {
                return server;
            }
        }
        panic!("the server does not start")
    }

    fn try_start(file: &[&str], args: &[&str]) -> Option<Server> {
        let (port, log) = (free_port(), scratch("log"));
        let text = port.to_string();
        let child = start(&[file, &["--port", &text], args].concat(), &log);
        let mut server = Server { child, port, log };
        let begun = Instant::now();
        loop {
            if server.log().contains("Ready to accept connections") {
                return Some(server);
            }
            if server.child.try_wait().expect("its state").is_some() {
                eprintln!("{}", server.log());
                return None;
            }
            assert!(begun.elapsed() < PATIENCE, "it is not ready: {}", server.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn connect(&self) -> Client {
        Client::new(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("a connection"))
    }

    pub fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &command]).status().expect("sh runs");
        assert!(status.success(), "{command}");
    }

    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("the server ends", || {
            status = self.child.try_wait().expect("its state");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// Resident kilobytes: now, and at most so far.
    pub fn memory_kb(&self) -> (usize, usize) {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process of ours");
        let kb = |name: &str| -> usize {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("Linux says so");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        (kb("VmRSS:"), kb("VmHWM:"))
    }

    /// Processor time that it has used.
    pub fn cpu(&self) -> Duration {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("a process of ours");
        let fields: Vec<&str> = text.rsplit(") ").next().expect("fields").split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().expect("utime") + fields[12].parse::<u64>().expect("stime");
        // USER_HZ is 100 on every Linux that there is.
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.log);
    }
}

/// The program where it is not to serve: its exit code and what it said.
pub fn failure(args: &[&str]) -> (Option<i32>, String) {
    let log = scratch("failure");
    let mut child = start(args, &log);
    let mut status = None;
    let begun = Instant::now();
    while status.is_none() && begun.elapsed() < PATIENCE {
        status = child.try_wait().expect("its state");
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    let _ = child.wait();
    let text = fs::read_to_string(&log).unwrap_or_default();
    let _ = fs::remove_file(&log);
    (status.and_then(|status| status.code()), text)
}

/// A server whose log is a pipe that nobody reads.
pub fn start_unheard(args: &[&str]) -> Server {
    let (port, log) = (free_port(), scratch("none"));
    let text = port.to_string();
    let command = program(&[&["--port", &text], args].concat()).stdout(Stdio::piped()).spawn();
    let server = Server { child: command.expect("the program starts"), port, log };
    eventually("it listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    server
}

pub struct Client<S = TcpStream> {
    pub stream: S,
}

impl Client<TcpStream> {
    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
        stream.set_write_timeout(Some(PATIENCE)).expect("a bound");
        stream.set_nodelay(true).expect("small pieces go out at once");
        Client { stream }
    }

    pub fn end(&self) {
        self.stream.shutdown(Shutdown::Write).expect("an open connection");
    }

    /// Closes so that the other side sees a reset.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("an open connection");
    }
}

impl<S: Read + Write> Client<S> {
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server takes it");
    }

    /// The next line, without its end.
    pub fn line(&mut self) -> String {
        let mut line = vec![];
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            match self.stream.read(&mut byte) {
                Ok(1) => line.push(byte[0]),
                Ok(_) => panic!("closed after '{}'", line.escape_ascii()),
                Err(error) => panic!("{error} after '{}'", line.escape_ascii()),
            }
        }
        String::from_utf8_lossy(&line[..line.len() - 2]).into_owned()
    }

    pub fn ask(&mut self, bytes: impl AsRef<[u8]>) -> String {
        self.send(bytes);
        self.line()
    }

    /// A bulk string.
    pub fn bulk(&mut self) -> Vec<u8> {
        let header = self.line();
        let length: usize = header.strip_prefix('$').and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{header}"));
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).expect("the whole string");
        bytes.truncate(length);
        bytes
    }

    /// All that comes until the server closes.
    pub fn rest(&mut self) -> String {
        let mut bytes = vec![];
        match self.stream.read_to_end(&mut bytes) {
            Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => panic!("{error} after '{}'", bytes.escape_ascii()),
        }
    }
}
