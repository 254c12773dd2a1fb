"""Plots as SVG, 16:9, ready for a talk: the message as title, names at the marks instead of a legend, no frames. Spindle is
blue, all others grey, so colour is never needed to tell two servers apart. Draws; computes nothing but scales."""

import html, math

import report

W, H, LEFT, RIGHT, TOP, FLOOR = 1280, 720, 216, 1236, 168, 640
INK, SOFT, FAINT, SHARE, PEER, OURS = "#1b1f24", "#5b6570", "#e6e9ed", "#d3d8de", "#8d99a6", "#0072b2"


class Page:
    def __init__(self, title, subtitle, foot):
        self.parts = []
        self.text(44, 62, title, 32, INK, weight=700)
        self.text(44, 93, subtitle, 16, SOFT)
        for i, line in enumerate(wrap(foot, 190)):
            self.text(44, H - 36 + 16 * i, line, 12, SOFT)

    def text(self, x, y, s, size=14, fill=INK, anchor="start", weight=400):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" '
                          f'font-weight="{weight}">{html.escape(str(s))}</text>')

    def rect(self, x, y, w, h, fill):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(w, 0):.2f}" height="{h:.1f}" fill="{fill}"/>')

    def line(self, x1, y1, x2, y2, stroke=FAINT, width=1.0, dash=""):
        dash = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" stroke-width="{width}"{dash}/>')

    def dot(self, x, y, r, fill, stroke="none"):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" fill="{fill}" stroke="{stroke}" stroke-width="2"/>')

    def save(self, path):
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {W} {H}" width="{W}" height="{H}" '
                'font-family="Inter, Helvetica Neue, Helvetica, Arial, sans-serif">')
        with open(path, "w") as f:
            f.write("\n".join([head, f'<rect width="{W}" height="{H}" fill="#ffffff"/>', *self.parts, "</svg>", ""]))
        return path


def wrap(s, width):
    lines = [""]
    for word in s.split(" "):
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += word + " "
    return [line.strip() for line in lines]


def time_text(ns):
    return f"{ns / 1000:.1f} µs" if abs(ns) >= 1000 else f"{ns:.0f} ns"


def grid(groups, servers):
    """The rows that all panels share: yields (y of the row, its height, group, server)."""
    slots = len(groups) * (len(servers) + 0.75) - 0.75
    step = min((FLOOR - TOP) / slots, 112)
    y = TOP
    for group in groups:
        for server in servers:
            yield y, step, group, server
            y += step
        y += step * 0.75


def names(page, rows, ours):
    """Server names at the left, once for all panels; the group's name beside its first row."""
    before = None
    for y, step, group, server in rows:
        if group != before:
            page.text(44, y + step / 2 + 5, group, 15, INK, weight=700)
            before = group
        mine = server in ours
        page.text(LEFT - 12, y + step / 2 + 5, server, 13.5, OURS if mine else SOFT, "end", 700 if mine else 400)


def columns(count, gap=56):
    width = (RIGHT - LEFT - gap * (count - 1)) / count
    return [(LEFT + i * (width + gap), width) for i in range(count)]


def bars(page, rows, x, width, heading, note, value, ours, label):
    """One panel of bars. `value(group, server)` -> (grey part, coloured part) or None; `label(group, server, parts)`
    -> the text at the bar's end."""
    page.text(x, TOP - 34, heading, 16, INK, weight=700)
    page.text(x, TOP - 14, note, 13, SOFT)
    values = {(g, s): value(g, s) for _, _, g, s in rows}
    top = max((sum(v) for v in values.values() if v), default=1) or 1
    scale = (width - 78) / top  # room for the longest bar's label
    for y, step, group, server in rows:
        v, mine, thick = values[group, server], server in ours, min(step * 0.72, 54)
        if v is None:
            page.text(x + 6, y + step / 2 + 5, "not measured", 12.5, PEER)
            continue
        share, own = v[0] * scale, max(v[1], 0) * scale
        page.rect(x, y + (step - thick) / 2, share, thick, SHARE)
        page.rect(x + share, y + (step - thick) / 2, own, thick, OURS if mine else PEER)
        page.text(x + share + own + 7, y + step / 2 + 5, label(group, server, v), 13, OURS if mine else INK, weight=700 if mine else 400)


def suite(out, rows, foot):
    """Two plots: what a request costs the server, and what the client gets."""
    socket = rows[0]["socket"]
    rows = [r for r in rows if r["socket"] == socket]
    tests = [t for t in ("get", "set", "incr") if any(r["test"] == t for r in rows)] or [rows[0]["test"]]
    rows = [r for r in rows if r["test"] in tests]
    at = {(r["depth"], r["test"], r["server"]): r for r in rows if r["rps"]}
    depths = sorted({r["depth"] for r in rows})
    everyone = list(dict.fromkeys(r["server"] for r in rows if r["role"] != "null"))
    ours = [s for s in everyone if any(r["server"] == s and r["role"] == "spindle" for r in rows)]
    others = [s for s in everyone if s not in ours]
    where = {"tcp": "TCP", "unix": "a Unix socket"}[socket]
    return [cost(out, at, tests, depths, ours[-1], others, where, foot), latency(out, at, tests, depths[0], ours[0], others, where, foot)]


