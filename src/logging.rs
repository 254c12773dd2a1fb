//! The log: lines as Redis writes them, handed to a helper thread, so that a full pipe never stops the server.
//!
//! The queue is bounded. What finds it full is dropped and counted, and the count is logged once there is room. Only
//! plain bytes go to the thread. The server logs through the `log` macros and knows nothing of this.
use crate::base::helper;
use crate::server::config::{Config, Facility, LogLevel};
use jiff::Zoned;
use log::{Level, LevelFilter, info, warn};
use nix::syslog::{self, LogFlags, Severity};
use std::ffi::CString;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

/// Lines that may wait for the thread.
const QUEUE: usize = 1024;
/// Bytes of one message. Together with `QUEUE` this bounds what a blocked log costs.
const MAX_MESSAGE: usize = 4096;
/// How long the end of the program waits for the last lines.
const LAST_FLUSH: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(1);

/// The running log. Dropping it writes what is left, for a second at most.
#[derive(Debug)]
pub struct Logging {
    queue: SyncSender<Item>,
    /// An environment variable decides what is logged, and `loglevel` does not.
    fixed: bool,
}

#[derive(Debug)]
enum Item {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// What cannot be opened is said before anything begins: later there is nobody to tell.
pub fn check(config: &Config) -> Result<(), String> {
    let Some(path) = &config.logfile else { return Ok(()) };
    LogFile(path.into())
        .open()
        .map(drop)
        .map_err(|error| format!("the log cannot be opened: 'logfile \"{path}\"': {error}"))
}

/// Starts the log of this process, and its thread. `SPINDLE_LOG`, or else `RUST_LOG`, overrides the level with
/// env_logger's filters.
pub fn start(config: &Config) -> io::Result<Logging> {
    let sink: Box<dyn Write + Send> = match &config.logfile {
        // As Redis does it.
        None => Box::new(Stdout),
        // From the root on: `dir` may change.
        Some(path) => Box::new(LogFile(std::path::absolute(path)?)),
    };
    let sink: Box<dyn Write + Send> = if config.syslog_enabled {
        Box::new(Both(sink, Syslog::open(&config.syslog_ident, config.syslog_facility)?))
    } else {
        sink
    };
    let level = config.loglevel;
    let filters = ["SPINDLE_LOG", "RUST_LOG"].iter().find_map(|name| std::env::var(name).ok());
    let (logger, logging) = build(filters.as_deref(), sink);
    let most = logger.filter();
    log::set_boxed_logger(Box::new(logger)).map_err(io::Error::other)?;
    log::set_max_level(if logging.fixed { most } else { filter(level) });
    Ok(logging)
}

fn build(filters: Option<&str>, sink: Box<dyn Write + Send>) -> (env_logger::Logger, Logging) {
    let (queue, items) = mpsc::sync_channel(QUEUE);
    let lost = Arc::new(AtomicU64::new(0));
    let sender = Sender { queue: queue.clone(), lost: lost.clone() };
    helper::spawn("log", move || write_lines(items, &lost, sink)).expect("a thread for the log");

    let mut builder = env_logger::Builder::new();
    match filters {
        Some(filters) => builder.parse_filters(filters),
        // `loglevel` may change while the server runs, so the filter lets all of ours pass and the maximum decides.
        None => builder.filter_level(LevelFilter::Warn).filter_module("spindle", LevelFilter::Trace),
    };
    builder.format(|out, record| {
        let room = record.target().strip_prefix("spindle::").unwrap_or(record.target());
        let text = match record.level() {
            Level::Trace => format!("{room}: {}", record.args()),
            _ => record.args().to_string(),
        };
        out.write_all(line(sign(record.level()), &text).as_bytes())
    });
    builder.target(env_logger::Target::Pipe(Box::new(sender)));
    (builder.build(), Logging { queue, fixed: filters.is_some() })
}

impl Logging {
    /// Follows a `CONFIG SET loglevel`.
    pub fn set_level(&self, level: LogLevel) {
        if !self.fixed {
            log::set_max_level(filter(level));
        }
    }

