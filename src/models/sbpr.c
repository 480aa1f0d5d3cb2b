/*
 * sbpr.c - matrix factorization for ranking by social Bayesian personalized ranking (Zhao, McAuley, King, CIKM 2014, "Leveraging social
 * connections to improve personalized ranking for collaborative filtering", the model SBPR-1): what a user took before what friends took, and
 * that before the rest.
 *
 *     r(u, i) = b_i + p_u . q_i, minimising over users u, their items i, items k that s_uk > 0 friends have and u has not, and items j of neither
 *     log(1 + exp((r(u, k) - r(u, i)) / (1 + s_uk))) + log(1 + exp(r(u, j) - r(u, k))) + penalties (kernels/sbpr.h)
 * An epoch takes every interaction once as (u, i), with k uniform among the user's items of friends and j uniform among the rest.  A user without
 * such items learns by BPR, log(1 + exp(r(u, j) - r(u, i))).  A user without train rows, of whom the paper's samples say nothing, has as
 * many samples (k, j) as users with rows have on average (no more than items of friends): the second term alone.
 *
 * Deterministic for any number of threads, as bpr_mf is: each epoch deals users and items into a grid of parts (deal.h), and k and j are drawn
 * from i's part.  Since parts are dealt at random, k is as likely to be any item of friends; a sample whose part holds none, after so many draws,
 * is one of BPR.
 */
#include "sbpr.h"

#include <math.h>
#include <string.h>

#include "models/biased_factors.h"
#include "models/curve.h"
#include "models/deal.h"
#include "models/early.h"
#include "models/factor_rows.h"
#include "models/friends.h"
#include "models/gradient_rows.h"
#include "philox.h"

struct sbpr_params {
    int friends, factors, epochs, patience;
    double learning_rate, user_regularization, item_regularization;
    bool use_bias;
    double bias_regularization, init_std;
};
#define P struct sbpr_params
static const struct param sbpr_params[] = {
    FRIENDS_PARAM(P),
    PARAM_INT(P, factors, 64, 1, 4096, "dimensions of the latent vectors"),
    PARAM_INT(P, epochs, 100, 1, 100000, "passes over the interactions"),
    PARAM_INT(P, patience, 0, 0, 100000,
              "epochs without a better validation before it stops; 0: never sooner"),
    PARAM_REAL(P, learning_rate, 0.05, 1e-9, 10, "length of a step"),
    PARAM_REAL(P, user_regularization, 0.01, 0, 1e3, "weight of a user's squared norm"),
    PARAM_REAL(P, item_regularization, 0.01, 0, 1e3, "weight of an item's squared norm"),
    PARAM_BOOL(P, use_bias, 1, "items have a bias"),
    PARAM_REAL(P, bias_regularization, 0, 0, 1e3, "weight of the squared biases"),
    PARAM_REAL(P, init_std, 0.1, 0, 1e3, "factors start from normal(0, init_std)"),
    PARAM_END};
#undef P

enum { INIT_USERS, INIT_ITEMS };
enum { SOCIAL_DRAWS = 16, NEGATIVE_DRAWS = 32 }; /* SOCIAL_DRAWS times the grid */
enum { SUBSTREAMS = 16 };                        /* of RANDOM_FRIENDS that are others' */

struct fitting {
    struct biased_factors *m;
    const struct csr *by_user;
    struct csr social;  /* [n_users x n_items] s_uk, without the user's own items */
    struct csr samples; /* [n_users x n_items] what is dealt: train rows, or some items of friends */
    struct deal deal;
    struct sbpr_sample *sample; /* [nnz of samples] in the order of deal.sample */
    struct sbpr args;
    const struct kernel *kernel;
    uint64_t seed;
};

static const struct kernel *kernel_of(size_t rank)
{
    return rank == 32    ? &kernel_sbpr_32
           : rank == 64  ? &kernel_sbpr_64
           : rank == 128 ? &kernel_sbpr_128
                         : &kernel_sbpr_any;
}

