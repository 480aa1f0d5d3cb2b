/*
 * svd.c - matrix factorization of ratings with user and item biases, by stochastic gradient descent.
 *
 *     r(u, i) = mean + b_u + b_i + p_u . q_i, minimising over the train rows
 *     sum ((value - r)^2 + regularization (b_u^2 + b_i^2 + |p_u|^2 + |q_i|^2)) / 2
 * Source: Funk 2006; Koren, Bell, Volinsky 2009.  Names and defaults are those of Surprise's SVD; biased: false leaves
 * p_u . q_i alone (Surprise calls that PMF; the model of that paper is pmf.c).
 *
 * Order: users and items are dealt at random into a grid of parts, the samples of each block shuffled once; an epoch
 * goes through the diagonals of the grid in an order of its own (DSGD: Gemulla et al. 2011).  The grid depends on the
 * number of ratings alone, blocks of a diagonal share no row, so the threads change nothing.
 * A user or item without a rating has bias 0 and factors 0: the prediction is what remains of the sum.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "models/biased_factors.h"
#include "models/curve.h"
#include "models/early.h"
#include "models/factor_rows.h"
#include "sgd.h"

struct svd_params {
    int factors, epochs, patience;
    bool biased;
    double learning_rate, regularization, init_mean, init_std;
    double lr_bu, lr_bi, lr_pu, lr_qi, reg_bu, reg_bi, reg_pu, reg_qi;
    bool clip;
};
#define P          struct svd_params
#define LR(field)  PARAM_REAL(P, field, -1, -1, 10, "length of a step of this part; below 0: learning_rate")
#define REG(field) PARAM_REAL(P, field, -1, -1, 1e3, "weight of this part's square; below 0: regularization")
static const struct param svd_params[] = {
    PARAM_INT(P, factors, 100, 1, 4096, "dimensions of the latent vectors"),
    PARAM_INT(P, epochs, 20, 1, 100000, "passes over the ratings"),
    PARAM_INT(P, patience, 0, 0, 100000,
              "epochs without a better validation before it stops; 0: never sooner"),
    PARAM_BOOL(P, biased, 1, "the mean and a bias of each user and item; off: the product of factors alone"),
    PARAM_REAL(P, learning_rate, 0.005, 1e-9, 10, "length of a step"),
    PARAM_REAL(P, regularization, 0.02, 0, 1e3, "weight of the squared norms and biases"),
    PARAM_REAL(P, init_mean, 0, -1e3, 1e3, "factors start from normal(init_mean, init_std)"),
    PARAM_REAL(P, init_std, 0.1, 0, 1e3, "factors start from normal(init_mean, init_std)"),
    LR(lr_bu),
    LR(lr_bi),
    LR(lr_pu),
    LR(lr_qi),
    REG(reg_bu),
    REG(reg_bi),
    REG(reg_pu),
    REG(reg_qi),
    PARAM_BOOL(P, clip, false,
               "predicted ratings of given pairs are held within the range of the train ratings"),
    PARAM_END};
#undef P

/* Named draws: the sub-streams of RANDOM_INIT and RANDOM_ORDER. */
enum { INIT_USERS, INIT_ITEMS };
enum { ORDER_USERS, ORDER_ITEMS, ORDER_DIAGONALS, ORDER_SAMPLES = 1 << 20 };

static size_t rank_of(int factors, const struct kernel **kernel)
{
    *kernel = factors <= 32    ? &kernel_sgd_32
              : factors <= 64  ? &kernel_sgd_64
              : factors <= 128 ? &kernel_sgd_128
                               : &kernel_sgd_any;
    return factors <= 32    ? 32
           : factors <= 64  ? 64
           : factors <= 128 ? 128
                            : ((size_t)factors + SGD_PAD - 1) / SGD_PAD * SGD_PAD;
}

/* Parts of users and of items: a function of the data alone. */
static int grid_of(int64_t nnz)
{
    return nnz < 1000 ? 2 : nnz < 1000000 ? 8 : nnz < 10000000 ? 16 : 32;
}

/* part[i]: the part of row i, parts equal in rows, dealt at random. */
static enum status deal(uint32_t n, int grid, uint64_t seed, uint32_t stream, struct arena *scratch,
                        uint8_t **out)
{
    uint32_t *place;
    ARENA_NEW(place, scratch, n);
    ARENA_NEW(*out, scratch, n);
    random_permutation(seed, RANDOM_ORDER, stream, n, place);
    for (uint32_t i = 0; i < n; i++)
        (*out)[i] = (uint8_t)((uint64_t)place[i] * (uint64_t)grid / n);
    return STATUS_OK;
}

