/* prune.c - see prune.h. */
#include "llm/prune.h"

#include <math.h>
#include <stdlib.h>

#include "base/order.h"

static float weight_of(const float *w, const float *importance, size_t i)
{
    return fabsf(w[i]) * (importance != NULL ? sqrtf(importance[i]) : 1);
}

void prune_row(float *w, const float *importance, size_t k, double fraction, float *scratch)
{
    const size_t go = (size_t)floor((double)k * fraction);
    if (go == 0)
        return;
    for (size_t i = 0; i < k; i++)
        scratch[i] = weight_of(w, importance, i);
    qsort(scratch, k, sizeof *scratch, rising_f32);
    const float last = scratch[(go < k ? go : k) - 1];
    size_t equal = 0; /* of those that weigh `last`, how many go */
    for (size_t i = 0; i < go; i++)
        equal += scratch[i] >= last;
    for (size_t i = 0; i < k; i++) {
        const float x = weight_of(w, importance, i);
        if (x < last || (x <= last && equal > 0)) {
            equal -= x >= last;
            w[i] = 0;
        }
    }
}

void prune_row_2_4(float *w, const float *importance, size_t k)
{
    for (size_t from = 0; from + 4 <= k; from += 4)
        for (size_t i = from; i < from + 4; i++) {
            int better = 0;
            for (size_t j = from; j < from + 4; j++) {
                const float x = weight_of(w, importance, i), y = weight_of(w, importance, j);
                better += j != i && w[j] != 0 && (y > x || (y >= x && j < i));
            }
            if (better >= 2)
                w[i] = 0;
        }
}

void prune_column_scores(const float *w, size_t n, size_t k, const float *importance, double *score)
{
    for (size_t j = 0; j < k; j++)
        score[j] = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++) {
            const double x = (double)w[i * k + j];
            score[j] += x * x * (importance != NULL ? (double)importance[j] : 1);
        }
}

enum status prune_keep(const double *score, uint32_t n, uint32_t n_kept, struct arena *arena, uint32_t **kept)
{
    ARENA_NEW(*kept, arena, n_kept);
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t better = 0;
        for (uint32_t j = 0; j < n; j++)
            better += score[j] > score[i] || (score[j] >= score[i] && j < i);
        if (better < n_kept)
            (*kept)[at++] = i;
    }
    return STATUS_OK;
}