/* How many friends of u have each item that u has not, into count[n_items], zero before; returns how many items. */
static uint32_t count_social(const struct csr *by_user, const struct csr *friends, uint32_t u, float *count)
{
    uint32_t n = 0;
    for (int64_t f = friends->ptr[u]; f < friends->ptr[u + 1]; f++)
        for (int64_t e = by_user->ptr[friends->idx[f]]; e < by_user->ptr[friends->idx[f] + 1]; e++)
            n += count[by_user->idx[e]]++ == 0;
    for (int64_t e = by_user->ptr[u]; e < by_user->ptr[u + 1]; e++) {
        n -= count[by_user->idx[e]] > 0;
        count[by_user->idx[e]] = 0;
    }
    return n;
}

static enum status social_items(const struct csr *by_user, const struct csr *friends, struct arena *scratch,
                                struct csr *out)
{
    const uint32_t n = by_user->n_rows, n_items = by_user->n_cols;
    float *count, *val;
    int64_t *ptr;
    uint32_t *idx;
    ARENA_NEW(count, scratch, n_items);
    ARENA_NEW(ptr, scratch, (size_t)n + 1);
    for (uint32_t u = 0; u < n; u++) {
        ptr[u + 1] = ptr[u] + count_social(by_user, friends, u, count);
        memset(count, 0, n_items * sizeof *count);
    }
    ARENA_NEW(idx, scratch, (size_t)ptr[n]);
    ARENA_NEW(val, scratch, (size_t)ptr[n]);
    for (uint32_t u = 0; u < n; u++) {
        int64_t at = ptr[u];
        count_social(by_user, friends, u, count);
        for (uint32_t i = 0; i < n_items; i++)
            if (count[i] > 0)
                idx[at] = i, val[at++] = count[i];
        memset(count, 0, n_items * sizeof *count);
    }
    *out = (struct csr){n, n_items, ptr[n], ptr, idx, val};
    return STATUS_OK;
}

/* Train rows; of a user without, evenly chosen items of friends, as many as the others have rows on average. */
static enum status dealt_samples(const struct csr *a, const struct csr *social, struct arena *scratch,
                                 struct csr *out)
{
    int64_t *ptr, n_with = 0;
    uint32_t *idx;
    ARENA_NEW(ptr, scratch, (size_t)a->n_rows + 1);
    for (uint32_t u = 0; u < a->n_rows; u++)
        n_with += a->ptr[u + 1] > a->ptr[u];
    const int64_t mean = n_with > 0 ? (a->nnz + n_with - 1) / n_with : 0;
    for (uint32_t u = 0; u < a->n_rows; u++) {
        const int64_t own = a->ptr[u + 1] - a->ptr[u], n = social->ptr[u + 1] - social->ptr[u];
        ptr[u + 1] = ptr[u] + (own > 0 ? own : n < mean ? n : mean);
    }
    ARENA_NEW(idx, scratch, (size_t)ptr[a->n_rows]);
    for (uint32_t u = 0; u < a->n_rows; u++) {
        const int64_t n = ptr[u + 1] - ptr[u], own = a->ptr[u + 1] - a->ptr[u],
                      of = social->ptr[u + 1] - social->ptr[u];
        for (int64_t k = 0; k < n; k++)
            idx[ptr[u] + k] = own > 0 ? a->idx[a->ptr[u] + k] : social->idx[social->ptr[u] + k * of / n];
    }
    *out = (struct csr){a->n_rows, a->n_cols, ptr[a->n_rows], ptr, idx, NULL};
    return STATUS_OK;
}

/* The draws of a sample, four of a Philox. */
struct draws {
    uint64_t seed, stream, sample;
    struct philox four;
    uint32_t n; /* made so far */
};

/* The next one, uniform among n. */
static uint32_t draw(struct draws *d, uint32_t n)
{
    if (d->n % 4 == 0)
        d->four = philox4x32(d->seed, d->stream, d->sample << 16 | d->n / 4);
    return (uint32_t)((uint64_t)d->four.v[d->n++ % 4] * n >> 32);
}

