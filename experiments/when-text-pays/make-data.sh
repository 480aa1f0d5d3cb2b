#!/usr/bin/env bash
# Makes the generated sets of this study in datasets/when-text-pays: how much of the taste texts tell (0 to 1), how many rows there are
# (6 to 100 a user), how much of the words is noise; and twenty sets whose texts tell nothing (null-SEED), to count false positives.
# Sets that are there are kept.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=datasets/when-text-pays
mkdir -p "$folder"
make_one() { # make_one NAME OPTIONS...
    local name=$1; shift
    [ -f "$folder/$name.h5" ] || build/recfuse synth -o "$folder/$name.h5" --users 400 --items 500 "$@" >/dev/null
}
for told in 0 0.25 0.5 0.75 1; do
    for rows in 2500 5000 10000 20000 40000; do
        for noise in 0 0.5; do
            make_one "told$told-rows$rows-noise$noise" --told "$told" --interactions "$rows" --noise "$noise" --seed 7
        done
    done
done
for seed in $(seq 101 120); do
    make_one "null-$seed" --told 0 --interactions 10000 --seed "$seed"
done
echo "$(find "$folder" -name '*.h5' | wc -l) sets in $folder"
