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
# One JSON value, whatever is drawn; titles from a file; texts together as alone; what is streamed is the text; activations in 8 bits.
bad=0
for seed in 1 2 3; do
    "$program" generate -m "$model" -t 'A film as JSON: ' -n 40 --temperature 1.5 --seed $seed --json | sed -E 's/.*"text": (".*")}$/\1/' |
        python3 -c 'import json, sys; json.loads(json.loads(sys.stdin.read()))' 2>>"$log" || { bad=1; cat "$log"; }
done
is json $bad 0
printf ' Heat\n Alien\n' >"$log.titles"
text=$("$program" generate -m "$model" -t 'A film about a ship in space:' --choices "$log.titles" | sed -E 's/.*"text": //')
rm -f "$log.titles"
[[ $text == '" Alien"}' || $text == '" Heat"}' ]] && echo "ok choices_of_a_file" || echo "not ok choices_of_a_file: $text"
together=$("$program" generate -m "$model" -t 'The capital of France is' -t 'Two and two' -n 6)
alone=$("$program" generate -m "$model" -t 'The capital of France is' -n 6; "$program" generate -m "$model" -t 'Two and two' -n 6)
is together_as_alone "$together" "$alone"
"$program" generate -m "$model" -t 'The capital of France is' -n 12 --stop '.' --stream >"$log"
is stream "$(sed -nE 's/.*"new": "(.*)"}/\1/p' "$log" | tr -d '\n')" "$(tail -n 1 "$log" | sed -E 's/.*"text": "(.*)"}/\1/')"
is int8 "$("$program" logits -m "$model" -t 'The capital of France is' --top 1 --activations int8 | grep -oE '\[\[[0-9]+')" "[[506"
is cache_in_8_bits "$("$program" generate -m "$model" -t 'The capital of France is' -n 6 --cache int8)" "$("$program" generate -m "$model" -t 'The capital of France is' -n 6)"
fails activations_unknown 2 "neither float32 nor int8" "$program" logits -m "$model" -t x --activations int4
fails json_or_choices 2 "exclude each other" "$program" generate -m "$model" -t x --json --choice a
# A text beyond the context (40,000 tokens for 32,768), an empty one, one that is not UTF-8.
head -c 80000 /dev/zero | sed 's/\x00\x00/ a/g' >"$log.long"
is context_is_kept "$("$program" logits -m "$model" -t "$(cat "$log.long")" 2>&1 >/dev/null | grep -c 'at most 32768'; echo "${PIPESTATUS[0]}")" "$(printf '1\n2')"
rm -f "$log.long"
is empty "$("$program" generate -m "$model" -t '' -n 3 | grep -c '"ids"')" 1
is not_utf8 "$("$program" generate -m "$model" -t $'\xff\xfe\x80 film' -n 3 | grep -c '"ids"')" 1
# Weights are mapped, not copied: scoring stays below the file, the cache (a float32 key and value of 256 in 18 blocks a token) and 100 MiB.
is peak_memory "$(python3 - "$program" "$model" <<'P'
import glob, os, resource, subprocess, sys
text = "a film about two friends " * 40
subprocess.run([sys.argv[1], "score", "-m", sys.argv[2], "-p", text, "-c", " who find", "-c", " in Rome"], check=True, stdout=subprocess.DEVNULL)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
limit = os.path.getsize(glob.glob(sys.argv[2] + "/*.gguf")[0]) + 230 * 2 * 4 * 256 * 18 + (100 << 20)
print("below" if peak < limit else f"{peak} of {limit}")
P
)" below
head -c 100000 "$model"/*.gguf >"$log.gguf"
fails cut_off_model 3 "bytes follow" "$program" score -m "$log.gguf" -p x -c y
rm -f "$log.gguf"
