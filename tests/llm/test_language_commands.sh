#!/usr/bin/env bash
# `recfuse logits`, `score` and `generate` on Gemma 3 270M.  Figures: transformers' Gemma3ForCausalLM on the dequantised file, fp32 (the golden
# outputs of the models that tools/get-models.sh gets); properties where there is no figure.
set -uo pipefail
program=$BUILD/recfuse model=${RECFUSE_MODELS:-models}/gemma
log=$(mktemp); trap 'rm -f "$log"' EXIT
fails() { # fails NAME STATUS WORD COMMAND...
    local name=$1 status=$2 word=$3; shift 3
    "$@" >"$log" 2>&1; local got=$?
    [ $got -eq "$status" ] && grep -q -- "$word" "$log" && echo "ok $name" || { echo "not ok $name: status $got"; cat "$log"; }
}
fails generate_without_text 2 "a text is needed" "$program" generate -m models/none
fails logits_without_model 3 "get-models" "$program" logits -m models/none -t x
fails temperature_out_of_range 2 "not a number from 0 to 100" "$program" generate -m m -t x --temperature -1
if ! ls "$model"/*.gguf >/dev/null 2>&1; then
    echo "skipped language_commands: no $model (tools/get-models.sh gemma)"
    exit 0
fi
is() { if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: got $2, expected $3"; fi; }
is logits "$("$program" logits -m "$model" -t 'The capital of France is' --top 3 | grep -oE '\[(506|496|9079), [0-9]+\.[0-9]{2}' | tr -d '[,' | tr '\n' ' ')" \
    "506 19.09 496 18.54 9079 18.26 "
is greedy "$("$program" generate -m "$model" -t 'The capital of France is' -n 12)" \
    '{"ids": [506, 5279, 529, 506, 2891, 529, 7001, 236761, 1030, 563, 506, 7488], "text": " the capital of the country of France. It is the largest"}'
sum() { sed -E 's/.*"logprob": (-?[0-9.e+]+).*/\1/'; }
# A text in two parts has the sum of its parts' log-probabilities; one of many continuations scores as it does alone.
whole=$("$program" score -m "$model" -p 'The capital of France' -c ' is Paris' | sum)
first=$("$program" score -m "$model" -p 'The capital of France' -c ' is' | sum)
second=$("$program" score -m "$model" -p 'The capital of France is' -c ' Paris' | sum)
is score_adds_up "$(awk -v a="$whole" -v b="$first" -v c="$second" 'BEGIN { d = a - b - c; print (d < 1e-4 && d > -1e-4) ? "yes" : d }')" yes
together=$("$program" score -m "$model" -p 'The capital of France is' -c ' a large town' -c ' Paris' -c '' -c ' Rome' | sum | sed -n 2p)
is score_in_company "$(awk -v a="$together" -v b="$second" 'BEGIN { d = a - b; print (d < 1e-4 && d > -1e-4) ? "yes" : d }')" yes
bad=0
for seed in 1 2 3 4; do
    text=$("$program" generate -m "$model" -t 'I liked Toy Story. Next I watch' --temperature 2 --seed $seed --choice ' Finding Nemo' --choice ' The Matrix' \
        --choice ' The Matrix Reloaded' | sed -E 's/.*"text": "(.*)"}/\1/')
    [[ $text == ' Finding Nemo' || $text == ' The Matrix' || $text == ' The Matrix Reloaded' ]] || { bad=1; echo "'$text'"; }
done
is choices_are_kept $bad 0
a=$("$program" generate -m "$model" -t 'Once upon a time' -n 15 --temperature 1 --top-k 50 --top-p 0.9 --min-p 0.01 --repetition-penalty 1.2 --seed 5)
b=$("$program" generate -m "$model" -t 'Once upon a time' -n 15 --temperature 1 --top-k 50 --top-p 0.9 --min-p 0.01 --repetition-penalty 1.2 --seed 5)
c=$("$program" generate -m "$model" -t 'Once upon a time' -n 15 --temperature 1 --top-k 50 --top-p 0.9 --min-p 0.01 --repetition-penalty 1.2 --seed 6)
[ "$a" = "$b" ] && [ "$a" != "$c" ] && echo "ok seeds" || echo "not ok seeds: $a $b $c"
is stop "$("$program" generate -m "$model" -t 'The capital of France is' -n 12 --stop '.' | sed -E 's/.*"text": //')" '" the capital of the country of France"}'
