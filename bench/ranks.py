"""bench.sh ranks: one sorted set grows to millions of members and shrinks again. CPU of ZADD (new members), ZRANK and ZRANGE
by index, 100 in a pipeline, when it is small, when it is large, and when it is small again; and how long a bystander waits
meanwhile. Members come and go in no order."""

import statistics, time

import lab, load, pauses, report

SMALL = 100_000
ASKED = 50_000
STAGES = ("small", "large", "again")
COMMANDS = ("ZADD", "ZRANK", "ZRANGE")


def options(ap):
    ap.add_argument("--members", type=int, default=5_000_000)
    ap.add_argument("--rounds", type=int, default=1)


def run(a):
    kinds = [lab.spindle(), *lab.peers()]
    seen = report.gather(kinds, a.rounds, f"a sorted set of {report.si(a.members)}", lambda kind: measured(kind, a.members))
    rows = []
    for kind, runs in seen.items():
        median = lambda key: round(statistics.median(r[key] for r in runs), 3)
        row = {"server": kind.label, "role": kind.role, "members": a.members}
        for command in COMMANDS:
            row |= {f"{command}_{stage}_ns": median(f"{command} {stage}") for stage in STAGES}
            row[f"{command}_ratio"] = round(row[f"{command}_large_ns"] / row[f"{command}_small_ns"], 2)
        rows.append(row | {"third_worst_ms": median("third worst"), "waited": median("waited")})
    head = ["server", *(f"{c}, ns{w}" for c in COMMANDS for w in ("", " large", " again", " large/small")), "third-worst wait, ms"]
    text = report.table(head, [[r["server"], *(f"{r[f'{c}_{s}_ns']:.0f}" if s != "ratio" else f"{r[f'{c}_ratio']:.2f}" for c in COMMANDS for s in (*STAGES, "ratio")),
                               f"{r['third_worst_ms']:.2f}"] for r in rows])
    foot = report.conditions(kinds) + load.disturbed([r["waited"] for r in rows])
    report.write_csv(f"{a.out}/ranks.csv", rows)
    open(f"{a.out}/ranks.md", "w").write(f"{text}\n\n{foot}\n")
    print(f"a sorted set of {report.si(min(SMALL, a.members))} members, of {report.si(a.members)}, and again; medians of {a.rounds} round(s)\n\n{text}\n\n{foot}\n{a.out}/ranks.csv, ranks.md")


def measured(kind, members):
    """The load runs in a process of its own; the bystander is this one."""
    with lab.Server(kind) as server:
        child, figures = lab.apart(lambda: there_and_back(server, members))
        samples, _ = pauses.probe(server, child, lambda n: lab.encode("SET", f"probe:{n}", "xxxxxxxxxxxxxxxx"))
        seen = figures()
        if seen is None:
            raise SystemExit(f"bench: the load on {kind.label} failed")
        ran, waited = server.clock()
        return seen | {"third worst": pauses.third_worst(sorted(w for _, w in samples)), "waited": waited / (ran + waited)}


def there_and_back(server, members):
    lab.pin(lab.LOAD_CORE)
    small, figures = min(SMALL, members), {}
    asked = min(ASKED, small // 2)
    # 2^32 and this are without a common divisor: so each score comes once, in no order.
    score = lambda n: n * 2_654_435_761 % 2**32
    add = lambda n: lab.encode("ZADD", "ranks", score(n), "member:%09d" % n)
    with server.connect() as s:

        def cost(command, stage, requests, lines=1):
            before = server.clock()[0]
            for at in range(0, len(requests), 100):
                ask(s, requests[at : at + 100], lines)
            figures[f"{command} {stage}"] = (server.clock()[0] - before) / len(requests)

        def many(command, first, last, words):
            for at in range(first, last, 1000):
                ask(s, [lab.encode(command, "ranks", *(w for n in range(i, min(i + 100, last)) for w in words(n))) for i in range(at, min(at + 1000, last), 100)], 1)

        def ask_all(stage, count):
            places = [n * 7_919 % count for n in range(asked)]
            cost("ZRANK", stage, [lab.encode("ZRANK", "ranks", "member:%09d" % n) for n in places])
            cost("ZRANGE", stage, [lab.encode("ZRANGE", "ranks", n, n) for n in places], 3)

        pairs = lambda n: (score(n), "member:%09d" % n)
        for stage, count, begun in (("small", small, 0), ("large", members, small)):
            if count > begun:
                many("ZADD", begun, count - asked, pairs)
            cost("ZADD", stage, [add(n) for n in range(count - asked, count)])
            ask_all(stage, count)
        time.sleep(0.1)
        many("ZREM", small - asked, members, lambda n: ("member:%09d" % n,))
        cost("ZADD", "again", [add(n) for n in range(small - asked, small)])
        ask_all("again", small)
        held = server.call("ZCARD", "ranks")
        if held != b":%d" % small:
            raise SystemExit(f"bench: {server.kind.label} holds {held} members of {small}")
    return figures


def ask(s, requests, lines):
    """Sends requests at once and waits for their replies, of so many lines each."""
    s.sendall(b"".join(requests))
    missing = len(requests) * lines
    while missing > 0:
        got = s.recv(1 << 16)
        if not got:
            raise SystemExit("bench: the server hung up")
        missing -= got.count(b"\n")
