"""What the reader sees: progress, tables (Markdown, so that they can go into the README as they are), CSV files, and one
line that says what was measured where and when."""

import csv, datetime, os, platform, re, sys, time

import lab


class Progress:
    """One line on stderr that renews itself: what runs, how far, how long it will still take."""

    def __init__(self, steps):
        self.steps, self.done, self.began, self.what = steps, 0, time.monotonic(), ""

    def say(self, what):
        self.what = what
        if sys.stderr.isatty():
            self._show()
        else:  # a log: one line per step
            print(f"{self.done}/{self.steps}  {what}", file=sys.stderr, flush=True)

    def tick(self):
        self.done += 1
        self._show()

    def _show(self):
        if sys.stderr.isatty():
            rest = (time.monotonic() - self.began) / max(self.done, 1) * (self.steps - self.done)
            left = f"{rest / 60:.0f} min left" if rest > 90 else f"{rest:.0f} s left"
            print(f"\r\x1b[K{self.done}/{self.steps}  {self.what}  {left if self.done else ''}", end="", file=sys.stderr, flush=True)

    def clear(self):
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def gather(kinds, rounds, what, measure):
    """The figures of each kind of server: each is measured once a round, so that a slow minute of the machine hits all alike."""
    progress, seen = Progress(rounds * len(kinds)), {kind: [] for kind in kinds}
    for n in range(rounds):
        for kind in kinds:
            progress.say(f"{kind.label}: {what}, round {n + 1}")
            seen[kind].append(measure(kind))
            progress.tick()
    progress.clear()
    return seen


def table(head, rows):
    """A Markdown table; columns of figures to the right."""
    rows = [[str(c) for c in row] for row in rows]
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    right = [all(re.fullmatch(r"[<>=–-]*[ \d.]*[kM]?", r[i]) for r in rows) for i in range(len(head))]

    def line(cells):
        return "| " + " | ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right)) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right)) + "|"
    return "\n".join([line(head), rule, *map(line, rows)])


def conditions(kinds):
    """The one line under each table and plot."""
    cpu = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    spindle = f"{lab.spindle().label} {lab.version_of(lab.spindle().argv)}"
    names = [spindle] + [k.label for k in kinds if k.role == "peer"]
    cores = "servers on core %d, load on core %d" % (lab.SERVER_CORE, lab.LOAD_CORE)
    if lab.SERVER_CORE == lab.LOAD_CORE:
        cores = "ONE core for servers and load"
    return (f"{datetime.date.today()} · {', '.join(names)} · redis-benchmark {lab.version_of(lab.benchmark_argv())} · "
            f"{cpu.group(1) if cpu else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]} · {cores}")


def write_csv(path, rows):
    """Rows are dicts of one shape. Renewed after each row group, so a broken-off run leaves what it had."""
    with open(path, "w", newline="") as f:
        out = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


def si(n, digits=3):
    """1234567 -> 1.23 M"""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if abs(n) >= size * 0.9995:
            return f"{float(f'{n / size:.{digits}g}'):g} {unit}"
    return f"{float(f'{n:.{digits}g}'):g}"
