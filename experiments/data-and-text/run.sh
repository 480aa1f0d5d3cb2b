#!/usr/bin/env bash
# The whole study: makes the data and gets the encoder where they are missing, runs its four experiments, prints their tables and draws the figure.
#   usage: experiments/data-and-text/run.sh [more arguments of `recfuse run`]
# The films' texts are paragraphs that a language model wrote (CoLaKG's llm_response_item.json.gz, Cui et al. 2025), in
# datasets/movielens-1m/raw/split-colakg; where that file isn't there MovieLens is left out.
set -euo pipefail
cd "$(dirname "$0")/../.."
raw=datasets/movielens-1m/raw paragraphs=$raw/split-colakg/llm_response_item.json.gz file=datasets/movielens-1m/movielens-1m-text.h5
[ -f models/minilm/model.safetensors ] || tools/get-models.sh minilm
[ -f datasets/amazon-beauty-5/amazon-beauty-5.h5 ] || tools/get-data.sh amazon-beauty-5
[ -d "$raw" ] || tools/get-data.sh movielens-1m
studies=(rows-titles words-titles)
if [ -f "$paragraphs" ]; then
    [ -f "$file" ] || build/recfuse import movielens "$raw" --name movielens-1m --item-text "description=$paragraphs" -o "$file"
    studies+=(words rows)
else
    echo "data-and-text: $paragraphs isn't there; MovieLens is left out" >&2
fi
for study in "${studies[@]}"; do
    build/recfuse run "experiments/data-and-text/$study.yaml" "$@"
done
experiments/data-and-text/figure.sh
