#!/usr/bin/env bash
# Regenerates the paper's tables on this machine: sets up, builds, runs the benchmarks, prints them.
#
#   scripts/reproduce.sh [--table N | --figure N] [--quick] [--diff [REV|FILE]] [--list]
#
#   --table N          only this table; its rows replace those in bench-results, and so do those of other tables
#                      that the same images print
#   --figure N         only this figure
#   --quick            fewer iterations; results go to target/quick-results and bench-results stays as it is
#   --diff [REV|FILE]  then say which rows moved against the results of a git revision (HEAD if none is
#                      given) or of a file, and by which kind of cycles
#   --list             say what can be run, and run nothing
#
# Every image runs on the models of all four DECstations, at the central values of their timing parameters
# and at both ends of the uncertain ones, and in QEMU. Results are written to bench-results: results.json,
# tables.md, tables.csv, claims.md, and the figures. A second run on the same machine writes the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

whole=yes
list=no
for argument in "$@"; do
    case $argument in
    -h | --help) sed -n '2,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --list) list=yes ;;
    --table | --table=* | --figure | --figure=* | --quick) whole=no ;;
    esac
done

scripts/setup.sh
# shellcheck disable=SC1091
. target/toolchain.env
# shellcheck disable=SC2086
env $HOST_CARGO build --quiet --release -p bench -p decstation
[ $list = yes ] || scripts/build.sh
"${CARGO_TARGET_DIR:-target}/release/bench" run --kernel-dir target/images "$@"
if [ $list = no ] && [ $whole = yes ]; then
    "${CARGO_TARGET_DIR:-target}/release/bench" readme-table
fi
