/*
 * mf2020.c - matrix factorization with biases for implicit feedback, by stochastic gradient descent on the logistic loss with drawn negatives
 * (Rendle, Krichene, Zhang, Anderson 2020, "Neural Collaborative Filtering vs. Matrix Factorization Revisited", whose plain product beat NCF's
 * networks; Elliot calls it MF2020).
 *
 *     y(u, i) = b + b_u + b_i + p_u . q_i, minimising over users u and their items i
 *     log(1 + e^-y(u, i)) + sum over `negatives` j of log(1 + e^y(u, j)) + reg / 2 |all that takes part|^2 (kernels/mf2020.h)
 * As there, negatives are uniform over all items, the user's own among them.  The paper's embedding of d numbers holds the bias: it has
 * d - 1 factors here.
 *
 * Steps are those of the paper, one after the other; only their order differs: it shuffles an epoch's samples and negatives together, here a sample's
 * negatives follow it, and samples go block by block (deal.h), so that the result does not depend on threads.  b, which the blocks share, is
 * averaged over them after each diagonal; it orders no list.
 * A user without items has factors and bias 0.
 */
#include "mf2020.h"

#include <math.h>
#include <time.h>

#include "models/biased_factors.h"
#include "models/curve.h"
#include "models/deal.h"
#include "models/early.h"
#include "models/factor_rows.h"

struct mf2020_params {
    int factors, epochs, patience, negatives;
    double learning_rate, regularization, init_std;
};
#define P struct mf2020_params
static const struct param mf2020_params[] = {
    PARAM_INT(P, factors, 64, 1, 4096, "dimensions of the latent vectors, without the biases"),
    PARAM_INT(P, epochs, 100, 1, 100000, "passes over the interactions"),
    PARAM_INT(P, patience, 0, 0, 100000,
              "epochs without a better validation before it stops; 0: never sooner"),
    PARAM_INT(P, negatives, 4, 1, 1000, "items drawn for each interaction and epoch"),
    PARAM_REAL(P, learning_rate, 0.02, 1e-9, 10, "length of a step"),
    PARAM_REAL(P, regularization, 0.005, 0, 1e3, "weight of the squared norms of what takes part in a step"),
    PARAM_REAL(P, init_std, 0.1, 0, 1e3, "factors start from normal(0, init_std)"),
    PARAM_END};
#undef P

enum { INIT_USERS, INIT_ITEMS };

static size_t rank_of(int factors, const struct kernel **kernel)
{
    *kernel = factors <= 32    ? &kernel_mf2020_32
              : factors <= 64  ? &kernel_mf2020_64
              : factors <= 128 ? &kernel_mf2020_128
              : factors <= 192 ? &kernel_mf2020_192
                               : &kernel_mf2020_any;
    return factors <= 32    ? 32
           : factors <= 64  ? 64
           : factors <= 128 ? 128
           : factors <= 192 ? 192
                            : ((size_t)factors + MF2020_PAD - 1) / MF2020_PAD * MF2020_PAD;
}

/* What a fit goes through. */
struct descent {
    struct biased_factors *s;
    const struct csr *by_user;
    const struct kernel *kernel;
    struct mf2020 args;
    struct deal deal;
    float *bias[2]; /* [grid] each: what a launch reads and what it leaves, in turn */
};

static enum status fetch_and_check(struct descent *d, uint32_t epoch, struct run *run)
{
    struct biased_factors *s = d->s;
    TRY(backend_fetch(run->backend, s->user));
    TRY(backend_fetch(run->backend, s->item));
    TRY(backend_fetch(run->backend, s->user_bias));
    TRY(backend_fetch(run->backend, s->item_bias));
    TRY(backend_fetch(run->backend, d->args.bias_to));
    s->mean = 0.0f;
    for (int g = 0; g < d->deal.grid; g++)
        s->mean += d->args.bias_to[g];
    s->mean /= (float)d->deal.grid;
    if (!factor_rows_finite(&s->mean, 1) || !factor_rows_finite(s->item_bias, s->n_items) ||
        !factor_rows_finite(s->user_bias, s->n_users) || !factor_rows_finite(s->user, s->n_users * s->ld) ||
        !factor_rows_finite(s->item, s->n_items * s->ld))
        return status_fail(
            STATUS_DATA,
            "mf2020: in epoch %u the factors left the range of numbers; lower learning_rate (%g)", epoch + 1,
            (double)d->args.learning_rate);
    return STATUS_OK;
}

static enum status run_epoch(struct descent *d, uint32_t epoch, struct run *run)
{
    struct deal *deal = &d->deal;
    deal_epoch(deal, d->by_user, run->seed, epoch);
    d->args.stream = (uint64_t)epoch << 32 | RANDOM_NEGATIVES;
    if (epoch == 0)
        TRY(backend_keep_launch(run->backend, d->kernel, &d->args, deal->grid));
    const void *const dealt[] = {deal->sample, deal->block, deal->part, deal->part_item, deal->place};
    for (size_t i = 0; i < sizeof dealt / sizeof *dealt; i++)
        TRY(backend_changed(run->backend, dealt[i]));
    for (int i = 0; i < deal->grid; i++) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        float *const from = d->args.bias_to; /* of the launch before */
        d->args.bias_to = from == d->bias[0] ? d->bias[1] : d->bias[0];
        d->args.bias_from = from;
        d->args.diagonal = (int)deal->diagonal[i];
        TRY(backend_launch(run->backend, d->kernel, &d->args, deal->grid, MF2020_SCRATCH));
    }
    return fetch_and_check(d, epoch, run);
}

