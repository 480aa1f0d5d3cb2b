/*
 * claims.c - what the experiment claims, against what came out: `expect` and `compare`.
 *
 * A comparison is paired by user: a user's value is its mean over folds and seeds, so that a user who is tested in
 * five folds counts once.  p values of one experiment are also given as Holm's (1979), which hold for all of its
 * comparisons together.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/significance.h"
#include "experiment/cell_file.h"
#include "experiment/record.h"

static bool is_text(const json_t *line, const char *key, const char *text)
{
    const char *found = json_string_value(json_object_get(line, key));
    return found != NULL && strcmp(found, text) == 0;
}

/* Is the line about that dataset and model (folds and seeds: any)? */
static bool is_about(const json_t *line, const struct dataset_config *dataset,
                     const struct model_config *model)
{
    return is_text(line, "dataset", dataset->name) && is_text(line, "label", model->label);
}

static json_t *expect_one(struct record *r, const struct expectation *x)
{
    const struct evaluate_config *e = &r->experiment->evaluate;
    const struct metric_at *measure = &e->measures[x->measure];
    double sum = 0;
    size_t n = 0, n_missing = 0;
    const char *why = "";
    for (size_t i = 0; i < r->n_lines; i++) {
        if (!is_about(r->lines[i], x->dataset, x->model))
            continue;
        if (strcmp(record_status(r->lines[i]), "done") == 0) {
            sum += r->means[i * r->n_values + x->measure];
            n++;
        } else {
            n_missing++;
            why = json_string_value(json_object_get(r->lines[i], "message"));
        }
    }
    json_t *out = json_pack("{s:s, s:s, s:s, s:f, s:f, s:s}", "dataset", x->dataset->name, "label",
                            x->model->label, "metric", measure->metric->name, "expected", x->value,
                            "tolerance", x->tolerance, "source", x->source);
    if (measure->k > 0)
        json_object_set_new(out, "k", json_integer(measure->k));
    if (measure->dialect != DIALECT_DEFAULT)
        json_object_set_new(out, "dialect", json_string(dialect_types[measure->dialect].name));
    if (n == 0 || n_missing > 0) {
        json_object_set_new(out, "status", json_string("skipped"));
        json_object_set_new(out, "message", json_string(why != NULL && why[0] != '\0' ? why : "not run"));
        return out;
    }
    const double value = sum / (double)n;
    const bool fine = fabs(value - x->value) <= x->tolerance;
    r->n_expect_failed += !fine;
    json_object_set_new(out, "value", json_real(value));
    json_object_set_new(out, "status", json_string(fine ? "met" : "failed"));
    return out;
}

enum status record_expect(struct record *r)
{
    r->expectations = json_array();
    for (size_t i = 0; i < r->experiment->n_expectations; i++)
        json_array_append_new(r->expectations, expect_one(r, &r->experiment->expectations[i]));
    return r->expectations != NULL ? STATUS_OK
                                   : status_fail(STATUS_SYSTEM, "out of memory while checking expectations");
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}
static const char *string_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

void record_expect_print(const struct record *r, FILE *out)
{
    size_t i;
    json_t *x;
    json_array_foreach(r->expectations, i, x)
    {
        const char *status = string_of(x, "status"), *source = string_of(x, "source");
        fprintf(out, "expect %s: %s %s %s", strcmp(status, "failed") == 0 ? "FAILED" : status,
                string_of(x, "dataset"), string_of(x, "label"), string_of(x, "metric"));
        if (json_object_get(x, "k") != NULL)
            fprintf(out, "@%lld", (long long)json_integer_value(json_object_get(x, "k")));
        fputs(": ", out);
        if (strcmp(status, "skipped") == 0)
            fprintf(out, "%s", string_of(x, "message"));
        else
            fprintf(out, "%.9g, expected %.9g within %.9g", number_of(x, "value"), number_of(x, "expected"),
                    number_of(x, "tolerance"));
        fprintf(out, "%s%s\n", source[0] != '\0' ? "; " : "", source);
    }
}

/* Sums over folds and seeds by user. */
struct sums {
    double *sum;       /* [size] */
    uint32_t *n, size; /* [size] */
};

static enum status grow(struct sums *s, uint32_t size, struct arena *arena)
{
    struct sums bigger = {.size = size};
    if (size <= s->size)
        return STATUS_OK;
    ARENA_NEW(bigger.sum, arena, size);
    ARENA_NEW(bigger.n, arena, size);
    if (s->size > 0) {
        memcpy(bigger.sum, s->sum, s->size * sizeof *s->sum);
        memcpy(bigger.n, s->n, s->size * sizeof *s->n);
    }
    *s = bigger;
    return STATUS_OK;
}

/* Adds the values of every done cell of the model; *n_cells counts them. */
static enum status gather(const struct record *r, const struct dataset_config *dataset,
                          const struct model_config *model, size_t v, struct arena *arena, struct sums *out,
                          size_t *n_cells)
{
    *out = (struct sums){0};
    *n_cells = 0;
    for (size_t i = 0; i < r->n_lines; i++) {
        struct cell_values values;
        const json_t *line = r->lines[i];
        if (!is_about(line, dataset, model) || strcmp(record_status(line), "done") != 0)
            continue;
        TRY(cell_read(r->folder, json_string_value(json_object_get(line, "key")), arena, &values));
        if (values.n_users > 0)
            TRY(grow(out, values.users[values.n_users - 1] + 1, arena));
        for (uint32_t u = 0; u < values.n_users; u++) {
            const double value = values.values[v * values.n_users + u];
            if (isnan(value))
                continue;
            out->sum[values.users[u]] += value;
            out->n[values.users[u]]++;
        }
        ++*n_cells;
    }
    return STATUS_OK;
}

