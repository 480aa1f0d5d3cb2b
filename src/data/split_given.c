/*
 * split_given.c - a split as someone published it: files of test rows, and of train rows or "the rest".
 *
 * What is in a file goes into the fold as it stands, after these rules (docs/splits.md):
 * - ids are translated as `ids` says (split_ids.h); a row with an unknown id is an error, or dropped and
 * counted.
 * - a pair that the dataset has, but the filters removed, is dropped and counted: filters come before the
 * split.
 * - a pair that the dataset lacks is kept and counted; its source_row is UINT64_MAX, its value 1 unless the
 * file has one.
 * - rating and time of the file win over the dataset's (of the pair's last row); but a value that a filter
 * rewrote (binarize) stays as the filter made it.  A part has times only when each of its rows has one.
 * - train: rest is what the filters leave minus every pair of this fold's test and valid.
 * A list of files gives as many folds: test: [u1.test, u2.test], train: [u1.base, u2.base].
 */
#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "data/split_file.h"
#include "data/split_ids.h"
#include "data/split_kinds.h"

struct given_params {
    const struct node *train, *valid, *test, *ids;
    int format, unknown, more_fields;
    bool header;
};
enum { UNKNOWN_ERROR, UNKNOWN_DROP };

static const struct param params[] = {
    PARAM_NODE(struct given_params, train, "a file, a list of files (one a fold), or the word rest"),
    PARAM_NODE(struct given_params, valid, "a file or a list of files"),
    PARAM_NODE(struct given_params, test, "a file or a list of files"),
    PARAM_NODE(struct given_params, ids,
               "publisher (default), dense0, dense1, or {users: FILE, items: FILE, order: "
               "id_publisher|publisher_id}"),
    PARAM_CHOICE(struct given_params, format, "auto", "auto|tsv|csv|adjacency",
                 "lines of user, item, rating, time, or of a user and items"),
    PARAM_CHOICE(struct given_params, unknown, "error", "error|drop",
                 "what to do with a row whose id is unknown"),
    PARAM_BOOL(struct given_params, header, 0, "the first line of a tsv or csv names the columns"),
    PARAM_CHOICE(struct given_params, more_fields, "error", "error|ignore",
                 "what becomes of fields of a tsv or csv behind user, item, rating, time"),
    PARAM_END};

static bool is_rest(const struct node *train)
{
    return train->kind == NODE_SCALAR && !train->quoted && strcmp(train->text, "rest") == 0;
}

static size_t n_files(const struct node *node)
{
    return node->kind == NODE_LIST ? node->n : 1;
}

static const struct node *file_at(const struct node *node, size_t k)
{
    return node->kind == NODE_LIST ? node->child[k] : node;
}

static enum status check_files(const struct node *node, const char *name, size_t n_folds)
{
    if (node->kind == NODE_MAP || n_files(node) == 0)
        return node_fail(node, "%s of a given split is a file or a list of files", name);
    if (n_files(node) != n_folds)
        return node_fail(node, "%s names %zu file%s and test %zu: one a fold is expected", name,
                         n_files(node), n_files(node) == 1 ? "" : "s", n_folds);
    for (size_t k = 0; k < n_files(node); k++) {
        const struct node *file = file_at(node, k);
        if (file->kind != NODE_SCALAR || file->text[0] == '\0')
            return node_fail(file, "%s of a given split: a file's path is expected", name);
        TRY(split_file_exists(file->text, file));
    }
    return STATUS_OK;
}

static enum status check(const void *values, const struct node *where)
{
    const struct given_params *p = values;
    if (p->test == NULL || p->train == NULL)
        return node_fail(where, "a given split needs `%s`%s", p->test == NULL ? "test" : "train",
                         p->test == NULL ? ": a file, or a list of files"
                                         : ": a file, a list of files, or `rest`");
    const size_t n_folds = p->test->kind == NODE_MAP ? 1 : n_files(p->test);
    TRY(check_files(p->test, "test", n_folds));
    if (!is_rest(p->train))
        TRY(check_files(p->train, "train", n_folds));
    if (p->valid != NULL)
        TRY(check_files(p->valid, "valid", n_folds));
    struct ids_choice ids;
    return ids_parse(p->ids, &ids);
}

static enum status files(const void *values, struct arena *arena, struct param_list *out)
{
    const struct given_params *p = values;
    const struct node *lists[] = {p->train, p->valid, p->test};
    struct ids_choice ids;
    TRY(ids_parse(p->ids, &ids));
    size_t most = 2;
    for (size_t k = 0; k < 3; k++)
        most += lists[k] != NULL ? n_files(lists[k]) : 0;
    ARENA_NEW(out->item, arena, most);
    out->n = 0;
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; lists[k] != NULL && !(k == 0 && is_rest(p->train)) && i < n_files(lists[k]); i++)
            out->item[out->n++] = file_at(lists[k], i)->text;
    if (ids.users.kind == IDS_MAP)
        out->item[out->n++] = ids.users.path;
    if (ids.items.kind == IDS_MAP)
        out->item[out->n++] = ids.items.path;
    return STATUS_OK;
}

