/*
 * filter_sample.c - some of the users, by lots: a small study of a large set.
 *
 * The n users with the smallest lots (split_lots.h) among those with a row; a lot belongs to the seed and the user, so a
 * larger sample holds the smaller one.
 */
#include "data/filter_kinds.h"
#include "data/split_lots.h"

struct sample_params {
    int n;
    double share;
    int seed;
};

static const struct param params[] = {
    PARAM_INT(struct sample_params, n, 0, 0, 2147483647, "so many users (0: as `share` says)"),
    PARAM_REAL(struct sample_params, share, 0, 0, 1, "or this share of the users"),
    PARAM_INT(struct sample_params, seed, 42, 0, 2147483647, "of the lots"), PARAM_END};

static enum status check(const void *values, const struct node *where)
{
    const struct sample_params *p = values;
    if ((p->n > 0) == (p->share > 0))
        return node_fail(where, "sample_users needs either `n` or `share` above 0");
    return STATUS_OK;
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct interactions *out)
{
    const struct sample_params *p = values;
    struct lot *lots;
    uint8_t *chosen, *keep;
    uint64_t n = 0;
    ARENA_NEW(lots, arena, d->n_users);
    ARENA_NEW(chosen, arena, d->n_users);
    ARENA_NEW(keep, arena, in->n);
    for (uint64_t r = 0; r < in->n; r++)
        if (r == 0 || in->user[r] != in->user[r - 1])
            lots[n++] = (struct lot){lot_of_one(p->seed, LOTS_OF_SAMPLE, in->user[r]), in->user[r]};
    lots_sort(lots, n);
    const uint64_t wanted = p->n > 0 ? (uint64_t)p->n : lots_share(n, p->share);
    for (uint64_t k = 0; k < n && k < wanted; k++)
        chosen[lots[k].what] = 1;
    for (uint64_t r = 0; r < in->n; r++)
        keep[r] = chosen[in->user[r]];
    return filter_take(in, keep, arena, out);
}

const struct filter_type filter_sample_users = {.name = "sample_users",
                                                .help = "so many users, or a share of them, by lots",
                                                .params = params,
                                                .params_size = sizeof(struct sample_params),
                                                .check = check,
                                                .apply = apply};
