#!/usr/bin/env bash
# recfuse query: a search text finds what it means, in English and Chinese, within filters, and a user's preference moves it; recfuse phrases;
# what is refused.
set -uo pipefail
program=$(realpath "$BUILD/recfuse")
models=$(realpath models 2>/dev/null)
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export OMP_WAIT_POLICY=passive RECFUSE_MODELS=$models RECFUSE_CACHE=$folder/cache
say() { if [ "$1" -eq 0 ]; then echo "ok $2"; else echo "not ok $2"; cat log 2>/dev/null; fi; }
cat >items.csv <<'CSV'
item,title,kind,price
a,Thin notebook computer for students,electronics,499
b,Gaming laptop with a large screen,electronics,1899
c,Beef jerky snack,food,12
d,Wooden building blocks for children,toys,25
e,Wireless mouse,electronics,19
f,联想 轻薄 笔记本电脑 学生 办公,electronics,450
g,麻辣 牛肉干 零食,food,15
h,儿童 积木 玩具,toys,30
CSV
awk 'BEGIN { print "user,item,rating"; for (u = 0; u < 40; u++) for (i = 0; i < 8; i++) if (u % 2 == 0 ? i != 1 && i != 3 && i != 4 : i != 0 && i != 5 || (u + i) % 7 == 0) printf "u%d,%s,5\n", u, substr("abcdefgh", i + 1, 1) }' >rows.csv
"$program" import csv rows.csv --header -o a.h5 --name a --items items.csv --item-id item --item-kinds price=number >log 2>&1 || say 1 import
first() { "$program" query --data a.h5 "$@" 2>log | sed -n '1s/.*\[\(.\)\]$/\1/p'; }
if [ -f "$models/minilm/model.safetensors" ]; then
    [ "$(first 'cheap laptop for college')" = a ]; say $? english_by_meaning
    [ "$(first 'beef snack' --filter 'kind=food')" = c ]; say $? a_filter_of_a_word
    [ "$(first 'laptop' --filter 'price>=1000')" = b ] && [ "$(first 'laptop' --filter 'price<=20' --filter kind=electronics)" = e ]; say $? filters_of_numbers_all_hold
    "$program" query --data a.h5 laptop --filter kind=books >out 2>log && grep -q 'no item passes' out; say $? nothing_passes
    cat >x.yaml <<'YAML'
experiment: {name: x}
datasets: [{name: a, file: a.h5, split: {kind: random, test: 0.2, seed: 1}}]
models: [{name: ease, params: {l2: 1}}]
evaluate: {k: [2], metrics: [ndcg]}
report: {tables: [csv], plots: []}
YAML
    "$program" run x.yaml --out r >log 2>&1 || say 1 run
    # What the user had is left out; with a large weight the order is the model's.
    "$program" query --run r --model ease --user u1 laptop --weight 1000 --top 8 2>log | sed 's/.*\[\(.\)\]$/\1/' >asked
    "$program" recommend --run r --dataset a --model ease --user u1 --top 8 2>log | sed -n '/recommends/,$p' | sed -n 's/.*\[\(.\)\]$/\1/p' >recommended
    [ -s asked ] && cmp asked recommended >log 2>&1; say $? preference_moves_it
    "$program" query --run r --model ease --user u1 laptop --weight 0 2>log | grep -cq 'cosine'; say $? the_query_alone
    [ "$(echo 'a cheap laptop for college' | "$program" phrases --model "$models/minilm" --top 1 | cut -c9-)" = 'cheap laptop college' ]; say $? phrases_of_a_line
    "$program" phrases --model "$models/minilm" </dev/null >log 2>&1; [ $? -eq 2 ]; say $? phrases_of_nothing
    for text in '' 'the of'; do
        "$program" phrases --model "$models/minilm" --text "$text" >log 2>&1; [ $? -eq 3 ] && grep -q 'no word but stop words' log; say $? "phrases_of_${text:-an empty text}"
    done
else
    echo "skipped english_by_meaning: no models/minilm"
fi
if [ -d "$models/e5" ]; then
    [ "$(first 笔记本电脑 --encoder e5)" = f ] && [ "$(first 好吃的零食 --encoder e5)" = g ] && [ "$(first 小朋友玩的 --encoder e5)" = h ]; say $? chinese_by_meaning
else
    echo "skipped chinese_by_meaning: no models/e5"
fi
for bad in "price>x" "kind" "=food" "colour=red"; do
    "$program" query --data a.h5 laptop --filter "$bad" >log 2>&1; code=$?
    grep -q "filter" log && [ $code -ge 2 ] && [ $code -le 3 ] && [ "$(wc -l <log)" -eq 1 ]; say $? "refuses_${bad//[^a-z]/_}"
done
"$program" query --data a.h5 ' ' >log 2>&1; [ $? -eq 2 ] && [ "$(wc -l <log)" -eq 1 ]; say $? refuses_an_empty_query
"$program" query --data a.h5 --user u1 x >log 2>&1; [ $? -eq 2 ]; say $? refuses_a_user_without_a_run
exit 0
