/*
 * plan.c - the cells of an experiment.
 */
#include "experiment/plan.h"

#include <string.h>

#include "experiment/capture.h"
#include "experiment/inside.h"
#include "experiment/searches.h"

enum { LIMIT_CELLS = 10000000 };

/* The auditor's counts; its own memory is given back, and only details stay. */
static enum status audit_one(const struct dataset *d, const struct fold *fold, struct arena *arena,
                             struct audit *out)
{
    struct arena *scratch = arena_new();
    enum status status = scratch != NULL ? audit_fold(d, fold, scratch, out) : STATUS_SYSTEM;
    for (size_t k = 0; status == STATUS_OK && k < N_AUDITS; k++) {
        out->detail[k] = arena_strdup(arena, out->detail[k]);
        status = out->detail[k] != NULL ? STATUS_OK : STATUS_SYSTEM;
    }
    arena_free(scratch);
    return status;
}

static enum status fill_dataset(const struct stage *s, struct arena *arena, struct dataset_plan *out)
{
    out->sha256 = arena_strdup(arena, s->dataset->content_sha256);
    out->n_users = s->dataset->n_users;
    out->n_items = s->dataset->n_items;
    out->n_interactions = s->n_interactions;
    out->n_filtered = s->n_filtered;
    out->n_texts = s->dataset->texts.n;
    out->n_links = s->n_links;
    out->n_links_filtered = s->n_links_filtered;
    out->bytes = arena_bytes(s->data);
    out->n_folds = s->n_folds;
    ARENA_NEW(out->folds, arena, s->n_folds);
    for (size_t f = 0; f < s->n_folds; f++) {
        const struct fold *fold = &s->folds[f];
        out->folds[f] = (struct fold_plan){fold->train.n,
                                           fold->valid.n,
                                           fold->test.n,
                                           fold->n_test_users,
                                           fold->n_unknown_dropped,
                                           fold->n_duplicates,
                                           fold->n_train_test_pairs,
                                           fold->n_cold_test_items,
                                           fold->n_filtered_dropped,
                                           fold->n_not_in_dataset,
                                           fold->n_cold_test_users,
                                           fold->n_users_without_test,
                                           fold->n_left_out,
                                           fold->dropped.n,
                                           {{0}, {0}, {NULL}}};
        TRY(audit_one(s->dataset, fold, arena, &out->folds[f].audit));
    }
    return out->sha256 != NULL ? STATUS_OK : STATUS_SYSTEM;
}

/* keep: the stage goes there in place of being closed; NULL: it is closed. */
static enum status plan_dataset(const struct dataset_config *config, struct arena *arena,
                                struct dataset_plan *out, struct stage *keep)
{
    *out = (struct dataset_plan){
        .status = STATUS_UNAVAILABLE, .sentence = config->unavailable, .sha256 = "", .n_folds = 1};
    ARENA_NEW(out->folds, arena, 1);
    if (config->unavailable != NULL)
        return STATUS_OK;
    struct capture capture;
    struct stage own, *stage = keep != NULL ? keep : &own;
    capture_begin(&capture);
    out->status = stage_open(config, stage);
    capture_end(&capture);
    enum status status = STATUS_OK;
    if (out->status == STATUS_OK)
        status = fill_dataset(stage, arena, out);
    if (keep == NULL || out->status != STATUS_OK)
        stage_close(stage);
    if (out->status != STATUS_OK)
        out->sentence = arena_strdup(arena, capture.sentence);
    return status;
}

/* A search, and a fit on train and validation rows, need validation rows. */
static enum status check_validation(const struct experiment *e, const struct plan *plan)
{
    for (size_t d = 0; d < e->n_datasets; d++)
        for (size_t m = 0; m < e->n_models && plan->datasets[d].status == STATUS_OK; m++)
            for (size_t f = 0; f < plan->datasets[d].n_folds; f++)
                if ((searches_any(&e->models[m]) || e->models[m].fit_valid || e->models[m].history_valid) &&
                    plan->datasets[d].folds[f].n_valid == 0)
                    return node_fail(
                        e->models[m].search != NULL ? e->models[m].search->where
                        : e->models[m].n_inside > 0 ? e->models[m].inside[0].model.search->where
                                                    : e->models[m].where,
                        "%s: %s needs validation rows, and dataset %s has none in fold %zu; cut them off "
                        "train, as in "
                        "validation: {kind: random, test: 0.1}",
                        e->models[m].label,
                        searches_any(&e->models[m]) ? "a search"
                        : e->models[m].fit_valid    ? "fit_on: train+valid"
                                                    : "history: train+valid",
                        e->datasets[d].name, f);
    return STATUS_OK;
}

enum status plan_make(const struct experiment *e, const char *device, const char *models, struct arena *arena,
                      struct plan *out, struct stage *only)
{
    size_t n_folds = 0;
    *out = (struct plan){0};
    ARENA_NEW(out->datasets, arena, e->n_datasets);
    for (size_t d = 0; d < e->n_datasets; d++) {
        TRY(plan_dataset(&e->datasets[d], arena, &out->datasets[d], e->n_datasets == 1 ? only : NULL));
        if (out->datasets[d].status != STATUS_OK)
            out->datasets[d].n_folds = 1;
        n_folds += out->datasets[d].n_folds;
    }
    TRY(check_validation(e, out));
    if (n_folds > LIMIT_CELLS / (e->n_models * e->n_seeds))
        return status_fail(STATUS_USAGE, "%s: more than %d cells", e->file, LIMIT_CELLS);
    out->n_cells = n_folds * e->n_models * e->n_seeds;
    ARENA_NEW(out->cells, arena, out->n_cells);

    TRY(plan_keys(e, device, models, arena, out));
    char *keys;
    ARENA_NEW(keys, arena, out->n_cells * SHA256_HEX);
    for (size_t i = 0; i < out->n_cells; i++)
        memcpy(keys + i * SHA256_HEX, out->cells[i].key, SHA256_HEX);
    sha256_hex(keys, out->n_cells * SHA256_HEX, out->sha256);
    return STATUS_OK;
}
