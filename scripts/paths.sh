#!/usr/bin/env bash
# Counts the instructions of the hot paths as QEMU's malta and the model of a DECstation 5000/125 execute
# them, and fails where one is longer than it may be: dispatch 18 from the vector to the handler,
# transfer 26 in the kernel, the null call 28 for the whole round trip, stub included; on the R3000, where the
# assembly does it, a refill from the STLB 20, the dispatch of a miss to the application 45, and a refill from a
# guaranteed mapping 49.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. target/toolchain.env
bench=${CARGO_TARGET_DIR:-target}/release/bench
programs=target/guest-$GUEST_KIND/mips-unknown-none/release
failed=0
seed=64

# path NAME LIMIT IMAGE ARGUMENTS... on $machine, whose images are $prefix-IMAGE.
path() {
    local name="$1 on $machine" limit=$2 image=$3
    shift 3
    if "$bench" path --machine "$machine" --kernel "target/images/$prefix$image.elf" --append "seed=$seed" \
        --at-most "$limit" "$@"; then
        echo "test path: $name, at most $limit ... ok"
    else
        echo "test path: $name, at most $limit ... FAILED"
        failed=1
    fi
}

dispatch() { path "dispatch of $1" 18 bench-table5 --symbols "$programs/bench_table5" --from "$vector" --end "$2"; }
transfer() {
    path "transfer to the $1" 26 bench-table6 --symbols "$programs/bench_table6" --symbols "$programs/transfer_server" \
        --from "$vector" --origin "$2" --end "$3" --cold 1
}

all() {
    machine=$1 vector=$2 prefix=${3:-}
    dispatch "an address error" handle_address_load
    dispatch "an overflow" handle_overflow
    dispatch "an unusable coprocessor" handle_coprocessor
    dispatch "a store to a protected page" handle_modified
    transfer server client_call serve
    transfer client serve_call client_again
    path "null call, stub included" 28 bench-table4 --symbols "$programs/bench_table4" \
        --from null_call_stub --until null_call_back
}

all malta 0x80000180
all 5000/125 0x80000080 decstation-
# The program has pages in the second segment alone: these are all its misses, each the first of its page.
path "a miss that a guaranteed mapping answers" 49 bench-table4 --symbols "$programs/bench_table4" --from 0x80000000
# So many iterations that pages are touched which the STLB does not hold.
seed=1500
misses() { path "$1" "$2" bench-aegis --symbols "$programs/bench_aegis" --from 0x80000000 --origin touch_load --end "$3" --passes 9000; }
misses "a miss that the STLB knows" 20 touch_load
misses "a miss that the application handles" 45 handle_miss
exit $failed