/* An item of friends in that part; place in social.idx, -1: none was found. */
static int64_t draw_social(const struct fitting *f, int64_t e, uint32_t u, uint32_t part, uint64_t stream)
{
    const int64_t first = f->social.ptr[u], n = f->social.ptr[u + 1] - first;
    struct draws draws = {.seed = f->seed, .stream = stream, .sample = (uint64_t)e};
    for (int d = 0; n > 0 && d < SOCIAL_DRAWS * f->deal.grid; d++) {
        const int64_t at = first + draw(&draws, (uint32_t)n);
        if (f->deal.item_part[f->social.idx[at]] == part)
            return at;
    }
    return -1;
}

static uint32_t draw_negative(const struct fitting *f, int64_t e, uint32_t u, uint32_t part, uint64_t stream)
{
    const uint32_t first = f->deal.part[part], n = f->deal.part[part + 1] - first;
    struct draws draws = {.seed = f->seed, .stream = stream, .sample = (uint64_t)e};
    for (int d = 0; d < NEGATIVE_DRAWS; d++) {
        const uint32_t j = f->deal.part_item[first + draw(&draws, n)];
        if (!csr_has(f->by_user, u, j) && !csr_has(&f->social, u, j))
            return j;
    }
    return SBPR_NONE;
}

static void draw_samples(const struct fitting *f, uint32_t epoch)
{
    const uint64_t social = (uint64_t)(epoch + SUBSTREAMS) << 32 | RANDOM_FRIENDS,
                   negative = (uint64_t)epoch << 32 | RANDOM_NEGATIVES;
#pragma omp parallel for schedule(static)
    for (int64_t e = 0; e < f->samples.nnz; e++) {
        const uint32_t u = f->deal.sample[e].user, i = f->deal.sample[e].item, part = f->deal.item_part[i];
        const bool own = f->by_user->ptr[u + 1] > f->by_user->ptr[u];
        const int64_t at = draw_social(f, e, u, part, social);
        const uint32_t k = at < 0 ? i : f->social.idx[at];
        f->sample[e] = (struct sbpr_sample){.user = u,
                                            .item = own && at >= 0 ? i : k,
                                            .social = k,
                                            .negative = draw_negative(f, e, u, part, negative),
                                            .weight = own && at >= 0 ? 1.0f / (1.0f + f->social.val[at]) : 0};
    }
}

static enum status epoch_of(const struct fitting *f, struct sbpr *args, struct deal *deal, uint32_t epoch,
                            struct run *run)
{
    const struct biased_factors *m = f->m;
    deal_epoch(deal, &f->samples, run->seed, epoch);
    draw_samples(f, epoch);
    if (epoch == 0)
        TRY(backend_keep_launch(run->backend, f->kernel, args, deal->grid));
    TRY(backend_changed(run->backend, f->sample));
    TRY(backend_changed(run->backend, deal->block));
    for (int i = 0; i < deal->grid; i++) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        args->diagonal = (int)deal->diagonal[i];
        TRY(backend_launch(run->backend, f->kernel, args, deal->grid, 0));
    }
    TRY(backend_fetch(run->backend, m->user));
    TRY(backend_fetch(run->backend, m->item));
    TRY(backend_fetch(run->backend, m->item_bias));
    if (!factor_rows_finite(m->item_bias, m->n_items) || !factor_rows_finite(m->user, m->n_users * m->ld) ||
        !factor_rows_finite(m->item, m->n_items * m->ld))
        return status_fail(
            STATUS_DATA, "sbpr: in epoch %u the factors left the range of numbers; lower learning_rate (%g)",
            epoch + 1, (double)args->learning_rate);
    return STATUS_OK;
}

