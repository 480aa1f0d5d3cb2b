/*
 * corrected.c - see corrected.h.  Users with as many others and negatives share an estimator (estimator.h); classes go to threads.
 */
#include "eval/corrected.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/order.h"
#include "eval/estimator.h"

/* What a metric is made of: the sum, or the first relevant item's, of a base; one divided by ... is in divided(). */
struct recipe {
    const char *name;
    enum base base;
    bool first, by_place; /* the first relevant item alone; times p */
    enum { GAIN_ONE, GAIN_LINEAR, GAIN_POWER } gain;
};
static const struct recipe recipes[] = {{"precision", BASE_ONE, false, false, GAIN_ONE},
                                        {"recall", BASE_ONE, false, false, GAIN_ONE},
                                        {"f1", BASE_ONE, false, false, GAIN_ONE},
                                        {"r_precision", BASE_ONE, false, false, GAIN_ONE},
                                        {"hit_rate", BASE_ONE, true, false, GAIN_ONE},
                                        {"mrr", BASE_RECIPROCAL, true, false, GAIN_ONE},
                                        {"map", BASE_RECIPROCAL, false, true, GAIN_ONE},
                                        {"ndcg", BASE_DISCOUNT, false, false, GAIN_ONE},
                                        {"ndcg_linear", BASE_DISCOUNT, false, false, GAIN_LINEAR},
                                        {"ndcg_exp", BASE_DISCOUNT, false, false, GAIN_POWER}};

static const struct recipe *recipe_of(const struct metric_type *metric)
{
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++)
        if (strcmp(recipes[i].name, metric->name) == 0)
            return &recipes[i];
    return NULL;
}

bool corrected_has(const struct metric_type *metric)
{
    return metric->kind == METRIC_RANKING && recipe_of(metric) != NULL;
}

/* A relevant item among the candidates. */
struct found {
    float score;
    double tie, gain, power;
    double ahead, weight; /* negatives ahead of it, and how many items they stand for */
};

/* Best first. */
static int by_score(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->tie > y->tie) - (x->tie < y->tie);
}

struct pass {
    const struct candidates *candidates;
    const struct relevance *relevance;
    const uint32_t *users;
    uint32_t n_users, longest;
    uint64_t seed;
    double gamma;
    const struct metric_at *measures;
    const struct recipe **recipe; /* [n_measures] */
    size_t n_measures, most;      /* most: relevant items of a user */
    bool estimators;              /* cls or bv are asked for */
    double *values;
};

/* One thread's room. */
struct room {
    struct found *found; /* [most] */
    double *sorted;      /* [most] */
};

static double tie_of(const struct pass *p, uint32_t user, uint32_t item)
{
    return random_unit(p->seed, RANDOM_TIES, user, item);
}

