/*
 * neighbours.h - what user_knn and item_knn share: similarities, neighbours, scores.
 *
 * Entities (items or users) are the rows of a sparse matrix A; A's values are 1 where `binary`, else the
 * ratings.
 *     cosine   sim(a, b) = a.b / (|a| |b| + shrinkage)
 *     jaccard  sim(a, b) = a.b / (|a|^2 + |b|^2 - a.b + shrinkage)    (Tanimoto where values are not binary)
 *     bm25     sim(a, b) = w_a . w_b, with the row a as a document and the columns t as its terms:
 *              w_at = v (k1 + 1) / (k1 L_a + v) * (ln N - ln(1 + df_t)),  L_a = 1 - b + b len_a / mean len,
 *              N rows, df_t entries of column t, len_a the sum of row a's values
 * Only positive similarities count, never that of a row to itself.  N_k(a) are the k largest; of equal
 * ones at the end of the list those with the larger hash of (seed, a, b).
 */
#ifndef MODELS_NEIGHBOURS_H
#define MODELS_NEIGHBOURS_H
#include "models/model.h"

struct knn_params {
    int similarity; /* position in KNN_SIMILARITIES */
    int k;
    double shrinkage;
    bool binary;
    double bm25_k1, bm25_b;
};
#define KNN_SIMILARITIES "cosine|jaccard|bm25"
#define KNN_PARAMS(default_k, what)                                                                          \
    PARAM_CHOICE(struct knn_params, similarity, "cosine", KNN_SIMILARITIES, "how alike two " what " are"),   \
        PARAM_INT(struct knn_params, k, default_k, 1, 100000, "neighbours kept"),                            \
        PARAM_REAL(struct knn_params, shrinkage, 0, 0, 1e9,                                                  \
                   "added to the norms: distrusts what few interactions say (cosine, jaccard)"),             \
        PARAM_BOOL(struct knn_params, binary, 1, "every interaction counts 1, whatever its value"),          \
        PARAM_REAL(struct knn_params, bm25_k1, 1.2, 0, 1e6, "bm25: how late a value saturates"),             \
        PARAM_REAL(struct knn_params, bm25_b, 0.75, 0, 1, "bm25: weight of the length norm"), PARAM_END

/* scores of user u = (row u of profile) * matrix */
struct knn_state {
    const struct backend *backend;
    uint32_t n_items;
    struct csr profile; /* [n_users x m] */
    struct csr matrix;  /* [m x n_items] */
};

/* bm25 has no norm that shrinkage could be added to. */
enum status knn_check(const void *params, const struct node *where);

/* The neighbours of every row of `a` [n x m], `transpose` [m x n]: *out [n x n], row r holds N_k(r),
 * columns rising, in run->arena.  Scratch: n (min(k, n) * 8 + 8) bytes, and for bm25 a weighted copy of
 * both matrices. */
enum status knn_neighbours(const struct csr *a, const struct csr *transpose, const struct knn_params *params,
                           struct run *run, struct csr *out);

/* Launches knn_similar over all n rows and packs its lists: *out [n x n], columns rising, in run->arena.  The
 * caller sets matrices, norms, similarity, n < 2^24 and k <= n; seed, stream and lists are set here.  `a` and
 * `transpose` may be any [n x m] and [m x n] with products that are not negative.  STATUS_STOPPED when
 * cancelled. */
struct knn_similar;
enum status knn_launch(struct knn_similar *k, struct run *run, struct csr *out);

/* model_type's functions for a struct knn_state. */
enum status knn_score_users(const void *state, const uint32_t *users, size_t n, const struct tile *out);
enum status knn_save(const void *state, struct model_writer *w);
enum status knn_load(void *state, const void *params, struct model_reader *r, struct run *run);

/* For the cost hook: similarities between `rows` rows that meet in `columns` columns. */
void knn_cost(const struct knn_params *p, uint32_t rows, uint32_t columns, uint64_t nnz, double *bytes,
              double *flops);

#endif
