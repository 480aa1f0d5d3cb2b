#!/usr/bin/env bash
# One whole experiment (emulate.yaml: fit, rank, metrics of every family of models that launches kernels) by --device cuda beside
# the same by --device cpu, and what happens where there is no device or no memory on it.
# usage: experiment.sh CUDA_PROGRAM CPU_PROGRAM   prints a line a check; exit status 1 when one fails
# Bound: kernels differ in their last bits, so an item may change its place in a user's list: a metric, a mean over 60
# users, may differ by 1/60, and nine in ten must not differ at all.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd) cuda=$(realpath "$1") cpu=$(realpath "$2") bad=0
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cp "$here/emulate.yaml" "$work"; cd "$work" || exit 1
say() { # name, 0: passed
    if [ "$2" -eq 0 ]; then echo "ok device-cuda $1"; else echo "not ok device-cuda $1: ${3:-}"; bad=1; fi
}
run() { # name of the folder, program, options...
    local out=$1 program=$2; shift 2
    PTXEMU_STRICT=1 "$program" run emulate.yaml --out "$out" "$@" >"$out.log" 2>&1
    local rc=$?
    [ $rc -eq 0 ] || tail -n 5 "$out.log"
    return $rc
}
near() { # folder: its metrics against those of the CPU
    paste -d, <(cut -d, -f13 cpu/metrics.csv) <(cut -d, -f13 "$1/metrics.csv") | awk -F, '
        NR > 1 { d = $1 - $2; if (d < 0) d = -d; if (d > most) most = d; n++; differ += d > 1e-9 }
        END { printf "%d values, %d differ, by %.4f at most\n", n, differ, most; exit !(n > 100 && most <= 1 / 60 + 1e-6 && differ * 10 <= n) }' >near
}
cells() { grep -c "$1" "$2/record.json"; }

"$cpu" synth -o synth.h5 --users 60 --items 80 --interactions 1500 --seed 3 >/dev/null || { echo "not ok device-cuda synth"; exit 1; }
n=$(grep -c '^  - {name: [a-z]' emulate.yaml)
run cpu "$cpu" --device cpu || { echo "not ok device-cuda the CPU's own run"; exit 1; }

run cuda "$cuda" --device cuda --threads 1; rc=$?
say "experiment of $n models runs, no finding" $rc
near cuda; say "metrics are the CPU's ($(cat near))" $?
[ "$(cells '"card": ' cuda)" -eq "$n" ] && [ "$(cells '"device_note"' cuda)" -eq 0 ]
say "record: every cell ran on the card, no launch on the CPU" $?
PTXEMU_SEED=7 run two "$cuda" --device cuda --threads 2 && cmp -s cuda/metrics.csv two/metrics.csv
say "2 threads and another order of blocks: the same bytes" $?

RECFUSE_CUDA_DEVICE=99 run none "$cuda" --device cuda && near none && grep -q 'warning: device cuda: there is no CUDA device 99' none.log &&
    [ "$(grep -c 'device cuda' none.log)" -eq 1 ] && [ "$(cells '"device_fallback": "there is no CUDA device 99' none)" -eq "$n" ]
say "no device: the CPU computes, the reason is printed once and recorded" $? "$(grep warning none.log)"
RECFUSE_CUDA_MEMORY=1 run little "$cuda" --device cuda && near little && grep -q 'warning: device cuda: out of memory' little.log &&
    [ "$(cells '"device_fallback": "out of memory on the device"' little)" -eq "$n" ]
say "no memory on the device: likewise" $? "$(grep warning little.log)"
RECFUSE_CUDA_MEMORY=24K run some "$cuda" --device cuda && near some && [ "$(grep -c 'the device.s memory has no room' some.log)" -eq 1 ] &&
    [ "$(cells '"device_note"' some)" -gt 0 ] && [ "$(cells '"card": ' some)" -eq "$n" ]
say "memory for some launches: the CPU takes the others, printed once and recorded" $? "$(grep warning some.log)"
run plain "$cpu" --device cuda && near plain && [ "$(cells '"device_fallback": "this program was built without CUDA"' plain)" -eq "$n" ]
say "a program without CUDA: the CPU computes, the reason is recorded" $? "$(grep warning plain.log)"
exit $bad
