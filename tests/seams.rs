//! The seams of the engine, each with a fake user: what today's commands hardly need, and what later ones stand on.
//! The commands are those of tests/support/fakes.rs; the engine is driven by hand.

#[path = "support/fakes.rs"]
mod fakes;
#[path = "support/hand.rs"]
mod hand;

use fakes::FAKES;
use hand::{Bench, request, request_of};
use spindle::engine::{Address, Budget, ClientId, Close, Config, OUTPUT_BYTES_MAX, Step, Wish};
use spindle::store::{Barrier, Entry};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

fn bench() -> Bench {
    Bench::with_table(Config::default(), &FAKES)
}

// --- Waiting

#[test]
fn who_waits_first_is_served_first() {
    let mut bench = bench();
    let [one, two, three, pusher] = [(); 4].map(|()| bench.open());
    for id in [two, one, three] {
        assert_eq!(bench.ask(id, "WAIT k"), "");
    }
    for (expected, value) in [(two, "a"), (one, "b")] {
        assert_eq!(bench.ask(pusher, &format!("SET k {value}")), "+OK");
        assert_eq!(bench.text(expected), format!("$1 {value}"));
        assert_eq!(bench.ask(pusher, "GET k"), "$-1", "it was taken at once");
    }
    assert_eq!(bench.ask(pusher, "SET other x"), "+OK");
    assert_eq!(bench.text(three), "", "it waits for another key");
    assert_eq!(bench.ask(three, "ECHO later"), "", "what comes behind a wait waits too");
    assert_eq!(bench.ask(pusher, "SET k c"), "+OK");
    assert_eq!(bench.text(three), "$1 c $5 later");
}

#[test]
fn a_wait_ends_at_its_deadline_however_often_it_was_tried_again() {
    let mut bench = bench();
    let [waiter, pusher] = [(); 2].map(|()| bench.open());
    let ahead = [(); 3].map(|()| bench.open());
    ahead.iter().for_each(|id| bench.send(*id, "WAIT k"));
    bench.send(waiter, "WAIT k FOR 100");
    for id in ahead {
        bench.later(30_000);
        // One ahead takes it, and the waiter is tried in vain: its words must not say "100 ms from now" again.
        assert_eq!(bench.ask(pusher, "SET k v"), "+OK");
        assert_eq!(bench.text(id), "$1 v");
    }
    bench.tick();
    assert_eq!(bench.engine.next_deadline(bench.host.now), Some(1_100_000));
    bench.later(9_999);
    assert_eq!(bench.text(waiter), "");
    bench.later(1);
    assert_eq!(bench.text(waiter), "+LATE");
    bench.ask(pusher, "SET k w");
    assert_eq!(bench.ask(pusher, "GET k"), "$1 w", "nobody waits any more");
}

#[test]
fn who_is_gone_takes_nothing() {
    let mut bench = bench();
    let ids = [(); 5].map(|()| bench.open());
    let [closed, half, killed, left, pusher] = ids;
    for id in &ids[..4] {
        bench.send(*id, "WAIT k");
    }
    bench.close(closed);
    bench.engine.ended(half);
    assert_eq!(bench.engine.closing(half), Some(Close::AfterReply), "nobody reads what it waits for");
    bench.ask(pusher, &format!("KILL {} {}", killed.serial, killed.key));
    assert_eq!(bench.engine.closing(killed), Some(Close::Now));
    assert_eq!(bench.ask(pusher, "SET k v"), "+OK");
    assert_eq!(bench.text(left), "$1 v");
    bench.sweep();
    assert_eq!(bench.engine.client_count(), 2);
    // One that has sent its last word and then waits.
    bench.fill(left, &request("WAIT k"));
    bench.engine.ended(left);
    bench.run(left);
    bench.sweep();
    assert!(bench.closed.contains(&left));
    bench.ask(pusher, "SET k v");
    assert_eq!(bench.ask(pusher, "GET k"), "$1 v");
}

