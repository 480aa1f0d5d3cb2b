/* recommend.c - see recommend.h. */
#include "experiment/recommend.h"

#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "eval/rank.h"
#include "experiment/again.h"
#include "experiment/run.h"
#include "fusion/strategy_model.h"
#include "models/trace.h"

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

/* The first model that has stages to show. */
static enum status choose_model(struct recommender *r)
{
    for (size_t m = 0; m < r->experiment.n_models && r->model == NULL; m++)
        if (r->experiment.models[m].type->trace != NULL)
            r->model = &r->experiment.models[m];
    return r->model != NULL
               ? STATUS_OK
               : status_fail(STATUS_USAGE, "no model of %s is made of stages; name one with --model",
                             r->options->run);
}

static enum status fetch(struct recommender *r)
{
    TRY(again_load(r->options->run, r->arena, &r->experiment));
    if (r->options->dataset == NULL)
        r->dataset = &r->experiment.datasets[0];
    else
        TRY(again_dataset(&r->experiment, r->options->dataset, &r->dataset));
    if (r->options->model == NULL)
        TRY(choose_model(r));
    else
        TRY(again_model(&r->experiment, r->options->model, r->options->point, &r->model));
    if (r->options->explain && r->model->type != &model_strategy)
        return status_fail(STATUS_USAGE,
                           "--explain: '%s' is of the model %s, which has no rules; name a model `strategy`",
                           r->options->model, r->model->type->name);
    TRY(backend_open("auto", (int)r->options->threads, &r->backend));
    TRY(stage_open(r->dataset, &r->stage));
    if (r->options->fold >= r->stage.n_folds)
        return status_fail(STATUS_USAGE, "--fold %u: %s has %zu folds, counted from 0", r->options->fold,
                           r->dataset->name, r->stage.n_folds);
    if (r->options->user != NULL)
        TRY(find_user(r));
    TRY(stage_fold(&r->stage, r->options->fold));
    const struct again_cell cell = {r->options->run, &r->experiment,   r->dataset,
                                    r->model,        r->options->fold, r->experiment.seeds[0]};
    const struct cell_place place = {r->backend, run_cache_folder(), run_models_folder(), r->options->signal,
                                     0};
    return again_fit(&cell, &r->stage, &place, r->arena, &r->fitted);
}

static enum status recommend(struct recommender *r, FILE *out)
{
    TRY(fetch(r));
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

static enum status trace(struct recommender *r, FILE *out)
{
    TRY(fetch(r));
    struct trace t = {.out = out,
                      .view = r->stage.view,
                      .backend = r->backend,
                      .arena = r->arena,
                      .cache = run_cache_folder(),
                      .models = run_models_folder(),
                      .seed = (uint64_t)r->experiment.seeds[0],
                      .user = r->user,
                      .top = r->options->top};
    fprintf(out, "user %s of %s, fold %u, through %s (%s)\n", r->options->user, r->dataset->name,
            r->options->fold, r->model->label, r->model->type->name);
    return model_trace(r->fitted.type, r->fitted.state, r->fitted.params, &t);
}

enum status recommend_trace(const struct recommend_options *options, FILE *out)
{
    struct recommender r = {.options = options, .arena = arena_new()};
    if (r.arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = trace(&r, out);
    fitted_free(&r.fitted);
    stage_close(&r.stage);
    experiment_free(&r.experiment);
    arena_free(r.arena);
    return status;
}

enum status recommend_model(const struct recommend_options *options,
                            enum status (*use)(void *context, const struct model_type *type,
                                               const void *state, const struct backend *backend,
                                               const char *what),
                            void *context)
{
    struct recommender r = {.options = options, .arena = arena_new()};
    char what[512];
    if (r.arena == NULL)
        return STATUS_SYSTEM;
    enum status status = fetch(&r);
    if (status == STATUS_OK) {
        snprintf(what, sizeof what, "%s on %s, fold %u", r.model->label, r.dataset->name, options->fold);
        status = use(context, r.fitted.type, r.fitted.state, r.backend, what);
    }
    fitted_free(&r.fitted);
    stage_close(&r.stage);
    experiment_free(&r.experiment);
    arena_free(r.arena);
    return status;
}
