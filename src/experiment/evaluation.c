/*
 * evaluation.c - all that is measured of one fitted model (cell_evaluate() of cell.h): lists and what is measured on them, whole
 * rankings, ratings, probabilities, strata.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/positions.h"
#include "eval/probability.h"
#include "eval/profile.h"
#include "eval/ratings.h"
#include "eval/strata.h"
#include "experiment/universes.h"
#include "text/tfidf.h"

static struct clocks since(struct clocks start)
{
    const struct clocks now = clocks_now();
    return (struct clocks){now.wall - start.wall, now.cpu - start.cpu};
}

/* What the measures of one cell are computed from, and where to. */
struct evaluation {
    const struct stage *stage;
    const struct fitted *fitted;
    const struct evaluate_config *evaluate;
    uint64_t seed;
    const struct backend *backend;
    const struct csr *masks[2];
    struct arena *arena; /* of the values */
    struct relevance relevance;
    struct beyond_facts facts; /* where measures or strata want them */
    struct lists lists;        /* where measures want them */
    uint32_t *n_relevant;      /* [n_users] relevant items of each user */
    uint32_t *rows;            /* [n_users] test rows of each user */
    double *values;            /* [n_measures x n_users] */
    double *pooled;            /* [n_measures] */
};

static double *values_of(const struct evaluation *v, size_t measure)
{
    return v->values + measure * v->stage->n_users;
}

static size_t count(const struct evaluation *v, enum metric_kind kind)
{
    return v->evaluate->first[kind + 1] - v->evaluate->first[kind];
}

static const struct metric_at *measures_of(const struct evaluation *v, enum metric_kind kind)
{
    return v->evaluate->measures + v->evaluate->first[kind];
}

static bool asks_for(const struct evaluation *v, const char *metric)
{
    for (size_t m = 0; m < v->evaluate->n_metrics; m++)
        if (strcmp(v->evaluate->metrics[m]->name, metric) == 0)
            return true;
    return false;
}

/* TF-IDF vectors of the items' texts, as tfidf_content makes them from titles and genres. */
static enum status text_facts(struct evaluation *v, struct arena *scratch)
{
    static const char *fields[] = {"title", "genres", "description", "categories"};
    const struct tfidf_options options = {.text.min_df = 1};
    struct csr *weights;
    struct tfidf tfidf;
    struct strings texts;
    const char *there[4];
    struct param_list list = {0, there};
    for (size_t i = 0; i < 4; i++)
        if (view_item_column(v->stage->view, fields[i]) != NULL)
            there[list.n++] = fields[i];
    if (list.n == 0)
        return STATUS_OK; /* beyond_users() says so */
    TRY(view_item_texts(v->stage->view, &list, 0, scratch, &texts));
    TRY(tfidf_fit(&texts, &options, v->arena, scratch, &tfidf));
    ARENA_NEW(weights, v->arena, 1);
    *weights = tfidf.weights;
    v->facts.text = weights;
    return STATUS_OK;
}

static enum status gather_facts(struct evaluation *v, struct arena *scratch)
{
    const struct dataset *d = v->stage->dataset;
    TRY(beyond_facts_make(&v->stage->train, v->arena, &v->facts));
    const struct column *genres = dataset_item_column(d, "genres");
    genres = genres != NULL ? genres : dataset_item_column(d, "categories");
    v->facts.genres = genres != NULL && genres->kind == COLUMN_LIST ? &genres->list : NULL;
    return asks_for(v, "ild_text") ? text_facts(v, scratch) : STATUS_OK;
}

static enum status measure_lists(struct evaluation *v)
{
    TRY(metrics_score(v->backend, &v->lists, v->stage->users, &v->relevance, measures_of(v, METRIC_RANKING),
                      count(v, METRIC_RANKING), values_of(v, v->evaluate->first[METRIC_RANKING])));
    TRY(beyond_users(&v->lists, v->stage->users, &v->relevance, &v->facts, measures_of(v, METRIC_BEYOND),
                     count(v, METRIC_BEYOND), values_of(v, v->evaluate->first[METRIC_BEYOND])));
    return beyond_all(&v->lists, v->stage->users, &v->relevance, &v->facts, measures_of(v, METRIC_AGGREGATE),
                      count(v, METRIC_AGGREGATE), v->pooled + v->evaluate->first[METRIC_AGGREGATE]);
}

