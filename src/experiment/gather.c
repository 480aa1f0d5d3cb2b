/* gather.c - see gather.h. */
#include "experiment/gather.h"

#include <math.h>
#include <string.h>

#include "experiment/cell_parts.h"

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

/* Values [n_measures x n_users]. */
static enum status add_values(struct sums *s, const uint32_t *users, uint32_t n_users, const double *values,
                              size_t n_measures, struct arena *arena)
{
    if (n_users > 0)
        TRY(grow(s, n_measures, users[n_users - 1] + 1, arena));
    for (size_t m = 0; m < n_measures; m++)
        for (uint32_t u = 0; u < n_users; u++) {
            const double value = values[m * n_users + u];
            s->there[users[u]] = 1;
            if (isnan(value))
                continue;
            s->sum[m * s->size + users[u]] += value;
            s->n[m * s->size + users[u]]++;
        }
    return STATUS_OK;
}

static void take_means(const struct sums *s, size_t n_measures, struct gathered *out)
{
    for (size_t v = 0; v < n_measures * s->size; v++)
        s->sum[v] = s->n[v] > 0 ? s->sum[v] / s->n[v] : NAN;
    out->size = s->size;
    out->there = s->there;
    out->value = s->sum;
}

enum status gather_users(const struct record *r, const struct dataset_config *dataset,
                         const struct model_config *model, struct arena *arena, struct gathered *out)
{
    const size_t n_measures = r->experiment->evaluate.n_measures;
    struct sums s = {0};
    *out = (struct gathered){0};
    for (size_t i = 0; i < r->n_lines; i++) {
        struct cell_values cell;
        if (!gather_is_done(r->lines[i], dataset, model))
            continue;
        struct arena *scratch = arena_new();
        enum status status = scratch != NULL
                                 ? cell_read(r->folder, record_text(r->lines[i], "key"), scratch, &cell)
                                 : STATUS_SYSTEM;
        if (status == STATUS_OK)
            status = add_values(&s, cell.users, cell.n_users, cell.values, n_measures, arena);
        arena_free(scratch);
        TRY(status);
        out->n_cells++;
    }
    take_means(&s, n_measures, out);
    return STATUS_OK;
}

/* A stratum while cells come in. */
struct part_sums {
    struct gathered_part part; /* first: a pointer to it is one to this */
    struct sums sums;
};

/* The stratum of that name, added at the end where it is new. */
static enum status part_of(struct gathered_part **first, const char *stratum, struct arena *arena,
                           struct part_sums **out)
{
    while (*first != NULL && strcmp((*first)->stratum, stratum) != 0)
        first = &(*first)->next;
    if (*first == NULL) {
        struct part_sums *added;
        ARENA_NEW(added, arena, 1);
        added->part.stratum = arena_strdup(arena, stratum);
        if (added->part.stratum == NULL)
            return STATUS_SYSTEM;
        *first = &added->part;
    }
    *out = (struct part_sums *)*first;
    return STATUS_OK;
}

static enum status add_parts(const struct record *r, const json_t *line, size_t measure,
                             struct arena *scratch, struct arena *arena, struct gathered_part **first)
{
    const struct evaluate_config *e = &r->experiment->evaluate;
    struct cell_values cell;
    struct cell_part *parts;
    size_t n;
    TRY(cell_read(r->folder, record_text(line, "key"), scratch, &cell));
    TRY(cell_parts_read(&cell, e->measures, e->n_measures, scratch, &parts, &n));
    for (size_t i = 0; i < n; i++) {
        const struct measured *m = &parts[i].measured;
        struct part_sums *p;
        TRY(part_of(first, parts[i].stratum, arena, &p));
        TRY(add_values(&p->sums, m->users, m->n_users, m->values + measure * m->n_users, 1, arena));
        p->part.users.n_cells++;
    }
    return STATUS_OK;
}

enum status gather_parts(const struct record *r, const struct dataset_config *dataset,
                         const struct model_config *model, size_t measure, struct arena *arena,
                         struct gathered_part **out)
{
    *out = NULL;
    for (size_t i = 0; i < r->n_lines; i++) {
        if (!gather_is_done(r->lines[i], dataset, model))
            continue;
        struct arena *scratch = arena_new();
        const enum status status =
            scratch != NULL ? add_parts(r, r->lines[i], measure, scratch, arena, out) : STATUS_SYSTEM;
        arena_free(scratch);
        TRY(status);
    }
    for (struct gathered_part *p = *out; p != NULL; p = p->next)
        take_means(&((struct part_sums *)p)->sums, 1, &p->users);
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
