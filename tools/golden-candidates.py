#!/usr/bin/env python3
"""tests/golden/candidates.csv: the estimators of Krichene and Rendle (KDD 2020, section 5) by numpy and scipy, for tests/eval/test_candidates.c.

python3 tools/golden-candidates.py > tests/golden/candidates.csv
Written with numpy 2.4.6, scipy 1.17.1 (the first line names those that were used).  The distribution is hypergeometric (negatives are drawn
without replacement), the prior of the number of items ahead uniform.
"""
import numpy as np, scipy
from scipy.optimize import nnls
from scipy.stats import hypergeom

BASES = {"one": lambda r: np.ones_like(r), "discount": lambda r: 1 / np.log2(r + 1), "reciprocal": lambda r: 1 / r}
print(f"# numpy {np.__version__}, scipy {scipy.__version__}")
print("n_others,m,gamma,base,p,k,ahead,bv,cls")
for n, m, gamma in ((1, 1, 0.1), (30, 10, 0.1), (500, 50, 0.1), (500, 50, 0.01), (3000, 100, 0.1), (120, 119, 0.5)):
    a = np.arange(n + 1.0)
    H = hypergeom.pmf(np.arange(m + 1)[None, :], n, a[:, None], m)
    G = H.T @ H / (n + 1)
    c = H.sum(0) / (n + 1)
    for base, f in BASES.items():
        for p, k in ((1, 1), (1, 10), (3, 10), (7, 20)):
            M = np.where(p + a <= k, f(p + a), 0.0)
            bv = np.linalg.solve((1 - gamma) * G + gamma * np.diag(c), H.T @ M / (n + 1))
            steps, _ = nnls(np.cumsum(H, axis=1), M, maxiter=10000)  # f_j = d_j + ... + d_m, d >= 0
            cls = np.cumsum(steps[::-1])[::-1]
            for ahead in sorted({0, 1, min(2, m), m // 3, m}):
                print(f"{n},{m},{gamma},{base},{p},{k},{ahead},{bv[ahead]:.15g},{cls[ahead]:.15g}")
