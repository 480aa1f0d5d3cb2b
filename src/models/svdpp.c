/*
 * svdpp.c - SVD++: matrix factorization of ratings in which a user is also what she rated, whatever the rating.
 *
 *     r(u, i) = mean + b_u + b_i + q_i . (p_u + |N|^(-1/2) sum over j in N of y_j),     N: the items that u rated
 * by stochastic gradient descent on (value - r)^2 and the squared norms, one rating after the other, user by user.
 * Source: Koren, KDD 2008, section 4.  Names and defaults are those of Surprise's SVDpp.
 *
 * A step changes all y_j of N: written down it costs |N| vectors a rating.  But within a user's ratings every y_j of N
 * takes the same steps, y_j <- (1 - lr reg) y_j + lr error |N|^(-1/2) q_i, so that after all of them
 * y_j = shrink y_j + shift with one number and one vector for the whole of N; and their sum moves by |N| shifts.  The
 * steps are the same as one by one (up to rounding), at two vectors a rating.
 *
 * Order: users as they come, the ratings of each shuffled once.  One thread: the y of an item belong to all of its
 * users.  The fitted model keeps p_u + |N|^(-1/2) sum y_j, not y.
 * A user or item without a rating has bias 0 and factors 0.
 */
#include <math.h>

#include "models/curve.h"
#include "models/early.h"
#include "models/factor_rows.h"
#include "models/model_io.h"
#include "models/ratings.h"

struct svdpp_params {
    int factors, epochs, patience;
    double learning_rate, regularization, init_mean, init_std;
    double lr_bu, lr_bi, lr_pu, lr_qi, lr_yj, reg_bu, reg_bi, reg_pu, reg_qi, reg_yj;
};
#define P          struct svdpp_params
#define LR(field)  PARAM_REAL(P, field, -1, -1, 10, "length of a step of this part; below 0: learning_rate")
#define REG(field) PARAM_REAL(P, field, -1, -1, 1e3, "weight of this part's square; below 0: regularization")
static const struct param svdpp_params[] = {
    PARAM_INT(P, factors, 20, 1, 4096, "dimensions of the latent vectors"),
    PARAM_INT(P, epochs, 20, 1, 100000, "passes over the ratings"),
    PARAM_INT(P, patience, 0, 0, 100000,
              "epochs without a better validation before it stops; 0: never sooner"),
    PARAM_REAL(P, learning_rate, 0.007, 1e-9, 10, "length of a step"),
    PARAM_REAL(P, regularization, 0.02, 0, 1e3, "weight of the squared norms and biases"),
    PARAM_REAL(P, init_mean, 0, -1e3, 1e3, "factors start from normal(init_mean, init_std)"),
    PARAM_REAL(P, init_std, 0.1, 0, 1e3, "factors start from normal(init_mean, init_std)"),
    LR(lr_bu),
    LR(lr_bi),
    LR(lr_pu),
    LR(lr_qi),
    LR(lr_yj),
    REG(reg_bu),
    REG(reg_bi),
    REG(reg_pu),
    REG(reg_qi),
    REG(reg_yj),
    PARAM_END};
#undef P

struct svdpp {
    uint32_t n_users, n_items, factors;
    float *user, *item;           /* [n_users x factors], [n_items x factors]; user: with the implicit part */
    float *user_bias, *item_bias; /* [n_users], [n_items] */
    float mean;
};

/* Named draws: the sub-streams of RANDOM_INIT. */
enum { INIT_USERS, INIT_ITEMS, INIT_IMPLICIT };

/* What a step takes; every part has its own rate and weight. */
struct steps {
    float lr_bu, lr_bi, lr_pu, lr_qi, lr_yj, reg_bu, reg_bi, reg_pu, reg_qi, reg_yj;
};
struct work {
    const uint32_t *order; /* [nnz] the ratings of a user as places in its row */
    float *y;              /* [n_items x factors] */
    float *sum;            /* [factors] of y over the user's items */
    float *shift;          /* [factors] */
    float *whole;          /* [n_users x factors] p_u + |N|^(-1/2) sum y_j */
    double squares;        /* of the epoch's errors, each before its step */
};

