/*
 * pure_svd.c - the truncated singular value decomposition of the interactions (Cremonesi, Koren, Turrin 2010, "Performance
 * of recommender algorithms on top-N recommendation tasks", equation 7).
 *
 *     X ~ U S V',   score(u, .) = x_u V V'
 *
 * X [n_users x n_items] is 1 for an interaction (binary: false: the rating) and 0 elsewhere, so that what was not rated
 * pulls to 0.  User factors X V, item factors V, by randomised subspace iteration (reduce.h).
 *
 * Memory: the factors, and while fitting (2 n_users + 3 n_items) x (factors + 16) floats.
 */
#include "models/history.h"
#include "models/model_io.h"
#include "models/reduce.h"

struct pure_svd_params {
    int factors, iterations;
    bool binary;
};
#define P struct pure_svd_params
static const struct param pure_svd_params[] = {
    PARAM_INT(P, factors, 50, 1, 4096, "singular vectors that are kept"),
    PARAM_INT(P, iterations, 5, 0, 1000, "subspace iterations from a random start"),
    PARAM_BOOL(P, binary, 1, "every interaction counts 1, whatever its value"), PARAM_END};
#undef P

struct pure_svd {
    uint32_t n_users, n_items, factors;
    float *user, *item; /* [n_users x factors], [n_items x factors] */
};

static enum status pure_svd_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct pure_svd *s = state;
    const struct pure_svd_params *p = params;
    struct csr X;
    s->n_users = train->n_users, s->n_items = train->n_items, s->factors = (uint32_t)p->factors;
    ARENA_NEW(s->user, run->arena, (size_t)s->n_users * s->factors);
    ARENA_NEW(s->item, run->arena, (size_t)s->n_items * s->factors);
    TRY(history_copy(train->by_user, p->binary ? HISTORY_EQUAL : HISTORY_RATING, run->scratch, &X));
    return reduce_sparse(run->backend, &X, s->factors, p->iterations, run->seed, run->scratch, s->user,
                         s->item);
}

static enum status pure_svd_factors(const void *state, struct factors *out)
{
    const struct pure_svd *s = state;
    *out = (struct factors){.n_users = s->n_users,
                            .n_items = s->n_items,
                            .factors = s->factors,
                            .user = s->user,
                            .item = s->item,
                            .ld_user = s->factors,
                            .ld_item = s->factors};
    return STATUS_OK;
}

static enum status pure_svd_save(const void *state, struct model_writer *w)
{
    const struct pure_svd *s = state;
    TRY(model_put(w, "user", ARRAY_F32, s->n_users, s->factors, s->user));
    return model_put(w, "item", ARRAY_F32, s->n_items, s->factors, s->item);
}

static enum status pure_svd_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct pure_svd *s = state;
    (void)run;
    s->factors = (uint32_t)((const struct pure_svd_params *)params)->factors;
    return model_get_factors(r, s->factors, &s->n_users, &s->n_items, &s->user, &s->item);
}

static void pure_svd_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                          double *flops)
{
    const struct pure_svd_params *p = params;
    const double l = p->factors + 16.0, users = n_users, items = n_items;
    *bytes = 4.0 * ((users + items) * p->factors + (users + 2 * items) * l) + 12.0 * (double)nnz;
    *flops = (p->iterations + 1) * (4.0 * (double)nnz * l + 4.0 * items * l * l + 9.0 * l * l * l);
}

extern const struct model_type model_pure_svd;
const struct model_type model_pure_svd = {
    .name = "pure_svd",
    .family = "matrix factorization",
    .source = "Cremonesi, Koren, Turrin 2010; Halko, Martinsson, Tropp 2011",
    .help = "truncated singular value decomposition of the interactions",
    .version = 1,
    .params = pure_svd_params,
    .params_size = sizeof(struct pure_svd_params),
    .state_size = sizeof(struct pure_svd),
    .fit = pure_svd_fit,
    .factors = pure_svd_factors,
    .save = pure_svd_save,
    .load = pure_svd_load,
    .cost = pure_svd_cost};
