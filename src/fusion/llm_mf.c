/*
 * llm_mf.c - matrix factorization for implicit feedback whose items know their texts: llm_init_mf, llm_reg_mf.
 *
 *     loss = sum over train pairs (x_u . y_i - 1)^2 + alpha0 sum over all u, i (x_u . y_i)^2
 *            + sum_u r_u |x_u|^2 + sum_i r_i |y_i - prior_i|^2,   r_u = regularization (|I_u| + alpha0 n_items)^nu, r_i likewise
 * as in ials (Rendle, Krichene, Zhang, Koren 2022), by exact or conjugate-gradient half-sweeps of als.h, and
 *
 *   llm_init_mf  prior_i = 0; items start from the first `factors` principal components of their vectors v_i, scaled to a standard
 *                deviation of sigma / sqrt(factors) (as Harte et al., RecSys 2023, start a sequence model's items)
 *   llm_reg_mf   prior_i = v_i W, and + map_regularization |W|^2 in the loss: y_i is normal around a linear map of the text (regression-
 *                based latent factors: Agarwal, Chen, KDD 2009; with topics for text: Wang, Blei, KDD 2011).  W is estimated
 *                anew after each sweep by ridge regression of y_i on v_i with weights r_i, which is its exact minimum.  (An intercept without penalty would let y grow and x
 *                shrink along it for ever.)
 *
 * An item without train rows is where the map puts it (llm_init_mf: a map with an intercept estimated once, after the fit); it is no row of the loss, for nobody
 * has passed it over.  A right side gets r_i prior_i by one more entry of weight 0 and base 1, whose vector stands below the users'.
 */
#include <math.h>
#include <string.h>

#include "fusion/linear_map.h"
#include "fusion/text_factors.h"
#include "models/als_side.h"
#include "models/curve.h"
#include "models/early.h"
#include "models/reduce.h"

struct llm_mf_params {
    struct item_vectors_options vectors;
    int factors;
    double regularization, nu, alpha0, map_regularization;
    int iterations, solver, cg_steps, patience;
    double sigma;
};
#define P struct llm_mf_params
#define LLM_MF_PARAMS(map_line)                                                                              \
    TEXT_FACTORS_PARAMS(P), PARAM_INT(P, factors, 64, 1, 4096, "dimensions of the latent vectors"),          \
        PARAM_REAL(P, regularization, 0.003, 1e-9, 1e6, "weight of the squared norms"),                      \
        PARAM_REAL(P, nu, 1, 0, 2, "how the regularization grows with the number of interactions"),          \
        PARAM_REAL(P, alpha0, 0.1, 0, 1e6, "weight of every pair, observed or not"),                         \
        PARAM_REAL(P, map_regularization, 10, 1e-6, 1e9, map_line),                                          \
        PARAM_INT(P, iterations, 16, 1, 10000, "sweeps over users and items"),                               \
        PARAM_CHOICE(P, solver, "cg", ALS_SOLVERS, "how a row's system is solved"),                          \
        PARAM_INT(P, cg_steps, 3, 1, 10000, "cg: steps a row"),                                              \
        PARAM_INT(P, patience, 0, 0, 10000,                                                                  \
                  "iterations without a better validation before it stops; 0: never sooner")
static const struct param llm_init_mf_params[] = {
    LLM_MF_PARAMS("weight of the squared norm of the map that gives new items their factors"),
    PARAM_REAL(P, sigma, 0.1, 1e-9, 1e6, "items start at a standard deviation of sigma / sqrt(factors)"),
    PARAM_END};
static const struct param llm_reg_mf_params[] = {
    LLM_MF_PARAMS("weight of the squared norm of the map from text vectors to factors"),
    PARAM_REAL(P, sigma, 0.1, 1e-9, 1e6, "items start from normal(0, sigma / sqrt(factors))"), PARAM_END};
#undef P

/* The state is a struct text_factors whose `factors` are the kernel's rank; columns that no factor uses are zero. */
struct fitting {
    struct text_factors *m;
    const struct llm_mf_params *p;
    struct item_vectors items;
    struct als_side users, by_items;
    float *prior;  /* [n_items x ld], below the users' factors; NULL: 0 */
    float *weight; /* [n_items] r_i of items with train rows, 0 of the others */
};