#[test]
fn a_wait_can_be_ended_from_outside() {
    let mut bench = bench();
    let [one, two, other] = [(); 3].map(|()| bench.open());
    bench.send(one, "WAIT k FOR 50");
    bench.send(two, "WAIT k");
    bench.ask(other, &format!("UNBLOCK {} {}", one.serial, one.key));
    assert_eq!(bench.text(one), "+LATE");
    bench.ask(other, &format!("UNBLOCK {} {} ERROR", two.serial, two.key));
    assert_eq!(bench.text(two), "-UNBLOCKED client unblocked via CLIENT UNBLOCK");
    bench.later(100_000);
    assert_eq!((bench.text(one), bench.ask(one, "ECHO x")), (String::new(), "$1 x".into()));
}

// --- Going on in slices

#[test]
fn a_task_goes_on_in_slices_while_others_are_served() {
    let mut bench = bench();
    let [slow, quick] = [(); 2].map(|()| bench.open());
    bench.fill(slow, &[request("COUNT 35"), request("ECHO after")].concat());
    for _ in 0..4 {
        assert_eq!(bench.step(slow), Step::More);
        assert_eq!(bench.text(slow), "");
        assert_eq!(bench.ask(quick, "ECHO quick"), "$5 quick");
    }
    bench.run(slow);
    assert_eq!(bench.text(slow), ":35 $5 after");
    // Closed in the middle, it is gone with its client.
    bench.fill(slow, &request("COUNT 1000"));
    bench.step(slow);
    bench.step(slow);
    bench.close(slow);
    bench.settle();
}

// --- Commands that run commands

#[test]
fn a_command_runs_commands_through_one_path() {
    let mut bench = bench();
    let id = bench.open();
    assert_eq!(bench.ask(id, "BOTH SET k v"), "*3 :5 :5 $5 +OK");
    assert_eq!(bench.ask(id, "TWICE GET k"), "*2 $1 v $1 v");
    // What is refused inside is a reply like any other.
    assert_eq!(bench.ask(id, "TWICE NONE x"), {
        let error = "-ERR unknown command 'NONE', with args beginning with: 'x'";
        format!("*2 {error}  {error}")
    });
    assert_eq!(bench.ask(id, "BOTH GET"), {
        let error = "-ERR wrong number of arguments for 'get' command\r\n";
        format!("*3 :{0} :{0} ${0} {1}", error.len(), error.trim_end())
    });
    // Not everything may run inside.
    assert_eq!(bench.ask(id, "TWICE TWICE GET k").matches("-ERR Command not allowed inside a transaction").count(), 2);
    // What would wait does not; what goes on in slices runs to its end.
    assert_eq!(bench.ask(id, "TWICE WAIT none FOR 1000"), "*2 +LATE +LATE");
    assert_eq!(bench.ask(id, "TWICE COUNT 95"), "*2 :95 :95");
    assert_eq!(bench.ask(id, "BOTH BOTH COUNT 95"), "*3 :23 :23 $23 *3 :5 :5 $5 :95");
    assert_eq!(bench.engine.next_deadline(bench.host.now).map(|at| at > bench.host.now.mono_us + 500_000), Some(false));
}

#[test]
fn effects_of_a_command_that_was_invoked_happen() {
    let mut bench = bench();
    let [waiter, id] = [(); 2].map(|()| bench.open());
    bench.send(waiter, "WAIT k");
    assert_eq!(bench.ask(id, "TWICE SET k v"), "*2 +OK +OK");
    assert_eq!(bench.text(waiter), "$1 v");
    assert_eq!(bench.ask(id, "TWICE LEAVE"), "*2 +OK +OK");
    assert_eq!(bench.engine.closing(id), Some(Close::AfterReply));
    assert_eq!(bench.ask(waiter, "SHUTDOWN"), "");
    assert_eq!(bench.wishes, [Wish::Shutdown]);
}

// --- The record, and replies that wait for it

fn recorded(bench: &mut Bench) -> (Vec<String>, u64) {
    let (entries, ticket) = bench.engine.take_record();
    let line =
        |(database, words): &(usize, spindle::command::words::OwnedWords)| format!("{database}: {}", words.request());
    (entries.iter().map(line).collect(), ticket)
}

