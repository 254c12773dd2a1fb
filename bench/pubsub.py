"""bench.sh pubsub: one publisher, many subscribers: what a delivered message costs the server in user CPU time, and in
write calls. The publisher sends its pipeline with one call and waits until every subscriber has all of it, so that each
server has the same turns to work in."""

import os, re, select, shutil, signal, statistics, subprocess, time

import lab, report

DEPTHS = (1, 16)
SUBSCRIBERS = 1000
CHANNEL = "news"
CONNECTED = 100  # so many at a time, since a server's backlog has an end
# Turns of one run: the kernel counts user time by ticks of some milliseconds, so a run must have many of them.
TURNS = {1: 2000, 16: 1000}
TRACED = 40


def options(ap):
    ap.add_argument("--subscribers", type=int, default=SUBSCRIBERS)
    ap.add_argument("--size", type=int, default=64, help="bytes of a message (default: %(default)s)")
    ap.add_argument("--rounds", type=int, default=3)
    ap.add_argument("--scale", type=float, default=1.0, help="multiplies the turns of each run")


def run(a):
    kinds = [lab.spindle(busy_poll=False), *lab.peers()]
    progress, rows = report.Progress(len(kinds)), []
    figures = {}
    for kind in kinds:
        progress.say(kind.label)
        figures[kind] = {depth: measure(kind, depth, a.rounds, a.scale, a.subscribers, a.size) for depth in DEPTHS}
        progress.tick()
    progress.clear()
    for depth in DEPTHS:
        for kind in kinds:
            user, system, writes = figures[kind][depth]
            rows.append({"depth": depth, "server": kind.label, "user_ns": round(user), "system_ns": round(system),
                         "writes": "" if writes is None else round(writes, 4)})
    report.write_csv(f"{a.out}/pubsub.csv", rows)
    head = ["depth", "server", "user ns", "system ns", "writes"]
    text = report.table(head, [[r["depth"], r["server"], r["user_ns"], r["system_ns"], r["writes"] or "–"] for r in rows])
    foot = f"per delivered message of {a.size} bytes, {a.subscribers} subscribers, no busy-poll\n{report.conditions(kinds)}"
    open(f"{a.out}/pubsub.md", "w").write(f"{text}\n\n{foot}\n")
    print(f"{text}\n\n{foot}\n{a.out}/pubsub.csv, pubsub.md")


def measure(kind, depth, rounds, scale=1.0, subscribers=SUBSCRIBERS, size=64):
    """(ns of user time, ns of system time, write calls or None), each per delivered message: medians of the rounds."""
    turns = max(int(TURNS[depth] * scale), 2)
    with lab.Server(kind, "--maxclients", str(subscribers + 100)) as server, Audience(server, subscribers) as audience:
        audience.hear(size, depth, 3)  # what is allocated once is there by then
        seen = []
        for _ in range(rounds):
            before = times(server.pid)
            audience.hear(size, depth, turns)
            seen.append([(after - before) / (turns * depth * subscribers) for after, before in zip(times(server.pid), before)])
        user, system = (statistics.median(column) for column in zip(*seen))
        return user, system, write_calls(server.pid, lambda: audience.hear(size, depth, TRACED), TRACED * depth * subscribers)


class Audience:
    """Connections that have subscribed, and one that publishes. In a `with`."""

    def __init__(self, server, count):
        self.publisher, self.poll, self.sockets = server.connect(), select.epoll(), {}
        for first in range(0, count, CONNECTED):
            new = [server.connect() for _ in range(first, min(first + CONNECTED, count))]
            for s in new:
                s.sendall(lab.encode("SUBSCRIBE", CHANNEL))
            for s in new:
                confirmed = b""
                while not confirmed.endswith(b":1\r\n"):
                    confirmed += s.recv(4096)
                self.sockets[s.fileno()] = s
                self.poll.register(s.fileno(), select.EPOLLIN)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in [self.publisher, *self.sockets.values()]:
            s.close()

    def hear(self, size, depth, turns):
        """So many turns of `depth` messages. Each subscriber must get all of them."""
        words = lab.encode("PUBLISH", CHANNEL, "x" * size) * depth
        message = len(lab.encode("message", CHANNEL, "x" * size)) * depth
        reply = len(b":%d\r\n" % len(self.sockets)) * depth
        room = bytearray(1 << 20)
        for _ in range(turns):
            self.publisher.sendall(words)
            missing = message * len(self.sockets)
            while missing > 0:
                events = self.poll.poll(60)
                if not events:
                    raise SystemExit("bench: messages are missing")
                for fd, _ in events:
                    missing -= self.sockets[fd].recv_into(room)
            got = 0
            while got < reply:
                got += self.publisher.recv_into(room)


def times(pid):
    """Nanoseconds of user and of system time."""
    user, system = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:13]
    tick = 1e9 / os.sysconf("SC_CLK_TCK")
    return int(user) * tick, int(system) * tick


def write_calls(pid, work, deliveries):
    """Calls of the loop's thread that write to a socket, by strace's count; None where it is not there or may not look.
    (strace makes turns so long that Spindle's other thread writes to the log of each.)"""
    if not shutil.which("strace"):
        return None
    argv = ["strace", "-c", "-e", "trace=write,writev,sendto,sendmsg", "-p", str(pid)]
    strace = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(0.5)
        if strace.poll() is not None:
            return None
        work()
    finally:
        if strace.poll() is None:
            strace.send_signal(signal.SIGINT)
        said = strace.communicate()[1]
    # % time, seconds, usecs/call, calls, perhaps errors, name
    calls = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(?:write|writev|sendto|sendmsg)$", said, re.M)
    return sum(map(int, calls)) / deliveries if calls else None
