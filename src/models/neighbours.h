/*
 * neighbours.h - what user_knn and item_knn share: similarities, neighbours, scores.
 *
 * Entities (items or users) are the rows of a sparse matrix A; A's values are 1 where `binary`, else the ratings, then
 *     weighting tf_idf   sqrt(v) (ln N - ln(1 + df_t)),  N rows, df_t entries of column t       (as `implicit`)
 *     weighting bm25     v (k1 + 1) / (k1 L_a + v) (ln N - ln(1 + df_t)),  L_a = 1 - b + b len_a / mean len, len_a the sum of row a
 * With x = a . b, n common columns and h = shrinkage:
 *     cosine             x / (|a| |b| + h)
 *     adjusted_cosine    the same of what exceeds the column's mean (of items: the user's; Sarwar et al. 2001)
 *     pearson            the same of what exceeds the row's own mean
 *     pearson_baseline   the same of what exceeds mean + b_u + b_i (ratings.h), times (n - 1) / (n - 1 + h) (Koren 2010, equation 3)
 *     asymmetric_cosine  x / (|a|^(2 alpha) |b|^(2 (1 - alpha)) + h)                                              (Aiolli 2013)
 *     jaccard, tanimoto  x / (|a|^2 + |b|^2 - x + h): of sets, of values
 *     dice               2 x / (|a|^2 + |b|^2 + h)
 *     tversky            x / (x + alpha (|a|^2 - x) + beta (|b|^2 - x) + h)                                       (Tversky 1977)
 *     msd                n / (n + h) / (mean squared difference over common columns + 1)
 *     correlation        the cosine of what exceeds the row's mean over all columns, an absent interaction a zero (of sets: the phi coefficient);
 *                        pearson looks at what is there alone
 *     dot                x;  bm25: the same with weighting bm25, as in `implicit`
 * Only positive similarities count, never that of a row to itself.  N_k(a) are the k largest; of equal
 * ones at the end of the list those with the larger hash of (seed, a, b).  normalize divides a list by its sum or largest.
 *
 * An interaction of a profile counts decay^p (p: how many of the user's interactions are later) times 2^(-age / half_life), age in
 * days before the user's last (item_knn) or the last of all (user_knn); in the similarity it counts 2^(-age / similarity_half_life) before the last of
 * all (time-weighted collaborative filtering: Ding, Li 2005).
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
    int weighting; /* position in KNN_WEIGHTINGS */
    double asymmetric_alpha, tversky_alpha, tversky_beta;
    int normalize;                                 /* position in KNN_NORMS */
    double decay, half_life, similarity_half_life; /* decay 0: 1; days, 0: none */
};
enum {
    SIMILARITY_COSINE,
    SIMILARITY_JACCARD,
    SIMILARITY_BM25,
    SIMILARITY_ADJUSTED_COSINE,
    SIMILARITY_PEARSON,
    SIMILARITY_PEARSON_BASELINE,
    SIMILARITY_MSD,
    SIMILARITY_TANIMOTO,
    SIMILARITY_DICE,
    SIMILARITY_ASYMMETRIC_COSINE,
    SIMILARITY_TVERSKY,
    SIMILARITY_DOT,
    SIMILARITY_CORRELATION
};
#define KNN_SIMILARITIES                                                                                     \
    "cosine|jaccard|bm25|adjusted_cosine|pearson|pearson_baseline|msd|tanimoto|dice|asymmetric_cosine|"      \
    "tversky|dot|correlation"
enum { WEIGHTING_NONE, WEIGHTING_TF_IDF, WEIGHTING_BM25 };
#define KNN_WEIGHTINGS "none|tf_idf|bm25"
enum { NORM_NONE, NORM_SUM, NORM_MAX };
#define KNN_NORMS "none|sum|max"
#define KNN_PARAMS(default_k, what)                                                                          \
    PARAM_CHOICE(struct knn_params, similarity, "cosine", KNN_SIMILARITIES, "how alike two " what " are"),   \
        PARAM_INT(struct knn_params, k, default_k, 1, 100000, "neighbours kept"),                            \
        PARAM_REAL(                                                                                          \
            struct knn_params, shrinkage, 0, 0, 1e9,                                                         \
            "added to the norms (msd, pearson_baseline: to the common ones): distrusts what few say"),       \
        PARAM_BOOL(struct knn_params, binary, 1, "every interaction counts 1, whatever its value"),          \
        PARAM_CHOICE(struct knn_params, weighting, "none", KNN_WEIGHTINGS,                                   \
                     "values are weighed by how rare their column is"),                                      \
        PARAM_REAL(struct knn_params, bm25_k1, 1.2, 0, 1e6, "bm25: how late a value saturates"),             \
        PARAM_REAL(struct knn_params, bm25_b, 0.75, 0, 1, "bm25: weight of the length norm"),                \
        PARAM_REAL(struct knn_params, asymmetric_alpha, 0.5, 0, 1,                                           \
                   "asymmetric_cosine: share of the row's own norm"),                                        \
        PARAM_REAL(struct knn_params, tversky_alpha, 1, 0, 1e6, "tversky: weight of what only the row has"), \
        PARAM_REAL(struct knn_params, tversky_beta, 1, 0, 1e6,                                               \
                   "tversky: weight of what only the other has"),                                            \
        PARAM_CHOICE(struct knn_params, normalize, "none", KNN_NORMS,                                        \
                     "a list of neighbours is divided by its sum or its largest"),                           \
        PARAM_REAL(struct knn_params, decay, 1, 0, 1,                                                        \
                   "profile: an interaction counts so much of the next later one; 0: 1"),                    \
        PARAM_REAL(struct knn_params, half_life, 0, 0, 1e6,                                                  \
                   "profile: days after which one counts half; 0: never"),                                   \
        PARAM_REAL(struct knn_params, similarity_half_life, 0, 0, 1e6,                                       \
                   "similarity: days after which an interaction counts half; 0: never"),                     \
        PARAM_END

/* scores of user u = (row u of profile) * matrix */
struct knn_state {
    const struct backend *backend;
    uint32_t n_items;
    struct csr profile; /* [n_users x m] */
    struct csr matrix;  /* [m x n_items] */
};

/* What doesn't go together: bm25 and dot have no norm that shrinkage could be added to; ratings are not binary. */
enum status knn_check(const void *params, const struct node *where);

/* The neighbours of every item, or user: *out [n x n], row r holds N_k(r), columns rising, in run->arena.  Scratch: n (min(k, n) * 8 +
 * 8) bytes, and for whatever changes values a copy of both matrices. */
enum status knn_neighbours(const struct view *train, bool items, const struct knn_params *params,
                           struct run *run, struct csr *out);

/* The interactions as profiles count them, [n_users x n_items] in run->arena; items: item_knn's.  STATUS_UNAVAILABLE: decay without times. */
enum status knn_profiles(const struct view *train, bool items, const struct knn_params *params,
                         struct run *run, struct csr *out);

/* A weighed by what `params` and the similarity ask for, and its transpose (neighbour_weights.c); both as they are where nothing does. */
enum status knn_weigh(const struct view *train, bool items, const struct knn_params *params, struct run *run,
                      struct csr *a, struct csr *transpose);

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
