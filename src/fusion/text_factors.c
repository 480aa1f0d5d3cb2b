/* text_factors.c - see text_factors.h. */
#include "fusion/text_factors.h"

enum status text_factors_new(uint32_t n_users, uint32_t n_items, uint32_t factors, struct arena *arena,
                             struct text_factors *out)
{
    *out = (struct text_factors){n_users, n_items, factors, NULL, NULL, NULL};
    ARENA_NEW(out->user, arena, (size_t)n_users * factors);
    ARENA_NEW(out->item, arena, (size_t)n_items * factors);
    ARENA_NEW(out->item_bias, arena, n_items);
    return STATUS_OK;
}

enum status text_factors_factors(const void *state, struct factors *out)
{
    const struct text_factors *m = state;
    *out = (struct factors){.n_users = m->n_users,
                            .n_items = m->n_items,
                            .factors = m->factors,
                            .user = m->user,
                            .item = m->item,
                            .ld_user = m->factors,
                            .ld_item = m->factors,
                            .item_bias = m->item_bias};
    return STATUS_OK;
}

enum status text_factors_save(const void *state, struct model_writer *w)
{
    const struct text_factors *m = state;
    TRY(model_put(w, "user", ARRAY_F32, m->n_users, m->factors, m->user));
    TRY(model_put(w, "item", ARRAY_F32, m->n_items, m->factors, m->item));
    return model_put(w, "item_bias", ARRAY_F32, m->n_items, 1, m->item_bias);
}

enum status text_factors_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct text_factors *m = state;
    uint64_t n_users = 0, n_items = 0, factors = 0, of_items = 0, n_biases = 0, one = 1;
    const void *user = NULL, *item = NULL, *bias = NULL;
    (void)params, (void)run;
    TRY(model_get(r, "user", ARRAY_F32, &n_users, &factors, &user));
    TRY(model_get(r, "item", ARRAY_F32, &n_items, &of_items, &item));
    TRY(model_get(r, "item_bias", ARRAY_F32, &n_biases, &one, &bias));
    if (of_items != factors || n_biases != n_items)
        return status_fail(
            STATUS_DATA,
            "the model file has users of %llu factors, %llu items of %llu and %llu biases: the "
            "file is damaged",
            (unsigned long long)factors, (unsigned long long)n_items, (unsigned long long)of_items,
            (unsigned long long)n_biases);
    *m = (struct text_factors){(uint32_t)n_users, (uint32_t)n_items, (uint32_t)factors,
                               (float *)user,     (float *)item,     (float *)bias};
    return STATUS_OK;
}
