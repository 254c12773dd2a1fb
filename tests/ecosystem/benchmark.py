"""redis-benchmark's whole suite against a running server, small: does each test run through without a complaint? benchmark.py PORT.

Prints "ok NAME" or "not ok NAME: why". The figures are thrown away: bench.sh measures.
"""
import re
import subprocess
import sys

PORT = sys.argv[1]
# All that it runs unless told otherwise.
TITLES = """PING_INLINE PING_MBULK SET GET INCR LPUSH RPUSH LPOP RPOP SADD HSET SPOP ZADD ZPOPMIN""".split() + [
    "LPUSH (needed to benchmark LRANGE)",
    *(f"LRANGE_{count} (first {count} elements)" for count in (100, 300, 500, 600)),
    "MSET (10 keys)",
]


def run(depth, *more):
    arguments = ["-p", PORT, "-n", "2000", "-c", "10", "-P", str(depth), "-q", *more]
    done = subprocess.run(["redis-benchmark", *arguments], capture_output=True, timeout=300)
    output = (done.stdout + done.stderr).decode(errors="replace")
    lines = [line.strip() for line in re.split(r"[\r\n]+", output) if line.strip()]
    assert done.returncode == 0, f"exit code {done.returncode}: {lines[-3:]}"
    for title in TITLES:
        final = [line for line in lines if line.startswith(f"{title}: ") and "requests per second" in line]
        assert final, f"no result of {title}: {lines[-3:]}"
    odd = [line for line in lines if re.search(r"(?i)error|warning: could not", line)]
    assert not odd, odd[:3]


failed = 0
for name, depth, more in [
    ("depth 1", 1, []),
    ("depth 16", 16, []),
    ("depth 64", 64, []),
    ("depth 16 of random keys", 16, ["-r", "1000", "-d", "500"]),
    ("depth 1 without keep-alive", 1, ["-k", "0"]),
    ("depth 16 RESP3", 16, ["-3"]),
]:
    try:
        run(depth, *more)
        print(f"ok redis-benchmark {name}", flush=True)
    except Exception as error:
        failed += 1
        print(f"not ok redis-benchmark {name}: {error!s:.300}", flush=True)
sys.exit(1 if failed else 0)
