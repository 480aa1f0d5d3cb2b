/*
 * intent.c - groups of a positive and its negatives, and their features.
 *
 * Leaving the item out of the user's vector is exact: the sum over the history minus the item's own
 * part, divided by its norm.  The negatives of a group meet that same vector, so that the positive
 * cannot be told from them by what was taken out (with the whole history for negatives, the length of
 * the sum would tell).
 */
#include "fusion/intent.h"

#include <math.h>
#include <string.h>

#include "fusion.h"

enum { ATTEMPTS = 64, MOMENT_GROUPS = 4096, FILL_GROUPS = 1024 };

uint32_t intent_fold(uint64_t seed, int64_t e, uint32_t n_folds)
{
    return random_u32(seed, RANDOM_VALIDATION, 1, (uint64_t)e) % n_folds;
}

/* An item that the user does not have; attempts are numbered by Philox's epoch. */
static uint32_t draw_negative(const struct csr *h, uint32_t user, const struct intent_options *o,
                              uint64_t index)
{
    uint32_t item = 0;
    for (uint32_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        const double u = random_unit(o->seed, RANDOM_NEGATIVES, attempt, index);
        item = o->popular ? h->idx[(int64_t)(u * (double)h->nnz)] : (uint32_t)(u * h->n_cols);
        if (!csr_has(h, user, item))
            return item;
    }
    do /* a user who has nearly everything: the next one that is free */
        item = item + 1 < h->n_cols ? item + 1 : 0;
    while (csr_has(h, user, item));
    return item;
}

static bool is_sampled(const struct intent_options *o, int64_t nnz, int64_t e)
{
    return o->samples == 0 || (int64_t)o->samples >= nnz ||
           random_unit(o->seed, RANDOM_ORDER, 0, (uint64_t)e) < (double)o->samples / (double)nnz;
}

static enum status groups_new(uint64_t n, const struct intent_options *o, struct arena *arena,
                              struct intent_groups *g)
{
    *g = (struct intent_groups){.n = n, .n_candidates = 1 + o->n_negatives};
    ARENA_NEW(g->user, arena, n);
    ARENA_NEW(g->item, arena, n * g->n_candidates);
    ARENA_NEW(g->weight, arena, n);
    ARENA_NEW(g->alone, arena, n);
    ARENA_NEW(g->validation, arena, n);
    ARENA_NEW(g->fold, arena, n);
    return STATUS_OK;
}

enum status intent_sample(const struct csr *history, const struct intent_options *options,
                          struct arena *arena, struct intent_groups *out)
{
    const struct csr *h = history;
    uint64_t n = 0;
    for (uint32_t u = 0; u < h->n_rows; u++)
        for (int64_t e = h->ptr[u]; e < h->ptr[u + 1]; e++)
            n += h->ptr[u + 1] - h->ptr[u] < h->n_cols && is_sampled(options, h->nnz, e);
    TRY(groups_new(n, options, arena, out));
    uint64_t g = 0;
    for (uint32_t u = 0; u < h->n_rows; u++) {
        const int64_t n_has = h->ptr[u + 1] - h->ptr[u];
        for (int64_t e = h->ptr[u]; e < h->ptr[u + 1]; e++) {
            if (n_has == h->n_cols || !is_sampled(options, h->nnz, e))
                continue;
            uint32_t *item = out->item + g * out->n_candidates;
            item[0] = h->idx[e];
            for (uint32_t j = 0; j < options->n_negatives; j++)
                item[1 + j] = draw_negative(h, u, options, (uint64_t)e * options->n_negatives + j);
            out->user[g] = u;
            out->weight[g] = h->val == NULL ? 1.0F : h->val[e];
            out->alone[g] = n_has == 1;
            out->fold[g] = intent_fold(options->seed, e, options->n_folds);
            out->validation[g] =
                random_unit(options->seed, RANDOM_VALIDATION, 0, (uint64_t)e) < options->validation;
            g++;
        }
    }
    const double all_negatives = (double)h->n_rows * h->n_cols - (double)h->nnz;
    out->positives_kept = h->nnz > 0 ? (double)n / (double)h->nnz : 1;
    out->negatives_kept = all_negatives > 0 ? (double)n * options->n_negatives / all_negatives : 1;
    return STATUS_OK;
}