/* The user's relevant candidates, best first, with what is ahead of each; returns how many. */
static uint32_t look(const struct pass *p, uint32_t user, struct found *found)
{
    const struct candidates *c = p->candidates;
    const struct csr *relevant = &p->relevance->items;
    uint32_t n = 0;
    int64_t r = relevant->ptr[user];
    for (int64_t e = c->items.ptr[user]; e < c->items.ptr[user + 1]; e++) {
        if (!c->relevant[e])
            continue;
        while (relevant->idx[r] != c->items.idx[e])
            r++;
        found[n++] = (struct found){.score = c->score[e],
                                    .tie = tie_of(p, user, c->items.idx[e]),
                                    .gain = p->relevance->gain != NULL ? p->relevance->gain[r] : 1,
                                    .power = p->relevance->gain != NULL ? p->relevance->power[r] : 1};
    }
    qsort(found, n, sizeof *found, by_score);
    for (int64_t e = c->items.ptr[user]; e < c->items.ptr[user + 1]; e++) {
        if (c->relevant[e])
            continue;
        const struct found it = {.score = c->score[e], .tie = tie_of(p, user, c->items.idx[e])};
        uint32_t low = 0, high = n; /* the first that it is ahead of */
        while (low < high) {
            const uint32_t middle = (low + high) / 2;
            if (by_score(&found[middle], &it) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < n) {
            found[low].ahead++;
            found[low].weight += c->weight != NULL ? c->weight[e] : NAN;
        }
    }
    for (uint32_t i = 1; i < n; i++)
        found[i].ahead += found[i - 1].ahead, found[i].weight += found[i - 1].weight;
    while (n > 0 && found[n - 1].score == -INFINITY) /* not to be ranked */
        n--;
    return n;
}

/* The estimate of base(place) where the place is at most k, else 0. */
static double estimate(const struct metric_at *x, const struct recipe *recipe, struct estimator *e,
                       const struct found *f, uint32_t p, uint32_t k, bool whole)
{
    if (whole || x->dialect == ESTIMATOR_RANK) {
        const double place = p + (whole ? f->ahead : f->weight);
        return isnan(place) ? NAN : place <= k ? base_value(recipe->base, place) : 0;
    }
    if (e == NULL)
        return NAN;
    return x->dialect == ESTIMATOR_BV ? estimator_bv(e, recipe->base, p, k, (uint32_t)f->ahead)
                                      : estimator_cls(e, recipe->base, p, k, (uint32_t)f->ahead);
}

/* DCG of the best list of k places. */
static double ideal_of(const struct pass *p, uint32_t user, const struct recipe *recipe, uint32_t k,
                       double *sorted)
{
    const int64_t first = p->relevance->items.ptr[user];
    const uint32_t n = (uint32_t)(p->relevance->items.ptr[user + 1] - first);
    const double *gain = recipe->gain == GAIN_LINEAR  ? p->relevance->gain
                         : recipe->gain == GAIN_POWER ? p->relevance->power
                                                      : NULL;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = gain != NULL ? gain[first + i] : 1;
    if (gain != NULL)
        qsort(sorted, n, sizeof *sorted, falling_f64);
    for (uint32_t i = 0; i < n && i < k; i++)
        sum += sorted[i] / log2(i + 2.0);
    return sum;
}

static double divided(const struct pass *p, uint32_t user, const struct metric_at *x,
                      const struct recipe *recipe, double sum, uint32_t k, uint32_t n_relevant,
                      double *sorted)
{
    if (recipe->base == BASE_DISCOUNT)
        return sum / ideal_of(p, user, recipe, k, sorted);
    if (recipe->first)
        return sum;
    if (recipe->by_place)
        return sum / (k < n_relevant ? k : n_relevant);
    if (strcmp(x->metric->name, "precision") == 0)
        return sum / k;
    return strcmp(x->metric->name, "f1") == 0 ? 2 * sum / ((double)k + n_relevant) : sum / n_relevant;
}

static void score_user(const struct pass *p, uint32_t u, struct estimator *e, struct room *r)
{
    const uint32_t user = p->users[u], m = p->candidates->n_negatives[user];
    const uint32_t n_relevant = (uint32_t)(p->relevance->items.ptr[user + 1] - p->relevance->items.ptr[user]);
    const bool whole = m == p->candidates->n_others[user];
    const uint32_t n = look(p, user, r->found);
    for (size_t i = 0; i < p->n_measures; i++) {
        const struct metric_at *x = &p->measures[i];
        const struct recipe *recipe = p->recipe[i];
        const uint32_t k = x->k > 0 ? x->k : n_relevant < p->longest ? n_relevant : p->longest;
        double sum = n_relevant > 0 && (m > 0 || whole) ? 0 : NAN;
        for (uint32_t j = 0; j < n && (j == 0 || !recipe->first); j++) {
            const struct found *f = &r->found[j];
            sum += (recipe->by_place ? j + 1 : 1) *
                   (recipe->gain == GAIN_LINEAR  ? f->gain
                    : recipe->gain == GAIN_POWER ? f->power
                                                 : 1) *
                   estimate(x, recipe, e, f, j + 1, k, whole);
        }
        p->values[i * p->n_users + u] = divided(p, user, x, recipe, sum, k, n_relevant, r->sorted);
    }
}

/* ---- classes of users */
struct member {
    uint32_t n_others, m, u;
};
static int by_class(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->n_others != y->n_others)
        return x->n_others < y->n_others ? -1 : 1;
    if (x->m != y->m)
        return x->m < y->m ? -1 : 1;
    return (x->u > y->u) - (x->u < y->u);
}

enum { CLASSES_EXACT = 32 };

static uint32_t count_classes(const struct member *member, uint32_t n)
{
    uint32_t count = n > 0;
    for (uint32_t i = 1; i < n; i++)
        count += member[i].n_others != member[i - 1].n_others || member[i].m != member[i - 1].m;
    return count;
}

