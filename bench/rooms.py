"""bench.sh rooms: where the nanoseconds of a request go: `perf record` samples the server at depth 64, and each sample counts
for the room of the innermost line of Spindle's source that it is in; beside the null server. It wants perf and addr2line,
and the right to sample (so it is no part of the smoke test)."""

import collections, os, re, shutil, signal, subprocess, time

import lab, load, report

DEPTH = 64
KEYS = 100_000
TESTS = ("get", "set")
# Samples for a second. The clock's, since virtual machines mostly count no cycles.
RATE = 20_000


def options(ap):
    ap.add_argument("--scale", type=float, default=4.0, help="multiplies the requests of each run")


def run(a):
    for program, package in (("perf", "linux-perf"), ("addr2line", "binutils"), ("readelf", "binutils")):
        if not shutil.which(program):
            raise SystemExit(f"bench.sh rooms: needs {program} (Debian: {package})")
    kinds, rows = [lab.spindle(busy_poll=False), lab.null()], []
    for kind in kinds:
        for test in TESTS:
            rows.append({"of": kind.label, "test": test} | measured(kind, test, a.scale, f"{a.out}/rooms.perf"))
    os.remove(f"{a.out}/rooms.perf")
    rooms = {name for row in rows for name, ns in row.items() if ns} - {"of", "test", "all"}
    rooms = sorted(rooms, key=lambda name: -rows[0].get(name, 0))
    rows = [{key: row.get(key, 0) for key in ("of", "test", *rooms, "all")} for row in rows]
    text = report.table(["of", "test", *rooms, "all"], [list(row.values()) for row in rows])
    foot = f"nanoseconds of a request at depth {DEPTH}, {report.si(KEYS)} keys, under perf\n{report.conditions(kinds)}"
    report.write_csv(f"{a.out}/rooms.csv", rows)
    open(f"{a.out}/rooms.md", "w").write(f"{text}\n\n{foot}\n")
    print(f"{text}\n\n{foot}\n{a.out}/rooms.csv, rooms.md")


def measured(kind, test, scale, data):
    """Nanoseconds by room."""
    with lab.Server(kind) as server:
        load.run(server, "set", 16, keys=KEYS, scale=0.5)
        argv = ["perf", "record", "-e", "cpu-clock", "-F", str(RATE), "-o", data, "-p", str(server.pid)]
        perf = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)
        figures = load.run(server, test, DEPTH, keys=KEYS, scale=scale)
        perf.send_signal(signal.SIGINT)
        said = perf.communicate()[1]
    counts = by_room(kind, data)
    total = sum(counts.values())
    if total < 1000:
        raise SystemExit(f"bench.sh rooms: perf took {total} samples of {kind.label}:\n{said[-400:]}")
    return {name: round(figures.cpu * count / total) for name, count in counts.items()} | {"all": round(figures.cpu)}


def by_room(kind, data):
    program = os.path.realpath(kind.argv[0])
    text = lambda *argv: subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    counts, addresses = collections.Counter(), collections.Counter()
    base = base_of(program, text("perf", "script", "-i", data, "--show-mmap-events"), text("readelf", "-lW", program))
    for line in text("perf", "script", "-i", data, "-F", "ip,dso").splitlines():
        found = re.match(r"\s*([0-9a-f]+) .*\((.*)\)", line)
        if not found:
            continue
        if found.group(2) == program:
            addresses[int(found.group(1), 16) - base] += 1
        else:
            counts["kernel" if found.group(2).startswith("[") and "vdso" not in found.group(2) else "libc"] += 1
    wanted = list(addresses)
    asked = subprocess.run(["addr2line", "-e", program, "-i", "-a"], input="\n".join(map(hex, wanted)), capture_output=True, text=True)
    for part in re.split(r"^(?=0x)", asked.stdout, flags=re.M)[1:]:
        address, *places = part.splitlines()
        own = (re.search(r"/src/(\w+)(?:/|\.rs)", place) for place in places if "/rustc/" not in place and ".cargo" not in place)
        counts[next((found.group(1) for found in own if found), "the rest")] += addresses[int(address, 16)]
    return counts


def base_of(program, maps, segments):
    """What was added to the program's addresses when it was started."""
    start, offset = re.search(rf"\[0x([0-9a-f]+)\([^)]*\) @ (0x[0-9a-f]+|0) .*r-xp {re.escape(program)}$", maps, re.M).groups()
    for line in segments.splitlines():
        fields = line.split()
        if fields[:1] == ["LOAD"] and "R E" in line:
            return int(start, 16) - int(offset, 16) + int(fields[1], 16) - int(fields[2], 16)
    raise SystemExit(f"bench.sh rooms: {program} has no code")
