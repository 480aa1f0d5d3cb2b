#!/usr/bin/env bash
# The sets of experiment.yaml: MovieLens-100K's size, a quarter of its rows (text matters where rows are few), one trait changed at a time.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p datasets/synth
make_set() { # make_set NAME OPTION...
    local name=$1
    shift
    build/recfuse synth --interactions 25000 -o "datasets/synth/$name.h5" "$@"
}
make_set plain
make_set no-signal --signal 0
make_set dialects --dialects
make_set no-exposure --exposure 0
make_set drift --drift 1
