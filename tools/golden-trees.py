#!/usr/bin/env python3
"""Makes tests/golden/trees.csv: a small table and what other libraries' trees predict on it.

usage: golden-trees.py >tests/golden/trees.csv
Needs, in a virtual environment: pip install numpy scikit-learn xgboost

Columns: four features (the third with missing values, for xgboost alone), a real and a 0/1 target, then one column a model:
  cart         sklearn DecisionTreeRegressor(max_depth=4, min_samples_leaf=5) on x0, x1, x3 and the real target
  pruned       the same with max_depth=None, min_samples_leaf=1, ccp_alpha=0.02
  gini         sklearn DecisionTreeClassifier(criterion="gini", max_depth=3, min_samples_leaf=10), probability of 1
  logistic     xgboost: hist, 20 rounds, max_depth 3, eta .3, lambda 1, min_child_weight 1, all four features; the margin
  squared      xgboost: the same with reg:squarederror on the real target, max_depth 0, max_leaves 6, grow_policy lossguide
"""
import sys

import numpy as np
import sklearn
import xgboost
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

rng = np.random.default_rng(7)
n = 240
x = np.column_stack([rng.normal(size=n), rng.uniform(-1, 1, size=n), rng.normal(size=n), rng.integers(0, 9, size=n)]).astype(np.float32)
x = np.round(x, 4).astype(np.float32)
real = (np.sin(2 * x[:, 0]) + (x[:, 1] > 0.2) * x[:, 3] * 0.3 + np.nan_to_num(x[:, 2]) * 0.4 + rng.normal(size=n) * 0.3).astype(np.float32)
real = np.round(real, 4).astype(np.float32)
label = (real + rng.normal(size=n) * 0.3 > np.median(real)).astype(np.float32)
x[rng.uniform(size=n) < 0.2, 2] = np.nan
full = x[:, [0, 1, 3]]

cart = DecisionTreeRegressor(max_depth=4, min_samples_leaf=5, random_state=0).fit(full, real).predict(full)
pruned = DecisionTreeRegressor(ccp_alpha=0.02, random_state=0).fit(full, real).predict(full)
gini = DecisionTreeClassifier(max_depth=3, min_samples_leaf=10, random_state=0).fit(full, label).predict_proba(full)[:, 1]


def boosted(objective, y, **more):
    data = xgboost.DMatrix(x, label=y)
    options = {"objective": objective, "tree_method": "hist", "max_bin": 255, "eta": 0.3, "lambda": 1, "min_child_weight": 1,
               "base_score": float(y.mean()), "nthread": 1, "seed": 0, **more}
    return xgboost.train(options, data, 20).predict(data, output_margin=True)


logistic = boosted("binary:logistic", label, max_depth=3)
squared = boosted("reg:squarederror", real, max_depth=0, max_leaves=6, grow_policy="lossguide")

print(f"# scikit-learn {sklearn.__version__}, xgboost {xgboost.__version__}, numpy {np.__version__}; {sys.argv[0].split('/')[-1]}")
print("x0,x1,x2,x3,real,label,cart,pruned,gini,logistic,squared")
for i in range(n):
    row = [*x[i], real[i], label[i], cart[i], pruned[i], gini[i], logistic[i], squared[i]]
    print(",".join("" if np.isnan(v) else f"{v:.7g}" for v in row))
