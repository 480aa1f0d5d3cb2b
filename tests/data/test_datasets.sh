#!/usr/bin/env bash
# Every recipe of datasets/: what it says of itself, and, where the data are at hand, that its files have the recipe's sha256 and that the
# import has the published counts (COUNTS, from the publishers' pages).  And every folder of $RECFUSE_DATA has a recipe.
set -u
program=$(realpath "${BUILD:-build/release}/recfuse")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
data=${RECFUSE_DATA:-../shared/data}

for recipe in datasets/*/recipe; do
    name=$(basename "$(dirname "$recipe")")
    SOURCE='' TERMS='' FILES='' IMPORT='' COUNTS='' HOWTO=''
    export RAW=@RAW@
    # shellcheck source=/dev/null
    . "$recipe"
    if [ -n "$TERMS" ] && [ -n "$FILES" ] && [ -n "$COUNTS" ] && [ -n "$IMPORT" ] && [ -n "$SOURCE$HOWTO" ]; then
        echo "ok recipe_says_all_$name"
    else
        echo "not ok recipe_says_all_$name: source or howto, terms, files, counts and import are needed"
    fi
    place=''
    for folder in "datasets/$name/raw" "$data/$name"; do [ -z "$place" ] && [ -d "$folder" ] && place=$folder; done
    if [ -z "$place" ]; then
        echo "skipped counts_$name: not at hand: tools/get-data.sh $name"
        continue
    fi
    wrong=$(while read -r sha file; do
        [ -z "$sha" ] || [ "$(sha256sum "$place/$file" 2>/dev/null | cut -d' ' -f1)" = "$sha" ] || echo "$file"
    done <<<"$FILES")
    [ -z "$wrong" ] && echo "ok sha256_$name" || echo "not ok sha256_$name: missing or changed: $wrong"
    # shellcheck disable=SC2086
    if ! "$program" import ${IMPORT//@RAW@/$place} -o "$work/one.h5" >"$work/log" 2>&1; then
        echo "not ok counts_$name: $(tail -n 1 "$work/log")"
        continue
    fi
    got=$("$program" info "$work/one.h5" | awk '/^n_(users|items|interactions|texts) / { n[$1] = $2 }
        END { print "users", n["n_users"], "items", n["n_items"], "interactions", n["n_interactions"], "texts", n["n_texts"] }')
    [ "$got" = "$COUNTS" ] && echo "ok counts_$name" || echo "not ok counts_$name: $got, expected $COUNTS"
done

if [ -d "$data" ]; then
    without=$(for folder in "$data"/*/; do [ -f "datasets/$(basename "$folder")/recipe" ] || basename "$folder"; done)
    [ -z "$without" ] && echo "ok every_folder_has_a_recipe" || echo "not ok every_folder_has_a_recipe: $without"
else
    echo "skipped every_folder_has_a_recipe: no $data (set RECFUSE_DATA)"
fi
