/*
 * ials.c - matrix factorization for implicit feedback by alternating least squares.
 *
 * confidence rendle (Rendle, Krichene, Zhang, Koren 2022, "Revisiting the performance of iALS on item
 * recommendation benchmarks"), S the train pairs, values unused: loss = sum_S (x_u.y_i - 1)^2 + alpha0
 * sum_{all u,i} (x_u.y_i)^2
 *          + regularization (sum_u (|I_u| + alpha0 n_items)^nu |x_u|^2 + sum_i (|U_i| + alpha0 n_users)^nu
 * |y_i|^2) confidence hu (Hu, Koren, Volinsky 2008), c_ui = 1 + alpha r_ui, r_ui = 0 off S: loss = sum_{all
 * u,i} c_ui (x_u.y_i - [ui in S])^2 + regularization (sum_u |x_u|^2 + sum_i |y_i|^2) With one side fixed, a
 * row of the other side solves a linear system (kernels/als.h): by a few steps of conjugate gradient from the
 * row as it stands (Takacs, Pilaszy, Tikk 2011), exactly, or block by block of its columns, each exactly while the others stay
 * (iALS++: Rendle, Krichene, Zhang, Koren 2021).  Users, then items, is an iteration.
 *
 * Items start from normal(0, sigma / sqrt(factors)); users from 0, since the first thing done is to solve for
 * them. A user or an item without a train pair has the exact solution 0, from the start. Layout: rows of ld
 * floats, ld the compiled rank that holds `factors` (a multiple of 32 above 256); the rest is zero.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "models/als_side.h"
#include "models/curve.h"
#include "models/factor_rows.h"
#include "models/model_io.h"

enum { RENDLE, HU };

struct ials_params {
    int factors;
    double regularization, nu;
    int confidence;
    double alpha0, alpha;
    int iterations, solver, block_size, cg_steps;
    double sigma;
    int patience;
};
#define P struct ials_params
static const struct param ials_params[] = {
    PARAM_INT(P, factors, 64, 1, 4096, "dimensions of the latent vectors"),
    PARAM_REAL(P, regularization, 0.003, 0, 1e6, "weight of the squared norms"),
    PARAM_REAL(P, nu, 1, 0, 2, "rendle: how the regularization grows with the number of interactions"),
    PARAM_CHOICE(P, confidence, "rendle", "rendle|hu", "weights: 1 and alpha0, or 1 + alpha r"),
    PARAM_REAL(P, alpha0, 0.1, 0, 1e6, "rendle: weight of every pair, observed or not"),
    PARAM_REAL(P, alpha, 40, 0, 1e6, "hu: confidence of an interaction of value 1"),
    PARAM_INT(P, iterations, 16, 1, 10000, "sweeps over users and items"),
    PARAM_CHOICE(P, solver, "cg", IALS_SOLVERS, "how a row's system is solved; block: iALS++"),
    PARAM_CHOICE(P, block_size, "64", "32|64", "block: columns of a block"),
    PARAM_INT(P, cg_steps, 3, 1, 10000, "cg: steps a row"),
    PARAM_REAL(P, sigma, 0.1, 1e-9, 1e6, "items start from normal(0, sigma / sqrt(factors))"),
    PARAM_INT(P, patience, 0, 0, 10000,
              "iterations without a better validation before it stops; 0: never sooner"),
    PARAM_END};
#undef P

struct ials_state {
    uint32_t n_users, n_items, factors;
    size_t ld;
    float *user, *item; /* [n_users x ld], [n_items x ld] */
};

/* X [rows of a x ld] solved from Y [columns of a x ld]. */
static enum status side_new(struct als_side *side, const struct csr *a, float *X, const float *Y, size_t ld,
                            const struct kernel *kernel, const struct ials_params *p, struct arena *scratch)
{
    const bool hu = p->confidence == HU;
    const struct als_side_options options = {.alpha0 = hu ? 1 : p->alpha0,
                                             .solver = p->solver,
                                             .cg_steps = p->cg_steps,
                                             .block_width = p->block_size == 0 ? 32 : 64,
                                             .kernel = kernel,
                                             .ld = ld};
    struct csr pairs = *a;
    float *ridge;
    pairs.val = hu ? a->val : NULL;
    TRY(als_side_ridge(a, p->regularization, p->alpha0, hu ? 0 : p->nu, scratch, &ridge));
    TRY(als_side_new(side, &pairs, a->n_cols, &options, ridge, X, Y, scratch));
    side->a.alpha = hu ? (float)p->alpha : 1.0f;
    side->a.base = hu ? 1.0f : 0.0f;
    return STATUS_OK;
}

