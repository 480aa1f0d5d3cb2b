/*
 * random.c - the recommender that knows nothing: the score of (user, item) is a uniform number, a function of
 * seed, user and item alone (Philox4x32-10), so that it is the same in any thread, tile or order.
 *
 * A block of Philox gives the scores of four neighbouring items.  24 bits a score: two of 3,700 items of a
 * user share one for every third user, broken as any tie.
 */
#include "models/model.h"
#include "models/model_io.h"
#include "philox.h"

struct random_state {
    uint32_t n_items;
    uint64_t seed;
};

static const struct param random_params[] = {PARAM_END};

static enum status random_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    (void)params;
    *(struct random_state *)state = (struct random_state){.n_items = train->n_items, .seed = run->seed};
    return STATUS_OK;
}

/* Scores of items 4 * block .. 4 * block + 3. */
static struct philox random_block(const struct random_state *s, uint32_t user, uint32_t block)
{
    return philox4x32(s->seed, (uint64_t)user << 32 | RANDOM_MODEL, block);
}

static enum status random_score_users(const void *state, const uint32_t *users, size_t n,
                                      const struct tile *out)
{
    const struct random_state *s = state;
    if (out->n_items != s->n_items)
        return status_fail(STATUS_DATA, "random was fitted on %u items, %u are to be scored", s->n_items,
                           out->n_items);
    for (size_t r = 0; r < n; r++) {
        float *row = out->scores + r * out->ld;
        for (uint32_t i = 0; i < s->n_items; i += 4) {
            const struct philox p = random_block(s, users[r], i / 4);
            for (uint32_t j = 0; j < 4 && i + j < s->n_items; j++)
                row[i + j] = philox_unit(p.v[j]);
        }
    }
    return STATUS_OK;
}

static enum status random_score_pairs(const void *state, const uint32_t *users, const uint32_t *items,
                                      size_t n, float *scores)
{
    for (size_t j = 0; j < n; j++)
        scores[j] = philox_unit(random_block(state, users[j], items[j] / 4).v[items[j] % 4]);
    return STATUS_OK;
}

static enum status random_save(const void *state, struct model_writer *w)
{
    const struct random_state *s = state;
    const int64_t numbers[2] = {s->n_items, (int64_t)s->seed};
    return model_put(w, "n_items_seed", ARRAY_I64, 2, 1, numbers);
}

static enum status random_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    (void)params, (void)run;
    uint64_t rows = 2, cols = 1;
    const void *data;
    TRY(model_get(r, "n_items_seed", ARRAY_I64, &rows, &cols, &data));
    const int64_t *numbers = data;
    if (numbers[0] < 0 || numbers[0] > UINT32_MAX)
        return status_fail(STATUS_DATA, "a saved random model has %lld items", (long long)numbers[0]);
    *(struct random_state *)state =
        (struct random_state){.n_items = (uint32_t)numbers[0], .seed = (uint64_t)numbers[1]};
    return STATUS_OK;
}

extern const struct model_type model_random;
const struct model_type model_random = {
    .name = "random",
    .family = "baseline",
    .source = "uniform scores; Philox4x32-10 of Salmon, Moraes, Dror, Shaw, SC 2011",
    .help = "a uniform random order for each user, fixed by the seed",
    .version = 1,
    .params = random_params,
    .params_size = 1,
    .state_size = sizeof(struct random_state),
    .cost = model_cost_counts,
    .fit = random_fit,
    .score_users = random_score_users,
    .score_pairs = random_score_pairs,
    .save = random_save,
    .load = random_load,
};
