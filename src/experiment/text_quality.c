/*
 * text_quality.c - see text_quality.h.
 *
 * An experiment in memory: its stage, fits and measure are those of `recfuse run`, so the same file written out gives the same numbers.
 * Nothing is cached: two encoders that differ in a weight are two encoders.
 */
#include "experiment/text_quality.h"

#include <stdlib.h>
#include <string.h>

#include "data/store.h"
#include "experiment/cell.h"

static const char NAME[] = "recfuse compress --dataset";

/* In YAML's single quotes. */
static const char *quoted(const char *text, struct arena *arena)
{
    char *out = arena_alloc(arena, 2 * strlen(text) + 3, 1), *at = out;
    if (out == NULL)
        return NULL;
    *at++ = '\'';
    for (; *text != '\0'; text++) {
        *at++ = *text;
        if (*text == '\'')
            *at++ = '\'';
    }
    *at = '\'';
    return out;
}

/* The folder's parent and its name, both in the arena. */
static enum status split_path(const char *folder, struct arena *arena, const char **parent, const char **name)
{
    char *real = realpath(folder, NULL);
    if (real == NULL)
        return status_fail(STATUS_UNAVAILABLE, "%s: no such folder", folder);
    char *copy = arena_strdup(arena, real);
    free(real);
    if (copy == NULL)
        return STATUS_SYSTEM;
    char *slash = strrchr(copy, '/');
    *slash = '\0';
    *parent = copy;
    *name = slash + 1;
    return STATUS_OK;
}

static enum status load(const char *dataset, const char *encoder, const char *precision, struct arena *arena,
                        struct experiment *out)
{
    const char *file = quoted(dataset, arena), *name = quoted(encoder, arena);
    if (file == NULL || name == NULL)
        return STATUS_SYSTEM;
    const char *text = arena_printf(
        arena,
        "experiment: {name: compress, seeds: [0]}\n"
        "datasets: [{name: data, file: %s, split: {kind: random, test: 0.2, scope: per_user, seed: 42}}]\n"
        "models:\n"
        "- {name: llm_content, params: {encoder: %s, precision: %s, text: [title, genres]}}\n"
        "- {name: llm_fusion, params: {encoder: %s, precision: %s, text: [title, genres]}}\n"
        "evaluate: {k: [10], metrics: [ndcg], candidates: full}\n",
        file, name, precision, name, precision);
    if (text == NULL)
        return STATUS_SYSTEM;
    TRY(experiment_parse(NAME, text, arena, out));
    if (out->datasets[0].unavailable != NULL)
        return status_fail(STATUS_UNAVAILABLE, "%s", out->datasets[0].unavailable);
    return STATUS_OK;
}

static enum status measure(const struct experiment *e, struct stage *stage, const struct cell_place *place,
                           struct arena *arena, double ndcg[N_TEXT_QUALITIES])
{
    TRY(stage_open(&e->datasets[0], stage));
    TRY(stage_fold(stage, 0));
    for (size_t i = 0; i < N_TEXT_QUALITIES; i++) {
        const struct cell_how how = {0};
        struct fitted fitted = {0};
        enum status status = cell_fit(stage, &e->models[i], 0, place, &how, &fitted);
        if (status == STATUS_OK)
            status = cell_quality(stage, fitted.type, fitted.state, place->backend, metric_find("ndcg"), 10,
                                  NULL, true, false, 0, arena, &ndcg[i]);
        fitted_free(&fitted);
        TRY(status);
    }
    return STATUS_OK;
}

enum status text_quality(const char *dataset, const char *encoder, enum encoder_precision precision,
                         const struct backend *backend, double ndcg[N_TEXT_QUALITIES])
{
    static const char *const names[] = {"fp32", "int8", "w8a8"}; /* ENCODER_PRECISIONS */
    static const volatile sig_atomic_t never;
    struct cell_place place = {.backend = backend, .cancelled = &never};
    struct experiment e = {0};
    struct stage stage = {0};
    struct arena *arena = arena_new();
    const char *name = NULL;
    enum status status = arena != NULL ? split_path(encoder, arena, &place.models, &name) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = load(dataset, name, names[precision], arena, &e);
    if (status == STATUS_OK)
        status = measure(&e, &stage, &place, arena, ndcg);
    stage_close(&stage);
    experiment_free(&e);
    arena_free(arena);
    return status;
}

enum status text_quality_titles(const char *dataset, struct arena *arena, struct strings *out)
{
    struct dataset *data = NULL;
    struct string_builder builder = {0};
    struct arena *scratch = arena_new();
    enum status status = scratch != NULL ? store_read(dataset, scratch, &data) : STATUS_SYSTEM;
    const struct column *title = status == STATUS_OK ? dataset_item_column(data, "title") : NULL;
    if (status == STATUS_OK && (title == NULL || title->kind != COLUMN_TEXT))
        status = status_fail(STATUS_DATA, "%s: its items have no titles", dataset);
    for (uint64_t i = 0; status == STATUS_OK && i < data->n_items; i++)
        if (strings_length(&title->text, i) > 0)
            status =
                string_builder_add(&builder, strings_at(&title->text, i), strings_length(&title->text, i));
    if (status == STATUS_OK)
        status = string_builder_finish(&builder, arena, out);
    string_builder_free(&builder);
    arena_free(scratch);
    return status;
}
