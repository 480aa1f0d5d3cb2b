#!/usr/bin/env python3
"""Makes tests/golden/metrics.csv: what other libraries' own metric code says of 10,000 seed-made lists.

usage: golden-metrics.py FOLDER >tests/golden/metrics.csv
Needs, in a virtual environment: pip install numpy==1.26.4 scipy pandas pytrec_eval-terrier ranx implicit rectools
FOLDER holds the unpacked wheels `recbole` and `lenskit` (pip download --no-deps recbole lenskit; unzip): of these only the
metric files are loaded, with stand-ins for what they import (both want torch).

The lists are made by the generator below, which tests/eval/test_golden.c repeats to the bit; so the file holds results alone:
a line is library,dialect,metric,k,user,value; user `mean` is the mean over the users that have a value, `check` the mean of
value * (user % 97 + 1), a number is one user's.  Short and empty lists, users with nothing relevant, ties and grades occur.
"""
import glob
import importlib.metadata as metadata
import importlib.util
import re
import sys
import types
import warnings

import numpy as np

warnings.filterwarnings("ignore")
np.float, np.bool = float, bool  # names that RecBole's code still uses
CASES, ITEMS, KS, SHOWN = 10000, 150, (5, 10, 20, 50), 6
MASK = (1 << 64) - 1


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


def some(draws, n):
    """n different items."""
    order = list(range(ITEMS))
    for j in range(n):
        other = j + draws.below(ITEMS - j)
        order[j], order[other] = order[other], order[j]
    return order[:n]


def case(u):
    draws = Draws(u + 1)
    length, judged = draws.below(61), draws.below(31)
    if draws.below(20) == 0:
        length = 0
    items, score, scores = some(draws, length), 100.0, []
    for _ in items:
        scores.append(score)
        score -= 0.25 * draws.below(3)
    relevant = some(draws, judged)
    return items, scores, {i: 1 if u % 3 == 0 else draws.below(5) for i in relevant}


cases = [case(u) for u in range(CASES)]
good = [{i: g for i, g in c[2].items() if g > 0} for c in cases]


def show(library, dialect, metric, k, values, pooled=None):
    """values: by user."""
    mean = np.mean([values[u] for u in sorted(values)]) if pooled is None else pooled
    check = np.mean([values[u] * (u % 97 + 1) for u in sorted(values)])
    head = f"{library},{dialect},{metric},{k if k else ''}"
    print(f"{head},mean,{mean:.17g}\n{head},check,{check:.17g}")
    for u in sorted(values)[:SHOWN]:
        print(f"{head},{u},{values[u]:.17g}")


def pytrec_eval_():
    import pytrec_eval

    qrels = {str(u): {f"i{i}": g for i, g in c[2].items()} for u, c in enumerate(cases) if c[2]}
    names = {"P": "precision", "recall": "recall", "ndcg_cut": "ndcg", "map_cut": "map", "success": "hit_rate"}
    runs = {str(u): {f"i{i}": s for i, s in zip(c[0], c[1])} for u, c in enumerate(cases) if c[2] and c[0]}
    cut = ",".join(map(str, KS))
    out = pytrec_eval.RelevanceEvaluator(qrels, {f"{n}.{cut}" for n in names} | {"Rprec"}).evaluate(runs)
    for k in KS:
        for n, ours in names.items():
            show("pytrec_eval", "trec_eval", ours, k, {int(u): v[f"{n}_{k}"] for u, v in out.items()})
        best = {u: dict(sorted(r.items(), key=lambda x: (x[1], x[0]), reverse=True)[:k]) for u, r in runs.items()}
        first = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(best)
        show("pytrec_eval", "trec_eval", "mrr", k, {int(u): v["recip_rank"] for u, v in first.items()})
    show("pytrec_eval", "trec_eval", "r_precision", 0, {int(u): v["Rprec"] for u, v in out.items()})


def ranx_():
    from ranx import Qrels, Run, evaluate

    names = {"precision": ("default", "precision"), "recall": ("default", "recall"), "f1": ("default", "f1"),
             "hit_rate": ("default", "hit_rate"), "mrr": ("default", "mrr"), "map": ("rectools", "map"),
             "ndcg": ("default", "ndcg_linear"), "ndcg_burges": ("default", "ndcg_exp")}
    users = [u for u in range(CASES) if good[u] and cases[u][0]]
    qrels = Qrels({str(u): {f"i{i}": g for i, g in good[u].items()} for u in users})
    run = Run({str(u): {f"i{i}": 1000.0 - j for j, i in enumerate(cases[u][0])} for u in users})
    for k in KS:
        evaluate(qrels, run, [f"{n}@{k}" for n in names])
        for n, (dialect, ours) in names.items():
            show("ranx", dialect, ours, k, {int(u): float(v) for u, v in run.scores[f"{n}@{k}"].items()})


def implicit_():
    from implicit.evaluation import ranking_metrics_at_k
    from scipy.sparse import csr_matrix

    class Lists:
        def recommend(self, users, rows, N=10, **_):
            padded = [(cases[self.user[u]][0] + [-1] * N)[:N] for u in np.atleast_1d(users)]
            return np.array(padded, dtype=np.int32), None

    def score(users, k):
        model, shape = Lists(), (len(users), ITEMS)
        model.user = users
        row = [r for r, u in enumerate(users) for _ in good[u]]
        test = csr_matrix((np.ones(len(row)), (row, [i for u in users for i in good[u]])), shape=shape)
        return ranking_metrics_at_k(model, csr_matrix(shape), test, K=k, show_progress=False)

    users = [u for u in range(CASES) if good[u]]
    names = {"precision": "precision", "map": "map", "ndcg": "ndcg", "auc": "auc_list"}
    for k in KS:
        whole, each = score(users, k), {u: score([u], k) for u in users}
        for n, ours in names.items():
            show("implicit", "implicit", ours, k, {u: each[u][n] for u in users}, whole[n])