static enum status check_train(const struct view *train, const struct ials_params *p)
{
    const struct csr *a = train->by_user;
    if (p->confidence != HU || a->val == NULL)
        return STATUS_OK;
    for (int64_t e = 0; e < a->nnz; e++)
        if (!(a->val[e] >= 0.0f) || !isfinite(a->val[e]))
            return status_fail(
                STATUS_DATA,
                "ials: confidence hu needs values that are not negative, and a train value is %g; "
                "filter them, or use confidence: rendle",
                (double)a->val[e]);
    return STATUS_OK;
}

/* Huge weights and no regularization can leave float's range. */
static enum status check_finite(const struct ials_state *s)
{
    const float *tables[2] = {s->user, s->item};
    const size_t sizes[2] = {s->n_users * s->ld, s->n_items * s->ld};
    for (int t = 0; t < 2; t++)
        for (size_t i = 0; i < sizes[t]; i++)
            if (!isfinite(tables[t][i]))
                return status_fail(STATUS_DATA,
                                   "ials: the factors of %s %zu are no longer finite numbers; raise "
                                   "regularization or lower alpha",
                                   t == 0 ? "user" : "item", i / s->ld);
    return STATUS_OK;
}

static enum status fetch_factors(const struct ials_state *s, const struct backend *b)
{
    TRY(backend_fetch(b, s->user));
    return backend_fetch(b, s->item);
}

/* Early stopping: the factors that did best on the validation rows. */
struct best {
    double quality;
    int iteration;
    float *user, *item;
};

static enum status best_update(struct best *best, const struct ials_state *s, int iteration, struct run *run)
{
    double quality;
    TRY(fetch_factors(s, run->backend));
    TRY(run->validate(run->validate_context, s, &quality));
    run_curve(run, "validation ndcg@10", iteration + 1, quality);
    if (iteration > 0 && !(quality > best->quality))
        return STATUS_OK;
    best->quality = quality, best->iteration = iteration;
    memcpy(best->user, s->user, s->n_users * s->ld * sizeof(float));
    memcpy(best->item, s->item, s->n_items * s->ld * sizeof(float));
    return STATUS_OK;
}

static enum status pair_scores(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                               float *scores)
{
    const struct ials_state *s = state;
    for (size_t j = 0; j < n; j++) {
        const float *p = s->user + users[j] * s->ld, *q = s->item + items[j] * s->ld;
        float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
        for (uint32_t k = 0; k < s->factors; k++)
            dot += p[k] * q[k];
        scores[j] = dot;
    }
    return STATUS_OK;
}

/* The loss a train pair, without the regularization, from a sample; what all pairs add from users and items drawn at random. */
static enum status tell_loss(const struct ials_state *s, const struct ials_params *p, const struct csr *a,
                             struct curve_pairs *pairs, int step, struct run *run)
{
    double seen = 0, all = 0;
    const double a0 = p->confidence == HU ? 1 : p->alpha0, n = pairs->n;
    if (pairs->n == 0)
        return STATUS_OK;
    TRY(fetch_factors(s, run->backend));
    TRY(pair_scores(s, pairs->user, pairs->item, pairs->n, pairs->score));
    for (uint32_t j = 0; j < pairs->n; j++) {
        const double x = (double)pairs->score[j];
        seen += p->confidence == HU ? (1 + p->alpha * (double)pairs->value[j]) * (x - 1) * (x - 1) - x * x
                                    : (x - 1) * (x - 1);
    }
    TRY(pair_scores(s, pairs->other_user, pairs->other, pairs->n, pairs->other_score));
    for (uint32_t j = 0; j < pairs->n; j++)
        all += (double)pairs->other_score[j] * (double)pairs->other_score[j];
    const double pairs_each = (double)s->n_users * s->n_items / (double)a->nnz;
    run_curve(run, "loss", step, seen / n + a0 * pairs_each * all / n);
    return STATUS_OK;
}

