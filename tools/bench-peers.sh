#!/usr/bin/env bash
# Our hot paths beside their peers on the same data in one run, by turns: iALS and top-10 ranking against implicit,
# item_knn against implicit.  Needs a Python with numpy, scipy and implicit (PERF_PYTHON, default python3) and
# movielens-1m imported.  usage: tools/bench-peers.sh [BUILD] [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release} rounds=${2:-3} python=${PERF_PYTHON:-python3}
ratings=datasets/movielens-1m/raw/ratings_no_timestamp.dat.gz
[ -f "$ratings" ] || { echo "skipped: no $ratings (run tools/get-data.sh movielens-1m)"; exit 0; }
"$python" -c 'import implicit, scipy' 2>/dev/null || { echo "skipped: $python has no implicit (PERF_PYTHON=a python that has it)"; exit 0; }
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE # they slow a current numpy
export OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=passive
for round in $(seq "$rounds"); do
    echo "== round $round: ours"
    "$build/bench/ials" | grep -E 'fit|cpu|GFLOP' || true
    "$build/bench/ranking" 1m || true
    echo "== round $round: implicit"
    "$python" - "$ratings" <<'P'
import gzip, resource, sys, time
import numpy as np, scipy.sparse as sp, implicit
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender
a = np.array([l.split(b"::")[:2] for l in gzip.open(sys.argv[1])], dtype=np.int64)
u, i = np.unique(a[:, 0], return_inverse=True)[1], np.unique(a[:, 1], return_inverse=True)[1]
X = sp.csr_matrix((np.ones(len(u), np.float32), (u, i)))
def cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime
def timed(name, f):
    w, c = time.perf_counter(), cpu()
    f()
    print(f"implicit {implicit.__version__} {name}: {time.perf_counter() - w:.3f} s, cpu {cpu() - c:.3f} s")
m = AlternatingLeastSquares(factors=64, iterations=15, regularization=0.01, use_cg=True, use_native=True, num_threads=2, random_state=7)
timed("als fit, 64 factors, 3 CG steps, 15 iterations", lambda: m.fit(X, show_progress=False))
timed("recommend, top 10 of all users", lambda: m.recommend(np.arange(X.shape[0]), X, N=10, filter_already_liked_items=True))
k = CosineRecommender(K=100, num_threads=2)
timed("item knn fit, K 100", lambda: k.fit(X, show_progress=False))
P
done
