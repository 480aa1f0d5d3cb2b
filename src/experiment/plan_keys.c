/*
 * plan_keys.c - the keys of cells and of searches: SHA-256 of all that determines a result, as JSON with sorted keys.
 */
#include <stdlib.h>
#include <string.h>

#include "base/placeholder.h"
#include "experiment/inside.h"
#include "experiment/machine.h"
#include "experiment/plan.h"
#include "fusion/decoder_file.h"
#include "fusion/prompt.h"
#include "llm/encoder.h"
#include "llm/gguf_file.h"
#include "models/item_vectors.h"
#include "models/nested.h"

/* Raised when ranking, metrics or the meaning of a key change: all earlier results are computed anew. */
enum { RESULTS_VERSION = 3 };

/* The SHA-256 of the language model that the parameters name ("A+B": of each); "none" for a control that needs none. */
static enum status encoder_part(const char *encoder, const char *models, json_t *encoders,
                                struct arena *arena, json_t *out)
{
    const size_t n = item_vectors_parts(encoder);
    const char *all = NULL;
    for (size_t p = 0; p < n && json_object_get(encoders, encoder) == NULL; p++) {
        const char *part = item_vectors_part(encoder, p, arena), *folder, *path;
        char hex[SHA256_HEX] = "none";
        if (part == NULL)
            return STATUS_SYSTEM;
        folder = item_vectors_folder(part);
        path = arena_printf(arena, "%s/%s", models, folder != NULL ? folder : "");
        if (path == NULL)
            return STATUS_SYSTEM;
        if (folder != NULL)
            TRY(encoder_folder_sha256(path, hex));
        all = all == NULL ? arena_strdup(arena, hex) : arena_printf(arena, "%s+%s", all, hex);
        if (all == NULL)
            return STATUS_SYSTEM;
    }
    if (all != NULL)
        json_object_set_new(encoders, encoder, json_string(all));
    json_object_set(out, "encoder_sha256", json_object_get(encoders, encoder));
    return STATUS_OK;
}

/* The SHA-256 of the decoder, or of the prompt, that the parameter `name` names. */
static enum status decoder_part(const char *name, const char *value, const char *models, json_t *known,
                                struct arena *arena, json_t *out)
{
    char hex[SHA256_HEX];
    struct prompt_file file;
    const char *key = arena_printf(arena, "%s %s", name, value), *path = decoder_file(models, value, arena);
    if (key == NULL || path == NULL)
        return STATUS_SYSTEM;
    if (json_object_get(known, key) == NULL) {
        if (strcmp(name, "decoder") == 0) {
            TRY(gguf_file_sha256(path, hex));
        } else {
            TRY(prompt_open(value, arena, &file));
            memcpy(hex, file.sha256, sizeof hex);
        }
        json_object_set_new(known, key, json_string(hex));
    }
    json_object_set(out, arena_printf(arena, "%s_sha256", name), json_object_get(known, key));
    return STATUS_OK;
}

/* What the parameters name of language models, into their part. */
static enum status language_part(json_t *values, const char *models, json_t *known, struct arena *arena,
                                 json_t *out)
{
    static const char *const names[] = {"decoder", "prompt", "cross_prompt"};
    const char *encoder = json_string_value(json_object_get(values, "encoder"));
    if (encoder != NULL)
        TRY(encoder_part(encoder, models, known, arena, out));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = json_string_value(json_object_get(values, names[i]));
        if (value != NULL)
            TRY(decoder_part(names[i], value, models, known, arena, out));
    }
    return STATUS_OK;
}

/* Name, version, parameters (`text`: as JSON) and language model of a model, and the same of each model inside. */
static enum status type_part(const struct model_type *type, const void *params, const char *text,
                             const char *models, json_t *encoders, struct arena *arena, json_t *out)
{
    const struct nested *inside = NULL;
    size_t n = 0;
    json_t *values = json_loads(text, 0, NULL), *list = json_array();
    enum status status = language_part(values, models, encoders, arena, out);
    if (json_object_set_new(out, "model", json_string(type->name)) != 0 ||
        json_object_set_new(out, "version", json_integer(type->version)) != 0 ||
        json_object_set_new(out, "params", values) != 0)
        status = status_fail(STATUS_SYSTEM, "out of memory while planning");
    if (status == STATUS_OK && type->inside != NULL)
        status = type->inside(params, arena, &inside, &n);
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        json_t *part = json_object();
        char *its = NULL;
        status = params_json(inside[i].type->params, inside[i].params, arena, &its);
        if (status == STATUS_OK)
            status = type_part(inside[i].type, inside[i].params, its, models, encoders, arena, part);
        json_array_append_new(list, part);
    }
    if (n > 0)
        json_object_set(out, "inside", list);
    json_decref(list);
    return status;
}

