/* recommend.c - see recommend.h. */
#include "experiment/recommend.h"

#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "eval/rank.h"
#include "experiment/capture.h"
#include "experiment/cell.h"
#include "experiment/journal.h"
#include "experiment/run.h"
#include "fusion/strategy_model.h"
#include "models/model_io.h"

enum { LIMIT_LIKED = 10 };

struct recommender {
    const struct recommend_options *options;
    struct arena *arena;
    struct experiment experiment;
    const struct dataset_config *dataset;
    const struct model_config *model;
    const struct backend *backend;
    struct stage stage;
    struct fitted fitted;
    uint32_t user;
};

static enum status unknown(const char *what, const char *word, const char *const *names, size_t n)
{
    const char *nearest = string_nearest(word, names, n);
    char known[1024] = "";
    for (size_t i = 0; i < n; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i > 0 ? ", " : "", names[i]);
    if (nearest != NULL)
        return status_fail(STATUS_USAGE, "unknown %s '%s'; did you mean '%s'?", what, word, nearest);
    return status_fail(STATUS_USAGE, "unknown %s '%s'; the run has %s", what, word, known);
}

static enum status find_dataset(struct recommender *r)
{
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; i < r->experiment.n_datasets; i++) {
        if (strcmp(r->experiment.datasets[i].name, r->options->dataset) == 0)
            r->dataset = &r->experiment.datasets[i];
        if (n < 64)
            names[n++] = r->experiment.datasets[i].name;
    }
    if (r->dataset == NULL)
        return unknown("dataset", r->options->dataset, names, n);
    if (r->dataset->unavailable != NULL)
        return status_fail(STATUS_DATA, "%s", r->dataset->unavailable);
    return STATUS_OK;
}

static enum status find_model(struct recommender *r)
{
    const char *names[64];
    size_t n = 0, n_points = 0;
    for (size_t i = 0; i < r->experiment.n_models; i++) {
        const struct model_config *m = &r->experiment.models[i];
        if (strcmp(m->label, r->options->model) == 0) {
            n_points++;
            if (m->point == r->options->point)
                r->model = m;
        }
        if (m->point == 0 && n < 64)
            names[n++] = m->label;
    }
    if (n_points == 0)
        return unknown("model", r->options->model, names, n);
    if (r->model == NULL)
        return status_fail(STATUS_USAGE, "--point %u: '%s' has %zu grid points, counted from 0",
                           r->options->point, r->options->model, n_points);
    return STATUS_OK;
}

static enum status find_user(struct recommender *r)
{
    const struct strings *ids = &r->stage.dataset->user_ids;
    for (r->user = 0; r->user < r->stage.dataset->n_users; r->user++)
        if (strings_equal(ids, r->user, r->options->user))
            return STATUS_OK;
    char *first = ids->n > 0 ? strings_copy(ids, 0, r->arena) : NULL;
    return status_fail(STATUS_USAGE,
                       "dataset %s has no user '%s' (an id as its publisher gives it, '%s' for example)",
                       r->dataset->name, r->options->user, first != NULL ? first : "");
}

/* The run's line about the model, with its key; NULL: there is none. */
static const char *saved_key(const struct recommender *r, const struct journal *journal, json_t **found)
{
    const char *key;
    json_t *line;
    json_object_foreach(journal->entries, key, line)
    {
        const char *dataset = json_string_value(json_object_get(line, "dataset"));
        const char *label = json_string_value(json_object_get(line, "label"));
        if (dataset != NULL && label != NULL && strcmp(dataset, r->dataset->name) == 0 &&
            strcmp(label, r->model->label) == 0 &&
            json_integer_value(json_object_get(line, "fold")) == (json_int_t)r->options->fold &&
            json_integer_value(json_object_get(line, "point")) == (json_int_t)r->model->point &&
            json_integer_value(json_object_get(line, "seed")) == r->experiment.seeds[0]) {
            *found = line;
            return key;
        }
    }
    return NULL;
}

