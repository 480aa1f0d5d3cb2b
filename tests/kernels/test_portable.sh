#!/usr/bin/env bash
# A program of `make PORTABLE=1` (build/portable, where it was built): no AVX-512 outside the kernels that are chosen at its start; both sets
# of kernels agree; the set for AVX-512 gives the bits of a program that was built for this machine, where that has it.
set -uo pipefail
program=build/portable/recfuse model=${RECFUSE_MODELS:-models}/minilm
if [ ! -x $program ] || [ ! -e "$model/model.safetensors" ]; then
    echo "skipped portable: no $program (make PORTABLE=1) or no $model (tools/get-models.sh minilm)"
    exit 0
fi
# number_rows.c chooses for itself.
wide=$(find build/portable/src build/portable/kernels -name '*.o' ! -name '*.avx512.o' ! -name 'number_rows*' | while read -r o; do
    objdump -d "$o" | grep -qE '%zmm|%k[1-7]|%[xy]mm(1[6-9]|2[0-9]|3[01])' && echo "$o"; done)
[ -z "$wide" ] && echo "ok no_avx512_outside" || echo "not ok no_avx512_outside: $wide"
vector() { "$@" embed -m "$model" -t 'Toy Story (1995)' --precision "$precision" | sed -E 's/.*"embedding": \[(.*)\]\}/\1/'; }
for precision in fp32 int8 w8a8; do
    a=$(RECFUSE_INSTRUCTIONS=avx2 vector $program) b=$(vector $program)
    awk -v a="$a" -v b="$b" -v name="sets_agree_$precision" 'BEGIN { n = split(a, x, ", "); m = split(b, y, ", ")
        for (i = 1; i <= n; i++) { dot += x[i] * y[i]; d = x[i] - y[i]; worst = d > worst ? d : -d > worst ? -d : worst }
        print (n == 384 && m == 384 && dot > 0.9999 && worst < (name ~ /fp32/ ? 1e-6 : 1e-2)) ? "ok " name : "not ok " name ": " n " " dot " " worst }'
    if grep -q avx512_vnni /proc/cpuinfo && [ "$BUILD" = build/release ]; then
        [ "$b" = "$(vector "$BUILD/recfuse")" ] && echo "ok as_built_here_$precision" || echo "not ok as_built_here_$precision"
    fi
done
