#!/usr/bin/env bash
# Tests in strata: significance-strata.csv against values of each user computed anew from the lists and rows that `recfuse export-topk` writes, the paired t by the
# finite series of its distribution (Abramowitz, Stegun 26.7.3 and 26.7.4), Holm's steps by hand.  What is not tested is said.
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
says() { # says WORDS COMMAND...: it succeeds, with these words
    local words=$1; shift
    "$@" >out.log 2>&1 || { cat out.log; return 1; }
    grep -qF -- "$words" out.log || { cat out.log; echo "looking for '$words'"; return 1; }
}
"$R" synth -o s.h5 --users 80 --items 150 --interactions 900 --seed 3 >/dev/null || { echo "not ok synth"; exit 1; }
cat >x.yaml <<'YAML'
experiment: {name: x, seeds: [0, 1]}
datasets: [{name: s, file: s.h5, split: {kind: k_fold, k: 2, seed: 4}}]
models: [{name: item_knn, label: "Item, \"knn\""}, {name: popularity}, {name: random}]
evaluate: {k: [10], metrics: [ndcg, recall, coverage], strata: [item_warmth, user_warmth, user_activity]}
compare:
  pairs: [{a: item_knn, b: popularity, metric: ndcg, k: 10}, {a: item_knn, b: random, metric: recall, k: 10}]
