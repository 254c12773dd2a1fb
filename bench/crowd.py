"""bench.sh crowd: a hundred busy clients, alone and beside ten thousand connections that idle: what the idle ones cost the
busy ones. Of each kind two servers run, one with the crowd and one without, and each round measures both, one after the
other: so a slow minute of the machine hits both, and what counts is the median of the rounds' ratios."""

import statistics
from contextlib import ExitStack

import lab, load, report

IDLE = 10_000
BUSY = 100


def options(ap):
    ap.add_argument("--idle", type=int, default=IDLE)
    ap.add_argument("--busy", type=int, default=BUSY)
    ap.add_argument("--rounds", type=int, default=7)
    ap.add_argument("--scale", type=float, default=1.0, help="multiplies the requests of each run")


def run(a):
    kinds = [lab.spindle(), *lab.peers()]
    progress, rows = report.Progress(len(kinds)), []
    for kind in kinds:
        progress.say(f"{kind.label}: {a.busy} clients, alone and beside {a.idle} that idle")
        rows.append({"server": kind.label, "role": kind.role, "idle": a.idle, **measure(kind, a.idle, a.busy, a.rounds, a.scale)})
        progress.tick()
    progress.clear()
    text = report.table(["server", "p99 alone, ms", "beside the crowd", "ratio", "lowest, highest", "rps alone", "beside it"],
                        [[r["server"], f"{r['p99_ms']:.3f}", f"{r['p99_crowd_ms']:.3f}", f"{r['ratio']:.2f}", f"{r['lowest']:.2f}, {r['highest']:.2f}",
                          report.si(r["rps"]), report.si(r["rps_crowd"])] for r in rows])
    foot = report.conditions(kinds) + load.disturbed([r["waited"] for r in rows])
    report.write_csv(f"{a.out}/crowd.csv", rows)
    open(f"{a.out}/crowd.md", "w").write(f"{text}\n\n{foot}\n")
    print(f"GET without a pipeline, {a.busy} clients, {a.idle} idle connections, medians of {a.rounds} paired round(s)\n\n{text}\n\n{foot}\n{a.out}/crowd.csv, crowd.md")


def measure(kind, idle=IDLE, busy=BUSY, rounds=7, scale=1.0):
    limit = ("--maxclients", str(idle + busy + 100))
    with ExitStack() as stack:
        alone, crowded = (stack.enter_context(lab.Server(kind, *limit)) for _ in range(2))
        for c in gather(crowded, idle):
            stack.enter_context(c)
        for server in (alone, crowded):
            load.fill(server, 100_000)
        pairs = []
        for n in range(rounds):
            order = (alone, crowded) if n % 2 == 0 else (crowded, alone)
            got = {s: load.run(s, "get", clients=busy, scale=scale) for s in order}
            pairs.append((got[alone], got[crowded]))
        ratios = [there.p99 / here.p99 for here, there in pairs]
        median = lambda figures: round(statistics.median(figures), 4)
        return {"p99_ms": median(here.p99 for here, _ in pairs), "p99_crowd_ms": median(there.p99 for _, there in pairs),
                "ratio": median(ratios), "lowest": round(min(ratios), 4), "highest": round(max(ratios), 4),
                "rps": median(here.rps for here, _ in pairs), "rps_crowd": median(there.rps for _, there in pairs),
                "waited": median(f.waited for pair in pairs for f in pair)}


def gather(server, count):
    """Connections that have spoken once and say nothing more, some at a time: a server's backlog has an end."""
    crowd = []
    while len(crowd) < count:
        new = [server.connect() for _ in range(min(100, count - len(crowd)))]
        for c in new:
            c.sendall(lab.encode("PING"))
        for c in new:
            if c.recv(16) != b"+PONG\r\n":
                raise SystemExit(f"bench: {server.kind.label} did not answer PING on {count} connections")
        crowd += new
    return crowd