#[test]
fn changes_are_recorded_in_absolute_form_and_nothing_else_is() {
    let mut bench = bench();
    let [id, waiter] = [(); 2].map(|()| bench.open());
    bench.send(id, "SET before x");
    bench.engine.start_recording();
    bench.send(waiter, "WAIT w FOR 1000");
    for line in ["SET a 1 PX 500", "SET b 2", "GET b", "DEL none", "DEL a", "NONE", "SET w 3", "TWICE SET c 4"] {
        bench.send(id, line);
    }
    let at = bench.host.now.wall_ms() + 500;
    let expected = [
        format!("0: SET a 1 PXAT {at}"),
        "0: SET b 2".into(),
        "0: DEL a".into(),
        "0: SET w 3".into(),
        "0: DEL w".into(),
        "0: SET c 4".into(),
        "0: SET c 4".into(),
    ];
    let (lines, ticket) = recorded(&mut bench);
    assert_eq!(lines, expected);
    bench.engine.release(ticket);
    assert_eq!(recorded(&mut bench).0, [""; 0]);
}

#[test]
fn what_expires_is_recorded_before_what_did_not_see_it() {
    let mut bench = bench();
    let id = bench.open();
    for line in ["SET met x PX 100", "SET over x PX 100", "SET both x PX 100", "SET left x PX 100", "SET stays x"] {
        bench.send(id, line);
    }
    bench.engine.start_recording();
    // Nobody has looked yet.
    bench.host.pass(100_000);
    for line in ["GET met", "SET over y", "TWICE SET both z", "GET stays"] {
        bench.send(id, line);
    }
    let lines = recorded(&mut bench).0;
    let met = ["0: DEL met", "0: DEL over", "0: SET over y", "0: DEL both", "0: SET both z", "0: SET both z"];
    assert_eq!(lines, met);
    bench.later(8_000);
    bench.tick();
    assert_eq!(recorded(&mut bench).0, ["0: DEL left"]);
}

#[test]
fn a_reply_waits_for_the_release_of_its_write() {
    let mut bench = bench();
    let [writer, reader, late] = [(); 3].map(|()| bench.open());
    bench.engine.start_recording();
    bench.fill(writer, &[request("ECHO a"), request("SET k v"), request("GET k")].concat());
    bench.run(writer);
    bench.send(reader, "GET k");
    // What stood before the write goes; the write, what comes behind it, and who has seen it wait.
    assert_eq!(bench.text(writer), "$1 a");
    assert_eq!(bench.text(reader), "");
    let (_, first) = recorded(&mut bench);
    // From here on a reply tells of nothing that is not known to be written.
    assert_eq!(bench.ask(late, "ECHO free"), "$4 free");
    bench.send(writer, "DEL k");
    let (_, second) = recorded(&mut bench);
    assert!(second > first);
    assert_eq!(bench.text(writer), "");
    bench.engine.release(first);
    assert_eq!((bench.text(writer), bench.text(reader)), ("+OK $1 v".into(), "$1 v".into()));
    bench.engine.release(second);
    assert_eq!(bench.text(writer), ":1");
    // A client that is to be closed is told first.
    bench.fill(writer, &[request("SET k v"), request("LEAVE")].concat());
    bench.run(writer);
    bench.sweep();
    assert!(!bench.closed.contains(&writer), "its replies are held");
    let (_, third) = recorded(&mut bench);
    bench.engine.release(third);
    assert_eq!(bench.text(writer), "+OK +OK");
    bench.sweep();
}

#[test]
fn a_waiter_that_was_served_waits_for_the_release_too() {
    let mut bench = bench();
    let [waiter, writer] = [(); 2].map(|()| bench.open());
    bench.engine.start_recording();
    bench.fill(waiter, &[request("ECHO a"), request("WAIT k")].concat());
    bench.run(waiter);
    bench.send(writer, "SET k v");
    assert_eq!((bench.text(waiter), bench.text(writer)), ("$1 a".into(), String::new()));
    let (lines, ticket) = recorded(&mut bench);
    assert_eq!(lines, ["0: SET k v", "0: DEL k"]);
    bench.engine.release(ticket);
    assert_eq!((bench.text(waiter), bench.text(writer)), ("$1 v".into(), "+OK".into()));
}

// --- Who sees entries before they change

