#!/bin/sh
# SPDX-License-Identifier: MIT
# Which lines of lib/ all tests together reach, the corpora of test/fuzz among them: sh test/coverage.sh [FILE...]
# Prints a table of layers and files, and for each FILE (lib/quic/tls.c) the lines that no test reaches. What ran before
# in build-coverage counts too, as long as the program is the same; rm -r build-coverage begins anew.
set -u
cd "$(dirname "$0")/.." || exit 1

sh .ci/packages.sh test || exit 1
[ -f build-coverage/build.ninja ] || CC=gcc meson setup build-coverage -Db_coverage=true -Dbuildtype=debug || exit 1
ninja -C build-coverage || exit 1
status=0
meson test -C build-coverage --no-rebuild --print-errorlogs --timeout-multiplier 5 || status=1
H3EDGE_BUILD=$PWD/build-coverage PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -p no:cacheprovider -q \
  test/integration || status=1
/usr/bin/python3 test/coverage.py build-coverage "$@" || status=1
exit $status
