//! redis-rs against a running server, in RESP2 and RESP3; `tests/ecosystem/run` calls it.
//! Prints "ok NAME" for each check. What commands answer in detail is the business of tests/transcripts.

use redis::{AsyncCommands, Client, Commands, Connection, Expiry, RedisResult};
use std::panic::{AssertUnwindSafe, catch_unwind};

type Check = fn(&mut Connection, &Client) -> RedisResult<()>;

const CHECKS: &[(&str, Check)] = &[
    ("strings", strings),
    ("pipelines", pipelines),
    ("expiry", expiry),
    ("scanning", scanning),
    ("binary", binary),
    ("errors", errors),
    ("names", names),
    ("transactions", transactions),
    ("publish and subscribe", publish_and_subscribe),
    ("lists that are waited for", lists_that_are_waited_for),
    ("reconnecting", reconnecting),
];

#[test]
#[ignore = "wants a server: tests/ecosystem/run BIN"]
fn redis_rs_is_content() {
    let port = std::env::var("REDIS_PORT").expect("REDIS_PORT names the port of a server that may be emptied");
    let mut failed = 0;
    for protocol in [2, 3] {
        let client = Client::open(format!("redis://127.0.0.1:{port}/?protocol=resp{protocol}")).unwrap();
        for (name, check) in CHECKS {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                let mut connection = client.get_connection()?;
                redis::cmd("FLUSHALL").exec(&mut connection)?;
                check(&mut connection, &client)
            }));
            failed += usize::from(!matches!(outcome, Ok(Ok(()))));
            match outcome {
                Ok(Ok(())) => println!("ok redis-rs RESP{protocol} {name}"),
                Ok(Err(why)) => println!("not ok redis-rs RESP{protocol} {name}: {why}"),
                Err(_) => println!("not ok redis-rs RESP{protocol} {name}: an assertion, see above"),
            }
        }
    }
    assert_eq!(failed, 0);
}

fn strings(c: &mut Connection, _: &Client) -> RedisResult<()> {
    let () = c.set("k", "v")?;
    assert_eq!(c.get::<_, String>("k")?, "v");
    assert_eq!(c.get::<_, Option<String>>("missing")?, None);
    assert!(!c.set_nx::<_, _, bool>("k", "w")?);
    let () = c.mset(&[("a", 1), ("b", 2)])?;
    assert_eq!(c.mget::<_, Vec<Option<i64>>>(&["a", "missing", "b"])?, [Some(1), None, Some(2)]);
    assert_eq!(c.incr::<_, _, i64>("a", 41)?, 42);
    assert_eq!(c.incr::<_, _, f64>("f", 1.5)?, 1.5);
    assert_eq!(c.append::<_, _, usize>("k", "xyz")?, 4);
    assert_eq!(c.get_del::<_, String>("k")?, "vxyz");
    assert!(!c.exists::<_, bool>("k")?);
    assert_eq!(c.object_encoding::<_, String>("a")?, "int");
    Ok(())
}

fn pipelines(c: &mut Connection, _: &Client) -> RedisResult<()> {
    let mut pipe = redis::pipe();
    for n in 0..1000 {
        pipe.set(format!("k{n}"), n).ignore().incr(format!("k{n}"), 1);
    }
    let answers: Vec<i64> = pipe.query(c)?;
    assert_eq!(answers, (1..=1000).collect::<Vec<_>>());
    Ok(())
}

fn expiry(c: &mut Connection, _: &Client) -> RedisResult<()> {
    let () = c.set_ex("k", "v", 100)?;
    assert!((90..=100).contains(&c.ttl::<_, i64>("k")?));
    let _: String = c.get_ex("k", Expiry::PERSIST)?;
    assert_eq!(c.ttl::<_, i64>("k")?, -1);
    let () = c.pset_ex("k", "v", 20)?;
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(c.get::<_, Option<String>>("k")?, None);
    Ok(())
}

