/*
 * social_reg.c - implicit matrix factorization whose users are drawn to their friends (individual-based social regularization: Ma, Zhou, Liu,
 * Lyu, King, WSDM 2011, equation 9; they fit ratings by gradient descent, this fits iALS's loss by its closed form).
 *
 *     loss = sum over train pairs (x_u . y_i - 1)^2 + alpha0 sum over all u, i (x_u . y_i)^2 + sum_u r_u |x_u|^2 + sum_i r_i |y_i|^2
 *            + social_regularization sum over u and his friends v of s(u, v) |x_u - x_v|^2
 * with r as in ials (Rendle, Krichene, Zhang, Koren 2022) and s the weight of friends.h.  A user's row solves
 *     (A_u + (r_u + c_u) Id) x_u = sum over his items y_i + sum over v of c_uv x_v,   c_uv = social_regularization (s(u, v) + s(v, u)), c_u their sum
 * all users at once from their friends as the last half-sweep left them (a Jacobi step: the same for any number of threads).  It never raises
 * the loss: twice its block diagonal less its matrix is A + r + the signless Laplacian of c, which is positive definite.  A user without train rows
 * is where his friends draw him.
 *
 * On the right side a friend is one more entry of weight 0 and base c_uv (als.h), whose vector stands below the items'.
 */
#include <math.h>
#include <string.h>

#include "models/als_side.h"
#include "models/biased_factors.h"
#include "models/curve.h"
#include "models/early.h"
#include "models/factor_rows.h"
#include "models/friends.h"

struct social_reg_params {
    int friends, similarity;
    double social_regularization;
    int factors;
    double regularization, nu, alpha0;
    int iterations, solver, cg_steps, patience;
    double sigma;
};
#define P struct social_reg_params
static const struct param social_reg_params[] = {
    FRIENDS_PARAM(P),
    FRIEND_WEIGHT_PARAM(P),
    PARAM_REAL(P, social_regularization, 0.1, 0, 1e6, "weight of the squared distances between friends"),
    PARAM_INT(P, factors, 64, 1, 4096, "dimensions of the latent vectors"),
    PARAM_REAL(P, regularization, 0.003, 1e-9, 1e6, "weight of the squared norms"),
    PARAM_REAL(P, nu, 1, 0, 2, "how the regularization grows with the number of interactions"),
    PARAM_REAL(P, alpha0, 0.1, 0, 1e6, "weight of every pair, observed or not"),
    PARAM_INT(P, iterations, 16, 1, 10000, "sweeps over users and items"),
    PARAM_CHOICE(P, solver, "cg", ALS_SOLVERS, "how a row's system is solved"),
    PARAM_INT(P, cg_steps, 3, 1, 10000, "cg: steps a row"),
    PARAM_INT(P, patience, 0, 0, 10000,
              "iterations without a better validation before it stops; 0: never sooner"),
    PARAM_REAL(P, sigma, 0.1, 1e-9, 1e6, "items start from normal(0, sigma / sqrt(factors))"),
    PARAM_END};
#undef P

struct fitting {
    struct biased_factors *m;
    const struct social_reg_params *p;
    struct als_side users, items;
    float *before; /* [n_users x ld] the users as the last half-sweep left them, below the items */
};

/* c: both directions of every link, in the arena. */
static enum status pulls(const struct csr *weights, double social_regularization, struct arena *arena,
                         struct csr *out)
{
    struct csr back;
    uint32_t *row, *col;
    float *val;
    uint64_t n = 0;
    TRY(csr_transpose(weights, arena, &back));
    ARENA_NEW(row, arena, 2 * (size_t)weights->nnz);
    ARENA_NEW(col, arena, 2 * (size_t)weights->nnz);
    ARENA_NEW(val, arena, 2 * (size_t)weights->nnz);
    for (uint32_t u = 0; u < weights->n_rows; u++) { /* two rising lists into one */
        int64_t i = weights->ptr[u], j = back.ptr[u];
        while (i < weights->ptr[u + 1] || j < back.ptr[u + 1]) {
            const uint32_t a = i < weights->ptr[u + 1] ? weights->idx[i] : UINT32_MAX,
                           b = j < back.ptr[u + 1] ? back.idx[j] : UINT32_MAX;
            double sum = 0;
            if (a <= b)
                sum += (double)weights->val[i++];
            if (b <= a)
                sum += (double)back.val[j++];
            row[n] = u, col[n] = a < b ? a : b, val[n++] = (float)(social_regularization * sum);
        }
    }
    return csr_from_grouped(weights->n_rows, weights->n_rows, n, row, col, val, arena, out, NULL);
}

/* A user's items (weight 1), then the friends that pull (weight 0, base c, columns below the items'); ridge[u] += c_u. */
static enum status with_friends(const struct csr *by_user, const struct csr *c, float *ridge,
                                struct arena *scratch, struct csr *out, float **bases)
{
    const uint32_t n = by_user->n_rows;
    const size_t nnz = (size_t)by_user->nnz + (size_t)c->nnz;
    int64_t *ptr, at = 0;
    uint32_t *idx;
    float *val;
    ARENA_NEW(ptr, scratch, (size_t)n + 1);
    ARENA_NEW(idx, scratch, nnz);
    ARENA_NEW(val, scratch, nnz);
    ARENA_NEW(*bases, scratch, nnz);
    for (uint32_t u = 0; u < n; u++) {
        double sum = 0;
        for (int64_t e = by_user->ptr[u]; e < by_user->ptr[u + 1]; e++)
            idx[at] = by_user->idx[e], val[at++] = 1;
        for (int64_t e = c->ptr[u]; e < c->ptr[u + 1]; e++) {
            sum += (double)c->val[e];
            idx[at] = by_user->n_cols + c->idx[e], (*bases)[at++] = c->val[e];
        }
        ridge[u] += (float)sum;
        ptr[u + 1] = at;
    }
    *out = (struct csr){n, by_user->n_cols + n, at, ptr, idx, val};
    return STATUS_OK;
}

