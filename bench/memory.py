"""bench.sh memory: resident bytes per key, without and with a TTL, and per idle connection. Tables grow by doubling, so one
count of keys would flatter some server: the mean over several counts does not."""

import statistics, time

import lab, load, plot, report


def options(ap):
    ap.add_argument("--counts", default="1000000,1500000,2000000,3000000", help="key counts to average over")
    ap.add_argument("--size", type=int, default=16, help="bytes of a value; keys have 16")
    ap.add_argument("--connections", type=int, default=4000)
    ap.add_argument("--settle", type=float, default=3.0, help="seconds to wait before memory is read")


def run(a):
    counts = [int(c) for c in a.counts.split(",")]
    kinds = [lab.spindle(), *lab.peers()]
    progress, rows = report.Progress(len(kinds) * (2 * len(counts) + 1)), []
    for kind in kinds:
        row = {"server": kind.label, "role": kind.role}
        for ttl in (False, True):
            seen = []
            for n in counts:
                progress.say(f"{kind.label}: {report.si(n)} keys{' with a TTL' if ttl else ''}")
                seen.append(per_key(kind, n, a.size, ttl))
                progress.tick()
            row["bytes_per_key_ttl" if ttl else "bytes_per_key"] = round(statistics.mean(seen), 1)
        progress.say(f"{kind.label}: {a.connections} idle connections")
        row["bytes_per_connection"] = round(idle_connections(kind, a.connections, a.settle)[0])
        progress.tick()
        rows.append(row)
    progress.clear()
    head = ["server", "bytes/key", "with a TTL", "bytes/idle connection"]
    text = report.table(head, [[r["server"], f"{r['bytes_per_key']:.1f}", f"{r['bytes_per_key_ttl']:.1f}", r["bytes_per_connection"]] for r in rows])
    foot = report.conditions(kinds)
    report.write_csv(f"{a.out}/memory.csv", rows)
    open(f"{a.out}/memory.md", "w").write(f"{text}\n\n{foot}\n")
    print(f"16-byte keys, {a.size}-byte values, mean over {a.counts} keys\n\n{text}\n\n{foot}")
    print(f"{a.out}/memory.csv, memory.md, {plot.memory(a.out, rows, a.size, foot)}")


def per_key(kind, count, size=16, ttl=False):
    """Bytes by which the server grew, per key."""
    with lab.Server(kind) as s:
        empty = s.resident()
        load.fill(s, count, size, ttl)
        time.sleep(0.5)
        held = int(s.call("DBSIZE")[1:])
        if held != count:
            raise SystemExit(f"bench: {kind.label} holds {held} keys of {count}")
        return (s.resident() - empty) / count


def idle_connections(kind, count, settle=3.0, watch=0.0):
    """(bytes per connection, share of a core used while all of them idle for `watch` seconds). Each has spoken once."""
    with lab.Server(kind, "--maxclients", "10000") as s:
        empty = s.resident()
        open_ones = [s.connect() for _ in range(count)]
        for c in open_ones:
            c.sendall(lab.encode("PING"))
        for c in open_ones:
            if c.recv(16) != b"+PONG\r\n":
                raise SystemExit(f"bench: {kind.label} did not answer PING on {count} connections")
        time.sleep(settle)
        grown, cpu, began = s.resident() - empty, s.clock()[0], time.monotonic()
        time.sleep(watch)
        share = (s.clock()[0] - cpu) / 1e9 / (time.monotonic() - began) if watch else 0.0
        for c in open_ones:
            c.close()
        return grown / count, share
