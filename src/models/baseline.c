/*
 * baseline.c - what a rating is without taste: r(u, i) = mean + b_u + b_i.
 *
 * Source: Koren 2010 (see ratings.c).  Names and defaults are those of Surprise's BaselineOnly.  A user or item without
 * a rating has bias 0.
 */
#include <math.h>

#include "models/model_io.h"
#include "models/ratings.h"

struct baseline_params {
    int method, epochs;
    double reg_u, reg_i, learning_rate, regularization;
};
#define P struct baseline_params
static const struct param baseline_params[] = {
    PARAM_CHOICE(P, method, "als", BASELINE_METHODS, "alternating least squares, or stochastic gradient"),
    PARAM_INT(P, epochs, 0, 0, 100000, "passes over the ratings; 0: 10 of als, 20 of sgd"),
    PARAM_REAL(P, reg_u, 15, 0, 1e6, "als: weight of the squared user biases"),
    PARAM_REAL(P, reg_i, 10, 0, 1e6, "als: weight of the squared item biases"),
    PARAM_REAL(P, learning_rate, 0.005, 1e-9, 1, "sgd: length of a step"),
    PARAM_REAL(P, regularization, 0.02, 0, 1e3, "sgd: weight of the squared biases"),
    PARAM_END};
#undef P

struct baseline {
    uint32_t n_users, n_items;
    const double *user_bias, *item_bias; /* [n_users], [n_items] */
    double mean;
};

static enum status baseline_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    const struct baseline_params *p = params;
    struct baseline *s = state;
    double *user_bias, *item_bias;
    TRY(ratings_check(train, "baseline"));
    ARENA_NEW(user_bias, run->arena, train->n_users);
    ARENA_NEW(item_bias, run->arena, train->n_items);
    *s =
        (struct baseline){train->n_users, train->n_items, user_bias, item_bias, ratings_mean(train->by_user)};
    const struct baseline_options options = {.method = p->method,
                                             .epochs = p->epochs,
                                             .reg_u = p->reg_u,
                                             .reg_i = p->reg_i,
                                             .learning_rate = p->learning_rate,
                                             .regularization = p->regularization};
    TRY(baseline_biases(train, &options, s->mean, run, user_bias, item_bias));
    for (uint32_t u = 0; u < s->n_users; u++)
        if (!isfinite(user_bias[u]))
            return status_fail(STATUS_DATA,
                               "baseline: the biases left the range of numbers; lower learning_rate (%g)",
                               p->learning_rate);
    return STATUS_OK;
}

static enum status baseline_score_pairs(const void *state, const uint32_t *users, const uint32_t *items,
                                        size_t n, float *scores)
{
    const struct baseline *s = state;
    for (size_t j = 0; j < n; j++)
        scores[j] = (float)(s->mean + s->user_bias[users[j]] + s->item_bias[items[j]]);
    return STATUS_OK;
}

static enum status baseline_save(const void *state, struct model_writer *w)
{
    const struct baseline *s = state;
    TRY(model_put(w, "user_bias", ARRAY_F64, s->n_users, 1, s->user_bias));
    TRY(model_put(w, "item_bias", ARRAY_F64, s->n_items, 1, s->item_bias));
    return model_put(w, "mean", ARRAY_F64, 1, 1, &s->mean);
}

static enum status baseline_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct baseline *s = state;
    uint64_t n_users = 0, n_items = 0, one = 1;
    const void *user_bias, *item_bias, *mean;
    (void)params, (void)run;
    TRY(model_get(r, "user_bias", ARRAY_F64, &n_users, &one, &user_bias));
    TRY(model_get(r, "item_bias", ARRAY_F64, &n_items, &one, &item_bias));
    TRY(model_get(r, "mean", ARRAY_F64, &one, &one, &mean));
    *s = (struct baseline){(uint32_t)n_users, (uint32_t)n_items, user_bias, item_bias, *(const double *)mean};
    return STATUS_OK;
}

static void baseline_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                          double *flops)
{
    const struct baseline_params *p = params;
    *bytes = 8.0 * ((double)n_users + n_items);
    *flops = (p->epochs > 0 ? p->epochs : 20) * 8.0 * (double)nnz;
}

extern const struct model_type model_baseline;
const struct model_type model_baseline = {
    .name = "baseline",
    .family = "baseline",
    .source = "Koren, ACM TKDD 4(1), 2010, section 2.1",
    .help = "ratings as mean + bias of the user + bias of the item",
    .version = 1,
    .params = baseline_params,
    .params_size = sizeof(struct baseline_params),
    .needs = NEEDS_RATINGS,
    .state_size = sizeof(struct baseline),
    .fit = baseline_fit,
    .score_pairs = baseline_score_pairs,
    .save = baseline_save,
    .load = baseline_load,
    .cost = baseline_cost,
};