static enum status measure_the_rest(struct evaluation *v)
{
    const struct stage *s = v->stage;
    const struct fitted *f = v->fitted;
    const size_t rating = v->evaluate->first[METRIC_RATING];
    if (count(v, METRIC_POSITION) > 0)
        TRY(positions_compute(f->type, f->state, v->backend, s->dataset->n_items, s->users, s->n_users,
                              v->masks, &v->relevance, measures_of(v, METRIC_POSITION),
                              count(v, METRIC_POSITION), values_of(v, v->evaluate->first[METRIC_POSITION])));
    if (count(v, METRIC_RATING) > 0)
        TRY(ratings_compute(f->type, f->state, v->backend, s->users, s->n_users, &s->test,
                            s->view->minimum_value, s->view->maximum_value, measures_of(v, METRIC_RATING),
                            count(v, METRIC_RATING), values_of(v, rating), v->pooled + rating));
    return probability_compute(f->type, f->state, s->dataset->n_items, s->users, s->n_users, v->masks,
                               &v->relevance, measures_of(v, METRIC_PROBABILITY),
                               count(v, METRIC_PROBABILITY),
                               v->pooled + v->evaluate->first[METRIC_PROBABILITY]);
}

/* ---- strata: lines of metrics.csv from `candidates` on */
static void print_line(FILE *out, const struct evaluation *v, const struct metric_at *x, const char *stratum,
                       double value, uint32_t n)
{
    fprintf(out, "%s,%s,", v->evaluate->candidates, x->metric->name);
    if (x->k > 0)
        fprintf(out, "%u", x->k);
    fprintf(out, ",%s,", dialect_types[x->dialect].name);
    const bool quoted = strpbrk(stratum, ",\"\r\n") != NULL;
    fputs(quoted ? "\"" : "", out);
    for (const char *c = stratum; *c != '\0'; c++)
        fprintf(out, *c == '"' ? "\"\"" : *c == '\n' ? " " : "%c", *c);
    fprintf(out, "%s,%.9g,%u\n", quoted ? "\"" : "", value, n);
}

/* The pooled value of some users' values; NaN: others. */
static double pool_some(const struct evaluation *v, size_t m, const double *values, const uint8_t *users,
                        const uint32_t *n_relevant, double *room, uint32_t *n)
{
    const struct metric_at *x = &v->evaluate->measures[m];
    *n = 0;
    for (uint32_t u = 0; u < v->stage->n_users; u++) {
        room[u] = users == NULL || users[u] ? values[u] : NAN;
        *n += !isnan(room[u]);
    }
    return metrics_pool(x, room, x->metric->kind == METRIC_RATING ? v->rows : n_relevant, v->stage->n_users);
}

/* r2 and fcp have no value of a part of the users but the mean over them: left out. */
static bool has_strata(const struct metric_at *x)
{
    return x->metric->kind == METRIC_RANKING || x->metric->kind == METRIC_BEYOND ||
           x->metric->kind == METRIC_POSITION || (x->metric->kind == METRIC_RATING && x->metric->power > 0);
}

/* Strata s .. end - 1 are the groups of users of one kind: each, and the distance between the best and the worst. */
static void user_strata(const struct evaluation *v, const struct stratum *s, const struct stratum *end,
                        const char *kind, double *room, FILE *out)
{
    for (size_t m = 0; m < v->evaluate->n_measures; m++) {
        const struct metric_at *x = &v->evaluate->measures[m];
        double low = INFINITY, high = -INFINITY;
        uint32_t n, n_all = 0;
        if (!has_strata(x))
            continue;
        for (const struct stratum *at = s; at < end; at++) {
            const double value = pool_some(v, m, values_of(v, m), at->users, v->n_relevant, room, &n);
            if (n == 0)
                continue;
            print_line(out, v, x, at->name, value, n);
            low = fmin(low, value), high = fmax(high, value);
            n_all += n;
        }
        if (low <= high) {
            char name[256];
            snprintf(name, sizeof name, "%s_gap", strncmp(kind, "user:", 5) == 0 ? kind + 5 : kind);
            print_line(out, v, x, name, high - low, n_all);
        }
    }
}

