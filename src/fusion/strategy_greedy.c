/*
 * strategy_greedy.c - rules that choose the front of the list anew, place by place: mmr, calibrate, exposure.  What is behind the
 * first k places keeps its order.  Scores are dealt out again by place, so that a later rule sees a falling list.
 */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

#include "fusion/strategy.h"

/* Moves the candidate at place `from` to place `to` <= from; those between move back by one. */
static void pull(struct strategy_list *list, uint32_t from, uint32_t to)
{
    const struct scored x = list->candidate[from];
    memmove(list->candidate + to + 1, list->candidate + to, (from - to) * sizeof x);
    list->candidate[to] = x;
}

/* Scores of the list brought to 0 .. 1, so that lambda weighs like with like. */
static enum status unit_scores(const struct strategy_list *list, struct arena *scratch, double **out)
{
    double *u = NULL, low = INFINITY, high = -INFINITY;
    ARENA_NEW(u, scratch, list->n);
    for (uint32_t k = 0; k < list->n; k++) {
        low = fmin(low, list->candidate[k].score);
        high = fmax(high, list->candidate[k].score);
    }
    for (uint32_t k = 0; k < list->n; k++)
        u[k] = high > low ? (list->candidate[k].score - low) / (high - low) : 0;
    *out = u;
    return STATUS_OK;
}

static void pull_number(double *x, uint32_t from, uint32_t to)
{
    const double moved = x[from];
    memmove(x + to + 1, x + to, (from - to) * sizeof *x);
    x[to] = moved;
}

struct mmr_params {
    const char *by;
    double lambda;
    int k;
};
struct mmr {
    const struct csr *names; /* NULL: by text vectors */
};

static enum status mmr_prepare(void *state, const void *params, const struct strategy_facts *facts,
                               struct arena *arena)
{
    const struct mmr_params *p = params;
    struct mmr *m = state;
    const struct column *column = NULL;
    (void)arena;
    if (strcmp(p->by, "text") == 0) {
        if (facts->vectors == NULL || facts->vectors->d == 0)
            return status_fail(STATUS_UNAVAILABLE,
                               "rule mmr by text needs text vectors, and there are none: name an "
                               "encoder, or a list column (by: genres)");
        return STATUS_OK;
    }
    TRY(strategy_column(facts, "mmr", p->by, COLUMN_LIST, &column));
    m->names = &column->list;
    return STATUS_OK;
}

/* Jaccard index of the names of two items, or the cosine of their vectors. */
static double similarity(const struct mmr *m, const struct strategy_facts *facts, uint32_t a, uint32_t b)
{
    if (m->names == NULL) {
        const uint32_t d = facts->vectors->d;
        const float *x = facts->vectors->v + (size_t)a * d, *y = facts->vectors->v + (size_t)b * d;
        double sum = 0;
        for (uint32_t j = 0; j < d; j++)
            sum += (double)x[j] * (double)y[j];
        return sum;
    }
    int64_t i = m->names->ptr[a], j = m->names->ptr[b], both = 0;
    const int64_t end_a = m->names->ptr[a + 1], end_b = m->names->ptr[b + 1];
    const int64_t all = end_a - i + end_b - j;
    while (i < end_a && j < end_b) {
        const uint32_t x = m->names->idx[i], y = m->names->idx[j];
        both += x == y;
        i += x <= y;
        j += y <= x;
    }
    return all > both ? (double)both / (double)(all - both) : 0;
}

static enum status mmr_apply(const void *state, const void *params, const struct strategy_facts *facts,
                             struct strategy_list *list, struct arena *scratch)
{
    const struct mmr *m = state;
    const struct mmr_params *p = params;
    double *u = NULL, *nearest = NULL; /* to what was chosen so far */
    TRY(unit_scores(list, scratch, &u));
    ARENA_NEW(nearest, scratch, list->n);
    for (uint32_t place = 0; place < list->n && place < (uint32_t)p->k; place++) {
        uint32_t best = place;
        double best_value = -INFINITY;
        for (uint32_t c = place; c < list->n; c++) {
            const double value = p->lambda * u[c] - (1 - p->lambda) * nearest[c];
            if (value > best_value) {
                best_value = value;
                best = c;
            }
        }
        pull(list, best, place);
        pull_number(u, best, place);
        pull_number(nearest, best, place);
        for (uint32_t c = place + 1; c < list->n; c++)
            nearest[c] =
                fmax(nearest[c], similarity(m, facts, list->candidate[place].item, list->candidate[c].item));
    }
    return strategy_reassign_scores(list, scratch);
}

