#!/usr/bin/env bash
# Builds guest crates: scripts/build.sh [--target-dir DIR] CARGO-ARGUMENTS...
# For example: scripts/build.sh -p aegis    Needs target/toolchain.env, which scripts/setup.sh writes.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f target/toolchain.env ] || scripts/setup.sh
# shellcheck disable=SC1091
. target/toolchain.env
directory=target/guest-$GUEST_KIND
if [ "${1:-}" = --target-dir ]; then
    directory=$2
    shift 2
fi
flags="--cfg portable_atomic_no_atomic_load_store --remap-path-prefix=$PWD=. ${GUEST_LINKER:-}"
# shellcheck disable=SC2086
exec env $GUEST_ENV CARGO_TARGET_DIR="$directory" RUSTFLAGS="$flags" $GUEST_CARGO build --release \
    -Zbuild-std=core,alloc -Zbuild-std-features=compiler-builtins-mem -Zjson-target-spec \
    --target mips-unknown-none.json "$@"