static float or_common(double own, double common)
{
    return (float)(own < 0 ? common : own);
}

static struct steps steps_of(const struct svdpp_params *p)
{
    const double lr = p->learning_rate, reg = p->regularization;
    return (struct steps){or_common(p->lr_bu, lr),   or_common(p->lr_bi, lr),   or_common(p->lr_pu, lr),
                          or_common(p->lr_qi, lr),   or_common(p->lr_yj, lr),   or_common(p->reg_bu, reg),
                          or_common(p->reg_bi, reg), or_common(p->reg_pu, reg), or_common(p->reg_qi, reg),
                          or_common(p->reg_yj, reg)};
}

static void shuffle(const struct csr *a, uint64_t seed, uint32_t *order)
{
#pragma omp parallel for schedule(static)
    for (uint32_t u = 0; u < a->n_rows; u++)
        random_permutation(seed, RANDOM_ORDER, u, (uint32_t)(a->ptr[u + 1] - a->ptr[u]), order + a->ptr[u]);
}

/* sum of y over the user's items, in their order */
static void sum_implicit(const struct csr *a, uint32_t u, uint32_t factors, const float *y, float *sum)
{
    for (uint32_t k = 0; k < factors; k++)
        sum[k] = 0;
    for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
        for (uint32_t k = 0; k < factors; k++)
            sum[k] += y[(size_t)a->idx[e] * factors + k];
}

/* One rating of the user: biases, p_u, q_i, and the sum and the shift of y (see above). */
static void step(struct svdpp *s, const struct steps *t, struct work *w, uint32_t u, uint32_t i, float value,
                 float root, float n)
{
    float *p = s->user + (size_t)u * s->factors, *q = s->item + (size_t)i * s->factors;
    float *bu = &s->user_bias[u], *bi = &s->item_bias[i], dot = 0;
    for (uint32_t k = 0; k < s->factors; k++)
        dot += q[k] * (p[k] + root * w->sum[k]);
    const float error = value - (s->mean + *bu + *bi + dot), keep = 1 - t->lr_yj * t->reg_yj;
    w->squares += (double)error * (double)error;
    *bu += t->lr_bu * (error - t->reg_bu * *bu);
    *bi += t->lr_bi * (error - t->reg_bi * *bi);
#pragma omp simd
    for (uint32_t k = 0; k < s->factors; k++) {
        const float pk = p[k], qk = q[k], sum = w->sum[k], move = t->lr_yj * error * root * qk;
        p[k] += t->lr_pu * (error * qk - t->reg_pu * pk);
        q[k] += t->lr_qi * (error * (pk + root * sum) - t->reg_qi * qk);
        w->sum[k] = keep * sum + n * move;
        w->shift[k] = keep * w->shift[k] + move;
    }
}

static void user_steps(struct svdpp *s, const struct csr *a, const struct steps *t, struct work *w,
                       uint32_t u)
{
    const float n = (float)(a->ptr[u + 1] - a->ptr[u]), root = 1 / sqrtf(n);
    const float shrink = powf(1 - t->lr_yj * t->reg_yj, n);
    sum_implicit(a, u, s->factors, w->y, w->sum);
    for (uint32_t k = 0; k < s->factors; k++)
        w->shift[k] = 0;
    for (int64_t o = a->ptr[u]; o < a->ptr[u + 1]; o++) {
        const int64_t e = a->ptr[u] + w->order[o];
        step(s, t, w, u, a->idx[e], a->val[e], root, n);
    }
    for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++) {
        float *y = w->y + (size_t)a->idx[e] * s->factors;
        for (uint32_t k = 0; k < s->factors; k++)
            y[k] = shrink * y[k] + w->shift[k];
    }
}

