#!/usr/bin/env bash
# Searches inside an experiment: the best setting by validation rows is the cell's model; trials.csv; killed and resumed, one thread or two,
# in shards and merged: the same bytes; a refit on train and validation rows equals a plain fit of the whole.
set -uo pipefail
program=$(realpath "$BUILD/recfuse")
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export OMP_WAIT_POLICY=passive
say() { if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; cat log 2>/dev/null; fi; }
same() { cmp "$1/metrics.csv" "$2/metrics.csv" && cmp "$1/trials.csv" "$2/trials.csv" && cmp "$1/per_user.h5" "$2/per_user.h5"; }

cat >x.yaml <<'YAML'
experiment: {name: x, save_models: true}
datasets:
  - {name: a, file: a.h5, split: {kind: random, test: 0.2, seed: 1}, validation: {kind: random, test: 0.2, seed: 2}}
models:
  - {name: popularity}
  - {name: ease, label: EASE, fit_on: train+valid, search: {strategy: bayesian, trials: 7, initial: 3, test_too: true, space: {l2: {low: 0.1, high: 10000, log: true}}}}
  - {name: ials, label: iALS, fit_on: train+valid, params: {patience: 2, factors: 8}, search: {strategy: halving, resource: iterations, from: 2, to: 8, eta: 2, trials: 4, space: {alpha0: {low: 0.01, high: 1, log: true}, solver: all}}}
  - {name: rp3beta, search: {strategy: grid, space: {k: {low: 5, high: 20, steps: 2}, alpha: {low: 0.5, high: 1.5, steps: 3}}}}
evaluate: {k: [10], metrics: [ndcg, recall]}
compare: [{a: EASE, b: popularity, metric: ndcg, k: 10}]
expect: [{dataset: a, model: EASE, metric: ndcg, k: 10, value: 0.5, tolerance: 0.5}]
report: {tables: [csv, md, tex], plots: [budget]}
YAML
"$program" synth -o a.h5 --users 150 --items 80 --interactions 4000 --seed 1 >log || say 1 synth
"$program" run x.yaml --out one --threads 1 >out 2>log; say $? runs_searches
"$program" run x.yaml --out two --threads 2 >log 2>&1 && same one two >log 2>&1; say $? one_thread_and_two_give_the_same_bytes
[ ! -e one/trials ]; say $? trial_files_go_when_their_cells_are_done
grep -q 'EASE.* 7 ' out && grep -q 'trials' one/tables/a.md && grep -q ',trials,' one/tables/a.csv; say $? tables_show_the_number_of_trials

# The chosen trial is the best by validation, and is what was measured: EASE's own test value of that trial is the cell's.
awk -F, '$3 == "EASE" { n++; v = $(NF - 7); if (v > best) { best = v; at = $5 } if ($(NF - 3) == 1) { chosen = $5; test = $(NF - 5) } }
    END { exit !(n == 7 && at == chosen); }' one/trials.csv 2>log; say $? the_best_on_validation_rows_is_chosen
test_value=$(python3 - <<'PY'
import csv
print([r["test"] for r in csv.DictReader(open("one/trials.csv")) if r["label"] == "EASE" and r["chosen"] == "1"][0])
PY
)
grep -q ",EASE,.*,ndcg,10,default,all,$test_value," one/metrics.csv 2>log; say $? the_refitted_best_is_what_is_measured
[ "$(grep -c ',iALS,' one/trials.csv)" = 7 ] && [ "$(grep -c ',rp3beta,' one/trials.csv)" = 6 ] >log 2>&1; say $? halving_and_grids_have_their_trials

# The last line of the plot of the winner by budget: with all trials, EASE reaches the chosen one's test value, or the best one's by test rows.
if command -v gnuplot >/dev/null; then
    best=$(python3 -c 'import csv; print(max(float(r["test"]) for r in csv.DictReader(open("one/trials.csv")) if r["label"] == "EASE"))')
    awk -v a="$test_value" -v b="$best" '/^EOD/ { exit !(last == "7 " a " " b) } { last = $0 }' one/plots/a-budget.gp 2>log && [ -s one/plots/a-budget.svg ]
    say $? the_winner_by_budget_is_drawn
else
    echo "skipped the_winner_by_budget_is_drawn"
fi
# Killed at any trial and taken up again.
for wait in 0.05 0.12 0.2 0.3; do
    "$program" run x.yaml --out killed >log 2>&1 & id=$!
    sleep $wait; kill -KILL $id 2>/dev/null; wait $id 2>/dev/null
