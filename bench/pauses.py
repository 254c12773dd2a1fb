"""bench.sh pauses: how long a bystander waits while a server grows from empty to millions of keys (SETs, 100 in a
pipeline, from one client), while FLUSHALL ASYNC frees them, and, when it has grown again, while DELs take them one by one.

The server has its core to itself. Load and probe share the other one, the probe with real-time priority where that is
allowed, so that it waits for the server and not for the load. It sends a SET every 0.3 ms. The third-worst wait counts:
the worst two of a shared machine are mostly the machine's own (2 to 5 ms of noise; a table rehashed at once, hundreds).
What grows with the number of keys shows in the 99th percentile over each twentieth of the growth."""

import os, socket, statistics, sys, time
from dataclasses import dataclass

import lab, load, plot, report

STEPS = 20
PHASES = ("growing", "flushing", "deleting")


@dataclass
class Run:
    samples: list  # (second, wait in ms)
    steps: list  # the seconds at which growth began and a twentieth, two twentieths ... were there
    flushed: float
    again: float  # it began to grow again
    deleting: float
    waited: float  # share of its time that the server waited for its core

    def waits(self, begin=0.0, end=float("inf")):
        return sorted(w for t, w in self.samples if begin <= t < end)

    def phase(self, name):
        return self.waits(*{"growing": (0, self.flushed), "flushing": (self.flushed, self.again), "deleting": (self.deleting,)}[name])


def options(ap):
    ap.add_argument("--keys", type=int, default=6_000_000)
    ap.add_argument("--rounds", type=int, default=3)