type Image = BTreeMap<(usize, Vec<u8>), Option<String>>;

/// A snapshot that walks nothing: it only keeps what each entry was before its first change since the snapshot began.
struct Before {
    images: Rc<RefCell<Image>>,
    /// Where the database of this number was when the snapshot began.
    places: Vec<usize>,
}

impl Barrier for Before {
    fn before_change(&mut self, database: usize, key: &[u8], entry: Option<&Entry>) {
        let place = self.places[database];
        let image = || entry.map(|entry| fakes::line_of(place, key, entry));
        self.images.borrow_mut().entry((place, key.to_vec())).or_insert_with(image);
    }

    fn swapped(&mut self, one: usize, other: usize) {
        self.places.swap(one, other);
    }
}

#[test]
fn a_snapshot_can_tell_the_state_in_which_it_began() {
    let mut bench = bench();
    let [id, waiter] = [(); 2].map(|()| bench.open());
    for n in 0..20 {
        bench.send(id, &format!("SET k{n} {n}"));
        bench.send(id, &format!("SET e{n} {n} PX {}", 100 + n));
    }
    bench.send(waiter, "WAIT w");
    let whole = |bench: &mut Bench| -> BTreeSet<String> {
        bench.receive(id);
        let text = bench.ask(id, "WHOLE");
        text.split(' ').skip(1).map(String::from).collect()
    };
    let begun = whole(&mut bench);
    let images = Rc::new(RefCell::new(Image::new()));
    let places = (0..bench.engine.config().databases as usize).collect();
    bench.engine.set_barrier(Some(Box::new(Before { images: images.clone(), places })));
    // Every way to change: over, away, new, taken by a waiter, expired by a timer and by who meets it, swapped, flushed.
    for line in ["SET k1 x", "SET k2 y PX 900", "DEL k3", "SET new 1", "SET w 1", "SET k1 z"] {
        bench.send(id, line);
    }
    bench.host.pass(105_000);
    bench.send(id, "GET e3");
    bench.tick();
    bench.send(id, "SWAP 0 1");
    bench.send(id, "SET k5 after-the-swap");
    bench.send(id, "FLUSH 1");
    bench.send(id, "SET late 1");
    bench.send(id, "SWAP 0 1");
    bench.send(id, "SET k6 again");
    // The state now, without what has an image, and the images.
    let now = whole(&mut bench);
    let images = images.borrow();
    let untouched = now.into_iter().filter(|line| {
        let (place, rest) = line.split_once('/').unwrap_or_default();
        let key = rest.split('=').next().unwrap_or_default();
        place.parse().is_ok_and(|place| !images.contains_key(&(place, key.as_bytes().to_vec())))
    });
    let told: BTreeSet<String> = untouched.chain(images.values().flatten().cloned()).collect();
    assert_eq!(told, begun);
    assert!(images.values().any(Option::is_none), "some entries were new");
}

// --- Large values

#[test]
fn a_large_value_is_shared_and_never_copied() {
    let mut bench = bench();
    let [one, two] = [(); 2].map(|()| bench.open());
    let value = vec![b'v'; OUTPUT_BYTES_MAX];
    bench.fill(one, &request_of(&[b"SET", b"k", &value]));
    bench.run(one);
    assert_eq!(bench.text(one), "+OK");
    let mut places = vec![];
    for id in [one, two] {
        bench.send(id, "GET k");
        let chunk = bench.engine.pending(id).find(|chunk| chunk.len() == value.len()).expect("a chunk of its own");
        places.push(chunk.as_ptr());
    }
    assert_eq!(places[0], places[1]);
    // Whatever becomes of the key, what was answered stays.
    assert_eq!(bench.fill(one, b"PING\r\n"), 0, "who does not read so much is not read either");
    let other = bench.open();
    assert_eq!(bench.ask(other, "SET k x"), "+OK");
    for id in [one, two] {
        let received = bench.receive(id);
        assert_eq!(received.len(), value.len() + b"$1048576\r\n\r\n".len());
        assert!(received.ends_with(b"vv\r\n"));
    }
}

// --- Identity

