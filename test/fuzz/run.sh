#!/bin/sh
# SPDX-License-Identifier: MIT
# Looks for new inputs, in the background of whatever else the machine does: sh test/fuzz/run.sh [SECONDS [TARGET...]]
# SECONDS (60) are for each target. What is found that fails is left in build-fuzz/findings, and the status is 1 then.
# The corpora become what the old and the new inputs reach, with as few and as small files as that takes.
set -u
cd "$(dirname "$0")/../.." || exit 1
seconds=${1:-60}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- api datagrams field_map h1_response h3_stream rules tls_hello url

build=build-fuzz
[ -f $build/build.ninja ] || CC=clang CXX=clang++ meson setup $build -Dfuzz=true -Duv=disabled -Dexamples=false \
  -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link || exit 1
for target; do programs="${programs:-} test/fuzz/fuzz-$target"; done
# shellcheck disable=SC2086 # several words
ninja -C $build $programs || exit 1
/usr/bin/python3 test/fuzz/seeds.py $build/seeds || exit 1

export ASAN_OPTIONS=quarantine_size_mb=64 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# libFuzzer's own clock is the simulator's in some targets, and says nothing of a slow input.
no_clock='-timeout=100000 -report_slow_units=100000'
status=0
for target; do
  corpus=test/fuzz/corpus/$target found=$build/found/$target program=$build/test/fuzz/fuzz-$target
  rm -rf "$build/least"
  mkdir -p "$corpus" "$found" "$build/findings" "$build/least"
  echo "== $target"
  # Without the entropic schedule: with as many features as a run of datagrams has, it takes three times what they take.
  # shellcheck disable=SC2086 # several words
  timeout -s INT "$seconds" nice -n 19 "$program" -max_len=4000 $no_clock -entropic=0 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$target-" "$found" "$corpus" "$build/seeds/$target" >"$build/$target.log" 2>&1
  grep -E '^#[0-9]+.*cov:' "$build/$target.log" | tail -n 1
  if ls "$build/findings/$target-"* 2>/dev/null; then
    status=1
  else # the least that reaches every edge of the code that all together reach
    # shellcheck disable=SC2086 # several words
    nice -n 19 "$program" -set_cover_merge=1 -use_counters=0 -max_len=4000 $no_clock "$build/least" "$corpus" \
      "$build/seeds/$target" "$found" >>"$build/$target.log" 2>&1 && rm -rf "$corpus" && mv "$build/least" "$corpus"
  fi
done
exit $status
