/* biased_factors.c - see biased_factors.h. */
#include "models/biased_factors.h"

#include <math.h>

enum status biased_factors_score_pairs(const void *state, const uint32_t *users, const uint32_t *items,
                                       size_t n, float *scores)
{
    const struct biased_factors *s = state;
    for (size_t j = 0; j < n; j++) {
        const float *p = s->user + users[j] * s->ld + s->first, *q = s->item + items[j] * s->ld + s->first;
        float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
        for (uint32_t k = 0; k < s->factors; k++)
            dot += p[k] * q[k];
        const float r = s->mean + s->user_bias[users[j]] + s->item_bias[items[j]] + dot;
        scores[j] = r < s->low ? s->low : r > s->high ? s->high : r;
    }
    return STATUS_OK;
}

enum status biased_factors_factors(const void *state, struct factors *out)
{
    const struct biased_factors *s = state;
    *out = (struct factors){.n_users = s->n_users,
                            .n_items = s->n_items,
                            .factors = s->factors,
                            .user = s->user + s->first,
                            .item = s->item + s->first,
                            .ld_user = s->ld,
                            .ld_item = s->ld,
                            .user_bias = s->user_bias,
                            .item_bias = s->item_bias,
                            .offset = s->mean};
    return STATUS_OK;
}

enum status biased_factors_save(const void *state, struct model_writer *w)
{
    const struct biased_factors *s = state;
    const float range[3] = {s->mean, isfinite(s->low) ? s->low : 0.0f, isfinite(s->high) ? s->high : 0.0f};
    TRY(model_put(w, "user", ARRAY_F32, s->n_users, s->ld, s->user));
    TRY(model_put(w, "item", ARRAY_F32, s->n_items, s->ld, s->item));
    TRY(model_put(w, "user_bias", ARRAY_F32, s->n_users, 1, s->user_bias));
    TRY(model_put(w, "item_bias", ARRAY_F32, s->n_items, 1, s->item_bias));
    return model_put(w, "mean_low_high", ARRAY_F32, 3, 1, range);
}

enum status biased_factors_load(struct biased_factors *s, uint32_t factors, size_t ld, bool clip,
                                struct model_reader *r)
{
    const void *user_bias, *item_bias, *range;
    *s = (struct biased_factors){.factors = factors, .ld = ld};
    TRY(model_get_factors(r, s->ld, &s->n_users, &s->n_items, &s->user, &s->item));
    uint64_t n_users = s->n_users, n_items = s->n_items, one = 1, three = 3;
    TRY(model_get(r, "user_bias", ARRAY_F32, &n_users, &one, &user_bias));
    TRY(model_get(r, "item_bias", ARRAY_F32, &n_items, &one, &item_bias));
    TRY(model_get(r, "mean_low_high", ARRAY_F32, &three, &one, &range));
    const float *f = range;
    s->user_bias = (float *)user_bias;
    s->item_bias = (float *)item_bias;
    s->mean = f[0];
    s->low = clip ? f[1] : -INFINITY;
    s->high = clip ? f[2] : INFINITY;
    return STATUS_OK;
}
