//! The built server and real sockets: what only the kernel can do to it. Each test has a server of its own, on a port of
//! its own. Nothing here measures time: where processor time is looked at, a spin would use a hundred times what is allowed.
//!
//! The large one wants memory and is run by `cargo test --test sockets -- --ignored`, as .ci/run does.

#[path = "support/process.rs"]
mod process;

use process::{Client, Server, eventually, failure, scratch, start_unheard};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::time::Duration;

fn set_header(key: &str, length: usize) -> String {
    format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n${length}\r\n", key.len())
}

/// Sets a key to so many bytes without holding them.
fn set_large(client: &mut Client, key: &str, length: usize) {
    client.send(set_header(key, length));
    let piece = vec![b'v'; 1 << 20];
    let mut left = length;
    while left > 0 {
        let count = left.min(piece.len());
        client.send(&piece[..count]);
        left -= count;
    }
    assert_eq!(client.ask("\r\n"), "+OK");
}

/// Its end may come before it waits or after, behind a little more than is read meanwhile. (Behind much more it does not
/// come at all: the kernel keeps it from us.)
#[test]
fn who_goes_while_it_waits_takes_nothing() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let mut other = server.connect();
    for before in ["", "DEBUG SLEEP 0.3\r\n"] {
        let mut gone = server.connect();
        gone.send(format!("{before}BLPOP k 0\r\n{}", "SET a b\r\n".repeat(124_500)));
        drop(gone);
        eventually("nobody is left but who asks", || {
            other.send("INFO clients\r\n");
            String::from_utf8_lossy(&other.bulk()).contains("connected_clients:1\r\n")
        });
        assert_eq!((other.ask("RPUSH k x\r\n"), other.ask("DEL k a\r\n")), (":1".into(), ":1".into()));
    }
}

/// Who only says that it will send no more gets what was answered before, and then the end: no reset, which would take
/// from it what it has not read.
#[test]
fn who_ends_its_side_while_it_waits_gets_its_replies() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send(format!("{}BLPOP k 0\r\n{}", "GET x\r\n".repeat(1_000), "SET a b\r\n".repeat(124_500)));
    client.stream.shutdown(std::net::Shutdown::Write).expect("it is connected");
    assert_eq!(client.rest(), "$-1\r\n".repeat(1_000));
}

// --- Bytes

#[test]
fn requests_and_replies_may_be_cut_at_any_byte() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let pipeline = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhe\r\nl\r\nGET k\r\n*2\r\n$4\r\nECHO\r\n$0\r\n\r\nPING\r\n";
    let expected = "+OK\r\n$5\r\nhe\r\nl\r\n$0\r\n\r\n+PONG\r\n";
    let mut answer = vec![0; expected.len()];
    for byte in pipeline {
        client.send([*byte]);
    }
    client.stream.read_exact(&mut answer).expect("all replies");
    assert_eq!(answer, expected.as_bytes());
    for at in 0..pipeline.len() {
        let (first, second) = pipeline.split_at(at);
        client.send(first);
        // What can be answered is answered before the rest is sent.
        if at > 42 {
            assert_eq!(client.line(), "+OK");
        }
        client.send(second);
        let from = if at > 42 { 5 } else { 0 };
        client.stream.read_exact(&mut answer[from..]).expect("all replies");
        assert_eq!(&answer[from..], &expected.as_bytes()[from..], "cut at {at}");
    }
}

#[test]
fn a_large_reply_leaves_in_pieces_while_others_are_served() {
    let server = Server::start(&[]);
    let [mut slow, mut quick] = [server.connect(), server.connect()];
    set_large(&mut slow, "k", 20 << 20);
    slow.send("GET k\r\nECHO after\r\n");
    assert_eq!(quick.ask("PING\r\n"), "+PONG");
    assert_eq!(slow.bulk(), vec![b'v'; 20 << 20]);
    assert_eq!(slow.bulk(), b"after");
}