/* w->whole from p_u and y as they are. */
static void make_whole(const struct svdpp *s, const struct csr *a, struct work *w)
{
    for (uint32_t u = 0; u < s->n_users; u++) {
        const int64_t n = a->ptr[u + 1] - a->ptr[u];
        const float *p = s->user + (size_t)u * s->factors;
        float *out = w->whole + (size_t)u * s->factors;
        sum_implicit(a, u, s->factors, w->y, w->sum);
        for (uint32_t k = 0; k < s->factors; k++)
            out[k] = n > 0 ? p[k] + w->sum[k] / sqrtf((float)n) : p[k];
    }
}

static enum status epochs(struct svdpp *s, const struct csr *a, const struct svdpp_params *p, struct work *w,
                          struct run *run)
{
    const struct steps t = steps_of(p);
    struct svdpp seen = *s; /* what validation sees: users with the implicit part */
    struct early early;
    bool stop = false;
    seen.user = w->whole;
    early_open(&early, p->patience, run);
    TRY(early_part(&early, w->whole, (size_t)s->n_users * s->factors, run));
    TRY(early_part(&early, s->item, (size_t)s->n_items * s->factors, run));
    TRY(early_part(&early, s->user_bias, s->n_users, run));
    TRY(early_part(&early, s->item_bias, s->n_items, run));
    for (int epoch = 0; epoch < p->epochs && !stop; epoch++) {
        w->squares = 0;
        for (uint32_t u = 0; u < s->n_users; u++)
            if (a->ptr[u] < a->ptr[u + 1]) {
                if (*run->cancelled)
                    return STATUS_STOPPED;
                user_steps(s, a, &t, w, u);
            }
        if (!factor_rows_finite(s->user, (size_t)s->n_users * s->factors) ||
            !factor_rows_finite(s->item, (size_t)s->n_items * s->factors) ||
            !factor_rows_finite(w->y, (size_t)s->n_items * s->factors))
            return status_fail(STATUS_DATA,
                               "svdpp: in epoch %d the factors left the range of numbers; lower "
                               "learning_rate (%g)",
                               epoch + 1, p->learning_rate);
        if (a->nnz > 0)
            run_curve(run, "rmse", epoch + 1, sqrt(w->squares / (double)a->nnz));
        if (epoch + 1 == p->epochs || run->validate != NULL)
            make_whole(s, a, w);
        if (!early.on)
            TRY(curve_validation(run, &seen, epoch + 1));
        TRY(early_step(&early, &seen, epoch + 1, run, &stop));
        progress_label(run->progress, "svdpp: epoch %d of %d", epoch + 1, p->epochs);
    }
    return early_close(&early, run);
}

static enum status svdpp_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    const struct svdpp_params *p = params;
    struct svdpp *s = state;
    struct work w;
    TRY(ratings_check(train, "svdpp"));
    *s = (struct svdpp){.n_users = train->n_users,
                        .n_items = train->n_items,
                        .factors = (uint32_t)p->factors,
                        .mean = (float)ratings_mean(train->by_user)};
    ARENA_NEW(s->user, run->scratch, (size_t)s->n_users * s->factors);
    ARENA_NEW(w.whole, run->arena, (size_t)s->n_users * s->factors);
    ARENA_NEW(s->item, run->arena, (size_t)s->n_items * s->factors);
    ARENA_NEW(s->user_bias, run->arena, s->n_users);
    ARENA_NEW(s->item_bias, run->arena, s->n_items);
    uint32_t *order;
    ARENA_NEW(order, run->scratch, (size_t)train->by_user->nnz);
    shuffle(train->by_user, run->seed, order);
    w.order = order;
    ARENA_NEW(w.y, run->scratch, (size_t)s->n_items * s->factors);
    ARENA_NEW(w.sum, run->scratch, s->factors);
    ARENA_NEW(w.shift, run->scratch, s->factors);
    factor_rows_start(s->user, s->factors, s->n_users, train->by_user, s->factors, p->init_mean, p->init_std,
                      run->seed, INIT_USERS);
    factor_rows_start(s->item, s->factors, s->n_items, train->by_item, s->factors, p->init_mean, p->init_std,
                      run->seed, INIT_ITEMS);
    factor_rows_start(w.y, s->factors, s->n_items, train->by_item, s->factors, p->init_mean, p->init_std,
                      run->seed, INIT_IMPLICIT);
    TRY(epochs(s, train->by_user, p, &w, run));
    s->user = w.whole;
    return STATUS_OK;
}

