/*
 * tree_fusion.c - decision_tree, random_forest and gbdt: trees over what is known of a user, an item and the two together
 * (tree_features.h), other models' scores and text similarity among it.
 *
 * They learn from questions "which of these did this user take?" (intent.h: a train row and sampled negatives) about one part of the train
 * rows of `folds`, each described by the other parts alone, other models' scores and what the user wrote among it (view_user_text() leaves out
 * what is about a row of that part); then all is described by all of train.
 * With the feature cross a decoder reads users' histories and items together (cross_feature.h), of a sample of those questions, and then of the
 * first candidates; elsewhere that column is missing, as a tree takes it.
 * They re-rank: of each user, the `candidates` items that the first collaborative
 * model puts in front (train items aside) are ranked by the trees, all others below in that model's order.
 *
 * decision_tree and random_forest fit the 0 / 1 of being taken (Gini: Breiman et al. 1984; Breiman 2001); gbdt boosts its log odds,
 * its squared error, or pairs of a question by their NDCG (Friedman 2001; Chen, Guestrin 2016; Burges 2010).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/cross_feature.h"
#include "fusion/tree_features.h"
#include "models/forest_boost.h"

struct tree_fusion_params {
    /* questions and features */
    struct item_vectors_options vectors;
    struct user_texts_options texts;
    struct cross_options cross;
    struct param_list features, collaborative;
    const struct node *collaborative_params;
    int components, folds, n_negatives, negatives, samples, max_names, candidates;
    /* trees; what a model does not have stays 0 */
    int trees, max_depth, max_leaves, columns_tried, patience, loss;
    double min_samples_leaf, min_gain, lambda, ccp_alpha, learning_rate, row_share, column_share, validation;
};
#define P struct tree_fusion_params
#define QUESTIONS                                                                                            \
    ITEM_VECTORS_PARAMS(P, vectors., "none", "title|genres|tags", 64, 0, 4096, 1),                           \
        USER_TEXTS_PARAMS(P, texts),                                                                         \
        PARAM_LIST(                                                                                          \
            P, features, "cosine", TREE_VECTORS_FEATURES "|" CROSS_FEATURE,                                  \
            "of the user's and the item's vector: their cosine; the two (user, item: a concatenation), "     \
            "product, absolute difference; cross: what a decoder says of both"),                             \
        PARAM_INT(P, components, 8, 1, 4096,                                                                 \
                  "principal components of the vectors that user, item, product and difference take"),       \
        CROSS_PARAMS(P, cross),                                                                              \
        PARAM_LIST(P, collaborative, "ease|popularity", COLLABORATIVE_SIGNALS,                               \
                   "models whose scores are features: none, popularity, any model's name; the first one "    \
                   "chooses candidates"),                                                                    \
        PARAM_NODE(P, collaborative_params, "parameters of those models: {ease: {l2: 300}}"),                \
        PARAM_INT(P, folds, 5, 2, 100,                                                                       \
                  "trees learn from one of so many parts of train, described by the others"),                \
        PARAM_INT(P, n_negatives, 4, 1, 1000, "negatives sampled for each positive"),                        \
        PARAM_CHOICE(P, negatives, "uniform", "uniform|popularity", "how negatives are drawn"),              \
        PARAM_INT(P, samples, 50000, 0, 800000000, "at most about so many of that part's rows; 0: all"),     \
        PARAM_INT(P, max_names, 30, 0, 10000, "at most so many names of a list column get a feature each"),  \
        PARAM_INT(P, candidates, 200, 0, 1e9, "items a user that are re-ranked; 0: all")
static const struct param decision_tree_params[] = {
    QUESTIONS,
    PARAM_INT(P, max_depth, 8, 0, 64, "splits above a leaf; 0: any number"),
    PARAM_INT(P, max_leaves, 0, 0, 1e6, "leaves, the best splits first; 0: any number"),
    PARAM_REAL(P, min_samples_leaf, 50, 1, 1e9, "rows of a leaf, at least"),
    PARAM_REAL(P, ccp_alpha, 1e-5, 0, 1,
               "cost-complexity pruning: the squared error a row that a leaf must save"),
    PARAM_END};
