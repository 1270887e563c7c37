#!/bin/sh
# SPDX-License-Identifier: MIT
# test.sh MESON BUILD SOURCE SANITIZE: installs BUILD into a directory of its own, builds the project in SOURCE against
# that copy, found by pkg-config alone, and runs it: once with the shared libraries, once with the static ones.
set -eu
meson=$1 build=$2 source=$3 sanitize=$4

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
"$meson" install -C "$build" --quiet --destdir "$stage/shared"
# With only one kind in each copy, nothing can be linked by mistake.
cp -R "$stage/shared" "$stage/static"
find "$stage/shared" -name 'libh3edge*.a' -exec rm {} +
find "$stage/static" -name 'libh3edge*.so*' -exec rm {} +

try() { # shared|static, then options for meson setup
  kind=$1
  shift
  PKG_CONFIG_PATH=$(dirname "$(find "$stage/$kind" -name h3edge.pc)")
  LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
  export PKG_CONFIG_PATH LD_LIBRARY_PATH
  "$meson" setup -Db_sanitize="$sanitize" "$@" "$stage/build-$kind" "$source"
  "$meson" test -C "$stage/build-$kind" --print-errorlogs
}
try shared
try static -Dstatic=true