static enum status iterate(struct ials_state *s, const struct ials_params *p, const struct als_side sides[2],
                           const struct csr *by_user, struct run *run)
{
    const bool early = p->patience > 0 && run->validate != NULL;
    struct best best = {.quality = 0};
    struct curve_pairs pairs;
    time_t told = time(NULL);
    if (early) {
        ARENA_NEW(best.user, run->scratch, s->n_users * s->ld);
        ARENA_NEW(best.item, run->scratch, s->n_items * s->ld);
    }
    TRY(curve_pairs_new(by_user, run, &pairs));
    for (int i = 0; i < p->iterations; i++) {
        TRY(als_side_solve(&sides[0], run));
        TRY(als_side_solve(&sides[1], run));
        TRY(tell_loss(s, p, by_user, &pairs, i + 1, run));
        if (!early)
            TRY(curve_validation(run, s, i + 1));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "ials: iteration %d of %d", i + 1, p->iterations);
            told = time(NULL);
        }
        if (early) {
            TRY(best_update(&best, s, i, run));
            if (i - best.iteration >= p->patience)
                break;
        }
    }
    TRY(fetch_factors(s, run->backend));
    if (early) {
        run->epochs = (uint32_t)best.iteration + 1;
        memcpy(s->user, best.user, s->n_users * s->ld * sizeof(float));
        memcpy(s->item, best.item, s->n_items * s->ld * sizeof(float));
        TRY(backend_changed(run->backend, s->user));
        TRY(backend_changed(run->backend, s->item));
    }
    return STATUS_OK;
}

static enum status ials_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct ials_state *s = state;
    const struct ials_params *p = params;
    const struct kernel *kernel;
    struct als_side sides[2];
    TRY(check_train(train, p));
    s->n_users = train->n_users, s->n_items = train->n_items, s->factors = (uint32_t)p->factors;
    s->ld = als_rank(p->factors, p->solver, &kernel);
    ARENA_NEW(s->user, run->arena, s->n_users * s->ld);
    ARENA_NEW(s->item, run->arena, s->n_items * s->ld);
    TRY(side_new(&sides[0], train->by_user, s->user, s->item, s->ld, kernel, p, run->scratch));
    TRY(side_new(&sides[1], train->by_item, s->item, s->user, s->ld, kernel, p, run->scratch));
    factor_rows_start(s->item, s->ld, s->n_items, train->by_item, s->factors, 0,
                      p->sigma / sqrt((double)s->factors), run->seed, 0);
    TRY(als_side_keep(&sides[0], run->backend));
    TRY(als_side_keep(&sides[1], run->backend));
    TRY(iterate(s, p, sides, train->by_user, run));
    return check_finite(s);
}

static enum status ials_factors(const void *state, struct factors *out)
{
    const struct ials_state *s = state;
    *out = (struct factors){.n_users = s->n_users,
                            .n_items = s->n_items,
                            .factors = s->factors,
                            .user = s->user,
                            .item = s->item,
                            .ld_user = s->ld,
                            .ld_item = s->ld};
    return STATUS_OK;
}

static enum status ials_save(const void *state, struct model_writer *w)
{
    const struct ials_state *s = state;
    TRY(model_put(w, "user", ARRAY_F32, s->n_users, s->ld, s->user));
    return model_put(w, "item", ARRAY_F32, s->n_items, s->ld, s->item);
}

static enum status ials_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct ials_state *s = state;
    const struct ials_params *p = params;
    (void)run;
    *s = (struct ials_state){.factors = (uint32_t)p->factors, .ld = als_rank(p->factors, p->solver, NULL)};
    return model_get_factors(r, s->ld, &s->n_users, &s->n_items, &s->user, &s->item);
}

static void ials_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                      double *flops)
{
    const struct ials_params *p = params;
    const double ld = (double)als_rank(p->factors, p->solver, NULL), rows = (double)n_users + n_items;
    const double parts = gram_blocks(n_users) + gram_blocks(n_items) + 2.0;
    const double width = p->solver != ALS_BLOCK ? ld : p->block_size == 0 ? 32.0 : 64.0;
    const double entry = p->solver == ALS_CG ? (p->cg_steps + 1) * 4.0 * ld : ld * width + 6.0 * ld;
    const double row = p->solver == ALS_CG ? (p->cg_steps + 1) * 2.0 * ld * ld : ld * width * width / 3.0;
    *bytes = 4.0 * (rows * (ld * (p->patience > 0 ? 2.0 : 1.0) + 2.0) + parts * ld * ld) +
             (p->solver == ALS_BLOCK ? 8.0 * (double)nnz : 0.0);
    *flops = p->iterations * (2.0 * (double)nnz * entry + rows * (row + 2.0 * ld * ld));
}

extern const struct model_type model_ials;
const struct model_type model_ials = {
    .name = "ials",
    .family = "matrix factorization",
    .source =
        "Hu, Koren, Volinsky 2008; Takacs, Pilaszy, Tikk 2011; Rendle, Krichene, Zhang, Koren 2021, 2022",
    .help = "implicit alternating least squares",
    .version = 1,
    .params = ials_params,
    .params_size = sizeof(struct ials_params),
    .state_size = sizeof(struct ials_state),
    .fit = ials_fit,
    .factors = ials_factors,
    .save = ials_save,
    .load = ials_load,
    .cost = ials_cost,
};
