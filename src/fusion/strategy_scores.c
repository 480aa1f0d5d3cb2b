/*
 * strategy_scores.c - rules that move scores: boost and fatigue.  The list is put in order again afterwards; equal scores keep their
 * order.  A weight is in standard deviations of the list's scores at that point.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/strategy.h"

static double deviation(const struct strategy_list *list)
{
    double sum = 0, squares = 0;
    for (uint32_t k = 0; k < list->n; k++)
        sum += list->candidate[k].score;
    const double mean = list->n > 0 ? sum / list->n : 0;
    for (uint32_t k = 0; k < list->n; k++)
        squares += (list->candidate[k].score - mean) * (list->candidate[k].score - mean);
    return list->n > 0 && squares > 0 ? sqrt(squares / list->n) : 1;
}

/* Stable insertion by falling score: lists are hundreds long and nearly in order. */
static void order(struct strategy_list *list)
{
    for (uint32_t k = 1; k < list->n; k++) {
        const struct scored x = list->candidate[k];
        uint32_t j = k;
        for (; j > 0 && list->candidate[j - 1].score < x.score; j--)
            list->candidate[j] = list->candidate[j - 1];
        list->candidate[j] = x;
    }
}

struct boost_params {
    const char *column, *value;
    double minimum, maximum, weight;
};
static enum status boost_prepare(void *state, const void *params, const struct strategy_facts *facts,
                                 struct arena *arena)
{
    const struct boost_params *p = params;
    (void)arena;
    return strategy_match_find("boost", p->column, p->value, p->minimum, p->maximum, facts, state);
}

static enum status boost_apply(const void *state, const void *params, const struct strategy_facts *facts,
                               struct strategy_list *list, struct arena *scratch)
{
    const struct boost_params *p = params;
    const double step = p->weight * deviation(list);
    (void)facts, (void)scratch;
    for (uint32_t k = 0; k < list->n; k++)
        if (strategy_matches(state, list->candidate[k].item))
            list->candidate[k].score += step;
    order(list);
    return STATUS_OK;
}

static const struct param boost_table[] = {
    PARAM_STRING(struct boost_params, column, NULL, "an item column: genres, year, brand ..."),
    PARAM_STRING(struct boost_params, value, NULL, "of a column of words: items that have this one"),
    PARAM_REAL(struct boost_params, minimum, -1e300, -1e300, 1e300, "of a column of numbers: from"),
    PARAM_REAL(struct boost_params, maximum, 1e300, -1e300, 1e300, "to"),
    PARAM_REAL(struct boost_params, weight, 0.5, -100, 100, "standard deviations added; negative: demotion"),
    PARAM_END};
const struct strategy_rule_type rule_boost = {.name = "boost",
                                              .help = "items that have a value score higher (or lower)",
                                              .source = "usual practice",
                                              .params = boost_table,
                                              .params_size = sizeof(struct boost_params),
                                              .state_size = sizeof(struct strategy_match),
                                              .prepare = boost_prepare,
                                              .apply = boost_apply};

struct fatigue_params {
    const char *column;
    int recent;
    double half_life, weight, shown_weight;
};
struct fatigue {
    const struct csr *names; /* [n_items x names]; NULL: by what was shown alone */
};

static enum status fatigue_prepare(void *state, const void *params, const struct strategy_facts *facts,
                                   struct arena *arena)
{
    const struct fatigue_params *p = params;
    struct fatigue *f = state;
    const struct column *column = NULL;
    (void)arena;
    if (p->column == NULL)
        return STATUS_OK;
    TRY(strategy_column(facts, "fatigue", p->column, COLUMN_LIST, &column));
    if (facts->time == NULL)
        return status_fail(STATUS_UNAVAILABLE,
                           "rule fatigue looks at the user's latest rows, and this dataset has no "
                           "times; leave its column out to demote by what was shown alone");
    f->names = &column->list;
    return STATUS_OK;
}