/// An idle server does not keep it, be it huge, or the allocator's in one piece or in many.
#[test]
fn the_memory_of_large_values_is_given_back_though_nothing_happens() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for (count, length) in [(1, 64 << 20), (1, 24 << 20), (96, 256 << 10)] {
        let keys: Vec<String> = (0..count).map(|at| format!("k{at}")).collect();
        keys.iter().for_each(|key| set_large(&mut client, key, length - 100));
        let (held, whole) = (server.memory_kb().0, count * length / 1024);
        assert!(held > whole, "{held}");
        assert_eq!(client.ask(format!("DEL {}\r\n", keys.join(" "))), format!(":{count}"));
        eventually("its memory is given back", || server.memory_kb().0 < held - whole + 4096);
    }
}

#[test]
fn who_closes_one_side_is_still_answered() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send("SET k v\r\nGET k\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$9\r\nunfin");
    client.end();
    assert_eq!(client.rest(), "+OK\r\n$1\r\nv\r\n+PONG\r\n");
    let mut client = server.connect();
    client.send(format!("SET large {}\r\n", "x".repeat(60_000)));
    client.send("GET large\r\n".repeat(300));
    client.end();
    assert_eq!(client.rest().len(), 5 + 300 * (60_000 + 10));
}

#[test]
fn a_reset_in_the_middle_of_a_write_concerns_nobody_else() {
    let server = Server::start(&[]);
    let mut other = server.connect();
    set_large(&mut other, "k", 10 << 20);
    for round in 0..10 {
        let mut client = server.connect();
        client.send("GET k\r\n".repeat(5));
        if round % 2 == 0 {
            assert_eq!(client.line(), "$10485760");
        }
        client.send(&set_header("half", 1 << 20)[..20 + round]);
        client.reset();
        assert_eq!(other.ask("PING\r\n"), "+PONG");
    }
    eventually("only one client is left", || clients(&mut other) == 1);
}

#[test]
fn who_comes_in_the_middle_of_a_long_transaction_is_told_so_and_can_end_it() {
    const BUSY: &str = "-BUSY Redis is busy running a transaction. You can only call SHUTDOWN NOSAVE.";
    let mut server = Server::start(&["--busy-reply-threshold", "1", "--requirepass", "secret"]);
    let [mut long, mut before] = [server.connect(), server.connect()];
    for client in [&mut long, &mut before] {
        assert_eq!(client.ask("AUTH secret\r\n"), "+OK");
    }
    for from in (0..20_000).step_by(1000) {
        let keys: String = (from..from + 1000).map(|n| format!(" key:{n} v")).collect();
        assert_eq!(long.ask(format!("MSET{keys}\r\n")), "+OK");
    }
    assert_eq!(long.ask("MULTI\r\n"), "+OK");
    // It would take many minutes.
    for _ in 0..500 {
        long.send("KEYS none*\r\n".repeat(1000));
        (0..1000).for_each(|_| assert_eq!(long.line(), "+QUEUED"));
    }
    long.send("EXEC\r\n");
    eventually("it runs long enough to be told", || before.ask("PING\r\n") == BUSY);
    before.send("GET k\r\nAUTH wrong\r\nMULTI\r\nNONE\r\n");
    let told = [BUSY, "-WRONGPASS", "+OK", "-ERR unknown command"];
    told.iter().for_each(|line| assert!(before.line().starts_with(line), "{line}"));
    let mut new = server.connect();
    assert_eq!(new.ask("SHUTDOWN NOSAVE\r\n"), "-NOAUTH Authentication required.");
    new.send("AUTH secret\r\nSHUTDOWN\r\nSHUTDOWN NOSAVE\r\n");
    assert_eq!([new.line(), new.line()], ["+OK", BUSY]);
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(long.rest(), "", "nothing of a transaction that was not finished is told");
}

/// How many clients there are.
fn clients(client: &mut Client) -> usize {
    client.send("CLIENT LIST\r\n");
    client.bulk().iter().filter(|byte| **byte == b'\n').count()
}

#[test]
fn the_last_error_survives_input_that_was_not_read() {
    let server = Server::start(&[]);
    for _ in 0..5 {
        let mut client = server.connect();
        client.send("*1\r\nx\r\n");
        // The server may close before it has seen all of this; what it said must arrive all the same.
        let _ = client.stream.write_all(&vec![b'y'; 600_000]);
        assert_eq!(client.rest(), "-ERR Protocol error: expected '$', got 'x'\r\n");
        let mut client = server.connect();
        client.send("QUIT\r\n");
        let _ = client.stream.write_all(&b"PING\r\n".repeat(1000));
        assert_eq!(client.rest(), "+OK\r\n");
    }
}

