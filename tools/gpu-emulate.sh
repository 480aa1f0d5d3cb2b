#!/usr/bin/env bash
# Runs every kernel's PTX under the emulator with three seeds (orders of blocks, warps and atomics); a finding of the
# emulator (a race, an uninitialised read, an access out of bounds ...) fails.  Then one whole experiment by --device cuda.
# usage: tools/gpu-emulate.sh BUILD [SEEDS]
set -uo pipefail
build=$1 bad=0
export RECFUSE_CUBLAS=none # machine code, which the emulator has no machine for
for seed in ${2:-1 2 3}; do
    echo "-- seed $seed"
    PTXEMU_SEED=$seed PTXEMU_STRICT=1 "$build/gpu_check" >"$build/seed-$seed.log" 2>&1
    rc=$?
    sed "s/^\(ok\|not ok\) /\1 seed $seed /" "$build/seed-$seed.log"
    if [ $rc -eq 99 ]; then echo "not ok seed $seed: the emulator has findings"; fi
    [ $rc -eq 0 ] || bad=1
done
tests/gpu/experiment.sh "$build/recfuse" build/release/recfuse || bad=1
exit $bad
