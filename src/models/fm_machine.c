/*
 * fm_machine.c - see fm_machine.h: what fm and fm_ranking share.
 *
 * A score is a sum over pairs of features, so it falls into a part of the user alone, one of the item alone, and the product
 * of their sums s_u . s_i: fitted, a factorization machine is a factor model, and ranks by one product of matrices.
 */
#include <math.h>

#include "models/curve.h"
#include "models/fm_machine.h"

enum { LAUNCH = 1 << 15 };

enum status fm_machine_new(const struct fm_design *design, int factors, double init_std, uint64_t seed,
                           struct arena *arena, struct fm_machine *out)
{
    *out = (struct fm_machine){.design = *design,
                               .factors = (uint32_t)factors,
                               .ld = ((size_t)factors + FM_PAD - 1) / FM_PAD * FM_PAD};
    ARENA_NEW(out->bias, arena, 1);
    ARENA_NEW(out->weight, arena, design->n_features);
    ARENA_NEW(out->factor, arena, design->n_features * out->ld);
#pragma omp parallel for schedule(static)
    for (uint32_t j = 0; j < design->n_features; j++)
        for (uint32_t k = 0; k < out->factors; k++)
            out->factor[j * out->ld + k] =
                (float)(init_std * random_normal(seed, RANDOM_INIT, 0, (uint64_t)j * out->factors + k));
    return STATUS_OK;
}

enum status fm_machine_check(const struct fm_machine *m, const char *model, int epoch, double learning_rate)
{
    float sum = 0.0f * m->bias[0]; /* 0 unless one is infinite or no number */
    for (size_t i = 0; i < m->design.n_features; i++)
        sum += 0.0f * m->weight[i];
    for (size_t i = 0; i < m->design.n_features * m->ld; i++)
        sum += 0.0f * m->factor[i];
    if (sum == 0.0f)
        return STATUS_OK;
    return status_fail(STATUS_DATA,
                       "%s: in epoch %d the factors left the range of numbers; lower learning_rate (%g)",
                       model, epoch, learning_rate);
}

enum status fm_watch_open(struct fm_watch *w, const struct fm_machine *m, struct fm_state *s, int patience,
                          struct run *run)
{
    *w = (struct fm_watch){.m = m, .s = s};
    early_open(&w->early, patience, run);
    TRY(early_part(&w->early, m->bias, 1, run));
    TRY(early_part(&w->early, m->weight, m->design.n_features, run));
    return early_part(&w->early, m->factor, m->design.n_features * m->ld, run);
}

enum status fm_watch_step(struct fm_watch *w, int epoch, struct run *run, bool *stop)
{
    *stop = false;
    if (run->validate == NULL || (!w->early.on && run->validate_every <= 0))
        return STATUS_OK;
    fm_state_fill(w->s, w->m);
    if (!w->early.on)
        return curve_validation(run, w->s, epoch);
    return early_step(&w->early, w->s, epoch, run, stop);
}

/* Row r: the sum of its features' factors, their weights and the pairs among them. */
static void add_up(const struct fm_machine *m, const struct csr *a, float *sum, float *bias)
{
#pragma omp parallel for schedule(static)
    for (uint32_t r = 0; r < a->n_rows; r++) {
        float *s = sum + r * m->ld;
        double linear = 0, pairs = 0;
        for (uint32_t k = 0; k < m->factors; k++)
            s[k] = 0.0f;
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++) {
            const float x = a->val[e], *v = m->factor + a->idx[e] * m->ld;
            linear += (double)x * (double)m->weight[a->idx[e]];
            for (uint32_t k = 0; k < m->factors; k++) {
                s[k] += x * v[k];
                pairs -= (double)x * (double)x * (double)v[k] * (double)v[k];
            }
        }
        for (uint32_t k = 0; k < m->factors; k++)
            pairs += (double)s[k] * (double)s[k];
        bias[r] = (float)(linear + pairs / 2);
    }
}

enum status fm_state_new(struct fm_state *s, const struct fm_machine *m, const struct view *train,
                         struct arena *arena)
{
    s->n_users = train->n_users, s->n_items = train->n_items, s->factors = m->factors, s->ld = m->ld;
    ARENA_NEW(s->user, arena, s->n_users * s->ld);
    ARENA_NEW(s->item, arena, s->n_items * s->ld);
    ARENA_NEW(s->user_bias, arena, s->n_users);
    ARENA_NEW(s->item_bias, arena, s->n_items);
    return STATUS_OK;
}

