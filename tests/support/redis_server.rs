//! A redis-server that belongs to a test: on a free port, without persistence, ended with the test.
//! `REDIS_SERVER=path` names another program than the one on PATH. Where there is none the test fails and says so.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub struct RedisServer {
    child: Child,
    pub port: u16,
    /// Where it saves to, if it is told to.
    file: PathBuf,
}

/// A port that nobody listens on, and that no other test of this process was given: the server is not there at once, and
/// the system may name a port twice meanwhile.
fn free_port() -> u16 {
    static GIVEN: Mutex<Vec<u16>> = Mutex::new(vec![]);
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut given = GIVEN.lock().unwrap();
        if !given.contains(&port) {
            given.push(port);
            return port;
        }
    }
}

/// Something comes back: it listens before it has found that it cannot load its file.
fn ping(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(b"PING\r\n")?;
    stream.read_exact(&mut [0; 5])
}

impl RedisServer {
    pub fn start(arguments: &[&str]) -> Self {
        let program = std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".into());
        let port = free_port();
        // One of its own: what another has saved is not loaded.
        let file = std::env::temp_dir().join(format!("spindle-redis-{port}.rdb"));
        // A test that was killed may have left one.
        let _ = std::fs::remove_file(&file);
        let child = Command::new(&program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dbfilename")
            .arg(file.file_name().expect("a name"))
            .args(arguments)
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|why| panic!("{program}: {why}. This test wants a redis-server (Debian: redis-server)."));
        let mut server = Self { child, port, file };
        let begun = Instant::now();
        while let Err(why) = ping(port) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{program} does not answer: {why}");
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("{program} has ended: {status}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}