def cost(out, at, tests, depths, mine, others, where, foot):
    page = Page("What one request costs the server", f"CPU time, 50 clients over {where}. Light grey: the kernel’s share, paid even to answer +OK. Dark: the "
                "server’s own; ×: beside the best peer’s.", foot)
    short = {mine: mine.split(",")[0]}
    table = [(y, h, t.upper(), s) for y, h, t, s in grid(tests, [mine, *others])]
    names(page, [(y, h, t, short.get(s, s)) for y, h, t, s in table], short.values())
    for depth, (x, width) in zip(depths, columns(len(depths))):
        def value(test, server):
            r, null = at.get((depth, test.lower(), server)), at.get((depth, test.lower(), "null"))
            share = null["cpu_ns"] if null else 0
            return r and (min(share, r["cpu_ns"]), r["cpu_ns"] - share)
        shares = [at[depth, t, "null"]["cpu_ns"] for t in tests if (depth, t, "null") in at]
        note = f"kernel’s share {time_text(sum(shares) / len(shares))}" if shares else "per request"

        def label(test, server, v):
            best = min((p[1] for p in (value(test, s) for s in others) if p), default=0)
            ratio = f"  ×{v[1] / best:.2f}" if server == mine and best > 0 else ""
            return ("+" if v[1] >= 0 else "−") + time_text(abs(v[1])) + ratio

        bars(page, table, x, width, "no pipeline" if depth == 1 else f"{depth} in a pipeline", note, value, [mine], label)
    return page.save(f"{out}/cost.svg")


def latency(out, at, tests, depth, mine, others, where, foot):
    page = Page("What the client gets", f"50 clients over {where}, {'no pipeline' if depth == 1 else f'{depth} requests in a pipeline'}. "
                "Left: throughput. Right: how long a reply takes.", foot)
    table = [(y, h, t.upper(), s) for y, h, t, s in grid(tests, [mine, *others])]
    names(page, table, [mine])
    (x, width), (x2, width2) = columns(2, 72)
    bars(page, table, x, width, "requests per second", "more is better", lambda t, s: (r := at.get((depth, t.lower(), s))) and (0, r["rps"]),
         [mine], lambda test, server, v: report.si(v[1]))
    ranges(page, table, x2, width2, {(t, s): at.get((depth, t.lower(), s)) for _, _, t, s in table}, mine)
    return page.save(f"{out}/latency.svg")


def ranges(page, rows, x, width, at, mine):
    """One panel of latencies, on a logarithmic scale: half of all replies, 99 %, 99.9 %."""
    there = [r for r in at.values() if r]
    low, high = min(r["p50_ms"] for r in there) / 1.9, max(r["p999_ms"] for r in there)
    place = lambda ms: x + math.log(ms / low) / math.log(high / low) * (width - 48)
    page.text(x, TOP - 34, "milliseconds to the reply", 16, INK, weight=700)
    bottom = rows[-1][0] + rows[-1][1]
    for mark in (m * 10.0**e for e in range(-3, 4) for m in (1, 2, 5)):
        if low <= mark <= high:
            page.line(place(mark), TOP - 4, place(mark), bottom)
            page.text(place(mark), bottom + 16, f"{mark:g}", 12, SOFT, "middle")

    def marks(y, a, b, c, colour):
        page.line(a, y, c, y, colour, 2)
        page.line(c, y - 6, c, y + 6, colour, 2)
        page.dot(b, y, 4.5, "#ffffff", colour)
        page.dot(a, y, 5.5, colour)

    page.dot(x + 6, TOP - 18, 5.5, SOFT)  # the key is drawn with the marks themselves
    page.text(x + 18, TOP - 14, "half of all replies", 13, SOFT)
    page.dot(x + 152, TOP - 18, 4.5, "#ffffff", SOFT)
    page.text(x + 163, TOP - 14, "99 %", 13, SOFT)
    page.line(x + 212, TOP - 24, x + 212, TOP - 12, SOFT, 2)
    page.text(x + 220, TOP - 14, "99.9 %", 13, SOFT)
    for y, step, test, server in rows:
        r, middle, ours = at[test, server], y + step / 2, server == mine
        if r is None:
            page.text(x + 6, middle + 5, "not measured", 12.5, PEER)
            continue
        a, b, c = (place(r[k]) for k in ("p50_ms", "p99_ms", "p999_ms"))
        marks(middle, a, b, c, OURS if ours else PEER)
        page.text(a - 10, middle + 5, f"{r['p50_ms']:.2f}", 13, OURS if ours else INK, "end", 700 if ours else 400)
        page.text(c + 8, middle + 5, f"{r['p999_ms']:.2f}", 13, OURS if ours else INK, weight=700 if ours else 400)


