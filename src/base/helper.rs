//! Helper threads, which share memory with the server and nothing else: no open files, no signals. They never run a
//! command.
//!
//! While two threads share a table of open files, the kernel counts who uses a socket, with locked instructions, at each
//! call: 95 ns of a GET at depth 1, where the server's own code takes 800 (perf's samples).
#![allow(unsafe_code)]

use nix::libc;
use nix::sys::signal::SigSet;
use std::io;
use std::thread::{self, JoinHandle};

/// Starts a thread that has standard input, output and error, and no other file of this process. Where the kernel is
/// older than 5.9, it has them all.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(move || {
        // A handler would write to files that are not there. In this order: until then they are.
        SigSet::all().thread_block().expect("a mask of all signals is valid");
        leave_files();
        run();
    })
}

/// Not `unshare`: containers forbid it, and the copies of sockets would keep connections open that the server closes.
#[cfg(all(target_os = "linux", not(miri)))]
fn leave_files() {
    let first: libc::c_uint = libc::STDERR_FILENO as libc::c_uint + 1;
    // SAFETY: three numbers. What is closed is closed in a table that is this thread's alone from then on, or nothing is;
    // and this thread owns no file yet.
    unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_UNSHARE) };
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn leave_files() {}

#[cfg(all(test, target_os = "linux", not(miri)))]
mod tests {
    use super::*;
    use std::fs::{self, File};

    #[test]
    fn a_helper_has_no_files_of_the_server_and_the_server_keeps_them() {
        let kept = File::open("/proc/self/status").unwrap();
        let open = || fs::read_dir("/proc/thread-self/fd").unwrap().count();
        // Reading the directory is a file, too.
        let theirs = spawn("helper", move || assert_eq!(open(), 4)).unwrap();
        theirs.join().unwrap();
        assert!(open() > 4 && io::read_to_string(kept).unwrap().contains("Name:"));
    }
}
