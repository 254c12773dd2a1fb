//! Clients where transcripts cannot look: many that are held up, memory that is limited for all together, strangers that
//! would take all places. The engine is driven by hand.

#[path = "support/hand.rs"]
mod hand;

use hand::{Bench, request_of};
use spindle::engine::config::Source;
use spindle::engine::{COMMANDS, ClientId, Close, Config};

fn with(settings: &[(&str, &str)]) -> Bench {
    let mut config = Config::default();
    for (name, value) in settings {
        config.set_one(name, &[value.as_bytes().to_vec()], Source::CommandLine).unwrap_or_else(|_| panic!("{name}"));
    }
    Bench::with_table(config, &COMMANDS)
}

fn field(bench: &mut Bench, id: ClientId, name: &str) -> u64 {
    let info = bench.ask(id, "INFO everything");
    let from = info.find(&format!(" {name}:")).unwrap_or_else(|| panic!("no {name}"));
    info[from..].split([':', ' ']).nth(2).unwrap().parse().unwrap()
}

/// Begins a request of so many bytes that does not end.
fn begin(bench: &mut Bench, id: ClientId, size: usize) {
    let bytes = [format!("*2\r\n${}\r\n", size + 1).as_bytes(), &vec![b'x'; size]].concat();
    bench.fill(id, &bytes);
    bench.run(id);
}

#[test]
fn the_largest_clients_go_until_all_together_fit() {
    let mut bench = with(&[("maxmemory-clients", "1mb")]);
    let [small, middle, large, last] = [(); 4].map(|()| bench.open());
    for (id, size) in [(small, 20_000), (middle, 250_000), (large, 500_000)] {
        begin(&mut bench, id, size);
    }
    bench.tick();
    assert!([small, middle, large].iter().all(|id| bench.engine.closing(*id).is_none()), "they fit");
    begin(&mut bench, last, 400_000);
    bench.tick();
    assert_eq!(bench.engine.closing(large), Some(Close::Now));
    assert!([small, middle, last].iter().all(|id| bench.engine.closing(*id).is_none()), "and nobody else");
    bench.sweep();
    let other = bench.open();
    assert_eq!(field(&mut bench, other, "evicted_clients"), 1);
    // A lower limit holds at once.
    assert_eq!(bench.ask(other, "CONFIG SET maxmemory-clients 300kb"), "+OK");
    bench.tick();
    assert!([middle, last].iter().any(|id| bench.engine.closing(*id).is_some()));
    assert!(bench.engine.closing(small).is_none());
}

#[test]
fn who_may_not_be_evicted_stays_and_others_pay() {
    let mut bench = with(&[("maxmemory-clients", "200kb")]);
    let [kept, other] = [(); 2].map(|()| bench.open());
    assert_eq!(bench.ask(kept, "CLIENT NO-EVICT ON"), "+OK");
    begin(&mut bench, kept, 500_000);
    bench.tick();
    assert!(bench.engine.closing(kept).is_none());
    // It counts all the same.
    assert_eq!(bench.engine.closing(other), Some(Close::Now));
    bench.sweep();
    // Nobody is left, however often it is looked.
    (0..3).for_each(|_| bench.later(1_000_000));
    assert!(bench.engine.closing(kept).is_none());
}

#[test]
fn what_clients_wait_with_is_told() {
    let mut bench = with(&[]);
    let [waiting, paused, other] = [(); 3].map(|()| bench.open());
    let total = |bench: &mut Bench, id: ClientId| -> usize {
        let line = bench.ask(other, &format!("CLIENT LIST ID {}", id.serial));
        line.split("tot-mem=").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).expect("a number")
    };
    let keys = vec!["x".repeat(1000); 500].join(" ");
    bench.send(waiting, &format!("BLPOP {keys} 0"));
    assert!(total(&mut bench, waiting) > 1_000_000, "words and keys");
    assert_eq!(bench.ask(other, "CLIENT PAUSE 60000 WRITE"), "+OK");
    bench.send(paused, &format!("SET k {}", "x".repeat(100_000)));
    assert!(total(&mut bench, paused) > 100_000);
    assert_eq!(bench.ask(other, "CLIENT UNPAUSE"), "+OK");
    bench.run(paused);
    assert!(total(&mut bench, paused) < 100_000);
}