static enum status svdpp_factors(const void *state, struct factors *out)
{
    const struct svdpp *s = state;
    *out = (struct factors){.n_users = s->n_users,
                            .n_items = s->n_items,
                            .factors = s->factors,
                            .user = s->user,
                            .item = s->item,
                            .ld_user = s->factors,
                            .ld_item = s->factors,
                            .user_bias = s->user_bias,
                            .item_bias = s->item_bias,
                            .offset = s->mean};
    return STATUS_OK;
}

static enum status svdpp_save(const void *state, struct model_writer *w)
{
    const struct svdpp *s = state;
    TRY(model_put(w, "user", ARRAY_F32, s->n_users, s->factors, s->user));
    TRY(model_put(w, "item", ARRAY_F32, s->n_items, s->factors, s->item));
    TRY(model_put(w, "user_bias", ARRAY_F32, s->n_users, 1, s->user_bias));
    TRY(model_put(w, "item_bias", ARRAY_F32, s->n_items, 1, s->item_bias));
    return model_put(w, "mean", ARRAY_F32, 1, 1, &s->mean);
}

static enum status svdpp_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    const struct svdpp_params *p = params;
    struct svdpp *s = state;
    uint64_t n_users = 0, n_items = 0, factors = (uint64_t)p->factors, one = 1;
    const void *user, *item, *user_bias, *item_bias, *mean;
    (void)run;
    TRY(model_get(r, "user", ARRAY_F32, &n_users, &factors, &user));
    TRY(model_get(r, "item", ARRAY_F32, &n_items, &factors, &item));
    TRY(model_get(r, "user_bias", ARRAY_F32, &n_users, &one, &user_bias));
    TRY(model_get(r, "item_bias", ARRAY_F32, &n_items, &one, &item_bias));
    TRY(model_get(r, "mean", ARRAY_F32, &one, &one, &mean));
    if (n_users > UINT32_MAX || n_items > UINT32_MAX)
        return status_fail(STATUS_DATA, "the model file holds more than 2^32 users or items");
    *s = (struct svdpp){.n_users = (uint32_t)n_users,
                        .n_items = (uint32_t)n_items,
                        .factors = (uint32_t)factors,
                        .user = (float *)user,
                        .item = (float *)item,
                        .user_bias = (float *)user_bias,
                        .item_bias = (float *)item_bias,
                        .mean = *(const float *)mean};
    return STATUS_OK;
}

static void svdpp_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                       double *flops)
{
    const struct svdpp_params *p = params;
    *bytes = 4.0 * p->factors * (2.0 * n_users + 2.0 * n_items) + 4.0 * ((double)n_users + n_items);
    *flops = (double)p->epochs * (double)nnz * 24.0 * p->factors;
}

extern const struct model_type model_svdpp;
const struct model_type model_svdpp = {
    .name = "svdpp",
    .family = "matrix factorization",
    .source = "Koren, KDD 2008, section 4",
    .help = "ratings with biases; a user is also what was rated",
    .version = 1,
    .params = svdpp_params,
    .params_size = sizeof(struct svdpp_params),
    .needs = NEEDS_RATINGS,
    .state_size = sizeof(struct svdpp),
    .fit = svdpp_fit,
    .factors = svdpp_factors,
    .save = svdpp_save,
    .load = svdpp_load,
    .cost = svdpp_cost,
};
