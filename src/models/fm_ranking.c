/*
 * fm_ranking.c - a factorization machine that ranks (Rendle 2010; fm_design.h has its features), by stochastic gradient
 * descent on train pairs and drawn negatives:
 *     loss bpr       log(1 + e^-(y(u, i) - y(u, j)))                          (Rendle et al. 2009)
 *     loss logistic  log(1 + e^-y(u, i)) + sum over `negatives` j of log(1 + e^y(u, j))
 * with i a train item of u and j uniform among the items that u does not have, drawn anew each epoch; plus
 * (reg_weight |w|^2 + reg_factor |V|^2) / 2 over the features of each sample.  In order, on one thread.
 */
#include <math.h>
#include <time.h>

#include "models/curve.h"
#include "models/fm_machine.h"

enum { LOSS_BPR, LOSS_LOGISTIC };
enum {
    TRIES = 64,
    WATCHED = 4096 /* samples of a training curve */
};                 /* draws of a negative before a sample is passed over: a user may have nearly all items */

struct fm_ranking_params {
    FM_DESIGN_FIELDS
    int factors, loss, negatives, optimizer, epochs, patience;
    double learning_rate, reg_weight, reg_factor, init_std;
};
#define P struct fm_ranking_params
static const struct param fm_ranking_params[] = {
    FM_DESIGN_PARAMS(P),
    PARAM_INT(P, factors, 32, 1, 4096, "dimensions of the features' vectors"),
    PARAM_CHOICE(P, loss, "bpr", "bpr|logistic", "pairs of an item and a negative, or each by itself"),
    PARAM_INT(P, negatives, 4, 1, 1000, "negatives a train pair and epoch"),
    PARAM_CHOICE(P, optimizer, "adagrad", FM_OPTIMIZERS,
                 "plain steps, or divided by the root of squared gradients"),
    PARAM_INT(P, epochs, 20, 1, 100000, "passes over the train pairs"),
    PARAM_INT(P, patience, 0, 0, 100000,
              "epochs without a better validation before it stops; 0: never sooner"),
    PARAM_REAL(P, learning_rate, 0.05, 1e-9, 10, "length of a step"),
    PARAM_REAL(P, reg_weight, 0.001, 0, 1e3, "weight of the features' squared weights"),
    PARAM_REAL(P, reg_factor, 0.005, 0, 1e3, "weight of the features' squared vectors"),
    PARAM_REAL(P, init_std, 0.05, 0, 1e3, "vectors start from normal(0, init_std)"),
    PARAM_END};
#undef P

/* Uniform among the items that the user lacks; draw number `index` of the epoch.  False: none was found. */
static bool draw_negative(const struct csr *a, uint32_t user, uint64_t seed, uint32_t epoch, uint64_t index,
                          uint32_t *item)
{
    for (uint64_t i = 0; i < TRIES; i++) {
        *item =
            (uint32_t)(((uint64_t)random_u32(seed, RANDOM_NEGATIVES, epoch, index * TRIES + i) * a->n_cols) >>
                       32);
        if (!csr_has(a, user, *item))
            return true;
    }
    return false;
}

/* The samples of one epoch, in its order; *n of them. */
static void deal_epoch(const struct csr *a, const uint32_t *user_of, const uint32_t *order, int epoch,
                       const struct fm_ranking_params *p, uint64_t seed, struct fm_sample *out, int64_t *n)
{
    *n = 0;
    for (int64_t at = 0; at < a->nnz; at++) {
        const uint32_t e = order[at], user = user_of[e], item = a->idx[e];
        if (p->loss == LOSS_LOGISTIC)
            out[(*n)++] = (struct fm_sample){.user = user, .item = item, .target = 1};
        for (int k = 0; k < p->negatives; k++) {
            const uint64_t draw = (uint64_t)e * (uint64_t)p->negatives + (uint64_t)k;
            uint32_t negative;
            if (!draw_negative(a, user, seed, (uint32_t)epoch, draw, &negative))
                continue;
            out[(*n)++] = p->loss == LOSS_BPR
                              ? (struct fm_sample){.user = user, .item = item, .negative = negative}
                              : (struct fm_sample){.user = user, .item = negative, .target = 0};
        }
    }
}

