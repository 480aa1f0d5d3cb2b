/*
 * pmf.c - probabilistic matrix factorization (Salakhutdinov, Mnih 2008), by gradient descent with momentum over batches.
 *
 *     link identity   r(u, i) = mean + x_u . y_i
 *     link sigmoid    r(u, i) = low + (high - low) sigma(x_u . y_i),   low, high: the range of the train ratings (equation 3)
 *     minimising half of  sum over train (value - r)^2 + regularization (|x_u|^2 + |y_i|^2),   values for sigmoid in units of
 *     high - low; weighted_regularization: the second sum has a term a train row, as in the authors' program; else a term a user
 *     and item, as in equation 4.
 * The rows fall at random into `batches` parts, taken in an order of each epoch's own.  A batch makes one step: v = momentum v -
 * learning_rate gradient, x += v, for all users and items at once, from the values before it (kernels/mf.h).  The authors' program
 * divides its step (50) by the size of a batch (100,000) and doubles the gradient: their learning_rate is 0.001 here.
 *
 * Memory: the factors and their velocities, and the train rows batch by batch, by user and by item.
 */
#include <math.h>
#include <time.h>

#include "mf.h"
#include "models/curve.h"
#include "models/early.h"
#include "models/factor_rows.h"
#include "models/gradient_rows.h"
#include "models/model_io.h"
#include "models/ratings.h"

enum { IDENTITY, SIGMOID };

struct pmf_params {
    int factors, epochs, patience, batches, link;
    double learning_rate, momentum, regularization;
    bool weighted_regularization;
    double init_std;
    bool clip;
};
#define P struct pmf_params
static const struct param pmf_params[] = {
    PARAM_INT(P, factors, 10, 1, 4096, "dimensions of the latent vectors"),
    PARAM_INT(P, epochs, 50, 1, 100000, "passes over the ratings"),
    PARAM_INT(P, patience, 0, 0, 100000,
              "epochs without a better validation before it stops; 0: never sooner"),
    PARAM_INT(P, batches, 10, 1, 1000, "parts of the ratings; each makes a step"),
    PARAM_CHOICE(P, link, "identity", "identity|sigmoid", "what the product of vectors means"),
    PARAM_REAL(P, learning_rate, 0.005, 1e-9, 10, "length of a step, a rating"),
    PARAM_REAL(P, momentum, 0.8, 0, 0.9999, "what a step keeps of the one before"),
    PARAM_REAL(P, regularization, 0.05, 0, 1e3, "weight of the squared norms"),
    PARAM_BOOL(P, weighted_regularization, 1,
               "the weight grows with the number of ratings of the user or item"),
    PARAM_REAL(P, init_std, 0.1, 0, 1e3, "factors start from normal(0, init_std)"),
    PARAM_BOOL(P, clip, false,
               "predicted ratings of given pairs are held within the range of the train ratings"),
    PARAM_END};
#undef P

struct pmf_state {
    uint32_t n_users, n_items, factors;
    size_t ld;
    float *user, *item;    /* [n_users x ld], [n_items x ld] */
    float mean, low, high; /* low, high: the range of the train ratings */
    int link;
    bool clip;
};

/* Named draws: the sub-streams of RANDOM_INIT and RANDOM_ORDER. */
enum { INIT_USERS, INIT_ITEMS };
enum { ORDER_BATCHES, ORDER_EPOCHS };

/* One batch: its train rows from both sides, values as the kernel takes them. */
struct batch {
    struct csr by_user, by_item;
};

static enum status make_batches(const struct csr *a, const struct pmf_state *s, uint32_t n_batches,
                                struct run *run, struct batch **out)
{
    const uint32_t nnz = (uint32_t)a->nnz;
    const float span = s->high > s->low ? s->high - s->low : 1.0f;
    uint32_t *place, *user, *item;
    float *value;
    ARENA_NEW(place, run->scratch, nnz);
    ARENA_NEW(user, run->scratch, nnz);
    ARENA_NEW(item, run->scratch, nnz);
    ARENA_NEW(value, run->scratch, nnz);
    ARENA_NEW(*out, run->scratch, n_batches);
    random_permutation(run->seed, RANDOM_ORDER, ORDER_BATCHES, nnz, place);
    for (uint32_t b = 0; b < n_batches; b++) {
        uint64_t n = 0;
        for (uint32_t u = 0; u < a->n_rows; u++)
            for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
                if ((uint32_t)((uint64_t)place[e] * n_batches / nnz) == b) {
                    user[n] = u, item[n] = a->idx[e];
                    value[n++] = s->link == SIGMOID ? (a->val[e] - s->low) / span : a->val[e] - s->mean;
                }
        struct batch *batch = &(*out)[b];
        TRY(csr_from_triples(a->n_rows, a->n_cols, n, user, item, value, run->scratch, &batch->by_user,
                             NULL));
        TRY(csr_transpose(&batch->by_user, run->scratch, &batch->by_item));
    }
    return STATUS_OK;
}

