#!/usr/bin/env bash
# Runs every kernel on this machine's GPU, measures what it does of what it could, runs an experiment by --device cuda and cpu, and
# implicit's GPU code where it is installed; writes results/gpu/CARD.md (`make gpu-check` builds first).  Without a GPU it says
# so and ends well.  usage: tools/gpu-check.sh BUILD   (its gpu_check and recfuse; no CUDA toolkit is needed)
set -uo pipefail
build=$(realpath "$1") here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
"$build/gpu_check" 2>&1 | tee "$work/kernels"; rc=${PIPESTATUS[0]}
[ "$rc" -eq 77 ] && exit 0 # it printed "skipped ...: why"
card=$(sed -n 's/^device: //p' "$work/kernels" | head -n 1)
[ -n "$card" ] || exit "$((rc == 0 ? 1 : rc))"

# One experiment, of MovieLens-1M's shape, by both devices: seconds of fit and of ranking a model, and the ratio.
experiment() {
    local program="$build/recfuse"
    "$program" version >"$work/version" 2>&1 || { echo "skipped experiment: $program does not start here: $(head -n 1 "$work/version")"; return 0; }
    cd "$work" || return 1
    "$program" synth -o synth.h5 --users 6040 --items 3706 --interactions 1000000 --seed 1 >/dev/null || return 1
    cat >speed.yaml <<'YAML'
experiment: {name: speed, seeds: [0]}
datasets: [{name: synth, file: synth.h5, split: {kind: random, test: 0.2, scope: per_user, seed: 42}}]
models:
  - {name: popularity}
  - {name: item_knn, params: {k: 100}}
  - {name: ease}
  - {name: ials, params: {factors: 64, iterations: 16}}
  - {name: ials, label: ials exact, params: {factors: 64, iterations: 8, solver: cholesky}}
  - {name: bpr_mf, params: {factors: 64, epochs: 10}}
  - {name: svd, params: {factors: 64, epochs: 10}}
evaluate: {k: [10, 100], metrics: [recall, ndcg], candidates: full}
report: {tables: [csv], plots: []}
YAML
    for device in cpu cuda cuda2; do
        "$program" run speed.yaml --out $device --device ${device%2} >$device.log 2>&1 || { tail -n 3 $device.log; return 1; }
    done
    grep -q '"card": ' cuda/record.json || { echo "not ok experiment: it did not run on the card"; return 1; }
    if cmp -s cuda/metrics.csv cuda2/metrics.csv; then echo "ok experiment: run twice, the same bytes"; else echo "not ok experiment: run twice, other bytes"; bad=1; fi
    paste -d, <(cut -d, -f4,13 cpu/metrics.csv) <(cut -d, -f13 cuda/metrics.csv) | awk -F, '
        NR > 1 { d = $2 - $3; if (d < 0) d = -d; if (d > most) { most = d; label = $1 } }
        END { printf "%s experiment: metrics of CPU and GPU differ by %.5f at most (%s), 0.002 allowed\n", most <= 0.002 ? "ok" : "not ok", most, label; exit most > 0.002 }' || bad=1
    grep -h device_note cuda/record.json | sort -u
    seconds() { grep -oE '"(label|fit_seconds|rank_seconds)": [^,]*' "$1/record.json" | awk -F': ' '
        $1 == "\"fit_seconds\"" { fit = $2 } $1 == "\"rank_seconds\"" { rank = $2; gsub(/"/, "", label); print label "," fit "," rank }
        $1 == "\"label\"" { label = $2 }'; }
    echo "| model | CPU fit s | GPU fit s | times | CPU rank s | GPU rank s | times |"
    echo "|---|---|---|---|---|---|---|"
    paste -d, <(seconds cpu) <(seconds cuda) | awk -F, '{ printf "| %s | %.3f | %.3f | %.1f | %.3f | %.3f | %.1f |\n", $1, $2, $5, $2 / ($5 > 0 ? $5 : 1e-9), $3, $6, $3 / ($6 > 0 ? $6 : 1e-9) }'
}
bad=0
experiment >"$work/experiment" || { bad=1; echo "not ok experiment" >>"$work/experiment"; }
cat "$work/experiment"
cd "$here" || exit 1
python3 tools/gpu-peer.py >"$work/peer" 2>&1 || echo "skipped implicit: $(tail -n 1 "$work/peer")" >"$work/peer"
cat "$work/peer"

mkdir -p results/gpu
page=results/gpu/$(echo "$card" | sed 's/,.*//; s/[^A-Za-z0-9.-]/-/g').md
{
    echo "# $card"
    echo
    echo "\`make gpu-check\` of $(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown), $(date -u +%Y-%m-%d): every kernel against"
    echo "double precision, run twice with equal bytes; cuRAND against philox.h; shares of the card's limits; an experiment on both"
    echo "devices ($(nproc) cores of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)); implicit where it is installed."
    echo
    sed -n '/^limits:/,/^$/p; /^| /p; /^|---/p' "$work/kernels"
    echo
    cat "$work/experiment"
    echo
    cat "$work/peer"
    echo
    echo '```'
    grep -v '^|' "$work/kernels"
    echo '```'
} >"$page"
echo "wrote $page"
[ "$rc" -eq 0 ] && [ "$bad" -eq 0 ]
