#!/usr/bin/env bash
# Prints one way through the kernel on the DECstation model, instruction by instruction: its cycle,
# address, symbol, what it cost and why; then the parts and the total.
#
#   scripts/run.sh trace-dispatch [--machine M] [KIND]
#
#   KIND          unalign (the default), overflow, coproc or prot: an exception from the faulting
#                 instruction through kernel and handler to the instruction behind it;
#                 null-call: the null call with its stub; transfer: to the server and back
#   --machine M   2100, 3100, 5000/125 (the default) or 5000/200
#
# The way is warm: one of the last rounds of the benchmark's loop, found by its symbols.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=unalign
machine=5000/125
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --machine)
        [ $# -ge 2 ] || { echo "trace-dispatch: --machine needs a name" >&2; exit 2; }
        machine=$2
        shift
        ;;
    -*) echo "trace-dispatch: unknown option $1; see --help" >&2; exit 2 ;;
    *) kind=$1 ;;
    esac
    shift
done

# In each loop of Table 5 the faulting instruction is the third.
case $kind in
unalign | overflow | coproc | prot) image=bench-table5 programs=bench_table5 path=$kind+0x8..$kind+0xc ;;
null-call) image=bench-table4 programs=bench_table4 path=null_call_stub..null_call_back ;;
transfer) image=bench-table6 programs="0:bench_table6 1:transfer_server" path=client_again..client_again ;;
*) echo "trace-dispatch: there is no '$kind': unalign, overflow, coproc, prot, null-call or transfer" >&2; exit 2 ;;
esac

[ -f target/toolchain.env ] || scripts/setup.sh >&2
scripts/build.sh >&2
# shellcheck disable=SC1091
. target/toolchain.env
# shellcheck disable=SC2086
env $HOST_CARGO build --quiet --release -p decstation

built=target/guest-$GUEST_KIND/mips-unknown-none/release
options=()
for program in $programs; do
    space=${program%%[!0-9]*}
    options+=(--symbols "${space:+$space:}$built/${program#*:}")
done
# Each loop runs four times 64 rounds, the first of them to warm up.
exec "${CARGO_TARGET_DIR:-target}/release/decstation" --machine "$machine" --fast-serial --serial none \
    --append seed=64 --follow "$path" --follow-pass 240 "${options[@]}" "target/images/decstation-$image.elf"