#[test]
fn a_key_of_the_slab_that_is_used_again_is_another_client() {
    let mut bench = bench();
    let [old, other] = [(); 2].map(|()| bench.open());
    bench.engine.start_recording();
    bench.send(old, "SET held 1");
    bench.send(old, "WAIT k FOR 10");
    let (_, ticket) = recorded(&mut bench);
    bench.close(old);
    let new = bench.open();
    assert_eq!((old.key, old.serial == new.serial), (new.key, false));
    // Nothing that was meant for the old one reaches the new one: not the release, the key, the deadline, nor a kill.
    bench.engine.release(ticket);
    bench.send(other, "SET k v");
    bench.later(20_000);
    bench.send(other, &format!("KILL {} {}", old.serial, old.key));
    bench.send(other, &format!("UNBLOCK {} {}", old.serial, old.key));
    let (_, ticket) = recorded(&mut bench);
    bench.engine.release(ticket);
    assert_eq!((bench.text(new), bench.engine.closing(new)), (String::new(), None));
    assert_eq!(bench.ask(new, "ECHO new"), "$3 new");
    assert_eq!(bench.step(old), Step::Idle);
}

// --- Ticks and clocks

#[test]
fn commandstats_count_in_ticks_of_the_host() {
    let mut bench = bench();
    let id = bench.open();
    bench.budget = Budget { commands: 100, ..Budget::default() };
    let text = ["NAP 5", "ECHO x", "NAP 2000", "NAP 3", "BOTH NAP 7"].map(request).concat();
    bench.fill(id, &text);
    bench.run(id);
    let replies = bench.text(id);
    // After a command of more than a millisecond the clock is read again: the one behind it sees a later moment.
    assert_eq!(replies, ":1000000 $1 x :1000000 :1002005 *3 :10 :10 $10 :1002005");
    let row = |name: &[u8]| FAKES.named(name).expect("a fake").index as usize;
    let stats = |bench: &mut Bench, name| bench.engine.stats_mut().commands[row(name)].clone();
    let nap = stats(&mut bench, b"nap");
    assert_eq!((nap.calls, nap.ticks), (5, 10 * (5 + 2000 + 3 + 7 + 7)));
    let both = stats(&mut bench, b"both");
    assert_eq!((both.calls, both.ticks), (1, 10 * 14), "with what it invoked");
    bench.ask(id, "NAP x");
    bench.ask(id, "NAP");
    let nap = stats(&mut bench, b"nap");
    assert_eq!((nap.calls, nap.failed, nap.rejected), (6, 1, 1));
}

// --- Breathing

const BUSY: &str = "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";

#[test]
fn others_are_told_that_the_server_is_busy_and_one_can_stop_it() {
    let mut bench = bench();
    let [long, other, slow, killer] = [(); 4].map(|()| bench.open());
    bench.host.breaths.extend([
        vec![(other, request("GET k")), (slow, b"*2\r\n$4\r\nEC".to_vec())],
        vec![(other, request("NONE")), (long, request("ECHO not-now")), (slow, b"HO\r\n$1\r\nx\r\n".to_vec())],
        vec![(killer, request("SCRIPT KILL"))],
    ]);
    bench.fill(long, &[request("SPIN 10"), request("ECHO next")].concat());
    bench.run(long);
    assert_eq!(bench.host.breathed, 3);
    assert_eq!(bench.text(long), "-ERR stopped at breath 3 $4 next");
    assert_eq!(bench.text(other), format!("{BUSY} -ERR unknown command 'NONE', with args beginning with:"));
    assert_eq!(bench.text(slow), BUSY);
    assert_eq!(bench.text(killer), "+OK");
    // Afterwards all are served as ever; a request that was half there is whole.
    bench.host.breaths.push_back(vec![(slow, b"*2\r\n$4\r\nEC".to_vec())]);
    bench.host.breaths.push_back(vec![
        (killer, [request("SHUTDOWN"), request("SHUTDOWN SAVE")].concat()),
        (other, request("SHUTDOWN NOSAVE")),
    ]);
    assert_eq!(bench.ask(long, "SPIN 10"), "-ERR stopped at breath 2");
    assert_eq!((bench.text(killer), bench.wishes.as_slice()), (format!("{BUSY} {BUSY}"), &[Wish::Shutdown][..]));
    bench.fill(slow, b"HO\r\n$1\r\ny\r\n");
    bench.run(slow);
    assert_eq!(bench.text(slow), "$1 y");
    assert_eq!(bench.ask(killer, "SET k v"), "+OK");
}

