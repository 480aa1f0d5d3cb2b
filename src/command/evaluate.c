/*
 * evaluate.c - `recfuse evaluate --run FILE --qrels FILE`: scores anyone's lists, under any library's definitions, as csv.
 *
 * Dialects that order equal scores alike are scored together; there are two orders (dialect.h).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/csv_put.h"
#include "base/log.h"
#include "command/command.h"
#include "eval/metrics.h"
#include "eval/trec.h"

enum { LIST_MOST = 256 };

struct arguments {
    const char *run, *qrels, *k, *metrics, *dialects;
    double relevant_from;
    long items, threads;
    bool per_user;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    char *end;
    switch (key) {
    case 'r':
        a->run = argument;
        return 0;
    case 'q':
        a->qrels = argument;
        return 0;
    case 'k':
        a->k = argument;
        return 0;
    case 'm':
        a->metrics = argument;
        return 0;
    case 'd':
        a->dialects = argument;
        return 0;
    case 'u':
        a->per_user = true;
        return 0;
    case 'f':
        a->relevant_from = strtod(argument, &end);
        if (*end != '\0' || end == argument || !isfinite(a->relevant_from))
            argp_error(state, "--relevant-from: '%s' is not a number", argument);
        return 0;
    case 'i':
        a->items = command_number(state, "--items", argument, 1, UINT32_MAX - 1l);
        return 0;
    case 't':
        a->threads = command_number(state, "--threads", argument, 0, 1024);
        return 0;
    case ARGP_KEY_END:
        if (a->run == NULL || a->qrels == NULL)
            argp_error(state, "%s is missing", a->run == NULL ? "--run FILE" : "--qrels FILE");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The words between commas, in the arena; STATUS_USAGE where there is none or too many. */
static enum status words_of(const char *option, const char *list, struct arena *arena, char **word, size_t *n)
{
    char *copy = arena_strdup(arena, list), *rest = NULL;
    if (copy == NULL)
        return STATUS_SYSTEM;
    *n = 0;
    for (char *w = strtok_r(copy, ",", &rest); w != NULL; w = strtok_r(NULL, ",", &rest)) {
        if (*n == LIST_MOST)
            return status_fail(STATUS_USAGE, "%s: more than %d entries", option, LIST_MOST);
        word[(*n)++] = w;
    }
    return *n > 0 ? STATUS_OK : status_fail(STATUS_USAGE, "%s: '%s' names nothing", option, list);
}

struct question {
    size_t n_k, n_metrics, n_dialects, n_measures;
    uint32_t k[LIST_MOST], longest;
    const struct metric_type *metric[LIST_MOST];
    enum dialect dialect[N_DIALECTS];
    struct metric_at *measures; /* [n_measures] */
};

static enum status read_cutoffs(const struct arguments *a, struct arena *arena, struct question *q)
{
    char *word[LIST_MOST], *end;
    TRY(words_of("--k", a->k, arena, word, &q->n_k));
    for (size_t i = 0; i < q->n_k; i++) {
        const long k = strtol(word[i], &end, 10);
        if (*end != '\0' || k < 1 || k > 1000000)
            return status_fail(STATUS_USAGE, "--k: '%s' is not a whole number from 1 to 1000000", word[i]);
        q->k[i] = (uint32_t)k;
        for (size_t j = 0; j < i; j++)
            if (q->k[j] == q->k[i])
                return status_fail(STATUS_USAGE, "--k: '%s' stands twice", word[i]);
        q->longest = q->k[i] > q->longest ? q->k[i] : q->longest;
    }
    return STATUS_OK;
}

