#!/usr/bin/env bash
# Regenerates the paper's tables on this machine: sets up, builds, runs the benchmarks, prints them.
#
#   scripts/reproduce.sh [--table N] [--quick] [--list]
#
#   --table N   only this table; its rows replace those in bench-results
#   --quick     fewer iterations; results go to target/quick-results and bench-results stays as it is
#   --list      say what can be run, and run nothing
#
# Results are written to bench-results: results.json, tables.md, tables.csv. A second run on the same
# machine writes the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

case " $* " in
*" -h "* | *" --help "*) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
list=no
for argument in "$@"; do
    [ "$argument" = --list ] && list=yes
done

scripts/setup.sh
# shellcheck disable=SC1091
. target/toolchain.env
# shellcheck disable=SC2086
env $HOST_CARGO build --quiet --release -p bench -p decstation
[ $list = yes ] || scripts/build.sh
"${CARGO_TARGET_DIR:-target}/release/bench" run --kernel-dir target/images "$@"
if [ -z "$*" ]; then
    "${CARGO_TARGET_DIR:-target}/release/bench" readme-table
fi