#[test]
fn whoever_is_heard_in_the_middle_is_served_by_the_rules_of_every_request() {
    let mut bench = bench();
    bench.engine.config_mut().requirepass = "secret".into();
    let [long, stranger, queueing, broken, large] = [(); 5].map(|()| bench.open());
    for id in [long, queueing, large] {
        assert_eq!(bench.ask(id, "AUTH secret"), "+OK");
    }
    let sent = [request("GET k"), request("SCRIPT KILL"), request("AUTH secret"), request("GET k")].concat();
    let value = [request_of(&[b"SET", b"k", &vec![b'v'; 200_000]]), request("ECHO x")].concat();
    bench.host.breaths.push_back(vec![
        (stranger, sent),
        (queueing, [request("MULTI"), request("GET k"), request("EXEC"), request("DISCARD")].concat()),
        (broken, b"*1\r\nx\r\n".to_vec()),
        (large, value),
    ]);
    assert_eq!(bench.ask(long, "SPIN 1"), "+OK");
    assert_eq!(
        bench.text(stranger),
        format!("-NOAUTH Authentication required. {0} +OK {BUSY}", "-NOAUTH Authentication required.")
    );
    let discarded = format!("-EXECABORT Transaction discarded because of: {}", &BUSY[1..]);
    assert_eq!(bench.text(queueing), format!("+OK {BUSY} {discarded} -ERR DISCARD without MULTI"));
    assert_eq!(bench.text(broken), "-ERR Protocol error: expected '$', got 'x'");
    assert_eq!(bench.engine.closing(broken), Some(Close::AfterReply));
    assert_eq!(bench.text(large), format!("{BUSY} {BUSY}"));
    assert_eq!(bench.ask(large, "GET k"), "$-1");
}

#[test]
fn before_its_time_a_command_hears_nobody_and_a_transaction_is_told_apart() {
    const BUSY: &str = "-BUSY Redis is busy running a transaction. You can only call SHUTDOWN NOSAVE.";
    let mut bench = bench();
    let [long, other] = [(); 2].map(|()| bench.open());
    let run = |bench: &mut Bench, line: &str| {
        ["MULTI", line, line, line].iter().for_each(|line| bench.send(long, line));
        bench.receive(long);
        bench.ask(long, "EXEC")
    };
    run(&mut bench, "NAP 1600000");
    assert_eq!(bench.host.breathed, 0, "4.8 s are not 5 s");
    bench.host.breaths.push_back(vec![(other, [request("ECHO x"), request("SCRIPT KILL")].concat())]);
    assert!(run(&mut bench, "NAP 2600000").starts_with("*3 :"));
    assert_eq!(bench.host.breathed, 2, "after the second, and after the third");
    assert_eq!(bench.text(other), format!("{BUSY} -NOTBUSY No scripts in execution right now."));
    // A task that runs to its end inside of it breathes too; stopped, nothing of the transaction is told.
    bench.engine.start_recording();
    bench.host.drift = 50_000_000;
    bench.host.breathed = 0;
    bench.host.breaths.extend([vec![], vec![(other, request("SHUTDOWN NOSAVE"))]]);
    ["MULTI", "SET k v", "COUNT 1000"].iter().for_each(|line| bench.send(long, line));
    assert_eq!(bench.ask(long, "EXEC"), "+OK +QUEUED +QUEUED");
    assert_eq!((bench.host.breathed, bench.wishes.as_slice()), (2, &[Wish::Shutdown][..]));
    assert_eq!(bench.engine.closing(long), Some(Close::Now));
    assert_eq!(bench.engine.take_record().0.len(), 0);
    // 0 lets the others wait.
    let mut bench = self::bench();
    bench.engine.config_mut().busy_reply_threshold = 0;
    let long = bench.open();
    bench.send(long, "SPIN 10");
    assert_eq!(bench.host.breathed, 0);
}