static enum status unknown(const char *what, const char *word, const char *const *names, size_t n)
{
    const char *nearest = string_nearest(word, names, n);
    return status_fail(STATUS_USAGE, "unknown %s '%s'%s%s%s", what, word,
                       nearest != NULL ? "; did you mean '" : ": `recfuse metrics` lists what there is",
                       nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
}

static enum status read_metrics(const struct arguments *a, struct arena *arena, struct question *q)
{
    char *word[LIST_MOST];
    const char *names[LIST_MOST];
    size_t n_names = 0;
    for (size_t m = 0; metric_types[m] != NULL; m++)
        if (metric_types[m]->kind == METRIC_RANKING) {
            names[n_names++] = metric_types[m]->name;
            if (a->metrics == NULL)
                q->metric[q->n_metrics++] = metric_types[m];
        }
    if (a->metrics == NULL)
        return STATUS_OK;
    TRY(words_of("--metrics", a->metrics, arena, word, &q->n_metrics));
    for (size_t i = 0; i < q->n_metrics; i++) {
        q->metric[i] = metric_find(word[i]);
        if (q->metric[i] == NULL)
            return unknown("metric", word[i], names, n_names);
        if (q->metric[i]->kind != METRIC_RANKING)
            return status_fail(STATUS_USAGE, "%s can't be had from lists and judgements alone", word[i]);
        for (size_t j = 0; j < i; j++)
            if (q->metric[j] == q->metric[i])
                return status_fail(STATUS_USAGE, "--metrics: '%s' stands twice", word[i]);
    }
    return STATUS_OK;
}

static enum status read_dialects(const struct arguments *a, struct arena *arena, struct question *q)
{
    char *word[LIST_MOST];
    const char *names[N_DIALECTS];
    size_t n;
    for (size_t d = 0; d < N_DIALECTS; d++)
        names[d] = dialect_types[d].name;
    TRY(words_of("--dialect", a->dialects, arena, word, &n));
    if (n == 1 && strcmp(word[0], "all") == 0) {
        for (int d = 0; d < N_DIALECTS; d++)
            q->dialect[q->n_dialects++] = (enum dialect)d;
        return STATUS_OK;
    }
    for (size_t i = 0; i < n; i++) {
        const enum dialect d = dialect_find(word[i]);
        if (d >= N_DIALECTS)
            return unknown("dialect", word[i], names, N_DIALECTS);
        for (size_t j = 0; j < q->n_dialects; j++)
            if (q->dialect[j] == d)
                return status_fail(STATUS_USAGE, "--dialect: '%s' stands twice", word[i]);
        q->dialect[q->n_dialects++] = d;
    }
    return STATUS_OK;
}

static enum status read_question(const struct arguments *a, struct arena *arena, struct question *q)
{
    TRY(read_cutoffs(a, arena, q));
    TRY(read_metrics(a, arena, q));
    TRY(read_dialects(a, arena, q));
    ARENA_NEW(q->measures, arena, q->n_dialects * q->n_metrics * q->n_k);
    for (size_t d = 0; d < q->n_dialects; d++)
        for (size_t m = 0; m < q->n_metrics; m++)
            for (size_t c = 0;
                 q->metric[m]->value[q->dialect[d]] != NULL && c < (q->metric[m]->no_cutoff ? 1 : q->n_k);
                 c++)
                q->measures[q->n_measures++] =
                    (struct metric_at){q->metric[m], q->metric[m]->no_cutoff ? 0 : q->k[c], q->dialect[d]};
    return q->n_measures > 0 ? STATUS_OK : status_fail(STATUS_USAGE, "the dialects have none of the metrics");
}

/* The files: maps, judgements as a matrix, lists in the order at hand. */
struct files {
    struct string_map *users, *items;
    struct trec_rows run, qrels;
    uint32_t n_judged; /* users of the qrels: places 0 .. n_judged - 1 of the map */
    bool *listed;      /* [n_judged] */
    struct relevance relevance;
    uint32_t *identity; /* [n_judged] */
    uint32_t *n_relevant;
};

static enum status read_files(const struct arguments *a, struct arena *arena, struct files *f)
{
    struct csr judged;
    TRY(trec_read_qrels(a->qrels, f->users, f->items, arena, &f->qrels));
    f->n_judged = string_map_size(f->users);
    TRY(trec_read_run(a->run, f->users, f->items, arena, &f->run));
    uint32_t n_items = string_map_size(f->items);
    if (a->items > 0 && (long)n_items > a->items)
        return status_fail(STATUS_USAGE, "--items %ld: the files name %u", a->items, n_items);
    n_items = a->items > 0 ? (uint32_t)a->items : n_items;
    float *value;
    ARENA_NEW(value, arena, f->qrels.n);
    for (size_t i = 0; i < f->qrels.n; i++)
        value[i] = (float)f->qrels.value[i];
    TRY(csr_from_triples(f->n_judged, n_items, f->qrels.n, f->qrels.user, f->qrels.item, value, arena,
                         &judged, NULL));
    TRY(relevance_make(&judged, true, a->relevant_from, arena, &f->relevance));
    ARENA_NEW(f->listed, arena, f->n_judged);
    ARENA_NEW(f->identity, arena, f->n_judged);
    ARENA_NEW(f->n_relevant, arena, f->n_judged);
    for (size_t i = 0; i < f->run.n; i++)
        if (f->run.user[i] < f->n_judged)
            f->listed[f->run.user[i]] = true;
    for (uint32_t u = 0; u < f->n_judged; u++) {
        f->identity[u] = u;
        f->n_relevant[u] = (uint32_t)(f->relevance.items.ptr[u + 1] - f->relevance.items.ptr[u]);
    }
    const uint32_t more = string_map_size(f->users) - f->n_judged;
    if (more > 0)
        log_info("%u users of %s have no line in %s: left out", more, a->run, a->qrels);
    return STATUS_OK;
}

/* Values of all measures; those whose dialects order equal scores otherwise, in a second pass. */
static enum status score(const struct question *q, const struct files *f, const struct backend *backend,
                         struct arena *arena, double *values)
{
    for (int by_document = 0; by_document < 2; by_document++) {
        struct metric_at *some;
        double *theirs;
        struct lists lists;
        size_t n = 0, *place;
        ARENA_NEW(some, arena, q->n_measures);
        ARENA_NEW(place, arena, q->n_measures);
        for (size_t m = 0; m < q->n_measures; m++)
            if (dialect_types[q->measures[m].dialect].by_document == (by_document == 1))
                place[n] = m, some[n++] = q->measures[m];
        if (n == 0)
            continue;
        ARENA_NEW(theirs, arena, n * f->n_judged);
        TRY(trec_lists(&f->run, f->users, f->items, q->longest, by_document == 1, arena, &lists));
        lists.n_users = f->n_judged;
        TRY(metrics_score(backend, &lists, f->identity, &f->relevance, some, n, theirs));
        for (size_t m = 0; m < n; m++)
            for (uint32_t u = 0; u < f->n_judged; u++)
                values[place[m] * f->n_judged + u] =
                    !f->listed[u] && dialect_types[some[m].dialect].skip_unlisted
                        ? NAN
                        : theirs[m * f->n_judged + u];
    }
    return STATUS_OK;
}

static void print_measure(const struct metric_at *x, double value)
{
    metric_at_csv(stdout, x);
    printf(",%s,%.15g\n", dialect_types[x->dialect].name, value);
}

static void print(const struct question *q, const struct files *f, const double *values, bool per_user)
{
    const struct strings users = string_map_strings(f->users);
    puts(per_user ? "user,metric,k,dialect,value" : "metric,k,dialect,value");
    for (uint32_t u = 0; per_user && u < f->n_judged; u++)
        for (size_t m = 0; m < q->n_measures; m++) {
            if (isnan(values[m * f->n_judged + u]))
                continue;
            csv_put_bytes(stdout, strings_at(&users, u), strings_length(&users, u));
            putchar(',');
            print_measure(&q->measures[m], values[m * f->n_judged + u]);
        }
    for (size_t m = 0; !per_user && m < q->n_measures; m++)
        print_measure(&q->measures[m],
                      metrics_pool(&q->measures[m], values + m * f->n_judged, f->n_relevant, f->n_judged));
}

static enum status evaluate(const struct arguments *a, struct files *f, struct arena *arena)
{
    struct question q = {0};
    const struct backend *backend;
    double *values;
    TRY(read_question(a, arena, &q));
    TRY(backend_open("auto", (int)a->threads, &backend));
    TRY(read_files(a, arena, f));
    ARENA_NEW(values, arena, q.n_measures * f->n_judged);
    TRY(score(&q, f, backend, arena, values));
    print(&q, f, values, a->per_user);
    return STATUS_OK;
}

static enum status run_evaluate(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"run", 'r', "FILE", 0, "lists: TREC's run format, or csv with user, item and score or rank", 0},
        {"qrels", 'q', "FILE", 0, "judgements: TREC's qrels, or csv with user, item and relevance", 0},
        {"k", 'k', "LIST", 0, "cut-offs (10)", 0},
        {"metrics", 'm', "LIST", 0, "names of `recfuse metrics` (all that lists allow)", 0},
        {"dialect", 'd', "LIST", 0, "whose definitions, or all (default)", 0},
        {"per-user", 'u', NULL, 0, "a line a user in place of means", 0},
        {"relevant-from", 'f', "X", 0, "judgements below are not relevant (1); gain = judgement - X + 1", 0},
        {"items", 'i', "N", 0, "how many items there are, for auc_list (those that the files name)", 0},
        {"threads", 't', "N", 0, "0: all cores (0)", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "--run FILE --qrels FILE",
        "Scores lists of any system against judgements and prints csv: metric,k,dialect,value.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.k = "10", .dialects = "default", .relevant_from = 1};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    struct files files = {.users = string_map_new(), .items = string_map_new()};
    struct arena *arena = arena_new();
    const enum status status = files.users != NULL && files.items != NULL && arena != NULL
                                   ? evaluate(&a, &files, arena)
                                   : STATUS_SYSTEM;
    string_map_free(files.users);
    string_map_free(files.items);
    arena_free(arena);
    return status;
}

const struct command command_evaluate = {"evaluate", "--run FILE --qrels FILE", "scores anyone's lists",
                                         run_evaluate};
