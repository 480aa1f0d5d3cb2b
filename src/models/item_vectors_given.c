/*
 * item_vectors_given.c - item vectors that somebody else made, by the items' ids: a folder of recfuse
 * import-embeddings, or a feature of the dataset.
 */
#include "models/item_vectors_given.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "llm/vectors.h"

/* What is said of items without a vector: counted and refused, or counted. */
static enum status judge_missing(const struct item_vectors_options *o, const struct view *view,
                                 const unsigned char *has, const char *where)
{
    uint32_t n_missing = 0, one = 0;
    for (uint32_t i = 0; i < view->n_items; i++)
        if (!has[i]) {
            one = n_missing == 0 ? i : one;
            n_missing++;
        }
    if (n_missing == 0)
        return STATUS_OK;
    if (n_missing == view->n_items || o->missing == ITEM_MISSING_REFUSE)
        return status_fail(
            STATUS_DATA,
            "%s: %u of the %u items have no vector, '%.*s' for one: are the ids the publisher's? "
            "(`missing: zero` lets such items go without)",
            where, n_missing, view->n_items, (int)strings_length(&view->item_ids, one),
            strings_at(&view->item_ids, one));
    log_info("%s: %u of the %u items have no vector", where, n_missing, view->n_items);
    return STATUS_OK;
}

/* Vectors of a folder by the items' ids. */
static enum status take_imported(const char *folder, const struct view *view, struct run *run, uint32_t *d,
                                 unsigned char *has, float **out)
{
    struct vectors file;
    uint32_t n_found = 0;
    TRY(vectors_open(folder, &file));
    *d = file.d;
    *out = arena_alloc(run->scratch, (size_t)view->n_items * file.d, sizeof **out);
    for (uint32_t i = 0; *out != NULL && i < view->n_items; i++) {
        const float *row =
            vectors_find(&file, strings_at(&view->item_ids, i), strings_length(&view->item_ids, i));
        has[i] = row != NULL;
        n_found += row != NULL;
        if (row != NULL)
            memcpy(*out + (size_t)i * file.d, row, file.d * sizeof *row);
    }
    log_info("%s: %u of its %u vectors are of items ranked here", folder, n_found, file.n);
    vectors_close(&file);
    return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
}

/* The dataset's own vectors: image features and the like. */
static enum status take_feature(const char *name, const struct view *view, struct run *run, uint32_t *d,
                                unsigned char *has, float **out)
{
    const struct feature *f = NULL;
    for (uint32_t i = 0; i < view->n_features; i++)
        if (strcmp(view->features[i].name, name) == 0)
            f = &view->features[i];
    if (f == NULL)
        return status_fail(
            STATUS_UNAVAILABLE,
            "the dataset has no feature '%s' (it has %u; recfuse import --feature NAME=FILE.npy,IDS "
            "adds one)",
            name, view->n_features);
    if (f->from_users)
        return status_fail(
            STATUS_DATA,
            "feature '%s' was made from what users did, so it may hold what is held out: it can't "
            "be item vectors",
            name);
    *d = f->width;
    ARENA_NEW(*out, run->scratch, (size_t)view->n_items * f->width);
    for (uint32_t i = 0; i < view->n_items; i++) {
        const float *row = f->value + (size_t)i * f->width;
        has[i] = !isnan(row[0]);
        if (has[i])
            memcpy(*out + (size_t)i * f->width, row, f->width * sizeof *row);
    }
    return STATUS_OK;
}

enum status item_vectors_given(const struct item_vectors_options *o, const char *feature, const char *folder,
                               const struct view *view, struct run *run, uint32_t *d,
                               const unsigned char **has, float **v)
{
    unsigned char *flags;
    ARENA_NEW(flags, run->scratch, view->n_items);
    *has = flags;
    TRY(folder != NULL ? take_imported(folder, view, run, d, flags, v)
                       : take_feature(feature, view, run, d, flags, v));
    return judge_missing(o, view, flags, folder != NULL ? folder : o->encoder);
}
