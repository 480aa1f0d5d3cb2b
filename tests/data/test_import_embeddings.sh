#!/usr/bin/env bash
# `recfuse import-embeddings`: vectors by the publisher's ids become item vectors of an experiment; what is missing or unknown is counted.
set -uo pipefail
program=$PWD/${BUILD:-build/release}/recfuse
root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
cd "$root" || exit 1
check() { if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: '$2', expected '$3'"; fi; }
holds() { case "$2" in *"$3"*) echo "ok $1" ;; *) echo "not ok $1: '$3' is not in: $2" ;; esac; }

# Two tastes: users 0 to 9 take films A0 .. A5, users 10 to 19 take B0 .. B5; each misses one of them.
for u in {0..19}; do for i in {0..5}; do
    side=$([ "$u" -lt 10 ] && echo A || echo B)
    [ $((u % 6)) -eq "$i" ] || printf 'u%d\t%s%d\t1\t%d\n' "$u" "$side" "$i" $((100 * u + i))
done; done >rows.tsv
"$program" import tsv rows.tsv -o rows.h5 >/dev/null 2>&1; check import $? 0

# numpy.save of [12 x 2] float32: (1, 0) for A0 .. A5, (0, 1) for B0 .. B5; ids in another order than the dataset's.
header="{'descr': '<f4', 'fortran_order': False, 'shape': (13, 2), }"$'\n'
{ printf '\x93NUMPY\x01\x00'; printf "\\x$(printf '%02x' ${#header})\\x00"; printf '%s' "$header"
  for i in {0..5}; do printf '\x00\x00\x80\x3f\x00\x00\x00\x00'; done
  for i in {0..5}; do printf '\x00\x00\x00\x00\x00\x00\x80\x3f'; done
  printf '\x00\x00\x80\x3f\x00\x00\x80\x3f'; } >v.npy
printf 'A5\nA4\nA3\nA2\nA1\nA0\nB0\nB1\nB2\nB3\nB4\nB5\nelsewhere\n' >ids.txt
out=$("$program" import-embeddings v.npy --ids ids.txt --dataset rows.h5 -o models/taste 2>&1); check exit $? 0
check counts "$out" '{"rows": 13, "dimensions": 2, "written": 13, "items": 12, "items_missing": 0, "rows_unknown": 1}'
out=$("$program" import-embeddings v.npy --ids ids.txt --dataset rows.h5 --unknown refuse -o models/x 2>&1); check unknown_refused $? 3
holds unknown_sentence "$out" "1 of the 13 ids are of no item"
out=$("$program" import-embeddings v.npy --ids ids.txt --dataset rows.h5 --unknown drop -o models/dropped 2>&1); holds unknown_dropped "$out" '"written": 12'
sed 's/A4/a4/' ids.txt >fewer.txt
out=$("$program" import-embeddings v.npy --ids fewer.txt --dataset rows.h5 -o models/x 2>&1); check missing_refused $? 3
holds missing_sentence "$out" "1 of the 12 items"
[ ! -e models/x ] && echo "ok refused_leaves_nothing" || echo "not ok refused_leaves_nothing"
"$program" import-embeddings v.npy --ids fewer.txt --dataset rows.h5 --missing allow -o models/fewer >/dev/null 2>&1; check missing_allowed $? 0
"$program" import-embeddings v.npy -o models/x >/dev/null 2>&1; check ids_are_needed $? 2

cat >e.yaml <<'Y'
experiment: {name: e, seeds: [0]}
datasets: [{name: rows, file: rows.h5, split: {kind: leave_one_out}}]
models:
  - {name: llm_content, label: taste, params: {encoder: taste, center: false}}
  - {name: llm_content, label: fewer, params: {encoder: fewer, missing: zero}}
  - {name: llm_content, label: refused, params: {encoder: fewer}}
  - {name: llm_content, label: shuffled, params: {encoder: "shuffled:taste"}}
  - {name: llm_fusion, label: fused, params: {encoder: taste, collaborative: [popularity]}}
evaluate: {k: [2], metrics: [hit_rate]}
report: {tables: [csv], plots: []}
Y
out=$("$program" run e.yaml 2>&1); check one_cell_fails $? 5
holds refusal_is_told "$out" "1 of the 12 items have no vector"
csv=$(find results/e -name '*.csv' -exec cat {} +)
hits() { grep -h "^$1," <<<"$csv" | sed 's/.*}",1,\([0-9.]*\),.*/\1/' | head -n 1; }
check taste_finds_what_was_left_out "$(hits taste)" 1
check fusion_takes_them "$(hits fused)" 1
check missing_items_go_without "$([ -n "$(hits fewer)" ] && echo yes)" yes
check shuffled_loses_it "$(awk -v h="$(hits shuffled)" 'BEGIN { print (h != "" && h < 0.7) ? "yes" : "no" }')" yes
# Other vectors under the same name make other cells.
before=$(wc -l <results/e/journal.jsonl)
"$program" import-embeddings v.npy --ids ids.txt --dataset rows.h5 --unknown drop -o models/taste >/dev/null 2>&1
"$program" run e.yaml >/dev/null 2>&1
after=$(wc -l <results/e/journal.jsonl)
check changed_vectors_are_computed_anew $((after - before >= 3)) 1
