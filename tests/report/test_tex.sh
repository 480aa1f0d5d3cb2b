#!/usr/bin/env bash
# LaTeX tables go into a paper unchanged: they compile, and no line is wider than the page, whatever models and metrics are called.
# BUILD is the build folder; everything happens in a temporary folder.
set -u
R=$(realpath "${BUILD:-build/release}/recfuse")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

check() { # check NAME COMMAND...: ok when the command succeeds
    local name=$1; shift
    if "$@" >check.log 2>&1; then echo "ok $name"; else echo "not ok $name"; sed 's/^/    /' check.log | tail -n 12; fi
}
"$R" synth -o s.h5 --dialects --users 60 --items 50 --interactions 1200 --seed 3 >/dev/null || { echo "not ok synth"; exit 1; }
cat >e.yaml <<'YAML'
experiment: {name: e, seeds: [0]}
datasets: [{name: a_dataset-whose.name_is_as_long_as_names_get_in_experiments_2026, file: s.h5, split: {kind: random, test: 0.3, seed: 1}}]
models:
  - {name: popularity}
  - {name: item_knn, label: "item_knn (k = 50, cosine & shrinkage 100%), vectors of intfloat/multilingual-e5, v2", grid: {k: [5, 50]}}
  - {name: ease, label: anunbrokenlabelofahundredlettersthatnobodywouldeverwritebutthatmayneverthelesscomeoutofaprogram}
  - {name: oracle}
evaluate:
  k: [5, 10]
  metrics: [precision, recall, f1, ndcg, map, mrr, hit_rate, ndcg_exp, r_precision, auc, expected_rank, coverage, gini, long_tail_share, rmse]
  strata: [user_activity, item_popularity, "user:dialect"]
compare:
  - {a: popularity, b: oracle, metric: ndcg, k: 10}
  - {a: popularity, b: &long anunbrokenlabelofahundredlettersthatnobodywouldeverwritebutthatmayneverthelesscomeoutofaprogram, metric: ndcg, k: 10}
  - {a: popularity, b: *long, metric: auc}
  - {a: *long, b: oracle, metric: auc}
report: {tables: [md, csv, tex], plots: []}
YAML
check full "$R" run e.yaml --out full
check sampled "$R" run e.yaml --out sampled --set 'evaluate.candidates={kind: sampled, negatives: 10}'
check warned_in_tex grep -q 'Lists of sampled candidates, not of all items.*KDD 2020' sampled/tables/*2026.tex
check warned_in_md grep -q 'Warning.*Lists of sampled candidates' sampled/tables/*2026.md
check warned_in_csv grep -q '"Lists of sampled candidates' sampled/tables/*2026.csv
check warned_in_page grep -q 'Warning.*Lists of sampled candidates' sampled/index.html
plan_warns() { "$R" plan e.yaml --set 'evaluate.candidates={kind: sampled, negatives: 10}' | grep -q '^warning: measures of a few candidates'; }
check plan_warns plan_warns
not_warned() { ! grep -rq 'Lists of\|warning: measures' full/tables full/index.html && ! "$R" plan e.yaml | grep -q 'warning:'; }
check full_is_not_warned_of not_warned

command -v pdflatex >/dev/null || { echo "ok tables_compile # skipped: pdflatex is missing"; exit 0; }
compiles() { # compiles RUN PACKAGE
    { echo '\documentclass{article}'; [ -n "$2" ] && echo "\\usepackage{$2}"; echo '\begin{document}\input{table}\end{document}'; } >paper.tex
    cp "$1"/tables/*2026.tex table.tex
    pdflatex -interaction=nonstopmode -halt-on-error paper.tex >tex.log || { tail -n 20 tex.log; return 1; }
    ! grep -A 2 'Overfull .hbox\|Float too large\|Too many unprocessed' tex.log
}
check tables_compile compiles full booktabs
check without_booktabs compiles full ''
check tables_of_candidates_compile compiles sampled booktabs
sed -i 's/dialect=/the_dialect_of_a_user=a word for it that is longer than any table has room for, /; s/,\(the_dialect[^,]*, .\)\(,\|$\)/,"\1"\2/' full/metrics.csv full/intervals.csv full/significance-strata.csv
check report_of_long_strata "$R" report full
check long_strata_are_compared grep -q 'by the.*dialect.*corrected for .* in strata' full/tables/*2026.tex
check long_strata_compile compiles full booktabs
