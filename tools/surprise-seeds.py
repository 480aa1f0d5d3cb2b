#!/usr/bin/env python3
"""What scikit-surprise gives on the five folds of its benchmark by other seeds and another order of the train rows.

usage: surprise-seeds.py FOLDER MODEL FROM TO [file|kfold]      FOLDER has u.data and surprise-5fold.txt; MODEL: SVD, SVDpp, NMF, CoClustering
file: train rows as u.data has them; kfold: as surprise's own KFold(random_state=0) leaves them, which is the published table's order.
Needs, in a virtual environment: pip install numpy pandas scikit-surprise.  Predictions are clipped to 1..5.
"""
import sys

import numpy as np
import pandas
import surprise

folder, model, low, high = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
order = sys.argv[5] if len(sys.argv) > 5 else "file"
rows = np.array([line.split()[:3] for line in open(folder + "/u.data")])
fold = np.array([int(line) for line in open(folder + "/surprise-5fold.txt")])
place = np.arange(len(rows))
if order == "kfold":
    np.random.RandomState(0).shuffle(place)
results = []
for seed in range(low, high):
    errors = []
    for k in range(5):
        train, test = rows[place[fold[place] != k]], rows[fold == k]
        table = pandas.DataFrame({"u": train[:, 0], "i": train[:, 1], "r": train[:, 2].astype(float)})
        data = surprise.Dataset.load_from_df(table, surprise.Reader(rating_scale=(1, 5))).build_full_trainset()
        predictions = getattr(surprise, model)(random_state=seed).fit(data).test([(u, i, float(r)) for u, i, r in test])
        e = np.array([p.r_ui - p.est for p in predictions])
        errors.append((np.sqrt((e ** 2).mean()), abs(e).mean()))
    results.append(np.mean(errors, 0))
    print(f"{model} {order} random_state {seed}: RMSE {results[-1][0]:.4f} MAE {results[-1][1]:.4f}", flush=True)
print(f"{model} {order}: mean {np.mean(results, 0).round(4)}, deviation {np.std(results, 0).round(4)}")