// --- What a stopped batch leaves behind

#[test]
fn what_was_parsed_ahead_of_a_wait_is_served_when_it_ends() {
    let mut bench = bench();
    let [id, other] = [(); 2].map(|()| bench.open());
    let quoted = "WAIT k\r\nECHO \"a \\x41\"\r\nECHO 'b'\r\n";
    bench.send(id, quoted);
    bench.ask(other, "SET k v");
    assert_eq!(bench.text(id), "$1 v $3 a A $1 b");
    // A violation behind a wait is told after it.
    bench.send(id, "WAIT k\r\n*1\r\nx\r\n");
    assert_eq!((bench.text(id), bench.engine.closing(id)), (String::new(), None));
    bench.ask(other, "SET k w");
    assert_eq!(bench.text(id), "$1 w -ERR Protocol error: expected '$', got 'x'");
    assert_eq!(bench.engine.closing(id), Some(Close::AfterReply));
}

// --- Turns

#[test]
fn a_millisecond_ends_a_step() {
    let mut bench = Bench::new();
    bench.engine.config_mut().enable_debug_command = spindle::engine::config::Permission::Yes;
    let id = bench.open();
    bench.fill(id, b"DEBUG SLEEP 0.002\r\nDEBUG SLEEP 0.002\r\nPING\r\nx");
    assert_eq!((bench.step(id), bench.text(id).as_str()), (Step::More, "+OK"), "the others come first");
    assert_eq!((bench.step(id), bench.text(id).as_str()), (Step::More, "+OK"));
    assert_eq!((bench.step(id), bench.text(id).as_str()), (Step::Idle, "+PONG"));
}

/// What was parsed before its step is parsed again if it may no longer run as it was read.
#[test]
fn to_look_ahead_changes_nothing() {
    let mut bench = Bench::new();
    let ids: Vec<ClientId> = (0..6).map(|_| bench.open()).collect();
    let (kill, lower) = (ids[4], ids[5]);
    let held = format!("CLIENT KILL ID {}\r\n", kill.serial);
    let sent: [&[u8]; 6] = [
        held.as_bytes(),
        b"*2\r\n$4\r\nECHO\r\n$1\r\na\r\n*2\r\n$4\r\nEC",
        b"ECHO inline\r\n",
        b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$18\r\nproto-max-bulk-len\r\n$7\r\n1048576\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"*2\r\n$4\r\nECHO\r\n$1\r\nb\r\n*2\r\n$4\r\nECHO\r\n$1048577\r\n",
    ];
    for (id, bytes) in ids.iter().zip(sent) {
        assert_eq!(bench.fill(*id, bytes), bytes.len());
    }
    assert_eq!(bench.engine.look_ahead(&ids, &mut bench.host), ids.len());
    bench.engine.check();
    // More of it comes before the step.
    bench.fill(ids[1], b"HO\r\n$1\r\nc\r\n");
    let said = |bench: &mut Bench, at: usize| {
        let step = bench.step(ids[at]);
        (step, bench.text(ids[at]))
    };
    let told = |step, text: &str| (step, text.to_string());
    assert_eq!(said(&mut bench, 0), told(Step::Idle, ":1"));
    assert_eq!(said(&mut bench, 1), told(Step::Idle, "$1 a $1 c"));
    assert_eq!(said(&mut bench, 2), told(Step::Idle, "$6 inline"));
    assert_eq!(said(&mut bench, 3), told(Step::Idle, "+OK"));
    assert_eq!(bench.step(kill), Step::Closing, "it was killed with its request parsed");
    assert_eq!(said(&mut bench, 5), told(Step::Closing, "$1 b -ERR Protocol error: invalid bulk length"));
    assert_eq!(bench.engine.closing(lower), Some(Close::AfterReply));
    bench.engine.check();
}

