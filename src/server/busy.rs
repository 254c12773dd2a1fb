//! Whether something runs that may take long, and since when: from `busy-reply-threshold` on the other clients are heard
//! in its middle, and told that the server is busy. Who hears them is the host (`command::host`).

/// What may run for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Running {
    Transaction,
    Script,
}

/// Milliseconds between two breaths.
const BREATH_MS: u64 = 5;

#[derive(Debug)]
pub struct Busy {
    /// What runs, the innermost.
    pub running: Option<Running>,
    /// The tick at which the others are heard next. `u64::MAX`: nothing runs for long, or nobody is to be heard.
    pub due: u64,
    /// The request that runs is another client's, heard in the middle of it: little is allowed.
    pub answering: bool,
    /// Somebody has asked for it to stop.
    pub stop: bool,
}

impl Default for Busy {
    fn default() -> Busy {
        Busy { running: None, due: u64::MAX, answering: false, stop: false }
    }
}

impl Busy {
    /// Something begins. What it runs inside of, to be given back at its end: that one's time counts.
    pub fn begin(&mut self, what: Running, tick: u64, threshold_ms: i64, ticks_per_ms: u64) -> Option<Running> {
        let outer = self.running.replace(what);
        let span = ticks_per_ms.saturating_mul(threshold_ms.max(0) as u64);
        if outer.is_none() && span > 0 {
            self.due = tick.saturating_add(span);
        }
        outer
    }

    /// True: it was asked to stop.
    pub fn end(&mut self, outer: Option<Running>) -> bool {
        let stop = self.stop;
        match outer {
            Some(_) => self.running = outer,
            None => *self = Busy::default(),
        }
        stop
    }

    /// The others were heard.
    pub fn heard(&mut self, tick: u64, ticks_per_ms: u64) {
        self.answering = false;
        self.due = tick.saturating_add(ticks_per_ms.saturating_mul(BREATH_MS));
    }
}
