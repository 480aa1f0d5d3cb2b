#!/usr/bin/env python3
"""One peer's model on the rows that bench/models takes; prints one JSON line like it.  tools/bench-models.sh runs both by turns.

usage: bench-model-peers.py TRAIN TEST PEER [RUNS]          rows: user item rating ..., tab-separated, ids from 1
PEER   implicit_als, implicit_bpr, implicit_knn (implicit); cmfrec_ials, cmfrec_als (cmfrec); libmf; svdpp (scikit-surprise);
       slim (scikit-learn: 40 columns, scaled to all); myfm
Seconds are the least of RUNS (5) fits on 2 threads, without reading the rows; quality as in bench/models.c.
"""
import json
import os
import resource
import sys
import time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # they slow a current numpy
    os.environ.pop(name, None)
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="2", OMP_WAIT_POLICY="passive")
import numpy as np
import scipy.sparse as sp


def cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime


def read(path):
    import pandas
    a = pandas.read_csv(path, sep="\t", header=None, usecols=[0, 1, 2], dtype={0: np.int32, 1: np.int32, 2: np.float32})
    return a[0].to_numpy() - 1, a[1].to_numpy() - 1, a[2].to_numpy()


def matrix(rows, shape, ones):
    u, i, v = rows
    return sp.csr_matrix((np.ones(len(u), np.float32) if ones else v, (u, i)), shape)


def ndcg(recommended, test, k=10):
    t = sp.csr_matrix((np.ones(len(test[0]), bool), (test[0], test[1])))
    gain, total, n = 1 / np.log2(np.arange(2, k + 2)), 0.0, 0
    for u in range(t.shape[0]):
        held = set(t.indices[t.indptr[u]:t.indptr[u + 1]])
        if held:
            total += sum(g for g, i in zip(gain, recommended[u]) if i in held) / gain[:min(k, len(held))].sum()
            n += 1
    return total / n


def top(scores, seen, k=10):
    out = np.zeros((seen.shape[0], k), np.int64)
    for u in range(0, seen.shape[0], 512):
        s = scores(u, min(u + 512, seen.shape[0]))
        block = seen[u:u + 512]
        s[block.nonzero()] = -np.inf
        p = np.argpartition(-s, k, axis=1)[:, :k]
        out[u:u + 512] = np.take_along_axis(p, np.argsort(-np.take_along_axis(s, p, 1), axis=1, kind="stable"), 1)
    return out


