/*
 * ease.c - EASE^R, a linear item-item model in closed form (Steck 2019, "Embarrassingly Shallow
 * Autoencoders for Sparse Data", equation 8).
 *
 *     G = X'X + l2 I,   P = G^-1,   B_ij = -P_ij / P_jj (i != j), B_jj = 0,   score(u, .) = x_u B
 *
 * X [n_users x n_items] is 1 for an interaction (binary: false: the rating).  Steps: the lower triangle of
 * G by the kernel knn_gram, P in its place by linalg_inverse(), B in its place; a score row is the sum of
 * the rows of B of the user's items (kernel knn_profile_dense).
 *
 * An item without interactions has a row of zeros in B: only the others ("active") take part.
 *
 * Memory: one float matrix [n_active x n_active, rows padded to 16] that lives with the model, a copy of the
 * interactions, and while fitting n_active x 256 floats more.  Time: n_active^3 multiply-adds for the
 * inverse.
 */
#include "models/ease.h"

#include "backend/linalg.h"
#include "knn.h"
#include "models/history.h"

struct ease_params {
    double l2;
    bool binary;
};
static const struct param ease_params[] = {
    PARAM_REAL(struct ease_params, l2, 500, 0, 1e12, "L2 weight, added to the diagonal of X'X"),
    PARAM_BOOL(struct ease_params, binary, 1, "every interaction counts 1, whatever its value"), PARAM_END};

/* Whole cache lines a row, and no multiple of 4 KiB, at which the rows of a tile would share a few cache
 * sets. */
static size_t row_length(uint32_t n_items)
{
    const size_t ld = ((size_t)n_items + 15) / 16 * 16;

    return ld % 512 == 0 ? ld + 16 : ld;
}

enum status ease_set_history(struct ease_state *s, bool binary, const struct view *history, struct run *run)
{
    const struct csr *a = history->by_user;
    const bool values = !binary && a->val != NULL;
    uint32_t *place, *idx;
    int64_t *ptr;
    float *val = NULL;

    ARENA_NEW(place, run->scratch, s->n_items);
    for (uint32_t i = 0; i < s->n_active; i++)
        place[s->active[i]] = i + 1;
    ARENA_NEW(ptr, run->arena, (size_t)a->n_rows + 1);
    ARENA_NEW(idx, run->arena, (size_t)a->nnz);
    if (values)
        ARENA_NEW(val, run->arena, (size_t)a->nnz);
    for (uint32_t u = 0; u < a->n_rows; u++) {
        ptr[u + 1] = ptr[u];
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            if (place[a->idx[e]] > 0) {
                idx[ptr[u + 1]] = place[a->idx[e]] - 1;
                if (values)
                    val[ptr[u + 1]] = a->val[e];
                ptr[u + 1]++;
            }
    }
    s->profile = (struct csr){a->n_rows, s->n_active, ptr[a->n_rows], ptr, idx, val};
    return STATUS_OK;
}

enum status ease_begin(struct ease_state *s, const struct view *train, bool binary, const uint8_t *also,
                       struct run *run)
{
    uint32_t *active;

    ARENA_NEW(active, run->arena, train->n_items);
    for (uint32_t i = 0; i < train->n_items; i++)
        if (train->by_item->ptr[i + 1] > train->by_item->ptr[i])
            active[s->n_active++] = i;
    s->n_columns = s->n_active;
    for (uint32_t i = 0; also != NULL && i < train->n_items; i++)
        if (also[i] && train->by_item->ptr[i + 1] == train->by_item->ptr[i])
            active[s->n_columns++] = i;
    s->active = active;
    s->n_items = train->n_items;
    s->ld = row_length(s->n_columns);
    s->backend = run->backend;
    return ease_set_history(s, binary, train, run);
}

enum status ease_gram(const struct ease_state *s, const struct csr *by_item, double diagonal, struct run *run,
                      float *gram)
{
    int64_t *ptr; /* of by_item without the empty rows: the entries stay where they are */

    ARENA_NEW(ptr, run->scratch, (size_t)s->n_active + 1);
    for (uint32_t c = 0; c < s->n_active; c++)
        ptr[c + 1] = by_item->ptr[s->active[c] + 1];
    const struct knn_gram k = {.a = {ptr, by_item->idx, s->profile.val != NULL ? by_item->val : NULL},
                               .transpose = {s->profile.ptr, s->profile.idx, s->profile.val},
                               .diagonal = (float)diagonal,
                               .gram = gram,
                               .ld = s->ld};

    return backend_launch(run->backend, &kernel_knn_gram, &k, s->n_active, 0);
}

/* B in the place of P. */
static enum status ease_scale(uint32_t n, float *P, size_t ld, struct arena *scratch)
{
    float *scale;

    ARENA_NEW(scale, scratch, n);
    for (uint32_t j = 0; j < n; j++)
        scale[j] = -1.0f / P[j * ld + j];
#pragma omp parallel for schedule(static)
    for (uint32_t i = 0; i < n; i++) {
        float *row = P + i * ld;
        for (uint32_t j = 0; j < n; j++)
            row[j] *= scale[j];
        row[i] = 0;
    }
    return STATUS_OK;
}

