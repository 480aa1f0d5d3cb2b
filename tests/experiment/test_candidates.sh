#!/usr/bin/env bash
# Experiments that rank a few candidates, lists of other systems as a model, lists written for them.
# BUILD is the build folder; everything happens in a temporary folder.
set -u
R=$(realpath "${BUILD:-build/release}/recfuse")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

check() { # check NAME COMMAND...: ok when the command succeeds
    local name=$1; shift
    if "$@" >check.log 2>&1; then echo "ok $name"; else echo "not ok $name"; sed 's/^/    /' check.log | tail -n 12; fi
}
gives() { # gives STATUS WORD COMMAND...: exit status, and WORD in what it says
    local want=$1 word=$2 got; shift 2
    "$@" >out.log 2>err.log; got=$?
    cat out.log err.log
    echo "status $got, expected $want; looking for '$word'"
    [ $got -eq "$want" ] && grep -qF -- "$word" out.log err.log
}
value() { # value FILE LABEL METRIC K DIALECT STRATUM: from metrics.csv
    python3 - "$@" <<'PY'
import csv, sys
f, label, metric, k, dialect, stratum = sys.argv[1:]
print(*[r["value"] for r in csv.DictReader(open(f)) if (r["label"], r["metric"], r["k"], r["dialect"], r["stratum"]) ==
        (label, metric, k, dialect, stratum)])
PY
}
"$R" synth -o s.h5 --users 120 --items 150 --interactions 4000 --seed 3 >/dev/null || { echo "not ok synth"; exit 1; }
cat >e.yaml <<'YAML'
experiment: {name: e, seeds: [0, 1]}
datasets: [{name: s, file: s.h5, split: {kind: k_fold, k: 2, seed: 42}}]
models: [{name: popularity}, {name: ease}]
evaluate: {k: [5, 10], metrics: [recall, ndcg, map, auc, coverage, novelty, rmse], strata: [item_popularity, user_activity]}
compare: {pairs: [{a: ease, b: popularity, metric: ndcg, k: 10}]}
report: {tables: [csv], plots: []}
YAML
check full gives 0 "8 of 8 cells done" "$R" run e.yaml --out full

# --- candidates
sampled='evaluate.candidates={kind: sampled, negatives: 20}'
check sampled_warns gives 0 "can order models differently, even in expectation" "$R" run e.yaml --out sampled --set "$sampled" --threads 2
"$R" run e.yaml --out one --set "$sampled" --threads 1 >/dev/null 2>&1
check same_bytes_for_one_thread cmp one/metrics.csv sampled/metrics.csv
beside() { for d in default unbiased_rank cls bv; do [ "$(value sampled/metrics.csv ease ndcg 10 $d all | wc -w)" = 4 ] || return 1; done; }
check estimates_stand_beside beside
check the_column_says_so grep -q ',test,sampled,ndcg,10,bv,all,' sampled/metrics.csv
check estimates_have_intervals grep -q 'ndcg,10,cls,' sampled/intervals.csv
check estimates_have_no_auc test -z "$(value sampled/metrics.csv ease auc '' bv all)"
nearer() { # the estimates are nearer to what all items give than the raw measure
    python3 - <<'PY'
import csv
def mean(f, dialect):
    v = [float(r["value"]) for r in csv.DictReader(open(f)) if (r["label"], r["metric"], r["k"], r["dialect"], r["stratum"]) == ("ease", "recall", "10", dialect, "all")]
    return sum(v) / len(v)
truth = mean("full/metrics.csv", "default")
raw = abs(mean("sampled/metrics.csv", "default") - truth)
for d in ("unbiased_rank", "cls", "bv"):
    assert abs(mean("sampled/metrics.csv", d) - truth) < raw / 2, (d, truth, raw)
PY
}
check estimates_are_nearer nearer
check the_written_experiment_reads_back gives 0 "0 to run" "$R" run sampled/experiment.yaml --out sampled
check by_popularity gives 0 "8 of 8" "$R" run e.yaml --out popular --set 'evaluate.candidates={kind: sampled, negatives: 20, by: popularity}'
check popularity_has_one_estimator test -n "$(value popular/metrics.csv ease ndcg 10 unbiased_rank all)" -a -z "$(value popular/metrics.csv ease ndcg 10 bv all)"
check tests_take_estimates gives 0 "cells" "$R" run e.yaml --out sampled --set "$sampled" --set 'compare.pairs.0.dialect=bv'
check significance_of_estimates grep -q 'ndcg,10,.*,bv,users,' sampled/significance.csv
bad() { check "$1" gives 2 "$2" "$R" plan e.yaml "${@:3}"; }
bad unknown_kind 'sampled' --set 'evaluate.candidates=smapled'
bad no_file 'candidates: given needs' --set 'evaluate.candidates={kind: given}'
bad too_many_negatives 'from 1 to 2000' --set 'evaluate.candidates={kind: sampled, negatives: 0}'
bad estimator_as_dialect 'comes by itself' --set 'evaluate.dialects=[bv]'
bad file_of_sampled 'kind: given' --set 'evaluate.candidates={kind: sampled, file: x}'
bad drawn_by_no_one 'uniform or by popularity' --set 'evaluate.candidates={kind: sampled, by: unknown}'

