/*
 * split.c - what all splits share: from the config to a split, from the split's folds to counted,
 * duplicate-free parts.  One file a split: split_random.c, split_temporal_global.c ...
 *
 * Everything is linear: rows are sorted by user (dataset.h), so that one stamp an item tells what the user at
 * hand has in a part.
 */
#include "data/split.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/strings.h"
#include "data/split_kinds.h"

/* clang-format off */
const struct split_type *const split_types[] = {
    &split_temporal_global,
    &split_temporal_user,
    &split_leave_one_out,
    &split_leave_last_n,
    &split_random,
    &split_k_fold,
    &split_cold_users,
    &split_cold_items,
    &split_folds,
    &split_given,
    NULL};
/* clang-format on */

enum status split_take(const struct interactions *in, const uint8_t *part, uint8_t wanted,
                       struct arena *arena, struct interactions *out)
{
    uint64_t n = 0;
    for (uint64_t r = 0; r < in->n; r++)
        n += part[r] == wanted;
    *out = (struct interactions){.n = n};
    ARENA_NEW(out->user, arena, n);
    ARENA_NEW(out->item, arena, n);
    ARENA_NEW(out->value, arena, n);
    ARENA_NEW(out->source_row, arena, n);
    if (in->time != NULL)
        ARENA_NEW(out->time, arena, n);
    n = 0;
    for (uint64_t r = 0; r < in->n; r++) {
        if (part[r] != wanted)
            continue;
        out->user[n] = in->user[r];
        out->item[n] = in->item[r];
        out->value[n] = in->value[r];
        out->source_row[n] = in->source_row[r];
        if (in->time != NULL)
            out->time[n] = in->time[r];
        n++;
    }
    return STATUS_OK;
}

enum status split_take_fold(const struct interactions *in, const uint8_t *part, struct arena *arena,
                            struct fold *out)
{
    TRY(split_take(in, part, SPLIT_TRAIN, arena, &out->train));
    TRY(split_take(in, part, SPLIT_VALID, arena, &out->valid));
    return split_take(in, part, SPLIT_TEST, arena, &out->test);
}

enum status split_parts(const struct dataset *d, const struct interactions *in, struct arena *arena,
                        uint8_t **part, uint64_t *n_duplicates)
{
    TRY(split_duplicates(d, in, arena, part, n_duplicates));
    for (uint64_t r = 0; r < in->n; r++)
        (*part)[r] = (*part)[r] != 0 ? SPLIT_NOWHERE : SPLIT_TRAIN;
    return STATUS_OK;
}

enum status split_duplicates(const struct dataset *d, const struct interactions *in, struct arena *arena,
                             uint8_t **duplicate, uint64_t *n)
{
    uint32_t *stamp;
    ARENA_NEW(stamp, arena, d->n_items);
    ARENA_NEW(*duplicate, arena, in->n);
    *n = 0;
    for (uint64_t r = in->n; r-- > 0;) { /* backwards: the last of a pair is met first */
        const uint32_t mark = in->user[r] + 1;
        if (stamp[in->item[r]] == mark) {
            (*duplicate)[r] = 1;
            ++*n;
        }
        stamp[in->item[r]] = mark;
    }
    return STATUS_OK;
}

/* "random, folds, ..." into `text`. */
static void split_names(char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; split_types[i] != NULL; i++)
        snprintf(text + strlen(text), size - strlen(text), "%s%s", i > 0 ? ", " : "", split_types[i]->name);
}

static enum status split_unknown_kind(const struct node *kind)
{
    const char *names[sizeof split_types / sizeof *split_types];
    char list[512];
    size_t n = 0;
    for (; split_types[n] != NULL; n++)
        names[n] = split_types[n]->name;
    const char *nearest = string_nearest(kind->text, names, n);
    if (nearest != NULL)
        return node_fail(kind, "unknown split '%s'; did you mean '%s'?", kind->text, nearest);
    split_names(list, sizeof list);
    return node_fail(kind, "unknown split '%s'; there are %s", kind->text, list);
}