done
printf '{"trial":9' >>"$(ls killed/trials/*.jsonl 2>/dev/null | head -n 1 || echo /dev/null)" 2>/dev/null # a torn line
"$program" run x.yaml --out killed >log 2>&1 && same one killed >log 2>&1; say $? killed_and_resumed_gives_the_same_bytes
# Stopped in the middle of a search: half of its trials stay and are not run again.
key=$(python3 - <<'PY'
import json
for line in open("one/journal.jsonl"):
    line = json.loads(line)
    if line.get("label") == "EASE":
        print(line["search_key"])
        with open("half.jsonl", "w") as out:
            for t in line["trials"][:4]:
                t["seconds"] = 12345.5
                out.write(json.dumps(t) + "\n")
PY
)
mkdir -p half/trials && head -n 1 one/journal.jsonl >half/journal.jsonl && cp half.jsonl "half/trials/$key.jsonl"
"$program" run x.yaml --out half >log 2>&1 && same one half >log 2>&1 && [ "$(grep -o '"seconds":12345.5' half/journal.jsonl | wc -l)" = 4 ]
say $? trials_of_a_stopped_search_are_taken_up

"$program" run x.yaml --shard 1/2 --out s1 >log 2>&1 && "$program" run x.yaml --shard 2/2 --out s2 >log 2>&1 &&
    "$program" merge s1 s2 -o merged >log 2>&1 && same one merged >log 2>&1
say $? shards_merge_to_the_same_bytes
"$program" run one/experiment.yaml --out again >log 2>&1 && same one again >log 2>&1; say $? the_resolved_experiment_reads_back

user=$("$program" recommend --help >/dev/null 2>&1; sed -n 2p one/tables/a.csv >/dev/null; echo u0)
"$program" recommend --run one --dataset a --model EASE --user nobody --top 3 >log 2>&1
user=$(sed -n "s/.*'\([^']*\)' for example.*/\1/p" log)
"$program" recommend --run one --dataset a --model EASE --user "$user" --top 3 >saved 2>log
rm -r one/models
"$program" recommend --run one --dataset a --model EASE --user "$user" --top 3 >fitted 2>log && cmp saved fitted >log 2>&1
say $? recommend_takes_the_chosen_setting

# fit_on alone: the same model as without a validation part.
cat >y.yaml <<'YAML'
experiment: {name: y}
datasets:
  - {name: a, file: a.h5, split: {kind: random, test: 0.2, seed: 1}, validation: {kind: random, test: 0.2, seed: 2}}
models:
  - {name: ease, fit_on: train+valid}
  - {name: svd, fit_on: train+valid}
evaluate: {k: [10], metrics: [ndcg]}
report: {tables: [csv], plots: []}
YAML
"$program" run y.yaml --out whole >log 2>&1
sed -e 's/, validation: .*/}/' -e 's/, fit_on: train+valid//' y.yaml >z.yaml
"$program" run z.yaml --out plain >log 2>&1
cut -d, -f8- whole/metrics.csv | grep -o 'ndcg.*' >a; cut -d, -f8- plain/metrics.csv | grep -o 'ndcg.*' >b
[ -s a ] && cmp a b >log 2>&1; say $? fit_on_train_and_valid_is_a_fit_on_all_of_train

# history: weights of train alone; the validation rows are in the user's history when test rows are ranked, not when validation rows are.
cat >h.yaml <<'YAML'
experiment: {name: h}
datasets:
  - {name: a, file: a.h5, split: {kind: random, test: 0.2, seed: 1}, validation: {kind: random, test: 0.2, seed: 2}}
models:
  - {name: MODEL, label: plain, params: PARAMS}
  - {name: MODEL, label: told, history: train+valid, params: PARAMS}
  - {name: MODEL, label: whole, fit_on: train+valid, params: PARAMS}
  - {name: MODEL, label: both, fit_on: train+valid, history: train+valid, params: PARAMS}
evaluate: {k: [10], metrics: [ndcg]}
report: {tables: [csv], plots: []}
YAML
for m in 'item_knn {k: 20}' 'ease {l2: 10}' 'ease {l2: 10, binary: false}' 'slim {k: 20, alpha: 0.01}' 'p3alpha {k: 20}' 'rp3beta {k: 20}'; do
    sed -e "s/MODEL/${m%% *}/; s/PARAMS/${m#* }/" h.yaml >m.yaml
    "$program" run m.yaml --out history --fresh >log 2>&1 &&
        python3 - >>log 2>&1 <<'PY'
import csv
v = {r["label"]: r["value"] for r in csv.DictReader(open("history/metrics.csv"))}
assert len({v["plain"], v["told"], v["whole"]}) == 3 and v["both"] == v["whole"], v
PY
    say $? "history_$(tr -dc a-z0-9_ <<<"$m")"
