#!/usr/bin/env bash
# The sets of the Douban experiments in datasets/scenarios, from the raw files of Douban's sample: each comment is its writer's
# search, beside the rows and reviews; each film's tags are a search that the film itself makes.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/get-data.sh douban-antspider-small
raw=datasets/douban-antspider-small/raw
mkdir -p datasets/scenarios
build/recfuse import douban $raw --queries $raw/comments.csv.gz,user=user_md5,text=content -o datasets/scenarios/douban-comments.h5
build/recfuse import csv $raw/movies.csv.gz --header --columns user=MOVIE_ID,item=MOVIE_ID --items $raw/movies.csv.gz \
    --queries $raw/movies.csv.gz,user=MOVIE_ID,text=TAGS -o datasets/scenarios/douban-films.h5
