/*
 * stacking.c - a model over other models (Wolpert 1992): a logistic regression or boosted trees over their scores, learned on train rows that were
 * held out from them.
 *
 * A question is an item that the user took and `negatives` that the user did not, all among the candidates that the models put in front.
 * logistic: each model's score, its product with the user's activity (so that weights may change with it: Sill, Takacs, Mackey, Lin 2009) and the
 * item's popularity; by logistic.h.  gbdt: scores, activity and popularity, by log loss or
 * LambdaMART.  The candidates of a user are ranked by it, all other items below by the mean of the models' scores.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/hybrid.h"
#include "fusion/logistic.h"
#include "models/forest_boost.h"
#include "models/history.h"

enum { TILE = 16, COLUMNS_MOST = 2 * HYBRID_MOST + 2 };
enum { LOGISTIC, GBDT };

struct stacking_params {
    HYBRID_COMMON;
    int meta, negatives;
    double l2;
    int loss, trees, max_leaves, patience;
    double learning_rate, min_samples_leaf, lambda;
};
#define P struct stacking_params
static const struct param stacking_params[] = {
    HYBRID_PARAMS(P),
    PARAM_CHOICE(P, meta, "logistic", "logistic|gbdt", "what learns from the scores"),
    PARAM_INT(P, negatives, 10, 1, 1000,
              "candidates that the user did not take, for each that the user took"),
    PARAM_REAL(P, l2, 1, 0, 1e9, "logistic: weight of the squared coefficients"),
    PARAM_CHOICE(P, loss, "logistic", "logistic|lambdamart", "gbdt: what is boosted"),
    PARAM_INT(P, trees, 200, 1, 100000, "gbdt: trees, at most"),
    PARAM_INT(P, max_leaves, 15, 2, 1000000, "gbdt: leaves a tree"),
    PARAM_INT(P, patience, 20, 0, 100000,
              "gbdt: trees without a better loss on a tenth of the questions before it stops; 0: never"),
    PARAM_REAL(P, learning_rate, 0.1, 1e-6, 1, "gbdt: what a tree counts"),
    PARAM_REAL(P, min_samples_leaf, 5, 0, 1e9, "gbdt: sum of hessians of a leaf, at least"),
    PARAM_REAL(P, lambda, 1, 0, 1e9, "gbdt: L2 weight on leaf values"),
    PARAM_END};
#undef P

struct stacking {
    struct hybrid hybrid;
    struct csr history;                 /* of all of train: what is no candidate */
    const float *activity, *popularity; /* [n_users], [n_items] log(1 + train rows), by mean and deviation */
    uint32_t candidates;
    int meta;
    double weight[COLUMNS_MOST + 1]; /* logistic: [columns], then the constant */
    struct forest forest;
    struct tree_columns columns; /* gbdt */
    const char *name[HYBRID_MOST + 2];
    bool category[HYBRID_MOST + 2];
};

static uint32_t columns_of(const struct stacking *s)
{
    return s->meta == LOGISTIC ? 2 * s->hybrid.n + 1 : s->hybrid.n + 2;
}

/* Features of a pair from its scores. */
static void describe(const struct stacking *s, uint32_t u, uint32_t i, const float *score, size_t stride,
                     float *x)
{
    const uint32_t n = s->hybrid.n;
    for (uint32_t m = 0; m < n; m++)
        x[m] = score[m * stride];
    if (s->meta == LOGISTIC) {
        for (uint32_t m = 0; m < n; m++)
            x[n + m] = score[m * stride] * s->activity[u];
        x[2 * n] = s->popularity[i];
    } else {
        x[n] = s->activity[u];
        x[n + 1] = s->popularity[i];
    }
}

static enum status log_counts(const struct csr *rows, struct arena *arena, const float **out)
{
    float *x;
    double sum = 0, squares = 0;
    ARENA_NEW(x, arena, rows->n_rows);
    for (uint32_t r = 0; r < rows->n_rows; r++)
        sum += log1p((double)(rows->ptr[r + 1] - rows->ptr[r]));
    const double mean = sum / rows->n_rows;
    for (uint32_t r = 0; r < rows->n_rows; r++) {
        const double d = log1p((double)(rows->ptr[r + 1] - rows->ptr[r])) - mean;
        squares += d * d;
    }
    const double scale = squares > 0 ? 1 / sqrt(squares / rows->n_rows) : 0;
    for (uint32_t r = 0; r < rows->n_rows; r++)
        x[r] = (float)((log1p((double)(rows->ptr[r + 1] - rows->ptr[r])) - mean) * scale);
    *out = x;
    return STATUS_OK;
}

