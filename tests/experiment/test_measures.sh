#!/usr/bin/env bash
# What an experiment measures beside the usual metrics: dialects, strata, metrics beyond accuracy, families of tests.
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
value() { # value FILE MODEL METRIC K DIALECT STRATUM: from metrics.csv
    python3 - "$@" <<'PY'
import csv, sys
f, model, metric, k, dialect, stratum = sys.argv[1:]
print(*[r["value"] for r in csv.DictReader(open(f)) if (r["model"], r["metric"], r["k"], r["dialect"], r["stratum"]) ==
        (model, metric, k, dialect, stratum)])
PY
}
"$R" synth -o s.h5 --users 120 --items 90 --interactions 4000 --seed 3 >/dev/null || { echo "not ok synth"; exit 1; }
cat >e.yaml <<'YAML'
experiment: {name: e, seeds: [0, 1]}
datasets: [{name: s, file: s.h5, split: {kind: k_fold, k: 4, seed: 42}}]
models: [{name: popularity}, {name: ease}, {name: random}]
evaluate:
  k: [5, 10]
  metrics: [precision, recall, ndcg, map, r_precision, auc, coverage, gini, entropy, pop_reo, pop_rsp, novelty, arp, serendipity]
  dialects: [default, lenskit, implicit, rectools]
  strata: [item_popularity, item_warmth, user_activity, user_warmth]
compare:
  pairs: [{a: ease, b: popularity, metric: ndcg, k: 10}, {a: ease, b: random, metric: auc}]
  ranks: [{metric: ndcg, k: 10}]
report: {tables: [csv], plots: []}
YAML
check run gives 0 "24 of 24 cells done" "$R" run e.yaml --out two --threads 2
check one_thread gives 0 "24 of 24 cells done" "$R" run e.yaml --out one --threads 1
same() { for f in metrics.csv per_user.h5 significance.csv ranks.csv intervals.csv; do cmp one/$f two/$f || return 1; done; }
check same_bytes same
M=two/metrics.csv
check no_cutoff test -n "$(value $M ease r_precision '' default all)"
check dialect_without_the_metric test -z "$(value $M ease r_precision '' lenskit all)"
check coverage_is_one_number test "$(value $M random coverage 10 default all | wc -w)" = 8
check strata_are_there test "$(value $M ease ndcg 10 default tail | wc -w)" = 8
check gaps_are_there test "$(value $M ease ndcg 10 default user_activity_gap | wc -w)" = 8
check aggregates_have_strata test "$(value $M ease coverage 10 default activity_q1 | wc -w)" = 8
sums() { # the mean over the quarters, weighed by their users, is the mean over all
    python3 - <<'PY'
import csv
rows = [r for r in csv.DictReader(open("two/metrics.csv")) if r["dialect"] == "default" and r["metric"] == "recall" and r["k"] == "5"]
for fold in "0123":
    mine = [r for r in rows if r["fold"] == fold and r["model"] == "ease" and r["seed"] == "0"]
    whole = [r for r in mine if r["stratum"] == "all"][0]
    parts = [r for r in mine if r["stratum"].startswith("activity_q")]
    assert len(parts) == 4 and sum(int(r["n_users"]) for r in parts) == int(whole["n_users"])
    mean = sum(float(r["value"]) * int(r["n_users"]) for r in parts) / int(whole["n_users"])
    assert abs(mean - float(whole["value"])) < 1e-8, (mean, whole)
PY
}
check quarters_add_up sums
check tables_show_the_default_alone test "$(grep -c ease two/tables/s.csv)" = 1
check ranks_of_all_models test "$(wc -l <two/ranks.csv)" = 4
intervals() { # every number but gaps has one, about its mean over folds and seeds
    python3 - <<'PY'
import collections, csv
key = lambda r: tuple(r[c] for c in ("dataset", "label", "params", "metric", "k", "dialect", "stratum"))
values = collections.defaultdict(list)
for r in csv.DictReader(open("two/metrics.csv")):
    if not r["stratum"].endswith("_gap") and r["value"] != "nan":
        values[key(r)].append(float(r["value"]))
found = {key(r): r for r in csv.DictReader(open("two/intervals.csv"))}
missing = [k for k in values if k not in found]
assert not missing and len(found) == len(values) > 1000, (len(found), len(values), missing[:5])
for k, r in found.items():
    mean = sum(values[k]) / len(values[k])
    assert abs(float(r["mean"]) - mean) < 1e-8 * max(1, abs(mean)), (r, mean)
    assert float(r["low"]) <= mean + 1e-9 and mean <= float(r["high"]) + 1e-9, r
assert {r["method"] for k, r in found.items() if k[3] == "ndcg" and k[6] == "all"} == {"bca"}
assert {r["method"] for k, r in found.items() if k[3] == "coverage" and k[1] == "ease"} == {"jackknife"}
PY
}
check intervals_of_every_number intervals
head=$(head -n 1 two/significance.csv)
check family_of_two test "$(wc -l <two/significance.csv)" = 3
check significance_head test "${head##*,}" = significant
check over_folds gives 0 "24 cells, 0 to run" "$R" run e.yaml --out two --set compare.over=folds
check folds_are_the_pairs grep -q 'ndcg,10,4,.*,default,folds,' two/significance.csv
check one_fold_is_refused gives 0 "seeds of one split show nothing" "$R" run e.yaml --out random --set compare.over=folds \
    --set datasets.0.split='{kind: random, test: 0.2}'

