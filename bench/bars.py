"""bench.sh bars: each promise of docs/measured.md beside its figure. BARS, below, is the whole list: a new promise is a new row."""

import statistics
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Callable

import crowd, lab, load, memory, pubsub, report, suite


@dataclass
class Bar:
    what: str
    sense: str  # "<=" or ">="
    limit: float
    unit: str
    measure: Callable  # (options) -> (figure, what was seen)


PLAIN = ("get", "set", "incr")
FEW, MANY = (100_000, 3), (4_000_000, 16)  # keys, bytes of a value
EVERY_TEST = 0.95
BARS = [
    *(Bar(f"CPU over null, {test}, depth {depth}", "<=", 0.50, "× best peer", lambda a, t=test, d=depth: cpu_over_null(a, t, d))
      for depth in (1, 16, 64) for test in PLAIN),
    *(Bar(f"CPU over null, get, set, incr, depth {depth}, geometric mean", "<=", limit, "× best peer", lambda a, d=depth: mean_over_null(a, PLAIN, d))
      for depth, limit in ((1, 0.35), (16, 0.22), (64, 0.18))),
    *(Bar(f"CPU over null, get, set, 4 M keys, depth {depth}, geometric mean", "<=", limit, "× best peer", lambda a, d=depth: mean_over_null(a, ("get", "set"), d, MANY))
      for depth, limit in ((16, 0.25), (64, 0.15))),
    Bar("CPU over null, mget, mset of ten, 4 M keys, depth 16, geometric mean", "<=", 0.25, "× best peer", lambda a: mean_over_null(a, ("mget", "mset"), 16, MANY)),
    *(Bar(f"CPU over null, {test}, depth 16", "<=", 0.30, "× best peer", lambda a, t=test: cpu_over_null(a, t, 16)) for test in ("zadd", "mset")),
    Bar("CPU over null, collections, depth 16, geometric mean", "<=", 0.35, "× best peer", lambda a: collections(a, lambda ratios: statistics.geometric_mean(ratios.values()))),
    Bar("CPU over null, collections, depth 16, the worst", "<=", 0.60, "× best peer", lambda a: collections(a, lambda ratios: max(ratios.values()))),
    *(Bar(f"CPU, {test}, depth 16", "<=", 0.40, "× best peer", lambda a, t=test: cpu(a, t, 16)) for test in ("lrange_100", "lrange_600")),
    Bar("CPU, every test, depth 1, the worst", "<=", EVERY_TEST, "× best peer", lambda a: worst_without_pipeline(a)),
    *(Bar(f"throughput, 50 clients, depth 1, {test}", ">=", 1.00, "× best peer", lambda a, t=test: throughput(a, t)) for test in ("get", "set")),
    Bar("p50 of one client, get", "<=", 0.60, "× best peer", lambda a: p50_alone(a)),
    Bar("throughput on one core with the load", ">=", 0.97, "× no busy-poll", lambda a: same_core(a)),
    *(Bar(f"delivered message, 1,000 subscribers, depth {depth}, user CPU", "<=", 0.40, "× best peer", lambda a, d=depth: delivered(a, d, 0)) for depth in pubsub.DEPTHS),
    *(Bar(f"delivered message, 1,000 subscribers, depth {depth}, write calls", "<=", 1.00, "× best peer", lambda a, d=depth: delivered(a, d, 2)) for depth in pubsub.DEPTHS),
    *(Bar(f"memory of a key{', with a TTL' if ttl else ''}", "<=", limit, "× best peer", lambda a, t=ttl: bytes_per_key(a, t)) for ttl, limit in ((False, 0.90), (True, 0.75))),
    Bar("idle with 1,000 connections, CPU", "<=", 0.50, "% of a core", lambda a: idle(a)[1]),
    Bar("idle connection, memory", "<=", 1024, "bytes", lambda a: idle(a)[0]),
    Bar("p99 of 100 clients beside 10,000 idle connections", "<=", 1.25, "× alone", lambda a: crowded(a)),
    Bar("cold start", "<=", 50, "ms", lambda a: cold_start(a)),
]


class Unmeasured(Exception):
    """There is no figure, and why."""


def options(ap):
    ap.add_argument("--only", default="", help="only bars whose name contains this")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--scale", type=float, default=1.0, help="multiplies the requests of each run")
    ap.add_argument("--idle-seconds", type=float, default=10.0)


