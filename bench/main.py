"""Chooses the part of the bench and runs it. See bench.sh for what each part is for."""

import argparse, os, resource, signal, sys

import bars, crowd, expiry, memory, pauses, pubsub, ranks, rooms, smoke, suite

PARTS = {"suite": suite, "memory": memory, "pauses": pauses, "expiry": expiry, "ranks": ranks, "pubsub": pubsub, "crowd": crowd, "rooms": rooms, "bars": bars, "smoke": smoke}


def main():
    words = sys.argv[1:]
    part = words.pop(0) if words and not words[0].startswith("-") else "suite"
    if part not in PARTS:
        raise SystemExit(f"bench.sh: no part named '{part}'. There are: {', '.join(PARTS)}, fetch-peers. See bench.sh --help.")
    module = PARTS[part]
    ap = argparse.ArgumentParser(prog=f"bench.sh {part}", description=module.__doc__)
    ap.add_argument("--out", default="bench-results", help="folder for tables, CSV and SVG (default: %(default)s)")
    module.options(ap)
    a = ap.parse_args(words)
    os.makedirs(a.out, exist_ok=True)
    # Thousands of connections at both ends: as many descriptors as we may have. Servers inherit it.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # Killed from outside, still stop every server that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return module.run(a)
    except KeyboardInterrupt:
        return 130


sys.exit(main())
