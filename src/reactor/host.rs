//! The machine, as the engine sees it: clocks, the tick source, what the process uses.
use super::ticks::Ticks;
use crate::engine::{Bystanders, Host, Machine, Now};
use log::warn;
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub struct Clock {
    begun: Instant,
    ticks: Ticks,
    ticks_per_ms: u64,
    measured_us: u64,
    pub listeners: Vec<String>,
}

impl Clock {
    pub fn start() -> Clock {
        let ticks = Ticks::start();
        let ticks_per_ms = ticks.per_ms();
        Clock { begun: Instant::now(), ticks, ticks_per_ms, measured_us: 0, listeners: vec![] }
    }

    #[inline]
    pub fn mono_us(&self) -> u64 {
        self.begun.elapsed().as_micros() as u64
    }
}

impl Host for Clock {
    #[inline]
    fn ticks(&mut self) -> u64 {
        self.ticks.read()
    }

    fn ticks_per_ms(&mut self) -> u64 {
        self.ticks_per_ms
    }

    fn now(&mut self) -> Now {
        let mono_us = self.mono_us();
        // Measured again and again: the longer the process lives, the truer.
        if mono_us > 2 * self.measured_us + 1000 {
            (self.ticks_per_ms, self.measured_us) = (self.ticks.per_ms(), mono_us);
        }
        let wall_us = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_micros() as i64,
            Err(before) => -(before.duration().as_micros() as i64),
        };
        Now { wall_us, mono_us }
    }

    fn sleep(&mut self, span_us: u64) {
        std::thread::sleep(Duration::from_micros(span_us));
    }

    fn machine(&mut self) -> Machine {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let uname = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let usage = getrusage(UsageWho::RUSAGE_SELF).ok();
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
            listeners: self.listeners.clone(),
        }
    }

    /// No command asks for it yet.
    fn breathe(&mut self, _: &mut dyn Bystanders) -> bool {
        false
    }
}

fn kilobytes(text: &str, name: &str) -> usize {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0) * 1024
}

/// With huge pages, 4,000 idle connections took 3.4 KB each instead of 1 KB: memory grew by 2 MB at a time.
pub fn huge_pages(allowed: bool) {
    if let Err(error) = nix::sys::prctl::set_thp_disable(!allowed) {
        warn!("Transparent huge pages stay as the system has them: {error}");
    }
}

/// Descriptors for as many clients as are allowed, as far as the system lets us.
pub fn raise_descriptor_limit(wanted: u64) {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    if soft >= wanted {
        return;
    }
    let raised = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted))
        .or_else(|_| setrlimit(Resource::RLIMIT_NOFILE, wanted.min(hard), hard));
    if raised.is_err() || wanted > hard {
        warn!("The system allows {hard} descriptors, maxclients wants {wanted}");
    }
}