    /// Waits until all that was logged is written, but no longer than `bound`. Says whether it was.
    pub fn flush(&self, bound: Duration) -> bool {
        let deadline = Instant::now() + bound;
        let (done, written) = mpsc::sync_channel(1);
        let mut item = Item::Flush(done);
        loop {
            match self.queue.try_send(item) {
                Ok(()) => return written.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok(),
                Err(TrySendError::Full(back)) if Instant::now() < deadline => item = back,
                Err(_) => return false,
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.flush(LAST_FLUSH);
    }
}

/// Says at start who this is, what is not default and where it came from, what has no effect, and what the user must be
/// warned of. Harnesses that start a server look for `PID: n`, which Redis writes beside its logo.
pub fn announce(config: &Config) {
    info!("Spindle {} starts, PID: {}", env!("CARGO_PKG_VERSION"), std::process::id());
    for it in config.changed() {
        info!("Setting {} is '{}', from {} (default '{}')", it.name, it.value, it.source, it.default);
    }
    if !config.renames.is_empty() {
        info!("Commands renamed: {}", config.renamed().join(", "));
    }
    let ignored = config.ignored();
    if !ignored.is_empty() {
        info!("Settings without effect here: {}", ignored.join(", "));
    }
    for warning in config.warnings() {
        warn!("{warning}");
    }
}

/// Redis's four levels and silence, on the five of `log`: its notices are our information.
fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::Trace,
        LogLevel::Verbose => LevelFilter::Debug,
        LogLevel::Notice => LevelFilter::Info,
        LogLevel::Warning => LevelFilter::Warn,
        LogLevel::Nothing => LevelFilter::Off,
    }
}

fn sign(level: Level) -> char {
    match level {
        Level::Trace => '.',
        Level::Debug => '-',
        Level::Info => '*',
        Level::Warn | Level::Error => '#',
    }
}

/// `PID:M 20 Nov 2026 21:00:00.123 * message`. M is what Redis calls a master. A message stays on its line, whatever a
/// client put into it.
fn line(sign: char, message: &str) -> String {
    let mut line = format!("{}:M {} {sign} ", std::process::id(), Zoned::now().strftime("%d %b %Y %H:%M:%S%.3f"));
    let start = line.len();
    for c in message.chars() {
        if line.len() - start > MAX_MESSAGE {
            line.push_str("...");
            break;
        }
        if c.is_control() { write!(line, "{}", c.escape_default()).expect("a String takes all") } else { line.push(c) }
    }
    line.push('\n');
    line
}

/// The server's end of the queue. env_logger writes each line with one call.
struct Sender {
    queue: SyncSender<Item>,
    lost: Arc<AtomicU64>,
}

impl Write for Sender {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.queue.try_send(Item::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread: writes one line after the other, and gives up on none because a pipe is full.
fn write_lines(items: Receiver<Item>, lost: &AtomicU64, mut sink: Box<dyn Write + Send>) {
    for item in items {
        let count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            let text = format!("{count} lines were lost, because the log could not be written fast enough");
            write_all(&mut *sink, line('#', &text).as_bytes());
        }
        match item {
            Item::Line(line) => write_all(&mut *sink, &line),
            // Who asked may have stopped waiting.
            Item::Flush(done) => drop(done.try_send(())),
        }
    }
}

/// As `Write::write_all`, but waits where someone has made standard output non-blocking. A broken sink is not retried:
/// there is nobody left to tell.
fn write_all(sink: &mut dyn Write, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match sink.write(bytes) {
            Ok(0) => return,
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Not `io::stdout()`: what that buffers would be lost on a pipe that is full for a while.
struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(nix::unistd::write(io::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Two places for the same line.
struct Both(Box<dyn Write + Send>, Syslog);

impl Write for Both {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.1.send(line);
        write_all(&mut *self.0, line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The machine's own log. It adds time and process itself.
struct Syslog(syslog::Facility);

impl Syslog {
    fn open(ident: &str, facility: Facility) -> io::Result<Syslog> {
        let facility = match facility {
            Facility::User => syslog::Facility::LOG_USER,
            Facility::Local0 => syslog::Facility::LOG_LOCAL0,
            Facility::Local1 => syslog::Facility::LOG_LOCAL1,
            Facility::Local2 => syslog::Facility::LOG_LOCAL2,
            Facility::Local3 => syslog::Facility::LOG_LOCAL3,
            Facility::Local4 => syslog::Facility::LOG_LOCAL4,
            Facility::Local5 => syslog::Facility::LOG_LOCAL5,
            Facility::Local6 => syslog::Facility::LOG_LOCAL6,
            Facility::Local7 => syslog::Facility::LOG_LOCAL7,
        };
        // The system keeps the pointer for as long as the process lives. The first line opens the connection: it must be
        // the thread's own.
        let ident = Box::leak(CString::new(ident)?.into_boxed_c_str());
        syslog::openlog(Some(ident), LogFlags::LOG_PID, facility)?;
        Ok(Syslog(facility))
    }

    fn send(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let (severity, message) = for_syslog(&line);
        // A log that cannot be written is not told to the log.
        let _ = syslog::syslog(syslog::Priority::new(severity, self.0), message);
    }
}

/// A line of ours, taken apart again: its weight, and what it says.
fn for_syslog(line: &str) -> (Severity, &str) {
    // The number, day, month, year and time of day stand before the sign.
    let mut words = line.trim_end().splitn(7, ' ').skip(5);
    let severity = match words.next() {
        Some(".") => Severity::LOG_DEBUG,
        Some("-") => Severity::LOG_INFO,
        Some("*") => Severity::LOG_NOTICE,
        _ => Severity::LOG_WARNING,
    };
    (severity, words.next().unwrap_or_default())
}

/// A log file is opened for each line, as Redis does it, so that it can be moved away while the server runs.
struct LogFile(PathBuf);

impl LogFile {
    fn open(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).open(&self.0)
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::{Log, Record};
    use std::sync::Mutex;

    /// As long as a test waits for what must come: a bound against hanging, not a measurement.
    const LONG: Duration = Duration::from_secs(60);

    /// A sink that shows what it got, and that can be held up.
    #[derive(Clone, Default)]
    struct Shown {
        text: Arc<Mutex<String>>,
        gate: Arc<Mutex<()>>,
    }

    impl Write for Shown {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _open = self.gate.lock().unwrap();
            self.text.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn say(logger: &env_logger::Logger, level: Level, target: &str, text: &str) {
        logger.log(&Record::builder().level(level).target(target).args(format_args!("{text}")).build());
    }

    #[test]
    fn lines_look_like_redis_lines_and_stay_one_line() {
        let shown = Shown::default();
        let (logger, logging) = build(None, Box::new(shown.clone()));
        say(&logger, Level::Info, "spindle", "Ready to accept connections");
        say(&logger, Level::Warn, "spindle::engine", "bad\r\nname");
        say(&logger, Level::Trace, "spindle::wire::lexer", "3 tokens");
        say(&logger, Level::Debug, "mio::poll", "other people's chatter");
        say(&logger, Level::Info, "spindle", &"x".repeat(2 * MAX_MESSAGE));
        assert!(logging.flush(LONG));
        let text = shown.text.lock().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let pid = format!("{}:M ", std::process::id());
        assert_eq!(lines.len(), 4, "{text}");
        for (line, end) in lines.iter().zip([
            " * Ready to accept connections",
            " # bad\\r\\nname",
            " . wire::lexer: 3 tokens",
            "xxx...",
        ]) {
            assert!(line.starts_with(&pid) && line.ends_with(end), "{line}");
        }
        // 20 Nov 2026 21:00:00.123
        let date: Vec<&str> = lines[0][pid.len()..].split(' ').take(4).collect();
        assert_eq!(date.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 3, 4, 12], "{date:?}");
        assert_eq!(date[3].as_bytes()[8], b'.');
    }

    #[test]
    fn a_blocked_log_blocks_nobody_and_says_later_what_was_lost() {
        let shown = Shown::default();
        let (logger, logging) = build(Some("info"), Box::new(shown.clone()));
        let closed = shown.gate.lock().unwrap();
        // The thread takes at most one line before it is held up.
        let said = QUEUE + 11;
        for n in 0..said {
            say(&logger, Level::Info, "spindle", &format!("line {n}"));
        }
        assert!(!logging.flush(Duration::ZERO), "nothing can be written yet");
        drop(closed);
        assert!(logging.flush(LONG));
        let text = shown.text.lock().unwrap();
        let written = text.lines().filter(|line| line.contains(" * line ")).count();
        let lost: usize = text
            .lines()
            .filter_map(|line| line.split_once(" # ")?.1.split_once(" lines were lost")?.0.parse::<usize>().ok())
            .sum();
        assert_eq!(written + lost, said);
        assert!(lost >= 10, "{lost}");
    }

    #[test]
    fn a_log_file_may_be_moved_away() {
        let path = std::env::temp_dir().join(format!("spindle-log-{}", std::process::id()));
        let moved = path.with_extension("1");
        let (logger, logging) = build(None, Box::new(LogFile(path.clone())));
        say(&logger, Level::Info, "spindle", "one");
        assert!(logging.flush(LONG));
        std::fs::rename(&path, &moved).unwrap();
        say(&logger, Level::Info, "spindle", "two");
        assert!(logging.flush(LONG));
        assert!(std::fs::read_to_string(&moved).unwrap().ends_with(" * one\n"));
        assert!(std::fs::read_to_string(&path).unwrap().ends_with(" * two\n"));
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_file(&moved).unwrap();
    }

    #[test]
    fn syslog_gets_the_weight_and_the_message() {
        for (level, severity) in [
            (Level::Trace, Severity::LOG_DEBUG),
            (Level::Debug, Severity::LOG_INFO),
            (Level::Info, Severity::LOG_NOTICE),
            (Level::Warn, Severity::LOG_WARNING),
            (Level::Error, Severity::LOG_WARNING),
        ] {
            let line = line(sign(level), "a message, * and more");
            let (found, message) = for_syslog(&line);
            assert_eq!((found as i32, message), (severity as i32, "a message, * and more"));
        }
    }

    #[test]
    fn filters_of_the_environment_win() {
        let shown = Shown::default();
        let (logger, logging) = build(Some("spindle=warn"), Box::new(shown.clone()));
        say(&logger, Level::Info, "spindle", "hidden");
        say(&logger, Level::Warn, "spindle", "seen");
        assert!(logging.flush(LONG));
        assert!(logging.fixed);
        let text = shown.text.lock().unwrap();
        assert!(text.lines().count() == 1 && text.ends_with(" # seen\n"), "{text}");
    }
}
