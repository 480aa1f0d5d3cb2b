#!/usr/bin/env bash
# `recfuse import` from the command line: --reviews, --meta, --max-bad, and what is refused; `recfuse formats`.
set -uo pipefail
program=$PWD/${BUILD:-build/release}/recfuse
root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
cd "$root" || exit 1
check() { if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: '$2', expected '$3'"; fi; }
holds() { case "$2" in *"$3"*) echo "ok $1" ;; *) echo "not ok $1: '$3' is not in: $2" ;; esac; }

row='{"overall": 5, "reviewerID": "U", "asin": "I", "unixReviewTime": 1, "summary": "good"}'
printf '%s\nnot json\n' "$row" >reviews.json
printf "{'asin': 'I', 'title': 'A thing'}\n" >products.json

out=$("$program" import amazon --reviews reviews.json --meta products.json -o a.h5 2>&1); check malformed_row_exit $? 3
holds malformed_row_place "$out" "reviews.json:2:"
check malformed_row_leaves_nothing "$(ls -- *.h5 *.tmp 2>/dev/null)" ""
out=$("$program" import amazon --reviews reviews.json --meta products.json --max-bad 1 -o a.h5 2>&1); check max_bad_exit $? 0
holds max_bad_lists_the_row "$out" "reviews.json:2:"
out=$("$program" info a.h5); holds max_bad_is_stored "$out" '"malformed_rows_skipped": 1'
holds meta_is_read "$out" '"title": "text"'
"$program" import amazon reviews.json --reviews reviews.json -o b.h5 >/dev/null 2>&1; check two_sources $? 2
"$program" import amazon reviews.json --max-bad some -o b.h5 >/dev/null 2>&1; check max_bad_is_a_number $? 2
"$program" import adjacency reviews.json --max-bad 1 -o b.h5 >/dev/null 2>&1; check max_bad_not_for_adjacency $? 2
printf 'u\ta\t3\t1\nu\ta\t9\t2\nv\tb\t2\t\n' >odd.tsv
out=$("$program" import tsv odd.tsv --scale 1..5 --out-of-range clip --missing-times skip --duplicates last -o odd.h5 2>&1); check policies_exit $? 0
holds policies_duplicates_told "$out" 'pairs that occur again: 1 (the last by time is kept)'
holds policies_range_told "$out" 'ratings out of range: 1 (1 to 5; ratings outside: brought to the nearest end of the scale)'
holds policies_times_told "$out" 'rows without a time: 1 (the row is skipped)'
out=$("$program" info odd.h5); holds policies_are_stored "$out" '"duplicate_pairs": 1, "duplicates": "the last by time is kept"'
"$program" import tsv odd.tsv --missing-times none --max-bad 9 -o made/for/it.h5 >/dev/null 2>&1; check folder_of_the_output_is_made $? 0
"$program" synth -o made/too/s.h5 --users 20 --items 20 --interactions 100 >/dev/null 2>&1; check folder_of_synth_is_made $? 0
out=$("$program" import tsv odd.tsv --duplicates newest -o b.h5 2>&1); check policy_word $? 2
holds policy_word_told "$out" "found 'newest', expected one of all, last, first, sum, error"
"$program" import tsv odd.tsv --scale 5..1 -o b.h5 >/dev/null 2>&1; check scale_rises $? 2
"$program" import lastfm reviews.json --meta x -o b.h5 >/dev/null 2>&1; check meta_not_for_lastfm $? 2
"$program" import amazon -o b.h5 >/dev/null 2>&1; check no_source $? 2
printf 'who,said\nu,red shoes\n' >log.csv
out=$("$program" import tsv odd.tsv --missing-times none --queries log.csv,user=who,text=said -o q.h5 2>&1); check queries_exit $? 0
out=$("$program" info q.h5); holds queries_are_counted "$out" '"queries": 1'
out=$("$program" text q.h5 --written); holds queries_are_kept "$out" 'red shoes'
"$program" import tsv odd.tsv --missing-times none --queries log.csv,who=user -o b.h5 >/dev/null 2>&1; check queries_columns $? 2
out=$("$program" formats)
for format in movielens amazon tsv csv recbole adjacency ncf s3rec libfm lastfm book-crossing citeulike douban npy-features; do
    holds "formats_lists_$format" "
$out" "
$format "
done
