#!/usr/bin/env bash
# `recfuse text`: every stage of a given text, of items and of what users wrote; long, wide, broken and control characters.
set -u
recfuse=$(pwd)/$BUILD/recfuse work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: '$2', expected '$3'"; fi; }
stage() { grep "^  $1 " <<<"$out" | head -n 1 | sed "s/^  $1 *//"; }

out=$("$recfuse" text --text '<b>The Films</b> &amp; Filming' --set stem=english --set ngram_max=2)
check text_cleaned "$(stage cleaned)" "the films & filming"
check text_words "$(stage words)" "the | films | filming"
check text_stops "$(stage 'no stops')" "films | filming"
check text_stems "$(stage stems)" "film | film"
check text_terms "$(stage terms)" "film | film | film film"
check text_script "$(stage script)" "latin"

out=$("$recfuse" text --width 20 --text "$(printf 'a\tb\x01\xff%.0s电影' 1; printf '长%.0s' {1..5000})")
check text_wide "$(stage cleaned)" "a b �电影长长长长长 ... (15013 bytes)"
check text_escapes "$(stage text)" 'a\u0009b\u0001\xFF电 ... (15011 bytes)'
"$recfuse" text --text x --set stem=klingon >"$work/log" 2>&1
check text_wrong_value "$? $(grep -c 'klingon' "$work/log")" "2 1"
"$recfuse" text --text x --set ngram_min=3 >"$work/log" 2>&1
check text_wrong_pair "$? $(grep -c 'ngram_max' "$work/log")" "2 1"
"$recfuse" text --text x --set 'stem=}' >"$work/log" 2>&1
check text_no_yaml "$?" "2"
out=$("$recfuse" text --text ''); check text_empty "$(stage script)" "none"

"$recfuse" synth -o "$work/d.h5" --users 60 --items 80 --interactions 1500 --seed 3 >/dev/null
out=$("$recfuse" text "$work/d.h5" --show 3 --fields title,genres,reviews)
check text_items "$(grep -c '^  cleaned' <<<"$out") $(sed -n 2p <<<"$out")" "3 i1"
out=$("$recfuse" text "$work/d.h5" --written --show 100000)
check text_written "$(grep -c '^  cleaned' <<<"$out")" "$("$recfuse" info "$work/d.h5" | awk '$1 == "n_texts" { print $2 }')"
"$recfuse" text "$work/d.h5" --fields plot >"$work/log" 2>&1
check text_no_field "$? $(grep -c "'plot'" "$work/log")" "3 1"
