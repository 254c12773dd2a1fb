//! The server as a service of its machine: its directory, the background, the file with its number, the supervisor that
//! started it. Knows nothing of what is served. SIGHUP changes nothing: the log file is opened for each line.
use crate::server::config::{Config, Supervised};
use log::{info, warn};
use std::env;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};

/// Goes where relative paths are to count from, and lets `dir` say which place that is.
pub fn enter_directory(config: &mut Config) -> Result<(), String> {
    let dir = &config.dir;
    env::set_current_dir(dir).map_err(|error| format!("'dir {dir}': {error}"))?;
    if let Ok(here) = env::current_dir() {
        config.dir = here.to_string_lossy().into_owned();
    }
    Ok(())
}

/// The program goes on without its terminal, as another process; this one ends. To be called while there is one
/// thread, and when nothing is left that could go wrong: the caller of the program takes its end for success.
pub fn go_to_background() -> Result<(), String> {
    nix::unistd::daemon(true, false).map_err(|error| format!("daemonize: {}", error.desc()))
}

/// In the background there is always a file with the number, as in Redis (whose is redis.pid), and CONFIG GET tells it.
pub fn name_pid_file(config: &mut Config) {
    config.pidfile.get_or_insert_with(|| "/var/run/spindle.pid".into());
}

/// The file that holds the number of the process, until that ends.
#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    /// As in Redis, a file that cannot be written is told and no more.
    pub fn write(path: &str) -> Option<PidFile> {
        match fs::write(path, format!("{}\n", std::process::id())) {
            // From the root on: `dir` may change.
            Ok(()) => Some(PidFile(std::path::absolute(path).unwrap_or_else(|_| path.into()))),
            Err(error) => {
                warn!("Failed to write PID file '{path}': {error}");
                None
            }
        }
    }

    fn is_ours(&self) -> bool {
        fs::read_to_string(&self.0).is_ok_and(|text| text.trim() == std::process::id().to_string())
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Another server may have been started with the same settings.
        if self.is_ours() {
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// Who started the server and wants to be told when it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supervisor {
    Systemd,
    Upstart,
}

impl Supervisor {
    /// The one that `supervised` asks for, if the environment says that it is there.
    pub fn find(wanted: Supervised) -> Option<Supervisor> {
        let systemd = env::var_os("NOTIFY_SOCKET").is_some();
        let upstart = env::var_os("UPSTART_JOB").is_some();
        match wanted {
            Supervised::Upstart | Supervised::Auto if upstart => Some(Supervisor::Upstart),
            Supervised::Systemd | Supervised::Auto if systemd => Some(Supervisor::Systemd),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Supervisor::Systemd => "systemd",
            Supervisor::Upstart => "upstart",
        }
    }

    /// Connections are accepted from now on.
    pub fn ready(found: Option<Supervisor>, config: &Config) {
        match found {
            Some(Supervisor::Systemd) => notify("READY=1\nSTATUS=Ready to accept connections\n"),
            // Upstart waits for the process to stop itself, and lets it go on.
            Some(Supervisor::Upstart) => _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP),
            None if matches!(config.supervised, Supervised::No | Supervised::Auto) => {}
            None => warn!("'supervised {}': it is not what has started this process", config.supervised.name()),
        }
    }

    pub fn stopping(found: Option<Supervisor>) {
        if found == Some(Supervisor::Systemd) {
            notify("STOPPING=1\nSTATUS=Stopping\n");
        }
    }
}

/// One datagram to the socket that systemd has named: all there is to its protocol.
/// (<https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>)
fn notify(message: &str) {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else { return };
    let sent = socket_address(path.as_encoded_bytes(), Path::new(&path))
        .and_then(|address| UnixDatagram::unbound()?.send_to_addr(message.as_bytes(), &address));
    match sent {
        Ok(_) => info!("systemd was told: {}", message.lines().next().unwrap_or_default()),
        Err(error) => warn!("systemd cannot be told of the server's state: {error}"),
    }
}

/// A leading @ is an address that is no file.
fn socket_address(bytes: &[u8], path: &Path) -> std::io::Result<SocketAddr> {
    match bytes {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_name_that_was_said_or_one_of_its_own() {
        let named = |pidfile: Option<&str>| {
            let mut config = Config::default();
            config.pidfile = pidfile.map(String::from);
            name_pid_file(&mut config);
            config.pidfile
        };
        assert_eq!(named(None).as_deref(), Some("/var/run/spindle.pid"));
        assert_eq!(named(Some("a.pid")).as_deref(), Some("a.pid"));
    }
}