def rectools_():
    import pandas as pd
    from rectools import Columns
    from rectools import metrics as m

    users = [u for u in range(CASES) if good[u]]
    lists = [(u, i, j + 1) for u in users for j, i in enumerate(cases[u][0])]
    reco = pd.DataFrame(lists, columns=[Columns.User, Columns.Item, Columns.Rank])
    test = pd.DataFrame([(u, i) for u in users for i in good[u]], columns=[Columns.User, Columns.Item])
    names = {"precision": m.Precision, "recall": m.Recall, "f1": m.F1Beta, "hit_rate": m.HitRate, "map": m.MAP,
             "ndcg": m.NDCG, "mrr": m.MRR}
    for k in KS:
        for ours, metric in names.items():
            show("rectools", "rectools", ours, k, metric(k=k).calc_per_user(reco, test).to_dict())


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def stand_in(name, **what):
    module = types.ModuleType(name)
    module.__path__ = []
    module.__dict__.update(what)
    sys.modules[name] = module


def recbole_(folder):
    class Base:
        pass

    stand_in("recbole")
    stand_in("recbole.evaluator")
    stand_in("recbole.utils", EvaluatorType=types.SimpleNamespace(RANKING=1, VALUE=2))
    stand_in("recbole.evaluator.utils", _binary_clf_curve=None)
    stand_in("recbole.evaluator.base_metric", AbstractMetric=Base, TopkMetric=Base, LossMetric=Base)
    if importlib.util.find_spec("sklearn") is None:
        stand_in("sklearn")
        stand_in("sklearn.metrics", auc=None, mean_absolute_error=None, mean_squared_error=None)
    m = load("recbole.evaluator.metrics", f"{folder}/recbole/recbole/evaluator/metrics.py")
    users = [u for u in range(CASES) if good[u]]
    places, length = np.zeros((len(users), max(KS)), dtype=bool), np.array([len(good[u]) for u in users])
    for r, u in enumerate(users):
        for j, i in enumerate(cases[u][0][: max(KS)]):
            places[r, j] = i in good[u]
    names = {"precision": m.Precision, "recall": m.Recall, "hit_rate": m.Hit, "mrr": m.MRR, "map": m.MAP, "ndcg": m.NDCG}
    for ours, metric in names.items():
        more = (length,) if ours in ("recall", "map", "ndcg") else ()
        value = metric.metric_info(object.__new__(metric), places, *more)
        for k in KS:
            show("recbole", "recbole", ours, k, {u: float(value[r, k - 1]) for r, u in enumerate(users)})


def lenskit_(folder):
    class ItemList:
        """What the metrics ask of LensKit's own."""

        ordered = True

        def __init__(self, ids):
            self.ids = np.array(ids, dtype=int)

        def __len__(self):
            return len(self.ids)

        def __getitem__(self, part):
            return ItemList(self.ids[part])

        def isin(self, other):
            return np.isin(self.ids, other.ids)

        def ranks(self, **_):
            return np.arange(1, len(self.ids) + 1)

    class Metric:
        pass

    class ListMetric(Metric):
        pass

    stand_in("lenskit")
    stand_in("lenskit.data", ItemList=ItemList)
    stand_in("lenskit.data.items", ItemList=ItemList)
    stand_in("lenskit.data.types", NPVector=dict)
    stand_in("lenskit.metrics", Metric=Metric)
    stand_in("lenskit.metrics._base", Metric=Metric, ListMetric=ListMetric,
             GlobalMetric=ListMetric, DecomposedMetric=ListMetric)
    stand_in("lenskit.metrics.ranking")
    sys.modules["lenskit.data.types"].NPVector = np.ndarray
    path = f"{folder}/lenskit/lenskit/metrics/ranking"
    part = {n: load(f"lenskit.metrics.ranking.{n}", f"{path}/{n}.py")
            for n in ("_base", "_weighting", "_dcg", "_hit", "_map", "_pr", "_recip")}
    names = {"precision": part["_pr"].Precision, "recall": part["_pr"].Recall, "hit_rate": part["_hit"].Hit,
             "map": part["_map"].AveragePrecision, "mrr": part["_recip"].RecipRank, "ndcg": part["_dcg"].NDCG}
    for k in KS:
        for ours, metric in names.items():
            measure = metric(n=k)
            value = {u: float(measure.measure_list(ItemList(cases[u][0]), ItemList(list(good[u]))))
                     for u in range(CASES) if good[u]}
            show("lenskit", "lenskit", ours, k, {u: v for u, v in value.items() if not np.isnan(v)})


if __name__ == "__main__":
    source = sys.argv[1]
    versions = {p: metadata.version(p) for p in ("pytrec_eval-terrier", "ranx", "implicit", "RecTools", "numpy")}
    for name in ("recbole", "lenskit"):
        versions[name] = re.search(r"-([^-]+)\.dist-info", glob.glob(f"{source}/{name}/*.dist-info")[0]).group(1)
    print("# tools/golden-metrics.py: " + ", ".join(f"{n} {v}" for n, v in versions.items()))
    print("library,dialect,metric,k,user,value")
    pytrec_eval_()
    ranx_()
    implicit_()
    rectools_()
    recbole_(source)
    lenskit_(source)
