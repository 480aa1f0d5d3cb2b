/*
 * split_k_fold.c - cross validation: every row is test in exactly one of k folds.
 *
 * scope per_user: each user's rows, in the order of their lots, go round the folds, beginning at a fold drawn for the
 * user (else the first folds would get all rows of users with fewer than k); global: all rows go round, so that folds
 * differ by at most one row.  valid: true makes the next fold (after the last the first) validation.  Of a pair that
 * occurs twice the last row is kept first.
 */
#include "data/split_kinds.h"
#include "data/split_lots.h"

struct k_fold_params {
    int k, scope, seed;
    bool valid;
};
enum { SCOPE_PER_USER, SCOPE_GLOBAL };
enum { NO_FOLD = 0xffff };

static const struct param params[] = {
    PARAM_INT(struct k_fold_params, k, 5, 2, 1000, "folds"),
    PARAM_CHOICE(struct k_fold_params, scope, "per_user", "per_user|global",
                 "of each user's rows, or of all"),
    PARAM_BOOL(struct k_fold_params, valid, 0, "the next fold is validation"),
    PARAM_INT(struct k_fold_params, seed, 42, 0, 2147483647, "of the random lots"), PARAM_END};

static enum status check(const void *values, const struct node *where)
{
    const struct k_fold_params *p = values;
    if (p->valid && p->k < 3)
        return node_fail(where, "k_fold: validation needs at least 3 folds, and k is %d", p->k);
    return STATUS_OK;
}

/* Deals n lots of one group round the folds, beginning with `start`. */
static void deal(struct lot *lots, uint64_t n, const struct k_fold_params *p, uint64_t start,
                 uint16_t *fold_of)
{
    lots_sort(lots, n);
    for (uint64_t i = 0; i < n; i++)
        fold_of[lots[i].what] = (uint16_t)((start + i) % (uint64_t)p->k);
}

/* fold_of[row]: its fold; NO_FOLD for earlier rows of a pair. */
static enum status assign(const struct k_fold_params *p, const struct interactions *in, const uint8_t *part,
                          struct arena *arena, uint16_t *fold_of)
{
    struct lot *lots;
    uint64_t n = 0;
    ARENA_NEW(lots, arena, in->n);
    for (uint64_t r = 0; r < in->n; r++) {
        fold_of[r] = NO_FOLD;
        if (part[r] == SPLIT_TRAIN)
            lots[n++] = (struct lot){lot_of_pair(p->seed, in->user[r], in->item[r]), r};
    }
    if (p->scope == SCOPE_GLOBAL) {
        deal(lots, n, p, 0, fold_of);
        return STATUS_OK;
    }
    for (uint64_t begin = 0, end; begin < n; begin = end) {
        const uint32_t user = in->user[lots[begin].what];
        for (end = begin + 1; end < n && in->user[lots[end].what] == user;)
            end++;
        const uint64_t start = (uint64_t)(lot_of_one(p->seed, LOTS_OF_USERS, user) * p->k);
        deal(lots + begin, end - begin, p, start, fold_of);
    }
    return STATUS_OK;
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct fold **folds, size_t *n_folds)
{
    const struct k_fold_params *p = values;
    uint8_t *part;
    uint16_t *fold_of;
    uint64_t n_duplicates;
    TRY(split_parts(d, in, arena, &part, &n_duplicates));
    ARENA_NEW(fold_of, arena, in->n);
    TRY(assign(p, in, part, arena, fold_of));
    *n_folds = (size_t)p->k;
    ARENA_NEW(*folds, arena, *n_folds);
    for (size_t f = 0; f < *n_folds; f++) {
        const size_t valid = p->valid ? (f + 1) % *n_folds : SIZE_MAX;
        for (uint64_t r = 0; r < in->n; r++)
            if (fold_of[r] != NO_FOLD)
                part[r] = fold_of[r] == f ? SPLIT_TEST : fold_of[r] == valid ? SPLIT_VALID : SPLIT_TRAIN;
        (*folds)[f].n_duplicates = n_duplicates;
        TRY(split_take_fold(in, part, arena, &(*folds)[f]));
    }
    return STATUS_OK;
}

const struct split_type split_k_fold = {
    .name = "k_fold",
    .help = "cross validation: each of k random parts of the rows is test in turn",
    .loses = "time: train holds rows later than a user's test rows; per_user: a user with fewer than k rows "
             "has a test "
             "row in some folds only",
    .params = params,
    .params_size = sizeof(struct k_fold_params),
    .check = check,
    .apply = apply,
};
