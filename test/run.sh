#!/bin/sh
# SPDX-License-Identifier: MIT
# Every test, from whatever is installed to one line: sh test/run.sh [--quick] [--no-sanitizers]
#   --quick          one build with gcc and the tests that need no other program
#   --no-sanitizers  not again under AddressSanitizer and UndefinedBehaviorSanitizer, no threads under ThreadSanitizer
# The last line is "N passed, N failed"; the status is 0 when something passed and nothing failed.
set -u
cd "$(dirname "$0")/.." || exit 1

quick='' no_sanitizers=''
for option; do
  case $option in
    --quick) quick=yes ;;
    --no-sanitizers) no_sanitizers=yes ;;
    --help) exec sed -n '3,6s/^# //p' test/run.sh ;;
    *) echo "test/run.sh: '$option' is no option; see --help" >&2; exit 2 ;;
  esac
done

results=$(mktemp)
trap 'rm -f "$results"' EXIT

# step NAME LOG COMMAND…: LOG is where the command leaves what each test did, or "-".
step() {
  name=$1 log=$2
  shift 2
  echo "== $name"
  [ "$log" = - ] || rm -f "$log"
  "$@"
  status=$?
  printf '%d\t%s\t%s\n' "$status" "$log" "$name" >>"$results"
  return "$status"
}

# compile FOLDER OPTION…: all of it, or what $targets names.
targets=''
compile() {
  folder=$1
  shift
  [ -f "$folder/build.ninja" ] || meson setup "$folder" --werror "$@" >"$folder.log" 2>&1 || {
    cat "$folder.log"
    return 1
  }
  # shellcheck disable=SC2086 # several words
  ninja -C "$folder" $targets
}
unit_and_sim() { # FOLDER FACTOR TEST…: a factor of time, for slow builds; no test: all
  folder=$1 factor=$2
  shift 2
  step "unit tests and simulation ($folder)" "$folder/meson-logs/testlog.json" \
    meson test -C "$folder" --no-rebuild --print-errorlogs --timeout-multiplier "$factor" "$@"
}
integration() { # FOLDER OPTION…
  folder=$1
  shift
  step "integration ($folder)" "$folder/integration.xml" env H3EDGE_BUILD="$PWD/$folder" PYTHONDONTWRITEBYTECODE=1 \
    timeout 2400 /usr/bin/python3 -m pytest -p no:cacheprovider -o faulthandler_timeout=300 -q -ra \
    --junitxml="$folder/integration.xml" "$@" test/integration
}

export CC CXX
# A finding of a sanitizer ends the program, so that it fails its test.
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

step packages - sh .ci/packages.sh test && {
  CC=gcc CXX=g++
  step "build with gcc" - compile build-test && {
    unit_and_sim build-test 10
    [ "$quick" ] || integration build-test
  }
  [ "$quick$no_sanitizers" ] || {
    step "build with sanitizers" - compile build-sanitize -Db_sanitize=address,undefined && {
      export SIM_SEEDS=20 # of the 50 that were simulated above: a storm takes five times as long here
      unit_and_sim build-sanitize 20
      integration build-sanitize -m 'not slow'
    }
    targets='test/unit/unit-replay-memory_register test/replay/attack examples/proxy/h3edge-proxy bench/h3load'
    step "build with the thread sanitizer" - compile build-thread -Db_sanitize=thread && {
      export REPLAY_ATTACK_COUNT=400
      unit_and_sim build-thread 20 memory_register attack
      integration build-thread -k 'test_workers and not rebinding' # that has one connection, and so one thread
    }
    targets=''
  }
  CC=clang CXX=clang++
  [ "$quick" ] || step "build with clang" - compile build-clang
}
/usr/bin/python3 test/summary.py "$results"
