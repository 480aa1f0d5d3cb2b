/* compress_rows.c - see compress_rows.h. */
#include "llm/compress_rows.h"

#include <stdlib.h>

#include "llm/prune.h"
#include "llm/quantize.h"

bool compress_changes_weights(const struct compress_part *p, const struct compress_options *o)
{
    return p->rows != NULL || p->columns != NULL || (p->pruned && (o->sparsity > 0 || o->two_four));
}

enum status compress_importance(const struct compress_part *p, const float *importance, struct arena *arena,
                                const float **out)
{
    float *kept = NULL;
    *out = importance;
    if (importance == NULL || p->columns == NULL)
        return STATUS_OK;
    ARENA_NEW(kept, arena, p->n_columns);
    for (size_t j = 0; j < p->n_columns; j++)
        kept[j] = importance[p->columns[j]];
    *out = kept;
    return STATUS_OK;
}

/* One row: `x` as it was. */
static void pack_row(const struct compress_part *p, const struct compress_options *o, const float *importance,
                     const float *x, float *kept, float *scratch, unsigned char *out)
{
    const size_t n = p->n_columns;
    for (size_t j = 0; j < n; j++)
        kept[j] = x[p->columns != NULL ? p->columns[j] : j];
    if (p->pruned && o->sparsity > 0)
        prune_row(kept, importance, n, o->sparsity, scratch);
    if (p->pruned && o->two_four)
        prune_row_2_4(kept, importance, n);
    quantize_row(p->type, kept, importance, n, out);
}

enum status compress_rows(const struct compress_part *p, const struct compress_options *o,
                          const float *importance, const float *x, size_t m, size_t k, unsigned char *out)
{
    const size_t n = p->n_columns, row_bytes = quant_row_bytes(quantize_stored(p->type, n), n);
    int failed = 0;
#pragma omp parallel reduction(| : failed)
    {
        float *kept = malloc(2 * n * sizeof *kept);
        failed = kept == NULL;
#pragma omp for
        for (size_t i = 0; i < m; i++)
            if (kept != NULL)
                pack_row(p, o, importance, x + i * k, kept, kept + n, out + i * row_bytes);
        free(kept);
    }
    return failed ? status_fail(STATUS_SYSTEM, "memory is out: rows of %zu weights", n) : STATUS_OK;
}
