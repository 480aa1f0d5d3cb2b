#!/usr/bin/env python3
"""Makes tests/golden/statistics.csv: what scipy and statsmodels say of seed-made values.

usage: golden-statistics.py >tests/golden/statistics.csv        (pip install numpy scipy statsmodels)
A line is what,n,kind,value.  The values come from the generator below, which tests/eval/test_statistics.c repeats to the bit.
kind 0: multiples of 2^-20, no ties; 1: multiples of 1/8, with ties and pairs that don't differ.
"""
import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests

MASK = (1 << 64) - 1
SIZES = (5, 12, 13, 30, 50, 51, 200, 2000)


class Draws:
    """splitmix64 (Steele, Lea, Flood 2014)."""

    def __init__(self, seed):
        self.state = seed * 0x9E3779B97F4A7C15 & MASK

    def below(self, n):
        self.state = self.state + 0x9E3779B97F4A7C15 & MASK
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        return (z ^ z >> 31) % n


def pairs(n, kind):
    draws = Draws(n * 2 + kind)
    steps = 8 if kind else 1 << 20
    a = np.array([draws.below(steps + 1) / steps for _ in range(n)])
    b = np.array([draws.below(steps + 1) / steps for _ in range(n)])
    return a + (0.125 if n > 20 else 0.25), b


def show(what, n, kind, value):
    print(f"{what},{n},{kind},{value:.17g}")


def signed_rank(a, b, n, kind):
    d = a - b
    plain = kind == 0
    if (d != 0).sum() > 50:
        r = stats.wilcoxon(d, zero_method="wilcox", correction=False, method="asymptotic")
    elif plain:
        r = stats.wilcoxon(d, method="exact")
    elif n <= 13:  # all signs of what differs
        r = stats.wilcoxon(d[d != 0], method=stats.PermutationMethod(n_resamples=1 << 14))
    else:
        return
    show("wilcoxon", n, kind, r.statistic)
    show("wilcoxon_p", n, kind, r.pvalue)


print(f"# tools/golden-statistics.py: numpy {np.__version__}, scipy {scipy.__version__}, statsmodels {statsmodels.__version__}")
print("what,n,kind,value")
for n in SIZES:
    for kind in (0, 1):
        a, b = pairs(n, kind)
        d = a - b
        t = stats.ttest_rel(a, b)
        ci = t.confidence_interval(0.95)
        for what, value in (("t", t.statistic), ("t_p", t.pvalue), ("t_low", ci.low), ("t_high", ci.high),
                            ("cohen_d", d.mean() / d.std(ddof=1))):
            show(what, n, kind, value)
        signed_rank(a, b, n, kind)
        show("sign_p", n, kind, stats.binomtest(int((d > 0).sum()), int((d != 0).sum()), 0.5).pvalue)
        show("cliffs_delta", n, kind, np.sign(a[:, None] - b[None, :]).mean())
        # Nadeau and Bengio 2003, one fifth tested
        corrected = d.mean() / np.sqrt((1 / n + 0.25) * d.var(ddof=1))
        show("overlapping_p", n, kind, 2 * stats.t.sf(abs(corrected), n - 1))
        if n in (12, 13):
            exact = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=1 << 14)
            show("randomisation_p", n, kind, exact.pvalue)
        if n == 200 or (n == 30 and kind == 0):  # 30 values of kind 1 have means 1/240 apart: too coarse for 1e-3
            for level in (0.9, 0.95):
                r = stats.bootstrap((a,), np.mean, confidence_level=level, n_resamples=400000, method="BCa", batch=20000,
                                    random_state=1).confidence_interval
                show(f"bca_low_{level}", n, kind, r.low)
                show(f"bca_high_{level}", n, kind, r.high)
for n in (1, 2, 7, 20):
    draws = Draws(n)
    p = [draws.below(1 << 20) / (1 << 20) / (1 + draws.below(40)) for _ in range(n)]
    for method, name in (("holm", "holm"), ("bonferroni", "bonferroni"), ("fdr_bh", "bh")):
        for i, value in enumerate(multipletests(p, method=method)[1]):
            show(name, n, i, value)
for k, n, kind in ((3, 10, 0), (4, 25, 1), (7, 200, 1)):
    draws = Draws(1000 + n)
    steps = 8 if kind else 1 << 20
    v = np.array([[draws.below(steps + 1) / steps + 0.02 * m for m in range(k)] for _ in range(n)])
    r = stats.friedmanchisquare(*v.T)
    show("friedman", k, n, r.statistic)
    show("friedman_p", k, n, r.pvalue)
    f = (n - 1) * r.statistic / (n * (k - 1) - r.statistic)
    show("iman_davenport_p", k, n, stats.f.sf(f, k - 1, (k - 1) * (n - 1)))
    for m, rank in enumerate(stats.rankdata(-v, axis=1).mean(axis=0)):
        show(f"mean_rank_{m}", k, n, rank)
for k in (2, 3, 5, 10, 20):
    show("range_0.95", k, 0, stats.studentized_range.ppf(0.95, k, np.inf))
    show("range_0.9", k, 0, stats.studentized_range.ppf(0.9, k, np.inf))
