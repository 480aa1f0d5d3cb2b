/*
 * history.h - what each user had in train, kept with a fitted model: the content models make their user
 * profiles from it when they score, and it is far smaller than the profiles.
 */
#ifndef MODELS_HISTORY_H
#define MODELS_HISTORY_H
#include <stdbool.h>

#include "base/csr.h"
#include "models/model.h"

enum history_weights { HISTORY_EQUAL, HISTORY_RATING }; /* a train item counts 1, or its rating */
#define HISTORY_WEIGHTS "equal|rating"

/* What a train item counts in a user's profile, as fields and rows of a model's parameters. */
#define HISTORY_FIELDS                                                                                       \
    int weights;                                                                                             \
    double decay, half_life
#define HISTORY_PARAMS(type)                                                                                 \
    PARAM_CHOICE(type, weights, "equal", HISTORY_WEIGHTS, "what a train item counts in the user's profile"), \
        PARAM_REAL(type, decay, 1, 0, 1,                                                                     \
                   "times decay^p, p of the user's interactions being later; 0 and 1: none (needs times)"),  \
        PARAM_REAL(type, half_life, 0, 0, 1e6,                                                               \
                   "times 2^(-age / half_life), days before the user's last; 0: none (needs times)")

/* A copy in the arena; val NULL for HISTORY_EQUAL and where the view has no values. */
enum status history_copy(const struct csr *by_user, enum history_weights weights, struct arena *arena,
                         struct csr *out);
/* The same, faded by recency: entry e counts decay^p (p: how many of the user's entries are later; equal times: in the order of the
 * row) times 2^(-age / half_life), age in days before the user's last, or, from_last_of_all, before the last of all.  decay 0 and 1,
 * half_life 0: no fading.  STATUS_UNAVAILABLE: fading, and the view has no times. */
struct history_fading {
    double decay, half_life;
    bool from_last_of_all;
};
#define HISTORY_FADING(p) ((const struct history_fading){(p)->decay, (p)->half_life, false})
enum status history_profiles(const struct view *train, enum history_weights weights,
                             const struct history_fading *fading, struct arena *arena, struct arena *scratch,
                             struct csr *out);
/* Fades the rows of a matrix of anything that a user did, time [nnz] of its entries. */
enum status history_fade(struct csr *rows, const int64_t *time, const struct history_fading *fading,
                         struct arena *arena, struct arena *scratch);
/* As arrays PREFIX_ptr, PREFIX_idx and, when there are values, PREFIX_val of the model's file. */
enum status csr_put(struct model_writer *w, const char *prefix, const struct csr *a);
/* Checks that pointers and columns are in order before anything is used: STATUS_DATA. */
enum status csr_get(struct model_reader *r, const char *prefix, uint32_t n_cols, bool has_values,
                    struct csr *out);

#endif
