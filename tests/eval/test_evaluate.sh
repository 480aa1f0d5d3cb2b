#!/usr/bin/env bash
# recfuse evaluate from outside: values worked by hand, csv of the publisher's ids, and every mistake with file and line.
# BUILD is the build folder; everything happens in a temporary folder.
set -u
R=$(realpath "${BUILD:-build/release}/recfuse")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

check() { # check NAME COMMAND...: ok when the command succeeds
    local name=$1; shift
    if "$@" >check.log 2>&1; then echo "ok $name"; else echo "not ok $name"; sed 's/^/    /' check.log | tail -n 12; fi
}
gives() { # gives STATUS WORD COMMAND...: exit status, and WORD in what it says
    local want=$1 word=$2 got; shift 2
    "$@" >out.log 2>err.log; got=$?
    cat out.log err.log
    echo "status $got, expected $want; looking for '$word'"
    [ $got -eq "$want" ] && grep -qF -- "$word" out.log err.log
}

printf 'a 0 x 1\na 0 y 2\nb 0 z 0\nc 0 x 1\n' >qrels
printf 'a Q0 y 1 3 t\na Q0 w 2 3 t\nb Q0 z 1 1 t\nd Q0 z 1 1 t\n' >run
E() { "$R" evaluate --run run --qrels qrels "$@"; }
check default_recall gives 0 "recall,2,default,0.25" E --k 2 --metrics recall
check lenskit_precision gives 0 "precision,2,lenskit,0.5" E --k 2 --metrics precision --dialect lenskit
check trec_counts_the_irrelevant gives 0 "precision,2,trec_eval,0.25" E --k 2 --metrics precision --dialect trec_eval
check no_cutoff gives 0 "r_precision,,trec_eval,0.25" E --metrics r_precision --dialect trec_eval
check per_user gives 0 "a,recall,2,default,0.5" E --k 2 --metrics recall --per-user
check head gives 0 "user,metric,k,dialect,value" E --per-user
check threshold gives 0 "recall,1,default,1" E --k 1 --metrics recall --relevant-from 2
check unjudged_are_told gives 0 "1 users of run have no line in qrels" E
check all_dialects test "$(E --metrics recall --dialect all 2>/dev/null | wc -l)" = 10
# equal scores: z comes before y by document
printf 'a Q0 y 1 3 t\na Q0 z 2 3 t\n' >tied
T() { "$R" evaluate --run tied --qrels qrels --k 2 --metrics mrr --dialect default,trec_eval --per-user; }
check ties_in_file_order gives 0 "a,mrr,2,default,1" T
check ties_by_document gives 0 "a,mrr,2,trec_eval,0.5" T

# csv by the publisher's ids, quoted where they must be
printf 'user,item,relevance\n"a,1",x,1\nb,y,1\n' >q.csv
printf 'item,rank,user\nx,2,"a,1"\nw,1,"a,1"\ny,1,b\n' >r.csv
check csv_rank gives 0 '"a,1",mrr,5,default,0.5' "$R" evaluate --run r.csv --qrels q.csv --k 5 --metrics mrr --per-user
check csv_pool gives 0 "mrr,5,default,0.75" "$R" evaluate --run r.csv --qrels q.csv --k 5 --metrics mrr
printf 'user,item,relevance\n"b ""c""","x, ""y""",1\n"""",w,1\n' >q2.csv
printf 'user,item,score\n"b ""c""","x, ""y""",1\n"""",v,2\n"""",w,1\n' >r2.csv
check csv_quotes gives 0 '"b ""c""",mrr,5,default,1' "$R" evaluate --run r2.csv --qrels q2.csv --k 5 --metrics mrr --per-user
check csv_quote_alone gives 0 '"""",mrr,5,default,0.5' "$R" evaluate --run r2.csv --qrels q2.csv --k 5 --metrics mrr --per-user

# mistakes
bad() { printf "$2" >bad; check "$1" gives 3 "$3" "$R" evaluate --run "${4:-bad}" --qrels "${5:-qrels}"; }
bad too_few_fields 'a Q0 y 1 3 t\na Q0 w 2\n' "bad:2: found 4 fields, expected 6"
bad no_number 'a Q0 y 1 3 t\na Q0 w 2 high t\n' "bad:2: found 'high', expected a number"
bad infinite 'a Q0 y 1 inf t\n' "bad:1: found 'inf'"
bad twice 'a Q0 y 1 3 t\na Q0 y 2 2 t\n' "user 'a' has item 'y' twice (rows 1 and 2)"
bad empty '' "bad: has no row"
printf 'item,score\nx,1\n' >h.csv
check csv_header gives 3 "h.csv:1: the header lacks 'user'" "$R" evaluate --run h.csv --qrels qrels
check missing_file gives 3 "nowhere" "$R" evaluate --run nowhere --qrels qrels
check unknown_metric gives 2 "did you mean 'recall'" E --metrics recal
check unknown_dialect gives 2 "did you mean 'elliot'" E --dialect eliot
check needs_more_than_lists gives 2 "can't be had from lists" E --metrics rmse
check bad_cutoff gives 2 "'0' is not a whole number" E --k 0
check cutoff_twice gives 2 "--k: '5' stands twice" E --k 5,10,5
check metric_twice gives 2 "--metrics: 'mrr' stands twice" E --metrics mrr,mrr
printf 'a 0 y 2000\n' >large
check gain_too_large gives 3 "2^gain is more than a number can be" "$R" evaluate --run tied --qrels large --metrics ndcg_exp
check gain_of_linear gives 0 "ndcg_linear,10,default,1" "$R" evaluate --run tied --qrels large --metrics ndcg_linear
check too_few_items gives 2 "--items 1" E --items 1
check no_arguments gives 2 "--run FILE is missing" "$R" evaluate
