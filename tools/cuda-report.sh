#!/usr/bin/env bash
# What ptxas makes of the kernels: registers, stack and spills a thread, static shared memory, and the share of a
# multiprocessor's 64 warps that registers allow (blocks of 4 warps; a launch's scratch may allow less), for sm_80, sm_90,
# sm_100.  Fails on a spill or a stack frame that kernels/spills.txt does not allow.  usage: tools/cuda-report.sh BUILD FILE.cu...
set -euo pipefail
build=$1; shift
nvcc=${NVCC:-nvcc}
command -v "$nvcc" >/dev/null || { echo "skipped: nvcc is not installed"; exit 0; }
mkdir -p "$build"
for file in "$@"; do
    name=$(basename "$file" .cu)
    for arch in 80 90 100; do
        log=$build/$name.$arch
        [ "$log" -nt "$file" ] && [ "$log" -nt kernels/team.h ] && continue
        "$nvcc" -x cu -std=c++17 -O3 -Ikernels -diag-suppress 1675 -arch=sm_$arch -Xptxas -v -c "$file" -o "$build/$name.o" 2>"$log.tmp"
        mv "$log.tmp" "$log"
    done
done
printf '%-24s %6s %9s %6s %7s %7s %10s\n' kernel arch registers stack spills shared occupancy
cat "$build"/*.{80,90,100} | awk '
    /Compiling entry function/ {
        match($0, /_Z[0-9]+/); n = substr($0, RSTART + 2, RLENGTH - 2) + 0
        kernel = substr($0, RSTART + RLENGTH, n); sub(/_global$/, "", kernel)
        match($0, /sm_[0-9]+/); arch = substr($0, RSTART, RLENGTH)
    }
    /bytes stack frame/ { stack = $1; spill = 0; for (i = 1; i < NF; i++) if ($(i + 1) == "bytes" && $(i + 2) == "spill") spill += $i }
    /Used [0-9]+ registers/ {
        match($0, /Used [0-9]+/); regs = substr($0, RSTART + 5, RLENGTH - 5) + 0
        shared = 0; if (match($0, /[0-9]+ bytes smem/)) { shared = substr($0, RSTART, RLENGTH) + 0 }
        warp = int((regs * 32 + 255) / 256) * 256; warps = int(65536 / warp / 4) * 4; if (warps > 64) warps = 64
        printf "%-24s %6s %9d %6d %7d %7d %9d%%\n", kernel, arch, regs, stack, spill, shared, warps * 100 / 64
    }' | sort -k1,1 -k2,2V | tee "$build/table"
bad=0
while read -r kernel arch registers stack spills rest; do
    [ "$stack" -eq 0 ] && [ "$spills" -eq 0 ] && continue
    allowed=$(awk -v k="$kernel" '$1 == k { print $2 }' kernels/spills.txt)
    [ -n "$allowed" ] && [ "$stack" -le "$allowed" ] && [ "$spills" -le "$((2 * allowed))" ] && continue
    echo "not ok $kernel on $arch: $stack bytes of stack, $spills of spills, ${allowed:-none} allowed (kernels/spills.txt)"
    bad=1
done <"$build/table"
exit $bad