/* ---- questions */
struct questions {
    uint64_t n; /* of 1 + negatives rows each, the positive first */
    uint32_t group, columns;
    float *x, *y;         /* [n x group x columns], [n x group] */
    unsigned char *valid; /* [n] */
};

static enum status make_questions(const struct stacking *s, const struct stacking_params *p,
                                  const struct lesson *l, struct run *run, struct questions *q)
{
    const uint32_t n_models = s->hybrid.n;
    uint64_t most = 0, at = 0;
    *q = (struct questions){.group = 1 + (uint32_t)p->negatives, .columns = columns_of(s)};
    for (uint64_t r = 0; r < l->ptr[l->n]; r++)
        most += l->y[r];
    ARENA_NEW(q->x, run->scratch, most * q->group * q->columns);
    ARENA_NEW(q->y, run->scratch, most * q->group);
    ARENA_NEW(q->valid, run->scratch, most);
    for (uint32_t u = 0; u < l->n; u++) {
        const uint64_t first = l->ptr[u], rows = l->ptr[u + 1] - first;
        uint64_t n_negative = 0;
        for (uint64_t r = 0; r < rows; r++)
            n_negative += !l->y[first + r];
        for (uint64_t r = 0; r < rows && n_negative > 0; r++) {
            if (!l->y[first + r])
                continue;
            for (uint32_t c = 0; c < q->group; c++, at++) {
                uint64_t row = r;
                if (c > 0) { /* the k-th that was not taken */
                    uint64_t k =
                        (uint64_t)(random_unit(run->seed, RANDOM_NEGATIVES, 0, at) * (double)n_negative);
                    for (row = 0; l->y[first + row] || k > 0; row++)
                        k -= !l->y[first + row];
                }
                describe(s, l->user[u], l->item[first + row], l->x + (first + row) * n_models, 1,
                         q->x + at * q->columns);
                q->y[at] = c == 0 ? 1.0f : 0.0f;
            }
            q->valid[q->n] = p->patience > 0 && random_unit(run->seed, RANDOM_VALIDATION, 0, q->n) < 0.1;
            q->n++;
        }
    }
    return q->n > 0 ? STATUS_OK
                    : status_fail(STATUS_DATA, "stacking: no held-out row is among the models' candidates: "
                                               "raise candidates, or fewer folds");
}

/* ---- boosted trees */
static void name_columns(struct stacking *s)
{
    for (uint32_t m = 0; m < s->hybrid.n; m++)
        s->name[m] = s->hybrid.base[m].type->name;
    s->name[s->hybrid.n] = "activity";
    s->name[s->hybrid.n + 1] = "popularity";
    s->columns = (struct tree_columns){s->hybrid.n + 2, s->name, s->category};
}

static enum status fit_gbdt(struct stacking *s, const struct stacking_params *p, const struct questions *q,
                            struct run *run)
{
    struct tree_table table;
    struct boost_report report;
    const struct boost_options options = {.loss = p->loss == 1 ? BOOST_LAMBDAMART : BOOST_LOGISTIC,
                                          .trees = (uint32_t)p->trees,
                                          .patience = (uint32_t)p->patience,
                                          .learning_rate = p->learning_rate,
                                          .row_share = 0.8,
                                          .column_share = 1,
                                          .tree = {.max_leaves = (uint32_t)p->max_leaves,
                                                   .min_hessian = p->min_samples_leaf,
                                                   .lambda = p->lambda}};
    name_columns(s);
    TRY(tree_table_build(&s->columns, q->x, q->n * q->group, run->scratch, run->scratch, &table));
    const struct boost_data data = {
        .table = &table, .y = q->y, .group_size = q->group, .valid = p->patience > 0 ? q->valid : NULL};
    TRY(boost_fit(&data, &options, run, run->arena, &s->forest, &report));
    log_info("stacking: %u trees, loss %.4f, validation loss %.4f", report.trees, report.train_loss,
             report.validation_loss);
    return STATUS_OK;
}

