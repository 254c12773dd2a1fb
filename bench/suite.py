"""bench.sh suite: redis-benchmark's tests at each depth, over TCP and a Unix socket. Spindle appears twice: as it ships,
for throughput and latency, and with busy-poll off, for CPU time."""

from contextlib import ExitStack

import lab, load, plot, report

HEAD = ["test", "server", "requests/s", "p50 ms", "p99 ms", "p99.9 ms", "CPU ns", "over null ns", "to best peer"]


def options(ap):
    ap.add_argument("--tests", default=",".join(load.TESTS), help="comma-separated names of redis-benchmark's tests")
    ap.add_argument("--depths", default="1,16,64")
    ap.add_argument("--sockets", default="tcp,unix")
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--clients", type=int, default=50)
    ap.add_argument("--keys", type=int, default=100_000)
    ap.add_argument("--scale", type=float, default=1.0, help="multiplies the requests of each run")


def run(a):
    tests, depths, sockets = a.tests.split(","), [int(d) for d in a.depths.split(",")], a.sockets.split(",")
    kinds = contestants()
    progress = report.Progress(len(sockets) * len(depths) * len(tests) * a.rounds * len(kinds))
    foot, rows, text = report.conditions(kinds), [], []
    for socket in sockets:
        for depth in depths:
            group = []
            # Fresh servers for each group, so that what one group leaves behind costs the next one nothing.
            with ExitStack() as stack:
                servers = [stack.enter_context(lab.Server(k)) for k in kinds]
                for s in servers:
                    if s.kind.role != "null":
                        load.fill(s, a.keys)  # so that GET finds something
                for test in tests:
                    progress.say(f"{socket}, depth {depth}, {test}")
                    lists = test.startswith("lrange")
                    unable = [s for s in servers if lists and s.kind.role != "null" and not load.fill_list(s)]
                    figures = load.rounds(servers, a.rounds, lambda s: None if s in unable else load.run(
                        s, test, depth, a.clients, socket == "unix", a.keys, a.scale), progress.tick)
                    group += lines(socket, depth, test, {s.kind: f for s, f in figures.items()})
            progress.clear()
            rows += group
            title = f"\n### {'Unix socket' if socket == 'unix' else 'TCP'}, {a.clients} clients, depth {depth}\n"
            text += [title, report.table(HEAD, [cells(r) for r in group])]
            print(*text[-2:], sep="\n", flush=True)
            report.write_csv(f"{a.out}/suite.csv", rows)
    foot += load.disturbed([r["waited"] for r in rows if r["rps"]])
    open(f"{a.out}/suite.md", "w").write("\n".join([*text, "", foot, ""]))
    print(f"\n{foot}\n{a.out}/suite.csv, suite.md, " + ", ".join(plot.suite(a.out, rows, foot.replace("\n", " · "))))


def contestants():
    quiet = lab.spindle(busy_poll=False)
    twice = [lab.spindle(), quiet] if quiet.argv != lab.spindle().argv else [lab.spindle()]
    return [*twice, *lab.peers(), lab.null()]


def over_null(figures, test):
    """{kind: CPU ns above the null server's}. None for LRANGE: its replies are long, and the null server's are not."""
    null = next((f.cpu for k, f in figures.items() if k.role == "null" and f), None)
    if null is None or test.startswith("lrange"):
        return {}
    return {k: f.cpu - null for k, f in figures.items() if f and k.role != "null"}


def lines(socket, depth, test, figures):
    """One CSV row per server; the ratio stands at the Spindle that does not spin."""
    over = over_null(figures, test)
    best = min((v for k, v in over.items() if k.role == "peer"), default=None)
    mine = [k for k in over if k.role == "spindle"][-1:]
    for kind, f in figures.items():
        yield {"socket": socket, "depth": depth, "test": test, "server": kind.label, "role": kind.role,
               "rps": f and round(f.rps), "p50_ms": f and f.p50, "p99_ms": f and f.p99, "p999_ms": f and f.p999,
               "cpu_ns": f and round(f.cpu, 1), "waited": f and round(f.waited, 3), "over_null_ns": round(over[kind], 1) if kind in over else None,
               "over_null_to_best_peer": round(over[kind] / max(best, 1), 3) if best and best > 0 and kind in mine else None}


def cells(r):
    if r["rps"] is None:
        return [r["test"], r["server"]] + ["–"] * 7
    show = lambda v, form: "–" if v is None else format(v, form)
    return [r["test"], r["server"], report.si(r["rps"]), f"{r['p50_ms']:.3f}", f"{r['p99_ms']:.3f}", f"{r['p999_ms']:.3f}",
            f"{r['cpu_ns']:.0f}", show(r["over_null_ns"], ".0f"), show(r["over_null_to_best_peer"], ".2f")]
