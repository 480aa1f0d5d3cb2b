#!/usr/bin/env bash
# The whole study: makes the data and the language models where they are missing, runs its experiments and prints their tables.
#   usage: experiments/fusion-ml1m/run.sh [more arguments of `recfuse run`]
# The films' texts are paragraphs that a language model wrote (CoLaKG's llm_response_item.json.gz, Cui et al. 2025), taken from
# datasets/movielens-1m/raw/split-colakg; where that file isn't there titles and genres alone are read.
set -euo pipefail
cd "$(dirname "$0")/../.."
raw=datasets/movielens-1m/raw paragraphs=$raw/split-colakg/llm_response_item.json.gz
[ -d "$raw" ] || tools/get-data.sh movielens-1m
[ -f models/minilm/model.safetensors ] || tools/get-models.sh minilm
[ -d models/e5 ] || tools/get-models.sh e5
texts=()
if [ -f "$paragraphs" ]; then
    texts=(--item-text "description=$paragraphs")
else
    echo "fusion-ml1m: $paragraphs isn't there; titles and genres alone are read" >&2
fi
file=datasets/movielens-1m/movielens-1m-text.h5
[ -f "$file" ] || build/recfuse import movielens "$raw" --name movielens-1m "${texts[@]}" -o "$file"
declare -A plain=([cold]="2 3" [matched]="2 3" [warm]=5 [cold-users]="3 4" [choose]="1 2 3 4 5 6 7") # models beside the block fusion that read text
for experiment in cold matched warm cold-users choose; do
    more=()
    if [ ! -f "$paragraphs" ]; then
        [ $experiment = choose ] || more=(--set 'fusion.intent.text=[title, genres]')
        for model in ${plain[$experiment]}; do more+=(--set "models.$model.params.text=[title, genres]"); done
    fi
    build/recfuse run "experiments/fusion-ml1m/$experiment.yaml" ${more[@]+"${more[@]}"} "$@"
done