def run(a):
    chosen = [b for b in BARS if a.only in b.what]
    kinds = [lab.spindle(), *lab.peers()]
    if len(kinds) < 2:
        raise SystemExit("bench: no peer to compare with: install redis-server, or run bench.sh fetch-peers")
    progress, rows = report.Progress(len(chosen)), []
    with ExitStack() as a.stack:
        a.running, a.idle, a.delivered, a.over, a.waits, waits = {}, None, {}, {}, [], []
        for bar in chosen:
            progress.say(bar.what)
            try:
                figure, seen = bar.measure(a)
            except Unmeasured as why:
                figure, seen = None, str(why)
            waits += a.waits
            disturbed, a.waits = max(a.waits, default=0) > load.DISTURBED, []
            rows.append({"bar": bar.what, "figure": None if figure is None else round(figure, 3), "sense": bar.sense, "limit": bar.limit,
                         "unit": bar.unit, "verdict": verdict(bar, figure), "seen": seen + ("; disturbed" if disturbed else "")})
            report.write_csv(f"{a.out}/bars.csv", rows)  # each time, so that a run broken off leaves what it had
            progress.tick()
    progress.clear()
    text = report.table(["bar", "figure", "wanted", "unit", "verdict", "seen"],
                        [[r["bar"], "–" if r["figure"] is None else f"{r['figure']:.2f}", f"{r['sense']} {r['limit']:g}", r["unit"], r["verdict"], r["seen"]] for r in rows])
    foot = report.conditions(kinds) + load.disturbed(waits)
    open(f"{a.out}/bars.md", "w").write(f"{text}\n\n{foot}\n")
    missed = sum(r["verdict"] != "met" for r in rows)
    print(f"{text}\n\n{foot}\n{len(rows) - missed} met, {missed} not. {a.out}/bars.csv, bars.md")
    return 1 if missed else 0


def verdict(bar, figure):
    if figure is None:
        return "UNCLEAR"
    return "met" if (figure <= bar.limit if bar.sense == "<=" else figure >= bar.limit) else "MISSED"


def prepared(a, kinds, content=FEW):
    """Servers are started and filled once, and serve all bars."""
    keys, size = content
    for kind in kinds:
        if (kind, content) not in a.running:
            a.running[kind, content] = server = a.stack.enter_context(lab.Server(kind))
            if kind.role != "null":
                load.fill(server, keys_of(a, content), size)
    return [a.running[kind, content] for kind in kinds]


def keys_of(a, content):
    """A smoke test makes do with fewer."""
    return content[0] if content == FEW else int(content[0] * min(a.scale, 1))


def measured(a, kinds, test, depth, clients=50, core=None, content=FEW, rounds=None):
    """{kind: figures}, medians of interleaved rounds."""
    servers, keys, size = prepared(a, kinds, content), keys_of(a, content), content[1]
    got = load.rounds(servers, rounds or a.rounds, lambda s: load.run(s, test, depth, clients, keys=keys, size=size, scale=a.scale, core=core))
    missing = [s.kind.label for s, f in got.items() if f is None]
    if missing:
        raise Unmeasured(f"redis-benchmark's {test} fails on {', '.join(missing)}")
    if core is None:
        a.waits += [f.waited for f in got.values()]
    return {s.kind: f for s, f in got.items()}


def versus(mine, theirs, show, best):
    """Spindle's figure over the best peer's, and both in words."""
    peer = best(theirs, key=theirs.get)
    return mine / max(theirs[peer], 1e-9), f"{show(mine)}; {peer.label}: {show(theirs[peer])}"


def split(figures, pick):
    return next(pick(f) for k, f in figures.items() if k.role == "spindle"), {k: pick(f) for k, f in figures.items() if k.role == "peer"}


def cpu_over_null(a, test, depth, content=FEW):
    """Measured once for all bars that want it."""
    at = (test, depth, content)
    if at not in a.over:
        a.over[at] = measured_over_null(a, *at)
    return a.over[at]


def measured_over_null(a, test, depth, content):
    figures = measured(a, [lab.spindle(busy_poll=False), *lab.peers(), lab.null()], test, depth, content=content)
    null = next(f.cpu for k, f in figures.items() if k.role == "null")
    over = suite.over_null(figures, test)
    mine = next(v for k, v in over.items() if k.role == "spindle")
    ratio, seen = versus(mine, {k: v for k, v in over.items() if k.role == "peer"}, lambda v: f"{v:.0f} ns", min)
    # A peer is 30 % above null without a pipeline, and several times it with one. Where all but nothing is left of that,
    # the difference of two large figures is noise, and so would be the ratio.
    clear = min(v for k, v in over.items() if k.role == "peer") > 0.1 * null
    return ratio if clear else None, f"{seen}; null itself: {null:.0f} ns"


COLLECTIONS = ("lpush", "rpush", "lpop", "rpop", "sadd", "hset", "spop", "zpopmin")


def collections(a, come_to):
    return together(a, COLLECTIONS, 16, FEW, come_to)


def mean_over_null(a, tests, depth, content=FEW):
    return together(a, tests, depth, content, lambda ratios: statistics.geometric_mean(ratios.values()))


