#!/usr/bin/env bash
# Counts the instructions of the hot paths as QEMU's malta and the model of a DECstation 5000/125 execute
# them, and fails where one is longer than it may be: dispatch 18 from the vector to the handler,
# transfer 26 in the kernel, the null call 28 for the whole round trip, stub included.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck disable=SC1091
. target/toolchain.env
bench=${CARGO_TARGET_DIR:-target}/release/bench
programs=target/guest-$GUEST_KIND/mips-unknown-none/release
failed=0

# path NAME LIMIT IMAGE ARGUMENTS... on $machine, whose images are $prefix-IMAGE.
path() {
    local name="$1 on $machine" limit=$2 image=$3
    shift 3
    if "$bench" path --machine "$machine" --kernel "target/images/$prefix$image.elf" --append seed=64 \
        --at-most "$limit" "$@"; then
        echo "test path: $name, at most $limit ... ok"
    else
        echo "test path: $name, at most $limit ... FAILED"
        failed=1
    fi
}

dispatch() { path "dispatch of $1" 18 bench-table5 --symbols "$programs/bench_table5" --from "$vector" --end "$2"; }
transfer() { path "transfer to the $1" 26 bench-table6 --symbols "$programs/$3" --from "$vector" --end "$2"; }

all() {
    machine=$1 vector=$2 prefix=${3:-}
    dispatch "an address error" handle_address_load
    dispatch "an overflow" handle_overflow
    dispatch "an unusable coprocessor" handle_coprocessor
    dispatch "a store to a protected page" handle_modified
    transfer server serve transfer_server
    transfer client client_again bench_table6
    path "null call, stub included" 28 bench-table4 --symbols "$programs/bench_table4" \
        --from null_call_stub --until null_call_back
}

all malta 0x80000180
all 5000/125 0x80000080 decstation-
exit $failed
