/*
 * candidates.h - which items are ranked where it isn't all of them: a user's relevant items among negatives that were drawn, or that a
 * file gives.
 *
 * Measures of such lists are not those of whole rankings, not even in their order of models (Krichene, Rendle, On Sampled Metrics for
 * Item Recommendation, KDD 2020): corrected.h estimates the latter.
 */
#ifndef EVAL_CANDIDATES_H
#define EVAL_CANDIDATES_H
#include "base/strings.h"
#include "eval/metrics.h"

enum candidates_kind {
    CANDIDATES_FULL,
    CANDIDATES_SAMPLED,
    CANDIDATES_GIVEN,
    CANDIDATES_COLD,
    CANDIDATES_MATCHED
};
/* How negatives were chosen: each as likely as any other, by train rows + 1, or no one knows. */
enum candidates_by { CANDIDATES_UNIFORM, CANDIDATES_POPULARITY, CANDIDATES_UNKNOWN };
extern const char *const candidates_kinds[]; /* NULL-ended: full, sampled, given, cold, matched */
extern const char *const candidates_bys[];   /* NULL-ended: uniform, popularity, unknown */
/* What people are told who measure so. */
extern const char *const candidates_warning;
bool candidates_warned(enum candidates_kind kind);

struct candidates_config {
    enum candidates_kind kind;
    enum candidates_by by;
    uint32_t
        negatives; /* CANDIDATES_MATCHED: for each relevant item; CANDIDATES_SAMPLED: a user's, without replacement; all there are where they are fewer */
    uint64_t seed; /* the same negatives for every model */
    const char *file; /* CANDIDATES_GIVEN: {dataset} and {fold} stand for those of the cell */
    double gamma;     /* corrected.h: weight of the variance */
};

/* What is ranked for a user: relevant items that no mask hides, and negatives. */
struct candidates {
    struct csr items;        /* [n_users x n_items] rising within a user */
    const uint8_t *relevant; /* [nnz] 1: relevant, 0: a negative */
    const double *
        weight; /* [nnz] of a negative: how many items it stands for, 1 / its chance to be drawn; NULL: unknown */
    const uint32_t *n_others,
        *n_negatives; /* [n_users] items neither relevant nor masked; those of them among the candidates */
    float *score;     /* [nnz] room for what rank_users() sees */
    bool uniform;
    uint64_t n_hidden; /* given candidates that a mask hides: left out */
};

/* What is ranked, and for whom. */
struct candidates_of {
    const uint32_t *users; /* [n_users] */
    uint32_t n_users;
    const struct csr *masks[2]; /* NULL: none */
    const struct csr *relevant; /* [n_users_total x n_items] */
};
/* Draws negatives: Philox(seed), named by user, so that a user's don't depend on who else is ranked.  By popularity: systematic
 * sampling (Madow 1949) along one random order of the items, whose chances are exactly in proportion where none exceeds 1.
 * train: [n_users_total x n_items].  STATUS_SYSTEM: memory. */
enum status candidates_sample(const struct candidates_config *config, const struct candidates_of *of,
                              const struct csr *train, struct arena *arena, struct candidates *out);
/* The same items for every user, all of them ranked: those of `relevant` that have no train row (a split of cold_items holds them out).
 * Not an estimate: what the user could be shown among what is new.  STATUS_DATA: there is none. */
enum status candidates_cold(const struct candidates_of *of, const struct csr *train, struct arena *arena,
                            struct candidates *out);
/* For each relevant item the `negatives` others of the user that have most nearly as many rows (of train, masks[1] and `relevant` together), those
 * without train rows for an item without, those with for one with; of equal ones by a permutation of config->seed.  The rows of test are
 * counted: it is who measures that knows them, no model does.  STATUS_SYSTEM: memory. */
enum status candidates_matched(const struct candidates_config *config, const struct candidates_of *of,
                               const struct csr *train, struct arena *arena, struct candidates *out);
/* Reads them from a file by the publisher's ids: lines `user item item ...`, csv with the header user,item, or those of Neural
 * Collaborative Filtering, `(user,item)<tab>item<tab>item ...`.  A relevant item among them counts once.  STATUS_DATA with
 * file:line for an id that is not in the dataset, and for a user of `of` without candidates. */
enum status candidates_read(const struct candidates_config *config, const char *path,
                            const struct strings *users, const struct strings *items,
                            const struct candidates_of *of, struct arena *arena, struct candidates *out);
/* The same file as lists: every user's candidates, [n_users x n_items], rising; rows may be empty. */
enum status candidates_read_lists(const char *path, const struct strings *users, const struct strings *items,
                                  struct arena *arena, struct csr *out);

#endif
