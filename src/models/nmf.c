/*
 * nmf.c - ratings as products of factors that are never negative.
 *
 *     r(u, i) = q_i . p_u,     with `biased`: mean + b_u + b_i + q_i . p_u
 * by multiplicative updates that leave out what wasn't rated (regularised, so that few ratings can't blow a row up):
 *     p_uf <- p_uf (sum over the ratings of u of q_if value) / (sum of q_if r(u, i) + n_u reg_pu p_uf)
 * and for q the same, both from the p, q and r before the sweep.  With `biased` the biases take gradient steps first.
 * Source: Luo, Zhou, Xia, Zhu, IEEE Trans. Industrial Informatics 10(2), 2014; names and defaults are those of Surprise's
 * NMF (whose biases may drive r below 0, and factors with it: they are not held).
 *
 * Order: r of every rating, then rows of users and of items, each by one thread in order of its ratings.  The gradient
 * steps of the biases go through all ratings on one thread.
 * A user or item without a rating is predicted by the mean, with `biased` by what remains of the sum.
 */
#include <math.h>

#include "models/curve.h"
#include "models/early.h"
#include "models/model_io.h"
#include "models/ratings.h"

struct nmf_params {
    int factors, epochs, patience;
    bool biased;
    double reg_pu, reg_qi, reg_bu, reg_bi, lr_bu, lr_bi, init_low, init_high;
};
#define P struct nmf_params
static const struct param nmf_params[] = {
    PARAM_INT(P, factors, 15, 1, 4096, "dimensions of the latent vectors"),
    PARAM_INT(P, epochs, 50, 1, 100000, "sweeps over users and items"),
    PARAM_INT(P, patience, 0, 0, 100000,
              "epochs without a better validation before it stops; 0: never sooner"),
    PARAM_BOOL(P, biased, false, "mean and biases of users and items are added"),
    PARAM_REAL(P, reg_pu, 0.06, 0, 1e6, "weight of the squared user factors"),
    PARAM_REAL(P, reg_qi, 0.06, 0, 1e6, "weight of the squared item factors"),
    PARAM_REAL(P, reg_bu, 0.02, 0, 1e3, "biased: weight of the squared user biases"),
    PARAM_REAL(P, reg_bi, 0.02, 0, 1e3, "biased: weight of the squared item biases"),
    PARAM_REAL(P, lr_bu, 0.005, 0, 1, "biased: length of a step of the user biases"),
    PARAM_REAL(P, lr_bi, 0.005, 0, 1, "biased: length of a step of the item biases"),
    PARAM_REAL(P, init_low, 0, 0, 1e3, "factors start from uniform(init_low, init_high)"),
    PARAM_REAL(P, init_high, 1, 0, 1e3, "factors start from uniform(init_low, init_high)"),
    PARAM_END};
#undef P

struct nmf {
    uint32_t n_users, n_items, factors;
    bool biased;
    double *user, *item;               /* [n_users x factors], [n_items x factors] */
    double *user_bias, *item_bias;     /* [n_users], [n_items]; zero unless biased */
    uint32_t *user_known, *item_known; /* 1: has ratings */
    double mean;
};

/* Named draws: the sub-streams of RANDOM_INIT. */
enum { INIT_USERS, INIT_ITEMS };

static enum status nmf_check(const void *params, const struct node *where)
{
    const struct nmf_params *p = params;
    if (p->init_low > p->init_high)
        return node_fail(where, "nmf: init_low %g is above init_high %g", p->init_low, p->init_high);
    return STATUS_OK;
}

static void init_rows(double *x, uint32_t *known, const struct csr *by_row, uint32_t factors,
                      const struct nmf_params *p, uint64_t seed, uint32_t stream)
{
#pragma omp parallel for schedule(static)
    for (uint32_t r = 0; r < by_row->n_rows; r++) {
        known[r] = by_row->ptr[r] < by_row->ptr[r + 1];
        for (uint32_t k = 0; k < factors && known[r]; k++)
            x[(size_t)r * factors + k] =
                p->init_low + (p->init_high - p->init_low) *
                                  random_unit(seed, RANDOM_INIT, stream, (uint64_t)r * factors + k);
    }
}

