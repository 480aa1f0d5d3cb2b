/*
 * knn.h - arguments of the neighbourhood kernels (knn.cu), shared by C and CUDA.
 */
#ifndef KERNELS_KNN_H
#define KERNELS_KNN_H
#include <stddef.h>
#include <stdint.h>

/* Of rows a, b with the product x = a . b and n common columns, norms N (of this row) and M (of the other):
 *     cosine   x / (N M + shrinkage), N, M lengths               jaccard  x / (N + M - x + shrinkage), N, M sums of squares
 *     dot      x                                                 ratio    scale x / (own N + others M + both x + shrinkage)
 *     msd      n / (n + shrinkage) / (sum over common columns of (a - b)^2 / n + 1)
 *     support  (n - 1) / (n - 1 + shrinkage) x / (N M); 0 for n below 2
 *     correlation   (x - s t) / (N M + shrinkage), N, M lengths of the rows less their means over all m columns, s, t their sums / sqrt(m) */
enum knn_similarity { KNN_COSINE, KNN_JACCARD, KNN_DOT, KNN_RATIO, KNN_MSD, KNN_SUPPORT, KNN_CORRELATION };

/* Compressed rows, as struct csr. */
struct knn_rows {
    const int64_t *ptr;  /* [n_rows + 1] */
    const uint32_t *idx; /* [nnz] */
    const float *val;    /* [nnz]; NULL: all ones */
};

/* Row r of A A', no row stored: similarities of r to all others, the k best positive ones kept. */
struct knn_similar {
    struct knn_rows a;         /* A [n x m] */
    struct knn_rows transpose; /* A' [m x n] */
    const float *
        norm; /* [n] cosine, support, correlation: Euclidean length; jaccard, ratio: sum of squares; else not read */
    const float
        *other; /* [n] cosine: the other row's norm, where it is another one; NULL: norm.  correlation: s */
    float scale, own, others, both; /* of ratio */
    uint32_t n, k;                  /* k > 0 */
    uint32_t first;                 /* the launch's row 0 is row `first` of A */
    int similarity;                 /* enum knn_similarity */
    float shrinkage;                /* >= 0 */
    uint64_t seed, stream;          /* ties: the larger Philox(seed, stream, row * 2^32 + column) stays */
    uint32_t *neighbour; /* [n x k] columns, in no order that matters; the first count[r] are valid */
    float *value;        /* [n x k] their similarities */
    uint32_t *count;     /* [n] */
};
/* Bytes of scratch that knn_similar needs a team. */
#define KNN_SIMILAR_SCRATCH(n) (((size_t)(n) + 64) * 3 * sizeof(float) + 4096)

/* Row r of G = A A', columns 0 .. r: the lower triangle. */
struct knn_gram {
    struct knn_rows a;         /* A [n x m] */
    struct knn_rows transpose; /* A' [m x n] */
    float diagonal;            /* added to G[r][r] */
    float *gram;               /* [n x ld] row-major */
    size_t ld;                 /* >= n */
    uint32_t first;            /* the launch's row 0 is row `first` */
};

/* out[r] = (row rows[r] of the sparse P) B, with B sparse or dense. */
struct knn_profile {
    struct knn_rows profile; /* P [any x m] */
    const uint32_t *rows;    /* [n launched] */
    struct knn_rows sparse;  /* B [m x n_columns], for knn_profile_sparse */
    const float *dense;      /* B [m x ld_dense] row-major, for knn_profile_dense */
    size_t ld_dense;
    uint32_t n_columns;
    const uint32_t *column; /* [n_columns] dense: where in out column c of B goes, the rest 0; NULL: at c */
    uint32_t n_out;         /* dense, with `column`: columns of out */
    float *out;             /* [n launched x ld] row-major */
    size_t ld;              /* >= n_columns */
};

#endif
