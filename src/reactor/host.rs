//! What is outside of the engine: clocks, the tick source, what the process uses, where it listens, its connections. It is
//! the engine's host, and has all that a breath in the middle of a command needs (breathe.rs).
use super::Reconfigured;
use super::connection::{Connection, Stream};
use super::files::sentence;
use super::listen::Listeners;
use super::ticks::Ticks;
use crate::engine::{Bystanders, ClientId, Config, Host, Machine, Now, Refused};
use crate::persist::files::{Disk, Files};
use log::warn;
use mio::{Poll, Token};
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::time::{ClockId, clock_gettime};
use std::fs;
use std::time::Duration;

/// A jump of the wall clock is noticed after so long at the latest.
const WALL_EVERY_US: u64 = 1000;

pub struct Outside {
    /// What commands wanted to sleep.
    pub slept_us: u64,
    ticks: Ticks,
    ticks_per_ms: u64,
    /// When the ticks are measured again.
    measure_at_us: u64,
    begun_us: u64,
    /// How far the wall clock was ahead of the monotonic one, and when that was read. One reading a turn is enough so.
    wall_ahead_us: i64,
    wall_read_us: u64,
    pub listeners: Listeners,
    reconfigured: Reconfigured,
    disk: Disk,
    pub poll: Poll,
    /// By the engine's slab key.
    pub connections: Vec<Option<Connection>>,
    /// Connections that this turn reads and steps.
    pub due: Vec<ClientId>,
    /// Connections with something left to do, which the next turn goes on with.
    pub again: Vec<ClientId>,
    /// To be looked at when the turn ends.
    pub doomed: Vec<ClientId>,
    /// Events of the next turn, beside those that its poll brings.
    pub put_off: Vec<Token>,
    /// Who came in a breath and cannot stay, and what they are told.
    pub turned_away: Vec<(Stream, Refused)>,
}

impl Outside {
    pub fn start(poll: Poll, listeners: Listeners, reconfigured: Reconfigured) -> Outside {
        let ticks = Ticks::start();
        let ticks_per_ms = ticks.per_ms();
        let begun_us = read_us(ClockId::CLOCK_MONOTONIC) as u64;
        Outside {
            slept_us: 0,
            ticks,
            ticks_per_ms,
            measure_at_us: begun_us,
            begun_us,
            wall_ahead_us: 0,
            wall_read_us: 0,
            listeners,
            reconfigured,
            disk: Disk,
            poll,
            connections: vec![],
            due: vec![],
            again: vec![],
            doomed: vec![],
            put_off: vec![],
            turned_away: vec![],
        }
    }

    /// Microseconds since a tick, about.
    #[inline]
    pub fn us_since(&self, tick: u64) -> u64 {
        self.ticks.read().saturating_sub(tick) * 1000 / self.ticks_per_ms
    }
}

#[inline]
fn read_us(clock: ClockId) -> i64 {
    let time = clock_gettime(clock).expect("every Linux has this clock");
    time.tv_sec() * 1_000_000 + time.tv_nsec() / 1000
}

impl Host for Outside {
    #[inline]
    fn ticks(&mut self) -> u64 {
        self.ticks.read()
    }

    fn ticks_per_ms(&mut self) -> u64 {
        self.ticks_per_ms
    }

    #[inline]
    fn now(&mut self) -> Now {
        let mono_us = read_us(ClockId::CLOCK_MONOTONIC) as u64;
        if mono_us.saturating_sub(self.wall_read_us) >= WALL_EVERY_US {
            (self.wall_ahead_us, self.wall_read_us) = (read_us(ClockId::CLOCK_REALTIME) - mono_us as i64, mono_us);
        }
        // Measured again and again: the longer the process lives, the truer.
        if mono_us > self.measure_at_us {
            self.ticks_per_ms = self.ticks.per_ms();
            self.measure_at_us = mono_us + (mono_us - self.begun_us) + 1000;
        }
        Now { wall_us: mono_us as i64 + self.wall_ahead_us, mono_us }
    }

    fn sleep(&mut self, span_us: u64) {
        self.slept_us += span_us;
        std::thread::sleep(Duration::from_micros(span_us));
    }

