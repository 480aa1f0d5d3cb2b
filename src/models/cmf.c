/*
 * cmf.c - collective matrix factorization: ratings and what describes users and items, factorized together (Singh, Gordon 2008;
 * names and layout of factors: cmfrec, Cortes 2018), by alternating least squares.
 *
 *     r(u, i) = mean + b_u + b_i + x_u . y_i,    attribute j of user u = mean_j + x_u . d_j,   attribute l of item i = mean_l + y_i . e_l
 *     minimising  w_main sum over train (value - r)^2 + w_user sum over all u, j (attribute - its prediction)^2 + w_item (likewise)
 *                 + lambda (|x|^2 + b^2 ... + |e|^2), each kind of vector with a lambda of its own
 * Attributes are fm_design.h's features: columns (categories and names as 0 / 1 or shares, numbers standardised), words, history
 * (which users and items took each other: cmfrec's implicit features).  All of them count, zeros too.  A user or item without ratings
 * has the vector that its attributes give: cold ones can be ranked.
 *
 * Columns of a vector: [k_user | k_item | factors | k_main | bias].  d has the first and third part, e the second and third, ratings
 * see the third and fourth.  Each half-sweep is exact, by the kernels of als.h: attributes that are 0 are in G = w D'D and in one more
 * entry for - sum mean_j d_j, so that a row costs its entries alone.  The steps are in cmf_solve.c.
 *
 * Memory: the factors, and while fitting attributes' vectors, a masked copy of the larger side, entries twice.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "models/als_rows.h"
#include "models/biased_factors.h"
#include "models/cmf_solve.h"
#include "models/curve.h"
#include "models/model_io.h"
#include "models/ratings.h"

struct cmf_params {
    FM_DESIGN_FIELDS
    int factors, k_user, k_item, k_main;
    double regularization, lambda_user, lambda_item, lambda_user_attributes, lambda_item_attributes;
    bool scale_lam;
    double w_main, w_user, w_item;
    bool user_bias, item_bias, center;
    int iterations, solver, cg_steps;
    double init_std;
    bool clip;
};
#define P                   struct cmf_params
#define LAMBDA(field, what) PARAM_REAL(P, field, -1, -1, 1e6, what "; below 0: regularization")
static const struct param cmf_params[] = {
    PARAM_LIST(P, features, "columns", NULL,
               "attributes: columns (every list, number, category), history (who took what), a column"),
    PARAM_LIST(P, words, "", NULL,
               "fields of the item's text whose words are attributes: title, tags, reviews"),
    PARAM_INT(P, min_df, 3, 1, 1e9, "words: one of fewer items is left out"),
    PARAM_INT(P, max_words, 500, 1, 1000000, "words: at most so many, the most frequent"),
    PARAM_INT(P, max_reviews, 50, 0, 1e9, "words: at most so many reviews an item"),
    CORRUPTION_PARAMS(P, corruption.),
    PARAM_INT(P, factors, 40, 1, 4096, "dimensions that ratings and attributes share"),
    PARAM_INT(P, k_user, 0, 0, 4096, "dimensions of users' attributes alone"),
    PARAM_INT(P, k_item, 0, 0, 4096, "dimensions of items' attributes alone"),
    PARAM_INT(P, k_main, 0, 0, 4096, "dimensions of ratings alone"),
    PARAM_REAL(P, regularization, 10, 1e-9, 1e6, "weight of the squared norms and biases (cmfrec: lambda_)"),
    LAMBDA(lambda_user, "of users' vectors and biases"),
    LAMBDA(lambda_item, "of items' vectors and biases"),
    LAMBDA(lambda_user_attributes, "of the vectors of users' attributes"),
    LAMBDA(lambda_item_attributes, "of the vectors of items' attributes"),
    PARAM_BOOL(P, scale_lam, 0, "weights of users and items grow with their number of ratings"),
    PARAM_REAL(P, w_main, 1, 1e-9, 1e6, "weight of the ratings"),
    PARAM_REAL(P, w_user, 1, 0, 1e6, "weight of the users' attributes"),
    PARAM_REAL(P, w_item, 1, 0, 1e6, "weight of the items' attributes"),
    PARAM_BOOL(P, user_bias, 1, "a bias of each user"),
    PARAM_BOOL(P, item_bias, 1, "a bias of each item"),
    PARAM_BOOL(P, center, 1, "the mean of all ratings is taken off first"),
    PARAM_INT(P, iterations, 10, 1, 10000, "sweeps over attributes, users and items"),
    PARAM_CHOICE(P, solver, "cholesky", ALS_SOLVERS, "how a row's system is solved"),
    PARAM_INT(P, cg_steps, 3, 1, 10000, "cg: steps a row"),
    PARAM_REAL(P, init_std, 0.1, 1e-9, 1e3, "items start from normal(0, init_std)"),
    PARAM_BOOL(P, clip, false,
               "predicted ratings of given pairs are held within the range of the train ratings"),
    PARAM_END};
#undef P

static int columns_of(const struct cmf_params *p)
{
    return p->k_user + p->k_item + p->factors + p->k_main + (p->user_bias || p->item_bias);
}

static enum status cmf_check(const void *params, const struct node *where)
{
    const struct cmf_params *p = params;
    for (size_t i = 0; i < p->features.n; i++)
        if (strcmp(p->features.item[i], "user") == 0 || strcmp(p->features.item[i], "item") == 0) {
            static const char sentence[] =
                "features of cmf names '%s', but ids have vectors anyway: name columns, history or a column";
            return where != NULL ? node_fail(where, sentence, p->features.item[i])
                                 : status_fail(STATUS_USAGE, sentence, p->features.item[i]);
        }
    return STATUS_OK;
}

static double or_common(double own, double common)
{
    return own < 0 ? common : own;
}

/* Items with train ratings: normal numbers where ratings or items' attributes see them. */
static void init_items(const struct biased_factors *s, const struct cmf_params *p, const struct csr *by_item,
                       uint64_t seed)
{
    const uint32_t from = (uint32_t)p->k_user,
                   to = (uint32_t)(columns_of(p) - (p->user_bias || p->item_bias));
#pragma omp parallel for schedule(static)
    for (uint32_t i = 0; i < s->n_items; i++)
        for (uint32_t k = from; k < to && by_item->ptr[i] < by_item->ptr[i + 1]; k++)
            s->item[i * s->ld + k] =
                (float)(p->init_std * random_normal(seed, RANDOM_INIT, 0, (uint64_t)i * s->ld + k));
}

