"""redis-cli against a running server, in the modes that apply, and interactively through a terminal: cli.py PORT.

Prints "ok NAME" or "not ok NAME: why" for each check. The modes that never end are ended after a few lines.
"""
import os
import pty
import re
import select
import subprocess
import sys
import time

PORT = sys.argv[1]
CHECKS = []
PATIENCE = 60  # seconds; far beyond what a loaded machine needs


def check(function):
    CHECKS.append(function)
    return function


def cli(*arguments, stdin=None):
    done = subprocess.run(["redis-cli", "-p", PORT, *arguments], input=stdin, capture_output=True, timeout=PATIENCE)
    output = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0, f"exit code {done.returncode}: {output}"
    return output


def fill():
    cli("FLUSHALL")
    words = []
    for n in range(300):
        words += [f"key:{n}", "x" * n]
    cli("MSET", *words, "huge", "y" * 5000)


def first_lines(count, *arguments):
    """The first lines of a mode that has no end."""
    child = subprocess.Popen(["redis-cli", "-p", PORT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        found, deadline = b"", time.monotonic() + PATIENCE
        while len(re.split(rb"[\r\n]+", found)) <= count and time.monotonic() < deadline:
            if select.select([child.stdout], [], [], 1)[0]:
                more = os.read(child.stdout.fileno(), 4096)
                if not more:
                    break
                found += more
        return found.decode(errors="replace")
    finally:
        child.kill()
        child.wait()


@check
def one_command():
    assert cli("PING") == "PONG\n"
    assert cli("SET", "k", "v") == "OK\n" and cli("GET", "k") == "v\n"
    assert cli("--no-raw", "GET", "missing") == "(nil)\n"
    assert cli("--no-raw", "INCR", "n") == "(integer) 1\n"
    assert cli("--no-raw", "MGET", "k", "missing") == '1) "v"\n2) (nil)\n'
    assert "ERR wrong number of arguments" in cli("GET")
    assert cli("-x", "SET", "k", stdin=b"a\x00b") == "OK\n" and cli("--no-raw", "GET", "k") == '"a\\x00b"\n'
    assert cli("-r", "3", "INCR", "n") == "2\n3\n4\n"


@check
def commands_from_a_file():
    assert cli(stdin=b'SET "a b" "\\x41"\nGET "a b"\nNOSUCH\nPING\n').splitlines()[:2] == ["OK", "A"]


@check
def databases():
    cli("-n", "3", "SET", "only", "here")
    assert cli("-n", "3", "GET", "only") == "here\n" and cli("--no-raw", "GET", "only") == "(nil)\n"
    assert cli("-n", "3", "FLUSHDB") == "OK\n"


@check
def resp3():
    assert cli("-3", "--no-raw", "CONFIG", "GET", "maxmemory") == '1# "maxmemory" => "0"\n'
    assert cli("-3", "--no-raw", "GET", "missing") == "(nil)\n"
    assert "resp=3" in cli("-3", "CLIENT", "INFO")
    assert "# Server" in cli("-3", "INFO", "server")


@check
def scan():
    fill()
    assert sorted(cli("--scan").split()) == sorted(["huge"] + [f"key:{n}" for n in range(300)])
    assert cli("--scan", "--pattern", "key:29?").split() and len(cli("--scan", "--pattern", "key:29?").split()) == 10


@check
def bigkeys():
    fill()
    output = cli("--bigkeys")
    assert re.search(r"Biggest string found ['\"]+huge['\"]+ has 5000 bytes", output), output
    assert "Sampled 301 keys in the keyspace!" in output, output
    assert re.search(r"301 strings with \d+ bytes", output), output


@check
def memkeys():
    fill()
    output = cli("--memkeys")
    assert re.search(r"Biggest string found ['\"]+huge['\"]+ has \d+ bytes", output), output


@check
def pipe():
    cli("FLUSHALL")
    request = b"".join(b"*3\r\n$3\r\nSET\r\n$%d\r\nkey:%d\r\n$1\r\nv\r\n" % (len(str(n)) + 4, n) for n in range(5000))
    output = cli("--pipe", stdin=request)
    assert "errors: 0, replies: 5000" in output, output
    assert cli("DBSIZE") == "5000\n"
    request = b"PING\r\nNOSUCH\r\nPING\r\n"
    output = subprocess.run(["redis-cli", "-p", PORT, "--pipe"], input=request, capture_output=True, timeout=PATIENCE)
    assert b"errors: 1, replies: 3" in output.stdout, output


@check
def latency():
    low, high, average, count = cli("--latency").split()[:4]
    assert float(low) <= float(average) <= float(high) and int(count) > 10


@check
def stat():
    output = first_lines(5, "--stat", "-i", "0.1")
    assert "keys" in output and "clients" in output, output
    rows = [line for line in output.splitlines() if re.match(r"\d+ +[\d.]+[KMG]? ", line)]
    assert len(rows) >= 2, output


@check
def info_and_lists():
    assert "redis_version:" in cli("INFO")
    assert "cmd=client|list" in cli("CLIENT", "LIST")
    assert int(cli("COMMAND", "COUNT")) > 40
    assert cli("COMMAND", "DOCS", "GET").startswith("get\nsummary\n")


class Terminal:
    """redis-cli in a terminal, as a person has it."""

    def __init__(self, *arguments):
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.environ.update(TERM="xterm", COLUMNS="200", REDISCLI_HISTFILE="/dev/null", HOME="/nonexistent")
            os.execvp("redis-cli", ["redis-cli", "-p", PORT, *arguments])
        import fcntl
        import struct
        import termios
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.seen = ""

    def wait_for(self, pattern):
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.plain()):
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.plain()!r}"
            if select.select([self.terminal], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.terminal, 4096).decode(errors="replace")
                except OSError:
                    assert re.search(pattern, self.plain()), f"ended without {pattern!r}: {self.plain()!r}"
        found = re.search(pattern, self.plain()).group()
        self.seen = ""
        return found

    def plain(self):
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.seen)

    def type(self, text):
        os.write(self.terminal, text.encode())

    def command(self, text, pattern, prompt="> "):
        # Only a prompt says that redis-cli listens; what is typed before it is thrown away.
        self.type(text + "\r")
        self.wait_for(rf"(?s){pattern}.*{PORT}{prompt}$")

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.child, 0)


