//! The data to the disk, for whoever wants it there: SAVE, SHUTDOWN, a signal, DEBUG RELOAD; and its file, to be loaded. What
//! goes wrong is told in the log, and the server goes on.
use super::host::Host;
use crate::base::time::Now;
use crate::persist::load::Loading;
use crate::persist::save::{self, Saving};
use crate::server::{REDIS_VERSION, Server};
use crate::store::Keyspace;
use log::{info, warn};

/// It could not be saved; the log says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSaved;

/// Writes all data to the file, and waits until it is there: nobody is served meanwhile, as in Redis.
pub fn save(data: &Keyspace, server: &mut Server, host: &mut dyn Host) -> Result<(), NotSaved> {
    let (machine, now, config) = (host.machine(), host.now(), &server.config);
    let mut file = host.files().create(&config.dbfilename).map_err(|error| {
        warn!("Failed opening the temp RDB file (in server root dir {}) for saving: {error}", config.dir);
        NotSaved
    })?;
    let saving = Saving {
        version: REDIS_VERSION,
        memory: machine.allocated,
        checksum: config.rdbchecksum,
        options: config.file_options(),
        policy: config.kept_of_uses(),
    };
    let bytes = save::save(data, &mut *file, &saving, now.wall_ms()).map_err(|error| {
        warn!("Write error saving DB on disk: '{}' in {} stays as it was: {error}", config.dbfilename, config.dir);
        NotSaved
    })?;
    info!("DB saved on disk: {bytes} bytes in '{}'", config.dbfilename);
    server.persistence.saved_s = now.wall_ms().div_euclid(1000);
    server.persistence.saved_dirty = data.ledger.dirty;
    Ok(())
}

/// The same before the end, if it is wanted. `said`: SHUTDOWN SAVE or NOSAVE, or none of them. `force`: the end comes anyway.
pub fn save_at_end(
    said: Option<bool>,
    force: bool,
    data: &Keyspace,
    server: &mut Server,
    host: &mut dyn Host,
) -> Result<(), NotSaved> {
    // Half of the data must not take the place of the whole.
    let loads = server.persistence.loading_since_s.is_some();
    if loads || !said.unwrap_or(!server.config.save.is_empty()) {
        return Ok(());
    }
    info!("Saving the final RDB snapshot before exiting.");
    let saved = save(data, server, host);
    match saved {
        Err(NotSaved) if force => warn!("Error trying to save the DB. Exit anyway."),
        Err(NotSaved) => warn!("Error trying to save the DB, can't exit."),
        Ok(()) => {}
    }
    saved.or(if force { Ok(()) } else { Err(NotSaved) })
}

/// The file, about to be loaded. `None`: there is none. An error is a sentence.
pub fn open(
    replaces: bool,
    data: &Keyspace,
    server: &mut Server,
    host: &mut dyn Host,
    now: Now,
) -> Result<Option<Loading>, String> {
    let config = &server.config;
    let in_file = |reason: String| format!("'{}' in {}: {reason}", config.dbfilename, config.dir);
    let Some(file) = host.files().open(&config.dbfilename).map_err(|error| in_file(error.to_string()))? else {
        return Ok(None);
    };
    let (databases, limits) = (data.databases().len(), config.limits(data.hasher()));
    let loading = Loading::begin(file, databases, limits, config.rdbchecksum, replaces);
    let loading = loading.map_err(|failed| in_file(failed.to_string()))?;
    server.persistence.loading_since_s = Some(now.wall_ms().div_euclid(1000));
    server.persistence.loaded = loading.progress;
    Ok(Some(loading))
}