/// What they wait with is theirs: keys of a BLPOP, and a request that a pause holds.
#[test]
fn who_waits_with_much_is_evicted_and_who_is_served_weighs_no_more() {
    let mut bench = with(&[("maxmemory-clients", "2mb")]);
    let [served, other] = [(); 2].map(|()| bench.open());
    let long = "x".repeat(300_000);
    bench.send(served, &format!("BLPOP {long} 0"));
    bench.ask(other, &format!("LPUSH {long} element"));
    bench.tick();
    let waiting: Vec<ClientId> = (0..5).map(|_| bench.open()).collect();
    for id in &waiting {
        bench.fill(*id, &request_of(&[b"BLPOP", long.as_bytes(), b"0"]));
        bench.run(*id);
        bench.tick();
    }
    let gone = waiting.iter().filter(|id| bench.engine.closing(**id).is_some()).count();
    assert!((1..5).contains(&gone), "{gone}");
    assert!(bench.engine.closing(served).is_none());
    bench.sweep();
    bench.ask(other, "CLIENT PAUSE 100000 WRITE");
    let paused: Vec<ClientId> = (0..8).map(|_| bench.open()).collect();
    for id in &paused {
        bench.fill(*id, &request_of(&[b"SET", b"k", long.as_bytes()]));
        bench.run(*id);
        bench.tick();
    }
    let held = paused.iter().filter(|id| bench.engine.closing(**id).is_none()).count();
    assert!((1..8).contains(&held), "{held}");
}

#[test]
fn whoever_does_not_take_his_messages_is_evicted_and_who_has_taken_them_is_not() {
    let mut bench = with(&[("maxmemory-clients", "300kb")]);
    let [deaf, reader, publisher] = [(); 3].map(|()| bench.open());
    for id in [deaf, reader] {
        assert_eq!(bench.ask(id, "SUBSCRIBE a"), "*3 $9 subscribe $1 a :1");
    }
    let message = request_of(&[b"PUBLISH", b"a", &[b'x'; 30_000]]);
    for _ in 0..20 {
        assert_eq!(bench.fill(publisher, &message), message.len());
        bench.run(publisher);
        bench.receive(publisher);
        bench.receive(reader);
        bench.tick();
    }
    assert_eq!(bench.engine.closing(deaf), Some(Close::Now));
    assert_eq!(bench.engine.unsent(deaf), 0, "its memory is free");
    assert!(bench.engine.closing(reader).is_none());
}

#[test]
fn names_of_channels_weigh_what_they_take() {
    let mut bench = with(&[("maxmemory-clients", "300kb")]);
    let [few, many] = [(); 2].map(|()| bench.open());
    let say = |bench: &mut Bench, id, verb: &[u8], n: u8| {
        bench.fill(id, &request_of(&[verb, &[b'a' + n; 60_000]]));
        bench.run(id);
        bench.receive(id);
        bench.tick();
    };
    for n in 0..10 {
        say(&mut bench, few, b"SUBSCRIBE", n);
        say(&mut bench, few, b"UNSUBSCRIBE", n);
        say(&mut bench, many, b"SUBSCRIBE", n);
    }
    assert!(bench.engine.closing(few).is_none());
    assert_eq!(bench.engine.closing(many), Some(Close::Now));
}

/// More unsent output is lent to those who send on, a gigabyte to all, and to one no more than is left for the others. A
/// value that is shared lets that be reached.
#[test]
fn who_was_refused_more_is_asked_again_when_some_comes_back() {
    const VALUE: usize = 64 << 20;
    for closes in [false, true] {
        let mut bench = Bench::new();
        let [first, second, third] = [(); 3].map(|()| bench.open());
        bench.ask(first, &format!("SETRANGE k {} x", VALUE - 1));
        for (id, count) in [(first, 17), (second, 6), (third, 2)] {
            bench.send(id, &"GET k\r\n".repeat(count));
            while bench.engine.let_more(id) {
                bench.settle();
            }
        }
        assert!(bench.engine.unsent(third) > 2 * VALUE, "the others leave him enough");
        assert!(bench.engine.unsent(second) < 6 * VALUE);
        let unsent = bench.engine.unsent(first);
        if closes {
            bench.close(first);
        } else {
            bench.engine.wrote(first, unsent);
        }
        let ready: Vec<ClientId> = std::iter::from_fn(|| bench.engine.next_ready()).collect();
        assert!(ready.contains(&second), "{ready:?}");
        while bench.engine.let_more(second) {
            bench.settle();
        }
        assert!(bench.engine.unsent(second) > 6 * VALUE);
        bench.engine.check();
    }
}