static const struct param random_forest_params[] = {
    QUESTIONS,
    PARAM_INT(P, trees, 100, 1, 100000, "trees"),
    PARAM_INT(P, max_depth, 12, 0, 64, "splits above a leaf; 0: any number"),
    PARAM_REAL(P, min_samples_leaf, 20, 1, 1e9, "rows of a leaf, at least"),
    PARAM_INT(P, columns_tried, 0, 0, 1e6, "columns drawn at each split; 0: the root of their number"),
    PARAM_END};
static const struct param gbdt_params[] = {
    QUESTIONS,
    PARAM_CHOICE(P, loss, "logistic", BOOST_LOSSES, "what is boosted"),
    PARAM_INT(P, trees, 300, 1, 100000, "trees, at most"),
    PARAM_REAL(P, learning_rate, 0.1, 1e-6, 1, "what a tree counts"),
    PARAM_INT(P, max_leaves, 15, 0, 1e6, "leaves a tree, the best splits first; 0: any number"),
    PARAM_INT(P, max_depth, 0, 0, 64, "splits above a leaf; 0: any number"),
    PARAM_REAL(P, min_samples_leaf, 5, 0, 1e9, "sum of hessians of a leaf, at least"),
    PARAM_REAL(P, lambda, 1, 0, 1e9, "L2 weight on leaf values"),
    PARAM_REAL(P, min_gain, 0, 0, 1e9, "rise of the score that a split must bring"),
    PARAM_REAL(P, row_share, 0.8, 0.01, 1, "share of the questions that a tree grows on"),
    PARAM_REAL(P, column_share, 0.8, 0.01, 1, "share of the columns that a split may take"),
    PARAM_REAL(P, validation, 0.1, 0, 0.9, "share of the questions held out to stop early"),
    PARAM_INT(P, patience, 20, 0, 100000, "trees without a better validation loss before it stops; 0: never"),
    PARAM_END};
#undef P

enum kind { DECISION_TREE, RANDOM_FOREST, GBDT };

struct tree_fusion {
    struct tree_features features;
    struct cross_feature cross;
    struct forest forest;
    uint32_t candidates;
};

static enum status tree_fusion_inside(const void *params, struct arena *arena, const struct nested **models,
                                      size_t *n)
{
    const struct tree_fusion_params *p = params;
    return collaborative_inside(&p->collaborative, p->collaborative_params, arena, models, n);
}

static enum status tree_fusion_check(const void *params, const struct node *where)
{
    const struct tree_fusion_params *p = params;
    const char *mistake = NULL;
    for (size_t i = 0; i < p->collaborative.n; i++)
        if (strcmp(p->collaborative.item[i], "none") == 0 && p->collaborative.n > 1)
            mistake = "collaborative has 'none' beside others";
    const bool none = p->collaborative.n == 0 || strcmp(p->collaborative.item[0], "none") == 0;
    if (mistake == NULL && cross_feature_asked(&p->features) && none)
        mistake =
            "the feature cross is asked of the first collaborative model's best items, and collaborative "
            "names none: expected ease, popularity or another model";
    if (mistake == NULL)
        return cross_feature_asked(&p->features) ? cross_feature_check(&p->cross, where) : STATUS_OK;
    return where == NULL ? status_fail(STATUS_USAGE, "%s", mistake) : node_fail(where, "%s", mistake);
}

/* No item is asked about that the trees don't rank. */
static void limit_cross(struct tree_fusion *m)
{
    if (m->candidates > 0 && m->cross.candidates > m->candidates)
        m->cross.candidates = m->candidates;
}

/* What the view's rows say of users and items; they stand for row_scale as many. */
static enum status describe(struct tree_features *f, const struct tree_fusion_params *p,
                            const struct view *view, double row_scale, struct run *run)
{
    const struct history_fading no_fading = {.decay = 1};
    f->backend = run->backend;
    f->cross = cross_feature_asked(&p->features);
    tree_vectors_choose(&p->features, (uint32_t)p->components, &f->vectors);
    TRY(user_texts_build(&p->texts, &p->vectors, &no_fading, view, run, &f->items, &f->texts));
    TRY(collaborative_choose(&p->collaborative, p->collaborative_params, run->arena, &f->collaborative));
    TRY(collaborative_fit(&f->collaborative, view, run));
    return tree_features_describe(f, view, row_scale, (uint32_t)p->max_names, run->arena, run->scratch);
}