def memory(out, rows, size, foot):
    page = Page("What a key costs in memory", f"Resident bytes. Light grey: key and value themselves, 16 and {size} bytes. Dark: what the server adds.", foot)
    servers = [r["server"] for r in rows]
    ours = [r["server"] for r in rows if r["role"] == "spindle"]
    at = {r["server"]: r for r in rows}
    table = list(grid([""], servers))
    names(page, table, ours)
    panels = [("bytes per key", "plain", "bytes_per_key", 16 + size), ("bytes per key with a TTL", "EX 86400", "bytes_per_key_ttl", 16 + size),
              ("bytes per idle connection", "after one PING", "bytes_per_connection", 0)]
    for (heading, note, column, payload), (x, width) in zip(panels, columns(3)):
        bars(page, table, x, width, heading, note, lambda _, s: (min(payload, at[s][column]), at[s][column] - payload), ours,
             lambda test, server, v: report.si(sum(v)))
    return page.save(f"{out}/memory.svg")


def pauses(out, typical, keys, foot):
    """One strip per server: each stick is the worst wait of its moment, on a logarithmic scale."""
    import pauses as source

    page = Page("How long everyone else waits while the server grows", f"A bystander sends SET every 0.3 ms while one client adds {report.si(keys)} keys, "
                "flushes, adds them again and deletes them. Each stick: the longest wait of its moment.", foot)
    end = max(run.samples[-1][0] for run in typical.values())
    top = max(100.0, 10 ** math.ceil(math.log10(max(w for run in typical.values() for _, w in run.samples))))
    low, strip = 0.01, min((FLOOR - TOP + 30) / len(typical), 150)
    across = (RIGHT - LEFT - 44) / end
    for i, (name, run) in enumerate(typical.items()):
        floor, ours = TOP - 30 + (i + 1) * strip - 14, i == 0
        height = lambda w: (strip - 34) * math.log10(max(w, low) / low) / math.log10(top / low)
        page.text(44, floor - strip / 2 + 14, name, 16, OURS if ours else INK, weight=700)
        third = source.third_worst(run.waits())
        page.text(44, floor - strip / 2 + 34, f"third-worst {third:.3g} ms", 13, OURS if ours else SOFT)
        for mark in (0.1, 1, 10, 100, 1000):
            if low < mark <= top:
                page.line(LEFT + 44, floor - height(mark), RIGHT, floor - height(mark))
                page.text(LEFT + 36, floor - height(mark) + 4, f"{mark:g} ms", 11, SOFT, "end")
        for t, w in source.thin(run.samples):
            page.line(LEFT + 44 + t * across, floor, LEFT + 44 + t * across, floor - height(w), OURS if ours else PEER, 1.3)
        for second, what in ((run.flushed, "FLUSHALL"), (run.deleting, "DELs begin")):
            x = LEFT + 44 + second * across
            page.line(x, floor, x, floor - strip + 30, INK, 1, "3 3")
            page.text(x - 5, floor - strip + 38, what, 11, SOFT, "end")
        page.line(LEFT + 44, floor, RIGHT, floor, SHARE)
    for second in ticks(end):
        page.text(LEFT + 44 + second * across, floor + 16, f"{second:g} s", 12, SOFT, "middle")
    return page.save(f"{out}/pauses.svg")


def growth(out, lines, keys, foot):
    """One line per server: the 99th percentile over the growth, on a logarithmic scale. What grows with the keys, climbs."""
    page = Page("What a SET waits while the server grows", f"99th percentile of a bystander’s SETs in each {100 // len(next(iter(lines.values())))} % "
                f"of the way to {report.si(keys)} keys, milliseconds.", foot)
    every = [p for line in lines.values() for p in line]
    low, high = min(every) / 1.6, max(every) * 1.6
    x = lambda share: LEFT - 60 + share * (RIGHT - LEFT - 100)
    y = lambda ms: FLOOR - 20 - math.log(ms / low) / math.log(high / low) * (FLOOR - 20 - TOP + 40)
    for mark in (m * 10.0**e for e in range(-3, 4) for m in (1, 2, 5)):
        if low <= mark <= high:
            page.line(x(0), y(mark), x(1), y(mark))
            page.text(x(0) - 10, y(mark) + 4, f"{mark:g} ms", 12, SOFT, "end")
    for share in (0, 0.25, 0.5, 0.75, 1):
        page.text(x(share), FLOOR, f"{report.si(keys * share)}", 12, SOFT, "middle")
    page.text(x(1) + 20, FLOOR, "keys", 12, SOFT)
    above = 0.0
    for i, (name, line) in sorted(enumerate(lines.items()), key=lambda each: -each[1][1][-1]):
        colour, count = OURS if i == 0 else PEER, len(line)
        points = [(x((n + 0.5) / count), y(p)) for n, p in enumerate(line)]
        for (x1, y1), (x2, y2) in zip(points, points[1:]):
            page.line(x1, y1, x2, y2, colour, 3 if i == 0 else 2)
        for at in points:
            page.dot(*at, 3.5, colour)
        above = max(points[-1][1] + 5, above + 18)  # names do not cover each other
        page.text(points[-1][0] + 14, above, name, 14, OURS if i == 0 else INK, weight=700 if i == 0 else 400)
    return page.save(f"{out}/growth.svg")


def ticks(end):
    step = next(s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000) if end / s <= 9)
    return [i * step for i in range(int(end / step) + 1)]
