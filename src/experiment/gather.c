/* gather.c - see gather.h. */
#include "experiment/gather.h"

#include <math.h>
#include <string.h>

#include "experiment/cell_file.h"

static bool is_text(const json_t *line, const char *key, const char *text)
{
    const char *found = json_string_value(json_object_get(line, key));
    return found != NULL && strcmp(found, text) == 0;
}

bool gather_is_done(const json_t *line, const struct dataset_config *dataset,
                    const struct model_config *model)
{
    return is_text(line, "dataset", dataset->name) && is_text(line, "label", model->label) &&
           json_integer_value(json_object_get(line, "point")) == (json_int_t)model->point &&
           strcmp(record_status(line), "done") == 0;
}

/* Sums while cells come in. */
struct sums {
    uint32_t size;
    double *sum; /* [n_measures x size] */
    uint32_t *n; /* likewise */
    uint8_t *there;
};

static enum status grow(struct sums *s, size_t n_measures, uint32_t size, struct arena *arena)
{
    struct sums bigger = {.size = size};
    if (size <= s->size)
        return STATUS_OK;
    ARENA_NEW(bigger.sum, arena, n_measures * size);
    ARENA_NEW(bigger.n, arena, n_measures * size);
    ARENA_NEW(bigger.there, arena, size);
    for (size_t m = 0; m < n_measures && s->size > 0; m++) {
        memcpy(bigger.sum + m * size, s->sum + m * s->size, s->size * sizeof *s->sum);
        memcpy(bigger.n + m * size, s->n + m * s->size, s->size * sizeof *s->n);
    }
    if (s->size > 0)
        memcpy(bigger.there, s->there, s->size);
    *s = bigger;
    return STATUS_OK;
}

static enum status add_cell(const struct record *r, const json_t *line, size_t n_measures,
                            struct arena *arena, struct sums *s)
{
    struct cell_values cell;
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    enum status status =
        cell_read(r->folder, json_string_value(json_object_get(line, "key")), scratch, &cell);
    if (status == STATUS_OK && cell.n_users > 0)
        status = grow(s, n_measures, cell.users[cell.n_users - 1] + 1, arena);
    for (size_t m = 0; m < n_measures && status == STATUS_OK; m++)
        for (uint32_t u = 0; u < cell.n_users; u++) {
            const double value = cell.values[m * cell.n_users + u];
            s->there[cell.users[u]] = 1;
            if (isnan(value))
                continue;
            s->sum[m * s->size + cell.users[u]] += value;
            s->n[m * s->size + cell.users[u]]++;
        }
    arena_free(scratch);
    return status;
}

enum status gather_users(const struct record *r, const struct dataset_config *dataset,
                         const struct model_config *model, struct arena *arena, struct gathered *out)
{
    const size_t n_measures = r->experiment->evaluate.n_measures;
    struct sums s = {0};
    *out = (struct gathered){0};
    for (size_t i = 0; i < r->n_lines; i++)
        if (gather_is_done(r->lines[i], dataset, model)) {
            TRY(add_cell(r, r->lines[i], n_measures, arena, &s));
            out->n_cells++;
        }
    for (size_t v = 0; v < n_measures * s.size; v++)
        s.sum[v] = s.n[v] > 0 ? s.sum[v] / s.n[v] : NAN;
    out->size = s.size;
    out->there = s.there;
    out->value = s.sum;
    return STATUS_OK;
}

enum status gather_folds(const struct record *r, const struct dataset_config *dataset,
                         const struct model_config *model, size_t measure, struct arena *arena,
                         struct gathered_folds *out)
{
    size_t *n;
    *out = (struct gathered_folds){0};
    ARENA_NEW(out->fold, arena, r->n_lines);
    ARENA_NEW(out->value, arena, r->n_lines);
    ARENA_NEW(n, arena, r->n_lines);
    for (size_t i = 0; i < r->n_lines; i++) {
        const json_t *line = r->lines[i];
        const double value = r->means[i * r->n_values + measure];
        if (!gather_is_done(line, dataset, model) || isnan(value))
            continue;
        const long long fold = json_integer_value(json_object_get(line, "fold"));
        size_t f = 0;
        while (f < out->n && out->fold[f] != fold)
            f++;
        if (f == out->n) {
            out->fold[out->n++] = fold;
            out->test_share += (double)json_integer_value(json_object_get(line, "n_test")) /
                               (double)json_integer_value(json_object_get(line, "n_train"));
        }
        out->value[f] += value;
        n[f]++;
    }
    for (size_t f = 0; f < out->n; f++)
        out->value[f] /= (double)n[f];
    out->test_share /= out->n > 0 ? (double)out->n : 1;
    return STATUS_OK;
}
