#!/usr/bin/env bash
# Runs all tests: host tests, ELF check, the lengths of the hot paths, the guest suites on QEMU's
# malta, on the model of a DECstation, and on GXemul where it is installed.
#
#   scripts/test.sh [--quick]
#
#   --quick   host tests and the ELF check alone
#
# The last line is the total, "N passed, N failed"; the status is 0 if none failed.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
-h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
"" | --quick) ;;
*) echo "test: unknown argument $1; see --help" >&2; exit 2 ;;
esac

scripts/setup.sh
# shellcheck disable=SC1091
. target/toolchain.env
bench=${CARGO_TARGET_DIR:-target}/release/bench
passed=0
failed=0
mkdir -p logs

heading() { printf '\n== %s\n' "$*"; }

# One test that is a command: its name, the command.
check() {
    local name=$1
    shift
    if "$@" >"logs/$name.out" 2>&1; then
        echo "test $name ... ok"
        passed=$((passed + 1))
    else
        echo "test $name ... FAILED (status $?); the end of logs/$name.out:"
        tail -n 20 "logs/$name.out"
        failed=$((failed + 1))
    fi
}

# What a guest suite came to: its name, its status, the totals in what it printed.
count() {
    local name=$1 status=$2 totals
    # The runner's own line where it is satisfied, else the guest's.
    totals=$(sed -nE "s/^($name: )?([0-9]+ passed, [0-9]+ failed).*/\\2/p" "logs/$name.out" | tail -n 1 || true)
    if [ -n "$totals" ]; then
        passed=$((passed + $(echo "$totals" | sed -E 's/^([0-9]+) passed.*/\1/')))
        failed=$((failed + $(echo "$totals" | sed -E 's/.* ([0-9]+) failed.*/\1/')))
    fi
    if [ "$status" -ne 0 ]; then
        echo "test $name ... FAILED: see logs/$name.log"
        failed=$((failed + 1))
    fi
}

# A guest suite.
guest() {
    local name=$1 status=0
    shift
    "$bench" test --name "$name" "$@" | tee "logs/$name.out" || status=$?
    count "$name" "$status"
}

# A guest suite that takes long, while others run; `collect` waits for it.
background=
begin() {
    local name=$1
    shift
    "$bench" test --name "$name" "$@" >"logs/$name.out" 2>&1 &
    background=$!
    trap 'kill "$background" 2>/dev/null || true' EXIT
}

collect() {
    local name=$1 status=0
    wait "$background" || status=$?
    trap - EXIT
    cat "logs/$name.out"
    count "$name" "$status"
}

heading "host tests"
# shellcheck disable=SC2086
env $HOST_CARGO test --no-fail-fast 2>&1 | tee logs/host.out | grep -E '^(test result|failures:|error|test .*FAILED|     Running)' || true
while read -r p f; do
    passed=$((passed + p))
    failed=$((failed + f))
done < <(sed -nE 's/^test result: [a-zA-Z]+\. ([0-9]+) passed; ([0-9]+) failed.*/\1 \2/p' logs/host.out)
if ! grep -q '^test result' logs/host.out || grep -qE '^error' logs/host.out; then
    echo "test host ... FAILED: the end of logs/host.out:"
    tail -n 30 logs/host.out
    failed=$((failed + 1))
fi

heading "build and ELF check"
# shellcheck disable=SC2086
env $HOST_CARGO build --quiet --release -p bench -p decstation
check build scripts/build.sh
cat logs/build.out

if [ "${1:-}" != --quick ] && [ $failed -eq 0 ]; then
    heading "lengths of the hot paths (instructions, counted in QEMU and on the model)"
    paths=0
    scripts/paths.sh | tee logs/paths.out || paths=$?
    passed=$((passed + $(grep -c '\.\.\. ok$' logs/paths.out || true)))
    long=$(grep -c '\.\.\. FAILED' logs/paths.out || true)
    # A script that ends before it has counted anything is a failure too.
    [ $paths -eq 0 ] || [ "$long" -gt 0 ] || long=1
    failed=$((failed + long))

    # Two minutes of one processor: meanwhile the other goes on.
    begin decstation-suite --machine 5000/125 --strict --kernel target/images/decstation-test-suite.elf --timeout 900
    heading "guest suite on QEMU's malta"
    guest test-suite --kernel target/images/test-suite.elf --timeout 120
    heading "guest suite on GXemul's DECstation, but for its known defects"
    if [ -n "${GXEMUL:-}" ]; then
        guest gxemul-suite --machine gxemul --kernel target/images/decstation-test-suite.elf --timeout 120 \
            --known-defects tools/bench/gxemul-defects.toml
    else
        echo "not run: there is no gxemul (scripts/setup.sh installs it where apt has it)"
    fi

    heading "faults in the kernel are reported, and stop the machine"
    for machine in malta 5000/125; do
        image=test-fault
        [ $machine = malta ] || image=decstation-test-fault
        for kind in 0 1 2 3 4 5; do
            check "$image-$kind" "$bench" test --machine $machine --name "$image-$kind" --kernel "target/images/$image.elf" \
                --append "seed=$kind" --allow-status 101 --no-totals --timeout 30 \
                --expect "unexpected trap in the kernel" --expect "EPC" --expect "environment" --expect "history"
        done
        check $image-panic "$bench" test --machine $machine --name $image-panic --kernel "target/images/$image.elf" \
            --append seed=6 --allow-status 102 --no-totals --timeout 30 --expect "panic" --expect "planted"
    done

    heading "the benchmarks on the model, strict"
    for program in hello bench-table4 bench-table5 bench-table6; do
        check "decstation-$program" timeout 120 "${CARGO_TARGET_DIR:-target}/release/decstation" --machine 5000/125 --strict --fast-serial \
            --serial "file:logs/decstation-$program.log" --append seed=1000 --max-cycles 2000000000 \
            "target/images/decstation-$program.elf"
    done
    check decstation-hello-text grep -q "hello from environment" logs/decstation-hello.log

    heading "100,000 hostile calls, on QEMU's malta and on the model"
    guest test-hostile --kernel target/images/test-hostile.elf --timeout 180
    # Not strict: random instructions do all that strict mode stops at.
    guest decstation-hostile --machine 5000/125 --kernel target/images/decstation-test-hostile.elf --timeout 240

    heading "guest suite on the model of a DECstation 5000/125, strict: no load-delay use, no hazard"
    collect decstation-suite
fi

heading "totals"
echo "$passed passed, $failed failed" | tee logs/totals
[ $failed -eq 0 ]