void fm_state_fill(struct fm_state *s, const struct fm_machine *m)
{
    s->bias = m->bias[0];
    add_up(m, &m->design.users, s->user, s->user_bias);
    add_up(m, &m->design.items, s->item, s->item_bias);
}

enum status fm_factors(const void *state, struct factors *out)
{
    const struct fm_state *s = state;
    *out = (struct factors){.n_users = s->n_users,
                            .n_items = s->n_items,
                            .factors = s->factors,
                            .user = s->user,
                            .item = s->item,
                            .ld_user = s->ld,
                            .ld_item = s->ld,
                            .user_bias = s->user_bias,
                            .item_bias = s->item_bias,
                            .offset = s->bias};
    return STATUS_OK;
}

enum status fm_score_pairs(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                           float *scores)
{
    const struct fm_state *s = state;
    for (size_t j = 0; j < n; j++) {
        const float *p = s->user + users[j] * s->ld, *q = s->item + items[j] * s->ld;
        float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
        for (uint32_t k = 0; k < s->factors; k++)
            dot += p[k] * q[k];
        const float y = s->bias + s->user_bias[users[j]] + s->item_bias[items[j]] + dot;
        scores[j] = y < s->low ? s->low : y > s->high ? s->high : y;
    }
    return STATUS_OK;
}

enum status fm_save(const void *state, struct model_writer *w)
{
    const struct fm_state *s = state;
    const float range[3] = {s->bias, isfinite(s->low) ? s->low : 0.0f, isfinite(s->high) ? s->high : 0.0f};
    TRY(model_put(w, "user", ARRAY_F32, s->n_users, s->ld, s->user));
    TRY(model_put(w, "item", ARRAY_F32, s->n_items, s->ld, s->item));
    TRY(model_put(w, "user_bias", ARRAY_F32, s->n_users, 1, s->user_bias));
    TRY(model_put(w, "item_bias", ARRAY_F32, s->n_items, 1, s->item_bias));
    return model_put(w, "bias_low_high", ARRAY_F32, 3, 1, range);
}

enum status fm_load_state(struct fm_state *s, int factors, struct model_reader *r)
{
    const void *user_bias, *item_bias, *range;
    uint64_t n_users, n_items, one = 1, three = 3;
    s->factors = (uint32_t)factors;
    s->ld = ((size_t)factors + FM_PAD - 1) / FM_PAD * FM_PAD;
    TRY(model_get_factors(r, s->ld, &s->n_users, &s->n_items, &s->user, &s->item));
    n_users = s->n_users, n_items = s->n_items;
    TRY(model_get(r, "user_bias", ARRAY_F32, &n_users, &one, &user_bias));
    TRY(model_get(r, "item_bias", ARRAY_F32, &n_items, &one, &item_bias));
    TRY(model_get(r, "bias_low_high", ARRAY_F32, &three, &one, &range));
    s->user_bias = (float *)user_bias;
    s->item_bias = (float *)item_bias;
    s->bias = ((const float *)range)[0];
    s->low = ((const float *)range)[1];
    s->high = ((const float *)range)[2];
    return STATUS_OK;
}

static struct fm_rows rows_of(const struct csr *a)
{
    return (struct fm_rows){a->ptr, a->idx, a->val};
}

enum status fm_sgd_prepare(const struct fm_machine *m, enum fm_optimizer optimizer, struct arena *scratch,
                           struct fm_sgd *args)
{
    if (optimizer != FM_ADAGRAD)
        return STATUS_OK;
    ARENA_NEW(args->bias_squares, scratch, 1);
    ARENA_NEW(args->weight_squares, scratch, m->design.n_features);
    ARENA_NEW(args->factor_squares, scratch, m->design.n_features * m->ld);
    return STATUS_OK;
}

enum status fm_sgd_run(const struct fm_machine *m, struct fm_sgd *args, const struct fm_sample *sample,
                       int64_t n, struct run *run)
{
    args->bias = m->bias, args->weight = m->weight, args->factor = m->factor;
    args->user = rows_of(&m->design.users), args->item = rows_of(&m->design.items);
    args->n_users = m->design.users.n_rows, args->n_items = m->design.items.n_rows;
    args->n_features = m->design.n_features;
    args->rank = (int)m->ld;
    for (int64_t at = 0; at < n; at += LAUNCH) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        args->sample = sample + at;
        args->n = n - at < LAUNCH ? n - at : LAUNCH;
        TRY(backend_launch(run->backend, &kernel_fm_sgd, args, 1, fm_sgd_scratch(args->rank)));
    }
    return STATUS_OK;
}
