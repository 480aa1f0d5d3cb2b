#!/usr/bin/env bash
# Runs every benchmark of BUILD/bench, one after the other; dense and sparse leave results/bench/*.csv, drawn as *.svg.  usage: tools/run-bench.sh BUILD [WORD...]
set -euo pipefail
build=$1; shift
export OMP_WAIT_POLICY=passive # waiting threads sleep: CPU seconds are those of the work
mkdir -p results/bench
for bench in "$build"/bench/*; do
    [[ -x $bench && -f $bench && $bench != *.o ]] || continue
    run=$([ $# -eq 0 ] && echo yes || true)
    for word in "$@"; do [[ $bench == *$word* ]] && run=yes; done
    [ -n "$run" ] || continue
    echo "== ${bench##*/}"
    case ${bench##*/} in
    dense | sparse) "$bench" --csv "results/bench/${bench##*/}.csv" ;;
    *) "$bench" ;;
    esac
done
command -v gnuplot >/dev/null || exit 0
for csv in results/bench/*.csv; do
    [ -e "$csv" ] || continue
    gnuplot -e "csv='$csv'; out='${csv%.csv}.svg'" plots/bench/growth.gp && echo "drawn: ${csv%.csv}.svg"
done
