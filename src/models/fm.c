/*
 * fm.c - a factorization machine that predicts ratings (Rendle 2010; Rendle 2012, libFM).
 *
 *     y(u, i) = bias + sum_j w_j x_j + sum_{j < l} (v_j . v_l) x_j x_l,   x: the features of u and of i (fm_design.h)
 * minimising over the train rows
 *     solver als: sum (value - y)^2 + reg_bias bias^2 + reg_weight |w|^2 + reg_factor |V|^2
 *     solver sgd, adagrad: half of that for each row by itself, in an order of each epoch's own
 * With user and item alone it is svd; with history, SVD++ (Rendle 2010, section V); with columns and words, ratings of
 * users and items without history follow from what describes them.
 *
 * sgd and adagrad are one thread's work, in the paper's order; als runs on all (fm_als.c).
 */
#include <math.h>
#include <time.h>

#include "models/curve.h"
#include "models/fm_machine.h"
#include "models/ratings.h"

enum { SOLVER_ALS, SOLVER_SGD, SOLVER_ADAGRAD };

struct fm_params {
    FM_DESIGN_FIELDS
    int factors, solver, epochs, patience;
    double learning_rate, reg_bias, reg_weight, reg_factor, init_std;
    bool clip;
};
#define P struct fm_params
static const struct param fm_params[] = {
    FM_DESIGN_PARAMS(P),
    PARAM_INT(P, factors, 16, 1, 4096, "dimensions of the features' vectors"),
    PARAM_CHOICE(P, solver, "als", "als|sgd|adagrad",
                 "alternating least squares, or gradient descent row by row"),
    PARAM_INT(P, epochs, 20, 1, 100000, "passes over the ratings"),
    PARAM_INT(P, patience, 0, 0, 100000,
              "epochs without a better validation before it stops; 0: never sooner"),
    PARAM_REAL(P, learning_rate, 0.01, 1e-9, 10, "sgd, adagrad: length of a step"),
    PARAM_REAL(P, reg_bias, 0, 0, 1e6, "weight of the squared bias"),
    PARAM_REAL(P, reg_weight, 5, 0, 1e6,
               "weight of the features' squared weights (sgd, adagrad: about 0.02)"),
    PARAM_REAL(P, reg_factor, 10, 0, 1e6,
               "weight of the features' squared vectors (sgd, adagrad: about 0.05)"),
    PARAM_REAL(P, init_std, 0.1, 0, 1e3, "vectors start from normal(0, init_std)"),
    PARAM_BOOL(P, clip, true,
               "predicted ratings of given pairs are held within the range of the train ratings"),
    PARAM_END};
#undef P

static enum status make_samples(const struct csr *a, struct arena *scratch, struct fm_sample **out)
{
    ARENA_NEW(*out, scratch, (size_t)a->nnz);
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            (*out)[e] = (struct fm_sample){.user = u, .item = a->idx[e], .target = a->val[e]};
    return STATUS_OK;
}

static enum status descend(const struct fm_machine *m, const struct fm_params *p, const struct view *train,
                           struct fm_watch *watch, struct run *run)
{
    struct curve_pairs pairs;
    struct fm_state *s = watch->s;
    bool stop = false;
    const uint32_t n = (uint32_t)train->by_user->nnz;
    struct fm_sample *rows, *shuffled;
    uint32_t *order;
    time_t told = time(NULL);
    TRY(make_samples(train->by_user, run->scratch, &rows));
    ARENA_NEW(shuffled, run->scratch, n);
    ARENA_NEW(order, run->scratch, n);
    m->bias[0] = (float)ratings_mean(train->by_user);
    struct fm_sgd args = {.learning_rate = (float)p->learning_rate,
                          .reg_bias = (float)p->reg_bias,
                          .reg_weight = (float)p->reg_weight,
                          .reg_factor = (float)p->reg_factor,
                          .loss = FM_SQUARED};
    TRY(curve_pairs_new(train->by_user, run, &pairs));
    TRY(fm_sgd_prepare(m, p->solver == SOLVER_ADAGRAD ? FM_ADAGRAD : FM_SGD, run->scratch, &args));
    for (int epoch = 0; epoch < p->epochs && !stop; epoch++) {
        random_permutation(run->seed, RANDOM_ORDER, (uint32_t)epoch, n, order);
        for (uint32_t e = 0; e < n; e++)
            shuffled[e] = rows[order[e]];
        TRY(fm_sgd_run(m, &args, shuffled, n, run));
        TRY(fm_machine_check(m, "fm", epoch + 1, p->learning_rate));
        if (pairs.n > 0) {
            fm_state_fill(s, m);
            TRY(curve_rmse(run, &pairs, fm_score_pairs, s, epoch + 1));
        }
        TRY(fm_watch_step(watch, epoch + 1, run, &stop));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "fm: epoch %d of %d", epoch + 1, p->epochs);
            told = time(NULL);
        }
    }
    return STATUS_OK;
}

static enum status fm_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct fm_state *s = state;
    const struct fm_params *p = params;
    const struct fm_design_options options = FM_DESIGN_OPTIONS(p);
    const struct fm_als_options als = {p->epochs, p->reg_bias, p->reg_weight, p->reg_factor};
    struct fm_design design;
    struct fm_machine m;
    struct fm_watch watch;
    TRY(ratings_check(train, "fm"));
    if (train->by_user->nnz > UINT32_MAX)
        return status_fail(STATUS_DATA, "fm: %lld ratings are more than 2^32",
                           (long long)train->by_user->nnz);
    TRY(fm_design_build(&options, train, "fm", run->scratch, run->scratch, &design));
    TRY(fm_machine_new(&design, p->factors, p->init_std, run->seed, run->scratch, &m));
    s->low = p->clip ? train->minimum_value : -INFINITY, s->high = p->clip ? train->maximum_value : INFINITY;
    TRY(fm_state_new(s, &m, train, run->arena));
    TRY(fm_watch_open(&watch, &m, s, p->patience, run));
    if (p->solver == SOLVER_ALS)
        TRY(fm_als_run(&m, &als, train, &watch, run));
    else
        TRY(descend(&m, p, train, &watch, run));
    TRY(early_close(&watch.early, run));
    TRY(fm_machine_check(&m, "fm", p->epochs, p->learning_rate));
    fm_state_fill(s, &m);
    return STATUS_OK;
}

static enum status fm_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct fm_state *s = state;
    const struct fm_params *p = params;
    (void)run;
    TRY(fm_load_state(s, p->factors, r));
    if (!p->clip)
        s->low = -INFINITY, s->high = INFINITY;
    return STATUS_OK;
}

extern const struct model_type model_fm;
const struct model_type model_fm = {
    .name = "fm",
    .family = "factorization machine",
    .source = "Rendle 2010; Rendle 2012 (libFM)",
    .help = "ratings from ids, columns and words of users and items, and their pairs",
    .version = 1,
    .params = fm_params,
    .params_size = sizeof(struct fm_params),
    .needs = NEEDS_RATINGS,
    .state_size = sizeof(struct fm_state),
    .fit = fm_fit,
    .score_pairs = fm_score_pairs,
    .factors = fm_factors,
    .save = fm_save,
    .load = fm_load};
