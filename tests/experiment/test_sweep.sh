#!/usr/bin/env bash
# Sweeps over what there is to learn from, in one file: shares of train rows, shares of words and of noise.
# BUILD is the build folder; everything happens in a temporary folder.
set -u
R=$(realpath "${BUILD:-build/release}/recfuse")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

check() { # check NAME COMMAND...: ok when the command succeeds
    local name=$1; shift
    if "$@" >check.log 2>&1; then echo "ok $name"; else echo "not ok $name"; sed 's/^/    /' check.log | tail -n 12; fi
}
says() { # says WORD COMMAND...
    local word=$1; shift
    "$@" >out.log 2>&1; cat out.log
    grep -qF -- "$word" out.log
}

"$R" synth -o s.h5 --users 60 --items 80 --interactions 1500 --seed 3 >/dev/null || { echo "not ok synth"; exit 1; }
cat >e.yaml <<'EOF'
experiment: {name: e, seeds: [0], save_models: true}
datasets:
  - {name: s, file: s.h5, split: {kind: random, test: 0.2, seed: 42}, validation: {kind: random, test: 0.2, seed: 1}, keep_train: [0.1, 0.5, 1]}
  - {name: all, file: s.h5, split: {kind: random, test: 0.2, seed: 42}, validation: {kind: random, test: 0.2, seed: 1}}
models:
  - {name: popularity}
  - {name: ease, fit_on: train+valid}
  - {name: llm_ease, label: words of titles, params: {encoder: tfidf, text: [title, genres]}, grid: {words_kept: [0.3, 1], words_noise: [0, 0.5]}}
  - {name: bm25_content, label: words, params: {text: [title, genres], words_kept: 0.5, words_which: first}}
evaluate: {k: [10], metrics: [ndcg], strata: [item_warmth]}
compare: [{a: ease, b: popularity, metric: ndcg, k: 10}]
report: {tables: [csv, md], plots: []}
EOF

# --- one file, a dataset for each share: in the plan, the tables, the tests, the record
check plan says "dataset s-keep0.5: " "$R" plan e.yaml
check plan_says_what_is_kept_away says "keep_train: " "$R" plan e.yaml
check run says "28 of 28 cells done" "$R" run e.yaml --out two --threads 2
check one_thread says "28 of 28 cells done" "$R" run e.yaml --out one --threads 1
same() { for f in metrics.csv per_user.h5 significance.csv audit.csv; do cmp "one/$f" "two/$f" || return 1; done; }
check same_bytes_by_one_thread same
check tables test -f two/tables/s-keep0.1.md -a -f two/tables/s-keep1.md
check compared_at_each_share test "$(grep -c '^"s-keep' two/significance.csv)" = 3
check audit_says_which_texts grep -q '^s-keep0.1,0,dropped_texts,' two/audit.csv
check counted grep -q '"n_train_dropped": *[1-9]' two/record.json
check resolved_is_the_same says "28 cells, 0 to run" "$R" run two/experiment.yaml --out two
check other_share_is_refused says "datasets.1.keep_train.share was 0.5, is 0.25" "$R" run two/experiment.yaml --out two --set datasets.1.keep_train.share=0.25 --set datasets.1.name=s-keep0.5

# --- at share 1 all is as without keep_train
value() { awk -F, -v d="$1" -v m="$2" '$1 == d && $4 == m && $(NF - 2) == "all" { print $(NF - 1) }' two/metrics.csv; } # params hold commas
whole() { local m; for m in popularity ease words; do [ -n "$(value all $m)" ] && [ "$(value s-keep1 $m)" = "$(value all $m)" ] || return 1; done; }
head -n 2 two/metrics.csv >check.log
check share_1_is_all whole
fewer() { [ "$(value s-keep0.1 ease)" != "$(value all ease)" ] && [ "$(value s-keep0.1 popularity)" != "$(value all popularity)" ]; }
check less_is_something_else fewer

# --- rows: test rows are the same, train rows nested; and no list holds an item of a dropped row
check export "$R" export-topk two -o lists --rows
nested() {
    local a b
    for a in s-keep0.1 s-keep0.5; do
        cmp "lists/$a.fold0.qrels" lists/all.fold0.qrels && cmp "lists/$a.fold0.valid.csv" lists/all.fold0.valid.csv || return 1
    done
    for a in "s-keep0.1 s-keep0.5" "s-keep0.5 all"; do
        b=lists/${a#* }.fold0.train.csv a=lists/${a% *}.fold0.train.csv
        [ "$(sort "$a" | comm -23 - <(sort "$b") | wc -l)" = 0 ] && [ "$(wc -l <"$a")" -lt "$(wc -l <"$b")" ] || return 1
    done
}
check rows_are_nested nested
masked() { # no list of the smallest share holds a pair of the whole train part
    awk -F, 'NR == FNR { if (FNR > 1) seen[$1 " " $2] = 1; next } { split($0, f, /[ \t]+/); n++; if ((f[1] " " f[3]) in seen) bad++ } END { print n, bad + 0; exit !(n > 0 && bad == 0) }' \
        lists/all.fold0.train.csv lists/s-keep0.1.fold0.ease.seed0.run
}
check dropped_rows_are_masked masked
