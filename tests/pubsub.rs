//! Publish and subscribe where transcripts cannot look: clients that do not read, limits that are passed, long requests
//! that must not hold up others. The engine is driven by hand.

#[path = "support/hand.rs"]
mod hand;

use hand::{Bench, request_of};
use spindle::base::random::Chance;
use spindle::engine::config::Source;
use spindle::engine::{COMMANDS, ClientId, Close, Config, OUTPUT_BYTES_MAX, Step};

fn with(settings: &[(&str, &str)]) -> Bench {
    let mut config = Config::default();
    for (name, value) in settings {
        config.set_one(name, &[value.as_bytes().to_vec()], Source::CommandLine).unwrap_or_else(|_| panic!("{name}"));
    }
    Bench::with_table(config, &COMMANDS)
}

fn publish(bench: &mut Bench, from: ClientId, channel: &str, size: usize) -> String {
    let bytes = request_of(&[b"PUBLISH", channel.as_bytes(), &vec![b'x'; size]]);
    assert_eq!(bench.fill(from, &bytes), bytes.len());
    bench.run(from);
    bench.text(from)
}

fn disconnections(bench: &mut Bench, id: ClientId) -> String {
    let info = bench.ask(id, "INFO stats");
    let from = info.find("client_output_buffer_limit_disconnections:").expect("the field");
    info[from..].split_whitespace().next().unwrap().split(':').nth(1).unwrap().to_string()
}

#[test]
fn who_does_not_read_is_cut_off_at_the_hard_limit_and_the_publisher_goes_on() {
    let mut bench = with(&[("client-output-buffer-limit", "pubsub 100000 0 0")]);
    let [deaf, reader, publisher] = [(); 3].map(|()| bench.open());
    for id in [deaf, reader] {
        assert_eq!(bench.ask(id, "SUBSCRIBE a"), "*3 $9 subscribe $1 a :1");
    }
    let mut heard = 0;
    while bench.engine.closing(deaf).is_none() {
        assert!(bench.engine.unsent(deaf) < 100_000);
        assert_eq!(publish(&mut bench, publisher, "a", 1000), ":2");
        assert_eq!(bench.receive(reader).len(), 1033);
        heard += 1;
        assert!(heard < 200);
    }
    assert_eq!((heard, bench.engine.closing(deaf)), (97, Some(Close::Now)));
    assert_eq!(bench.engine.unsent(deaf), 0, "its memory is free");
    assert_eq!(publish(&mut bench, publisher, "a", 10), ":2", "it still counts until it is closed");
    assert_eq!(bench.engine.unsent(deaf), 0, "but it gets nothing any more");
    bench.sweep();
    assert!(bench.closed.contains(&deaf));
    assert_eq!(publish(&mut bench, publisher, "a", 10), ":1");
    assert_eq!(disconnections(&mut bench, publisher), "1");
}

