//! The data's file, by command: SAVE, LASTSAVE, DEBUG RELOAD.
use crate::command::disk;
use crate::commands::prelude::*;
use log::{info, warn};

// --- LASTSAVE
form! { pub LastSave {} }
impl<'a> Command<'a> for LastSave {
    const FACTS: Facts =
        facts("LASTSAVE", "server", "1.0.0", LOADING | STALE | FAST, "Tells when the data was saved last.")
            .and(category::ADMIN | category::DANGEROUS)
            .hint(&["nondeterministic_output"]);
    fn run(self, cx: &mut Context) -> Ran {
        let saved_s = cx.server.persistence.saved_s;
        cx.integer(saved_s)
    }
}

// --- SAVE
form! { pub Save {} }
impl<'a> Command<'a> for Save {
    const FACTS: Facts =
        facts("SAVE", "server", "1.0.0", ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI, "Saves the data to its file.");
    /// Nobody is served until it is done.
    fn run(self, cx: &mut Context) -> Ran {
        cx.server.persistence.saves += 1;
        match disk::save(cx.data, cx.server, cx.host) {
            Ok(()) => cx.ok(),
            Err(disk::NotSaved) => Err(Refusal::NotSaved),
        }
    }
}

// --- DEBUG RELOAD

/// Saves, empties and loads all data at one go. What it leaves is what was there, so that nothing has changed.
pub fn reload(options: &[&[u8]], cx: &mut Context) -> Ran {
    let (mut save, mut flush, mut merge) = (true, true, false);
    for option in options {
        match option.to_ascii_uppercase().as_slice() {
            b"MERGE" => merge = true,
            b"NOFLUSH" => flush = false,
            b"NOSAVE" => save = false,
            _ => return Err(Refusal::ReloadUsage),
        }
    }
    if save && disk::save(cx.data, cx.server, cx.host).is_err() {
        return Err(Refusal::NotSaved);
    }
    let dirty = cx.data.ledger.dirty;
    if flush {
        (0..cx.data.databases().len()).for_each(|number| _ = cx.data.flush(number));
        // There would be twice as much in memory.
        cx.data.empty_trash();
    }
    let loaded = load(merge, cx);
    cx.server.persistence.loading_since_s = None;
    // A log would not have it.
    cx.data.ledger.dirty = dirty;
    match loaded {
        Ok(()) => {
            info!("DB reloaded by DEBUG RELOAD");
            cx.ok()
        }
        Err(reason) => {
            warn!("The data cannot be loaded: {reason}");
            Err(Refusal::NotReloaded)
        }
    }
}

fn load(merge: bool, cx: &mut Context) -> Result<(), String> {
    let Some(mut loading) = disk::open(merge, cx.data, cx.server, cx.host, cx.now)? else {
        return Err(format!("there is no file '{}'", cx.server.config.dbfilename));
    };
    let loaded = loading.go_on(cx.data, cx.now.wall_ms(), u64::MAX);
    cx.server.persistence.loaded = loading.progress;
    loaded.map(|_| ()).map_err(|failed| failed.to_string())
}
