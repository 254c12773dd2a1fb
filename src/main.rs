//! The program: reads the command line and does what it says.
use spindle::cli::{self, Disk, Invocation};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1), &mut Disk) {
        Ok(Invocation::Print(text)) => {
            // Who closes the pipe early has read enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Ok(Invocation::Run(config)) => {
            println!("would listen on {} port {}", config.bind.join(" "), config.port);
            ExitCode::SUCCESS
        }
        Ok(Invocation::Explain(words)) => {
            println!("would explain {words:?}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("spindle: {error}");
            ExitCode::FAILURE
        }
    }
}