/* The parts of the model's searches: those inside it, then its own where it has one. */
static enum status search_parts(const struct model_config *m, const char *models, json_t *encoders,
                                struct arena *arena, json_t *out)
{
    for (size_t i = 0; i < m->n_inside + (m->search != NULL); i++) {
        const struct model_config *s = i < m->n_inside ? &m->inside[i].model : m;
        json_t *part = json_object();
        const enum status status =
            type_part(s->type, s->params, s->params_json, models, encoders, arena, part);
        json_array_append_new(out, part);
        TRY(status);
    }
    return STATUS_OK;
}

/* What a model brings into its key; two labels are two rows of a table. */
static enum status model_part(const struct model_config *m, const char *models, json_t *encoders,
                              struct arena *arena, json_t **out)
{
    *out = json_pack("{s:s}", "label", m->label);
    if (*out == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while planning");
    return type_part(m->type, m->params, m->params_json, models, encoders, arena, *out);
}

/* Hashes {common parts of the dataset, model part, fold, seed, files where there are any}. */
static enum status cell_key(json_t *base, json_t *model, size_t fold, long long seed, json_t *files,
                            char key[SHA256_HEX])
{
    json_t *all = json_pack("{s:O, s:O, s:I, s:I}", "base", base, "model", model, "fold", (json_int_t)fold,
                            "seed", (json_int_t)seed);
    if (json_object_size(files) > 0)
        json_object_set(all, "files", files);
    char *text = all != NULL ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(all);
    if (text == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while planning");
    sha256_hex(text, strlen(text), key);
    free(text);
    return STATUS_OK;
}

/* The language model that a measure asks for. */
static enum status evaluate_part(const struct experiment *e, const char *models, struct arena *arena,
                                 json_t *out)
{
    if (e->evaluate.vectors == NULL)
        return STATUS_OK;
    json_t *encoders = json_object();
    const enum status status = encoder_part(e->evaluate.vectors->encoder, models, encoders, arena, out);
    json_decref(encoders);
    return status;
}

static json_t *dataset_part(const struct experiment *e, size_t d, const struct dataset_plan *plan,
                            const char *device)
{
    const struct dataset_config *config = &e->datasets[d];
    json_t *part =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "results_version", RESULTS_VERSION, "dataset",
                  config->name, "content_sha256", plan->sha256, "filter", config->filter_json, "split",
                  config->split.json != NULL ? config->split.json : "", "device", device, "instructions",
                  machine_instructions(), "evaluate", json_object_get(e->resolved, "evaluate"));
    if (config->validation.type != NULL)
        json_object_set_new(part, "validation",
                            json_string(config->validation.json != NULL ? config->validation.json : ""));
    if (config->keep_train.share > 0)
        json_object_set(
            part, "keep_train",
            json_object_get(json_array_get(json_object_get(e->resolved, "datasets"), d), "keep_train"));
    return part;
}

/* Adds the SHA-256 of a file that the cell reads; "" where it isn't there.  known: of paths seen before. */
static enum status add_file(const char *text, const char *what, const char *dataset, size_t fold,
                            long long seed, json_t *known, struct arena *arena, json_t *out)
{
    char hex[SHA256_HEX] = "";
    const char *path = text != NULL ? placeholder_path(text, dataset, fold, (uint64_t)seed, arena) : NULL;
    if (text == NULL)
        return STATUS_OK;
    if (path == NULL)
        return STATUS_SYSTEM;
    if (json_object_get(known, path) == NULL) {
        if (file_exists(path))
            TRY(sha256_file(path, hex));
        json_object_set_new(known, path, json_string(hex));
    }
    json_object_set(out, what, json_object_get(known, path));
    return STATUS_OK;
}

/* The file that a model reads, under `what`, and those of the models inside, under what.0, what.1 ... */
static enum status model_files(const struct model_type *type, const void *params, const char *what,
                               const char *dataset, size_t fold, long long seed, json_t *known,
                               struct arena *arena, json_t *out)
{
    const struct nested *inside = NULL;
    size_t n = 0;
    TRY(add_file(type->file != NULL ? type->file(params) : NULL, what, dataset, fold, seed, known, arena,
                 out));
    if (type->inside != NULL)
        TRY(type->inside(params, arena, &inside, &n));
    for (size_t i = 0; i < n; i++) {
        const char *its = arena_printf(arena, "%s.%zu", what, i);
        if (its == NULL)
            return STATUS_SYSTEM;
        TRY(model_files(inside[i].type, inside[i].params, its, dataset, fold, seed, known, arena, out));
    }
    return STATUS_OK;
}

/* The files that a cell reads besides the dataset's. */
static enum status cell_files(const struct experiment *e, const struct cell *cell, json_t *known,
                              struct arena *arena, json_t *out)
{
    const struct model_config *m = &e->models[cell->model];
    const char *dataset = e->datasets[cell->dataset].name;
    const long long seed = e->seeds[cell->seed];
    TRY(model_files(m->type, m->params, "model", dataset, cell->fold, seed, known, arena, out));
    return add_file(e->evaluate.candidates.file, "candidates", dataset, cell->fold, seed, known, arena, out);
}

/* The keys of the cell's searches: no label, so rows that search alike share them. */
static enum status search_keys(const struct experiment *e, struct cell *cell, json_t *base, json_t *parts,
                               json_t *known, struct arena *arena)
{
    const struct model_config *m = &e->models[cell->model];
    const char *dataset = e->datasets[cell->dataset].name;
    const long long seed = e->seeds[cell->seed];
    char(*keys)[SHA256_HEX];
    ARENA_NEW(keys, arena, m->n_inside + 1);
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const struct model_config *s = i < m->n_inside ? &m->inside[i].model : m;
        json_t *files = json_object();
        enum status status =
            model_files(s->type, s->params, "model", dataset, cell->fold, seed, known, arena, files);
        if (status == STATUS_OK)
            status = cell_key(base, json_array_get(parts, i), cell->fold, seed, files, keys[i]);
        json_decref(files);
        TRY(status);
    }
    cell->search_keys = (const char(*)[SHA256_HEX])keys;
    return STATUS_OK;
}