static enum status load_saved(struct recommender *r, const char *path)
{
    struct run run = {.backend = r->backend,
                      .seed = (uint64_t)r->experiment.seeds[0],
                      .cache = run_cache_folder(),
                      .models = run_models_folder(),
                      .cancelled = r->options->signal};
    r->fitted = (struct fitted){.type = r->model->type, .arena = arena_new(), .scratch = arena_new()};
    run.arena = r->fitted.arena;
    run.scratch = r->fitted.scratch;
    if (run.arena == NULL || run.scratch == NULL)
        return STATUS_SYSTEM;
    void *state = arena_alloc(run.arena, 1, r->model->type->state_size > 0 ? r->model->type->state_size : 1);
    if (state == NULL)
        return STATUS_SYSTEM;
    TRY(model_load(path, r->model->type, r->model->params, &run, state));
    r->fitted.state = state;
    return STATUS_OK;
}

/* The model with the setting that its search chose. */
static enum status choose(struct recommender *r, const json_t *setting)
{
    struct model_config *m;
    ARENA_NEW(m, r->arena, 1);
    *m = *r->model;
    TRY(search_apply(m->type, m->params, setting, r->arena, &m->params));
    r->model = m;
    return STATUS_OK;
}

static enum status get_model(struct recommender *r)
{
    char path[4096] = "";
    struct journal journal;
    struct capture capture;
    const struct cell_place place = {r->backend, run_cache_folder(), run_models_folder(), r->options->signal,
                                     0};
    enum status status = STATUS_OK;
    bool searched = false;
    capture_begin(&capture); /* without a journal the model is fitted */
    if (journal_read(r->options->run, &journal) == STATUS_OK) {
        json_t *line = NULL;
        const char *key = saved_key(r, &journal, &line);
        if (line != NULL && json_object_get(line, "chosen") != NULL)
            status = choose(r, json_object_get(line, "chosen"));
        searched = line != NULL && json_object_get(line, "chosen") != NULL;
        if (key != NULL)
            snprintf(path, sizeof path, "%s/models/%s.h5", r->options->run, key);
    }
    journal_close(&journal);
    capture_end(&capture);
    if (status != STATUS_OK)
        return status_fail(status, "%s", capture.sentence);
    if (r->model->search != NULL && !searched)
        return status_fail(STATUS_DATA, "%s: the search of %s is not done; run the experiment first",
                           r->options->run, r->model->label);
    if (path[0] != '\0' && file_exists(path))
        return load_saved(r, path);
    return cell_fit_final(&r->stage, r->model, searched, r->experiment.seeds[0], &r->experiment.evaluate,
                          &place, &r->fitted);
}

static const char *text_of(struct recommender *r, uint32_t item)
{
    const struct dataset *d = r->stage.dataset;
    const struct column *title = dataset_item_column(d, "title");
    char *id = strings_copy(&d->item_ids, item, r->arena);
    if (title == NULL || title->kind != COLUMN_TEXT || strings_length(&title->text, item) == 0)
        return id != NULL ? id : "";
    char *text = strings_copy(&title->text, item, r->arena);
    char *both = text != NULL && id != NULL ? arena_printf(r->arena, "%s [%s]", text, id) : NULL;
    return both != NULL ? both : "";
}