static enum status fitting_new(struct fitting *f, const struct sbpr_params *p, const struct view *train,
                               struct run *run)
{
    struct biased_factors *m = f->m;
    struct csr friends;
    TRY(friends_of("sbpr", train, p->friends, run->seed, run->scratch, &friends));
    TRY(social_items(f->by_user, &friends, run->scratch, &f->social));
    TRY(dealt_samples(f->by_user, &f->social, run->scratch, &f->samples));
    if (f->samples.nnz > UINT32_MAX)
        return status_fail(STATUS_DATA, "sbpr: %lld interactions are more than 2^32",
                           (long long)f->samples.nnz);
    *m = (struct biased_factors){.n_users = train->n_users,
                                 .n_items = train->n_items,
                                 .factors = (uint32_t)p->factors,
                                 .ld = gradient_rank(p->factors),
                                 .low = -INFINITY,
                                 .high = INFINITY};
    ARENA_NEW(m->user, run->arena, m->n_users * m->ld);
    ARENA_NEW(m->item, run->arena, m->n_items * m->ld);
    ARENA_NEW(m->user_bias, run->arena, m->n_users);
    ARENA_NEW(m->item_bias, run->arena, m->n_items);
    factor_rows_start(m->user, m->ld, m->n_users, &f->samples, m->factors, 0, p->init_std, run->seed,
                      INIT_USERS);
    factor_rows_start(m->item, m->ld, m->n_items, train->by_item, m->factors, 0, p->init_std, run->seed,
                      INIT_ITEMS);
    TRY(deal_new(&f->deal, &f->samples, run->scratch));
    ARENA_NEW(f->sample, run->scratch, (size_t)f->samples.nnz);
    f->kernel = kernel_of(m->ld);
    f->args = (struct sbpr){.user = m->user,
                            .item = m->item,
                            .item_bias = m->item_bias,
                            .sample = f->sample,
                            .block = f->deal.block,
                            .n_users = m->n_users,
                            .n_items = m->n_items,
                            .learning_rate = (float)p->learning_rate,
                            .reg_user = (float)p->user_regularization,
                            .reg_item = (float)p->item_regularization,
                            .reg_bias = (float)p->bias_regularization,
                            .use_bias = p->use_bias,
                            .rank = (int)m->ld,
                            .grid = f->deal.grid};
    return STATUS_OK;
}

static enum status sbpr_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    const struct sbpr_params *p = params;
    struct fitting f = {.m = state, .by_user = train->by_user, .seed = run->seed};
    struct biased_factors *m = f.m;
    struct curve_pairs pairs;
    struct early early;
    bool stop = false;
    TRY(fitting_new(&f, p, train, run));
    TRY(curve_pairs_new(train->by_user, run, &pairs));
    early_open(&early, p->patience, run);
    TRY(early_part(&early, m->user, m->n_users * m->ld, run));
    TRY(early_part(&early, m->item, m->n_items * m->ld, run));
    TRY(early_part(&early, m->item_bias, m->n_items, run));
    for (int epoch = 0; epoch < p->epochs && !stop; epoch++) {
        TRY(epoch_of(&f, &f.args, &f.deal, (uint32_t)epoch, run));
        TRY(curve_pairwise(run, &pairs, biased_factors_score_pairs, m, epoch + 1));
        if (!early.on)
            TRY(curve_validation(run, m, epoch + 1));
        TRY(early_step(&early, m, epoch + 1, run, &stop));
    }
    return early_close(&early, run);
}

static enum status sbpr_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    const struct sbpr_params *p = params;
    (void)run;
    return biased_factors_load(state, (uint32_t)p->factors, gradient_rank(p->factors), false, r);
}

static void sbpr_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                      double *flops)
{
    const struct sbpr_params *p = params;
    const double ld = (double)gradient_rank(p->factors), rows = (double)n_users + n_items;
    *bytes = rows * 4.0 * (ld + 4.0) + (double)nnz * (sizeof(struct sbpr_sample) + 24.0);
    *flops = (double)p->epochs * (double)nnz * 22.0 * ld;
}

extern const struct model_type model_sbpr;
const struct model_type model_sbpr = {
    .name = "sbpr",
    .family = "social",
    .source = "Zhao, McAuley, King 2014; blocks: Gemulla et al. 2011",
    .help = "pairwise ranking: own items before those of friends, and these before the rest",
    .version = 1,
    .params = sbpr_params,
    .params_size = sizeof(struct sbpr_params),
    .needs = NEEDS_FRIENDS,
    .state_size = sizeof(struct biased_factors),
    .fit = sbpr_fit,
    .score_pairs = biased_factors_score_pairs,
    .factors = biased_factors_factors,
    .save = biased_factors_save,
    .load = sbpr_load,
    .cost = sbpr_cost};
