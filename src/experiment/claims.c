/* claims.c - what the experiment expects, against what came out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
void record_expect_print(const struct record *r, FILE *out)
{
    size_t i;
    json_t *x;
    json_array_foreach(r->expectations, i, x)
    {
        const char *status = record_text(x, "status"), *source = record_text(x, "source");
        fprintf(out, "expect %s: %s %s %s", strcmp(status, "failed") == 0 ? "FAILED" : status,
                record_text(x, "dataset"), record_text(x, "label"), record_text(x, "metric"));
        if (json_object_get(x, "k") != NULL)
            fprintf(out, "@%lld", (long long)json_integer_value(json_object_get(x, "k")));
        fputs(": ", out);
        if (strcmp(status, "skipped") == 0)
            fprintf(out, "%s", record_text(x, "message"));
        else
            fprintf(out, "%.9g, expected %.9g within %.9g", number_of(x, "value"), number_of(x, "expected"),
                    number_of(x, "tolerance"));
        fprintf(out, "%s%s\n", source[0] != '\0' ? "; " : "", source);
    }
}
