#!/usr/bin/env bash
# Boots Aegis interactively, on QEMU's malta board or on the DECstation model.
#
#   scripts/run.sh [--gdb] [--append TEXT] [--machine M] [PROGRAM]
#
#   PROGRAM         an image of target/images: hello (the default), bench-table4, test-suite, ...
#   --gdb           wait for gdb-multiarch before the first instruction, and say how to attach
#   --append TEXT   the kernel's command line, such as "quick" or "seed=7"
#   --machine M     the DECstation model instead of QEMU: 2100, 3100, 5000/125 or 5000/200
#
# To quit: Ctrl-A, then X (QEMU), or Ctrl-C (the model).
set -euo pipefail
cd "$(dirname "$0")/.."

program=hello
append=
gdb=no
machine=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --gdb) gdb=yes ;;
    --append)
        [ $# -ge 2 ] || { echo "run: --append needs a text" >&2; exit 2; }
        append=$2
        shift
        ;;
    --machine)
        [ $# -ge 2 ] || { echo "run: --machine needs a name" >&2; exit 2; }
        machine=$2
        shift
        ;;
    -*) echo "run: unknown option $1; see --help" >&2; exit 2 ;;
    *) program=$1 ;;
    esac
    shift
done

scripts/setup.sh >/dev/null || scripts/setup.sh
scripts/build.sh
# shellcheck disable=SC1091
. target/toolchain.env
image=target/images/${machine:+decstation-}$program.elf
if [ ! -f "$image" ]; then
    echo "run: there is no program '$program'. There are:" >&2
    for file in target/images/*.elf; do
        echo "  $(basename "$file" .elf)" >&2
    done
    exit 1
fi

if [ -n "$machine" ]; then
    # shellcheck disable=SC2086
    env $HOST_CARGO build --quiet --release -p decstation
    options=(--machine "$machine" --fast-serial)
    [ $gdb = no ] || options+=(--gdb 127.0.0.1:1234)
    [ -z "$append" ] || options+=(--append "$append")
    echo "run: $program on the model of a DECstation $machine; to quit press Ctrl-C"
    exec "${CARGO_TARGET_DIR:-target}/release/decstation" "${options[@]}" "$image"
fi

options=()
if [ $gdb = yes ]; then
    options=(-S -gdb tcp:127.0.0.1:1234)
    echo "run: waiting for the debugger. In another terminal:"
    echo "  gdb-multiarch $image -ex 'set architecture mips:isa32r2' -ex 'target remote 127.0.0.1:1234'"
fi
echo "run: $program on malta; to quit press Ctrl-A, then X"
exec "$QEMU" -M malta -cpu 34Kf -m 64 -nographic -nic none -vga none -no-reboot \
    -semihosting-config enable=on,target=native -icount shift=0,sleep=off -seed 1 \
    -rtc base=2026-01-01,clock=vm -kernel "$image" ${append:+-append "$append"} "${options[@]}"