static enum status descend(struct descent *d, const struct mf2020_params *p, struct run *run)
{
    struct biased_factors *s = d->s;
    struct curve_pairs pairs;
    struct early early;
    time_t told = time(NULL);
    bool stop = false;
    TRY(curve_pairs_new(d->by_user, run, &pairs));
    early_open(&early, p->patience, run);
    TRY(early_part(&early, s->user, s->n_users * s->ld, run));
    TRY(early_part(&early, s->item, s->n_items * s->ld, run));
    TRY(early_part(&early, s->user_bias, s->n_users, run));
    TRY(early_part(&early, s->item_bias, s->n_items, run));
    TRY(early_part(&early, &s->mean, 1, run));
    for (int epoch = 0; epoch < p->epochs && !stop; epoch++) {
        TRY(run_epoch(d, (uint32_t)epoch, run));
        TRY(curve_pairwise(run, &pairs, biased_factors_score_pairs, s, epoch + 1));
        if (!early.on)
            TRY(curve_validation(run, s, epoch + 1));
        TRY(early_step(&early, s, epoch + 1, run, &stop));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "mf2020: epoch %d of %d", epoch + 1, p->epochs);
            told = time(NULL);
        }
    }
    return early_close(&early, run);
}

static enum status mf2020_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct biased_factors *s = state;
    const struct mf2020_params *p = params;
    const struct csr *a = train->by_user;
    struct descent d = {.s = s, .by_user = a};

    if (a->nnz > UINT32_MAX)
        return status_fail(STATUS_DATA, "mf2020: %lld interactions are more than 2^32", (long long)a->nnz);
    *s = (struct biased_factors){.n_users = train->n_users,
                                 .n_items = train->n_items,
                                 .factors = (uint32_t)p->factors,
                                 .ld = rank_of(p->factors, &d.kernel),
                                 .low = -INFINITY,
                                 .high = INFINITY};
    ARENA_NEW(s->user, run->arena, s->n_users * s->ld);
    ARENA_NEW(s->item, run->arena, s->n_items * s->ld);
    ARENA_NEW(s->user_bias, run->arena, s->n_users);
    ARENA_NEW(s->item_bias, run->arena, s->n_items);
    factor_rows_start(s->user, s->ld, s->n_users, a, s->factors, 0, p->init_std, run->seed, INIT_USERS);
    factor_rows_start(s->item, s->ld, s->n_items, NULL, s->factors, 0, p->init_std, run->seed, INIT_ITEMS);
    TRY(deal_new(&d.deal, a, run->scratch));
    ARENA_NEW(d.bias[0], run->scratch, (size_t)d.deal.grid);
    ARENA_NEW(d.bias[1], run->scratch, (size_t)d.deal.grid);
    d.args = (struct mf2020){.user = s->user,
                             .item = s->item,
                             .user_bias = s->user_bias,
                             .item_bias = s->item_bias,
                             .bias_from = d.bias[1],
                             .bias_to = d.bias[0],
                             .sample = d.deal.sample,
                             .block = d.deal.block,
                             .part = d.deal.part,
                             .part_item = d.deal.part_item,
                             .place = d.deal.place,
                             .n_users = s->n_users,
                             .seed = run->seed,
                             .learning_rate = (float)p->learning_rate,
                             .reg = (float)p->regularization,
                             .negatives = p->negatives,
                             .rank = (int)s->ld,
                             .grid = d.deal.grid};
    return descend(&d, p, run);
}

static enum status mf2020_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    const struct mf2020_params *p = params;
    const struct kernel *kernel;
    (void)run;
    return biased_factors_load(state, (uint32_t)p->factors, rank_of(p->factors, &kernel), false, r);
}

static void mf2020_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                        double *flops)
{
    const struct mf2020_params *p = params;
    const struct kernel *kernel;
    const double ld = (double)rank_of(p->factors, &kernel), rows = (double)n_users + n_items;
    *bytes = rows * (4.0 * (ld + 4.0)) + (double)nnz * (2.0 * sizeof(struct bpr_sample) + 4.0);
    *flops = (double)p->epochs * (double)nnz * (1.0 + p->negatives) * 8.0 * ld;
}

extern const struct model_type model_mf2020;
const struct model_type model_mf2020 = {
    .name = "mf2020",
    .family = "matrix factorization",
    .source = "Rendle, Krichene, Zhang, Anderson 2020; blocks: Gemulla et al. 2011",
    .help = "what is taken (logistic loss, drawn negatives, biases), by stochastic gradient descent",
    .version = 1,
    .params = mf2020_params,
    .params_size = sizeof(struct mf2020_params),
    .state_size = sizeof(struct biased_factors),
    .fit = mf2020_fit,
    .factors = biased_factors_factors,
    .save = biased_factors_save,
    .load = mf2020_load,
    .cost = mf2020_cost,
};