/* The JSON of the parameters with "kind" and, a file each, "sha256": [...] of what is in them. */
static enum status split_json(struct split *split, struct arena *arena)
{
    char *params, *files = arena_strdup(arena, "");
    if (files == NULL)
        return STATUS_SYSTEM;
    TRY(params_json(split->type->params, split->params, arena, &params));
    if (split->type->files != NULL) {
        struct param_list list;
        TRY(split->type->files(split->params, arena, &list));
        for (size_t k = 0; k < list.n; k++) {
            char hex[SHA256_HEX];
            TRY(sha256_file(list.item[k], hex));
            files = arena_printf(arena, "%s%s\"%s\"", files, k > 0 ? "," : "", hex);
            if (files == NULL)
                return STATUS_SYSTEM;
        }
    }
    split->json = arena_printf(arena, "{\"files_sha256\":[%s],\"kind\":\"%s\",\"params\":%s}", files,
                               split->type->name, params);
    return split->json != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status split_parse(const struct node *node, struct arena *arena, struct split *out)
{
    *out = (struct split){.where = node};
    if (node->kind != NODE_MAP)
        return node_fail(node, "a split is a map, as in {kind: random, test: 0.2, seed: 42}");
    const struct node *kind = node_get(node, "kind");
    if (kind == NULL || kind->kind != NODE_SCALAR) {
        char list[512];
        split_names(list, sizeof list);
        return node_fail(node, "a split needs `kind`, one of: %s", list);
    }
    for (size_t i = 0; split_types[i] != NULL && out->type == NULL; i++)
        if (strcmp(split_types[i]->name, kind->text) == 0)
            out->type = split_types[i];
    if (out->type == NULL)
        return split_unknown_kind(kind);

    struct node *rest; /* the map without `kind`: what is left are the parameters */
    ARENA_NEW(rest, arena, 1);
    *rest = *node;
    ARENA_NEW(rest->child, arena, node->n);
    rest->n = 0;
    for (size_t i = 0; i < node->n; i++)
        if (node->child[i] != kind)
            rest->child[rest->n++] = node->child[i];
    out->params = arena_alloc(arena, 1, out->type->params_size);
    if (out->params == NULL)
        return STATUS_SYSTEM;
    TRY(params_default(out->type->params, arena, out->params));
    TRY(params_set(out->type->params, out->type->name, rest, arena, out->params));
    if (out->type->check != NULL)
        TRY(out->type->check(out->params, node));
    return split_json(out, arena);
}

static enum status drop_duplicates(const struct dataset *d, struct interactions *part, struct arena *arena,
                                   uint64_t *n_duplicates)
{
    uint8_t *duplicate;
    uint64_t n;
    struct interactions kept;
    TRY(split_duplicates(d, part, arena, &duplicate, &n));
    *n_duplicates += n;
    if (n == 0)
        return STATUS_OK;
    TRY(split_take(part, duplicate, 0, arena, &kept));
    *part = kept;
    return STATUS_OK;
}

/* Train and test are sorted by user: one walk over both. */
enum status split_count_fold(const struct dataset *d, struct fold *fold, struct arena *arena)
{
    const struct interactions *train = &fold->train, *test = &fold->test;
    uint32_t *stamp;
    uint8_t *warm;
    ARENA_NEW(stamp, arena, d->n_items);
    ARENA_NEW(warm, arena, d->n_items);
    fold->n_train_test_pairs = fold->n_test_users = fold->n_cold_test_items = 0;
    fold->n_cold_test_users = fold->n_users_without_test = 0;
    for (uint64_t r = 0; r < train->n; r++)
        warm[train->item[r]] = 1;
    uint64_t t = 0;
    for (uint64_t r = 0; r < test->n; r++) {
        const uint32_t user = test->user[r];
        if (r == 0 || test->user[r - 1] != user) {
            fold->n_test_users++;
            for (; t < train->n && train->user[t] <= user; t++)
                stamp[train->item[t]] = train->user[t] + 1;
        }
        fold->n_train_test_pairs += stamp[test->item[r]] == user + 1;
    }
    for (uint64_t a = 0, b = 0; a < train->n || b < test->n;) { /* users of either side, rising */
        const uint32_t of_train = a < train->n ? train->user[a] : UINT32_MAX;
        const uint32_t of_test = b < test->n ? test->user[b] : UINT32_MAX;
        fold->n_users_without_test += of_train < of_test;
        fold->n_cold_test_users += of_test < of_train;
        const uint32_t user = of_train < of_test ? of_train : of_test;
        while (a < train->n && train->user[a] == user)
            a++;
        while (b < test->n && test->user[b] == user)
            b++;
    }
    for (uint64_t r = 0; r < test->n; r++) {
        fold->n_cold_test_items += !warm[test->item[r]];
        warm[test->item[r]] = 1; /* each counts once */
    }
    return STATUS_OK;
}

/* Rows of a published split that are not run as published. */
static void tell_given(const struct dataset *d, const struct fold *fold, size_t f)
{
    if (fold->n_filtered_dropped > 0)
        log_warn(
            "%s fold %zu: %llu rows of the given split are left out, since the filters removed their pairs",
            d->name, f, (unsigned long long)fold->n_filtered_dropped);
    if (fold->n_not_in_dataset > 0)
        log_warn("%s fold %zu: %llu pairs of the given split are not in the dataset; they are kept", d->name,
                 f, (unsigned long long)fold->n_not_in_dataset);
}

enum status split_apply(const struct split *split, const struct dataset *d, const struct interactions *in,
                        struct arena *arena, struct fold **folds, size_t *n_folds)
{
    if (split->type->needs_time && in->time == NULL)
        return status_fail(
            STATUS_DATA,
            "%s:%d:%d: a %s split needs times, and dataset '%s' has none: take leave_last_n (the order of "
            "the source), random or k_fold",
            split->where->file, split->where->line, split->where->column, split->type->name, d->name);
    TRY(split->type->apply(split->params, d, in, arena, folds, n_folds));
    for (size_t f = 0; f < *n_folds; f++) {
        struct fold *fold = &(*folds)[f];
        TRY(drop_duplicates(d, &fold->train, arena, &fold->n_duplicates));
        TRY(drop_duplicates(d, &fold->valid, arena, &fold->n_duplicates));
        TRY(drop_duplicates(d, &fold->test, arena, &fold->n_duplicates));
        const char *empty = fold->train.n == 0 ? "train" : fold->test.n == 0 ? "test" : NULL;
        if (empty != NULL)
            return status_fail(
                STATUS_DATA,
                "%s:%d:%d: the %s split of dataset '%s' leaves no %s row in fold %zu (of %llu rows "
                "after the filters)",
                split->where->file, split->where->line, split->where->column, split->type->name, d->name,
                empty, f, (unsigned long long)in->n);
        TRY(split_count_fold(d, fold, arena));
        tell_given(d, fold, f);
    }
    return STATUS_OK;
}