static struct cmf_options options_of(const struct cmf_params *p, const struct biased_factors *s, bool users)
{
    const double lambda = or_common(users ? p->lambda_user : p->lambda_item, p->regularization);
    return (struct cmf_options){
        .ld = s->ld,
        .own_from = users ? 0 : (uint32_t)p->k_user,
        .own_to = users ? (uint32_t)p->k_user : s->first,
        .other_from = users ? (uint32_t)p->k_user : 0,
        .other_to = users ? s->first : (uint32_t)p->k_user,
        .shared_from = s->first,
        .shared_to = s->first + (uint32_t)p->factors,
        .bias_column = s->first + s->factors,
        .bias = users ? p->user_bias : p->item_bias,
        .scale_lambda = p->scale_lam,
        .lambda = (float)lambda,
        .lambda_attributes = (float)or_common(users ? p->lambda_user_attributes : p->lambda_item_attributes,
                                              p->regularization),
        .w_main = (float)p->w_main,
        .weight = (float)(users ? p->w_user : p->w_item),
        .mean = s->mean,
        .solver = p->solver,
        .cg_steps = p->cg_steps,
    };
}

static enum status check_finite(const struct biased_factors *s)
{
    for (int t = 0; t < 2; t++) {
        const float *x = t == 0 ? s->user : s->item;
        const size_t n = (t == 0 ? s->n_users : s->n_items) * s->ld;
        for (size_t e = 0; e < n; e++)
            if (!isfinite(x[e]))
                return status_fail(
                    STATUS_DATA,
                    "cmf: the factors of %s %zu are no longer finite numbers; raise regularization",
                    t == 0 ? "user" : "item", e / s->ld);
    }
    return STATUS_OK;
}

