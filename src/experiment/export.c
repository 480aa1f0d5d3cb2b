/* export.c - see export.h. */
#include "experiment/export.h"

#include <ctype.h>
#include <string.h>

#include "base/csv_put.h"
#include "eval/rank.h"
#include "experiment/again.h"
#include "experiment/evaluation.h"
#include "experiment/run.h"

struct exporter {
    const struct export_options *options;
    struct arena *arena;
    struct experiment experiment;
    const struct dataset_config *dataset;
    const struct backend *backend;
    struct stage stage;
    size_t fold, n_lists;
};

/* OUT/D.foldF.REST, the label's unusual characters as '_'. */
static char *path_of(const struct exporter *x, const char *rest)
{
    char *path = arena_printf(x->arena, "%s/%s.fold%zu.%s", x->options->out, x->dataset->name, x->fold, rest);
    for (char *at = path != NULL ? path + strlen(x->options->out) + 1 : NULL; at != NULL && *at != '\0'; at++)
        if (!isalnum((unsigned char)*at) && strchr("._-", *at) == NULL)
            *at = '_';
    return path;
}

/* An id as a field; STATUS_DATA where the format can't hold it. */
static enum status put_id(const struct exporter *x, bool csv, const char *noun, const struct strings *ids,
                          uint32_t i, FILE *out)
{
    const char *id = strings_at(ids, i);
    const size_t n = strings_length(ids, i);
    bool blank = n == 0, line = false;
    for (size_t c = 0; c < n; c++) {
        blank = blank || isspace((unsigned char)id[c]);
        line = line || id[c] == '\n' || id[c] == '\r';
    }
    if (csv ? line : blank)
        return status_fail(STATUS_DATA, "%s: %s '%.*s' can't be written: %s", x->dataset->name, noun, (int)n,
                           id,
                           csv ? "csv here has no line ends inside a field"
                               : "fields of TREC's formats are parted by blanks; take --format csv");
    if (csv)
        csv_put_bytes(out, id, n);
    else
        fwrite(id, 1, n, out);
    return STATUS_OK;
}

static enum status open_file(const struct exporter *x, const char *rest, struct atomic_file *file)
{
    const char *path = path_of(x, rest);
    return path != NULL ? atomic_open(file, path) : STATUS_SYSTEM;
}

static enum status close_file(struct atomic_file *file, enum status status)
{
    if (status == STATUS_OK)
        return atomic_commit(file);
    atomic_abort(file);
    return status;
}

static enum status put_lists(const struct exporter *x, const struct lists *lists, const char *label,
                             FILE *out)
{
    const struct dataset *d = x->stage.dataset;
    const bool csv = x->options->csv;
    if (csv)
        fputs("user,item,rank,score\n", out);
    for (uint32_t u = 0; u < lists->n_users; u++)
        for (uint32_t j = 0; j < lists->k; j++) {
            const size_t at = (size_t)u * lists->k + j;
            if (lists->item[at] == UINT32_MAX)
                break;
            TRY(put_id(x, csv, "user", &d->user_ids, x->stage.users[u], out));
            fputs(csv ? "," : " Q0 ", out);
            TRY(put_id(x, csv, "item", &d->item_ids, lists->item[at], out));
            fprintf(out, csv ? ",%u,%.9g" : " %u %.9g ", j + 1, (double)lists->score[at]);
            if (!csv)
                for (const char *c = label; *c != '\0'; c++)
                    fputc(isspace((unsigned char)*c) ? '_' : *c, out);
            fputc('\n', out);
        }
    return STATUS_OK;
}

static enum status put_qrels(const struct exporter *x, FILE *out)
{
    const struct csr *test = &x->stage.test;
    const struct dataset *d = x->stage.dataset;
    const bool csv = x->options->csv, graded = x->experiment.evaluate.graded;
    if (csv)
        fputs("user,item,relevance\n", out);
    for (uint32_t user = 0; user < test->n_rows; user++)
        for (int64_t e = test->ptr[user]; e < test->ptr[user + 1]; e++) {
            TRY(put_id(x, csv, "user", &d->user_ids, user, out));
            fputs(csv ? "," : " 0 ", out);
            TRY(put_id(x, csv, "item", &d->item_ids, test->idx[e], out));
            fprintf(out, csv ? ",%.9g\n" : " %.9g\n", graded && test->val != NULL ? (double)test->val[e] : 1);
        }
    return STATUS_OK;
}

static enum status put_rows(const struct exporter *x, const struct interactions *rows, FILE *out)
{
    const struct dataset *d = x->stage.dataset;
    fputs("user,item", out);
    fputs(rows->value != NULL ? ",value" : "", out);
    fputs(rows->time != NULL ? ",time\n" : "\n", out);
    for (uint64_t i = 0; i < rows->n; i++) {
        TRY(put_id(x, true, "user", &d->user_ids, rows->user[i], out));
        fputc(',', out);
        TRY(put_id(x, true, "item", &d->item_ids, rows->item[i], out));
        if (rows->value != NULL)
            fprintf(out, ",%.9g", (double)rows->value[i]);
        if (rows->time != NULL)
            fprintf(out, ",%lld", (long long)rows->time[i]);
        fputc('\n', out);
    }
    return STATUS_OK;
}