#[test]
fn http_is_an_attack() {
    let server = Server::start(&[]);
    for line in ["POST / HTTP/1.1\r\n", "Host: localhost\r\n", "*1\r\n$5\r\nhost:\r\n"] {
        let mut client = server.connect();
        client.send([line, "SET stolen 1\r\n"].concat());
        let mut bytes = vec![];
        // A reset is as good as an end here.
        let _ = client.stream.read_to_end(&mut bytes);
        assert_eq!(bytes, b"", "{line}");
        // Nor is answered what came in the same piece before it.
        let mut client = server.connect();
        client.send(["SET before 1\r\n", line].concat());
        let mut bytes = vec![];
        let _ = client.stream.read_to_end(&mut bytes);
        assert_eq!(bytes, b"", "{line}");
    }
    assert_eq!(server.connect().ask("EXISTS before\r\n"), ":1");
    assert_eq!(server.connect().ask("EXISTS stolen\r\n"), ":0");
    eventually("the log says so", || server.log().matches("Possible SECURITY ATTACK detected").count() == 6);
}

// --- Many clients

#[test]
fn a_flood_of_connections_is_accepted() {
    let server = Server::start(&[]);
    let mut many: Vec<Client> = (0..600).map(|_| server.connect()).collect();
    for client in &mut many {
        client.send("PING\r\n");
    }
    for client in &mut many {
        assert_eq!(client.line(), "+PONG");
    }
    assert_eq!(clients(&mut many[0]), 600);
}

#[test]
fn one_client_too_many_is_told_so() {
    let server = Server::start(&["--maxclients", "3"]);
    let mut three: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    for client in &mut three {
        assert_eq!(client.ask("PING\r\n"), "+PONG");
    }
    for _ in 0..20 {
        assert_eq!(server.connect().rest(), "-ERR max number of clients reached\r\n");
    }
    three.pop();
    eventually("there is room again", || {
        let mut client = server.connect();
        client.ask("PING\r\n") == "+PONG"
    });
}

#[test]
fn who_is_idle_for_too_long_is_closed() {
    let server = Server::start(&["--timeout", "1"]);
    assert_eq!(server.connect().rest(), "");
}

/// The server can have so many descriptors more than it has.
fn limit_descriptors(server: &Server, more: usize) {
    let directory = std::fs::read_dir(format!("/proc/{}/fd", server.child.id())).expect("a process of ours");
    let number = |name: std::ffi::OsString| name.to_str().and_then(|name| name.parse::<usize>().ok());
    let used: Vec<usize> = directory.filter_map(|entry| number(entry.ok()?.file_name())).collect();
    // The limit is one of numbers. What the server inherited may have a high one.
    let limit = (0..).filter(|number| !used.contains(number)).nth(more).expect("numbers go on");
    let limited = Command::new("prlimit")
        .args([format!("--pid={}", server.child.id()), format!("--nofile={limit}:{limit}")])
        .status()
        .expect("prlimit (util-linux) runs");
    assert!(limited.success());
}

const TOO_MANY: &str = "-ERR max number of clients reached";