/* The mean loss of the first samples of an epoch, whose order is random, after it. */
static enum status tell_loss(const struct fm_machine *m, int loss, const struct fm_sample *sample, int64_t n,
                             struct fm_state *s, int step, const struct run *run)
{
    double sum = 0;
    n = n < WATCHED ? n : WATCHED;
    if (run->curve == NULL || n == 0)
        return STATUS_OK;
    fm_state_fill(s, m);
    for (int64_t j = 0; j < n; j++) {
        const uint32_t users[] = {sample[j].user, sample[j].user},
                       items[] = {sample[j].item, sample[j].negative};
        float y[2] = {0};
        TRY(fm_score_pairs(s, users, items, loss == LOSS_BPR ? 2 : 1, y));
        const double x = loss == LOSS_BPR       ? (double)y[0] - (double)y[1]
                         : sample[j].target > 0 ? (double)y[0]
                                                : -(double)y[0];
        sum += x > 0 ? log1p(exp(-x)) : log1p(exp(x)) - x;
    }
    run_curve(run, "loss", step, sum / (double)n);
    return STATUS_OK;
}

static enum status descend(const struct fm_machine *m, const struct fm_ranking_params *p, const struct csr *a,
                           struct fm_watch *watch, struct run *run)
{
    struct fm_sample *sample;
    bool stop = false;
    uint32_t *order, *user_of;
    int64_t n;
    time_t told = time(NULL);
    ARENA_NEW(sample, run->scratch, (size_t)a->nnz * ((size_t)p->negatives + 1));
    ARENA_NEW(order, run->scratch, (size_t)a->nnz);
    ARENA_NEW(user_of, run->scratch, (size_t)a->nnz);
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            user_of[e] = u;
    struct fm_sgd args = {.learning_rate = (float)p->learning_rate,
                          .reg_weight = (float)p->reg_weight,
                          .reg_factor = (float)p->reg_factor,
                          .loss = p->loss == LOSS_BPR ? FM_BPR : FM_LOGISTIC};
    TRY(fm_sgd_prepare(m, (enum fm_optimizer)p->optimizer, run->scratch, &args));
    for (int epoch = 0; epoch < p->epochs && !stop; epoch++) {
        random_permutation(run->seed, RANDOM_ORDER, (uint32_t)epoch, (uint32_t)a->nnz, order);
        deal_epoch(a, user_of, order, epoch, p, run->seed, sample, &n);
        TRY(fm_sgd_run(m, &args, sample, n, run));
        TRY(fm_machine_check(m, "fm_ranking", epoch + 1, p->learning_rate));
        TRY(tell_loss(m, p->loss, sample, n, watch->s, epoch + 1, run));
        TRY(fm_watch_step(watch, epoch + 1, run, &stop));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "fm_ranking: epoch %d of %d", epoch + 1, p->epochs);
            told = time(NULL);
        }
    }
    return STATUS_OK;
}

static enum status fm_ranking_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct fm_state *s = state;
    const struct fm_ranking_params *p = params;
    const struct fm_design_options options = FM_DESIGN_OPTIONS(p);
    struct fm_design design;
    struct fm_machine m;
    struct fm_watch watch;
    if (train->by_user->nnz > UINT32_MAX)
        return status_fail(STATUS_DATA, "fm_ranking: %lld train pairs are more than 2^32",
                           (long long)train->by_user->nnz);
    TRY(fm_design_build(&options, train, "fm_ranking", run->scratch, run->scratch, &design));
    TRY(fm_machine_new(&design, p->factors, p->init_std, run->seed, run->scratch, &m));
    s->low = -INFINITY, s->high = INFINITY;
    TRY(fm_state_new(s, &m, train, run->arena));
    TRY(fm_watch_open(&watch, &m, s, p->patience, run));
    TRY(descend(&m, p, train->by_user, &watch, run));
    TRY(early_close(&watch.early, run));
    fm_state_fill(s, &m);
    return STATUS_OK;
}

static enum status fm_ranking_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct fm_state *s = state;
    (void)run;
    TRY(fm_load_state(s, ((const struct fm_ranking_params *)params)->factors, r));
    s->low = -INFINITY, s->high = INFINITY;
    return STATUS_OK;
}

extern const struct model_type model_fm_ranking;
const struct model_type model_fm_ranking = {
    .name = "fm_ranking",
    .family = "factorization machine",
    .source = "Rendle 2010; Rendle, Freudenthaler, Gantner, Schmidt-Thieme 2009",
    .help = "what is taken, from ids, columns and words of users and items, and their pairs",
    .version = 1,
    .params = fm_ranking_params,
    .params_size = sizeof(struct fm_ranking_params),
    .state_size = sizeof(struct fm_state),
    .fit = fm_ranking_fit,
    .factors = fm_factors,
    .save = fm_save,
    .load = fm_ranking_load};