static const struct param mmr_table[] = {
    PARAM_STRING(struct mmr_params, by, "genres",
                 "what makes items alike: a list column (Jaccard), or text (cosine of vectors)"),
    PARAM_REAL(struct mmr_params, lambda, 0.7, 0, 1, "1: relevance alone; 0: difference alone"),
    PARAM_INT(struct mmr_params, k, 20, 1, 1e6, "places that are chosen anew"), PARAM_END};
const struct strategy_rule_type rule_mmr = {
    .name = "mmr",
    .help = "each place goes to the item of most relevance less its likeness to those before",
    .source = "Carbonell, Goldstein, SIGIR 1998",
    .params = mmr_table,
    .params_size = sizeof(struct mmr_params),
    .state_size = sizeof(struct mmr),
    .prepare = mmr_prepare,
    .apply = mmr_apply};

struct calibrate_params {
    const char *column;
    double lambda, alpha;
    int k;
};
struct calibrate {
    const struct csr *names; /* [n_items x names] */
};

static enum status calibrate_prepare(void *state, const void *params, const struct strategy_facts *facts,
                                     struct arena *arena)
{
    const struct calibrate_params *p = params;
    const struct column *column = NULL;
    (void)arena;
    TRY(strategy_column(facts, "calibrate", p->column, COLUMN_LIST, &column));
    ((struct calibrate *)state)->names = &column->list;
    return STATUS_OK;
}

static void add_names(const struct csr *names, uint32_t item, double *share)
{
    const int64_t a = names->ptr[item], b = names->ptr[item + 1];
    for (int64_t e = a; e < b; e++)
        share[names->idx[e]] += 1 / (double)(b - a);
}

/* KL(p || (1 - alpha) q + alpha p), q being `sum` and one more item over `n`. */
static double divergence(const struct csr *names, const double *p, const double *sum, double n, uint32_t item,
                         double alpha)
{
    double kl = 0;
    const int64_t a = names->ptr[item], b = names->ptr[item + 1];
    int64_t e = a;
    for (uint32_t g = 0; g < names->n_cols; g++) {
        const bool has = e < b && names->idx[e] == g;
        e += has;
        if (p[g] <= 0)
            continue;
        const double q = (sum[g] + (has ? 1 / (double)(b - a) : 0)) / n;
        kl += p[g] * log(p[g] / ((1 - alpha) * q + alpha * p[g]));
    }
    return kl;
}

static enum status calibrate_apply(const void *state, const void *params, const struct strategy_facts *facts,
                                   struct strategy_list *list, struct arena *scratch)
{
    const struct csr *names = ((const struct calibrate *)state)->names;
    const struct calibrate_params *p = params;
    double *u = NULL, *want = NULL, *sum = NULL, total = 0;
    uint32_t *had = NULL;
    size_t n_had = 0;
    TRY(unit_scores(list, scratch, &u));
    ARENA_NEW(want, scratch, names->n_cols);
    ARENA_NEW(sum, scratch, names->n_cols);
    TRY(strategy_history(facts, list, scratch, &had, &n_had));
    for (size_t h = 0; h < n_had; h++)
        add_names(names, had[h], want);
    for (uint32_t g = 0; g < names->n_cols; g++)
        total += want[g];
    if (total <= 0) /* nothing is known of this user */
        return STATUS_OK;
    for (uint32_t g = 0; g < names->n_cols; g++)
        want[g] /= total;
    for (uint32_t place = 0; place < list->n && place < (uint32_t)p->k; place++) {
        uint32_t best = place;
        double best_value = -INFINITY;
        for (uint32_t c = place; c < list->n; c++) {
            const double value =
                (1 - p->lambda) * u[c] -
                p->lambda * divergence(names, want, sum, place + 1, list->candidate[c].item, p->alpha);
            if (value > best_value) {
                best_value = value;
                best = c;
            }
        }
        pull(list, best, place);
        pull_number(u, best, place);
        add_names(names, list->candidate[place].item, sum);
    }
    return strategy_reassign_scores(list, scratch);
}

static const struct param calibrate_table[] = {
    PARAM_STRING(struct calibrate_params, column, "genres",
                 "a list column whose mix in the history the list shall have"),
    PARAM_REAL(struct calibrate_params, lambda, 0.5, 0, 1, "0: relevance alone; 1: the mix alone"),
    PARAM_REAL(struct calibrate_params, alpha, 0.01, 1e-9, 0.5,
               "smoothing of the list's mix by the history's"),
    PARAM_INT(struct calibrate_params, k, 20, 1, 1e6, "places that are chosen anew"), PARAM_END};
