/* history.c - a user's train items, kept with a fitted model; sparse matrices in model files. */
#include "models/history.h"

#include <stdio.h>
#include <string.h>

#include "models/model_io.h"

enum status history_copy(const struct csr *by_user, enum history_weights weights, struct arena *arena,
                         struct csr *out)
{
    const bool keep_values = weights == HISTORY_RATING && by_user->val != NULL;
    *out = *by_user;
    out->ptr = arena_copy(arena, by_user->ptr, (size_t)by_user->n_rows + 1, sizeof *by_user->ptr);
    out->idx = arena_copy(arena, by_user->idx, (size_t)by_user->nnz, sizeof *by_user->idx);
    out->val =
        keep_values ? arena_copy(arena, by_user->val, (size_t)by_user->nnz, sizeof *by_user->val) : NULL;
    return out->ptr == NULL || out->idx == NULL || (keep_values && out->val == NULL) ? STATUS_SYSTEM
                                                                                     : STATUS_OK;
}

enum status csr_put(struct model_writer *w, const char *prefix, const struct csr *a)
{
    char name[64];
    snprintf(name, sizeof name, "%s_ptr", prefix);
    TRY(model_put(w, name, ARRAY_I64, (uint64_t)a->n_rows + 1, 1, a->ptr));
    snprintf(name, sizeof name, "%s_idx", prefix);
    TRY(model_put(w, name, ARRAY_U32, (uint64_t)a->nnz, 1, a->idx));
    snprintf(name, sizeof name, "%s_val", prefix);
    if (a->val != NULL)
        TRY(model_put(w, name, ARRAY_F32, (uint64_t)a->nnz, 1, a->val));
    return STATUS_OK;
}

enum status csr_get(struct model_reader *r, const char *prefix, uint32_t n_cols, bool has_values,
                    struct csr *out)
{
    char name[64];
    uint64_t n_ptr = 0, nnz = 0, one = 1, n_val = 0;
    const void *ptr = NULL, *idx = NULL, *val = NULL;
    snprintf(name, sizeof name, "%s_ptr", prefix);
    TRY(model_get(r, name, ARRAY_I64, &n_ptr, &one, &ptr));
    snprintf(name, sizeof name, "%s_idx", prefix);
    TRY(model_get(r, name, ARRAY_U32, &nnz, &one, &idx));
    snprintf(name, sizeof name, "%s_val", prefix);
    n_val = nnz;
    if (has_values)
        TRY(model_get(r, name, ARRAY_F32, &n_val, &one, &val));
    *out = (struct csr){(uint32_t)(n_ptr - 1), n_cols, (int64_t)nnz, ptr, idx, val};
    bool sound = n_ptr >= 1 && n_ptr <= UINT32_MAX && out->ptr[0] == 0 && out->ptr[n_ptr - 1] == (int64_t)nnz;
    for (uint64_t row = 0; sound && row + 1 < n_ptr; row++)
        sound = out->ptr[row] <= out->ptr[row + 1];
    for (uint64_t e = 0; sound && e < nnz; e++)
        sound = out->idx[e] < n_cols;
    if (!sound)
        return status_fail(STATUS_DATA,
                           "the arrays %s_ptr and %s_idx of the model file are no sparse matrix of "
                           "%u columns; fit the model again",
                           prefix, prefix, n_cols);
    return STATUS_OK;
}
