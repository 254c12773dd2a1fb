"""The laboratory: which servers this machine has, starting one on its core, what its process costs, and stopping exactly
what was started. Knows nothing of loads or figures."""

import json, os, re, shutil, socket, subprocess, tempfile, time
from dataclasses import dataclass

PEERS_DIR = os.environ.get("PEERS_DIR", os.path.expanduser("~/.cache/peers"))
_cores = sorted(os.sched_getaffinity(0))
SERVER_CORE = int(os.environ.get("SERVER_CORE", _cores[0]))
LOAD_CORE = int(os.environ.get("LOAD_CORE", _cores[min(1, len(_cores) - 1)]))


@dataclass(frozen=True)
class Kind:
    """A server that can be started. `label` is what tables show, `role` is spindle, peer or null."""

    label: str
    role: str
    argv: tuple


def version_of(argv):
    out = subprocess.run([*argv, "--version"], capture_output=True, text=True, timeout=20).stdout
    found = re.search(r"v=(\S+)", out) or re.search(r"(\d+\.\d+\S*)", out)
    return found.group(1) if found else "?"


def spindle(busy_poll=True):
    """The server to measure. Spinning is not work, so CPU time is measured with busy-poll off, throughput with it on."""
    path = os.environ["SPINDLE"]
    real = os.path.basename(path).startswith("spindle")
    flags = () if busy_poll or not real else ("--busy-poll-usec", "0")
    label = "spindle" if real else "stand-in"
    return Kind(label if busy_poll else f"{label}, no busy-poll", "spindle", (path, *flags))


def plain_map():
    """Spindle with one std HashMap for a table, if bench.sh has built it."""
    path = os.environ.get("SPINDLE_PLAIN_MAP")
    return [Kind("spindle, plain map", "plain", (path,))] if path else []


def peers():
    """Every redis-server and valkey-server in $PEERS_DIR and on PATH, each version once, newest first."""
    found = {}
    for name in ("redis", "valkey"):
        places = [(f"{PEERS_DIR}/bin/{name}-server",)]
        if os.path.exists(f"{PEERS_DIR}/root/usr/bin/{name}-server"):  # no patched copies: through the wrapper
            places.append((f"{PEERS_DIR}/peer", f"{name}-server"))
        places += [(f"{folder}/{name}-server",) for folder in os.environ["PATH"].split(":")]
        for argv in places:
            if shutil.which(argv[0]):
                label = f"{name} {version_of(argv)}"
                found.setdefault(label, Kind(label, "peer", argv))
    return sorted(found.values(), key=lambda k: (k.label.split()[0], [-int(x) for x in re.findall(r"\d+", k.label)]))


def null():
    return Kind("null", "null", (os.environ["NULL_SERVER"],))


def benchmark_argv():
    """The redis-benchmark to load with: the peers' own, since newer ones cost less, else the machine's."""
    ours = f"{PEERS_DIR}/bin/redis-benchmark"
    return [ours if os.path.exists(ours) else shutil.which("redis-benchmark")]


def encode(*words):
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


class Server:
    """A running server, in a `with`. `ready_ms`: from its start to its first reply."""

    def __init__(self, kind, *extra):
        self.kind, self.folder = kind, tempfile.mkdtemp(prefix="bench-")
        self.socket_path = f"{self.folder}/socket"
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        if kind.role == "null":
            argv = [*kind.argv, str(self.port), self.socket_path]
        else:
            argv = [*kind.argv, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.socket_path,
                    "--save", "", "--appendonly", "no", "--dir", self.folder, *extra]
        began = time.perf_counter()
        with open(f"{self.folder}/log", "w") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, preexec_fn=lambda: pin(SERVER_CORE))
        self.pid = self.process.pid
        try:
            while not self._answers():
                if self.process.poll() is not None or time.perf_counter() - began > 60:
                    said = open(f"{self.folder}/log").read()[-600:]
                    raise SystemExit(f"bench: {kind.label} did not start: {' '.join(argv)}\n{said}")
                time.sleep(0.001)
        except BaseException:  # a signal too: nobody else knows of this process yet
            self.stop()
            raise
        self.ready_ms = (time.perf_counter() - began) * 1e3

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _answers(self):
        try:
            return self.call("PING")[:1] == b"+"
        except OSError:
            return False

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 60)

    def call(self, *words):
        """The first line of one command's reply."""
        with self.connect() as s:
            s.sendall(encode(*words))
            return s.recv(65536).split(b"\r\n")[0]

    def clock(self):
        """(ns that its threads ran, ns that they stood ready and waited for a core), by the scheduler's own count."""
        tasks = f"/proc/{self.pid}/task"
        both = [open(f"{tasks}/{t}/schedstat").read().split()[:2] for t in os.listdir(tasks)]
        return sum(int(ran) for ran, _ in both), sum(int(waited) for _, waited in both)

    def resident(self):
        status = open(f"/proc/{self.pid}/status").read()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def apart(work):
    """Does `work` in a process of its own. Its number, and how its figures are waited for: there are none if it failed."""
    end, told = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.write(told, json.dumps(work()).encode())
            code = 0
        finally:
            os._exit(code)  # not the parent's clean-up: the server is the parent's
    os.close(told)

    def figures():
        with open(end) as said:
            text = said.read()
        return json.loads(text) if text else None

    return child, figures


def pin(core):
    os.sched_setaffinity(0, {core})
