#!/usr/bin/env bash
# Models beside their peers on the same train and test rows, by turns: least seconds of RUNS fits each, quality beside.
# usage: tools/bench-models.sh TRAIN TEST [PAIR ...]     rows: user item rating ..., tab-separated, ids from 1
# PAIR: ials als bpr knn svd svdpp slim fm (all of them by default).  PERF_PYTHON: a Python that has the peers (tools/bench-model-peers.py).
set -euo pipefail
train=$1 test=$2
shift 2
cd "$(dirname "$0")/.."
build=${BUILD:-build/release} python=${PERF_PYTHON:-python3} runs=${RUNS:-5}
export OMP_WAIT_POLICY=passive
ours() { "$build/bench/models" "$train" "$test" "$1" "$2" "$runs"; }
peer() { "$python" tools/bench-model-peers.py "$train" "$test" "$1" "$runs" || echo "{\"who\": \"missing\", \"model\": \"$1\"}"; }
for pair in "${@:-ials als bpr knn svd svdpp slim fm}"; do
    for one in $pair; do
        case $one in
        ials)
            ours ials '{factors: 64, iterations: 15, confidence: hu, alpha: 4, regularization: 80, cg_steps: 2}'
            peer implicit_als
            peer cmfrec_ials ;;
        als)
            ours als '{factors: 63, iterations: 15, regularization: 20, weighted_regularization: false, solver: cg}'
            peer cmfrec_als ;;
        bpr)
            ours bpr_mf '{factors: 64, epochs: 12, learning_rate: 0.03, init_std: 0.02, user_regularization: 0.001, positive_item_regularization: 0.001, negative_item_regularization: 0.001}'
            peer implicit_bpr ;;
        knn)
            ours item_knn '{k: 100}'
            peer implicit_knn ;;
        svd)
            ours svd '{factors: 64, epochs: 20, learning_rate: 0.02, regularization: 0.05}'
            peer libmf ;;
        svdpp)
            ours svdpp ''
            peer svdpp ;;
        slim)
            ours slim '{alpha: 0.001, l1_ratio: 0.1, k: 100000}'
            peer slim ;;
        fm)
            ours fm '{features: [user, item], factors: 10, epochs: 60}'
            peer myfm ;;
        esac
    done
done
