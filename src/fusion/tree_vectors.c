/* tree_vectors.c - see tree_vectors.h. */
#include "fusion/tree_vectors.h"

#include <math.h>
#include <string.h>

#include "models/model_io.h"
#include "models/reduce.h"

static uint32_t n_blocks(const struct tree_vectors *v)
{
    return (uint32_t)v->user + v->item + v->product + v->difference;
}

void tree_vectors_choose(const struct param_list *features, uint32_t components, struct tree_vectors *out)
{
    *out = (struct tree_vectors){.k = components};
    for (size_t i = 0; i < features->n; i++) {
        const char *name = features->item[i];
        out->cosine = out->cosine || strcmp(name, "cosine") == 0;
        out->user = out->user || strcmp(name, "user") == 0;
        out->item = out->item || strcmp(name, "item") == 0;
        out->product = out->product || strcmp(name, "product") == 0;
        out->difference = out->difference || strcmp(name, "difference") == 0;
    }
}

/* Of so many dimensions there are no more components. */
static void fit_to(struct tree_vectors *v, uint32_t d)
{
    v->d = d;
    v->k = n_blocks(v) == 0 ? 0 : v->k < d ? v->k : d;
}

enum status tree_vectors_describe(struct tree_vectors *v, const struct backend *b,
                                  const struct item_vectors *items, struct arena *arena,
                                  struct arena *scratch)
{
    float *directions, *parts;
    fit_to(v, items->d);
    if (v->k == 0)
        return STATUS_OK;
    ARENA_NEW(directions, arena, (size_t)v->d * v->k);
    ARENA_NEW(parts, arena, (size_t)items->n_items * v->k);
    v->directions = directions, v->items = parts;
    return reduce_dense(b, items->v, items->n_items, v->d, v->k, scratch, parts, directions);
}

uint32_t tree_vectors_columns(const struct tree_vectors *v)
{
    return (v->cosine && v->d > 0) + n_blocks(v) * v->k;
}

enum status tree_vectors_names(const struct tree_vectors *v, struct arena *arena, const char **name)
{
    const bool there[] = {v->user, v->item, v->product, v->difference};
    static const char *const block[] = {"user vector", "item vector", "product", "difference"};
    if (v->cosine && v->d > 0)
        *name++ = "cosine";
    for (int j = 0; j < 4; j++)
        for (uint32_t k = 0; there[j] && k < v->k; k++) {
            *name = arena_printf(arena, "%s %u", block[j], k + 1);
            if (*name++ == NULL)
                return STATUS_SYSTEM;
        }
    return STATUS_OK;
}

enum status tree_vectors_users(const struct tree_vectors *v, const struct backend *b, const float *vectors,
                               size_t n, float *out)
{
    return v->k == 0 ? STATUS_OK
                     : backend_sgemm(b, false, false, n, v->k, v->d, 1, vectors, v->d, v->directions, v->k, 0,
                                     out, v->k);
}

float *tree_vectors_row(const struct tree_vectors *v, const float *user, const float *components,
                        const float *item_vector, uint32_t item, float *x)
{
    const float *of_item = v->k > 0 ? v->items + (size_t)item * v->k : NULL;
    if (v->cosine && v->d > 0) {
        float dot = 0;
        for (uint32_t k = 0; k < v->d; k++)
            dot += user[k] * item_vector[k];
        *x++ = dot;
    }
    for (uint32_t k = 0; v->user && k < v->k; k++)
        *x++ = components[k];
    for (uint32_t k = 0; v->item && k < v->k; k++)
        *x++ = of_item[k];
    for (uint32_t k = 0; v->product && k < v->k; k++)
        *x++ = components[k] * of_item[k];
    for (uint32_t k = 0; v->difference && k < v->k; k++)
        *x++ = fabsf(components[k] - of_item[k]);
    return x;
}

enum status tree_vectors_save(const struct tree_vectors *v, struct model_writer *w)
{
    if (v->k == 0)
        return STATUS_OK;
    return model_put(w, "directions", ARRAY_F32, v->d, v->k, v->directions);
}

enum status tree_vectors_load(struct tree_vectors *v, const struct item_vectors *items,
                              struct model_reader *r, struct run *run)
{
    uint64_t d = items->d, k;
    const void *directions;
    float *parts;
    fit_to(v, items->d);
    k = v->k;
    if (k == 0)
        return STATUS_OK;
    TRY(model_get(r, "directions", ARRAY_F32, &d, &k, &directions));
    ARENA_NEW(parts, run->arena, (size_t)items->n_items * k);
    v->directions = directions, v->items = parts;
    return backend_sgemm(run->backend, false, false, items->n_items, k, d, 1, items->v, d, v->directions, k,
                         0, parts, k);
}