/* Only the stratum's items are relevant; the lists stay as they are. */
static enum status item_stratum(const struct evaluation *v, const struct stratum *s, double *room, FILE *out)
{
    struct relevance relevance;
    double *values;
    uint32_t *n_relevant, n;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = strata_restrict(&v->relevance, s, arena, &relevance);
    values = arena_alloc(arena, count(v, METRIC_RANKING) * v->stage->n_users, sizeof *values);
    n_relevant = arena_alloc(arena, v->stage->n_users, sizeof *n_relevant);
    if (status == STATUS_OK)
        status = values == NULL || n_relevant == NULL
                     ? STATUS_SYSTEM
                     : metrics_score(v->backend, &v->lists, v->stage->users, &relevance,
                                     measures_of(v, METRIC_RANKING), count(v, METRIC_RANKING), values);
    for (uint32_t u = 0; u < v->stage->n_users && status == STATUS_OK; u++)
        n_relevant[u] =
            (uint32_t)(relevance.items.ptr[v->stage->users[u] + 1] - relevance.items.ptr[v->stage->users[u]]);
    for (size_t m = 0; m < count(v, METRIC_RANKING) && status == STATUS_OK; m++) {
        const double value = pool_some(v, m, values + m * v->stage->n_users, NULL, n_relevant, room, &n);
        if (n > 0)
            print_line(out, v, &v->evaluate->measures[m], s->name, value, n);
    }
    arena_free(arena);
    return status;
}

static enum status measure_strata(struct evaluation *v, FILE *out)
{
    struct stratum *s;
    size_t n;
    double *room;
    ARENA_NEW(room, v->arena, v->stage->n_users);
    TRY(strata_make(&v->evaluate->strata, &v->facts, v->stage->view->user_columns,
                    v->stage->view->n_user_columns, v->stage->users, v->stage->n_users, v->arena, &s, &n));
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && s[end].group == s[i].group;)
            end++;
        if (s[i].users != NULL)
            user_strata(v, s + i, s + end, v->evaluate->strata.item[s[i].group], room, out);
        for (size_t j = i; j < end && s[i].users == NULL && count(v, METRIC_RANKING) > 0; j++)
            TRY(item_stratum(v, &s[j], room, out));
    }
    return STATUS_OK;
}

static enum status measure_popularity(struct evaluation *v, FILE *out)
{
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    const enum status status =
        profile_write(&v->lists, v->stage->users, &v->stage->train, &v->relevance.items, v->evaluate->k,
                      v->evaluate->n_k, scratch, out);
    arena_free(scratch);
    return status;
}

static enum status measure_universes(struct evaluation *v, FILE *out)
{
    return universes_measure(v->stage, v->fitted, v->evaluate, v->seed, v->backend, &v->relevance,
                             v->n_relevant, out);
}