#[test]
fn without_descriptors_others_are_told_so_and_nothing_spins() {
    let server = Server::start(&[]);
    let mut first = server.connect();
    assert_eq!(first.ask("PING\r\n"), "+PONG");
    limit_descriptors(&server, 5);
    let mut served: Vec<Client> = (0..5).map(|_| server.connect()).collect();
    for client in &mut served {
        assert_eq!(client.ask("PING\r\n"), "+PONG");
    }
    // These stay and say nothing: the descriptor with which one is told must serve for the next.
    let mut told: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    for client in &mut told {
        assert_eq!(client.rest(), format!("{TOO_MANY}\r\n"));
    }
    // What these have sent before they are accepted does not destroy what they are told.
    for _ in 0..20 {
        let mut client = server.connect();
        client.send("PING\r\n");
        assert_eq!(client.line(), TOO_MANY);
    }
    let before = server.cpu();
    std::thread::sleep(Duration::from_secs(1));
    let used = server.cpu() - before;
    assert!(used < Duration::from_millis(300), "{used:?} of processor time in a second");
    let said = server.log().matches("Accepting a client connection").count();
    assert_eq!(said, 1, "forty tries are one warning: {}", server.log());
    first.send("INFO stats\r\n");
    let stats = first.bulk();
    assert!(memchr::memmem::find(&stats, b"rejected_connections:40\r\n").is_some());
    // As some leave, others come in.
    drop(served);
    eventually("their places are free", || clients(&mut first) == 1);
    let mut again: Vec<Client> = (0..5).map(|_| server.connect()).collect();
    for client in &mut again {
        assert_eq!(client.ask("PING\r\n"), "+PONG");
    }
    assert_eq!(first.ask("PING\r\n"), "+PONG");
}

/// Who was told that there are too many keeps a descriptor until he hangs up. Nobody waits for that.
#[test]
fn who_stays_after_he_was_told_keeps_nobody_waiting() {
    let server = Server::start(&["--maxclients", "3"]);
    let mut served: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    for client in &mut served {
        assert_eq!(client.ask("PING\r\n"), "+PONG");
    }
    limit_descriptors(&server, 4);
    let mut told: Vec<Client> = (0..60).map(|_| server.connect()).collect();
    for client in &mut told {
        assert_eq!(client.rest(), format!("{TOO_MANY}\r\n"));
    }
    for client in &mut served {
        assert_eq!(client.ask("PING\r\n"), "+PONG");
    }
    assert!(!server.log().contains("Accepting a client connection"), "{}", server.log());
}

#[test]
fn a_thousand_idle_connections_cost_no_processor_time() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(8192), hard).expect("as many as are allowed");
    let server = Server::start(&[]);
    let mut many: Vec<Client> = (0..1000).map(|_| server.connect()).collect();
    for client in &mut many {
        assert_eq!(client.ask("PING\r\n"), "+PONG");
    }
    // What the last command left to be done is done.
    std::thread::sleep(Duration::from_millis(300));
    let before = server.cpu();
    std::thread::sleep(Duration::from_secs(2));
    let used = server.cpu() - before;
    assert!(used <= Duration::from_millis(50), "{used:?} of processor time in two seconds");
}

// --- Memory

/// As redis-py sends a pipeline. What the sockets hold between them is less than all replies, and less than all requests.
#[test]
fn who_reads_nothing_before_all_is_sent_gets_all_replies() {
    let server = Server::start(&[]);
    let [mut client, mut other] = [server.connect(), server.connect()];
    client.stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    let (key, value) = ("w".repeat(100), "v".repeat(1000));
    assert_eq!(other.ask(format!("SET {key} {value}\r\n")), "+OK");
    // Replies as long as their requests, and such that a step answers few of what a read brings.
    for (command, answer, count) in [("ECHO", &key, 200_000), ("GET", &value, 100_000)] {
        client.send(format!("*2\r\n${}\r\n{command}\r\n$100\r\n{key}\r\n", command.len()).repeat(count));
        let expected = format!("${}\r\n{answer}\r\n", answer.len());
        let mut answer = vec![0; expected.len()];
        for _ in 0..count {
            client.stream.read_exact(&mut answer).expect("all replies");
            assert_eq!(answer, expected.as_bytes());
        }
        eventually("what was lent is given back", || unread_output(&mut other) == 0);
        assert_eq!(client.ask("PING\r\n"), "+PONG");
    }
}

/// What others see of the client that has most to read.
fn unread_output(client: &mut Client) -> usize {
    client.send("CLIENT LIST\r\n");
    let text = String::from_utf8(client.bulk()).expect("text");
    let unread = |line: &str| line.split(' ').find_map(|field| field.strip_prefix("omem="))?.parse::<usize>().ok();
    text.lines().filter_map(unread).sum()
}

