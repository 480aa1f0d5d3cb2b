/*
 * logistic_mf.c - logistic matrix factorization (Johnson 2014, "Logistic matrix factorization for implicit feedback data").
 *
 *     p(u takes i) = sigma(x_u . y_i + b_u + b_i)
 *     maximising  sum over train pairs c_ui log p + sum over drawn other pairs log(1 - p) - regularization (|x|^2 + |y|^2) / 2,
 *     c_ui = alpha r_ui (use_values), else alpha
 * by alternating steps of gradient ascent with AdaGrad: all users, then all items, is an iteration.  Names and defaults are those
 * of `implicit`'s LogisticMatrixFactorization, to which it is equal where no negatives are drawn (tests/models/test_gradient_rows.c);
 * negatives are drawn as there, by popularity and the user's own items among them, at most as many as there are items
 * (implicit 0.7.3 stops at factors + 2 of them, by a slip: its n_items is the number of columns).
 *
 * Layout: a row is [factors, b, 1] for users and [factors, 1, b] for items, then zeros; the ones stay.
 * Memory: the factors, and while fitting their sums of squared gradients.  A user or item without train pairs is 0.
 */
#include <math.h>
#include <time.h>

#include "mf.h"
#include "models/curve.h"
#include "models/factor_rows.h"
#include "models/gradient_rows.h"
#include "models/model_io.h"

struct logistic_mf_params {
    int factors, iterations, neg_prop;
    double learning_rate, regularization, alpha;
    bool use_values;
    double init_std;
};
#define P struct logistic_mf_params
static const struct param logistic_mf_params[] = {
    PARAM_INT(P, factors, 30, 1, 4096, "dimensions of the latent vectors"),
    PARAM_INT(P, iterations, 30, 1, 100000, "steps of all users, then all items"),
    PARAM_INT(P, neg_prop, 30, 0, 10000,
              "negatives drawn for each train pair, of a row at most as many as there are columns"),
    PARAM_REAL(P, learning_rate, 1, 1e-9, 100, "AdaGrad's length of a step"),
    PARAM_REAL(P, regularization, 0.6, 0, 1e6, "weight of the squared norms"),
    PARAM_REAL(P, alpha, 1, 1e-9, 1e6, "confidence of a train pair"),
    PARAM_BOOL(P, use_values, 0, "that times the pair's value"),
    PARAM_REAL(P, init_std, 1, 0, 1e3, "factors and biases start from normal(0, init_std)"),
    PARAM_END};
#undef P

struct logistic_mf_state {
    uint32_t n_users, n_items, factors;
    size_t ld;
    float *user, *item; /* [n_users x ld], [n_items x ld] */
};

/* Named draws: the sub-streams of RANDOM_INIT. */
enum { INIT_USERS, INIT_ITEMS };

/* Rows with train pairs: normal numbers, and 1 in column `fixed`. */
static void init_rows(float *x, const struct csr *rows, const struct logistic_mf_state *s, uint32_t fixed,
                      double std, uint64_t seed, uint32_t stream)
{
    const uint32_t width = s->factors + 2;
#pragma omp parallel for schedule(static)
    for (uint32_t r = 0; r < rows->n_rows; r++)
        for (uint32_t k = 0; k < width && rows->ptr[r] < rows->ptr[r + 1]; k++)
            x[r * s->ld + k] =
                k == fixed ? 1.0f
                           : (float)(std * random_normal(seed, RANDOM_INIT, stream, (uint64_t)r * width + k));
}

/* The confidences of a side's pairs; NULL: all 1. */
static enum status confidences(const struct csr *a, const struct logistic_mf_params *p, struct arena *scratch,
                               const float **out)
{
    float *c;
    *out = NULL;
    if (p->alpha == 1.0 && (!p->use_values || a->val == NULL))
        return STATUS_OK;
    ARENA_NEW(c, scratch, (size_t)a->nnz);
    for (int64_t e = 0; e < a->nnz; e++) {
        c[e] = (float)(p->alpha * (p->use_values && a->val != NULL ? (double)a->val[e] : 1.0));
        if (!(c[e] >= 0.0f) || !isfinite(c[e]))
            return status_fail(
                STATUS_DATA,
                "logistic_mf: use_values needs values that are not negative, and a train value is %g; "
                "filter them, or set use_values: false",
                (double)a->val[e]);
    }
    *out = c;
    return STATUS_OK;
}

static enum status side_init(struct mf_rows *m, const struct csr *rows, const struct logistic_mf_state *s,
                             bool users, const struct logistic_mf_params *p, struct run *run)
{
    float *squares;
    ARENA_NEW(squares, run->scratch, rows->n_rows * s->ld);
    *m = (struct mf_rows){.X = users ? s->user : s->item,
                          .S = squares,
                          .Y = users ? s->item : s->user,
                          .ptr = rows->ptr,
                          .idx = rows->idx,
                          .drawn = rows->idx,
                          .n_drawn = rows->nnz,
                          .seed = run->seed,
                          .rate = (float)p->learning_rate,
                          .regularization = (float)p->regularization,
                          .n_columns = rows->n_cols,
                          .loss = MF_LOGISTIC,
                          .update = MF_ADAGRAD,
                          .fixed = (int)s->factors + (users ? 1 : 0),
                          .negatives = p->neg_prop,
                          .rank = (int)s->ld};
    return confidences(rows, p, run->scratch, &m->val);
}

/* For the training curve: a row's biases are columns of it. */
static enum status pair_scores(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                               float *scores)
{
    const struct logistic_mf_state *s = state;
    for (size_t j = 0; j < n; j++) {
        const float *x = s->user + users[j] * s->ld, *y = s->item + items[j] * s->ld;
        float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
        for (uint32_t k = 0; k < s->factors + 2; k++)
            dot += x[k] * y[k];
        scores[j] = dot;
    }
    return STATUS_OK;
}

