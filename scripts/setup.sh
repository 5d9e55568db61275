#!/bin/sh
# Find or install what the project needs: a host Rust, the guest compiler with the library's source, a C compiler, QEMU.
#
#   scripts/setup.sh [--check] [--guest rustup|debian]
#
#   --check   only report; status 1 if something is missing
#   --guest   take this guest compiler and no other (also: AEGIS_GUEST=rustup|debian)
#
# One line for each tool: found, wanted, what is done about it. What was found goes to target/toolchain.env, which the
# other scripts read. Without root it names the command to run, and stops with status 1.
set -eu

NIGHTLY=nightly-2026-10-30 # the guest compiler of rustup; its successors have other bugs on MIPS-I
HOST_MIN=1.95
DEBIAN_MIN=1.96
QEMU_MIN=7.2
LIMIT=120 # seconds for a download by rustup
DEBIAN_BIN=${AEGIS_DEBIAN_BIN:-/usr/bin} # where Debian's rustc-web and cargo-web are

# rustup must not begin to download when it is only asked for a version.
RUSTUP_AUTO_INSTALL=0
export RUSTUP_AUTO_INSTALL
LC_ALL=C
export LC_ALL

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
CHECK=no
GUEST=${AEGIS_GUEST:-}

die() {
    echo "setup: $*" >&2
    exit 1
}

usage() {
    sed -n '2,11s/^# \{0,1\}//p' "$0"
}

while [ $# -gt 0 ]; do
    case $1 in
    --check) CHECK=yes ;;
    --guest)
        [ $# -ge 2 ] || die "--guest needs rustup or debian"
        GUEST=$2
        shift
        ;;
    --guest=*) GUEST=${1#--guest=} ;;
    -h | --help)
        usage
        exit 0
        ;;
    *) die "unknown argument: $1 (see --help)" ;;
    esac
    shift
done
case $GUEST in
'' | rustup | debian) ;;
*) die "--guest is rustup or debian, not $GUEST" ;;
esac

# ---- small things ---------------------------------------------------------------------------------------------------

# The first version number x.y... in a text; nothing if there is none.
version_in() {
    printf '%s\n' "$1" | sed -n '1s/^[^0-9]*\([0-9][0-9]*\.[0-9][0-9.]*\).*/\1/p'
}

