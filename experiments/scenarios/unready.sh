#!/usr/bin/env bash
# Of a finished run of courses.yaml: how often a model recommends a course of which the learner lacks a prerequisite, among its ten best, and
# how many of the lists have such a course.
#   usage: experiments/scenarios/unready.sh [RUN_DIR]
set -euo pipefail
cd "$(dirname "$0")/../.."
run=${1:-results/courses} data=datasets/scenarios/courses.h5
[ -f "$run/record.json" ] || { echo "unready: no finished run in $run; run experiments/scenarios/courses.yaml first" >&2; exit 3; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build/recfuse export-topk "$run" -o "$work/lists" --format csv --top 10 --rows >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
# ITEM NEED NEED ...: `recfuse text` prints each item's id and, below, the ids of its prerequisites
build/recfuse text "$data" --fields prerequisites --show 1000000 --width 10000 |
    awk 'NF == 1 && /^[^ ]/ { item = $1 } $1 == "text" && NF > 1 { gsub(/,/, ""); sub(/^ *text */, ""); print item, $0 }' >"$work/needs"
printf '%-24s %22s %14s\n' model 'courses not ready for' 'lists with any'
for list in "$work"/lists/*.run.csv; do
    label=$(basename "$list" .run.csv)
    label=${label#courses.fold0.}
    awk -F, -v label="${label%.seed0}" -v needs="$work/needs" '
        BEGIN { while ((getline line < needs) > 0) { n = split(line, part, " "); for (k = 2; k <= n; k++) need[part[1]] = need[part[1]] " " part[k] } }
        FNR == 1 { next }
        NR == FNR { had[$1, $2] = 1; next }
        { bad = 0; n = split(need[$2], part, " "); for (k = 1; k <= n; k++) bad = bad || !(($1, part[k]) in had)
          places++; unready += bad; users[$1] = 1; if (bad) with[$1] = 1 }
        END { for (u in users) n_users++; for (u in with) n_with++
              printf "%-24s %21.1f%% %13.1f%%\n", label, 100 * unready / places, 100 * n_with / n_users }' \
        "$work/lists/courses.fold0.train.csv" "$list"
done
