#!/usr/bin/env bash
# A cell's key holds the bytes of the prompt and of the decoder that llm_rerank names, also where it stands inside another model.
set -uo pipefail
program=$BUILD/recfuse work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" synth --users 30 --items 20 --interactions 300 -o "$work/d.h5" >/dev/null 2>&1
printf '[item]\n{title}\n[prompt]\n{history}\n[empty]\n-\n[answer]\n{title}\n' >"$work/p.txt"
keys() { # keys MODEL: of the cell of one model; the decoder is no model file, so the cell is not run
    printf 'experiment: {name: k, seeds: [0]}\ndatasets: [{name: d, file: %s/d.h5, split: {kind: random, test: 0.2}}]\nmodels: [%s]\nevaluate: {k: [5], metrics: [ndcg]}\n' \
        "$work" "$1" >"$work/e.yaml"
    rm -rf "$work/out"
    "$program" run "$work/e.yaml" --out "$work/out" >"$work/log" 2>&1
    grep -oE '"key": ?"[0-9a-f]{64}"' "$work/out/journal.jsonl" | sort -u
}
alone="{name: llm_rerank, params: {base: popularity, prompt: $work/p.txt, decoder: $work/m.gguf}}"
inside="{name: strategy, params: {base: {name: llm_rerank, params: {base: popularity, prompt: $work/p.txt, decoder: $work/m.gguf}}}}"
for model in alone inside; do
    echo one >"$work/m.gguf"
    printf '[item]\n{title}\n[prompt]\n{history}\n[empty]\n-\n[answer]\n{title}\n' >"$work/p.txt"
    first=$(keys "${!model}") again=$(keys "${!model}")
    echo two >"$work/m.gguf"
    decoder=$(keys "${!model}")
    echo '# changed' >>"$work/p.txt"
    prompt=$(keys "${!model}")
    if [ -n "$first" ] && [ "$first" = "$again" ] && [ "$first" != "$decoder" ] && [ "$decoder" != "$prompt" ]; then
        echo "ok keys_$model"
    else
        echo "not ok keys_$model: '$first' '$again' '$decoder' '$prompt'"; cat "$work/log"
    fi
done