/* A step of users and items from what both are. */
static enum status step(const struct pmf_state *s, struct mf_rows side[2], const struct batch *batch,
                        struct run *run)
{
    const struct kernel *kernel = gradient_kernel(s->ld);
    const struct csr *const rows[2] = {&batch->by_user, &batch->by_item};
    for (int k = 0; k < 2; k++) {
        side[k].ptr = rows[k]->ptr, side[k].idx = rows[k]->idx, side[k].val = rows[k]->val;
        TRY(backend_launch(run->backend, kernel, &side[k], rows[k]->n_rows, mf_scratch((int)s->ld)));
    }
    for (int k = 0; k < 2; k++) {
        const struct mf_move move = {side[k].X, side[k].S, (int)s->ld};
        TRY(backend_launch(run->backend, &kernel_mf_move, &move, rows[k]->n_rows, 0));
    }
    return STATUS_OK;
}

static curve_scorer pmf_score_pairs;

static enum status descend(const struct pmf_state *s, const struct pmf_params *p, const struct batch *batch,
                           uint32_t n_batches, struct curve_pairs *pairs, struct run *run)
{
    struct mf_rows side[2];
    float *velocity[2];
    uint32_t order[1000];
    time_t told = time(NULL);
    ARENA_NEW(velocity[0], run->scratch, s->n_users * s->ld);
    ARENA_NEW(velocity[1], run->scratch, s->n_items * s->ld);
    for (int k = 0; k < 2; k++)
        side[k] = (struct mf_rows){.X = k == 0 ? s->user : s->item,
                                   .S = velocity[k],
                                   .Y = k == 0 ? s->item : s->user,
                                   .rate = (float)p->learning_rate,
                                   .regularization = (float)p->regularization,
                                   .momentum = (float)p->momentum,
                                   .n_columns = k == 0 ? s->n_items : s->n_users,
                                   .loss = s->link == SIGMOID ? MF_SIGMOID : MF_SQUARED,
                                   .update = MF_MOMENTUM,
                                   .fixed = -1,
                                   .weighted = p->weighted_regularization,
                                   .rank = (int)s->ld};
    struct early early;
    bool stop = false;
    early_open(&early, p->patience, run);
    TRY(early_part(&early, s->user, s->n_users * s->ld, run));
    TRY(early_part(&early, s->item, s->n_items * s->ld, run));
    for (int epoch = 0; epoch < p->epochs && !stop; epoch++) {
        random_permutation(run->seed, RANDOM_ORDER, (uint32_t)(ORDER_EPOCHS + epoch), n_batches, order);
        for (uint32_t b = 0; b < n_batches; b++) {
            if (*run->cancelled)
                return STATUS_STOPPED;
            TRY(step(s, side, &batch[order[b]], run));
        }
        if (!factor_rows_finite(s->user, s->n_users * s->ld) ||
            !factor_rows_finite(s->item, s->n_items * s->ld))
            return status_fail(
                STATUS_DATA,
                "pmf: in epoch %d the factors left the range of numbers; lower learning_rate (%g)", epoch + 1,
                p->learning_rate);
        TRY(curve_rmse(run, pairs, pmf_score_pairs, s, epoch + 1));
        if (!early.on)
            TRY(curve_validation(run, s, epoch + 1));
        TRY(early_step(&early, s, epoch + 1, run, &stop));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "pmf: epoch %d of %d", epoch + 1, p->epochs);
            told = time(NULL);
        }
    }
    return early_close(&early, run);
}

