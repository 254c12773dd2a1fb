"""Load: one run of redis-benchmark and what it and the server's CPU clock say about it, filling a server with keys, and
interleaved rounds of which the medians count."""

import re, statistics, subprocess
from dataclasses import astuple, dataclass

import lab

# What redis-benchmark runs, in its order. The number divides the requests, for tests whose requests are long.
TESTS = {"ping_inline": 1, "ping_mbulk": 1, "set": 1, "get": 1, "incr": 1, "lpush": 1, "rpush": 1, "lpop": 1, "rpop": 1, "sadd": 1,
         "hset": 1, "spop": 1, "zadd": 1, "zpopmin": 1, "lrange_100": 12, "lrange_300": 30, "lrange_500": 50, "lrange_600": 60,
         "mset": 6, "xadd": 1}
# MGET of ten keys, which it has no test of.
OURS = {"mget": 6}
# Requests of one run: about a second each, long enough that the clock's grain and the connecting do not show.
REQUESTS = {1: 100_000, 16: 1_000_000, 64: 2_000_000}


@dataclass
class Figures:
    rps: float
    p50: float  # milliseconds, as the three below
    p99: float
    p999: float
    cpu: float  # the server's nanoseconds per request
    waited: float  # share of its time that the server stood ready, but other work had its core: 0 on a machine at rest


# Above this share a run tells more of the machine's other work than of the server: caches are cold, and a server that is
# kept waiting finds more requests at once, so that each costs less.
DISTURBED = 0.05
tries = 3


def run(server, test, depth=1, clients=50, unix=False, keys=100_000, size=3, scale=1.0, core=None):
    """One run, or None where the server does not know the test's command. A disturbed run is repeated, twice at most; but
    where that did not help, the next ones are not, until the machine has come to rest."""
    global tries
    requests = max(int(REQUESTS[depth] / (TESTS | OURS)[test] * scale * (0.2 if clients == 1 else 1)), 1000)
    where = ["-s", server.socket_path] if unix else ["-p", str(server.port)]
    # redis-benchmark pushes the list for LRANGE in the same process, which would count as LRANGE's cost: so we fill it.
    what = ["LRANGE", "mylist", "0", str(int(test[7:]) - 1)] if test.startswith("lrange") else ["-t", test]
    if test == "mget":
        what = ["MGET", *["key:__rand_int__"] * 10]
    argv = [*lab.benchmark_argv(), *where, "-n", str(requests), "-c", str(clients), "-P", str(depth), "-r", str(keys), "-d", str(size), *what]
    runs, most = [], tries if scale > 0.1 else 1  # in the small runs of a smoke test starting up is most of it
    while len(runs) < most and (not runs or runs[-1].waited > DISTURBED):
        ran, waited = server.clock()
        done = subprocess.run(argv, capture_output=True, text=True, preexec_fn=lambda: lab.pin(lab.LOAD_CORE if core is None else core))
        ran, waited = (after - before for after, before in zip(server.clock(), (ran, waited)))
        figures = parse(done.stdout, ran / requests, waited / max(ran + waited, 1)) if done.returncode == 0 else None
        if figures is None or core is not None:  # on one core with its load a server always waits
            return figures
        runs.append(figures)
    tries = 3 if runs[-1].waited <= DISTURBED else 1
    return min(runs, key=lambda f: f.waited)


def parse(text, cpu, waited):
    """redis-benchmark's long report. It has no p99.9, but its distribution halves the rest at each line: 99.902 % is one."""
    rps = re.search(r"throughput summary: ([\d.]+)", text)
    summary = re.search(r"avg\s+min\s+p50\s+p95\s+p99\s+max\s+([\d. ]+)", text)
    if not (rps and summary):
        return None
    _, _, p50, _, p99, _ = map(float, summary.group(1).split())
    rows = [(float(a), float(b)) for a, b in re.findall(r"([\d.]+)% <= ([\d.]+) milliseconds", text)]
    return Figures(float(rps.group(1)), p50, p99, next(ms for share, ms in rows if share >= 99.9), cpu, waited)


def rounds(servers, count, measure, tick=lambda: None):
    """Measures each server once a round, so that a slow minute of the machine hits all alike. Medians, or None."""
    seen = {s: [] for s in servers}
    for _ in range(count):
        for s in servers:
            if None not in seen[s]:
                seen[s].append(measure(s))
            tick()
    return {s: None if None in rows else Figures(*map(statistics.median, zip(*map(astuple, rows)))) for s, rows in seen.items()}


def fill(server, count, size=3, ttl=False):
    """`count` keys as redis-benchmark names them, with values of `size` bytes."""
    form = lab.encode(b"SET", b"key:" + b"0" * 12, b"x" * size, *((b"EX", b"86400") if ttl else ()))
    form = form.replace(b"0" * 12, b"%012d")  # one template: packing each word anew would make this the slow side
    with server.connect() as s:
        for first in range(0, count, 1000):
            batch = range(first, min(first + 1000, count))
            send(s, [form % i for i in batch])


def fill_list(server):
    """The list that LRANGE reads. False where the server has no lists: it would answer LRANGE fast, and with nothing."""
    with server.connect() as s:
        send(s, [lab.encode("DEL", "mylist"), lab.encode("RPUSH", "mylist", *["xxx"] * 1000)])
    return server.call("LLEN", "mylist") == b":1000"


def send(s, requests):
    """Sends encoded requests at once and waits for their one-line replies."""
    s.sendall(b"".join(requests))
    missing = len(requests)
    while missing > 0:
        got = s.recv(1 << 16)
        if not got:
            raise SystemExit("bench: the server hung up while it was filled")
        missing -= got.count(b"\n")


def disturbed(waits):
    """A line for the reader where the machine was not at rest, else nothing."""
    bad = [w for w in waits if w > DISTURBED]
    return f"\nDISTURBED: in {len(bad)} of {len(waits)} figures other work had the server's core, up to {max(bad):.0%} of the time." if bad else ""
