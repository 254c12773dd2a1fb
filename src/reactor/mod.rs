//! The reactor: the only room that knows sockets, descriptors, signals and clocks. It moves bytes between sockets and
//! the engine and never meets a command. One turn of the loop is `turn`; it reads as the list of what happens.
//!
//! mio is edge-triggered: a socket that was not drained gets no second event, so whoever stops early (a budget, a full
//! output) leaves it on `again`, or leaves `readable` set until the engine says that it can go on.
mod accept;
mod breathe;
mod busy;
mod close;
mod connection;
mod files;
mod flush;
mod gauge;
mod host;
mod listen;
mod ticks;

use crate::base::time::earliest;
use crate::base::{huge, memory};
use crate::engine::{Budget, ClientId, Engine, Host, Now, Step, Wish, config::Config};
use busy::BusyPoll;
use connection::Connection;
use gauge::Gauge;
use host::Outside;
use listen::Listeners;
use log::{error, info, trace, warn};
use mio::{Events, Interest, Poll, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use slab::Slab;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SIGNALS: Token = Token(usize::MAX - 1);
/// Tokens of listeners, and of sockets that are closed but still drained, count from here; below are the engine's keys.
const LISTENERS: usize = 1 << 60;
const LINGERING: usize = 1 << 61;

const EVENTS_MAX: usize = 1024;
/// After memory has come or gone, what is free by then goes back to the system. Any sooner, and what is used again would be
/// mapped again.
const GIVE_BACK_AFTER_US: u64 = 100_000;
/// No sleep is longer: epoll counts milliseconds in 32 bits, and the wall clock, by which keys expire, may be set.
const SLEEP_US_MAX: u64 = 3_600_000_000;

pub struct Reactor {
    engine: Engine,
    outside: Outside,
    busy: BusyPoll,
    gauge: Gauge,
    lingering: Slab<close::Lingering>,
    /// Sockets of clients that are gone, yet to be closed; and how many were in this turn.
    leaving: Vec<connection::Stream>,
    closed: usize,
    signals: Signals,
    /// A signal has come: the next one ends the process at once.
    insisted: Arc<AtomicBool>,
    /// When this turn began, and the tick of that.
    now: Now,
    began: u64,
    /// After EMFILE nothing is accepted until a descriptor is free, or this moment has come.
    accept_after_us: Option<u64>,
    /// The last accept failed, and the log says so.
    accept_fails: bool,
    reserve: Option<accept::Reserve>,
    stopping: bool,
    /// `memory::shifts` when memory was given back last, and when it is to be given back again.
    shifts: usize,
    give_back_at_us: Option<u64>,
}

/// Is told of settings that have changed and concern neither engine nor reactor, such as those of the log.
pub type Reconfigured = Box<dyn FnMut(&Config, &'static str)>;

/// Why the server cannot start: a sentence for the user.
#[derive(Debug)]
pub struct StartError(pub String);

impl Reactor {
    /// Listens, and is ready to run. Logs nothing: the program may go to the background before it opens its log.
    pub fn start(config: Config, entropy: [u8; 32], reconfigured: Reconfigured) -> Result<Reactor, StartError> {
        let failed = |what: &str, error: io::Error| StartError(format!("{what}: {error}"));
        let poll = Poll::new().map_err(|error| failed("no poll", error))?;
        let registry = poll.registry().try_clone().map_err(|error| failed("no poll", error))?;
        let listeners = Listeners::start(&config, registry)?;
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| failed("signals", error))?;
        // The second Ctrl-C ends the process at once, whatever it is doing. Not so SIGTERM: who sends it twice, as
        // `timeout` does, would lose what is being saved.
        let once = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register_conditional_shutdown(SIGINT, 1, once.clone())
            .and_then(|_| signal_hook::flag::register(SIGINT, once.clone()))
            .map_err(|error| failed("signals", error))?;
        poll.registry()
            .register(&mut signals, SIGNALS, Interest::READABLE)
            .map_err(|error| failed("signals", error))?;
        let busy = BusyPoll::new(config.busy_poll_usec);
        let mut outside = Outside::start(poll, listeners, reconfigured);
        let now = outside.now();
        let engine = Engine::new(config, entropy, now);
        Ok(Reactor {
            engine,
            outside,
            busy,
            gauge: Gauge::default(),
            lingering: Slab::new(),
            leaving: vec![],
            closed: 0,
            signals,
            insisted: once,
            now,
            began: 0,
            accept_after_us: None,
            accept_fails: false,
            reserve: accept::Reserve::open(),
            stopping: false,
            shifts: 0,
            give_back_at_us: None,
        })
    }

    pub fn config(&self) -> &Config {
        self.engine.config()
    }

    /// Runs until a signal or a client ends it. `ready`: the data is loaded. An error is a sentence, which the log has.
    pub fn run(&mut self, ready: &mut dyn FnMut(&Config)) -> Result<(), String> {
        let config = self.engine.config_mut();
        host::huge_pages(!config.disable_thp);
        if let Err(most) = host::descriptors(config.maxclients) {
            warn!("There are descriptors for {most} clients only: maxclients is not {}, but that", config.maxclients);
            config.maxclients = most;
        }
        match huge::start_helper() {
            Ok(()) => memory::keep_until_purged(),
            Err(error) => {
                memory::give_back_soon();
                warn!("Memory is given back by the loop itself: there is no thread for it: {error}");
            }
        }
        self.outside.listeners.iter().for_each(|listener| info!("Listening on {}", listener.name()));
        let mut events = Events::with_capacity(EVENTS_MAX);
        self.gauge.start(self.outside.ticks());
        let now = self.outside.now();
        let mut ran = self.engine.begin_loading(now, &mut self.outside).map_err(|reason| unloadable(&reason));
        let mut is_ready = false;
        while ran.is_ok() && !self.stopping {
            if !is_ready && !self.engine.is_loading() {
                is_ready = true;
                info!("Ready to accept connections");
                ready(self.engine.config());
            }
            ran = self.turn(&mut events);
        }
        if let Err(reason) = &ran {
            error!("{reason}");
        }
        self.stop();
        ran
    }

    fn turn(&mut self, events: &mut Events) -> Result<(), String> {
        self.wait(events).map_err(|error| format!("The poll failed: {error}"))?;
        let mut now = self.outside.now();
        (self.now, self.began) = (now, self.outside.ticks());
        self.gauge.polled(self.began);
        self.engine.stats_mut().turns += 1;
        self.hear(events);
        self.accept(now);
        self.converse(&mut now);
        self.gauge.served(self.outside.ticks());
        self.flush_all();
        self.gauge.flushed(self.outside.ticks());
        self.engine.tick(now, &mut self.outside);
        self.flush_all();
        if self.engine.is_loading() {
            self.engine.load_some(now, &mut self.outside).map_err(|reason| unloadable(&reason))?;
        }
        self.grant();
        self.close_doomed(now);
        // An output that the flush drained lets its session go on; one that was given up, those that wait for its share.
        while let Some(id) = self.engine.next_ready() {
            self.queue(id);
        }
        self.end_lingering(now);
        self.give_back(now);
        self.gauge.turn(&mut self.engine, &mut self.outside, now);
        Ok(())
    }

    // --- 1. Poll

    /// Waits for events, or for the next timer.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let Outside { again, put_off, listeners, .. } = &self.outside;
        let left_over = !again.is_empty()
            || !put_off.is_empty()
            || !self.leaving.is_empty()
            || self.engine.is_loading_due(self.now);
        if left_over || self.accept_after_us.is_none() && listeners.is_any_ready() {
            return ignore_interrupt(self.outside.poll.poll(events, Some(Duration::ZERO)));
        }
        let begun = self.outside.ticks();
        // Where the turn was short, the time at which it began will do.
        if begun.wrapping_sub(self.began) > self.outside.ticks_per_ms() {
            self.now = self.outside.now();
        }
        self.busy.limit_us = self.engine.config().busy_poll_usec;
        if self.busy.wants(self.now.mono_us) && self.spin(begun, events)? {
            return Ok(());
        }
        let deadlines =
            [self.engine.next_deadline(self.now), self.accept_after_us, self.next_linger_us(), self.give_back_at_us];
        let timeout_us = earliest(deadlines).map(|at| at.saturating_sub(self.now.mono_us).min(SLEEP_US_MAX));
        // epoll counts whole milliseconds; mio rounds up.
        ignore_interrupt(self.outside.poll.poll(events, timeout_us.map(Duration::from_micros)))?;
        if self.busy.limit_us > 0 {
            self.busy.slept(self.outside.us_since(begun), !events.is_empty());
        }
        Ok(())
    }

    /// Polls again and again without waiting. Found something?
    fn spin(&mut self, begun: u64, events: &mut Events) -> io::Result<bool> {
        loop {
            ignore_interrupt(self.outside.poll.poll(events, Some(Duration::ZERO)))?;
            let (found, spent_us) = (!events.is_empty(), self.outside.us_since(begun));
            if found || spent_us >= self.busy.limit_us as u64 {
                let stats = self.engine.stats_mut();
                stats.busy_poll_us += spent_us;
                stats.busy_poll_hits += found as u64;
                stats.busy_poll_misses += !found as u64;
                self.busy.spun(found, self.now.mono_us + spent_us);
                return Ok(found);
            }
        }
    }

    /// Notes what each event says, and who is due because of it; nothing is read yet.
    fn hear(&mut self, events: &Events) {
        self.outside.due.clear();
        for token in std::mem::take(&mut self.outside.put_off) {
            self.hear_other(token);
        }
        for event in events {
            self.gauge.events += 1;
            let token = event.token();
            if token.0 >= LISTENERS {
                self.hear_other(token);
                continue;
            }
            // A slot may have been emptied since; readiness is only a hint.
            let Some(Some(connection)) = self.outside.connections.get_mut(token.0) else { continue };
            trace!("client {}: {event:?}", connection.id.serial);
            connection.hear(event);
            if !connection.queued {
                self.outside.due.push(connection.id);
            }
        }
        self.outside.due.append(&mut self.outside.again);
    }

    fn hear_other(&mut self, token: Token) {
        match token {
            SIGNALS => self.signalled(),
            Token(token) if token >= LINGERING => self.drain_lingering(token - LINGERING),
            token => self.outside.listeners.hear(token),
        }
    }

    fn signalled(&mut self) {
        for signal in self.signals.pending() {
            match signal {
                SIGINT | SIGTERM => {
                    let config = self.engine.config();
                    let (name, words) = match signal {
                        SIGINT => ("SIGINT", config.shutdown_on_sigint.clone()),
                        _ => ("SIGTERM", config.shutdown_on_sigterm.clone()),
                    };
                    warn!("Received {name} scheduling shutdown...");
                    self.stopping |= self.engine.may_end(&words, &mut self.outside);
                    self.insisted.store(self.stopping, Ordering::Relaxed);
                }
                _ => info!("Received SIGHUP. Nothing is to be done: the log file is opened anew for each line"),
            }
        }
    }

    // --- 3. Read, step

    fn connection(&mut self, id: ClientId) -> &mut Connection {
        self.outside.connections[id.key].as_mut().expect("a connection as long as its client")
    }

    fn queue(&mut self, id: ClientId) {
        if !std::mem::replace(&mut self.connection(id).queued, true) {
            self.outside.again.push(id);
        }
    }

    /// Reads from each connection that is due, once, and steps its session. As many as the room takes are read before the
    /// first of them is stepped: so the same code runs for one after the other, and is fetched into the caches once, not
    /// again after each visit to the kernel.
    fn converse(&mut self, now: &mut Now) {
        let mut next = 0;
        while next < self.outside.due.len() {
            let first = next;
            let begun = if self.gauge.sampling { self.outside.ticks() } else { 0 };
            while next == first || next < self.outside.due.len() && self.engine.has_room() {
                self.read(self.outside.due[next]);
                next += 1;
            }
            if self.gauge.sampling {
                self.gauge.read_ticks += self.outside.ticks() - begun;
            }
            let mut foreseen = first;
            // A long command looks at `due` in its middle.
            for at in first..next {
                if at == foreseen {
                    let Reactor { engine, outside, .. } = self;
                    let due = std::mem::take(&mut outside.due);
                    foreseen += engine.look_ahead(&due[at..next], outside);
                    outside.due = due;
                }
                self.step(self.outside.due[at], now);
            }
        }
    }

    /// What the socket has, as far as there is room.
    fn read(&mut self, id: ClientId) {
        let Some(Some(connection)) = self.outside.connections.get_mut(id.key) else { return };
        if connection.id != id {
            return;
        }
        connection.queued = false;
        if connection.flush_wanted {
            connection.flush_wanted = false;
            self.flush(id);
        }
        let connection = self.outside.connections[id.key].as_mut().expect("nobody is closed before the turn ends");
        connection.came = false;
        while connection.readable {
            let room = self.engine.space(id);
            if room.is_empty() {
                if connection.write_blocked && self.engine.let_more(id) {
                    continue;
                }
                if connection.failed {
                    // It is not read now, and nobody is left to write to: no other event would tell.
                    connection.dead = true;
                    self.outside.doomed.push(id);
                } else if connection.read_closed {
                    // It has sent its end behind what is not read. If it waits: what it gets, nobody would take.
                    self.engine.gives_up(id);
                }
                return;
            }
            match connection.stream.read(room) {
                Ok(0) => {
                    connection.readable = false;
                    connection.ended = true;
                    self.engine.ended(id);
                }
                Ok(count) => {
                    trace!("client {}: read {count} bytes of {}", id.serial, room.len());
                    // A short read has emptied the socket, unless its end has been announced: that comes last.
                    connection.readable = count == room.len() || connection.read_closed;
                    connection.came = true;
                    return self.engine.filled(id, count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => connection.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    trace!("client {}: {error}", id.serial);
                    connection.dead = true;
                    return self.outside.doomed.push(id);
                }
            }
        }
    }

    fn step(&mut self, id: ClientId, now: &mut Now) {
        let Some(Some(connection)) = self.outside.connections.get(id.key) else { return };
        if connection.id != id || connection.dead {
            return;
        }
        let (unread, ends) = (connection.came && connection.readable, connection.read_closed && connection.readable);
        let again = match self.engine.step(id, now, Budget::default(), &mut self.outside) {
            Step::Closing => false,
            // The end of who waits from now on may have come before.
            Step::Idle => unread || ends && self.engine.is_waiting(id),
            Step::More => true,
        };
        if again {
            self.queue(id);
        }
    }

    // --- 7. Give memory back

    /// What was freed goes back to the system some time later, and by another thread: that takes 0.15 ms for each MB.
    fn give_back(&mut self, now: Now) {
        match self.give_back_at_us {
            None if memory::shifts() == self.shifts => {}
            None => self.give_back_at_us = Some(now.mono_us + GIVE_BACK_AFTER_US),
            Some(at_us) if at_us > now.mono_us => {}
            Some(_) => {
                self.shifts = memory::shifts();
                self.give_back_at_us = None;
                huge::purge();
            }
        }
    }

    // --- What the engine wishes

    fn grant(&mut self) {
        while let Some(wish) = self.engine.next_wish() {
            match wish {
                Wish::Shutdown => {
                    warn!("User requested shutdown...");
                    self.stopping = true;
                }
            }
        }
    }

    /// What was answered is still sent, as far as the sockets take it at once.
    fn stop(&mut self) {
        self.flush_all();
        for listener in self.outside.listeners.iter() {
            listener.remove_file();
        }
        warn!("Spindle is now ready to exit, bye bye...");
    }
}

fn unloadable(reason: &str) -> String {
    format!("Fatal error loading the DB, whose file stays as it is: {reason}. Exiting.")
}

fn ignore_interrupt(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
        other => other,
    }
}