static enum status fill_cells(const struct experiment *e, const char *device, const char *models_folder,
                              json_t *models, json_t *searches, struct arena *arena, struct plan *plan)
{
    size_t n = 0;
    json_t *known = json_object();
    enum status status = STATUS_OK;
    for (size_t d = 0; d < e->n_datasets && status == STATUS_OK; d++) {
        json_t *base = dataset_part(e, d, &plan->datasets[d], device);
        status = evaluate_part(e, models_folder, arena, base);
        for (size_t f = 0; f < plan->datasets[d].n_folds; f++)
            for (size_t m = 0; m < e->n_models; m++)
                for (size_t s = 0; s < e->n_seeds && status == STATUS_OK; s++) {
                    struct cell *cell = &plan->cells[n++];
                    *cell = (struct cell){.dataset = d, .fold = f, .model = m, .seed = s};
                    json_t *files = json_object();
                    status = cell_files(e, cell, known, arena, files);
                    if (status == STATUS_OK)
                        status = cell_key(base, json_array_get(models, m), f, e->seeds[s], files, cell->key);
                    json_decref(files);
                    if (status == STATUS_OK)
                        status = search_keys(e, cell, base, json_array_get(searches, m), known, arena);
                }
        json_decref(base);
    }
    json_decref(known);
    return status;
}

enum status plan_keys(const struct experiment *e, const char *device, const char *models, struct arena *arena,
                      struct plan *plan)
{
    json_t *encoders = json_object(), *parts = json_array(), *searches = json_array();
    enum status status = STATUS_OK;
    for (size_t m = 0; m < e->n_models && status == STATUS_OK; m++) {
        json_t *part = NULL, *its = json_array();
        status = model_part(&e->models[m], models, encoders, arena, &part);
        if (status == STATUS_OK)
            status = search_parts(&e->models[m], models, encoders, arena, its);
        json_array_append_new(parts, part);
        json_array_append_new(searches, its);
    }
    if (status == STATUS_OK)
        status = fill_cells(e, device, models, parts, searches, arena, plan);
    json_decref(encoders);
    json_decref(parts);
    json_decref(searches);
    return status;
}
