/* columns_io.c - see columns_io.h. */
#include "models/columns_io.h"

#include <string.h>

#include "models/history.h"

static enum status join(const char *prefix, const char *part, char *name, size_t room)
{
    return snprintf(name, room, "%s_%s", prefix, part) < (int)room
               ? STATUS_OK
               : status_fail(STATUS_SYSTEM, "%s: the name of a part of a model file is too long", prefix);
}

enum status strings_put(struct model_writer *w, const char *prefix, const struct strings *s,
                        struct arena *scratch)
{
    char name[64];
    const uint64_t n_bytes = s->n > 0 ? s->offsets[s->n] : 0, n_words = (n_bytes + 3) / 4;
    uint32_t *word = NULL;
    int64_t *end = NULL;
    ARENA_NEW(word, scratch, n_words + 1); /* an empty array would be no array */
    ARENA_NEW(end, scratch, s->n + 1);
    if (n_bytes > 0)
        memcpy(word, s->bytes, n_bytes);
    for (uint64_t i = 0; i < s->n; i++)
        end[i + 1] = (int64_t)s->offsets[i + 1];
    TRY(join(prefix, "bytes", name, sizeof name));
    TRY(model_put(w, name, ARRAY_U32, n_words + 1, 1, word));
    TRY(join(prefix, "ends", name, sizeof name));
    return model_put(w, name, ARRAY_I64, s->n + 1, 1, end);
}

enum status strings_get(struct model_reader *r, const char *prefix, uint64_t n, struct arena *arena,
                        struct strings *out)
{
    char name[64];
    const void *word, *end;
    uint64_t n_words = 0, n_ends = n > 0 ? n + 1 : 0, one = 1;
    TRY(join(prefix, "bytes", name, sizeof name));
    TRY(model_get(r, name, ARRAY_U32, &n_words, &one, &word));
    TRY(join(prefix, "ends", name, sizeof name));
    TRY(model_get(r, name, ARRAY_I64, &n_ends, &one, &end));
    const int64_t *e = end;
    uint64_t *offsets = NULL;
    ARENA_NEW(offsets, arena, n_ends);
    for (uint64_t i = 0; i < n_ends; i++) {
        if (e[i] < (i > 0 ? e[i - 1] : 0) || (uint64_t)e[i] > n_words * 4 || (i == 0 && e[i] != 0))
            return status_fail(STATUS_DATA,
                               "%s of the model file: ends of strings fall or pass the bytes: the file is "
                               "damaged",
                               prefix);
        offsets[i] = (uint64_t)e[i];
    }
    *out = (struct strings){.n = n_ends - 1, .offsets = offsets, .bytes = word};
    return STATUS_OK;
}

enum status column_put(struct model_writer *w, const char *prefix, const struct column *c, uint32_t n_items,
                       struct arena *scratch)
{
    char name[64];
    const uint32_t kind = (uint32_t)c->kind;
    const uint64_t offsets[2] = {0, strlen(c->name)};
    const struct strings title = {.n = 1, .offsets = offsets, .bytes = c->name};
    TRY(join(prefix, "kind", name, sizeof name));
    TRY(model_put(w, name, ARRAY_U32, 1, 1, &kind));
    TRY(join(prefix, "name", name, sizeof name));
    TRY(strings_put(w, name, &title, scratch));
    TRY(join(prefix, "values", name, sizeof name));
    if (c->kind == COLUMN_NUMBER)
        return model_put(w, name, ARRAY_F32, n_items, 1, c->number);
    if (c->kind == COLUMN_TEXT)
        return strings_put(w, name, &c->text, scratch);
    TRY(csr_put(w, name, &c->list));
    TRY(join(prefix, "names", name, sizeof name));
    return strings_put(w, name, &c->names, scratch);
}

enum status column_get(struct model_reader *r, const char *prefix, uint32_t n_items, struct arena *arena,
                       struct column *out)
{
    char name[64];
    const void *kind, *number;
    struct strings title;
    uint64_t n = n_items, one = 1;
    TRY(join(prefix, "kind", name, sizeof name));
    TRY(model_get(r, name, ARRAY_U32, &one, &one, &kind));
    if (*(const uint32_t *)kind > COLUMN_NUMBER)
        return status_fail(STATUS_DATA,
                           "%s of the model file is no known kind of column: the file is damaged", prefix);
    *out = (struct column){.kind = (enum column_kind) * (const uint32_t *)kind};
    TRY(join(prefix, "name", name, sizeof name));
    TRY(strings_get(r, name, 1, arena, &title));
    out->name = strings_copy(&title, 0, arena);
    if (out->name == NULL)
        return STATUS_SYSTEM;
    TRY(join(prefix, "values", name, sizeof name));
    if (out->kind == COLUMN_NUMBER) {
        TRY(model_get(r, name, ARRAY_F32, &n, &one, &number));
        out->number = number;
        return STATUS_OK;
    }
    if (out->kind == COLUMN_TEXT)
        return strings_get(r, name, n_items, arena, &out->text);
    char names[64];
    TRY(join(prefix, "names", names, sizeof names));
    TRY(strings_get(r, names, 0, arena, &out->names));
    TRY(csr_get(r, name, (uint32_t)out->names.n, false, &out->list));
    if (out->list.n_rows == n_items)
        return STATUS_OK;
    return status_fail(STATUS_DATA, "%s of the model file has not one row an item: the file is damaged",
                       prefix);
}