/* Best rated first; of equals the latest, then the one that comes first in the dataset. */
struct liked {
    float value;
    int64_t time;
    uint32_t item;
};
static int by_liking(const void *a, const void *b)
{
    const struct liked *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    if (x->time != y->time)
        return x->time > y->time ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

static enum status print_liked(struct recommender *r, FILE *out)
{
    const struct interactions *train = &r->stage.fold->train;
    struct liked *liked;
    size_t n = 0;
    ARENA_NEW(liked, r->arena, train->n);
    for (uint64_t i = 0; i < train->n; i++)
        if (train->user[i] == r->user)
            liked[n++] =
                (struct liked){train->value[i], train->time != NULL ? train->time[i] : 0, train->item[i]};
    qsort(liked, n, sizeof *liked, by_liking);
    fprintf(out, "user %s of %s liked before (%zu train rows, best rated first):\n", r->options->user,
            r->dataset->name, n);
    for (size_t i = 0; i < n && i < LIMIT_LIKED; i++)
        fprintf(out, "  %5.3g  %s\n", (double)liked[i].value, text_of(r, liked[i].item));
    return STATUS_OK;
}

static enum status print_lists(struct recommender *r, FILE *out)
{
    const struct rank_options options = {
        .k = r->options->top,
        .seed = (uint64_t)r->experiment.seeds[0],
        .masks = {&r->stage.train, r->experiment.evaluate.mask_valid ? &r->stage.valid : NULL},
        .ties = r->experiment.evaluate.ties,
        .relevant = &r->stage.test};
    struct lists lists;
    TRY(rank_users(r->fitted.type, r->fitted.state, r->backend, r->stage.dataset->n_items, &r->user, 1,
                   &options, r->arena, &lists));
    TRY(print_liked(r, out));
    const bool grid = strcmp(r->model->grid_json, "{}") != 0;
    fprintf(out, "%s%s%s recommends (*: among the user's held-out test rows):\n", r->model->label,
            grid ? " " : "", grid ? r->model->grid_json : "");
    for (uint32_t i = 0; i < lists.k && lists.item[i] != UINT32_MAX; i++)
        fprintf(out, "%c %3u  %10.6g  %s\n", csr_has(&r->stage.test, r->user, lists.item[i]) ? '*' : ' ',
                i + 1, (double)lists.score[i], text_of(r, lists.item[i]));
    return STATUS_OK;
}

/* "mmr       12 ->  4  Title [id]  (1.93 -> 2.41)", in the order in which the rules did it. */
static enum status print_changes(struct recommender *r, FILE *out)
{
    struct strategy_list list;
    struct strategy_log log;
    TRY(strategy_model_changes(r->fitted.state, r->user, r->arena, &list, &log));
    fprintf(out, "what its rules changed (%zu changes; place before -> after, score before -> after):\n",
            log.n);
    for (size_t i = 0; i < log.n; i++) {
        const struct strategy_change *c = &log.change[i];
        char after[16] = "out";
        if (c->after > 0)
            snprintf(after, sizeof after, "%u", c->after);
        fprintf(out, "  %-12s %4u -> %4s  %s  (%.6g -> %.6g)\n", c->rule, c->before, after,
                text_of(r, c->item), c->score_before, c->score_after);
    }
    return STATUS_OK;
}

static enum status recommend(struct recommender *r, FILE *out)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/experiment.yaml", r->options->run) >= (int)sizeof path)
        return status_fail(STATUS_SYSTEM, "%s: the path is too long", r->options->run);
    if (!file_exists(path))
        return status_fail(STATUS_DATA, "%s: there is no run (no experiment.yaml)", r->options->run);
    TRY(experiment_load(path, NULL, 0, r->arena, &r->experiment));
    TRY(find_dataset(r));
    TRY(find_model(r));
    if (r->options->explain && r->model->type != &model_strategy)
        return status_fail(STATUS_USAGE,
                           "--explain: '%s' is of the model %s, which has no rules; name a model `strategy`",
                           r->options->model, r->model->type->name);
    TRY(backend_open("auto", (int)r->options->threads, &r->backend));
    TRY(stage_open(r->dataset, &r->stage));
    if (r->options->fold >= r->stage.n_folds)
        return status_fail(STATUS_USAGE, "--fold %u: %s has %zu folds, counted from 0", r->options->fold,
                           r->dataset->name, r->stage.n_folds);
    TRY(find_user(r));
    TRY(stage_fold(&r->stage, r->options->fold));
    TRY(get_model(r));
    TRY(print_lists(r, out));
    return r->options->explain ? print_changes(r, out) : STATUS_OK;
}

enum status recommend_print(const struct recommend_options *options, FILE *out)
{
    struct recommender r = {.options = options, .arena = arena_new()};
    if (r.arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = recommend(&r, out);
    fitted_free(&r.fitted);
    stage_close(&r.stage);
    experiment_free(&r.experiment);
    arena_free(r.arena);
    return status;
}