/// A step does not use all that a read brings, where requests are short. The rest does not grow with each of them.
#[test]
fn who_sends_more_than_a_step_takes_is_not_read_meanwhile() {
    let mut bench = Bench::new();
    let [id, other] = [(); 2].map(|()| bench.open());
    let requests = b"PING\r\n".repeat(10_000);
    let (mut sent, mut answered) = (0, 0);
    let mut receive = |bench: &mut Bench| {
        let unsent = bench.engine.unsent(id);
        bench.engine.wrote(id, unsent);
        answered += unsent / b"+PONG\r\n".len();
    };
    for _ in 0..100 {
        sent += bench.fill(id, &requests[sent % requests.len()..]);
        bench.step(id);
        receive(&mut bench);
        let clients = bench.ask(other, "CLIENT LIST");
        let unread = clients.split("qbuf=").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
        assert!(unread.expect("a number") < (1 << 20) + (64 << 10), "{clients}");
    }
    assert!(sent > 1 << 20, "it was read until then");
    while bench.step(id) == spindle::engine::Step::More {
        receive(&mut bench);
    }
    receive(&mut bench);
    assert_eq!(answered, sent / b"PING\r\n".len());
}

#[test]
fn a_request_beyond_the_limit_is_not_run() {
    let mut bench = with(&[("maxmemory-clients", "200kb")]);
    let [id, other] = [(); 2].map(|()| bench.open());
    bench.fill(id, &request_of(&[b"SET", b"k", &[b'x'; 300_000]]));
    bench.run(id);
    assert_eq!(bench.engine.closing(id), Some(Close::Now));
    assert_eq!(bench.ask(other, "EXISTS k"), ":0");
    // What fits is, queued or not, until too much is queued.
    let value = request_of(&[b"SET", b"k", &[b'x'; 60_000]]);
    bench.send(other, "MULTI");
    for _ in 0..3 {
        bench.fill(other, &value);
        bench.run(other);
        bench.tick();
        assert!(bench.engine.closing(other).is_none());
    }
    bench.fill(other, &value);
    bench.run(other);
    bench.tick();
    assert_eq!(bench.engine.closing(other), Some(Close::Now));
}

#[test]
fn strangers_take_a_part_of_the_places_and_the_oldest_of_them_goes() {
    let mut bench = with(&[("requirepass", "x"), ("maxclients", "20"), ("maxclients-unauthenticated", "25")]);
    let known = bench.open();
    assert_eq!(bench.ask(known, "AUTH x"), "+OK");
    let strangers: Vec<ClientId> = (0..5).map(|_| bench.open()).collect();
    assert!(strangers.iter().all(|id| bench.engine.closing(*id).is_none()));
    let late = bench.open();
    assert_eq!(bench.engine.closing(strangers[0]), Some(Close::Now));
    assert!(strangers[1..].iter().all(|id| bench.engine.closing(*id).is_none()));
    // Whoever signs in is none any more; whoever resets his connection is one again, and an old one.
    assert_eq!(bench.ask(late, "AUTH x"), "+OK");
    bench.open();
    assert!(bench.engine.closing(strangers[1]).is_none());
    assert_eq!(bench.ask(known, "RESET"), "+RESET");
    bench.open();
    assert_eq!(bench.engine.closing(known), Some(Close::Now));
    assert_eq!(bench.engine.closing(strangers[1]), Some(Close::Now));
    bench.sweep();
    assert_eq!(field(&mut bench, late, "unauthenticated_clients_closed"), 3);
    // Those who have signed in may take all places.
    let mut more = vec![];
    for _ in 0..30 {
        let id = bench.engine.open(spindle::engine::Address::Embedded, bench.host.now);
        let Ok(id) = id else { break };
        assert_eq!(bench.ask(id, "AUTH x"), "+OK");
        more.push(id);
        bench.sweep();
    }
    assert_eq!(more.len(), 20 - 1 - 4, "with the first of them one stranger more had to go");
}

