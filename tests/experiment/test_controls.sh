#!/usr/bin/env bash
# test_controls.sh - plan and run warn of models whose language model has no control beside it, once, by name.
set -uo pipefail
program=$(realpath "$BUILD/recfuse")
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
say() { if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; cat log; fi; }
"$program" synth -o a.h5 --users 60 --items 40 --interactions 900 --seed 1 >log 2>&1 || say 1 synth
plan() { # plan NAME WARNINGS WORD MODELS
    printf 'experiment: {name: x}\ndatasets: [{name: a, file: a.h5, split: {kind: random, test: 0.2, seed: 1}}]\n%s\n' "$4" >x.yaml
    "$program" plan x.yaml >out 2>log; local rc=$?
    [ $rc -eq 0 ] && [ "$(grep -c '^warning: .*no controls stand beside' log)" -eq "$2" ] && grep -qF -- "$3" log out; say $? "$1"
}
plan two_without 1 "beside 'one', 'two'," 'models: [{name: llm_fusion, label: one}, {name: llm_ease, label: two}, {name: llm_content}]'
plan none_are_needed 0 one 'models: [{name: llm_fusion, label: one, controls: none}]'
plan controls 0 'one, no text' 'models: [{name: llm_fusion, label: one, controls: [ids]}]'
plan written_by_hand 0 one 'models: [{name: llm_fusion, label: one}, {name: llm_fusion, label: other, params: {encoder: shuffled}}]'
plan inside_a_model 1 "beside 'outer'," 'models: [{name: strategy, label: outer, params: {base: {name: llm_ease}, rules: [{exposure: {}}]}}]'
plan a_pipeline 0 'fusion, TF-IDF' 'fusion: {strategy: {rules: [{exposure: {}}]}}'
plan a_pipeline_that_needs_none 0 fusion 'fusion: {controls: none}'
plan a_stage_less 0 'fusion, no strategy' 'fusion: {strategy: {rules: [{exposure: {}}]}, controls: none, ablate: [strategy]}'
plan counted_words 0 one 'models: [{name: llm_fusion, label: one, params: {encoder: tfidf}}]'
plan a_grid_of_encoders 1 "beside 'one'," 'models: [{name: llm_fusion, label: one, grid: {encoder: [minilm, e5]}}]'
plan a_grid_that_needs_none 0 one 'models: [{name: llm_fusion, label: one, grid: {encoder: [minilm, e5]}, controls: none}]'
plan a_decoder_that_reads 1 "beside 'one'," 'models: [{name: llm_fusion, label: one, params: {encoder: none, features: [cross], decoder: gemma}}]'
plan a_decoder_beside_none 0 one 'models: [{name: llm_fusion, label: one, params: {encoder: none, features: [cross], decoder: gemma}}, {name: llm_fusion, label: two, params: {encoder: none}}]'
plan trees_that_read 1 "beside 'one'," 'models: [{name: gbdt, label: one, params: {encoder: minilm}}]'
plan trees_without_text 0 one 'models: [{name: gbdt, label: one, params: {encoder: minilm}}, {name: gbdt, label: two}]'
# The experiment that a run writes, read again, warns no more than the first did, and is the same one to its folder.  (No data: all is skipped.)
again() { # again NAME MODELS
    printf 'experiment: {name: x}\ndatasets: [{name: a, file: none.h5, split: {kind: random, test: 0.2, seed: 1}}]\n%s\n' "$2" >x.yaml
    rm -rf r; "$program" run x.yaml -o r >log 2>&1
    "$program" run r/experiment.yaml -o r >log 2>&1
    [ $? -eq 3 ] && grep -q 'no cell could run' log && ! grep -q 'no controls stand beside' log; say $? "$1"
}
again again_without_controls 'models: [{name: llm_fusion, label: one, controls: none}]'
again again_a_pipeline 'fusion: {controls: none}'
again again_another_encoder 'models: [{name: llm_ease, label: one, controls: [e5]}]'
exit 0
