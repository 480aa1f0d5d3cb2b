#!/usr/bin/env bash
# Experiments from outside: exit codes, going on after a kill, refusing a changed experiment, shards, threads, full disk.
# BUILD is the build folder; everything happens in a temporary folder.
set -u
R=$(realpath "${BUILD:-build/release}/recfuse")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

check() { # check NAME COMMAND...: ok when the command succeeds
    local name=$1; shift
    if "$@" >check.log 2>&1; then echo "ok $name"; else echo "not ok $name"; sed 's/^/    /' check.log | tail -n 12; fi
}
gives() { # gives STATUS WORD COMMAND...: exit status, and WORD in what it says, in at most three lines of error
    local want=$1 word=$2 got; shift 2
    "$@" >out.log 2>err.log; got=$?
    cat out.log err.log
    echo "status $got, expected $want; looking for '$word'"
    [ $got -eq "$want" ] && grep -qF -- "$word" out.log err.log
}
same() { # same A B: the records that must not depend on how the run went
    for f in metrics.csv per_user.h5 audit.csv significance.csv experiment.yaml; do cmp "$1/$f" "$2/$f" || return 1; done
}

"$R" synth -o s.h5 --users 60 --items 80 --interactions 1500 --seed 3 >/dev/null || { echo "not ok synth"; exit 1; }
cat >e.yaml <<'EOF'
experiment: {name: e, seeds: [0, 1]}
datasets: [{name: s, file: s.h5, split: {kind: random, test: 0.2, valid: 0.1, scope: per_user, seed: 42}}]
models:
  - {name: popularity}
  - {name: random}
  - {name: ials, label: "iALS, \"q\"", params: {iterations: 4}, grid: {factors: [8, 16], alpha0: [0.1, 1]}}
  - {name: ease}
evaluate: {k: [5, 10], metrics: [precision, recall, ndcg]}
compare: [{a: ease, b: popularity, metric: ndcg, k: 10}]
report: {tables: [csv], plots: []}
EOF

# --- a run, and the same again
check run gives 0 "14 of 14 cells done" "$R" run e.yaml --out whole --threads 2
check run_again gives 0 "14 cells, 0 to run" "$R" run e.yaml --out whole
check one_thread gives 0 "" "$R" run e.yaml --out one --threads 1
check threads_same_bytes same whole one
check csv_rows test "$(wc -l <whole/metrics.csv)" = $((1 + 14 * 6))
check csv_head test "$(head -n 1 whole/metrics.csv)" = \
    "dataset,fold,model,label,params,seed,split,candidates,metric,k,dialect,stratum,value,n_users"
check audit_rows test "$(grep -c '^s,0,' whole/audit.csv)" = 18
check audit_finds_leaks grep -q '^s,0,later_rows,leak,[1-9]' whole/audit.csv
check audit_in_record grep -q '"later_rows"' whole/record.json
check audit_on_page grep -q 'What the auditor found' whole/index.html
check audit_in_plan gives 0 "audit, leak: " "$R" plan e.yaml
check resolved_runs gives 0 "14 cells, 0 to run" "$R" run whole/experiment.yaml --out whole
check report gives 0 ease "$R" report whole

