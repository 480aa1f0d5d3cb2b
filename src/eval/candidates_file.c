/* candidates_file.c - candidates_read() of candidates.h. */
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "data/split_file.h"
#include "eval/candidates_parts.h"

struct reading {
    const char *path;
    struct string_map *users, *items;
    uint64_t *pair; /* user << 32 | item */
    size_t n, allocated;
};

static enum status fill_map(struct string_map *map, const struct strings *ids)
{
    for (uint64_t i = 0; i < ids->n; i++)
        if (string_map_add(map, strings_at(ids, i), strings_length(ids, i)) == UINT32_MAX)
            return STATUS_SYSTEM;
    return STATUS_OK;
}

static enum status find(const struct reading *r, const struct string_map *map, const char *noun,
                        const char *id, size_t length, size_t line, uint32_t *out)
{
    *out = string_map_find(map, id, length);
    if (*out != UINT32_MAX)
        return STATUS_OK;
    return status_fail(
        STATUS_DATA,
        "%s:%zu: %s '%.*s' is not in the dataset that filters and split left; expected the publisher's ids: "
        "take it out of the file, or check filters and split",
        r->path, line, noun, (int)(length < 60 ? length : 60), id);
}

static enum status add(struct reading *r, uint32_t user, uint32_t item)
{
    if (r->n == r->allocated) {
        const size_t n = r->allocated == 0 ? 1 << 16 : r->allocated * 2;
        uint64_t *bigger = realloc(r->pair, n * sizeof *bigger);
        if (bigger == NULL)
            return status_fail(STATUS_SYSTEM, "memory is out: %zu candidates of %s", n, r->path);
        r->pair = bigger, r->allocated = n;
    }
    r->pair[r->n++] = (uint64_t)user << 32 | item;
    return STATUS_OK;
}

/* A line of NCF: "(user,item)", then items, parted by tabs. */
static enum status ncf_line(struct reading *r, const char *line, size_t length, size_t number)
{
    const char *end = line + length, *comma = memchr(line, ',', length), *close = memchr(line, ')', length);
    uint32_t user, item;
    if (length < 5 || line[0] != '(' || comma == NULL || close == NULL || comma > close)
        return status_fail(STATUS_DATA, "%s:%zu: expected (user,item) and the candidates, parted by tabs",
                           r->path, number);
    TRY(find(r, r->users, "user", line + 1, (size_t)(comma - line - 1), number, &user));
    for (const char *at = comma + 1, *stop = close; at < end; at = stop + 1) {
        if (at > close) {
            stop = memchr(at, '\t', (size_t)(end - at));
            stop = stop != NULL ? stop : end;
        }
        if (stop > at) {
            TRY(find(r, r->items, "item", at, (size_t)(stop - at), number, &item));
            TRY(add(r, user, item));
        }
    }
    return STATUS_OK;
}

static enum status read_ncf(struct reading *r, struct split_text *text)
{
    const char *line;
    size_t length;
    while (split_text_line(text, &line, &length))
        if (length > 0)
            TRY(ncf_line(r, line, length, text->line));
    return STATUS_OK;
}

static enum status read_pairs(struct reading *r, const char *path, bool header, struct arena *arena)
{
    struct split_entry *entry;
    size_t n;
    uint32_t user, item;
    TRY(split_file_read(path, SPLIT_AUTO, header, false, arena, &entry, &n));
    for (size_t i = 0; i < n; i++) {
        TRY(find(r, r->users, "user", entry[i].user, entry[i].user_length, entry[i].line, &user));
        TRY(find(r, r->items, "item", entry[i].item, entry[i].item_length, entry[i].line, &item));
        TRY(add(r, user, item));
    }
    return STATUS_OK;
}

