#!/usr/bin/env bash
# Gets a dataset's raw files into datasets/NAME/raw and imports them to datasets/NAME/NAME.h5.
#   usage: tools/get-data.sh NAME [--raw]        --raw: no import; without a NAME: lists the recipes
# Looks in $RECFUSE_DATA/NAME first (if unset: ../shared/data/NAME, where that folder exists), then downloads from the publisher
# named in datasets/NAME/recipe.  Every file's sha256 is checked; files appear only when all of them are right; nothing is
# done when they are there already.  Exit code 1: it can't be had, with a sentence that says what to do.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "get-data: $*" >&2; exit 1; }

name='' import=yes
for word in "$@"; do
    case "$word" in
    --raw) import=no ;;
    -*) fail "unknown option $word; usage: tools/get-data.sh NAME [--raw]" ;;
    *) [ -z "$name" ] || fail "one NAME at a time"; name=$word ;;
    esac
done
recipes=$(for r in datasets/*/recipe; do [ -f "$r" ] && basename "$(dirname "$r")"; done | tr '\n' ' ')
[ -n "$name" ] || { echo "usage: tools/get-data.sh NAME [--raw]; known: $recipes"; exit 1; }
[ -f "datasets/$name/recipe" ] || fail "no recipe datasets/$name/recipe; known: $recipes"

# What a recipe says (each word may be left out but FILES and TERMS):
#   SOURCE       the publisher's zip          ARCHIVE_MD5  its MD5, as the publisher gives it
#   FILES        lines "sha256 name": all needed
#   ANY_OF       lines "sha256 name [no-times]": one of them needed, the first found is taken; no-times: the sum is of the file
#                without the last "::time" of each line
#   OPTIONAL     lines "sha256 name": taken where they are at hand, never downloaded (published splits, for example)
#   TERMS        the publisher's terms, in a line        HOWTO        what to do when it can't be had
#   IMPORT       arguments of `recfuse import`, $RAW being the folder of the raw files
#   COUNTS       "users N items N interactions N texts N": as published; another count after the import is an error
RAW=datasets/$name/raw SOURCE='' ARCHIVE_MD5='' FILES='' ANY_OF='' OPTIONAL='' TERMS='' HOWTO='' IMPORT='' COUNTS=''
# shellcheck source=/dev/null
. "datasets/$name/recipe"

sum_of() { # sum_of FILE [no-times]
    if [ "${2:-}" = no-times ]; then sed 's/::[0-9]*$//' "$1" | sha256sum; else sha256sum <"$1"; fi | cut -d' ' -f1
}
right() { # right FOLDER SHA NAME [no-times]: there, with that sum?
    [ -f "$1/$3" ] && [ "$(sum_of "$1/$3" "${4:-}")" = "$2" ]
}
# Is everything needed in FOLDER and right?  The names of those that are not go to standard output.
lacking() {
    local sha file how any='' listed=no
    while read -r sha file; do
        [ -z "$sha" ] || right "$1" "$sha" "$file" || echo "$file"
    done <<<"$FILES"
    while read -r sha file how; do
        [ -z "$sha" ] && continue
        listed=yes
        if [ -z "$any" ] && right "$1" "$sha" "$file" "$how"; then any=$file; fi
    done <<<"$ANY_OF"
    [ $listed = no ] || [ -n "$any" ] || echo "$ANY_OF" | awk 'NF { printf "%s%s", or, $2; or = " or " } END { print "" }'
}
# Puts what there is in folder $1 and right into $work.
take() {
    local sha file how got=''
    while read -r sha file; do
        if [ -n "$sha" ] && [ -f "$1/$file" ]; then
            mkdir -p "$(dirname "$work/$file")"
            cp "$1/$file" "$work/$file"
        fi
    done <<<"$FILES
$2"
    while read -r sha file how; do
        if [ -n "$sha" ] && [ -z "$got" ] && [ -f "$1/$file" ]; then
            cp "$1/$file" "$work/$file"
            got=$file
        fi
    done <<<"$ANY_OF"
    while read -r sha file; do # an optional file that is not the one meant
        if [ -n "$sha" ] && [ -f "$work/$file" ] && ! right "$work" "$sha" "$file"; then
            echo "get-data: $1/$file: left out, its sha256 is not the recipe's" >&2
            rm "$work/$file"
        fi
    done <<<"$2"
}

# Optional files that are at hand now and were not when the others came.
take_more() {
    local sha file
    while read -r sha file; do
        if [ -n "$sha" ] && [ ! -f "$RAW/$file" ] && [ -f "$place/$file" ] && right "$place" "$sha" "$file"; then
            mkdir -p "$(dirname "$RAW/$file")"
            cp "$place/$file" "$RAW/$file.tmp"
            mv "$RAW/$file.tmp" "$RAW/$file"
        fi
    done <<<"$OPTIONAL"
}

get_raw() {
    local what
    work=datasets/$name/raw.$$.tmp
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work"
    if [ -n "$place" ] && [ -d "$place" ]; then
        echo "get-data: $name: copying from $place"
        take "$place" "$OPTIONAL"
    elif [ -z "$SOURCE" ]; then
        fail "$name: no publisher's address is known to download from. $HOWTO"
    else
        for tool in curl unzip; do command -v $tool >/dev/null || fail "$tool is not installed: run tools/install-deps.sh"; done
        echo "get-data: $name: downloading $SOURCE"
        curl --fail --silent --show-error --location --connect-timeout 5 --retry 1 \
            --speed-limit 1000 --speed-time 10 --max-time 1800 -o "$work/archive.zip" "$SOURCE" ||
            fail "$name: $SOURCE can't be downloaded (no network?): put the files into a folder and set RECFUSE_DATA, so that \$RECFUSE_DATA/$name holds them${HOWTO:+. $HOWTO}"
        if [ -n "$ARCHIVE_MD5" ] && [ "$(md5sum <"$work/archive.zip" | cut -d' ' -f1)" != "$ARCHIVE_MD5" ]; then
            fail "$name: what came from $SOURCE is not the file that the recipe names (MD5 differs from $ARCHIVE_MD5): try again, or look whether the publisher changed it"
        fi
        mkdir "$work/unpacked"
        unzip -q -j "$work/archive.zip" -d "$work/unpacked" || fail "$name: the file from $SOURCE can't be unpacked"
        take "$work/unpacked" ''
        rm -rf "$work/unpacked" "$work/archive.zip"
        place=$SOURCE
    fi
    what=$(lacking "$work" | paste -sd, | sed 's/,/, /g')
    [ -z "$what" ] || fail "$name: $place: missing, or not with the recipe's sha256: $what. Nothing was changed"
    mkdir -p "$RAW"
    (cd "$work" && find . -type f) | while read -r file; do
        mkdir -p "$(dirname "$RAW/$file")"
        mv -f "$work/$file" "$RAW/$file"
    done
    echo "get-data: $name: in $RAW"
    echo "get-data: $name: terms: $TERMS"
}

place=''
if [ -n "${RECFUSE_DATA:-}" ]; then place=$RECFUSE_DATA/$name; elif [ -d "../shared/data/$name" ]; then place=../shared/data/$name; fi
if [ -n "$(lacking "$RAW")" ]; then get_raw; elif [ -n "$place" ]; then take_more; fi

h5=datasets/$name/$name.h5
[ $import = yes ] && [ -n "$IMPORT" ] && [ -x build/recfuse ] || exit 0
# Only the recipe and the files of FILES and ANY_OF count: a split that came later changes nothing in the import.
stale=$(printf '%s\n%s\n' "$FILES" "$ANY_OF" | while read -r _ file _; do [ "$RAW/$file" -nt "$h5" ] && echo "$file"; done || true)
if [ ! -f "$h5" ] || [ -n "$stale" ] || [ "datasets/$name/recipe" -nt "$h5" ]; then
    # shellcheck disable=SC2086
    build/recfuse import $IMPORT --name "$name" -o "$h5.new" || fail "$name: the import failed (see above)"
    got=$(build/recfuse info "$h5.new" | awk '/^n_(users|items|interactions|texts) / { n[$1] = $2 }
        END { print "users", n["n_users"], "items", n["n_items"], "interactions", n["n_interactions"], "texts", n["n_texts"] }')
    if [ -n "$COUNTS" ] && [ "$got" != "$COUNTS" ]; then
        rm "$h5.new"
        fail "$name: imported as $got, but the recipe expects $COUNTS"
    fi
    mv "$h5.new" "$h5"
fi