void intent_keep_fold(struct intent_groups *g, uint32_t fold)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < g->n; i++) {
        if (g->fold[i] != fold)
            continue;
        g->user[n] = g->user[i];
        g->validation[n] = g->validation[i];
        g->fold[n] = fold;
        memmove(g->item + n * g->n_candidates, g->item + i * g->n_candidates,
                g->n_candidates * sizeof *g->item);
        n++;
    }
    g->n = n;
}

uint32_t intent_columns(const struct intent_source *source)
{
    const struct intent_features *f = &source->features;
    const uint32_t d = source->items->d;
    return (uint32_t)(f->product + f->difference) * d + (d > 0 && f->cosine) + source->groups->n_extra;
}

enum status intent_fill(const void *context, const uint64_t *groups, size_t n, float *q, float *target)
{
    const struct intent_source *s = context;
    const struct intent_groups *g = s->groups;
    uint64_t chosen[FILL_GROUPS];
    const uint32_t columns = intent_columns(s), d = s->items->d;
    for (size_t first = 0; first < n; first += FILL_GROUPS) {
        const size_t size = n - first < FILL_GROUPS ? n - first : FILL_GROUPS;
        for (size_t i = 0; i < size; i++)
            chosen[i] = s->chosen[groups[first + i]];
        const struct fusion_features args = {.groups = chosen,
                                             .sums = s->sums,
                                             .V = s->items->v,
                                             .user = g->user,
                                             .item = g->item,
                                             .weight = g->weight,
                                             .alone = g->alone,
                                             .extra = g->extra,
                                             .texts = s->texts,
                                             .text_row = s->text_row,
                                             .text_weight = s->text_weight,
                                             .mean = s->mean,
                                             .scale = s->scale,
                                             .q = q + first * g->n_candidates * columns,
                                             .ldq = columns,
                                             .d = (int)d,
                                             .n_candidates = (int)g->n_candidates,
                                             .n_extra = (int)g->n_extra,
                                             .product = d > 0 && s->features.product,
                                             .difference = d > 0 && s->features.difference,
                                             .cosine = d > 0 && s->features.cosine};
        TRY(backend_launch(s->backend, &kernel_fusion_features, &args, (long)size, (d + 1) * sizeof(float)));
    }
    for (size_t row = 0; row < n * g->n_candidates; row++)
        target[row] = row % g->n_candidates == 0 ? 1.0F : 0.0F;
    return STATUS_OK;
}

enum status intent_moments(const struct intent_source *source, uint64_t n, struct arena *scratch, float *mean,
                           float *scale)
{
    const uint32_t columns = intent_columns(source), c = source->groups->n_candidates;
    const uint64_t n_groups = n < MOMENT_GROUPS ? n : MOMENT_GROUPS, rows = n_groups * c;
    uint64_t *groups = NULL;
    float *q = NULL, *target = NULL;
    ARENA_NEW(groups, scratch, n_groups);
    ARENA_NEW(q, scratch, rows * columns);
    ARENA_NEW(target, scratch, rows);
    for (uint64_t g = 0; g < n_groups; g++) /* spread evenly, for groups are sorted by user */
        groups[g] = g * n / n_groups;
    TRY(intent_fill(source, groups, n_groups, q, target));
    for (uint32_t k = 0; k < columns; k++) {
        double sum = 0, squares = 0;
        for (uint64_t s = 0; s < rows; s++)
            sum += (double)q[s * columns + k];
        const double center = rows > 0 ? sum / (double)rows : 0;
        for (uint64_t s = 0; s < rows; s++)
            squares += ((double)q[s * columns + k] - center) * ((double)q[s * columns + k] - center);
        const double deviation = rows > 0 ? sqrt(squares / (double)rows) : 0;
        mean[k] = (float)center;
        scale[k] = deviation > 1e-6 * fabs(center) && deviation > 1e-12 ? (float)(1 / deviation) : 0.0F;
    }
    return STATUS_OK;
}
