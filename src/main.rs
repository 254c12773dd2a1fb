//! The program: reads the command line and does what it says.
use spindle::base::huge::Apart;
use spindle::base::memory::{Counting, Words};
use spindle::base::time::Now;
use spindle::cli::{self, Disk, Invocation};
use spindle::logging;
use spindle::reactor::Reactor;
use spindle::server::config::Config;
use spindle::service::{self, PidFile, Supervisor};
use std::cell::OnceCell;
use std::io::Write;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Counts what it gives out; INFO's used_memory is that count.
#[global_allocator]
static ALLOCATOR: Counting<Apart<Words>> = Counting::new(Apart::new(Words));

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1), &mut Disk) {
        Ok(Invocation::Print(text)) => {
            // Who closes the pipe early has read enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Ok(Invocation::Run(config)) => serve(*config).unwrap_or_else(|message| fail(&message)),
        Ok(Invocation::Explain(args)) => explain(&args),
        Err(error) => fail(&error.to_string()),
    }
}

fn explain(args: &[Vec<u8>]) -> ExitCode {
    let bytes = match spindle::explain::read(args, &mut std::io::stdin()) {
        Ok(bytes) => bytes,
        Err(message) => return fail(&message),
    };
    let wall_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64);
    let mut entropy = [0; 32];
    if let Err(error) = getrandom::fill(&mut entropy) {
        return fail(&format!("no entropy: {error}"));
    }
    let text = spindle::explain::explain(&bytes, Now { wall_us, mono_us: 0 }, entropy);
    // Who closes the pipe early has read enough.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// The error is one that nobody would find in the log.
fn serve(mut config: Config) -> Result<ExitCode, String> {
    service::enter_directory(&mut config)?;
    logging::check(&config)?;
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy).map_err(|error| format!("no entropy: {error}"))?;
    let supervisor = Supervisor::find(config.supervised);
    config.supervisor = supervisor.map_or("no", Supervisor::name);
    let background = config.daemonize && supervisor.is_none();
    if background {
        service::name_pid_file(&mut config);
    }

    let log = Rc::new(OnceCell::new());
    let start_log = |config: &Config| -> Result<(), String> {
        let logging = logging::start(config).map_err(|error| format!("the log cannot be opened: {error}"))?;
        log.set(logging).expect("it is started once");
        logging::announce(config);
        Ok(())
    };
    if !background {
        start_log(&config)?;
    }
    let own_log = log.clone();
    let reconfigured = move |config: &Config, name: &'static str| {
        if let ("loglevel", Some(log)) = (name, own_log.get()) {
            log.set_level(config.loglevel);
        }
    };
    let mut reactor = match Reactor::start(config, entropy, Box::new(reconfigured)) {
        Ok(reactor) => reactor,
        Err(error) if background => return Err(error.0),
        Err(error) => {
            log::error!("{}", error.0);
            return Ok(ExitCode::FAILURE);
        }
    };
    // All that can go wrong has not, so that who waits for the program may take its end for success. The log is started
    // behind this: its thread would stay with the process that ends.
    if background {
        service::go_to_background()?;
        start_log(reactor.config())?;
    }
    let _pid_file = reactor.config().pidfile.as_deref().and_then(PidFile::write);
    let ran = reactor.run(&mut |config| Supervisor::ready(supervisor, config));
    Supervisor::stopping(supervisor);
    Ok(match ran {
        Ok(()) => ExitCode::SUCCESS,
        // The log has it.
        Err(_) => ExitCode::FAILURE,
    })
}

fn fail(message: &str) -> ExitCode {
    eprintln!("spindle: {message}");
    ExitCode::FAILURE
}
