/*
 * hybrid_models.c - weighted and switching: models side by side, one blend for all users or one model for each group of them.
 *
 * weighted: score = sum over models of weight x scaled score.  Weights that are not given are learned: of the points of the simplex that a
 * pattern search (Hooke, Jeeves 1961) visits from the best of the corners and the centre, the one of largest NDCG@10 on held-out train rows.
 * switching: users are cut into groups by how many train rows they have (or how popular those items are); a group has the scores of the model
 * that did best for it on held-out rows (Burke 2002).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "fusion/hybrid.h"

enum { TILE = 32, GROUPS_MOST = 64 };

/* ------------------------------------------------------------------------------------------------------ weighted */
struct weighted_params {
    HYBRID_COMMON;
    const struct node *weights;
};
static const struct param weighted_params[] = {
    HYBRID_PARAMS(struct weighted_params),
    PARAM_NODE(struct weighted_params, weights, "one a model, [0.7, 0.3]; default: learned"), PARAM_END};

struct weighted {
    struct hybrid hybrid;
    double weight[HYBRID_MOST];
};

static enum status read_weights(const struct node *list, uint32_t n, double *weight)
{
    double sum = 0;
    if (list->kind != NODE_LIST || list->n != n)
        return node_fail(list, "weights of weighted: expected a list of %u numbers, one a model", n);
    for (uint32_t m = 0; m < n; m++) {
        TRY(node_double(list->child[m], &weight[m]));
        if (weight[m] < 0 || weight[m] > 1e9)
            return node_fail(list->child[m], "weights of weighted: found %.9g, expected 0 to 1e+09",
                             weight[m]);
        sum += weight[m];
    }
    return sum > 0 ? STATUS_OK : node_fail(list, "weights of weighted: all are 0");
}

static enum status weighted_check(const void *params, const struct node *where)
{
    const struct weighted_params *p = params;
    double unused[HYBRID_MOST];
    (void)where;
    TRY(hybrid_check(&p->hybrid, "weighted"));
    return p->weights == NULL
               ? STATUS_OK
               : read_weights(p->weights, p->hybrid.models != NULL ? (uint32_t)p->hybrid.models->n : 3,
                              unused);
}

static void to_simplex(double *w, uint32_t n)
{
    double sum = 0;
    for (uint32_t m = 0; m < n; m++)
        sum += w[m] = fmax(w[m], 0);
    for (uint32_t m = 0; m < n; m++)
        w[m] = sum > 0 ? w[m] / sum : 1.0 / n;
}

static void consider(const struct lesson *l, uint32_t n, const double *w, double *best, double *weight)
{
    const double value = lesson_ndcg(l, n, w, NULL);
    if (value > *best) {
        *best = value;
        memcpy(weight, w, n * sizeof *w);
    }
}

static enum status learn_weights(const struct lesson *l, uint32_t n, struct run *run, double *weight)
{
    double best = -1, w[HYBRID_MOST];
    for (uint32_t c = 0; c <= n; c++) { /* corners and centre */
        for (uint32_t m = 0; m < n; m++)
            w[m] = c == n ? 1.0 / n : m == c;
        consider(l, n, w, &best, weight);
    }
    for (double step = 0.4; step > 0.02;) {
        const double before = best;
        for (uint32_t m = 0; m < n; m++)
            for (int sign = -1; sign <= 1; sign += 2) {
                if (*run->cancelled)
                    return STATUS_STOPPED;
                memcpy(w, weight, n * sizeof *w);
                w[m] += sign * step;
                to_simplex(w, n);
                consider(l, n, w, &best, weight);
            }
        step = best > before ? step : step / 2;
    }
    log_info("weighted: ndcg@10 of held-out train rows %.4f", best);
    return STATUS_OK;
}

static enum status weighted_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct weighted *s = state;
    const struct weighted_params *p = params;
    struct lesson lesson;
    TRY(hybrid_parse(&p->hybrid, "weighted", run->arena, &s->hybrid));
    s->hybrid.backend = run->backend;
    if (p->weights != NULL)
        TRY(read_weights(p->weights, s->hybrid.n, s->weight));
    else {
        TRY(hybrid_lesson(&s->hybrid, &p->hybrid, train, run, run->scratch, &lesson));
        TRY(learn_weights(&lesson, s->hybrid.n, run, s->weight));
    }
    return hybrid_fit(&s->hybrid, train, run);
}