# --- how fits went, popularity of lists, the same fits under other masks and rules of ties
cat >w.yaml <<'YAML'
experiment: {name: w, seeds: [0]}
datasets: [{name: s, file: s.h5, split: {kind: random, test: 0.2, valid: 0.1, scope: per_user, seed: 1}}]
models: [{name: popularity}, {name: svd}, {name: bpr_mf, params: {epochs: 6}}, {name: ials, params: {iterations: 4}}, {name: item_knn},
  {name: logistic_mf, params: {iterations: 6, learning_rate: 0.3}}, {name: slim, params: {alpha: 0.01}}]
evaluate: {k: [5, 10], metrics: [ndcg, recall], dialects: [default, lenskit], validation_every: 2, multiverse: {}}
report: {tables: [csv], plots: []}
YAML
check watched gives 0 "7 cells done" "$R" run w.yaml --out w2
check watched_by_one_thread gives 0 "7 cells done" "$R" run w.yaml --out w1 --threads 1
for f in curves popularity multiverse; do check "${f}_any_threads" cmp w1/$f.csv w2/$f.csv; done
check watching_changes_nothing gives 0 "" "$R" run w.yaml --out w0 --set evaluate.validation_every=0
check same_metrics cmp w0/metrics.csv w2/metrics.csv
check curves_are_drawn gives 0 "7 cells done" "$R" run w.yaml --out w3 --set 'report.plots=[curves]'
for name in ndcg@10 quality accuracy; do # the right axis is called what the curves are; quality: some are called otherwise
    [ $name = quality ] && sed -i '/,svd,/s/validation ndcg@10/validation accuracy/' w3/curves.csv
    [ $name = accuracy ] && sed -i 's/validation ndcg@10/validation accuracy/' w3/curves.csv
    check "axis_of_curves_$name" gives 0 "" "$R" report w3
    check "axis_is_called_$name" grep -q "quality_name = 'validation $name'" w3/plots/s-curves.gp
