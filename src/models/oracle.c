/*
 * oracle.c - the truth that a generated dataset was drawn from, as a model: no model that only saw data can be
 * expected to rank better.
 *
 * truth observed: user . item + item_bias + exposure, the log of the odds by which the next item was drawn
 * (data/synth.c), and so the best ranking of what is held out.  truth preference: without exposure, how much the
 * user would like an item whoever gets to see it; by held-out rows it scores lower, and the gap is what popularity
 * alone explains.  Nothing is learned: training rows are not looked at.
 */
#include "models/model.h"
#include "models/model_io.h"

struct oracle_params {
    int truth;
};
enum { TRUTH_OBSERVED, TRUTH_PREFERENCE };
static const struct param oracle_params[] = {PARAM_CHOICE(struct oracle_params, truth, "observed",
                                                          "observed|preference",
                                                          "preference and exposure, or preference alone"),
                                             PARAM_END};

struct oracle {
    uint32_t n_users, n_items, factors;
    const float *user;      /* [n_users x factors] */
    const float *item;      /* [n_items x factors] */
    const float *item_bias; /* [n_items] */
};

static enum status oracle_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    const struct oracle_params *p = params;
    const struct truth *t = train->truth;
    struct oracle *o = state;
    float *bias;
    if (t == NULL)
        return status_fail(STATUS_UNAVAILABLE,
                           "oracle: the dataset has no known truth; make one with recfuse synth");
    ARENA_NEW(bias, run->arena, train->n_items);
    for (uint32_t i = 0; i < train->n_items; i++)
        bias[i] = t->item_bias[i] + (p->truth == TRUTH_OBSERVED ? t->exposure[i] : 0);
    *o = (struct oracle){.n_users = train->n_users, .n_items = train->n_items, .factors = t->factors};
    o->user = arena_copy(run->arena, t->user, (size_t)train->n_users * t->factors, sizeof *t->user);
    o->item = arena_copy(run->arena, t->item, (size_t)train->n_items * t->factors, sizeof *t->item);
    o->item_bias = bias;
    return o->user != NULL && o->item != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static enum status oracle_factors(const void *state, struct factors *out)
{
    const struct oracle *o = state;
    *out = (struct factors){.n_users = o->n_users,
                            .n_items = o->n_items,
                            .factors = o->factors,
                            .user = o->user,
                            .item = o->item,
                            .ld_user = o->factors,
                            .ld_item = o->factors,
                            .item_bias = o->item_bias};
    return STATUS_OK;
}

static enum status oracle_save(const void *state, struct model_writer *w)
{
    const struct oracle *o = state;
    TRY(model_put(w, "user", ARRAY_F32, o->n_users, o->factors, o->user));
    TRY(model_put(w, "item", ARRAY_F32, o->n_items, o->factors, o->item));
    return model_put(w, "item_bias", ARRAY_F32, o->n_items, 1, o->item_bias);
}

static enum status oracle_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    (void)params, (void)run;
    struct oracle *o = state;
    uint64_t n_users = 0, n_items = 0, factors = 0, one = 1;
    const void *user, *item, *bias;
    TRY(model_get(r, "user", ARRAY_F32, &n_users, &factors, &user));
    TRY(model_get(r, "item", ARRAY_F32, &n_items, &factors, &item));
    TRY(model_get(r, "item_bias", ARRAY_F32, &n_items, &one, &bias));
    if (n_users > UINT32_MAX || n_items > UINT32_MAX || factors > UINT32_MAX)
        return status_fail(STATUS_DATA, "the model file holds more than 2^32 users, items or factors");
    *o = (struct oracle){(uint32_t)n_users, (uint32_t)n_items, (uint32_t)factors, user, item, bias};
    return STATUS_OK;
}

extern const struct model_type model_oracle;
const struct model_type model_oracle = {
    .name = "oracle",
    .family = "baseline",
    .source = "the generator's truth (recfuse synth)",
    .help = "the true preference and exposure of a generated dataset: the best ranking there is",
    .version = 1,
    .params = oracle_params,
    .params_size = sizeof(struct oracle_params),
    .needs = NEEDS_TRUTH,
    .state_size = sizeof(struct oracle),
    .cost = model_cost_counts,
    .fit = oracle_fit,
    .factors = oracle_factors,
    .save = oracle_save,
    .load = oracle_load,
};
