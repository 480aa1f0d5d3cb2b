/*
 * dialect.h - whose definitions a metric follows: libraries disagree on denominators, ideals, discounts, and on users that have
 * nothing to find or no list.
 */
#ifndef EVAL_DIALECT_H
#define EVAL_DIALECT_H
#include <stdbool.h>
#include <stddef.h>

enum dialect {
    DIALECT_DEFAULT, /* ours */
    DIALECT_TREC_EVAL,
    DIALECT_RECBOLE,
    DIALECT_ELLIOT,
    DIALECT_LENSKIT,
    DIALECT_IMPLICIT,
    DIALECT_RECTOOLS,
    DIALECT_LIGHTGCN,
    DIALECT_SURPRISE,
    DIALECT_IALS_REVISITED,
    N_DIALECTS,
    /* Not whose definitions but whose estimates of the default's, from sampled candidates (corrected.h). */
    ESTIMATOR_RANK = N_DIALECTS,
    ESTIMATOR_CLS,
    ESTIMATOR_BV,
    N_DEFINITIONS
};

struct dialect_type {
    const char *name;    /* "trec_eval" */
    const char *differs; /* from `default`, for people */
    const char *source;  /* the code that was followed, with its version */
    bool by_document; /* lists from files: equal scores go by item id, descending; else in the file's order */
    bool zero_irrelevant; /* a user with nothing relevant counts as 0; else it is left out */
    bool skip_unlisted;   /* a user without a list is left out; else it counts as an empty list */
};
extern const struct dialect_type dialect_types[N_DEFINITIONS];

/* N_DEFINITIONS: none of that name. */
enum dialect dialect_find(const char *name);

#endif
