/* trials.c - see trials.h. */
#include "experiment/trials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/capture.h"
#include "experiment/kept.h"

struct trials {
    struct stage *stage;
    const struct model_config *model;
    const struct search_config *search;
    long long seed;
    const struct evaluate_config *evaluate;
    const struct cell_place *place;
    struct arena *arena;
    const char *key;
    const struct journal *journal;
    struct kept kept;
    size_t n;
    struct search_trial *done; /* [total] */
    json_t *lines;             /* array, a trial each: of the file, or of another row; borrowed */
};

static double signed_value(const struct trials *t, double value)
{
    return t->search->metric->lower_is_better ? -value : value;
}

/* Takes a line as trial t->n; false: it isn't the one that comes next. */
static bool take(struct trials *t, const struct search_trial *next, json_t *line)
{
    json_t *setting = search_setting_json(t->search, next);
    char *mine = json_dumps(setting, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    char *theirs =
        json_dumps(json_object_get(line, "params"), JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    const bool same = mine != NULL && theirs != NULL && strcmp(mine, theirs) == 0;
    free(mine);
    free(theirs);
    json_decref(setting);
    if (!same || json_integer_value(json_object_get(line, "trial")) != (json_int_t)t->n)
        return false;
    t->done[t->n] = *next;
    t->done[t->n++].value = signed_value(t, record_number(line, "value"));
    return true;
}

/* What an earlier run left; from the first line that does not fit on, nothing counts. */
static enum status read_back(struct trials *t, const char *folder)
{
    TRY(kept_open(folder, "trials", t->key, &t->kept));
    const size_t n = json_array_size(t->kept.lines);
    for (size_t i = 0; i < n; i++) {
        struct search_trial next;
        bool over;
        TRY(search_next(&t->search->options, &t->search->space, t->done, t->n, t->arena, &next, &over));
        if (over || !take(t, &next, json_array_get(t->kept.lines, i)))
            break;
    }
    return kept_cut(&t->kept, t->n);
}

/* A search of this key in a line of the journal: its own, or of a model inside. */
static const json_t *search_in(const json_t *line, const char *key)
{
    const json_t *inside = json_object_get(line, "inside");
    const char *own = json_string_value(json_object_get(line, "search_key"));
    if (own != NULL && strcmp(own, key) == 0)
        return line;
    for (size_t i = 0; i < json_array_size(inside); i++) {
        own = json_string_value(json_object_get(json_array_get(inside, i), "search_key"));
        if (own != NULL && strcmp(own, key) == 0)
            return json_array_get(inside, i);
    }
    return NULL;
}

/* The trials of a row that searched the same model in the same space on the same rows; *all: they are the whole search. */
static enum status recall(struct trials *t, bool *all)
{
    const char *unused;
    json_t *line;
    const json_t *found = NULL;
    *all = false;
    json_object_foreach(t->journal->entries, unused, line)
    {
        found = found == NULL && strcmp(record_status(line), "done") == 0 ? search_in(line, t->key) : found;
    }
    json_t *trials = json_object_get(found, "trials");
    bool end = false;
    for (size_t i = 0; found != NULL && !end; i++) {
        struct search_trial next;
        TRY(search_next(&t->search->options, &t->search->space, t->done, t->n, t->arena, &next, &end));
        *all = end && i == json_array_size(trials);
        if (end || i == json_array_size(trials) || !take(t, &next, json_array_get(trials, i)))
            break;
    }
    t->lines = *all ? trials : NULL;
    t->n = *all ? t->n : 0;
    return STATUS_OK;
}

void trials_forget(const char *folder, const char *key)
{
    kept_forget(folder, "trials", key);
}

/* ---- one trial */
static enum status measure(const struct trials *t, const struct fitted *fitted, bool test, double *value)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const struct candidates_config drawn = {.kind = CANDIDATES_SAMPLED,
                                            .by = CANDIDATES_UNIFORM,
                                            .negatives = t->search->negatives,
                                            .seed = (uint64_t)t->seed};
    const struct candidates_config *candidates =
        !test && drawn.negatives > 0 ? &drawn : cell_validation_candidates(t->evaluate);
    const enum status status = cell_quality(t->stage, fitted->type, fitted->state, t->place->backend,
                                            t->search->metric, t->search->k, candidates, test,
                                            t->evaluate->mask_valid, (uint64_t)t->seed, arena, value);
    arena_free(arena);
    *value = search_round(*value);
    return status;
}

/* Fits and measures one setting; on test rows after a fit on what the final model will be fitted on. */
static enum status try_setting(const struct trials *t, const struct model_config *m, double *value,
                               double *test, uint32_t *epochs)
{
    struct fitted fitted = {0};
    const struct cell_how how = {.metric = t->search->metric,
                                 .k = t->search->k,
                                 .candidates = cell_validation_candidates(t->evaluate),
                                 .is_trial = true};
    enum status status = cell_fit(t->stage, m, t->seed, t->place, &how, &fitted);
    *epochs = fitted.epochs;
    if (status == STATUS_OK)
        status = measure(t, &fitted, false, value);
    if (status == STATUS_OK && t->search->test_too && !m->fit_valid)
        status = cell_set_history(t->stage, m, t->seed, t->place, &fitted);
    if (status == STATUS_OK && t->search->test_too && !m->fit_valid)
        status = measure(t, &fitted, true, test);
    fitted_free(&fitted);
    if (status != STATUS_OK || !t->search->test_too || !m->fit_valid)
        return status;
    struct model_config whole = *m;
    struct arena *arena = arena_new();
    status = arena != NULL ? cell_set_epochs(&whole, *epochs, arena) : STATUS_SYSTEM;
    const struct cell_how all = {.with_valid = true, .is_trial = true};
    if (status == STATUS_OK)
        status = cell_fit(t->stage, &whole, t->seed, t->place, &all, &fitted);
    if (status == STATUS_OK)
        status = measure(t, &fitted, true, test);
    fitted_free(&fitted);
    arena_free(arena);
    return status;
}

static json_t *trial_line(const struct trials *t, const struct search_trial *next, enum status status,
                          const char *sentence, double value, double test, uint32_t epochs, double seconds)
{
    json_t *line =
        json_pack("{s:I, s:i, s:f, s:o, s:s, s:s, s:f}", "trial", (json_int_t)t->n, "rung", (int)next->rung,
                  "resource", next->resource, "params", search_setting_json(t->search, next), "status",
                  status == STATUS_OK ? "done" : "failed", "message", status == STATUS_OK ? "" : sentence,
                  "seconds", seconds);
    if (status == STATUS_OK && isfinite(value))
        json_object_set_new(line, "value", json_real(value));
    if (status == STATUS_OK && isfinite(test))
        json_object_set_new(line, "test", json_real(test));
    if (epochs > 0)
        json_object_set_new(line, "epochs", json_integer(epochs));
    return line;
}

/* A setting that fails (it diverged, or the model refuses it) is a trial without a value. */
static enum status run_trial(struct trials *t, const struct search_trial *next)
{
    struct model_config m = *t->model;
    struct capture capture;
    double value = NAN, test = NAN;
    uint32_t epochs = 0;
    const struct clocks start = clocks_now();
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    json_t *setting = search_setting_json(t->search, next);
    capture_begin(&capture);
    enum status status = search_apply(m.type, m.params, setting, arena, &m.params);
    if (status == STATUS_OK)
        status = try_setting(t, &m, &value, &test, &epochs);
    capture_end(&capture);
    json_decref(setting);
    arena_free(arena);
    if (*t->place->cancelled)
        return STATUS_STOPPED;
    if (status == STATUS_UNAVAILABLE)
        return status_fail(status, "%s", capture.sentence);
    json_t *line =
        trial_line(t, next, status, capture.sentence, value, test, epochs, clocks_now().wall - start.wall);
    if (line == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for a trial");
    t->done[t->n] = *next;
    t->done[t->n++].value = status == STATUS_OK ? signed_value(t, value) : NAN;
    status = kept_add(&t->kept, line);
    json_decref(line);
    return status;
}

/* ---- the search */
static enum status choose(struct trials *t, struct model_config *chosen, json_t **record)
{
    const size_t best = search_best(t->done, t->n);
    if (best == SIZE_MAX) {
        const char *why = json_string_value(json_object_get(json_array_get(t->lines, 0), "message"));
        return status_fail(STATUS_DATA, "all %zu trials failed, the first: %s", t->n,
                           why != NULL ? why : "without a value");
    }
    const json_t *line = json_array_get(t->lines, best);
    json_t *setting = json_object_get(line, "params");
    *chosen = *t->model;
    TRY(search_apply(chosen->type, chosen->params, setting, t->arena, &chosen->params));
    if (chosen->fit_valid)
        TRY(cell_set_epochs(chosen, (uint32_t)json_integer_value(json_object_get(line, "epochs")), t->arena));
    *record = json_pack("{s:I, s:I, s:O, s:O, s:s}", "n_trials", (json_int_t)t->n, "chosen_trial",
                        (json_int_t)best, "chosen", setting, "trials", t->lines, "search_key", t->key);
    return *record != NULL ? STATUS_OK
                           : status_fail(STATUS_SYSTEM, "out of memory for the record of a search");
}

static enum status search(struct trials *t, const char *folder, struct model_config *chosen, json_t **record)
{
    const size_t total = search_total(&t->search->options, &t->search->space);
    ARENA_NEW(t->done, t->arena, total);
    if (t->stage->valid.nnz == 0)
        return status_fail(
            STATUS_DATA,
            "%s: a search needs validation rows: give the dataset a part of train for it, as in "
            "validation: {kind: random, test: 0.1}",
            t->model->label);
    bool all;
    TRY(recall(t, &all));
    if (!all) {
        TRY(read_back(t, folder));
        t->lines = t->kept.lines;
    }
    while (!all) {
        struct search_trial next;
        bool end;
        TRY(search_next(&t->search->options, &t->search->space, t->done, t->n, t->arena, &next, &end));
        if (end)
            break;
        TRY(run_trial(t, &next));
    }
    return choose(t, chosen, record);
}

enum status trials_run(struct stage *stage, const struct model_config *model, long long seed,
                       const struct evaluate_config *evaluate, const struct cell_place *place,
                       const struct trials_keep *keep, const char *key, struct arena *arena,
                       struct model_config *chosen, json_t **record)
{
    struct trials t = {.stage = stage,
                       .model = model,
                       .search = model->search,
                       .seed = seed,
                       .evaluate = evaluate,
                       .place = place,
                       .key = key,
                       .journal = keep->journal,
                       .arena = arena,
                       .kept = {.file = -1}};
    *record = NULL;
    const enum status status = search(&t, keep->folder, chosen, record);
    kept_close(&t.kept);
    return status;
}
