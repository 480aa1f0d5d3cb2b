#!/usr/bin/env python3
"""implicit's GPU code (conjugate gradient ALS, BPR) on data of the shape that tools/gpu-check.sh gives recfuse, where the package
`implicit` is installed with its CUDA part; says why not otherwise and ends with status 1.  usage: tools/gpu-peer.py"""
import sys
import time

try:
    import implicit
    import implicit.gpu
    import numpy as np
    import scipy.sparse as sp
except ImportError as e:
    sys.exit(f"the Python package is not installed here ({e})")
if not implicit.gpu.HAS_CUDA:
    sys.exit("implicit is installed without its CUDA part")
from implicit.gpu.als import AlternatingLeastSquares
from implicit.gpu.bpr import BayesianPersonalizedRanking

rng = np.random.default_rng(1)
users, items, n = 6040, 3706, 800000
weights = 1.0 / np.arange(10, items + 10)
rows = rng.integers(0, users, n)
cols = rng.choice(items, n, p=weights / weights.sum())
matrix = sp.csr_matrix((np.ones(n, np.float32), (rows, cols)), (users, items))
matrix.data[:] = 1
print(f"implicit {implicit.__version__}, {matrix.nnz} interactions of {users} users and {items} items, 64 factors:")
for name, model in [
    ("ALS, 16 iterations", AlternatingLeastSquares(factors=64, iterations=16, random_state=1)),
    ("BPR, 10 epochs", BayesianPersonalizedRanking(factors=64, iterations=10, random_state=1)),
]:
    best = 1e9
    for _ in range(3):
        start = time.perf_counter()
        model.fit(matrix, show_progress=False)
        best = min(best, time.perf_counter() - start)
    print(f"- {name}: {best:.3f} s")