/* What an iteration came to, where somebody listens. */
static enum status tell(const struct logistic_mf_state *s, const struct logistic_mf_params *p,
                        struct curve_pairs *pairs, int step, struct run *run)
{
    const struct curve_logistic how = {p->alpha, p->neg_prop, p->use_values};
    if (run->curve == NULL)
        return STATUS_OK;
    TRY(backend_fetch(run->backend, s->user));
    TRY(backend_fetch(run->backend, s->item));
    TRY(curve_logistic(run, pairs, pair_scores, s, &how, step));
    return curve_validation(run, s, step);
}

static enum status iterate(const struct logistic_mf_state *s, const struct logistic_mf_params *p,
                           const struct view *train, struct mf_rows side[2], struct run *run)
{
    const struct kernel *kernel = gradient_kernel(s->ld);
    const long n_rows[2] = {(long)train->n_users, (long)train->n_items};
    struct curve_pairs pairs;
    time_t told = time(NULL);
    TRY(curve_pairs_new(train->by_user, run, &pairs));
    for (int k = 0; k < 2; k++)
        TRY(backend_keep_launch(run->backend, kernel, &side[k], n_rows[k]));
    for (int i = 0; i < p->iterations; i++) {
        for (int k = 0; k < 2; k++) {
            if (*run->cancelled)
                return STATUS_STOPPED;
            side[k].stream = (uint64_t)(2 * i + k) << 32 | RANDOM_NEGATIVES;
            TRY(backend_launch(run->backend, kernel, &side[k], n_rows[k], mf_scratch((int)s->ld)));
        }
        TRY(tell(s, p, &pairs, i + 1, run));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "logistic_mf: iteration %d of %d", i + 1, p->iterations);
            told = time(NULL);
        }
    }
    TRY(backend_fetch(run->backend, s->user));
    return backend_fetch(run->backend, s->item);
}

static enum status logistic_mf_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct logistic_mf_state *s = state;
    const struct logistic_mf_params *p = params;
    struct mf_rows side[2];
    s->n_users = train->n_users, s->n_items = train->n_items, s->factors = (uint32_t)p->factors;
    s->ld = gradient_rank(p->factors + 2);
    if (train->by_user->nnz > UINT32_MAX)
        return status_fail(STATUS_DATA, "logistic_mf: %lld interactions are more than 2^32",
                           (long long)train->by_user->nnz);
    ARENA_NEW(s->user, run->arena, s->n_users * s->ld);
    ARENA_NEW(s->item, run->arena, s->n_items * s->ld);
    init_rows(s->user, train->by_user, s, s->factors + 1, p->init_std, run->seed, INIT_USERS);
    init_rows(s->item, train->by_item, s, s->factors, p->init_std, run->seed, INIT_ITEMS);
    TRY(side_init(&side[0], train->by_user, s, true, p, run));
    TRY(side_init(&side[1], train->by_item, s, false, p, run));
    TRY(iterate(s, p, train, side, run));
    if (!factor_rows_finite(s->user, s->n_users * s->ld) || !factor_rows_finite(s->item, s->n_items * s->ld))
        return status_fail(STATUS_DATA,
                           "logistic_mf: the factors left the range of numbers; lower learning_rate (%g)",
                           p->learning_rate);
    return STATUS_OK;
}

/* The biases are columns of the rows, beside the ones that they meet. */
static enum status logistic_mf_factors(const void *state, struct factors *out)
{
    const struct logistic_mf_state *s = state;
    *out = (struct factors){.n_users = s->n_users,
                            .n_items = s->n_items,
                            .factors = s->factors + 2,
                            .user = s->user,
                            .item = s->item,
                            .ld_user = s->ld,
                            .ld_item = s->ld};
    return STATUS_OK;
}

static enum status logistic_mf_save(const void *state, struct model_writer *w)
{
    const struct logistic_mf_state *s = state;
    TRY(model_put(w, "user", ARRAY_F32, s->n_users, s->ld, s->user));
    return model_put(w, "item", ARRAY_F32, s->n_items, s->ld, s->item);
}

static enum status logistic_mf_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct logistic_mf_state *s = state;
    const struct logistic_mf_params *p = params;
    (void)run;
    *s = (struct logistic_mf_state){.factors = (uint32_t)p->factors, .ld = gradient_rank(p->factors + 2)};
    return model_get_factors(r, s->ld, &s->n_users, &s->n_items, &s->user, &s->item);
}

static void logistic_mf_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz,
                             double *bytes, double *flops)
{
    const struct logistic_mf_params *p = params;
    const double ld = (double)gradient_rank(p->factors + 2), rows = (double)n_users + n_items;
    *bytes = 8.0 * rows * ld + (p->alpha != 1.0 || p->use_values ? 8.0 * (double)nnz : 0.0);
    *flops = p->iterations * 2.0 * (double)nnz * (1.0 + p->neg_prop) * 4.0 * ld;
}

extern const struct model_type model_logistic_mf;
const struct model_type model_logistic_mf = {
    .name = "logistic_mf",
    .family = "matrix factorization",
    .source = "Johnson 2014; AdaGrad: Duchi, Hazan, Singer 2011",
    .help = "the probability that a user takes an item, by gradient ascent over whole rows",
    .version = 1,
    .params = logistic_mf_params,
    .params_size = sizeof(struct logistic_mf_params),
    .state_size = sizeof(struct logistic_mf_state),
    .fit = logistic_mf_fit,
    .factors = logistic_mf_factors,
    .save = logistic_mf_save,
    .load = logistic_mf_load,
    .cost = logistic_mf_cost,
};
