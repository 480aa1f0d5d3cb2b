/*
 * split_random.c - a random share of the rows is test, another may be validation.
 *
 * A row's lot is keyed by (seed, user, item) (split_lots.h).  Of n rows exactly floor(n * test + 1e-9)
 * with the smallest lots are test and the next floor(n * valid + 1e-9) validation (1e-9: 100 * 0.29 is 29,
 * though not in doubles).  scope per_user: n is a user's rows, so that users with fewer than 1 / test rows
 * have no test row; scope global: n is all rows.  Of a pair that occurs twice the last row is kept before the
 * lots are drawn: no pair falls on both sides.
 */
#include "data/split_kinds.h"
#include "data/split_lots.h"

struct random_params {
    double test, valid;
    int scope;
    int seed;
};
enum { SCOPE_PER_USER, SCOPE_GLOBAL };

static const struct param params[] = {
    PARAM_REAL(struct random_params, test, 0.2, 0, 1, "share of the rows that is test"),
    PARAM_REAL(struct random_params, valid, 0, 0, 1, "share of the rows that is validation"),
    PARAM_CHOICE(struct random_params, scope, "per_user", "per_user|global",
                 "of each user's rows, or of all"),
    PARAM_INT(struct random_params, seed, 42, 0, 2147483647, "of the random lots"), PARAM_END};

static enum status check(const void *values, const struct node *where)
{
    const struct random_params *p = values;
    if (p->test <= 0 || p->test + p->valid >= 1)
        return node_fail(
            where, "random split: test is %.9g and valid %.9g; test must be above 0 and their sum below 1",
            p->test, p->valid);
    return STATUS_OK;
}

/* Deals the lots of one group: 2 test, 1 valid, 0 train. */
static void deal(struct lot *lots, uint64_t n, const struct random_params *p, uint8_t *part)
{
    const uint64_t n_test = lots_share(n, p->test), n_valid = lots_share(n, p->valid);
    lots_sort(lots, n);
    for (uint64_t k = 0; k < n_test + n_valid && k < n; k++)
        part[lots[k].what] = k < n_test ? 2 : 1;
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct fold **folds, size_t *n_folds)
{
    const struct random_params *p = values;
    uint8_t *part;
    uint64_t n_duplicates, n = 0;
    TRY(split_duplicates(d, in, arena, &part, &n_duplicates));
    struct lot *lots;
    ARENA_NEW(lots, arena, in->n);
    uint64_t first = 0; /* of the group at hand */
    for (uint64_t r = 0; r < in->n; r++) {
        if (part[r] != 0) {
            part[r] = 3; /* an earlier row of a pair: in no part */
            continue;
        }
        if (p->scope == SCOPE_PER_USER && n > first && in->user[lots[n - 1].what] != in->user[r]) {
            deal(lots + first, n - first, p, part);
            first = n;
        }
        lots[n++] = (struct lot){lot_of_pair(p->seed, in->user[r], in->item[r]), r};
    }
    deal(lots + first, n - first, p, part);

    ARENA_NEW(*folds, arena, 1);
    *n_folds = 1;
    (*folds)->n_duplicates = n_duplicates;
    return split_take_fold(in, part, arena, *folds);
}

const struct split_type split_random = {
    .name = "random",
    .help = "a random share of each user's rows, or of all rows, is test",
    .loses = "time: train holds rows later than a user's test rows; per_user: users with fewer than 1 / test "
             "rows aren't evaluated",
    .params = params,
    .params_size = sizeof(struct random_params),
    .check = check,
    .apply = apply,
};
