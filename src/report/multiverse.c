/* multiverse.c - see multiverse.h. */
#include "report/multiverse.h"

#include <math.h>
#include <string.h>

#include "eval/metrics.h"

const char *const choice_names[N_CHOICES] = {"split", "mask", "ties", "metric", "cut-off", "dialect"};

double kendall_tau(const double *x, const double *y, size_t n)
{
    double agree = 0, differ = 0, only_x = 0, only_y = 0; /* pairs; only_x: y is equal, x is not */
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            const int a = (x[i] > x[j]) - (x[i] < x[j]), b = (y[i] > y[j]) - (y[i] < y[j]);
            agree += a * b > 0, differ += a * b < 0;
            only_x += a != 0 && b == 0, only_y += a == 0 && b != 0;
        }
    const double of_x = agree + differ + only_x, of_y = agree + differ + only_y;
    return of_x > 0 && of_y > 0 ? (agree - differ) / sqrt(of_x * of_y) : 1;
}

static bool same_choices(const char *const *a, const char *const *b)
{
    for (int c = 0; c < N_CHOICES; c++)
        if (strcmp(a[c], b[c]) != 0)
            return false;
    return true;
}

/* The number of the text among those listed, added when new. */
static size_t number_of(const char *text, const char **list, size_t *n)
{
    size_t i = 0;
    while (i < *n && strcmp(list[i], text) != 0)
        i++;
    if (i == *n)
        list[(*n)++] = text;
    return i;
}

/* Universes in order of the file, and their values: means over the cells of a model. */
static enum status collect(const struct records *r, struct multiverse *m, struct arena *arena)
{
    double *counts; /* [universes x models] */
    size_t last = 0;
    ARENA_NEW(m->model, arena, r->n_series);
    ARENA_NEW(m->universe, arena, r->n_universe_rows);
    for (size_t s = 0; s < r->n_series; s++)
        if (!series_is_oracle(&r->series[s]))
            number_of(r->series[s].name, m->model, &m->n_models);
    if (m->n_models < 2)
        return STATUS_OK;
    /* one series' rows hold every universe of its dataset, so new ones come with a dataset's first series */
    for (size_t i = 0; i < r->n_universe_rows; i++) {
        const struct universe_row *row = &r->universe[i];
        size_t u = 0, tried = 0;
        for (u = last; tried < m->n_universes; tried++, u = (u + 1) % m->n_universes)
            if (same_choices(m->universe[u].choice, row->choice))
                break;
        if (tried == m->n_universes) {
            u = m->n_universes++;
            memcpy(m->universe[u].choice, row->choice, sizeof row->choice);
            ARENA_NEW(m->universe[u].value, arena, m->n_models);
            ARENA_NEW(m->universe[u].rank, arena, 2 * m->n_models); /* the second half counts for now */
        }
        last = (u + 1) % m->n_universes;
        if (series_is_oracle(row->series))
            continue;
        const size_t model = number_of(row->series->name, m->model, &m->n_models);
        m->universe[u].value[model] += row->value;
        m->universe[u].rank[m->n_models + model]++;
    }
    for (size_t u = 0; u < m->n_universes; u++) {
        counts = m->universe[u].rank + m->n_models;
        for (size_t k = 0; k < m->n_models; k++)
            m->universe[u].value[k] = counts[k] > 0 ? m->universe[u].value[k] / counts[k] : NAN;
    }
    return STATUS_OK;
}

/* Models with a value in every universe stay. */
static void drop_incomplete(struct multiverse *m)
{
    size_t kept = 0;
    for (size_t k = 0; k < m->n_models; k++) {
        bool complete = true;
        for (size_t u = 0; u < m->n_universes && complete; u++)
            complete = !isnan(m->universe[u].value[k]);
        if (!complete)
            continue;
        for (size_t u = 0; u < m->n_universes; u++)
            m->universe[u].value[kept] = m->universe[u].value[k];
        m->model[kept++] = m->model[k];
    }
    m->n_models = kept;
}

static void rank_models(const struct multiverse *m, struct universe *u)
{
    const struct metric_type *metric = metric_find(u->choice[CHOICE_METRIC]);
    const double sign = metric != NULL && metric->lower_is_better ? -1 : 1;
    for (size_t k = 0; k < m->n_models; k++)
        u->value[k] *= sign;
    for (size_t k = 0; k < m->n_models; k++) {
        double above = 0, equal = 0;
        for (size_t j = 0; j < m->n_models; j++) {
            above += u->value[j] > u->value[k];
            equal += j != k && u->value[j] == u->value[k];
        }
        u->rank[k] = 1 + above + equal / 2;
    }
}

static size_t best_of(const struct multiverse *m, const struct universe *u)
{
    size_t best = 0;
    for (size_t k = 1; k < m->n_models; k++)
        best = u->value[k] > u->value[best] ? k : best;
    return best;
}

struct pair_value {
    double tau;
    bool same_best;
};
static struct pair_value compare_pair(const struct multiverse *m, const struct universe *a,
                                      const struct universe *b)
{
    return (struct pair_value){kendall_tau(a->value, b->value, m->n_models), best_of(m, a) == best_of(m, b)};
}