@check
def interactive():
    t = Terminal()
    try:
        t.wait_for(rf":{PORT}> ")
        t.command("SET greeting 'hello world'", "OK")
        t.command("GET greeting", '"hello world"')
        t.command("SELECT 5", "OK", r"\[5\]> ")
        t.command("HELLO 3", '1# "server" => ', r"\[5\]> ")
        t.command("NOSUCH x", r"\(error\) ERR unknown command", r"\[5\]> ")
        t.type("quit\r")
    finally:
        t.close()


@check
def interactive_help():
    t = Terminal()
    try:
        t.wait_for(rf":{PORT}> ")
        t.command("help getrange", r"GETRANGE key start end\s+summary: .+\s+since: 2\.4\.0\s+group: string")
        t.command("help client id", r"CLIENT ID.*\s+summary: .+\s+since: 5\.0\.0\s+group: connection")
        t.command("help @string", r"APPEND key value.*GETRANGE key start end.*STRLEN key")
    finally:
        t.close()


@check
def interactive_hints():
    t = Terminal()
    try:
        t.wait_for(rf":{PORT}> ")
        t.type("setrange ")
        t.wait_for(r"key offset value")
        t.type("k ")
        t.wait_for(r"offset value")
        t.type("\x15")
        t.type("set k v ")
        t.wait_for(r"\[NX *\| *XX\]")
        t.type("\x15")
        t.type("client setname ")
        t.wait_for(r"connection-name")
        t.type("\x15")
        t.type("getr\t")
        t.wait_for(r"(?i)getrange")
    finally:
        t.close()


failed = 0
for function in CHECKS:
    name = f"redis-cli {function.__name__}"
    try:
        cli("FLUSHALL")
        function()
        print(f"ok {name}", flush=True)
    except Exception as error:
        failed += 1
        line = error.__traceback__
        while line.tb_next and line.tb_next.tb_frame.f_code.co_filename == __file__:
            line = line.tb_next
        text = " ".join(str(error).split())
        print(f"not ok {name}: line {line.tb_lineno}: {type(error).__name__} {text:.400}", flush=True)
sys.exit(1 if failed else 0)