static double dot(const double *a, const double *b, uint32_t n)
{
    double sum = 0;
    for (uint32_t k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

/* r of every train row, in by_user's order; with biases, a step of theirs after each. */
static void predict_all(struct nmf *s, const struct csr *a, const struct nmf_params *p, double *r)
{
    if (!s->biased) {
#pragma omp parallel for schedule(static)
        for (uint32_t u = 0; u < s->n_users; u++)
            for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
                r[e] = dot(s->user + (size_t)u * s->factors, s->item + (size_t)a->idx[e] * s->factors,
                           s->factors);
        return;
    }
    for (uint32_t u = 0; u < s->n_users; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++) {
            double *bu = &s->user_bias[u], *bi = &s->item_bias[a->idx[e]];
            r[e] =
                s->mean + *bu + *bi +
                dot(s->user + (size_t)u * s->factors, s->item + (size_t)a->idx[e] * s->factors, s->factors);
            const double error = (double)a->val[e] - r[e];
            *bu += p->lr_bu * (error - p->reg_bu * *bu);
            *bi += p->lr_bi * (error - p->reg_bi * *bi);
        }
}

/* new: own rows [n_rows x factors] after a sweep.  place[e]: where entry e's prediction stands in r; NULL: at e. */
static void sweep(const struct csr *a, const int64_t *place, const double *r, const double *own,
                  const double *other, uint32_t factors, double weight, double *new)
{
#pragma omp parallel for schedule(static)
    for (uint32_t row = 0; row < a->n_rows; row++)
        for (uint32_t k = 0; k < factors; k++) {
            const double x = own[(size_t)row * factors + k];
            double above = 0, below = (double)(a->ptr[row + 1] - a->ptr[row]) * weight * x;
            for (int64_t e = a->ptr[row]; e < a->ptr[row + 1]; e++) {
                const double y = other[(size_t)a->idx[e] * factors + k];
                above += y * (double)a->val[e];
                below += y * r[place != NULL ? place[e] : e];
            }
            new[(size_t)row * factors + k] = x != 0 && below != 0 ? x *above / below : x;
        }
}

/* place[e]: the entry of by_user that by_item's entry e is. */
static enum status places(const struct view *train, struct arena *scratch, int64_t **out)
{
    const struct csr *a = train->by_user, *b = train->by_item;
    int64_t *next;
    ARENA_NEW(*out, scratch, (size_t)a->nnz);
    next = arena_copy(scratch, b->ptr, (size_t)b->n_rows + 1, sizeof *next);
    if (next == NULL)
        return STATUS_SYSTEM;
    for (uint32_t u = 0; u < a->n_rows; u++) /* users rise within an item's row */
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            (*out)[next[a->idx[e]]++] = e;
    return STATUS_OK;
}

/* Of the predictions at the start of an epoch: how the one before it ended. */
static double rmse_of(const struct csr *a, const double *r)
{
    double sum = 0;
    for (int64_t e = 0; e < a->nnz; e++)
        sum += ((double)a->val[e] - r[e]) * ((double)a->val[e] - r[e]);
    return a->nnz > 0 ? sqrt(sum / (double)a->nnz) : 0;
}

static enum status epochs(struct nmf *s, const struct nmf_params *p, const struct view *train,
                          struct run *run)
{
    const size_t n_user = (size_t)s->n_users * s->factors, n_item = (size_t)s->n_items * s->factors;
    double *r, *user, *item, sum = 0;
    int64_t *place;
    TRY(places(train, run->scratch, &place));
    ARENA_NEW(r, run->scratch, (size_t)train->by_user->nnz);
    ARENA_NEW(user, run->scratch, n_user);
    ARENA_NEW(item, run->scratch, n_item);
    struct early early;
    bool stop = false;
    early_open(&early, p->patience, run);
    TRY(early_bytes(&early, s->user, n_user * sizeof *user, run));
    TRY(early_bytes(&early, s->item, n_item * sizeof *item, run));
    TRY(early_bytes(&early, s->user_bias, s->n_users * sizeof *s->user_bias, run));
    TRY(early_bytes(&early, s->item_bias, s->n_items * sizeof *s->item_bias, run));
    for (int epoch = 0; epoch < p->epochs && !stop; epoch++) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        predict_all(s, train->by_user, p, r);
        if (run->curve != NULL && epoch > 0)
            run_curve(run, "rmse", epoch, rmse_of(train->by_user, r));
        sweep(train->by_user, NULL, r, s->user, s->item, s->factors, p->reg_pu, user);
        sweep(train->by_item, place, r, s->item, s->user, s->factors, p->reg_qi, item);
        for (size_t k = 0; k < n_user; k++)
            sum += 0 * (s->user[k] = user[k]);
        for (size_t k = 0; k < n_item; k++)
            sum += 0 * (s->item[k] = item[k]);
        if (sum != 0) /* 0 unless one is infinite or no number */
            return status_fail(STATUS_DATA,
                               "nmf: in epoch %d the factors left the range of numbers; raise "
                               "reg_pu and reg_qi, or leave `biased` off",
                               epoch + 1);
        if (!early.on)
            TRY(curve_validation(run, s, epoch + 1));
        TRY(early_step(&early, s, epoch + 1, run, &stop));
        progress_label(run->progress, "nmf: epoch %d of %d", epoch + 1, p->epochs);
    }
    return early_close(&early, run);
}

static enum status nmf_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    const struct nmf_params *p = params;
    struct nmf *s = state;
    TRY(ratings_check(train, "nmf"));
    for (int64_t e = 0; e < train->by_user->nnz; e++)
        if (train->by_user->val[e] < 0)
            return status_fail(STATUS_DATA, "nmf: a train rating is %g; ratings must not be negative",
                               (double)train->by_user->val[e]);
    *s = (struct nmf){.n_users = train->n_users,
                      .n_items = train->n_items,
                      .factors = (uint32_t)p->factors,
                      .biased = p->biased,
                      .mean = ratings_mean(train->by_user)};
    ARENA_NEW(s->user, run->arena, (size_t)s->n_users * s->factors);
    ARENA_NEW(s->item, run->arena, (size_t)s->n_items * s->factors);
    ARENA_NEW(s->user_bias, run->arena, s->n_users);
    ARENA_NEW(s->item_bias, run->arena, s->n_items);
    ARENA_NEW(s->user_known, run->arena, s->n_users);
    ARENA_NEW(s->item_known, run->arena, s->n_items);
    init_rows(s->user, s->user_known, train->by_user, s->factors, p, run->seed, INIT_USERS);
    init_rows(s->item, s->item_known, train->by_item, s->factors, p, run->seed, INIT_ITEMS);
    return epochs(s, p, train, run);
}