def main():
    peer, runs = sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 5
    train, test = read(sys.argv[1]), read(sys.argv[2])
    shape = (max(train[0].max(), test[0].max()) + 1, max(train[1].max(), test[1].max()) + 1)
    X, R = matrix(train, shape, True), matrix(train, shape, False)
    best, best_cpu, quality = 1e30, 1e30, {}

    def fit(make, once, measure):
        nonlocal best, best_cpu, quality
        for _ in range(runs):
            m = make()
            w, c = time.perf_counter(), cpu()
            once(m)
            best, best_cpu = min(best, time.perf_counter() - w), min(best_cpu, cpu() - c)
        quality = measure(m)

    def rmse(predicted):
        return {"rmse": round(float(np.sqrt(np.mean((np.clip(predicted, train[2].min(), train[2].max()) - test[2]) ** 2))), 5)}

    def factors(user, item):
        return {"ndcg@10": round(ndcg(top(lambda a, b: user[a:b] @ item.T, X), test), 5)}

    if peer.startswith("implicit"):
        import implicit
        from implicit.cpu.als import AlternatingLeastSquares
        from implicit.cpu.bpr import BayesianPersonalizedRanking
        from implicit.nearest_neighbours import CosineRecommender
        who = f"implicit {implicit.__version__}"
        if peer == "implicit_knn":
            fit(lambda: CosineRecommender(K=100, num_threads=2), lambda m: m.fit(X, show_progress=False),
                lambda m: {"ndcg@10": round(ndcg(m.recommend(np.arange(shape[0]), X, N=10)[0], test), 5)})
        else:
            make = {"implicit_als": lambda: AlternatingLeastSquares(factors=64, iterations=15, regularization=80, alpha=5, use_cg=True,
                                                                    use_native=True, num_threads=2, random_state=7),
                    "implicit_bpr": lambda: BayesianPersonalizedRanking(factors=64, iterations=20, learning_rate=0.01, regularization=0.001,
                                                                        num_threads=2, random_state=7)}[peer]
            fit(make, lambda m: m.fit(X, show_progress=False), lambda m: factors(m.user_factors, m.item_factors))
    elif peer.startswith("cmfrec"):
        import cmfrec
        from importlib.metadata import version
        who = "cmfrec " + version("cmfrec")
        common = dict(k=64, use_cg=True, niter=15, use_float=True, nthreads=2, random_state=7, finalize_chol=False, verbose=False,
                      precompute_for_predictions=False)
        if peer == "cmfrec_ials":
            fit(lambda: cmfrec.CMF_implicit(lambda_=80, alpha=5, **common), lambda m: m.fit(X.tocoo()), lambda m: factors(m.A_, m.B_))
        else:
            fit(lambda: cmfrec.CMF(lambda_=20, method="als", user_bias=True, item_bias=True, **common), lambda m: m.fit(R.tocoo()),
                lambda m: rmse(np.nan_to_num(m.predict(test[0], test[1]), nan=train[2].mean())))
    elif peer == "libmf":
        from importlib.metadata import version
        from libmf import mf
        who = "libmf " + version("libmf")
        a = np.column_stack(train).astype(np.float32)
        fit(lambda: mf.MF(fun=0, k=64, nr_threads=2, nr_bins=16, nr_iters=20, lambda_p2=0.05, lambda_q2=0.05, eta=0.1, quiet=True,
                          lambda_p1=0.0, lambda_q1=0.0), lambda m: m.fit(a), lambda m: rmse(m.predict(np.column_stack(test[:2]).astype(np.int32))))
    elif peer == "svdpp":
        import pandas
        import surprise
        who = f"scikit-surprise {surprise.__version__}"
        data = surprise.Dataset.load_from_df(pandas.DataFrame(dict(zip("uir", train))), surprise.Reader(rating_scale=(1, 5))).build_full_trainset()
        fit(lambda: surprise.SVDpp(random_state=0), lambda m: m.fit(data),
            lambda m: rmse(np.array([p.est for p in m.test(list(zip(test[0], test[1], test[2])))])))
    elif peer == "slim":
        import sklearn
        from sklearn.linear_model import ElasticNet
        who = f"scikit-learn {sklearn.__version__} (40 columns, scaled)"
        columns, n = X.tocsc(), 40
        picked = np.random.default_rng(1).choice(shape[1], n, replace=False)

        def column(_):
            for j in picked:
                y = columns[:, [j]].toarray().ravel()
                held = columns.copy()
                held.data[held.indptr[j]:held.indptr[j + 1]] = 0
                ElasticNet(alpha=0.001, l1_ratio=0.1, positive=True, fit_intercept=False, max_iter=100, tol=1e-4, copy_X=False, selection="cyclic").fit(held, y)
        runs = min(runs, 1)
        fit(lambda: None, column, lambda m: {})
        best, best_cpu = best * shape[1] / n, best_cpu * shape[1] / n
    elif peer == "myfm":
        import myfm
        from importlib.metadata import version
        who = "myfm " + version("myfm")

        def design(rows):
            ix = np.column_stack((rows[0], shape[0] + rows[1])).ravel()
            return sp.csr_matrix((np.ones(len(ix)), ix, np.arange(0, len(ix) + 1, 2)), shape=(len(rows[0]), sum(shape)))
        A, B = design(train), design(test)
        fit(lambda: myfm.MyFMRegressor(rank=10, random_seed=7), lambda m: m.fit(A, train[2].astype(np.float64), n_iter=200, n_kept_samples=100, group_shapes=list(shape)),
            lambda m: rmse(m.predict(B)))
    else:
        sys.exit(f"no peer {peer}: {__doc__}")
    print(json.dumps({"who": who, "model": peer, "rows": len(train[0]), "seconds": round(best, 4), "cpu_s": round(best_cpu, 4), **quality}))


main()