    fn machine(&mut self) -> Machine {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let uname = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let [usage, main] = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_THREAD].map(|who| getrusage(who).ok());
        let micros = |time: nix::sys::time::TimeVal| time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64;
        Machine {
            allocated: crate::base::memory::allocated(),
            resident: kilobytes(&status, "VmRSS:"),
            memory: kilobytes(&memory, "MemTotal:"),
            process_id: std::process::id(),
            executable: std::env::current_exe().map_or_else(|_| String::new(), |path| path.display().to_string()),
            operating_system: format!("Linux {} {}", uname.trim(), std::env::consts::ARCH),
            user_cpu_us: usage.map_or(0, |usage| micros(usage.user_time())),
            system_cpu_us: usage.map_or(0, |usage| micros(usage.system_time())),
            main_user_cpu_us: main.map_or(0, |usage| micros(usage.user_time())),
            main_system_cpu_us: main.map_or(0, |usage| micros(usage.system_time())),
            listeners: self.listeners.info(),
        }
    }

    fn purge(&mut self) {
        crate::base::memory::purge();
    }

    fn follow(&mut self, config: &mut Config, changed: &[&'static str]) -> Result<(), (&'static str, String)> {
        if changed.contains(&"maxclients") {
            let reason = "The operating system is not able to handle the specified number of clients";
            descriptors(config.maxclients).map_err(|most| ("maxclients", format!("{reason}, try with {most}")))?;
        }
        let before = std::env::current_dir();
        if changed.contains(&"dir") {
            let entered = std::env::set_current_dir(&config.dir).and_then(|()| std::env::current_dir());
            let here = entered.map_err(|error| ("dir", sentence(&error)))?;
            config.dir = here.to_string_lossy().into_owned();
        }
        if let Some(name) = changed.iter().find(|name| ["port", "bind"].contains(name))
            && self.listeners.follow(config).is_err()
        {
            let _ = before.and_then(std::env::set_current_dir);
            let reason = match *name {
                "port" => "Unable to listen on this port. Check server logs.",
                _ => "Failed to bind to specified addresses.",
            };
            return Err((*name, reason.to_string()));
        }
        changed.iter().for_each(|name| (self.reconfigured)(config, name));
        Ok(())
    }

    fn replace_file(&mut self, path: &str, make: &mut dyn FnMut(&[u8]) -> Vec<u8>) -> Result<(), String> {
        super::files::replace(path, make)
    }

    fn files(&mut self) -> &mut dyn Files {
        &mut self.disk
    }

    fn breathe(&mut self, bystanders: &mut dyn Bystanders) {
        self.hear_bystanders(bystanders);
    }
}

fn kilobytes(text: &str, name: &str) -> usize {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0) * 1024
}

/// With huge pages, 4,000 idle connections took 3.4 KB each instead of 1 KB: memory grew by 2 MB at a time. And to touch one
/// first takes as long as to fill it: 7.5 ms on a virtual machine, where a large store would be read a third faster (a read
/// that waits for the one before it, of 256 MB at random: 312 ns, with huge pages 208).
pub fn huge_pages(allowed: bool) {
    if let Err(error) = nix::sys::prctl::set_thp_disable(!allowed) {
        warn!("Transparent huge pages stay as the system has them: {error}");
    }
}

/// Descriptors beside those of the clients: listeners, signals, the log.
const OTHER_DESCRIPTORS: u64 = 32;

/// Sees to it that so many clients can have a descriptor each. Where the system does not allow for that: how many can.
pub fn descriptors(maxclients: u32) -> Result<(), u32> {
    let wanted = maxclients as u64 + OTHER_DESCRIPTORS;
    let allowed = raise_descriptor_limit(wanted);
    if allowed >= wanted { Ok(()) } else { Err(allowed.saturating_sub(OTHER_DESCRIPTORS).max(1) as u32) }
}

/// As many descriptors as wanted, or as the system lets us have: how many.
fn raise_descriptor_limit(wanted: u64) -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return wanted };
    if soft >= wanted {
        return soft;
    }
    let raise = |soft: u64, hard: u64| setrlimit(Resource::RLIMIT_NOFILE, soft, hard).map(|()| soft);
    raise(wanted, hard.max(wanted)).or_else(|_| raise(wanted.min(hard), hard)).unwrap_or(soft)
}
