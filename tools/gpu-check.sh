#!/usr/bin/env bash
# Runs every kernel on this machine's GPU (`make gpu-check` builds first) and writes results/gpu/CARD.md; without a GPU it
# says so and ends well.  usage: tools/gpu-check.sh PROGRAM
set -uo pipefail
log=$(mktemp); trap 'rm -f "$log"' EXIT
"$1" 2>&1 | tee "$log"; rc=${PIPESTATUS[0]}
[ "$rc" -eq 77 ] && exit 0 # it printed "skipped ...: why"
card=$(sed -n 's/^device: //p' "$log" | head -n 1)
[ -n "$card" ] || exit "$((rc == 0 ? 1 : rc))"
mkdir -p results/gpu
page=results/gpu/$(echo "$card" | sed 's/,.*//; s/[^A-Za-z0-9.-]/-/g').md
{
    echo "# $card"
    echo
    echo "\`make gpu-check\` of $(git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown), $(date -u +%Y-%m-%d):"
    echo "every kernel against double precision, run twice with equal bytes."
    echo
    echo '```'
    cat "$log"
    echo '```'
} >"$page"
echo "wrote $page"
exit "$rc"
