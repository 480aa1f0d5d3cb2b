#!/usr/bin/env bash
# Draws plots/gallery/synth-distributions.svg: generated sets of MovieLens-1M's size beside it (docs/synthetic-data.md).
#   usage: tools/synth-distributions.sh [STEEP]     STEEP: the --exposure of the second set (default 1.3)
# Wants build/recfuse, gnuplot and datasets/movielens-1m/movielens-1m.h5 (tools/get-data.sh movielens-1m).
set -euo pipefail
cd "$(dirname "$0")/.."
steep=${1:-1.3}
real=datasets/movielens-1m/movielens-1m.h5
[ -f "$real" ] || { echo "synth-distributions: $real is missing: run tools/get-data.sh movielens-1m" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

describe() { # describe FILE FOLDER
    mkdir -p "$work/$2"
    for name in popularity activity ratings mean_ratings lift; do
        build/recfuse info "$1" --distribution $name >"$work/$2/$name.all"
        case $name in
        popularity | activity) tail -n +2 "$work/$2/$name.all" | awk -F, '$1 <= 20 || $1 >= next_rank { print; next_rank = 1.1 * $1 } { last = $0 } END { print last }' >"$work/$2/$name.csv" ;;
        *) tail -n +2 "$work/$2/$name.all" >"$work/$2/$name.csv" ;;
        esac
    done
}
size=(--users 6040 --items 3883 --interactions 1000209 --texts 0)
build/recfuse synth "${size[@]}" -o "$work/plain.h5" >"$work/log"
build/recfuse synth "${size[@]}" --exposure "$steep" -o "$work/steep.h5" >"$work/log"
describe "$real" real
describe "$work/plain.h5" plain
describe "$work/steep.h5" steep
gnuplot -e "set terminal svg size 1100, 640 background rgb '#ffffff' font 'DejaVu Sans,12'; set output 'plots/gallery/synth-distributions.svg'" \
    -e "real='$work/real'; plain='$work/plain'; steep='$work/steep'; steep_name='recfuse synth --exposure $steep'" \
    plots/synth/distributions.gp
echo "plots/gallery/synth-distributions.svg"