done
sed -e 's/MODEL/ease/; s/PARAMS/{l2: 10}/' -e '/plain\|whole\|both/d' h.yaml >m.yaml
"$program" run m.yaml --out kept --fresh --set experiment.save_models=true >log 2>&1
"$program" recommend --run kept --dataset a --model told --user "$user" --top 5 >saved 2>log && rm -r kept/models &&
    "$program" recommend --run kept --dataset a --model told --user "$user" --top 5 >fitted 2>log && cmp saved fitted >log 2>&1
say $? recommend_takes_the_history

# A search of what stands inside: the wrapper is put around the best model, whose trials are those of the model alone; rows that share it repeat
# none; what is inside that stops early fits again as long.
cat >w.yaml <<'YAML'
experiment: {name: w}
datasets:
  - {name: a, file: a.h5, split: {kind: random, test: 0.2, seed: 1}, validation: {kind: random, test: 0.2, seed: 2}}
models:
  - {name: strategy, label: ruled, fit_on: train+valid, params: {base: {name: ease, search: &s {trials: 5, space: {l2: {low: 0.1, high: 10000, log: true}}}}, rules: [{mmr: {by: genres, lambda: 0.7}}]}}
  - {name: strategy, label: as it is, fit_on: train+valid, params: {base: {name: ease, search: *s}, candidates: 80, rules: []}}
  - {name: ease, label: alone, fit_on: train+valid, search: *s}
  - {name: weighted, label: blend, search: {trials: 2, seed: 3, space: {folds: {low: 5, high: 15}}}, params: {models: [item_knn, {name: ials, params: {factors: 8, iterations: 9, patience: 1}, search: {trials: 3, space: {alpha0: {low: 0.01, high: 1, log: true}}}}]}}
  - {name: strategy, label: deep, params: {base: {name: strategy, params: {base: {name: ease, search: *s}, rules: [{mmr: {by: genres}}]}, search: {strategy: grid, space: {candidates: [20, 40]}}}, rules: []}}
evaluate: {k: [10], metrics: [ndcg, recall]}
report: {tables: [csv], plots: []}
YAML
"$program" run w.yaml --out in1 --threads 1 >out 2>log; say $? runs_searches_inside
"$program" run w.yaml --out in2 --threads 2 >log 2>&1 && same in1 in2 >log 2>&1; say $? inside_one_thread_and_two
[ ! -e in1/trials ] && grep -q 'ruled.* 5 ' out && grep -q 'blend.* 5 ' out && grep -q 'deep.* 7 ' out; say $? inside_trials_are_counted
python3 - >log 2>&1 <<'PY'
import csv, json
rows = list(csv.DictReader(open("in1/trials.csv")))
of = lambda label, inside: [r for r in rows if r["label"] == label and r["inside"] == inside]
strip = lambda rs: [(r["params"], r["value"], r["chosen"]) for r in rs]
alone = strip(of("alone", ""))
assert len(alone) == 5 and alone == strip(of("ruled", "base")) == strip(of("as it is", "base"))
assert len(of("blend", "models.1")) == 3 and len(of("blend", "")) == 2 and len(of("deep", "base.params.base")) == 5 and len(of("deep", "base")) == 2
# deep is not fitted on validation rows too, so its key is another; its trials have the same values
assert [t[:2] for t in strip(of("deep", "base.params.base"))] == [t[:2] for t in alone]
lines = {}
for line in open("in1/journal.jsonl"):
    line = json.loads(line)
    lines[line.get("label")] = line
keys = {lines["ruled"]["inside"][0]["search_key"], lines["as it is"]["inside"][0]["search_key"], lines["alone"]["search_key"]}
seconds = lambda s: [t["seconds"] for t in s["trials"]]
assert len(keys) == 1 and seconds(lines["ruled"]["inside"][0]) == seconds(lines["alone"]), keys
assert max(t["epochs"] for t in lines["blend"]["inside"][0]["trials"]) <= 9
v = {r["label"]: r["value"] for r in csv.DictReader(open("in1/metrics.csv")) if r["metric"] == "ndcg"}
assert v["alone"] == v["as it is"] != v["ruled"], v
PY
say $? inside_trials_are_shared_with_the_model_alone

# The row is what the parameters written by hand give: with the epochs of the best trial, for nothing judges a model inside another.
python3 - >w2.yaml 2>log <<'PY'
import json
lines = {}
for line in open("in1/journal.jsonl"):
    line = json.loads(line)
    lines[line.get("label")] = line
