#!/usr/bin/env bash
# MovieLens-1M's rows as its publisher's file has them, with times: those of the ratings whose time a published split tells (split-elliot), in the
# file's order; and a generated set of the same form, which no model can know.
set -euo pipefail
cd "$(dirname "$0")/../.."
from=datasets/movielens-1m/raw to=datasets/llm-memory/raw
mkdir -p $to
cp -L $from/movies.dat $from/users.dat $to/
zcat $from/split-elliot/fold*_test.tsv.gz | awk 'NR == FNR { time[$1 "::" $2] = $4; next }
    { split($0, a, "::"); key = a[1] "::" a[2]; if (key in time) print key "::" a[3] "::" time[key] }' - <(zcat $from/ratings_no_timestamp.dat.gz) >$to/ratings.dat
build/recfuse import movielens $to -o datasets/llm-memory/movielens-1m.h5
build/recfuse synth --users 6040 --items 3883 --interactions 400000 --seed 20 -o datasets/llm-memory/generated.h5