static enum status pmf_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct pmf_state *s = state;
    const struct pmf_params *p = params;
    const int64_t nnz = train->by_user->nnz;
    const uint32_t n_batches = nnz < p->batches ? (uint32_t)nnz : (uint32_t)p->batches;
    struct curve_pairs pairs;
    struct batch *batch;
    TRY(ratings_check(train, "pmf"));
    if (nnz > UINT32_MAX)
        return status_fail(STATUS_DATA, "pmf: %lld ratings are more than 2^32", (long long)nnz);
    *s = (struct pmf_state){.n_users = train->n_users,
                            .n_items = train->n_items,
                            .factors = (uint32_t)p->factors,
                            .ld = gradient_rank(p->factors),
                            .mean = (float)ratings_mean(train->by_user),
                            .low = train->minimum_value,
                            .high = train->maximum_value,
                            .link = p->link,
                            .clip = p->clip};
    ARENA_NEW(s->user, run->arena, s->n_users * s->ld);
    ARENA_NEW(s->item, run->arena, s->n_items * s->ld);
    factor_rows_start(s->user, s->ld, s->n_users, train->by_user, s->factors, 0, p->init_std, run->seed,
                      INIT_USERS);
    factor_rows_start(s->item, s->ld, s->n_items, train->by_item, s->factors, 0, p->init_std, run->seed,
                      INIT_ITEMS);
    TRY(make_batches(train->by_user, s, n_batches, run, &batch));
    TRY(curve_pairs_new(train->by_user, run, &pairs));
    return descend(s, p, batch, n_batches, &pairs, run);
}

static enum status pmf_score_pairs(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                                   float *scores)
{
    const struct pmf_state *s = state;
    for (size_t j = 0; j < n; j++) {
        const float *x = s->user + users[j] * s->ld, *y = s->item + items[j] * s->ld;
        float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
        for (uint32_t k = 0; k < s->factors; k++)
            dot += x[k] * y[k];
        const float r =
            s->link == SIGMOID ? s->low + (s->high - s->low) / (1.0f + expf(-dot)) : s->mean + dot;
        scores[j] = !s->clip ? r : r < s->low ? s->low : r > s->high ? s->high : r;
    }
    return STATUS_OK;
}

/* For rankings: the sigmoid, which keeps a user's order, is left out. */
static enum status pmf_factors(const void *state, struct factors *out)
{
    const struct pmf_state *s = state;
    *out = (struct factors){.n_users = s->n_users,
                            .n_items = s->n_items,
                            .factors = s->factors,
                            .user = s->user,
                            .item = s->item,
                            .ld_user = s->ld,
                            .ld_item = s->ld,
                            .offset = s->link == SIGMOID ? 0.0f : s->mean};
    return STATUS_OK;
}

static enum status pmf_save(const void *state, struct model_writer *w)
{
    const struct pmf_state *s = state;
    const float range[3] = {s->mean, s->low, s->high};
    TRY(model_put(w, "user", ARRAY_F32, s->n_users, s->ld, s->user));
    TRY(model_put(w, "item", ARRAY_F32, s->n_items, s->ld, s->item));
    return model_put(w, "mean_low_high", ARRAY_F32, 3, 1, range);
}

static enum status pmf_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct pmf_state *s = state;
    const struct pmf_params *p = params;
    const void *range;
    uint64_t one = 1, three = 3;
    (void)run;
    *s = (struct pmf_state){
        .factors = (uint32_t)p->factors, .ld = gradient_rank(p->factors), .link = p->link, .clip = p->clip};
    TRY(model_get_factors(r, s->ld, &s->n_users, &s->n_items, &s->user, &s->item));
    TRY(model_get(r, "mean_low_high", ARRAY_F32, &three, &one, &range));
    const float *f = range;
    s->mean = f[0], s->low = f[1], s->high = f[2];
    return STATUS_OK;
}

static void pmf_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                     double *flops)
{
    const struct pmf_params *p = params;
    const double ld = (double)gradient_rank(p->factors), rows = (double)n_users + n_items;
    *bytes = 8.0 * rows * ld + 8.0 * p->batches * rows + 32.0 * (double)nnz;
    *flops = (double)p->epochs * (8.0 * (double)nnz * ld + 5.0 * p->batches * rows * ld);
}

extern const struct model_type model_pmf;
const struct model_type model_pmf = {
    .name = "pmf",
    .family = "matrix factorization",
    .source = "Salakhutdinov, Mnih 2008",
    .help = "ratings as products of vectors, by gradient descent with momentum",
    .version = 1,
    .params = pmf_params,
    .params_size = sizeof(struct pmf_params),
    .needs = NEEDS_RATINGS,
    .state_size = sizeof(struct pmf_state),
    .fit = pmf_fit,
    .score_pairs = pmf_score_pairs,
    .factors = pmf_factors,
    .save = pmf_save,
    .load = pmf_load,
    .cost = pmf_cost,
};
