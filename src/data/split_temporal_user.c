/*
 * split_temporal_user.c - the latest share of each user's rows is test.
 *
 * Of a user's n rows the last floor(n * test) are test and the floor(n * valid) before are validation; rows with
 * equal times go by the order of the source.  Within a user nothing of train is later than test; between users it
 * is: what others do later is known to the model (the auditor counts it).  Of a pair that occurs twice the last row
 * is kept first.
 */
#include "data/split_kinds.h"
#include "data/split_last.h"
#include "data/split_lots.h"

struct temporal_user_params {
    double test, valid;
};

static const struct param params[] = {PARAM_REAL(struct temporal_user_params, test, 0.2, 0, 1,
                                                 "share of a user's rows, the latest, that is test"),
                                      PARAM_REAL(struct temporal_user_params, valid, 0, 0, 1,
                                                 "share of a user's rows just before that is validation"),
                                      PARAM_END};

static enum status check(const void *values, const struct node *where)
{
    const struct temporal_user_params *p = values;
    if (p->test <= 0 || p->test + p->valid >= 1)
        return node_fail(
            where, "temporal_user: test is %.9g and valid %.9g; test must be above 0 and their sum below 1",
            p->test, p->valid);
    return STATUS_OK;
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct fold **folds, size_t *n_folds)
{
    const struct temporal_user_params *p = values;
    uint8_t *part;
    ARENA_NEW(*folds, arena, 1);
    *n_folds = 1;
    TRY(split_parts(d, in, arena, &part, &(*folds)->n_duplicates));
    for (uint64_t begin = 0, end; begin < in->n; begin = end) {
        end = split_user_end(in, begin);
        const uint64_t rows = split_count(part, begin, end);
        split_mark_last(part, begin, end, lots_share(rows, p->test), lots_share(rows, p->valid));
    }
    return split_take_fold(in, part, arena, *folds);
}

const struct split_type split_temporal_user = {
    .name = "temporal_user",
    .help = "the latest share of each user's rows is test",
    .loses = "users with fewer than 1 / test rows aren't evaluated; train holds rows of other users that are "
             "later than "
             "a test row",
    .needs_time = true,
    .params = params,
    .params_size = sizeof(struct temporal_user_params),
    .check = check,
    .apply = apply,
};
