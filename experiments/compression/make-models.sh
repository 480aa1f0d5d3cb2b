#!/usr/bin/env bash
# The compressed encoders of experiment.yaml, beside MiniLM in the folder of models.  Item titles calibrate the ones that ask for it: texts,
# no interactions.  usage: experiments/compression/make-models.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
models=${RECFUSE_MODELS:-models} program=${RECFUSE:-build/recfuse}
titles=$(mktemp); trap 'rm -f "$titles"' EXIT
iconv -f ISO-8859-1 -t UTF-8 datasets/movielens-1m/raw/movies.dat | awk -F'::' '{ print $2 }' >"$titles"
small() { # small NAME OPTION...
    local name=$1; shift
    "$program" compress -m "$models/minilm" -o "$models/minilm-$name" --text "$titles" "$@" | tail -n 1
}
small int8-row    --type int8_row --embedding-type int8_row
small q8          --type q8_0 --embedding-type q8_0
small q4          --type q4_0 --embedding-type q4_0 --calibrate "$titles"
small pruned-30   --type q8_0 --embedding-type q8_0 --prune 0.3 --calibrate "$titles"
small pruned-2-4  --type q8_0 --embedding-type q8_0 --prune-2-4 --calibrate "$titles"
small heads-9     --type q8_0 --embedding-type q8_0 --heads 3 --calibrate "$titles"
small units-3-4   --type q8_0 --embedding-type q8_0 --neurons 0.25 --calibrate "$titles"
