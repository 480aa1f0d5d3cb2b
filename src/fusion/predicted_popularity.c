/*
 * predicted_popularity.c - how popular an item will be, by its text alone: ridge regression of log(1 + train rows) on the item's
 * vector, over the items that have train rows.  The score is the same for every user: the control without which nothing is said of
 * taste when a model ranks new items by their text, for what is popular can be read off a text too.
 */
#include <math.h>

#include "fusion/linear_map.h"
#include "fusion/text_factors.h"

struct predicted_popularity_params {
    struct item_vectors_options vectors;
    double regularization;
};
#define P struct predicted_popularity_params
static const struct param predicted_popularity_params[] = {
    TEXT_FACTORS_PARAMS(P), PARAM_REAL(P, regularization, 1, 1e-6, 1e9, "weight of the map's squared norm"),
    PARAM_END};
#undef P

/* The state is a struct text_factors of 0 factors: item_bias is the expected log(1 + train rows). */
static enum status predicted_popularity_fit(void *state, const void *params, const struct view *train,
                                            struct run *run)
{
    struct text_factors *m = state;
    const struct predicted_popularity_params *p = params;
    const struct csr *by_item = train->by_item;
    struct item_vectors items;
    struct linear_map map;
    float *log_rows = NULL, *weight = NULL;
    struct run inner = *run;
    inner.arena = run->scratch; /* vectors are not kept */
    TRY(item_vectors_build(&p->vectors, train, &inner, &items));
    TRY(linear_map_warm(by_item, run->scratch, &weight));
    ARENA_NEW(log_rows, run->scratch, train->n_items);
    for (uint32_t i = 0; i < train->n_items; i++)
        log_rows[i] = log1pf((float)(by_item->ptr[i + 1] - by_item->ptr[i]));
    TRY(linear_map_fit(run->backend, "predicted_popularity", items.v, items.n_items, items.d, log_rows, 1, 1,
                       weight, p->regularization, true, run->scratch, run->scratch, &map));
    TRY(text_factors_new(train->n_users, train->n_items, 0, run->arena, m));
    return linear_map_apply(run->backend, &map, items.v, items.n_items, m->item_bias, 1);
}

extern const struct model_type model_predicted_popularity;
const struct model_type model_predicted_popularity = {
    .name = "predicted_popularity",
    .family = "content",
    .source = "Hoerl, Kennard 1970 (ridge regression)",
    .help = "popularity as the item's text lets expect it, the same for every user: a control",
    .version = 1,
    .params = predicted_popularity_params,
    .params_size = sizeof(struct predicted_popularity_params),
    .needs = NEEDS_TEXT | NEEDS_ENCODER,
    .state_size = sizeof(struct text_factors),
    .fit = predicted_popularity_fit,
    .factors = text_factors_factors,
    .save = text_factors_save,
    .load = text_factors_load};