/* Sorted; with many different numbers of others, those are rounded to steps of half a per cent. */
static struct member *make_classes(const struct pass *p)
{
    struct member *member = malloc(((size_t)p->n_users + 1) * sizeof *member);
    if (member == NULL)
        return NULL;
    for (uint32_t u = 0; u < p->n_users; u++)
        member[u] =
            (struct member){p->candidates->n_others[p->users[u]], p->candidates->n_negatives[p->users[u]], u};
    qsort(member, p->n_users, sizeof *member, by_class);
    if (count_classes(member, p->n_users) <= CLASSES_EXACT)
        return member;
    for (uint32_t u = 0; u < p->n_users; u++) {
        if (member[u].n_others == member[u].m) /* exact anyway */
            continue;
        const double rounded = round(exp(0.005 * round(log(member[u].n_others) / 0.005)));
        member[u].n_others = rounded > member[u].m ? (uint32_t)rounded : member[u].m;
    }
    qsort(member, p->n_users, sizeof *member, by_class);
    return member;
}

/* The class that begins at member[i].  false in *fine: memory is out. */
static void score_class(const struct pass *p, const struct member *member, uint32_t i, struct room *r,
                        bool *fine)
{
    const uint32_t m = member[i].m, n = member[i].n_others;
    struct estimator *e = NULL;
    if (p->estimators && m > 0 && m < n && m <= ESTIMATOR_NEGATIVES_MOST) {
        e = estimator_new(n, m, p->longest, p->gamma);
        *fine = *fine && e != NULL;
    }
    for (; *fine && i < p->n_users && member[i].m == m && member[i].n_others == n; i++)
        score_user(p, member[i].u, e, r);
    estimator_free(e);
}

static enum status score_all(const struct pass *p)
{
    struct member *member = make_classes(p);
    uint32_t *start = malloc(((size_t)p->n_users + 1) * sizeof *start), n_classes = 0;
    int failed = member == NULL || start == NULL;
    for (uint32_t i = 0; !failed && i < p->n_users; i++)
        if (i == 0 || member[i].m != member[i - 1].m || member[i].n_others != member[i - 1].n_others)
            start[n_classes++] = i;
#pragma omp parallel reduction(| : failed)
    {
        struct room r = {malloc((p->most + 1) * sizeof *r.found), malloc((p->most + 1) * sizeof *r.sorted)};
        bool fine = r.found != NULL && r.sorted != NULL && member != NULL;
#pragma omp for schedule(dynamic, 1)
        for (uint32_t c = 0; c < n_classes; c++)
            if (fine)
                score_class(p, member, start[c], &r, &fine);
        failed |= !fine;
        free(r.found);
        free(r.sorted);
    }
    free(member);
    free(start);
    return failed ? status_fail(STATUS_SYSTEM, "memory is out: estimators of %u users", p->n_users)
                  : STATUS_OK;
}

enum status corrected_score(const struct candidates *candidates, const uint32_t *users, uint32_t n_users,
                            const struct relevance *relevance, uint64_t seed, double gamma,
                            const struct metric_at *measures, size_t n_measures, double *values)
{
    struct pass p = {.candidates = candidates,
                     .relevance = relevance,
                     .users = users,
                     .n_users = n_users,
                     .longest = 1,
                     .seed = seed,
                     .gamma = gamma,
                     .measures = measures,
                     .n_measures = n_measures,
                     .values = values};
    p.recipe = malloc((n_measures + 1) * sizeof *p.recipe);
    if (p.recipe == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: %zu measures", n_measures);
    for (size_t m = 0; m < n_measures; m++) {
        p.recipe[m] = recipe_of(measures[m].metric);
        p.longest = measures[m].k > p.longest ? measures[m].k : p.longest;
        p.estimators |= measures[m].dialect != ESTIMATOR_RANK;
        if (p.recipe[m] == NULL) {
            free(p.recipe);
            return status_fail(STATUS_USAGE, "there is no estimate of %s", measures[m].metric->name);
        }
    }
    for (uint32_t u = 0; u < n_users; u++) {
        const size_t n = (size_t)(relevance->items.ptr[users[u] + 1] - relevance->items.ptr[users[u]]);
        p.most = n > p.most ? n : p.most;
    }
    const enum status status = n_measures > 0 ? score_all(&p) : STATUS_OK;
    free(p.recipe);
    return status;
}
