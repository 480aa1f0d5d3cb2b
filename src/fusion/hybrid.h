/*
 * hybrid.h - what the hybrids (weighted, switching, stacking) share: several models of the registry side by side, their scores on one scale,
 * and a lesson: what they say of train rows that were held out from them.
 *
 * A hybrid that learned from rows that its models had seen would trust the model that repeats its input best (Wolpert 1992).  So a part of
 * train, one of `folds`, is held out: models are fitted on the rest, the hybrid learns on the part, and models are fitted again on all of train.
 */
#ifndef FUSION_HYBRID_H
#define FUSION_HYBRID_H
#include "models/nested.h"

enum { HYBRID_MOST = 16 };
enum hybrid_scale { HYBRID_ZSCORE, HYBRID_MINMAX, HYBRID_RANK };
#define HYBRID_SCALES "zscore|minmax|rank"

/* The parameters that every hybrid has, first in its struct; HYBRID_PARAMS its rows of the table. */
#define HYBRID_FIELDS                                                                                        \
    const struct node *models;                                                                               \
    int scale, folds, candidates, users
struct hybrid_params {
    HYBRID_FIELDS;
};
/* In a hybrid's own struct: the same fields, also as one. */
#define HYBRID_COMMON                                                                                        \
    union {                                                                                                  \
        struct hybrid_params hybrid;                                                                         \
        struct {                                                                                             \
            HYBRID_FIELDS;                                                                                   \
        };                                                                                                   \
    }
#define HYBRID_PARAMS(P)                                                                                     \
    PARAM_NODE(                                                                                              \
        P, models,                                                                                           \
        "the models: [{name: ease, params: {l2: 300}}, item_knn]; default: ease, item_knn, popularity"),     \
        PARAM_CHOICE(P, scale, "zscore", HYBRID_SCALES,                                                      \
                     "a user's scores by a model: by mean and deviation, into 0 .. 1, or 1 / (60 + place)"), \
        PARAM_INT(P, folds, 10, 2, 1000, "one of so many parts of train is held out to learn from"),         \
        PARAM_INT(P, candidates, 100, 1, 100000, "items of each model a user that are looked at"),           \
        PARAM_INT(P, users, 4000, 1, 100000000, "users that are learned from, at most")

struct hybrid {
    const struct backend *backend;
    uint32_t n, n_users, n_items;
    enum hybrid_scale scale;
    struct nested base[HYBRID_MOST];
};

/* STATUS_USAGE with file:line:column. */
enum status hybrid_parse(const struct hybrid_params *p, const char *owner, struct arena *arena,
                         struct hybrid *out);
/* The same as model_type's `inside`: every hybrid's parameters begin with struct hybrid_params. */
enum status hybrid_inside(const void *params, struct arena *arena, const struct nested **models, size_t *n);
/* The same for a type's check: what is read is thrown away. */
enum status hybrid_check(const struct hybrid_params *p, const char *owner);
enum status hybrid_fit(struct hybrid *h, const struct view *train, struct run *run);
enum status hybrid_save(const struct hybrid *h, struct model_writer *w);
enum status hybrid_load(struct hybrid *h, struct model_reader *r, struct run *run);
void hybrid_free(struct hybrid *h);
/* Model m's scores of users [n] on the common scale, S [n x n_items]; finite. */
enum status hybrid_scores(const struct hybrid *h, uint32_t m, const uint32_t *users, size_t n, float *S);

/* A user's candidates and what the models say of them. */
struct lesson {
    uint32_t n;           /* users */
    uint32_t *user;       /* [n] rising */
    uint32_t *n_relevant; /* [n] held-out rows, candidates or not */
    uint64_t *ptr;        /* [n + 1] rows of each user */
    uint32_t *item;       /* [rows] rising within a user */
    float *x;             /* [rows x models] */
    unsigned char *y;     /* [rows] 1: held out from the models, and taken */
};
/* Fits the models without a part of train and asks them about it; they are freed again.  All of the arena.  STATUS_DATA: no user has a row
 * in that part. */
enum status hybrid_lesson(const struct hybrid *h, const struct hybrid_params *p, const struct view *train,
                          struct run *run, struct arena *arena, struct lesson *out);
/* Mean NDCG@10 over users (users [n] 1: counted; NULL: all) of the order that a linear blend gives; NaN: nobody is counted. */
double lesson_ndcg(const struct lesson *l, uint32_t n_models, const double *weight,
                   const unsigned char *counted);

/* The union of the `most` best items of each model that are no train items of user u: S [n models][n_items]; mark: room [n_items], zeroed,
 * and zeroed again.  Returns their number; out rising. */
uint32_t hybrid_candidates(const struct hybrid *h, const struct csr *seen, uint32_t u, const float *const *S,
                           uint32_t most, unsigned char *mark, uint32_t *out);

#endif
