#!/usr/bin/env bash
# The two protocols of experiment.yaml, out of the files of datasets/movielens-1m/raw, into datasets/llm-rerank/raw.
#   collm    CoLLM's split by time (Zhang et al. 2023): test users with a film liked and one not, and five liked in train or validation rows;
#            each one's test rows are the candidates
#   llmrank  LLMRank (Hou et al. 2024): the first 50 of its 200 users; each one's last film among the first 19 published random, and BM25, candidates
set -euo pipefail
cd "$(dirname "$0")/../.."
from=datasets/movielens-1m/raw to=datasets/llm-rerank/raw users=150 llmrank=50
mkdir -p $to
build/recfuse import tsv $from/split-collm --columns user=1,item=2,rating=3,time=4 --items $from/split-collm/items.tsv \
    --item-columns item,title -o datasets/llm-rerank/collm.h5
zcat $from/split-collm/train.tsv.gz $from/split-collm/valid.tsv.gz | awk '{ liked[$1] += $3 } END { for (u in liked) print u, liked[u] }' >$to/liked
# At most $users of them, in the order of a multiplicative hash (Knuth), so that the sample is neither the file's beginning nor anyone's choice.
zcat $from/split-collm/test.tsv.gz | awk 'NR == FNR { before[$1] = $2; next } { n[$1]++; liked[$1] += $3 }
    END { for (u in n) if (liked[u] > 0 && liked[u] < n[u] && before[u] >= 5) print u * 2654435761 % 4294967296, u }' $to/liked - |
    sort -n | awk -v n=$users 'NR <= n { print $2 }' >$to/collm-users
zcat $from/split-collm/test.tsv.gz | awk 'NR == FNR { wanted[$1]; next } $1 in wanted' $to/collm-users - >$to/collm-test.tsv
awk '{ line[$1] = line[$1] " " $2 } END { for (u in line) print u line[u] }' $to/collm-test.tsv | sort -n >$to/collm-candidates
# LLMRank's users by the publisher's ids; the last film of each is NCF's test row, whose users count from 0.
awk -v n=$llmrank 'NR <= n { print $1 }' $from/split-llmrank/ml-1m.bm25 >$to/llmrank-users
zcat $from/split-ncf/ml-1m.test.rating.gz | awk 'FNR == 1 { file++ } file == 1 { wanted[$1]; next } file == 2 { film[$1] = $2; next }
    $1 + 1 in wanted { print $1 + 1 "\t" film[$2] "\t" $3 }' $to/llmrank-users $from/split-ncf/item_map.tsv - >$to/llmrank-test.tsv
# Films without a rating are no candidates: the dataset's filters leave them out.
zcat $from/ratings_no_timestamp.dat.gz | awk -F:: '{ seen[$2] } END { for (i in seen) print i }' >$to/rated
for by in random bm25; do
    awk 'FNR == 1 { file++ } file == 1 { rated[$1]; next } file == 2 { last[$1] = $2; next } $1 in last {
        line = $1 " " last[$1]; n = 0
        for (i = 2; i <= NF && n < 19; i++) if ($i != last[$1] && $i in rated) { line = line " " $i; n++ }
        print line }' $to/rated $to/llmrank-test.tsv $from/split-llmrank/ml-1m.$by >$to/llmrank-$by
done
wc -l $to/collm-test.tsv $to/collm-candidates $to/llmrank-test.tsv $to/llmrank-random $to/llmrank-bm25
