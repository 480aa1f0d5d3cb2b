/*
 * bpr_mf.c - matrix factorization for ranking by Bayesian personalized ranking (Rendle, Freudenthaler, Gantner,
 * Schmidt-Thieme 2009), by stochastic gradient descent with uniform negative items.
 *
 *     r(u, i) = b_i + p_u . q_i, minimising over users u, their items i and other items j
 *     log(1 + exp(r(u, j) - r(u, i))) + penalties (kernels/bpr.h)
 * Names: those of Elliot's BPRMF; an epoch takes every interaction once, as LightGCN's and RecBole's do, not by
 * drawing with replacement.
 *
 * Deterministic for any number of threads: each epoch deals users and items anew and at random into a grid of parts
 * (DSGD: Gemulla et al. 2011) and goes through its diagonals; the blocks of a diagonal share no row.  j is drawn
 * from the part of i.  Since the part is dealt at random each epoch, given (u, i) every other item is as likely to
 * be there as any: j is uniform over the items that u does not have (a user who has a part's every item, after
 * BPR_TRIES draws, passes that sample over).
 * A user without items has factors 0, and so has an item without users: scores are then the bias, or 0.
 */
#include <math.h>
#include <time.h>

#include "bpr.h"
#include "models/curve.h"
#include "models/deal.h"
#include "models/early.h"
#include "models/factor_rows.h"
#include "models/gradient_rows.h"
#include "models/model_io.h"

struct bpr_mf_params {
    int factors, epochs, patience;
    double learning_rate, user_regularization, positive_item_regularization, negative_item_regularization;
    bool use_bias;
    double bias_regularization, init_std;
};
#define P struct bpr_mf_params
static const struct param bpr_mf_params[] = {
    PARAM_INT(P, factors, 64, 1, 4096, "dimensions of the latent vectors"),
    PARAM_INT(P, epochs, 100, 1, 100000, "passes over the interactions"),
    PARAM_INT(P, patience, 0, 0, 100000,
              "epochs without a better validation before it stops; 0: never sooner"),
    PARAM_REAL(P, learning_rate, 0.05, 1e-9, 10, "length of a step"),
    PARAM_REAL(P, user_regularization, 0.01, 0, 1e3, "weight of a user's squared norm"),
    PARAM_REAL(P, positive_item_regularization, 0.01, 0, 1e3, "weight of the user's item's squared norm"),
    PARAM_REAL(P, negative_item_regularization, 0.01, 0, 1e3, "weight of the drawn item's squared norm"),
    PARAM_BOOL(P, use_bias, 1, "items have a bias"),
    PARAM_REAL(P, bias_regularization, 0, 0, 1e3, "weight of the squared biases"),
    PARAM_REAL(P, init_std, 0.1, 0, 1e3, "factors start from normal(0, init_std)"),
    PARAM_END};
#undef P

struct bpr_mf_state {
    uint32_t n_users, n_items, factors;
    size_t ld;
    float *user, *item, *item_bias; /* [n_users x ld], [n_items x ld], [n_items] */
};

enum { INIT_USERS, INIT_ITEMS };

static const struct kernel *kernel_of(size_t rank)
{
    return rank == 32    ? &kernel_bpr_32
           : rank == 64  ? &kernel_bpr_64
           : rank == 128 ? &kernel_bpr_128
                         : &kernel_bpr_any;
}

static enum status bpr_mf_epoch(const struct bpr_mf_state *s, struct bpr *args, struct deal *d,
                                const struct csr *a, const struct kernel *kernel, uint32_t epoch,
                                struct run *run)
{
    deal_epoch(d, a, run->seed, epoch);
    args->stream = (uint64_t)epoch << 32 | RANDOM_NEGATIVES;
    if (epoch == 0)
        TRY(backend_keep_launch(run->backend, kernel, args, d->grid));
    const void *const dealt[] = {d->sample, d->block, d->part, d->part_item};
    for (size_t i = 0; i < sizeof dealt / sizeof *dealt; i++)
        TRY(backend_changed(run->backend, dealt[i]));
    for (int i = 0; i < d->grid; i++) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        args->diagonal = (int)d->diagonal[i];
        TRY(backend_launch(run->backend, kernel, args, d->grid, BPR_SCRATCH));
    }
    TRY(backend_fetch(run->backend, s->user));
    TRY(backend_fetch(run->backend, s->item));
    TRY(backend_fetch(run->backend, s->item_bias));
    if (!factor_rows_finite(s->item_bias, s->n_items) || !factor_rows_finite(s->user, s->n_users * s->ld) ||
        !factor_rows_finite(s->item, s->n_items * s->ld))
        return status_fail(
            STATUS_DATA,
            "bpr_mf: in epoch %u the factors left the range of numbers; lower learning_rate (%g)", epoch + 1,
            (double)args->learning_rate);
    return STATUS_OK;
}

/* For the training curve. */
static enum status pair_scores(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                               float *scores)
{
    const struct bpr_mf_state *s = state;
    for (size_t j = 0; j < n; j++) {
        const float *p = s->user + users[j] * s->ld, *q = s->item + items[j] * s->ld;
        float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
        for (uint32_t k = 0; k < s->factors; k++)
            dot += p[k] * q[k];
        scores[j] = dot + s->item_bias[items[j]];
    }
    return STATUS_OK;
}

