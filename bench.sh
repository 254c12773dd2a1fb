#!/usr/bin/env bash
# bench.sh: Spindle beside each redis-server and valkey-server on PATH or in $PEERS_DIR (~/.cache/peers), and beside the
# null server, which only answers +OK. Builds what it measures, then hands over to bench/main.py.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'TEXT'
bench.sh [suite]       redis-benchmark's suite at depths 1, 16, 64 over TCP and a Unix socket: throughput, p50, p99, p99.9,
                       CPU per request, CPU over null (about 40 minutes; `--tests get,set,incr` takes 6)
bench.sh memory        resident bytes per key, per idle connection, and per element of collections
bench.sh pauses        the longest waits while a server grows to millions of keys, while FLUSHALL and DELs free them, and
                       p99 of SET over the growth (`--keys 20000000 --rounds 1` takes 8 minutes)
bench.sh ranks         a sorted set grows to 5 million members and shrinks again: CPU of ZADD, ZRANK and ZRANGE when it is
                       small and when it is large, and who waits meanwhile
bench.sh pubsub        user CPU and write calls per delivered message, one publisher, 1,000 subscribers
bench.sh crowd         p99 of a hundred busy clients, alone and beside ten thousand idle connections, in paired rounds
bench.sh expiry        a million keys that are due within a second: when they are gone, who waits meanwhile
bench.sh rooms         where the nanoseconds of a GET and a SET go, room by room, by perf's samples, beside the null server
bench.sh plain-map     pauses, beside a Spindle whose table is one std HashMap: what segments buy
bench.sh bars          every bar of docs/measured.md: figure and verdict; exit 1 where one is missed
bench.sh smoke         every part once, small, in a minute or two: whether it works, not how fast
bench.sh fetch-peers   fetches Redis 8 and Valkey 9 (Debian packages) into $PEERS_DIR, installs nothing

`bench.sh PART --help` lists a part's options. Tables, CSV and SVG go to bench-results/ (--out DIR).
SPINDLE=path names the server to measure (default: cargo build --release). Any redis-server will do as a stand-in.
SERVER_CORE, LOAD_CORE: where servers and load run (default: the first two cores of this process).
TEXT
}
need() { command -v "$1" >/dev/null || { echo "bench.sh: needs $1 ($2)" >&2; exit 1; }; }

case ${1:-suite} in
  -h | --help | help) usage; exit ;;
  fetch-peers) exec bench/fetch-peers.sh ;;
esac

need python3 "Debian: python3"
PATH="$PATH:${PEERS_DIR:-$HOME/.cache/peers}/bin" need redis-benchmark "Debian: redis-tools, or bench.sh fetch-peers"
target=${CARGO_TARGET_DIR:-target}
# Built each time, so that no figure comes from yesterday's source. Nothing to do takes cargo no time.
cargo build --release --quiet --example null
if [ -z "${SPINDLE:-}" ]; then
  cargo build --release --quiet --bin spindle
  SPINDLE=$target/release/spindle
fi
if [ "${1:-}" = plain-map ]; then
  cargo build --release --quiet --bin spindle --features plain-map --target-dir "$target/plain-map"
  export SPINDLE_PLAIN_MAP=$target/plain-map/release/spindle
  shift
  set -- pauses "$@"
fi
export SPINDLE NULL_SERVER=$target/release/examples/null PYTHONDONTWRITEBYTECODE=1
exec python3 bench/main.py "$@"