static void add_pair(struct pair_value pair, struct choice_effect *effect)
{
    effect->low = effect->n_pairs == 0 || pair.tau < effect->low ? pair.tau : effect->low;
    effect->high = effect->n_pairs == 0 || pair.tau > effect->high ? pair.tau : effect->high;
    effect->mean += pair.tau;
    effect->same_best += pair.same_best;
    effect->n_pairs++;
}

static void finish_effect(struct choice_effect *e)
{
    e->mean = e->n_pairs > 0 ? e->mean / (double)e->n_pairs : NAN;
    e->same_best = e->n_pairs > 0 ? e->same_best / (double)e->n_pairs : NAN;
    if (e->n_pairs == 0)
        e->low = e->high = NAN;
}

static enum status measure(struct multiverse *m, struct arena *arena)
{
    const char **values;
    uint32_t *id; /* [n_universes x N_CHOICES] values as numbers */
    ARENA_NEW(values, arena, m->n_universes);
    ARENA_NEW(id, arena, m->n_universes * N_CHOICES);
    ARENA_NEW(m->split, arena, m->n_universes);
    for (size_t u = 0; u < m->n_universes; u++)
        number_of(m->universe[u].choice[CHOICE_SPLIT], m->split, &m->n_splits);
    ARENA_NEW(m->within, arena, m->n_splits * N_CHOICES);
    ARENA_NEW(m->between, arena, m->n_splits * m->n_splits);
    for (int c = 0; c < N_CHOICES; c++)
        for (size_t u = 0; u < m->n_universes; u++)
            id[u * N_CHOICES + (size_t)c] =
                (uint32_t)number_of(m->universe[u].choice[c], values, &m->effect[c].n_values);
    for (size_t a = 0; a < m->n_universes; a++)
        for (size_t b = 0; b < a; b++) {
            int n_other = 0, other = 0;
            for (int c = 0; c < N_CHOICES; c++)
                if (id[a * N_CHOICES + (size_t)c] != id[b * N_CHOICES + (size_t)c])
                    n_other++, other = c;
            const struct pair_value pair = compare_pair(m, &m->universe[a], &m->universe[b]);
            const size_t x = id[a * N_CHOICES + CHOICE_SPLIT], y = id[b * N_CHOICES + CHOICE_SPLIT];
            add_pair(pair, &m->all);
            if (n_other != 1)
                continue;
            add_pair(pair, &m->effect[other]);
            add_pair(pair, other == CHOICE_SPLIT
                               ? &m->between[(x > y ? x : y) * m->n_splits + (x > y ? y : x)]
                               : &m->within[x * N_CHOICES + (size_t)other]);
        }
    for (size_t i = 0; i < m->n_splits * N_CHOICES; i++)
        finish_effect(&m->within[i]);
    for (size_t i = 0; i < m->n_splits * m->n_splits; i++)
        finish_effect(&m->between[i]);
    for (int c = 0; c < N_CHOICES; c++)
        finish_effect(&m->effect[c]);
    finish_effect(&m->all);
    return STATUS_OK;
}

static enum status number_columns(struct multiverse *m, struct arena *arena)
{
    ARENA_NEW(m->first_of_column, arena, m->n_universes);
    for (size_t u = 0; u < m->n_universes; u++) {
        const char *const *mine = m->universe[u].choice;
        size_t c = 0;
        for (; c < m->n_columns; c++) {
            const char *const *other = m->universe[m->first_of_column[c]].choice;
            if (strcmp(mine[CHOICE_SPLIT], other[CHOICE_SPLIT]) == 0 &&
                strcmp(mine[CHOICE_MASK], other[CHOICE_MASK]) == 0)
                break;
        }
        if (c == m->n_columns)
            m->first_of_column[m->n_columns++] = u;
        m->universe[u].column = c;
    }
    return STATUS_OK;
}

const struct universe *multiverse_reference(const struct multiverse *m, size_t column, const char *k)
{
    const char *const *first = m->universe[m->first_of_column[column]].choice;
    for (size_t u = 0; u < m->n_universes; u++) {
        const char *const *mine = m->universe[u].choice;
        if (m->universe[u].column == column && strcmp(mine[CHOICE_CUTOFF], k) == 0 &&
            strcmp(mine[CHOICE_TIES], first[CHOICE_TIES]) == 0 &&
            strcmp(mine[CHOICE_METRIC], first[CHOICE_METRIC]) == 0 &&
            strcmp(mine[CHOICE_DIALECT], first[CHOICE_DIALECT]) == 0)
            return &m->universe[u];
    }
    return &m->universe[m->first_of_column[column]];
}

enum status multiverse_make(const struct records *r, struct arena *arena, struct multiverse **out)
{
    struct multiverse *m;
    *out = NULL;
    if (r->n_universe_rows == 0)
        return STATUS_OK;
    ARENA_NEW(m, arena, 1);
    TRY(collect(r, m, arena));
    drop_incomplete(m);
    if (m->n_models < 2 || m->n_universes == 0)
        return STATUS_OK;
    for (size_t u = 0; u < m->n_universes; u++)
        rank_models(m, &m->universe[u]);
    TRY(number_columns(m, arena));
    TRY(measure(m, arena));
    *out = m;
    return STATUS_OK;
}
