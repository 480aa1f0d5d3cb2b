#!/usr/bin/env bash
# Links between friends that filters drop are counted: in the plan, when a run starts, in record.json.  How many are left tests/data/test_compact.c checks.
# BUILD is the build folder; everything happens in a temporary folder.
set -u
R=$(realpath "${BUILD:-build/release}/recfuse")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export OMP_WAIT_POLICY=passive

check() { # check NAME COMMAND...: ok when the command succeeds
    local name=$1; shift
    if "$@" >check.log 2>&1; then echo "ok $name"; else echo "not ok $name"; sed 's/^/    /' check.log | tail -n 12; fi
}
"$R" synth -o s.h5 --users 90 --items 60 --interactions 1500 --friends 6 --seed 3 >/dev/null || { echo "not ok synth"; exit 1; }
cat >x.yaml <<'YAML'
experiment: {name: x, seeds: [0]}
datasets: [{name: s, file: s.h5, filter: [{sample_users: {n: 40, seed: 7}}], split: {kind: random, test: 0.2, scope: per_user, seed: 1}}]
models: [{name: friends_knn}]
evaluate: {k: [10], metrics: [ndcg]}
report: {tables: [csv], plots: []}
YAML
"$R" plan x.yaml >plan.log 2>&1
read -r all left < <(sed -n 's/^  friends: \([0-9]*\) links, \([0-9]*\) of them between users with rows after filters$/\1 \2/p' plan.log)
check all_are_those_of_the_file test "${all:-none}" = "$("$R" info s.h5 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["friends"]["links"])')"
check some_are_left test "${left:-0}" -gt 0 -a "${left:-0}" -lt "${all:-0}"
"$R" run x.yaml --out r >run.log 2>&1
check run_tells grep -q "s: of $all links between friends $left are between users with rows after filters" run.log
check record python3 -c "
import json
(cell,) = json.load(open('r/record.json'))['cells']
assert (cell['n_links'], cell['n_links_dropped']) == ($all, $all - $left), cell"
"$R" plan x.yaml --set 'datasets.0.filter=[]' >plan.log 2>&1
check none_is_dropped grep -q "friends: $all links, $all of them" plan.log
"$R" run x.yaml --out all --set 'datasets.0.filter=[]' >run.log 2>&1
quiet() { ! grep -q 'links between friends' run.log && grep -q '"n_links_dropped": *0' all/record.json; }
check quiet_where_none_is quiet
"$R" synth -o s.h5 --users 90 --items 60 --interactions 1500 --seed 3 >/dev/null
alone() { "$R" run x.yaml --out alone --set models.0.name=popularity >run.log 2>&1 && ! grep -q 'friends\|n_links' run.log alone/record.json; }
check nothing_without_friends alone
