"""bench.sh memory: resident bytes per key, without and with a TTL, per idle connection, and per element of collections, small
and large. Tables grow by doubling, so one count of keys would flatter some server: the mean over several counts does not."""

import statistics, time

import lab, load, plot, report


def name(letter, n, key):
    """An element of 7 to 16 bytes, by its key: one length would flatter whoever's classes of memory it fits."""
    return "%s%0*d" % (letter, 6 + key % 10, n)


# Of each: the command that adds, elements of one, and the words of its nth element. Small ones grow by one at a time.
COLLECTIONS = {
    "list of 10": ("RPUSH", 10, lambda n, key: (name("e", n, key),)),
    "list of 100k": ("RPUSH", 100_000, lambda n, key: (name("e", n, key),)),
    "hash of 10": ("HSET", 10, lambda n, key: (name("f", n, key), "v%0*d" % (2 + key % 6, n % 100))),
    "hash of 100k": ("HSET", 100_000, lambda n, key: (name("f", n, key), "v%0*d" % (2 + key % 6, n % 100))),
    "set of 100k integers": ("SADD", 100_000, lambda n, key: (str(n * 7919),)),
    "set of 100k strings": ("SADD", 100_000, lambda n, key: (name("m", n, key),)),
    "sorted set of 10": ("ZADD", 10, lambda n, key: (str(n * 7919 % 1_000_003), name("m", n, key))),
    "sorted set of 1M": ("ZADD", 1_000_000, lambda n, key: (str(n * 7919 % 1_000_003), name("m", n, key))),
}


def options(ap):
    ap.add_argument("--counts", default="1000000,1500000,2000000,3000000", help="key counts to average over")
    ap.add_argument("--size", type=int, default=16, help="bytes of a value; keys have 16")
    ap.add_argument("--connections", type=int, default=4000)
    ap.add_argument("--elements", type=int, default=1_000_000, help="of all collections of a kind together")
    ap.add_argument("--only", choices=("keys", "collections"), help="one half of it")
    ap.add_argument("--settle", type=float, default=3.0, help="seconds to wait before memory is read")


def run(a):
    if a.only != "collections":
        keys_and_connections(a)
    if a.only != "keys":
        collections(a)


def collections(a):
    kinds = [lab.spindle(), *lab.peers()]
    progress, rows = report.Progress(len(kinds) * len(COLLECTIONS)), []
    for what in COLLECTIONS:
        row = {"collection": what}
        for kind in kinds:
            progress.say(f"{kind.label}: {what}")
            row[kind.label] = round(per_element(kind, what, a.elements), 1)
            progress.tick()
        peers = [row[kind.label] for kind in kinds if kind.role == "peer"]
        row["ratio"] = round(row[kinds[0].label] / min(peers), 2) if peers else "-"
        rows.append(row)
    progress.clear()
    labels = [kind.label for kind in kinds]
    text = report.table(["bytes/element", *labels, "to the better peer"], [[r["collection"], *(f"{r[l]:.1f}" for l in labels), r["ratio"]] for r in rows])
    foot = report.conditions(kinds)
    report.write_csv(f"{a.out}/collections.csv", rows)
    open(f"{a.out}/collections.md", "w").write(f"{text}\n\n{foot}\n")
    print(f"{report.si(a.elements)} elements of each kind\n\n{text}\n\n{foot}\n{a.out}/collections.csv, collections.md")


def keys_and_connections(a):
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


def per_element(kind, what, elements):
    """Bytes by which the server grew, per element; the keys are in it."""
    command, size, words = COLLECTIONS[what]
    size = min(size, elements)
    together = 1 if size <= 10 else 100
    with lab.Server(kind) as s, s.connect() as c:
        empty, requests = s.resident(), []
        for first in range(0, elements, together):
            key = first // size
            some = [word for n in range(first, first + together) for word in words(n - key * size, key)]
            requests.append(lab.encode(command, "collection:%08d" % key, *some))
            if len(requests) * together >= 2000:
                load.send(c, requests)
                requests = []
        load.send(c, requests)
        time.sleep(0.5)
        return (s.resident() - empty) / elements


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