static enum status grow(struct tree_fusion *m, const struct tree_fusion_params *p, enum kind kind,
                        const struct boost_data *data, uint32_t n_columns, struct run *run)
{
    const double columns = n_columns;
    const struct tree_options tree = {.max_leaves = (uint32_t)p->max_leaves,
                                      .max_depth = (uint32_t)p->max_depth,
                                      .min_hessian = p->min_samples_leaf,
                                      .lambda = p->lambda,
                                      .min_gain = p->min_gain,
                                      .ccp_alpha = p->ccp_alpha,
                                      .columns_tried = kind != RANDOM_FOREST ? 0
                                                       : p->columns_tried > 0
                                                           ? (uint32_t)p->columns_tried
                                                           : (uint32_t)fmax(1, floor(sqrt(columns)))};
    const struct boost_options boost = {.loss = p->loss,
                                        .trees = (uint32_t)p->trees,
                                        .patience = (uint32_t)p->patience,
                                        .learning_rate = p->learning_rate,
                                        .row_share = p->row_share,
                                        .column_share = p->column_share,
                                        .tree = tree};
    struct boost_report report;
    if (kind != GBDT)
        return bagging_fit(data, &tree, kind == DECISION_TREE ? 1 : (uint32_t)p->trees, kind == RANDOM_FOREST,
                           run, run->arena, &m->forest);
    TRY(boost_fit(data, &boost, run, run->arena, &m->forest, &report));
    log_info("gbdt: %u trees, loss %.4f, validation loss %.4f", report.trees, report.train_loss,
             report.validation_loss);
    return STATUS_OK;
}

/* Grows the trees from the rows of fold 0, described by the others.  All but the trees goes when inner's arenas go. */
static enum status learn(struct tree_fusion *m, const struct tree_fusion_params *p, enum kind kind,
                         const struct view *train, struct run *run, struct run *inner)
{
    const struct intent_options questions = {.n_negatives = (uint32_t)p->n_negatives,
                                             .popular = p->negatives == 1,
                                             .samples = (uint64_t)p->samples * (uint64_t)p->folds,
                                             .n_folds = (uint32_t)p->folds,
                                             .validation = p->validation,
                                             .seed = run->seed};
    struct tree_features features = {0};
    struct intent_groups groups;
    struct tree_table table;
    struct view others;
    float *x, *y, *cross = NULL;
    TRY(collaborative_view_without(train, 0, (uint32_t)p->folds, run->seed, inner->arena, &others));
    TRY(intent_sample(train->by_user, &questions, inner->arena, &groups));
    intent_keep_fold(&groups, 0);
    if (m->cross.on)
        TRY(cross_feature_questions(&m->cross, train->by_user, &groups, inner, &cross));
    enum status status = describe(&features, p, &others, p->folds / (p->folds - 1.0), inner);
    if (status == STATUS_OK)
        status = tree_features_groups(&features, &groups, cross, inner, &x);
    collaborative_free(&features.collaborative);
    TRY(status);
    TRY(tree_table_build(&features.columns, x, groups.n * groups.n_candidates, inner->arena, inner->scratch,
                         &table));
    ARENA_NEW(y, inner->arena, table.n);
    for (uint64_t i = 0; i < table.n; i++)
        y[i] = i % groups.n_candidates == 0 ? 1.0f : 0.0f;
    const struct boost_data data = {.table = &table,
                                    .y = y,
                                    .group_size = groups.n_candidates,
                                    .valid = kind == GBDT ? groups.validation : NULL};
    return grow(m, p, kind, &data, features.columns.n, run);
}

static enum status tree_fusion_fit(struct tree_fusion *m, const struct tree_fusion_params *p, enum kind kind,
                                   const struct view *train, struct run *run)
{
    struct run inner = *run;
    TRY(tree_fusion_check(p, NULL));
    m->candidates = (uint32_t)p->candidates;
    if (cross_feature_asked(&p->features))
        TRY(cross_feature_build(&p->cross, train, run, &m->cross));
    limit_cross(m);
    inner.arena = arena_new();
    inner.scratch = arena_new();
    inner.validate = NULL;
    enum status status = inner.arena == NULL || inner.scratch == NULL ? STATUS_SYSTEM : STATUS_OK;
    if (status == STATUS_OK)
        status = learn(m, p, kind, train, run, &inner);
    arena_free(inner.scratch);
    arena_free(inner.arena);
    TRY(status);
    return describe(&m->features, p, train, 1, run);
}

/* ------------------------------------------------------------------------------------------------------ scores */