def run(a):
    kinds = [lab.spindle(), *lab.plain_map(), *lab.peers()]
    seen = report.gather(kinds, a.rounds, f"growing to {report.si(a.keys)} keys", lambda kind: bystander(kind, a.keys))
    rows = [{"server": k.label, "role": k.role, "keys": a.keys, **summary(runs)} for k, runs in seen.items()]
    text = report.table(["server", "p99.9 ms", *(f"third-worst, {phase} ms" for phase in PHASES), "third-worst of all ms"],
                        [[r["server"], *(f"{r[c]:.2f}" for c in ("p999_ms", *(f"{phase}_ms" for phase in PHASES), "third_worst_ms"))] for r in rows])
    foot = report.conditions(kinds) + load.disturbed([r["waited"] for r in rows])
    report.write_csv(f"{a.out}/pauses.csv", rows)
    # For the plot, the run of each server whose third-worst wait is the median one.
    typical = {k.label: sorted(runs, key=lambda r: third_worst(r.waits()))[len(runs) // 2] for k, runs in seen.items()}
    report.write_csv(f"{a.out}/pauses-samples.csv", [{"server": name, "second": round(t, 4), "wait_ms": round(w, 4)}
                                                     for name, r in typical.items() for t, w in thin(r.samples)])
    growth = {k.label: [statistics.median(p99(r, step) for r in runs) for step in range(STEPS)] for k, runs in seen.items()}
    report.write_csv(f"{a.out}/growth.csv", [{"server": name, "keys": a.keys * (step + 1) // STEPS, "p99_ms": round(p, 4)}
                                             for name, line in growth.items() for step, p in enumerate(line)])
    flat = report.table(["server", "p99 of the first fifth of the growth, ms", "second", "third", "fourth", "last", "worst twentieth"],
                        [[name, *(f"{statistics.median(line[i:i + 4]):.3f}" for i in range(0, STEPS, 4)), f"{max(line):.3f}"] for name, line in growth.items()])
    open(f"{a.out}/pauses.md", "w").write(f"{text}\n\n{flat}\n\n{foot}\n")
    print(f"{report.si(a.keys)} keys, medians of {a.rounds} round(s)\n\n{text}\n\n{flat}\n\n{foot}")
    foot = foot.replace(chr(10), " · ")
    plots = [plot.pauses(a.out, typical, a.keys, foot), plot.growth(a.out, growth, a.keys, foot)]
    print(f"{a.out}/pauses.csv, pauses-samples.csv, growth.csv, pauses.md, {', '.join(plots)}")


def summary(runs):
    median = lambda f: round(statistics.median(f(r) for r in runs), 3)
    return {"p999_ms": median(lambda r: quantile(r.waits(), 0.999)), "third_worst_ms": median(lambda r: third_worst(r.waits())),
            "waited": median(lambda r: r.waited), **{f"{phase}_ms": median(lambda r: third_worst(r.phase(phase))) for phase in PHASES}}


def quantile(waits, share):
    return waits[int(len(waits) * share)]


def p99(r, step):
    """Of the SETs in one twentieth of the growth. One that is too short for a sample has that of the whole."""
    return quantile(r.waits(r.steps[step], r.steps[step + 1]) or r.waits(), 0.99)


def third_worst(waits):
    return waits[-3:][0]


def thin(samples, bins=600):
    """The worst sample of each of `bins` stretches of time: what the eye can see."""
    worst, end = {}, samples[-1][0] or 1
    for t, w in samples:
        b = int(t / end * bins)
        if w > worst.get(b, (0, 0))[1]:
            worst[b] = (t, w)
    return list(worst.values())


def bystander(kind, keys):
    with lab.Server(kind) as server:
        child, marks = lab.apart(lambda: grow(server, keys))
        samples, began = probe(server, child, lambda n: lab.encode("SET", f"probe:{n}", "xxxxxxxxxxxxxxxx"))
        seen = marks()
        if seen is None:
            raise SystemExit(f"bench: the load on {kind.label} failed")
        *steps, flushed, again, deleting = (mark - began for mark in seen)
        ran, waited = server.clock()
        return Run(samples, steps, flushed, again, deleting, waited / (ran + waited))


def grow(server, keys):
    """The load, in a process of its own: fills, flushes, fills again, deletes, ends. Returns when it did what."""
    lab.pin(lab.LOAD_CORE)
    # A template: packing each word anew would make this the slow side.
    set_, del_ = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$16\r\nxxxxxxxxxxxxxxxx\r\n", b"*2\r\n$3\r\nDEL\r\n$16\r\nkey:%012d\r\n"
    clock = time.perf_counter
    with server.connect() as s:

        def each(form, first, last):
            for at in range(first, last, 100):
                load.send(s, [form % i for i in range(at, min(at + 100, last))])
            return clock()

        marks = [clock()] + [each(set_, keys * step // STEPS, keys * (step + 1) // STEPS) for step in range(STEPS)]
        time.sleep(0.3)
        marks.append(clock())
        load.send(s, [lab.encode("FLUSHALL", "ASYNC")])
        freed(s)
        marks.append(clock())
        marks.append(each(set_, 0, keys))
        each(del_, 0, keys)
        time.sleep(0.3)
        return marks


def freed(s):
    """Waits until what was flushed is freed, as the server tells it, and a little more."""
    left = b"unknown"
    while left != b"0":
        time.sleep(0.1)
        s.sendall(lab.encode("INFO", "memory"))
        told = b""
        while not told.endswith(b"\r\n") or b"lazyfree_pending_objects:" not in told:
            told += s.recv(65536)
        left = told.split(b"lazyfree_pending_objects:")[1].split(b"\r\n")[0]
    time.sleep(0.5)


def probe(server, child, request):
    """Asks, once every 0.3 ms, until the load has ended. `request` makes the nth request."""
    lab.pin(lab.LOAD_CORE)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except OSError:
        print("bench: no real-time priority for the probe, so its waits hold some of the load's time", file=sys.stderr)
    try:
        samples, began = [], time.perf_counter()
        with server.connect() as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while os.waitpid(child, os.WNOHANG)[0] == 0:
                bytes = request(len(samples))
                sent = time.perf_counter()
                s.sendall(bytes)
                s.recv(16)
                samples.append((sent - began, (time.perf_counter() - sent) * 1e3))
                time.sleep(0.0003)
        return samples, began
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.sched_setaffinity(0, set(lab._cores))