fn scanning(c: &mut Connection, _: &Client) -> RedisResult<()> {
    let mut names: Vec<String> = (0..300).map(|n| format!("scan:{n}")).collect();
    for name in &names {
        let () = c.set(name, 1)?;
    }
    let mut found = c.scan_match::<_, String>("scan:*")?.collect::<RedisResult<Vec<_>>>()?;
    found.sort();
    found.dedup();
    names.sort();
    assert_eq!(found, names);
    assert_eq!(c.del::<_, usize>(&names)?, 300);
    Ok(())
}

fn binary(c: &mut Connection, _: &Client) -> RedisResult<()> {
    let every: Vec<u8> = (0..=255).collect();
    let () = c.set(&every, &every)?;
    assert_eq!(c.get::<_, Vec<u8>>(&every)?, every);
    let large = every.repeat(4096);
    let () = c.set("large", &large)?;
    assert_eq!(c.get::<_, Vec<u8>>("large")?, large);
    Ok(())
}

fn errors(c: &mut Connection, _: &Client) -> RedisResult<()> {
    let () = c.set("k", "text")?;
    let refused = |outcome: RedisResult<i64>, text: &str| {
        let why = outcome.expect_err("a refusal").to_string();
        assert!(why.contains(text), "{why}");
    };
    refused(c.incr("k", 1), "not an integer");
    refused(redis::cmd("NOSUCH").query(c), "unknown command");
    refused(redis::cmd("GET").query(c), "wrong number of arguments");
    assert_eq!(redis::cmd("PING").query::<String>(c)?, "PONG");
    Ok(())
}

fn names(c: &mut Connection, _: &Client) -> RedisResult<()> {
    let () = redis::cmd("CLIENT").arg("SETNAME").arg("checker").query(c)?;
    assert_eq!(redis::cmd("CLIENT").arg("GETNAME").query::<String>(c)?, "checker");
    let info: String = redis::cmd("INFO").query(c)?;
    assert!(info.contains("redis_version:"));
    Ok(())
}

fn transactions(c: &mut Connection, client: &Client) -> RedisResult<()> {
    let answers: (String, i64, i64) =
        redis::pipe().atomic().cmd("SET").arg("k").arg(1).incr("k", 1).get("k").query(c)?;
    assert_eq!(answers, ("OK".into(), 2, 2));
    let mut other = client.get_connection()?;
    let mut tries = 0;
    let (sum,): (i64,) = redis::transaction(c, &["k"], |c, pipe| {
        tries += 1;
        let before: i64 = c.get("k")?;
        if tries < 3 {
            let _: i64 = other.incr("k", 10)?;
        }
        pipe.atomic().set("k", before + 1).ignore().get("k").query(c)
    })?;
    assert_eq!((sum, tries), (23, 3));
    let refused = redis::pipe().atomic().set("k", "no").cmd("NOSUCH").query::<()>(c).expect_err("a refusal");
    assert!(refused.to_string().contains("unknown command"), "{refused}");
    redis::cmd("DISCARD").exec(c).ok();
    assert_eq!(c.get::<_, i64>("k")?, 23);
    Ok(())
}

