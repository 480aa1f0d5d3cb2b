#!/usr/bin/env python3
"""bench/import beside polars, h5py and scipy on the same file, by turns: text to columns, a dataset file to two matrices.

Needs numpy, polars, h5py and scipy; build/release/bench/import (make bench).  h5py's file holds the four columns as our own
does: chunks, shuffle, deflate level 4.  scipy makes the matrix by user and its transpose from all rows, once in the order of
the file and once shuffled (any order is a row's right; ours come by user).  usage: tools/bench-import-peer.py FILE.tsv [ROUNDS]
FILE: rows of user, item, rating, time parted by tabs, ids from 1.
"""
import os, re, subprocess, sys, tempfile, time
os.environ.setdefault("POLARS_MAX_THREADS", "2")
import h5py, numpy as np, polars as pl, scipy.sparse as sp

path, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
names = ["user", "item", "value", "time"]
best = {}


def timed(what, step):
    start = time.perf_counter()
    result = step()
    best[what] = min(best.get(what, 1e9), time.perf_counter() - start)
    return result


def polars():
    return pl.read_csv(path, separator="\t", has_header=False, new_columns=names,
                       schema_overrides=[pl.Int32, pl.Int32, pl.Float32, pl.Int64])


def matrices(d):
    x = sp.coo_matrix((d["value"], (d["user"] - 1, d["item"] - 1))).tocsr()
    return x, x.T.tocsr()


def ours():
    out = subprocess.run(["build/release/bench/import", path, "1"], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        m = re.match(r"(\S.*?)\s{2,}([\d.]+)\s+([\d.]+)\s+(\d+)$", line)
        if m:
            best["recfuse: " + m[1]] = min(best.get("recfuse: " + m[1], 1e9), float(m[2]))


with tempfile.TemporaryDirectory() as folder:
    columns = {k: polars()[k].to_numpy() for k in names}
    file = os.path.join(folder, "peer.h5")
    with h5py.File(file, "w") as f:
        for k, v in columns.items():
            f.create_dataset(k, data=v, chunks=(1 << 18,), shuffle=True, compression="gzip", compression_opts=4)
    order = np.random.default_rng(0).permutation(len(columns["user"]))
    shuffled = {k: v[order] for k, v in columns.items()}
    for _ in range(rounds):
        ours()
        timed("polars: text to columns", polars)
        with h5py.File(file, "r") as f:
            d = timed("h5py: file to columns", lambda: {k: f[k][:] for k in names})
        timed("scipy: two matrices, rows in the file's order", lambda: matrices(d))
        timed("scipy: two matrices, rows shuffled", lambda: matrices(shuffled))
for what, seconds in best.items():
    print(f"{what:<52} {seconds:7.3f} s")
read = best["h5py: file to columns"]
text, whole, load = (best["recfuse: " + k] for k in ("text to columns in memory", "whole import, text to checked file",
                                                     "dataset file to two CSR matrices"))
print(f"text to columns: {best['polars: text to columns'] / text:.1f} times polars' speed")
print(f"whole import: {whole / best['polars: text to columns']:.2f} times polars' read")
for how in ("in the file's order", "shuffled"):
    print(f"file to matrices: {(read + best['scipy: two matrices, rows ' + how]) / load:.1f} times h5py + scipy, rows {how}")