#[test]
fn a_download_is_no_idleness() {
    let mut bench = Bench::new();
    bench.engine.config_mut().timeout = 2;
    let id = bench.open();
    let value = "x".repeat(4 << 20);
    bench.send(id, &format!("SET k {value}"));
    bench.fill(id, b"GET k\r\n");
    bench.step(id);
    for _ in 0..10 {
        bench.engine.wrote(id, 1000);
        bench.host.pass(1_000_000);
        bench.engine.tick(bench.host.now, &mut bench.host);
        assert_eq!(bench.engine.closing(id), None, "it takes what it is sent");
    }
    for _ in 0..4 {
        bench.host.pass(1_000_000);
        bench.engine.tick(bench.host.now, &mut bench.host);
    }
    assert_eq!(bench.engine.closing(id), Some(Close::Now), "it has stopped");
}

// --- Who is let in

#[test]
fn without_a_password_only_this_machine_is_served() {
    let peer = |text: &str| {
        let local = "10.0.0.9:6379".parse().expect("an address");
        Address::Tcp { peer: text.parse().expect("an address"), local }
    };
    let mut bench = bench();
    let mut told = |text| bench.engine.open(peer(text), bench.host.now).err();
    for near in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        assert_eq!(told(near), None, "{near}");
    }
    for far in ["10.0.0.8:1", "[2001:db8::1]:1", "[::ffff:10.0.0.8]:1"] {
        assert!(told(far).is_some_and(|text| text.starts_with("-DENIED ") && text.ends_with("\r\n")), "{far}");
    }
    bench.engine.config_mut().requirepass = "x".into();
    assert!(bench.engine.open(peer("10.0.0.8:1"), bench.host.now).is_ok());
    bench.engine.config_mut().requirepass = "".into();
    bench.engine.config_mut().protected_mode = false;
    assert!(bench.engine.open(peer("10.0.0.8:1"), bench.host.now).is_ok());
}

#[test]
fn a_byte_that_breaks_the_protocol_comes_back_as_it_is() {
    let mut bench = bench();
    for (got, back) in [(0xff, 0xff), (0x80, 0x80), (1, 1), (b'\'', b'\''), (b'\n', b' ')] {
        let id = bench.open();
        bench.fill(id, &[b'*', b'1', b'\r', b'\n', got, b'\r', b'\n']);
        bench.run(id);
        assert_eq!(bench.receive(id), [b"-ERR Protocol error: expected '$', got '", &[back][..], b"'\r\n"].concat());
    }
}

#[test]
fn what_stands_behind_a_change_of_limits_is_read_under_the_new_ones() {
    let mut bench = Bench::new();
    bench.engine.config_mut().requirepass = "p".into();
    let id = bench.open();
    // Eleven words, one more than a stranger may send: parsed ahead, they were within the limits.
    let eleven = format!("*11\r\n{}", "$4\r\nPING\r\n".repeat(11));
    assert_eq!(bench.ask(id, "AUTH p"), "+OK");
    bench.fill(id, format!("RESET\r\n{eleven}").as_bytes());
    bench.step(id);
    assert_eq!(bench.text(id), "+RESET -ERR Protocol error: unauthenticated multibulk length");
}

// --- Ten thousand who wait

/// With Spindle's own commands: each push serves who came first, and looks at nobody else.
#[test]
fn ten_thousand_wait_for_one_key_and_each_push_serves_one() {
    const CLIENTS: usize = 10_000;
    let mut bench = Bench::new();
    bench.engine.config_mut().maxclients = 20_000;
    let pusher = bench.open();
    let ids: Vec<_> = (0..CLIENTS).map(|_| bench.open()).collect();
    for id in &ids {
        bench.send(*id, "BLPOP k 0");
    }
    // Of another type: nobody is served.
    assert_eq!(bench.ask(pusher, "SET k v"), "+OK");
    assert_eq!(bench.ask(pusher, "DEL k"), ":1");
    for id in ids.iter().skip(1).step_by(2) {
        bench.close(*id);
    }
    for (n, id) in ids.iter().step_by(2).enumerate() {
        assert_eq!(bench.ask(pusher, &format!("RPUSH k {n}")), ":1");
        assert_eq!(bench.text(*id), format!("*2 $1 k ${} {n}", n.to_string().len()));
    }
    assert_eq!(bench.ask(pusher, "RPUSH k left"), ":1");
    assert_eq!(bench.ask(pusher, "LLEN k"), ":1", "nobody waits any more");
}
