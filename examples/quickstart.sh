#!/bin/sh
# SPDX-License-Identifier: MIT
# From nothing to HTTP/3 in front of FastAPI: sh examples/quickstart.sh [--once]
# Installs what is missing, builds, starts the application and the proxy, asks once with an independent client, and
# serves until Ctrl-C. With --once it ends after the answer: status 0, or an error. PORT=… chooses another port than
# 4433.
set -eu
cd "$(dirname "$0")/.."

say() { echo "quickstart: $*"; }
fail() { say "$@" >&2; exit 1; }

case "$#${1:-}" in
  0) once='' ;;
  1--once) once=yes ;;
  *) sed -n '3,6s/^# //p' examples/quickstart.sh; exit 2 ;;
esac
port=${PORT:-4433}

work=$(mktemp -d)
application='' proxy=''
clean_up() {
  trap '' INT TERM
  # The proxy first: with its links gone the application stops at once.
  for pid in $proxy $application; do
    kill "$pid" 2>/dev/null || continue
    wait "$pid" 2>/dev/null || : # how they end is not news
  done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# await PID LOG PATTERN: until the program has said it. Not if the program ends, or takes more than 15 seconds.
await() {
  tenths=0
  until grep -qs -e "$3" "$2"; do
    kill -0 "$1" 2>/dev/null && [ "$tenths" -lt 150 ] || return 1
    tenths=$((tenths + 1))
    sleep 0.1
  done
}

say "1/4 packages"
sh .ci/packages.sh demo

say "2/4 build, in build/"
[ -f build/build.ninja ] || meson setup build -Dtests=false >"$work/meson" || {
  cat "$work/meson"
  fail "meson could not set up the build"
}
ninja -C build

say "3/4 FastAPI on Uvicorn, and h3edge-proxy in front of it"
/usr/bin/python3 -m uvicorn --app-dir examples/fastapi app:app --port 0 >"$work/application" 2>&1 &
application=$!
await "$application" "$work/application" 'running on' || { cat "$work/application"; fail "Uvicorn did not start"; }
origin=$(sed -n 's|.*running on \(http://[^ ]*\).*|\1|p' "$work/application")

build/examples/proxy/h3edge-proxy --listen "localhost:$port" --origin "$origin" >"$work/proxy" 2>&1 &
proxy=$!
await "$proxy" "$work/proxy" 'listening on' || {
  cat "$work/proxy"
  fail "the proxy did not start; to try another port: PORT=$((port + 1)) sh examples/quickstart.sh"
}
cat "$work/proxy"

say "4/4 one request by gtlsclient, the HTTP/3 client of ngtcp2: https://localhost:$port/users/1"
timeout 20 gtlsclient --exit-on-all-streams-close --handshake-timeout=5s --download="$work" 127.0.0.1 "$port" \
  "https://localhost:$port/users/1" >"$work/client" 2>&1 </dev/null || :
status=$(sed -n 's/.*\[:status: \([0-9]*\)\].*/\1/p' "$work/client")
[ "$status" = 200 ] || {
  tail -n 20 "$work/client" "$work/proxy" "$work/application"
  fail "no good answer: status ${status:-none}"
}
sed -n 's/.*Negotiated ALPN is \(.*\)/protocol \1/p; s/^http: stream 0x0 \[\(.*\)\]$/\1/p' "$work/client"
echo
cat "$work/1"
echo

[ -z "$once" ] || exit 0
trap 'exit 0' INT TERM
say "serving https://localhost:$port until Ctrl-C"
wait "$proxy" || :
proxy=''
fail "the proxy ended: $(tail -n 3 "$work/proxy")"