struct result {
    const struct dataset_config *dataset;
    const struct comparison *comparison;
    size_t n;
    double mean_a, mean_b, holm;
    struct paired_test test;
};

/* One dataset; out->n stays 0 when either model isn't there or they share fewer than two users. */
static enum status compare_one(const struct record *r, const struct comparison *c,
                               const struct dataset_config *dataset, struct arena *arena, struct result *out)
{
    const size_t v = c->measure;
    struct sums a, b;
    size_t n_a, n_b, n = 0;
    double *x, *y;
    *out = (struct result){.dataset = dataset, .comparison = c};
    TRY(gather(r, dataset, c->a, v, arena, &a, &n_a));
    TRY(gather(r, dataset, c->b, v, arena, &b, &n_b));
    const uint32_t size = a.size < b.size ? a.size : b.size;
    ARENA_NEW(x, arena, size);
    ARENA_NEW(y, arena, size);
    for (uint32_t u = 0; u < size; u++) {
        if (a.n[u] == 0 || b.n[u] == 0)
            continue;
        x[n] = a.sum[u] / a.n[u];
        y[n] = b.sum[u] / b.n[u];
        out->mean_a += x[n];
        out->mean_b += y[n++];
    }
    if (n < 2)
        return STATUS_OK;
    out->mean_a /= (double)n;
    out->mean_b /= (double)n;
    out->n = n;
    return significance_paired_t(x, y, n, &out->test);
}

static int by_p(const void *a, const void *b)
{
    const struct result *const *x = a, *const *y = b;
    if ((*x)->test.p != (*y)->test.p)
        return (*x)->test.p < (*y)->test.p ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

/* Holm's step-down: the i-th smallest of m counts (m - i) times, never less than the one before. */
static enum status correct(struct result *results, size_t n, struct arena *arena)
{
    struct result **sorted;
    double largest = 0;
    ARENA_NEW(sorted, arena, n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &results[i];
    qsort(sorted, n, sizeof *sorted, by_p);
    for (size_t i = 0; i < n; i++) {
        largest = fmax(largest, fmin(1, sorted[i]->test.p * (double)(n - i)));
        sorted[i]->holm = largest;
    }
    return STATUS_OK;
}

static enum status write_results(const struct record *r, const struct result *results, size_t n)
{
    char path[4096];
    struct atomic_file file;
    if (snprintf(path, sizeof path, "%s/significance.csv", r->folder) >= (int)sizeof path)
        return status_fail(STATUS_SYSTEM, "%s: the path is too long", r->folder);
    TRY(atomic_open(&file, path));
    fputs("dataset,a,b,metric,k,n_users,mean_a,mean_b,mean_difference,low,high,t,degrees,p,p_holm,cohen_d\n",
          file.stream);
    for (size_t i = 0; i < n; i++) {
        const struct result *x = &results[i];
        const struct comparison *c = x->comparison;
        const char *const names[] = {x->dataset->name, c->a->label, c->b->label};
        for (size_t j = 0; j < 3; j++) { /* labels may hold commas and quotes */
            fputc('"', file.stream);
            for (const char *t = names[j]; *t != '\0'; t++)
                fprintf(file.stream, *t == '"' ? "\"\"" : "%c", *t);
            fputs("\",", file.stream);
        }
        const struct metric_at *measure = &r->experiment->evaluate.measures[c->measure];
        fprintf(file.stream, "%s,", measure->metric->name);
        if (measure->k > 0)
            fprintf(file.stream, "%u", measure->k);
        fprintf(file.stream, ",%zu,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g\n", x->n, x->mean_a,
                x->mean_b, x->test.mean_difference, x->test.low, x->test.high, x->test.t, x->test.degrees,
                x->test.p, x->holm, x->test.cohen_d);
    }
    return atomic_commit(&file);
}

enum status record_compare(const struct record *r)
{
    const struct experiment *e = r->experiment;
    if (e->n_comparisons == 0)
        return STATUS_OK;
    struct arena *arena = arena_new();
    struct result *results =
        arena != NULL ? arena_alloc(arena, e->n_comparisons * e->n_datasets, sizeof *results) : NULL;
    enum status status = results != NULL ? STATUS_OK : STATUS_SYSTEM;
    size_t n = 0;
    for (size_t i = 0; i < e->n_comparisons; i++)
        for (size_t d = 0; d < e->n_datasets && status == STATUS_OK; d++) {
            const struct comparison *c = &e->comparisons[i];
            if (c->dataset != NULL && c->dataset != &e->datasets[d])
                continue;
            struct arena *scratch = arena_new();
            status =
                scratch != NULL ? compare_one(r, c, &e->datasets[d], scratch, &results[n]) : STATUS_SYSTEM;
            arena_free(scratch);
            n += status == STATUS_OK && results[n].n > 0;
        }
    if (status == STATUS_OK)
        status = correct(results, n, arena);
    if (status == STATUS_OK)
        status = write_results(r, results, n);
    arena_free(arena);
    return status;
}
