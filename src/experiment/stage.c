/* stage.c - see stage.h. */
#include "experiment/stage.h"

#include "data/compact.h"
#include "data/filter.h"
#include "data/store.h"
#include "data/view.h"

enum status stage_open(const struct dataset_config *config, struct stage *out)
{
    *out = (struct stage){.data = arena_new()};
    if (out->data == NULL)
        return STATUS_SYSTEM;
    struct dataset *whole;
    struct interactions rows;
    TRY(store_read(config->file, out->data, &whole));
    TRY(filters_apply(config->filter, whole, out->data, &rows));
    out->n_interactions = whole->interactions.n;
    out->n_filtered = rows.n;
    TRY(split_apply(&config->split, whole, &rows, out->data, &out->folds, &out->n_folds));
    return dataset_compact(whole, out->folds, out->n_folds, out->data, &out->dataset);
}

/* The users with a row in m, rising. */
static enum status users_of(const struct csr *m, struct arena *arena, uint32_t **users, uint32_t *n)
{
    *n = 0;
    for (uint32_t u = 0; u < m->n_rows; u++)
        *n += m->ptr[u + 1] > m->ptr[u];
    ARENA_NEW(*users, arena, *n);
    *n = 0;
    for (uint32_t u = 0; u < m->n_rows; u++)
        if (m->ptr[u + 1] > m->ptr[u])
            (*users)[(*n)++] = u;
    return STATUS_OK;
}

static enum status matrix(const struct stage *stage, const struct interactions *rows, struct csr *out)
{
    return csr_from_triples(stage->dataset->n_users, stage->dataset->n_items, rows->n, rows->user, rows->item,
                            rows->value, stage->fold_data, out, NULL);
}

enum status stage_fold(struct stage *stage, size_t fold)
{
    arena_free(stage->fold_data);
    stage->fold_data = arena_new();
    if (stage->fold_data == NULL)
        return STATUS_SYSTEM;
    stage->fold = &stage->folds[fold];
    TRY(view_build(stage->dataset, stage->fold, stage->fold_data, &stage->view));
    TRY(matrix(stage, &stage->fold->train, &stage->train));
    TRY(matrix(stage, &stage->fold->valid, &stage->valid));
    TRY(matrix(stage, &stage->fold->test, &stage->test));
    return users_of(&stage->test, stage->fold_data, &stage->users, &stage->n_users);
}

void stage_close(struct stage *stage)
{
    arena_free(stage->fold_data);
    arena_free(stage->data);
    *stage = (struct stage){0};
}
