#!/usr/bin/env bash
# Bad input to `recfuse import`, format by format: exit 3, one sentence with the words that help, and nothing left behind; and what is
# accepted (byte order marks, CRLF, a last line without its end, ids beyond 2^63).
set -uo pipefail
program=$PWD/${BUILD:-build/release}/recfuse
root=$(mktemp -d); trap 'rm -rf "$root"' EXIT
cd "$root" || exit 1

ok() { echo "ok $1"; }
not_ok() { echo "not ok $1: $2"; }

# refused NAME WORDS FORMAT SOURCE ...: exit 3, one line that holds each word of WORDS (parted by '~'), no file left.
refused() {
    local name=$1 words=$2 line rc word
    shift 2
    mkdir -p out
    line=$("$program" import "$@" -o out/x.h5 2>&1 >/dev/null); rc=$?
    [ $rc -eq 3 ] || { not_ok "$name" "exit $rc: $line"; return; }
    [ "$(printf '%s\n' "$line" | wc -l)" -eq 1 ] || { not_ok "$name" "several lines: $line"; return; }
    [ -z "$(ls -A out)" ] || { not_ok "$name" "left behind: $(ls -A out)"; rm -rf out; return; }
    IFS='~' read -ra parts <<<"$words"
    for word in "${parts[@]}"; do
        case "$line" in *"$word"*) ;; *) not_ok "$name" "'$word' is not in: $line"; return ;; esac
    done
    ok "$name"
}
# accepted NAME "users N items N interactions N" FORMAT SOURCE ...
accepted() {
    local name=$1 counts=$2 got
    shift 2
    mkdir -p out
    "$program" import "$@" -o out/x.h5 >log 2>&1 || { not_ok "$name" "$(cat log)"; return; }
    got=$("$program" info out/x.h5 | awk '/^n_(users|items|interactions) / { n[$1] = $2 }
        END { print "users", n["n_users"], "items", n["n_items"], "interactions", n["n_interactions"] }')
    if [ "$got" = "$counts" ]; then ok "$name"; else not_ok "$name" "$got, expected $counts"; fi
    rm -rf out
}

# ---- a good source of each format: folder FORMAT, its main text file in main[FORMAT], a good row in row[FORMAT] ----
declare -A main row
make_good() {
    rm -rf good; mkdir -p good/{tsv,csv,movielens,amazon,amazon-csv,recbole,ncf,s3rec,libfm,adjacency,lastfm,book-crossing,citeulike,douban,npy-features}
    printf '1\t2\t3\t4\n' >good/tsv/r.tsv
    printf '1,2,3,4\n' >good/csv/r.csv
    printf 'userId,movieId,rating,timestamp\n1,2,3.5,4\n' >good/movielens/ratings.csv
    printf '{"reviewerID": "u", "asin": "a", "overall": 4.0, "unixReviewTime": 5}\n' >good/amazon/reviews.json
    printf 'AUSERNUMBER01,B000000001,4.0,5\n' >good/amazon-csv/ratings.csv
    printf 'user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t2\t3\t4\n' >good/recbole/x.inter
    printf '0\t5\t4\t10\n' >good/ncf/x.train.rating
    printf '0\t7\t4\t20\n' >good/ncf/x.test.rating
    printf '(0,7)\t8\n' >good/ncf/x.test.negative
    printf '1 10 12\n' >good/s3rec/x.txt
    printf '{"10": [1, 2]}\n' >good/s3rec/x_item2attributes.json
    printf '4 1:1 2:1\n' >good/libfm/x
    printf '1 2 3\n' >good/adjacency/x
    printf 'userID\tartistID\tweight\n2\t51\t5\n' >good/lastfm/user_artists.dat
    printf 'id\tname\turl\tpictureURL\n51\ta\tb\tc\n' >good/lastfm/artists.dat
    printf 'tagID\ttagValue\n1\ta\n' >good/lastfm/tags.dat
    printf 'userID\tartistID\ttagID\tday\tmonth\tyear\n' >good/lastfm/user_taggedartists.dat
    printf 'userID\tfriendID\n2\t3\n' >good/lastfm/user_friends.dat
    printf 'user\titem\trating\n1\t2\t10\n' >good/book-crossing/book_ratings.dat
    printf '1 0\n' >good/citeulike/users.dat
    printf '{"user": "u", "movie": "1", "stars": 5.0, "date": "2021-03-31", "text": "x"}\n' >good/douban/reviews.jsonl
    printf '{"movie": "1", "movie_name": "x"}\n' >good/douban/movies.jsonl
}
main=([tsv]=tsv/r.tsv [csv]=csv/r.csv [movielens]=movielens/ratings.csv [amazon]=amazon/reviews.json [amazon-csv]=amazon-csv/ratings.csv
    [recbole]=recbole/x.inter [ncf]=ncf/x.train.rating [s3rec]=s3rec/x.txt [libfm]=libfm/x [adjacency]=adjacency/x
    [lastfm]=lastfm/user_artists.dat [book-crossing]=book-crossing/book_ratings.dat [citeulike]=citeulike/users.dat
    [douban]=douban/reviews.jsonl)
# More rows, in place of FILL: any characters.
row=([tsv]='1\t2FILL\t3\t4\n' [csv]='1,2FILL,3,4\n' [movielens]='1,2FILL,3,4\n'
    [amazon]='{"reviewerID": "u", "asin": "aFILL", "overall": 4.0, "unixReviewTime": 5}\n' [amazon-csv]='AUSERNUMBER01,B00000000FILL,4.0,5\n'
    [recbole]='1\t2FILL\t3\t4\n' [ncf]='0\t5FILL\t4\t10\n' [s3rec]='2 1FILL\n' [libfm]='4 1:1 2FILL:1\n' [adjacency]='1 2FILL\n'
    [lastfm]='2\t51FILL\t5\n' [book-crossing]='1\t2FILL\t10\n' [citeulike]='1 1FILL\n'
    [douban]='{"user": "u", "movie": "1FILL", "stars": 5.0, "date": "2021-03-31", "text": "x"}\n')
# The format's own name, and what to give it as SOURCE: a folder, or the file.
format() { case $1 in amazon-csv) echo amazon ;; *) echo "$1" ;; esac; }
source_of() { case $1 in tsv | csv | libfm | adjacency | amazon-csv) echo "good/${main[$1]}" ;; *) echo "good/$1" ;; esac; }
# shellcheck disable=SC2059
more() { printf "${row[$1]//FILL/$2}" >>"good/${main[$1]}"; }