# --- strata of every metric
for m in 'auc ' 'coverage 5' 'novelty 5' 'recall 5'; do
    read -r name k <<<"$m"
    check "strata_of_$name" test -n "$(value full/metrics.csv ease "$name" "$k" default tail)" -a -n "$(value full/metrics.csv ease "$name" "$k" default activity_q1)"
done

# --- lists out, and in again
check export gives 0 "8 files of lists" "$R" export-topk full -o lists --rows
check names test -f lists/s.fold1.ease.seed1.run -a -f lists/s.fold0.qrels -a -f lists/s.fold0.train.csv
evaluated() { # what `evaluate` says of the files is what the run says
    "$R" evaluate --run lists/s.fold0.ease.seed0.run --qrels lists/s.fold0.qrels -k 5,10 -m recall,ndcg,map >e.csv || return 1
    python3 - <<'PY'
import csv
mine = {(r["metric"], r["k"]): float(r["value"]) for r in csv.DictReader(open("e.csv"))}
run = {(r["metric"], r["k"]): float(r["value"]) for r in csv.DictReader(open("full/metrics.csv"))
       if (r["label"], r["fold"], r["seed"], r["stratum"], r["dialect"]) == ("ease", "0", "0", "all", "default")}
assert len(mine) == 6 and all(abs(v - run[k]) < 1e-8 for k, v in mine.items()), (mine, run)
PY
}
check evaluate_says_the_same evaluated
external='models.1={name: external, label: theirs, params: {file: "lists/{dataset}.fold{fold}.ease.seed{seed}.run"}}'
pairs='compare.pairs=[{a: theirs, b: popularity, metric: ndcg, k: 10}]'
check external gives 0 "8 of 8 cells done" "$R" run e.yaml --out theirs --set "$external" --set "$pairs"
for m in recall ndcg map; do
    check "external_$m" test "$(value full/metrics.csv ease $m 10 default all)" = "$(value theirs/metrics.csv theirs $m 10 default all)"
    check "external_${m}_tail" test "$(value full/metrics.csv ease $m 10 default tail)" = "$(value theirs/metrics.csv theirs $m 10 default tail)"
done
p() { cut -d, -f 14 "$1" | tail -n 1; }
check the_same_p test "$(p theirs/significance.csv)" = "$(p full/significance.csv)"
check external_csv gives 0 "4 files of lists" "$R" export-topk full -o csv --format csv --model ease --top 3
check csv_has_three test "$(grep -c '^u1,\|^u2,' csv/s.fold0.ease.seed0.run.csv)" = 6
echo "u1 Q0 nothing 1 0.5 x" >>lists/s.fold0.ease.seed0.run
lines=$(wc -l <lists/s.fold0.ease.seed0.run)
check a_changed_file_runs_again gives 5 "run:$lines: item 'nothing' is not in the dataset" "$R" run e.yaml --out theirs --set "$external" --set "$pairs"
rm lists/s.fold1.ease.seed1.run
check a_missing_file_is_skipped gives 0 "there is no such file" "$R" run e.yaml --out missing --set "$external" --set "$pairs" --set 'datasets.0.split={kind: random, test: 0.2}' --set 'experiment.seeds=[7]'
bad external_without_file 'external needs' --set 'models.1={name: external}'
check export_of_nothing gives 3 "there is no run" "$R" export-topk nowhere -o x
check export_of_no_model gives 2 "did you mean 'ease'" "$R" export-topk full -o x --model eas

# --- candidates by the publisher's ids
python3 - <<'PY'
import csv, collections
test = collections.defaultdict(list)
for line in open("lists/s.fold0.qrels"):
    u, _, i, _ = line.split()
    test[u].append(i)
items = sorted({i for t in test.values() for i in t})
for f, rows in (("given.txt", [f"{u} {' '.join(t)} {' '.join(items[:40])}\n" for u, t in test.items()]),):
    open(f, "w").writelines(rows)
open("wrong.txt", "w").write("u1 i1\nu2 i2 i99999\n")
PY
given='evaluate.candidates={kind: given, file: given.txt, by: unknown}'
check given gives 0 "left out" "$R" run e.yaml --out given --set "$given" --set 'experiment.seeds=[0]' --set 'models=[{name: ease}, {name: popularity}]' --set 'datasets.0.split={kind: k_fold, k: 2, seed: 42}'
check given_unknown_has_no_estimates test -z "$(value given/metrics.csv ease ndcg 10 unbiased_rank all)"
check given_unknown_id gives 5 "wrong.txt:2: item 'i99999'" "$R" run e.yaml --out wrong --set 'evaluate.candidates={kind: given, file: wrong.txt}'
