#!/bin/sh
# Installs the parts of the AT Protocol test network under $KITH_ATPROTO_DIR; returns at once when they are there.
# Needs Node 20 or newer, a C++ compiler and, as root on Debian, apt for redis-server. Takes some three minutes.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
target=${KITH_ATPROTO_DIR:-$HOME/.cache/kith-test-parts/atproto}
wanted="$(cat "$here/package-lock.json" "$here/package.json" | cksum) node $(node --version) $(uname -sm)"

if ! command -v redis-server >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "atproto: redis-server from the distribution"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends redis-server >/dev/null
    else
        echo "atproto: install redis-server first (Debian: apt install redis-server)" >&2
        exit 1
    fi
fi

if [ -f "$target/.installed" ] && [ "$(cat "$target/.installed")" = "$wanted" ]; then
    echo "atproto: already in $target"
    exit 0
fi

mkdir -p "$target"
rm -f "$target/.installed"
cp "$here/package.json" "$here/package-lock.json" "$target/"
cd "$target"
echo "atproto: [1/2] packages"
npm ci --ignore-scripts --no-audit --no-fund --silent
echo "atproto: [2/2] better-sqlite3 from source (about two minutes)"
npm rebuild better-sqlite3 --build-from-source --silent
printf '%s' "$wanted" > .installed
echo "atproto: ready in $target"