static enum status export_rows(const struct exporter *x)
{
    const struct {
        const char *name;
        const struct interactions *rows;
    } parts[] = {{"train.csv", &x->stage.fold->train}, {"valid.csv", &x->stage.fold->valid}};
    struct atomic_file file;
    TRY(open_file(x, x->options->csv ? "qrels.csv" : "qrels", &file));
    TRY(close_file(&file, put_qrels(x, file.stream)));
    for (size_t i = 0; i < 2 && x->options->rows; i++)
        if (parts[i].rows->n > 0) {
            TRY(open_file(x, parts[i].name, &file));
            TRY(close_file(&file, put_rows(x, parts[i].rows, file.stream)));
        }
    return STATUS_OK;
}

static enum status export_cell(struct exporter *x, const struct model_config *m, long long seed,
                               struct arena *arena, struct fitted *fitted)
{
    const struct again_cell cell = {x->options->run, &x->experiment, x->dataset, m, x->fold, seed};
    const struct cell_place place = {
        x->backend, run_cache_folder(), run_models_folder(), x->options->signal, 0, NULL};
    struct atomic_file file;
    struct lists lists;
    char point[32] = "";
    TRY(again_fit(&cell, &x->stage, &place, arena, fitted));
    TRY(evaluation_lists(&x->stage, fitted, &x->experiment.evaluate, seed, x->backend, x->options->top, arena,
                         &lists));
    if (strcmp(m->grid_json, "{}") != 0)
        snprintf(point, sizeof point, ".point%zu", m->point);
    const char *rest =
        arena_printf(arena, "%s%s.seed%lld.%s", m->label, point, seed, x->options->csv ? "run.csv" : "run");
    if (rest == NULL)
        return STATUS_SYSTEM;
    TRY(open_file(x, rest, &file));
    TRY(close_file(&file, put_lists(x, &lists, m->label, file.stream)));
    x->n_lists++;
    return STATUS_OK;
}

static enum status export_fold(struct exporter *x)
{
    const struct experiment *e = &x->experiment;
    TRY(stage_fold(&x->stage, x->fold));
    TRY(export_rows(x));
    for (size_t m = 0; m < e->n_models; m++)
        for (size_t s = 0; s < e->n_seeds; s++) {
            if (x->options->model != NULL && strcmp(x->options->model, e->models[m].label) != 0)
                continue;
            if (*x->options->signal != 0)
                return STATUS_INTERRUPTED;
            struct fitted fitted = {0};
            struct arena *arena = arena_new();
            const enum status status =
                arena != NULL ? export_cell(x, &e->models[m], e->seeds[s], arena, &fitted) : STATUS_SYSTEM;
            fitted_free(&fitted);
            arena_free(arena);
            if (status == STATUS_UNAVAILABLE)
                log_warn("%s fold %zu %s: left out", x->dataset->name, x->fold, e->models[m].label);
            else
                TRY(status);
        }
    return STATUS_OK;
}

static enum status export_dataset(struct exporter *x)
{
    if (x->dataset->unavailable != NULL)
        return status_fail(STATUS_DATA, "%s", x->dataset->unavailable);
    TRY(stage_open(x->dataset, &x->stage));
    if (x->options->fold >= (long)x->stage.n_folds)
        return status_fail(STATUS_USAGE, "--fold %ld: %s has %zu folds, counted from 0", x->options->fold,
                           x->dataset->name, x->stage.n_folds);
    for (size_t f = 0; f < x->stage.n_folds; f++)
        if (x->options->fold < 0 || (size_t)x->options->fold == f) {
            x->fold = f;
            TRY(export_fold(x));
        }
    return STATUS_OK;
}

static enum status export_all(struct exporter *x)
{
    const struct export_options *o = x->options;
    const struct dataset_config *only = NULL;
    const struct model_config *unused;
    TRY(again_load(o->run, x->arena, &x->experiment));
    if (o->dataset != NULL)
        TRY(again_dataset(&x->experiment, o->dataset, &only));
    if (o->model != NULL)
        TRY(again_model(&x->experiment, o->model, 0, &unused));
    if (o->top == 0 && x->experiment.evaluate.longest == 0)
        return status_fail(STATUS_USAGE, "%s: the run ranks nothing; say how many places with --top", o->run);
    TRY(backend_open("auto", (int)o->threads, &x->backend));
    TRY(make_folders(o->out));
    for (size_t d = 0; d < x->experiment.n_datasets; d++) {
        x->dataset = &x->experiment.datasets[d];
        if (only != NULL && only != x->dataset)
            continue;
        const enum status status = export_dataset(x);
        stage_close(&x->stage);
        TRY(status);
    }
    log_info("%zu files of lists in %s", x->n_lists, o->out);
    return STATUS_OK;
}

enum status export_topk(const struct export_options *options)
{
    struct exporter x = {.options = options, .arena = arena_new()};
    if (x.arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = export_all(&x);
    stage_close(&x.stage);
    experiment_free(&x.experiment);
    arena_free(x.arena);
    return status;
}
