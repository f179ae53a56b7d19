#!/bin/sh
# Runs each target under libFuzzer for some seconds: run.sh [SECONDS [TARGET...]].
# What it finds is left in target/fuzz/found; new inputs in target/fuzz/corpus.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions"
# With a target named, build scripts and macros are not instrumented.
RUSTFLAGS=$(echo $coverage) CARGO_PROFILE_RELEASE_LTO=off cargo build --release \
  --target "$host" --target-dir target/fuzz -p catena-tests-fuzz --features libfuzzer
mkdir -p target/fuzz/found
[ $# -gt 0 ] || set -- $(ls tests/fuzz/corpus)
for target in "$@"; do
  echo "== $target"
  mkdir -p "target/fuzz/corpus/$target"
  FUZZ_TARGET=$target "target/fuzz/$host/release/fuzz" -max_total_time="$seconds" \
    -timeout=10 -rss_limit_mb=2048 -max_len=16384 -artifact_prefix="target/fuzz/found/$target-" \
    -print_final_stats=1 "target/fuzz/corpus/$target" "tests/fuzz/corpus/$target" 2>&1 |
    tail -n 12
done