/// Whatever else they are sent, however slowly they read, in whichever protocol.
#[test]
fn each_hears_all_that_is_for_him_and_nothing_else() {
    const CLIENTS: usize = 12;
    const CHANNELS: u64 = 4;
    for seed in 1..=8 {
        let mut chance = Chance::from_seed(seed);
        let mut bench = Bench::new();
        let publisher = bench.open();
        let mut expected: Vec<Vec<u8>> = vec![vec![]; CLIENTS];
        let mut received = expected.clone();
        let mut ids = vec![];
        let mut hears: Vec<Vec<u64>> = vec![];
        for client in 0..CLIENTS {
            let id = bench.open();
            let (resp3, channels) =
                (client % 3 == 0, (0..CHANNELS).filter(|_| chance.below(2) == 0).collect::<Vec<_>>());
            if resp3 {
                bench.send(id, "HELLO 3");
            }
            channels.iter().for_each(|channel| bench.send(id, &format!("SUBSCRIBE {channel}")));
            bench.receive(id);
            ids.push(id);
            hears.push(channels);
        }
        for step in 0..1500 {
            let pipeline = chance.below(5);
            let mut requests = vec![];
            for _ in 0..pipeline {
                let channel = chance.below(CHANNELS);
                let size = [3, 100, 3000, 3000, 5000][chance.below(5) as usize];
                let text = format!("{step}").into_bytes().repeat(size)[..size].to_vec();
                requests.extend(request_of(&[b"PUBLISH", format!("{channel}").as_bytes(), &text]));
                for client in (0..CLIENTS).filter(|client| hears[*client].contains(&channel)) {
                    let start = expected[client].len();
                    expected[client].extend(request_of(&[b"message", format!("{channel}").as_bytes(), &text]));
                    expected[client][start] = if client % 3 == 0 { b'>' } else { b'*' };
                }
            }
            assert_eq!(bench.fill(publisher, &requests), requests.len());
            bench.run(publisher);
            bench.receive(publisher);
            for client in 0..CLIENTS {
                let id = ids[client];
                match chance.below(16) {
                    0 if client % 3 == 0 && bench.engine.unsent(id) < OUTPUT_BYTES_MAX => {
                        bench.send(id, "ECHO between");
                        expected[client].extend_from_slice(b"$7\r\nbetween\r\n");
                    }
                    1..4 => {}
                    4..8 => {
                        let most = chance.below(8000) as usize;
                        let piece: Vec<u8> = bench.engine.pending(id).flatten().copied().take(most).collect();
                        bench.engine.wrote(id, piece.len());
                        received[client].extend(piece);
                    }
                    _ => received[client].extend(bench.receive(id)),
                }
            }
            // All at once, or what a socket takes; nobody is named with whom no more is to be done.
            let room = [usize::MAX, 100, 0][step % 3];
            let (mut sent, mut last) = (vec![], None::<(ClientId, bool)>);
            while let Some(id) = bench.engine.send_touched(|id, piece, _| {
                assert!(last.take().is_none_or(|(_, whole)| whole), "with whom there is more to do is named");
                let count = piece.len().min(room);
                last = Some((id, count == piece.len()));
                sent.push((id, piece[..count].to_vec()));
                count
            }) {
                assert!(last.take().is_none_or(|(of, whole)| whole != (of == id)));
            }
            assert!(last.is_none_or(|(_, whole)| whole));
            for (id, piece) in sent {
                received[ids.iter().position(|other| *other == id).expect("a hearer")].extend(piece);
            }
            bench.settle();
        }
        for client in 0..CLIENTS {
            received[client].extend(bench.receive(ids[client]));
            assert!(received[client] == expected[client], "client {client} with seed {seed}");
        }
    }
}

#[test]
fn the_soft_limit_needs_time_without_a_break() {
    let mut bench = with(&[("client-output-buffer-limit", "pubsub 0 5000 3")]);
    let [deaf, publisher] = [(); 2].map(|()| bench.open());
    bench.ask(deaf, "SUBSCRIBE a");
    for _ in 0..10 {
        publish(&mut bench, publisher, "a", 22_000);
        bench.later(2_500_000);
        assert_eq!(bench.engine.closing(deaf), None);
        // It reads, so the time begins anew.
        assert!(bench.receive(deaf).len() > 22_000);
        publish(&mut bench, publisher, "a", 1);
        bench.receive(deaf);
    }
    publish(&mut bench, publisher, "a", 22_000);
    // Nothing happens any more but that time passes.
    let begun = bench.host.now.mono_us;
    while bench.engine.closing(deaf).is_none() {
        let at = bench.engine.next_deadline(bench.host.now).expect("a deadline");
        let now = bench.host.now.mono_us;
        bench.later(at.saturating_sub(now).max(1000));
        assert!(bench.host.now.mono_us - begun < 4_000_000);
    }
    assert!(bench.host.now.mono_us - begun > 3_000_000);
    bench.sweep();
    let deadline = bench.engine.next_deadline(bench.host.now);
    assert!(deadline.is_none_or(|at| at > bench.host.now.mono_us + 50_000), "nothing is left to be looked at");
}

