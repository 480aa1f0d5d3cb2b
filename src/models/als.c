/*
 * als.c - matrix factorization of ratings by alternating least squares with weighted regularization, ALS-WR (Zhou,
 * Wilkinson, Schreiber, Pan 2008, "Large-scale parallel collaborative filtering for the Netflix Prize", section 3).
 *
 *     r(u, i) = mean + b_u + b_i + p_u . q_i, minimising over the train rows
 *     sum (value - r)^2 + regularization (sum_u n_u (b_u^2 + |p_u|^2) + sum_i n_i (b_i^2 + |q_i|^2))
 * with n_u, n_i the numbers of ratings, or 1 (weighted_regularization: false).  The paper has neither mean nor biases:
 * biases: false leaves out b_u and b_i.
 *
 * With the items fixed, (p_u, b_u) solves a linear system over the vectors (q_i, 1) and the targets value - mean - b_i
 * (kernels/als.h); items likewise.  So a row is [factors, bias or 1, zeros]: before a side is solved, the other side's last
 * column is made 1, and the solution is taken out of the side's own afterwards.  Users, then items, is an iteration.
 *
 * Items start from normal(0, init_std), users from 0, biases from 0.  A user or an item without ratings has the exact
 * solution 0.  Memory: the factors and, while fitting, a float a rating for each side.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "als.h"
#include "models/als_rows.h"
#include "models/biased_factors.h"
#include "models/curve.h"
#include "models/factor_rows.h"
#include "models/ratings.h"

struct als_params {
    int factors;
    double regularization;
    bool weighted_regularization, biases;
    int iterations, solver, cg_steps;
    double init_std;
    bool clip;
};
#define P struct als_params
static const struct param als_params[] = {
    PARAM_INT(P, factors, 32, 1, 4096, "dimensions of the latent vectors"),
    PARAM_REAL(P, regularization, 0.065, 0, 1e6, "weight of the squared norms"),
    PARAM_BOOL(P, weighted_regularization, 1,
               "the weight grows with the number of ratings of the user or item (ALS-WR)"),
    PARAM_BOOL(P, biases, 1, "a bias of each user and item"),
    PARAM_INT(P, iterations, 15, 1, 10000, "sweeps over users and items"),
    PARAM_CHOICE(P, solver, "cholesky", ALS_SOLVERS, "how a row's system is solved"),
    PARAM_INT(P, cg_steps, 3, 1, 10000, "cg: steps a row"),
    PARAM_REAL(P, init_std, 0.1, 1e-9, 1e3, "items start from normal(0, init_std)"),
    PARAM_BOOL(P, clip, false,
               "predicted ratings of given pairs are held within the range of the train ratings"),
    PARAM_END};
#undef P

/* One side of the alternation: its rows are solved from the other side's. */
struct side {
    struct als a;
    const struct csr *rows;
    float *X, *Y;            /* of this side, of the other */
    float *bias;             /* [n_rows] */
    const float *other_bias; /* [n_cols] */
    float *base;             /* [nnz] target - 1 */
};

static enum status side_init(struct side *side, const struct csr *rows, const struct biased_factors *s,
                             bool users, const struct als_params *p, struct arena *scratch)
{
    float *ridge;
    uint32_t *order;
    *side = (struct side){.rows = rows,
                          .X = users ? s->user : s->item,
                          .Y = users ? s->item : s->user,
                          .bias = users ? s->user_bias : s->item_bias,
                          .other_bias = users ? s->item_bias : s->user_bias};
    ARENA_NEW(ridge, scratch, rows->n_rows);
    ARENA_NEW(side->base, scratch, (size_t)rows->nnz);
    TRY(als_longest_first(rows, scratch, &order));
    for (uint32_t r = 0; r < rows->n_rows; r++)
        ridge[r] = (float)(p->regularization *
                           (p->weighted_regularization ? (double)(rows->ptr[r + 1] - rows->ptr[r]) : 1.0));
    side->a = (struct als){.X = side->X,
                           .Y = side->Y,
                           .ridge = ridge,
                           .ptr = rows->ptr,
                           .idx = rows->idx,
                           .bases = side->base,
                           .order = order,
                           .alpha = 1.0f,
                           .n_columns = rows->n_cols,
                           .rank = (int)s->ld,
                           .steps = p->cg_steps};
    return STATUS_OK;
}

static void column_set(float *x, uint32_t n, size_t ld, size_t column, const float *value, float constant)
{
#pragma omp parallel for schedule(static)
    for (uint32_t r = 0; r < n; r++)
        x[r * ld + column] = value != NULL ? value[r] : constant;
}

