#!/usr/bin/env bash
# `recfuse present` on a small run, with Gemma 3 270M where it is there: what is shown says no number that the facts lack, the report's page has it.
set -uo pipefail
program=$BUILD/recfuse model=${RECFUSE_MODELS:-models}/gemma work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ok() { echo "ok $1"; }
not_ok() { echo "not ok $1"; cat "$work/log" 2>/dev/null; }
cat >"$work/e.yaml" <<Y
experiment: {name: shown, seeds: [0]}
datasets: [{name: d, file: $work/d.h5, split: {kind: random, test: 0.2, seed: 1}}]
models: [{name: popularity, label: Popular}]
evaluate: {k: [5], metrics: [ndcg]}
Y
"$program" synth --users 40 --items 30 --interactions 500 -o "$work/d.h5" >"$work/log" 2>&1
"$program" run "$work/e.yaml" --out "$work/run" >>"$work/log" 2>&1 || not_ok present_run
"$program" present --run "$work/run" --model Popular >"$work/log" 2>&1; [ $? -eq 2 ] && grep -q "either --user or --users" "$work/log" && ok user_or_users || not_ok user_or_users
"$program" present --run "$work/run" --model Popular --users 1 --decoder none >"$work/log" 2>&1; [ $? -eq 3 ] && grep -q "get-models" "$work/log" && ok no_decoder || not_ok no_decoder
if ! ls "$model"/*.gguf >/dev/null 2>&1; then
    echo "skipped present: no $model (tools/get-models.sh gemma)"
    exit 0
fi
"$program" present --run "$work/run" --model Popular --users 1 --decoder "$model" --prompt no-such >"$work/log" 2>&1; [ $? -eq 2 ] && grep -q "present-en" "$work/log" && ok no_prompt || not_ok no_prompt
"$program" present --run "$work/run" --model Popular --users 1 --top 2 --tries 2 --tokens 24 --measure --save --decoder "$model" >"$work/out" 2>"$work/log" || not_ok present
python3 - "$work/out" >"$work/log" 2>&1 <<'P' && ok shown_numbers_are_facts || not_ok shown_numbers_are_facts
import json, re, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) == 3 and "summary" in lines[-1], len(lines)
for line in lines[:-1]:
    for text in (line["title"], line["description"]):
        assert text and all(n in re.findall(r"\d+", line["facts"]) for n in re.findall(r"\d+", text)), (text, line["facts"])
s = lines[-1]["summary"]
assert s["users"] == 1 and s["title"]["texts"] == s["description"]["texts"] == 2 and "gain" in s["title"]
P
"$program" report "$work/run" >"$work/log" 2>&1 && grep -q "What users are shown" "$work/run/index.html" && ok page_shows_it || not_ok page_shows_it