static enum status fitting_new(struct fitting *f, const struct view *train, struct run *run)
{
    const struct social_reg_params *p = f->p;
    struct biased_factors *m = f->m;
    struct csr friends, c, users, items = *train->by_item;
    float *bases, *of_users, *of_items;
    struct als_side_options side = {.alpha0 = p->alpha0, .solver = p->solver, .cg_steps = p->cg_steps};
    side.ld = als_rank(p->factors, p->solver, &side.kernel);
    *m = (struct biased_factors){.n_users = train->n_users,
                                 .n_items = train->n_items,
                                 .factors = (uint32_t)p->factors,
                                 .ld = side.ld,
                                 .low = -INFINITY,
                                 .high = INFINITY};
    ARENA_NEW(m->user, run->arena, m->n_users * m->ld);
    ARENA_NEW(m->item, run->arena, ((size_t)m->n_items + m->n_users) * m->ld);
    ARENA_NEW(m->user_bias, run->arena, m->n_users);
    ARENA_NEW(m->item_bias, run->arena, m->n_items);
    f->before = m->item + m->n_items * m->ld;
    TRY(friends_of("social_reg", train, p->friends, run->seed, run->scratch, &friends));
    TRY(friends_weigh(train->by_user, &friends, p->similarity, run->scratch, &friends));
    TRY(pulls(&friends, p->social_regularization, run->scratch, &c));
    TRY(als_side_ridge(train->by_user, p->regularization, p->alpha0, p->nu, run->scratch, &of_users));
    TRY(als_side_ridge(train->by_item, p->regularization, p->alpha0, p->nu, run->scratch, &of_items));
    TRY(with_friends(train->by_user, &c, of_users, run->scratch, &users, &bases));
    items.val = NULL; /* each train row counts 1 */
    TRY(als_side_new(&f->users, &users, m->n_items, &side, of_users, m->user, m->item, run->scratch));
    TRY(als_side_new(&f->items, &items, m->n_users, &side, of_items, m->item, m->user, run->scratch));
    f->users.a.bases = bases;
    return STATUS_OK;
}

static enum status social_reg_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct biased_factors *m = state;
    struct fitting f = {.m = m, .p = params};
    struct early early;
    bool stop = false;
    TRY(fitting_new(&f, train, run));
    const size_t n_user = m->n_users * m->ld, n_item = m->n_items * m->ld;
    factor_rows_start(m->item, m->ld, m->n_items, train->by_item, m->factors, 0,
                      f.p->sigma / sqrt((double)m->factors), run->seed, 0);
    early_open(&early, f.p->patience, run);
    TRY(early_part(&early, m->user, n_user, run));
    TRY(early_part(&early, m->item, n_item, run));
    for (int i = 0; i < f.p->iterations && !stop; i++) {
        memcpy(f.before, m->user, n_user * sizeof *m->user);
        TRY(als_side_solve(&f.users, run));
        TRY(als_side_solve(&f.items, run));
        if (!factor_rows_finite(m->user, n_user) || !factor_rows_finite(m->item, n_item))
            return status_fail(STATUS_DATA,
                               "social_reg: in sweep %d the factors left the range of numbers; raise "
                               "regularization (%g)",
                               i + 1, f.p->regularization);
        if (!early.on)
            TRY(curve_validation(run, m, i + 1));
        TRY(early_step(&early, m, i + 1, run, &stop));
    }
    return early_close(&early, run);
}

static enum status social_reg_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    const struct social_reg_params *p = params;
    (void)run;
    return biased_factors_load(state, (uint32_t)p->factors, als_rank(p->factors, p->solver, NULL), false, r);
}

static void social_reg_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz,
                            double *bytes, double *flops)
{
    const struct social_reg_params *p = params;
    const double ld = (double)als_rank(p->factors, p->solver, NULL), rows = 2.0 * n_users + n_items;
    const double entry = p->solver == ALS_CG ? (p->cg_steps + 1) * 4.0 * ld : ld * ld + 6.0 * ld;
    const double row = p->solver == ALS_CG ? (p->cg_steps + 1) * 2.0 * ld * ld : ld * ld * ld / 3.0;
    *bytes = 4.0 * rows * (ld + 2.0) + 12.0 * (double)nnz;
    *flops = p->iterations * (2.0 * (double)nnz * entry + rows * (row + 2.0 * ld * ld));
}

extern const struct model_type model_social_reg;
const struct model_type model_social_reg = {
    .name = "social_reg",
    .family = "social",
    .source = "Ma, Zhou, Liu, Lyu, King 2011; Rendle, Krichene, Zhang, Koren 2022",
    .help = "implicit matrix factorization whose users are drawn to their friends",
    .version = 1,
    .params = social_reg_params,
    .params_size = sizeof(struct social_reg_params),
    .needs = NEEDS_FRIENDS,
    .state_size = sizeof(struct biased_factors),
    .fit = social_reg_fit,
    .score_pairs = biased_factors_score_pairs,
    .factors = biased_factors_factors,
    .save = biased_factors_save,
    .load = social_reg_load,
    .cost = social_reg_cost};
