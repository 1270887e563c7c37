#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing: sh .ci/packages.sh [build|demo|test|bench]
#   build  compiler, meson and the libraries (the default)
#   demo   also what examples/quickstart.sh runs: FastAPI on Uvicorn, and a client for HTTP/3
#   test   also what test/run.sh runs
#   bench  build, and what the comparisons in bench/ need to install and join the others
# When all is there it takes milliseconds and changes nothing, whatever the system; it can install on Debian 12 and 13.
set -eu

want=${1:-build}
say() { echo "packages: $*" >&2; }
fail() { say "$@"; exit 1; }
at_least() {
  case "$1 $want" in build\ * | demo\ demo | demo\ test | test\ test | bench\ bench) ;; *) return 1 ;; esac
}

# What to look for. Each prints the names of those that are not there.
programs() { for name; do command -v "$name" >/dev/null || echo "$name"; done; }
libraries() { for name; do pkg-config --exists "$name" 2>/dev/null || echo "$name"; done; }
modules() {
  /usr/bin/python3 -I -c 'import sys; from importlib.util import find_spec
for name in sys.argv[1:]: find_spec(name) or print("Python module", name)' "$@" 2>/dev/null || echo "Python modules $*"
}
libcurl_with_http3() {
  /usr/bin/python3 -I -c 'import pycurl; exit(not pycurl.version_info()[4] & 1 << 25)' 2>/dev/null ||
    echo 'libcurl with HTTP/3 for pycurl'
}
missing() {
  programs cc meson ninja pkg-config
  libraries 'libngtcp2 >= 1.11' 'libngtcp2_crypto_gnutls >= 1.11' 'libnghttp3 >= 1.8' 'libllhttp >= 9.2' \
    'gnutls >= 3.7.9' 'libuv >= 1.44' 'jansson >= 2.8'
  if at_least demo; then
    programs gtlsclient
    modules fastapi multipart uvicorn
  fi
  if at_least test; then
    programs c++ clang chromium chromedriver git ip openssl
    libraries cmocka
    modules h11 pytest selenium
    libcurl_with_http3
  fi
  if at_least bench; then
    programs debootstrap git ip openssl
    libraries cmocka
  fi
}

# The same as packages of Debian.
packages() {
  echo gcc libc6-dev meson ninja-build pkg-config libngtcp2-dev libngtcp2-crypto-gnutls-dev libnghttp3-dev \
    libllhttp-dev libgnutls28-dev libuv1-dev libjansson-dev
  if at_least demo; then echo ngtcp2-client python3-fastapi python3-multipart python3-uvicorn; fi
  if at_least test; then
    echo g++ clang chromium chromium-driver git iproute2 openssl libcmocka-dev
    echo python3-pytest python3-selenium python3-pycurl
    echo python3-h11 # the independent parser of test/judge
  fi
  if at_least bench; then echo debootstrap debian-archive-keyring git iproute2 openssl libcmocka-dev; fi
}

# Debian 12 has ngtcp2, nghttp3 and a libcurl with HTTP/3 in its backports, and llhttp only in the next release: that
# one is taken from there, and nothing else. Both come from the mirror that this machine uses already.
list=/etc/apt/sources.list.d/h3edge.list
add_releases() {
  # shellcheck disable=SC2016 # apt expands it
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
  [ -n "$uri" ] || fail "apt has no source for bookworm: add one"
  for release in bookworm-backports trixie; do
    [ -n "$(apt-get indextargets 'Created-By: Packages' "Codename: $release")" ] && continue
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $release main" >>"$list"
    say "added $release to $list"
  done
  {
    pin 'libngtcp2* libnghttp3* ngtcp2*' bookworm-backports 500
    pin 'libllhttp*' trixie 500
    if grep -qs ' trixie ' "$list"; then pin '*' trixie -1; fi
  } >/etc/apt/preferences.d/h3edge
  apt-get -qq update
}
pin() { printf 'Package: %s\nPin: release n=%s\nPin-Priority: %d\n\n' "$@"; }

install_missing() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  wanted=$(packages)
  if [ "$VERSION_CODENAME" = bookworm ]; then
    add_releases
    if at_least test; then wanted="$wanted libcurl3-gnutls/bookworm-backports"; fi
  fi
  # shellcheck disable=SC2086 # several words
  apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends $wanted >"$log" 2>&1 || {
    cat "$log" >&2
    fail "apt-get could not install them: see above"
  }
}

case $want in build | demo | test | bench) ;; *) fail "'$want' is none of build, demo, test, bench" ;; esac
lacking=$(missing)
[ -n "$lacking" ] || exit 0
say "missing: $(echo "$lacking" | paste -s -d , | sed 's/,/, /g')"

ID='' VERSION_CODENAME=''
# shellcheck disable=SC1091 # the system's
[ ! -r /etc/os-release ] || . /etc/os-release
case "$ID $VERSION_CODENAME" in
  debian\ bookworm | debian\ trixie) ;;
  *) fail "this script installs on Debian 12 and 13 only. On this system install the above; Debian's names for them:" \
    "$(packages | paste -s -d ' ')" ;;
esac
[ "$(id -u)" = 0 ] || fail "only root can install them: sudo sh $0 $want"

say "installing them (a minute or two)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_missing
lacking=$(missing)
[ -z "$lacking" ] || fail "still missing: $lacking"
say "done"
