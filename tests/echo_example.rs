//! The echo server of examples/, over real sockets: what it teaches must be true. It has no clock, so nothing here depends
//! on how fast the machine is.

#[path = "../examples/echo.rs"]
#[allow(dead_code)]
mod echo;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;

/// Starts an echo server that lives as long as the test process.
fn start() -> SocketAddr {
    let listener = mio::net::TcpListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(|| echo::serve(listener).unwrap());
    address
}

fn pattern(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i % 251) as u8).collect()
}

#[test]
fn every_byte_comes_back_in_order_through_partial_writes() {
    let stream = TcpStream::connect(start()).unwrap();
    let sent = pattern(32 << 20); // far more than the buffers of both kernels' ends hold
    let (mut writer, expected) = (stream.try_clone().unwrap(), sent.clone());
    let sender = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut got = Vec::new();
    (&stream).read_to_end(&mut got).unwrap();
    sender.join().unwrap();
    assert!(got == expected, "{} bytes came back of {}", got.len(), expected.len());
}

#[test]
fn a_half_closed_client_still_gets_all_that_it_is_owed() {
    let mut stream = TcpStream::connect(start()).unwrap();
    stream.write_all(b"last words").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut got = String::new();
    stream.read_to_string(&mut got).unwrap(); // to the end of file, so the server's shutdown is seen too
    assert_eq!(got, "last words");
}

#[test]
fn a_client_that_does_not_read_is_stopped_and_no_other_notices() {
    let address = start();
    let mut deaf = TcpStream::connect(address).unwrap();
    deaf.set_nonblocking(true).unwrap();
    // Write until nothing more is taken, and each time see that another client is served. Were the server to take all it
    // can get, this would end at the limit. Kernels grow their buffers to some megabytes per side, so the limit is high.
    let (block, mut taken, mut refused) = (pattern(1 << 16), 0usize, 0);
    while refused < 20 && taken < 256 << 20 {
        match deaf.write(&block[taken % 251..]) {
            Ok(n) => (taken, refused) = (taken + n, 0),
            Err(e) if e.kind() == ErrorKind::WouldBlock => refused += 1,
            Err(e) => panic!("{e}"),
        }
        let mut other = TcpStream::connect(address).unwrap();
        other.write_all(b"hello").unwrap();
        let mut got = [0; 5];
        other.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"hello");
    }
    assert!(refused == 20, "the server took {taken} bytes from a client that reads nothing");
    // It reads at last, and has lost nothing.
    deaf.set_nonblocking(false).unwrap();
    deaf.shutdown(Shutdown::Write).unwrap();
    let mut got = Vec::new();
    deaf.read_to_end(&mut got).unwrap();
    assert!(got == pattern(taken), "{} bytes came back of {taken}", got.len());
}

#[test]
fn a_reset_ends_one_client_only() {
    let address = start();
    let mut calm = TcpStream::connect(address).unwrap();
    for _ in 0..50 {
        let mut rude = TcpStream::connect(address).unwrap();
        rude.write_all(&pattern(100_000)).unwrap();
        drop(rude); // unread input: the kernel sends a reset
        calm.write_all(b"still here").unwrap();
        let mut got = [0; 10];
        calm.read_exact(&mut got).unwrap();
        assert_eq!(&got, b"still here");
    }
}
