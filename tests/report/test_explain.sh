#!/usr/bin/env bash
# recfuse explain: a tree as text and picture, the same from a saved model and from one that is fitted again; what is refused.
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
  - {name: decision_tree, label: Tree, params: {encoder: none, max_leaves: 5, min_samples_leaf: 5}}
  - {name: random_forest, label: Forest, params: {encoder: none, trees: 3, max_depth: 4}}
  - {name: stacking, label: Stack, params: {meta: gbdt, trees: 5, patience: 0}}
  - {name: stacking, label: Linear}
evaluate: {k: [10], metrics: [ndcg]}
report: {tables: [csv], plots: []}
YAML
"$program" synth -o a.h5 --users 200 --items 80 --interactions 5000 --seed 1 >log && "$program" run x.yaml --out r >log 2>&1 || say 1 run
"$program" explain --run r --model Tree --depth 12 -o pic >tree 2>log; say $? explains_a_tree
[ "$(grep -c 'rows)$' tree)" -ge 5 ] && head -n 1 tree | grep -q 'Tree on a, fold 0: tree 1 of 1, 5 leaves' && grep -q '├─ yes: ' tree; say $? the_text_has_splits_and_five_leaves
# A leaf's rows add up to the root's.
awk 'NR == 2 { match($0, /\([0-9.]+ rows/); root = substr($0, RSTART + 1, RLENGTH - 6) } NR > 2 && !/gain/ && /rows\)/ { match($0, /\([0-9.]+ rows/); sum += substr($0, RSTART + 1, RLENGTH - 6) } END { exit !(root > 0 && sum == root) }' tree
say $? rows_of_leaves_add_up
if command -v gnuplot >/dev/null; then
    grep -q '<svg' pic.svg && [ "$(head -c 4 pic.png | tail -c 3)" = PNG ] && [ "$(grep -c 'rows' pic.svg)" -ge 9 ]; say $? pictures_are_drawn
    cp pic.svg before.svg; gnuplot pic.gp && cmp pic.svg before.svg >log 2>&1; say $? the_script_draws_it_again
else
    echo "skipped pictures_are_drawn"
fi
"$program" explain --run r --model Forest --tree 3 --depth 2 >out 2>log && grep -q 'tree 3 of 3' out && grep -q '\.\.\. (' out; say $? one_of_a_forest_cut_at_a_depth
"$program" explain --run r --model Stack >out 2>log && grep -qE 'ease|item_knn|popularity|activity' out; say $? stacked_trees_name_their_models
rm -r r/models
"$program" explain --run r --model Tree --depth 12 >again 2>log && cmp <(grep -v drawn tree) again >log 2>&1; say $? fitted_again_it_is_the_same
for bad in "--model popularity" "--model Linear" "--model Tree --tree 2" "--model Tre"; do
    # shellcheck disable=SC2086
    "$program" explain --run r $bad >log 2>&1; [ $? -eq 2 ] && [ "$(wc -l <log)" -eq 1 ]; say $? "refuses_${bad//[^A-Za-z]/_}"
done
exit 0