/* The train rows block by block, shuffled within each. */
static enum status make_blocks(const struct csr *a, int grid, uint64_t seed, struct arena *scratch,
                               struct sgd_sample **out, int64_t **out_block)
{
    const int blocks = grid * grid;
    uint8_t *user_part, *item_part;
    struct sgd_sample *sorted, *sample;
    int64_t *block, *at;
    uint32_t *order;
    TRY(deal(a->n_rows, grid, seed, ORDER_USERS, scratch, &user_part));
    TRY(deal(a->n_cols, grid, seed, ORDER_ITEMS, scratch, &item_part));
    ARENA_NEW(block, scratch, (size_t)blocks + 1);
    ARENA_NEW(at, scratch, (size_t)blocks);
    ARENA_NEW(sorted, scratch, (size_t)a->nnz);
    ARENA_NEW(sample, scratch, (size_t)a->nnz);
    ARENA_NEW(order, scratch, (size_t)a->nnz);
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            block[user_part[u] * grid + item_part[a->idx[e]] + 1]++;
    for (int b = 0; b < blocks; b++)
        block[b + 1] += block[b], at[b] = block[b];
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            sorted[at[user_part[u] * grid + item_part[a->idx[e]]]++] =
                (struct sgd_sample){.user = u, .item = a->idx[e], .value = a->val[e]};
#pragma omp parallel for schedule(dynamic, 1)
    for (int b = 0; b < blocks; b++) {
        random_permutation(seed, RANDOM_ORDER, (uint32_t)(ORDER_SAMPLES + b),
                           (uint32_t)(block[b + 1] - block[b]), order + block[b]);
        for (int64_t e = block[b]; e < block[b + 1]; e++)
            sample[e] = sorted[block[b] + order[e]];
    }
    *out = sample, *out_block = block;
    return STATUS_OK;
}

static enum status check_train(const struct view *train)
{
    const struct csr *a = train->by_user;
    if (a->val == NULL)
        return status_fail(STATUS_DATA,
                           "svd: the dataset has no ratings; use a model of implicit feedback (ials)");
    if (a->nnz > UINT32_MAX)
        return status_fail(STATUS_DATA, "svd: %lld ratings are more than 2^32", (long long)a->nnz);
    return STATUS_OK;
}

static double mean_of(const struct csr *a)
{
    double sum = 0.0;
    for (int64_t e = 0; e < a->nnz; e++)
        sum += a->val[e];
    return a->nnz > 0 ? sum / (double)a->nnz : 0.0;
}

static enum status epochs(struct biased_factors *s, const struct svd_params *p, struct sgd *args,
                          const struct kernel *kernel, struct curve_pairs *pairs, struct run *run)
{
    const float *const tables[] = {s->user_bias, s->item_bias, s->user, s->item};
    uint32_t diagonal[256];
    struct early early;
    bool stop = false;
    time_t told = time(NULL);
    TRY(backend_keep_launch(run->backend, kernel, args, args->grid));
    early_open(&early, p->patience, run);
    TRY(early_part(&early, s->user, s->n_users * s->ld, run));
    TRY(early_part(&early, s->item, s->n_items * s->ld, run));
    TRY(early_part(&early, s->user_bias, s->n_users, run));
    TRY(early_part(&early, s->item_bias, s->n_items, run));
    for (int epoch = 0; epoch < p->epochs && !stop; epoch++) {
        random_permutation(run->seed, RANDOM_ORDER, (uint32_t)ORDER_DIAGONALS + (uint32_t)epoch,
                           (uint32_t)args->grid, diagonal);
        for (int d = 0; d < args->grid; d++) {
            if (*run->cancelled)
                return STATUS_STOPPED;
            args->diagonal = (int)diagonal[d];
            TRY(backend_launch(run->backend, kernel, args, args->grid, 0));
        }
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
            TRY(backend_fetch(run->backend, tables[i]));
        if (!factor_rows_finite(s->user_bias, s->n_users) || !factor_rows_finite(s->item_bias, s->n_items) ||
            !factor_rows_finite(s->user, s->n_users * s->ld) ||
            !factor_rows_finite(s->item, s->n_items * s->ld))
            return status_fail(STATUS_DATA,
                               "svd: in epoch %d the factors left the range of numbers; lower "
                               "learning_rate (%g)",
                               epoch + 1, p->learning_rate);
        TRY(curve_rmse(run, pairs, biased_factors_score_pairs, s, epoch + 1));
        if (!early.on)
            TRY(curve_validation(run, s, epoch + 1));
        TRY(early_step(&early, s, epoch + 1, run, &stop));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "svd: epoch %d of %d", epoch + 1, p->epochs);
            told = time(NULL);
        }
    }
    return early_close(&early, run);
}