/* What `write` prints, kept in the arena. */
static enum status keep_text(struct evaluation *v, enum status (*write)(struct evaluation *v, FILE *out),
                             struct cell_text *out)
{
    char *bytes = NULL;
    size_t n = 0;
    FILE *stream = open_memstream(&bytes, &n);
    if (stream == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while measuring");
    enum status status = write(v, stream);
    fclose(stream);
    if (status == STATUS_OK) {
        *out = (struct cell_text){arena_copy(v->arena, bytes, n + 1, 1), n};
        status = out->bytes != NULL ? STATUS_OK : STATUS_SYSTEM;
    }
    free(bytes);
    return status;
}

static enum status write_texts(struct evaluation *v, struct cell_values *out)
{
    struct cell_text strata = {"", 0};
    if (v->evaluate->strata.n > 0)
        TRY(keep_text(v, measure_strata, &strata));
    out->extra = strata.bytes;
    out->n_extra = strata.n;
    if (v->evaluate->longest > 0)
        TRY(keep_text(v, measure_popularity, &out->more[CELL_POPULARITY]));
    if (v->evaluate->multiverse.n_masks > 0)
        TRY(keep_text(v, measure_universes, &out->more[CELL_MULTIVERSE]));
    return STATUS_OK;
}

/* ---- all together */
static enum status rank(struct evaluation *v, struct arena *scratch, struct cell_outcome *out)
{
    const struct rank_options options = {.k = v->evaluate->longest,
                                         .seed = v->seed,
                                         .masks = {v->masks[0], v->masks[1]},
                                         .ties = v->evaluate->ties,
                                         .relevant = &v->relevance.items};
    const struct clocks start = clocks_now();
    TRY(rank_users(v->fitted->type, v->fitted->state, v->backend, v->stage->dataset->n_items, v->stage->users,
                   v->stage->n_users, &options, scratch, &v->lists));
    out->rank = since(start);
    out->n_tied = v->lists.n_tied;
    return STATUS_OK;
}

static enum status measure(struct evaluation *v, struct arena *scratch, struct cell_outcome *out)
{
    const struct evaluate_config *e = v->evaluate;
    if (e->longest > 0)
        TRY(rank(v, scratch, out));
    const struct clocks start = clocks_now();
    if (count(v, METRIC_BEYOND) + count(v, METRIC_AGGREGATE) + e->strata.n > 0)
        TRY(gather_facts(v, scratch));
    if (e->longest > 0)
        TRY(measure_lists(v));
    TRY(measure_the_rest(v));
    for (size_t m = 0; m < e->n_measures; m++) {
        const struct metric_at *x = &e->measures[m];
        if (metric_is_per_user(x->metric) && x->metric->kind != METRIC_RATING)
            v->pooled[m] = metrics_pool(x, values_of(v, m), v->n_relevant, v->stage->n_users);
    }
    TRY(write_texts(v, &out->values));
    out->evaluate = since(start);
    return STATUS_OK;
}

static enum status user_ids(const struct stage *stage, struct arena *arena, struct strings *out)
{
    struct string_builder builder = {0};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < stage->n_users && status == STATUS_OK; i++) {
        const uint32_t u = stage->users[i];
        status = string_builder_add(&builder, strings_at(&stage->dataset->user_ids, u),
                                    strings_length(&stage->dataset->user_ids, u));
    }
    if (status == STATUS_OK)
        return string_builder_finish(&builder, arena, out);
    string_builder_free(&builder);
    return status;
}

/* Room for the values, NaN where nothing is measured. */
static enum status prepare(struct evaluation *v)
{
    const struct stage *s = v->stage;
    const size_t n = v->evaluate->n_measures;
    ARENA_NEW(v->values, v->arena, n * s->n_users);
    ARENA_NEW(v->pooled, v->arena, n);
    ARENA_NEW(v->rows, v->arena, s->n_users);
    ARENA_NEW(v->n_relevant, v->arena, s->n_users);
    for (size_t i = 0; i < n * s->n_users; i++)
        v->values[i] = NAN;
    TRY(relevance_make(&s->test, v->evaluate->graded, v->evaluate->relevant_from, v->arena, &v->relevance));
    for (uint32_t i = 0; i < s->n_users; i++) {
        const uint32_t u = s->users[i];
        v->rows[i] = (uint32_t)(s->test.ptr[u + 1] - s->test.ptr[u]);
        v->n_relevant[i] = (uint32_t)(v->relevance.items.ptr[u + 1] - v->relevance.items.ptr[u]);
    }
    return STATUS_OK;
}

enum status cell_evaluate(const struct stage *stage, const struct fitted *fitted,
                          const struct evaluate_config *evaluate, long long seed,
                          const struct backend *backend, struct arena *arena, struct cell_outcome *out)
{
    struct evaluation v = {.stage = stage,
                           .fitted = fitted,
                           .evaluate = evaluate,
                           .seed = (uint64_t)seed,
                           .backend = backend,
                           .masks = {&stage->train, evaluate->mask_valid ? &stage->valid : NULL},
                           .arena = arena};
    TRY(prepare(&v));
    out->values = (struct cell_values){.n_users = stage->n_users,
                                       .n_values = (uint32_t)evaluate->n_measures,
                                       .users = stage->users,
                                       .rows = v.rows,
                                       .values = v.values,
                                       .pooled = v.pooled,
                                       .extra = ""};
    struct arena *scratch = arena_new();
    const enum status status = scratch != NULL ? measure(&v, scratch, out) : STATUS_SYSTEM;
    arena_free(scratch);
    TRY(status);
    out->peak_rss_mib = machine_peak_mib();
    return user_ids(stage, arena, &out->values.ids);
}