# at_least FOUND WANTED: compare major.minor.
at_least() {
    [ -n "$1" ] || return 1
    found_major=${1%%.*}
    found_rest=${1#*.}
    found_minor=${found_rest%%.*}
    wanted_major=${2%%.*}
    wanted_minor=${2#*.}
    [ "$found_major" -gt "$wanted_major" ] ||
        { [ "$found_major" -eq "$wanted_major" ] && [ "$found_minor" -ge "$wanted_minor" ]; }
}

# The first line that a command prints, or nothing: it may be missing, broken, or waiting for a network.
ask() {
    timeout 20 "$@" 2>/dev/null </dev/null | head -n 1 || true
}

# Where a program is, or nothing.
where() {
    command -v "$1" 2>/dev/null || true
}

# line TOOL FOUND WANTED ACTION
line() {
    printf '%-15s found %s; wanted %s: %s\n' "$1" "$2" "$3" "$4"
}

# ---- looking: each sets what it found and a STATE: ok, missing, or old ----------------------------------------------

find_rustup() {
    RUSTUP=$(where rustup)
    if [ -z "$RUSTUP" ] && [ -x "${CARGO_HOME:-${HOME:-/nonexistent}/.cargo}/bin/rustup" ]; then
        RUSTUP=${CARGO_HOME:-$HOME/.cargo}/bin/rustup
    fi
}

# try_host COMMAND...: is this a new enough cargo, with a rustc of its own?
try_host() {
    try_version=$(version_in "$(ask "$@" --version)")
    [ -n "$try_version" ] || return 1
    if [ "$HOST_STATE" = missing ]; then
        HOST_STATE=old
        HOST_FOUND="cargo $try_version ($*)"
    fi
    at_least "$try_version" "$HOST_MIN" || return 1
    HOST_STATE=ok
    HOST_FOUND="cargo $try_version ($*)"
    HOST_CARGO=$*
}

find_host() {
    HOST_STATE=missing
    HOST_FOUND=nothing
    HOST_CARGO=
    host_path=$(where cargo)
    if [ -n "$host_path" ] && [ "$host_path" != "$DEBIAN_BIN/cargo" ] && try_host "$host_path"; then return; fi
    if [ -n "$RUSTUP" ] && try_host "$RUSTUP" run stable cargo; then return; fi
    # Debian's cargo runs the first rustc on PATH, which may be rustup's or an older one.
    if [ -x "$DEBIAN_BIN/cargo" ]; then
        try_host env "RUSTC=$DEBIAN_BIN/rustc" "RUSTDOC=$DEBIAN_BIN/rustdoc" "$DEBIAN_BIN/cargo" || true
    fi
}

find_guest_rustup() {
    RUSTUP_STATE=missing
    RUSTUP_FOUND="no rustup"
    RUSTUP_VERSION=
    [ -n "$RUSTUP" ] || return 0
    RUSTUP_FOUND="rustup without $NIGHTLY"
    # The first line of --print sysroot and of --version, in one call of rustc.
    rustup_sysroot=$(ask "$RUSTUP" run "$NIGHTLY" rustc --print sysroot)
    [ -n "$rustup_sysroot" ] || return 0
    RUSTUP_VERSION=$(ask "$RUSTUP" run "$NIGHTLY" rustc --version)
    if [ ! -f "$rustup_sysroot/lib/rustlib/src/rust/library/core/src/lib.rs" ]; then
        RUSTUP_FOUND="$NIGHTLY without rust-src"
        return 0
    fi
    rustup_lld=
    for file in "$rustup_sysroot"/lib/rustlib/*/bin/rust-lld; do
        if [ -x "$file" ]; then rustup_lld=$file; fi
    done
    if [ -z "$rustup_lld" ]; then
        RUSTUP_FOUND="$NIGHTLY without rust-lld"
        return 0
    fi
    RUSTUP_STATE=ok
    RUSTUP_FOUND="$NIGHTLY with rust-src"
}

find_guest_debian() {
    DEBIAN_STATE=missing
    DEBIAN_FOUND="no rustc-web, cargo-web"
    DEBIAN_VERSION=
    { [ -x "$DEBIAN_BIN/rustc" ] && [ -x "$DEBIAN_BIN/cargo" ]; } || return 0
    DEBIAN_VERSION=$(ask "$DEBIAN_BIN/rustc" --version)
    debian_number=$(version_in "$DEBIAN_VERSION")
    DEBIAN_FOUND="Debian's rustc $debian_number"
    if ! at_least "$debian_number" "$DEBIAN_MIN"; then
        DEBIAN_STATE=old
        return 0
    fi
    debian_sysroot=$(ask "$DEBIAN_BIN/rustc" --print sysroot)
    if [ ! -f "$debian_sysroot/lib/rustlib/src/rust/library/core/src/lib.rs" ]; then
        DEBIAN_FOUND="$DEBIAN_FOUND without rust-web-src"
        return 0
    fi
    if [ -z "$(where ld.lld)" ]; then
        DEBIAN_FOUND="$DEBIAN_FOUND without lld"
        return 0
    fi
    DEBIAN_STATE=ok
    DEBIAN_FOUND="$DEBIAN_FOUND with its source and lld"
}

find_guest() {
    find_guest_rustup
    DEBIAN_STATE=missing
    DEBIAN_FOUND="Debian's not looked for"
    if [ "$GUEST" = debian ] || { [ -z "$GUEST" ] && [ $RUSTUP_STATE != ok ]; }; then find_guest_debian; fi
    KIND=
    if [ "$GUEST" != debian ] && [ $RUSTUP_STATE = ok ]; then
        KIND=rustup
    elif [ "$GUEST" != rustup ] && [ $DEBIAN_STATE = ok ]; then
        KIND=debian
    fi
}

find_cc() {
    CC_FOUND=nothing
    CC_STATE=missing
    cc_path=$(where cc)
    if [ -n "$cc_path" ]; then
        CC_STATE=ok
        CC_FOUND=$cc_path
    fi
}

# cargo needs them to download crates; a minimal Debian has none.
find_certificates() {
    CERT_STATE=missing
    CERT_FOUND=nothing
    for file in "${CARGO_HTTP_CAINFO:-}" "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt \
        /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
        if [ -n "$file" ] && [ -f "$file" ]; then
            CERT_STATE=ok
            CERT_FOUND=$file
            return 0
        fi
    done
}

find_qemu() {
    QEMU_STATE=missing
    QEMU_FOUND=nothing
    QEMU=$(where qemu-system-mipsel)
    [ -n "$QEMU" ] || return 0
    qemu_version=$(version_in "$(ask "$QEMU" --version)")
    QEMU_FOUND="${qemu_version:-one that does not start} ($QEMU)"
    QEMU_STATE=old
    if at_least "$qemu_version" "$QEMU_MIN"; then QEMU_STATE=ok; fi
}

look() {
    find_rustup
    find_host
    find_guest
    find_cc
    find_certificates
    find_qemu
    GDB=$(where gdb-multiarch)
    GXEMUL=$(where gxemul)
}

# ---- saying ---------------------------------------------------------------------------------------------------------

# act STATE HOW: what is done about a tool.
act() {
    case $1 in
    ok) echo "ok" ;;
    old) echo "WRONG VERSION, $2" ;;
    *) echo "MISSING, $2" ;;
    esac
}

optional() {
    if [ -n "$2" ]; then line "$1" "$2" "optional" ok; else
        line "$1" nothing "optional ($3)" "left out; sudo apt-get install $1"
    fi
}

report() {
    line "host Rust" "$HOST_FOUND" "cargo >= $HOST_MIN" "$(act $HOST_STATE "$HOST_HOW")"
    guest_wanted="rustup's $NIGHTLY with rust-src, or Debian's rustc-web >= $DEBIAN_MIN with its source and lld"
    case $GUEST in
    rustup) guest_wanted="rustup's $NIGHTLY with rust-src" ;;
    debian) guest_wanted="Debian's rustc-web >= $DEBIAN_MIN with its source and lld" ;;
    esac
    case $KIND in
    rustup) line "guest compiler" "$RUSTUP_FOUND" "$guest_wanted" ok ;;
    debian) line "guest compiler" "$DEBIAN_FOUND" "$guest_wanted" ok ;;
    *)
        case $GUEST in
        rustup) guest_found=$RUSTUP_FOUND ;;
        debian) guest_found=$DEBIAN_FOUND ;;
        *) guest_found="$RUSTUP_FOUND, $DEBIAN_FOUND" ;;
        esac
        guest_state=missing
        if [ $DEBIAN_STATE = old ] && [ "$GUEST" != rustup ]; then guest_state=old; fi
        line "guest compiler" "$guest_found" "$guest_wanted" "$(act $guest_state "$GUEST_HOW")"
        ;;
    esac
    line "C compiler" "$CC_FOUND" "cc" "$(act $CC_STATE "apt-get install gcc libc6-dev")"
    line "certificates" "$CERT_FOUND" "ca-certificates" "$(act $CERT_STATE "apt-get install ca-certificates")"
    line "QEMU" "$QEMU_FOUND" "qemu-system-mipsel >= $QEMU_MIN" "$(act $QEMU_STATE "apt-get install qemu-system-mips")"
    optional gdb-multiarch "$GDB" "scripts/run.sh --gdb"
    optional gxemul "$GXEMUL" "the guest suite on GXemul"
}

# ---- planning: what to install, by rustup and by apt ----------------------------------------------------------------

DEBIAN_RUST="rustc-web cargo-web"
DEBIAN_GUEST="$DEBIAN_RUST rust-web-src lld"

plan() {
    READY=yes
    PACKAGES=
    RUSTUP_DOES=
    HOST_HOW=
    GUEST_HOW=
    if [ $HOST_STATE != ok ]; then
        READY=no
        if [ -n "$RUSTUP" ] && [ "$RUSTUP_TRIED" = no ]; then
            RUSTUP_DOES="$RUSTUP_DOES host"
            HOST_HOW="rustup toolchain install stable"
        else
            PACKAGES="$PACKAGES $DEBIAN_RUST"
            HOST_HOW="apt-get install $DEBIAN_RUST"
        fi
    fi
    if [ -z "$KIND" ]; then
        READY=no
        if [ "$GUEST" != debian ] && [ -n "$RUSTUP" ] && [ "$RUSTUP_TRIED" = no ]; then
            RUSTUP_DOES="$RUSTUP_DOES guest"
            GUEST_HOW="rustup toolchain install $NIGHTLY -c rust-src"
        elif [ "$GUEST" = rustup ]; then
            GUEST_HOW="install rustup (https://rustup.rs), then run this again"
            RUSTUP_DOES="$RUSTUP_DOES none"
        else
            PACKAGES="$PACKAGES $DEBIAN_GUEST"
            GUEST_HOW="apt-get install $DEBIAN_GUEST"
        fi
    fi
    if [ $CC_STATE != ok ]; then
        READY=no
        PACKAGES="$PACKAGES gcc libc6-dev"
    fi
    if [ $CERT_STATE != ok ]; then
        READY=no
        PACKAGES="$PACKAGES ca-certificates"
    fi
    if [ $QEMU_STATE != ok ]; then
        READY=no
        PACKAGES="$PACKAGES qemu-system-mips"
    fi
    # Each package once.
    # shellcheck disable=SC2086 # split on purpose
    PACKAGES=$(printf '%s\n' $PACKAGES | awk '!seen[$0]++' | tr '\n' ' ')
    PACKAGES=${PACKAGES% }
}

by_rustup() {
    RUSTUP_TRIED=yes
    for what in $RUSTUP_DOES; do
        case $what in
        host)
            echo "setup: rustup toolchain install stable --profile minimal (at most $LIMIT s)"
            timeout "$LIMIT" "$RUSTUP" toolchain install stable --profile minimal </dev/null ||
                echo "setup: rustup cannot install stable" >&2
            ;;
        guest)
            echo "setup: rustup toolchain install $NIGHTLY --profile minimal -c rust-src (at most $LIMIT s)"
            timeout "$LIMIT" "$RUSTUP" toolchain install "$NIGHTLY" --profile minimal -c rust-src </dev/null ||
                echo "setup: rustup cannot install $NIGHTLY" >&2
            ;;
        esac
    done
}

by_apt() {
    command_line="apt-get install -y --no-install-recommends $PACKAGES"
    if [ -z "$(where apt-get)" ]; then
        die "no apt-get on this system; install what these Debian packages hold, then run this again: $PACKAGES"
    fi
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif [ -n "$(where sudo)" ] && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        echo "setup: not root; run this, then this script again:" >&2
        echo "    sudo apt-get update && sudo $command_line" >&2
        exit 1
    fi
    echo "setup: $command_line"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    # A list that is hours old may still do: a failed update is not the end.
    # shellcheck disable=SC2086 # split on purpose
    $as_root apt-get update -q || echo "setup: apt-get update failed, trying with the old lists" >&2
    # shellcheck disable=SC2086 # split on purpose
    $as_root $command_line || die "apt-get failed; the command was: $command_line"
}

# One more machine to test on, at the first set-up and where apt has it. Nothing else needs it.
gxemul_by_apt() {
    [ -z "$GXEMUL" ] && [ ! -f "$ROOT/target/toolchain.env" ] || return 0
    as_root=
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    # shellcheck disable=SC2086 # split on purpose
    if apt-cache show gxemul >/dev/null 2>&1 &&
        timeout "$LIMIT" $as_root apt-get install -y -q --no-install-recommends gxemul </dev/null >/dev/null 2>&1; then
        GXEMUL=$(where gxemul)
    fi
    [ -n "$GXEMUL" ] || echo "setup: gxemul cannot be had by apt-get; the tests on it are left out"
}

# ---- what the other scripts read ------------------------------------------------------------------------------------

write_env() {
    case $KIND in
    rustup)
        guest_version=$RUSTUP_VERSION
        guest_cargo="$RUSTUP run $NIGHTLY cargo"
        guest_rustc="$RUSTUP run $NIGHTLY rustc"
        guest_env=
        guest_linker=
        ;;
    debian)
        guest_version="$DEBIAN_VERSION (Debian)"
        guest_cargo=$DEBIAN_BIN/cargo
        guest_rustc=$DEBIAN_BIN/rustc
        guest_env="RUSTC=$DEBIAN_BIN/rustc RUSTDOC=$DEBIAN_BIN/rustdoc RUSTC_BOOTSTRAP=1"
        guest_linker="-Clinker=ld.lld"
        ;;
    esac
    mkdir -p "$ROOT/target"
    env_file=$ROOT/target/toolchain.env
    cat >"$env_file.part" <<EOF
# Written by scripts/setup.sh. Use: env \$GUEST_ENV RUSTFLAGS="... \$GUEST_LINKER" \$GUEST_CARGO build ...
GUEST_KIND='$KIND'
GUEST_VERSION='$guest_version'
GUEST_CARGO='$guest_cargo'
GUEST_RUSTC='$guest_rustc'
GUEST_ENV='$guest_env'
GUEST_LINKER='$guest_linker'
HOST_CARGO='$HOST_CARGO'
QEMU='$QEMU'
GDB='$GDB'
GXEMUL='$GXEMUL'
EOF
    mv "$env_file.part" "$env_file"
}

# ---- all of it ------------------------------------------------------------------------------------------------------

RUSTUP_TRIED=no
look
plan
report
if [ $CHECK = yes ]; then
    [ $READY = yes ] || die "something is missing; scripts/setup.sh installs it"
    exit 0
fi
if [ $READY = no ]; then
    [ "$RUSTUP_DOES$PACKAGES" != " none" ] || die "nothing that this script can install; see above"
    if [ -n "$RUSTUP_DOES" ]; then
        by_rustup
        look
        plan
    fi
    if [ -n "$PACKAGES" ]; then
        by_apt
        hash -r
        look
        plan
    fi
    echo "setup: after installing:"
    report
    [ $READY = yes ] || die "still not all there; see above"
fi
gxemul_by_apt
write_env
echo "setup: ready (guest compiler: $KIND); written to target/toolchain.env"