static enum status weighted_score_users(const void *state, const uint32_t *users, size_t n,
                                        const struct tile *out)
{
    const struct weighted *s = state;
    const uint32_t n_items = s->hybrid.n_items;
    float *S = malloc((size_t)TILE * n_items * sizeof *S + 1);
    enum status status =
        S != NULL ? STATUS_OK
                  : status_fail(STATUS_SYSTEM, "out of memory for a tile of %u scores", TILE * n_items);
    for (size_t first = 0; first < n && status == STATUS_OK; first += TILE) {
        const size_t size = n - first < TILE ? n - first : TILE;
        for (size_t r = 0; r < size; r++)
            memset(out->scores + (first + r) * out->ld, 0, n_items * sizeof *S);
        for (uint32_t m = 0; m < s->hybrid.n && status == STATUS_OK; m++) {
            if (s->weight[m] == 0)
                continue;
            status = hybrid_scores(&s->hybrid, m, users + first, size, S);
            const float w = (float)s->weight[m];
            for (size_t r = 0; r < size && status == STATUS_OK; r++)
                for (uint32_t i = 0; i < n_items; i++)
                    out->scores[(first + r) * out->ld + i] += w * S[r * n_items + i];
        }
    }
    free(S);
    return status;
}

static enum status weighted_save(const void *state, struct model_writer *w)
{
    const struct weighted *s = state;
    TRY(model_put(w, "weight", ARRAY_F64, s->hybrid.n, 1, s->weight));
    return hybrid_save(&s->hybrid, w);
}

static enum status weighted_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct weighted *s = state;
    const struct weighted_params *p = params;
    const void *weight = NULL;
    TRY(hybrid_parse(&p->hybrid, "weighted", run->arena, &s->hybrid));
    uint64_t n = s->hybrid.n, one = 1;
    TRY(model_get(r, "weight", ARRAY_F64, &n, &one, &weight));
    memcpy(s->weight, weight, n * sizeof *s->weight);
    return hybrid_load(&s->hybrid, r, run);
}

static void weighted_free(void *state)
{
    hybrid_free(&((struct weighted *)state)->hybrid);
}

extern const struct model_type model_weighted;
const struct model_type model_weighted = {
    .name = "weighted",
    .family = "hybrid",
    .source = "Burke 2002; pattern search: Hooke, Jeeves 1961",
    .help = "a weighted sum of other models' scores, the weights learned on held-out train rows",
    .version = 1,
    .params = weighted_params,
    .params_size = sizeof(struct weighted_params),
    .state_size = sizeof(struct weighted),
    .inside = hybrid_inside,
    .check = weighted_check,
    .fit = weighted_fit,
    .score_users = weighted_score_users,
    .save = weighted_save,
    .load = weighted_load,
    .free = weighted_free};

/* ------------------------------------------------------------------------------------------------------ switching */
struct switching_params {
    HYBRID_COMMON;
    int by, groups;
    const struct node *bounds;
};
static const struct param switching_params[] = {
    HYBRID_PARAMS(struct switching_params),
    PARAM_CHOICE(struct switching_params, by, "history", "history|popularity",
                 "users are told apart by their train rows, or by the mean of log(1 + rows) of their items"),
    PARAM_INT(struct switching_params, groups, 4, 1, GROUPS_MOST, "of about as many users each"),
    PARAM_NODE(struct switching_params, bounds,
               "in place of groups: where one ends and the next begins, rising: [10, 50]"),
    PARAM_END};
enum { BY_HISTORY, BY_POPULARITY };

struct switching {
    struct hybrid hybrid;
    uint32_t n_groups;
    double
        bound[GROUPS_MOST]; /* [n_groups - 1] a user of at least bound[g] is in group g + 1 or a later one */
    uint32_t choice[GROUPS_MOST + 1]; /* [n_groups] its model; then that of all users */
    const uint32_t *group;            /* [n_users] */
};

