"""bench.sh pauses: how long a bystander waits while a server grows from empty to millions of keys (SETs, 100 in a
pipeline, from one client), and while FLUSHALL ASYNC frees them again.

The server has its core to itself. Load and probe share the other one, the probe with real-time priority where that is
allowed, so that it waits for the server and not for the load. It sends a PING every 0.3 ms. The third-worst wait counts:
the worst two of a shared machine are mostly the machine's own (2 to 5 ms of noise; a table rehashed at once, hundreds)."""

import os, socket, statistics, struct, sys, time

import lab, load, plot, report


def options(ap):
    ap.add_argument("--keys", type=int, default=6_000_000)
    ap.add_argument("--rounds", type=int, default=3)


def run(a):
    kinds = [lab.spindle(), *lab.plain_map(), *lab.peers()]
    progress, seen = report.Progress(a.rounds * len(kinds)), {k: [] for k in kinds}
    for n in range(a.rounds):
        for kind in kinds:
            progress.say(f"{kind.label} grows to {report.si(a.keys)} keys, round {n + 1}")
            seen[kind].append(bystander(kind, a.keys))
            progress.tick()
    progress.clear()
    rows = [{"server": k.label, "role": k.role, "keys": a.keys, **summary(runs)} for k, runs in seen.items()]
    text = report.table(["server", "p99.9 ms", "third-worst, growing ms", "third-worst, freeing ms", "third-worst of all ms"],
                        [[r["server"], *(f"{r[c]:.2f}" for c in ("p999_ms", "growing_ms", "freeing_ms", "third_worst_ms"))] for r in rows])
    foot = report.conditions(kinds) + load.disturbed([r["waited"] for r in rows])
    report.write_csv(f"{a.out}/pauses.csv", rows)
    # For the plot, the run of each server whose third-worst wait is the median one.
    typical = {k.label: sorted(runs, key=third_worst)[len(runs) // 2] for k, runs in seen.items()}
    report.write_csv(f"{a.out}/pauses-samples.csv", [{"server": name, "second": round(t, 4), "wait_ms": round(w, 4)}
                                                     for name, (samples, *_) in typical.items() for t, w in thin(samples)])
    open(f"{a.out}/pauses.md", "w").write(f"{text}\n\n{foot}\n")
    print(f"{report.si(a.keys)} keys, medians of {a.rounds} round(s)\n\n{text}\n\n{foot}")
    print(f"{a.out}/pauses.csv, pauses-samples.csv, pauses.md, {plot.pauses(a.out, typical, a.keys, foot.replace(chr(10), ' · '))}")


def summary(runs):
    median = lambda f: round(statistics.median(f(r) for r in runs), 3)
    waits = lambda r: sorted(w for _, w in r[0])
    return {"p999_ms": median(lambda r: waits(r)[int(len(r[0]) * 0.999)]), "third_worst_ms": median(third_worst), "waited": median(lambda r: r[2]),
            "growing_ms": median(lambda r: third_worst([[x for x in r[0] if x[0] < r[1]]])),
            "freeing_ms": median(lambda r: third_worst([[x for x in r[0] if x[0] >= r[1]]]))}


def third_worst(run):
    return sorted((w for _, w in run[0]), reverse=True)[:3][-1]


def thin(samples, bins=600):
    """The worst sample of each of `bins` stretches of time: what the eye can see."""
    worst, end = {}, samples[-1][0] or 1
    for t, w in samples:
        b = int(t / end * bins)
        if w > worst.get(b, (0, 0))[1]:
            worst[b] = (t, w)
    return list(worst.values())


def bystander(kind, keys):
    """([(second, wait in ms)], second of the FLUSHALL, share of its time that the server waited for its core)"""
    with lab.Server(kind) as server:
        end, told = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.write(told, struct.pack("d", grow(server, keys)))
                code = 0
            finally:
                os._exit(code)  # not the parent's clean-up: the server is the parent's
        os.close(told)
        try:
            samples, began = probe(server, child)
            flushed = os.read(end, 8)
        finally:
            os.close(end)
        if len(flushed) < 8:
            raise SystemExit(f"bench: the load on {kind.label} failed")
        ran, waited = server.clock()
        return samples, struct.unpack("d", flushed)[0] - began, waited / (ran + waited)


def grow(server, keys):
    """The load, in a process of its own: fills, flushes, ends. Returns when it flushed."""
    lab.pin(lab.LOAD_CORE)
    with server.connect() as s:
        for first in range(0, keys, 100):
            load.send(s, [b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$16\r\nxxxxxxxxxxxxxxxx\r\n" % i for i in range(first, min(first + 100, keys))])
        time.sleep(0.3)
        flushed = time.perf_counter()
        load.send(s, [lab.encode("FLUSHALL", "ASYNC")])
        time.sleep(0.7)
        return flushed


def probe(server, child):
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
                sent = time.perf_counter()
                s.sendall(b"*1\r\n$4\r\nPING\r\n")
                s.recv(16)
                samples.append((sent - began, (time.perf_counter() - sent) * 1e3))
                time.sleep(0.0003)
        return samples, began
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.sched_setaffinity(0, set(lab._cores))