/* ---- the model */
static enum status stacking_check(const void *params, const struct node *where)
{
    (void)where;
    return hybrid_check(&((const struct stacking_params *)params)->hybrid, "stacking");
}

static enum status stacking_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct stacking *s = state;
    const struct stacking_params *p = params;
    struct lesson lesson;
    struct questions questions;
    TRY(hybrid_parse(&p->hybrid, "stacking", run->arena, &s->hybrid));
    s->meta = p->meta;
    s->candidates = (uint32_t)p->candidates;
    TRY(history_copy(train->by_user, HISTORY_EQUAL, run->arena, &s->history));
    TRY(log_counts(train->by_user, run->arena, &s->activity));
    TRY(log_counts(train->by_item, run->arena, &s->popularity));
    TRY(hybrid_lesson(&s->hybrid, &p->hybrid, train, run, run->scratch, &lesson));
    TRY(make_questions(s, p, &lesson, run, &questions));
    TRY(p->meta == LOGISTIC ? logistic_fit("stacking", questions.x, questions.y,
                                           questions.n * questions.group, questions.columns, p->l2, s->weight)
                            : fit_gbdt(s, p, &questions, run));
    return hybrid_fit(&s->hybrid, train, run);
}

struct room {
    float *S[HYBRID_MOST]; /* [TILE x n_items] */
    float *x, *y;          /* [most x columns], [most] */
    uint32_t *item;        /* [n_items] */
    unsigned char *mark;   /* [n_items] */
};
static void room_free(struct room *r)
{
    free(r->S[0]);
    free(r->x);
    free(r->y);
    free(r->item);
    free(r->mark);
}
static enum status room_new(const struct stacking *s, struct room *r)
{
    const size_t n_items = s->hybrid.n_items;
    *r = (struct room){.S = {malloc(s->hybrid.n * TILE * n_items * sizeof(float) + 1)},
                       .x = malloc(n_items * columns_of(s) * sizeof(float) + 1),
                       .y = malloc(n_items * sizeof(float) + 1),
                       .item = malloc(n_items * sizeof(uint32_t) + 1),
                       .mark = calloc(n_items + 1, 1)};
    for (uint32_t m = 1; m < s->hybrid.n && r->S[0] != NULL; m++)
        r->S[m] = r->S[0] + m * TILE * n_items;
    if (r->S[0] != NULL && r->x != NULL && r->y != NULL && r->item != NULL && r->mark != NULL)
        return STATUS_OK;
    room_free(r);
    status_fail(STATUS_SYSTEM, "out of memory to score a tile of users by stacking");
    return STATUS_SYSTEM;
}

static enum status judge(const struct stacking *s, const float *x, uint32_t n, float *y)
{
    const uint32_t d = columns_of(s);
    if (s->meta == GBDT)
        return forest_predict(&s->forest, s->hybrid.backend, x, d, n, y);
    for (uint32_t c = 0; c < n; c++) {
        double f = s->weight[d];
        for (uint32_t k = 0; k < d; k++)
            f += s->weight[k] * (double)x[(size_t)c * d + k];
        y[c] = (float)f;
    }
    return STATUS_OK;
}

static enum status score_user(const struct stacking *s, uint32_t u, size_t row, struct room *r, float *out)
{
    const uint32_t n_items = s->hybrid.n_items, d = columns_of(s);
    const float *S[HYBRID_MOST];
    float highest = -INFINITY, lowest = INFINITY;
    for (uint32_t m = 0; m < s->hybrid.n; m++)
        S[m] = r->S[m] + row * n_items;
    const uint32_t n = hybrid_candidates(&s->hybrid, &s->history, u, S, s->candidates, r->mark, r->item);
    for (uint32_t c = 0; c < n; c++)
        describe(s, u, r->item[c], S[0] + r->item[c], (size_t)TILE * n_items, r->x + (size_t)c * d);
    TRY(judge(s, r->x, n, r->y));
    for (uint32_t c = 0; c < n; c++)
        lowest = fminf(lowest, r->y[c]);
    for (uint32_t i = 0; i < n_items; i++) {
        out[i] = 0;
        for (uint32_t m = 0; m < s->hybrid.n; m++)
            out[i] += S[m][i] / (float)s->hybrid.n;
        highest = fmaxf(highest, out[i]);
    }
    for (uint32_t i = 0; i < n_items; i++)
        out[i] = (n > 0 ? lowest - 1 : 0) + (out[i] - highest);
    for (uint32_t c = 0; c < n; c++)
        out[r->item[c]] = r->y[c];
    return STATUS_OK;
}

