#!/usr/bin/env python3
"""Ranking metrics of 6,040 lists of 100 of 3,706 items by others and by bench/metrics, by turns in one run.

python3 tools/bench-metrics-peers.py [BUILD [ROUNDS]]      needs numpy; RecTools, pytrec_eval and ranx are left out where they aren't
Precision, recall and NDCG at 5, 10, 20, 50, 100 by each of them (numpy: vectorised, hits by one sorted search); all ranking metrics, of all
dialects, by ours.  The least wall seconds of ROUNDS (5); pytrec_eval's dictionaries and ranx's objects are timed apart ("build").
"""
import subprocess, sys, time
import numpy as np

build, rounds = (sys.argv + ["build/release", "5"][len(sys.argv) - 1:])[1:3] if len(sys.argv) < 3 else sys.argv[1:3]
USERS, ITEMS, TOP, EACH, KS = 6040, 3706, 100, 33, (5, 10, 20, 50, 100)
rng = np.random.default_rng(1)
order = np.argsort(rng.random((USERS, ITEMS)), axis=1)
lists = np.ascontiguousarray(order[:, :TOP])
j = np.arange(EACH)
test = np.where(j % 4 == 0, order[:, np.minimum(3 * j, TOP - 1)], order[:, TOP + j])
best = {}


def timed(name, f):
    start = time.perf_counter()
    out = f()
    best[name] = min(best.get(name, 1e9), time.perf_counter() - start)
    return out


keys = np.sort((np.arange(USERS)[:, None] * ITEMS + test).ravel())


def by_numpy():
    mine = (np.arange(USERS)[:, None] * ITEMS + lists).ravel()
    at = np.minimum(np.searchsorted(keys, mine), len(keys) - 1)
    hits = (keys[at] == mine).reshape(USERS, TOP)
    counts = np.cumsum(hits, axis=1)
    discount = 1 / np.log2(np.arange(2, TOP + 2))
    gains, ideal = np.cumsum(hits * discount, axis=1), np.cumsum(discount)
    out = {}
    for k in KS:
        out[k] = ((counts[:, k - 1] / k).mean(), (counts[:, k - 1] / EACH).mean(), (gains[:, k - 1] / ideal[min(k, EACH) - 1]).mean())
    return out


names = [str(i) for i in range(ITEMS)]


def pytrec_build():
    qrels = {str(u): {names[i]: 1 for i in test[u]} for u in range(USERS)}
    return qrels, {str(u): {names[i]: float(TOP - r) for r, i in enumerate(lists[u])} for u in range(USERS)}


def try_import(name):
    try:
        return __import__(name)
    except ImportError:
        print(f"left out: {name} is not installed")


rectools, pytrec, ranx = try_import("rectools"), try_import("pytrec_eval"), try_import("ranx")
cuts = ",".join(map(str, KS))
for _ in range(int(rounds)):
    timed("numpy", by_numpy)
    if rectools:
        import pandas as pd
        from rectools import Columns
        from rectools.metrics import NDCG, Precision, Recall, calc_metrics
        reco = pd.DataFrame({Columns.User: np.repeat(np.arange(USERS), TOP), Columns.Item: lists.ravel(), Columns.Rank: np.tile(np.arange(1, TOP + 1), USERS)})
        rows = pd.DataFrame({Columns.User: np.repeat(np.arange(USERS), EACH), Columns.Item: test.ravel()})
        metrics = {f"{n}@{k}": c(k=k) for n, c in (("p", Precision), ("r", Recall), ("ndcg", NDCG)) for k in KS}
        timed("RecTools", lambda: calc_metrics(metrics, reco=reco, interactions=rows))
    if pytrec:
        qrels, run = timed("pytrec_eval build", pytrec_build)
        judge = pytrec.RelevanceEvaluator(qrels, {f"P.{cuts}", f"recall.{cuts}", f"ndcg_cut.{cuts}"})
        timed("pytrec_eval", lambda: judge.evaluate(run))
    if ranx and _ < 2:
        q, r = timed("ranx build", lambda: (ranx.Qrels({str(u): {names[i]: 1 for i in test[u]} for u in range(USERS)}), ranx.Run({str(u): {names[i]: float(TOP - p) for p, i in enumerate(lists[u])} for u in range(USERS)})))
        timed("ranx", lambda: ranx.evaluate(q, r, [f"{m}@{k}" for m in ("precision", "recall", "ndcg") for k in KS]))
    ours = subprocess.run([f"{build}/bench/metrics"], capture_output=True, text=True, check=True).stdout.splitlines()
    for line in ours:
        threads, seconds = line.split()[0], float(line.split(" in ")[1].split()[0])
        best[f"ours, {threads} threads"] = min(best.get(f"ours, {threads} threads", 1e9), seconds)
print(ours[0])
mine = best["ours, 2 threads"]
for name, seconds in best.items():
    print(f"{name:20s} {seconds:8.4f} s   {seconds / mine:7.1f} x ours")