/* Room for a tile of users. */
struct room {
    struct tree_room tile;
    float *x;            /* [most x columns] */
    float *y;            /* [most] */
    float *cross;        /* [n_items], then [most] of the candidates */
    uint32_t *candidate; /* [n_items] */
    size_t most;         /* candidates of one user */
};

static void room_free(struct room *r)
{
    tree_room_free(&r->tile);
    free(r->x);
    free(r->y);
    free(r->cross);
    free(r->candidate);
}

static enum status room_new(const struct tree_fusion *m, struct room *r)
{
    const struct tree_features *f = &m->features;
    const size_t n_items = f->history.n_cols, n = f->collaborative.n;
    TRY(tree_room_new(f, &r->tile));
    r->most = m->candidates > 0 && m->candidates < n_items && n > 0 ? m->candidates : n_items;
    r->x = malloc(r->most * f->columns.n * sizeof(float) + 1);
    r->y = malloc(r->most * sizeof(float) + 1);
    r->candidate = malloc(n_items * sizeof(uint32_t) + 1);
    r->cross = malloc(m->cross.on ? (n_items + r->most) * sizeof(float) : 1);
    if (r->x != NULL && r->y != NULL && r->candidate != NULL && r->cross != NULL)
        return STATUS_OK;
    room_free(r);
    return status_fail(STATUS_SYSTEM, "out of memory to score a tile of users by trees");
}

struct ranked {
    float score;
    uint32_t item;
};
static int by_score(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score)
                                : (x->item > y->item) - (x->item < y->item);
}

/* The first `most` items of the user that are no train items, by the signal; all items where there are not more. */
static enum status choose(const struct tree_features *f, uint32_t u, const float *signal, size_t most,
                          uint32_t *candidate, size_t *n)
{
    const uint32_t n_items = f->history.n_cols;
    struct ranked *ranked = NULL;
    if (most == n_items) {
        for (uint32_t i = 0; i < n_items; i++)
            candidate[i] = i;
        *n = n_items;
        return STATUS_OK;
    }
    ranked = malloc(n_items * sizeof *ranked);
    if (ranked == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory to choose candidates");
    size_t found = 0;
    for (uint32_t i = 0; i < n_items; i++)
        if (!csr_has(&f->history, u, i))
            ranked[found++] = (struct ranked){signal[i], i};
    qsort(ranked, found, sizeof *ranked, by_score);
    *n = found < most ? found : most;
    for (size_t c = 0; c < *n; c++)
        candidate[c] = ranked[c].item;
    free(ranked);
    return STATUS_OK;
}

/* The column cross of the candidates. */
static enum status cross_of(const struct tree_fusion *m, uint32_t u, const float *signal, size_t n,
                            struct room *room)
{
    float *of_candidates = room->cross + m->features.history.n_cols;
    TRY(cross_feature_scores(&m->cross, &m->features.history, u, signal, room->cross));
    for (size_t c = 0; c < n; c++)
        of_candidates[c] = room->cross[room->candidate[c]];
    room->tile.cross = of_candidates;
    return STATUS_OK;
}

/* One user's scores: candidates by the trees, the rest below by the first signal. */
static enum status score_user(const struct tree_fusion *m, uint32_t u, size_t r, struct room *room,
                              float *scores)
{
    const struct tree_features *f = &m->features;
    const uint32_t n_items = f->history.n_cols;
    const float *signal = room->tile.signal + r * n_items; /* of the first model */
    float lowest = 0, highest = -INFINITY;
    size_t n = 0;
    TRY(choose(f, u, signal, room->most, room->candidate, &n));
    if (m->cross.on)
        TRY(cross_of(m, u, signal, n, room));
    tree_features_rows(f, u, r, room->candidate, (uint32_t)n, &room->tile, room->x);
    TRY(forest_predict(&m->forest, f->backend, room->x, f->columns.n, n, room->y));
    for (size_t c = 0; c < n; c++)
        lowest = c == 0 || room->y[c] < lowest ? room->y[c] : lowest;
    for (uint32_t i = 0; n < n_items && i < n_items; i++)
        highest = signal[i] > highest ? signal[i] : highest;
    for (uint32_t i = 0; n < n_items && i < n_items; i++)
        scores[i] = lowest - 1 - (highest - signal[i]);
    for (size_t c = 0; c < n; c++)
        scores[room->candidate[c]] = room->y[c];
    return STATUS_OK;
}

static enum status tree_fusion_score_users(const void *state, const uint32_t *users, size_t n,
                                           const struct tile *out)
{
    const struct tree_fusion *m = state;
    const struct tree_features *f = &m->features;
    struct room room;
    enum status status = STATUS_OK;
    TRY(room_new(m, &room));
    for (size_t first = 0; first < n && status == STATUS_OK; first += TREE_TILE) {
        const size_t size = n - first < TREE_TILE ? n - first : TREE_TILE;
        status = tree_room_fill(f, users + first, size, &room.tile);
        for (size_t r = 0; r < size && status == STATUS_OK; r++)
            status = score_user(m, users[first + r], r, &room, out->scores + (first + r) * out->ld);
    }
    room_free(&room);
    return status;
}

static void tree_fusion_trees(const void *state, const struct forest **forest,
                              const struct tree_columns **columns)
{
    const struct tree_fusion *m = state;
    *forest = &m->forest;
    *columns = &m->features.columns;
}

static void tree_fusion_free(void *state)
{
    struct tree_fusion *m = state;
    collaborative_free(&m->features.collaborative);
    cross_feature_free(&m->cross);
}

static void tree_fusion_usage(const void *state, struct model_usage *out)
{
    cross_feature_usage(&((const struct tree_fusion *)state)->cross, out);
}

static enum status tree_fusion_save(const void *state, struct model_writer *w)
{
    const struct tree_fusion *m = state;
    TRY(tree_features_save(&m->features, w));
    TRY(cross_feature_save(&m->cross, w));
    return forest_save(&m->forest, w);
}

static enum status tree_fusion_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct tree_fusion *m = state;
    const struct tree_fusion_params *p = params;
    m->candidates = (uint32_t)p->candidates;
    TRY(collaborative_choose(&p->collaborative, p->collaborative_params, run->arena,
                             &m->features.collaborative));
    tree_vectors_choose(&p->features, (uint32_t)p->components, &m->features.vectors);
    m->features.cross = cross_feature_asked(&p->features);
    TRY(tree_features_load(&m->features, &p->texts, &p->vectors, r, run));
    if (m->features.cross)
        TRY(cross_feature_load(&p->cross, m->features.history.n_rows, m->features.history.n_cols, r, run,
                               &m->cross));
    limit_cross(m);
    return forest_load(&m->forest, m->features.columns.n, r);
}