/* Targets from the other side's biases, the solution, the biases out of it. */
static enum status half_sweep(const struct side *side, const struct biased_factors *s,
                              const struct als_params *p, const struct kernel *kernel, struct run *run)
{
    const struct csr *rows = side->rows;
    if (*run->cancelled)
        return STATUS_STOPPED;
#pragma omp parallel for schedule(static)
    for (int64_t e = 0; e < rows->nnz; e++)
        side->base[e] = rows->val[e] - s->mean - side->other_bias[rows->idx[e]] - 1.0f;
    TRY(backend_changed(run->backend, side->base));
    if (p->biases) {
        column_set(side->Y, rows->n_cols, s->ld, s->factors, NULL, 1.0f);
        column_set(side->X, rows->n_rows, s->ld, s->factors, side->bias, 0.0f); /* where cg starts */
        TRY(backend_changed(run->backend, side->Y));
        TRY(backend_changed(run->backend, side->X));
    }
    TRY(backend_launch(run->backend, kernel, &side->a, rows->n_rows,
                       p->solver == ALS_CG ? als_cg_scratch((int)s->ld) : als_cholesky_scratch((int)s->ld)));
    TRY(backend_fetch(run->backend, side->X));
    for (uint32_t r = 0; p->biases && r < rows->n_rows; r++)
        side->bias[r] = side->X[r * s->ld + s->factors];
    return STATUS_OK;
}

/* No regularization and ratings far apart can leave float's range. */
static enum status check_finite(const float *x, uint32_t n, size_t ld, const char *what)
{
    for (size_t e = 0; e < n * ld; e++)
        if (!isfinite(x[e]))
            return status_fail(
                STATUS_DATA, "als: the factors of %s %zu are no longer finite numbers; raise regularization",
                what, e / ld);
    return STATUS_OK;
}

static enum status als_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct biased_factors *s = state;
    const struct als_params *p = params;
    const struct kernel *kernel;
    struct side sides[2];
    struct curve_pairs pairs;
    time_t told = time(NULL);
    TRY(ratings_check(train, "als"));
    s->n_users = train->n_users, s->n_items = train->n_items, s->factors = (uint32_t)p->factors;
    s->ld = als_rank(p->factors + p->biases, p->solver, &kernel);
    s->mean = (float)ratings_mean(train->by_user);
    s->low = p->clip ? train->minimum_value : -INFINITY, s->high = p->clip ? train->maximum_value : INFINITY;
    ARENA_NEW(s->user, run->arena, s->n_users * s->ld);
    ARENA_NEW(s->item, run->arena, s->n_items * s->ld);
    ARENA_NEW(s->user_bias, run->arena, s->n_users);
    ARENA_NEW(s->item_bias, run->arena, s->n_items);
    factor_rows_start(s->item, s->ld, s->n_items, train->by_item, s->factors, 0, p->init_std, run->seed, 0);
    TRY(side_init(&sides[0], train->by_user, s, true, p, run->scratch));
    TRY(side_init(&sides[1], train->by_item, s, false, p, run->scratch));
    for (int k = 0; k < 2; k++)
        TRY(backend_keep_launch(run->backend, kernel, &sides[k].a, sides[k].rows->n_rows));
    TRY(curve_pairs_new(train->by_user, run, &pairs));
    for (int i = 0; i < p->iterations; i++) {
        for (int k = 0; k < 2; k++)
            TRY(half_sweep(&sides[k], s, p, kernel, run));
        TRY(curve_rmse(run, &pairs, biased_factors_score_pairs, s, i + 1));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "als: iteration %d of %d", i + 1, p->iterations);
            told = time(NULL);
        }
    }
    if (p->biases) {
        column_set(s->user, s->n_users, s->ld, s->factors, NULL, 0.0f);
        column_set(s->item, s->n_items, s->ld, s->factors, NULL, 0.0f);
        TRY(backend_changed(run->backend, s->user));
        TRY(backend_changed(run->backend, s->item));
    }
    TRY(check_finite(s->user_bias, s->n_users, 1, "user"));
    TRY(check_finite(s->item_bias, s->n_items, 1, "item"));
    TRY(check_finite(s->user, s->n_users, s->ld, "user"));
    return check_finite(s->item, s->n_items, s->ld, "item");
}

static enum status als_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    const struct als_params *p = params;
    (void)run;
    return biased_factors_load(state, (uint32_t)p->factors, als_rank(p->factors + p->biases, p->solver, NULL),
                               p->clip, r);
}

static void als_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                     double *flops)
{
    const struct als_params *p = params;
    const double ld = (double)als_rank(p->factors + p->biases, p->solver, NULL),
                 rows = (double)n_users + n_items;
    const double entry = p->solver == ALS_CG ? (p->cg_steps + 1) * 4.0 * ld : ld * ld;
    const double row = p->solver == ALS_CG ? 0.0 : ld * ld * ld / 3.0 + 2.0 * ld * ld;
    *bytes = 4.0 * (rows * (ld + 3.0) + 2.0 * (double)nnz);
    *flops = p->iterations * (2.0 * (double)nnz * entry + rows * row);
}

extern const struct model_type model_als;
const struct model_type model_als = {
    .name = "als",
    .family = "matrix factorization",
    .source = "Zhou, Wilkinson, Schreiber, Pan 2008",
    .help = "ratings with biases, by alternating least squares (ALS-WR)",
    .version = 1,
    .params = als_params,
    .params_size = sizeof(struct als_params),
    .needs = NEEDS_RATINGS,
    .state_size = sizeof(struct biased_factors),
    .fit = als_fit,
    .score_pairs = biased_factors_score_pairs,
    .factors = biased_factors_factors,
    .save = biased_factors_save,
    .load = als_load,
    .cost = als_cost,
};