#[test]
fn who_does_not_read_costs_no_more_than_what_is_shared() {
    const VALUE: usize = 100 << 20;
    let server = Server::start(&[]);
    let [mut client, mut other] = [server.connect(), server.connect()];
    set_large(&mut client, "k", VALUE);
    client.send("GET k\r\n");
    assert_eq!(client.bulk().len(), VALUE);
    let (before_kb, _) = server.memory_kb();
    client.send("GET k\r\n".repeat(1000));
    eventually("the server has answered what it will", || unread_output(&mut other) > VALUE / 2);
    assert_eq!(other.ask("PING\r\n"), "+PONG");
    let (after_kb, _) = server.memory_kb();
    assert!(after_kb <= before_kb + 2048, "{before_kb} KB before, {after_kb} KB after");
    // Overwritten, the old value lives as long as somebody is to read it.
    assert_eq!(other.ask("SET k v\r\n"), "+OK");
    assert_eq!(client.bulk().len(), VALUE);
    assert_eq!(client.bulk(), b"v");
    drop(client);
    eventually("it is given back", || server.memory_kb().0 + VALUE / 1024 / 2 < before_kb);
}

/// What one may have unsent depends on what others have; when one goes another goes on, though nothing comes from him.
#[test]
fn who_was_refused_more_goes_on_when_some_comes_back() {
    const VALUE: usize = 64 << 20;
    let server = Server::start(&[]);
    let [mut first, mut second, mut other] = [server.connect(), server.connect(), server.connect()];
    set_large(&mut other, "k", VALUE);
    first.send("GET k\r\n".repeat(100));
    eventually("half a gigabyte is lent", || {
        first.send("PING\r\n");
        unread_output(&mut other) > 1 << 29
    });
    second.send("GET k\r\n".repeat(6));
    eventually("and half of what is left", || {
        second.send("PING\r\n");
        unread_output(&mut other) > (1 << 29) + (1 << 28)
    });
    // He is held up, and then sends more.
    second.send("PING\r\n");
    assert_eq!(other.ask("PING\r\n"), "+PONG");
    assert_eq!(other.ask("PING\r\n"), "+PONG");
    drop(first);
    eventually("the first is gone", || unread_output(&mut other) < 1 << 29);
    eventually("the second is answered", || unread_output(&mut other) > VALUE * 11 / 2);
}

#[test]
fn a_header_alone_takes_no_memory() {
    // So many that the two megabytes of a huge page do not count.
    const CLIENTS: usize = 400;
    let server = Server::start(&[]);
    let mut many: Vec<Client> = (0..CLIENTS).map(|_| server.connect()).collect();
    for client in &mut many {
        assert_eq!(client.ask("PING\r\n"), "+PONG");
    }
    let (before_kb, _) = server.memory_kb();
    let mut text = set_header("k", 512 << 20).into_bytes();
    text.extend_from_slice(b"and some bytes of it");
    for byte in text {
        for client in &mut many {
            client.send([byte]);
        }
    }
    // A connection is read after those that were ready before it.
    assert_eq!(server.connect().ask("PING\r\n"), "+PONG");
    let (after_kb, _) = server.memory_kb();
    assert!(after_kb <= before_kb + CLIENTS * 16, "{before_kb} KB before, {after_kb} KB after, for {CLIENTS} clients");
}

#[test]
#[ignore = "wants 600 MB of memory for the server"]
fn half_a_gigabyte_is_read_once_into_memory_of_its_size() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    assert_eq!(client.ask("PING\r\n"), "+PONG");
    let (before_kb, _) = server.memory_kb();
    set_large(&mut client, "k", 512 << 20);
    let (_, peak_kb) = server.memory_kb();
    let value_kb = 512 * 1024;
    assert!(peak_kb <= before_kb + value_kb + 16 * 1024, "{before_kb} KB before, {peak_kb} KB at most");
    client.send("GET k\r\n");
    assert_eq!(client.line(), "$536870912");
    let (mut left, mut room) = ((512 << 20) + 2, vec![0; 1 << 20]);
    while left > 0 {
        let most = room.len().min(left);
        left -= client.stream.read(&mut room[..most]).expect("the value");
    }
    let (_, peak_kb) = server.memory_kb();
    assert!(peak_kb <= before_kb + value_kb + 16 * 1024, "{peak_kb} KB at most, with a reader");
    println!("{before_kb} KB before, {peak_kb} KB at most");
}