enum status ease_weights(const struct ease_state *s, const char *model, double l2, struct run *run,
                         float *gram)
{
    size_t bad;

    TRY(linalg_inverse(run->backend, s->n_active, gram, s->ld, run->scratch, run->cancelled, &bad));
    if (bad < s->n_active)
        return status_fail(
            STATUS_USAGE,
            "%s: X'X + l2 I is not positive definite in single precision at l2 = %g (item %u of %u): "
            "raise l2",
            model, l2, s->active[bad], s->n_items);
    return ease_scale(s->n_active, gram, s->ld, run->scratch);
}

static enum status ease_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct ease_state *s = state;
    const struct ease_params *p = params;
    float *B;

    TRY(ease_begin(s, train, p->binary, NULL, run));
    ARENA_NEW(B, run->arena, s->n_active * s->ld);
    TRY(ease_gram(s, train->by_item, p->l2, run, B));
    s->B = B;
    return ease_weights(s, "ease", p->l2, run, B);
}

static enum status ease_history(void *state, const void *params, const struct view *history, struct run *run)
{
    const struct ease_params *p = params;
    return ease_set_history(state, p->binary, history, run);
}

enum status ease_score_users(const void *state, const uint32_t *users, size_t n, const struct tile *out)
{
    const struct ease_state *s = state;
    const struct knn_profile k = {.profile = {s->profile.ptr, s->profile.idx, s->profile.val},
                                  .rows = users,
                                  .dense = s->B,
                                  .ld_dense = s->ld,
                                  .n_columns = s->n_columns,
                                  .column = s->active,
                                  .n_out = s->n_items,
                                  .out = out->scores,
                                  .ld = out->ld};

    TRY(backend_keep_csr(s->backend, &s->profile));
    TRY(backend_keep(s->backend, s->active, s->n_columns * sizeof *s->active));
    TRY(backend_keep(s->backend, s->B, s->n_active * s->ld * sizeof *s->B));
    return backend_launch(s->backend, &kernel_knn_profile_dense, &k, (long)n, 0);
}

enum status ease_save(const void *state, struct model_writer *w)
{
    const struct ease_state *s = state;
    const uint32_t shape[3] = {s->n_items, s->profile.val != NULL, s->n_active};

    TRY(model_put(w, "shape", ARRAY_U32, 3, 1, shape));
    TRY(csr_put(w, "profile", &s->profile));
    TRY(model_put(w, "active", ARRAY_U32, s->n_columns, 1, s->active));
    return model_put(w, "B", ARRAY_F32, s->n_active, s->ld, s->B);
}

enum status ease_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct ease_state *s = state;
    uint64_t rows = 3, cols = 1;
    const void *array, *active, *B;

    (void)params;
    TRY(model_get(r, "shape", ARRAY_U32, &rows, &cols, &array));
    const uint32_t *shape = array;
    s->n_items = shape[0];
    s->n_active = shape[2];
    TRY(csr_get(r, "profile", s->n_active, shape[1], &s->profile));
    rows = 0;
    TRY(model_get(r, "active", ARRAY_U32, &rows, &cols, &active));
    s->active = active;
    s->n_columns = (uint32_t)rows;
    bool wrong = s->n_columns < s->n_active || s->n_columns > s->n_items;
    for (uint32_t c = 0; c < s->n_columns && !wrong; c++)
        wrong = s->active[c] >= s->n_items || (c > 0 && c != s->n_active && s->active[c] <= s->active[c - 1]);
    if (wrong)
        return status_fail(
            STATUS_DATA, "the items of the model file do not rise below %u: the file is damaged", s->n_items);
    s->ld = row_length(s->n_columns);
    rows = s->n_active;
    cols = s->ld;
    TRY(model_get(r, "B", ARRAY_F32, &rows, &cols, &B));
    s->B = B;
    s->backend = run->backend;
    return STATUS_OK;
}

/* The inverse is n^3 multiply-adds; the Gram matrix adds a row's pairs. */
static void ease_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                      double *flops)
{
    const double n = n_items, row = (double)nnz / (n_users > 0 ? n_users : 1);
    (void)params;
    *bytes = 4.0 * n * n + 2.0 * 128 * 4 * n;
    *flops = 2.0 * n * n * n + 2.0 * (double)nnz * row;
}

extern const struct model_type model_ease;
const struct model_type model_ease = {.name = "ease",
                                      .family = "linear",
                                      .source = "Steck 2019",
                                      .help = "linear item-item weights in closed form (EASE^R)",
                                      .version = 1,
                                      .params = ease_params,
                                      .params_size = sizeof(struct ease_params),
                                      .state_size = sizeof(struct ease_state),
                                      .cost = ease_cost,
                                      .fit = ease_fit,
                                      .set_history = ease_history,
                                      .score_users = ease_score_users,
                                      .save = ease_save,
                                      .load = ease_load};
