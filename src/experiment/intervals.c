/*
 * intervals.c - intervals.csv: a BCa bootstrap interval over users of every number in metrics.csv that is a mean over folds and seeds, of the
 * whole and of each stratum (eval/resample.h).  A resample holds users of the model's cells on a dataset; a user counts in every cell
 * in which it was tested.  Gaps between strata have none: a largest less a smallest value is not smooth, and its bootstrap not valid.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_put.h"
#include "experiment/cell_parts.h"
#include "experiment/gather.h"

static const double LEVEL = 0.95;

/* A stratum (first: all) over the cells of one model. */
struct part {
    const char *stratum;
    uint32_t n, size; /* users of any cell; 1 + the largest */
    uint8_t *there;   /* [size] */
    uint32_t *place;  /* [size] of those who are there, among the n */
    struct resampled draws;
};

/* One model on a dataset. */
struct job {
    const struct record *r;
    const struct dataset_config *dataset;
    const struct model_config *model;
    struct arena *arena;
    struct part *part; /* [n_parts], room for most_parts */
    size_t n_parts, most_parts;
};

static enum status find_part(struct job *j, const char *stratum, struct part **out)
{
    size_t p = 0;
    while (p < j->n_parts && strcmp(j->part[p].stratum, stratum) != 0)
        p++;
    if (p == j->most_parts) {
        struct part *more;
        ARENA_NEW(more, j->arena, 2 * j->most_parts + 16);
        if (j->n_parts > 0)
            memcpy(more, j->part, j->n_parts * sizeof *more);
        j->part = more;
        j->most_parts = 2 * j->most_parts + 16;
    }
    if (p == j->n_parts) {
        j->part[j->n_parts++].stratum = arena_strdup(j->arena, stratum);
        if (j->part[p].stratum == NULL)
            return STATUS_SYSTEM;
    }
    *out = &j->part[p];
    return STATUS_OK;
}

static enum status note_users(struct job *j, struct part *p, const struct measured *m)
{
    const uint32_t size = m->n_users > 0 ? m->users[m->n_users - 1] + 1 : 0;
    if (size > p->size) {
        uint8_t *there;
        ARENA_NEW(there, j->arena, size);
        if (p->size > 0)
            memcpy(there, p->there, p->size);
        p->there = there, p->size = size;
    }
    for (uint32_t u = 0; u < m->n_users; u++)
        p->there[m->users[u]] = 1;
    return STATUS_OK;
}

static enum status add_cell(struct part *p, const struct measured *m, struct arena *scratch)
{
    uint32_t *place;
    ARENA_NEW(place, scratch, m->n_users);
    for (uint32_t u = 0; u < m->n_users; u++)
        place[u] = p->place[m->users[u]];
    return resampled_add(&p->draws, m, place);
}

/* Every part of one cell: who is in it, or what it adds. */
static enum status visit(struct job *j, const json_t *line, bool adds, struct arena *scratch)
{
    const struct evaluate_config *e = &j->r->experiment->evaluate;
    struct cell_values cell;
    struct cell_part *parts;
    size_t n;
    TRY(cell_read(j->r->folder, json_string_value(json_object_get(line, "key")), scratch, &cell));
    TRY(cell_parts_read(&cell, e->measures, e->n_measures, scratch, &parts, &n));
    for (size_t i = 0; i < n; i++) {
        struct part *p;
        TRY(find_part(j, parts[i].stratum, &p));
        if (adds)
            TRY(add_cell(p, &parts[i].measured, scratch));
        else
            TRY(note_users(j, p, &parts[i].measured));
    }
    return STATUS_OK;
}

static enum status visit_all(struct job *j, bool adds)
{
    for (size_t i = 0; i < j->r->n_lines; i++) {
        if (!gather_is_done(j->r->lines[i], j->dataset, j->model))
            continue;
        struct arena *scratch = arena_new();
        const enum status status = scratch != NULL ? visit(j, j->r->lines[i], adds, scratch) : STATUS_SYSTEM;
        arena_free(scratch);
        TRY(status);
    }
    return STATUS_OK;
}

static enum status make_room(struct job *j)
{
    const struct experiment *e = j->r->experiment;
    for (size_t i = 0; i < j->n_parts; i++) {
        struct part *p = &j->part[i];
        ARENA_NEW(p->place, j->arena, p->size);
        for (uint32_t u = 0; u < p->size; u++)
            if (p->there[u])
                p->place[u] = p->n++;
        TRY(resampled_make(e->evaluate.measures, e->evaluate.n_measures, p->n, e->compare.intervals, 0,
                           j->arena, &p->draws));
    }
    return STATUS_OK;
}

static void write_part(const struct job *j, struct part *p, FILE *out)
{
    const struct experiment *e = j->r->experiment;
    for (size_t m = 0; m < e->evaluate.n_measures; m++) {
        const struct metric_at *x = &e->evaluate.measures[m];
        const struct interval i = resampled_interval(&p->draws, m, LEVEL);
        if (isnan(i.value) || isnan(i.low))
            continue;
        csv_put_quoted(out, j->dataset->name);
        csv_put_quoted(out, j->model->label);
        csv_put_quoted(out, j->model->params_json);
        metric_at_csv(out, x);
        fprintf(out, ",%s,", dialect_types[x->dialect].name);
        csv_put(out, p->stratum);
        fprintf(out, ",%.9g,%.9g,%.9g,%u,%u,%s\n", i.value, i.low, i.high, p->n, e->compare.intervals,
                i.jackknife ? "jackknife" : "bca");
    }
}

static enum status write_model(struct job *j, FILE *out)
{
    TRY(visit_all(j, false));
    TRY(make_room(j));
    TRY(visit_all(j, true));
    for (size_t p = 0; p < j->n_parts; p++)
        write_part(j, &j->part[p], out);
    return STATUS_OK;
}

enum status record_intervals(const struct record *r)
{
    const struct experiment *e = r->experiment;
    char path[4096];
    struct atomic_file file;
    if (e->compare.intervals == 0)
        return record_without(r, "intervals.csv");
    TRY(path_join(r->folder, "intervals.csv", path));
    TRY(atomic_open(&file, path));
    fputs("dataset,label,params,metric,k,dialect,stratum,mean,low,high,n_users,draws,method\n", file.stream);
    enum status status = STATUS_OK;
    for (size_t d = 0; d < e->n_datasets; d++)
        for (size_t m = 0; m < e->n_models && status == STATUS_OK; m++) {
            struct job job = {
                .r = r, .dataset = &e->datasets[d], .model = &e->models[m], .arena = arena_new()};
            status = job.arena != NULL ? write_model(&job, file.stream) : STATUS_SYSTEM;
            arena_free(job.arena);
        }
    if (status == STATUS_OK)
        return atomic_commit(&file);
    atomic_abort(&file);
    return status;
}
