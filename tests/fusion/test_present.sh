#!/usr/bin/env bash
# `recfuse present` on a small run, with Gemma 3 270M where it is there: what is shown says no number that the facts lack, the report's page has it.
set -uo pipefail
program=$BUILD/recfuse model=${RECFUSE_MODELS:-models}/gemma work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_WAIT_POLICY=passive
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
"$program" present --run "$work/run" >"$work/log" 2>&1; [ $? -eq 2 ] && grep -q -e "--run and --model" "$work/log" && ok model_needed || not_ok model_needed
"$program" present --run "$work/run" --model Popular --top 0 >"$work/log" 2>&1; [ $? -eq 2 ] && grep -q -e "--top: found 0 for top of present, expected a whole number from 1" "$work/log" && ok option_out_of_range || not_ok option_out_of_range
# The block `present` of an experiment: the same settings; without a decoder it says what to do, and the rest is there.
{ cat "$work/e.yaml"; echo "present: {model: Popular, users: 2, top: 1, tries: 1, tokens: 8, decoder: $model}"; } >"$work/b.yaml"
"$program" run "$work/b.yaml" --set present.decoder=none --out "$work/skipped" >"$work/log" 2>&1 && grep -q "present: skipped: .*get-models" "$work/log" &&
    grep -q "present: skipped: .*get-models" "$work/skipped/index.html" && [ ! -e "$work/skipped/present.csv" ] && ok block_without_decoder || not_ok block_without_decoder
"$program" run "$work/b.yaml" --set present.tires=3 --out "$work/bad" >"$work/log" 2>&1; [ $? -eq 2 ] && grep -q "did you mean 'tries'" "$work/log" && ok block_unknown_key || not_ok block_unknown_key
"$program" run "$work/b.yaml" --set present.model=Populer --out "$work/bad" >"$work/log" 2>&1; [ $? -eq 2 ] && grep -q "did you mean 'Popular'" "$work/log" && ok block_unknown_model || not_ok block_unknown_model
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

# Killed between users and run again: the same bytes; once done, nothing runs; other settings are another key, and no block leaves no texts.
same() { cmp "$work/one/present.csv" "$1/present.csv" && cmp "$work/one/present-summary.csv" "$1/present-summary.csv"; }
"$program" run "$work/b.yaml" --out "$work/one" --threads 1 >"$work/log" 2>&1 && [ "$(wc -l <"$work/one/present.csv")" = 3 ] && [ ! -e "$work/one/present" ] && ok block_writes_texts || not_ok block_writes_texts
"$program" run "$work/b.yaml" --out "$work/two" --threads 2 >"$work/log" 2>&1 & id=$!
for _ in $(seq 3000); do
    [ -n "$(cat "$work"/two/present/*.jsonl 2>/dev/null)" ] && break
    sleep 0.02
done
kill -KILL $id 2>/dev/null; wait $id 2>/dev/null
[ "$(cat "$work"/two/present/*.jsonl | wc -l)" -ge 1 ] && printf '{"torn' >>"$(ls "$work"/two/present/*.jsonl)" && kept=$(head -n 1 "$work"/two/present/*.jsonl)
"$program" run "$work/b.yaml" --out "$work/two" >"$work/log" 2>&1 && [ -n "$kept" ] && same "$work/two" >>"$work/log" 2>&1 && ok block_killed_and_resumed || not_ok block_killed_and_resumed
"$program" run "$work/b.yaml" --out "$work/two" >"$work/log" 2>&1 && [ "$(grep -c '"after"' "$work/two/journal.jsonl")" = 1 ] && ! grep -q "present: " "$work/log" && ok block_done_once || not_ok block_done_once
grep -q "What users are shown, with" "$work/two/index.html" && grep -q "how many texts passed" "$work/two/index.html" && ok block_on_the_page || not_ok block_on_the_page
"$program" run "$work/b.yaml" --set present.users=1 --out "$work/two" >"$work/log" 2>&1 && [ "$(wc -l <"$work/two/present.csv")" = 2 ] && ok block_changed || not_ok block_changed
"$program" run "$work/e.yaml" --out "$work/two" >"$work/log" 2>&1 && [ ! -e "$work/two/present.csv" ] && ok block_taken_away || not_ok block_taken_away
