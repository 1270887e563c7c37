#!/bin/sh
# SPDX-License-Identifier: MIT
# From nothing to HTTP/3 in front of FastAPI: sh examples/quickstart.sh [--once]
# Installs what is missing, builds, starts the application and the proxy, asks with an independent client, which comes
# back with requests in its first packets (0-RTT), and serves until Ctrl-C. With --once it ends after the answers: status
# 0, or an error. PORT=… chooses another port than 4433.
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
echo '{"cents": 5}' >"$work/content"
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

say "1/5 packages"
sh .ci/packages.sh demo

say "2/5 build, in build/"
[ -f build/build.ninja ] || meson setup build -Dtests=false >"$work/meson" || {
  cat "$work/meson"
  fail "meson could not set up the build"
}
ninja -C build

say "3/5 FastAPI on Uvicorn, and h3edge-proxy in front of it"
/usr/bin/python3 -m uvicorn --app-dir examples/fastapi app:app --port 0 >"$work/application" 2>&1 &
application=$!
await "$application" "$work/application" 'running on' || { cat "$work/application"; fail "Uvicorn did not start"; }
origin=$(sed -n 's|.*running on \(http://[^ ]*\).*|\1|p' "$work/application")

build/examples/proxy/h3edge-proxy --listen "localhost:$port" --origin "$origin" --early-data safe --verbose \
  >"$work/proxy" 2>&1 &
proxy=$!
await "$proxy" "$work/proxy" 'listening on' || {
  cat "$work/proxy"
  fail "the proxy did not start; to try another port: PORT=$((port + 1)) sh examples/quickstart.sh"
}
cat "$work/proxy"

# ask STATUS [OPTION…] PATH…: one visit, on a connection of its own, with the tickets and tokens of the one before. Fails
# unless every answer has that status.
ask() {
  wanted=$1
  shift
  timeout 20 gtlsclient --exit-on-all-streams-close --handshake-timeout=5s --download="$work" \
    --session-file="$work/session" --tp-file="$work/parameters" --token-file="$work/token" "$@" \
    >"$work/client" 2>&1 </dev/null || :
  statuses=$(sed -n 's/.*\[:status: \([0-9]*\)\].*/\1/p' "$work/client" | sort -u)
  [ "$statuses" = "$wanted" ] || {
    tail -n 20 "$work/client" "$work/proxy" "$work/application"
    fail "no good answer: status ${statuses:-none}"
  }
}
url=https://localhost:$port

say "4/5 one request by gtlsclient, the HTTP/3 client of ngtcp2: $url/users/1"
# The second one takes a moment, in which the client gets what it needs to come back.
ask 200 127.0.0.1 "$port" "$url/users/1" "$url/events?count=2&interval=0.3"
sed -n 's/.*Negotiated ALPN is \(.*\)/protocol \1/p; s/^http: stream 0x0 \[\(.*\)\]$/\1/p' "$work/client"
echo
cat "$work/1"
echo

say "5/5 the client comes back twice, its request in the first packet: a GET, sent on at once, and a POST, which waits"
ask 200 127.0.0.1 "$port" "$url/fields"
ask 201 -m POST -d "$work/content" 127.0.0.1 "$port" "$url/charge"
say "what the proxy logged, and what the application saw of the GET:"
grep ' early: ' "$work/proxy" || fail "no request came early"
grep -o '"early-data","1"' "$work/fields" || fail "the GET did not reach the application early"

[ -z "$once" ] || exit 0
trap 'exit 0' INT TERM
say "serving https://localhost:$port until Ctrl-C"
wait "$proxy" || :
proxy=''
fail "the proxy ended: $(tail -n 3 "$work/proxy")"
