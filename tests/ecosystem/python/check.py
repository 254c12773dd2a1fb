"""redis-py against a running server, in RESP2 and RESP3: check.py PORT.

Prints "ok NAME" or "not ok NAME: why" for each check. What the commands answer in detail is the business of
tests/transcripts; here it matters that the library is content.
"""
import asyncio
import concurrent.futures
import sys
import time

import redis
import redis.asyncio

PORT = int(sys.argv[1])
PROTOCOL = 2
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def connect(**options):
    return redis.Redis(host="127.0.0.1", port=PORT, protocol=PROTOCOL, **options)


def refused(kind, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except kind as error:
        return str(error)
    raise AssertionError(f"{arguments} was not refused")


@check
def strings(r):
    assert r.set("k", "v") is True
    assert r.get("k") == b"v"
    assert r.get("missing") is None
    assert r.set("k", "w", nx=True) is None
    assert r.set("k", "w", xx=True, get=True) == b"v"
    assert r.mset({"a": 1, "b": 2}) is True
    assert r.mget("a", "missing", "b") == [b"1", None, b"2"]
    assert r.incr("a") == 2 and r.decrby("a", 5) == -3
    assert r.incrbyfloat("f", 1.5) == 1.5
    assert r.append("k", "xyz") == 4 and r.strlen("k") == 4
    assert r.getrange("k", 1, 2) == b"xy" and r.setrange("k", 0, "W") == 4
    assert r.getdel("k") == b"Wxyz" and r.exists("k") == 0
    assert r.msetnx({"a": 1, "new": 1}) is False
    assert r.object("encoding", "a") == b"int"


@check
def longest_common_subsequence(r):
    r.mset({"a": "ohmytext", "b": "mynewtext"})
    assert r.lcs("a", "b") == b"mytext"
    assert r.lcs("a", "b", len=True) == 6
    found = r.lcs("a", "b", idx=True, withmatchlen=True)
    assert found, found


@check
def expiry(r):
    assert r.setex("k", 100, "v") is True
    assert 90 < r.ttl("k") <= 100 and 90_000 < r.pttl("k") <= 100_000
    assert r.expire("k", 50, gt=True) is False
    assert r.expire("k", 500, gt=True) is True
    assert r.expireat("k", 32503680000) is True and r.expiretime("k") == 32503680000
    assert r.persist("k") is True and r.ttl("k") == -1
    assert r.ttl("missing") == -2
    assert r.set("k", "v", px=20) is True
    time.sleep(0.05)
    assert r.get("k") is None
    assert r.set("k", "v", ex=100) and r.getex("k", persist=True) == b"v" and r.ttl("k") == -1


@check
def pipeline(r):
    with r.pipeline(transaction=False) as p:
        for n in range(1000):
            p.set(f"k{n}", n).incr(f"k{n}")
        p.get("k999")
        answers = p.execute()
    assert len(answers) == 2001 and answers[-1] == b"1000", answers[-3:]
    with r.pipeline(transaction=False) as p:
        answers = p.set("s", "x").incr("s").get("s").execute(raise_on_error=False)
    assert answers[0] is True and isinstance(answers[1], redis.ResponseError) and answers[2] == b"x"


@check
def scanning(r):
    names = {f"scan:{n}".encode() for n in range(500)}
    r.mset({name: 1 for name in names})
    r.set("other", 1)
    assert set(r.scan_iter("scan:*", count=50)) == names
    assert set(r.scan_iter(_type="string")) == names | {b"other"}
    assert set(r.keys("scan:*")) == names and r.dbsize() == 501
    assert r.delete(*names) == 500 and r.unlink("other", "missing") == 1
    assert r.randomkey() is None


@check
def binary(r):
    every = bytes(range(256))
    assert r.set(every, every * 4) and r.get(every) == every * 4
    large = bytes(n * 7 % 256 for n in range(1 << 20))
    assert r.set("large", large) and r.get("large") == large
    assert r.echo(every) == every
    text = connect(decode_responses=True)
    assert text.set("t", "grüß dich") and text.get("t") == "grüß dich"
    text.close()


@check
def errors(r):
    r.set("k", "text")
    assert "not an integer" in refused(redis.ResponseError, r.incr, "k")
    assert "unknown command" in refused(redis.ResponseError, r.execute_command, "NOSUCH")
    assert "wrong number" in refused(redis.ResponseError, r.execute_command, "GET")
    assert "syntax error" in refused(redis.ResponseError, r.execute_command, "SET", "k", "v", "NX", "XX")
    assert "no such key" in refused(redis.ResponseError, r.rename, "missing", "x")
    assert "out of range" in refused(redis.ResponseError, r.execute_command, "SELECT", 99)
    assert r.ping() is True


@check
def databases(r):
    other = connect(db=3)
    other.set("k", "three")
    assert r.get("k") is None and r.move("k", 3) is False
    assert r.swapdb(0, 3) is True and r.get("k") == b"three"
    assert r.copy("k", "l", destination_db=3) is True and other.get("l") == b"three"
    other.flushdb()
    assert r.rename("k", "m") is True and r.get("m") == b"three"
    other.close()


@check
def names_and_clients(r):
    named = connect(client_name="checker", single_connection_client=True)
    assert named.client_getname() in ("checker", b"checker")
    me = named.client_info()
    assert me["name"] == "checker", me
    assert me.get("lib-name", "redis-py").startswith("redis-py"), me  # Redis 7.0 does not have the field
    assert me["resp"] == str(PROTOCOL), me
    assert any(line["name"] == "checker" for line in r.client_list())
    assert int(me["id"]) == named.client_id()
    named.close()


@check
def reconnects(r):
    victim = connect(single_connection_client=True, retry=redis.retry.Retry(redis.backoff.NoBackoff(), 3))
    victim.set("k", "before")
    assert r.client_kill_filter(_id=str(victim.client_id()), skipme=False) == 1
    assert victim.get("k") == b"before"
    victim.close()
    quitter = connect(single_connection_client=True)
    quitter.ping()
    quitter.close()


@check
def server(r):
    info = r.info()
    assert "redis_version" in info and info["role"] == "master", sorted(info)[:20]
    assert "db0" not in r.info("keyspace")
    r.set("k", 1)
    assert r.info("keyspace")["db0"]["keys"] == 1
    assert r.config_get("maxmemory") == {"maxmemory": "0"}, r.config_get("maxmemory")
    assert r.config_set("timeout", 0) is True
    assert len(r.time()) == 2 and r.command_count() > 40
    assert r.command_getkeys("MSET", "a", 1, "b", 2) in ([b"a", b"b"], ["a", "b"])
    assert "get" in r.command()
    assert r.flushall() is True and r.dbsize() == 0


@check
def seeing_into_it(r):
    r.set("k", "v")
    stats = r.memory_stats()
    assert stats["keys.count"] == 1 and stats["total.allocated"] > stats["startup.allocated"] > 0, stats
    assert stats["db.0"]["overhead.hashtable.main"] > 0 and float(stats["fragmentation"]) > 0, stats
    assert r.memory_usage("k") > 9 and r.memory_malloc_stats() and r.memory_purge() is True
    info = r.info("everything")
    assert info["cmdstat_set"]["calls"] > 0 and info["latency_percentiles_usec_set"]["p50"] > 0
    assert info["mem_allocator"] and info["used_cpu_user_main_thread"] >= 0
    # Redis 7.0 does not have these.
    assert info.get("total_blocking_keys", 0) == 0 and info.get("db0_distrib_strings_sizes", {"1": 1}) == {"1": 1}, info
    slower = r.config_get("slowlog-log-slower-than")
    r.config_set("slowlog-log-slower-than", 0)
    r.slowlog_reset()
    r.get("k")
    r.config_set("slowlog-log-slower-than", -1)
    assert b"GET k" in [entry["command"] for entry in r.slowlog_get()] and r.slowlog_len() >= 1
    r.config_set("slowlog-log-slower-than", slower["slowlog-log-slower-than"])
    assert r.slowlog_reset() is True
    assert r.latency_reset() == 0 and r.latency_latest() == [] and r.latency_history("command") == []


@check
def transactions(r):
    with r.pipeline() as p:
        assert p.set("k", 1).incr("k").get("k").execute() == [True, 2, b"2"]
    with r.pipeline() as p:
        p.watch("k")
        before = int(p.get("k"))
        r.set("k", 10)  # Another connection is quicker.
        p.multi()
        p.set("k", before + 1)
        try:
            p.execute()
            raise AssertionError("the watch was broken")
        except redis.WatchError:
            pass
    tries = []

    def add_one(p):
        tries.append(1)
        before = int(p.get("k"))
        if len(tries) < 3:
            r.incr("k")
        p.multi()
        p.set("k", before + 1)

    assert r.transaction(add_one, "k") == [True] and r.get("k") == b"13" and len(tries) == 3
    with r.pipeline() as p:
        p.set("text", "x").incr("text").get("text")
        answers = p.execute(raise_on_error=False)
    assert answers[0] is True and isinstance(answers[1], redis.ResponseError) and answers[2] == b"x"
    with r.pipeline() as p:
        p.set("k", "no").execute_command("NOSUCH")
        assert "unknown command" in refused(redis.ResponseError, p.execute)
    assert r.get("k") == b"13"


def until(condition):
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.005)