/* Rows of a set of interactions by pair. */
struct pair {
    uint32_t item;
    uint64_t row;
};
struct pair_index {
    uint64_t *ptr;     /* [n_users + 1] */
    struct pair *pair; /* of each user, by item, then row */
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static enum status index_pairs(const struct interactions *in, uint32_t n_users, struct arena *arena,
                               struct pair_index *out)
{
    ARENA_NEW(out->ptr, arena, (size_t)n_users + 1);
    ARENA_NEW(out->pair, arena, in->n);
    for (uint64_t r = 0; r < in->n; r++) {
        out->ptr[in->user[r] + 1]++;
        out->pair[r] = (struct pair){in->item[r], r};
    }
    for (uint32_t u = 0; u < n_users; u++) {
        out->ptr[u + 1] += out->ptr[u];
        qsort(out->pair + out->ptr[u], out->ptr[u + 1] - out->ptr[u], sizeof *out->pair, compare_pairs);
    }
    return STATUS_OK;
}

/* Where the rows of (user, item) begin in index->pair; *n of them, rows rising. */
static uint64_t find_pair(const struct pair_index *index, uint32_t user, uint32_t item, uint64_t *n)
{
    uint64_t low = index->ptr[user], high = index->ptr[user + 1];
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (index->pair[middle].item < item)
            low = middle + 1;
        else
            high = middle;
    }
    *n = 0;
    while (low + *n < index->ptr[user + 1] && index->pair[low + *n].item == item)
        ++*n;
    return low;
}

/* What every file of the split is read with. */
struct reader {
    const struct given_params *p;
    const struct dataset *d;
    const struct interactions *in;
    struct arena *arena;
    struct ids users, items;
    struct pair_index of_dataset, of_in;
    struct fold *fold; /* takes the counts */
};

struct given_row {
    uint32_t user, item;
    float value;
    bool has_time;
    int64_t time;
    uint64_t position; /* in the dataset; UINT64_MAX: not there */
    uint64_t order;    /* in the file */
};