static enum status check_users(const struct reading *r, const struct candidates_of *of,
                               const struct strings *users)
{
    size_t at = 0;
    for (uint32_t u = 0; u < of->n_users; u++) {
        while (at < r->n && r->pair[at] >> 32 < of->users[u])
            at++;
        if (at == r->n || r->pair[at] >> 32 != of->users[u])
            return status_fail(
                STATUS_DATA, "%s: user '%.*s' has test rows but no candidate: add a line for each test user",
                r->path, (int)strings_length(users, of->users[u]), strings_at(users, of->users[u]));
    }
    return STATUS_OK;
}

/* All pairs of the file, rising, each once. */
static enum status read_all(struct reading *r, const struct strings *users, const struct strings *items,
                            struct arena *arena)
{
    struct split_text text;
    const char *line = "";
    size_t length = 0, n = 0;
    TRY(fill_map(r->users, users));
    TRY(fill_map(r->items, items));
    TRY(split_text_open(r->path, arena, &text));
    struct split_text start = text;
    if (split_text_line(&start, &line, &length) && length > 0 && line[0] == '(')
        TRY(read_ncf(r, &text));
    else
        TRY(read_pairs(r, r->path, length >= 4 && memcmp(line, "user", 4) == 0, arena));
    if (r->n > 0)
        qsort(r->pair, r->n, sizeof *r->pair, rising_u64);
    for (size_t i = 0; i < r->n; i++)
        if (n == 0 || r->pair[n - 1] != r->pair[i])
            r->pair[n++] = r->pair[i];
    r->n = n;
    return STATUS_OK;
}

static enum status reading_open(struct reading *r, const char *path, struct arena **scratch)
{
    *r = (struct reading){.path = path, .users = string_map_new(), .items = string_map_new()};
    *scratch = arena_new();
    return r->users != NULL && r->items != NULL && *scratch != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static void reading_close(struct reading *r, struct arena *scratch)
{
    free(r->pair);
    string_map_free(r->users);
    string_map_free(r->items);
    arena_free(scratch);
}

enum status candidates_read(const struct candidates_config *config, const char *path,
                            const struct strings *users, const struct strings *items,
                            const struct candidates_of *of, struct arena *arena, struct candidates *out)
{
    struct reading r;
    struct arena *scratch;
    enum status status = reading_open(&r, path, &scratch);
    if (status == STATUS_OK)
        status = read_all(&r, users, items, scratch);
    if (status == STATUS_OK)
        status = check_users(&r, of, users);
    if (status == STATUS_OK)
        status = candidates_store(of, r.pair, r.n, config->by == CANDIDATES_UNIFORM, arena, out);
    reading_close(&r, scratch);
    return status;
}

/* Pairs that rise are rows already. */
static enum status store_lists(const struct reading *r, uint32_t n_users, uint32_t n_items,
                               struct arena *arena, struct csr *out)
{
    int64_t *ptr;
    uint32_t *idx;
    ARENA_NEW(ptr, arena, (size_t)n_users + 1);
    ARENA_NEW(idx, arena, r->n);
    for (size_t i = 0; i < r->n; i++) {
        ptr[(r->pair[i] >> 32) + 1]++;
        idx[i] = (uint32_t)r->pair[i];
    }
    for (uint32_t u = 0; u < n_users; u++)
        ptr[u + 1] += ptr[u];
    *out = (struct csr){.n_rows = n_users, .n_cols = n_items, .nnz = (int64_t)r->n, .ptr = ptr, .idx = idx};
    return STATUS_OK;
}

enum status candidates_read_lists(const char *path, const struct strings *users, const struct strings *items,
                                  struct arena *arena, struct csr *out)
{
    struct reading r;
    struct arena *scratch;
    enum status status = reading_open(&r, path, &scratch);
    if (status == STATUS_OK)
        status = read_all(&r, users, items, scratch);
    if (status == STATUS_OK)
        status = store_lists(&r, (uint32_t)users->n, (uint32_t)items->n, arena, out);
    reading_close(&r, scratch);
    return status;
}
