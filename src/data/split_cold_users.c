/*
 * split_cold_users.c - users whom the model has never seen, or of whom it knows a few rows.
 *
 * A share of the users, by lots, is test and another share validation.  Of each such user the first `known` rows (by
 * time, else the order of the source) are in train and the rest is test; a user with no more than `known` rows stays
 * in train.  known: 0 leaves a model nothing of the user but what /users says and what is popular;
 * known: 5 is the same user a little later.  Of a pair that occurs twice the last row is kept first.
 */
#include "data/split_kinds.h"
#include "data/split_last.h"
#include "data/split_lots.h"

struct cold_users_params {
    double test, valid;
    int known, seed;
};

static const struct param params[] = {
    PARAM_REAL(struct cold_users_params, test, 0.1, 0, 1, "share of the users whose rows are test"),
    PARAM_REAL(struct cold_users_params, valid, 0, 0, 1, "share of the users whose rows are validation"),
    PARAM_INT(struct cold_users_params, known, 0, 0, 1000000,
              "so many first rows of such a user are in train"),
    PARAM_INT(struct cold_users_params, seed, 42, 0, 2147483647, "of the random lots"), PARAM_END};

static enum status check(const void *values, const struct node *where)
{
    const struct cold_users_params *p = values;
    if (p->test <= 0 || p->test + p->valid >= 1)
        return node_fail(
            where, "cold_users: test is %.9g and valid %.9g; test must be above 0 and their sum below 1",
            p->test, p->valid);
    return STATUS_OK;
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct fold **folds, size_t *n_folds)
{
    const struct cold_users_params *p = values;
    uint8_t *part;
    struct lot *lots;
    uint64_t n = 0;
    ARENA_NEW(*folds, arena, 1);
    *n_folds = 1;
    TRY(split_parts(d, in, arena, &part, &(*folds)->n_duplicates));
    ARENA_NEW(lots, arena, d->n_users);
    for (uint64_t begin = 0; begin < in->n; begin = split_user_end(in, begin))
        lots[n++] = (struct lot){lot_of_one(p->seed, LOTS_OF_USERS, in->user[begin]), begin};
    lots_sort(lots, n);
    const uint64_t n_test = lots_share(n, p->test), n_valid = lots_share(n, p->valid);
    for (uint64_t k = 0; k < n_test + n_valid; k++) {
        const uint64_t begin = lots[k].what, end = split_user_end(in, begin);
        const uint64_t rows = split_count(part, begin, end), known = (uint64_t)p->known;
        if (rows > known)
            split_mark_last(part, begin, end, k < n_test ? rows - known : 0, k < n_test ? 0 : rows - known);
    }
    return split_take_fold(in, part, arena, *folds);
}

const struct split_type split_cold_users = {
    .name = "cold_users",
    .help = "all rows of a share of the users are test, but the first few that are known",
    .loses = "all other users, who aren't evaluated; train holds rows that are later than test rows",
    .params = params,
    .params_size = sizeof(struct cold_users_params),
    .check = check,
    .apply = apply,
};
