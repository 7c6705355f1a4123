# Sourced by tools/run and tools/test: what they need of the system, and the build.

ig_build_packages="gcc libc6-dev meson ninja-build pkg-config libopenblas-openmp-dev libpng-dev
zlib1g-dev libjansson-dev nettle-dev librandom123-dev libcurl4-openssl-dev"
ig_test_packages="libcmocka-dev python3-numpy python3-pil clang locales"
# For the kernels of AArch64, run by an emulator: 270 MB.
if [ "$(uname -m)" = x86_64 ]; then
    ig_test_packages="$ig_test_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
fi

# Which of the packages named are not installed.
ig_missing() {
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            printf '%s ' "$package"
    done
}

# Installs the missing ones of the packages named, saying which. Where that is not possible it lists
# what is needed and goes on: the build tells what it does not find.
ig_install() {
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "imgen: no apt-get here; imgen needs what Debian calls: $*" >&2
        return 0
    fi
    missing=$(ig_missing "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then as_root=
    elif command -v sudo >/dev/null 2>&1; then as_root=sudo
    else
        echo "imgen: these packages are missing, and neither root nor sudo is here: $missing" >&2
        return 0
    fi
    echo "imgen: installing $missing" >&2
    $as_root apt-get update -qq >&2 || echo "imgen: apt-get update failed; going on" >&2
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing >/dev/null 2>"${TMPDIR:-/tmp}/imgen-apt.$$" || {
        cat "${TMPDIR:-/tmp}/imgen-apt.$$" >&2
        echo "imgen: installing failed; going on with what is here" >&2
    }
    rm -f "${TMPDIR:-/tmp}/imgen-apt.$$"
}

# ig_build FOLDER [meson options]: sets the folder up once, then builds what is out of date.
ig_build() {
    folder=$1
    shift
    if [ ! -f "$folder/build.ninja" ]; then
        echo "imgen: building (once)" >&2
        meson setup "$folder" "$root" "$@" >"$folder.log" 2>&1 || {
            cat "$folder.log" >&2
            rm -f "$folder.log"
            exit 1
        }
        rm -f "$folder.log"
    fi
    said=$(ninja -C "$folder" --quiet 2>&1) || {
        echo "$said" >&2
        exit 1
    }
}
