#!/usr/bin/env bash
# Tables of comparisons and strata of a real run: their numbers are those of significance.csv, intervals.csv and metrics.csv, `recfuse report` makes the same
# bytes again, the terminal shows them where the experiment asks, and a run without either has neither.
set -uo pipefail
program=$(realpath "$BUILD/recfuse")
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export OMP_WAIT_POLICY=passive
say() { if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; cat log; fi; }
"$program" synth --users 150 --items 90 --interactions 4500 --seed 3 -o d.h5 >/dev/null || exit 1
cat >x.yaml <<'YAML'
experiment: {name: x, seeds: [1, 2]}
datasets: [{name: toy, file: d.h5, split: {kind: k_fold, k: 2, seed: 1}}]
models:
  - {name: popularity, label: "Pop, \"1\" & more"}
  - {name: random}
  - {name: ease}
evaluate: {k: [5, 10], metrics: [ndcg, recall, gini], strata: [user_activity, item_popularity]}
compare:
  pairs:
    - {a: ease, b: "Pop, \"1\" & more", metric: ndcg, k: 10}
    - {a: ease, b: random, metric: ndcg, k: 10}
    - {a: "Pop, \"1\" & more", b: random, metric: recall, k: 5}
  test: wilcoxon
report: {tables: [csv, md, tex], plots: []}
YAML
"$program" run x.yaml -o r >log 2>&1; say $? run
shown() { grep -q 'Comparisons by ndcg@10' log && ! grep -q 'recall@5$\|by user_activity' log; }
shown; say $? terminal_is_kept_short

# csv fields apart by tabs, quotes off.
tabs() { sed 's/"Pop, ""1"" & more"/P/g; s/"\({[^,]*}\)"/\1/g; s/"//g; s/,/\t/g' "$1"; }
compared() {
    paste <(tabs r/tables/toy-compare.csv) <(tabs r/significance.csv) | awk -F'\t' '
        NR == 1 { for (i = 17; i <= NF; i++) column[$i] = i; next }
        { n++; if ($1 != $(column["a"]) || $11 != $(column["mean_difference"]) || $15 != $(column["p_holm"]) ||
              $14 != $(column["p_wilcoxon"]) || $16 != $(column["significant"])) exit 1 }
        END { exit n != 3 }'
}
compared >log 2>&1; say $? differences_are_those_of_significance_csv
intervals() { # each value of -compare.csv and -strata.csv is a line of intervals.csv, but for the last of nine digits of the mean of two folds
    { tabs r/tables/toy-compare.csv | awk -F'\t' 'NR > 1 { print $1, $3, $4, "all", $5, $6, $7; print $2, $3, $4, "all", $8, $9, $10 }'
      tabs r/tables/toy-strata.csv | awk -F'\t' 'NR > 1 { print $1, $(NF-5), $(NF-4), $(NF-3), $(NF-2), $(NF-1), $NF }'; } >mine
    tabs r/intervals.csv | awk -F'\t' 'NR > 1 { print $2, $(NF-9), $(NF-8), $(NF-6), $(NF-5), $(NF-4), $(NF-3) }' >theirs
    awk '{ key = $1 " " $2 " " $3 " " $4 } NR == FNR { mean[key] = $5; bounds[key] = $6 " " $7; next }
         { n++; if (bounds[key] != $6 " " $7 || ($5 - mean[key]) ^ 2 > 1e-17) { print; exit 1 } }
         END { exit n < 50 }' theirs mine
}
intervals >log 2>&1; say $? intervals_are_those_of_intervals_csv
mkdir before; cp r/tables/* r/index.html before
"$program" report r >log 2>&1 && for f in before/*; do cmp "$f" "r/tables/${f##*/}" 2>/dev/null || cmp "$f" "r/${f##*/}" || exit 1; done >>log 2>&1
say $? made_again_the_same
"$program" run x.yaml -o r --set report.strata=true >log 2>&1; grep -q '^ndcg@10 by user_activity' log && grep -q '^ndcg@10 by item_popularity' log; say $? strata_on_the_terminal
cat >y.yaml <<'YAML'
experiment: {name: y, seeds: [1]}
datasets: [{name: toy, file: d.h5, split: {kind: random, test: 0.2, seed: 1}}]
models: [{name: popularity}, {name: random}]
evaluate: {k: [10], metrics: [ndcg]}
report: {tables: [csv, md, tex], plots: [], strata: true}
YAML
"$program" run y.yaml -o plain >log 2>&1
neither() { [ "$(find plain/tables -type f | wc -l)" -eq 3 ] && ! grep -rq 'Comparisons\| by \|†' plain/tables log; }
neither; say $? a_plain_run_has_neither
exit 0