def heard(pubsub, count):
    """The next messages that are no confirmations."""
    messages, deadline = [], time.monotonic() + 10
    while len(messages) < count:
        assert time.monotonic() < deadline, messages
        message = pubsub.get_message(ignore_subscribe_messages=True, timeout=0.1)
        messages += [message] if message else []
    return [(message["type"], message["channel"], message["data"]) for message in messages]


@check
def publish_and_subscribe(r):
    with r.pubsub() as p:
        p.subscribe("news", "sport")
        p.psubscribe("n*")
        while sum(r.pubsub_numsub("news", "sport")[at][1] for at in (0, 1)) + r.pubsub_numpat() < 3:
            p.get_message(timeout=0.05)
        assert r.publish("news", "one") == 2 and r.publish("nobody", "two") == 1 and r.publish("sport", b"\x00\xff") == 1
        expected = [
            ("message", b"news", b"one"),
            ("pmessage", b"news", b"one"),
            ("pmessage", b"nobody", b"two"),
            ("message", b"sport", b"\x00\xff"),
        ]
        assert heard(p, 4) == expected
        assert sorted(r.pubsub_channels()) == [b"news", b"sport"]
        # It is subscribed again after the connection is lost.
        own = next(line["id"] for line in r.client_list(_type="pubsub"))
        assert r.client_kill_filter(_id=own) == 1
        deadline = time.monotonic() + 10
        while True:
            assert time.monotonic() < deadline
            try:
                p.get_message(ignore_subscribe_messages=True, timeout=0.05)
            except redis.ConnectionError:
                pass
            if r.publish("news", "again") == 2:
                break
        assert ("message", b"news", b"again") in heard(p, 2)
    r.config_set("notify-keyspace-events", "KEA")
    with r.pubsub() as p:
        p.psubscribe("__key*__:*")
        p.get_message(timeout=5)
        r.set("k", "v", px=30)
        told = heard(p, 6)
        assert ("pmessage", b"__keyevent@0__:expired", b"k") in told, told
        assert ("pmessage", b"__keyspace@0__:k", b"set") in told, told
    r.config_set("notify-keyspace-events", "")