static enum status read_bounds(const struct node *list, uint32_t *n_groups, double *bound)
{
    if (list->kind != NODE_LIST || list->n == 0 || list->n >= GROUPS_MOST)
        return node_fail(list, "bounds of switching: expected a list of 1 to %d numbers", GROUPS_MOST - 1);
    for (size_t g = 0; g < list->n; g++) {
        TRY(node_double(list->child[g], &bound[g]));
        if (g > 0 && !(bound[g] > bound[g - 1]))
            return node_fail(list->child[g],
                             "bounds of switching: found %.9g after %.9g, expected rising numbers", bound[g],
                             bound[g - 1]);
    }
    *n_groups = (uint32_t)list->n + 1;
    return STATUS_OK;
}

static enum status switching_check(const void *params, const struct node *where)
{
    const struct switching_params *p = params;
    uint32_t n;
    double unused[GROUPS_MOST];
    (void)where;
    TRY(hybrid_check(&p->hybrid, "switching"));
    return p->bounds != NULL ? read_bounds(p->bounds, &n, unused) : STATUS_OK;
}

static double kind_of(const struct view *v, uint32_t u, int by)
{
    const int64_t first = v->by_user->ptr[u], end = v->by_user->ptr[u + 1];
    double sum = 0;
    if (by == BY_HISTORY)
        return (double)(end - first);
    for (int64_t e = first; e < end; e++) {
        const uint32_t i = v->by_user->idx[e];
        sum += log1p((double)(v->by_item->ptr[i + 1] - v->by_item->ptr[i]));
    }
    return end > first ? sum / (double)(end - first) : 0;
}

/* Each user's group; bounds at quantiles, where they are not given (equal ones fall together). */
static enum status make_groups(struct switching *s, const struct switching_params *p,
                               const struct view *train, struct run *run)
{
    double *kind, *sorted;
    uint32_t *group;
    ARENA_NEW(kind, run->scratch, train->n_users);
    ARENA_NEW(sorted, run->scratch, train->n_users);
    ARENA_NEW(group, run->arena, train->n_users);
    for (uint32_t u = 0; u < train->n_users; u++)
        sorted[u] = kind[u] = kind_of(train, u, p->by);
    qsort(sorted, train->n_users, sizeof *sorted, rising_f64);
    s->n_groups = 1;
    for (int g = 1; g < p->groups && p->bounds == NULL; g++) {
        const double at = sorted[(size_t)train->n_users * (size_t)g / (size_t)p->groups];
        if (at > (s->n_groups > 1 ? s->bound[s->n_groups - 2] : sorted[0]))
            s->bound[s->n_groups++ - 1] = at;
    }
    if (p->bounds != NULL)
        TRY(read_bounds(p->bounds, &s->n_groups, s->bound));
    for (uint32_t u = 0; u < train->n_users; u++)
        while (group[u] + 1 < s->n_groups && kind[u] >= s->bound[group[u]])
            group[u]++;
    s->group = group;
    return STATUS_OK;
}

/* The best model of each group; of all users where a group has none in the lesson. */
static enum status choose(struct switching *s, const struct lesson *l, struct run *run)
{
    unsigned char *counted;
    ARENA_NEW(counted, run->scratch, l->n);
    for (uint32_t g = 0; g <= s->n_groups; g++) { /* the last: all */
        const uint32_t at = s->n_groups - g;      /* all come first */
        double best = -1;
        for (uint32_t u = 0; u < l->n; u++)
            counted[u] = at == s->n_groups || s->group[l->user[u]] == at;
        uint32_t choice = at == s->n_groups ? 0 : s->choice[s->n_groups];
        for (uint32_t m = 0; m < s->hybrid.n; m++) {
            double weight[HYBRID_MOST] = {0};
            weight[m] = 1;
            const double value = lesson_ndcg(l, s->hybrid.n, weight, counted);
            if (value > best)
                best = value, choice = m;
        }
        s->choice[at] = choice;
    }
    return STATUS_OK;
}