static float rate_of(const struct svd_params *p, double own)
{
    return (float)(own < 0 ? p->learning_rate : own);
}
static float weight_of(const struct svd_params *p, double own)
{
    return (float)(own < 0 ? p->regularization : own);
}

static enum status svd_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct biased_factors *s = state;
    const struct svd_params *p = params;
    const struct kernel *kernel;
    struct sgd_sample *sample;
    struct curve_pairs pairs;
    int64_t *block;
    TRY(check_train(train));
    s->n_users = train->n_users, s->n_items = train->n_items, s->factors = (uint32_t)p->factors;
    s->ld = rank_of(p->factors, &kernel);
    s->mean = p->biased ? (float)mean_of(train->by_user) : 0.0f;
    s->low = p->clip ? train->minimum_value : -INFINITY, s->high = p->clip ? train->maximum_value : INFINITY;
    ARENA_NEW(s->user, run->arena, s->n_users * s->ld);
    ARENA_NEW(s->item, run->arena, s->n_items * s->ld);
    ARENA_NEW(s->user_bias, run->arena, s->n_users);
    ARENA_NEW(s->item_bias, run->arena, s->n_items);
    factor_rows_start(s->user, s->ld, s->n_users, train->by_user, s->factors, p->init_mean, p->init_std,
                      run->seed, INIT_USERS);
    factor_rows_start(s->item, s->ld, s->n_items, train->by_item, s->factors, p->init_mean, p->init_std,
                      run->seed, INIT_ITEMS);
    const int grid = grid_of(train->by_user->nnz);
    TRY(make_blocks(train->by_user, grid, run->seed, run->scratch, &sample, &block));
    struct sgd args = {.n_users = s->n_users,
                       .n_items = s->n_items,
                       .user = s->user,
                       .item = s->item,
                       .user_bias = s->user_bias,
                       .item_bias = s->item_bias,
                       .sample = sample,
                       .block = block,
                       .mean = s->mean,
                       .lr_bu = p->biased ? rate_of(p, p->lr_bu) : 0.0f,
                       .lr_bi = p->biased ? rate_of(p, p->lr_bi) : 0.0f,
                       .lr_pu = rate_of(p, p->lr_pu),
                       .lr_qi = rate_of(p, p->lr_qi),
                       .reg_bu = weight_of(p, p->reg_bu),
                       .reg_bi = weight_of(p, p->reg_bi),
                       .reg_pu = weight_of(p, p->reg_pu),
                       .reg_qi = weight_of(p, p->reg_qi),
                       .rank = (int)s->ld,
                       .grid = grid};
    TRY(curve_pairs_new(train->by_user, run, &pairs));
    return epochs(s, p, &args, kernel, &pairs, run);
}

static enum status svd_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    const struct svd_params *p = params;
    const struct kernel *kernel;
    (void)run;
    return biased_factors_load(state, (uint32_t)p->factors, rank_of(p->factors, &kernel), p->clip, r);
}

static void svd_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                     double *flops)
{
    const struct svd_params *p = params;
    const struct kernel *kernel;
    const double ld = (double)rank_of(p->factors, &kernel), rows = (double)n_users + n_items;
    *bytes = rows * (4.0 * (ld + 2.0) + 1.0) + (double)nnz * (2.0 * sizeof(struct sgd_sample) + 4.0);
    *flops = (double)p->epochs * (double)nnz * 8.0 * ld;
}

extern const struct model_type model_svd;
const struct model_type model_svd = {
    .name = "svd",
    .family = "matrix factorization",
    .source = "Funk 2006; Koren, Bell, Volinsky 2009; blocks: Gemulla et al. 2011",
    .help = "ratings with biases, by stochastic gradient descent",
    .version = 1,
    .params = svd_params,
    .params_size = sizeof(struct svd_params),
    .needs = NEEDS_RATINGS,
    .state_size = sizeof(struct biased_factors),
    .fit = svd_fit,
    .score_pairs = biased_factors_score_pairs,
    .factors = biased_factors_factors,
    .save = biased_factors_save,
    .load = svd_load,
    .cost = svd_cost,
};
