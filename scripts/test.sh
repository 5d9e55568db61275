#!/usr/bin/env bash
# Runs all tests: host tests, ELF check, the lengths of the hot paths, the guest suites on QEMU's
# malta, on the model of a DECstation, and on GXemul where it is installed.
#
#   scripts/test.sh [--quick | --long]
#
#   --quick   host tests and the ELF check alone
#   --long    host tests and the ELF check, then what takes long: full runs of the fuzzer of calls, a quarter of an hour, and of
#             the targets of scripts/fuzz.sh, whose results go to bench-results/fuzz.txt and fuzz-targets.txt
#
# The last line is the total, "N passed, N failed"; the status is 0 if none failed.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
-h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
"" | --quick | --long) ;;
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

# Guest suites that take long, one after the other while the rest goes on. Reads lines: a name, its arguments.
background=
begun=
begin() {
    local jobs
    jobs=$(cat)
    begun=$(sed 's/ .*//' <<<"$jobs")
    # One that does not come to its end has failed; what is left of a run before must not count.
    for name in $begun; do
        : >"logs/$name.out"
        echo 1 >"logs/$name.status"
    done
    (
        running=
        trap 'kill "$running" 2>/dev/null; exit 1' TERM
        while read -r name arguments; do
            status=0
            # shellcheck disable=SC2086
            "$bench" test --name "$name" $arguments >"logs/$name.out" 2>&1 </dev/null &
            running=$!
            wait "$running" || status=$?
            echo "$status" >"logs/$name.status"
        done <<<"$jobs"
    ) &
    background=$!
    trap 'kill "$background" 2>/dev/null || true' EXIT
}

# Waits for them, and shows and counts what they came to.
collect() {
    local name
    wait "$background" || failed=$((failed + 1))
    trap - EXIT
    for name in $begun; do
        cat "logs/$name.out"
        count "$name" "$(cat "logs/$name.status")"
    done
}

# What the checker of invariants says of each error that `check_plant` makes, in its order.
PLANTED="the count of free pages
of the free list
is bound
of an owner's list
is dead
every page is in one list or the kernel's
does not know its STLB entry
of the kernel's is writable
a guaranteed mapping in the STLB
does not know its guaranteed mapping
of the kernel's is writable
the environment's own page is read-only
the environment's own page
cached callees live
a cached callee has its page
a cached callee has its address-space id
an entry in the kernel
an environment's page has its name
an environment's own page is the kernel's
address space 63 is a dead one's
the address space visited is a dead one's
whose turn it is is dead
the first environment is dead
the repossession vector of a dead one
the owner of slice
the holder of slice
for Pages
for Slices
for Environments
the charge of
does not know its TLB entry
of the kernel's is writable
page 0x78
page 0x90
in the TLB
a TLB entry of nobody's address space
a cached callee is known to be one
those yielded to live
one yielded to has its page
one yielded to is known to be one
a yield enters where slices start
a yield passes over what is untold
a yield enters an address space of another
the lender of this turn is dead
a turn that is over is lent"

# The suites of processes.
PROCESSES="posix posix2 many deaths exhausted swapping tables vm-linear vm-inverted vm-clustered"