const struct strategy_rule_type rule_calibrate = {.name = "calibrate",
                                                  .help = "the list's mix of genres comes near the history's",
                                                  .source = "Steck, Calibrated Recommendations, RecSys 2018",
                                                  .params = calibrate_table,
                                                  .params_size = sizeof(struct calibrate_params),
                                                  .state_size = sizeof(struct calibrate),
                                                  .prepare = calibrate_prepare,
                                                  .apply = calibrate_apply};

struct exposure_params {
    double head, minimum, alpha;
    int k;
};
struct exposure {
    const uint8_t *tail;    /* [n_items] */
    const uint32_t *needed; /* [k] tail items among the first place + 1, at least */
};

static enum status exposure_prepare(void *state, const void *params, const struct strategy_facts *facts,
                                    struct arena *arena)
{
    const struct exposure_params *p = params;
    struct exposure *x = state;
    uint8_t *tail = NULL;
    uint32_t *needed = NULL, *of = NULL; /* of[c]: items of c train rows */
    uint32_t most = 0;
    ARENA_NEW(tail, arena, facts->n_items);
    ARENA_NEW(needed, arena, (size_t)p->k);
    for (uint32_t i = 0; i < facts->n_items; i++)
        most = (uint32_t)fmax(most, (double)(facts->by_item->ptr[i + 1] - facts->by_item->ptr[i]));
    ARENA_NEW(of, arena, (size_t)most + 1);
    for (uint32_t i = 0; i < facts->n_items; i++)
        of[facts->by_item->ptr[i + 1] - facts->by_item->ptr[i]]++;
    double held = 0;
    uint32_t least = most + 1; /* rows of an item of the head, at least: equal counts are on one side */
    while (least > 0 && held + (double)of[least - 1] * (least - 1) <= p->head * (double)facts->by_item->nnz) {
        least--;
        held += (double)of[least] * least;
    }
    for (uint32_t i = 0; i < facts->n_items; i++)
        tail[i] = facts->by_item->ptr[i + 1] - facts->by_item->ptr[i] < least;
    for (int j = 0; j < p->k; j++) { /* the smallest m whose binomial tail exceeds alpha */
        while (gsl_cdf_binomial_P(needed[j], p->minimum, (unsigned)j + 1) <= p->alpha &&
               needed[j] <= (uint32_t)j)
            needed[j]++;
        if (j + 1 < p->k)
            needed[j + 1] = needed[j];
    }
    *x = (struct exposure){tail, needed};
    return STATUS_OK;
}

static enum status exposure_apply(const void *state, const void *params, const struct strategy_facts *facts,
                                  struct strategy_list *list, struct arena *scratch)
{
    const struct exposure *x = state;
    const struct exposure_params *p = params;
    uint32_t has = 0;
    (void)facts;
    for (uint32_t place = 0; place < list->n && place < (uint32_t)p->k; place++) {
        uint32_t from = place;
        if (has < x->needed[place])
            while (from < list->n && !x->tail[list->candidate[from].item])
                from++;
        if (from < list->n) /* else there is no tail item left */
            pull(list, from, place);
        has += x->tail[list->candidate[place].item];
    }
    return strategy_reassign_scores(list, scratch);
}

static const struct param exposure_table[] = {
    PARAM_REAL(struct exposure_params, head, 0.8, 0, 1,
               "the most popular items that hold this share of train rows are the head"),
    PARAM_REAL(struct exposure_params, minimum, 0.3, 0, 1, "share of places that tail items shall have"),
    PARAM_REAL(struct exposure_params, alpha, 0.1, 1e-9, 1,
               "a list front with fewer is allowed if chance makes it as often as this"),
    PARAM_INT(struct exposure_params, k, 20, 1, 1e5, "places that are chosen anew"), PARAM_END};
const struct strategy_rule_type rule_exposure = {
    .name = "exposure",
    .help = "every front of the list has its share of tail items",
    .source = "FA*IR: Zehlike et al., CIKM 2017, without their correction for testing all fronts",
    .params = exposure_table,
    .params_size = sizeof(struct exposure_params),
    .state_size = sizeof(struct exposure),
    .prepare = exposure_prepare,
    .apply = exposure_apply};
