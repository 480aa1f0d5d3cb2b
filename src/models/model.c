/*
 * model.c - scores through whichever function a model has: its own, GEMM over its factors, or pairs.
 */
#include "models/model.h"

#include <stdlib.h>
#include <string.h>

#include "models/factors.h"

static enum status out_of_memory(const struct model_type *type, size_t bytes)
{
    return status_fail(STATUS_SYSTEM, "memory is out: %zu bytes to score by %s", bytes, type->name);
}

/* user . item + both biases + offset for the rows of a tile. */
static enum status users_by_factors(const struct model_type *type, const struct factors *f,
                                    const struct backend *backend, const uint32_t *users, size_t n,
                                    const struct tile *out)
{
    struct factors_tiles tiles;
    TRY(factors_tiles_open(f, backend, &tiles));
    const size_t width = f->factors > 0 ? f->factors : 1, block = FACTORS_ROWS * FACTORS_COLS;
    float *packed = malloc((FACTORS_ROWS * width + block) * sizeof *packed),
          *scores = packed + FACTORS_ROWS * width;
    enum status status =
        packed == NULL ? out_of_memory(type, (FACTORS_ROWS * width + block) * sizeof *packed) : STATUS_OK;
    for (size_t row = 0; row < n && status == STATUS_OK; row += FACTORS_ROWS) {
        const size_t rows = n - row < FACTORS_ROWS ? n - row : FACTORS_ROWS;
        factors_pack(f, users + row, rows, packed);
        for (uint32_t first = 0; first < f->n_items && status == STATUS_OK; first += FACTORS_COLS) {
            const uint32_t cols = f->n_items - first < FACTORS_COLS ? f->n_items - first : FACTORS_COLS;
            status = factors_tile(&tiles, backend, packed, first, scores, FACTORS_COLS);
            for (size_t r = 0; r < rows && status == STATUS_OK; r++) {
                float *to = out->scores + (row + r) * out->ld + first;
                const float *from = scores + r * FACTORS_COLS;
                const float constant = f->offset + (f->user_bias ? f->user_bias[users[row + r]] : 0.0f);
                for (uint32_t i = 0; i < cols; i++)
                    to[i] = from[i] + (f->item_bias ? f->item_bias[first + i] : 0.0f) + constant;
            }
        }
    }
    free(packed);
    factors_tiles_close(&tiles);
    return status;
}

static enum status users_by_pairs(const struct model_type *type, const void *state, const uint32_t *users,
                                  size_t n, const struct tile *out)
{
    uint32_t *pair = malloc(2 * (size_t)out->n_items * sizeof *pair + 1);
    if (pair == NULL)
        return out_of_memory(type, 2 * (size_t)out->n_items * sizeof *pair);
    uint32_t *user = pair, *item = pair + out->n_items;
    enum status status = STATUS_OK;
    for (size_t row = 0; row < n && status == STATUS_OK; row++) {
        for (uint32_t i = 0; i < out->n_items; i++)
            user[i] = users[row], item[i] = i;
        status = type->score_pairs(state, user, item, out->n_items, out->scores + row * out->ld);
    }
    free(pair);
    return status;
}

enum status model_score_users(const struct model_type *type, const void *state, const struct backend *backend,
                              const uint32_t *users, size_t n, const struct tile *out)
{
    if (type->score_users != NULL)
        return type->score_users(state, users, n, out);
    if (type->factors != NULL) {
        struct factors f;
        TRY(type->factors(state, &f));
        return users_by_factors(type, &f, backend, users, n, out);
    }
    if (type->score_pairs != NULL)
        return users_by_pairs(type, state, users, n, out);
    return status_fail(STATUS_SYSTEM, "model %s has no scoring function", type->name);
}

/* A pair at a time, in float. */
static void pairs_by_factors(const struct factors *f, const uint32_t *users, const uint32_t *items, size_t n,
                             float *scores)
{
#pragma omp parallel for schedule(static)
    for (size_t p = 0; p < n; p++) {
        const float *x = f->user + users[p] * f->ld_user, *y = f->item + items[p] * f->ld_item;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (uint32_t k = 0; k < f->factors; k++)
            sum += x[k] * y[k];
        scores[p] = sum + (f->item_bias ? f->item_bias[items[p]] : 0.0f) +
                    (f->offset + (f->user_bias ? f->user_bias[users[p]] : 0.0f));
    }
}

/* Scores a row for each run of equal users and picks from it. */
static enum status pairs_by_users(const struct model_type *type, const void *state, const uint32_t *users,
                                  const uint32_t *items, size_t n, uint32_t n_items, float *scores)
{
    float *row = malloc((size_t)n_items * sizeof *row + 1);
    if (row == NULL)
        return out_of_memory(type, (size_t)n_items * sizeof *row);
    const struct tile tile = {.scores = row, .ld = n_items, .n_items = n_items};
    enum status status = STATUS_OK;
    for (size_t p = 0; p < n && status == STATUS_OK; p++) {
        if (p == 0 || users[p] != users[p - 1])
            status = type->score_users(state, &users[p], 1, &tile);
        if (status == STATUS_OK)
            scores[p] = row[items[p]];
    }
    free(row);
    return status;
}

enum status model_score_pairs(const struct model_type *type, const void *state, const struct backend *backend,
                              const uint32_t *users, const uint32_t *items, size_t n, uint32_t n_items,
                              float *scores)
{
    (void)backend; /* pairs need no GEMM */
    if (type->score_pairs != NULL)
        return type->score_pairs(state, users, items, n, scores);
    if (type->factors != NULL) {
        struct factors f;
        TRY(type->factors(state, &f));
        pairs_by_factors(&f, users, items, n, scores);
        return STATUS_OK;
    }
    if (type->score_users != NULL)
        return pairs_by_users(type, state, users, items, n, n_items, scores);
    return status_fail(STATUS_SYSTEM, "model %s has no scoring function", type->name);
}

void model_cost_counts(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                       double *flops)
{
    (void)params;
    *bytes = 4.0 * ((double)n_users + n_items);
    *flops = (double)nnz;
}