static enum status cmf_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct curve_pairs pairs;
    struct biased_factors *s = state;
    const struct cmf_params *p = params;
    const struct fm_design_options options = FM_DESIGN_OPTIONS(p);
    struct fm_design design;
    struct cmf_side side[2];
    time_t told = time(NULL);
    TRY(ratings_check(train, "cmf"));
    TRY(fm_design_build(&options, train, "cmf", run->scratch, run->scratch, &design));
    *s = (struct biased_factors){.n_users = train->n_users,
                                 .n_items = train->n_items,
                                 .factors = (uint32_t)(p->factors + p->k_main),
                                 .first = (uint32_t)(p->k_user + p->k_item),
                                 .ld = als_rank(columns_of(p), p->solver, NULL),
                                 .mean = p->center ? (float)ratings_mean(train->by_user) : 0.0f,
                                 .low = p->clip ? train->minimum_value : -INFINITY,
                                 .high = p->clip ? train->maximum_value : INFINITY};
    uint32_t n_user_attributes = 0;
    for (uint32_t f = 0; f < design.n_fields; f++)
        n_user_attributes = design.fields[f].of_users ? design.fields[f].last : n_user_attributes;
    /* Behind each side stand the vectors of the other side's attributes and one of their means. */
    ARENA_NEW(s->user, run->arena, (s->n_users + design.n_features - n_user_attributes + 1) * s->ld);
    ARENA_NEW(s->item, run->arena, (s->n_items + n_user_attributes + 1) * s->ld);
    ARENA_NEW(s->user_bias, run->arena, s->n_users);
    ARENA_NEW(s->item_bias, run->arena, s->n_items);
    init_items(s, p, train->by_item, run->seed);
    const struct cmf_options of_users = options_of(p, s, true), of_items = options_of(p, s, false);
    TRY(cmf_side_new(&side[0], &of_users, train->by_user, &design.users, 0, n_user_attributes, s->user,
                     s->item, s->user_bias, s->item_bias, run->scratch));
    TRY(cmf_side_new(&side[1], &of_items, train->by_item, &design.items, n_user_attributes, design.n_features,
                     s->item, s->user, s->item_bias, s->user_bias, run->scratch));
    TRY(curve_pairs_new(train->by_user, run, &pairs));
    for (int i = 0; i < p->iterations; i++) {
        for (int k = 0; k < 2 && i > 0; k++) /* before, users are 0 */
            TRY(cmf_solve_attributes(&side[k], run));
        for (int k = 0; k < 2; k++)
            TRY(cmf_solve_rows(&side[k], run));
        TRY(curve_rmse(run, &pairs, biased_factors_score_pairs, s, i + 1));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "cmf: iteration %d of %d", i + 1, p->iterations);
            told = time(NULL);
        }
    }
    return check_finite(s);
}

static enum status cmf_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct biased_factors *s = state;
    const struct cmf_params *p = params;
    (void)run;
    TRY(biased_factors_load(s, (uint32_t)(p->factors + p->k_main), als_rank(columns_of(p), p->solver, NULL),
                            p->clip, r));
    s->first = (uint32_t)(p->k_user + p->k_item);
    return STATUS_OK;
}

extern const struct model_type model_cmf;
const struct model_type model_cmf = {
    .name = "cmf",
    .family = "matrix factorization",
    .source = "Singh, Gordon 2008; Cortes 2018 (cmfrec)",
    .help = "ratings factorized together with what describes users and items",
    .version = 1,
    .params = cmf_params,
    .params_size = sizeof(struct cmf_params),
    .needs = NEEDS_RATINGS,
    .state_size = sizeof(struct biased_factors),
    .check = cmf_check,
    .fit = cmf_fit,
    .score_pairs = biased_factors_score_pairs,
    .factors = biased_factors_factors,
    .save = biased_factors_save,
    .load = cmf_load,
};
