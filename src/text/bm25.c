/*
 * bm25.c - the BM25 family, with the formulas of bm25s (Lu 2024), which follows Kamphuis et al. 2020:
 *
 *   tf' = tf / (tf + k1 (1 - b + b |d| / mean |d|))
 *   lucene   ln(1 + (n - df + 0.5) / (df + 0.5))            tf'
 *   okapi    max(0, ln((n - df + 0.5) / (df + 0.5)))        tf'            (Robertson et al. 1994; never negative)
 *   atire    ln(n / df)                                     (k1 + 1) tf'   (Trotman et al. 2012)
 *   plus     ln((n + 1) / df)                               (k1 + 1) tf' + delta
 *
 * plus is Lv, Zhai 2011: delta is added for terms that occur in the text.  bm25s and rank_bm25 add it for every term of the
 * query, which shifts all texts alike and so takes its effect away; tests/text/test_bm25.c compares with that shift undone.
 */
#include "text/bm25.h"

#include <math.h>

static double inverse_frequency(enum bm25_variant variant, double n, double df)
{
    switch (variant) {
    case BM25_LUCENE:
        return log1p((n - df + 0.5) / (df + 0.5));
    case BM25_OKAPI:
        return fmax(0, log((n - df + 0.5) / (df + 0.5)));
    case BM25_ATIRE:
        return log(n / df);
    case BM25_PLUS:
        break;
    }
    return log((n + 1) / df);
}

enum status bm25_weigh(const struct bag *bag, const struct bm25_options *o, struct arena *arena,
                       struct csr *out)
{
    const struct csr *c = &bag->counts;
    const enum bm25_variant variant = (enum bm25_variant)o->variant;
    float *val = NULL;
    double total = 0;
    ARENA_NEW(val, arena, (size_t)c->nnz);
    for (int64_t e = 0; e < c->nnz; e++)
        total += (double)c->val[e];
    const double mean = total / (c->n_rows > 0 ? c->n_rows : 1);
    for (uint32_t i = 0; i < c->n_rows; i++) {
        double length = 0;
        for (int64_t e = c->ptr[i]; e < c->ptr[i + 1]; e++)
            length += (double)c->val[e];
        const double k = o->k1 * (1 - o->b + o->b * length / mean);
        for (int64_t e = c->ptr[i]; e < c->ptr[i + 1]; e++) {
            const double tf = (double)c->val[e] / ((double)c->val[e] + k);
            const double gain = variant == BM25_ATIRE  ? (o->k1 + 1) * tf
                                : variant == BM25_PLUS ? (o->k1 + 1) * tf + o->delta
                                                       : tf;
            val[e] = (float)(gain * inverse_frequency(variant, c->n_rows, bag->df[c->idx[e]]));
        }
    }
    *out = *c;
    out->val = val;
    return STATUS_OK;
}