#[test]
fn a_reply_that_is_too_large_ends_the_connection_and_resp3_is_told_why() {
    let mut bench = with(&[("client-output-buffer-limit", "normal 80000 0 0")]);
    let [one, other, third] = [(); 3].map(|()| bench.open());
    bench.send(one, &format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$99999\r\n{}\r\n", "x".repeat(99_999)));
    assert_eq!(bench.text(one), "+OK");
    bench.send(one, "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    assert_eq!((bench.engine.closing(one), bench.engine.unsent(one)), (Some(Close::Now), 0));
    bench.ask(other, "HELLO 3");
    bench.send(other, "GET k");
    assert_eq!(bench.engine.closing(other), Some(Close::AfterReply));
    let told = bench.text(other);
    assert!(told.starts_with(">2 $10 disconnect $") && told.ends_with("the hard limit is 80000"), "{told}");
    // Where half a reply was sent, nothing can be said.
    bench.ask(third, "HELLO 3");
    bench.send(third, &format!("*2\r\n$4\r\nECHO\r\n$50000\r\n{}\r\n", "y".repeat(50_000)));
    bench.engine.wrote(third, 10);
    bench.send(third, "GET k");
    assert_eq!((bench.engine.closing(third), bench.engine.unsent(third)), (Some(Close::Now), 0));
    bench.sweep();
    assert_eq!(bench.closed.len(), 3);
}

/// A limit that was set too low is lifted by a client, who must be answered.
#[test]
fn no_limit_is_so_low_that_short_replies_end_the_connection() {
    let mut bench = Bench::new();
    let id = bench.open();
    let setting = "client-output-buffer-limit";
    for _ in 0..2 {
        let set = format!("*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$26\r\n{setting}\r\n$12\r\nnormal 1 2 3\r\n");
        bench.send(id, &set);
        assert_eq!(bench.text(id), "+OK");
        assert_eq!(bench.ask(id, "PING"), "+PONG");
    }
    bench.send(id, &format!("*2\r\n$4\r\nECHO\r\n$16385\r\n{}\r\n", "y".repeat(16_385)));
    assert_eq!(bench.engine.closing(id), Some(Close::Now));
}

#[test]
fn a_transaction_keeps_no_replies_beyond_the_limit() {
    let mut bench = with(&[("client-output-buffer-limit", "normal 100000 0 0")]);
    let [id, other] = [(); 2].map(|()| bench.open());
    bench.send(id, &format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$60000\r\n{}\r\n", "x".repeat(60_000)));
    bench.ask(id, "HELLO 3");
    bench.ask(id, "MULTI");
    (0..100).for_each(|_| _ = bench.ask(id, "GET k"));
    bench.ask(id, "INCR n");
    bench.send(id, "EXEC");
    assert_eq!(bench.engine.closing(id), Some(Close::AfterReply));
    let told = bench.text(id);
    assert!(told.contains(" 120") && told.contains(" bytes are unsent, the hard limit is 100000"), "{told}");
    assert_eq!(bench.ask(other, "GET n"), "$1 1", "all of it ran");
}

#[test]
fn who_is_not_stepped_for_what_it_does_not_read_still_hears() {
    let mut bench = Bench::new();
    let [slow, publisher] = [(); 2].map(|()| bench.open());
    bench.ask(slow, "HELLO 3");
    bench.ask(slow, "SUBSCRIBE a");
    for _ in 0..3 {
        publish(&mut bench, publisher, "a", 600_000);
    }
    assert!(bench.engine.unsent(slow) > OUTPUT_BYTES_MAX);
    assert_eq!(bench.fill(slow, b"*1\r\n$4\r\nPING\r\n"), 0, "it is not read");
    assert_eq!(bench.step(slow), Step::Idle);
    publish(&mut bench, publisher, "a", 1);
    assert!(bench.text(slow).ends_with(">3 $7 message $1 a $1 x"));
    assert_eq!(bench.ask(slow, "PING"), "+PONG", "it goes on when it has read");
}

#[test]
fn very_many_channels_come_and_go_in_slices() {
    const CHANNELS: usize = 200_000;
    let mut bench = Bench::new();
    let [greedy, other] = [(); 2].map(|()| bench.open());
    let names: Vec<String> = (0..CHANNELS).map(|n| n.to_string()).collect();
    let subscribe = |bench: &mut Bench, id: ClientId| {
        let words: Vec<&[u8]> = std::iter::once(&b"SUBSCRIBE"[..]).chain(names.iter().map(String::as_bytes)).collect();
        let bytes = request_of(&words);
        let mut sent = 0;
        while sent < bytes.len() {
            sent += bench.fill(id, &bytes[sent..bytes.len().min(sent + 60_000)]);
            bench.step(id);
        }
    };
    // As the owner of the engine would: slice by slice, reading what comes. Others are served between the slices.
    let drain = |bench: &mut Bench, id: ClientId, wanted: usize| {
        let (mut told, mut slices) = (0, 0);
        while told < wanted {
            bench.step(id);
            assert!(bench.engine.unsent(id) < 4 << 20);
            let bytes: Vec<u8> = bench.engine.pending(id).flatten().copied().collect();
            bench.engine.wrote(id, bytes.len());
            told += bytes.windows(4).filter(|four| four == b"*3\r\n").count();
            slices += 1;
        }
        assert_eq!(told, wanted);
        slices
    };
    subscribe(&mut bench, greedy);
    assert!(drain(&mut bench, greedy, CHANNELS) > 100);
    let numsub = "*4 $1 7 :1 $6 199999 :1";
    assert_eq!(bench.ask(other, "PUBSUB NUMSUB 7 199999"), numsub);
    bench.send(greedy, "UNSUBSCRIBE");
    assert!(drain(&mut bench, greedy, CHANNELS) > 100);
    assert_eq!(bench.ask(greedy, "PING"), "+PONG");

    // RESET says nothing of them.
    subscribe(&mut bench, greedy);
    drain(&mut bench, greedy, CHANNELS);
    assert_eq!(bench.fill(greedy, b"*1\r\n$5\r\nRESET\r\n"), 15);
    let mut slices = 0;
    while bench.engine.unsent(greedy) == 0 {
        bench.step(greedy);
        slices += 1;
    }
    assert!(slices > 100);
    assert_eq!(bench.text(greedy), "+RESET");

    // Gone: nobody hears any more at once, and the rest is seen to by and by.
    subscribe(&mut bench, greedy);
    drain(&mut bench, greedy, CHANNELS);
    bench.close(greedy);
    assert_eq!(bench.ask(other, "PUBLISH 199999 x"), ":0");
    assert_eq!(bench.ask(other, "PUBSUB NUMSUB 7"), "*2 $1 7 :0");
    let mut ticks = 0;
    while bench.engine.next_deadline(bench.host.now).is_some_and(|at| at <= bench.host.now.mono_us) {
        bench.engine.tick(bench.host.now, &mut bench.host);
        ticks += 1;
    }
    assert!(ticks > 100);
    bench.engine.check();
}

#[test]
fn messages_wait_for_the_end_of_a_reply_in_slices() {
    let mut bench = Bench::new();
    let [slow, publisher] = [(); 2].map(|()| bench.open());
    bench.ask(slow, "HELLO 3");
    bench.ask(slow, "SUBSCRIBE a");
    let keys: Vec<String> = (0..20_000).flat_map(|n| [format!("key:{n}"), "v".into()]).collect();
    let words: Vec<&[u8]> = std::iter::once(&b"MSET"[..]).chain(keys.iter().map(String::as_bytes)).collect();
    let mset = request_of(&words);
    let mut sent = 0;
    while sent < mset.len() {
        sent += bench.fill(publisher, &mset[sent..mset.len().min(sent + 60_000)]);
        bench.step(publisher);
    }
    assert_eq!(bench.text(publisher), "+OK");
    assert!(bench.fill(slow, b"*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n") > 0);
    let mut heard = vec![];
    for n in 0.. {
        let step = bench.step(slow);
        let bytes: Vec<u8> = bench.engine.pending(slow).flatten().copied().collect();
        bench.engine.wrote(slow, bytes.len());
        heard.extend(bytes);
        if step != Step::More && n > 0 {
            break;
        }
        bench.fill(publisher, &request_of(&[b"PUBLISH", b"a", n.to_string().as_bytes()]));
        bench.step(publisher);
    }
    let text = String::from_utf8(heard).unwrap();
    let (keys, messages) = text.split_at(text.find('>').expect("messages"));
    assert!(keys.starts_with("*20000\r\n") && keys.matches("key:").count() == 20_000);
    assert!(messages.matches("message").count() >= 3, "{messages}");
    assert!(messages.starts_with(">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n0\r\n>3\r\n"));
}
