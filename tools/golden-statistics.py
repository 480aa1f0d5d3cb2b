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
# What is not a mean: lists of 5 of 12 items, and parts of ratios.  scipy resamples the users' numbers.
COLUMNS = {"coverage": 0, "gini": 1, "entropy": 2}


def user_lists(n):
    draws = Draws(5000 + n)
    lists = []
    for _ in range(n):
        items = []
        while len(items) < 5:
            item = min(draws.below(12), draws.below(12))
            if item not in items:
                items.append(item)
        lists.append(items)
    return np.array(lists)


def spread(counts):
    """Coverage, Gini, entropy of counts [..., 12]."""
    c = np.sort(counts, axis=-1).astype(float)
    total, m = c.sum(axis=-1), c.shape[-1]
    gini = ((2 * np.arange(1, m + 1) - m - 1) * c).sum(axis=-1) / (m * total)
    p = c / total[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.where(p > 0, p * np.log2(p), 0).sum(axis=-1)
    return (c > 0).mean(axis=-1), gini, entropy


def spread_of(lists, column):
    def statistic(users, axis=-1):
        rows = lists[users].reshape(*users.shape[:-1], -1)
        flat = rows.reshape(-1, rows.shape[-1])
        at = flat + 12 * np.arange(len(flat))[:, None]
        counts = np.bincount(at.ravel(), minlength=12 * len(flat)).reshape(*users.shape[:-1], 12)
        return spread(counts)[column]
    return statistic


def r2(s, v, w, n):
    return 1 - s / (w - v * v / n)


def ratios(n):
    """Rows of a user: how many, and their errors and ratings."""
    draws = Draws(7000 + n)
    parts = []
    for _ in range(n):
        rows = 1 + draws.below(6)
        e = [draws.below(33) / 16 for _ in range(rows)]
        v = [1 + draws.below(9) / 2 for _ in range(rows)]
        parts.append((sum(x * x for x in e), sum(e), sum(v), sum(x * x for x in v), rows))
    return np.array(parts)


def measure(parts, name):
    def statistic(users, axis=-1):
        s, e, v, w, n = np.moveaxis(parts[users].sum(axis=-2), -1, 0)
        return {"rmse": np.sqrt(s / n), "mae": e / n, "r2": r2(s, v, w, n)}[name]
    return statistic


def interval(name, statistic, n):
    users = np.arange(n)
    value = statistic(users)
    left = np.array([statistic(np.delete(users, u)) for u in users])
    d = left.mean() - left
    error = np.sqrt((n - 1) / n * (d * d).sum())
    show(f"users_{name}_value", n, 0, value)
    show(f"users_{name}_acceleration", n, 0, (d ** 3).sum() / (6 * (d * d).sum() ** 1.5))
    show(f"users_{name}_error", n, 0, error)
    r = stats.bootstrap((users,), statistic, n_resamples=200000 if n > 100 else 1000000, method="BCa", batch=2000, random_state=1)
    below = (r.bootstrap_distribution < value).mean() + (r.bootstrap_distribution == value).mean() / 2
    if abs(stats.norm.ppf(below)) <= 0.5:
        low, high = r.confidence_interval
    else:
        low, high = value + stats.t.ppf([0.025, 0.975], n - 1) * error
    show(f"users_{name}_low", n, 0, low)
    show(f"users_{name}_high", n, 0, high)


for n in (60, 300):
    for name, column in COLUMNS.items():
        few = n // 12 if name == "coverage" else n  # more users list all items
        interval(name, spread_of(user_lists(few), column), few)
    for name in ("rmse", "mae", "r2"):
        interval(name, measure(ratios(n), name), n)
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