static enum status stacking_score_users(const void *state, const uint32_t *users, size_t n,
                                        const struct tile *out)
{
    const struct stacking *s = state;
    struct room room;
    enum status status = STATUS_OK;
    TRY(room_new(s, &room));
    for (size_t first = 0; first < n && status == STATUS_OK; first += TILE) {
        const size_t size = n - first < TILE ? n - first : TILE;
        for (uint32_t m = 0; m < s->hybrid.n && status == STATUS_OK; m++)
            status = hybrid_scores(&s->hybrid, m, users + first, size, room.S[m]);
        for (size_t r = 0; r < size && status == STATUS_OK; r++)
            status = score_user(s, users[first + r], r, &room, out->scores + (first + r) * out->ld);
    }
    room_free(&room);
    return status;
}

static enum status stacking_save(const void *state, struct model_writer *w)
{
    const struct stacking *s = state;
    TRY(csr_put(w, "history", &s->history));
    TRY(model_put(w, "activity", ARRAY_F32, s->hybrid.n_users, 1, s->activity));
    TRY(model_put(w, "popularity", ARRAY_F32, s->hybrid.n_items, 1, s->popularity));
    if (s->meta == LOGISTIC)
        TRY(model_put(w, "weight", ARRAY_F64, columns_of(s) + 1, 1, s->weight));
    else
        TRY(forest_save(&s->forest, w));
    return hybrid_save(&s->hybrid, w);
}

static enum status stacking_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct stacking *s = state;
    const struct stacking_params *p = params;
    const void *activity = NULL, *popularity = NULL, *weight = NULL;
    uint64_t one = 1;
    TRY(hybrid_parse(&p->hybrid, "stacking", run->arena, &s->hybrid));
    s->meta = p->meta;
    s->candidates = (uint32_t)p->candidates;
    TRY(hybrid_load(&s->hybrid, r, run));
    uint64_t n_users = s->hybrid.n_users, n_items = s->hybrid.n_items, d = columns_of(s) + 1;
    TRY(csr_get(r, "history", s->hybrid.n_items, false, &s->history));
    if (s->history.n_rows != n_users)
        return status_fail(STATUS_DATA, "a file of stacking has a history of %u users for %llu; fit it again",
                           s->history.n_rows, (unsigned long long)n_users);
    TRY(model_get(r, "activity", ARRAY_F32, &n_users, &one, &activity));
    TRY(model_get(r, "popularity", ARRAY_F32, &n_items, &one, &popularity));
    s->activity = activity;
    s->popularity = popularity;
    name_columns(s);
    if (p->meta == GBDT)
        return forest_load(&s->forest, columns_of(s), r);
    TRY(model_get(r, "weight", ARRAY_F64, &d, &one, &weight));
    memcpy(s->weight, weight, d * sizeof *s->weight);
    return STATUS_OK;
}

static void stacking_trees(const void *state, const struct forest **forest,
                           const struct tree_columns **columns)
{
    const struct stacking *s = state;
    *forest = s->meta == GBDT ? &s->forest : NULL;
    *columns = &s->columns;
}

static void stacking_free(void *state)
{
    hybrid_free(&((struct stacking *)state)->hybrid);
}

extern const struct model_type model_stacking;
const struct model_type model_stacking = {
    .name = "stacking",
    .family = "hybrid",
    .source = "Wolpert 1992; Sill, Takacs, Mackey, Lin 2009",
    .help = "a logistic regression or boosted trees over other models' scores",
    .version = 1,
    .params = stacking_params,
    .params_size = sizeof(struct stacking_params),
    .state_size = sizeof(struct stacking),
    .inside = hybrid_inside,
    .check = stacking_check,
    .fit = stacking_fit,
    .score_users = stacking_score_users,
    .trees = stacking_trees,
    .save = stacking_save,
    .load = stacking_load,
    .free = stacking_free};