report: {tables: [csv, md, tex], plots: [], strata: true}
YAML
check run says "Differences in ndcg@10 by user_warmth" "$R" run x.yaml --out two --threads 2
check one_thread says "12 of 12 cells done" "$R" run x.yaml --out one --threads 1
check same_bytes cmp one/significance-strata.csv two/significance-strata.csv
check same_tables cmp one/tables/s-compare-strata.csv two/tables/s-compare-strata.csv
"$R" export-topk two -o lists --rows --format csv >/dev/null || echo "not ok export"
anew() {
    python3 - <<'PY'
import collections, csv, math
LABEL = {'Item, "knn"': "Item___knn_"}
rows = lambda f: list(csv.DictReader(open(f)))
def key(r): # user, item
    return list(r.values())[:2]

def per_user(label, metric): # {stratum: {user: [values over folds and seeds]}}
    out = collections.defaultdict(lambda: collections.defaultdict(list))
    for fold in "01":
        train, test = collections.defaultdict(set), collections.defaultdict(set)
        for r in rows(f"lists/s.fold{fold}.train.csv"):
            train[key(r)[0]].add(key(r)[1])
        for r in rows(f"lists/s.fold{fold}.qrels.csv"):
            test[key(r)[0]].add(key(r)[1])
        seen = set().union(*train.values())
        for seed in "01":
            lists = collections.defaultdict(list)
            for r in rows(f"lists/s.fold{fold}.{LABEL.get(label, label)}.seed{seed}.run.csv"):
                lists[key(r)[0]].append(key(r)[1])
            for user, items in test.items():
                warmth = "warm_users" if len(train[user]) >= 5 else "cold_users"
                for stratum, relevant in (("all", items), (warmth, items), ("warm_items", items & seen), ("cold_items", items - seen)):
                    if not relevant:
                        continue
                    hits = [i for i, item in enumerate(lists[user][:10]) if item in relevant]
                    if metric == "recall":
                        value = len(hits) / len(relevant)
                    else:
                        value = sum(1 / math.log2(i + 2) for i in hits) / sum(1 / math.log2(i + 2) for i in range(min(10, len(relevant))))
                    out[stratum][user].append(value)
    return {s: {u: sum(v) / len(v) for u, v in users.items()} for s, users in out.items()}

def p_of_t(t, n): # two-sided
    theta = math.atan(abs(t) / math.sqrt(n))
    c, s, term, total = math.cos(theta), math.sin(theta), 1.0, 0.0
    for k in range(n // 2 if n % 2 == 0 else (n - 1) // 2):
        total += term
        term *= c * c * ((2 * k + 1) / (2 * k + 2) if n % 2 == 0 else (2 * k + 2) / (2 * k + 3))
    return 1 - (s * total if n % 2 == 0 else 2 / math.pi * (theta + s * c * total))

assert abs(p_of_t(2.228138852, 10) - .05) < 1e-9 and abs(p_of_t(2.262157163, 9) - .05) < 1e-9 # of printed tables
close = lambda x, y, what: abs(float(x) - y) <= 1e-8 * max(1, abs(y)) or exec("raise AssertionError((what, x, y))")
found = rows("two/significance-strata.csv")
assert [r["stratum"] for r in found] == 2 * (["warm_items", "cold_items", "warm_users", "cold_users"] + [f"activity_q{q}" for q in range(1, 5)]), found
n_checked = 0
for r in found + rows("two/significance.csv"):
    stratum = r.get("stratum", "all")
    if stratum.startswith("activity"):
        continue
    a, b = per_user(r["a"], r["metric"])[stratum], per_user(r["b"], r["metric"])[stratum]
    assert set(a) == set(b) and len(a) == int(r["n_users"]) >= 10, r
    d = [a[u] - b[u] for u in a]
    n, mean = len(d), sum(d) / len(d)
    close(r["mean_a"], sum(a.values()) / n, r), close(r["mean_b"], sum(b.values()) / n, r), close(r["mean_difference"], mean, r)
    spread = math.sqrt(sum((x - mean) ** 2 for x in d) / (n - 1))
    close(r["p"], p_of_t(mean / (spread / math.sqrt(n)), n - 1) if spread > 0 else 1, r)
    n_checked += spread > 0
assert n_checked >= 8, n_checked
p = sorted(float(r["p"]) for r in found)
before, holm = 0, {}
for i, x in enumerate(p): # the smallest of 16 times 16, the next times 15 ...
    before = holm[x] = max(before, min(1, x * (16 - i)))
for r in found:
    close(r["p_holm"], holm[float(r["p"])], r), close(r["p_bonferroni"], min(1, 16 * float(r["p"])), r)
    assert r["significant"] == str(int(holm[float(r["p"])] < .05)), r
assert {r["significant"] for r in found} == {"0", "1"}
assert any(r["significant"] == "0" and float(r["p"]) < .05 for r in found) # corrected away
whole = rows("two/significance.csv") # a family of its own
assert len(whole) == 2 and all(abs(float(r["p_bonferroni"]) - min(1, 2 * float(r["p"]))) < 1e-9 for r in whole)
by_table = {(r["b"], r["stratum"]): r for r in rows("two/tables/s-compare-strata.csv")}
for r in found:
    t = by_table.pop((r["b"], r["stratum"]))
    assert (t["difference"], t["low"], t["high"], t["n_users"], t["p"], t["p_corrected"], t["significant"]) == (
        r["mean_difference"], r["low"], r["high"], r["n_users"], r["p"], r["p_holm"], r["significant"]), (t, r)
assert not by_table
PY
}
check figures_computed_anew anew
marked() { # in every form
    grep -A5 '^## Differences in recall@10 by item' two/tables/s.md | grep -qF 'p corrected for 16 tests in strata, of the whole (all) for 2: paired t over users, Holm' &&
        grep -A7 '^## Differences in recall@10 by item' two/tables/s.md | grep -q '^| random | +0.[0-9]*† .* | +0.[0-9]*† (.*) | -0.[0-9]* (' &&
        grep -A4 '^## recall@10 by item' two/tables/s.md | grep -qF '† differs from it significantly' &&
        grep -A9 '^## recall@10 by item' two/tables/s.md | grep -q '^| random | 0.[0-9]*† (.*) | 0.[0-9]*† (.*) | \*\*0.[0-9]*\*\* (' &&
        grep -A9 'Differences in recall@10 by item' two/tables/s.tex | grep -q '^random &.*dagger.*&.*dagger.*&[^d]*-' &&
        grep -q '<h3>Differences in recall@10 by item_warmth</h3>' two/index.html && grep -q 'Significance tests in strata' two/index.html
}
check marked_in_every_table marked
terminal() { "$R" run x.yaml --out two --set 'compare.pairs=[{a: item_knn, b: random, metric: recall, k: 10}]' >out.log 2>&1; grep -A2 '^Differences in recall@10 by item_warmth' out.log | grep -q '^random  *+0.[0-9]*†  *+0.[0-9]*†  *-0.[0-9]*$'; }
check marked_on_the_terminal terminal

passed_over() { # a line of the whole, which is no stratum
    cp two/significance-strata.csv kept.csv && sed -n '2s/[^,]*$/all/p' kept.csv >>two/significance-strata.csv && "$R" report two &&
        [ "$(wc -l <two/tables/s-compare-strata.csv)" = "$(wc -l <kept.csv)" ] && mv kept.csv two/significance-strata.csv
}
check a_line_of_the_whole_is_passed_over passed_over

# --- a stratum that is the whole is no test, nor one of fewer than ten users
cat >w.yaml <<'YAML'
experiment: {name: w, seeds: [0]}
datasets: [{name: s, file: w.h5, split: {kind: random, test: 0.2, scope: per_user, seed: 4}}]
models: [{name: popularity}, {name: random}]
evaluate: {k: [10], metrics: [ndcg], strata: [item_warmth, user_warmth, user_activity]}
compare: {pairs: [{a: popularity, b: random, metric: ndcg, k: 10}], test: randomisation, draws: 1000, alpha: 0.002}
report: {tables: [md], plots: [], strata: true}
YAML
"$R" synth -o w.h5 --users 46 --items 30 --interactions 700 --seed 5 >/dev/null
check too_few_draws_are_told says "1000 draws for a family of 4 tests in strata at alpha 0.002 can't show anything there; take more than 2000" "$R" run w.yaml --out w
check the_whole_is_no_test test "$(tail -n +2 w/significance-strata.csv | sed 's/.*,//' | tr '\n' ' ')" = "activity_q1 activity_q2 activity_q3 activity_q4 "
"$R" synth -o w.h5 --users 30 --items 30 --interactions 500 --seed 5 >/dev/null
check small_strata_are_told says "no part of the users has enough of them" "$R" run w.yaml --out small
check small_strata_have_no_test test "$(wc -l <small/significance-strata.csv)" = 1

# --- what is not tested is said: the folder of an earlier version, comparisons over folds; going on makes the file again
cp one/significance-strata.csv kept.csv && rm one/significance-strata.csv
check an_old_folder_still_reports "$R" report one
check an_old_folder_says_so grep -q 'not tested: the run has no significance-strata.csv' one/tables/s.md
old() { ! grep -q 'Differences in recall' one/tables/s.md && grep -q '^## recall@10 by item' one/tables/s.md; }
check an_old_folder_keeps_its_values old
check going_on says "12 cells, 0 to run" "$R" run x.yaml --out one
check made_again cmp kept.csv one/significance-strata.csv
check over_folds_says_so says "not tested: compare is over folds" "$R" run x.yaml --out one --set compare.over=folds
check over_folds_leaves_none test ! -e one/significance-strata.csv -a ! -e one/tables/s-compare-strata.csv
check over_folds_in_the_tables grep -q 'Differences in strata are not tested: compare is over folds' one/tables/s.md

# --- what an experiment no longer asks for is no result of it: files of an earlier run into the folder go
check ranked "$R" run x.yaml --out one --set 'compare.ranks=[{metric: ndcg, k: 10}]'
there() { test -e one/significance.csv -a -e one/ranks.csv -a -e one/intervals.csv -a -e one/tables/s-compare.csv; }
check files_are_there there
check asked_no_more says "12 cells, 0 to run" "$R" run x.yaml --out one --set 'compare={intervals: 0}'
gone() { ! ls one | grep 'significance\|ranks\|intervals' && test ! -e one/tables/s-compare.csv && ! grep 'Comparisons by\|†' one/tables/s.md; }
check files_are_gone gone