for f in "${!main[@]}"; do
    file=good/${main[$f]} base=$(basename "${main[$f]}")
    make_good
    if "$program" import "$(format "$f")" "$(source_of "$f")" -o good.h5 >log 2>&1; then ok "good_$f"; else not_ok "good_$f" "$(cat log)"; fi

    more "$f" '\xff'; refused "invalid_utf8_$f" "$base:~invalid UTF-8 at byte offset~0xff" "$(format "$f")" "$(source_of "$f")"
    make_good; more "$f" '\x00'; refused "nul_$f" "$base:~NUL byte" "$(format "$f")" "$(source_of "$f")"
    make_good; : >"$file"; refused "empty_$f" "$base: is empty" "$(format "$f")" "$(source_of "$f")"
    make_good; { cat "$file"; head -c 10485760 /dev/zero | tr '\0' 1; echo; } >long; mv long "$file"
    refused "line_of_10_MB_$f" "$base:~longer than 1048576 bytes" "$(format "$f")" "$(source_of "$f")"
    # gzip under the plain name: told by its first bytes.  Cut off anywhere, and with a bit changed.
    make_good; for _ in $(seq 200); do more "$f" ''; done 2>/dev/null
    gzip -n <"$file" >packed; n=$(stat -c %s packed)
    for cut in 12 $((n - 1)); do
        head -c "$cut" packed >"$file"
        refused "gz_cut_at_${cut}_$f" "$base: the gzip data ends early~download it again" "$(format "$f")" "$(source_of "$f")"
    done
    { head -c $((n - 8)) packed; printf '\x01\x02\x03\x04'; tail -c 4 packed; } >"$file"
    refused "gz_checksum_$f" "$base: is not valid gzip data" "$(format "$f")" "$(source_of "$f")"
done

