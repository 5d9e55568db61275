#!/usr/bin/env bash
# Boots Aegis interactively, on QEMU's malta board, on the DECstation model, or on GXemul's DECstation.
#
#   scripts/run.sh [--gdb] [--append TEXT] [--machine M | --gxemul] [PROGRAM]
#   scripts/run.sh trace-dispatch [--machine M] [KIND]
#
#   PROGRAM         an image of target/images: shell (the default), slices and revocation
#                   (demonstrations), hello, bench-table4, test-suite, ...
#   --gdb           wait for gdb-multiarch before the first instruction, and say how to attach
#   --append TEXT   the kernel's command line, such as "quick" or "seed=7"
#   --machine M     the DECstation model instead of QEMU: 2100, 3100, 5000/125 or 5000/200
#   --gxemul        GXemul's DECstation 5000/200 instead
#   trace-dispatch  print an exception's way through the kernel, cycle by cycle: see its --help
#
# To quit: Ctrl-A, then X (QEMU), Ctrl-] (the model), or Ctrl-C, then quit (GXemul). Every other key goes to the program.
# The console's log is logs/run.log; of programs that crash, it is shown again with the names of functions.
set -euo pipefail
cd "$(dirname "$0")/.."

# Runs a command that gets each key as it is pressed, but Ctrl-], which ends it. However it ends, the
# terminal is as before. What it prints goes to the log, too.
on_terminal() {
    if [ ! -t 0 ]; then
        "$@" | tee "$log"
        return
    fi
    saved=$(stty -g)
    child=
    trap 'stty "$saved"' EXIT
    trap 'end_child; exit 129' HUP
    trap 'end_child; exit 130' INT
    trap 'end_child; exit 143' TERM
    stty -icanon -echo -icrnl -ixon min 1 time 0 intr '^]' quit undef susp undef
    # In the background, so that the traps do not wait for it.
    exec 3<&0
    "$@" <&3 > >(tee "$log") &
    child=$!
    local status=0
    wait "$child" || status=$?
    stty "$saved"
    trap - EXIT HUP INT TERM
    return "$status"
}

# Shows the reports of programs that crashed again, with the names of functions, and ends.
finish() {
    if grep -aq '^  backtrace:' "$log"; then
        printf '\nrun: the crashes again, with the names of functions:\n'
        # shellcheck disable=SC2086
        env $HOST_CARGO run --quiet --release -p bench -- symbolize "$log" |
            grep -aE -A 30 ': SIG[A-Z]+ (at|out)' | grep -avE '^  r[0-9]+ ' || true
    fi
    exit "$1"
}

end_child() {
    [ -z "$child" ] || kill "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
}

if [ "${1:-}" = trace-dispatch ]; then
    shift
    exec scripts/trace-dispatch.sh "$@"
fi

program=shell
append=
gdb=no
machine=
gxemul=
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) sed -n '2,16s/^# \{0,1\}//p' "$0"; exit 0 ;;
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
    --gxemul) gxemul=yes ;;
    -*) echo "run: unknown option $1; see --help" >&2; exit 2 ;;
    *) program=$1 ;;
    esac
    shift
done

scripts/setup.sh >/dev/null || scripts/setup.sh
scripts/build.sh
# shellcheck disable=SC1091
. target/toolchain.env
mkdir -p logs
log=logs/run.log
on=$machine$gxemul
image=target/images/${on:+decstation-}$program.elf
if [ ! -f "$image" ]; then
    echo "run: there is no program '$program'. There are:" >&2
    for file in target/images/*.elf; do
        echo "  $(basename "$file" .elf)" >&2
    done
    exit 1
fi

if [ -n "$gxemul" ]; then
    [ -n "${GXEMUL:-}" ] || { echo "run: there is no gxemul; apt-get install gxemul, then scripts/setup.sh" >&2; exit 1; }
    [ $gdb = no ] || { echo "run: --gdb is for QEMU and the model" >&2; exit 2; }
    echo "run: $program on GXemul; to quit press Ctrl-C, then type quit"
    exec "$GXEMUL" -q -E decstation -e 3max ${append:+-o "$append"} "$image"
fi

if [ -n "$machine" ]; then
    # shellcheck disable=SC2086
    env $HOST_CARGO build --quiet --release -p decstation
    options=(--machine "$machine" --fast-serial)
    [ $gdb = no ] || options+=(--gdb 127.0.0.1:1234)
    [ -z "$append" ] || options+=(--append "$append")
    echo "run: $program on the model of a DECstation $machine; to quit press Ctrl-]"
    status=0
    on_terminal "${CARGO_TARGET_DIR:-target}/release/decstation" "${options[@]}" "$image" || status=$?
    finish $status
fi

# At the shell a second is a second; everything else runs at the same instructions each time.
time=(-icount "shift=0,sleep=off" -rtc "base=2026-01-01,clock=vm")
[ "$program" != shell ] || time=()
options=()
if [ $gdb = yes ]; then
    options=(-S -gdb tcp:127.0.0.1:1234)
    echo "run: waiting for the debugger. In another terminal:"
    echo "  gdb-multiarch $image -ex 'set architecture mips:isa32r2' -ex 'target remote 127.0.0.1:1234'"
fi
echo "run: $program on malta; to quit press Ctrl-A, then X"
status=0
"$QEMU" -M malta -cpu 34Kf -m 64 -display none -nic none -vga none -no-reboot \
    -chardev "stdio,id=console,mux=on,signal=off,logfile=$log" -serial chardev:console -mon chardev=console \
    -semihosting-config enable=on,target=native "${time[@]}" -seed 1 \
    -kernel "$image" ${append:+-append "$append"} "${options[@]}" || status=$?
finish $status