fn publish_and_subscribe(c: &mut Connection, client: &Client) -> RedisResult<()> {
    let mut connection = client.get_connection()?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let mut pubsub = connection.as_pubsub();
    pubsub.subscribe(&["news", "sport"])?;
    pubsub.psubscribe("n*")?;
    assert_eq!(c.publish::<_, _, usize>("news", "one")?, 2);
    assert_eq!(c.publish::<_, _, usize>("nobody", "two")?, 1);
    let mut heard = vec![];
    for _ in 0..3 {
        let message = pubsub.get_message()?;
        let pattern: Option<String> = message.get_pattern()?;
        heard.push((pattern, message.get_channel_name().to_string(), message.get_payload::<String>()?));
    }
    let expected = [(None, "news", "one"), (Some("n*"), "news", "one"), (Some("n*"), "nobody", "two")];
    let expected: Vec<_> =
        expected.map(|(pattern, channel, text)| (pattern.map(String::from), channel.into(), text.into())).into();
    assert_eq!(heard, expected);
    redis::cmd("CONFIG").arg("SET").arg("notify-keyspace-events").arg("Eg").exec(c)?;
    pubsub.subscribe("__keyevent@0__:del")?;
    let () = c.set("k", 1)?;
    let _: usize = c.del("k")?;
    let message = pubsub.get_message()?;
    assert_eq!((message.get_channel_name(), message.get_payload::<String>()?), ("__keyevent@0__:del", "k".into()));
    redis::cmd("CONFIG").arg("SET").arg("notify-keyspace-events").arg("").exec(c)
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// Waits until so many clients wait.
fn blocked(c: &mut Connection, count: usize) -> RedisResult<()> {
    let begun = std::time::Instant::now();
    while !redis::cmd("INFO").arg("clients").query::<String>(c)?.contains(&format!("blocked_clients:{count}\r")) {
        assert!(begun.elapsed() < PATIENCE, "it does not come to that");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(())
}

fn lists_that_are_waited_for(c: &mut Connection, client: &Client) -> RedisResult<()> {
    std::thread::scope(|scope| {
        let wait = || client.get_connection()?.blpop::<_, (String, i64)>(&["a", "b"], 20.0);
        let waits: Vec<_> = (0..20).map(|_| scope.spawn(wait)).collect();
        blocked(c, 20)?;
        let _: usize = c.rpush("a", (0..10).collect::<Vec<_>>())?;
        let _: usize = c.rpush("b", (10..20).collect::<Vec<_>>())?;
        let mut got = waits.into_iter().map(|wait| wait.join().unwrap()).collect::<RedisResult<Vec<_>>>()?;
        got.sort_by_key(|(_, value)| *value);
        assert!(got.iter().map(|(_, value)| *value).eq(0..20));
        let wait = scope.spawn(|| client.get_connection()?.brpop::<_, (String, String)>("late", 20.0));
        blocked(c, 1)?;
        let (pushed,): (usize,) = redis::pipe().atomic().rpush("late", &["x", "y"]).query(c)?;
        assert_eq!((pushed, wait.join().unwrap()?), (2, ("late".into(), "y".into())));
        assert_eq!(c.blpop::<_, Option<(String, String)>>("nothing", 0.02)?, None);
        Ok(())
    })
}

fn reconnecting(c: &mut Connection, client: &Client) -> RedisResult<()> {
    let mut victim = client.get_connection()?;
    let id: i64 = redis::cmd("CLIENT").arg("ID").query(&mut victim)?;
    assert_eq!(redis::cmd("CLIENT").arg("KILL").arg("ID").arg(id).query::<i64>(c)?, 1);
    let lost = redis::cmd("PING").query::<String>(&mut victim).expect_err("a lost connection");
    assert!(lost.is_connection_dropped() || lost.is_io_error(), "{lost}");
    // The crate's own reconnecting, for who has a runtime.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut managed = client.get_connection_manager().await?;
        let () = managed.set("k", "before").await?;
        let first: i64 = redis::cmd("CLIENT").arg("ID").query_async(&mut managed).await?;
        assert_eq!(redis::cmd("CLIENT").arg("KILL").arg("ID").arg(first).query::<i64>(c)?, 1);
        let begun = std::time::Instant::now();
        let second = loop {
            // What goes into the lost connection is lost; then there is another.
            match redis::cmd("CLIENT").arg("ID").query_async::<i64>(&mut managed).await {
                Ok(id) => break id,
                Err(lost) => assert!(lost.is_connection_dropped() || lost.is_io_error(), "{lost}"),
            }
            assert!(begun.elapsed() < PATIENCE, "it does not come back");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        assert_ne!(first, second);
        assert_eq!(managed.get::<_, String>("k").await?, "before");
        Ok(())
    })
}
