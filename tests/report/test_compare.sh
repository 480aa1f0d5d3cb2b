#!/usr/bin/env bash
# `recfuse compare`: equal runs, other seeds, a change that matters, what only one run has, and folders that are no runs.
set -uo pipefail
program=$(realpath "$BUILD/recfuse")
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export OMP_WAIT_POLICY=passive
has() { grep -qE -- "$2" log && return; echo "not ok $1: no '$2' in"; cat log; exit 0; }
lacks() { grep -qE -- "$2" log || return 0; echo "not ok $1: '$2' in"; cat log; exit 0; }
is() { [ "$1" = "$2" ] || { echo "not ok $3: status $1, expected $2"; cat log; exit 0; }; }

"$program" synth --users 150 --items 90 --interactions 4500 --seed 3 -o d.h5 >/dev/null || exit 1
cat >x.yaml <<'YAML'
experiment: {name: x, seeds: [1, 2]}
datasets: [{name: toy, file: d.h5, split: {kind: random, test: 0.2, scope: per_user, seed: 1}}]
models: [{name: popularity}, {name: random}, {name: ials, params: {factors: 8}, grid: {alpha0: [0.1, 1.0]}}]
evaluate: {k: [5, 10], metrics: [ndcg, recall]}
report: {tables: [csv], plots: []}
YAML
run() { "$program" run x.yaml -o "$@" >/dev/null 2>&1 || { echo "not ok run $1"; exit 0; }; }
run a; run b --threads 1
run seeds --set 'experiment.seeds=[7, 8]'
run worse --set models.2.params.iterations=1 --set models.2.params.regularization=1000

"$program" compare a b >log 2>&1; is $? 0 equal_runs
has equal_runs 'threads +[0-9]+ \| 1'; has equal_runs '^The results are the same'; has equal_runs '16 measures equal to the bit, 0 not'
echo "ok equal_runs"
"$program" compare a seeds >log 2>&1
has other_seeds 'experiment.seeds.0 +1 \| 7'; has other_seeds 'random'; has other_seeds 'and 3 more that differ, none significantly'
lacks other_seeds 'only in the'; lacks other_seeds '(random|popularity) .*significant$'
echo "ok other_seeds"
"$program" compare a worse >log 2>&1; is $? 1 a_change_that_matters
has a_change_that_matters 'models.2.params.regularization'; has a_change_that_matters 'ials \{"alpha0":1\} +ndcg@10 .*significant'
lacks a_change_that_matters 'popularity .*significant'
# The printed means are those of the tables.
mine=$(awk '/alpha0":1}.*ndcg@10/ {print $6}' log)
table=$(awk -F, '$4 == "ials" && $0 ~ /alpha0"":1,/ && $(NF-5) == "ndcg" && $(NF-4) == 10 {s += $(NF-1); n++} END {printf "%.4f", s / n}' a/metrics.csv)
[ "$mine" = "$table" ] && echo "ok a_change_that_matters" || { echo "not ok a_change_that_matters: $mine, metrics.csv has $table"; cat log; }
# Coverage is one number for all users: told by its intervals.
run wide --set 'evaluate.metrics=[coverage, gini]'
run wide2 --set 'evaluate.metrics=[coverage, gini]'
run narrow --set 'evaluate.metrics=[coverage, gini]' --set models.2.params.iterations=1 --set models.2.params.regularization=1000
"$program" compare wide wide2 >log 2>&1; is $? 0 one_number
has one_number 'numbers for all users together are equal, 0 not'; has one_number '^The results are the same'
"$program" compare wide narrow >log 2>&1; is $? 1 one_number
has one_number 'ials .*coverage@10 .*intervals apart'; lacks one_number 'The results are the same'; lacks one_number 'popularity .*intervals'
echo "ok one_number"
sed -i 's/{name: popularity}, //' x.yaml; run fewer
"$program" compare a fewer >log 2>&1; is $? 0 only_in_one
has only_in_one 'only in the first: toy fold 0, popularity'; has only_in_one 'models.0'; echo "ok only_in_one"
"$program" compare a . >log 2>&1; is $? 3 no_run; has no_run 'holds no finished run'
head -c 700 a/per_user.h5 >cut; cp -r a c; cp cut c/per_user.h5
"$program" compare a c >log 2>&1; is $? 3 no_run; has no_run 'c/per_user.h5'
"$program" compare a >log 2>&1; is $? 2 no_run
echo "ok no_run"