/* Columns of items' rows and, where there is a prior, one entry more for it: column n_users + i, value 0, base 1. */
static enum status with_priors(const struct csr *by_item, bool priors, struct arena *scratch, struct csr *out,
                               float **bases)
{
    const uint32_t n = by_item->n_rows, n_users = by_item->n_cols;
    int64_t *ptr, at = 0;
    uint32_t *idx;
    float *val;
    *bases = NULL;
    *out = *by_item;
    out->val = NULL; /* each train row counts 1 */
    if (!priors)
        return STATUS_OK;
    const size_t nnz = (size_t)by_item->nnz + n;
    ARENA_NEW(ptr, scratch, (size_t)n + 1);
    ARENA_NEW(idx, scratch, nnz);
    ARENA_NEW(val, scratch, nnz);
    ARENA_NEW(*bases, scratch, nnz);
    for (uint32_t i = 0; i < n; i++) {
        for (int64_t e = by_item->ptr[i]; e < by_item->ptr[i + 1]; e++)
            idx[at] = by_item->idx[e], val[at++] = 1;
        if (by_item->ptr[i + 1] > by_item->ptr[i])
            idx[at] = n_users + i, (*bases)[at++] = 1;
        ptr[i + 1] = at;
    }
    *out = (struct csr){n, n_users + n, at, ptr, idx, val};
    return STATUS_OK;
}

static enum status fitting_new(struct fitting *f, const struct view *train, bool priors, struct run *run)
{
    const uint32_t n_users = train->n_users, n_items = train->n_items;
    struct als_side_options side = {
        .alpha0 = f->p->alpha0, .solver = f->p->solver, .cg_steps = f->p->cg_steps};
    side.ld = als_rank(f->p->factors, f->p->solver, &side.kernel);
    const size_t ld = side.ld;
    struct csr users = *train->by_user, items;
    float *bases, *of_users, *of_items;
    struct run inner = *run;
    inner.arena = run->scratch; /* vectors are not kept */
    TRY(item_vectors_build(&f->p->vectors, train, &inner, &f->items));
    TRY(text_factors_new(n_users + (priors ? n_items : 0), n_items, (uint32_t)ld, run->arena, f->m));
    f->m->n_users = n_users;
    f->prior = priors ? f->m->user + n_users * ld : NULL;
    users.val = NULL;
    TRY(with_priors(train->by_item, priors, run->scratch, &items, &bases));
    TRY(als_side_ridge(train->by_user, f->p->regularization, f->p->alpha0, f->p->nu, run->scratch,
                       &of_users));
    TRY(als_side_ridge(train->by_item, f->p->regularization, f->p->alpha0, f->p->nu, run->scratch,
                       &of_items));
    TRY(als_side_new(&f->users, &users, n_items, &side, of_users, f->m->user, f->m->item, run->scratch));
    TRY(als_side_new(&f->by_items, &items, n_users, &side, of_items, f->m->item, f->m->user, run->scratch));
    f->by_items.a.bases = bases;
    TRY(linear_map_warm(train->by_item, run->scratch, &f->weight));
    for (uint32_t i = 0; i < n_items; i++)
        f->weight[i] *= of_items[i];
    return STATUS_OK;
}

/* Normal numbers, and over them the principal components of the items' vectors where `text`; only of items with train rows. */
static enum status init_items(const struct fitting *f, bool text, struct run *run)
{
    const uint32_t n = f->m->n_items, d = f->items.d, k = (uint32_t)f->p->factors, ld = f->m->factors,
                   kept = !text   ? 0
                          : d < k ? d
                                  : k;
    const double std = f->p->sigma / sqrt((double)k);
    float *components = NULL;
    double squares = 0, rows = 0;
    ARENA_NEW(components, run->scratch, (size_t)n * kept + 1);
    if (kept > 0)
        TRY(reduce_dense(run->backend, f->items.v, n, d, kept, run->scratch, components, NULL));
    for (uint32_t i = 0; i < n; i++) {
        rows += f->weight[i] > 0;
        for (uint32_t c = 0; c < kept && f->weight[i] > 0; c++)
            squares += (double)components[(size_t)i * kept + c] * (double)components[(size_t)i * kept + c];
    }
    const double scale = squares > 0 ? std / sqrt(squares / (rows * kept)) : 0;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < k && f->weight[i] > 0; c++)
            f->m->item[(size_t)i * ld + c] =
                c < kept && scale > 0
                    ? (float)(scale * (double)components[(size_t)i * kept + c])
                    : (float)(std * random_normal(run->seed, RANDOM_INIT, 0, (uint64_t)i * k + c));
    return STATUS_OK;
}

