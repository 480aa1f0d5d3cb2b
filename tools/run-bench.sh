#!/usr/bin/env bash
# Runs every benchmark of BUILD/bench, one after the other.  usage: tools/run-bench.sh BUILD [WORD...]
set -euo pipefail
build=$1; shift
for bench in "$build"/bench/*; do
    [[ -x $bench && -f $bench && $bench != *.o ]] || continue
    run=$([ $# -eq 0 ] && echo yes || true)
    for word in "$@"; do [[ $bench == *$word* ]] && run=yes; done
    [ -n "$run" ] || continue
    echo "== ${bench##*/}"
    "$bench"
done
