#!/usr/bin/env bash
# `recfuse compress` on MiniLM: the folder that it writes is an encoder, the table says what it costs; what cannot be is refused.
set -uo pipefail
program=$BUILD/recfuse model=${RECFUSE_MODELS:-models}/minilm
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
log=$folder/log
fails() { # fails NAME STATUS WORD COMMAND...
    local name=$1 status=$2 word=$3; shift 3
    "$@" >"$log" 2>&1; local got=$?
    [ $got -eq "$status" ] && grep -q -- "$word" "$log" && echo "ok $name" || { echo "not ok $name: status $got"; cat "$log"; }
}
is() { if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: got $2, expected $3"; fi; }
fails compress_without_output 2 "needed" "$program" compress -m "$folder"
fails compress_nothing 3 "no model.safetensors" "$program" compress -m "$folder" -o "$folder/new"
fails compress_unknown_type 2 "expected keep" "$program" compress -m "$folder" -o "$folder/new" --type q3
if [ ! -e "$model/model.safetensors" ]; then
    echo "skipped compress_command: no $model (tools/get-models.sh minilm)"
    exit 0
fi
printf 'Toy Story (1995)\nHeat (1995)\nA river runs through it\n' >"$folder/texts"
"$program" compress -m "$model" -o "$folder/small" -t int8_row --embedding-type int8_row --text "$folder/texts" --int8 >"$folder/table" 2>"$log" || cat "$log"
# Three rows: before, after, after with products of 8 bits.  A quarter of the bytes, cosines above .997.
is table "$(awk -F'|' 'NR > 2 { print (NR == 3 ? $4 > 90 && $7 ~ /-/ : $4 < 24.5 && $7 > 0.997 && $8 > 0.997) }' "$folder/table" | tr '\n' ' ')" "1 1 1 "
is embeds "$("$program" embed -m "$folder/small" -t 'Toy Story (1995)' | grep -oE '"ids": \[[0-9, ]*\]')" "$("$program" embed -m "$model" -t 'Toy Story (1995)' | grep -oE '"ids": \[[0-9, ]*\]')"
fails compress_again 2 "compressed already" "$program" compress -m "$folder/small" -o "$folder/smaller" -t q4_0
fails compress_onto_itself 2 "take the old one's place" "$program" compress -m "$model" -o "$model" -t q8_0
fails compress_gguf_type 2 "is for GGUF files" "$program" compress -m "$model" -o "$folder/x" -t q4_k
fails compress_no_dataset 3 "no-such.h5" "$program" compress -m "$model" -o "$folder/x" -t q4_0 --dataset "$folder/no-such.h5"
