/*
 * filter_rating.c - rows by their rating: at least, at most, and at least with the rating forgotten.
 */
#include "data/filter_kinds.h"

struct rating_params {
    double value;
};

static const struct param params[] = {
    PARAM_REAL(struct rating_params, value, 0, -1e9, 1e9, "a rating, or whatever the source's values are"),
    PARAM_END};

static enum status at_least(const void *values, const struct dataset *d, const struct interactions *in,
                            struct arena *arena, struct interactions *out)
{
    const struct rating_params *p = values;
    (void)d;
    uint8_t *keep;
    ARENA_NEW(keep, arena, in->n);
    for (uint64_t r = 0; r < in->n; r++)
        keep[r] = in->value[r] >= p->value;
    return filter_take(in, keep, arena, out);
}

static enum status at_most(const void *values, const struct dataset *d, const struct interactions *in,
                           struct arena *arena, struct interactions *out)
{
    const struct rating_params *p = values;
    (void)d;
    uint8_t *keep;
    ARENA_NEW(keep, arena, in->n);
    for (uint64_t r = 0; r < in->n; r++)
        keep[r] = in->value[r] <= p->value;
    return filter_take(in, keep, arena, out);
}

static enum status binarize(const void *values, const struct dataset *d, const struct interactions *in,
                            struct arena *arena, struct interactions *out)
{
    TRY(at_least(values, d, in, arena, out));
    for (uint64_t r = 0; r < out->n; r++)
        out->value[r] = 1;
    return STATUS_OK;
}

const struct filter_type filter_min_rating = {.name = "min_rating",
                                              .help = "rows with a value of at least this",
                                              .params = params,
                                              .params_size = sizeof(struct rating_params),
                                              .apply = at_least};
const struct filter_type filter_max_rating = {.name = "max_rating",
                                              .help = "rows with a value of at most this",
                                              .params = params,
                                              .params_size = sizeof(struct rating_params),
                                              .apply = at_most};
const struct filter_type filter_binarize = {.name = "binarize",
                                            .help = "rows with a value of at least this, which becomes 1",
                                            .params = params,
                                            .params_size = sizeof(struct rating_params),
                                            .apply = binarize};