static enum status bpr_mf_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct bpr_mf_state *s = state;
    const struct bpr_mf_params *p = params;
    const struct csr *a = train->by_user;
    struct curve_pairs pairs;
    struct early early;
    struct deal d;
    time_t told = time(NULL);

    if (a->nnz > UINT32_MAX)
        return status_fail(STATUS_DATA, "bpr_mf: %lld interactions are more than 2^32", (long long)a->nnz);
    s->n_users = train->n_users, s->n_items = train->n_items, s->factors = (uint32_t)p->factors;
    s->ld = gradient_rank(p->factors);
    const struct kernel *const kernel = kernel_of(s->ld);
    ARENA_NEW(s->user, run->arena, s->n_users * s->ld);
    ARENA_NEW(s->item, run->arena, s->n_items * s->ld);
    ARENA_NEW(s->item_bias, run->arena, s->n_items);
    factor_rows_start(s->user, s->ld, s->n_users, train->by_user, s->factors, 0, p->init_std, run->seed,
                      INIT_USERS);
    factor_rows_start(s->item, s->ld, s->n_items, train->by_item, s->factors, 0, p->init_std, run->seed,
                      INIT_ITEMS);
    TRY(deal_new(&d, a, run->scratch));
    TRY(curve_pairs_new(a, run, &pairs));
    struct bpr args = {.n_users = s->n_users,
                       .user = s->user,
                       .item = s->item,
                       .item_bias = s->item_bias,
                       .sample = d.sample,
                       .block = d.block,
                       .part = d.part,
                       .part_item = d.part_item,
                       .ptr = a->ptr,
                       .idx = a->idx,
                       .seed = run->seed,
                       .learning_rate = (float)p->learning_rate,
                       .reg_user = (float)p->user_regularization,
                       .reg_positive = (float)p->positive_item_regularization,
                       .reg_negative = (float)p->negative_item_regularization,
                       .reg_bias = (float)p->bias_regularization,
                       .use_bias = p->use_bias,
                       .rank = (int)s->ld,
                       .grid = d.grid};
    bool stop = false;
    early_open(&early, p->patience, run);
    TRY(early_part(&early, s->user, s->n_users * s->ld, run));
    TRY(early_part(&early, s->item, s->n_items * s->ld, run));
    TRY(early_part(&early, s->item_bias, s->n_items, run));
    for (int epoch = 0; epoch < p->epochs && !stop; epoch++) {
        TRY(bpr_mf_epoch(s, &args, &d, a, kernel, (uint32_t)epoch, run));
        TRY(curve_pairwise(run, &pairs, pair_scores, s, epoch + 1));
        if (!early.on)
            TRY(curve_validation(run, s, epoch + 1));
        TRY(early_step(&early, s, epoch + 1, run, &stop));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "bpr_mf: epoch %d of %d", epoch + 1, p->epochs);
            told = time(NULL);
        }
    }
    return early_close(&early, run);
}

static enum status bpr_mf_factors(const void *state, struct factors *out)
{
    const struct bpr_mf_state *s = state;
    *out = (struct factors){.n_users = s->n_users,
                            .n_items = s->n_items,
                            .factors = s->factors,
                            .user = s->user,
                            .item = s->item,
                            .ld_user = s->ld,
                            .ld_item = s->ld,
                            .item_bias = s->item_bias};
    return STATUS_OK;
}

static enum status bpr_mf_save(const void *state, struct model_writer *w)
{
    const struct bpr_mf_state *s = state;
    TRY(model_put(w, "user", ARRAY_F32, s->n_users, s->ld, s->user));
    TRY(model_put(w, "item", ARRAY_F32, s->n_items, s->ld, s->item));
    return model_put(w, "item_bias", ARRAY_F32, s->n_items, 1, s->item_bias);
}

static enum status bpr_mf_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct bpr_mf_state *s = state;
    const struct bpr_mf_params *p = params;
    const void *item_bias;
    (void)run;
    *s = (struct bpr_mf_state){.factors = (uint32_t)p->factors, .ld = gradient_rank(p->factors)};
    TRY(model_get_factors(r, s->ld, &s->n_users, &s->n_items, &s->user, &s->item));
    uint64_t n_items = s->n_items, one = 1;
    TRY(model_get(r, "item_bias", ARRAY_F32, &n_items, &one, &item_bias));
    s->item_bias = (float *)item_bias;
    return STATUS_OK;
}

static void bpr_mf_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                        double *flops)
{
    const struct bpr_mf_params *p = params;
    const double ld = (double)gradient_rank(p->factors), rows = (double)n_users + n_items;
    *bytes = rows * (4.0 * (ld + 3.0)) + (double)nnz * (2.0 * sizeof(struct bpr_sample) + 4.0);
    *flops = (double)p->epochs * (double)nnz * 14.0 * ld;
}

extern const struct model_type model_bpr_mf;
const struct model_type model_bpr_mf = {
    .name = "bpr_mf",
    .family = "matrix factorization",
    .source = "Rendle, Freudenthaler, Gantner, Schmidt-Thieme 2009; blocks: Gemulla et al. 2011",
    .help = "pairwise ranking (BPR), by stochastic gradient descent",
    .version = 1,
    .params = bpr_mf_params,
    .params_size = sizeof(struct bpr_mf_params),
    .state_size = sizeof(struct bpr_mf_state),
    .fit = bpr_mf_fit,
    .factors = bpr_mf_factors,
    .save = bpr_mf_save,
    .load = bpr_mf_load,
    .cost = bpr_mf_cost,
};
