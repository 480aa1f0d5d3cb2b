#!/usr/bin/env bash
# A dataset that was missing arrives between two runs, so the plan changes: lines of the old plan must not reach a merge
# (they once did: two cells claimed one place).  And what a kill or a signal leaves behind.
set -uo pipefail
program=$(realpath "$BUILD/recfuse")
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export OMP_WAIT_POLICY=passive
say() { if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; cat log 2>/dev/null; fi; }
run() { "$program" run x.yaml "$@" >log 2>&1; }

cat >x.yaml <<'YAML'
experiment: {name: x}
datasets:
  - {name: a, file: a.h5, split: {kind: folds, file: folds.txt}}
  - {name: b, file: b.h5, split: {kind: random, test: 0.2, scope: per_user, seed: 1}}
models: [{name: popularity}, {name: item_knn}, {name: random}]
evaluate: {k: [5], metrics: [ndcg]}
report: {tables: [csv], plots: []}
YAML
for i in $(seq 0 1199); do echo $((i % 3)); done >folds.txt
"$program" synth -o b.h5 --users 80 --items 60 --interactions 1500 --seed 2 >log || say 1 synth
run --shard 1/2 --out s1 && run --shard 2/2 --out s2 # dataset a has one fold of skipped cells
say $? shards_without_a_dataset_skip_it
"$program" synth -o a.h5 --users 80 --items 60 --interactions 1200 --seed 1 >log || say 1 synth
run --shard 1/2 --out s1 && run --shard 2/2 --out s2 && run --out whole # now it has three
say $? shards_go_on_when_it_arrives
"$program" merge s1 s2 -o merged >log 2>&1
say $? merge_ignores_lines_of_the_old_plan
cmp whole/metrics.csv merged/metrics.csv >log 2>&1 && cmp whole/per_user.h5 merged/per_user.h5 >log 2>&1
say $? merged_equals_the_whole_byte_for_byte

touch whole/tables/a.csv.1.tmp whole/cells/a.cell.1.tmp
run --out whole
left=$(find whole -name '*.tmp')
[ -z "$left" ]; say $? temporaries_of_a_kill_are_swept

# Far more than half a second of work: a program that overlooks the signal is still there after 5 seconds.
"$program" synth -o big.h5 --users 6000 --items 3000 --interactions 3000000 >log 2>&1 & id=$!
sleep 0.5; kill -TERM $id
for _ in $(seq 50); do kill -0 $id 2>/dev/null || break; sleep 0.1; done
kill -KILL $id 2>/dev/null # nothing to kill unless it overlooked the signal
wait $id; [ $? -eq 143 ] && [ ! -e big.h5 ]; say $? a_command_without_order_to_keep_ends_at_the_first_signal
