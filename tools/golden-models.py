#!/usr/bin/env python3
"""Makes tests/golden/models.csv: what other libraries' models say of small tables that both sides make by the same formulas.

usage: golden-models.py >tests/golden/models.csv
Needs, in a virtual environment: pip install numpy scipy scikit-learn implicit

Lines: name,row,column,value
  bayes NAME   log odds (difference of predict_joint_log_proba) of item `column` for user `row`, by scikit-learn's MultinomialNB,
               BernoulliNB, ComplementNB; counts and ratings: count() and rating() below
  lmf_user, lmf_item   factors of implicit's LogisticMatrixFactorization after three iterations without negatives, from start()
  knn NAME     similarities of items by implicit's CosineRecommender, TFIDFRecommender, BM25Recommender, and by numpy.corrcoef, from rating()
"""
import sys

import implicit
import numpy as np
import scipy.sparse as sp
import sklearn
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from implicit.cpu.lmf import LogisticMatrixFactorization
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB

USERS, ITEMS, WORDS, FACTORS = 12, 14, 9, 4


def count(i, w):
    return max(0, (i * 5 + w * 3 + i * i * w % 5) % 7 - 3)


def rating(u, i):  # 0: none
    return 0 if (3 * i + 5 * u + i * u) % 7 >= 4 else (5 if (i + 2 * u) % 3 != 0 else 2)


def start(r, k):
    return np.float32(0.5 * np.sin(1 + 3 * r + 7 * k))


def show(name, m):
    for r in range(m.shape[0]):
        for c in range(m.shape[1]):
            print(f"{name},{r},{c},{m[r, c]:.9g}")


print(f"# scikit-learn {sklearn.__version__}, implicit {implicit.__version__}, numpy {np.__version__}; {sys.argv[0].split('/')[-1]}")
print("name,row,column,value")
X = np.array([[count(i, w) for w in range(WORDS)] for i in range(ITEMS)])
R = np.array([[rating(u, i) for i in range(ITEMS)] for u in range(USERS)])

models = {"multinomial": MultinomialNB(alpha=1), "multinomial_flat": MultinomialNB(alpha=0.5, fit_prior=False),
          "bernoulli": BernoulliNB(alpha=0.5), "complement": ComplementNB(alpha=1), "complement_norm": ComplementNB(alpha=1, norm=True)}
for others in ("rest", "rated"):
    for name, model in models.items():
        out = np.zeros((3, ITEMS))
        for u in range(3):
            liked = R[u] >= 4
            used = np.ones(ITEMS, bool) if others == "rest" else R[u] > 0
            model.fit(X[used], liked[used])
            joint = model.predict_joint_log_proba(X)
            out[u] = joint[:, 1] - joint[:, 0]
        show(f"{name}_{others}", out)

C = sp.csr_matrix(np.where(R > 0, 1.0 + R / 5, 0).astype(np.float32))
lmf = LogisticMatrixFactorization(factors=FACTORS, learning_rate=0.7, regularization=0.6, iterations=3, neg_prop=0, num_threads=1)
lmf.user_factors = np.array([[start(r, k) for k in range(FACTORS + 2)] for r in range(USERS)], np.float32)
lmf.item_factors = np.array([[start(r + 100, k) for k in range(FACTORS + 2)] for r in range(ITEMS)], np.float32)
lmf.user_factors[:, -2] = 1
lmf.item_factors[:, -1] = 1
lmf.fit(C, show_progress=False)
show("lmf_user", lmf.user_factors)
show("lmf_item", lmf.item_factors)

counts = sp.csr_matrix(R.astype(np.float64))
for name, model in {"cosine": CosineRecommender(K=ITEMS), "tf_idf": TFIDFRecommender(K=ITEMS), "bm25": BM25Recommender(K=ITEMS, K1=1.2, B=0.75)}.items():
    model.fit(counts, show_progress=False)
    show(f"knn_{name}", model.similarity.toarray())
with np.errstate(invalid="ignore"):  # of an item without rows, or with all: none
    show("knn_correlation", np.nan_to_num(np.corrcoef(R.T.astype(np.float64))))