/* ------------------------------------------------------------------------------------------------------ the models */

static enum status decision_tree_fit(void *state, const void *params, const struct view *train,
                                     struct run *run)
{
    return tree_fusion_fit(state, params, DECISION_TREE, train, run);
}
static enum status random_forest_fit(void *state, const void *params, const struct view *train,
                                     struct run *run)
{
    return tree_fusion_fit(state, params, RANDOM_FOREST, train, run);
}
static enum status gbdt_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    return tree_fusion_fit(state, params, GBDT, train, run);
}

#define TREE_MODEL(what, from, line)                                                                         \
    extern const struct model_type model_##what;                                                             \
    const struct model_type model_##what = {.name = #what,                                                   \
                                            .family = "trees",                                               \
                                            .source = (from),                                                \
                                            .help = (line),                                                  \
                                            .version = 2,                                                    \
                                            .params = what##_params,                                         \
                                            .params_size = sizeof(struct tree_fusion_params),                \
                                            .state_size = sizeof(struct tree_fusion),                        \
                                            .inside = tree_fusion_inside,                                    \
                                            .check = tree_fusion_check,                                      \
                                            .fit = what##_fit,                                               \
                                            .score_users = tree_fusion_score_users,                          \
                                            .trees = tree_fusion_trees,                                      \
                                            .save = tree_fusion_save,                                        \
                                            .load = tree_fusion_load,                                        \
                                            .free = tree_fusion_free,                                        \
                                            .usage = tree_fusion_usage};
TREE_MODEL(decision_tree, "Breiman, Friedman, Olshen, Stone 1984",
           "one tree re-ranks another model's candidates")
TREE_MODEL(random_forest, "Breiman 2001", "the mean of many trees re-ranks another model's candidates")
TREE_MODEL(gbdt, "Friedman 2001; Chen, Guestrin 2016; Burges 2010",
           "boosted trees re-rank another model's candidates")
