/*
 * popularity.c - every user gets the items that most users took: score = training rows of the item.
 *
 * The baseline that any personal recommender has to beat (Cremonesi, Koren, Turrin, RecSys 2010).  Equal
 * counts are ties, broken by rank.c's hash.  Counts above 2^24 would round in float.
 */
#include <string.h>

#include "models/model.h"
#include "models/model_io.h"

struct popularity {
    uint32_t n_items;
    const float *count; /* [n_items] training rows */
};

static const struct param popularity_params[] = {PARAM_END};

static enum status popularity_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    (void)params;
    struct popularity *p = state;
    float *count;
    ARENA_NEW(count, run->arena, train->n_items);
    for (uint32_t i = 0; i < train->n_items; i++)
        count[i] = (float)(train->by_item->ptr[i + 1] - train->by_item->ptr[i]);
    *p = (struct popularity){.n_items = train->n_items, .count = count};
    return STATUS_OK;
}

static enum status popularity_score_users(const void *state, const uint32_t *users, size_t n,
                                          const struct tile *out)
{
    (void)users;
    const struct popularity *p = state;
    if (out->n_items != p->n_items)
        return status_fail(STATUS_DATA, "popularity was fitted on %u items, %u are to be scored", p->n_items,
                           out->n_items);
    for (size_t r = 0; r < n; r++)
        memcpy(out->scores + r * out->ld, p->count, p->n_items * sizeof(float));
    return STATUS_OK;
}

static enum status popularity_score_pairs(const void *state, const uint32_t *users, const uint32_t *items,
                                          size_t n, float *scores)
{
    (void)users;
    const struct popularity *p = state;
    for (size_t j = 0; j < n; j++)
        scores[j] = p->count[items[j]];
    return STATUS_OK;
}

static enum status popularity_save(const void *state, struct model_writer *w)
{
    const struct popularity *p = state;
    return model_put(w, "count", ARRAY_F32, p->n_items, 1, p->count);
}

static enum status popularity_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    (void)params, (void)run;
    struct popularity *p = state;
    uint64_t rows = 0, cols = 1;
    const void *data;
    TRY(model_get(r, "count", ARRAY_F32, &rows, &cols, &data));
    *p = (struct popularity){.n_items = (uint32_t)rows, .count = data};
    return STATUS_OK;
}

extern const struct model_type model_popularity;
const struct model_type model_popularity = {
    .name = "popularity",
    .family = "baseline",
    .source = "Cremonesi, Koren, Turrin, RecSys 2010",
    .help = "items by their number of training rows, the same for every user",
    .version = 1,
    .params = popularity_params,
    .params_size = 1,
    .state_size = sizeof(struct popularity),
    .cost = model_cost_counts,
    .fit = popularity_fit,
    .score_users = popularity_score_users,
    .score_pairs = popularity_score_pairs,
    .save = popularity_save,
    .load = popularity_load,
};