# ---- a gzip bomb: 80 MB of rows that pack a thousand times, one of each way of reading ----
make_good
for f in tsv adjacency amazon; do
    # shellcheck disable=SC2059
    yes "$(printf "${row[$f]//FILL/}")" | head -c 80000000 | gzip -9 >"good/${main[$f]}"
    refused "gz_bomb_$f" "unpacks to more than 250 times its size or 1024 GiB" "$f" "$(source_of "$f")"
done

# ---- separators: the likely one is named ----
printf '1;2;3;4\n' >semicolons; printf '1,2,3,4\n' >commas; printf '1\t2\t3\t4\n' >tabs
printf '1::2::3::4\n' >colons; printf '1 2 3 4\n' >blanks; printf '1|2|3|4\n' >bars
for f in tsv csv; do
    for s in semicolons blanks bars; do
        refused "${s}_$f" "$s:1: found 1 field~looks parted by $s" $f $s
        printf 'user%sitem\n' "$(sed 's/1\(.\).*/\1/' $s)" >header; cat $s >>header
        refused "header_${s}_$f" "header:1: the header names no user column~looks parted by $s" $f header --header
    done
    refused "colons_$f" "found 1 field~looks parted by '::', which \`recfuse import movielens\` reads" $f colons
done
refused commas_tsv "found 1 field~commas, which \`recfuse import csv\` reads" tsv commas
refused tabs_csv "found 1 field~tabs, which \`recfuse import tsv\` reads" csv tabs
cat tabs commas >mixed; refused later_line_tsv "mixed:2: found 1 field, expected 4 as in the first line; it looks parted by commas" tsv mixed
cp commas x.train.rating; cp tabs x.test.rating; refused commas_ncf "x.train.rating:1: found 1 field~looks parted by commas" ncf x.train.rating
mkdir -p dat; cp tabs dat/ratings.dat; refused tabs_movielens "ratings.dat:1: found 1 field~parted by tabs" movielens dat
printf 'userId;movieId;rating\n1;2;3\n' >dat/ratings.csv; rm dat/ratings.dat
refused semicolons_movielens "ratings.csv:1: the header names no user column~semicolons" movielens dat
printf 'user_id:token,item_id:token\n1,2\n' >x.inter; refused commas_recbole "x.inter:1: the header names no user_id~commas" recbole x.inter
refused commas_adjacency "commas:1: found one word a line~looks parted by commas" adjacency commas
refused commas_libfm "commas:1:1: found '1,2,3,4'~looks parted by commas" libfm commas

# ---- numbers ----
for v in nan NaN inf -inf Infinity 1e39 -4e38 '' 4,5 0x5; do
    printf '1\t2\t3\t4\n1\t3\t%s\t5\n' "$v" >r.tsv; refused "rating_${v}_tsv" "r.tsv:2:5: found '$v', expected a rating (a finite number)" tsv r.tsv
    case $v in nan | inf | 1e39) ;; *) continue ;; esac
    printf 'user_id:token\titem_id:token\trating:float\n1\t2\t%s\n' "$v" >x.inter
    refused "rating_${v}_recbole" "x.inter:2:5: found '$v', expected a rating" recbole x.inter
done
for v in NaN Infinity 1e999; do
    printf '{"reviewerID": "u", "asin": "a", "overall": %s}\n' "$v" >j.json; refused "rating_${v}_amazon" "j.json:1:" amazon j.json
done
printf '{"reviewerID": "u", "asin": "a", "overall": 1e300}\n' >j.json; refused rating_1e300_amazon "j.json:1: 'overall' is 1e+300, expected a rating from 0 to 5" amazon j.json
for v in nan inf; do printf '%s 1:1 2:1\n' $v >x; refused "rating_${v}_libfm" "x:1:1: found '$v', expected a rating" libfm x; done
printf '1\t2\t3\t4\n1\t3\t3\t-4\n' >r.tsv; refused negative_time_tsv "r.tsv:2:7: found '-4', expected a time~not negative" tsv r.tsv
printf '1,2,3,-4\n' >r.csv; refused negative_time_csv "r.csv:1:7: found '-4', expected a time~not negative" csv r.csv
printf 'user_id:token\titem_id:token\ttimestamp:float\n1\t2\t-0.5\n' >x.inter; refused negative_time_recbole "x.inter:2:5: found '-0.5', expected a time~not negative" recbole x.inter
printf '{"reviewerID": "u", "asin": "a", "overall": 4, "unixReviewTime": -5}\n' >j.json; refused negative_time_amazon "j.json:1: 'unixReviewTime' is -5, expected seconds or milliseconds since 1970" amazon j.json
printf 'AUSERNUMBER01,B000000001,4.0,-5\n' >r.csv; refused negative_time_amazon_csv "r.csv:1:30: found '-5'~not negative" amazon r.csv
for v in 9223372036854775808 1.5 later ' 4'; do
    printf '1\t2\t3\t%s\n' "$v" >r.tsv; refused "time_${v}" "r.tsv:1:7: found '$v', expected a time" tsv r.tsv