struct row {
    int64_t time;
    uint32_t item;
};
static int latest_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->time != y->time)
        return x->time > y->time ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

/* The share of each name among the `recent` latest that the user had, the j-th latest counted 2^(-j / half_life). */
static enum status recent_shares(const struct fatigue *f, const struct fatigue_params *p,
                                 const struct strategy_facts *facts, const struct strategy_list *list,
                                 struct arena *scratch, double **out)
{
    const int64_t first = facts->by_user->ptr[list->user],
                  n_rows = facts->by_user->ptr[list->user + 1] - first, n_taken = list->n_taken,
                  n = n_taken + n_rows;
    struct row *row = NULL;
    double *share = NULL, total = 0;
    ARENA_NEW(row, scratch, (size_t)n);
    ARENA_NEW(share, scratch, f->names->n_cols);
    for (int64_t t = 0; t < n_taken; t++) /* later than any train row */
        row[t].item = list->taken[n_taken - 1 - t];
    for (int64_t e = 0; e < n_rows; e++)
        row[n_taken + e] = (struct row){facts->time[first + e], facts->by_user->idx[first + e]};
    qsort(row + n_taken, (size_t)n_rows, sizeof *row, latest_first);
    for (int64_t j = 0; j < n && j < p->recent; j++) {
        const double w = exp2(-(double)j / p->half_life);
        const int64_t a = f->names->ptr[row[j].item], b = f->names->ptr[row[j].item + 1];
        for (int64_t e = a; e < b; e++)
            share[f->names->idx[e]] += w / (double)(b - a);
        total += b > a ? w : 0;
    }
    for (uint32_t g = 0; g < f->names->n_cols && total > 0; g++)
        share[g] /= total;
    *out = share;
    return STATUS_OK;
}

static enum status fatigue_apply(const void *state, const void *params, const struct strategy_facts *facts,
                                 struct strategy_list *list, struct arena *scratch)
{
    const struct fatigue *f = state;
    const struct fatigue_params *p = params;
    const double sd = deviation(list);
    double *share = NULL;
    if (f->names != NULL)
        TRY(recent_shares(f, p, facts, list, scratch, &share));
    for (uint32_t k = 0; k < list->n; k++) {
        const uint32_t item = list->candidate[k].item;
        double tired = 0;
        for (int64_t e = share != NULL ? f->names->ptr[item] : 0;
             share != NULL && e < f->names->ptr[item + 1]; e++)
            tired += share[f->names->idx[e]] / (double)(f->names->ptr[item + 1] - f->names->ptr[item]);
        const double seen = list->shown != NULL ? (double)list->shown[item] : 0;
        list->candidate[k].score -= sd * (p->weight * tired + p->shown_weight * seen);
    }
    order(list);
    return STATUS_OK;
}

static const struct param fatigue_table[] = {
    PARAM_STRING(struct fatigue_params, column, NULL,
                 "a list column (genres): what the user had lately counts as tiring"),
    PARAM_INT(struct fatigue_params, recent, 10, 1, 1e6, "the latest that the user had that count"),
    PARAM_REAL(struct fatigue_params, half_life, 5, 1e-3, 1e9, "rows after which a row counts half"),
    PARAM_REAL(struct fatigue_params, weight, 0.5, 0, 100,
               "standard deviations taken from an item that is all tiring"),
    PARAM_REAL(
        struct fatigue_params, shown_weight, 0.5, 0, 100,
        "standard deviations taken for each time that the item was shown lately (where that is known)"),
    PARAM_END};
const struct strategy_rule_type rule_fatigue = {
    .name = "fatigue",
    .help = "items like the user's latest ones, and items shown lately, score lower",
    .source = "Ma, Liu, Shen, User Fatigue in Online News Recommendation, WWW 2016",
    .params = fatigue_table,
    .params_size = sizeof(struct fatigue_params),
    .state_size = sizeof(struct fatigue),
    .prepare = fatigue_prepare,
    .apply = fatigue_apply};
