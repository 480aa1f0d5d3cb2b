#!/usr/bin/env bash
# recfuse trace: every stage of a pipeline for one user, the same from saved models and from ones fitted again; what is refused.
set -uo pipefail
program=$(realpath "$BUILD/recfuse")
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export OMP_WAIT_POLICY=passive
say() { if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; cat log 2>/dev/null; fi; }
cat >x.yaml <<'YAML'
experiment: {name: x, save_models: true}
datasets: [{name: a, file: a.h5, split: {kind: random, test: 0.2, seed: 1}}]
models:
  - {name: popularity}
  - {name: llm_fusion, label: before, params: {encoder: tfidf, text: [title], dimensions: 8, collaborative: [none], epochs: 1}}
fusion:
  label: pipe
  preprocess: stop_words
  intent: {encoder: tfidf, text: [title, genres], dimensions: 8}
  preference: {name: llm_fusion, params: {collaborative: [item_knn, popularity], epochs: 2}}
  strategy: {candidates: 20, rules: [{exposure: {minimum: 0.5}}]}
  controls: [ids]
evaluate: {k: [10], metrics: [ndcg]}
report: {tables: [csv], plots: []}
YAML
"$program" synth -o a.h5 --users 200 --items 80 --interactions 5000 --seed 1 >log && "$program" run x.yaml --out r >log 2>&1 || say 1 run
"$program" trace --run r u5 >saved 2>log; say $? traces
head -n 1 saved | grep -q 'user u5 of a, fold 0, through pipe (strategy)'; say $? the_pipeline_of_the_block
grep -q '^pipeline: pipe$' r/experiment.yaml; say $? the_run_says_which_it_is
[ "$(grep -cE '^[1-4] (preprocess|intent|preference|strategy) \(' saved)" -eq 4 ]; say $? four_stages
grep -q 'item_knn, W = ' saved && grep -q 'popularity, W = ' saved; say $? each_signal_and_its_weight
# logit = text + collaborative + b, to the digits that are printed
awk '/logit -?[0-9]/ { n++; d = $4 - ($7 + $10 + $13); if (d > 0.002 || d < -0.002) bad = 1; p = 1 / (1 + exp(-$4)); if ($2 - p > 0.001 || p - $2 > 0.001) bad = 1 } END { exit !(n == 5 && !bad) }' saved
say $? parts_add_up
# What the last stage shows is what recommend shows.
"$program" recommend --run r --dataset a --model pipe --user u5 --top 5 2>log | sed -n '/recommends/,$p' | sed -n 's/.*\[\(i[0-9]*\)\]$/\1/p' >list
sed -n '/the list now/,$p' saved | sed -n 's/.*\[\(i[0-9]*\)\]$/\1/p' | cmp - list >log 2>&1; say $? the_list_is_what_is_recommended
"$program" trace --run r --model "pipe, no text" u5 2>log | grep -q 'no text is read (encoder: none)'; say $? without_text
"$program" trace --run r --model popularity u5 >out 2>log && grep -q '^1 preference (popularity)' out && ! grep -q '^2' out; say $? a_model_without_stages_is_one
sed '/^fusion:/,/^  controls/d; s/^evaluate:/pipeline: popularity\n&/' x.yaml >named.yaml; "$program" run named.yaml --out n >log 2>&1; say $? named
"$program" trace --run n u5 2>log | grep -q 'through popularity'; say $? the_one_that_the_file_names
sed -i '/^pipeline/d' named.yaml; "$program" run named.yaml --out f >log 2>&1; "$program" trace --run f u5 2>log | grep -q 'through before'; say $? the_first_model_of_stages
sed 's/^evaluate:/pipeline: nobody\n&/' named.yaml >bad.yaml; "$program" plan bad.yaml >log 2>&1; [ $? -eq 2 ] && grep -q "unknown model 'nobody'" log; say $? refuses_an_unknown_pipeline
sed 's/^evaluate:/pipeline: pipe\n&/' x.yaml >bad.yaml; "$program" plan bad.yaml >log 2>&1; [ $? -eq 2 ] && grep -q 'leave it out' log; say $? refuses_two_pipelines
rm -r r/models
"$program" trace --run r u5 2>log | cmp - saved >log 2>&1; say $? fitted_again_it_is_the_same
for bad in "nobody" "--model pip u5" "--dataset b u5" "--fold 3 u5"; do
    # shellcheck disable=SC2086
    "$program" trace --run r $bad >log 2>&1; [ $? -eq 2 ] && [ "$(wc -l <log)" -eq 1 ]; say $? "refuses_${bad//[^A-Za-z0-9]/_}"
done
exit 0