/* The map of the factors as they stand, applied to all items: to [n_items x ld]. */
static enum status map_items(const struct fitting *f, const char *model, struct run *run, float *to)
{
    const uint32_t n = f->m->n_items, k = (uint32_t)f->p->factors;
    struct linear_map map;
    struct arena *room = arena_new(); /* a sweep's room is not the next one's */
    if (room == NULL)
        return STATUS_SYSTEM;
    enum status status =
        linear_map_fit(run->backend, model, f->items.v, n, f->items.d, f->m->item, f->m->factors, k,
                       f->weight, f->p->map_regularization, f->prior == NULL, room, room, &map);
    if (status == STATUS_OK)
        status = linear_map_apply(run->backend, &map, f->items.v, n, to, f->m->factors);
    arena_free(room);
    return status;
}

/* The priors as the right sides take them: times r_i. */
static enum status set_priors(const struct fitting *f, const char *model, struct run *run)
{
    const uint32_t n = f->m->n_items, ld = f->m->factors;
    TRY(map_items(f, model, run, f->prior));
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < ld; c++)
            f->prior[(size_t)i * ld + c] *= f->weight[i];
    return STATUS_OK;
}

static enum status place_new_items(const struct fitting *f, const char *model, struct run *run)
{
    const uint32_t n = f->m->n_items, ld = f->m->factors;
    float *mapped = NULL;
    ARENA_NEW(mapped, run->scratch, (size_t)n * ld);
    TRY(map_items(f, model, run, mapped));
    for (uint32_t i = 0; i < n; i++)
        if (!(f->weight[i] > 0))
            memcpy(f->m->item + (size_t)i * ld, mapped + (size_t)i * ld, ld * sizeof *mapped);
    for (size_t e = 0; e < (size_t)n * ld; e++)
        if (!isfinite(f->m->item[e]))
            return status_fail(
                STATUS_DATA, "%s: the factors of item %zu are no longer finite numbers; raise regularization",
                model, e / ld);
    return STATUS_OK;
}

static enum status fit(void *state, const void *params, const struct view *train, struct run *run,
                       const char *model, bool priors)
{
    struct fitting f = {.m = state, .p = params};
    struct early early;
    bool stop = false;
    TRY(fitting_new(&f, train, priors, run));
    TRY(init_items(&f, !priors, run));
    early_open(&early, f.p->patience, run);
    TRY(early_part(&early, f.m->user, (size_t)f.m->n_users * f.m->factors, run));
    TRY(early_part(&early, f.m->item, (size_t)f.m->n_items * f.m->factors, run));
    for (int i = 0; i < f.p->iterations && !stop; i++) {
        TRY(als_side_solve(&f.users, run));
        TRY(als_side_solve(&f.by_items, run));
        if (priors)
            TRY(set_priors(&f, model, run));
        if (!early.on)
            TRY(curve_validation(run, f.m, i + 1));
        TRY(early_step(&early, f.m, i + 1, run, &stop));
    }
    TRY(early_close(&early, run));
    return place_new_items(&f, model, run);
}

static enum status llm_init_mf_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    return fit(state, params, train, run, "llm_init_mf", false);
}

static enum status llm_reg_mf_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    return fit(state, params, train, run, "llm_reg_mf", true);
}

extern const struct model_type model_llm_init_mf, model_llm_reg_mf;
const struct model_type model_llm_init_mf = {
    .name = "llm_init_mf",
    .family = "fusion",
    .source = "Harte et al. 2023; Rendle, Krichene, Zhang, Koren 2022",
    .help = "implicit matrix factorization whose items start from their text vectors",
    .version = 1,
    .params = llm_init_mf_params,
    .params_size = sizeof(struct llm_mf_params),
    .needs = NEEDS_TEXT | NEEDS_ENCODER,
    .state_size = sizeof(struct text_factors),
    .fit = llm_init_mf_fit,
    .factors = text_factors_factors,
    .save = text_factors_save,
    .load = text_factors_load};
const struct model_type model_llm_reg_mf = {
    .name = "llm_reg_mf",
    .family = "fusion",
    .source = "Agarwal, Chen 2009; Wang, Blei 2011; Rendle, Krichene, Zhang, Koren 2022",
    .help = "implicit matrix factorization whose items lie around a linear map of their text vectors",
    .version = 1,
    .params = llm_reg_mf_params,
    .params_size = sizeof(struct llm_mf_params),
    .needs = NEEDS_TEXT | NEEDS_ENCODER,
    .state_size = sizeof(struct text_factors),
    .fit = llm_reg_mf_fit,
    .factors = text_factors_factors,
    .save = text_factors_save,
    .load = text_factors_load};
