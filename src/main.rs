//! The program: reads the command line and does what it says.
use spindle::base::memory::Counting;
use spindle::base::time::Now;
use spindle::cli::{self, Disk, Invocation};
use spindle::logging;
use spindle::reactor::Reactor;
use spindle::server::config::Config;
use std::io::Write;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Counts what it gives out; INFO's used_memory is that count.
#[global_allocator]
static ALLOCATOR: Counting<mimalloc::MiMalloc> = Counting::new(mimalloc::MiMalloc);

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1), &mut Disk) {
        Ok(Invocation::Print(text)) => {
            // Who closes the pipe early has read enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Ok(Invocation::Run(config)) => serve(*config),
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

fn serve(config: Config) -> ExitCode {
    let logging = match logging::start(config.loglevel, config.logfile.as_deref()) {
        Ok(logging) => logging,
        Err(error) => return fail(&format!("the log cannot be opened: {error}")),
    };
    logging::announce(&config);
    let mut entropy = [0; 32];
    if let Err(error) = getrandom::fill(&mut entropy) {
        return fail(&format!("no entropy: {error}"));
    }
    let logging = std::rc::Rc::new(logging);
    let log = logging.clone();
    let reconfigured = move |config: &Config, name: &'static str| {
        if name == "loglevel" {
            log.set_level(config.loglevel);
        }
    };
    let mut reactor = match Reactor::start(config, entropy, Box::new(reconfigured)) {
        Ok(reactor) => reactor,
        Err(error) => {
            log::error!("{}", error.0);
            return ExitCode::FAILURE;
        }
    };
    match reactor.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("The poll failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("spindle: {message}");
    ExitCode::FAILURE
}
