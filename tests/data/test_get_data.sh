#!/usr/bin/env bash
# tools/get-data.sh in a made-up repository with a made-up recipe: from a folder at hand, from a "publisher" (file://), with a
# wrong sum, without a network.
set -uo pipefail
here=$PWD
root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
mkdir -p "$root/repo/tools" "$root/repo/datasets/toy" "$root/repo/build" "$root/data/toy/split" "$root/zip/toy-1"
cp tools/get-data.sh "$root/repo/tools/"
cd "$root/repo" || exit 1
export RECFUSE_DATA=

check() { if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1: '$2', expected '$3'"; fi; }
holds() { case "$2" in *"$3"*) echo "ok $1" ;; *) echo "not ok $1: '$3' is not in: $2" ;; esac; }
sha() { sha256sum "$1" | cut -d' ' -f1; }

printf '1\t2\t3\n1\t3\t4\n' >"$root/data/toy/u.tsv"
printf '1::2::3\n' >"$root/data/toy/short.dat"
printf '1::2::3::77\n' >"$root/zip/toy-1/long.dat"
printf 'fold\n' >"$root/data/toy/split/fold0"
cp "$root/data/toy/u.tsv" "$root/zip/toy-1/"
cat >datasets/toy/recipe <<R
SOURCE=file://$root/toy.zip
TERMS='Made up.'
IMPORT="tsv \$RAW/u.tsv"
FILES='$(sha "$root/data/toy/u.tsv") u.tsv'
ANY_OF='$(sha "$root/data/toy/short.dat") long.dat no-times
$(sha "$root/data/toy/short.dat") short.dat'
OPTIONAL='$(sha "$root/data/toy/split/fold0") split/fold0'
R

out=$(tools/get-data.sh nope 2>&1); check unknown_name $? 1
holds unknown_name_says_what_there_is "$out" "known: toy"

out=$(tools/get-data.sh toy 2>&1); check no_publisher_reached $? 1
holds no_publisher_says_what_to_do "$out" "set RECFUSE_DATA"
check nothing_half_written "$(ls datasets/toy)" recipe

out=$(RECFUSE_DATA=$root/data tools/get-data.sh toy 2>&1); check at_hand $? 0
holds terms_are_said "$out" "terms: Made up."
check at_hand_files "$(cd datasets/toy/raw && find . -type f | sort | xargs)" "./short.dat ./split/fold0 ./u.tsv"
out=$(tools/get-data.sh toy 2>&1); check again_does_nothing "$?$out" 0
rm -r datasets/toy/raw/split
RECFUSE_DATA=$root/data tools/get-data.sh toy >/dev/null 2>&1
check later_optional "$(cat datasets/toy/raw/split/fold0)" fold

echo damaged >>datasets/toy/raw/u.tsv
RECFUSE_DATA=$root/data tools/get-data.sh toy >/dev/null 2>&1
check damaged_is_renewed "$(sha datasets/toy/raw/u.tsv)" "$(sha "$root/data/toy/u.tsv")"

rm -r datasets/toy/raw
echo more >>"$root/data/toy/u.tsv"
out=$(RECFUSE_DATA=$root/data tools/get-data.sh toy 2>&1); check wrong_sum $? 1
holds wrong_sum_names_the_file "$out" "u.tsv"
check wrong_sum_leaves_nothing "$(ls datasets/toy)" recipe

if command -v python3 >/dev/null && command -v curl >/dev/null && command -v unzip >/dev/null; then
    (cd "$root/zip" && python3 -m zipfile -c "$root/toy.zip" toy-1)
    out=$(tools/get-data.sh toy 2>&1); check downloaded $? 0
    check downloaded_files "$(cd datasets/toy/raw && find . -type f | sort | xargs)" "./long.dat ./u.tsv"
    rm -r datasets/toy/raw
    echo 'ARCHIVE_MD5=00000000000000000000000000000000' >>datasets/toy/recipe
    out=$(tools/get-data.sh toy 2>&1); check wrong_archive $? 1
    holds wrong_archive_says_so "$out" "MD5 differs"
    check wrong_archive_leaves_nothing "$(ls datasets/toy)" recipe
    sed -i '/^ARCHIVE_MD5=0/d' datasets/toy/recipe
else
    echo "skipped downloaded: python3, curl or unzip is not installed"
fi

# The import, by the real program.
program=$here/${BUILD:-build/release}/recfuse
if "$program" import --help >/dev/null 2>&1; then
    ln -s "$program" build/recfuse
    out=$(tools/get-data.sh toy 2>&1); check imported "$?$(ls datasets/toy)" "0raw
recipe
toy.h5"
    check imported_under_its_own_name "$("$program" info datasets/toy/toy.h5 | awk '$1 == "name" { print $2 }')" toy
    before=$(stat -c %Y.%i datasets/toy/toy.h5)
    tools/get-data.sh toy >/dev/null 2>&1
    check import_is_not_repeated "$(stat -c %Y.%i datasets/toy/toy.h5)" "$before"
    # A recipe that names the columns of a header; it is newer than the dataset, so the import is made again.
    printf 'when,visitor,sku\n7,a,x\n8,b,x\n' >datasets/toy/raw/visits.csv
    printf 'sku,title\nx,A thing\n' >datasets/toy/raw/products.csv
    # shellcheck disable=SC2016 # the recipe expands it
    printf '%s\n' 'IMPORT="csv $RAW/visits.csv --columns user=visitor,item=sku,time=when --items $RAW/products.csv"' \
        "COUNTS='users 2 items 1 interactions 2 texts 0'" >>datasets/toy/recipe
    touch -d '+2 seconds' datasets/toy/recipe
    tools/get-data.sh toy >/dev/null 2>&1; check columns_named_in_the_recipe $? 0
    out=$("$program" info datasets/toy/toy.h5)
    holds columns_named_in_the_recipe_are_read "$out" '{"title": "text"}'
    sed -i 's/^COUNTS=.*/COUNTS="users 3 items 1 interactions 2 texts 0"/' datasets/toy/recipe
    touch -d '+4 seconds' datasets/toy/recipe
    out=$(tools/get-data.sh toy 2>&1); check other_counts_are_an_error $? 1
    holds other_counts_are_said "$out" "imported as users 2 items 1 interactions 2 texts 0, but the recipe expects users 3"
else
    echo "skipped imported: this build has no import command"
fi
