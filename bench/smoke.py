"""bench.sh smoke: every part once, small enough for CI. It checks that servers start, loads run, and tables, CSV and plots
hold figures that can be true; how good they are says nothing here, so a slow machine does not fail it."""

import argparse, contextlib, csv, io, os, shutil, subprocess, tempfile, time, xml.dom.minidom

import bars, crowd, expiry, lab, memory, pauses, pubsub, ranks, suite

SMALL = [
    (suite, ["--tests", "ping_inline,set,get,incr,mset", "--depths", "1,16", "--rounds", "1", "--keys", "1000", "--scale", "0.02"]),
    (memory, ["--counts", "20000", "--connections", "100", "--settle", "0.1", "--elements", "20000"]),
    (pauses, ["--keys", "20000", "--rounds", "1"]),
    (expiry, ["--keys", "20000", "--rounds", "1"]),
    (ranks, ["--members", "4000"]),
    (pubsub, ["--subscribers", "50", "--rounds", "1", "--scale", "0.01"]),
    (crowd, ["--idle", "200", "--rounds", "1", "--scale", "0.02"]),
    (bars, ["--rounds", "1", "--scale", "0.02", "--idle-seconds", "0.2"]),
]
FILES = "suite.csv suite.md cost.svg latency.svg memory.csv memory.md memory.svg collections.csv collections.md pauses.csv pauses-samples.csv pauses.md pauses.svg growth.csv growth.svg expiry.csv expiry.md ranks.csv ranks.md pubsub.csv pubsub.md crowd.csv crowd.md bars.csv bars.md"


def options(ap):
    ap.add_argument("--keep", action="store_true", help="keep the files in --out")


def run(a):
    if not lab.peers():
        raise SystemExit("smoke: no peer on this machine: install redis-server, or run bench.sh fetch-peers")
    began, folder = time.monotonic(), tempfile.mkdtemp(prefix="bench-smoke-")
    try:
        for module, words in SMALL:
            ap = argparse.ArgumentParser()
            module.options(ap)
            options = ap.parse_args(words)
            options.out = a.out if a.keep else folder
            with contextlib.redirect_stdout(io.StringIO()) as said:
                code = module.run(options)
            assert "|" in said.getvalue(), f"{module.__name__} printed no table"
            assert code in ((0, 1) if module is bars else (None,)), f"{module.__name__} ended with {code}"
            print(f"smoke: {module.__name__:7} works ({time.monotonic() - began:.0f} s)", flush=True)
        for name in FILES.split():
            check(os.path.join(options.out, name))
        script = os.path.join(os.path.dirname(__file__), "fetch-peers.sh")
        subprocess.run(["bash", script, "--check"], check=True, stdout=subprocess.DEVNULL)
        print(f"smoke: everything works ({time.monotonic() - began:.0f} s); figures of a run this small mean nothing")
    finally:
        shutil.rmtree(folder)


def check(path):
    """A file of the bench holds what its kind should."""
    text = open(path).read()
    if path.endswith(".svg"):
        page = xml.dom.minidom.parseString(text)
        assert len(page.getElementsByTagName("text")) > 10, f"{path} has no labels"
        assert "nan" not in text and "inf" not in text.replace("Infinity", "inf"), f"{path} has a mark at no place"
    elif path.endswith(".csv"):
        rows = list(csv.DictReader(io.StringIO(text)))
        assert rows, f"{path} has no rows"
        for row in rows:
            for column in ("rps", "cpu_ns", "p999_ms", "bytes_per_key", "third_worst_ms", "wait_ms", "p99_ms"):
                if column in row:
                    assert row[column] and float(row[column]) > 0, f"{path}: {column} of {row}"
        if path.endswith("bars.csv"):
            assert len(rows) == len(bars.BARS), f"{path}: {len(rows)} bars of {len(bars.BARS)}"
    else:
        assert text.count("|") > 10, f"{path} holds no table"