# Plants each error in an image's kernel, on a machine.
plant() {
    local machine=$1 image=$2 kind=0 found=0 text
    while read -r text; do
        if "$bench" test --machine "$machine" --name "$image-state" --kernel "target/images/$image.elf" \
            --append "seed=$((100 + kind))" --allow-status 102 --no-totals --timeout 30 \
            --expect "before, Ok" --expect "panic" --expect "$text" >"logs/$image-state-$kind.out" 2>&1; then
            found=$((found + 1))
        else
            echo "test $image-state-$kind ... FAILED: see logs/$image-state-$kind.out"
        fi
        kind=$((kind + 1))
    done <<<"$PLANTED"
    echo "$image: $found of $kind errors in the kernel's state are found"
    passed=$((passed + found))
    failed=$((failed + kind - found))
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

if [ -z "${1:-}" ] && [ $failed -eq 0 ]; then
    heading "lengths of the hot paths (instructions, counted in QEMU and on the model)"
    paths=0
    scripts/paths.sh | tee logs/paths.out || paths=$?
    passed=$((passed + $(grep -c '\.\.\. ok$' logs/paths.out || true)))
    long=$(grep -c '\.\.\. FAILED' logs/paths.out || true)
    # A script that ends before it has counted anything is a failure too.
    [ $paths -eq 0 ] || [ "$long" -gt 0 ] || long=1
    failed=$((failed + long))

    # Five minutes of one processor: meanwhile the other goes on. Strict: no load-delay use, no hazard.
    begin < <(
        echo "decstation-suite --machine 5000/125 --strict --kernel target/images/decstation-test-suite.elf --timeout 900"
        for suite in $PROCESSES; do
            echo "decstation-$suite --machine 5000/125 --strict --append quick" \
                "--kernel target/images/decstation-$suite.elf --timeout 120"
        done
    )
    heading "guest suite on QEMU's malta"
    for suite in test-suite test-suite2 test-suite3; do
        guest $suite --kernel target/images/$suite.elf --timeout 120
    done
    heading "its second and third part on the DECstation model"
    for suite in test-suite2 test-suite3; do
        guest decstation-$suite --machine 5000/125 --strict --kernel target/images/decstation-$suite.elf --timeout 120
    done
    heading "guest suite on GXemul's DECstation, but for its known defects"
    if [ -n "${GXEMUL:-}" ]; then
        guest gxemul-suite --machine gxemul --kernel target/images/decstation-test-suite.elf --timeout 120 \
            --known-defects tools/bench/gxemul-defects.toml
        guest gxemul-suite2 --machine gxemul --kernel target/images/decstation-test-suite2.elf --timeout 60 \
            --known-defects tools/bench/gxemul-defects-suite2.toml
        guest gxemul-suite3 --machine gxemul --kernel target/images/decstation-test-suite3.elf --timeout 60 \
            --known-defects tools/bench/gxemul-defects-suite3.toml
        guest gxemul-posix --machine gxemul --kernel target/images/decstation-posix.elf --timeout 60 \
            --known-defects tools/bench/gxemul-defects-posix.toml
        guest gxemul-many --machine gxemul --kernel target/images/decstation-many.elf --timeout 60 \
            --known-defects tools/bench/gxemul-defects-many.toml
        guest gxemul-hostile --machine gxemul --kernel target/images/decstation-test-hostile.elf --timeout 60 \
            --known-defects tools/bench/gxemul-defects-hostile.toml
        for suite in test-fuzz exhausted; do
            guest gxemul-$suite --machine gxemul --append quick --kernel target/images/decstation-$suite.elf --timeout 60
        done
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
        plant $machine $image
    done

    heading "first steps of a process: fork, copy-on-write, a pipe, wait"
    for machine in malta 5000/125; do
        image=selfcheck strict=
        [ $machine = malta ] || image=decstation-selfcheck strict=--strict
        # shellcheck disable=SC2086
        check "$image" "$bench" test --machine $machine $strict --name "$image" --kernel "target/images/$image.elf" \
            --no-totals --timeout 60 --expect "child 130 sees 11" --expect 'read Ok("hello through a pipe")' \
            --expect "ended: Ok((130, 42))" --expect "counter 8" \
            --expect "read 5, then 6: 0 loads and 1 stores faulted" \
            --expect "mapped anew, fresh 0: 0 loads and 1 stores faulted" \
            --expect "without access 1: 1 loads and 1 stores faulted" \
            --expect "slept Ok(()) with 0 alarms, then Err(Interrupted) with 1"
    done

    heading "the shell, at the console: a dialogue on QEMU's malta and on the model, strict"
    for machine in malta 5000/125; do
        image=shell strict=
        [ $machine = malta ] || image=decstation-shell strict=--strict
        # shellcheck disable=SC2086
        check "$image" "$bench" test --machine $machine $strict --name "$image" --kernel "target/images/$image.elf" \
            --dialogue apps/dialogues/shell.txt --allow-status 7 --no-totals --timeout 120
    done

    heading "the demonstrations: what they say is what they see"
    for name in slices revocation; do
        check demonstration-$name "$bench" test --name demonstration-$name --kernel target/images/$name.elf \
            --no-totals --timeout 60 --expect "$name: as described"
        check decstation-demonstration-$name "$bench" test --machine 5000/125 --strict --name decstation-demonstration-$name \
            --kernel target/images/decstation-$name.elf --no-totals --timeout 60 --expect "$name: as described"
    done

    heading "the exercises of docs/extending.md, solved: a page table and a scheduler of a program's own"
    for exercise in exercise-table exercise-scheduler; do
        guest $exercise --kernel target/images/$exercise.elf --timeout 60
        guest decstation-$exercise --machine 5000/125 --strict --kernel target/images/decstation-$exercise.elf --timeout 120
    done

    heading "processes: what POSIX says of them, as many as there is room for, killed anywhere, without memory; their virtual memory against a model"
    for suite in $PROCESSES; do
        guest $suite --kernel target/images/$suite.elf --timeout 60
    done

    heading "the benchmarks on the model, strict"
    for program in hello bench-table4 bench-table5 bench-table6 bench-method bench-ipc bench-vm-linear bench-vm-inverted \
        bench-vm-clustered bench-stride bench-exos; do
        check "decstation-$program" timeout 120 "${CARGO_TARGET_DIR:-target}/release/decstation" --machine 5000/125 --strict --fast-serial \
            --serial "file:logs/decstation-$program.log" --append seed=1000 --max-cycles 2000000000 \
            "target/images/decstation-$program.elf"
    done
    check decstation-hello-text grep -q "hello from environment" logs/decstation-hello.log

    heading "100,000 hostile calls, on QEMU's malta and on the model"
    guest test-hostile --kernel target/images/test-hostile.elf --timeout 180
    # Not strict: random instructions do all that strict mode stops at.
    guest decstation-hostile --machine 5000/125 --kernel target/images/decstation-test-hostile.elf --timeout 240

    heading "random calls of three environments, on QEMU's malta and on the model, strict"
    guest test-fuzz --kernel target/images/test-fuzz.elf --append quick --timeout 120
    guest decstation-fuzz --machine 5000/125 --strict --kernel target/images/decstation-test-fuzz.elf --append quick --timeout 240

    heading "the guest suite and the processes on the model of a DECstation 5000/125, strict"
    collect
fi

if [ "${1:-}" = --long ] && [ $failed -eq 0 ]; then
    heading "1,000,000 random calls of three environments, on QEMU's malta and on the model, strict"
    begin <<<"decstation-fuzz-long --machine 5000/125 --strict --kernel target/images/decstation-test-fuzz.elf --timeout 2400"
    guest test-fuzz-long --kernel target/images/test-fuzz.elf --timeout 300
    collect
    {
        echo "The fuzzer's last full runs, written by scripts/test.sh --long: how often each call succeeded and"
        echo "answered each error that its table lists."
        for name in test-fuzz-long decstation-fuzz-long; do
            echo
            grep -aE '^aegis: (malta|DEC)|^seed ' "logs/$name.out"
            sed -n '/ calls; /,/ outcomes$/p' "logs/$name.out" | grep -av '^test ' | sed 's/^\.*//; s/ *$//'
            grep -aE '^test |^[0-9]+ passed' "logs/$name.out"
        done
    } >bench-results/fuzz.txt
    heading "fuzz targets for what parses bytes"
    check fuzz-targets scripts/fuzz.sh 60
    cat logs/fuzz-targets.out
fi

heading "totals"
echo "$passed passed, $failed failed" | tee logs/totals
[ $failed -eq 0 ]
