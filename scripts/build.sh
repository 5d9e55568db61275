#!/usr/bin/env bash
# Builds everything that runs on the machine: kernel, programs, boot images.
#
#   scripts/build.sh [--guest rustup|debian]
#
# Kernels with their programs come out in target/images: NAME.elf for QEMU's malta, decstation-NAME.elf
# for the DECstation. Each linked binary passes the ELF check
# before it is used: MIPS-I alone, no load result read too early. See tools/elfcheck.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
-h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
--guest) scripts/setup.sh --guest "$2" >/dev/null ;;
"") [ -f target/toolchain.env ] || scripts/setup.sh ;;
*) echo "build: unknown argument $1; see --help" >&2; exit 2 ;;
esac
# shellcheck disable=SC1091
. target/toolchain.env

# What each image carries: its name, whether the kernel is the test build, its programs, the first first.
IMAGES="
hello           plain  hello
slices          plain  slices
revocation      plain  revocation
bench-table4    plain  bench_table4
bench-table5    plain  bench_table5
bench-table6    plain  bench_table6 transfer_server
bench-aegis     plain  bench_aegis
test-suite      check  suite companion
test-suite2     check  suite2 companion
test-suite3     check  suite3 companion
test-hostile    check  bystander hostile
test-fault      check  fault
test-fuzz       check  fuzz
shell           plain  init_shares sh echo cat wc head count yes spin sleep crash
selfcheck       check  init selfcheck
vm-linear       check  init model_linear
vm-inverted     check  init model_inverted
vm-clustered    check  init model_clustered
exercise-table  check  init exercise_table
exercise-scheduler check exercise_policy exercise_job
posix           check  init posix damaged
posix2          check  init posix2
many            check  init many
deaths          check  init deaths
exhausted       check  init exhausted
swapping        check  init swapping
tables          check  init tables model_linear model_inverted model_clustered
bench-method    plain  bench_method transfer_server
bench-ipc       plain  init bench_ipc
bench-exos      plain  init bench_exos
bench-stride    plain  stride counter
bench-matrix    plain  init bench_matrix
bench-vm-linear plain  init vm_linear
bench-vm-inverted plain init vm_inverted
bench-vm-clustered plain init vm_clustered
"

TRIPLE=mips-unknown-none
guest=target/guest-$GUEST_KIND
out=target/images
[ "${1:-}" = --guest ] && out=target/images-$GUEST_KIND
mkdir -p "$out"

# Builds guest crates with cargo's arguments. -Zbuild-std: there is no prebuilt core for MIPS-I.
guest_cargo() {
    # shellcheck disable=SC2086
    env $GUEST_ENV \
        RUSTFLAGS="--cfg portable_atomic_no_atomic_load_store --remap-path-prefix=$HOME=~ --remap-path-prefix=$PWD=. ${GUEST_LINKER:-}" \
        $GUEST_CARGO build --quiet --release -Zbuild-std=core,alloc \
        -Zbuild-std-features=compiler-builtins-mem -Zjson-target-spec --target $TRIPLE.json "$@" \
        2> >(grep -v 'MIPS-I support is experimental' >&2) # LLVM says so once a crate; the ELF check is our answer
}

echo "build: kernel and programs ($GUEST_KIND)"
CARGO_TARGET_DIR=$guest guest_cargo -p aegis
CARGO_TARGET_DIR=$guest guest_cargo -p apps
echo "build: the kernel's test build"
CARGO_TARGET_DIR=$guest-check guest_cargo -p aegis --features check

echo "build: the kernel for the DECstation, and its test build"
CARGO_TARGET_DIR=$guest-decstation guest_cargo -p aegis --no-default-features --features decstation
CARGO_TARGET_DIR=$guest-decstation-check guest_cargo -p aegis --no-default-features --features decstation,check

echo "build: ELF check"
# shellcheck disable=SC2086
env $HOST_CARGO build --quiet -p elfcheck -p bootimage
host=${CARGO_TARGET_DIR:-target}/debug
kernel=$guest/$TRIPLE/release/aegis
kernel_check=$guest-check/$TRIPLE/release/aegis
decstation=$guest-decstation/$TRIPLE/release/aegis
decstation_check=$guest-decstation-check/$TRIPLE/release/aegis
"$host/elfcheck" --allow tools/elfcheck/mips32.allow --no-syscall "$kernel" "$kernel_check"
"$host/elfcheck" --no-syscall "$decstation"
# The reserved instruction that the test build plants.
"$host/elfcheck" --allow sd@aegis::check::check_fault --no-syscall "$decstation_check"
programs=()
for source in apps/src/bin/*.rs apps/src/processes/*.rs; do
    programs+=("$guest/$TRIPLE/release/$(basename "$source" .rs)")
done
# What ExOS's yield calls (exos/src/slice.rs).
"$host/elfcheck" --hidden-call exos_give_up --hidden-call exos_serve_wait "${programs[@]}"

# A program that posix finds damaged: its image's last one, whose entry is taken away below.
cp "$guest/$TRIPLE/release/hello" "$guest/$TRIPLE/release/damaged"

# Takes the entry out of the header of the last ELF file in a file. The tool that builds images takes no such program.
damage() {
    local header
    header=$(grep -abo $'\x7fELF' "$1" | tail -n 1)
    printf '\0\0\0\0' | dd of="$1" bs=1 seek=$((${header%%:*} + 24)) conv=notrunc status=none
}

echo "build: images in $out"
while read -r name build list; do
    [ -n "$name" ] || continue
    files=()
    for program in $list; do
        files+=("$program=$guest/$TRIPLE/release/$program")
    done
    malta=$kernel model=$decstation
    [ "$build" = plain ] || malta=$kernel_check model=$decstation_check
    "$host/bootimage" --into "$malta" -o "$out/$name.elf" "${files[@]}"
    "$host/bootimage" --into "$model" -o "$out/decstation-$name.elf" "${files[@]}"
done <<<"$IMAGES"
damage "$out/posix.elf"
damage "$out/decstation-posix.elf"
