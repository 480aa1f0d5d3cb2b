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
 * Memory: one float matrix [n_items x n_items, rows padded to 16] that lives with the model, a copy of the
 * interactions, and while fitting n_items x 512 floats more.  Time: n_items^3 multiply-adds for the inverse.
 */
#include "backend/linalg.h"
#include "knn.h"
#include "models/history.h"
#include "models/model_io.h"

struct ease_params {
    double l2;
    bool binary;
};
static const struct param ease_params[] = {
    PARAM_REAL(struct ease_params, l2, 500, 0, 1e12, "L2 weight, added to the diagonal of X'X"),
    PARAM_BOOL(struct ease_params, binary, 1, "every interaction counts 1, whatever its value"), PARAM_END};

struct ease_state {
    const struct backend *backend;
    uint32_t n_items;
    struct csr profile; /* [n_users x n_items] */
    const float *B;     /* [n_items x ld] */
    size_t ld;
};

/* Whole cache lines a row, and no multiple of 4 KiB, at which the rows of a tile would share a few cache
 * sets. */
static size_t row_length(uint32_t n_items)
{
    const size_t ld = ((size_t)n_items + 15) / 16 * 16;

    return ld % 512 == 0 ? ld + 16 : ld;
}

/* The lower triangle of X'X + l2 I. */
static enum status ease_gram(const struct view *train, const struct ease_params *p, const struct run *run,
                             float *gram, size_t ld)
{
    const struct csr *a = train->by_item, *t = train->by_user;
    const struct knn_gram k = {.a = {a->ptr, a->idx, p->binary ? NULL : a->val},
                               .transpose = {t->ptr, t->idx, p->binary ? NULL : t->val},
                               .diagonal = (float)p->l2,
                               .gram = gram,
                               .ld = ld};

    return backend_launch(run->backend, &kernel_knn_gram, &k, train->n_items, 0);
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

static enum status ease_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct ease_state *s = state;
    const struct ease_params *p = params;
    const uint32_t n = train->n_items;
    float *B;
    size_t bad;

    s->ld = row_length(n);
    ARENA_NEW(B, run->arena, n * s->ld);
    TRY(ease_gram(train, p, run, B, s->ld));
    TRY(linalg_inverse(run->backend, n, B, s->ld, run->scratch, run->cancelled, &bad));
    if (bad < n)
        return status_fail(
            STATUS_USAGE,
            "ease: X'X + l2 I is not positive definite in single precision at l2 = %g (item %zu of %u): "
            "raise l2",
            p->l2, bad, n);
    TRY(ease_scale(n, B, s->ld, run->scratch));
    TRY(history_copy(train->by_user, p->binary ? HISTORY_EQUAL : HISTORY_RATING, run->arena, &s->profile));
    s->B = B;
    s->n_items = n;
    s->backend = run->backend;
    return STATUS_OK;
}

static enum status ease_score_users(const void *state, const uint32_t *users, size_t n,
                                    const struct tile *out)
{
    const struct ease_state *s = state;
    const struct knn_profile k = {.profile = {s->profile.ptr, s->profile.idx, s->profile.val},
                                  .rows = users,
                                  .dense = s->B,
                                  .ld_dense = s->ld,
                                  .n_columns = s->n_items,
                                  .out = out->scores,
                                  .ld = out->ld};

    return backend_launch(s->backend, &kernel_knn_profile_dense, &k, (long)n, 0);
}

static enum status ease_save(const void *state, struct model_writer *w)
{
    const struct ease_state *s = state;
    const uint32_t shape[2] = {s->n_items, s->profile.val != NULL};

    TRY(model_put(w, "shape", ARRAY_U32, 2, 1, shape));
    TRY(csr_put(w, "profile", &s->profile));
    return model_put(w, "B", ARRAY_F32, s->n_items, s->ld, s->B);
}

static enum status ease_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct ease_state *s = state;
    uint64_t rows = 2, cols = 1;
    const void *shape, *B;

    (void)params;
    TRY(model_get(r, "shape", ARRAY_U32, &rows, &cols, &shape));
    s->n_items = ((const uint32_t *)shape)[0];
    TRY(csr_get(r, "profile", s->n_items, ((const uint32_t *)shape)[1], &s->profile));
    s->ld = row_length(s->n_items);
    rows = s->n_items;
    cols = s->ld;
    TRY(model_get(r, "B", ARRAY_F32, &rows, &cols, &B));
    s->B = B;
    s->backend = run->backend;
    return STATUS_OK;
}

const struct model_type model_ease = {.name = "ease",
                                      .family = "linear",
                                      .source = "Steck 2019",
                                      .help = "linear item-item weights in closed form (EASE^R)",
                                      .version = 1,
                                      .params = ease_params,
                                      .params_size = sizeof(struct ease_params),
                                      .state_size = sizeof(struct ease_state),
                                      .fit = ease_fit,
                                      .score_users = ease_score_users,
                                      .save = ease_save,
                                      .load = ease_load};