static enum status switching_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct switching *s = state;
    const struct switching_params *p = params;
    struct lesson lesson;
    TRY(hybrid_parse(&p->hybrid, "switching", run->arena, &s->hybrid));
    TRY(make_groups(s, p, train, run));
    TRY(hybrid_lesson(&s->hybrid, &p->hybrid, train, run, run->scratch, &lesson));
    TRY(choose(s, &lesson, run));
    for (uint32_t g = 0; g < s->n_groups; g++)
        log_info("switching: group %u of %u: %s", g + 1, s->n_groups,
                 s->hybrid.base[s->choice[g]].type->name);
    return hybrid_fit(&s->hybrid, train, run);
}

/* Users in runs of one model each. */
static enum status switching_score_users(const void *state, const uint32_t *users, size_t n,
                                         const struct tile *out)
{
    const struct switching *s = state;
    float *S = malloc((size_t)TILE * s->hybrid.n_items * sizeof *S + 1);
    enum status status = S != NULL ? STATUS_OK
                                   : status_fail(STATUS_SYSTEM, "out of memory for a tile of %u scores",
                                                 TILE * s->hybrid.n_items);
    for (uint32_t m = 0; m < s->hybrid.n && status == STATUS_OK; m++)
        for (size_t first = 0, size; first < n && status == STATUS_OK; first = size > 0 ? first : n) {
            uint32_t mine[TILE];
            size_t row[TILE];
            for (size = 0; first < n && size < TILE; first++)
                if (s->choice[s->group[users[first]]] == m)
                    mine[size] = users[first], row[size++] = first;
            if (size > 0)
                status = hybrid_scores(&s->hybrid, m, mine, size, S);
            for (size_t r = 0; r < size && status == STATUS_OK; r++)
                memcpy(out->scores + row[r] * out->ld, S + r * s->hybrid.n_items,
                       s->hybrid.n_items * sizeof *S);
        }
    free(S);
    return status;
}

static enum status switching_save(const void *state, struct model_writer *w)
{
    const struct switching *s = state;
    TRY(model_put(w, "group", ARRAY_U32, s->hybrid.n_users, 1, s->group));
    TRY(model_put(w, "choice", ARRAY_U32, s->n_groups, 1, s->choice));
    return hybrid_save(&s->hybrid, w);
}

static enum status switching_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct switching *s = state;
    const struct switching_params *p = params;
    const void *group = NULL, *choice = NULL;
    uint64_t n_users = 0, n_groups = 0, one = 1;
    TRY(hybrid_parse(&p->hybrid, "switching", run->arena, &s->hybrid));
    TRY(model_get(r, "group", ARRAY_U32, &n_users, &one, &group));
    TRY(model_get(r, "choice", ARRAY_U32, &n_groups, &one, &choice));
    TRY(hybrid_load(&s->hybrid, r, run));
    bool fine = n_users == s->hybrid.n_users && n_groups >= 1 && n_groups < GROUPS_MOST;
    for (uint64_t g = 0; fine && g < n_groups; g++)
        fine = (s->choice[g] = ((const uint32_t *)choice)[g]) < s->hybrid.n;
    for (uint64_t u = 0; fine && u < n_users; u++)
        fine = ((const uint32_t *)group)[u] < n_groups;
    if (!fine)
        return status_fail(STATUS_DATA,
                           "a file of switching has groups or models out of range; fit it again");
    s->n_groups = (uint32_t)n_groups;
    s->group = group;
    return STATUS_OK;
}

static void switching_free(void *state)
{
    hybrid_free(&((struct switching *)state)->hybrid);
}

extern const struct model_type model_switching;
const struct model_type model_switching = {
    .name = "switching",
    .family = "hybrid",
    .source = "Burke 2002",
    .help = "for each group of users the model that did best for it on held-out train rows",
    .version = 1,
    .params = switching_params,
    .params_size = sizeof(struct switching_params),
    .state_size = sizeof(struct switching),
    .inside = hybrid_inside,
    .check = switching_check,
    .fit = switching_fit,
    .score_users = switching_score_users,
    .save = switching_save,
    .load = switching_load,
    .free = switching_free};
