#!/usr/bin/env bash
# Coverage-guided fuzzing of what parses bytes: boot images, and ELF files as programs, as processes, as kernels, and as what
# the ELF check reads.
#
#   scripts/fuzz.sh [SECONDS [TARGET...]]
#
# Each target (tools/fuzz/fuzz_targets) runs for so many seconds, 60 unless said. It begins with what it found interesting the
# last time (target/fuzz/corpus) and a sound file. A failure is kept in target/fuzz/artifacts, with the command that repeats
# it, and ends the run with status 1. What all targets came to goes to bench-results/fuzz-targets.txt.
#
# Needs a nightly compiler and a C++ compiler, and installs cargo-fuzz below target/ where it is missing: half a minute, and a
# minute and a half to build.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
-h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
"" | *[!0-9]*) [ -z "${1:-}" ] || { echo "fuzz: $1 is not a number of seconds; see --help" >&2; exit 2; } ;;
esac
seconds=${1:-60}
[ $# -eq 0 ] || shift
all=$(cd tools/fuzz/fuzz_targets && ls ./*.rs | sed 's|^\./||; s|\.rs$||')
targets=${*:-$all}
for target in $targets; do
    [ -f "tools/fuzz/fuzz_targets/$target.rs" ] || { echo "fuzz: there is no target $target, but:" $all >&2; exit 2; }
done

[ -f target/toolchain.env ] || scripts/setup.sh
# The newest nightly: any will do.
nightly=$(rustup toolchain list 2>/dev/null | sed -n 's/^\(nightly[^ ]*\).*/\1/p' | sort | tail -n 1)
[ -n "$nightly" ] || { echo "fuzz: no nightly compiler; rustup toolchain install nightly" >&2; exit 1; }
command -v c++ >/dev/null || { echo "fuzz: no C++ compiler; apt-get install g++" >&2; exit 1; }

fuzz=$PWD/target/fuzz
export PATH=$fuzz/bin:$PATH
if ! command -v cargo-fuzz >/dev/null; then
    echo "fuzz: installing cargo-fuzz"
    cargo install --quiet --locked --root "$fuzz" cargo-fuzz
fi
echo "fuzz: building ($nightly)"
cargo "+$nightly" fuzz build --fuzz-dir tools/fuzz --target-dir "$fuzz/build" >/dev/null 2>"$fuzz/build.log" ||
    { tail -n 20 "$fuzz/build.log" >&2; exit 1; }
programs=$(find "$fuzz/build" -name seeds -type f -perm -u+x -path '*/release/*' | head -n 1)
programs=${programs%/seeds}
"$programs/seeds" "$fuzz/corpus"

status=0
results=$fuzz/results
: >"$results"
for target in $targets; do
    echo "fuzz: $target, $seconds s"
    mkdir -p "$fuzz/artifacts"
    log=$fuzz/$target.log
    failed=0
    "$programs/$target" -max_total_time="$seconds" -print_final_stats=1 -timeout=10 -artifact_prefix="$fuzz/artifacts/$target-" \
        "$fuzz/corpus/$target" >"$log" 2>&1 || failed=1
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(sed -nE 's/.* cov: ([0-9]+) .*/\1/p' "$log" | tail -n 1)
    corpus=$(find "$fuzz/corpus/$target" -type f | wc -l)
    printf '%-14s %6s s %11s executions %6s edges %6s inputs kept %s\n' "$target" "$seconds" "${executions:-?}" \
        "${edges:-?}" "$corpus" "$([ $failed -eq 0 ] && echo 'no failure' || echo FAILED)" | tee -a "$results"
    if [ $failed -ne 0 ]; then
        status=1
        grep -aE 'panicked at|ERROR|assertion' "$log" | head -n 5 || true
        artifact=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        echo "fuzz: repeat it: $programs/$target $artifact"
    fi
done
if [ "$targets" = "$all" ]; then
    {
        echo "The fuzz targets' last run, written by scripts/fuzz.sh: time, executions, edges of the code that were covered, and inputs"
        echo "that cover something of their own."
        echo
        cat "$results"
    } >bench-results/fuzz-targets.txt
fi
exit $status
