#!/usr/bin/env bash
# recfuse probe --save: lines of a run's probe.csv, which its report tells of; those of another decoder stay, one's own are replaced; which dataset is meant.
set -uo pipefail
program=$(realpath "$BUILD/recfuse") model=$(realpath "${RECFUSE_MODELS:-models}/gemma")
if ! ls "$model"/*.gguf >/dev/null 2>&1; then
    echo "skipped probe_is_saved: no language model here: tools/get-models.sh gemma"
    exit 0
fi
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
say() { if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; cat log; fi; }
"$program" synth --users 40 --items 30 --interactions 600 --seed 3 -o d.h5 >/dev/null || exit 1
cat >x.yaml <<'YAML'
experiment: {name: x}
datasets: [{name: one, file: d.h5, split: {kind: random, test: 0.2}}, {name: two, file: d.h5, split: {kind: random, test: 0.3}}]
models: [{name: popularity}]
evaluate: {k: [10], metrics: [ndcg]}
report: {tables: [csv, md], plots: []}
YAML
"$program" run x.yaml -o r >log 2>&1 || { say 1 run; exit 0; }
probe() { "$program" probe --data d.h5 --decoder "$model" --rows 2 --context 0 --save r "$@" >log 2>&1; }
probe; [ $? -eq 2 ] && grep -q 'several datasets, one, two' log; say $? which_dataset_is_asked
probe --dataset three; [ $? -eq 2 ] && grep -q 'three.*has one, two' log; say $? unknown_dataset
probe --dataset one && sed -i "2s|,[^,]*|,another|" r/probe.csv && n=$(wc -l <r/probe.csv) && probe --dataset one &&
    [ "$(wc -l <r/probe.csv)" -eq $((n + 1)) ] && [ "$(grep -c ',another,' r/probe.csv)" -eq 1 ]; say $? own_lines_are_replaced
"$program" report r >log 2>&1 && [ "$(grep -c '^Memory of the language model' log)" -eq 2 ] && grep -q 'of at most 2 rows each' r/tables/one.md &&
    ! grep -q Memory r/tables/two.md; say $? the_report_tells
exit 0