done
watched() {
    python3 - <<'PY'
import csv, collections
curves = collections.defaultdict(dict)
for r in csv.DictReader(open("w2/curves.csv")):
    curves[r["model"], r["curve"]][int(r["step"])] = float(r["value"])
assert set(curves) == {("svd", "rmse"), ("bpr_mf", "loss"), ("ials", "loss"), ("logistic_mf", "loss"), ("slim", "columns still moving")} | {(m, "validation ndcg@10") for m in ("svd", "bpr_mf", "ials", "logistic_mf")}, set(curves)
for (model, curve), points in curves.items():
    if curve == "validation ndcg@10":
        assert all(s % 2 == 0 and 0 <= v <= 1 for s, v in points.items())
    else:
        assert sorted(points) == list(range(1, len(points) + 1)) and points[len(points)] < points[1], (model, points)
shares = collections.Counter()
for r in csv.DictReader(open("w2/popularity.csv")):
    if r["by"] == "items":
        for what in ("train", "test", "recommended"):
            shares[r["model"], r["k"], what] += float(r[what])
        assert abs(float(r["train"]) - .1) < .05
assert len(shares) == 42 and all(abs(v - 1) < 1e-6 for v in shares.values())
value = {}
for r in csv.DictReader(open("w2/multiverse.csv")):
    value[r["model"], r["mask"], r["ties"], r["metric"], r["k"], r["dialect"]] = float(r["value"])
assert len(value) == 7 * 2 * 5 * 2 * 2 * 2, len(value)
for r in csv.DictReader(open("w2/metrics.csv")):
    assert value[r["model"], "train+valid", "hash", r["metric"], r["k"], r["dialect"]] == float(r["value"])
moved = 0
for (model, mask, ties, *rest), v in value.items():
    low, high = value[(model, mask, "relevant_last", *rest)], value[(model, mask, "relevant_first", *rest)]
    assert low - 1e-12 <= v <= high + 1e-12, (model, mask, ties, rest)
    moved += low < high
assert moved > 0 # popularity has ties
PY
}
check watched_rightly watched

# --- mistakes
bad() { check "$1" gives 2 "$2" "$R" plan e.yaml "${@:3}"; }
bad seeds_are_no_sample "not whether a difference would hold on other data" --set compare.over=seeds
bad too_few_draws "take more than 20000" --set compare.alpha=0.0001
bad aggregate_by_users "coverage is one number for all users" --set compare.pairs.0.metric=coverage
bad unknown_dialect "did you mean 'lenskit'" --set evaluate.dialects.1=lenskitt
bad unknown_stratum "did you mean 'user_warmth'" --set evaluate.strata.0=user_warmt
bad dialect_lacks "evaluate does not measure auc" --set compare.pairs.1.dialect=lenskit
check no_such_column gives 5 "no user column 'age'" "$R" run e.yaml --out column --set 'evaluate.strata=[user:age]'
bad a_mask_twice "stands twice" --set evaluate.multiverse.mask='[train, train]'
bad unknown_ties "expected hash, index_rising" --set evaluate.ties=index_risin

# --- diversity by vectors of the items
cat >v.yaml <<'YAML'
experiment: {name: v, seeds: [0]}
datasets: [{name: s, file: s.h5, split: {kind: random, test: 0.2, seed: 1}}]
models: [{name: popularity}, {name: ease}]
evaluate: {k: [10], metrics: [ndcg, ild, ild_text, ild_vectors], vectors: {encoder: random}}
report: {tables: [csv], plots: []}
YAML
check vectors gives 0 "2 of 2 cells done" "$R" run v.yaml --out v
near_one() { python3 -c "import sys; v = [float(x) for x in sys.argv[1:]]; assert len(v) == 1 and abs(v[0] - 1) < .05, v" $(value v/metrics.csv ease ild_vectors 10 default all); }
check random_vectors_are_at_right_angles near_one
check vectors_have_intervals grep -q 'ild_vectors,10,default,all' v/intervals.csv
check vectors_in_the_written_experiment gives 0 "2 cells, 0 to run" "$R" run v/experiment.yaml --out v
check missing_encoder gives 0 "ild_vectors has no value" "$R" run v.yaml --out v3 --set evaluate.vectors.encoder=nowhere
check missing_encoder_leaves_the_rest test "$(value v3/metrics.csv ease ndcg 10 default all; value v3/metrics.csv ease ild_vectors 10 default all)" = "$(value v/metrics.csv ease ndcg 10 default all)"
check vectors_are_needed gives 2 "ild_vectors needs evaluate.vectors" "$R" plan e.yaml --set 'evaluate.metrics=[ild_vectors]'
check vectors_need_the_metric gives 2 "no metric takes them" "$R" plan v.yaml --set 'evaluate.metrics=[ild]'