static enum status nmf_score_pairs(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                                   float *scores)
{
    const struct nmf *s = state;
    for (size_t j = 0; j < n; j++) {
        const uint32_t u = users[j], i = items[j];
        double r = s->biased ? s->mean + s->user_bias[u] + s->item_bias[i] : 0;
        if (s->user_known[u] && s->item_known[i])
            r += dot(s->user + (size_t)u * s->factors, s->item + (size_t)i * s->factors, s->factors);
        else if (!s->biased)
            r = s->mean;
        scores[j] = (float)r;
    }
    return STATUS_OK;
}

static enum status nmf_save(const void *state, struct model_writer *w)
{
    const struct nmf *s = state;
    TRY(model_put(w, "user", ARRAY_F64, s->n_users, s->factors, s->user));
    TRY(model_put(w, "item", ARRAY_F64, s->n_items, s->factors, s->item));
    TRY(model_put(w, "user_bias", ARRAY_F64, s->n_users, 1, s->user_bias));
    TRY(model_put(w, "item_bias", ARRAY_F64, s->n_items, 1, s->item_bias));
    TRY(model_put(w, "user_known", ARRAY_U32, s->n_users, 1, s->user_known));
    TRY(model_put(w, "item_known", ARRAY_U32, s->n_items, 1, s->item_known));
    return model_put(w, "mean", ARRAY_F64, 1, 1, &s->mean);
}

static enum status nmf_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    const struct nmf_params *p = params;
    struct nmf *s = state;
    uint64_t n_users = 0, n_items = 0, factors = (uint64_t)p->factors, one = 1;
    const void *user, *item, *user_bias, *item_bias, *user_known, *item_known, *mean;
    (void)run;
    TRY(model_get(r, "user", ARRAY_F64, &n_users, &factors, &user));
    TRY(model_get(r, "item", ARRAY_F64, &n_items, &factors, &item));
    TRY(model_get(r, "user_bias", ARRAY_F64, &n_users, &one, &user_bias));
    TRY(model_get(r, "item_bias", ARRAY_F64, &n_items, &one, &item_bias));
    TRY(model_get(r, "user_known", ARRAY_U32, &n_users, &one, &user_known));
    TRY(model_get(r, "item_known", ARRAY_U32, &n_items, &one, &item_known));
    TRY(model_get(r, "mean", ARRAY_F64, &one, &one, &mean));
    if (n_users > UINT32_MAX || n_items > UINT32_MAX)
        return status_fail(STATUS_DATA, "the model file holds more than 2^32 users or items");
    *s = (struct nmf){
        (uint32_t)n_users,      (uint32_t)n_items,      (uint32_t)factors,    p->biased,
        (double *)user,         (double *)item,         (double *)user_bias,  (double *)item_bias,
        (uint32_t *)user_known, (uint32_t *)item_known, *(const double *)mean};
    return STATUS_OK;
}

static void nmf_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                     double *flops)
{
    const struct nmf_params *p = params;
    *bytes = 16.0 * p->factors * ((double)n_users + n_items) + 16.0 * (double)nnz;
    *flops = (double)p->epochs * (double)nnz * 10.0 * p->factors;
}

extern const struct model_type model_nmf;
const struct model_type model_nmf = {
    .name = "nmf",
    .family = "matrix factorization",
    .source = "Luo, Zhou, Xia, Zhu, IEEE Trans. Industrial Informatics 10(2), 2014",
    .help = "ratings as products of factors that are never negative",
    .version = 1,
    .params = nmf_params,
    .params_size = sizeof(struct nmf_params),
    .needs = NEEDS_RATINGS,
    .state_size = sizeof(struct nmf),
    .check = nmf_check,
    .fit = nmf_fit,
    .score_pairs = nmf_score_pairs,
    .save = nmf_save,
    .load = nmf_load,
    .cost = nmf_cost,
};
