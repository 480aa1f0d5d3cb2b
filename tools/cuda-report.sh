#!/usr/bin/env bash
# What ptxas makes of the kernels: registers, stack and spills a thread, static shared memory, and the share of a
# multiprocessor's 64 warps that registers allow (blocks of 4 warps; a launch's scratch may allow less), for sm_80, sm_90,
# sm_100.  Fails on a spill or a stack frame that kernels/spills.txt does not allow.  usage: tools/cuda-report.sh LOG... (what `nvcc -Xptxas -v` said)
# NAME_large: the kernel for scratch in device memory.
set -euo pipefail
printf '%-24s %6s %9s %6s %7s %7s %10s\n' kernel arch registers stack spills shared occupancy
table=$(mktemp); trap 'rm -f "$table"' EXIT
cat "$@" | awk '
    /Compiling entry function/ {
        split($0, part, "\047"); kernel = part[2]; sub(/_global$/, "", kernel)
        match($0, /sm_[0-9]+/); arch = substr($0, RSTART, RLENGTH)
    }
    /bytes stack frame/ { stack = $1; spill = 0; for (i = 1; i < NF; i++) if ($(i + 1) == "bytes" && $(i + 2) == "spill") spill += $i }
    /Used [0-9]+ registers/ {
        match($0, /Used [0-9]+/); regs = substr($0, RSTART + 5, RLENGTH - 5) + 0
        shared = 0; if (match($0, /[0-9]+ bytes smem/)) { shared = substr($0, RSTART, RLENGTH) + 0 }
        warp = int((regs * 32 + 255) / 256) * 256; warps = int(65536 / warp / 4) * 4; if (warps > 64) warps = 64
        printf "%-24s %6s %9d %6d %7d %7d %9d%%\n", kernel, arch, regs, stack, spill, shared, warps * 100 / 64
    }' | sort -k1,1 -k2,2V | tee "$table"
bad=0
while read -r kernel arch registers stack spills rest; do
    [ "$stack" -eq 0 ] && [ "$spills" -eq 0 ] && continue
    allowed=$(awk -v k="${kernel%_large}" '$1 == k { print $2 }' kernels/spills.txt)
    [ -n "$allowed" ] && [ "$stack" -le "$allowed" ] && [ "$spills" -le "$((2 * allowed))" ] && continue
    echo "not ok $kernel on $arch: $stack bytes of stack, $spills of spills, ${allowed:-none} allowed (kernels/spills.txt)"
    bad=1
done <"$table"
[ -s "$table" ] || { echo "not ok: the logs name no kernel"; bad=1; }
exit $bad
