/*
 * split_temporal_global.c - one moment for everybody: rows from it on are test, earlier ones train.
 *
 * The only way of dividing under which nothing of train is later than anything of test, as when a system is
 * switched on one day (Ji, Sun, Zhang, Li 2023, "A critical study on data leakage in recommender system offline
 * evaluation"); the default for a new study where there are times (docs/splits.md).
 * The moment is named (`at`), or follows from the share `test`: it is the earliest time for which at most
 * floor(n * test) rows are as late or later.  Rows with equal times are never divided, so test may be smaller than
 * its share.  Validation, where asked, are the rows from an earlier moment on (`valid_at`, or the share `valid`).
 * Texts written from the first moment on are held out with the rows (view.h), whatever they are about.
 * Of a pair that occurs twice the last row is kept before anything is counted.
 */
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "data/date.h"
#include "data/split_kinds.h"
#include "data/split_lots.h"

struct temporal_params {
    double test, valid;
    const char *at, *valid_at;
    int cold;
};
enum { COLD_KEEP, COLD_DROP };

static const struct param params[] = {
    PARAM_REAL(struct temporal_params, test, 0.2, 0, 1, "share of the rows, the latest, that is test"),
    PARAM_REAL(struct temporal_params, valid, 0, 0, 1, "share of the rows just before that is validation"),
    PARAM_STRING(struct temporal_params, at, NULL,
                 "test begins here, whatever `test` says: a date (2018-09-05) or seconds since 1970"),
    PARAM_STRING(struct temporal_params, valid_at, NULL, "validation begins here"),
    PARAM_CHOICE(struct temporal_params, cold, "keep", "keep|drop",
                 "rows of test and validation whose user or item has no train row"),
    PARAM_END};

static enum status check_moment(const char *text, const char *name, const struct node *where, int64_t *out)
{
    if (text != NULL && !date_or_seconds(text, out))
        return node_fail(
            node_get(where, name) != NULL ? node_get(where, name) : where,
            "found '%s' for %s of temporal_global, expected a date as in 2018-09-05, or whole seconds "
            "since 1970",
            text, name);
    return STATUS_OK;
}

static enum status check(const void *values, const struct node *where)
{
    const struct temporal_params *p = values;
    int64_t at = 0, valid_at = 0;
    TRY(check_moment(p->at, "at", where, &at));
    TRY(check_moment(p->valid_at, "valid_at", where, &valid_at));
    if (p->at != NULL && p->valid_at != NULL && valid_at >= at)
        return node_fail(where, "temporal_global: valid_at is not before at");
    if ((p->at == NULL && p->test <= 0) || p->test + p->valid >= 1)
        return node_fail(
            where, "temporal_global: test is %.9g and valid %.9g; test must be above 0 and their sum below 1",
            p->test, p->valid);
    return STATUS_OK;
}

/* The earliest time with at most `most` of the n sorted times at or after it; past the last if there is none. */
static int64_t moment(const int64_t *sorted, uint64_t n, uint64_t most)
{
    uint64_t first = n - (most < n ? most : n);
    while (first > 0 && first < n && sorted[first] == sorted[first - 1])
        first++; /* rows with equal times stay together */
    return first < n ? sorted[first] : INT64_MAX;
}

/* Takes the test and validation rows of unseen users and items out. */
static enum status drop_cold(const struct dataset *d, const struct interactions *in, uint8_t *part,
                             struct arena *arena, uint64_t *n_dropped)
{
    uint8_t *user, *item;
    ARENA_NEW(user, arena, d->n_users);
    ARENA_NEW(item, arena, d->n_items);
    for (uint64_t r = 0; r < in->n; r++)
        if (part[r] == SPLIT_TRAIN)
            user[in->user[r]] = item[in->item[r]] = 1;
    for (uint64_t r = 0; r < in->n; r++)
        if ((part[r] == SPLIT_VALID || part[r] == SPLIT_TEST) && !(user[in->user[r]] && item[in->item[r]])) {
            part[r] = SPLIT_NOWHERE;
            ++*n_dropped;
        }
    return STATUS_OK;
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct fold **folds, size_t *n_folds)
{
    const struct temporal_params *p = values;
    uint8_t *part;
    int64_t *sorted, test_from = 0, valid_from = 0;
    uint64_t n = 0;
    ARENA_NEW(*folds, arena, 1);
    *n_folds = 1;
    TRY(split_parts(d, in, arena, &part, &(*folds)->n_duplicates));
    ARENA_NEW(sorted, arena, in->n);
    for (uint64_t r = 0; r < in->n; r++)
        if (part[r] == SPLIT_TRAIN)
            sorted[n++] = in->time[r];
    qsort(sorted, n, sizeof *sorted, rising_i64);

    if (p->at == NULL || !date_or_seconds(p->at, &test_from))
        test_from = moment(sorted, n, lots_share(n, p->test));
    uint64_t before = 0;
    while (before < n && sorted[before] < test_from)
        before++;
    if (p->valid_at != NULL && date_or_seconds(p->valid_at, &valid_from))
        valid_from = valid_from < test_from ? valid_from : test_from;
    else
        valid_from = p->valid > 0 ? moment(sorted, before, lots_share(n, p->valid)) : test_from;
    for (uint64_t r = 0; r < in->n; r++)
        if (part[r] == SPLIT_TRAIN && in->time[r] >= test_from)
            part[r] = SPLIT_TEST;
        else if (part[r] == SPLIT_TRAIN && in->time[r] >= valid_from)
            part[r] = SPLIT_VALID;
    (*folds)->cuts_texts = true;
    (*folds)->texts_before = valid_from;
    if (p->cold == COLD_DROP)
        TRY(drop_cold(d, in, part, arena, &(*folds)->n_left_out));
    return split_take_fold(in, part, arena, *folds);
}

const struct split_type split_temporal_global = {
    .name = "temporal_global",
    .help = "rows from one moment on are test, for all users: nothing of train is later than test",
    .loses =
        "users who left before that moment aren't evaluated, and those who came after it have no train row",
    .needs_time = true,
    .params = params,
    .params_size = sizeof(struct temporal_params),
    .check = check,
    .apply = apply,
};
