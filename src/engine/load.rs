//! The data's file, loaded at the start a slice at a time. Between slices clients are served what may be served then, and
//! the others are told why not (command/admit.rs). And the end of the server, which may be put off by what cannot be saved.
use super::{Engine, Host, Now};
use crate::command::disk;
use crate::persist::load::{Loading, Progress};
use log::{info, warn};

/// Bytes of the file that are loaded before the time is looked at.
const SLICE_BYTES: u64 = 64 * 1024;
/// Then the others are heard.
const SLICES_MS: u64 = 2;
/// It is told so often how far it is.
const TELL_EVERY_US: u64 = 2_000_000;

pub(super) struct Load {
    loading: Loading,
    begun_us: u64,
    told_us: u64,
    /// When it goes on.
    next_us: u64,
}

impl Engine {
    /// Begins to load the data from its file, if there is one: `load_some` until nothing `is_loading`.
    pub fn begin_loading(&mut self, now: Now, host: &mut dyn Host) -> Result<(), String> {
        let loading = disk::open(false, &self.world.data, &mut self.world.server, host, now)?;
        let now_us = now.mono_us;
        self.load =
            loading.map(|loading| Box::new(Load { loading, begun_us: now_us, told_us: now_us, next_us: now_us }));
        Ok(())
    }

    pub fn is_loading(&self) -> bool {
        self.load.is_some()
    }

    /// `load_some` has something to do.
    pub fn is_loading_due(&self, now: Now) -> bool {
        self.loads_at_us().is_some_and(|at_us| at_us <= now.mono_us)
    }

    pub(super) fn loads_at_us(&self) -> Option<u64> {
        self.load.as_ref().map(|load| load.next_us)
    }

    /// Loads for some milliseconds. An error, which is a sentence, leaves the data in pieces: nobody may use it.
    pub fn load_some(&mut self, now: Now, host: &mut dyn Host) -> Result<(), String> {
        let Some(load) = &mut self.load else { return Ok(()) };
        let until = host.ticks() + SLICES_MS * host.ticks_per_ms();
        let delay = self.world.server.config.key_load_delay;
        let due = keys_due(delay, now.mono_us.saturating_sub(load.begun_us));
        let slice = if delay == 0 { SLICE_BYTES } else { 1 };
        let done = loop {
            if load.loading.progress.keys > due {
                break Ok(false);
            }
            let done = load.loading.go_on(&mut self.world.data, now.wall_ms(), slice);
            match done {
                Ok(false) if host.ticks() < until => {}
                other => break other,
            }
        };
        let progress = load.loading.progress;
        let spent_us = if progress.keys > due { us_until(delay, progress.keys) } else { 0 };
        load.next_us = now.mono_us.max(load.begun_us.saturating_add(spent_us));
        self.world.server.persistence.loaded = progress;
        let done = done.map_err(|failed| format!("'{}': {failed}", self.world.server.config.dbfilename))?;
        if done {
            tell_end(&progress, host.now().mono_us.saturating_sub(load.begun_us) as f64 / 1e6);
            self.load = None;
            self.world.server.persistence.loading_since_s = None;
        } else if now.mono_us.saturating_sub(load.told_us) >= TELL_EVERY_US {
            load.told_us = now.mono_us;
            let Progress { bytes, total_bytes, keys, .. } = progress;
            info!("Loading: {keys} keys, {} % of the file", bytes.saturating_mul(100) / total_bytes.max(1));
        }
        Ok(())
    }

    /// The owner was told to end, by a signal with these words of SHUTDOWN. False: the data cannot be saved, and the end
    /// has to wait.
    pub fn may_end(&mut self, words: &[String], host: &mut dyn Host) -> bool {
        let says = |word: &str| words.iter().any(|own| own == word);
        let said = if says("save") { Some(true) } else { says("nosave").then_some(false) };
        let super::World { data, server, .. } = &mut self.world;
        let saved = disk::save_at_end(said, says("force"), data, server, host);
        if saved.is_err() {
            warn!("Errors trying to shut down the server. Check the logs for more information.");
        }
        saved.is_ok()
    }
}

/// How many keys may be there after this time, as `key-load-delay` has it.
fn keys_due(delay: i64, spent_us: u64) -> u64 {
    match delay {
        0 => u64::MAX,
        1.. => spent_us / delay.unsigned_abs(),
        _ => spent_us.saturating_mul(delay.unsigned_abs()),
    }
}

/// After which time so many keys are due.
fn us_until(delay: i64, keys: u64) -> u64 {
    match delay {
        0.. => keys.saturating_mul(delay.unsigned_abs()),
        _ => keys.div_ceil(delay.unsigned_abs()),
    }
}

fn tell_end(progress: &Progress, spent_s: f64) {
    let Progress { keys, expired, empty, functions, module_data, .. } = *progress;
    info!("Done loading RDB, keys loaded: {keys}, keys expired: {expired}, empty keys skipped: {empty}.");
    if functions + module_data > 0 {
        warn!(
            "Left out of the file: {functions} libraries of functions and {module_data} pieces of modules' data, which \
             are not there. They are lost when the data is saved again"
        );
    }
    info!("DB loaded from disk: {spent_s:.3} seconds");
}