def together(a, tests, depth, content, come_to):
    ratios = {test: cpu_over_null(a, test, depth, content)[0] for test in tests}
    # Below null there is noise and no ratio.
    unclear = [test for test, ratio in ratios.items() if ratio is None or ratio <= 0]
    if unclear:
        raise Unmeasured(f"too near to null: {', '.join(unclear)}")
    return come_to(ratios), ", ".join(f"{test} {ratio:.2f}" for test, ratio in ratios.items())


def cpu(a, test, depth, rounds=None):
    """Of requests whose replies are long, so that null is no measure of them; or of all that a request costs."""
    kinds = [lab.spindle(busy_poll=False), *lab.peers()]
    if test.startswith("lrange") and not all([load.fill_list(server) for server in prepared(a, kinds)]):
        raise Unmeasured("a server has no lists")
    return versus(*split(measured(a, kinds, test, depth, rounds=rounds), lambda f: f.cpu), lambda v: f"{v:.0f} ns", min)


def worst_without_pipeline(a):
    """Of redis-benchmark's tests, those that all servers can do."""
    ratios = {}
    for test in load.TESTS:
        try:
            ratios[test] = cpu(a, test, 1)[0]
        except Unmeasured:
            pass
    if not ratios:
        raise Unmeasured("no test that all can do")
    # The largest of so many figures is mostly that with which chance was hardest: what misses is measured anew, and longer.
    doubtful = [test for test, ratio in ratios.items() if ratio > EVERY_TEST]
    ratios |= {test: cpu(a, test, 1, rounds=3 * a.rounds)[0] for test in doubtful}
    worst = max(ratios, key=ratios.get)
    return ratios[worst], f"{worst}, of {len(ratios)} tests; without {', '.join(load.TESTS.keys() - ratios.keys()) or 'none'}; measured twice: {', '.join(doubtful) or 'none'}"


def throughput(a, test):
    figures = measured(a, [lab.spindle(), *lab.peers()], test, 1)
    return versus(*split(figures, lambda f: f.rps), lambda v: f"{report.si(v)}/s", max)


def p50_alone(a):
    figures = measured(a, [lab.spindle(), *lab.peers()], "get", 1, clients=1)
    return versus(*split(figures, lambda f: f.p50), lambda v: f"{v * 1000:.0f} µs", min)


def same_core(a):
    """Spinning must not take the core from the client it waits for."""
    figures = measured(a, [lab.spindle(), lab.spindle(busy_poll=False)], "get", 1, core=lab.SERVER_CORE)
    spinning, still = (f.rps for f in figures.values())
    return spinning / still, f"{report.si(spinning)}/s; without: {report.si(still)}/s"


def delivered(a, depth, column):
    """User CPU and write calls of a delivered message come from one run."""
    if depth not in a.delivered:
        kinds = [lab.spindle(busy_poll=False), *lab.peers()]
        a.delivered[depth] = {kind: pubsub.measure(kind, depth, a.rounds, a.scale) for kind in kinds}
    figures = a.delivered[depth]
    if any(f[column] is None for f in figures.values()):
        raise Unmeasured("strace is not there, or may not look")
    mine, theirs = split(figures, lambda f: f[column])
    if min(theirs.values()) == 0:
        raise Unmeasured("too few ticks of the clock: a larger --scale is wanted")
    return versus(mine, theirs, lambda v: f"{v:.0f} ns" if column == 0 else f"{v:.4f}", min)


def bytes_per_key(a, ttl):
    """Of one count: what `bench.sh memory` tells is the mean of several."""
    count = int(1_500_000 * min(a.scale, 1))
    seen = {kind: memory.per_key(kind, count, ttl=ttl) for kind in [lab.spindle(), *lab.peers()]}
    return versus(*split(seen, lambda size: size), lambda v: f"{v:.0f} B", min)


def idle(a):
    """Both bars of the idle server come from one run."""
    if not a.idle:
        size, share = memory.idle_connections(lab.spindle(), 1000, min(3.0, a.idle_seconds), a.idle_seconds)
        a.idle = (size, f"1,000 connections: {report.si(size * 1000)}B"), (share * 100, f"over {a.idle_seconds:g} s")
    return a.idle


def crowded(a):
    figures = crowd.measure(lab.spindle(), max(int(crowd.IDLE * min(a.scale, 1)), 100), rounds=a.rounds, scale=a.scale)
    a.waits.append(figures["waited"])
    return figures["ratio"], f"{figures['p99_crowd_ms']:.3f} ms; alone: {figures['p99_ms']:.3f} ms"


def cold_start(a):
    times = []
    for _ in range(2 * a.rounds + 1):
        with lab.Server(lab.spindle()) as s:
            times.append(s.ready_ms)
    return statistics.median(times), f"process to first reply, worst of {len(times)}: {max(times):.0f} ms"