#[test]
fn a_stranger_is_not_told_more_than_he_takes() {
    let mut bench = with(&[("requirepass", "x")]);
    let id = bench.open();
    for _ in 0..600 {
        if bench.engine.closing(id).is_none() {
            bench.send(id, "PING");
        }
    }
    assert_eq!((bench.engine.closing(id), bench.engine.unsent(id)), (Some(Close::Now), 0));
}

/// In the order in which they came, whoever has gone meanwhile.
#[test]
fn ten_thousand_paused_clients_go_on_in_their_order() {
    let mut bench = with(&[("maxclients", "20000")]);
    let admin = bench.open();
    assert_eq!(bench.ask(admin, "CLIENT PAUSE 1000 WRITE"), "+OK");
    let ids: Vec<ClientId> = (0..10_000).map(|_| bench.open()).collect();
    for (n, id) in ids.iter().enumerate() {
        let bytes = [request_of(&[b"RPUSH", b"l", n.to_string().as_bytes()]), request_of(&[b"PING"])].concat();
        bench.fill(*id, &bytes);
        while bench.step(*id) == spindle::engine::Step::More {}
    }
    assert_eq!(bench.ask(admin, "LLEN l"), ":0");
    assert_eq!(field(&mut bench, admin, "blocked_clients"), 10_000);
    for id in ids.iter().step_by(10) {
        bench.close(*id);
    }
    bench.later(1_000_000);
    assert_eq!(bench.ask(admin, "LLEN l"), ":9000");
    assert_eq!(bench.text(ids[1]), ":1 +PONG");
    assert_eq!(bench.text(ids[9_999]), ":9000 +PONG");
    assert_eq!(bench.ask(admin, "LINDEX l 4499"), "$4 4999");
    assert_eq!(field(&mut bench, admin, "blocked_clients"), 0);
}

/// Its time is over, and the timers have not run since.
#[test]
fn a_pause_that_is_over_makes_the_next_one_no_stricter() {
    let mut bench = Bench::new();
    let [admin, other] = [(); 2].map(|()| bench.open());
    assert_eq!(bench.ask(admin, "CLIENT PAUSE 1000 ALL"), "+OK");
    assert_eq!(bench.ask(other, "PING"), "");
    bench.host.pass(1_000_000);
    assert_eq!(bench.ask(admin, "CLIENT PAUSE 1000 WRITE"), "+OK");
    assert_eq!(bench.text(other), "+PONG", "it waited for the end of the first");
    assert_eq!(bench.ask(other, "GET k"), "$-1");
    assert_eq!(bench.ask(other, "SET k v"), "");
    bench.later(1_000_000);
    assert_eq!(bench.text(other), "+OK");
}

/// In a pause that takes its request with it. Once the pause is over, the request is run first.
#[test]
fn who_goes_away_in_a_pause_is_given_up_and_not_later() {
    let mut bench = Bench::new();
    let [admin, early, late] = [(); 3].map(|()| bench.open());
    assert_eq!(bench.ask(admin, "CLIENT PAUSE 1000 WRITE"), "+OK");
    assert_eq!(bench.ask(early, "SET early v"), "");
    assert_eq!(bench.ask(late, "SET late v"), "");
    bench.engine.ended(early);
    assert_eq!(bench.engine.closing(early), Some(Close::AfterReply));
    let unpause = request_of(&[b"CLIENT", b"UNPAUSE"]);
    bench.fill(admin, &unpause);
    bench.step(admin);
    // It is not yet stepped.
    bench.engine.ended(late);
    bench.settle();
    assert_eq!((bench.text(late).as_str(), bench.engine.closing(late)), ("+OK", Some(Close::AfterReply)));
    assert_eq!(bench.text(admin), "+OK");
    assert_eq!(bench.ask(admin, "EXISTS early late"), ":1");
}
