/* history.c - a user's train items, kept with a fitted model; sparse matrices in model files. */
#include "models/history.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

/* An entry of a user's row and its time. */
struct timed {
    int64_t time, entry;
};
static int later_first(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;
    return x->time != y->time ? (x->time < y->time) - (x->time > y->time)
                              : (x->entry > y->entry) - (x->entry < y->entry);
}

enum status history_fade(struct csr *out, const int64_t *time, const struct history_fading *fading,
                         struct arena *arena, struct arena *scratch)
{
    const double seconds_a_day = 86400;
    const bool decays = fading->decay > 0 && fading->decay<1, ages = fading->half_life> 0;
    struct timed *order;
    float *val;
    if (!decays && !ages)
        return STATUS_OK;
    if (time == NULL)
        return status_fail(STATUS_UNAVAILABLE, "%s is set, but the dataset has no times: leave it out",
                           decays ? "decay" : "half_life");
    ARENA_NEW(val, arena, (size_t)out->nnz);
    ARENA_NEW(order, scratch, (size_t)out->nnz);
    int64_t last_of_all = out->nnz > 0 ? time[0] : 0;
    for (int64_t e = 0; e < out->nnz; e++)
        last_of_all = time[e] > last_of_all ? time[e] : last_of_all;
    for (uint32_t u = 0; u < out->n_rows; u++) {
        const int64_t from = out->ptr[u], n = out->ptr[u + 1] - from;
        for (int64_t j = 0; j < n; j++)
            order[j] = (struct timed){time[from + j], from + j};
        qsort(order, (size_t)n, sizeof *order, later_first);
        double fade = 1;
        for (int64_t j = 0; j < n; j++, fade *= decays ? fading->decay : 1) {
            const int64_t last = fading->from_last_of_all ? last_of_all : order[0].time;
            const double age = (double)(last - order[j].time) / seconds_a_day;
            const double value = out->val != NULL ? (double)out->val[order[j].entry] : 1;
            val[order[j].entry] = (float)(value * fade * (ages ? exp2(-age / fading->half_life) : 1));
        }
    }
    out->val = val;
    return STATUS_OK;
}

enum status history_profiles(const struct view *train, enum history_weights weights,
                             const struct history_fading *fading, struct arena *arena, struct arena *scratch,
                             struct csr *out)
{
    TRY(history_copy(train->by_user, weights, arena, out));
    return history_fade(out, train->time, fading, arena, scratch);
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