# --- killed at many points, then again
killed() {
    local n=0 i
    for i in $(seq 1 40); do
        "$R" run e.yaml --out killed >/dev/null 2>&1 &
        local pid=$!
        sleep "0.0$((i % 7 + 1))"
        if kill -9 $pid 2>/dev/null; then n=$((n + 1)); fi
        wait $pid 2>/dev/null
        [ "$(grep -c '"status":"done"' killed/journal.jsonl 2>/dev/null)" = 14 ] && break
    done
    "$R" run e.yaml --out killed >/dev/null 2>&1 || return 1
    [ $n -gt 0 ] && same whole killed && ! ls killed/*.tmp killed/cells/*.tmp 2>/dev/null
}
check kill_and_go_on killed

torn() { # a journal cut inside a line, a damaged cell file
    cp -r whole torn
    truncate -s -7 torn/journal.jsonl
    first=$(ls torn/cells | head -n 1); printf x | dd of="torn/cells/$first" bs=1 seek=100 conv=notrunc 2>/dev/null
    "$R" run e.yaml --out torn >torn.log 2>&1 || return 1
    cat torn.log
    same whole torn && grep -q '14 cells, 2 to run' torn.log
}
check torn_journal_and_cell torn

# A long fit, stopped by SIGINT and by SIGTERM: its own status, then on to the same bytes.
stopped() {
    local signal=$1 want=$2 got
    # a background command of a script ignores SIGINT, so a parent of its own sets that right
    python3 - "$signal" "$R" >sig.log 2>&1 <<'EOF'
import signal, subprocess, sys, time
p = subprocess.Popen([sys.argv[2], "run", "e.yaml", "--out", "stop" + sys.argv[1], "--threads", "1",
                      "--set", "models.2.params.iterations=10000"], stdout=subprocess.DEVNULL,
                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
time.sleep(0.5)
p.send_signal(getattr(signal, "SIG" + sys.argv[1]))
sys.exit(p.wait() % 256)
EOF
    got=$?; cat sig.log; echo "status $got"
    [ $got -eq "$want" ] && [ ! -e "stop$signal/metrics.csv" ] && grep -q '"status":"done"' "stop$signal/journal.jsonl"
}
check interrupted stopped INT 130
check terminated stopped TERM 75

# --- a changed experiment, --fresh, --set
check changed_refused gives 2 "models.3.name was \"ease\", is \"item_knn\"" \
    "$R" run e.yaml --out whole --set models.3.name=item_knn --set models.3.label=ease
check changed_refused_param gives 2 "models.2.params.iterations was 4, is 5" "$R" run e.yaml --out whole --set models.2.params.iterations=5
check fresh gives 0 "moved to one.old-1" "$R" run e.yaml --out one --fresh --set models.2.params.iterations=5
check fresh_keeps_old same whole one.old-1
"$R" synth -o s2.h5 --users 60 --items 80 --interactions 1500 --seed 4 >/dev/null
cp s.h5 keep.h5; cp s2.h5 s.h5
check data_changed gives 2 "content of dataset s changed" "$R" run e.yaml --out whole
cp keep.h5 s.h5
check other_folder gives 2 "no results folder" "$R" run e.yaml --out .
check two_at_once bash -c "exec 8<>whole/.lock && flock 8 && { '$R' run e.yaml --out whole; [ \$? -eq 4 ]; }"

# --- shards
shards() {
    for i in 1 2 3; do "$R" run e.yaml --shard $i/3 >/dev/null 2>&1 || return 1; done
    "$R" merge results/e-shard-*-of-3 -o merged || return 1
    same whole merged
}
check shards_and_merge shards
check merge_missing gives 75 "cells are in none of the folders" "$R" merge results/e-shard-1-of-3 results/e-shard-2-of-3 -o part
check merge_then_run gives 0 "14 cells, 5 to run" "$R" run e.yaml --out part
check merge_then_run_same same whole part
check merge_other gives 2 "not the same experiment" "$R" merge whole one -o nope
check merge_no_run gives 3 "no results folder" "$R" merge . -o nope

# --- bad input: the right status, one sentence, nothing half-written
check no_command gives 2 "which command?" "$R"
check unknown_command gives 2 "did you mean 'run'?" "$R" rum
check unknown_option gives 2 "--out-dir" "$R" run e.yaml --out-dir x
check no_experiment gives 2 "no such experiment file" "$R" run none.yaml
check a_folder_as_experiment gives 2 "is a folder, expected an experiment file" "$R" run /
check misspelt gives 2 "did you mean 'factors'?" "$R" run e.yaml --set models.2.params.factor=3
check negative gives 2 "from 1 to 4096" "$R" run e.yaml --set models.2.params={factors:\ -3} --set models.2.grid={alpha0:\ [1]}
check bad_set gives 2 "path.to.key=value" "$R" run e.yaml --set nonsense
check bad_shard gives 2 "i/N" "$R" run e.yaml --shard 3
check shard_too_high gives 2 "i/N" "$R" run e.yaml --shard 4/3
check bad_threads gives 2 "--threads" "$R" run e.yaml --threads none
check unknown_model_help gives 2 "did you mean 'ials'?" "$R" models ialz
check missing_file gives 3 "none.h5" "$R" info none.h5
check text_as_hdf5 gives 3 "e.yaml" "$R" info e.yaml
head -c 3000 s.h5 >cut.h5
check truncated gives 3 "cut.h5" "$R" run e.yaml --out bad --set datasets.0.file=cut.h5
check truncated_left_nothing test ! -e bad
check missing_dataset gives 3 "none.h5 is missing: run recfuse import FORMAT SOURCE -o none.h5" "$R" run e.yaml --out skip --set datasets.0.file=none.h5
check missing_dataset_tables grep -q "skipped: none.h5 is missing" skip/tables/s.csv
check empty_after_filter gives 3 "min_rating" "$R" run e.yaml --out bad --set "datasets.0.filter=[{min_rating: 1000}]"
check empty_left_nothing test ! -e bad
check under_a_file gives 4 "is a file" "$R" run e.yaml --out e.yaml/results
check cuda gives 0 "device cuda: this program was built without CUDA" "$R" plan e.yaml --device cuda
cat >two.yaml <<'EOF'
experiment: {name: two}
datasets:
  - {name: s, file: s.h5, split: {kind: random, test: 0.2, seed: 42}}
  - {name: cut, file: cut.h5, split: {kind: random, test: 0.2, seed: 42}}
  - {name: gone, file: gone.h5, split: {kind: given, test: gone.tsv, train: rest}}
models: [{name: popularity}, {name: random}]
evaluate: {k: [10], metrics: [ndcg]}
expect: [{dataset: gone, model: popularity, metric: ndcg, k: 10, value: 0.5, tolerance: 0}]
report: {tables: [csv], plots: []}
EOF
check some_failed gives 5 "2 of 6 cells done, 2 skipped, 2 failed" "$R" run two.yaml
check expect_skipped gives 5 "expect skipped: gone popularity ndcg@10: gone.h5 is missing" "$R" run two.yaml
check expect_failed gives 1 "expect FAILED: s popularity ndcg@10" "$R" run e.yaml --out torn \
    --set "expect=[{dataset: s, model: popularity, metric: ndcg, k: 10, value: 2, tolerance: 0.1, source: here}]"

# --- metrics of ratings: beside ranking ones, and alone; models that predict none have no line
cat >ratings.yaml <<'EOF'
experiment: {name: ratings}
datasets: [{name: s, file: s.h5, split: {kind: random, test: 0.2, scope: per_user, seed: 42}}]
models: [{name: popularity}, {name: baseline}, {name: svd, params: {factors: 8, epochs: 3}}]
evaluate: {k: [5, 10], metrics: [rmse, ndcg, mae]}
compare: [{a: baseline, b: svd, metric: rmse}]
expect: [{dataset: s, model: baseline, metric: mae, value: 1, tolerance: 1}]
report: {tables: [csv, md, tex], plots: [metrics]}
EOF
check ratings gives 0 "3 of 3 cells done" "$R" run ratings.yaml --out ratings
check ratings_lines test "$(grep -c ',rmse,,default,' ratings/metrics.csv)" = 2
check ratings_ranked_too test "$(grep -c ',ndcg,' ratings/metrics.csv)" = 6
check ratings_compared grep -q '^"s","baseline","svd",rmse,,' ratings/significance.csv
check ratings_empty grep -qE '^\| popularity \| [*.0-9]+ \|  \|  \|' ratings/tables/s.md
# the best of the column is the lowest
check ratings_lowest_is_best python3 - <<'END'
import csv
row = [r for r in csv.DictReader(open("ratings/tables/s.csv")) if r["rmse"]]
best = min(row, key=lambda r: float(r["rmse"]))["label"]
line = [l for l in open("ratings/tables/s.md") if l.startswith("| " + best.replace("_", "\\_") + " |")]
assert line and "**%.4f**" % min(float(r["rmse"]) for r in row) in line[0], line
END
check ratings_resolved gives 0 "3 cells, 0 to run" "$R" run ratings/experiment.yaml --out ratings
check ratings_alone gives 0 "expect met: s baseline mae" "$R" run ratings.yaml --out alone --set evaluate.metrics=[mae,rmse]
check ratings_alone_lines test "$(wc -l <alone/metrics.csv)" = 5

# A disk that is full: a limit on file sizes makes writes fail at some point of the run.  First large enough for cells
# and journal, too small for the rest; then nearly nothing.
full() {
    local blocks=$1 got f
    rm -rf full
    (ulimit -f "$blocks"; "$R" run e.yaml --out full >out.log 2>err.log); got=$?
    cat err.log; echo "status $got; $(ls full)"
    [ $got -eq 4 ] || return 1
    for f in metrics.csv per_user.h5; do [ ! -e full/$f ] || cmp full/$f whole/$f || return 1; done
    [ ! -e full/record.json ] || python3 -m json.tool full/record.json >/dev/null || return 1
    [ -z "$(find full -name '*.tmp')" ] || return 1
    "$R" run e.yaml --out full >/dev/null 2>&1 && same whole full
}
check full_disk_early full 1
check full_disk_late full 16

# --- recommend
check recommend gives 0 "liked before" "$R" recommend --run whole --dataset s --model ease --user u1 --top 3
check recommend_unknown gives 2 "did you mean 'ease'?" "$R" recommend --run whole --dataset s --model eas --user u1
check recommend_no_user gives 2 "has no user 'nobody'" "$R" recommend --run whole --dataset s --model ease --user nobody
check recommend_no_run gives 3 "no run" "$R" recommend --run nowhere --dataset s --model ease --user u1
saved() { # a kept model recommends as a refitted one
    "$R" run e.yaml --out kept --set experiment.save_models=true >/dev/null 2>&1 || return 1
    ls kept/models/*.h5 >/dev/null || return 1
    "$R" recommend --run kept --dataset s --model ease --user u7 >a.txt && rm -r kept/models &&
        "$R" recommend --run kept --dataset s --model ease --user u7 >b.txt && cmp a.txt b.txt
}
check recommend_saved saved

# --- what there is
check plan gives 0 "14 cells" "$R" plan e.yaml
check version_json bash -c "'$R' version --json | grep -q '\"commit\":'"
check models gives 0 "factors" "$R" models ials
check formats gives 0 "leave_one_out" "$R" formats
check metrics gives 0 "ndcg" "$R" metrics
check help gives 0 "130 interrupted" "$R" --help
for c in run merge plan report import info synth recommend models metrics formats embed text version; do
    check "help_$c" gives 0 "Usage: recfuse $c" "$R" $c --help
done
