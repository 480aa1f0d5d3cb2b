/* stage.c - see stage.h. */
#include "experiment/stage.h"

#include "data/compact.h"
#include "data/filter.h"
#include "data/keep_train.h"
#include "data/store.h"
#include "data/view.h"

/* Moves a part of each fold's train rows to validation. */
static enum status cut_validation(const struct dataset_config *config, const struct dataset *d,
                                  struct stage *s)
{
    if (config->validation.type == NULL)
        return STATUS_OK;
    for (size_t f = 0; f < s->n_folds; f++) {
        struct fold *parts, *fold = &s->folds[f];
        size_t n;
        if (fold->valid.n > 0)
            return node_fail(
                config->validation.where,
                "dataset %s: its split has validation rows already (fold %zu: %llu); leave validation out",
                config->name, f, (unsigned long long)fold->valid.n);
        TRY(split_apply(&config->validation, d, &fold->train, s->data, &parts, &n));
        if (n != 1 || parts->valid.n > 0)
            return node_fail(config->validation.where,
                             "dataset %s: validation is one test part of train; this split gives %zu folds "
                             "and %llu validation rows",
                             config->name, n, (unsigned long long)parts->valid.n);
        fold->train = parts->train;
        fold->valid = parts->test;
    }
    return STATUS_OK;
}

enum status stage_open(const struct dataset_config *config, struct stage *out)
{
    *out = (struct stage){.name = config->name, .data = arena_new()};
    if (out->data == NULL)
        return STATUS_SYSTEM;
    struct dataset *whole;
    struct interactions rows;
    TRY(store_read(config->file, out->data, &whole));
    TRY(filters_apply(config->filter, whole, out->data, &rows));
    out->n_interactions = whole->interactions.n;
    out->n_filtered = rows.n;
    TRY(dataset_links(whole, &whole->interactions, &out->n_links));
    TRY(dataset_links(whole, &rows, &out->n_links_filtered));
    TRY(split_apply(&config->split, whole, &rows, out->data, &out->folds, &out->n_folds));
    TRY(cut_validation(config, whole, out));
    for (size_t f = 0; f < out->n_folds; f++) {
        if (config->keep_train.share > 0)
            TRY(keep_train_apply(&config->keep_train, config->name, &out->folds[f], out->data));
        TRY(split_count_fold(whole, &out->folds[f], out->data));
    }
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

/* Does row i of a come before row j of b? */
static bool comes_first(const struct interactions *a, uint64_t i, const struct interactions *b, uint64_t j)
{
    if (a->user[i] != b->user[j])
        return a->user[i] < b->user[j];
    if (a->time != NULL && b->time != NULL && a->time[i] != b->time[j])
        return a->time[i] < b->time[j];
    return a->source_row[i] <= b->source_row[j];
}

/* The rows of both in the order of the dataset. */
static enum status join(const struct interactions *a, const struct interactions *b, struct arena *arena,
                        struct interactions *out)
{
    *out = (struct interactions){.n = a->n + b->n};
    ARENA_NEW(out->user, arena, out->n);
    ARENA_NEW(out->item, arena, out->n);
    ARENA_NEW(out->value, arena, out->n);
    ARENA_NEW(out->source_row, arena, out->n);
    if (a->time != NULL && b->time != NULL)
        ARENA_NEW(out->time, arena, out->n);
    for (uint64_t r = 0, i = 0, j = 0; r < out->n; r++) {
        const bool first = j == b->n || (i < a->n && comes_first(a, i, b, j));
        const struct interactions *from = first ? a : b;
        const uint64_t row = first ? i++ : j++;
        out->user[r] = from->user[row];
        out->item[r] = from->item[row];
        out->value[r] = from->value[row];
        out->source_row[r] = from->source_row[row];
        if (out->time != NULL)
            out->time[r] = from->time[row];
    }
    return STATUS_OK;
}

enum status stage_fold(struct stage *stage, size_t fold)
{
    struct interactions train;
    arena_free(stage->fold_data);
    stage->fold_data = arena_new();
    if (stage->fold_data == NULL)
        return STATUS_SYSTEM;
    stage->whole = NULL;
    stage->fold = &stage->folds[fold];
    TRY(view_build(stage->dataset, stage->fold, stage->fold_data, &stage->view));
    TRY(join(&stage->fold->train, &stage->fold->dropped, stage->fold_data, &train));
    TRY(matrix(stage, &train, &stage->train));
    TRY(matrix(stage, &stage->fold->valid, &stage->valid));
    TRY(matrix(stage, &stage->fold->test, &stage->test));
    return users_of(&stage->test, stage->fold_data, &stage->users, &stage->n_users);
}

enum status stage_whole(struct stage *stage, const struct view **out)
{
    if (stage->whole == NULL) {
        struct fold *fold;
        struct interactions learned = stage->fold->valid;
        ARENA_NEW(fold, stage->fold_data, 1);
        *fold = *stage->fold;
        fold->valid = (struct interactions){0};
        if (fold->unlearned != NULL) { /* what isn't fitted on stays hidden */
            TRY(split_take(&stage->fold->valid, fold->unlearned, 0, stage->fold_data, &learned));
            TRY(split_take(&stage->fold->valid, fold->unlearned, 1, stage->fold_data, &fold->valid));
        }
        TRY(join(&stage->fold->train, &learned, stage->fold_data, &fold->train));
        TRY(view_build(stage->dataset, fold, stage->fold_data, &stage->whole));
    }
    *out = stage->whole;
    return STATUS_OK;
}

enum status stage_all(struct stage *stage, struct view **out)
{
    struct interactions some;
    struct fold *fold;
    ARENA_NEW(fold, stage->fold_data, 1); /* nothing is held out of it */
    TRY(join(&stage->fold->train, &stage->fold->valid, stage->fold_data, &some));
    TRY(join(&some, &stage->fold->test, stage->fold_data, &fold->train));
    return view_build(stage->dataset, fold, stage->fold_data, out);
}

void stage_close(struct stage *stage)
{
    arena_free(stage->fold_data);
    arena_free(stage->data);
    *stage = (struct stage){0};
}