@check
def lists_that_are_waited_for(r):
    with concurrent.futures.ThreadPoolExecutor(max_workers=20) as pool:
        waits = [pool.submit(r.blpop, ["a", "b"], 20) for _ in range(20)]
        until(lambda: r.info("clients")["blocked_clients"] == 20)
        r.rpush("a", *range(10))
        r.lpush("b", *range(10, 20))
        assert sorted(int(wait.result()[1]) for wait in waits) == list(range(20))
        wait = pool.submit(r.blmove, "from", "to", 20, "LEFT", "RIGHT")
        until(lambda: r.info("clients")["blocked_clients"] == 1)
        with r.pipeline() as p:
            assert p.rpush("from", "x", "y").llen("from").execute() == [2, 2]
        assert wait.result() == b"x" and r.lrange("to", 0, -1) == [b"x"] and r.lrange("from", 0, -1) == [b"y"]
        # Who is cut off while he waits asks again on a new connection.
        victim = connect(single_connection_client=True, retry=redis.retry.Retry(redis.backoff.NoBackoff(), 3))
        number = victim.client_id()
        wait = pool.submit(victim.brpop, "late", 20)
        until(lambda: r.info("clients")["blocked_clients"] == 1)
        assert r.client_kill_filter(_id=str(number)) == 1
        until(lambda: any(line["id"] != str(number) and "b" in line["flags"] for line in r.client_list()))
        r.rpush("late", "at last")
        assert wait.result() == (b"late", b"at last") or wait.result() == [b"late", b"at last"], wait.result()
        victim.close()
    assert r.blpop("nothing", 0.02) is None and r.llen("a") == 0


@check
def asynchronous(r):
    async def work():
        a = redis.asyncio.Redis(host="127.0.0.1", port=PORT, protocol=PROTOCOL)
        await asyncio.gather(*(a.set(f"a{n}", n) for n in range(50)))
        values = await asyncio.gather(*(a.get(f"a{n}") for n in range(50)))
        assert values == [str(n).encode() for n in range(50)]
        async with a.pipeline(transaction=False) as p:
            assert await p.incr("n").incr("n").execute() == [1, 2]
        async with a.pipeline(transaction=True) as p:
            assert await p.incr("n").incr("n").execute() == [3, 4]
        pops = [asyncio.ensure_future(a.blpop("queue", 20)) for _ in range(30)]
        await asyncio.sleep(0.01)
        await a.rpush("queue", *range(30))
        assert sorted(int(pair[1]) for pair in await asyncio.gather(*pops)) == list(range(30))
        await a.aclose()

    asyncio.run(work())


failed = 0
for PROTOCOL in (2, 3):
    for function in CHECKS:
        name = f"redis-py RESP{PROTOCOL} {function.__name__}"
        client = connect()
        try:
            client.flushall()
            function(client)
            print(f"ok {name}")
        except Exception as error:
            failed += 1
            line = error.__traceback__
            while line.tb_next and line.tb_next.tb_frame.f_code.co_filename == __file__:
                line = line.tb_next
            print(f"not ok {name}: line {line.tb_lineno}: {error!r:.300}")
        client.close()
sys.exit(1 if failed else 0)