done
# Ids are texts: none is too large, and none is rounded.
printf '9223372036854775807\t18446744073709551616\t3\t4\n9223372036854775808\t18446744073709551617\t3\t4\n9223372036854775809\t18446744073709551616\t3\t4\n' >r.tsv
accepted ids_beyond_2_63_tsv "users 3 items 2 interactions 3" tsv r.tsv
tr '\t' , <r.tsv >r.csv; accepted ids_beyond_2_63_csv "users 3 items 2 interactions 3" csv r.csv
cut -f 1,2 r.tsv | tr '\t' ' ' >x; accepted ids_beyond_2_63_adjacency "users 3 items 2 interactions 3" adjacency x
printf '4 9223372036854775808:1 2:1\n' >x; refused feature_beyond_2_63_libfm "x:1:3: found '9223372036854775808:1', expected feature:value" libfm x

# ---- JSON ----
for text in '"\ud800"' '"\udc00 x"' '"\ud800A"'; do
    printf '{"reviewerID": %s, "asin": "a", "overall": 4}\n' "$text" >j.json; refused "half_a_pair_${text}" "j.json:1:~Unicode" amazon j.json
    printf '{"user": %s, "movie": "1", "stars": 5.0, "date": "2021-03-31"}\n' "$text" >good/douban/reviews.jsonl
    refused "half_a_pair_douban_${text}" "reviews.jsonl:1:~Unicode" douban good/douban
done
printf "{'reviewerID': '\\\\ud800', 'asin': 'a', 'overall': 4}\n" >j.json; refused half_a_pair_python "j.json:1" amazon j.json
for rest in ' x' '{}' ',' ']'; do
    printf '{"reviewerID": "u", "asin": "a", "overall": 4}%s\n' "$rest" >j.json; refused "trailing_json_${rest}" "j.json:1:~end of file expected" amazon j.json
done
make_good; printf '{"10": [1]} x\n' >good/s3rec/x_item2attributes.json; refused trailing_json_s3rec "x_item2attributes.json:1:" s3rec good/s3rec
make_good; printf '{"10": ["\\ud800"]}\n' >good/s3rec/x_item2attributes.json; refused half_a_pair_s3rec "x_item2attributes.json:1:" s3rec good/s3rec
printf '[1]\n' >j.json; refused no_object "j.json:1: found a list, expected a JSON object" amazon j.json

# ---- accepted: a byte order mark, CRLF, no line end at the end ----
for f in "${!main[@]}"; do
    make_good; "$program" import "$(format "$f")" "$(source_of "$f")" -o good.h5 >/dev/null 2>&1
    want=$("$program" info good.h5 | grep '^content_sha256'); file=good/${main[$f]}
    for how in bom crlf no_end; do
        make_good
        case $how in
        bom) { printf '\xef\xbb\xbf'; cat "$file"; } >changed ;;
        crlf) sed 's/$/\r/' "$file" >changed ;;
        no_end) printf '%s' "$(cat "$file")" >changed ;;
        esac
        mv changed "$file"
        "$program" import "$(format "$f")" "$(source_of "$f")" -o other.h5 >log 2>&1
        if [ "$("$program" info other.h5 2>/dev/null | grep '^content_sha256')" = "$want" ]; then ok "${how}_$f"; else not_ok "${how}_$f" "$(cat log)"; fi
        rm -f other.h5
    done
done

# ---- a pipe is a file too ----
if "$program" import tsv <(printf '1\t2\t3\t4\n1\t3\t3\t5\n2\t3\t3\t5\n') -o pipe.h5 >log 2>&1; then ok pipe_tsv; else not_ok pipe_tsv "$(cat log)"; fi