text = open("w.yaml").read().splitlines()
head, tail = text[:4], [t for t in text if t.startswith(("evaluate", "report"))]
l2 = lines["ruled"]["inside"][0]["chosen"]["l2"]
blend, inner = lines["blend"], lines["blend"]["inside"][0]
best = inner["trials"][inner["chosen_trial"]]
print(*head, sep=chr(10))
print("  - {name: strategy, label: ruled, fit_on: train+valid, params: {base: {name: ease, params: {l2: %.9g}}, rules: [{mmr: {by: genres, lambda: 0.7}}]}}" % l2)
print("  - {name: weighted, label: blend, params: {folds: %d, models: [item_knn, {name: ials, params: {factors: 8, iterations: %d, alpha0: %.9g}}]}}" % (blend["chosen"]["folds"], best["epochs"], inner["chosen"]["alpha0"]))
print(*tail, sep=chr(10))
PY
values() { grep ",\(ruled\|blend\)," "$1/metrics.csv" | grep -o '[a-z]*,10,default.*'; }
"$program" run w2.yaml --out hand >log 2>&1 && [ "$(values in1 | wc -l)" = 4 ] && cmp <(values in1) <(values hand) >>log 2>&1; say $? inside_equals_the_parameters_by_hand
for wait in 0.03 0.06 0.1 0.15; do
    "$program" run w.yaml --out inkilled >log 2>&1 & id=$!
    sleep $wait; kill -KILL $id 2>/dev/null; wait $id 2>/dev/null
done
"$program" run w.yaml --out inkilled >log 2>&1 && same in1 inkilled >log 2>&1 && [ ! -e inkilled/trials ]; say $? inside_killed_and_resumed
"$program" recommend --run in1 --dataset a --model ruled --user "$user" --top 5 >x1 2>log && "$program" recommend --run hand --dataset a --model ruled --user "$user" --top 5 >x2 2>log && cmp x1 x2 >>log 2>&1
say $? inside_recommend_takes_the_chosen_setting
"$program" run in1/experiment.yaml --out inagain >log 2>&1 && same in1 inagain >log 2>&1; say $? inside_the_resolved_experiment_reads_back
"$program" run w.yaml --set models.0.params.base.search.space='{l3: {low: 1, high: 2}}' --out bad >log 2>&1; [ $? -eq 2 ] && grep -q "unknown parameter of ease 'l3'; did you mean 'l2'" log; say $? inside_a_bad_space_is_refused
"$program" run w.yaml --set models.0.params.base.params='{l2: 3}' --out bad >log 2>&1; [ $? -eq 2 ] && grep -q "stands under params and under search" log; say $? inside_params_and_search_are_refused
sed -e 's/, validation: .*/}/' -e '/alone\|blend/d' -e 's/fit_on: train+valid, //' w.yaml >none.yaml
"$program" run none.yaml --out none >log 2>&1; [ $? -eq 2 ] && grep -q 'needs validation rows' log; say $? inside_without_validation_rows_is_refused

# a folder of a version whose trials.csv had no column `inside`
cp -r one old && sed -i 's/,[^,]*$//' old/trials.csv && "$program" report old >log 2>&1 && cmp one/tables/a.md old/tables/a.md >log 2>&1; say $? trials_of_an_earlier_version_are_reported

# negatives: validation rows among few drawn items are worth more than among all, and are the same draw for each trial and thread.
sed -e 's/test_too: true, space: {l2/test_too: true, negatives: 10, space: {l2/' x.yaml >n.yaml
"$program" run n.yaml --out few --threads 1 >log 2>&1 && "$program" run n.yaml --out few2 --threads 2 >log 2>&1 && same few few2 >log 2>&1 &&
    python3 - >log 2>&1 <<'PY'
import csv
rows = lambda f: {r["params"]: r for r in csv.DictReader(open(f)) if r["label"] == "EASE"}
all_, few = rows("one/trials.csv"), rows("few/trials.csv")
common = all_.keys() & few.keys()
assert len(common) >= 3, (all_, few)
for p in common:
    assert float(few[p]["value"]) > 1.2 * float(all_[p]["value"]) and few[p]["test"] == all_[p]["test"], (few[p], all_[p])
PY
say $? a_search_judged_among_drawn_items

sed -e 's/, validation: .*/}/' x.yaml >none.yaml
"$program" run none.yaml --out none >log 2>&1; [ $? -eq 2 ] && grep -q 'none.yaml:6:.*needs validation rows' log; say $? a_search_without_validation_rows_is_refused
"$program" run x.yaml --set 'models.1.search.space.l2={low: 1, high: 20000, log: true}' --out one >log 2>&1; [ $? -eq 2 ] && grep -q 'search.space.l2' log
say $? a_changed_search_in_the_same_folder_is_refused
exit 0