// --- Start and end

#[test]
fn a_port_in_use_is_said_and_ends_it() {
    let server = Server::start(&[]);
    let (code, text) = failure(&["--port", &server.port.to_string()]);
    assert_eq!(code, Some(1), "{text}");
    let port = server.port;
    assert!(text.contains(&format!("Failed listening on port {port} (tcp), aborting.")), "{text}");
    assert!(text.contains("another server has this port"), "{text}");
    assert_eq!(server.connect().ask("PING\r\n"), "+PONG");
}

#[test]
fn signals_end_it_cleanly() {
    for name in ["TERM", "INT"] {
        let path = scratch("socket");
        let mut server = Server::start(&["--unixsocket", path.to_str().expect("text")]);
        let mut client = server.connect();
        assert_eq!(client.ask("SET k v\r\n"), "+OK");
        server.signal("HUP");
        assert_eq!(client.ask("GET k\r\n"), "$1");
        server.signal(name);
        assert_eq!(server.wait().code(), Some(0), "{}", server.log());
        assert!(server.log().contains(&format!("Received SIG{name} scheduling shutdown")), "{}", server.log());
        assert!(!path.exists(), "its socket file is gone");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    assert_eq!(client.ask("PING\r\n"), "+PONG");
    client.send("DEBUG SLEEP 600\r\n");
    // The kernel keeps what it is told while it sleeps: the second signal must be another one than the first.
    let mut ended = None;
    eventually("it ends", || {
        server.signal("INT");
        std::thread::sleep(Duration::from_millis(20));
        ended = server.child.try_wait().expect("its state");
        ended.is_some()
    });
    assert_eq!(ended.and_then(|status| status.code()), Some(1));
}

#[test]
fn shutdown_ends_it() {
    let mut server = Server::start(&[]);
    let mut client = server.connect();
    client.send("SHUTDOWN NOSAVE\r\n");
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    assert_eq!(client.rest(), "");
}

#[test]
fn a_full_pipe_for_the_log_holds_nobody_up() {
    let server = start_unheard(&["--loglevel", "debug"]);
    // Each connection and each request is a line or more: far beyond what a pipe and the queue hold.
    let mut client = server.connect();
    for n in 0..20_000 {
        client.send("PING\r\n");
        assert_eq!(client.line(), "+PONG", "{n}");
        if n % 100 == 0 {
            assert_eq!(server.connect().ask("PING\r\n"), "+PONG");
        }
    }
}

// --- Unix sockets

#[test]
fn unix_sockets_stale_live_and_with_permissions() {
    let path = scratch("socket");
    let text = path.to_str().expect("text");
    // A file that nobody listens on any more.
    drop(UnixListener::bind(&path).expect("a socket file"));
    let server = Server::start(&["--unixsocket", text, "--unixsocketperm", "700"]);
    let mode = std::fs::metadata(&path).expect("the socket file").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let stream = UnixStream::connect(&path).expect("a connection");
    stream.set_read_timeout(Some(process::PATIENCE)).expect("a bound");
    let mut client = Client { stream };
    assert_eq!(client.ask("SET k v\r\n"), "+OK");
    client.send("GET k\r\n".repeat(1000));
    for _ in 0..1000 {
        assert_eq!(client.bulk(), b"v");
    }
    // One that is alive is not taken away, and a file that is no socket is not touched.
    let (code, said) = failure(&["--port", "0", "--unixsocket", text]);
    assert!(code == Some(1) && said.contains("another server listens on it"), "{said}");
    assert_eq!(client.ask("PING\r\n"), "+PONG");
    drop(server);
    let file = scratch("file");
    std::fs::write(&file, "precious").expect("a file");
    let (code, said) = failure(&["--port", "0", "--unixsocket", file.to_str().expect("text")]);
    assert!(code == Some(1) && said.contains("no socket"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "precious");
    std::fs::remove_file(&file).expect("ours");
    let _ = std::fs::remove_file(&path);
}
