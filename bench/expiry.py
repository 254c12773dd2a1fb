"""bench.sh expiry: a million keys that are due within one second. How long after the last deadline the last of them is
gone though nobody asks for it, and how long a bystander waits meanwhile.

Cores, probe and its waits are those of bench.sh pauses. DBSIZE, asked every 5 ms, counts what is still there."""

import statistics, time

import lab, load, pauses, report

SPAN_MS = 1000


def options(ap):
    ap.add_argument("--keys", type=int, default=1_000_000)
    ap.add_argument("--rounds", type=int, default=3)


def run(a):
    kinds = [lab.spindle(), *lab.peers()]
    seen = report.gather(kinds, a.rounds, f"{report.si(a.keys)} keys expire", lambda kind: expire(kind, a.keys))
    median = lambda runs, name: round(statistics.median(r[name] for r in runs), 3)
    rows = [{"server": k.label, "role": k.role, "keys": a.keys, **{c: median(runs, c) for c in runs[0]}} for k, runs in seen.items()]
    text = report.table(["server", "gone after the last deadline, ms", "p99.9 wait, ms", "third-worst wait, ms", "CPU s"],
                        [[r["server"], f"{r['gone_ms']:.0f}", f"{r['p999_ms']:.2f}", f"{r['third_worst_ms']:.2f}", f"{r['cpu_s']:.2f}"] for r in rows])
    foot = report.conditions(kinds) + load.disturbed([r["waited"] for r in rows])
    report.write_csv(f"{a.out}/expiry.csv", rows)
    open(f"{a.out}/expiry.md", "w").write(f"{text}\n\n{foot}\n")
    print(f"{report.si(a.keys)} keys due within {SPAN_MS} ms, medians of {a.rounds} round(s)\n\n{text}\n\n{foot}\n{a.out}/expiry.csv, expiry.md")


def expire(kind, keys):
    with lab.Server(kind) as server:
        # Time enough to load them all.
        due = time.time() + 2 + keys / 60_000
        child, gone_ms = lab.apart(lambda: fill_and_watch(server, keys, due))
        while time.time() < due - 0.3:
            time.sleep(0.01)
        before = server.clock()
        samples, _ = pauses.probe(server, child, lambda _: lab.encode("PING"))
        gone = gone_ms()
        if gone is None:
            raise SystemExit(f"bench: {kind.label} did not take {keys} keys in time, or did not let go of them")
        ran, waited = (after - earlier for after, earlier in zip(server.clock(), before))
        waits = sorted(w for _, w in samples)
        return {"gone_ms": gone, "p999_ms": waits[int(len(waits) * 0.999)],
                "third_worst_ms": waits[-3:][0], "cpu_s": ran / 1e9, "waited": waited / (ran + waited)}


def fill_and_watch(server, keys, due):
    """The load, in a process of its own. Returns when all keys were gone: ms after the last deadline."""
    lab.pin(lab.LOAD_CORE)
    due_ms = int(due * 1000)
    with server.connect() as s:
        for first in range(0, keys, 100):
            load.send(s, [b"*5\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$16\r\nxxxxxxxxxxxxxxxx\r\n$4\r\nPXAT\r\n$13\r\n%013d\r\n"
                          % (i, due_ms + i * 7919 % SPAN_MS) for i in range(first, min(first + 100, keys))])
        assert time.time() < due - 0.3, "the load came too late"
        time.sleep(max(0, due - time.time()))
        while time.time() < due + 60:
            s.sendall(lab.encode("DBSIZE"))
            if s.recv(64) == b":0\r\n":
                return (time.time() - due) * 1000 - SPAN_MS
            time.sleep(0.005)
        raise SystemExit("they never go")
