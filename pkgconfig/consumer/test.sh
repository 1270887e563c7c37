#!/bin/sh
# SPDX-License-Identifier: MIT
# test.sh MESON BUILD SOURCE shared|static SANITIZE: installs BUILD into a directory of its own, builds the project in
# SOURCE against that copy, found by pkg-config alone, and runs it.
set -eu
meson=$1 build=$2 source=$3 kind=$4 sanitize=$5

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
"$meson" install -C "$build" --quiet --destdir "$stage/root"

pc=$(find "$stage/root" -name h3edge.pc)
[ -n "$pc" ] || { echo "no h3edge.pc is installed"; exit 1; }
lib=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$(dirname "$pc")
LD_LIBRARY_PATH=$lib
export PKG_CONFIG_PATH LD_LIBRARY_PATH
# With only one kind there, nothing can be linked by mistake.
case $kind in
  shared) rm "$lib"/libh3edge*.a ;;
  static) rm "$lib"/libh3edge*.so* ;;
esac

set -- -Db_sanitize="$sanitize"
[ "$kind" = shared ] || set -- "$@" -Dstatic=true
"$meson" setup "$@" "$stage/consumer" "$source"
"$meson" test -C "$stage/consumer" --print-errorlogs
