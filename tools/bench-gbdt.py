#!/usr/bin/env python3
"""Boosted trees, build/release/bench/gbdt beside xgboost (hist) on one made-up table, by turns: least seconds of RUNS, log loss and AUC beside.

usage: bench-gbdt.py FOLDER [ROWS] [RUNS]       FOLDER: where the table goes.  Needs, in a virtual environment: pip install numpy xgboost
"""
import json
import os
import resource
import subprocess
import sys
import time

os.environ.update(OMP_NUM_THREADS="2", OMP_WAIT_POLICY="passive")
import numpy as np
import xgboost

folder, rows, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 500_000, int(sys.argv[3]) if len(sys.argv) > 3 else 3
rng = np.random.default_rng(1)
x = rng.standard_normal((rows, 20), dtype=np.float32)
z = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + 0.5 * (x[:, 3] > 0.3) * x[:, 4] - 0.7 * x[:, 5] ** 2 + 0.5
y = (rng.random(rows) < 1 / (1 + np.exp(-1.5 * z))).astype(np.float32)
x.tofile(f"{folder}/x.f32")
y.tofile(f"{folder}/y.f32")
n = rows * 4 // 5


def cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime


for turn in range(runs):
    print(subprocess.check_output([os.environ.get("BUILD", "build/release") + "/bench/gbdt", f"{folder}/x.f32", f"{folder}/y.f32", str(rows), "20", "1"], text=True), end="")
    w = time.perf_counter()
    data = xgboost.QuantileDMatrix(x[:n], y[:n], nthread=2, max_bin=255)
    binned, c, w = time.perf_counter() - w, cpu(), time.perf_counter()
    m = xgboost.train({"tree_method": "hist", "max_depth": 6, "eta": 0.1, "objective": "binary:logistic", "nthread": 2, "max_bin": 255}, data, 100)
    w, c = time.perf_counter() - w, cpu() - c
    p = m.inplace_predict(x[n:]).astype(np.float64)
    order = np.argsort(p)
    rank = np.empty(len(p))
    rank[order] = np.arange(1, len(p) + 1)
    ones = y[n:].sum()
    print(json.dumps({"who": f"xgboost {xgboost.__version__}", "model": "hist", "rows": n, "bin_s": round(binned, 3), "seconds": round(w, 3), "cpu_s": round(c, 3),
                      "loss": round(float(-np.mean(y[n:] * np.log(p) + (1 - y[n:]) * np.log1p(-p))), 5),
                      "auc": round(float((rank[y[n:] > 0].sum() - ones * (ones + 1) / 2) / (ones * (len(p) - ones))), 5)}), flush=True)