static int compare_rows(const void *a, const void *b)
{
    const struct given_row *x = a, *y = b;
    if (x->user != y->user)
        return x->user < y->user ? -1 : 1;
    if (x->has_time && x->time != y->time) /* all rows of the part have times, or none */
        return x->time < y->time ? -1 : 1;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static enum status unknown_id(const char *path, size_t line, const struct ids *ids, const char *id,
                              uint32_t length)
{
    return status_fail(STATUS_DATA,
                       "%s:%zu: %s id '%.*s' is not known to the dataset (%u %ss; is `ids` right? "
                       "`unknown: drop` leaves such rows out)",
                       path, line, ids->noun, (int)(length < 80 ? length : 80), id, ids->n, ids->noun);
}

/* One entry to one row; *keep false: dropped and counted. */
static enum status read_entry(struct reader *r, const char *path, const struct split_entry *e,
                              struct given_row *out, bool *keep)
{
    const struct interactions *all = &r->d->interactions;
    const uint32_t user = ids_find(&r->users, e->user, e->user_length);
    const uint32_t item = ids_find(&r->items, e->item, e->item_length);
    *keep = user != UINT32_MAX && item != UINT32_MAX;
    if (!*keep) {
        r->fold->n_unknown_dropped++;
        if (r->p->unknown == UNKNOWN_DROP)
            return STATUS_OK;
        if (user == UINT32_MAX)
            return unknown_id(path, e->line, &r->users, e->user, e->user_length);
        return unknown_id(path, e->line, &r->items, e->item, e->item_length);
    }
    *out = (struct given_row){user, item, e->has_value ? e->value : 1, e->has_time, e->time, UINT64_MAX, 0};
    uint64_t n_all, n_in;
    const uint64_t at_all = find_pair(&r->of_dataset, user, item, &n_all);
    if (n_all == 0) {
        r->fold->n_not_in_dataset++;
        return STATUS_OK;
    }
    const uint64_t at_in = find_pair(&r->of_in, user, item, &n_in);
    if (n_in == 0) {
        *keep = false;
        r->fold->n_filtered_dropped++;
        return STATUS_OK;
    }
    const uint64_t row = r->of_in.pair[at_in + n_in - 1].row;
    out->position = r->of_dataset.pair[at_all + n_all - 1].row;
    const bool rewritten = r->in->source_row[row] == all->source_row[out->position] &&
                           r->in->value[row] != all->value[out->position];
    if (!e->has_value || rewritten)
        out->value = r->in->value[row];
    if (!e->has_time && r->in->time != NULL) {
        out->has_time = true;
        out->time = r->in->time[row];
    }
    return STATUS_OK;
}

static enum status read_part(struct reader *r, const char *path, struct interactions *out)
{
    struct split_entry *entries;
    struct given_row *rows;
    size_t n_entries, n = 0;
    TRY(split_file_read(path, (enum split_format)r->p->format, r->p->header, r->p->more_fields != 0, r->arena,
                        &entries, &n_entries));
    ARENA_NEW(rows, r->arena, n_entries);
    bool times = true;
    for (size_t k = 0; k < n_entries; k++) {
        bool keep;
        TRY(read_entry(r, path, &entries[k], &rows[n], &keep));
        if (!keep)
            continue;
        rows[n].order = k;
        times = times && rows[n].has_time;
        n++;
    }
    for (size_t k = 0; k < n; k++)
        rows[k].has_time = times;
    qsort(rows, n, sizeof *rows, compare_rows);
    *out = (struct interactions){.n = n};
    ARENA_NEW(out->user, r->arena, n);
    ARENA_NEW(out->item, r->arena, n);
    ARENA_NEW(out->value, r->arena, n);
    ARENA_NEW(out->source_row, r->arena, n);
    if (times)
        ARENA_NEW(out->time, r->arena, n);
    for (size_t k = 0; k < n; k++) {
        out->user[k] = rows[k].user;
        out->item[k] = rows[k].item;
        out->value[k] = rows[k].value;
        out->source_row[k] =
            rows[k].position != UINT64_MAX ? r->d->interactions.source_row[rows[k].position] : UINT64_MAX;
        if (times)
            out->time[k] = rows[k].time;
    }
    return STATUS_OK;
}

/* What the filters left minus the pairs of test and valid. */
static enum status take_rest(const struct reader *r, struct interactions *out)
{
    const struct interactions *held_out[] = {&r->fold->test, &r->fold->valid};
    uint8_t *part;
    ARENA_NEW(part, r->arena, r->in->n);
    for (size_t h = 0; h < 2; h++) {
        for (uint64_t k = 0; k < held_out[h]->n; k++) {
            uint64_t n;
            const uint64_t at = find_pair(&r->of_in, held_out[h]->user[k], held_out[h]->item[k], &n);
            for (uint64_t i = at; i < at + n; i++)
                part[r->of_in.pair[i].row] = 1;
        }
    }
    return split_take(r->in, part, 0, r->arena, out);
}

static enum status read_folds(struct reader *r, struct fold *folds, size_t n_folds)
{
    const struct given_params *p = r->p;
    for (size_t f = 0; f < n_folds; f++) {
        r->fold = &folds[f];
        TRY(read_part(r, file_at(p->test, f)->text, &folds[f].test));
        if (p->valid != NULL)
            TRY(read_part(r, file_at(p->valid, f)->text, &folds[f].valid));
        if (is_rest(p->train))
            TRY(take_rest(r, &folds[f].train));
        else
            TRY(read_part(r, file_at(p->train, f)->text, &folds[f].train));
    }
    return STATUS_OK;
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct fold **folds, size_t *n_folds)
{
    struct reader r = {.p = values, .d = d, .in = in, .arena = arena};
    struct ids_choice ids;
    const bool drop = r.p->unknown == UNKNOWN_DROP;
    TRY(ids_parse(r.p->ids, &ids));
    TRY(index_pairs(in, d->n_users, arena, &r.of_in));
    TRY(index_pairs(&d->interactions, d->n_users, arena, &r.of_dataset));
    *n_folds = n_files(r.p->test);
    ARENA_NEW(*folds, arena, *n_folds);
    TRY(ids_open(&ids.users, ids.publisher_first, drop, "user", &d->user_ids, arena, &r.users));
    enum status s = ids_open(&ids.items, ids.publisher_first, drop, "item", &d->item_ids, arena, &r.items);
    if (s == STATUS_OK)
        s = read_folds(&r, *folds, *n_folds);
    ids_free(&r.users);
    ids_free(&r.items);
    return s;
}

const struct split_type split_given = {
    .name = "given",
    .help = "train, valid and test as published in files",
    .loses = "rows with unknown ids (under unknown: drop) and rows whose pair the filters removed",
    .params = params,
    .params_size = sizeof(struct given_params),
    .check = check,
    .files = files,
    .apply = apply,
};
